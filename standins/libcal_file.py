"""Load real events from a file and move them by whole weeks into the future.

Local times do not change. The UTC offset can, if there is a clock change between the old and the new date.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from standins.records import Record

WEEK = 7


def load(path: Path) -> list[Record]:
    """Read `{"events": [...]}`. Raises OSError or ValueError."""
    data: Any = json.loads(path.read_bytes())
    if not isinstance(data, dict) or not isinstance(data.get("events"), list):
        raise ValueError(f'{path} must contain {{"events": [...]}}')
    events: list[Record] = data["events"]
    return events


def calendars(events: list[Record]) -> list[Record]:
    """Return the calendars of the events, in the format of /1.1/calendars."""
    found = {event["calendar"]["id"]: event["calendar"] for event in events}
    return [
        {
            "calid": number,
            "name": calendar["name"],
            "url": {"public": calendar["public"]},
            "visibility": "Public",
        }
        for number, calendar in found.items()
    ]


def ahead(events: list[Record], today: date, zone: ZoneInfo) -> list[Record]:
    """Move all events by the same number of weeks, so that the first is in the seven days from tomorrow.

    If the file spans several years, a response contains at most the first year (`days` <= 365).
    """
    weeks = _weeks_to_next(min(_day(event) for event in events), today)
    return [_moved(event, zone, lambda _day: weeks) for event in events]


def folded(events: list[Record], today: date, zone: ZoneInfo, days: int) -> list[Record]:
    """Move each event by its own number of weeks, so that all are within `days` from tomorrow.

    Weekdays and times of day do not change; events of different weeks may end up in the same week. Raises
    ValueError for fewer than 7 days.
    """
    first = min(_day(event) for event in events)
    window = days // WEEK
    if not window:
        raise ValueError("cannot fold events into fewer than 7 days")

    def weeks(day: date) -> int:
        turn = (day - first).days // WEEK % window
        return _weeks_to_next(day, today) + turn

    return [_moved(event, zone, weeks) for event in events]


def _weeks_to_next(day: date, today: date) -> int:
    """Return the number of weeks that moves `day` into the seven days after `today`."""
    return -(((day - today).days - 1) // WEEK)


def _day(event: Record) -> date:
    return date.fromisoformat(event["start"][:10])


def _moved(event: Record, zone: ZoneInfo, weeks: Callable[[date], int]) -> Record:
    shift = timedelta(weeks=weeks(_day(event)))

    def move(text: str) -> str:
        wall = datetime.fromisoformat(text[:19]) + shift
        return wall.replace(tzinfo=zone).isoformat()

    moved: dict[str, Any] = {**event, "start": move(event["start"])}
    if event.get("end"):
        moved["end"] = move(event["end"])
    moved["future_dates"] = [
        {**other, "start": move(other["start"])} for other in event.get("future_dates") or []
    ]
    return moved
