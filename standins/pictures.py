"""Featured images for the stand-in: flat illustrations drawn with Pillow, the same for the same name.

A name like `moon-2.png` gives the motif `moon` in colours of its own; a name without a known motif
gets one by its checksum, so that real names get pictures too. The suffix decides the format.
"""

from __future__ import annotations

import hashlib
import io
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from PIL import Image, ImageDraw

SIZES = ((1200, 675), (1600, 900), (1200, 800), (1000, 1000), (900, 1200), (640, 360))
SUPERSAMPLE = 2  # Pillow draws without smoothing; drawn twice as large and reduced, edges are smooth

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours that go together: the sky from top to bottom, and what stands before it."""

    top: str
    bottom: str
    main: str
    accent: str
    light: str
    dark: str


PALETTES = (
    Palette("#fde2c8", "#f7b787", "#d8572a", "#2a6f77", "#fff6ea", "#3b2a26"),
    Palette("#cfe8f3", "#8cc4dd", "#1f6f95", "#f2b441", "#fbfdfe", "#16384a"),
    Palette("#dcecd2", "#a5cf9a", "#3c7a4c", "#e5793b", "#f9fdf3", "#1f3b2b"),
    Palette("#f6d9e0", "#e3a1b5", "#a63d62", "#f3c65f", "#fff5f7", "#43182b"),
    Palette("#e4dcf5", "#b6a3df", "#5f479c", "#ef8a62", "#faf7ff", "#2a1f49"),
    Palette("#fdf0c4", "#f6d365", "#c8861a", "#3d6f8e", "#fffcf0", "#453110"),
    Palette("#d3efe9", "#83cbbd", "#1d7d70", "#ee6c4d", "#f5fdfb", "#123d38"),
    Palette("#33476f", "#6a7fb0", "#f4d58d", "#e07a5f", "#f6f1e3", "#18213a"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file; `digest` is that of its bytes."""

    data: bytes
    content_type: str
    digest: str


class Sketch:
    """A canvas whose shorter side measures 100, with (0, 0) in the middle and y downwards."""

    def __init__(self, size: tuple[int, int], palette: Palette, seed: int) -> None:
        self.width, self.height = (side * SUPERSAMPLE for side in size)
        self.unit = min(self.width, self.height) / 100
        self.right, self.bottom = self.width / self.unit / 2, self.height / self.unit / 2
        self.palette = palette
        self.random = random.Random(seed)
        self.image = _gradient(self.width, self.height, palette)
        self._draw = ImageDraw.Draw(self.image, "RGBA")

    def _at(self, points: Sequence[Point]) -> list[Point]:
        return [(self.width / 2 + x * self.unit, self.height / 2 + y * self.unit) for x, y in points]

    def circle(self, x: float, y: float, radius: float, colour: str) -> None:
        """Fill a circle."""
        self.oval(x, y, radius, radius, colour)

    def oval(self, x: float, y: float, across: float, down: float, colour: str) -> None:
        """Fill an ellipse given by its two radii."""
        self._draw.ellipse(self._at([(x - across, y - down), (x + across, y + down)]), fill=colour)

    def box(self, x: float, y: float, width: float, height: float, colour: str, *, round: float = 0) -> None:
        """Fill a rectangle from its upper left corner."""
        corners = self._at([(x, y), (x + width, y + height)])
        self._draw.rounded_rectangle(corners, radius=round * self.unit, fill=colour)

    def shape(self, points: Sequence[Point], colour: str) -> None:
        """Fill a polygon."""
        self._draw.polygon(self._at(points), fill=colour)

    def line(self, points: Sequence[Point], colour: str, width: float) -> None:
        """Draw a line with round ends and joints."""
        self._draw.line(self._at(points), fill=colour, width=round(width * self.unit), joint="curve")
        for x, y in (points[0], points[-1]):
            self.circle(x, y, width / 2, colour)

    def curve(
        self, x: float, y: float, radius: float, start: float, end: float, colour: str, width: float
    ) -> None:
        """Draw an arc, in degrees clockwise from the right."""
        steps = [math.radians(start + (end - start) * step / 40) for step in range(41)]
        self.line([(x + radius * math.cos(a), y + radius * math.sin(a)) for a in steps], colour, width)

    def waves(self, level: float, height: float, length: float, colour: str, shift: float = 0) -> None:
        """Fill everything below a wavy line: water, hills."""
        xs = [self.right * (step / 60 - 1) for step in range(121)]
        line = [(x, level + height * math.sin((x + shift) * math.tau / length)) for x in xs]
        self.shape([*line, (self.right, self.bottom), (-self.right, self.bottom)], colour)

    def finished(self) -> Image.Image:
        """Return the picture in its true size."""
        return self.image.reduce(SUPERSAMPLE)


