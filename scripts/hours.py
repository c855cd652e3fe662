"""The opening hours in events.json, as LibCal's Hours API gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

OPEN, CLOSED, ALL_DAY, TEXT = "open", "closed", "24hours", "text"

# Start and end; an end that is not after its start is on the next day.
Range = tuple[time, time]
# Start and end with their time zone.
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Day:
    """The hours of one day. `status` OPEN has ranges in order, TEXT has a text such as "By appointment"."""

    status: str
    ranges: tuple[Range, ...] = ()
    text: str = ""

    def spans(self, day: date, zone: ZoneInfo) -> tuple[Span, ...]:
        """Return when it is open, as moments; `day` is its date."""
        ranges = ((time.min, time.min),) if self.status == ALL_DAY else self.ranges
        return tuple(
            (
                datetime.combine(day, start, zone),
                datetime.combine(day + timedelta(days=end <= start), end, zone),
            )
            for start, end in ranges
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        data: dict[str, Any] = {"status": self.status}
        if self.ranges:
            data["ranges"] = [[f"{start:%H:%M}", f"{end:%H:%M}"] for start, end in self.ranges]
        return {**data, "text": self.text} if self.text else data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the day from the data of `to_json`. Raises ValueError, KeyError or TypeError."""
        ranges = tuple(
            (time.fromisoformat(start), time.fromisoformat(end)) for start, end in data.get("ranges", ())
        )
        return cls(data["status"], ranges, data.get("text", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The hours of one place: the days that LibCal names. A day that is missing is not known.

    `fetched` is the time of the last good answer; `cause` says why the last fetch failed, empty on success.
    """

    id: str
    fetched: datetime | None = None
    cause: str = ""
    days: Mapping[date, Day] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return them as JSON data."""
        return {
            "id": self.id,
            "fetched": self.fetched.isoformat() if self.fetched else None,
            "cause": self.cause,
            "days": {day.isoformat(): self.days[day].to_json() for day in sorted(self.days)},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], zone: ZoneInfo) -> Self:
        """Return the hours from the data of `to_json`. Raises ValueError, KeyError or TypeError."""
        return cls(
            id=data["id"],
            fetched=datetime.fromisoformat(data["fetched"]).astimezone(zone) if data["fetched"] else None,
            cause=data["cause"],
            days={date.fromisoformat(day): Day.from_json(item) for day, item in data["days"].items()},
        )
