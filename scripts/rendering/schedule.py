"""When the library's events are fetched: Monday to Saturday, 09:00 to 18:00, every 15 minutes.

The one statement of it in Python; systemd/events-display.timer says the same. A page is stale not
when it is old, but when a run that was due has not come: over a Sunday nothing is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

# The timer's OnCalendar lines, but for the zone at their end.
ON_CALENDAR = ("Mon..Sat *-*-* 09..17:00/15:00", "Mon..Sat *-*-* 18:00:00")

_FIRST, _LAST, _EVERY = time(9), time(18), timedelta(minutes=15)
_SUNDAY = 6


def runs(day: date) -> Iterator[datetime]:
    """Yield the wall-clock times, without zone, at which a run is due on `day`: 37 of them, or none."""
    if day.weekday() == _SUNDAY:
        return
    moment = datetime.combine(day, _FIRST)
    while moment.time() <= _LAST:
        yield moment
        moment += _EVERY


def next_due(after: datetime) -> datetime:
    """Return the first run due later than `after`, in the zone of `after`."""
    zone = after.tzinfo
    day = after.date()
    while True:
        for run in runs(day):
            # Two times of one zone compare by their clocks; only in UTC do they compare by when they are.
            due = run.replace(tzinfo=zone)
            if due.astimezone(UTC) > after.astimezone(UTC):
                return due
        day += timedelta(days=1)
