"""What the templates see: events and lists of events with every text already chosen."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import groupby
from urllib.parse import urlencode

import site_paths
from event import RESCHEDULED, Event
from files import sha256
from rendering import dates
from rendering.dates import Wording, datetime_attribute, is_over

# Letters that Unicode does not decompose, in the languages of our catalogues and their neighbours.
_LETTERS = str.maketrans({"æ": "ae", "ø": "o", "å": "a", "ß": "ss", "ł": "l", "đ": "d", "þ": "th", "ð": "d"})

# Lighthouse calls a page of more elements too large. What does not fit is left out of the last days.
LIST_ELEMENTS = 1400
# Images and excerpts that the first days of a list have, however long it is.
_RICH_ELEMENTS = 60
# Without images and excerpts: the layout with its filters, a day, a card (li, h3, a, time, p).
_PAGE_ELEMENTS, _DAY_ELEMENTS, _CARD_ELEMENTS = 110, 3, 5
OTHER_DATES = 6
# A longer title is not repeated in the link to registration, right below it.
LONG_TITLE = 60
EAGER_IMAGES = 2


@lru_cache(maxsize=4096)
def slug(name: str) -> str:
    """Return `name` for use in an address: `kub-norre-campus`; never empty, always the same."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
    return plain or "x" + sha256(name.encode("utf-8", "surrogatepass"))[:8]


@dataclass(frozen=True, slots=True)
class Status:
    """The state of an event in a word or two; `code` serves style sheets, scripts and feeds."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One size of an event's image: its path from the site's root, and its pixels."""

    path: str
    width: int
    height: int


