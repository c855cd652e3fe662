"""Convert LibCal's events to Event. Pure: no network, no clock, no log.

Handles the quirks of real responses: fields that change their type, are missing, or hold a number as text.
Only public fields are read; all other fields are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from event import CLOSURE, MOVED_ONLINE, NEW_DATE, SOLD_OUT, Event, Registration, Seats, midnight
from fetching.closures import closure_reason, everywhere
from fetching.links import Origin, web_address
from fetching.markup import Budget, first_image
from fetching.places import is_online, rooms, split_branch
from fetching.privacy import PrivateDetails, PrivateLinks, private_links
from fetching.sanitize import MAX_SOURCE, description, plain
from fetching.titles import split_state

MAX_TITLE = 300
MAX_NAME = 120
MAX_NAMES = 20
# For the descriptions of all calendars, see Budget: 6,000 long ones.
MAX_DESCRIPTIONS = 24_000_000

_FREE = re.compile(
    r"(?:it['’]?s\s+|este\s+evento\s+es\s+)?(?:free|gratis|gratuit[oa]|no\s+(?:cost|charge|fee)|none|null|nan|false"
    r"|n/?a|sin\s+costo|ingen|fri\s+entré|0+\s*kr\.?)(?:\s+(?:event|of\s+charge|admission|entry|entrance))?[.!]*",
    re.IGNORECASE,
)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_YEARS_AHEAD = timedelta(days=5 * 366)


_REASONS = {
    "event": "the record is not an event",
    "id": "it has no usable id",
    "title": "it has no title",
    "start": "its start is missing, unreadable, before 2000 or more than five years ahead",
    "end": "its end is missing, unreadable or before its start",
    "description": "its description is too complex or too long",
}


class UnusableEvent(Exception):
    """The event cannot be published; the text names the field that is missing or wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The calendar and settings that the conversion depends on.

    `last_day` is the last requested day, `closing_category` the name of the category of closures,
    `featured_category` that of featured events, `language` that of the site, `budget` the characters still
    allowed for all descriptions.
    """

    calendar: str
    branch: str
    zone: ZoneInfo
    now: datetime
    last_day: date
    origin: Origin
    closing_category: str = ""
    show_presenter: bool = False
    language: str = ""
    featured_category: str = ""
    private_links: PrivateLinks = field(default_factory=PrivateLinks)
    budget: Budget = field(default_factory=lambda: Budget(MAX_DESCRIPTIONS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem with one event: it was dropped, or `field` was corrected.

    `title` and `address` (in LibCal) help staff to find it; both may be empty.
    """

    id: str
    field: str
    dropped: bool
    title: str = ""
    address: str = ""

    @property
    def why(self) -> str:
        """What is wrong, in words."""
        return _REASONS.get(self.field, f"{self.field} is wrong")


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizedCalendar:
    """A calendar's events of the requested days, and its name if an event contains it.

    `received` counts all events in the response, usable or not. `unusable_ids` are the ids of the
    unusable ones. `zone_doubtful` is true if all times are +00:00 although the library's time zone has
    another offset. `images` maps event ids to image addresses.
    """

    name: str
    received: int
    events: tuple[Event, ...]
    problems: tuple[Problem, ...]
    unusable_ids: frozenset[str]
    zone_doubtful: bool
    images: dict[str, str]

    @property
    def dropped(self) -> int:
        """The number of unusable events."""
        return sum(problem.dropped for problem in self.problems)


