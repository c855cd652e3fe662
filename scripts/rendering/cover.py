"""The drawn cover of an event without an image: the color of its audience, a pattern for its type, its date.

The same shapes are an SVG on pages and part of the picture for shared links.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup, escape

from files import sha256
from rendering import colors, dates
from rendering.views import EventView, slug

WIDTH, HEIGHT = 600, 400
TEXT_LEFT, TEXT_WIDTH = 40, 520
# The hue of an event without an audience; one with audiences has the hue of the first one's label.
NO_AUDIENCE = 0.62


@dataclass(frozen=True, slots=True)
class Shape:
    """A rectangle (left, top, right, bottom), or the circle or ellipse in it."""

    color: str
    box: tuple[float, float, float, float]
    round: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, on its baseline."""

    text: str
    baseline: float
    size: float
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Palette:
    """The colors of a cover: ground, text, and the three tones of its pattern, on which text is readable."""

    ground: str
    ink: str
    tones: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Cover:
    """The colors, shapes and texts of one cover."""

    ground: str
    ink: str
    shapes: tuple[Shape, ...]
    lines: tuple[Line, ...]


def of(view: EventView, order: tuple[str, ...]) -> Cover:
    """Return the cover of an event; `order` are the slugs of all audiences."""
    palette = _palette(hue_of(view.event.audiences[:1], order))
    kind = view.event.categories[0] if view.event.categories else ""
    pattern = _PATTERNS[int(sha256(slug(kind).encode())[:6], 16) % len(_PATTERNS)]
    date, weekday = _date(view)
    lines = (
        Line(_short(kind), 68, 27),
        Line(weekday, 318 - _fitting(date) * 0.98, 34),
        Line(date, 345, _fitting(date), bold=True),
    )
    return Cover(palette.ground, palette.ink, tuple(pattern(palette.tones)), lines)


@cache
def _palette(hue: float) -> Palette:
    """Return the colors of a hue. Computed once for each: it takes most of the time of a cover."""
    ground = colors.from_hls(hue, 0.27, 0.5)
    ink = colors.readable("#ffffff", ground)
    first, second, accent = (
        colors.readable(tone, ink)
        for tone in (
            colors.from_hls(hue, 0.36, 0.48),
            colors.from_hls(hue, 0.44, 0.46),
            colors.from_hls(hue + 0.12, 0.55, 0.62),
        )
    )
    return Palette(ground, ink, (first, second, accent))


def _date(view: EventView) -> tuple[str, str]:
    """Return the date or dates of an event, and the day of the week of a single date."""
    first, last = view.event.first_day, view.event.last_day
    if first != last and not dates.into_the_night(view.event):
        return view.wording.days(first, last), ""
    weekday = view.wording.weekday(first)
    return view.wording.month_day(first), weekday[:1].upper() + weekday[1:]


def hue_of(audiences: tuple[str, ...], order: tuple[str, ...]) -> float:
    """Return the hue (0 to 1) of the first audience; `order` are the slugs of all audiences."""
    if not audiences:
        return NO_AUDIENCE
    key = slug(audiences[0])
    return colors.age_hue(order.index(key) if key in order else 0)


def svg(cover: Cover, key: str) -> Markup:
    """Return the cover as an SVG that assistive technology skips: it repeats the page's texts.

    `key` distinguishes the covers of a page. The shapes are a pattern, which clips them at the edges.
    """
    everything = f'd="M0 0h{WIDTH}v{HEIGHT}H0z"'
    parts = [
        f'<svg class="cover" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="xMidYMid slice" aria-hidden="true">'
        f'<pattern id="cover{key}" width="{WIDTH}" height="{HEIGHT}" patternUnits="userSpaceOnUse">'
        f'<path fill="{cover.ground}" {everything}/>'
    ]
    for shape in cover.shapes:
        left, top, right, bottom = shape.box
        width, height = right - left, bottom - top
        if shape.round:
            place = (
                f'cx="{left + width / 2:g}" cy="{top + height / 2:g}" rx="{width / 2:g}" ry="{height / 2:g}"'
            )
            parts.append(f'<ellipse fill="{shape.color}" {place}/>')
        else:
            parts.append(
                f'<path fill="{shape.color}" d="M{left:g} {top:g}h{width:g}v{height:g}h{-width:g}z"/>'
            )
    parts.append(f'</pattern><path fill="url(#cover{key})" {everything}/>')
    for line in cover.lines:
        weight = ' font-weight="700"' if line.bold else ""
        place = f'x="{TEXT_LEFT}" y="{line.baseline:g}" font-size="{line.size:g}"'
        if line.text:
            parts.append(f'<text fill="{cover.ink}" {place}{weight}>{escape(line.text)}</text>')
    return Markup("".join(parts) + "</svg>")  # noqa: S704


def _short(text: str) -> str:
    return text if len(text) <= 34 else text[:33].rstrip() + "…"


def _fitting(text: str) -> float:
    """Return the largest font size at which `text` fits, by the average width of a letter."""
    return round(min(104, TEXT_WIDTH / (0.58 * max(1, len(text)))), 1)


def _circle(color: str, x: float, y: float, radius: float) -> Shape:
    return Shape(color, (x - radius, y - radius, x + radius, y + radius), round=True)


def _arches(tones: tuple[str, str, str]) -> Iterator[Shape]:
    for radius, color in zip((330, 250, 170, 90), (tones[0], tones[1], tones[0], tones[2]), strict=True):
        yield _circle(color, 520, 400, radius)


def _books(tones: tuple[str, str, str]) -> Iterator[Shape]:
    left = 330
    for width, height, tone in (
        (46, 190, 0),
        (30, 240, 1),
        (58, 215, 0),
        (26, 170, 2),
        (50, 260, 1),
        (60, 200, 0),
    ):
        yield Shape(tones[tone], (left, HEIGHT - height, left + width, HEIGHT))
        left += width + 4


def _hills(tones: tuple[str, str, str]) -> Iterator[Shape]:
    yield _circle(tones[2], 480, 110, 56)
    yield Shape(tones[0], (180, 210, 820, 620), round=True)
    yield Shape(tones[1], (380, 280, 900, 640), round=True)


def _dots(tones: tuple[str, str, str]) -> Iterator[Shape]:
    for number in range(15):
        column, row = number % 5, number // 5
        color = tones[2] if number in (4, 7) else tones[number % 2]
        yield _circle(color, 300 + 68 * column, 60 + 68 * row, 10 + 4 * column)


def _rings(tones: tuple[str, str, str]) -> Iterator[Shape]:
    for x, y, radius, tone in ((450, 130, 170, 0), (450, 130, 110, 1), (450, 130, 52, 2), (560, 330, 90, 0)):
        yield _circle(tones[tone], x, y, radius)


def _petals(tones: tuple[str, str, str]) -> Iterator[Shape]:
    for number in range(6):
        angle = number * math.pi / 3
        x, y = 470 + 88 * math.cos(angle), 150 + 88 * math.sin(angle)
        yield _circle(tones[number % 2], round(x, 1), round(y, 1), 62)
    yield _circle(tones[2], 470, 150, 50)


_PATTERNS = (_arches, _books, _hills, _dots, _rings, _petals)
