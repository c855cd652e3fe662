"""The simulated calendar: when the timer runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import count, islice

from schedule import DEFAULT, Schedule
from standins import sample

MONDAY = date(2026, 3, 2)  # clocks go forward on the Sunday after it


def timer_runs(first: date, days: int) -> Iterator[datetime]:
    """Yield the times of all timer runs on `days` opening days from `first` on."""
    dates = (first + timedelta(days=number) for number in count())
    opening_days = (day for day in dates if any(Schedule.parse(DEFAULT).runs(day)))
    for day in islice(opening_days, days):
        for run in Schedule.parse(DEFAULT).runs(day):
            yield run.replace(tzinfo=sample.ZONE)