def normalize_calendar(raw: Sequence[Any], context: Context) -> NormalizedCalendar:
    """Return the publishable part of a calendar's events. Never raises."""
    context = replace(context, private_links=private_links(raw))
    events: list[Event] = []
    problems: list[Problem] = []
    images: dict[str, str] = {}
    offsets: list[tuple[timedelta, timedelta]] = []
    for item in raw:
        try:
            event, corrected = to_event(item, context)
        except UnusableEvent as error:
            problems.append(_problem(item, str(error), context, dropped=True))
            continue
        problems += [_problem(item, field, context, dropped=False) for field in corrected]
        if not event.all_day:
            offsets.append(_offsets(item, event))
        if event.last_day < context.now.date() or event.first_day > context.last_day:
            continue
        events.append(event)
        image = web_address(item.get("featured_image"), context.origin)
        if not image and isinstance(text := item.get("description"), str):
            image = web_address(first_image(text[:MAX_SOURCE]), context.origin)
        if image:
            images[event.id] = image
    names = (name for item in raw if isinstance(item, dict) for name in _names(item.get("calendar"), _name))
    return NormalizedCalendar(
        name=next(names, ""),
        received=len(raw),
        events=tuple(events),
        problems=tuple(problems),
        unusable_ids=frozenset(problem.id for problem in problems if problem.dropped),
        zone_doubtful=_all_utc(offsets),
        images=images,
    )


def _problem(raw: Any, field: str, context: Context, *, dropped: bool) -> Problem:
    """Return a problem with the event's title and its address in LibCal."""
    identity = event_id(raw)
    if not isinstance(raw, dict):
        return Problem(id=identity, field=field, dropped=dropped)
    private = PrivateDetails.of(raw, context.private_links)
    url = raw.get("url")
    public = web_address(url.get("public") if isinstance(url, dict) else url, context.origin)
    address = f"{context.origin}event/{identity}" if identity else public
    return Problem(
        id=identity,
        field=field,
        dropped=dropped,
        title=plain(raw.get("title"), MAX_NAME, private),
        address="" if private.found_in_address(address) else address,
    )


def to_event(raw: Any, context: Context) -> tuple[Event, tuple[str, ...]]:
    """Return the event and the names of its corrected fields. Raises UnusableEvent."""
    if not isinstance(raw, dict):
        raise UnusableEvent("event")
    private = PrivateDetails.of(raw, context.private_links)

    def text(value: object, limit: int = MAX_NAME) -> str:
        return plain(value, limit, private)

    identity = event_id(raw)
    if not identity:
        raise UnusableEvent("id")
    state, title = split_state(text(raw.get("title"), MAX_TITLE))
    if not title:
        raise UnusableEvent("title")
    times = _times(raw, context)
    campus = next(_names(raw.get("campus"), text), "")
    branch, address = split_branch(campus)
    branch = branch or context.branch or next(_names(raw.get("calendar"), text), "")
    place, online_place = rooms(list(_names(raw.get("location"), text)), branch)
    if state == MOVED_ONLINE or _only_online_seats(raw):
        place = ""
    online = state == MOVED_ONLINE or online_place or is_online(campus) or _has_online_part(raw)
    words = description(
        raw.get("description"),
        context.origin,
        private,
        title=title,
        budget=context.budget,
        language=context.language,
    )
    url = raw.get("url")
    public = web_address(url.get("public") if isinstance(url, dict) else url, context.origin)
    event = Event(
        id=identity,
        calendar=context.calendar,
        title=title,
        start=times.start,
        end=times.end,
        all_day=times.all_day,
        state="" if state in (MOVED_ONLINE, NEW_DATE, SOLD_OUT) else state,
        notice=state if state in (MOVED_ONLINE, NEW_DATE) else "",
        sold_out=state == SOLD_OUT,
        featured=_is_featured(raw, context.featured_category),
        branch=branch,
        place=place,
        address=address,
        online=online,
        categories=_labels(raw.get("category"), text),
        audiences=_labels(raw.get("audience"), text),
        url="" if private.found_in_address(public) else public,
        description=words.html,
        excerpt=words.excerpt,
        presenter=text(raw.get("presenter")) if context.show_presenter else "",
        more_info=_more_info(raw, context, private),
        color=_color(raw.get("color")),
        cost=_cost(raw.get("registration_cost"), text),
        registration=_registration(raw),
    )
    event = _as_closure(event, context.closing_category)
    return event, (*times.corrected, *(("description",) if words.problem else ()))


def _more_info(raw: dict[str, Any], context: Context, private: PrivateDetails) -> str:
    if not context.show_presenter:
        return ""
    return description(raw.get("more_info"), context.origin, private, budget=context.budget).html