@dataclass(frozen=True)
class EventView:
    """An event as a template shows it; `images` are its sizes, by width."""

    event: Event
    wording: Wording
    site_url: str
    images: Mapping[int, Image] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The page's path from the site's root; it never changes for an event."""
        return site_paths.event_page(self.event.id)

    @property
    def calendar_path(self) -> str:
        """The path of its iCalendar file."""
        return site_paths.event_calendar(self.event.id)

    @property
    def address(self) -> str:
        """The page's public address; empty while the site has none."""
        return f"{self.site_url}/{self.path}" if self.site_url else ""

    @cached_property
    def times(self) -> str:
        """When, within a list that names the day."""
        return self.wording.times(self.event)

    @cached_property
    def when(self) -> str:
        """When, day included."""
        return self.wording.when(self.event)

    @property
    def day_text(self) -> str:
        """The day on which it begins."""
        return self.wording.day(self.event.first_day)

    @property
    def short_when(self) -> str:
        """The day and the start in few letters, for titles: `Tue, Mar 3, 10:30am`."""
        day = self.wording.short_day(self.event.first_day)
        if self.event.all_day:
            return day
        return self.wording.messages("when", day=day, times=self.wording.time(self.event.start))

    @property
    def datetime(self) -> str:
        """The start for `<time datetime>`."""
        return datetime_attribute(self.event)

    @property
    def start_epoch(self) -> int:
        """The start in seconds, for the script that knows what time it is."""
        return int(self.event.start.timestamp())

    @property
    def end_epoch(self) -> int:
        """The end in seconds; an event without one counts as an hour long."""
        end = int(self.event.end.timestamp())
        return end if end > self.start_epoch else self.start_epoch + 3600

    @property
    def endless(self) -> bool:
        """Whether LibCal gives no end for it."""
        return dates.is_endless(self.event)

    @cached_property
    def ongoing(self) -> bool:
        """Whether it lasts longer than three days."""
        return self.wording.ongoing(self.event)

    @property
    def until(self) -> str:
        """Until when something ongoing can be seen."""
        return self.wording.until(self.event)

    @property
    def off(self) -> bool:
        """Whether it does not take place as planned: cancelled, postponed or rescheduled."""
        return bool(self.event.state)

    @cached_property
    def where(self) -> str:
        """Room and branch, as far as they are known, or that it is online."""
        return ", ".join(where(self.event, self.wording))

    def image(self, width: int) -> Image:
        """Return its smallest image of at least `width` pixels, or else the largest; KeyError if it has none."""
        wide = [known for known in self.images if known >= width]
        return self.images[min(wide) if wide else max(self.images)]

    @property
    def branch_slug(self) -> str:
        """The branch in an address."""
        return slug(self.event.branch) if self.event.branch else ""

    @property
    def audience_slugs(self) -> str:
        """The audiences in addresses, with spaces between them."""
        return " ".join(map(slug, self.event.audiences))

    @property
    def category_slugs(self) -> str:
        """The categories in addresses, with spaces between them."""
        return " ".join(map(slug, self.event.categories))

    @cached_property
    def status(self) -> Status | None:
        """The first status that applies, of those that do not depend on the minute.

        Closed comes before full, so that "full" never means "closed"; full before "not yet open",
        so that nobody waits in vain.
        """
        code = status_code(self.event)
        return Status(code, self.wording.messages(f"status.{code}")) if code else None

    @property
    def explanation(self) -> str:
        """What the status means for who wanted to come; empty where the status says it all."""
        known = ("cancelled", "postponed", "rescheduled", "unlisted")
        if self.status is None or self.status.code not in known:
            return ""
        return self.wording.messages(f"explain.{self.status.code}")

    @property
    def libcal_url(self) -> str:
        """The event's page in LibCal; empty unless it is a web address, for escaping stops no `javascript:`."""
        return self.event.url if self.event.url.startswith(("https://", "http://")) else ""

    @property
    def registration_text(self) -> str:
        """The words of the link to registration; empty where there is none, or nothing to be had from it."""
        code = self.status.code if self.status else ""
        if not self.libcal_url or code not in _LINKS:
            return ""
        if len(self.event.title) > LONG_TITLE:
            return self.wording.messages(f"{_LINKS[code]}.this")
        return self.wording.messages(_LINKS[code], title=self.event.title)

    @property
    def in_calendar(self) -> bool:
        """Whether it is offered for calendars: not when it will not take place at this time."""
        return self.event.listed and self.event.state in ("", RESCHEDULED)

    @property
    def google_url(self) -> str:
        """The address at which Google Calendar offers to add it."""
        span = "/".join(self._span()).translate(str.maketrans("", "", "-:"))
        return "https://calendar.google.com/calendar/render?" + urlencode(
            {
                "action": "TEMPLATE",
                "text": self.event.title,
                "dates": span,
                "location": self._place,
                "details": self._details,
            }
        )

    @property
    def outlook_url(self) -> str:
        """The address at which Outlook.com offers to add it."""
        start, end = self._span()
        return "https://outlook.live.com/calendar/0/deeplink/compose?" + urlencode(
            {
                "path": "/calendar/action/compose",
                "rru": "addevent",
                "subject": self.event.title,
                "startdt": start,
                "enddt": end,
                "allday": "true" if self.event.all_day else "false",
                "location": self._place,
                "body": self._details,
            }
        )

    @property
    def map_url(self) -> str:
        """The address of a map of where it is; empty where no street address is known."""
        if not self.event.address:
            return ""
        return "https://www.openstreetmap.org/search?" + urlencode({"query": self.event.address})

    @property
    def _place(self) -> str:
        return ", ".join(dict.fromkeys(filter(None, (self.where, self.event.address))))

    @property
    def _details(self) -> str:
        return "\n\n".join(filter(None, (self.event.excerpt, self.address or self.libcal_url)))

    def _span(self) -> tuple[str, str]:
        """Return start and end (exclusive) for calendars: days if all day, else in UTC with a Z."""
        if self.event.all_day:
            return self.event.start.date().isoformat(), self.event.end.date().isoformat()
        start, end = (datetime.fromtimestamp(epoch, UTC) for epoch in (self.start_epoch, self.end_epoch))
        return f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}"


def where(event: Event, wording: Wording) -> list[str]:
    """Return the names of where `event` is, each once: its room, its branch, and "Online" unless one says so."""
    names = [name for name in dict.fromkeys((event.place, event.branch)) if name]
    if event.online and not any(map(says_online, names)):
        names.append(wording.messages("online"))
    return names


def says_online(name: str) -> bool:
    """Whether what LibCal gives as a place is none: "Online on Zoom"."""
    return name.casefold().startswith("online")


def status_code(event: Event) -> str:
    """Return the code of the first status that applies to `event`, or an empty string."""
    if event.state:
        return event.state
    if not event.listed:
        return "unlisted"
    registration = event.registration
    if registration is None:
        return ""
    if registration.closed:
        return "closed"
    if registration.full:
        return "waiting-list" if registration.wait_list else "full"
    if not registration.opened:
        return "not-open"
    in_person, online = registration.in_person, registration.online
    if in_person and online and not (in_person.free and online.free):
        return "in-person-left" if in_person.free else "online-left"
    return "few-left" if registration.few_left else "required"


# Where a status leaves something to be had, the words of the link to it.
_LINKS = dict.fromkeys(("required", "few-left", "online-left", "in-person-left"), "register")
_LINKS["waiting-list"] = "join_waiting_list"


