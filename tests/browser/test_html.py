"""The Nu HTML checker finds no errors on any page, and no warnings except those explained here."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from browser import kinds
from browser.conftest import DANISH_IF_WIDE, MakeSite, OpenPage, html_errors
from browser.libraries import Library
from browser.server import SiteServer

Serve = Callable[[Path], SiteServer]

ACCEPTED = {
    # A data block, not a script: browsers never run type="application/..." (HTML, "prepare the script
    # element"). The other browser tests confirm it: no page logs a refusal.
    r"Inline script violates Content Security Policy .*<script type=\"application/(ld\+)?json\"": "a data block",
    # LibCal does not record the language of an event.
    r"This document appears to be written in \w+ but the “html” start tag has “lang=": "the staff's language",
}  # fmt: skip


def errors(server: SiteServer, skip: str = "") -> list[str]:
    """Return the checker's errors and warnings for every page except `skip`, without the accepted ones."""
    pages = sorted(str(path.relative_to(server.folder)) for path in server.folder.rglob("*.html"))
    # test_screen_looks.py checks the screens.
    pages = [page for page in pages if not page.startswith("screen") and page != skip]
    found = [re.sub(r"\s+", " ", error) for error in html_errors(*map(server.url, pages))]
    return [each for each in found if not any(re.search(pattern, each) for pattern in ACCEPTED)]


@pytest.mark.timeout(400)
@DANISH_IF_WIDE
def test_every_page_of_every_event_is_valid(library: Library, serve: Serve) -> None:
    assert errors(serve(library.site)) == []


def test_pages_without_any_event_are_valid(make_site: MakeSite, serve: Serve) -> None:
    assert errors(serve(make_site(()))) == []


@pytest.mark.parametrize("home", ["list", "screen"])
def test_pages_in_other_languages_and_without_site_url_are_valid(
    make_site: MakeSite, serve: Serve, home: str
) -> None:
    locale = {"list": "es_US", "screen": "da_DK"}[home]
    # test_screen_looks.py checks the screen.
    skip = "index.html" if home == "screen" else ""
    assert errors(serve(make_site(LOCALE=locale, HOME_PAGE=home, SITE_URL="")), skip) == []


def test_pages_are_valid_after_their_scripts_have_run(
    larkfield: Library, open_page: OpenPage, serve: Serve, tmp_path: Path
) -> None:
    server = serve(larkfield.site)
    for number, path in enumerate(("index.html?q=zzz&branch=harbor", *kinds.ONCE)):
        page = open_page(path, server)
        page.wait_for_load_state("networkidle")
        (tmp_path / f"{number}.html").write_text(page.content(), encoding="utf-8")
    files = sorted(tmp_path.glob("*.html"))
    # For a file, the checker lets "self" match no address.
    policy = "Content Security Policy"
    assert [each for each in html_errors(*files) if policy not in each] == []
