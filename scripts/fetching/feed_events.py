"""Convert an iCalendar file (RFC 5545) to the records of LibCal's API. Pure: no network, no clock, no log.

LibCal's public feeds have one VEVENT for each event. Other calendars have recurring ones, of which this
returns the dates in the window.
"""

from __future__ import annotations

import contextlib
import hashlib
import html
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from fetching.places import is_online

# A rule that repeats more often, within a day, gives millions of dates.
_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
MAX_TIMES_A_DAY = 24

_LIBCAL_UID = re.compile(r"LibCal-(?:[0-9]+-)*([0-9]{1,15})\Z")
_HTML = re.compile(r"</?(?:p|br|a|b|i|u|em|strong|ul|ol|li|div|span|h[1-6])\b[^<>]*>", re.IGNORECASE)
# What icalendar, dateutil and recurring_ical_events raise for damaged properties.
_DAMAGED = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, ArithmeticError)


class NotACalendar(Exception):
    """The text is not a complete iCalendar file."""


class TooManyDates(Exception):
    """The recurring events have more dates than allowed."""


class Feed:
    """A parsed calendar file. Raises NotACalendar."""

    def __init__(self, text: str) -> None:
        text = text.lstrip("\ufeff \t\r\n")
        complete = re.search(r"^END:VCALENDAR\s*\Z", text, re.IGNORECASE | re.MULTILINE)
        if not text[:15].upper() == "BEGIN:VCALENDAR" or not complete:
            raise NotACalendar
        try:
            calendars = icalendar.Calendar.from_ical(text, multiple=True)
            self._calendar: Any = calendars[0]
            self._events: list[Any] = [each for calendar in calendars for each in calendar.walk("VEVENT")]
        except (*_DAMAGED, RecursionError):
            raise NotACalendar from None
        self.name = _text(self._calendar.get("X-WR-CALNAME")) or _text(self._calendar.get("NAME"))
        self.zone = _text(self._calendar.get("X-WR-TIMEZONE"))

    @property
    def has_events(self) -> bool:
        """Whether the calendar has an event, at any time."""
        return bool(self._events)

    def records(self, label: str, zone: ZoneInfo, first: date, last: date, limit: int) -> Iterator[Any]:
        """Yield the events as LibCal's API would send them; of a recurring one, the dates in the window.

        With a `label`, which is the branch, LOCATION is only the room. Raises TooManyDates.
        """
        series: dict[str, list[Any]] = defaultdict(list)
        for event in self._events:
            recurring = any(name in event for name in ("RRULE", "RDATE", "RECURRENCE-ID"))
            if recurring:
                series[str(event.get("UID", ""))].append(event)
            else:
                yield self._record(event, label, zone)
        found = 0
        for events in series.values():
            for event in self._dates(events, first, last):
                found += 1
                if found > limit:
                    raise TooManyDates
                yield self._record(event, label, zone, of_series=True)

    def _dates(self, events: list[Any], first: date, last: date) -> Iterator[Any]:
        """Yield each date of one series; its first event without a start if the series is damaged."""
        calendar = icalendar.Calendar()
        if self.zone:  # then times in UTC repeat at the same local time
            calendar["X-WR-TIMEZONE"] = self.zone
        for event in events:
            calendar.add_component(event)
        try:
            if not all(_is_moderate(event) for event in events):
                raise ValueError
            query = recurring_ical_events.of(calendar)
            yield from query.between(first - timedelta(days=1), last + timedelta(days=2))
        except _DAMAGED:
            yield _without_start(events[0])

    def _record(self, event: Any, label: str, zone: ZoneInfo, *, of_series: bool = False) -> dict[str, Any]:
        record: dict[str, Any] = {"id": _identity(event, of_series), "title": _title(event)}
        with contextlib.suppress(*_DAMAGED):
            record |= _times(event, zone)
        location = _text(event.get("LOCATION"))
        campus, room = _place(location, label, self.name if _libcal_id(event) else "")
        return record | {
            "campus": campus,
            "location": room,
            "description": _description(event),
            "category": _categories(event),
            "url": _text(event.get("URL")),
            "featured_image": _image(event),
            "calendar": self.name,
        }


def _without_start(event: Any) -> Any:
    copy = event.copy()
    copy.pop("DTSTART", None)
    return copy


