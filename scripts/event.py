"""An event as we keep and publish it, and events.json, the file between fetch and generate.

Only what may be public is in here; fetch.py never writes anything else to disk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from files import sha256, write_atomic

VERSION = 1

CANCELLED = "cancelled"
POSTPONED = "postponed"
RESCHEDULED = "rescheduled"

# Causes that are no failure of LibCal's: a calendar that must not be published, and one that has
# become empty so suddenly that its last events stay until the next fetch says the same.
INTERNAL = "internal"
EMPTY = "empty"

# Fetch makes a WebP file of each width for an image, in images/ beside events.json; generate publishes them.
IMAGE_WIDTHS = (320, 800, 1600)


class UnusableSnapshot(Exception):
    """events.json is damaged, or of another version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """Places of one kind (in the room, or online)."""

    total: int
    taken: int

    @property
    def free(self) -> int:
        """How many are free, never below zero."""
        return max(0, self.total - self.taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What LibCal says about registration; None on an event that needs none.

    `in_person` and `online` are None where that kind has no limit or does not exist.
    """

    opened: bool
    closed: bool
    wait_list: bool
    in_person: Seats | None = None
    online: Seats | None = None

    @property
    def kinds(self) -> tuple[Seats, ...]:
        """The kinds of places there are."""
        return tuple(seats for seats in (self.in_person, self.online) if seats is not None)

    @property
    def full(self) -> bool:
        """Whether every kind of place is taken; never where no number is known."""
        return bool(self.kinds) and all(seats.free == 0 for seats in self.kinds)

    @property
    def few_left(self) -> bool:
        """Whether 3 places or fewer, or a fifth or less, are left (and not none)."""
        left = sum(seats.free for seats in self.kinds)
        total = sum(seats.total for seats in self.kinds)
        return left > 0 and (left <= 3 or left * 5 <= total)

    @property
    def public_state(self) -> tuple[bool | None, ...]:
        """All that is ever told of it; how many places are taken is not."""
        free = (None if seats is None else seats.free > 0 for seats in (self.in_person, self.online))
        return (self.opened, self.closed, self.wait_list, self.full, self.few_left, *free)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One occurrence. `start` and `end` are aware, in the library's zone.

    An all-day event runs from midnight to the midnight after its last day (exclusive).
    An event without an end has `end == start`. `title` is without its "CANCELLED:"; that
    is `state`. `description` is sanitized HTML. `updated` is when anything public last
    changed, `sequence` counts changes of time, place or state (RFC 5545, 3.8.7.4).
    """

    id: str
    calendar: str
    title: str
    start: datetime
    end: datetime
    all_day: bool = False
    state: str = ""
    branch: str = ""
    place: str = ""
    address: str = ""
    online: bool = False
    categories: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    url: str = ""
    description: str = ""
    excerpt: str = ""
    color: str = ""
    cost: str = ""
    image: str = ""
    registration: Registration | None = None
    listed: bool = True
    updated: datetime | None = None
    sequence: int = 0

    @property
    def order(self) -> tuple[datetime, datetime, str, int, str]:
        """The order of events everywhere: by time, then title, then id."""
        # In UTC: Python compares times of one zone by the clock on the wall, which goes back in autumn.
        start, end = self.start.astimezone(UTC), self.end.astimezone(UTC)
        return (start, end, self.title.casefold(), len(self.id), self.id)

    @property
    def first_day(self) -> date:
        """The local day on which it begins."""
        return self.start.date()

    @property
    def last_day(self) -> date:
        """The local day on which it ends; an end at midnight belongs to the day before."""
        if self.end > self.start and self.end.time() == time.min:
            return self.end.date() - timedelta(days=1)
        return max(self.end.date(), self.start.date())

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data: all-day events with their first and last day, others with offsets."""
        data: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in ("id", "calendar", "title", "start", "end") or value != item.default:
                data[item.name] = value
        data["start"] = self.first_day.isoformat() if self.all_day else self.start.isoformat()
        data["end"] = self.last_day.isoformat() if self.all_day else self.end.isoformat()
        if self.updated is not None:
            data["updated"] = self.updated.isoformat()
        if self.registration is not None:
            data["registration"] = _registration_to_json(self.registration)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any], zone: ZoneInfo) -> Self:
        """Read back what `to_json` wrote; raise ValueError, KeyError or TypeError if it is not that."""
        values = {item.name: data[item.name] for item in fields(cls) if item.name in data}
        if data.get("all_day"):
            first, last = date.fromisoformat(data["start"]), date.fromisoformat(data["end"])
            values["start"] = midnight(first, zone)
            values["end"] = midnight(last + timedelta(days=1), zone)
        else:
            values["start"] = _instant(data["start"], zone)
            values["end"] = _instant(data["end"], zone)
        if "updated" in data:
            values["updated"] = _instant(data["updated"], zone)
        if "registration" in data:
            values["registration"] = _registration_from_json(data["registration"])
        values["categories"] = tuple(data.get("categories", ()))
        values["audiences"] = tuple(data.get("audiences", ()))
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A calendar's state: when it was last fetched well, and how the last try went.

    `cause` is empty when the last try went well; then the events are as of `fetched`.
    `empty` counts fetches in a row that brought no event.
    """

    id: str
    label: str = ""
    name: str = ""
    fetched: datetime | None = None
    cause: str = ""
    events: int = 0
    empty: int = 0

    @property
    def stale(self) -> bool:
        """Whether its events are those of an earlier fetch; an internal calendar has none."""
        return self.cause not in ("", INTERNAL)

    def age_minutes(self, now: datetime) -> int:
        """Return how long ago it was last fetched well; 0 if never, or if that lies in the future."""
        return max(0, int((now - self.fetched).total_seconds() // 60)) if self.fetched else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that events.json holds: sorted events, the calendars' states, how many were dropped.

    `url` is the LibCal they come from: another one's events are never kept.
    """

    events: tuple[Event, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    dropped: int = 0
    url: str = field(default="")

    @property
    def fetched(self) -> datetime | None:
        """When the oldest of the calendars was last fetched well: nothing shown is older."""
        times = [calendar.fetched for calendar in self.calendars if calendar.fetched]
        return min(times, default=None)

    def save(self, path: Path) -> None:
        """Write it to `path`, durably and by rename; the same data gives the same bytes."""
        data = {
            "version": VERSION,
            "url": self.url,
            "dropped": self.dropped,
            "calendars": [_calendar_to_json(calendar) for calendar in self.calendars],
            "events": [event.to_json() for event in self.events],
        }
        text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True)
        write_atomic(path, text.encode() + b"\n", durable=True)

    @classmethod
    def load(cls, path: Path, zone: ZoneInfo) -> Self:
        """Read it back. Raises FileNotFoundError, or UnusableSnapshot when it cannot be used."""
        try:
            data = json.loads(path.read_bytes())
            if data["version"] != VERSION:
                raise UnusableSnapshot(f"{path} is of version {data['version']}, not {VERSION}")
            return cls(
                events=tuple(Event.from_json(item, zone) for item in data["events"]),
                calendars=tuple(_calendar_from_json(item, zone) for item in data["calendars"]),
                dropped=int(data["dropped"]),
                url=data["url"],
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UnusableSnapshot(f"{path} is damaged: {type(error).__name__}") from error


def image_file(stem: str, width: int) -> str:
    """Return the name of one size of an image; `stem` is `Event.image`, a digest of all its sizes."""
    return f"{stem}-{width}.webp"


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the beginning of `day` in `zone`."""
    return datetime.combine(day, time.min, zone)


def digest(event: Event) -> str:
    """Return a digest of all that is public about `event`, but for when it changed."""
    data = event.to_json()
    for name in ("updated", "sequence"):
        data.pop(name, None)
    if event.registration is not None:
        # Else every place that is taken would be a change, and all feeds new.
        data["registration"] = event.registration.public_state
    return sha256(json.dumps(data, sort_keys=True).encode())


def _instant(text: str, zone: ZoneInfo) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without offset")
    return moment.astimezone(zone)


def _seats_to_json(seats: Seats | None) -> dict[str, int] | None:
    return None if seats is None else {"total": seats.total, "taken": seats.taken}


def _registration_to_json(registration: Registration) -> dict[str, Any]:
    return {
        "opened": registration.opened,
        "closed": registration.closed,
        "wait_list": registration.wait_list,
        "in_person": _seats_to_json(registration.in_person),
        "online": _seats_to_json(registration.online),
    }


def _registration_from_json(data: Mapping[str, Any]) -> Registration:
    def seats(name: str) -> Seats | None:
        return None if data[name] is None else Seats(total=data[name]["total"], taken=data[name]["taken"])

    return Registration(
        opened=data["opened"],
        closed=data["closed"],
        wait_list=data["wait_list"],
        in_person=seats("in_person"),
        online=seats("online"),
    )


def _calendar_to_json(calendar: Calendar) -> dict[str, Any]:
    return {
        "id": calendar.id,
        "label": calendar.label,
        "name": calendar.name,
        "fetched": calendar.fetched.isoformat() if calendar.fetched else None,
        "cause": calendar.cause,
        "events": calendar.events,
        "empty": calendar.empty,
    }


def _calendar_from_json(data: Mapping[str, Any], zone: ZoneInfo) -> Calendar:
    return Calendar(
        id=data["id"],
        label=data["label"],
        name=data["name"],
        fetched=_instant(data["fetched"], zone) if data["fetched"] else None,
        cause=data["cause"],
        events=data["events"],
        empty=data["empty"],
    )
