"""Real events from a file, moved by whole weeks so that they lie ahead.

Local times stay what they were on the clock; the offset is worked out anew, since the new
date may lie on the other side of a clock change.
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
    """Read `{"events": [...]}`; raise OSError or ValueError if that is not what is there."""
    data: Any = json.loads(path.read_bytes())
    if not isinstance(data, dict) or not isinstance(data.get("events"), list):
        raise ValueError(f'{path} does not hold {{"events": [...]}}')
    events: list[Record] = data["events"]
    return events


def calendars(events: list[Record]) -> list[Record]:
    """Return the calendars that the events name, as /1.1/calendars lists them."""
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
    """Move all events by the same weeks, so that the first lies in the seven days from tomorrow on.

    Of a file that spans years, an answer then holds the first one at most (`days` <= 365).
    """
    weeks = _weeks_to_next(min(_day(event) for event in events), today)
    return [_moved(event, zone, lambda _day: weeks) for event in events]


def folded(events: list[Record], today: date, zone: ZoneInfo, days: int) -> list[Record]:
    """Move each event by weeks of its own, so that every one lies within `days` from tomorrow on.

    Weekdays and times of day stay; what was weeks apart may now lie in one week. At least 7 days.
    """
    first = min(_day(event) for event in events)
    window = days // WEEK
    if not window:
        raise ValueError("events cannot be folded into less than 7 days")

    def weeks(day: date) -> int:
        turn = (day - first).days // WEEK % window
        return _weeks_to_next(day, today) + turn

    return [_moved(event, zone, weeks) for event in events]


def _weeks_to_next(day: date, today: date) -> int:
    """Return by how many weeks to move `day` into the seven days after `today`."""
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
