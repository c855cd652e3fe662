"""The pictures for shared links to events: cover, title, date, place and library.

Each is a JPEG of 1200 x 630 pixels, the size that readers of Open Graph ask for. Its name is a digest of
everything that it shows, so that it is drawn and uploaded once.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import site_paths
from event import IMAGE_WIDTHS, image_file
from files import sha256, write_atomic
from processes import run_in_parallel
from rendering import assets, cover, share_image
from rendering.render import TEMPLATES
from rendering.site import Site
from rendering.views import EventView
from rendering.views import Image as ViewImage

if TYPE_CHECKING:
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

# How many a run draws, soonest first, so that thousands of new events do not hold it up.
MAX_NEW = 300
MAX_BYTES = 60_000
QUALITIES = (82, 74, 64, 52, 40, 25, 10)
# Raise it when the drawing changes, so that all pictures are drawn again.
VERSION = 1

FONT = TEMPLATES / "fonts" / assets.FONT
_WIDTH, _HEIGHT = share_image.WIDTH, share_image.HEIGHT
_MARGIN, _PANEL = 64, 720
_TITLE_SIZES = range(84, 35, -4)
_TITLE_HEIGHT, _TITLE_LINES = 300, 5
# The letters that the bundled font has: Latin, Vietnamese included, and punctuation.
_LETTERS = ((0x20, 0x7E), (0xA0, 0x17E), (0x1A0, 0x1A1), (0x1AF, 0x1B0), (0x218, 0x21B), (0x1EA0, 0x1EF9),
            (0x2013, 0x2014), (0x2018, 0x201A), (0x201C, 0x201E), (0x2026, 0x2026), (0x20AC, 0x20AC))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that one picture shows. `image` is the stem of the event's image, or empty."""

    title: str
    when: str
    place: str
    library: str
    image: str
    cover: cover.Cover
    version: int = VERSION

    @property
    def stem(self) -> str:
        """The digest of the content: the picture's name."""
        return sha256(repr(astuple(self)).encode("utf-8", "replace"))[:16]


def draw(site: Site) -> tuple[int, int]:
    """Draw the pictures that build/share/ lacks, on two cores; return how many it drew and how many wait.

    Draws at most MAX_NEW, those of the next events, and removes the pictures that no event uses. Without a
    SITE_URL, pages name no picture, so it draws none.
    """
    folder, images = _folder(site), site.settings.build_dir / "images"
    current = {f"{picture.stem}.jpg": picture for picture in _of_events(site, site.events).values()}
    past = {f"{picture.stem}.jpg" for picture in _of_events(site, site.past).values()}
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for name in there - current.keys() - past:
        (folder / name).unlink()
    missing = [(folder / name, picture) for name, picture in current.items() if name not in there]
    if missing and site.settings.site_url:
        folder.mkdir(exist_ok=True)
        run_in_parallel([partial(_draw_all, missing[part:MAX_NEW:2], images) for part in (0, 1)])
        return min(MAX_NEW, len(missing)), max(0, len(missing) - MAX_NEW)
    return 0, 0


def drawn(site: Site) -> dict[str, str]:
    """Return the names (stems) of the pictures that build/share/ has, by event."""
    folder = _folder(site)
    there = {path.stem for path in folder.iterdir()} if folder.is_dir() and site.settings.site_url else set()
    pictures = _of_events(site, (*site.past, *site.events))
    return {event: picture.stem for event, picture in pictures.items() if picture.stem in there}


