"""The hour of the day: pages that are right at every minute, however long ago they were made or opened.

The clock is the browser's own, faked; the site is made once, on the morning of sample_events.NOW or earlier.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page

from browser.conftest import MakeSite, OpenPage
from browser.sample_events import NOW, OPEN, at, event
from browser.server import SiteServer
from event import Event, midnight

Serve = Callable[[Path], SiteServer]
NEW_YORK, COPENHAGEN = ZoneInfo("America/New_York"), ZoneInfo("Europe/Copenhagen")
# Where the visitor's own clock may stand; the pages go by the library's.
DEVICES = ("America/New_York", "UTC", "Asia/Tokyo", "Pacific/Honolulu")


def headings(page: Page) -> list[str]:
    texts: list[str] = page.locator("#events section:not([hidden]) h2").all_text_contents()
    return texts


def cards(page: Page) -> dict[str, str]:
    """Return the status of each event that is shown, by its title; empty for none."""
    found: list[tuple[str, str]] = page.eval_on_selector_all(
        "#events li:not([hidden])",
        "all => all.map(li => [li.querySelector('h3').textContent, li.querySelector('.tag')?.textContent ?? ''])",
    )
    return dict(found)


def stop_at(page: Page, moment: datetime) -> None:
    """Jump to `moment`, as a device that slept, and let the page's clock stand there; before any go_to."""
    page.clock.pause_at(moment)


def go_to(page: Page, moment: datetime) -> None:
    """Let a clock that stands run on to `moment`, every timer of the way included."""
    now = page.evaluate("Date.now()")
    page.clock.run_for(int(moment.timestamp() * 1000 - now))


@pytest.mark.parametrize("device", DEVICES)
def test_each_event_is_marked_and_goes_at_its_minute(open_page: OpenPage, device: str) -> None:
    page = open_page("index.html", timezone_id=device)
    assert headings(page)[:2] == ["Today, Tuesday, March 3", "Tomorrow, Wednesday, March 4"]
    assert cards(page)["Baby Lapsit"] == "Happening now, until 9:45am"
    assert cards(page)["Genealogy Drop-In"] == ""
    assert page.locator("#count").inner_text() == "10 events"
    stop_at(page, at("09:44") + timedelta(seconds=59))
    assert "Baby Lapsit" in cards(page)
    go_to(page, at("09:45"))
    assert "Baby Lapsit" not in cards(page)
    assert page.locator("#count").inner_text() == "9 events"
    go_to(page, at("10:29") + timedelta(seconds=59))
    assert cards(page)["Genealogy Drop-In"] == ""
    go_to(page, at("10:30"))
    assert cards(page)["Genealogy Drop-In"] == "Happening now, until noon"


def test_cancelled_comes_before_ended_and_now_and_now_before_registration(open_page: OpenPage) -> None:
    page = open_page("index.html", now=at("13:30"))
    assert cards(page)["Tax Help"] == "Happening now, until 4pm"
    assert cards(page)["Watercolor for Beginners"] == "Full"
    stop_at(page, at("16:30"))
    found = cards(page)
    assert found["Chess Club"] == "Cancelled"
    assert "Tax Help" not in found
    assert "Watercolor for Beginners" not in found
    go_to(page, at("17:30"))
    assert "Chess Club" not in cards(page)


@pytest.mark.parametrize("device", DEVICES)
def test_a_page_left_open_over_midnight_turns_the_day(open_page: OpenPage, device: str) -> None:
    page = open_page("index.html", now=at("23:50"), timezone_id=device)
    assert headings(page) == ["Tomorrow, Wednesday, March 4", "Friday, March 6", "Ongoing"]
    stop_at(page, at("23:59") + timedelta(seconds=59))
    assert headings(page)[0] == "Tomorrow, Wednesday, March 4"
    go_to(page, at("00:00", 1))
    assert headings(page) == ["Today, Wednesday, March 4", "Friday, March 6", "Ongoing"]
    go_to(page, at("00:00", 2))
    assert headings(page) == ["Tomorrow, Friday, March 6", "Ongoing"]


