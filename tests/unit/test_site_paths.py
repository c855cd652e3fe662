"""The files that generate writes follow the layout of site_paths.py and have their headers."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from event import IMAGE_WIDTHS
from publishing.headers import UNKNOWN_TYPE, headers_for
from rendering import pages, share_pictures
from rendering.site import Site
from site_paths import is_hashed, is_ours, short_page
from support.page_samples import event, settings, snapshot

EVENTS = (
    event("2026-03-03 10:30", "2026-03-03 12:00", id="1", audiences=("Children",), image="0123456789abcdef"),
    event("2026-03-04 10:30", "2026-03-04 12:00", id="2", title="Chess", branch="Café Lebanon"),
)


@pytest.fixture(params=["list", "screen"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> set[str]:
    """Return the paths of a site with images and a logo."""
    (tmp_path / "images").mkdir()
    for width in IMAGE_WIDTHS:
        Image.new("RGB", (width, width)).save(tmp_path / "images" / f"0123456789abcdef-{width}.webp")
    logo = tmp_path / "logo.svg"
    logo.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 3 1"/>')
    chosen = settings(BUILD_DIR=str(tmp_path), HOME_PAGE=request.param, LOGO=str(logo))
    made = Site.of(snapshot(*EVENTS), chosen)
    share_pictures.draw(made)
    return {path for path, _ in pages.build(made)}


def test_every_file_of_a_site_is_ours(site: set[str]) -> None:
    assert {path for path in site if not is_ours(path)} == set()


@pytest.mark.parametrize(
    "path",
    [
        "photos/cat.jpg", "event/notes.html", "event/1.txt", "e/aeiou", "e/3.html", "branch/.html", "branch/a/b.html", "audience/x.js",
        "static/main.css", "index.htm", "feed.xml", "a/index.html", "screen/x.ics",
    ],
)  # fmt: skip
def test_a_file_that_is_never_generated_is_not_ours(path: str) -> None:
    assert not is_ours(path)


@pytest.mark.parametrize(
    ("number", "path"), [("1", "e/3"), ("0", "e/2"), ("27", "e/32"), ("11870007", "e/tc3kw")]
)
def test_short_addresses_have_digits_and_consonants(number: str, path: str) -> None:
    assert short_page(number) == path
    assert is_ours(path)


def test_every_file_of_a_site_has_its_content_type(site: set[str]) -> None:
    assert {path for path in site if headers_for(path).content_type == UNKNOWN_TYPE} == set()


def test_every_file_in_static_is_named_after_its_content(site: set[str]) -> None:
    assert {path for path in site if is_hashed(path)} == {path for path in site if path.startswith("static/")}
    assert "static/320.0123456789abcdef.webp" in site
    assert any(path.startswith("static/share.") and path.endswith(".jpg") for path in site)