def files(site: Site, stems: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the pictures `stems`."""
    for stem in sorted(set(stems)):
        yield site_paths.share_image(stem), (_folder(site) / f"{stem}.jpg").read_bytes()


def image(stem: str) -> ViewImage:
    """Return the published picture `stem`."""
    return ViewImage(path=site_paths.share_image(stem), width=_WIDTH, height=_HEIGHT)


def of(view: EventView, audiences: tuple[str, ...], library: str) -> Picture:
    """Return the picture of an event; `audiences` are the slugs of all audiences.

    A text with letters that the font lacks is left out, since the font would show boxes.
    """
    return Picture(
        title=_drawable(view.stated_title),
        when=_drawable(view.short_when_until),
        place=_drawable(view.where),
        library=_drawable(library),
        image=view.event.image if view.images else "",
        cover=cover.of(view, audiences),
    )


def _of_events(site: Site, views: Iterable[EventView]) -> dict[str, Picture]:
    audiences = tuple(group.slug for group in site.audiences)
    return {view.event.id: of(view, audiences, site.settings.site_name) for view in views}


def _folder(site: Site) -> Path:
    return site.settings.build_dir / "share"


def jpeg(picture: Picture, images: Path) -> bytes:
    """Return the picture as a JPEG of at most MAX_BYTES; the same content gives the same bytes."""
    from PIL import Image, ImageDraw

    canvas = Image.new("RGB", (_WIDTH, _HEIGHT), picture.cover.ground)
    photo = _photo(picture.image, images) if picture.image else None
    if photo:
        canvas.paste(photo, (_PANEL, 0))
    else:
        _draw_pattern(canvas, picture.cover)
    _write(ImageDraw.Draw(canvas), picture)
    for quality in QUALITIES:
        file = io.BytesIO()
        canvas.save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= MAX_BYTES:
            break
    return file.getvalue()


def _draw_all(pictures: Sequence[tuple[Path, Picture]], images: Path) -> None:
    for path, picture in pictures:
        write_atomic(path, jpeg(picture, images))


def _drawable(text: str) -> str:
    """Return `text` without symbols and isolates; empty if a letter of it is missing in the font."""
    kept = [c for c in text if any(first <= ord(c) <= last for first, last in _LETTERS)]
    if any(c.isalnum() and c not in kept for c in text):
        return ""
    return " ".join("".join(kept).split())


def _photo(stem: str, images: Path) -> Pillow.Image | None:
    """Return the event's image, cropped to the right side; None if its file is missing or damaged."""
    from PIL import Image, ImageOps

    try:
        with Image.open(images / image_file(stem, IMAGE_WIDTHS[1])) as photo:
            size = (_WIDTH - _PANEL, _HEIGHT)
            return ImageOps.fit(photo.convert("RGB"), size, Image.Resampling.BILINEAR, centering=(0.5, 0.3))
    except (OSError, ValueError):
        return None


def _draw_pattern(canvas: Pillow.Image, drawn: cover.Cover) -> None:
    """Draw the pattern of a cover, at the right edge. Its colors let the text over them be read."""
    from PIL import Image, ImageDraw

    scale = _HEIGHT / cover.HEIGHT
    left = round(_WIDTH - cover.WIDTH * scale)
    # Drawn twice as large, then shrunk: Pillow draws circles with jagged edges.
    large = Image.new("RGB", (2 * (_WIDTH - left), 2 * _HEIGHT), drawn.ground)
    draw = ImageDraw.Draw(large)
    for shape in drawn.shapes:
        box = [2 * value * scale for value in shape.box]
        (draw.ellipse if shape.round else draw.rectangle)(box, fill=shape.color)
    canvas.paste(large.reduce(2), (left, 0))


def _write(draw: ImageDraw.ImageDraw, picture: Picture) -> None:
    """Write the texts into the left panel."""
    ink, room = picture.cover.ink, _PANEL - 2 * _MARGIN
    _line(draw, picture.library, 30, 600, _MARGIN + 26, ink, room)
    size, lines = _fitted(picture.title, room)
    top = _MARGIN + 118
    for number, line in enumerate(lines):
        baseline = top + round((number + 0.72) * size * 1.12)
        draw.text((_MARGIN, baseline), line, ink, _font(size, 700), anchor="ls")
    _line(draw, picture.when, 40, 700, _HEIGHT - _MARGIN - 52, ink, room)
    _line(draw, picture.place, 32, 500, _HEIGHT - _MARGIN, ink, room)


def _line(
    draw: ImageDraw.ImageDraw, text: str, size: int, weight: int, baseline: int, ink: str, room: int
) -> None:
    font = _font(size, weight)
    draw.text((_MARGIN, baseline), _cut(text, font, room), ink, font, anchor="ls")


def _fitted(title: str, room: int) -> tuple[int, list[str]]:
    """Return the largest font size at which the title fits, and its lines; a title that never fits is cut."""
    for size in _TITLE_SIZES:
        font = _font(size, 700)
        lines = _wrapped(title, font, room)
        fits = len(lines) <= _TITLE_LINES and len(lines) * size * 1.12 <= _TITLE_HEIGHT
        if fits and all(font.getlength(line) <= room for line in lines):
            return size, lines
    most = int(_TITLE_HEIGHT // (size * 1.12))
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1]} …"]
    return size, [_cut(line, font, room) for line in lines]


def _wrapped(text: str, font: ImageFont.FreeTypeFont, room: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _cut(text: str, font: ImageFont.FreeTypeFont, room: int) -> str:
    """Return `text`, with an ellipsis for the letters that do not fit."""
    if font.getlength(text) <= room:
        return text
    text = text.removesuffix("…").rstrip()
    while text and font.getlength(f"{text}…") > room:
        text = text[:-1].rstrip()
    return f"{text}…"


@lru_cache(maxsize=32)
def _font(size: int, weight: int) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.truetype(FONT, size)
    font.set_variation_by_axes([weight])
    return font
