"""Sample events and settings for tests of dates, views and pages; NOW is a Tuesday morning in March."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from event import Calendar, Event, Registration, Seats, Snapshot, midnight
from rendering import dates, messages
from rendering.views import EventView
from settings import Settings

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 3, 9, 5, tzinfo=ZONE)
TODAY = NOW.date()
SITE = "https://events.example.org"


def at(text: str, zone: ZoneInfo = ZONE) -> datetime:
    """Return the local time `2026-03-03 10:30` in `zone`."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def event(start: str = "2026-03-03 10:30", end: str = "", **values: Any) -> Event:
    """Return an event from `start` to `end`; without `end`, an event for which LibCal has no end."""
    given = {"id": "1", "calendar": "15144", "title": "Story Time", "branch": "Kilton", **values}
    return Event(start=at(start), end=at(end or start), **given)


def all_day(first: str, last: str = "", **values: Any) -> Event:
    """Return an all-day event; `last` is its last day."""
    day = date.fromisoformat(last or first)
    values = {"id": "1", "calendar": "15144", "title": "Book Sale", **values}
    end = midnight(date.fromordinal(day.toordinal() + 1), ZONE)
    return Event(start=midnight(date.fromisoformat(first), ZONE), end=end, all_day=True, **values)


def registration(taken: int = 0, total: int = 20, **values: Any) -> Registration:
    """Return open registration with `total` places in the room, some of them taken."""
    given: dict[str, Any] = {
        "opened": True,
        "closed": False,
        "wait_list": False,
        "in_person": Seats(total=total, taken=taken),
        **values,
    }
    return Registration(**given)


@cache
def wording(locale: str = "en_US", today: date = TODAY) -> dates.Wording:
    """Return the wording of dates in `locale`."""
    return dates.Wording(messages.load(locale), today)


def view(item: Event, locale: str = "en_US", **values: Any) -> EventView:
    """Return the view of an event."""
    return EventView(item, wording(locale), SITE, **values)


def snapshot(*events: Event, **values: Any) -> Snapshot:
    """Return these events as fetch.py would save them five minutes before NOW."""
    calendar = Calendar(id="15144", label="Kilton", fetched=at("2026-03-03 09:00"), events=len(events))
    ordered = tuple(sorted(events, key=lambda item: item.order))
    return Snapshot(
        **{"events": ordered, "calendars": (calendar,), "url": "https://x.libcal.com/1.1", **values}
    )


def settings(**values: str) -> Settings:
    """Return the settings of a small library; `values` are environment variables that override them."""
    return Settings.from_env(
        {"EVENTS_NOW": NOW.isoformat(), "SITE_NAME": "Lebanon Public Libraries", "SITE_URL": SITE, **values}
    )
