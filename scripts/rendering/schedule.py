"""The schedule of the runs: Monday to Saturday, 09:00 to 18:00, every 15 minutes.

The same schedule is in systemd/events-display.timer.in and the Kubernetes CronJob; tests compare them.
A page is stale when a run that was due is missing, not when it is old: no run is due on a Sunday.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

# The OnCalendar lines of the timer, without the time zone at their end.
ON_CALENDAR = ("Mon..Sat *-*-* 09..17:00/15:00", "Mon..Sat *-*-* 18:00:00")

_FIRST, _LAST, _EVERY = time(9), time(18), timedelta(minutes=15)
_SUNDAY = 6


def runs(day: date) -> Iterator[datetime]:
    """Yield the local times (naive) of the runs on `day`: 37, or none on a Sunday."""
    if day.weekday() == _SUNDAY:
        return
    moment = datetime.combine(day, _FIRST)
    while moment.time() <= _LAST:
        yield moment
        moment += _EVERY


def next_due(after: datetime) -> datetime:
    """Return the time of the first run later than `after`, in the zone of `after`."""
    zone = after.tzinfo
    day = after.date()
    while True:
        for run in runs(day):
            # Python compares two times of one zone by their local time, which repeats when clocks go back.
            due = run.replace(tzinfo=zone)
            if due.astimezone(UTC) > after.astimezone(UTC):
                return due
        day += timedelta(days=1)