def _gradient(width: int, height: int, palette: Palette) -> Image.Image:
    column = Image.linear_gradient("L").resize((1, height))
    shade = column.resize((width, height))
    sky = Image.new("RGB", (width, height), palette.top)
    sky.paste(Image.new("RGB", (width, height), palette.bottom), mask=shade)
    return sky


def _books(s: Sketch) -> None:
    p = s.palette
    s.circle(s.right * 0.4, -22, 34, p.light + "66")
    s.box(-s.right, 34, 2 * s.right, 60, p.dark)
    x, colours = -s.right + 6, (p.main, p.accent, p.light, p.dark)
    while x < s.right - 14:
        width, height = s.random.uniform(7, 13), s.random.uniform(36, 62)
        colour = s.random.choice(colours)
        band = p.light if colour != p.light else p.main
        s.box(x, 34 - height, width, height, colour, round=1)
        s.box(x, 34 - height + 7, width, 2.5, band)
        s.box(x, 34 - 10, width, 1.5, band)
        x += width + s.random.choice((0.7, 0.7, 0.7, 9))


def _moon(s: Sketch) -> None:
    p = s.palette
    s.box(-s.right, -s.bottom, 2 * s.right, 2 * s.bottom, p.dark + "e6")
    for _ in range(70):
        x, y = s.random.uniform(-s.right, s.right), s.random.uniform(-s.bottom, 25)
        s.circle(x, y, s.random.choice((0.35, 0.5, 0.8)), p.light)
    x = s.right * 0.35
    s.circle(x, -16, 26, p.light + "20")
    s.circle(x, -16, 17, p.light)
    for dx, dy, radius in ((-6, -5, 4), (5, 3, 5), (-4, 8, 2.4), (8, -9, 2)):
        s.circle(x + dx, -16 + dy, radius, p.bottom + "90")
    s.waves(30, 6, 120, p.main + "b0")
    s.waves(38, 4, 80, p.dark, 30)


def _hills(s: Sketch) -> None:
    p = s.palette
    s.circle(-s.right * 0.3, -8, 17, p.light)
    s.waves(10, 9, 130, p.accent + "90", 20)
    s.waves(20, 7, 95, p.main + "c0", 55)
    s.waves(33, 5, 120, p.dark + "e0")
    for x in (-30, -22, 24, 33, 41):
        s.shape([(x - 4.5, 34), (x, 16), (x + 4.5, 34)], p.dark)


def _cup(s: Sketch) -> None:
    p = s.palette
    s.box(-s.right, 32, 2 * s.right, 60, p.main)
    s.oval(0, 34, 40, 5, p.dark + "50")
    s.curve(25, 5, 11, -90, 95, p.light, 5)
    s.box(-25, -12, 50, 42, p.light, round=14)
    s.box(-25, -12, 50, 16, p.light, round=2)
    s.oval(0, -12, 25, 4.5, p.dark)
    s.box(-25, 2, 50, 7, p.accent)
    for x in (-11, 0, 11):
        s.line([(x + 2.5 * math.sin(y / 4), y) for y in range(-38, -19)], p.light + "c0", 2.2)


