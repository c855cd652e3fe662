"""What a fetch changed for visitors: events that were added, changed, cancelled or have vanished. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from event import CANCELLED, Event, Snapshot

ADDED, CHANGED, CANCELED, VANISHED = "added", "changed", "cancelled", "vanished"
# The fields that are compared; the values of long ones are not shown.
_SHOWN = (
    "title",
    "start",
    "end",
    "all_day",
    "state",
    "notice",
    "sold_out",
    "branch",
    "place",
    "online",
    "cost",
)
_LONG = ("description", "categories", "audiences")
MOST_CHARACTERS = 80  # of a value


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of an event; `fields` holds `old -> new` for each changed field."""

    kind: str
    event: Event
    fields: dict[str, str]


def compare(last: Snapshot, now: Snapshot, today: date) -> Iterator[Change]:
    """Yield the changes of events that are not over; none after the first fetch."""
    before = {event.id: event for event in last.events if event.listed}
    after = {event.id: event for event in now.events if event.listed}
    if not last.events:
        return
    for event in now.events:
        old = before.get(event.id)
        if not event.listed or event.last_day < today:
            continue
        if old is None:
            yield Change(kind=ADDED, event=event, fields={})
        elif fields := _fields(old, event):
            cancelled = event.state == CANCELLED != old.state
            yield Change(kind=CANCELED if cancelled else CHANGED, event=event, fields=fields)
    for old in last.events:
        if old.listed and old.id not in after and old.last_day >= today:
            yield Change(kind=VANISHED, event=old, fields={})


def _fields(old: Event, new: Event) -> dict[str, str]:
    found = {}
    for name in _SHOWN:
        pair = getattr(old, name), getattr(new, name)
        if pair[0] != pair[1]:
            found[name] = " -> ".join(_text(value) for value in pair)
    found |= {name: "changed" for name in _LONG if getattr(old, name) != getattr(new, name)}
    return found


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)[:MOST_CHARACTERS] or "none"
