"""Programs as lists and screens show them: one row for what LibCal has in several records.

A stop-by program, such as a scavenger hunt, has one record a day and fills the opening hours. A program at
several branches has one record for each branch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import pairwise

from event import Event
from rendering import dates
from rendering.views import EventView

# A stop-by program has at least so many days, each of so many hours, and pauses for at most so many days.
STOP_BY_DAYS = 3
STOP_BY_HOURS = timedelta(hours=3)
STOP_BY_PAUSE = timedelta(days=4)


@dataclass(frozen=True)
class Program:
    """A row: an event, all days of a stop-by program, or the same program at several branches.

    `days` are its days, at least one; `branches` are its branches if there are several.
    """

    days: tuple[EventView, ...]
    branches: tuple[EventView, ...] = ()

    @property
    def view(self) -> EventView:
        """The first of its events, which the row links to."""
        return self.days[0]

    @property
    def event(self) -> Event:
        """The first of its events."""
        return self.view.event

    @cached_property
    def times(self) -> str:
        """The time, for a list that already shows the first day."""
        return self.text()

    def text(self, *, zone: bool = True) -> str:
        """Return the time; without `zone` never with the time zone of an online program."""
        wording = self.view.wording
        if len(self.days) > 1:
            return wording.repeated([view.event for view in self.days], zone=zone)
        if dates.takes_days(self.event):
            return wording.until(self.event)
        return wording.times(self.event, zone=zone)

    @property
    def later(self) -> str:
        """The time to show from the second day on; empty if it does not change."""
        if dates.takes_days(self.event) and not self.event.first_day < self.view.wording.today:
            return self.view.wording.ongoing(self.event)
        return ""

    @property
    def spans(self) -> str:
        """Start and end of each day, in seconds since 1970, for scripts; empty if it has one day."""
        days = self.days if len(self.days) > 1 else ()
        return " ".join(f"{view.start_epoch}-{view.end_epoch}" for view in days)

    @cached_property
    def where(self) -> str:
        """Room and branch, or the branches."""
        return ", ".join(view.event.branch for view in self.branches) or self.view.where

    @property
    def branch_slugs(self) -> str:
        """The slugs of its branches, separated by spaces."""
        return " ".join(view.branch_slug for view in self.branches or (self.view,))


def merge(views: Iterable[EventView]) -> list[Program]:
    """Return `views`, which are in order, as programs, in the order of their first events."""
    by_branch: dict[tuple[object, ...], list[tuple[EventView, ...]]] = {}
    for days in by_day(views):
        by_branch.setdefault(_schedule(days), []).append(days)
    found = [program for group in by_branch.values() for program in _programs(group)]
    return sorted(found, key=lambda program: program.event.order)


def _programs(group: Sequence[tuple[EventView, ...]]) -> Iterator[Program]:
    """Yield one program for all branches of `group`, or one for each entry if they are not at branches."""
    names = [days[0].event.branch for days in group]
    if len(group) > 1 and all(names) and len(set(names)) == len(names):
        branches = tuple(sorted((days[0] for days in group), key=lambda view: view.event.branch.casefold()))
        yield Program(group[0], branches)
    else:
        yield from map(Program, group)


def _schedule(days: Sequence[EventView]) -> tuple[object, ...]:
    """Return everything that two branches' records of the same program share."""
    event, status = days[0].event, days[0].status
    times = tuple((view.start_epoch, view.end_epoch) for view in days)
    return (days[0].stated_title.casefold(), times, event.all_day, event.online, status and status.name)


def by_day(views: Iterable[EventView]) -> Iterator[tuple[EventView, ...]]:
    """Yield the days of each stop-by program, and all other events alone."""
    stop_by: dict[tuple[object, ...], list[EventView]] = {}
    for view in views:
        if _may_repeat(view):
            event = view.event
            key = (event.title.casefold(), event.place, event.branch, event.start.time(), event.end.time())
            stop_by.setdefault(key, []).append(view)
        else:
            yield (view,)
    for repeated in stop_by.values():
        for run in _runs(repeated):
            if len(run) >= STOP_BY_DAYS:
                yield tuple(run)
            else:
                yield from ((view,) for view in run)


def _may_repeat(view: EventView) -> bool:
    event = view.event
    hours = timedelta(seconds=view.end_epoch - view.start_epoch)
    one_day = not event.all_day and event.first_day == event.last_day and view.has_end
    return one_day and hours >= STOP_BY_HOURS and view.status is None and not event.notice


def _runs(views: Sequence[EventView]) -> list[list[EventView]]:
    """Split `views` where two are on one day, or more than STOP_BY_PAUSE apart."""
    runs = [[views[0]]]
    for before, view in pairwise(views):
        days = view.event.first_day - before.event.first_day
        if timedelta(0) < days <= STOP_BY_PAUSE:
            runs[-1].append(view)
        else:
            runs.append([view])
    return runs
