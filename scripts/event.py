"""The event model, and events.json, the file between fetch and generate.

Contains public fields only; fetch.py writes no other fields to disk.
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
from hours import Hours

VERSION = 1

CANCELLED = "cancelled"
POSTPONED = "postponed"
RESCHEDULED = "rescheduled"
# Notices: unlike the states above, they do not keep the event from taking place at its time.
MOVED_ONLINE = "moved-online"
NEW_DATE = "new-date"
SOLD_OUT = "sold-out"
# The kind of a record that is no event: the library is closed.
CLOSURE = "closure"

# Causes other than a failure of LibCal: the calendar is internal and must not be published; it has lost most
# of its events, and they are kept until the next fetch confirms that; LibCal does not list it any more.
INTERNAL = "internal"
DOUBTED = "doubted"
NOT_LISTED = "not_listed"

# Days that events stay after their end: their pages and public data, and their entries in calendars.
PAGE_DAYS = 90
CALENDAR_DAYS = 30

# Fetch makes a WebP file of each width for an image, in images/ beside events.json; generate publishes them.
IMAGE_WIDTHS = (320, 800, 1600)


class UnusableSnapshot(Exception):
    """events.json is damaged, or has another version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """Seats of one kind (in the room, or online)."""

    total: int
    taken: int

    @property
    def free(self) -> int:
        """The number of free seats, never below zero."""
        return max(0, self.total - self.taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Registration for an event.

    `in_person` and `online` are None if that kind of seat has no limit or does not exist.
    """

    opened: bool
    closed: bool
    wait_list: bool
    in_person: Seats | None = None
    online: Seats | None = None

    @property
    def kinds(self) -> tuple[Seats, ...]:
        """The kinds of seats that exist and have a limit."""
        return tuple(seats for seats in (self.in_person, self.online) if seats is not None)

    @property
    def full(self) -> bool:
        """Whether all seats of every kind are taken; false if there is no limit."""
        return bool(self.kinds) and all(seats.free == 0 for seats in self.kinds)

    @property
    def few_left(self) -> bool:
        """Whether some seats are free, but at most 3 or at most a fifth of all."""
        free = sum(seats.free for seats in self.kinds)
        total = sum(seats.total for seats in self.kinds)
        return free > 0 and (free <= 3 or free * 5 <= total)

    @property
    def public_state(self) -> tuple[bool | None, ...]:
        """Everything that pages show about registration; they never show the number of taken seats."""
        free = (None if seats is None else seats.free > 0 for seats in (self.in_person, self.online))
        return (self.opened, self.closed, self.wait_list, self.full, self.few_left, *free)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One occurrence. `start` and `end` are aware, in the library's time zone.

    An all-day event runs from midnight to the midnight after its last day (exclusive). An event without
    an end has `end == start`. A "CANCELLED:" in LibCal's title becomes `state`, "Moved online" or "New date"
    becomes `notice`, and "Sold out" sets `sold_out`. `featured` means that FEATURED_CATEGORY names one of its
    categories or internal tags. `description` and `more_info` are sanitized HTML; without SHOW_PRESENTER,
    `presenter` and `more_info` are empty. `updated` is the time of the last change of a public field;
    `sequence` counts changes of time, place or state (RFC 5545, 3.8.7.4). `registration` is None if visitors
    need not register.

    A record of the kind CLOSURE is no event, and never among a Snapshot's `events`: its title is the reason,
    perhaps empty, and an empty branch means all branches. `in_closure` marks an event of its branch and time.
    """

    id: str
    calendar: str
    title: str
    start: datetime
    end: datetime
    all_day: bool = False
    kind: str = ""
    in_closure: bool = False
    state: str = ""
    notice: str = ""
    sold_out: bool = False
    featured: bool = False
    branch: str = ""
    place: str = ""
    address: str = ""
    online: bool = False
    categories: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    url: str = ""
    description: str = ""
    excerpt: str = ""
    presenter: str = ""
    more_info: str = ""
    color: str = ""
    cost: str = ""
    image: str = ""
    registration: Registration | None = None
    listed: bool = True
    updated: datetime | None = None
    sequence: int = 0

    @property
    def order(self) -> tuple[datetime, datetime, str, int, str]:
        """Sort key of events on all pages: time, title, id."""
        # In UTC: Python compares times of one zone by wall clock, which repeats an hour in the fall.
        start, end = self.start.astimezone(UTC), self.end.astimezone(UTC)
        return (start, end, self.title.casefold(), len(self.id), self.id)

    @property
    def first_day(self) -> date:
        """The local day on which the event begins."""
        return self.start.date()

    @property
    def last_day(self) -> date:
        """The local day on which the event ends; an end at midnight belongs to the day before."""
        if self.end > self.start and self.end.time() == time.min:
            return self.end.date() - timedelta(days=1)
        return max(self.end.date(), self.start.date())

    @property
    def online_only(self) -> bool:
        """Whether visitors can take part only from elsewhere."""
        in_room = self.registration is not None and self.registration.in_person is not None
        return self.online and not self.place and (self.notice == MOVED_ONLINE or not in_room)

    def to_json(self) -> dict[str, Any]:
        """Return the event as JSON data: all-day events with first and last day, others with UTC offsets."""
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
        """Return the event from the data of `to_json`. Raises ValueError, KeyError or TypeError."""
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
    """A calendar and the result of its last fetch.

    `fetched` is the time of the last successful fetch. `cause` says why the last fetch failed and is
    empty on success. `events` is the number of listed events. `doubted` is true if the last good answer
    had far fewer events than before, so that the earlier events were kept.
    """

    id: str
    label: str = ""
    name: str = ""
    fetched: datetime | None = None
    cause: str = ""
    events: int = 0
    doubted: bool = False

    @property
    def stale(self) -> bool:
        """Whether its events come from an earlier fetch; an internal calendar has no events."""
        return self.cause not in ("", INTERNAL)

    @property
    def unfetched(self) -> bool:
        """Whether no fetch has succeeded yet. It may have events: pages must not say that it has none."""
        return self.fetched is None and self.stale

    def age_minutes(self, now: datetime) -> int:
        """Return the minutes since the last successful fetch; 0 if there is none or it is in the future."""
        if not self.fetched:
            return 0
        # In one time zone, Python subtracts clock times, which are an hour off after a change of the clocks.
        return max(0, int(now.timestamp() - self.fetched.timestamp()) // 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The content of events.json: events and closures (sorted), calendars, hours, number of dropped events.

    `photos` are the images of branches, by their name, as in `Event.image`.
    `url` is the address of the LibCal API that they come from. Events of another LibCal are never kept.
    """

    events: tuple[Event, ...] = ()
    closures: tuple[Event, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    hours: tuple[Hours, ...] = ()
    photos: Mapping[str, str] = field(default_factory=dict)
    dropped: int = 0
    url: str = field(default="")

    @property
    def fetched(self) -> datetime | None:
        """The oldest of the calendars' last successful fetches; no event is older."""
        times = [calendar.fetched for calendar in self.calendars if calendar.fetched]
        return min(times, default=None)

    def save(self, path: Path) -> None:
        """Write events.json to `path`, durably and by rename. The same data gives the same bytes."""
        data = {
            "version": VERSION,
            "url": self.url,
            "dropped": self.dropped,
            "calendars": [_calendar_to_json(calendar) for calendar in self.calendars],
            "events": [event.to_json() for event in self.events],
            "closures": [event.to_json() for event in self.closures],
            "photos": dict(self.photos),
            "hours": [hours.to_json() for hours in self.hours],
        }
        text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True)
        write_atomic(path, text.encode() + b"\n", durable=True)

    @classmethod
    def load(cls, path: Path, zone: ZoneInfo) -> Self:
        """Read events.json. Raises FileNotFoundError or UnusableSnapshot."""
        try:
            data = json.loads(path.read_bytes())
            if data["version"] != VERSION:
                raise UnusableSnapshot(f"{path} has version {data['version']}, not {VERSION}")
            return cls(
                events=tuple(Event.from_json(item, zone) for item in data["events"]),
                closures=tuple(Event.from_json(item, zone) for item in data.get("closures", ())),
                calendars=tuple(_calendar_from_json(item, zone) for item in data["calendars"]),
                hours=tuple(Hours.from_json(item, zone) for item in data.get("hours", ())),
                photos={str(name): str(stem) for name, stem in data.get("photos", {}).items()},
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
    """Return a digest of the public fields of `event`, except `updated` and `sequence`."""
    data = event.to_json()
    for name in ("updated", "sequence"):
        data.pop(name, None)
    if event.registration is not None:
        # Otherwise every taken seat would count as a change, and all feeds would change with it.
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
        "doubted": calendar.doubted,
    }


def _calendar_from_json(data: Mapping[str, Any], zone: ZoneInfo) -> Calendar:
    return Calendar(
        id=data["id"],
        label=data["label"],
        name=data["name"],
        fetched=_instant(data["fetched"], zone) if data["fetched"] else None,
        cause=data["cause"],
        events=data["events"],
        doubted=bool(data.get("doubted")),
    )
