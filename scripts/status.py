"""status.json: how fresh the events are. The only file of the site that tells a time of day."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from event import Snapshot
from settings import Settings


def status(snapshot: Snapshot, settings: Settings) -> bytes:
    """Return status.json: how fresh the events are. Pages and monitors read it."""

    def moment(value: datetime | None) -> str | None:
        return value.astimezone(settings.timezone).isoformat(timespec="seconds") if value else None

    data: dict[str, Any] = {
        "version": 1,
        "fetched": moment(snapshot.fetched),
        "timezone": settings.timezone.key,
        "stale_after_minutes": settings.stale_after_minutes,
        "events": sum(event.listed and event.last_day >= settings.now.date() for event in snapshot.events),
        "dropped": snapshot.dropped,
        "calendars": [
            {
                "id": calendar.id,
                "name": calendar.label or calendar.name,
                "fetched": moment(calendar.fetched),
                "stale": calendar.stale,
            }
            for calendar in snapshot.calendars
        ],
    }
    return json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"
