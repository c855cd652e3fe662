"""Time zones for iCalendar (VTIMEZONE, RFC 5545, 3.6.5) and for browsers, computed from Python's zoneinfo.

Outlook only understands yearly rules, one for STANDARD and one for DAYLIGHT, so a zone is written that
way if its rules allow. The icalendar library lists dates instead, and starts summer time an hour late:
an onset must be given in the local time before the change.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

# Enough years to distinguish the fourth Sunday of a month from the last one.
_YEARS = 10
_EPOCH = 1970
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

# The last second before the clocks change and the first one after, both in the zone.
_Change = tuple[datetime, datetime]


@lru_cache(maxsize=64)
def lines(zone: ZoneInfo, first_year: int, last_year: int) -> tuple[str, ...]:
    """Return the content lines of a VTIMEZONE that is valid from `first_year` to `last_year`."""
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


@lru_cache(maxsize=8)
def offsets(zone: ZoneInfo, first_year: int, last_year: int) -> tuple[tuple[int, int], ...]:
    """Return the offsets from UTC in these years for scripts: (seconds since 1970, offset in seconds) each.

    A browser may not know the zone: Europe/Kyiv is newer than Chromium 92.
    """
    begin = datetime(first_year, 1, 1, tzinfo=zone)
    moments = (begin, *(new for _, new in _changes(zone, range(first_year, last_year + 1))))
    found: list[tuple[int, int]] = []
    for moment in moments:
        offset = int((moment.utcoffset() or timedelta()).total_seconds())
        if not found or found[-1][1] != offset:
            found.append((int(moment.timestamp()), offset))
    return tuple(found)


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
    """Return an observance for each yearly rule; empty if a change follows no yearly rule."""
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
    """Return n if all onsets are on the n-th such weekday of the month, -1 for the last one, else 0."""
    weeks = {(onset.day - 1) // 7 + 1 for onset in onsets}
    if len(weeks) == 1:
        return weeks.pop()
    return (
        -1 if all(onset.day + 7 > calendar.monthrange(onset.year, onset.month)[1] for onset in onsets) else 0
    )


def _onset(old: datetime, new: datetime) -> datetime:
    """Return the moment of the change, in the local time before it."""
    return new.astimezone(UTC).replace(tzinfo=None) + (old.utcoffset() or timedelta())


def _observance(old: datetime, new: datetime, start: datetime, *rules: str) -> list[str]:
    # dst() would be wrong for Dublin, where winter time is the exception by law.
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
