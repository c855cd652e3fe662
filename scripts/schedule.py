"""The schedule of the runs, SCHEDULE: 'Mon-Sat 9:00-18:00 /15' or several such ranges with commas between.

The timer, the Kubernetes CronJobs, the pages and make check all follow it. A page is stale when a run that
was due is missing, not when it is old: with this schedule no run is due on a Sunday.

Uses the standard library only: make install runs on a server that has no packages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Self

DEFAULT = "Mon-Sat 9:00-18:00 /15"
EXAMPLE = "Mon-Fri 9:00-20:00 /15, Sat 10:00-16:00 /30"
# A run may take twelve minutes.
LEAST_MINUTES, DAY_MINUTES = 15, 24 * 60

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = "|".join(_DAYS)
_RANGE = re.compile(
    rf"(?P<first>{_DAY})(?:-(?P<last>{_DAY}))?"
    r"(?P<times>\s+(?P<start>\d{1,2}:\d{2})(?:-(?P<end>\d{1,2}:\d{2})(?:\s*/\s*(?P<step>\d{1,3}))?)?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The minutes of the day at which a run starts, for each day of the week from Monday on."""

    days: tuple[tuple[int, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the schedule in `text`. Raises ValueError, whose text follows the setting's name."""
        found: list[set[int]] = [set() for _ in _DAYS]
        waiting: list[int] = []  # days before a comma, "Mon, Wed 9:00-12:00 /30"
        for part in text.split(","):
            match = _RANGE.fullmatch(part.strip())
            if not match:
                raise ValueError(f"must look like {EXAMPLE}")
            first = _DAYS.index(match["first"].capitalize())
            last = _DAYS.index((match["last"] or match["first"]).capitalize())
            waiting += [(first + number) % 7 for number in range((last - first) % 7 + 1)]
            if match["times"]:
                minutes = _minutes(match["start"], match["end"] or match["start"], match["step"] or "15")
                for day in waiting:
                    found[day] |= minutes
                waiting = []
        if waiting:
            raise ValueError(f"must look like {EXAMPLE}")
        return cls(tuple(tuple(sorted(day)) for day in found))

    def runs(self, day: date) -> Iterator[datetime]:
        """Yield the local times (naive) of the runs on `day`."""
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001
        for minute in self.days[day.weekday()]:
            yield midnight + timedelta(minutes=minute)

    def next_due(self, after: datetime) -> datetime:
        """Return the time of the first run later than `after`, in the zone of `after`."""
        day = after.date()
        while True:
            for run in self.runs(day):
                # Python compares two times of one zone by local time, which repeats when clocks go back.
                due = run.replace(tzinfo=after.tzinfo)
                if due.astimezone(UTC) > after.astimezone(UTC):
                    return due
            day += timedelta(days=1)

    def on_calendar(self, zone: str) -> list[str]:
        """Return the OnCalendar lines of a systemd timer (systemd.time(7)); healthchecks reads them too."""
        lines = []
        for days, hours, minutes in self._blocks():
            names = _spans(days, [_DAYS[day] for day in range(7)], "..")
            lines.append(
                f"{names} *-*-* {_spans(hours, _TWO_DIGITS, '..')}:{_listed(minutes, '00/{}')}:00 {zone}"
            )
        return lines

    def cron(self) -> list[str]:
        """Return the lines of crontab(5), for Kubernetes; together they have each run once."""
        numbers = [str(number) for number in range(60)]
        return [
            f"{_listed(minutes, '*/{}', numbers)} {_spans(hours, numbers, '-')} * * {_spans(days, _CRON_DAYS, '-')}"
            for days, hours, minutes in self._blocks()
        ]

    def _blocks(self) -> Iterator[tuple[list[int], list[int], tuple[int, ...]]]:
        """Yield (days, hours, minutes), which give the runs as products: each run is in one of them."""
        hours: dict[tuple[int, int], list[int]] = {}
        for day, times in enumerate(self.days):
            for hour, group in groupby(times, lambda minute: minute // 60):
                hours[day, hour] = [minute % 60 for minute in group]
        by_day: dict[tuple[tuple[tuple[int, ...], tuple[int, ...]], ...], list[int]] = {}
        for day in range(7):
            patterns: dict[tuple[int, ...], list[int]] = {}
            for hour in range(24):
                if (day, hour) in hours:
                    patterns.setdefault(tuple(hours[day, hour]), []).append(hour)
            if patterns:
                key = tuple((minutes, tuple(of_day)) for minutes, of_day in patterns.items())
                by_day.setdefault(key, []).append(day)
        for key, days in by_day.items():
            for minutes, of_day in key:
                yield days, list(of_day), minutes


_TWO_DIGITS = [f"{number:02}" for number in range(60)]
_CRON_DAYS = ["1", "2", "3", "4", "5", "6", "7"]


def _minutes(start: str, end: str, step: str) -> set[int]:
    first, last = _minute(start), _minute(end)
    if last < first:
        raise ValueError("has a range that ends before it starts")
    if not LEAST_MINUTES <= int(step) <= DAY_MINUTES:
        raise ValueError(f"must have at least {LEAST_MINUTES} minutes between two runs")
    return set(range(first, last + 1, int(step)))


def _minute(clock: str) -> int:
    hour, minute = map(int, clock.split(":"))
    if hour > 23 or minute > 59:
        raise ValueError("has a time that does not exist: write 0:00 to 23:59")
    return hour * 60 + minute


def _spans(numbers: list[int], names: list[str], to: str) -> str:
    """Return ascending numbers as names, consecutive ones as a span: "Mon..Sat", "09..17", "1,3"."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][-1] == number - 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ",".join(
        names[span[0]] if len(span) == 1 else f"{names[span[0]]}{to}{names[span[-1]]}" for span in spans
    )


def _listed(minutes: tuple[int, ...], every: str, names: list[str] = _TWO_DIGITS) -> str:
    """Return the minutes of an hour: "00/15" (or "*/15") if they divide it from 0 on, else a list."""
    if len(minutes) > 1 and 60 % len(minutes) == 0 and minutes == tuple(range(0, 60, 60 // len(minutes))):
        return every.format(60 // len(minutes))
    return ",".join(names[minute] for minute in minutes)
