from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from dateutil.rrule import rrulestr

from rendering import vtimezone
from support.feed_samples import ZONE

# Zones with yearly rules, and zones without: their changes follow the moon, a date instead of a weekday, or
# (Havana in 2026, in newer data) a decision for that year.
REGULAR = ("America/New_York", "Europe/Copenhagen", "Europe/Dublin", "Australia/Lord_Howe")
IRREGULAR = ("Africa/Casablanca", "Asia/Gaza", "America/Santiago", "America/Havana")
CONSTANT = ("Asia/Kolkata", "America/Phoenix", "UTC")


def parse(zone: ZoneInfo, first_year: int, last_year: int) -> Any:
    lines = "\r\n".join(vtimezone.lines(zone, first_year, last_year))
    return icalendar.Timezone.from_ical(lines)


def onsets(observance: Any) -> list[datetime]:
    """Return the starts of an observance up to 2028, in the local time before the change."""
    start = observance["DTSTART"].dt
    if "RRULE" not in observance:
        return [start]
    rule = rrulestr(observance["RRULE"].to_ical().decode(), dtstart=start)
    found: list[datetime] = rule.between(start, datetime(2028, 12, 31), inc=True)
    assert found[0] == start
    return found


def offset(begun: list[tuple[datetime, timedelta]], local: datetime) -> timedelta:
    """Return the offset of a local time, that of the last observance before it (RFC 5545, 3.6.5)."""
    return max(one for one in begun if one[0] <= local)[1]


@pytest.mark.parametrize("name", [*REGULAR, *IRREGULAR, *CONSTANT])
def test_offsets_are_right_in_every_month_and_around_clock_changes(name: str) -> None:
    zone = ZoneInfo(name)
    parsed = parse(zone, 2026, 2027)
    begin = datetime(2026, 1, 1, tzinfo=zone).astimezone(UTC)
    end = datetime(2028, 1, 1, tzinfo=zone).astimezone(UTC)
    observances = [(onset, part) for part in parsed.subcomponents for onset in onsets(part)]
    begun = [(onset, part["TZOFFSETTO"].td) for onset, part in observances]
    moments = [begin + timedelta(days=15) * half_month for half_month in range(48)]
    for onset, part in observances:
        instant = onset.replace(tzinfo=UTC) - part["TZOFFSETFROM"].td
        if begin < instant < end:
            moments += [instant + timedelta(minutes=minute) for minute in range(-90, 91, 5)]
            last_second = (instant - timedelta(seconds=1)).astimezone(zone)
            assert last_second.utcoffset() == part["TZOFFSETFROM"].td
            assert instant.astimezone(zone).utcoffset() == part["TZOFFSETTO"].td
    for moment in moments:
        local = moment.astimezone(zone)
        # Times that occur twice are written in UTC; times that the clocks skip never occur.
        if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
            assert offset(begun, local.replace(tzinfo=None)) == local.utcoffset(), local


@pytest.mark.parametrize("name", [*REGULAR, *CONSTANT])
def test_there_is_at_most_one_yearly_rule_of_each_kind_for_outlook(name: str) -> None:
    parts = parse(ZoneInfo(name), 2026, 2027).subcomponents
    kinds = [part.name for part in parts]
    assert sorted(kinds) == (["STANDARD"] if name in CONSTANT else ["DAYLIGHT", "STANDARD"])
    assert all("RRULE" in part for part in parts) or name in CONSTANT


def test_new_york_has_its_usual_rules() -> None:
    assert vtimezone.lines(ZONE, 2026, 2026) == (
        "BEGIN:VTIMEZONE",
        "TZID:America/New_York",
        "BEGIN:DAYLIGHT",
        "DTSTART:19700308T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
        "TZOFFSETFROM:-0500",
        "TZOFFSETTO:-0400",
        "TZNAME:EDT",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "DTSTART:19701101T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
        "TZOFFSETFROM:-0400",
        "TZOFFSETTO:-0500",
        "TZNAME:EST",
        "END:STANDARD",
        "END:VTIMEZONE",
    )


def test_the_last_sunday_is_not_taken_for_the_fourth() -> None:
    lines = vtimezone.lines(ZoneInfo("Europe/Copenhagen"), 2026, 2026)
    assert "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU" in lines
    assert "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU" in lines


def test_a_regular_zone_has_the_same_text_every_year() -> None:
    assert vtimezone.lines(ZONE, 2026, 2026) == vtimezone.lines(ZONE, 2027, 2029)


def test_rules_that_change_within_the_years_are_written_as_dates() -> None:
    parts = parse(ZONE, 2006, 2007).subcomponents
    assert [part["DTSTART"].dt.isoformat() for part in parts] == [
        "2006-01-01T00:00:00", "2006-04-02T02:00:00", "2006-10-29T02:00:00",
        "2007-03-11T02:00:00", "2007-11-04T02:00:00",
    ]  # fmt: skip
    assert not any("RRULE" in part for part in parts)
