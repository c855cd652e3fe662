"""Test the fixtures: that they record errors, run the fake clock, and control the server."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from browser.conftest import MakeSite, OpenPage, Watch, axe_violations, html_errors
from browser.sample_events import NOW
from browser.server import SiteServer


@pytest.fixture
def own_pages(make_site: MakeSite) -> Path:
    folder = make_site()
    (folder / "good.html").write_text('<!doctype html><title>Good</title><link rel="icon" href="data:,">')
    (folder / "bad.html").write_text(
        "<!doctype html><title>Bad</title><link rel='icon' href='data:,'><p id=x><p id=x><img src='https://elsewhere.example/a.png'>"
        "<script>console.error('logged'); throw Error('thrown')</script>"
    )
    return folder


def test_requests_to_other_origins_and_errors_are_recorded(
    open_page: OpenPage, serve: Callable[[Path], SiteServer], own_pages: Path, watch: Watch
) -> None:
    server = serve(own_pages)
    page = open_page("bad.html", server)
    seen = " ".join(watch.violations)
    assert "https://elsewhere.example/a.png" in seen
    assert "console error: logged" in seen
    assert "uncaught: " in seen
    assert "thrown" in seen
    assert any("image-alt" in violation for violation in axe_violations(page))
    watch.allow("elsewhere|logged|thrown|ERR_NAME_NOT_RESOLVED")


def test_the_html_checker_finds_errors(own_pages: Path) -> None:
    found = " ".join(html_errors(own_pages / "bad.html"))
    assert "Duplicate ID" in found
    assert "alt" in found


def test_a_contrast_that_axe_cannot_decide_is_computed(
    own_pages: Path, open_page: OpenPage, serve: Callable[[Path], SiteServer]
) -> None:
    server = serve(own_pages)
    for color, found in (("#aaa", True), ("#666", False)):
        (own_pages / "lines.html").write_text(
            "<!doctype html><html lang=en><title>Lines</title><link rel='icon' href='data:,'><main><p style='margin:0'>Above<h1 "
            f"style='margin:0;font-size:2rem;line-height:.8;color:{color}'>Near</h1><p style='margin:0'>Below</main>"
        )
        page = open_page("lines.html", server)
        page.clock.resume()
        assert any("color-contrast" in violation for violation in axe_violations(page)) == found


def test_the_page_uses_the_fake_clock(
    open_page: OpenPage, serve: Callable[[Path], SiteServer], own_pages: Path
) -> None:
    page = open_page("good.html", serve(own_pages))
    page.clock.run_for(60_000)
    assert 60 <= page.evaluate("Date.now()") / 1000 - NOW.timestamp() < 90


def test_the_server_can_change_answers_and_reopen_at_the_same_address(server: SiteServer) -> None:
    def ask() -> int:
        try:
            with urllib.request.urlopen(server.url("index.html"), timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    assert ask() == 200
    server.spoil = lambda path, status, body: None
    assert ask() == 0
    server.spoil = lambda path, status, body: (503, body)
    assert ask() == 503
    server.spoil = None
    server.close()
    assert ask() == 0
    server.reopen()
    assert ask() == 200
