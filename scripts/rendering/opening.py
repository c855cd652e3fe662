"""Opening hours for pages: as text for a day, and as data from which scripts say "Open until 8pm".

LibCal's hours and the closures of its calendar may disagree: a branch is open only while both say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from branches import Branch
from event import Event
from hours import CLOSED, TEXT, Hours, Span
from rendering.dates import Wording
from rendering.views import slug
from settings import Settings

# The texts with which scripts say when a branch is open.
TEXTS = (
    "hours.open", "hours.open_to", "hours.around_the_clock", "hours.closed_now",
    "hours.closed_today", "hours.opens_at", "hours.closed_now.opens", "hours.closed_today.opens", "hours.as_of",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opening:
    """The opening hours of one branch. `days` are the known days: their spans, or a text."""

    branch: Branch
    days: Mapping[date, tuple[Span, ...] | str]

    @property
    def slug(self) -> str:
        """The slug of the branch."""
        return slug(self.branch.name)

    def text(self, wording: Wording) -> str:
        """Return the hours of the day of `wording`: `Tuesday, March 3: 9am to 8pm`; empty if not known."""
        hours = self.days.get(wording.today)
        if hours is None:
            return ""
        day = wording.day(wording.today)
        return wording.messages(
            "hours.day", day=day, hours=hours if isinstance(hours, str) else _text(hours, wording)
        )

    def data(self, today: date) -> dict[str, object]:
        """Return the days for scripts: the spans in seconds since 1970, or a text."""
        days = {
            day.isoformat(): hours
            if isinstance(hours, str)
            else [[int(start.timestamp()), int(end.timestamp())] for start, end in hours]
            for day, hours in self.days.items()
            if day >= today - timedelta(days=1)
        }
        return {"id": self.branch.hours, "slug": self.slug, "name": self.branch.name, "days": days}


def _text(spans: Sequence[Span], wording: Wording) -> str:
    if not spans:
        return wording.messages("hours.closed")
    if any(end - start >= timedelta(days=1) for start, end in spans):
        return wording.messages("hours.all_day")
    texts = (
        wording.messages("range", start=wording.time(start), end=wording.end_time(end))
        for start, end in spans
    )
    return ", ".join(texts)


def fresh(found: Iterable[Hours], settings: Settings) -> tuple[Hours, ...]:
    """Return the hours that pages may show: those that were fetched in time."""
    return tuple(hours for hours in found if hours.fetched and not _late(hours.fetched, settings))


def _late(fetched: datetime, settings: Settings) -> bool:
    due = settings.schedule.next_due(fetched.astimezone(settings.timezone))
    return settings.now - due >= timedelta(minutes=settings.stale_after_minutes)


def openings(
    branches: Iterable[Branch], found: Iterable[Hours], closures: Sequence[Event], settings: Settings
) -> tuple[Opening, ...]:
    """Return the opening hours of the branches that have some, in their order."""
    known = {hours.id: hours for hours in fresh(found, settings)}
    return tuple(
        _opening(branch, known[branch.hours], closures, settings)
        for branch in branches
        if branch.hours in known and known[branch.hours].days
    )


def _opening(branch: Branch, hours: Hours, closures: Sequence[Event], settings: Settings) -> Opening:
    closed = [
        (event.start, event.end)
        for event in closures
        if not event.branch or slug(event.branch) == slug(branch.name)
    ]
    days: dict[date, tuple[Span, ...] | str] = {}
    for day, item in sorted(hours.days.items()):
        spans = _without(item.spans(day, settings.timezone), closed)
        covered = not _without(((_noon(day, settings)),), closed)
        if item.status == TEXT and not covered:
            days[day] = item.text
        else:
            days[day] = () if item.status in (CLOSED, TEXT) else spans
    return Opening(branch, days)


def _noon(day: date, settings: Settings) -> Span:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=settings.timezone)
    return noon, noon + timedelta(minutes=1)


def _without(spans: Sequence[Span], closed: Iterable[Span]) -> tuple[Span, ...]:
    """Return `spans` without the times in `closed`."""
    # In UTC: Python compares times of one zone by wall clock.
    left = [(start.astimezone(UTC), end.astimezone(UTC), start.tzinfo) for start, end in spans]
    for begin, finish in closed:
        kept = []
        for start, end, zone in left:
            kept += [
                (start, min(end, begin.astimezone(UTC)), zone),
                (max(start, finish.astimezone(UTC)), end, zone),
            ]
        left = [item for item in dict.fromkeys(kept) if item[0] < item[1]]
    return tuple((start.astimezone(zone), end.astimezone(zone)) for start, end, zone in left)
