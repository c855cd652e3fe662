"""Lists of events as the templates see them: by day, by branch or audience, and the dates of a series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

import site_paths
from event import Event
from rendering.dates import Wording, is_over
from rendering.views import EventView, slug

# Lighthouse reports pages with more elements. The last days leave out images and excerpts to stay below.
LIST_ELEMENTS = 1400
# Images and excerpts that the first days of a list have, even if the list is very long.
_RICH_ELEMENTS = 60
# Without images and excerpts: the layout with its filters, a day, a card (li, h3, a, time, p).
_PAGE_ELEMENTS, _DAY_ELEMENTS, _CARD_ELEMENTS = 110, 3, 5
OTHER_DATES = 6
# Groups of one kind: each has pages and feeds, and each page links to all of them. Real libraries have 30.
MAX_GROUPS = 200
EAGER_IMAGES = 2


@dataclass(frozen=True, slots=True)
class Card:
    """An event in a list: `rich` with image and excerpt; `label` distinguishes events of the same title."""

    view: EventView
    rich: bool = True
    eager: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a list, and the events that begin on it."""

    date: date
    heading: str
    cards: tuple[Card, ...]

    @property
    def events(self) -> tuple[EventView, ...]:
        """The events of its cards."""
        return tuple(card.view for card in self.cards)


@dataclass(frozen=True, slots=True)
class Group:
    """The events of one branch, audience or category."""

    kind: str
    name: str
    slug: str
    events: tuple[EventView, ...]

    @property
    def path(self) -> str:
        """The page's path from the site's root."""
        return site_paths.group_page(self.kind, self.slug)

    def feed(self, suffix: str) -> str:
        """Return the path of its feed in the format ics, atom or json."""
        return site_paths.group_feed(self.kind, self.slug, suffix)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of events by day, and the long-running events separately."""

    long_running: tuple[Card, ...]
    days: tuple[Day, ...]

    @property
    def empty(self) -> bool:
        """Whether the list has no events."""
        return not self.long_running and not self.days

    @property
    def count(self) -> int:
        """The number of events."""
        return len(self.long_running) + sum(len(day.cards) for day in self.days)

    @property
    def long(self) -> bool:
        """Whether the browser should lay out only the days in view (CSS content-visibility)."""
        return self.count * _CARD_ELEMENTS > LIST_ELEMENTS


def listing(events: Iterable[EventView], wording: Wording) -> Listing:
    """Arrange `events` by the day they begin; events that began earlier and still run are under today."""
    shown = [view for view in events if view.event.listed and not is_over(view.event, wording.today)]

    def day_of(view: EventView) -> date:
        return max(view.event.first_day, wording.today)

    daily = sorted(
        (view for view in shown if not view.long_running), key=lambda view: (day_of(view), view.event.order)
    )
    found = [(day, tuple(views)) for day, views in groupby(daily, key=day_of)]
    long_running = tuple(view for view in shown if view.long_running)

    spare = LIST_ELEMENTS - _PAGE_ELEMENTS - _DAY_ELEMENTS * (len(found) + bool(long_running))
    spare -= sum(_CARD_ELEMENTS + (view.status is not None) for view in shown)
    spare = max(spare, _RICH_ELEMENTS)
    repeated = Counter(view.event.title for view in shown)
    eager = EAGER_IMAGES

    def cards(views: tuple[EventView, ...]) -> tuple[Card, ...]:
        nonlocal spare, eager
        extra = sum(bool(view.images) + bool(view.event.excerpt) for view in views)
        rich = extra <= spare
        # Every day after the first that does not fit is plain: rich days after plain ones would look wrong.
        spare = spare - extra if rich else 0
        made = []
        for view in views:
            label = _label(view) if repeated[view.event.title] > 1 else ""
            first = rich and bool(view.images) and eager > 0
            eager -= first
            made.append(Card(view, rich, first, label))
        return tuple(made)

    days = tuple(Day(day, wording.day(day), cards(views)) for day, views in found)
    return Listing(cards(long_running), days)


def first_days(listing: Listing, today: date, days: int) -> Listing:
    """Return the part of `listing` for `days` days from `today` on, for the printed page."""
    end = today + timedelta(days=days)
    return Listing(
        tuple(card for card in listing.long_running if card.view.event.first_day < end),
        tuple(day for day in listing.days if day.date < end),
    )


def first_events(listing: Listing, number: int) -> Listing:
    """Return the first `number` events of `listing`, plain, without the long-running ones."""
    days = []
    for day in listing.days:
        cards = tuple(Card(card.view, rich=False, label=card.label) for card in day.cards[:number])
        number -= len(cards)
        if cards:
            days.append(Day(day.date, day.heading, cards))
    return Listing((), tuple(days))


def _label(view: EventView) -> str:
    return ", ".join(filter(None, (view.stated_title, view.when, view.event.branch)))


def groups(kind: str, events: Sequence[EventView], also: Sequence[str] = ()) -> tuple[Group, ...]:
    """Group listed `events` by branch, audience or category, by name. Names with the same slug are one group.

    The names in `also` get a group even without events, so that its page always exists. Of more than
    MAX_GROUPS names, those with the most events have a group.
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
    ordered = sorted(largest, key=lambda key: (names[key].casefold(), key))
    return tuple(Group(kind, names[key], key, tuple(members[key])) for key in ordered)


def _names(kind: str, event: Event) -> tuple[str, ...]:
    if kind == "branch":
        return (event.branch,)
    return event.audiences if kind == "audience" else event.categories


def series(events: Iterable[EventView]) -> dict[str, list[EventView]]:
    """Return the listed `events` whose title occurs more than once, by title in lower case."""
    found: dict[str, list[EventView]] = {}
    for view in events:
        found.setdefault(view.event.title.casefold(), []).append(view)
    return {title: views for title, views in found.items() if len(views) > 1}


def other_dates(view: EventView, series: Sequence[EventView]) -> list[EventView]:
    """Return the other dates of the series of `view`: the next ones, else the earlier ones."""
    others = [other for other in series if other.event.id != view.event.id]
    later = [other for other in others if other.event.order > view.event.order]
    return (later or others)[:OTHER_DATES]
