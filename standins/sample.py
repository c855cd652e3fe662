"""Sample data: the events of an invented library with three branches (sample.toml), from a given day on.

`events(today)` returns a bit more than two weeks, always the same for the same day. The events cover all
states: registration open, few seats free, full, with a waiting list, closed, not yet open, separate for the
room and online; cancelled, postponed, rescheduled; all day, several days, ongoing, overnight, until
midnight, from noon, on both sides of a clock change. All of them have LibCal's private fields (records.py).
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from standins.records import PRIVATE, PRIVATE_NUMBER, SITE, Record, online_fields, record, registration

_PROGRAM = tomllib.loads((Path(__file__).parent / "sample.toml").read_text(encoding="utf-8"))
_BRANCHES = _PROGRAM["branches"]
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIRST_ID = 11_870_000

NAME: str = _PROGRAM["name"]
ZONE = ZoneInfo(_PROGRAM["timezone"])
CALENDAR_LABELS = ",".join(
    f"{branch['calendar']}={branch['label']}"
    for branch in _BRANCHES.values()
    if branch["visibility"] == "Public"
)
SETTINGS = {"SITE_NAME": NAME, "TIMEZONE": ZONE.key, "LIBCAL_CALENDARS": CALENDAR_LABELS}
# For the demo and the preview: facts about the branches, with the opening hours of standins/hours.py.
BRANCHES = Path(__file__).parent / "branches.toml"


def _calendar(branch: Record) -> Record:
    number, slug = branch["calendar"], branch["label"].lower().replace(" ", "-")
    return {
        "calid": number,
        "name": f"{branch['label']} Library",
        "url": {"public": f"{SITE}/calendar/{slug}", "admin": f"{SITE}/admin/calendar/{number}?{PRIVATE}"},
        "owner": {"id": PRIVATE_NUMBER, "name": f"{PRIVATE} staff member"},
        "visibility": branch["visibility"],
    }


CALENDARS = tuple(_calendar(branch) for branch in _BRANCHES.values())


def events(today: date) -> list[Record]:
    """Return all events in LibCal's format, dated from `today` on, unordered."""
    records: list[Record] = []
    for entry in _PROGRAM["event"]:
        for day in _days(entry, today):
            number = _FIRST_ID + 7 * len(records)
            records.append(_record(number, entry, day))
    _link_series(records)
    return records


def clock_change(today: date) -> date:
    """Return the first day after `today` on which the clocks change."""
    day = today + timedelta(days=1)
    while _moment(day).utcoffset() == _moment(day + timedelta(days=1)).utcoffset():
        day += timedelta(days=1)
    return day


def _days(entry: Record, today: date) -> Iterator[date]:
    named = entry["on"] if isinstance(entry["on"], list) else [entry["on"]]
    for name in named:
        for week in entry.get("weeks", [0]):
            yield _day(name, today) + timedelta(weeks=week)


def _day(name: str | int, today: date) -> date:
    if isinstance(name, int):
        return today + timedelta(days=name)
    if name.endswith("clock change"):
        return clock_change(today) - timedelta(days=name.startswith("eve"))
    return today + timedelta(days=(_WEEKDAYS.index(name) - today.weekday()) % 7)


def _moment(day: date, clock: str = "00:00") -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), ZONE)


def _record(number: int, entry: Record, day: date) -> Record:
    branch = _BRANCHES[entry["branch"]]
    kinds = [_PROGRAM["kinds"][name] for name in entry.get("kinds", ())]
    fields: Record = {
        "allday": entry["hours"] == "all day",
        "description": _html(entry.get("text", "")),
        "campus": {"id": branch["campus"], "name": branch["label"]},
        "category": [{"id": kind["id"], "name": kind["name"]} for kind in kinds],
        "audience": [_PROGRAM["ages"][name] for name in entry.get("ages", ())],
        "color": kinds[0]["color"] if kinds else "#555555",
        "featured_image": _image(entry.get("picture", "")),
    }
    if "room" in entry:
        fields["location"] = {"id": 3_000 + sum(map(ord, entry["room"])), "type": 2, "name": entry["room"]}
    if "registration" in entry:
        fields |= registration(**entry["registration"])
    if entry.get("online"):
        fields |= online_fields()
    fields |= entry.get("raw", {})
    return record(number, _calendar(branch), entry["title"], *_times(entry, day), **fields)


def _times(entry: Record, day: date) -> tuple[datetime, datetime]:
    hours: str = entry["hours"]
    first, _, last = ("00:00-23:59" if hours == "all day" else hours).partition("-")
    start = _moment(day, first)
    if not last:
        return start, start
    end = _moment(day + timedelta(days=entry.get("days", 1) - 1), last)
    return start, end if end > start else _moment(day + timedelta(days=1), last)


def _html(text: str) -> str:
    """Return paragraphs as LibCal's editor writes them, with CRLF and blank lines."""
    if text.startswith("<"):
        return text.replace("\n", "\r\n")
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    return "\r\n\r\n".join(f"<p>{part}</p>" for part in paragraphs if part)


def _image(picture: str) -> str | None:
    if picture == "null":
        return None
    scheme = "" if picture.startswith("//") else "https:"
    name = picture.removeprefix("//")
    return name and f"{scheme}//lcimages.s3.amazonaws.com/data/feat_img/5550/20101/{name}"


def _link_series(records: list[Record]) -> None:
    """List in each event of a series the later events, as LibCal does."""
    series: defaultdict[Any, list[Record]] = defaultdict(list)
    for event in records:
        series[event["calendar"]["id"], event["title"]].append(event)
    for members in series.values():
        for event in members:
            event["future_dates"] = [
                {"event_id": other["id"], "start": other["start"]}
                for other in members
                if other["start"] > event["start"]
            ]
