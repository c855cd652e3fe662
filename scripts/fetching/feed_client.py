"""Client for public calendar feeds (iCalendar), in place of LibCal's API: no account, no key."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from fetching.deadline import Deadline, run_jobs
from fetching.feed_events import Feed, NotACalendar, TooManyDates
from fetching.libcal import Client, Intake, NoAuth, Retryable, Unauthorized, Unavailable, decoded
from log import Log
from settings import CalendarSetting, LibCalSettings

FEEDS_REFUSED = "the calendar feeds are refused: make the calendars public, or correct LIBCAL_CALENDARS"
# Public pages of LibCal that contain the ids of its calendars.
_PAGES = ("calendars", "", "ajax/calendar/list?c=-1&date=0000-00-00&perpage=48&page=1&audience=&cats=&inc=0")
_ID = re.compile(
    rb"""(?:[?&;](?:cid|cal|cal_id)=|["'](?:cid|calid|cal_id|calendar_id)["']\s*:\s*["']?)([0-9]{2,12})"""
)
MAX_CALENDARS = 40
WORKERS = 8


class FeedClient(Client):
    """Client for the calendar feeds of one run. Bounds, retries and outages are those of the API's client."""

    absent = frozenset(("http_404", "http_410", "not_a_calendar"))

    def __init__(
        self, settings: LibCalSettings, log: Log, deadline: Deadline, *, zone: ZoneInfo, **options: Any
    ) -> None:
        super().__init__(settings, log, deadline, **options)
        self._zone = zone

    @property
    def refused(self) -> str:
        """The text for the user if the server refuses every feed."""
        return FEEDS_REFUSED

    @property
    def forbidden(self) -> str:
        """The same text for one feed."""
        return FEEDS_REFUSED

    def events(
        self, calendar: str, first: date, days: int, held: contextlib.ExitStack | None = None
    ) -> list[Any]:
        """Return the events of `calendar`, each id once. Raises Unavailable."""
        wanted = next(each for each in self._settings.calendars if each.id == calendar)
        with contextlib.ExitStack() as own:
            feed = self._feed(wanted, self._intake(held or own))
            found: dict[str, Any] = {}
            last, limit = first + timedelta(days=days), self._limits.events
            try:
                for record in feed.records(wanted.label, self._zone, first, last, limit):
                    if self._deadline.expired:
                        raise Unavailable("deadline")
                    found.setdefault(record["id"], record)
            except TooManyDates:
                raise Unavailable("too_many_dates") from None
        if len(found) > limit:
            self._log.warn("calendar has too many events; ignoring the rest", calendar=calendar)
        return list(found.values())[:limit]

    def calendars(self) -> list[Any]:
        """Return the calendars in the settings: a feed that can be read is public."""
        return [{"calid": calendar.id} for calendar in self._settings.calendars]

    def hours(self, *_: object) -> list[Any]:
        """Raise Unavailable: feeds have no opening hours."""
        raise Unavailable("no_api")

    def find_calendars(self) -> dict[str, str]:
        """Return id and name of each calendar with events that LibCal's public pages mention."""
        return {number: feed.name for number, feed in self.find_feeds()}

    def find_feeds(self) -> Iterator[tuple[str, Feed]]:
        """Yield id and feed of each of these calendars."""
        found: dict[str, None] = {}
        for page in _PAGES:
            with contextlib.suppress(Unavailable, Unauthorized, Retryable), contextlib.ExitStack() as held:
                body = self._get(f"{self._settings.site}/{page}", self._intake(held))
                found |= dict.fromkeys(number.decode() for number in _ID.findall(body))
        jobs = {number: partial(self._feed_once, number) for number in list(found)[:MAX_CALENDARS]}
        feeds = dict(run_jobs(jobs, self._deadline, workers=WORKERS))
        for number in jobs:
            feed = feeds.get(number)
            if isinstance(feed, Feed) and feed.has_events:
                yield number, feed

    def _feed_once(self, number: str) -> Feed:
        with contextlib.ExitStack() as held:
            return self._parsed(CalendarSetting(id=number, label=""), self._intake(held))

    def _feed(self, calendar: CalendarSetting, intake: Intake) -> Feed:
        """Return the feed of a calendar, after retries. Raises Unavailable."""
        once = partial(self._parsed, calendar, intake)
        try:
            feed: Feed = self._retry(once, self._deadline, self._limits.tries, calendar=calendar.id)
        except Unauthorized:
            raise Unavailable("forbidden") from None
        return feed

    def _parsed(self, calendar: CalendarSetting, intake: Intake) -> Feed:
        address = f"{self._settings.site}/ical_subscribe.php?src=p&cid={calendar.id}"
        body = self._get(calendar.address or address, intake)
        if body.count(b"\n") > self._limits.values:
            raise Unavailable("too_large")
        try:
            feed = Feed(decoded(body, "utf-8"))
        except NotACalendar:
            raise Retryable("not_a_calendar") from None
        intake.keep(len(body))
        return feed

    def _get(self, address: str, intake: Intake) -> bytearray:
        accept = {"Accept": "text/calendar, */*;q=0.5"}
        return self._receive("GET", address, self._deadline, intake, auth=NoAuth(), headers=accept)
