"""Calendar files read back with the icalendar library."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event import Event
from rendering import icalendar_feed, plain_text
from support import feed_samples as samples
from support.feed_samples import ALL, CHANGED, STORYTIME, ZONE, at, hostile_text, site

KNOWN = {
    "UID", "DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "SUMMARY", "DTSTART", "DTEND", "LOCATION", "DESCRIPTION",
    "URL", "CATEGORIES", "STATUS", "TRANSP",
}  # fmt: skip


def events(data: bytes) -> list[Any]:
    """Return the events of a file; assert line endings, line lengths and components."""
    assert data.endswith(b"END:VCALENDAR\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\r\n\r\n", data)
    lines = data.removesuffix(b"\r\n").split(b"\r\n")
    assert max(map(len, lines)) <= 75
    for line in lines:
        line.decode()  # no UTF-8 sequence is split
    calendar: Any = icalendar.Calendar.from_ical(data)
    assert not calendar.errors
    assert {component.name for component in calendar.subcomponents} <= {"VTIMEZONE", "VEVENT"}
    return list(calendar.events)


def event(*args: Event, path: str = "events.ics", **env: Any) -> Any:
    (found,) = events(site(*args, **env)[path])
    return found


def test_an_event_has_title_time_place_description_and_address() -> None:
    found = event(STORYTIME)
    assert found["SUMMARY"] == "Storytime"
    assert found.start == STORYTIME.start
    assert found.end == STORYTIME.end
    assert found["DTSTART"].params["TZID"] == "America/New_York"
    assert found["LOCATION"] == "Story room, Kilton, 80 Main Street, West Lebanon"
    page = "https://events.example.org/event/4216770.html"
    assert found["DESCRIPTION"] == f"Songs & stories.\n\n{page}"
    assert found["URL"] == page
    assert found.categories == ["Reading", "Family", "Children"]
    assert found["STATUS"] == "CONFIRMED"
    assert "TRANSP" not in found
    assert found["DTSTAMP"].dt == found["LAST-MODIFIED"].dt == CHANGED


def test_an_online_event_is_marked_online_without_its_join_link() -> None:
    assert event(samples.FULL)["LOCATION"] == "Story room, Kilton, 80 Main Street, West Lebanon, Online"


def test_an_all_day_event_has_dates_and_ends_on_the_day_after() -> None:
    found = event(samples.EXHIBIT)
    assert (found.start, found.end) == (date(2026, 3, 6), date(2026, 3, 9))
    assert found["DTSTART"].params["VALUE"] == "DATE"
    assert found["TRANSP"] == "TRANSPARENT"


def test_an_event_without_an_end_has_no_dtend() -> None:
    assert "DTEND" not in event(samples.OPEN_ENDED)


def test_an_event_without_a_change_time_is_older_than_any_change() -> None:
    assert event(samples.OPEN_ENDED)["DTSTAMP"].dt == datetime(2000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-08T00:30-05:00", "2026-03-08T03:30-04:00"),
        ("2026-03-07T21:00-05:00", "2026-03-08T04:00-04:00"),
        ("2026-11-01T00:30-04:00", "2026-11-01T01:30-04:00"),
        ("2026-11-01T01:30-04:00", "2026-11-01T01:30-05:00"),
        ("2026-11-01T01:15-05:00", "2026-11-01T03:00-05:00"),
        ("2026-12-31T22:00-05:00", "2027-01-01T01:00-05:00"),
        ("2026-06-30T23:00-04:00", "2026-07-01T00:00-04:00"),
    ],
)
def test_times_are_right_on_the_nights_the_clocks_change(start: str, end: str) -> None:
    moments = [datetime.fromisoformat(text).astimezone(ZONE) for text in (start, end)]
    found = event(replace(STORYTIME, start=moments[0], end=moments[1]))
    assert [found.start.astimezone(UTC), found.end.astimezone(UTC)] == [
        moment.astimezone(UTC) for moment in moments
    ]


def test_a_time_that_occurs_twice_is_written_in_utc() -> None:
    first = datetime.fromisoformat("2026-11-01T01:30-04:00").astimezone(ZONE)
    second = datetime.fromisoformat("2026-11-01T01:30-05:00").astimezone(ZONE)
    data = site(replace(STORYTIME, start=first, end=second))["events.ics"]
    assert b"\r\nDTSTART:20261101T053000Z\r\nDTEND:20261101T063000Z\r\n" in data
    data = site(replace(STORYTIME, start=second, end=second + timedelta(hours=1)))["events.ics"]
    assert b"\r\nDTSTART:20261101T063000Z\r\nDTEND;TZID=America/New_York:20261101T023000\r\n" in data


def test_the_zone_of_an_exhibit_without_an_end_is_short() -> None:
    forever = replace(samples.EXHIBIT, start=at("1969-01-01T00:00"), end=at("9999-12-31T00:00"))
    data = site(forever)
    assert max(map(len, data.values())) < 20_000
    assert event(forever).end == date(9999, 12, 31)


def test_an_event_keeps_its_id_when_its_time_changes_or_the_site_moves() -> None:
    moved = replace(STORYTIME, start=at("2026-03-04T10:30"), end=at("2026-03-04T11:30"), sequence=1)
    ids = {
        str(found["UID"])
        for found in (event(STORYTIME), event(moved), event(STORYTIME, SITE_URL="https://new.example"))
    }
    assert ids == {"4216770@library.libcal.com"}
    assert event(moved)["SEQUENCE"] == 1


def test_without_site_url_an_event_links_to_libcal() -> None:
    data = site(STORYTIME, SITE_URL="", libcal="")["events.ics"]
    (found,) = events(data)
    assert found["URL"] == STORYTIME.url
    assert found["UID"] == "4216770@libcal.com"
    assert b"SOURCE" not in data


def test_status_cancelled_is_only_in_the_file_of_a_single_event() -> None:
    subscribed, own = event(samples.CANCELLED), event(samples.CANCELLED, path="event/3.ics")
    assert subscribed["SUMMARY"] == own["SUMMARY"] == "Cancelled: Film night"
    assert (subscribed["STATUS"], own["STATUS"]) == ("CONFIRMED", "CANCELLED")
    assert subscribed["TRANSP"] == own["TRANSP"] == "TRANSPARENT"
    found = event(samples.POSTPONED)
    assert (found["SUMMARY"], found["STATUS"]) == ("Postponed: Talk", "TENTATIVE")


def test_an_unlisted_event_is_tentative_and_only_in_its_own_file() -> None:
    found = site(STORYTIME, samples.GONE)
    assert b"Gone" not in found["events.ics"] + found["branch/kilton.ics"]
    (own,) = events(found["event/5.ics"])
    assert (own["SUMMARY"], own["STATUS"]) == ("No longer listed: Gone", "TENTATIVE")


def test_each_branch_and_audience_has_its_calendar() -> None:
    found = site(*ALL)
    titles = {
        path: {str(one["SUMMARY"]) for one in events(data)}
        for path, data in found.items()
        if re.fullmatch(r"(branch|audience)/.*\.ics", path)
    }
    assert titles["branch/lebanon.ics"] == titles["audience/adults.ics"] == {"Postponed: Talk"}
    assert titles["branch/kilton.ics"] == titles["audience/children.ics"] == titles["audience/family.ics"]
    assert len(titles["branch/kilton.ics"]) == 5
    assert len(titles) == 5
    assert len(events(found["events.ics"])) == 6


def test_a_subscription_has_a_name_and_a_refresh_interval() -> None:
    calendar: Any = icalendar.Calendar.from_ical(site(*ALL)["branch/kilton.ics"])
    found = {name: calendar[name] for name in ("NAME", "X-WR-CALNAME", "X-WR-TIMEZONE", "X-PUBLISHED-TTL")}
    assert found == {
        "NAME": "Library events: Kilton",
        "X-WR-CALNAME": "Library events: Kilton",
        "X-WR-TIMEZONE": "America/New_York",
        "X-PUBLISHED-TTL": "PT1H",
    }
    assert calendar["REFRESH-INTERVAL"].dt == timedelta(hours=1)
    assert calendar["SOURCE"] == "https://events.example.org/branch/kilton.ics"
    assert calendar["URL"] == "https://events.example.org/branch/kilton.html"
    assert calendar["LAST-MODIFIED"].dt == CHANGED


def test_an_empty_calendar_is_valid() -> None:
    data = site()["events.ics"]
    assert events(data) == []
    assert b"BEGIN:VTIMEZONE" in data


@settings(max_examples=40)
@given(
    st.builds(
        replace,
        st.just(STORYTIME),
        title=hostile_text(),
        place=hostile_text(),
        branch=hostile_text(),
        address=hostile_text(),
        categories=st.lists(hostile_text(), max_size=3).map(tuple),
        description=hostile_text(),
        url=hostile_text() | hostile_text().map("https://x.example/".__add__),
    ),
    hostile_text(),
    st.sampled_from(["", samples.SITE]),
)
def test_no_text_can_leave_its_field(hostile: Event, name: str, address: str) -> None:
    # A NUL cannot be in the environment that settings come from.
    found = site(hostile, SITE_NAME=name.replace("\0", ""), SITE_URL=address)
    for path in ("events.ics", "event/4216770.ics"):
        (one,) = events(found[path])
        assert set(one) <= KNOWN
        assert one["UID"] == "4216770@library.libcal.com"
        assert one["SUMMARY"] == plain_text.one_line(hostile.title)
        about = [plain_text.from_html(hostile.description), str(one.get("URL", ""))]
        assert one.get("DESCRIPTION", "") == "\n\n".join(filter(None, about))
        assert one.start == STORYTIME.start


@given(hostile_text().map(plain_text.clean))
def test_escaping_and_folding_agree_with_the_library(text: str) -> None:
    assert icalendar_feed.text(text) == icalendar.vText(text).to_ical().decode()
    line = icalendar_feed.fold(f"SUMMARY:{icalendar_feed.text(text)}")
    assert max(map(len, line.split(b"\r\n"))) <= 75
    parser: Any = icalendar.parser
    theirs = parser.Contentlines([parser.Contentline(f"SUMMARY:{icalendar_feed.text(text)}")]).to_ical()
    assert line.replace(b"\r\n ", b"") == theirs.replace(b"\r\n ", b"")
