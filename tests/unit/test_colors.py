"""Contrast for any brand color."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering import colors
from settings import ROOT

anycolor = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
STYLE = (ROOT / "templates" / "static" / "style.css").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21),
        ("#777777", "#ffffff", 4.48),
        ("#ffffff", "#ffffff", 1),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_contrast_is_computed_as_in_wcag(one: str, other: str, ratio: float) -> None:
    assert colors.contrast(one, other) == pytest.approx(ratio, abs=0.01)


def schemes(brand: str) -> tuple[dict[str, str], dict[str, str]]:
    light, dark = colors.properties(brand).splitlines()
    found = [dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{6})", part)) for part in (light, dark)]
    return found[0], {**found[0], **found[1]}


@given(anycolor)
def test_any_brand_color_gives_readable_text(brand: str) -> None:
    light, dark = schemes(brand)
    for scheme, grounds in (
        (light, (colors.LIGHT_GROUND, colors.LIGHT_SURFACE)),
        (dark, (colors.DARK_GROUND, colors.DARK_SURFACE)),
    ):
        assert colors.contrast(scheme["on-brand"], scheme["brand"]) >= colors.TEXT
        assert colors.contrast(scheme["on-band"], scheme["band"]) >= colors.TEXT
        for ground in grounds:
            assert colors.contrast(scheme["link"], ground) >= colors.TEXT
            assert colors.contrast(scheme["link-strong"], ground) >= colors.ENHANCED


def test_a_readable_brand_color_is_not_changed() -> None:
    assert schemes("#1f5f8b")[0]["link"] == "#1f5f8b"


def own_colors(scheme: int) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\n *\}", STYLE, re.DOTALL)
    return {
        name: value
        for block in blocks[: scheme + 1]
        for name, value in re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)
    }


def test_the_style_sheet_has_the_backgrounds_assumed_for_contrast() -> None:
    light, dark = own_colors(0), own_colors(1)
    assert (light["ground"], light["surface"]) == (colors.LIGHT_GROUND, colors.LIGHT_SURFACE)
    assert (dark["ground"], dark["surface"]) == (colors.DARK_GROUND, colors.DARK_SURFACE)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_the_style_sheets_own_colors_are_readable(scheme: int) -> None:
    own = own_colors(scheme)
    for ground in (own["ground"], own["surface"]):
        assert colors.contrast(own["text"], ground) >= colors.ENHANCED
        assert colors.contrast(own["muted"], ground) >= colors.TEXT
        # WCAG 1.4.11: borders of controls
        assert colors.contrast(own["edge"], ground) >= 3
    for name in ("red", "green", "amber"):
        assert colors.contrast(own[name], own[f"{name}-tint"]) >= colors.TEXT
    assert colors.contrast(own["text"], own["grey-tint"]) >= colors.TEXT


def test_an_invalid_color_is_refused() -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        colors.luminance("red")
