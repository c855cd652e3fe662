"""An event and a list of events for the feeds: names, addresses and texts that all formats share."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from event import Event
from rendering import plain_text
from rendering.closings import Closing
from rendering.lists import Group
from rendering.views import EventView, Image, where
from settings import Settings

# The time of the last change where it is unknown; every known change is newer.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

IMAGE_WIDTH = 800

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Source:
    """The hosts in the ids of feeds and events: LibCal's, and the address of the site.

    The ids of calendar entries contain LibCal's host, not ours: if the site moves, subscribers do not get
    every event twice.
    """

    host: str
    site_url: str

    @classmethod
    def of(cls, libcal_url: str, settings: Settings) -> Source:
        """Return the source of events from `libcal_url`; an empty address means libcal.com."""
        return cls(urlsplit(libcal_url).hostname or "libcal.com", plain_text.web_address(settings.site_url))

    def url(self, path: str) -> str:
        """Return the absolute address of a file of the site; empty if SITE_URL is not set."""
        # The same address as the canonical link of the page.
        return f"{self.site_url}/{'' if path == 'index.html' else path}" if self.site_url else ""

    def id(self, path: str) -> str:
        """Return the address of `path`, or a tag URI (RFC 4151) if SITE_URL is not set."""
        return self.url(path) or f"tag:{self.host},2026:{path}"


@dataclass(frozen=True)
class Item:
    """One event. All texts are clean, all addresses absolute."""

    view: EventView
    source: Source

    @property
    def event(self) -> Event:
        """The event itself."""
        return self.view.event

    @property
    def uid(self) -> str:
        """The id for calendars. No edit in LibCal changes it."""
        return f"{self.event.id}@{self.source.host}"

    @property
    def id(self) -> str:
        """The id for feed readers: the page's address."""
        return self.source.id(self.view.path)

    @property
    def libcal_url(self) -> str:
        """The event's page at LibCal, where people register."""
        return plain_text.web_address(self.event.url)

    @cached_property
    def url(self) -> str:
        """Its page on the site, or at LibCal if SITE_URL is not set."""
        return self.source.url(self.view.path) or self.libcal_url

    @cached_property
    def changed(self) -> datetime:
        """The time of its last public change, in UTC."""
        return (self.event.updated or LONG_AGO).astimezone(UTC)

    @property
    def state(self) -> str:
        """`cancelled`, `postponed`, `rescheduled`, `unlisted`, or empty."""
        return self.event.state or ("" if self.event.listed else "unlisted")

    @cached_property
    def prefix(self) -> str:
        """The state or notice as a prefix of the title: `Cancelled: `; empty if the title already says it."""
        if self.event.listed or self.event.state:
            return plain_text.one_line(self.view.title_prefix) + " " if self.view.title_prefix else ""
        return f"{self.view.wording.messages('status.unlisted')}: "

    @cached_property
    def title(self) -> str:
        """The title on one line."""
        return plain_text.one_line(self.event.title)

    @cached_property
    def dated_title(self) -> str:
        """The title with its time, for readers that show only titles: `Tue, Mar 3, 10:30am: Storytime`."""
        return f"{self.prefix}{self.view.short_when}: {self.title}"

    @cached_property
    def start(self) -> str:
        """The start with its offset from UTC; only the day if it is all day."""
        return (self.event.first_day if self.event.all_day else self.event.start).isoformat()

    @cached_property
    def end(self) -> str | None:
        """The end like `start`, or the last day (inclusive) if it is all day; None if LibCal gives no end."""
        if self.event.all_day:
            return self.event.last_day.isoformat()
        return self.event.end.isoformat() if self.view.has_end else None

    @cached_property
    def where(self) -> str:
        """Room, branch, address and "Online", as far as they apply."""
        names = where(self.event, self.view.wording)
        if self.event.address and not self.event.online_only:
            names.insert(len(names) - self.event.online, self.event.address)
        names = list(map(plain_text.one_line, names))
        return ", ".join(dict.fromkeys(filter(None, names)))

    @property
    def image(self) -> Image | None:
        """Its image, in the size for lists."""
        return self.view.image(IMAGE_WIDTH) if self.view.images else None

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """Categories and audiences, each once."""
        names = map(plain_text.one_line, (*self.event.categories, *self.event.audiences))
        return tuple(dict.fromkeys(filter(None, names)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A list to subscribe to: the whole library, or a group.

    `page`, `calendar`, `atom`, `rss` and `json` are paths from the site's root. A series has only a calendar.
    """

    title: str
    page: str
    calendar: str
    items: tuple[Item, ...]
    source: Source
    atom: str = ""
    rss: str = ""
    json: str = ""
    group: Group | None = None
    closings: tuple[Closing, ...] = ()

    def has(self, item: Item) -> bool:
        """Return whether an event belongs to this list."""
        return self.group is None or self.group.has(item.view)

    @property
    def changed(self) -> datetime:
        """The time of the last change of any of its events, in UTC."""
        closures = (closing.changed.updated for closing in self.closings if closing.changed.updated)
        return max((*(item.changed for item in self.items), *closures), default=LONG_AGO).astimezone(UTC)


def timestamp(moment: datetime) -> str:
    """Return a moment (in UTC) in the format of RFC 3339, to the second."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def json_line(data: dict[str, Any]) -> bytes:
    """Return `data` as JSON on one line; its texts must be clean."""
    return _json.encode(data).encode()
