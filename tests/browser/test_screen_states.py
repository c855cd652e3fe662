"""What the lobby screen says when there is little to show: each state is true, and says what comes next."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from browser.conftest import MakeSite, ShowScreen, Watch
from browser.sample_events import NOW, OPEN, at, event
from browser.screens import FAULTS
from event import Calendar, Event, Seats
from fetching import opening_hours
from hours import Hours
from standins import hours as standin
from support.wide import wide

WEEK = standin.WEEKS["9101"]
STAFF_DAY = event(90, "Staff Day", at("00:00"), 24, all_day=True, branch="")
TALK = event(1, "Talk", at("14:00", 1), excerpt="")
FULL = replace(TALK, registration=replace(OPEN, in_person=Seats(total=10, taken=10)))
EMPTY = "No events are scheduled right now. Check back soon."
# The letters of a state, in percent of the height: still readable when the screen is 108 pixels high.
STATE_SIZE = 6


def week(now: datetime) -> Hours:
    """Return the hours of the main branch of the sample library for two weeks, fetched at `now`."""
    days = [(now + timedelta(days=number)).date() for number in range(-1, 14)]
    entries = {day.isoformat(): standin.entry(WEEK[day.weekday()]) for day in days}
    return Hours(id="9101", fetched=now, days=opening_hours.days_of({"dates": entries}, days[0], days[-1]))


@pytest.fixture
def make_library(make_site: MakeSite, tmp_path: Path) -> Any:
    """Return `make_library(*events, now, closures=())`: generates the site of one branch with hours."""
    branches = tmp_path / "branches.toml"
    branches.write_text('[[branch]]\nname = "Kilton"\nhours = "9101"\n')

    def make(*events: Event, now: datetime = NOW, closures: tuple[Event, ...] = ()) -> Path:
        facts = {"hours": (week(now),), "closures": closures}
        return make_site(events, now, facts=facts, BRANCHES=str(branches))

    return make


STATES = {
    "open": (at("12:00"), {"hours": "Open until 8pm"}),
    "opening soon": (at("08:35"), {"shut": "Opens at 9am, in 25 min", "hours": ""}),
    "closed now": (at("06:30"), {"shut": "Closed now, opens at 9am"}),
    "closed for the night": (at("21:00"), {"shut": "Closed now, opens Wednesday 9am"}),
    "closed today": (at("12:00", 5), {"shut": "Closed today, opens Monday 9am"}),
}


@pytest.mark.parametrize("viewport", [(1920, 1080), wide((1080, 1920)), wide((1280, 720))])
@pytest.mark.parametrize("state", STATES)
def test_the_screen_says_whether_the_library_is_open(
    show: ShowScreen, make_library: Any, state: str, viewport: tuple[int, int]
) -> None:
    now, expected = STATES[state]
    site = make_library(TALK, event(2, "Sewing", at("10:00", 6)), now=now)
    screen = show(site=site, now=now, viewport=dict(zip(("width", "height"), viewport, strict=True)))
    found = screen.seen
    assert {name: getattr(found, name) for name in ("shut", "hours")} == {"shut": "", "hours": "", **expected}
    # The next event follows.
    assert found.titles[0] == ("Sewing" if state == "closed today" else "Talk")
    assert screen.page.evaluate(FAULTS) == []
    if found.shut:
        assert letters(screen, "#shut") >= STATE_SIZE


def letters(screen: Any, selector: str) -> float:
    size: float = screen.page.locator(selector).first.evaluate(
        "element => parseFloat(getComputedStyle(element).fontSize) / Math.min(innerWidth, innerHeight) * 100"
    )
    return size


def test_a_closure_is_large_on_its_day_and_small_before(show: ShowScreen, make_library: Any) -> None:
    site = make_library(TALK, closures=(STAFF_DAY,))
    screen = show(site=site, now=at("10:00"))
    assert (screen.seen.closed, screen.seen.shut) == ("Closed Tuesday, March 3: Staff Day", "")
    assert screen.seen.hours == "Closed today, opens Wednesday 9am"
    assert screen.seen.headings[0] == "Next: Wednesday, March 4"
    assert letters(screen, "#closed") >= STATE_SIZE
    tomorrow = replace(STAFF_DAY, start=at("00:00", 1), end=at("00:00", 2))
    screen = show(site=make_library(TALK, closures=(tomorrow,)), now=at("10:00"))
    assert letters(screen, "#closed") == pytest.approx(4)


@pytest.mark.parametrize(
    ("events", "heading"),
    [
        ((TALK,), "No events today. Next: Wednesday, March 4"),
        ((TALK, event(3, "Early", at("09:00"))), "No more events today. Next: Wednesday, March 4"),
    ],
)
@pytest.mark.parametrize("viewport", [(1920, 1080), (1080, 1920)])
def test_a_day_without_events_says_so_in_large_letters(
    show: ShowScreen, events: tuple[Event, ...], heading: str, viewport: tuple[int, int]
) -> None:
    size = dict(zip(("width", "height"), viewport, strict=True))
    screen = show("screen.html?layout=agenda", events=events, now=at("12:00"), viewport=size)
    assert (screen.seen.headings, screen.seen.titles) == ([heading], ["Talk"])
    assert letters(screen, "h2") >= STATE_SIZE
    assert screen.page.evaluate(FAULTS) == []
    # The slide of the next event says its day.
    slide = show("screen.html?layout=slides", events=events, now=at("12:00")).seen
    assert slide.groups[0][1][0].time.startswith("Tomorrow, Wednesday, March 4 · 2pm")


def test_without_any_event_there_is_no_code_that_leads_to_an_empty_list(
    show: ShowScreen, make_library: Any
) -> None:
    screen = show(site=make_library(), now=at("12:00"))
    assert (screen.seen.empty, screen.seen.scan, screen.seen.groups) == (EMPTY, "", [])
    assert "Open until 8pm" in screen.page.inner_text("main")
    assert screen.page.evaluate(FAULTS) == []


def test_full_events_alone_are_in_the_list(show: ShowScreen) -> None:
    screen = show(events=(FULL,), now=at("12:00"))
    assert screen.seen.empty == "Coming events are in the list."
    assert screen.seen.scan.replace("\u200b", "") == "All events events.example.org"
    assert screen.page.evaluate(FAULTS) == []


def test_an_audience_without_events_is_named(show: ShowScreen) -> None:
    events = (replace(FULL, audiences=("Teens",)), replace(TALK, id="2", audiences=("Adults",)))
    screen = show("screen.html?audience=teens", events=events)
    assert screen.seen.empty == "No events for Teens are scheduled right now. Check back soon."


def test_before_the_first_answer_of_libcal_the_screen_does_not_say_that_there_are_no_events(
    show: ShowScreen, make_site: MakeSite
) -> None:
    site = make_site((), facts={"calendars": (Calendar(id="15144", name="Events", cause="refused"),)})
    found = show(site=site).seen
    assert found.empty == "Events: events could not be fetched yet. Check back soon."
    assert found.scan == ""


def test_a_wrong_clock_hides_what_depends_on_it(show: ShowScreen, make_library: Any, watch: Watch) -> None:
    watch.allow("Failed to load resource")
    screen = show(site=make_library(TALK), now=datetime(2020, 1, 1, 3, tzinfo=NOW.tzinfo))
    screen.server.close()
    screen.let_pass(60)
    found = screen.seen
    assert (found.clock, found.date, found.shut, found.hours) == ("", "", "", "")
    assert found.titles == ["Talk"]
    screen.server.reopen()