def _is_featured(raw: dict[str, Any], category: str) -> bool:
    """Return whether a category or an internal tag has this name. The tags themselves are private."""
    names = (*_labels(raw.get("category"), _name), *_labels(raw.get("internal_tags"), _name))
    return bool(category) and category.casefold() in map(str.casefold, names)


def _as_closure(event: Event, category: str) -> Event:
    """Return `event` as a closure if its title or its category says that the library is closed."""
    named = category.casefold() in map(str.casefold, event.categories)
    reason = closure_reason(
        event.title,
        branch=event.branch,
        whole_day=event.all_day,
        registration=event.registration is not None,
    )
    if event.state or event.online_only or (reason is None and not named):
        return event
    branch = "" if everywhere(event.title, event.excerpt) else event.branch
    return replace(event, kind=CLOSURE, title=event.title if reason is None else reason, branch=branch)


def event_id(raw: Any) -> str:
    """Return the id as text without leading zeros, empty if it is missing. It becomes a file name."""
    value = raw.get("id") if isinstance(raw, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    digits = value.strip() if isinstance(value, str) else str(value)
    usable = re.fullmatch(r"[0-9]{1,18}", digits)
    return digits.lstrip("0") if usable else ""


def parse_calendars(raw: Sequence[Any]) -> dict[str, tuple[str, bool]]:
    """Return `{id: (name, public)}` from LibCal's list of calendars. Never raises.

    A calendar without the field `visibility` is public; any value but "Public" means that it is not.
    """
    found = {}
    for item in raw:
        if not isinstance(item, dict):
            continue
        identity = event_id({"id": item.get("calid", item.get("id"))})
        visibility = item.get("visibility", "public")
        public = isinstance(visibility, str) and visibility.strip().lower() == "public"
        found[identity] = (_name(item.get("name")), public)
    return found


def _name(value: object) -> str:
    return plain(value, MAX_NAME)


# --- Times ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Times:
    start: datetime
    end: datetime
    all_day: bool
    corrected: tuple[str, ...] = ()


def _times(raw: dict[str, Any], context: Context) -> _Times:
    """Return start and end in the library's time zone. A time without an offset is local time."""
    first = _moment(raw.get("start"), context)
    if first is None:
        raise UnusableEvent("start")
    last = _moment(raw.get("end"), context)
    if _is_true(raw.get("allday")):
        return _all_day(first, last, context.zone)
    start = _local(first, context.zone)
    if last is None or last < first:
        return _Times(start, start, False, ("end",))
    end = _local(last, context.zone)
    whole_days = start.time() == time.min and (
        (end.hour, end.minute) == (23, 59) or (end.time() == time.min and end.date() > start.date())
    )
    return _all_day(start, end, context.zone) if whole_days else _Times(start, end, False)


def _all_day(first: datetime, last: datetime | None, zone: ZoneInfo) -> _Times:
    """Return the times of an all-day event, using only the dates: an offset could move them by a day.

    An end at midnight belongs to the day before. A missing or impossible end becomes the first day.
    """
    begins = first.date()
    ends = last.date() if last else begins
    if last and last.time() == time.min and ends > begins:
        ends -= timedelta(days=1)
    corrected = () if last and ends >= begins else ("end",)
    ends = max(begins, ends)
    return _Times(midnight(begins, zone), midnight(ends + timedelta(days=1), zone), True, corrected)


def _moment(value: object, context: Context) -> datetime | None:
    """Return an aware time between 2000 and five years ahead, in the offset it was written with."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value.strip()).replace(microsecond=0)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=context.zone)
        return moment if _EARLIEST <= moment <= context.now + _YEARS_AHEAD else None
    except (ValueError, OverflowError):
        return None


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    # Convert through UTC: a time in the gap of a clock change becomes one that exists.
    return moment.astimezone(UTC).astimezone(zone)


def _offsets(raw: dict[str, Any], event: Event) -> tuple[timedelta, timedelta]:
    """Return the UTC offset in LibCal's start time, and the library's own offset at that time."""
    written = datetime.fromisoformat(raw["start"].strip())
    here = event.start.utcoffset() or timedelta(0)
    return (here if written.utcoffset() is None else written.utcoffset() or timedelta(0)), here


def _all_utc(offsets: Sequence[tuple[timedelta, timedelta]]) -> bool:
    none = timedelta(0)
    return all(written == none for written, _ in offsets) and any(here != none for _, here in offsets)


# --- Places ---------------------------------------------------------------------------------------


def _has_online_part(raw: dict[str, Any]) -> bool:
    """Return whether LibCal knows an online meeting or online seats. The join link itself is private."""
    meeting = (raw.get(name) for name in ("online_join_url", "online_provider"))
    return any(isinstance(value, str) and value.strip() for value in meeting) or bool(
        _count(raw.get("online_seats"))
    )


def _only_online_seats(raw: dict[str, Any]) -> bool:
    """Return whether there are seats online and none in the room."""
    registration = _is_true(raw.get("registration"))
    return registration and bool(_count(raw.get("online_seats"))) and _count(raw.get("physical_seats")) == 0


# --- Other fields ---------------------------------------------------------------------------------


def _names(value: Any, text: Callable[[object], str], depth: int = 3) -> Iterator[str]:
    """Yield the names in `value`: a text, an object with a name, or a list of these. Without markup.

    PHP encodes a list with gaps as an object, {"0": ..., "2": ...}, and an empty object as a list.
    """
    if isinstance(value, dict) and "name" in value:
        value, depth = value["name"], 0
    if isinstance(value, dict | list):
        items = (
            value if isinstance(value, list) else [item for item in value.values() if isinstance(item, dict)]
        )
        for item in items[:100] if depth else ():
            yield from _names(item, text, depth - 1)
    elif name := text(value):
        yield name


def _labels(value: Any, text: Callable[[object], str]) -> tuple[str, ...]:
    """Return categories or audiences without duplicates; for a path "A > B" the last part."""
    labels: dict[str, str] = {}
    for name in _names(value, text):
        parts = [part.strip() for part in name.split(">")]
        label = next((part for part in reversed(parts) if part), "")
        if label:
            labels.setdefault(label.casefold(), label)
    return tuple(labels.values())[:MAX_NAMES]


def _registration(raw: dict[str, Any]) -> Registration | None:
    if not _is_true(raw.get("registration")):
        return None
    in_person = _seats(raw, "physical_seats")
    online = _seats(raw, "online_seats")
    if in_person is None and online is None:
        in_person = _seats(raw, "seats")
    opened = raw.get("has_registration_opened")
    return Registration(
        opened=opened is None or _is_true(opened),
        closed=_is_true(raw.get("has_registration_closed")),
        wait_list=_is_true(raw.get("wait_list")),
        in_person=in_person,
        online=online,
    )


def _seats(raw: dict[str, Any], name: str) -> Seats | None:
    total = _count(raw.get(name))
    return Seats(total=total, taken=_count(raw.get(f"{name}_taken")) or 0) if total else None


def _is_true(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() not in ("", "0", "false", "no", "off", "null")
    return isinstance(value, int | float) and bool(value)


def _count(value: object) -> int | None:
    """Return a number of seats, which may be given as text; None if it is not a number."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value.strip()):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**6
    return value if usable else None  # type: ignore[return-value]


def _cost(value: object, text: Callable[[object], str]) -> str:
    """Return a price as a plain decimal number, "5" or "7.50", or the words for it; empty if it is free.

    A cost in words is never free: "$10 per person".
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    words = text(str(value) if isinstance(value, str) or 0 <= value < 10**6 else "")
    number = re.sub(r"[\s$€£]|kr\.?|DKK|USD", "", words)
    if re.fullmatch(r"[0-9]{1,6}([.,][0-9]{1,4})?", number, re.ASCII):
        price = Decimal(number.replace(",", "."))
        return "" if not price else str(int(price)) if price == int(price) else f"{price:.2f}"
    return "" if _FREE.fullmatch(words) or not re.search(r"\w", words) else words


def _color(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", value) else ""
