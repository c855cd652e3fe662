"""Lists of events as the templates see them: by day, by branch or audience, and the dates of a series."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain, combinations, groupby

import site_paths
from event import Event
from rendering import programs
from rendering.dates import Wording, is_over
from rendering.programs import Program
from rendering.views import EventView, slug

# Of a longer list the browser lays out only the days in view (CSS content-visibility).
LONG = 60
# The days in the navigation of a list; the first fortnight also has its days without events.
STRIP_DAYS, FORTNIGHT = 62, 14
OTHER_DATES = 6
SERIES_DATES = 3
# Groups of one kind: each has pages and feeds, and each page links to all of them. Real libraries have 30.
MAX_GROUPS = 200
EAGER_IMAGES = 2
MAX_FEATURED = 3


@dataclass(frozen=True, slots=True)
class Card:
    """A program in a list: `rich` with image and excerpt; `label` distinguishes events of the same title."""

    program: Program
    rich: bool = True
    eager: bool = False
    label: str = ""

    @property
    def view(self) -> EventView:
        """The event that it links to."""
        return self.program.view


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a list, and the events that begin on it."""

    date: date
    heading: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class StripDay:
    """A day in the navigation of a list: its texts, and how many rows the list has on it."""

    date: date
    weekday: str
    number: str
    count: int


