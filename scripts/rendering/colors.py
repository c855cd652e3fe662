"""Readable colors: all colors of the pages, computed from one brand color by WCAG's contrast ratio."""

from __future__ import annotations

import colorsys
import re

WHITE, BLACK = "#ffffff", "#000000"

# The backgrounds of templates/static/style.css; a test compares them.
LIGHT_GROUND, LIGHT_SURFACE = "#faf8f4", "#ffffff"
DARK_GROUND, DARK_SURFACE = "#171614", "#22201d"

# The colors of audiences, in the order of the list of audiences: babies first, in most libraries.
_AGE_HUES = ("#c2357a", "#b4540a", "#3f7d20", "#0b7a75", "#1f6fb5", "#6a4fb3", "#5c6470", "#a8322a")
AGES = len(_AGE_HUES)
_AGE_TINT = 0.16  # the share of its hue in the background of a label

TEXT = 4.5  # WCAG 2.2, 1.4.3
ENHANCED = 7.0  # 1.4.6


def luminance(color: str) -> float:
    """Return the relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2, "relative luminance")."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in _parts(color))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colors, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mix(color: str, other: str, share: float) -> str:
    """Return `color` with `share` (0 to 1) of it replaced by `other`."""
    pairs = zip(_parts(color), _parts(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def readable(color: str, *grounds: str, ratio: float = TEXT) -> str:
    """Return `color`, darkened or lightened just enough for contrast `ratio` on each of `grounds`.

    The grounds must be all dark or all light. Hue and saturation stay.
    """
    darker = contrast(BLACK, grounds[0]) > contrast(WHITE, grounds[0])
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in _parts(color)))
    for step in range(101):
        moved = lightness * (1 - step / 100) if darker else lightness + (1 - lightness) * step / 100
        candidate = from_hls(hue, moved, saturation)
        if all(contrast(candidate, ground) >= ratio for ground in grounds):
            break
    return candidate


def from_hls(hue: float, lightness: float, saturation: float) -> str:
    """Return a color (#rrggbb) from hue, lightness and saturation, each 0 to 1."""
    parts = colorsys.hls_to_rgb(hue % 1, lightness, saturation)
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def age_hue(number: int) -> float:
    """Return the hue (0 to 1) of the label of the audience `number` in the list of audiences."""
    return colorsys.rgb_to_hls(*(part / 255 for part in _parts(_AGE_HUES[number % AGES])))[0]


def on(color: str) -> str:
    """Return the color of text on `color`: white if it is readable, else black."""
    return WHITE if contrast(WHITE, color) >= TEXT else BLACK


def properties(brand: str) -> str:
    """Return the colors computed from `brand`, as custom properties for the style sheet."""
    light = {
        "brand": brand.lower(),
        "on-brand": on(brand),
        "band": brand.lower(),
        "on-band": on(brand),
        "link": readable(brand, LIGHT_GROUND, LIGHT_SURFACE, ratio=5.5),
        "link-strong": readable(brand, LIGHT_GROUND, LIGHT_SURFACE, ratio=ENHANCED),
    }
    dark = {
        "link": readable(brand, DARK_GROUND, DARK_SURFACE, ratio=6.5),
        "link-strong": readable(brand, DARK_GROUND, DARK_SURFACE, ratio=9),
        "band": (band := mix(brand, DARK_GROUND, 0.65)),
        "on-band": on(band),
    }

    light |= _ages(LIGHT_GROUND)
    dark |= _ages(DARK_GROUND)

    def block(values: dict[str, str]) -> str:
        return ":root{" + ";".join(f"--{name}:{value}" for name, value in values.items()) + "}"

    return f"{block(light)}\n@media screen and (prefers-color-scheme:dark){{{block(dark)}}}\n"


def _ages(ground: str) -> dict[str, str]:
    """Return text and background of each audience's label, on `ground`."""
    found = {}
    for number, hue in enumerate(_AGE_HUES):
        tint = mix(ground, hue, _AGE_TINT)
        found[f"age{number}"] = readable(hue, tint, ratio=5.5)
        found[f"age{number}-tint"] = tint
    return found


def _parts(color: str) -> tuple[int, int, int]:
    match = re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", color)
    if not match:
        raise ValueError("a color is #rrggbb")
    return int(match[1], 16), int(match[2], 16), int(match[3], 16)
