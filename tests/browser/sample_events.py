"""Sample events for the browser tests, relative to NOW, a Tuesday morning in early March.

The set is small; tests that need others pass their own.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from event import Calendar, Event, Registration, Seats, Snapshot, midnight

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 3, 9, 5, tzinfo=ZONE)
OPEN = Registration(opened=True, closed=False, wait_list=False, in_person=Seats(total=20, taken=4))


def at(text: str, day: int = 0) -> datetime:
    """Return the time `HH:MM` on the day `day` days after NOW."""
    hour, minute = text.split(":")
    return midnight(NOW.date() + timedelta(days=day), ZONE).replace(hour=int(hour), minute=int(minute))


def event(number: int, title: str, start: datetime, hours: float = 1, **values: object) -> Event:
    """Return an event of `hours` hours, with default values for all other fields."""
    made = Event(
        id=str(number),
        calendar="15144",
        title=title,
        start=start,
        end=start + timedelta(hours=hours),
        branch="Kilton",
        place="Community Room",
        url=f"https://example.libcal.com/event/{number}",
        excerpt="Everyone is welcome, and no one needs to bring anything.",
        updated=NOW - timedelta(days=2),
    )
    return replace(made, **values)  # type: ignore[arg-type]


def sample() -> tuple[Event, ...]:
    """Return events of every kind: today, tomorrow, later, cancelled, full, all day, ongoing."""
    full = replace(OPEN, in_person=Seats(total=10, taken=10))
    few = replace(OPEN, in_person=Seats(total=10, taken=8))
    exhibit = midnight(NOW.date() - timedelta(days=20), ZONE)
    events = [
        event(101, "Baby Lapsit", at("09:00"), 0.75, place="Story Room", audiences=("Babies",)),
        event(102, "Genealogy Drop-In", at("10:30"), 1.5, branch="Lebanon", audiences=("Adults",)),
        event(103, "Tax Help", at("13:00"), 3, registration=OPEN, categories=("Help",)),
        event(104, "Watercolor for Beginners", at("14:00"), 2, registration=full, audiences=("Adults",)),
        event(105, "Chess Club", at("16:00"), 1.5, state="cancelled", audiences=("Teens",)),
        event(106, "Film Night: The Secret Garden", at("18:30"), 2, place="Damren Room", registration=few),
        event(107, "Preschool Story Time", at("10:30", 1), 0.5, audiences=("Children",)),
        event(108, "Poetry Reading", at("19:00", 1), 1, branch="Lebanon", audiences=("Adults",)),
        event(109, "Used Book Sale", midnight(at("00:00", 3).date(), ZONE), 48, all_day=True),
        event(110, "Winter in the Valley: Photographs", exhibit, 24 * 60, all_day=True, place="Gallery"),
    ]
    return tuple(sorted(events, key=lambda event: event.order))


def sample_on(day: date) -> tuple[Event, ...]:
    """Return the same events moved from NOW's day to `day`."""
    moved = day - NOW.date()
    return tuple(
        replace(event, start=event.start + moved, end=event.end + moved, updated=NOW) for event in sample()
    )


def snapshot(
    events: tuple[Event, ...] | None = None, fetched: datetime | None = None, **values: Any
) -> Snapshot:
    """Return these events as fetch.py would save them, fetched at `fetched` or just before NOW."""
    found = sample() if events is None else events
    calendar = Calendar(
        id="15144", name="Events", fetched=fetched or NOW - timedelta(minutes=5), events=len(found)
    )
    made = Snapshot(events=found, calendars=(calendar,), url="https://example.libcal.com/1.1")
    return replace(made, **values)