@dataclass(frozen=True, slots=True)
class Group:
    """The events of one branch, audience, category or series."""

    kind: str
    name: str
    slug: str
    events: tuple[EventView, ...]

    @property
    def path(self) -> str:
        """The page's path from the site's root."""
        return site_paths.group_page(self.kind, self.slug)

    def has(self, view: EventView) -> bool:
        """Return whether `view` belongs to this branch, audience, category or series."""
        if self.kind == "series":
            return self.slug == view.series_slug
        return self.slug in map(slug, filter(None, _names(self.kind, view.event)))

    def feed(self, suffix: str) -> str:
        """Return the path of its feed in the format ics, atom, rss or json."""
        return site_paths.group_feed(self.kind, self.slug, suffix)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of events: the exhibits that have begun, and all others by day."""

    ongoing: tuple[Card, ...]
    days: tuple[Day, ...]

    @property
    def empty(self) -> bool:
        """Whether the list has no events."""
        return not self.ongoing and not self.days

    @property
    def count(self) -> int:
        """The number of its rows."""
        return len(self.ongoing) + sum(len(day.cards) for day in self.days)

    @property
    def programs(self) -> tuple[Program, ...]:
        """All rows."""
        cards = chain(self.ongoing, *(day.cards for day in self.days))
        return tuple(card.program for card in cards)

    @property
    def exhibits(self) -> bool:
        """Whether it has exhibits; scripts move one that begins from its first day to the ongoing ones."""
        return bool(self.ongoing) or any(card.view.exhibit for day in self.days for card in day.cards)

    @property
    def long(self) -> bool:
        """Whether the browser should lay out only the days in view (CSS content-visibility)."""
        return self.count > LONG


def listing(events: Iterable[EventView], wording: Wording) -> Listing:
    """Arrange `events` by the day they begin; those that began earlier and still run are under today."""
    shown = [view for view in events if view.event.listed and not is_over(view.event, wording.today)]

    def day_of(program: Program) -> date:
        return max(program.event.first_day, wording.today)

    merged = programs.merge(shown)
    daily = sorted(
        (program for program in merged if not program.view.ongoing),
        key=lambda program: (day_of(program), program.event.order),
    )
    found = [(day, tuple(members)) for day, members in groupby(daily, key=day_of)]
    ongoing = tuple(program for program in merged if program.view.ongoing)

    repeated = Counter(program.event.title for program in merged)
    eager = EAGER_IMAGES

    def cards(members: tuple[Program, ...]) -> tuple[Card, ...]:
        nonlocal eager
        made = []
        for program in members:
            first = bool(program.view.images) and eager > 0
            eager -= first
            made.append(Card(program, eager=first, label=label(program)))
        return tuple(made)

    def label(program: Program) -> str:
        return _label(program) if repeated[program.event.title] > 1 else ""

    days = tuple(Day(day, wording.day(day), cards(members)) for day, members in found)
    return Listing(tuple(Card(program, rich=False, label=label(program)) for program in ongoing), days)


def strip(listing: Listing, wording: Wording) -> tuple[StripDay, ...]:
    """Return the days of `listing` for its navigation, and the days without events of the next fortnight."""
    counts = {day.date: len(day.cards) for day in listing.days}
    days = {wording.today + timedelta(days=number) for number in range(FORTNIGHT)} if counts else set()
    found: list[StripDay] = []
    for day in sorted(days | counts.keys())[:STRIP_DAYS]:
        new_month = bool(found) and day.month != found[-1].date.month
        number = wording.month_day_short(day) if new_month else wording.day_number(day)
        found.append(StripDay(day, wording.weekday_short(day), number, counts.get(day, 0)))
    return tuple(found)


def featured(views: Iterable[EventView]) -> list[Program]:
    """Return the next featured programs, at most three; the dates of a title are one."""
    found: dict[str, Program] = {}
    for program in programs.merge(view for view in views if view.featured):
        found.setdefault(program.view.event.title.casefold(), program)
    return list(found.values())[:MAX_FEATURED]


def first_days(listing: Listing, today: date, days: int) -> Listing:
    """Return the part of `listing` for `days` days from `today` on, for the printed page."""
    end = today + timedelta(days=days)
    return Listing(listing.ongoing, tuple(day for day in listing.days if day.date < end))


def first_events(listing: Listing, number: int) -> Listing:
    """Return the first `number` rows of `listing`, plain, and the ongoing ones."""
    days = []
    for day in listing.days:
        cards = tuple(replace(card, rich=False, eager=False) for card in day.cards[:number])
        number -= len(cards)
        if cards:
            days.append(Day(day.date, day.heading, cards))
    return Listing(listing.ongoing, tuple(days))


def _label(program: Program) -> str:
    view = program.view
    days = program.days if len(program.days) > 1 else program.branches
    when, where = (program.times, program.where) if days else (view.when, view.event.branch)
    return ", ".join(filter(None, (view.stated_title, when, where)))


def groups(
    kind: str, events: Sequence[EventView], also: Sequence[str] = (), first: Sequence[str] = ()
) -> tuple[Group, ...]:
    """Group listed `events` by branch, audience or category, by name. Names with the same slug are one group.

    The names in `also` get a group even without events, so that its page always exists. Of more than
    MAX_GROUPS names, those with the most events have a group. The names in `first` come first, in their
    order. Audiences, which are ages, are in the order in which LibCal lists those of an event.
    """
    members: dict[str, list[EventView]] = {}
    names: dict[str, str] = {}
    for name in filter(None, also):
        members.setdefault(names_key := slug(name), [])
        names.setdefault(names_key, name)
    for view in events:
        for name in filter(None, _names(kind, view.event)):
            key = slug(name)
            names.setdefault(key, name)
            if not members.setdefault(key, []) or members[key][-1] is not view:
                members[key].append(view)
    wanted = set(map(slug, filter(None, also)))
    largest = sorted(names, key=lambda key: (key not in wanted, -len(members[key]), key))[:MAX_GROUPS]
    place = {slug(name): number for number, name in enumerate(first)}
    ordered = sorted(largest, key=lambda key: (place.get(key, len(place)), names[key].casefold(), key))
    if kind == "audience":
        ordered = _in_order_of(ordered, {view.event.audiences for view in events})
    return tuple(Group(kind, names[key], key, tuple(members[key])) for key in ordered)


def _in_order_of(keys: Sequence[str], examples: Iterable[Sequence[str]]) -> list[str]:
    """Return `keys` in the order that `examples` show, as far as they agree; else in their own order."""
    pairs = Counter(pair for names in examples for pair in combinations(dict.fromkeys(map(slug, names)), 2))
    earlier: dict[str, set[str]] = {key: set() for key in keys}
    for (one, other), count in pairs.items():
        if one in earlier and other in earlier and count > pairs[other, one]:
            earlier[other].add(one)
    rest, ordered = dict.fromkeys(keys), []
    while rest:
        first = next((key for key in rest if not earlier[key] & rest.keys()), next(iter(rest)))
        ordered.append(first)
        del rest[first]
    return ordered


def _names(kind: str, event: Event) -> tuple[str, ...]:
    if kind == "branch":
        return (event.branch,)
    return event.audiences if kind == "audience" else event.categories


def series(listed: Iterable[EventView], past: Iterable[EventView]) -> dict[str, list[EventView]]:
    """Return the `listed` events by title in lower case, for each title that occurs more than once.

    The pages of `past` events lead to the dates to come, so there one is enough.
    """
    found: dict[str, list[EventView]] = {}
    for view in listed:
        found.setdefault(view.event.title.casefold(), []).append(view)
    ended = {view.event.title.casefold() for view in past}
    return {title: views for title, views in found.items() if len(views) > 1 or title in ended}


def recurring(listed: Iterable[EventView]) -> tuple[Group, ...]:
    """Return the series among the `listed` events, by slug: three dates or more."""
    found: dict[str, list[EventView]] = {}
    for view in listed:
        if not view.exhibit:
            found.setdefault(view.series_slug, []).append(view)
    return tuple(
        Group("series", views[0].event.title, key, tuple(views))
        for key, views in sorted(found.items())
        if len({view.event.first_day for view in views}) >= SERIES_DATES
    )


def other_dates(view: EventView, series: Sequence[EventView]) -> list[EventView]:
    """Return the other dates of the (sorted) series of `view`: the next ones, else the earlier ones."""
    place = bisect_right(series, view.event.order, key=lambda other: other.event.order)
    later = series[place : place + OTHER_DATES]
    first = [other for other in series[: OTHER_DATES + 1] if other.event.id != view.event.id]
    return list(later or first[:OTHER_DATES])
