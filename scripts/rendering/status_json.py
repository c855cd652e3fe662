"""status.json: the age of the events. The only file of the site that holds a time of day."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from event import Snapshot
from rendering import dates
from settings import Settings


def count(snapshot: Snapshot, settings: Settings) -> int:
    """Return the number of events that the site lists on the day of `settings.now`."""
    today = settings.now.date()
    return sum(event.listed and not dates.is_over(event, today) for event in snapshot.events)


def content(snapshot: Snapshot, settings: Settings, search: str = "") -> bytes:
    """Return the content of status.json. Pages read it to show their age, monitors to watch the runs.

    `search` is the path of the index for the search. It is here and not in the pages, since it changes with
    every event.

    `fetched` is the last successful fetch of the calendar whose last one is oldest. `next_due` is when
    the next fetch is due. It is computed from `fetched` and the schedule, so a failed run does not
    postpone it.
    """
    data: dict[str, Any] = {
        "version": 1,
        **_freshness(snapshot.fetched, settings),
        "timezone": settings.timezone.key,
        "stale_after_minutes": settings.stale_after_minutes,
        "search": search,
        "events": count(snapshot, settings),
        "dropped": snapshot.dropped,
        "calendars": [
            {
                "id": calendar.id,
                "name": calendar.label or calendar.name or calendar.id,
                **_freshness(calendar.fetched, settings),
                "stale": calendar.stale,
            }
            for calendar in snapshot.calendars
        ],
        "hours": [
            {"id": hours.id, **_freshness(hours.fetched, settings), "stale": bool(hours.cause)}
            for hours in snapshot.hours
        ],
    }
    return json.dumps(data, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def _freshness(fetched: datetime | None, settings: Settings) -> dict[str, str | None]:
    if fetched is None:
        return {"fetched": None, "next_due": None}
    moment = fetched.astimezone(settings.timezone)
    due = settings.schedule.next_due(moment)
    return {
        name: value.isoformat(timespec="seconds") for name, value in (("fetched", moment), ("next_due", due))
    }