def test_a_device_that_slept_is_right_as_soon_as_it_wakes(open_page: OpenPage) -> None:
    page = open_page("index.html")
    page.clock.fast_forward("26:00:00")
    assert headings(page)[0] == "Today, Wednesday, March 4"
    assert next(iter(cards(page))) == "Poetry Reading"


def test_what_is_ongoing_is_not_marked_and_stays_to_its_last_day(open_page: OpenPage) -> None:
    page = open_page("index.html")
    assert cards(page)["Winter in the Valley: Photographs"] == ""
    assert open_page("event/110.html").locator(".tag").count() == 0
    last = at("23:59", 39)
    stop_at(page, last)
    assert headings(page) == ["Ongoing"]
    go_to(page, last + timedelta(minutes=1))
    assert headings(page) == []
    assert page.locator("#none").inner_text().startswith("No events are scheduled right now.")


def test_what_runs_on_from_an_earlier_day_stands_under_today(
    open_page: OpenPage, serve: Serve, make_site: MakeSite
) -> None:
    saturday, sunday = midnight(at("00:00", 4).date(), NEW_YORK), midnight(at("00:00", 5).date(), NEW_YORK)
    sale = event(1, "Book Sale", saturday, 48, all_day=True)
    sleepover = event(2, "Dance", at("20:00", 4), 5)
    concert = event(3, "Concert", sunday.replace(hour=15))
    made = at("18:00", 4)
    page = open_page("index.html", serve(make_site((sale, sleepover, concert), now=made)), now=at("23:40", 4))
    stop_at(page, at("23:59", 4))
    assert headings(page) == ["Today, Saturday, March 7", "Tomorrow, Sunday, March 8"]
    # The dance ends at 1am and belongs to Saturday night; the sale is on Sunday's programme by now.
    go_to(page, at("00:30", 5))
    assert headings(page) == ["Saturday, March 7", "Today, Sunday, March 8"]
    assert list(cards(page)) == ["Dance", "Book Sale", "Concert"]
    go_to(page, at("10:00", 5))
    assert headings(page) == ["Today, Sunday, March 8"]
    assert list(cards(page)) == ["Book Sale", "Concert"]

    # With nothing else on that day, the heading alone moves on.
    page = open_page("index.html", serve(make_site((sale,), now=made)), now=at("10:00", 5))
    assert headings(page) == ["Today, Sunday, March 8"]
    stop_at(page, at("11:00", 5))
    assert headings(page) == ["Today, Sunday, March 8"]


def test_the_reader_is_not_robbed_of_the_focus_when_the_day_turns(
    open_page: OpenPage, serve: Serve, make_site: MakeSite
) -> None:
    sale = event(1, "Book Sale", midnight(at("00:00", 4).date(), NEW_YORK), 48, all_day=True)
    server = serve(make_site((sale, event(2, "Concert", at("15:00", 5))), now=at("18:00", 4)))
    page = open_page("index.html", server, now=at("23:40", 4))
    page.get_by_role("link", name="Book Sale").focus()
    stop_at(page, at("00:05", 5))
    assert page.evaluate("document.activeElement.textContent") == "Book Sale"


# Around the hour that is skipped, and the one that comes twice: what is on, and what is over, when.
NIGHTS = [
    ("America/New_York", "2026-03-08T01:30-05:00", "2026-03-08T03:30-04:00", "1:30am to 3:30am"),
    ("America/New_York", "2026-11-01T00:30-04:00", "2026-11-01T01:30-04:00", "12:30am to 1:30am"),
    ("America/New_York", "2026-11-01T01:30-04:00", "2026-11-01T01:30-05:00", "1:30am to 1:30am"),
    ("Europe/Copenhagen", "2026-03-29T01:30+01:00", "2026-03-29T03:30+02:00", "1.30 til 3.30"),
    ("Europe/Copenhagen", "2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00", "2.30 til 2.30"),
]


