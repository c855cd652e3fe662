"""The lobby screens in the browsers of old televisions: alive, complete, honest when broken."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from browser import engines
from browser.engines import Engine
from browser.libraries import Library
from browser.sample_events import NOW, at
from browser.screens import FAULTS, SEEN
from browser.server import SiteServer
from support.wide import wide

SIZES = ((1920, 1080), (1280, 720), (3840, 2160), (1080, 1920))
SHOWN = "!!document.querySelector('.page:not(.unscripted):not(.measured)')"
STATE = "document.documentElement.getAttribute('data-script')"
DAY = "getComputedStyle(document.getElementById('day')).display !== 'none' && document.getElementById('day').textContent"
FROM = "This list is from Tuesday, March 3. Please check at the desk."


@pytest.fixture(params=["71", "83", wide("79"), wide("86"), wide("87"), wide("92")])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Each of the old engines in turn."""
    with engines.launch(request.param, tmp_path) as launched:
        yield launched


def test_a_screen_lives_through_a_refresh_and_an_outage(
    engine: Engine, larkfield: Library, serve: Callable[[Path], SiteServer]
) -> None:
    server = serve(larkfield.site)
    server.date = NOW.timestamp()
    page = engine.page(1920, 1080, NOW.timestamp())
    page.goto(server.url("screen.html?rotate=5"))
    page.wait_until(SHOWN)
    page.let_pass(12, server)
    seen = page.evaluate(f"({SEEN})()")
    assert (seen["clock"], seen["date"], seen["updated"]) == ("9:05am", "Tuesday, March 3", "Updated 9:05am")
    assert page.evaluate(STATE) == "running"

    times = set()
    server.spoil = lambda path, status, body: (status, body.replace(b"Baby Lap Sit", b"Lap Sit, moved"))
    for _ in range(24):
        page.let_pass(5, server, 5)
        seen = page.evaluate(f"({SEEN})()")
        times |= {(row["time"], row["title"]) for _, rows in seen["groups"] for row in rows}
    titles = {title for _, title in times}
    assert ("Now until 7pm", "Friends' Bookshop Pop-up") in times
    assert {"Baby Lap Sit", "Lap Sit, moved"} <= titles

    server.spoil = None
    server.close()
    page.let_pass(420, server, 15)
    seen = page.evaluate(f"({SEEN})()")
    assert seen["updated"] == "Reconnecting, last updated 9:05am"
    server.reopen()
    page.let_pass(200, server, 10)
    assert page.evaluate(f"({SEEN})()")["updated"] == "Updated 9:05am"
    assert page.errors == []


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_event_of_the_day_is_shown_and_no_part_covers_another(
    engine: Engine, larkfield: Library, serve: Callable[[Path], SiteServer], size: tuple[int, int]
) -> None:
    server = serve(larkfield.site)
    begin = at("08:00").timestamp()
    server.date = begin
    page = engine.page(*size, begin)
    page.goto(server.url("screen.html?rotate=3"))
    page.wait_until(SHOWN)
    page.let_pass(1, server)
    titles, kinds = set(), set()
    for _ in range(12):
        assert page.evaluate(f"({FAULTS})()") == []
        seen = page.evaluate(f"({SEEN})()")
        kinds.add(seen["kind"])
        titles |= {row["title"] for _, rows in seen["groups"] for row in rows}
        page.let_pass(3, server)
    today = {
        event.title
        for event in larkfield.events
        if event.first_day == NOW.date() and event.listed and not event.state and not event.sold_out
    }
    assert kinds == {"board", "slide"}
    assert today - titles <= {"Watercolor for the Terrified"}
    assert page.errors == []


@pytest.mark.parametrize("fault", ["let let", "throw 1"])
def test_a_broken_script_leaves_the_day_on_the_screen_and_loads_it_again(
    engine: Engine, larkfield: Library, serve: Callable[[Path], SiteServer], fault: str
) -> None:
    server = serve(larkfield.site)
    begin = at("08:00", 2).timestamp()
    server.date = begin

    def break_script(path: str, status: int, body: bytes) -> tuple[int, bytes]:
        # Without the policy, which would not allow the changed script.
        body = re.sub(rb"<meta http-equiv=.Content-Security-Policy[^>]*>", b"", body)
        return status, body.replace(b"const byId = (id)", f"{fault}; const byId = (id)".encode())

    server.spoil = break_script
    page = engine.page(1920, 1080, begin)
    page.goto(server.url("screen.html"))
    assert page.evaluate("document.querySelector('h2').textContent") == "Tuesday, March 3"
    page.let_pass(20, server, 5)
    assert page.evaluate(STATE) == "stopped"
    assert page.evaluate(DAY) == FROM
    assert page.evaluate("document.getElementById('clock').textContent") == ""
    server.spoil = None
    page.evaluate("window.mark = 1")
    with suppress(AssertionError):
        page.let_pass(300, server, 20)
    page.wait_until(f"!window.mark && {STATE} === 'running'")
    assert not page.evaluate(DAY)


def test_the_list_can_be_searched_on_an_old_phone(
    tmp_path: Path, larkfield: Library, serve: Callable[[Path], SiteServer]
) -> None:
    server = serve(larkfield.site)
    server.date = NOW.timestamp()
    with engines.launch("79", tmp_path) as launched:
        page = launched.page(390, 844, NOW.timestamp())
        page.goto(server.url("index.html?q=yoga&date=tomorrow"))
        page.let_pass(1, server)
        assert "Next: Friday, March 6" in page.evaluate("document.getElementById('none').textContent")
        page.evaluate("document.getElementById('show-all').click()")
        page.let_pass(1, server)
        # The text is not squeezed by the image beside it.
        narrow = "[...document.querySelectorAll('#events section:not(#ongoing) li h3')].filter(e => e.offsetWidth < 200).length"
        assert page.evaluate(narrow) == 0
        assert page.errors == []
