"""Opening hours: LibCal's answers, the last good ones, and what pages make of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from branches import Branch
from fetching import opening_hours
from fetching.libcal import Unavailable
from hours import ALL_DAY, CLOSED, OPEN, TEXT, Day, Hours
from rendering import jsonld, opening
from rendering.site import Site
from support.page_samples import NOW, TODAY, ZONE, all_day, at, event, settings, snapshot, wording

WHOLE = (date(2026, 1, 1), date(2026, 12, 31))
KILTON = Branch(name="Kilton", street="80 Main Street", city="West Lebanon", region="NH", hours="7")


def read(**entry: Any) -> Day | None:
    found = opening_hours.days_of({"dates": {"2026-03-03": entry}}, *WHOLE)
    return found.get(TODAY)


def hours(first: str, last: str) -> tuple[time, time]:
    return time.fromisoformat(first), time.fromisoformat(last)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9:00am", "09:00"), ("9am", "09:00"), ("12:00am", "00:00"), ("12pm", "12:00"), ("5:30 PM", "17:30"),
        ("5:30 p.m.", "17:30"), ("17:30", "17:30"), ("24:00", "00:00"), ("9.30am", "09:30"),
        ("9", None), ("25:00", None), ("13pm", None), ("0am", None), ("9:75am", None), ("", None), (None, None),
        (9, None), ("noon", None),
    ],
)  # fmt: skip
def test_a_time_of_day_is_read_as_libcal_writes_it(text: object, expected: str | None) -> None:
    assert opening_hours.parse_time(text) == (time.fromisoformat(expected) if expected else None)


def test_each_status_of_libcal_is_read() -> None:
    ranges = [{"from": "1:00pm", "to": "6:00pm"}, {"from": "9:00am", "to": "12:00pm"}]
    assert read(status="open", hours=ranges) == Day(OPEN, (hours("09:00", "12:00"), hours("13:00", "18:00")))
    assert read(status="open") == read(status="open", hours=[]) == read(status="24hours") == Day(ALL_DAY)
    assert read(status="closed", hours=ranges) == Day(CLOSED)
    assert read(status="text", text="By <b>appointment</b>") == Day(TEXT, text="By appointment")


@pytest.mark.parametrize(
    "entry",
    [
        {"status": "not-set"},
        {"status": "text"},
        {"status": "text", "text": " "},
        {"status": "text", "text": 5},
        {"status": "later"},
        {},
        {"status": "open", "hours": [{"from": "9am"}]},
        {"status": "open", "hours": [{"from": "9am", "to": "late"}]},
        {"status": "open", "hours": ["9am"]},
        {"status": "open", "hours": "9am to 5pm"},
        {"status": "open", "hours": [{"from": "9am", "to": "5pm"}] * 13},
    ],
)
def test_hours_that_are_not_set_or_unreadable_are_never_guessed(entry: dict[str, Any]) -> None:
    assert read(**entry) is None


@pytest.mark.parametrize(
    "dates",
    [[], None, "x", {"soon": {"status": "closed"}}, {"2026-03-03": []}, {"2027-01-01": {"status": "closed"}}],
)
def test_an_answer_of_another_shape_has_no_days(dates: object) -> None:
    assert opening_hours.days_of({"dates": dates}, *WHOLE) == {}


def test_a_failed_fetch_keeps_the_last_days_and_their_age() -> None:
    days = {TODAY - timedelta(days=number): Day(CLOSED) for number in range(4)}
    last = [Hours(id="7", fetched=NOW - timedelta(hours=1), days=days)]
    found = opening_hours.merge(last, ["7", "8"], Unavailable("http_503"), NOW)
    assert [(item.id, item.fetched, item.cause, len(item.days)) for item in found] == [
        ("7", NOW - timedelta(hours=1), "http_503", 2),
        ("8", None, "http_503", 0),
    ]
    found = opening_hours.merge(last, ["7", "8"], {"8": {}}, NOW)
    assert [(item.fetched, item.cause) for item in found] == [
        (NOW - timedelta(hours=1), "not_listed"),
        (NOW, ""),
    ]


def test_the_hours_survive_the_file(tmp_path: Any) -> None:
    days = {
        TODAY: Day(OPEN, (hours("09:00", "01:00"),)),
        date(2026, 3, 4): Day(TEXT, text="Ask"),
        date(2026, 3, 5): Day(CLOSED),
    }
    saved = snapshot(hours=(Hours(id="7", fetched=NOW, days=days), Hours(id="8", cause="deadline")))
    saved.save(tmp_path / "events.json")
    assert type(saved).load(tmp_path / "events.json", ZONE).hours == saved.hours


def made(
    days: dict[date, Day], *closures: Any, now: datetime = NOW, fetched: datetime = NOW
) -> tuple[opening.Opening, ...]:
    chosen = settings(EVENTS_NOW=now.isoformat())
    return opening.openings([KILTON], [Hours(id="7", fetched=fetched, days=days)], closures, chosen)


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (Day(OPEN, (hours("09:00", "20:00"),)), "Tuesday, March 3: 9am to 8pm"),
        (
            Day(OPEN, (hours("09:00", "12:00"), hours("13:30", "18:00"))),
            "Tuesday, March 3: 9am to noon, 1:30pm to 6pm",
        ),
        (Day(OPEN, (hours("18:00", "00:00"),)), "Tuesday, March 3: 6pm to midnight"),
        (Day(ALL_DAY), "Tuesday, March 3: open 24 hours"),
        (Day(CLOSED), "Tuesday, March 3: closed"),
        (Day(TEXT, text="By appointment"), "Tuesday, March 3: By appointment"),
    ],
)
def test_the_hours_of_a_day_as_text_name_the_day(day: Day, text: str) -> None:
    assert made({TODAY: day})[0].text(wording()) == text


def test_hours_that_are_not_known_today_have_no_text() -> None:
    assert made({date(2026, 3, 4): Day(CLOSED)})[0].text(wording()) == ""
    assert made({}) == ()


def test_a_closure_in_the_calendar_wins_over_the_hours() -> None:
    nine_to_eight = {TODAY: Day(OPEN, (hours("09:00", "20:00"),))}
    closure = all_day("2026-03-03", branch="Kilton", kind="closure")
    assert made(nine_to_eight, closure)[0].text(wording()) == "Tuesday, March 3: closed"
    assert made({TODAY: Day(TEXT, text="Ask")}, closure)[0].text(wording()) == "Tuesday, March 3: closed"
    early = event("2026-03-03 15:00", "2026-03-03 23:00", branch="", kind="closure")
    assert made(nine_to_eight, early)[0].text(wording()) == "Tuesday, March 3: 9am to 3pm"
    lunch = event("2026-03-03 12:00", "2026-03-03 13:00", branch="kilton", kind="closure")
    assert made(nine_to_eight, lunch)[0].text(wording()) == "Tuesday, March 3: 9am to noon, 1pm to 8pm"
    other = all_day("2026-03-03", branch="Lebanon", kind="closure")
    assert made(nine_to_eight, other)[0].text(wording()) == "Tuesday, March 3: 9am to 8pm"


def test_hours_fetched_too_long_ago_are_left_out() -> None:
    closed = {TODAY: Day(CLOSED)}
    assert made(closed, fetched=at("2026-03-03 09:00"), now=at("2026-03-03 12:14"))
    assert not made(closed, fetched=at("2026-03-03 09:00"), now=at("2026-03-03 12:15"))
    # No run is due between Saturday evening and Monday morning.
    assert made({date(2026, 3, 9): Day(CLOSED)}, fetched=at("2026-03-07 18:00"), now=at("2026-03-09 09:00"))


def test_the_search_engines_get_the_hours_of_each_day() -> None:
    days = {
        date(2026, 3, 2): Day(CLOSED),
        TODAY: Day(OPEN, (hours("09:00", "12:00"), hours("18:00", "01:00"))),
        date(2026, 3, 4): Day(CLOSED),
        date(2026, 3, 5): Day(ALL_DAY),
        date(2026, 3, 6): Day(TEXT, text="Ask"),
        date(2026, 3, 7): Day(OPEN, (hours("09:00", "00:00"),)),
    }
    without = Site.of(snapshot(event()), settings())
    assert jsonld.library(without, without.branches[0]) is None  # Google requires an address
    chosen = replace(settings(), branches=(KILTON,))
    site = Site.of(snapshot(event(), hours=(Hours(id="7", fetched=NOW, days=days),)), chosen)
    found = jsonld.library(site, site.branches[0])
    assert found
    assert found["@type"] == "Library"
    assert found["name"] == "Kilton"
    assert found["url"] == "https://events.example.org/branch/kilton.html"
    assert found["address"] == {
        "@type": "PostalAddress",
        "streetAddress": "80 Main Street",
        "addressLocality": "West Lebanon",
        "addressRegion": "NH",
    }
    assert [
        (item["validFrom"], item["dayOfWeek"].rpartition("/")[2], item["opens"], item["closes"])
        for item in found["openingHoursSpecification"]
    ] == [
        ("2026-03-03", "Tuesday", "09:00", "12:00"),
        ("2026-03-03", "Tuesday", "18:00", "01:00"),
        ("2026-03-04", "Wednesday", "00:00", "00:00"),
        ("2026-03-05", "Thursday", "00:00", "23:59"),
        ("2026-03-07", "Saturday", "09:00", "23:59"),
    ]
    assert all(item["validFrom"] == item["validThrough"] for item in found["openingHoursSpecification"])
