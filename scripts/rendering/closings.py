"""The notices that the library is closed: one for each time and reason, with the branches that it covers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from event import Event
from rendering.dates import Wording
from rendering.views import slug

# A notice appears this many days before the closure.
NOTICE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Closing:
    """A closure. `branches` are the slugs of the closed branches, empty for all.

    `changed` is the newest of the merged records.
    """

    id: str
    first: date
    last: date
    start_epoch: int
    end_epoch: int
    text: str
    branches: frozenset[str]
    changed: Event

    def covers(self, branch: str) -> bool:
        """Return whether the branch with this slug is closed; always true for an empty `branch`."""
        return not branch or not self.branches or branch in self.branches

    def is_near(self, today: date) -> bool:
        """Return whether pages of `today` show the notice."""
        return self.first < today + timedelta(days=NOTICE_DAYS)


def closings(closures: Iterable[Event], names: Sequence[str], wording: Wording) -> tuple[Closing, ...]:
    """Merge `closures` with equal times and reasons; `names` are those of all branches."""
    groups: dict[tuple[object, ...], list[Event]] = {}
    for event in closures:
        if event.last_day >= wording.today:
            key = (event.start, event.end, event.all_day, event.title.casefold())
            groups.setdefault(key, []).append(event)
    return tuple(_closing(members, names, wording) for members in groups.values())


def _closing(members: list[Event], names: Sequence[str], wording: Wording) -> Closing:
    event = members[0]
    closed = sorted({member.branch for member in members if member.branch}, key=str.casefold)
    everywhere = any(not member.branch for member in members) or {*map(slug, names)} <= {*map(slug, closed)}
    where = wording.messages("closed.all") if everywhere else ", ".join(closed)
    why = ", ".join(filter(None, (event.title, where if len(names) > 1 or not everywhere else "")))
    when = wording.closed(event)
    return Closing(
        id=event.id,
        first=event.first_day,
        last=event.last_day,
        start_epoch=int(event.start.timestamp()),
        end_epoch=int(event.end.timestamp()),
        text=wording.messages("closed.why" if why else "closed", when=when, why=why),
        branches=frozenset() if everywhere else frozenset(map(slug, closed)),
        changed=max(members, key=lambda member: member.updated.timestamp() if member.updated else 0),
    )
