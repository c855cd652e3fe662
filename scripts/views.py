"""What the templates see: events and lists of events with every text already chosen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby

from dates import Wording, datetime_attribute
from event import Event
from files import sha256

# Letters that Unicode does not decompose, in the languages of our catalogues and their neighbours.
_LETTERS = str.maketrans({"æ": "ae", "ø": "o", "å": "a", "ß": "ss", "ł": "l", "đ": "d", "þ": "th", "ð": "d"})


def slug(name: str) -> str:
    """Return `name` for use in an address: `kub-norre-campus`; never empty, always the same."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    plain = plain.encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
    return plain or "x" + sha256(name.encode("utf-8", "surrogatepass"))[:8]


@dataclass(frozen=True, slots=True)
class Status:
    """The state of an event in a word or two; `code` serves style sheets, scripts and feeds."""

    code: str
    text: str


@dataclass(frozen=True)
class EventView:
    """An event as a template shows it."""

    event: Event
    wording: Wording
    site_url: str

    @property
    def path(self) -> str:
        """The page's path from the site's root; it never changes for an event."""
        return f"event/{self.event.id}.html"

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

    @property
    def where(self) -> str:
        """Room and branch, as far as they are known."""
        return ", ".join(name for name in (self.event.place, self.event.branch) if name)

    @property
    def branch_slug(self) -> str:
        """The branch in an address."""
        return slug(self.event.branch) if self.event.branch else ""

    @cached_property
    def status(self) -> Status | None:
        """The first status that applies, of those that do not depend on the minute.

        The order is that of the GOV.UK-style table in the README: closed before full, so that
        "full" never means "closed"; full before "not yet open", so that nobody waits in vain.
        """
        code = status_code(self.event)
        return Status(code, self.wording.messages(f"status.{code}")) if code else None


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
    return "few-left" if registration.few_left else "required"


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a list: its heading and what begins on it."""

    date: date
    heading: str
    events: tuple[EventView, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """All events of one branch or one audience, with the address of its page."""

    kind: str
    name: str
    slug: str
    events: tuple[EventView, ...]

    @property
    def path(self) -> str:
        """The page's path from the site's root."""
        return f"{self.kind}/{self.slug}.html"


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of events: what is ongoing, and then day by day."""

    ongoing: tuple[EventView, ...]
    days: tuple[Day, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing at all to show."""
        return not self.ongoing and not self.days


def listing(events: Iterable[EventView], wording: Wording) -> Listing:
    """Arrange `events` by the day they begin; what began before today and still runs stands under today."""
    shown = [view for view in events if view.event.last_day >= wording.today and view.event.listed]
    ongoing = tuple(view for view in shown if view.ongoing)

    def day_of(view: EventView) -> date:
        return max(view.event.first_day, wording.today)

    daily = sorted(
        (view for view in shown if not view.ongoing), key=lambda view: (day_of(view), view.event.order)
    )
    days = tuple(Day(day, wording.day(day), tuple(views)) for day, views in groupby(daily, key=day_of))
    return Listing(ongoing, days)


def groups(kind: str, events: Sequence[EventView]) -> tuple[Group, ...]:
    """Group listed `events` by branch or audience, sorted by name; names with one slug are one group."""
    members: dict[str, list[EventView]] = {}
    names: dict[str, str] = {}
    for view in events:
        found = (view.event.branch,) if kind == "branch" else view.event.audiences
        for name in filter(None, found):
            key = slug(name)
            names.setdefault(key, name)
            if not members.setdefault(key, []) or members[key][-1] is not view:
                members[key].append(view)
    ordered = sorted(names, key=lambda key: (names[key].casefold(), key))
    return tuple(Group(kind, names[key], key, tuple(members[key])) for key in ordered)
