"""Sample events for feed tests, some with hostile texts, and the feeds of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from event import Event, Registration, Seats, Snapshot
from rendering import dates, feeds, messages
from rendering.lists import Group, groups
from rendering.site import Site
from rendering.views import EventView, Image
from settings import Settings

ZONE = ZoneInfo("America/New_York")
SITE = "https://events.example.org"
LIBCAL = "https://library.libcal.com/1.1"
TODAY = {"EVENTS_NOW": "2026-03-01T09:00-05:00"}


def at(text: str, zone: ZoneInfo = ZONE) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


CHANGED = datetime(2026, 2, 20, 15, 30, 5, tzinfo=UTC)

STORYTIME = Event(
    id="4216770",
    calendar="7",
    title="Storytime",
    start=at("2026-03-03T10:30"),
    end=at("2026-03-03T11:15"),
    branch="Kilton",
    place="Story room",
    address="80 Main Street, West Lebanon",
    categories=("Reading", "Family"),
    audiences=("Children", "Family"),
    url="https://library.libcal.com/event/4216770",
    description="<p>Songs &amp; stories.</p>",
    excerpt="Songs & stories.",
    updated=CHANGED,
)
EXHIBIT = replace(
    STORYTIME, id="2", title="Exhibit", all_day=True, start=at("2026-03-06T00:00"), end=at("2026-03-09T00:00")
)
CANCELLED = replace(STORYTIME, id="3", title="Film night", state="cancelled", sequence=1)
POSTPONED = replace(
    STORYTIME, id="4", title="Talk", state="postponed", branch="Lebanon", audiences=("Adults",)
)
GONE = replace(STORYTIME, id="5", title="Gone", listed=False)
OPEN_ENDED = replace(STORYTIME, id="6", title="No end", end=STORYTIME.start, updated=None)
FULL = replace(
    STORYTIME,
    id="8",
    title="Class",
    online=True,
    registration=Registration(opened=True, closed=False, wait_list=True, in_person=Seats(total=8, taken=8)),
)
ALL = (STORYTIME, EXHIBIT, CANCELLED, POSTPONED, GONE, OPEN_ENDED, FULL)

_HOSTILE = (
    "\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil",
    "\n ATTACH:https://evil.example",
    "]]></content><script>alert(1)</script>",
    "</title>",
    "&amp;&lt;&#0;",
    '"><img src=x onerror=alert(1)>',
    "\\n\\,\\;",
    "\x00\x07\x0b\x0c\x1b\x85\u2028\u2029",
    "\u202eevil\u2066",
    "\ud800",
    "\ufffe\uffff",
    "👩‍👩‍👧‍👦é́",
    "Ünï ço–dé " * 40,
    "x" * 400,
)


def hostile_text() -> st.SearchStrategy[str]:
    """Generate texts of any characters, lone surrogates included, mixed with strings that break a format."""
    anything = st.text(st.characters(exclude_categories=()), max_size=60)
    return st.lists(st.one_of(anything, st.sampled_from(_HOSTILE)), max_size=4).map("".join)


def settings(**env: str) -> Settings:
    """Return settings for the feeds; SITE_NAME may be any text, although check refuses control characters."""
    name = env.pop("SITE_NAME", None)
    found = Settings.from_env({**TODAY, "SITE_URL": SITE, **env})
    return found if name is None else replace(found, site_name=name or found.site_name)


def site(
    *events: Event,
    libcal: str = LIBCAL,
    images: Mapping[int, Image] | None = None,
    quiet: Sequence[Group] = (),
    **env: str,
) -> dict[str, bytes]:
    """Return the feeds of `events` by path, all with the same `images`; `quiet` groups have no events."""
    empty = _empty_site(libcal, tuple(env.items()))
    shown = tuple(_view(event, empty.settings, images) for event in events)
    listed = tuple(view for view in shown if view.event.listed)
    full = replace(
        empty,
        events=shown,
        listed=listed,
        branches=(*groups("branch", listed), *quiet),
        audiences=groups("audience", listed),
        categories=groups("category", listed),
    )
    return dict(feeds.build(full))


@cache
def _empty_site(libcal: str, env: tuple[tuple[str, str], ...]) -> Site:
    return Site.of(Snapshot(url=libcal), settings(**dict(env)))


def _view(event: Event, chosen: Settings, images: Mapping[int, Image] | None) -> EventView:
    wording = dates.Wording(messages.load(chosen.locale), chosen.now.date())
    return EventView(event, wording, chosen.site_url, images or {})
