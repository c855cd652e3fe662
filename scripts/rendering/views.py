"""One event for the templates and feeds, with all its texts and links."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from urllib.parse import urlencode

import site_paths
from event import Event
from files import sha256
from rendering import dates
from rendering.dates import Wording, datetime_attribute

# Letters that Unicode does not decompose, in the languages of our catalogs and their neighbors.
_LETTERS = str.maketrans({"æ": "ae", "ø": "o", "å": "a", "ß": "ss", "ł": "l", "đ": "d", "þ": "th", "ð": "d"})

# The registration link does not repeat a longer title, which is right above it.
LONG_TITLE = 60


@lru_cache(maxsize=4096)
def slug(name: str) -> str:
    """Return `name` in a form for addresses: `kub-norre-campus`. Never empty."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
    return plain or "x" + sha256(name.encode("utf-8", "surrogatepass"))[:8]


@dataclass(frozen=True, slots=True)
class Status:
    """The status of an event: `text` for visitors, `name` for style sheets, scripts and feeds."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One size of an event's image: its path from the site's root, and its pixels."""

    path: str
    width: int
    height: int


@dataclass(frozen=True)
class EventView:
    """An event as a template shows it.

    `images` are the sizes of its image, by nominal width.
    """

    event: Event
    wording: Wording
    site_url: str
    images: Mapping[int, Image] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The page's path from the site's root. It never changes."""
        return site_paths.event_page(self.event.id)

    @property
    def calendar_path(self) -> str:
        """The path of its iCalendar file."""
        return site_paths.event_calendar(self.event.id)

    @property
    def address(self) -> str:
        """The page's public address; empty if SITE_URL is not set."""
        return f"{self.site_url}/{self.path}" if self.site_url else ""

    @cached_property
    def times(self) -> str:
        """The time, for a list that already shows the day."""
        return self.wording.times(self.event)

    @cached_property
    def when(self) -> str:
        """Day and time."""
        return self.wording.when(self.event)

    @property
    def day_text(self) -> str:
        """The first day, as text."""
        return self.wording.day(self.event.first_day)

    @property
    def short_when(self) -> str:
        """A short form of first day and start, for titles: `Tue, Mar 3, 10:30am`."""
        day = self.wording.short_day(self.event.first_day)
        if self.event.all_day:
            return day
        return self.wording.messages("when", day=day, times=self.wording.time(self.event.start))

    @property
    def short_when_until(self) -> str:
        """`short_when`, with the last day if it lasts longer than three days."""
        if not dates.takes_days(self.event):
            return self.short_when
        until = self.wording.messages("until", day=self.wording.day(self.event.last_day))
        return f"{self.short_when}, {until}"

    @property
    def datetime(self) -> str:
        """The start for `<time datetime>`."""
        return datetime_attribute(self.event)

    @property
    def start_epoch(self) -> int:
        """The start in seconds since 1970, for scripts."""
        return int(self.event.start.timestamp())

    @property
    def end_epoch(self) -> int:
        """The end in seconds since 1970; one hour after the start if LibCal gives no end."""
        end = int(self.event.end.timestamp())
        return end if end > self.start_epoch else self.start_epoch + 3600

    @property
    def has_end(self) -> bool:
        """Whether LibCal gives an end for it."""
        return dates.has_end(self.event)

    @cached_property
    def exhibit(self) -> bool:
        """Whether lists show it apart from the days, once it has begun."""
        return dates.is_exhibit(self.event)

    @cached_property
    def ongoing(self) -> bool:
        """Whether it is an exhibit that began before today."""
        return self.exhibit and self.event.first_day < self.wording.today

    @property
    def called_off(self) -> bool:
        """Whether it is cancelled, postponed or rescheduled."""
        return bool(self.event.state)

    @property
    def featured(self) -> bool:
        """Whether it is featured; an event that does not take place never is."""
        return self.event.featured and self.event.listed and not self.called_off

    @cached_property
    def title_prefix(self) -> str:
        """The state or notice before the title, such as `Cancelled: `; empty if the title already says it."""
        code = self.event.state or self.event.notice
        text = self.wording.messages(f"status.{code}") if code else ""
        return f"{text}: " if text and text.casefold() not in self.event.title.casefold() else ""

    @property
    def stated_title(self) -> str:
        """The title with its state or notice: `Cancelled: Storytime`."""
        return self.title_prefix + self.event.title

    @cached_property
    def where(self) -> str:
        """Room, branch and "Online", as far as they apply."""
        return ", ".join(where(self.event, self.wording))

    def image(self, width: int) -> Image:
        """Return its smallest image of at least `width` pixels, else the largest; KeyError if it has none."""
        wide = [known for known in self.images if known >= width]
        return self.images[min(wide) if wide else max(self.images)]

    @property
    def branch_slug(self) -> str:
        """The slug of its branch."""
        return slug(self.event.branch) if self.event.branch else ""

    @cached_property
    def series_slug(self) -> str:
        """The slug of its series, from title, branch, day of the week and time: `chess-kilton-tue-1030`."""
        event = self.event
        day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[event.first_day.weekday()]
        time = "" if event.all_day else f"{event.start:%H%M}"
        return "-".join(filter(None, (slug(event.title), self.branch_slug, day, time)))

    @property
    def audience_slugs(self) -> str:
        """The slugs of its audiences, separated by spaces."""
        return " ".join(map(slug, self.event.audiences))

    @property
    def category_slugs(self) -> str:
        """The slugs of its categories, separated by spaces."""
        return " ".join(map(slug, self.event.categories))

    @property
    def flags(self) -> str:
        """How visitors take part, for filters: `online`, `person`, `places` (they can still come)."""
        event, status = self.event, event_status(self.event)
        person = not event.online_only and bool(event.place or event.branch or not event.online)
        places = status in ("", "few-left", "required", "not-open", "online-left", "in-person-left")
        found = (("online", event.online), ("person", person), ("places", places))
        return " ".join(name for name, applies in found if applies)

    @cached_property
    def status(self) -> Status | None:
        """The first status that applies; "now" and "ended" depend on the minute, so scripts add them.

        "Closed" comes before "full", so that "full" never means "closed". "Full" comes before "not yet
        open", so that visitors do not wait in vain.
        """
        name = event_status(self.event)
        return Status(name, self.wording.messages(f"status.{name}")) if name else None

    @property
    def tag(self) -> Status | None:
        """The status to show below the title in a list; None if the title says it (`Cancelled: Chess`)."""
        shown = self.status is not None and self.title_prefix == f"{self.status.text}: "
        return None if shown else self.status

    @property
    def explanation(self) -> str:
        """What the status means for visitors; empty if the status is clear without it."""
        known = ("cancelled", "postponed", "rescheduled", "unlisted")
        name = self.status.name if self.status else ""
        if name not in known:
            name = self.event.notice
        return self.wording.messages(f"explain.{name}") if name else ""

    @property
    def libcal_url(self) -> str:
        """The event's page in LibCal; empty unless a web address (escaping does not stop `javascript:`)."""
        return self.event.url if self.event.url.startswith(("https://", "http://")) else ""

    @property
    def registration_text(self) -> str:
        """The text of the registration link; empty if there is no link or registration is not possible."""
        status = self.status.name if self.status else ""
        if not self.libcal_url or status not in _LINKS:
            return ""
        if len(self.event.title) > LONG_TITLE:
            return self.wording.messages(f"{_LINKS[status]}.this")
        return self.wording.messages(_LINKS[status], title=self.event.title)

    @property
    def registration_button(self) -> str:
        """The visible part of `registration_text`, for a page that shows the title."""
        link = _LINKS.get(self.status.name if self.status else "", "")
        return self.wording.messages(f"{link}.button") if link else ""

    @property
    def in_calendar(self) -> bool:
        """Whether the page offers to add it to a calendar: only if it takes place at this time."""
        return self.event.listed and not self.called_off

    @property
    def google_url(self) -> str:
        """The address that adds it to Google Calendar."""
        span = "/".join(self._span()).translate(str.maketrans("", "", "-:"))
        return "https://calendar.google.com/calendar/render?" + urlencode(
            {
                "action": "TEMPLATE",
                "text": self.stated_title,
                "dates": span,
                "location": self._place,
                "details": self._details,
            }
        )

    @property
    def outlook_url(self) -> str:
        """The address that adds it to Outlook.com."""
        return f"https://outlook.live.com/calendar/0/deeplink/compose?{self._outlook_query}"

    @property
    def office_url(self) -> str:
        """The address that adds it to Outlook of a school or employer (Microsoft 365)."""
        return f"https://outlook.office.com/calendar/0/deeplink/compose?{self._outlook_query}"

    @property
    def _outlook_query(self) -> str:
        start, end = self._span()
        return urlencode(
            {
                "path": "/calendar/action/compose",
                "rru": "addevent",
                "subject": self.stated_title,
                "startdt": start,
                "enddt": end,
                "allday": "true" if self.event.all_day else "false",
                "location": self._place,
                "body": self._details,
            }
        )

    @property
    def yahoo_url(self) -> str:
        """The address that adds it to Yahoo Calendar."""
        start, end = (text.translate(str.maketrans("", "", "-:")) for text in self._span())
        if self.event.all_day:
            end = f"{self.event.last_day:%Y%m%d}"  # Yahoo counts the last day
        days = {"st": start, "et": end, **({"dur": "allday"} if self.event.all_day else {})}
        texts = {"title": self.stated_title, "in_loc": self._place, "desc": self._details}
        return "https://calendar.yahoo.com/?" + urlencode({"v": "60", **days, **texts})

    @property
    def street_address(self) -> str:
        """The street address; empty if LibCal gives none, or if visitors cannot come."""
        return "" if self.event.online_only else self.event.address

    @property
    def _place(self) -> str:
        return ", ".join(dict.fromkeys(filter(None, (self.where, self.street_address))))

    @property
    def _details(self) -> str:
        return "\n\n".join(filter(None, (self.event.excerpt, self.address or self.libcal_url)))

    def _span(self) -> tuple[str, str]:
        """Return start and end (exclusive) for calendars: dates if all day, else times in UTC."""
        if self.event.all_day:
            return self.event.start.date().isoformat(), self.event.end.date().isoformat()
        start, end = (datetime.fromtimestamp(epoch, UTC) for epoch in (self.start_epoch, self.end_epoch))
        return f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}"


def where(event: Event, wording: Wording) -> list[str]:
    """Return the names of room and branch, each once, and "Online" if visitors can join online."""
    names = [name for name in dict.fromkeys((event.place, event.branch)) if name and not event.online_only]
    return [*names, wording.messages("online")] if event.online else names


def event_status(event: Event) -> str:
    """Return the name of the first status that applies to `event`; empty if none applies."""
    if event.state:
        return event.state
    if not event.listed:
        return "unlisted"
    if event.in_closure:
        return "library-closed"
    registration = event.registration
    if registration is None:
        return "full" if event.sold_out else ""
    if registration.closed:
        return "closed"
    if registration.full or event.sold_out:
        return "waiting-list" if registration.wait_list else "full"
    if not registration.opened:
        return "not-open"
    in_person, online = registration.in_person, registration.online
    if in_person and online and not (in_person.free and online.free):
        return "in-person-left" if in_person.free else "online-left"
    return "few-left" if registration.few_left else "required"


# The link text for each status in which visitors can register or join the waiting list.
_LINKS = dict.fromkeys(("required", "few-left", "online-left", "in-person-left"), "register")
_LINKS["waiting-list"] = "join_waiting_list"
