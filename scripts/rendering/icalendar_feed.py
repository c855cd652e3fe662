"""iCalendar files (RFC 5545, RFC 7986), to subscribe to or to import. Same events, same bytes.

The icalendar library takes about five times as long (make bench NAME=feeds), and its time zones are
wrong (see vtimezone.py). The tests read these files back with that library.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from event import CANCELLED, POSTPONED
from rendering import plain_text, vtimezone
from rendering.closings import Closing
from rendering.dates import is_over
from rendering.feed_item import LONG_AGO, Channel, Item

_HOUR = "PT1H"
_YEARS = 10
_BEGIN = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//events-display//events-display//EN")
_END = b"END:VCALENDAR\r\n"


def subscription(channel: Channel, blocks: Iterable[bytes], zone: ZoneInfo, year: int) -> bytes:
    """Return the file to subscribe to; `blocks` are the events of `channel`, from `vevent`.

    `year` is the current year. The file always has a time zone, since a calendar without components is
    not valid.
    """
    name = text(channel.title)
    lines = [*_BEGIN, f"NAME:{name}", f"X-WR-CALNAME:{name}", f"X-WR-TIMEZONE:{zone.key}"]
    lines += [f"REFRESH-INTERVAL;VALUE=DURATION:{_HOUR}", f"X-PUBLISHED-TTL:{_HOUR}"]
    if channel.source.site_url:
        lines.append(f"SOURCE;VALUE=URI:{channel.source.url(channel.calendar)}")
        lines.append(f"URL:{channel.source.url(channel.page)}")
    if channel.changed > LONG_AGO:
        lines.append(f"LAST-MODIFIED:{_utc(channel.changed)}")
    first = min((item.event.start.year for item in channel.items), default=year)
    last = max((item.event.end.year for item in channel.items), default=year)
    return b"".join((_lines(lines), _vtimezone(zone, first, last, year), *blocks, _END))


def single(item: Item, block: bytes, zone: ZoneInfo, year: int) -> bytes:
    """Return a file with one event; `block` is from `vevent`, `year` is the current year.

    It reminds of an event that takes place: people who add it plan to come. Subscriptions do not remind.
    """
    first, last = item.event.start.year, item.event.end.year
    if item.view.in_calendar and not is_over(item.event, item.view.wording.today):
        # An hour is enough to get there; an all-day event begins at midnight, so at 9am the day before.
        before = "-PT15H" if item.event.all_day else "-PT1H"
        alarm = ["BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{text(item.title)}", f"TRIGGER:{before}"]
        end = b"END:VEVENT\r\n"
        block = block.removesuffix(end) + _lines([*alarm, "END:VALARM"]) + end
    return b"".join((_lines(_BEGIN), _vtimezone(zone, first, last, year), block, _END))


def vevent(item: Item, zone: ZoneInfo, *, subscribed: bool) -> bytes:
    """Return one event.

    A cancelled event has STATUS:CANCELLED only in its own file. Google Calendar silently removes such an
    event from a subscription, so there its title says "Cancelled", and it does not block the time.
    """
    event = item.event
    changed = _utc(item.changed)
    lines = [
        "BEGIN:VEVENT",
        f"UID:{text(item.uid)}",
        f"DTSTAMP:{changed}",
        f"LAST-MODIFIED:{changed}",
        f"SEQUENCE:{event.sequence}",
        f"SUMMARY:{text(item.prefix + item.title)}",
    ]
    if event.all_day:
        lines.append(f"DTSTART;VALUE=DATE:{event.first_day:%Y%m%d}")
        lines.append(f"DTEND;VALUE=DATE:{event.last_day + timedelta(days=1):%Y%m%d}")
    else:
        lines.append(_moment("DTSTART", event.start, zone))
        if item.view.has_end:
            lines.append(_moment("DTEND", event.end, zone))
    if item.where:
        lines.append(f"LOCATION:{text(item.where)}")
    # Google Calendar does not show URL, so the description ends with it.
    about = "\n\n".join(filter(None, (plain_text.from_html(event.description), item.url)))
    if about:
        lines.append(f"DESCRIPTION:{text(about)}")
    if item.url:
        lines.append(f"URL:{item.url}")
    if item.tags:
        lines.append(f"CATEGORIES:{','.join(map(text, item.tags))}")
    lines.append(f"STATUS:{_status(item.state, subscribed=subscribed)}")
    if event.all_day or event.state in (CANCELLED, POSTPONED):
        lines.append("TRANSP:TRANSPARENT")
    lines.append("END:VEVENT")
    return _lines(lines)


def closure(closing: Closing, host: str) -> bytes:
    """Return the notice of a closure, which takes all day and blocks no time."""
    changed = _utc((closing.changed.updated or LONG_AGO).astimezone(UTC))
    return _lines(
        [
            "BEGIN:VEVENT",
            f"UID:closure-{text(closing.id)}@{text(host)}",
            f"DTSTAMP:{changed}",
            f"LAST-MODIFIED:{changed}",
            f"SEQUENCE:{closing.changed.sequence}",
            f"SUMMARY:{text(plain_text.one_line(closing.text))}",
            f"DTSTART;VALUE=DATE:{closing.first:%Y%m%d}",
            f"DTEND;VALUE=DATE:{closing.last + timedelta(days=1):%Y%m%d}",
            "STATUS:CONFIRMED",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    )


def _vtimezone(zone: ZoneInfo, first_year: int, last_year: int, year: int) -> bytes:
    # An exhibit "until 9999" does not need 8,000 years of time zone rules.
    def near(other: int) -> int:
        return min(max(other, year - _YEARS), year + _YEARS)

    return _lines(vtimezone.lines(zone, near(first_year), near(last_year)))


def _status(state: str, *, subscribed: bool) -> str:
    if state == CANCELLED and not subscribed:
        return "CANCELLED"
    return "TENTATIVE" if state in (POSTPONED, "unlisted") else "CONFIRMED"


def _moment(name: str, moment: datetime, zone: ZoneInfo) -> str:
    # A local time that occurs twice means the first (RFC 5545, 3.3.5), but calendars differ; UTC is clear.
    if moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset():
        return f"{name}:{_utc(moment.astimezone(UTC))}"
    return f"{name};TZID={zone.key}:{_local(moment)}"


def _local(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S}"


def _utc(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"


def text(value: str) -> str:
    """Return clean text as a TEXT value (RFC 5545, 3.3.11)."""
    value = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return value.replace("\n", "\\n")


def _lines(lines: Iterable[str]) -> bytes:
    return b"".join(map(fold, lines))


def fold(line: str) -> bytes:
    """Return a content line folded to 75 octets and CRLF (RFC 5545, 3.1), never inside a character."""
    octets = line.encode()
    parts = []
    start, room = 0, 75
    while len(octets) - start > room:
        end = start + room
        while octets[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(octets[start:end])
        start, room = end, 74
    return b"\r\n ".join((*parts, octets[start:])) + b"\r\n"
