"""What the lobby screen shows over an hour, and in the slots of a player that loads it again."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from browser.conftest import MakeSite, OpenPage, ShowScreen, Watch
from browser.sample_events import at, event
from browser.screens import SEEN
from browser.server import SiteServer
from support.wide import wide

# Records each page when it is shown; pages that are only measured have left the document.
_RECORD = """() => {
  window.turns = [];
  const stage = document.getElementById("stage");
  new MutationObserver((changes) => changes.forEach(({ addedNodes }) => addedNodes.forEach((page) => {
    if (!page.isConnected) return;
    const titles = [...page.querySelectorAll("h3")].map((title) => title.textContent);
    turns.push([Date.now() / 1000, page.classList[1], titles]);
  }))).observe(stage, { childList: true });
}"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("hours", [2, wide(10)])
def test_the_evenings_event_has_a_slide_each_hour_and_in_its_last_hour_in_each_round(
    show: ShowScreen, watch: Watch, hours: int
) -> None:
    # The screen's requests take real time; without a server it asks for no time of the server.
    watch.allow("Failed to load resource|ERR_")
    day = tuple(
        event(number, f"Event {number}", at(f"{number + 8:02}:00"), 2, featured=number == 3)
        for number in range(1, 12)
    )
    events = (*day[:10], event(20, "Headliner", at("19:00")), event(21, "Film", at("19:30")))
    screen = show(events=events, made=at("08:00"), now=at(f"{19 - hours}:00"))
    screen.server.close()
    screen.page.evaluate(_RECORD)
    for _ in range(hours * 4):
        screen.page.clock.run_for(15 * 60 * 1000)
    screen.server.reopen()
    turns: list[tuple[float, str, list[str]]] = screen.page.evaluate("turns")
    assert len(turns) > hours * 200

    rounds: list[tuple[float, set[str]]] = []
    for moment, kind, titles in turns:
        if kind == "board" and (not rounds or rounds[-1][1]):
            rounds.append((moment, set()))
        if kind == "slide" and rounds:
            rounds[-1][1].update(titles)
    # At 18:30 the film joins the slides of each round, which cuts the round of that moment short.
    film = at("18:30").timestamp()
    last_hour = [
        slides
        for (moment, slides), (following, _) in pairwise(rounds)
        if moment > at("18:00").timestamp() + 60 and not moment <= film + 60 <= following + 60
    ]
    assert len(last_hour) > 10
    assert all("Headliner" in slides for slides in last_hour)
    for hour in range(19 - hours, 19):
        begin = at(f"{hour}:00").timestamp()
        shown = {title for moment, slides in rounds for title in slides if begin <= moment < begin + 3600}
        assert {item.title for item in events if item.end.timestamp() > begin + 3600} <= shown


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "minutes", [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], wide([10 * number for number in range(10)])]
)
def test_ten_slots_of_thirty_seconds_show_a_day_of_24_events_and_all_its_slides(
    open_page: OpenPage, serve: Callable[[Path], SiteServer], make_site: MakeSite, minutes: list[int]
) -> None:
    titles = {f"Event {number:02}" for number in range(24)}
    events = tuple(
        event(number + 1, title, at(f"{14 + number // 4}:{15 * (number % 4):02}"), 2)
        for number, title in enumerate(sorted(titles))
    )
    server = serve(make_site(events, at("08:00")))
    slides: set[str] = set()
    for minute in minutes:
        now = at(f"{9 + minute // 60:02}:{minute % 60:02}")
        server.date = now.timestamp()
        page = open_page("screen.html?slot=30", server, now, viewport={"width": 1920, "height": 1080})
        page.wait_for_selector(".page:not(.unscripted)", state="attached")
        board: set[str] = set()

        def look(page: Page, board: set[str] = board) -> None:
            seen: dict[str, Any] = page.evaluate(SEEN)
            shown = {row["title"] for _, rows in seen["groups"] for row in rows}
            (board if seen["kind"] == "board" else slides).update(shown)

        look(page)
        # Stop the clock, or pages would turn between two looks on a slow machine.
        page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)
        while page.evaluate("performance.now()") < 29_500:
            look(page)
            page.clock.run_for(1000)
        assert board == titles, now
        page.context.close()
    assert slides == titles


def test_only_next_shows_the_next_event(show: ShowScreen) -> None:
    screen = show("screen.html?only=next", now=at("10:45"))
    assert (screen.seen.kind, screen.seen.titles) == ("slide", ["Tax Help"])
    screen.skip(2.3)
    assert screen.seen.titles == ["Film Night: The Secret Garden"]


def test_an_audience_in_the_address_chooses_its_events(show: ShowScreen) -> None:
    screen = show("screen.html?layout=agenda&audience=children,nonsense")
    assert screen.page.inner_text("h1") == "Lebanon Public Libraries Children"
    assert screen.seen.titles == ["Preschool Story Time"]


def test_a_notice_of_the_library_is_on_every_screen(show: ShowScreen) -> None:
    settings = {"SCREEN_NOTICE": "Wi-Fi is down <today>"}
    for path in ("screen.html?layout=slides", "screen/kilton.html"):
        screen = show(path, settings=settings)
        assert screen.seen.notice == "Wi-Fi is down <today>"
    assert show().seen.notice == ""