@dataclass(frozen=True, slots=True)
class Card:
    """An event in a list: `rich` with image and excerpt; `label` tells it from others of its title."""

    view: EventView
    rich: bool = True
    eager: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a list: its heading and what begins on it."""

    date: date
    heading: str
    cards: tuple[Card, ...]

    @property
    def events(self) -> tuple[EventView, ...]:
        """The events of its cards."""
        return tuple(card.view for card in self.cards)


@dataclass(frozen=True, slots=True)
class Group:
    """All events of one branch, audience or category, with the address of its page."""

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
    """A list of events: day by day, and apart from them what is ongoing."""

    ongoing: tuple[Card, ...]
    days: tuple[Day, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing at all to show."""
        return not self.ongoing and not self.days

    @property
    def count(self) -> int:
        """How many events there are."""
        return len(self.ongoing) + sum(len(day.cards) for day in self.days)

    @property
    def long(self) -> bool:
        """Whether a browser had better lay out only the days in view."""
        return self.count * _CARD_ELEMENTS > LIST_ELEMENTS


def listing(events: Iterable[EventView], wording: Wording) -> Listing:
    """Arrange `events` by the day they begin; what began before today and still runs stands under today."""
    shown = [view for view in events if view.event.listed and not is_over(view.event, wording.today)]

    def day_of(view: EventView) -> date:
        return max(view.event.first_day, wording.today)

    daily = sorted(
        (view for view in shown if not view.ongoing), key=lambda view: (day_of(view), view.event.order)
    )
    found = [(day, tuple(views)) for day, views in groupby(daily, key=day_of)]
    ongoing = tuple(view for view in shown if view.ongoing)

    spare = LIST_ELEMENTS - _PAGE_ELEMENTS - _DAY_ELEMENTS * (len(found) + bool(ongoing))
    spare -= sum(_CARD_ELEMENTS + (view.status is not None) for view in shown)
    spare = max(spare, _RICH_ELEMENTS)
    repeated = Counter(view.event.title for view in shown)
    eager = EAGER_IMAGES

    def cards(views: tuple[EventView, ...]) -> tuple[Card, ...]:
        nonlocal spare, eager
        extra = sum(bool(view.images) + bool(view.event.excerpt) for view in views)
        rich = extra <= spare
        # The first day that does not fit ends it: rich days after plain ones would look like a mistake.
        spare = spare - extra if rich else 0
        made = []
        for view in views:
            label = _label(view) if repeated[view.event.title] > 1 else ""
            first = rich and bool(view.images) and eager > 0
            eager -= first
            made.append(Card(view, rich, first, label))
        return tuple(made)

    days = tuple(Day(day, wording.day(day), cards(views)) for day, views in found)
    return Listing(cards(ongoing), days)


def week(listing: Listing, today: date, days: int) -> Listing:
    """Return of `listing` the first `days` days from `today` on, for the sheet of paper."""
    end = today + timedelta(days=days)
    return Listing(
        tuple(card for card in listing.ongoing if card.view.event.first_day < end),
        tuple(day for day in listing.days if day.date < end),
    )


def first(listing: Listing, number: int) -> Listing:
    """Return of `listing` the first `number` events, plain, without what is ongoing."""
    days = []
    for day in listing.days:
        cards = tuple(Card(card.view, rich=False, label=card.label) for card in day.cards[:number])
        number -= len(cards)
        if cards:
            days.append(Day(day.date, day.heading, cards))
    return Listing((), tuple(days))


def _label(view: EventView) -> str:
    return ", ".join(filter(None, (view.event.title, view.when, view.event.branch)))


def groups(kind: str, events: Sequence[EventView], also: Iterable[str] = ()) -> tuple[Group, ...]:
    """Group listed `events` by branch, audience or category, sorted by name; a slug makes one group.

    The names in `also` have a group even without events, so that its page does not come and go.
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
    ordered = sorted(names, key=lambda key: (names[key].casefold(), key))
    return tuple(Group(kind, names[key], key, tuple(members[key])) for key in ordered)


def _names(kind: str, event: Event) -> tuple[str, ...]:
    if kind == "branch":
        return (event.branch,)
    return event.audiences if kind == "audience" else event.categories


def other_dates(events: Iterable[EventView]) -> dict[str, list[EventView]]:
    """Return listed `events` by title, in order, where a title occurs more than once."""
    found: dict[str, list[EventView]] = {}
    for view in events:
        found.setdefault(view.event.title.casefold(), []).append(view)
    return {title: views for title, views in found.items() if len(views) > 1}


def neighbours(view: EventView, series: Sequence[EventView]) -> list[EventView]:
    """Return the dates of a series to name beside `view`: the next ones, else those before."""
    others = [other for other in series if other.event.id != view.event.id]
    later = [other for other in others if other.event.order > view.event.order]
    return (later or others)[:OTHER_DATES]
