"""Open pages: ended events disappear, running ones are marked, "today" changes at the library's midnight.

The browser's clock is fake. The expected text is computed here from the events, independently of the script.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import MakeSite, OpenPage, Watch
from browser.libraries import Library
from browser.sample_events import NOW, OPEN, at, event
from browser.server import SiteServer
from event import Event, midnight
from rendering import dates, messages
from support.wide import wide

Serve = Callable[[Path], SiteServer]
Shown = dict[str, dict[str, str]]

NEW_YORK, COPENHAGEN = ZoneInfo("America/New_York"), ZoneInfo("Europe/Copenhagen")
# Time zones of devices: for most of the day in New York, these are on another date.
DEVICES = ("America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago")

# The day before each night in which the clocks change.
NIGHTS = {
    "New York, spring": (NEW_YORK, date(2026, 3, 7)),
    "New York, autumn": (NEW_YORK, date(2026, 10, 31)),
    "Copenhagen, spring": (COPENHAGEN, date(2026, 3, 28)),
    "Copenhagen, autumn": (COPENHAGEN, date(2026, 10, 24)),
}

SHOWN = """() => Object.fromEntries([...document.querySelectorAll("#events section")].filter((s) => s.checkVisibility())
  .map((s) => [s.querySelector("h2").textContent, Object.fromEntries([...s.querySelectorAll("li")]
    .filter((li) => li.checkVisibility())
    .map((li) => [li.querySelector("h3").textContent, li.querySelector(".now")?.textContent ?? ""]))]))"""


def shown(page: Page) -> Shown:
    """Return the visible headings with their events' titles and "now" tags."""
    found: Shown = page.evaluate(SHOWN)
    return found


def expected(events: Iterable[Event], made: date, now: datetime, wording: dates.Wording) -> Shown:
    """Return the headings and events that a list generated on `made` shows at `now`, except ongoing ones."""
    zone = now.tzinfo
    today = now.date()
    found: Shown = {}
    for item in sorted(events, key=lambda item: item.order):
        end = item.end if dates.has_end(item) else _later(item.start, 60)
        if now.timestamp() >= end.timestamp():
            continue
        last = datetime.fromtimestamp(end.timestamp() - 1, zone)
        runs_on = (last.date(), last.hour) >= (today, dates.NIGHT_ENDS)
        day = today if item.first_day < today and runs_on else max(item.first_day, made)
        heading = wording.day(day)
        for days, key in ((0, "today"), (1, "tomorrow")):
            if day == today + timedelta(days=days):
                heading = wording.messages(key, day=heading)
        tag = ""
        hours = (end.timestamp() - item.start.timestamp()) / 3600
        if now.timestamp() >= item.start.timestamp() and not item.state and not item.all_day and hours <= 24:
            tag = wording.messages("status.now")
            soon = end.timestamp() - now.timestamp() <= 12 * 3600
            if soon and not item.all_day and dates.has_end(item):
                time = wording.messages("time.alone", time=wording.end_time(item.end))
                tag = wording.messages("status.now_until", time=time)
        found.setdefault(heading, {})[item.title] = tag
    return found


