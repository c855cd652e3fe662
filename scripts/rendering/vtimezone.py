"""A time zone as iCalendar describes it (RFC 5545, 3.6.5), from what Python knows of it.

Outlook understands yearly rules and nothing else, and no more than one for each of STANDARD and
DAYLIGHT: that is the form wherever a zone keeps such rules. The icalendar library lists dates, and
begins summer an hour late, since an onset is to be told in the time that ends there.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

# Enough to tell the fourth Sunday of a month from the last.
_YEARS = 10
_EPOCH = 1970
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

# The last second before the clocks change and the first one after, both in the zone.
_Change = tuple[datetime, datetime]


@lru_cache(maxsize=64)
def lines(zone: ZoneInfo, first_year: int, last_year: int) -> tuple[str, ...]:
    """Return the content lines of a VTIMEZONE that holds from `first_year` to `last_year`."""
    years = range(first_year, max(last_year + 1, first_year + _YEARS))
    changes = list(_changes(zone, years))
    parts = _yearly(changes, years)
    if not parts:
        begin = datetime(first_year, 1, 1, tzinfo=zone)
        start = begin if changes else begin.replace(year=_EPOCH)
        parts = [_observance(begin, begin, start.replace(tzinfo=None))]
        parts += [_observance(*change, _onset(*change)) for change in changes if change[1].year <= last_year]
    return (
        "BEGIN:VTIMEZONE",
        f"TZID:{zone.key}",
        *(line for part in parts for line in part),
        "END:VTIMEZONE",
    )


def _changes(zone: ZoneInfo, years: range) -> Iterator[_Change]:
    end = datetime(years.stop, 1, 1, tzinfo=zone).astimezone(UTC)
    week = datetime(years.start, 1, 1, tzinfo=zone).astimezone(UTC)
    while week < end:
        before, after = week, min(end, week + timedelta(days=7))
        week = after
        if _rule(before, zone) == _rule(after, zone):
            continue
        while after - before > timedelta(seconds=1):
            middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
            if _rule(middle, zone) == _rule(before, zone):
                before = middle
            else:
                after = middle
        yield before.astimezone(zone), after.astimezone(zone)


def _rule(moment: datetime, zone: ZoneInfo) -> tuple[object, ...]:
    local = moment.astimezone(zone)
    return (local.utcoffset(), local.tzname())


def _yearly(changes: Sequence[_Change], years: range) -> list[list[str]]:
    """Return an observance for each yearly rule, or nothing if there is a change that keeps to none."""
    series: dict[tuple[object, ...], list[_Change]] = {}
    for old, new in changes:
        onset = _onset(old, new)
        key = (old.utcoffset(), new.utcoffset(), new.tzname(), onset.month, onset.weekday(), onset.time())
        series.setdefault(key, []).append((old, new))
    parts = []
    for found in series.values():
        onsets = [_onset(*change) for change in found]
        week = _week(onsets)
        if not week or [onset.year for onset in onsets] != list(years):
            return []
        first, weekday = onsets[0], onsets[0].weekday()
        rule = f"RRULE:FREQ=YEARLY;BYMONTH={first.month};BYDAY={week}{_WEEKDAYS[weekday]}"
        days = [
            day for day in calendar.Calendar().itermonthdates(_EPOCH, first.month)
            if day.month == first.month and day.weekday() == weekday
        ]  # fmt: skip
        start = datetime.combine(days[week - 1 if week > 0 else week], first.time())
        parts.append(_observance(*found[0], start, rule))
    return parts


def _week(onsets: Sequence[datetime]) -> int:
    """Return which of its weekdays in a month it always is, -1 for the last one, 0 for none."""
    weeks = {(onset.day - 1) // 7 + 1 for onset in onsets}
    if len(weeks) == 1:
        return weeks.pop()
    return (
        -1 if all(onset.day + 7 > calendar.monthrange(onset.year, onset.month)[1] for onset in onsets) else 0
    )


def _onset(old: datetime, new: datetime) -> datetime:
    """Return when the clocks change, in the time that ends then."""
    return new.astimezone(UTC).replace(tzinfo=None) + (old.utcoffset() or timedelta())


def _observance(old: datetime, new: datetime, start: datetime, *rules: str) -> list[str]:
    # Not by dst(): in Dublin, by law, winter is the exception.
    later = (new.utcoffset() or timedelta()) > (old.utcoffset() or timedelta())
    kind = "DAYLIGHT" if later else "STANDARD"
    return [
        f"BEGIN:{kind}",
        f"DTSTART:{start:%Y%m%dT%H%M%S}",
        *rules,
        f"TZOFFSETFROM:{old:%z}",
        f"TZOFFSETTO:{new:%z}",
        f"TZNAME:{new.tzname()}",
        f"END:{kind}",
    ]
