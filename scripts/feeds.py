"""Feeds: iCalendar (RFC 5545) and the public events.json. Same events, same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from settings import Settings
from views import EventView


def public_json(events: Iterable[EventView], settings: Settings) -> bytes:
    """Return events.json, the public data contract: times in the library's zone, with offset."""
    data = {
        "version": 1,
        "name": settings.site_name,
        "timezone": settings.timezone.key,
        "events": [_public(view) for view in events],
    }
    return json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"


def _public(view: EventView) -> dict[str, Any]:
    event = view.event
    return {
        "id": event.id,
        "title": event.title,
        "start": event.first_day.isoformat() if event.all_day else event.start.isoformat(),
        "end": event.last_day.isoformat() if event.all_day else event.end.isoformat(),
        "all_day": event.all_day,
        "status": view.status.code if view.status else "",
        "branch": event.branch,
        "place": event.place,
        "online": event.online,
        "categories": list(event.categories),
        "audiences": list(event.audiences),
        "url": f"{view.site_url}/{view.path}" if view.site_url else view.path,
        "excerpt": event.excerpt,
    }


def calendar(events: Iterable[EventView], settings: Settings) -> bytes:
    """Return an iCalendar file of `events`, with the zone's own VTIMEZONE."""
    from icalendar import Calendar, Event, Timezone

    host = urlsplit(settings.site_url).hostname or "events-display.invalid"
    result = Calendar()
    result.add("prodid", "-//events-display//EN")
    result.add("version", "2.0")
    result.add("x-wr-calname", settings.site_name)
    views = list(events)
    if views:
        first = min(view.event.start for view in views).date()
        last = max(view.event.end for view in views).date()
        result.add_component(Timezone.from_tzinfo(settings.timezone, first_date=first, last_date=last))
    for view in views:
        event = view.event
        item = Event()
        item.add("uid", f"{event.id}@{host}")
        item.add("summary", event.title)
        item.add("dtstart", event.first_day if event.all_day else event.start)
        item.add("dtend", event.end.date() if event.all_day else event.end)
        item.add("dtstamp", event.updated or event.start)
        item.add("sequence", event.sequence)
        if view.where:
            item.add("location", view.where)
        if event.state:
            item.add("status", "CANCELLED" if event.state == "cancelled" else "TENTATIVE")
        result.add_component(item)
    data: bytes = result.to_ical()
    return data