def _later(moment: datetime, minutes: int) -> datetime:
    """Return the time `minutes` real minutes later, even across a clock change."""
    return (moment.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(moment.tzinfo)


def go_to(page: Page, moment: datetime) -> None:
    """Move the clock to `moment`, as when a device wakes: each timer that was due runs once."""
    page.clock.pause_at(moment.astimezone(UTC))


def in_zone(item: Event, zone: ZoneInfo) -> Event:
    return replace(item, start=item.start.astimezone(zone), end=item.end.astimezone(zone))


@pytest.mark.parametrize("device", [DEVICES[0], *map(wide, DEVICES[1:])])
@pytest.mark.parametrize("night", NIGHTS.values(), ids=NIGHTS)
def test_the_list_is_right_at_every_moment_of_a_night_in_which_the_clocks_change(
    make_site: MakeSite, open_page: OpenPage, serve: Serve, night: tuple[ZoneInfo, date], device: str
) -> None:
    zone, eve = night
    start = midnight(eve, zone)
    evening, small_hours = start.replace(hour=21), start.replace(hour=23, minute=30)
    begins = [_later(small_hours, 30 * step) for step in range(14)]
    events = [event(200 + step, f"Half hour {step}", one, 0.5) for step, one in enumerate(begins)]
    events = [replace(one, end=_later(one.start, 30)) for one in events]
    events += [
        replace(event(301, "Dance", evening), end=_later(evening, 300)),
        replace(event(302, "Without an end", evening), end=evening),
        replace(
            event(303, "Cancelled walk", _later(small_hours, 120), state="cancelled"),
            end=_later(small_hours, 180),
        ),
        event(304, "The whole day", midnight(eve + timedelta(days=1), zone), all_day=True),
        event(305, "In two days", midnight(eve + timedelta(days=2), zone).replace(hour=10)),
    ]
    whole = next(item for item in events if item.all_day)
    events[events.index(whole)] = replace(whole, end=midnight(eve + timedelta(days=2), zone))
    ordered = tuple(sorted((in_zone(item, zone) for item in events), key=lambda item: item.order))
    folder = make_site(ordered, now=start.replace(hour=9), TIMEZONE=zone.key)
    page = open_page("index.html", serve(folder), _later(evening, -1), timezone_id=device)
    wording = dates.Wording(messages.load("en_US"), eve)
    moments = {item.start for item in ordered} | {item.end for item in ordered}
    moments |= {midnight(eve + timedelta(days=number), zone) for number in (1, 2)}
    last = midnight(eve + timedelta(days=2), zone)
    for moment in sorted((m for m in moments if evening < m <= last), key=datetime.timestamp):
        for now in (datetime.fromtimestamp(moment.timestamp() - 1, zone), moment):
            go_to(page, now)
            assert shown(page) == expected(ordered, eve, now, wording), now.isoformat()
        count = sum(map(len, shown(page).values()))
        assert page.locator("#count").inner_text().split()[0] == str(count)


@pytest.mark.parametrize("device", DEVICES)
def test_an_open_page_moves_to_the_next_day_at_midnight(
    make_site: MakeSite, open_page: OpenPage, serve: Serve, device: str
) -> None:
    events = (
        event(1, "Night Readers", at("22:00"), 3),
        event(2, "Yoga", at("07:00", 1)),
        event(3, "Talk", at("12:00", 2)),
    )
    page = open_page("index.html", serve(make_site(events)), at("23:58"), timezone_id=device)
    headings = page.locator("#events section:visible h2")
    assert headings.all_inner_texts() == [
        "Today, Tuesday, March 3",
        "Tomorrow, Wednesday, March 4",
        "Thursday, March 5",
    ]
    go_to(page, at("00:00", 1))
    assert headings.all_inner_texts() == [
        "Tuesday, March 3",
        "Today, Wednesday, March 4",
        "Tomorrow, Thursday, March 5",
    ]
    assert shown(page)["Tuesday, March 3"] == {"Night Readers": "Happening now, until 1am"}
    go_to(page, at("01:00", 1))
    assert headings.all_inner_texts()[0] == "Today, Wednesday, March 4"
    assert page.locator("#count").inner_text() == "2 events"


def test_an_open_page_updates_every_minute(make_site: MakeSite, open_page: OpenPage, serve: Serve) -> None:
    events = (event(1, "Soon", at("23:59")), event(2, "Later", at("12:00", 1)))
    page = open_page("index.html", serve(make_site(events)), at("23:57"))
    page.clock.pause_at(at("23:58"))
    for minutes, tags in ((1, ["Happening now, until 12:59am"]), (60, [])):
        page.clock.run_for(minutes * 60_000)
        assert page.locator("#events .now:visible").all_inner_texts() == tags


def test_a_list_generated_on_saturday_is_right_on_monday(
    make_site: MakeSite, open_page: OpenPage, serve: Serve
) -> None:
    saturday = datetime(2026, 3, 7, 18, tzinfo=NEW_YORK)
    monday = saturday + timedelta(days=2)
    made = (
        event(1, "Saturday", saturday.replace(hour=19)),
        event(2, "Sunday", saturday.replace(day=8, hour=14)),
        event(3, "Sale", midnight(date(2026, 3, 7), NEW_YORK), all_day=True),
        event(4, "Monday", monday.replace(hour=10)),
        event(5, "Exhibit", midnight(date(2026, 2, 1), NEW_YORK), 24 * 60, all_day=True),
        event(6, "Old exhibit", midnight(date(2026, 2, 1), NEW_YORK), all_day=True),
    )
    events = tuple(
        replace(item, end=midnight(date(2026, 3, 10 if item.id == "3" else 9), NEW_YORK))
        if item.id in ("3", "6")
        else item
        for item in made
    )
    folder = make_site(events, now=saturday, fetched=saturday)
    page = open_page("index.html", serve(folder), monday.replace(hour=8))
    assert shown(page) == {
        "Ongoing": {"Exhibit": ""},
        "Today, Monday, March 9": {"Sale": "", "Monday": ""},
    }
    assert page.locator("#count").inner_text() == "3 events"
    expect(page.locator("#stale")).to_be_hidden()


def test_the_page_says_so_when_the_last_event_is_over(
    make_site: MakeSite, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html", serve(make_site((event(1, "Last", at("10:00")),))))
    expect(page.locator("#none")).to_be_hidden()
    go_to(page, at("11:00"))
    expect(page.locator("#none")).to_contain_text("No events are scheduled right now. Check back soon.")
    assert page.locator("#count").inner_text() == "0 events"
    expect(page.locator("#none a")).to_have_attribute("href", "https://example.libcal.com/")


@pytest.mark.parametrize("device", DEVICES)
def test_the_event_page_changes_from_upcoming_to_now_to_ended(
    make_site: MakeSite, open_page: OpenPage, serve: Serve, device: str
) -> None:
    events = (
        event(1, "Tax Help", at("13:00"), 3, registration=OPEN),
        event(2, "Chess", at("13:00"), 3, state="cancelled"),
        replace(event(3, "Talk", at("13:00")), end=at("13:00")),
    )
    server = serve(make_site(events))
    page, cancelled, open_ended = (
        open_page(f"event/{number}.html", server, timezone_id=device) for number in (1, 2, 3)
    )
    tag, register = page.locator("#event .tag"), page.locator("#register")
    expect(tag).to_have_text("Registration required")
    expect(register).to_be_visible()
    for moment, text, there in (
        (at("12:59"), "Registration required", True),
        (at("13:00"), "Happening now, until 4pm", False),
        (at("15:59"), "Happening now, until 4pm", False),
        (at("16:00"), "Ended", False),
    ):
        go_to(page, moment)
        expect(tag).to_have_text(text)
        assert register.count() == there
    go_to(open_ended, at("13:30"))
    expect(open_ended.locator("#event .tag")).to_have_text("Happening now")
    # Nobody knows when it ends.
    go_to(open_ended, at("14:00"))
    expect(open_ended.locator("#event .tag")).to_have_count(0)
    go_to(open_ended, at("00:00", 1))
    expect(open_ended.locator("#event .tag")).to_have_text("Ended")
    go_to(cancelled, at("16:00"))
    expect(cancelled.locator("h1")).to_contain_text("Cancelled: ")
    expect(cancelled.locator("#event .tag")).to_have_count(0)


@pytest.mark.parametrize("locale", ["en_US", "en_GB", "es_US", "da_DK"])
def test_the_browser_and_the_build_write_times_the_same_way(
    make_site: MakeSite, open_page: OpenPage, serve: Serve, locale: str
) -> None:
    """page.js must write the same text as dates.py."""
    ends = [
        at("23:59"),
        at("00:00", 1),
        *(at(f"{hour:02}:{hour * 7 % 60:02}") for hour in range(10, 24)),
        at("12:00"),
    ]
    events = [replace(event(100 + n, f"To {n}", at("09:00")), end=end) for n, end in enumerate(ends)]
    ordered = tuple(sorted(events, key=lambda item: item.order))
    page = open_page("index.html", serve(make_site(ordered, LOCALE=locale)))
    wording = dates.Wording(messages.load(locale), NOW.date())
    for now in (at("09:06"), at("12:00"), at("13:00")):
        go_to(page, now)
        assert shown(page) == expected(ordered, NOW.date(), now, wording)
    assert page.locator("html").get_attribute("lang") == locale.replace("_", "-")
    updated = wording.messages("updated", time=wording.messages("time.alone", time=wording.time(at("09:00"))))
    expect(page.locator("#updated")).to_have_text(updated)


SATURDAY = datetime(2026, 3, 7, 18, tzinfo=NEW_YORK)
TUESDAY = datetime(2026, 3, 3, 10, tzinfo=NEW_YORK)
NEVER = b'{"fetched": null, "calendars": []}'
LATE = "Last updated {}. Times may have changed."


@pytest.mark.parametrize(
    ("fetched", "now", "notice"),
    [
        # On the morning of a working day, the next run is due 15 minutes later.
        (TUESDAY, TUESDAY + timedelta(hours=3, minutes=14), ""),
        (TUESDAY, TUESDAY + timedelta(hours=3, minutes=15), LATE.format("10am")),
        (TUESDAY, TUESDAY + timedelta(hours=24, minutes=14), LATE.format("Tuesday, March 3, 10am")),
        (TUESDAY, TUESDAY + timedelta(hours=24, minutes=15), "This list is from Tuesday, March 3. Please check at the desk."),
        # No run is due between evening and morning.
        (TUESDAY.replace(hour=18), TUESDAY.replace(day=4, hour=11, minute=59), ""),
        (TUESDAY.replace(hour=18), TUESDAY.replace(day=4, hour=12), LATE.format("Tuesday, March 3, 6pm")),
        # Nor on a Sunday or early on Monday, even when the clocks have changed.
        (SATURDAY, SATURDAY + timedelta(hours=20), ""),
        (SATURDAY, SATURDAY.replace(day=9, hour=9), ""),
        (SATURDAY, SATURDAY.replace(day=9, hour=11, minute=59), ""),
        (SATURDAY, SATURDAY.replace(day=9, hour=12), LATE.format("Saturday, March 7, 6pm")),
        (SATURDAY, SATURDAY.replace(day=10, hour=9), "This list is from Saturday, March 7. Please check at the desk."),
    ],
    ids=lambda value: value.isoformat() if isinstance(value, datetime) else value or "nothing",
)  # fmt: skip
def test_a_page_warns_of_a_missed_update_but_not_on_a_sunday(
    made_when: Callable[[datetime], Path],
    open_page: OpenPage,
    serve: Serve,
    fetched: datetime,
    now: datetime,
    notice: str,
) -> None:
    server = serve(made_when(fetched))
    for path in ("index.html", "event/109.html", "embed.html"):
        page = open_page(path, server, now, timezone_id="Pacific/Kiritimati")
        expect(page.locator("#updated")).not_to_be_empty()
        stale = page.locator("#stale")
        assert (stale.inner_text() if stale.is_visible() else "") == notice
        page.context.close()


@pytest.fixture(scope="module")
def made_when(make_site: MakeSite) -> Callable[[datetime], Path]:
    """Return a function that returns the folder of a site whose last good fetch was at a given time."""
    return cache(lambda fetched: make_site(now=fetched, fetched=fetched))


def test_the_stale_notice_appears_on_an_open_page_and_goes_with_the_next_visit(
    make_site: MakeSite, open_page: OpenPage, serve: Serve
) -> None:
    folder = make_site()
    server = serve(folder)
    page = open_page("index.html", server)
    expect(page.locator("#updated")).to_have_text("Updated 9am")
    expect(page.locator("#stale")).to_be_hidden()
    go_to(page, at("12:15"))
    expect(page.locator("#stale")).to_have_text(LATE.format("9am"))
    make_site(folder=folder, now=at("12:20"), fetched=at("12:15"))
    later = open_page("index.html", server, at("12:20"))
    expect(later.locator("#updated")).to_have_text("Updated 12:15pm")
    expect(later.locator("#stale")).to_be_hidden()


def test_the_stale_notice_names_the_late_calendar(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    server = serve(larkfield.site)

    def late(path: str, status: int, body: bytes) -> tuple[int, bytes]:
        if path != "status.json":
            return status, body
        data = json.loads(body)
        calendar = next(each for each in data["calendars"] if each["name"] == "Harbor")
        data["fetched"] = calendar["fetched"] = "2026-03-02T16:00:00-05:00"
        calendar["next_due"] = "2026-03-02T16:15:00-05:00"
        return status, json.dumps(data).encode()

    server.spoil = late
    page = open_page("index.html", server)
    notice = "Harbor: last updated Monday, March 2, 4pm. Times may have changed."
    expect(page.locator("#stale")).to_have_text(notice)
    expect(page.locator("#updated")).to_have_text("Updated Monday, March 2, 4pm")


@pytest.mark.parametrize("path", ["index.html", "branch/harbor.html"])
def test_the_stale_notice_names_a_calendar_that_was_never_fetched(
    larkfield: Library, open_page: OpenPage, serve: Serve, path: str
) -> None:
    server = serve(larkfield.site)

    def never_fetched(path: str, status: int, body: bytes) -> tuple[int, bytes]:
        if path != "status.json":
            return status, body
        data = json.loads(body)
        calendar = next(each for each in data["calendars"] if each["name"] == "Harbor")
        calendar |= {"fetched": None, "next_due": None, "stale": True}
        return status, json.dumps(data).encode()

    server.spoil = never_fetched
    page = open_page(path, server)
    expect(page.locator("#stale")).to_have_text("Harbor: events could not be fetched yet. Check back soon.")
    expect(page.locator("#stale")).to_be_visible()


@pytest.mark.parametrize(
    "answer", [(404, b"not found"), (200, b"<!doctype html>"), (200, b"{}"), (200, NEVER), None], ids=str
)
def test_a_page_works_without_status_json_and_shows_no_age(
    site: Path, open_page: OpenPage, serve: Serve, watch: Watch, answer: tuple[int, bytes] | None
) -> None:
    server = serve(site)
    watch.allow("status.json|404|ERR_|Failed to load")
    server.spoil = lambda path, status, body: (status, body) if path != "status.json" else (
        answer
    )  # fmt: skip
    page = open_page("index.html", server)
    page.wait_for_load_state("networkidle")
    go_to(page, at("15:00"))
    assert page.locator("#updated").inner_text() == ""
    expect(page.locator("#stale")).to_be_hidden()
    assert page.locator("#events [data-day] h2").first.inner_text().startswith("Today")
    page.fill("input[name=q]", "film")
    assert page.locator("#events li:visible").count() == 1


def test_an_event_that_started_on_an_earlier_day_is_under_today(
    make_site: MakeSite, open_page: OpenPage, serve: Serve
) -> None:
    saturday, sunday = (midnight(at("00:00", day).date(), NEW_YORK) for day in (4, 5))
    sale = event(1, "Book Sale", saturday, 48, all_day=True)
    dance = event(2, "Dance", at("20:00", 4), 5)
    concert = event(3, "Concert", sunday.replace(hour=15))
    made = at("18:00", 4)
    page = open_page("index.html", serve(make_site((sale, dance, concert), now=made)), at("23:40", 4))
    go_to(page, at("23:59", 4))
    assert list(shown(page)) == ["Today, Saturday, March 7", "Tomorrow, Sunday, March 8"]
    # The dance ends at 1am and belongs to Saturday night; the sale is listed under Sunday by now.
    go_to(page, at("00:30", 5))
    assert {day: list(titles) for day, titles in shown(page).items()} == {
        "Saturday, March 7": ["Dance"],
        "Today, Sunday, March 8": ["Book Sale", "Concert"],
    }
    go_to(page, at("10:00", 5))
    assert list(shown(page)) == ["Today, Sunday, March 8"]

    # With no other event on that day, only the heading changes.
    page = open_page("index.html", serve(make_site((sale,), now=made)), at("10:00", 5))
    for hour in ("10:01", "11:00"):
        go_to(page, at(hour, 5))
        assert list(shown(page)) == ["Today, Sunday, March 8"]


def test_the_focus_stays_when_the_day_changes(make_site: MakeSite, open_page: OpenPage, serve: Serve) -> None:
    sale = event(1, "Book Sale", midnight(at("00:00", 4).date(), NEW_YORK), 48, all_day=True)
    server = serve(make_site((sale, event(2, "Concert", at("15:00", 5))), now=at("18:00", 4)))
    page = open_page("index.html", server, at("23:40", 4))
    link = page.get_by_role("link", name="Book Sale")
    link.focus()
    go_to(page, at("00:05", 5))
    expect(link).to_be_focused()


def test_an_ongoing_event_is_not_marked_as_happening_now(open_page: OpenPage) -> None:
    page = open_page("index.html")
    assert shown(page)["Ongoing"] == {"Winter in the Valley: Photographs": ""}
    expect(open_page("event/110.html").locator("#event .tag")).to_have_count(0)
    # It began 20 days ago and lasts 60 days, across the clock change.
    go_to(page, at("23:59", 39))
    assert list(shown(page)) == ["Ongoing"]
    go_to(page, at("00:00", 40))
    assert shown(page) == {}


def test_the_embedded_list_shows_further_events_as_earlier_ones_end(open_page: OpenPage) -> None:
    page = open_page("embed.html?limit=3")
    photographs = ["Winter in the Valley: Photographs"]
    first = ["Baby Lapsit", "Genealogy Drop-In", "Tax Help"]
    assert [title for titles in shown(page).values() for title in titles] == first + photographs
    go_to(page, at("09:45"))
    then = ["Genealogy Drop-In", "Tax Help", "Watercolor for Beginners"]
    assert [title for titles in shown(page).values() for title in titles] == then + photographs


def test_a_list_of_saturday_moves_camps_exhibits_and_stop_by_programs_to_where_they_are_on_monday(
    make_site: MakeSite, open_page: OpenPage, serve: Serve
) -> None:
    made = at("09:05", 4)
    hunt = [event(20 + day, "Hunt", at("10:00", day), 7.5) for day in (4, 6, 7, 8)]
    camp = event(1, "Camp", at("09:00", 5), 4 * 24 + 3, registration=OPEN)
    exhibit = event(2, "Quilts", midnight(at("00:00", 5).date(), NEW_YORK), 24 * 40, all_day=True)
    talk = event(3, "Talk", at("14:00", 6), 1)
    server = serve(make_site((*hunt, camp, exhibit, talk), now=made))
    page = open_page("index.html", server, at("12:00", 4))
    assert shown(page) == {
        "Today, Saturday, March 7": {"Hunt": "Happening now, until 5:30pm"},
        "Tomorrow, Sunday, March 8": {"Quilts": "", "Camp": ""},
        "Monday, March 9": {"Talk": ""},
    }
    assert page.locator("#ongoing").is_hidden()
    times = page.locator("#events li:visible time")
    assert times.all_inner_texts() == [
        "On 4 days, 10am to 5:30pm, until March 11",
        "Until Thursday, April 16",
        "9am, until Thursday, March 12",
        "2pm to 3pm",
    ]
    # The hunt is over for today; it is next on Monday.
    go_to(page, at("17:30", 4))
    assert shown(page) == {
        "Tomorrow, Sunday, March 8": {"Quilts": "", "Camp": ""},
        "Monday, March 9": {"Hunt": "", "Talk": ""},
    }
    # At two in the morning neither is on; the exhibit has begun.
    for clock, hunt_tag in (("02:00", ""), ("11:00", "Happening now, until 5:30pm")):
        go_to(page, at(clock, 6))
        assert shown(page) == {
            "Ongoing": {"Quilts": ""},
            "Today, Monday, March 9": {"Camp": "", "Hunt": hunt_tag, "Talk": ""},
        }
    assert page.locator("#events li:visible time").all_inner_texts() == [
        "Ongoing, ends Thursday, April 16",
        "Ongoing, ends Thursday, March 12",
        "On 4 days, 10am to 5:30pm, until March 11",
        "2pm to 3pm",
    ]
    go_to(page, at("20:00", 8))
    assert list(shown(page)) == ["Ongoing", "Today, Wednesday, March 11"]
    assert page.locator("#count").inner_text() == "2 events"
