"""How old the list is: said on every page, and a warning only when the library should have updated it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

import schedule
from browser.conftest import OpenPage, Watch
from browser.sample_events import NOW, at
from browser.server import SiteServer

SATURDAY_EVENING = datetime(2026, 3, 7, 18, 0, tzinfo=ZoneInfo("America/New_York"))
PAGES = ("index.html", "branch/kilton.html", "embed.html", "event/103.html")


def fetched_at(server: SiteServer, *moments: datetime) -> None:
    """Have status.json say that the calendars were fetched at `moments`, and nothing since."""
    calendars = [
        {
            "id": str(number),
            "name": ("Kilton", "Lebanon")[number],
            "fetched": moment.isoformat(),
            "next_due": schedule.next_due(moment).isoformat(),
            "stale": False,
        }
        for number, moment in enumerate(moments)
    ]
    oldest = min(moments)
    status = {
        "version": 1,
        "fetched": oldest.isoformat(),
        "next_due": schedule.next_due(oldest).isoformat(),
        "timezone": "America/New_York",
        "stale_after_minutes": 180,
        "calendars": calendars,
    }
    answer = json.dumps(status).encode()
    server.spoil = lambda path, code, body: (200, answer) if path == "status.json" else (code, body)


def updated(page: Page) -> str:
    expect(page.locator("#updated")).not_to_be_empty()
    return page.locator("#updated").inner_text()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("device", ["America/New_York", "Asia/Tokyo"])
def test_every_page_says_when_it_was_updated(open_page: OpenPage, path: str, device: str) -> None:
    page = open_page(path, timezone_id=device)
    assert updated(page) == "Updated 9am"
    expect(page.locator("#stale")).to_be_hidden()


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (SATURDAY_EVENING + timedelta(minutes=20), "Updated 6pm"),
        (at("15:00", 5), "Updated Saturday, March 7, 6pm"),
        (at("09:20", 6), "Updated Saturday, March 7, 6pm"),
        (at("11:59", 6), "Updated Saturday, March 7, 6pm"),
    ],
    ids=["that evening", "closed Sunday", "Monday, first run late", "not yet three hours late"],
)
def test_nothing_is_stale_while_no_run_was_due(
    open_page: OpenPage, server: SiteServer, now: datetime, words: str
) -> None:
    fetched_at(server, SATURDAY_EVENING)
    page = open_page("index.html", now=now)
    assert updated(page) == words
    expect(page.locator("#stale")).to_be_hidden()


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (at("12:00", 6), "Last updated Saturday, March 7, 6pm. Times may have changed."),
        (at("08:59", 7), "Last updated Saturday, March 7, 6pm. Times may have changed."),
        (at("09:01", 7), "This list is from Saturday, March 7. Please check at the desk."),
    ],
    ids=["three hours late", "nearly a day late", "more than a day late"],
)
@pytest.mark.parametrize("path", PAGES)
def test_what_is_overdue_says_so_on_every_page(
    open_page: OpenPage, server: SiteServer, path: str, now: datetime, words: str
) -> None:
    fetched_at(server, SATURDAY_EVENING)
    page = open_page(path, now=now)
    notice = page.locator("#stale")
    expect(notice).to_be_visible()
    assert notice.inner_text() == words
    assert notice.get_attribute("role") == "status"


def test_a_page_that_stays_open_becomes_stale_by_itself(open_page: OpenPage, server: SiteServer) -> None:
    fetched_at(server, at("10:00"))
    page = open_page("index.html", now=at("10:05"))
    assert updated(page) == "Updated 10am"
    page.clock.pause_at(at("13:14"))
    expect(page.locator("#stale")).to_be_hidden()
    page.clock.run_for(60_000)
    assert page.locator("#stale").inner_text() == "Last updated 10am. Times may have changed."


def test_one_late_calendar_of_several_is_named(open_page: OpenPage, server: SiteServer) -> None:
    fetched_at(server, at("09:00"), at("13:00"))
    page = open_page("index.html", now=at("13:05"))
    expect(page.locator("#stale")).to_have_text("Kilton: last updated 9am. Times may have changed.")
    # The footer claims no more than the oldest can bear out.
    assert updated(page) == "Updated 9am"


@pytest.mark.parametrize(
    "answer",
    [None, (404, b"not found"), (200, b"<html>"), (200, b'{"fetched": null, "calendars": []}'), (200, b"{}")],
    ids=["hung up", "missing", "no JSON", "never fetched", "empty"],
)
def test_without_a_status_the_page_claims_nothing(
    open_page: OpenPage, server: SiteServer, watch: Watch, answer: tuple[int, bytes] | None
) -> None:
    watch.allow("404|ERR_EMPTY_RESPONSE|ERR_CONNECTION")
    server.spoil = lambda path, code, body: answer if path == "status.json" else (code, body)
    page = open_page("index.html")
    page.wait_for_load_state("networkidle")
    page.clock.run_for(120_000)
    assert page.locator("#updated").inner_text() == ""
    expect(page.locator("#stale")).to_be_hidden()
    assert page.locator("#events li:not([hidden])").count() == 10


def test_the_time_is_asked_for_anew_past_every_cache(
    open_page: OpenPage, server: SiteServer, site: Path
) -> None:
    page = open_page("index.html")
    assert updated(page) == "Updated 9am"
    assert [path for path in server.requests if path.endswith("status.json")] == ["/status.json"]
    fetched_at(server, NOW + timedelta(minutes=10))
    page.reload()
    assert updated(page) == "Updated 9:15am"