def _is_moderate(event: Any) -> bool:
    """Return whether the rules of an event give at most MAX_TIMES_A_DAY dates a day."""
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        frequency = str(rule.get("FREQ", [""])[0]).upper()
        times = 1
        for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
            times *= max(1, len(rule.get(name, [])))
        if frequency not in _FREQUENCIES or times > MAX_TIMES_A_DAY:
            return False
    return True


def _libcal_id(event: Any) -> str:
    """Return LibCal's id of an event: the last number of its UID, LibCal-<calendar>-<event>."""
    found = _LIBCAL_UID.match(_text(event.get("UID")))
    return found[1] if found else ""


def _identity(event: Any, of_series: bool) -> str:
    """Return LibCal's id of an event, or else a number of 18 digits, which LibCal does not use.

    It depends on the UID only, so that it stays when the event changes; for a date of a series also on the
    date that the rule gives, which stays when this one date is moved.
    """
    if not of_series and (known := _libcal_id(event)):
        return known
    key = _text(event.get("UID")) or f"{_title(event)} {_start_text(event)}"
    if of_series:
        with contextlib.suppress(*_DAMAGED):
            moment = event["RECURRENCE-ID"].dt
            key += f" {_moment(moment, ZoneInfo('UTC'))}"
    digest = int.from_bytes(hashlib.sha256(key.encode("utf-8", "replace")).digest()[:8])
    return str(10**17 + digest % (9 * 10**17))


def _start_text(event: Any) -> str:
    start = event.get("DTSTART")
    return start.to_ical().decode("utf-8", "replace") if hasattr(start, "to_ical") else ""


def _times(event: Any, zone: ZoneInfo) -> dict[str, Any]:
    """Return start, end and allday; a time without a zone is one of the library."""
    start = event["DTSTART"].dt
    if "DTEND" in event:
        end = event["DTEND"].dt
    elif "DURATION" in event:
        end = start + event["DURATION"].dt
    else:
        end = start if isinstance(start, datetime) else start + timedelta(days=1)
    return {
        "start": _moment(start, zone),
        "end": _moment(end, zone),
        "allday": not isinstance(start, datetime),
    }


def _moment(moment: date, zone: ZoneInfo) -> str:
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        moment = moment.astimezone(zone)
    return moment.isoformat()


def _title(event: Any) -> str:
    title = html.escape(_text(event.get("SUMMARY")), quote=False)
    cancelled = _text(event.get("STATUS")).upper() == "CANCELLED"
    return f"Cancelled: {title}" if title and cancelled else title


def _place(location: str, label: str, calendar: str) -> tuple[str, str]:
    """Return the branch (LibCal's campus) and the room of an event.

    LibCal writes "Room" or "Room, Campus" in LOCATION; others write "Kilton Library" or an address,
    "Kilton Library, Main Street 4". `label` is the branch in the settings, `calendar` the name of LibCal's
    calendar.
    """
    if label or is_online(location):
        return "", location
    room, comma, branch = location.rpartition(", ")
    if re.search(r"\d", location.partition(",")[2]):
        return location, ""
    if comma:
        return branch, room
    return ("", location) if calendar else (location, "")


def _description(event: Any) -> str:
    """Return DESCRIPTION as HTML: it is text, but some calendars write HTML into it."""
    text = _text(event.get("DESCRIPTION")).replace("\r\n", "\n")
    if _HTML.search(text):
        return text
    paragraphs = re.split(r"\n\s*\n", html.escape(text, quote=False).strip())
    return "".join(f"<p>{part.replace(chr(10), '<br>')}</p>" for part in paragraphs if part)


def _categories(event: Any) -> list[str]:
    found = event.get("CATEGORIES", [])
    lists = found if isinstance(found, list) else [found]
    return [str(name) for each in lists for name in getattr(each, "cats", ())]


def _image(event: Any) -> str:
    """Return the address of the first attached image."""
    found = event.get("ATTACH", [])
    for each in found if isinstance(found, list) else [found]:
        kind = str(getattr(each, "params", {}).get("FMTTYPE", ""))
        if kind.lower().startswith("image/") and isinstance(each, str):
            return str(each)
    return ""


def _text(value: object) -> str:
    """Return a property as text; of several, the first."""
    if isinstance(value, list):
        value = value[0] if value else None
    return str(value).strip() if isinstance(value, str) else ""
