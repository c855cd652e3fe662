"""When the next run is due."""

from __future__ import annotations

import re
from datetime import UTC, date, timedelta

import pytest

from rendering import schedule
from settings import ROOT
from support.page_samples import at


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2026-03-03 09:00", "2026-03-03 09:15"),
        ("2026-03-03 09:00:40", "2026-03-03 09:15"),
        ("2026-03-03 08:59:59", "2026-03-03 09:00"),
        ("2026-03-03 17:45:01", "2026-03-03 18:00"),
        ("2026-03-03 18:00", "2026-03-04 09:00"),
        ("2026-03-03 23:30", "2026-03-04 09:00"),
        ("2026-03-04 00:00", "2026-03-04 09:00"),
        ("2026-03-07 18:00:20", "2026-03-09 09:00"),  # Saturday to Monday, the clocks go forward between
        ("2026-03-08 12:00", "2026-03-09 09:00"),
        ("2026-10-31 18:00", "2026-11-02 09:00"),  # and back
        ("2026-11-01 01:30", "2026-11-02 09:00"),
    ],
)
def test_the_next_run_is_at_the_next_quarter_hour_while_the_library_is_open(after: str, due: str) -> None:
    found = schedule.next_due(at(after))
    assert found == at(due)
    assert found.tzinfo is at(after).tzinfo


def test_the_first_run_stays_at_9_00_across_a_clock_change() -> None:
    assert schedule.next_due(at("2026-03-07 18:00")).astimezone(UTC).hour == 13
    assert schedule.next_due(at("2026-02-28 18:00")).astimezone(UTC).hour == 14


def test_a_day_has_37_runs_and_sunday_none() -> None:
    tuesday = date(2026, 3, 3)
    counts = [len(list(schedule.runs(tuesday + timedelta(days=days)))) for days in range(7)]
    assert counts == [37, 37, 37, 37, 37, 0, 37]


def test_the_timer_unit_has_the_same_schedule() -> None:
    timer = ROOT / "systemd" / "events-display.timer.in"
    lines = re.findall(r"^OnCalendar=(.*)$", timer.read_text(), re.MULTILINE)
    assert {line.rpartition(" ")[0] for line in lines} == set(schedule.ON_CALENDAR)
    assert {line.rpartition(" ")[2] for line in lines} == {"@TIMEZONE@"}


def test_on_calendar_expands_to_the_same_runs() -> None:
    """The two lines, parsed by the part of systemd.time(7) that they use: `09..17:00/15`."""
    found = set()
    for line in schedule.ON_CALENDAR:
        days, hours, minutes = re.fullmatch(r"(\S+) \*-\*-\* ([\d.]+):(\d\d(?:/\d+)?)(?::00)?", line).groups()  # type: ignore[union-attr]
        assert days == "Mon..Sat"
        first, _, last = hours.partition("..")
        start, _, step = minutes.partition("/")
        for hour in range(int(first), int(last or first) + 1):
            found |= {(hour, minute) for minute in range(int(start), 60, int(step or 60))}
    assert {(run.hour, run.minute) for run in schedule.runs(date(2026, 3, 3))} == found