@pytest.mark.parametrize("device", ["America/New_York", "Europe/Copenhagen", "Asia/Tokyo"])
@pytest.mark.parametrize(("zone", "start", "end", "words"), NIGHTS)
def test_the_nights_the_clocks_change(
    open_page: OpenPage,
    serve: Serve,
    make_site: MakeSite,
    zone: str,
    start: str,
    end: str,
    words: str,
    device: str,
) -> None:
    here = ZoneInfo(zone)
    first, last = (datetime.fromisoformat(text).astimezone(here) for text in (start, end))
    watch = Event(id="1", calendar="15144", title="Night Watch", start=first, end=last)
    next_day = midnight(first.date() + timedelta(days=1), here)
    settings = {"TIMEZONE": zone, "LOCALE": "da_DK" if zone.startswith("Europe") else "en_US"}
    later = event(2, "The day after", next_day + timedelta(hours=10))
    made = midnight(first.date() - timedelta(days=1), here) + timedelta(hours=9)
    server = serve(make_site((watch, later), now=made, **settings))
    utc = ZoneInfo("UTC")
    opened, begin, over = (
        first.astimezone(utc) - timedelta(minutes=30),
        first.astimezone(utc),
        last.astimezone(utc),
    )
    page = open_page("index.html", server, now=opened, timezone_id=device)
    second = timedelta(seconds=1)
    stop_at(page, begin - second)
    assert page.locator("li", has_text="Night Watch").locator("time").inner_text() == words
    assert cards(page)["Night Watch"] == ""
    go_to(page, begin)
    danish = zone.startswith("Europe")
    assert cards(page)["Night Watch"].startswith(
        "I gang nu, indtil kl." if danish else "Happening now, until "
    )
    go_to(page, over - second)
    assert "Night Watch" in cards(page)
    go_to(page, over)
    assert "Night Watch" not in cards(page)
    # The day is 23 or 25 hours long; it turns at midnight all the same.
    midnight_after = next_day.astimezone(utc)
    go_to(page, midnight_after - second)
    assert headings(page)[0].startswith("I morgen, " if danish else "Tomorrow, ")
    go_to(page, midnight_after)
    assert headings(page)[0].startswith("I dag, " if danish else "Today, ")


@pytest.mark.parametrize("device", DEVICES)
def test_the_event_page_knows_the_hour_too(open_page: OpenPage, device: str) -> None:
    page = open_page("event/103.html", now=at("12:30"), timezone_id=device)
    stop_at(page, at("12:59") + timedelta(seconds=59))
    assert page.locator(".tag").inner_text() == "Registration required"
    assert page.locator("#register").is_visible()
    go_to(page, at("13:00"))
    assert page.locator(".tag").inner_text() == "Happening now, until 4pm"
    assert page.locator("#register").count() == 0
    go_to(page, at("16:00"))
    assert page.locator(".tag").inner_text() == "Ended"
    assert page.locator(".actions").count() == 0
    page = open_page("event/105.html", now=at("20:00"), timezone_id=device)
    assert page.locator(".tag").inner_text() == "Cancelled"
    page = open_page("event/102.html", now=at("13:00"), timezone_id=device)
    assert page.locator(".tag").inner_text() == "Ended"


def test_an_event_without_an_end_counts_as_an_hour_long(
    open_page: OpenPage, serve: Serve, make_site: MakeSite
) -> None:
    late = event(1, "Late start", at("23:30"), 0, registration=OPEN)
    server = serve(make_site((late, event(2, "Next day", at("10:00", 1)))))
    page = open_page("index.html", server, now=at("23:40"))
    assert cards(page)["Late start"] == "Happening now"
    stop_at(page, at("00:29", 1) + timedelta(seconds=59))
    assert cards(page)["Late start"] == "Happening now"
    go_to(page, at("00:30", 1))
    assert "Late start" not in cards(page)


def test_the_embedded_list_knows_the_hour(open_page: OpenPage) -> None:
    page = open_page("embed.html?limit=3")
    assert list(cards(page)) == ["Baby Lapsit", "Genealogy Drop-In", "Tax Help"]
    stop_at(page, at("09:45"))
    assert list(cards(page)) == ["Genealogy Drop-In", "Tax Help", "Watercolor for Beginners"]


def test_the_real_clock_makes_no_difference_to_the_events_of_the_day(open_page: OpenPage) -> None:
    """The site is of the past by now: everything has ended, and nothing breaks."""
    page = open_page("index.html", now=None)
    assert datetime.now(NEW_YORK) > NOW
    assert cards(page) == {}
    assert page.locator("#none").is_visible()
