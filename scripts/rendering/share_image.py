"""The image of shared links to pages without an image: a calendar in the library's brand color.

1200 x 630 pixels, the size that readers of Open Graph ask for, in two colors: about one kilobyte.
"""

from __future__ import annotations

import io

from rendering import colors
from rendering.views import Image

NAME = "share.png"
TOUCH_ICON = "touch-icon.png"
WIDTH, HEIGHT = 1200, 630

# The shapes of templates/static/icon.svg, in its 32 x 32 units: sheet, rings, line.
_UNIT = 14
_SHEET = (8, 9, 24, 24)
_RINGS = ((10.75, 6, 13.25, 11), (18.75, 6, 21.25, 11))
_RULE = (8, 12.5, 24, 14.5)
_MIDDLE = (16, 15)


def image(path: str) -> Image:
    """Return the image as published at `path`."""
    return Image(path=path, width=WIDTH, height=HEIGHT)


def png(brand: str) -> bytes:
    """Return the PNG in the color `brand` (#rrggbb); the same color gives the same bytes."""
    return _drawn(brand, (WIDTH, HEIGHT), _UNIT)


def touch_icon(brand: str) -> bytes:
    """Return the PNG for the home screens of phones, 180 x 180 pixels."""
    return _drawn(brand, (180, 180), 5)


def _drawn(brand: str, size: tuple[int, int], unit: int) -> bytes:
    from PIL import Image as Picture
    from PIL import ImageDraw

    picture = Picture.new("P", size, 0)
    picture.putpalette(bytes.fromhex(brand[1:] + colors.on(brand)[1:]))
    draw = ImageDraw.Draw(picture)
    for box, color in ((_SHEET, 1), *((ring, 1) for ring in _RINGS), (_RULE, 0)):
        left, top, right, bottom = (
            length / 2 + unit * (value - middle)
            for value, length, middle in zip(box, size * 2, _MIDDLE * 2, strict=True)
        )
        draw.rectangle((left, top, right - 1, bottom - 1), fill=color)
    file = io.BytesIO()
    picture.save(file, "PNG", bits=1, optimize=True)
    return file.getvalue()
