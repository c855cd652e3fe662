"""Merge the newly fetched events with the last events.json into the next one. Pure: no I/O.

A calendar that could not be fetched keeps its last good events. One that lost most of them keeps them until
the next good fetch confirms the loss: LibCal may have sent only a part. An event that disappeared from a
fetched calendar is no longer listed, but keeps its page until its day has passed: visitors may have its
address.
A listed event stays for 90 days after its end, although LibCal no longer sends it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from html import escape

from event import CALENDAR_DAYS, CLOSURE, DOUBTED, INTERNAL, PAGE_DAYS, Calendar, Event, Snapshot, digest

UNUSABLE = "unusable"

# Listed events. More would take generate too long, and no library has them.
MAX_EVENTS = 5_000
# Unlisted events: as many as there are listed ones, but at least so many. A program that is imported again
# every night, with new ids, leaves thousands.
MIN_UNLISTED = 100
# In characters. Later events have their excerpt only.
MAX_DESCRIPTIONS = 12_000_000
# The past of a busy system: 60 events a day. Descriptions in characters; the latest events come first.
MAX_PAST = 5_400
MAX_PAST_DESCRIPTIONS = 6_000_000


_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of fetching one calendar; `cause` says why it failed and is empty on success.

    `unusable_ids` are the ids of events that were fetched but are unusable; `all_unusable` is true if
    LibCal sent only such events.
    """

    id: str
    label: str = ""
    name: str = ""
    events: tuple[Event, ...] = ()
    unusable_ids: frozenset[str] = frozenset()
    all_unusable: bool = False
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time of the fetch and the fetched days: from the day of `now` to `last_day`."""

    now: datetime
    last_day: date

    @property
    def first_day(self) -> date:
        """The local day of `now`."""
        return self.now.date()

    @property
    def days(self) -> int:
        """The number of days after the first one."""
        return (self.last_day - self.first_day).days

    def covers(self, event: Event) -> bool:
        """Return whether LibCal must return `event`: it begins on one of the fetched days.

        LibCal may or may not return events that began earlier and still run.
        """
        return self.first_day <= event.first_day <= self.last_day

    def expects(self, event: Event) -> bool:
        """Return whether LibCal must return `event`, and it has not ended."""
        return self.covers(event) and max(event.start, event.end) >= self.now


def merge(last: Snapshot, outcomes: Sequence[Outcome], window: Window, *, believe: bool = False) -> Snapshot:
    """Return the events to publish and the calendars' states, in the order of `outcomes`.

    If an event is in several calendars, the first calendar's copy is used, and a newly fetched copy
    before an old one. `updated` and `sequence` change only if public data of the event changed. With
    `believe`, a calendar's loss of most events is published at once.
    """
    # A closure is merged like an event; the two are separated again at the end.
    last = replace(last, events=(*last.events, *last.closures))
    fetched: dict[str, Event] = {}
    for outcome in outcomes:
        for event in () if outcome.cause else outcome.events:
            fetched.setdefault(event.id, event)
    doubtful = frozenset() if believe else _doubtful(last, outcomes, fetched, window)
    events: dict[str, Event] = {}
    calendars = []
    known = {calendar.id: calendar for calendar in last.calendars}
    for outcome in outcomes:
        before = [
            event
            for event in last.events
            if event.calendar == outcome.id
            and event.id not in fetched
            and window.first_day <= event.last_day
            and event.first_day <= window.last_day
        ]
        state = known.get(outcome.id, Calendar(id=outcome.id))
        kept, state = _merge_calendar(outcome, before, state, window, doubtful)
        for event in kept:
            events.setdefault(event.id, event)
        calendars.append(state)
    events.update(fetched)
    marked = _mark_closures(_bounded(events.values(), last))
    merged = stamp(marked, last.events, window.now)
    stamped = tuple(event for event in merged if event.kind != CLOSURE)
    counted = tuple(
        replace(state, events=sum(event.listed and event.calendar == state.id for event in stamped))
        for state in calendars
    )
    published = {state.id for state in calendars if state.cause != INTERNAL}
    past = _past((event for event in last.events if event.calendar in published), events.keys(), window)
    closures = tuple(event for event in merged if event.kind == CLOSURE and event.listed)
    return Snapshot(events=(*past, *stamped), closures=closures, calendars=counted, url=last.url)


def _past(events: Iterable[Event], present: Collection[str], window: Window) -> tuple[Event, ...]:
    """Return the events that ended before today and stay: listed ones of the last days, not in `present`.

    Their number and the length of their descriptions are bounded. After 30 days they lose their images.
    """
    first = window.first_day - timedelta(days=PAGE_DAYS)
    over = [event for event in events if first <= event.last_day < window.first_day and event.listed]
    over.sort(key=lambda event: (event.last_day, event.order), reverse=True)
    kept: list[Event] = []
    room = MAX_PAST_DESCRIPTIONS
    for event in over:
        room -= len(event.description)
        if len(kept) == MAX_PAST or room < 0:
            break
        if event.id not in present:
            old = event.last_day < window.first_day - timedelta(days=CALENDAR_DAYS)
            kept.append(replace(event, image="") if old else event)
    return tuple(sorted(kept, key=lambda event: event.order))


def _mark_closures(events: Sequence[Event]) -> list[Event]:
    """Return `events`, with those marked that fall into a closure of their branch."""
    closures = [event for event in events if event.kind == CLOSURE and event.listed]
    return [
        replace(event, in_closure=any(_falls_into(event, closure) for closure in closures))
        for event in events
    ]


def _falls_into(event: Event, closure: Event) -> bool:
    """Return whether `event` takes place at a branch while it is closed; an exhibit of weeks does not."""
    if event.kind == CLOSURE or event.online_only:
        return False
    if closure.branch and closure.branch.casefold() != event.branch.casefold():
        return False
    if closure.first_day > event.first_day or event.last_day > closure.last_day:
        return False
    return (
        closure.all_day
        or event.all_day
        or (event.start < closure.end and closure.start < max(event.end, event.start + timedelta(minutes=1)))
    )


def _bounded(events: Iterable[Event], last: Snapshot) -> list[Event]:
    """Return `events` in their order, within the limits above: the first listed, the last unlisted ones."""
    ordered = sorted(events, key=lambda event: event.order)
    listed = _first_of_each_calendar([event for event in ordered if event.listed])
    before = {event.id: event for event in last.events}
    unlisted = [event for event in ordered if not event.listed]
    # Those that were listed until now come first, then those that changed last.
    unlisted.sort(
        key=lambda event: (before[event.id].listed, before[event.id].updated or _LONG_AGO), reverse=True
    )
    kept = {*listed, *(event.id for event in unlisted[: max(MIN_UNLISTED, len(listed))])}
    bounded, length = [], 0
    for event in ordered:
        if event.id in kept:
            length += len(event.description)
            short = f"<p>{escape(event.excerpt, quote=False)}</p>" if event.excerpt else ""
            bounded.append(event if length <= MAX_DESCRIPTIONS else replace(event, description=short))
    return bounded


def _first_of_each_calendar(ordered: Sequence[Event]) -> list[str]:
    """Return the ids of at most MAX_EVENTS events: a calendar with too many costs no other one its own."""
    count: Counter[str] = Counter()
    places = []
    for event in ordered:
        count[event.calendar] += 1
        places.append((count[event.calendar], event.id))
    return [identity for _, identity in sorted(places, key=lambda place: place[0])[:MAX_EVENTS]]


def _doubtful(
    last: Snapshot, outcomes: Sequence[Outcome], fetched: Mapping[str, Event], window: Window
) -> frozenset[str]:
    """Return the calendars that lost over half of their events; if all together did, each that lost any.

    Counts the listed events that have not ended. An event that moved to another calendar is not lost.
    """
    expected = {event.id: event for event in last.events if event.listed and window.expects(event)}
    good = [outcome for outcome in outcomes if not outcome.cause]
    before = Counter(
        event.calendar
        for event in expected.values()
        if fetched.get(event.id, event).calendar == event.calendar
    )
    now = Counter(
        {
            outcome.id: sum(map(window.expects, outcome.events)) + len(outcome.unusable_ids & expected.keys())
            for outcome in good
        }
    )
    fewer = [outcome.id for outcome in good if now[outcome.id] < before[outcome.id]]
    if 2 * now.total() < sum(before[outcome.id] for outcome in good):
        return frozenset(fewer)
    return frozenset(key for key in fewer if 2 * now[key] < before[key])


def _merge_calendar(
    outcome: Outcome, before: list[Event], state: Calendar, window: Window, doubtful: frozenset[str]
) -> tuple[list[Event], Calendar]:
    """Return the events of `before` to keep for one calendar, and its new state."""
    state = replace(state, label=outcome.label, name=outcome.name or state.name)
    if outcome.cause == INTERNAL:
        return [], Calendar(id=outcome.id, label=outcome.label, cause=INTERNAL)
    if outcome.cause:
        return before, replace(state, cause=outcome.cause)
    if outcome.all_unusable and any(event.listed and window.covers(event) for event in before):
        return before, replace(state, cause=UNUSABLE)
    if outcome.id in doubtful and not state.doubted:
        return before, replace(state, cause=DOUBTED, doubted=True)
    kept = [
        replace(event, listed=False)
        if window.expects(event) and event.id not in outcome.unusable_ids
        else event
        for event in before
    ]
    return kept, replace(state, cause="", fetched=window.now, doubted=False)


def stamp(events: Iterable[Event], last: Iterable[Event], now: datetime) -> tuple[Event, ...]:
    """Return `events` with `updated` and `sequence`: unchanged, or increased if the event changed."""
    known = {event.id: event for event in last}
    stamped = []
    for event in events:
        before = known.get(event.id)
        if before is None or before.updated is None:
            stamped.append(replace(event, updated=now, sequence=0))
        elif digest(before) == digest(event):
            stamped.append(replace(event, updated=before.updated, sequence=before.sequence))
        else:
            rise = int(_planning_fields(before) != _planning_fields(event))
            stamped.append(replace(event, updated=now, sequence=before.sequence + rise))
    return tuple(stamped)


def _planning_fields(event: Event) -> tuple[object, ...]:
    """Return the fields that visitors plan by: a change increases `sequence` (RFC 5545, 3.8.7.4)."""
    data = event.to_json()
    names = ("start", "end", "all_day", "branch", "place", "address", "online", "state", "notice", "listed")
    return tuple(data.get(name) for name in names)
