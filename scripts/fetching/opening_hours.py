"""Read LibCal's answer with the opening hours, and keep the last good ones if there is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from fetching.libcal import Client, Misconfigured, Unavailable
from fetching.sanitize import plain
from hours import ALL_DAY, CLOSED, OPEN, TEXT, Day, Hours, Range

# Hours are fetched from yesterday on: those of a night end today.
DAYS_BEFORE, DAYS_AFTER = 1, 14
MAX_RANGES = 12
MAX_TEXT = 200

_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(?:([ap])\.?\s*m\.?)?", re.IGNORECASE)


def fetch(client: Client, places: Sequence[str], today: date) -> Mapping[str, Mapping[date, Day]]:
    """Return the days of each of the `places` that LibCal knows. Raises Unavailable."""
    first, last = today - timedelta(days=DAYS_BEFORE), today + timedelta(days=DAYS_AFTER)
    try:
        answer = client.hours(places, first, last)
    except Misconfigured:
        # The calendars have the same credentials: here only the right to read the hours is missing.
        raise Unavailable("forbidden") from None
    return {place: days_of(item, first, last) for place, item in _by_place(answer, places).items()}


def _by_place(answer: Iterable[Any], places: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    found = {}
    for item in answer:
        key = item.get("lid", item.get("id")) if isinstance(item, dict) else None
        if isinstance(key, str | int) and str(key) in places:
            found[str(key)] = item
    return found


def days_of(item: Mapping[str, Any], first: date, last: date) -> dict[date, Day]:
    """Return the days of one place. A day that is not set, or that cannot be read, is left out."""
    dates = item.get("dates")
    found = {}
    for text, value in dates.items() if isinstance(dates, dict) else ():
        try:
            day = date.fromisoformat(text)
        except (TypeError, ValueError):
            continue
        read = _day(value) if first <= day <= last and isinstance(value, dict) else None
        if read:
            found[day] = read
    return found


def _day(value: Mapping[str, Any]) -> Day | None:
    status, text = value.get("status"), value.get("text")
    if status == CLOSED:
        return Day(CLOSED)
    if status == ALL_DAY:
        return Day(ALL_DAY)
    if status == TEXT and isinstance(text, str):
        words = plain(text, MAX_TEXT)
        return Day(TEXT, text=words) if words else None
    if status != OPEN:
        return None
    hours = value.get("hours")
    if not hours:
        return Day(ALL_DAY)  # LibCal gives no hours for a day that is open around the clock
    ranges = [_range(each) for each in hours] if isinstance(hours, list) else [None]
    if None in ranges or len(ranges) > MAX_RANGES:
        return None
    return Day(OPEN, tuple(sorted(each for each in ranges if each)))


def _range(value: object) -> Range | None:
    if not isinstance(value, dict):
        return None
    start, end = (parse_time(value.get(key)) for key in ("from", "to"))
    return None if start is None or end is None else (start, end)


def parse_time(value: object) -> time | None:
    """Return a time of day such as `9:00am`, `12pm` or `17:30`; None if it is not one."""
    found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    elif not found[2]:
        return None
    if (hour, minute) == (24, 0):
        hour = 0
    return time(hour, minute) if hour <= 23 and minute <= 59 else None


def merge(
    last: Iterable[Hours],
    places: Sequence[str],
    answer: Mapping[str, Mapping[date, Day]] | Unavailable,
    now: datetime,
) -> tuple[Hours, ...]:
    """Return the hours of all `places`; one that could not be fetched keeps the last good days."""
    known = {hours.id: hours for hours in last}
    first = now.date() - timedelta(days=DAYS_BEFORE)
    merged = []
    for place in places:
        if not isinstance(answer, Unavailable) and place in answer:
            merged.append(Hours(id=place, fetched=now, days=answer[place]))
            continue
        before = known.get(place, Hours(id=place))
        cause = answer.cause if isinstance(answer, Unavailable) else "not_listed"
        days = {day: item for day, item in before.days.items() if day >= first}
        merged.append(Hours(id=place, fetched=before.fetched, cause=cause, days=days))
    return tuple(merged)