def _plant(s: Sketch) -> None:
    p = s.palette
    s.circle(0, -6, 42, p.light + "70")
    s.box(-s.right, 40, 2 * s.right, 60, p.dark)
    for angle, length in ((-90, 44), (-118, 40), (-62, 40), (-145, 34), (-35, 34)):
        a = math.radians(angle)
        tip = (length * math.cos(a), 12 + length * math.sin(a))
        side = (7 * math.sin(a), -7 * math.cos(a))
        middle = (tip[0] * 0.6, 12 + (tip[1] - 12) * 0.6)
        leaf = [(0.0, 12.0), (middle[0] + side[0], middle[1] + side[1]), tip]
        s.shape([*leaf, (middle[0] - side[0], middle[1] - side[1])], p.main)
        s.line([(0, 12), tip], p.dark + "60", 0.8)
    s.shape([(-17, 14), (17, 14), (12, 42), (-12, 42)], p.accent)
    s.box(-19, 10, 38, 8, p.accent, round=1.5)
    s.box(-19, 16, 38, 2, p.dark + "40")


def _music(s: Sketch) -> None:
    p = s.palette
    for row in range(5):
        xs = [s.right * (step / 40 - 1) for step in range(81)]
        s.line([(x, -18 + 9 * row + 6 * math.sin(x / 22)) for x in xs], p.light, 0.9)
    for place, y, colour in ((-0.7, 6, p.main), (-0.3, -4, p.accent), (0.15, 4, p.dark), (0.6, -2, p.main)):
        x = place * s.right
        s.oval(x, y + 14, 8, 6, colour)
        s.box(x + 5.4, y - 22, 2.4, 36, colour)
        s.line([(x + 6.6, y - 21), (x + 15, y - 15), (x + 16, y - 7)], colour, 3)


def _paint(s: Sketch) -> None:
    p = s.palette
    for y, colour in ((-34, p.light), (-20, p.accent), (36, p.main)):
        s.shape([(-s.right, y - 4), (s.right, y - 12), (s.right, y - 3), (-s.right, y + 5)], colour + "80")
    s.oval(0, 6, 44, 32, p.light)
    s.circle(17, 20, 7, p.bottom)
    blobs = (
        (-26, -2, p.main),
        (-10, -13, p.accent),
        (10, -14, p.dark),
        (27, -3, "#e9b949"),
        (-24, 17, "#6d9f71"),
    )
    for x, y, colour in blobs:
        s.circle(x, y, 6.5, colour)
        s.circle(x - 2, y - 2, 1.6, p.light + "90")
    s.line([(4, 26), (44, -34)], p.dark, 3.4)
    s.line([(4, 26), (-3, 36)], p.accent, 5.5)


def _chess(s: Sketch) -> None:
    p = s.palette
    for row in range(3):
        for column in range(-12, 12):
            if (row + column) % 2:
                s.box(column * 12, 20 + row * 12, 12, 12, p.dark + "d0")
    for x, colour in ((-34, p.dark), (0, p.main), (34, p.light)):
        s.oval(x, 34, 15, 4, p.dark + "60")
        s.box(x - 14, 26, 28, 7, colour, round=2)
        s.shape([(x - 10, 27), (x - 4, -8), (x + 4, -8), (x + 10, 27)], colour)
        s.box(x - 8, -12, 16, 5, colour, round=2)
        s.circle(x, -20, 10, colour)


def _blocks(s: Sketch) -> None:
    p = s.palette
    s.box(-s.right, 38, 2 * s.right, 60, p.light)
    bricks = (
        (-44, 22, 4, p.main), (-8, 22, 3, p.accent), (22, 22, 3, p.dark),
        (-34, 6, 3, "#e9b949"), (-2, 6, 4, p.main), (-22, -10, 4, p.accent), (-10, -26, 2, p.light),
    )  # fmt: skip
    for x, y, studs, colour in bricks:
        for stud in range(studs):
            s.box(x + 2 + stud * 9, y - 3, 6, 4, colour, round=1)
        s.box(x, y, studs * 9 + 1, 16, colour, round=1)
        s.box(x, y + 13, studs * 9 + 1, 3, p.dark + "30", round=1)


def _boat(s: Sketch) -> None:
    p = s.palette
    s.circle(s.right * 0.5, -24, 11, p.light)
    s.waves(24, 2.5, 40, p.accent + "90")
    s.shape([(-3, -36), (-3, 16), (-34, 16)], p.light)
    s.shape([(1, -30), (1, 16), (25, 16)], p.main)
    s.box(-2.4, -38, 2.4, 58, p.dark)
    s.shape([(-36, 19), (32, 19), (22, 33), (-26, 33)], p.dark)
    s.waves(31, 2.5, 34, p.main, 10)
    s.waves(40, 2, 28, p.dark + "c0", 4)


def _film(s: Sketch) -> None:
    p = s.palette
    s.box(-s.right, -s.bottom, 2 * s.right, 2 * s.bottom, p.dark + "d8")
    s.shape([(-30, 0), (s.right, -40), (s.right, 40)], p.light + "50")
    s.box(-52, -4, 34, 26, p.main, round=3)
    s.box(-20, 2, 8, 12, p.accent, round=1)
    for x, radius in ((-46, 13), (-23, 10)):
        s.circle(x, -15, radius, p.light)
        for turn in range(5):
            a = turn * math.tau / 5
            s.circle(x + radius * 0.55 * math.cos(a), -15 + radius * 0.55 * math.sin(a), radius * 0.2, p.dark)
    s.shape([(-44, 22), (-50, 44), (-46, 44), (-36, 22)], p.light)
    s.shape([(-30, 22), (-24, 44), (-28, 44), (-38, 22)], p.light)


def _speech(s: Sketch) -> None:
    p = s.palette
    s.box(-54, -34, 62, 36, p.main, round=9)
    s.shape([(-38, 0), (-22, 0), (-40, 14)], p.main)
    s.box(-8, -6, 60, 34, p.light, round=9)
    s.shape([(22, 26), (38, 26), (42, 40)], p.light)
    for x in (-38, -24, -10):
        s.circle(x, -17, 3.6, p.light)
    for row, length in ((3, 44), (10, 36), (17, 28)):
        s.box(0, row, length, 3, p.accent, round=1.5)


def _paw(s: Sketch) -> None:
    p = s.palette
    for x, y, size in ((-26, 8, 1.5), (30, -14, 1.0), (56, 26, 0.7), (-66, -26, 0.7)):
        colour = p.main if size > 1 else p.light
        s.oval(x, y + 8 * size, 13 * size, 10 * size, colour)
        for dx, dy in ((-14, -5), (-5.5, -13), (5.5, -13), (14, -5)):
            s.oval(x + dx * size, y + dy * size, 4.6 * size, 6 * size, colour)


def _yarn(s: Sketch) -> None:
    p = s.palette
    s.line([(-42, -40), (22, 30)], p.dark, 2.4)
    s.line([(42, -40), (-22, 30)], p.dark, 2.4)
    s.circle(-42, -40, 3.4, p.accent)
    s.circle(42, -40, 3.4, p.accent)
    s.line([(x, 36 + 4 * math.sin(x / 9)) for x in range(10, int(s.right))], p.main, 2.4)
    s.circle(0, 12, 29, p.main)
    for start, end in ((200, 340), (20, 160)):
        for radius in (10, 16, 22):
            s.curve(0, 12 + (8 if start > 180 else -8), radius, start, end, p.light + "b0", 1.6)


def _gears(s: Sketch) -> None:
    p = s.palette
    wheels = ((-20, 4, 26, 12, p.main), (25, -14, 17, 9, p.accent), (27, 26, 13, 8, p.dark))
    for x, y, radius, teeth, colour in wheels:
        for tooth in range(teeth):
            a = tooth * math.tau / teeth
            s.circle(x + radius * math.cos(a), y + radius * math.sin(a), radius * 0.2, colour)
        s.circle(x, y, radius, colour)
        s.circle(x, y, radius * 0.62, p.light)
        s.circle(x, y, radius * 0.3, colour)


def _quilt(s: Sketch) -> None:
    p = s.palette
    colours = (p.main, p.accent, p.light, p.dark, p.bottom)
    size = 20
    for column in range(int(-s.right // size) - 1, int(s.right // size) + 1):
        for row in range(int(-s.bottom // size) - 1, int(s.bottom // size) + 1):
            x, y = column * size, row * size
            first, second, third = s.random.sample(colours, 3)
            s.box(x, y, size, size, first)
            s.shape([(x, y), (x + size, y), (x, y + size)], second)
            s.shape(
                [
                    (x + size / 2, y + 4),
                    (x + size - 4, y + size / 2),
                    (x + size / 2, y + size - 4),
                    (x + 4, y + size / 2),
                ],
                third,
            )
            s.box(x, y, size, 0.5, p.light + "90")
            s.box(x, y, 0.5, size, p.light + "90")


def _bread(s: Sketch) -> None:
    p = s.palette
    s.box(-s.right, 30, 2 * s.right, 60, p.light)
    s.oval(0, 32, 48, 5, p.dark + "40")
    s.box(-44, -14, 88, 44, "#b9723a", round=20)
    s.box(-44, -14, 88, 20, "#c98446", round=10)
    for x in (-26, -6, 14):
        s.line([(x, 8), (x + 13, -9)], "#f3dcb4", 4)
    for x, sway in ((-20, 0), (2, 2), (24, 4)):
        s.line([(x + 2.5 * math.sin(y / 4 + sway), y) for y in range(-40, -21)], p.light + "b0", 2)


def _bird(s: Sketch) -> None:
    p = s.palette
    s.circle(s.right * 0.3, -14, 24, p.light + "80")
    s.line([(-s.right, 34), (-10, 26), (s.right, 36)], p.dark, 3)
    for x, y in ((-46, 24), (38, 24), (58, 40), (-64, 38)):
        s.oval(x, y, 8, 3.6, p.accent)
    s.shape([(-20, 8), (-44, 24), (-38, 14), (-48, 12)], p.dark)
    s.oval(0, 6, 24, 17, p.main)
    s.circle(17, -10, 12, p.main)
    s.shape([(27, -13), (37, -9), (27, -6)], p.accent)
    s.circle(20, -13, 1.9, p.dark)
    s.oval(-4, 5, 14, 9, p.dark + "90")
    s.oval(8, 13, 12, 8, p.light + "a0")
    for x in (-2, 5):
        s.line([(x, 20), (x, 26)], p.dark, 1.4)


def _tree(s: Sketch) -> None:
    p = s.palette
    s.waves(38, 3, 150, p.accent + "a0")
    s.shape([(-5, 42), (-3, -6), (3, -6), (5, 42)], p.dark)
    for x, y in ((-24, -10), (24, -12), (-14, 4), (15, 2)):
        s.line([(0, 14 + y / 4), (x, y)], p.dark, 2.4)
    for x, y, radius in ((0, -26, 20), (-25, -14, 15), (25, -16, 15), (-13, -2, 10), (15, -3, 10)):
        s.circle(x, y, radius, p.main + "f0")
    for _ in range(26):
        at = s.random.uniform(-34, 34), s.random.uniform(-40, 2)
        s.circle(*at, 1.7, s.random.choice((p.light, p.accent)))


def _frames(s: Sketch) -> None:
    p = s.palette
    s.box(-s.right, 40, 2 * s.right, 60, p.dark)
    frames = (
        (-56, -30, 34, 44, p.main),
        (-14, -36, 44, 30, p.accent),
        (-14, 2, 20, 26, p.dark),
        (12, 2, 44, 26, p.main),
    )
    for x, y, width, height, colour in frames:
        s.box(x - 1, y + 2, width + 4, height + 3, p.dark + "30")
        s.box(x, y, width, height, p.dark)
        s.box(x + 2, y + 2, width - 4, height - 4, p.light)
        s.box(x + 5, y + 5, width - 10, height - 10, p.top)
        s.circle(x + width * 0.65, y + height * 0.38, 3.6, p.light)
        ground = y + height - 5
        s.shape([(x + 5, ground), (x + width * 0.4, y + height * 0.45), (x + width - 5, ground)], colour)


def _heart(s: Sketch) -> None:
    p = s.palette
    s.circle(0, 0, 44, p.light + "80")
    turns = [step * math.tau / 120 for step in range(120)]
    curve = [
        (
            16 * math.sin(t) ** 3,
            -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)),
        )
        for t in turns
    ]
    s.shape([(x * 1.9, y * 1.9 - 2) for x, y in curve], "#c8434f")
    pulse = [(-s.right, 0.0), (-22, 0), (-13, -13), (-3, 14), (6, -8), (11, 0), (s.right, 0)]
    s.line(pulse, p.light, 2.6)


def _balloons(s: Sketch) -> None:
    p = s.palette
    for _ in range(60):
        x, y = s.random.uniform(-s.right, s.right), s.random.uniform(-s.bottom, s.bottom)
        s.circle(x, y, 1.2, s.random.choice((p.main, p.accent, p.light, p.dark)))
    for x, y, colour in (
        (-28, -4, p.main),
        (26, -8, p.accent),
        (0, -20, p.light),
        (-54, -18, p.dark),
        (54, -22, p.main),
    ):
        s.line([(x, y + 16), (x * 0.55, s.bottom)], p.dark, 0.7)
        s.shape([(x, y + 14), (x - 3, y + 20), (x + 3, y + 20)], colour)
        s.oval(x, y, 13.5, 16.5, colour)
        s.oval(x - 4.5, y - 6, 2.6, 4.4, p.light + "80")


def _bear(s: Sketch) -> None:
    p = s.palette
    s.box(-s.right, 36, 2 * s.right, 60, p.accent)
    s.box(-46, 12, 92, 40, p.light, round=8)
    for x in (-19, 19):
        s.circle(x, -26, 10, "#9a6a44")
        s.circle(x, -26, 5.5, "#d9b08c")
    s.circle(0, -6, 26, "#9a6a44")
    s.oval(0, 3, 12, 9, "#d9b08c")
    s.oval(0, -1, 4, 2.8, p.dark)
    s.curve(0, 2, 4, 20, 160, p.dark, 1)
    for x in (-11, 11):
        s.curve(x, -11, 3.6, 20, 160, p.dark, 1.3)
    s.box(-s.right * 0.7, 16, s.right * 1.4, 40, p.main, round=7)
    for step in range(-4, 5):
        s.circle(step * s.right * 0.15, 28, 2.4, p.light + "b0")


MOTIFS: dict[str, Callable[[Sketch], None]] = {
    function.__name__[1:]: function
    for function in (
        _balloons, _bear, _bird, _blocks, _boat, _books, _bread, _chess, _cup, _film, _frames, _gears,
        _heart, _hills, _moon, _music, _paint, _paw, _plant, _quilt, _speech, _tree, _yarn,
    )
}  # fmt: skip
_FORMATS = {".png": ("PNG", "image/png"), ".gif": ("GIF", "image/gif"), ".webp": ("WEBP", "image/webp")}


@lru_cache(maxsize=64)
def draw(name: str) -> Picture:
    """Draw the picture of that name (a path); its motif, colours and size follow from the name."""
    path = PurePosixPath(name)
    seed = int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:4], "big")
    motif = path.stem.partition("-")[0]
    if motif not in MOTIFS:
        motif = sorted(MOTIFS)[seed % len(MOTIFS)]
    sketch = Sketch(SIZES[seed // 8 % len(SIZES)], PALETTES[seed % len(PALETTES)], seed)
    MOTIFS[motif](sketch)
    kind, content_type = _FORMATS.get(path.suffix.lower(), ("JPEG", "image/jpeg"))
    file = io.BytesIO()
    sketch.finished().save(file, kind, quality=85)
    data = file.getvalue()
    return Picture(data, content_type, hashlib.sha256(data).hexdigest())
