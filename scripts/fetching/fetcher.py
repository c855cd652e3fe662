"""Fetch all configured calendars in parallel, then their images, and log the results."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from event import CLOSURE, DOUBTED, INTERNAL, NOT_LISTED, Calendar, Snapshot
from fetching import opening_hours
from fetching.deadline import Deadline, run_jobs
from fetching.download import Downloader
from fetching.image_cache import MAX_BYTES, ImageCache
from fetching.libcal import Client, Misconfigured, Unavailable, user_agent
from fetching.links import Origin
from fetching.markup import Budget
from fetching.merge import MAX_EVENTS, Outcome, Window, merge
from fetching.normalize import (
    MAX_DESCRIPTIONS,
    Context,
    NormalizedCalendar,
    Problem,
    normalize_calendar,
    parse_calendars,
)
from files import write_atomic
from hours import Day
from log import Log
from settings import CalendarSetting, LibCalSettings, Settings

# A calendar that takes long must not hold up the others: most libraries have fewer calendars than this.
WORKERS = 8
# A calendar that is known to be public can do without the list of calendars: do not wait longer for it.
CALENDAR_LIST_SECONDS = 10.0
# The events do not need the opening hours: do not wait longer for them.
HOURS_SECONDS = 10.0
LOGGED_PROBLEMS = 10
# The cause of a calendar of which LibCal has not yet said whether it is public.
NOT_DESCRIBED = "not_described"

_HoursOfPlaces = Mapping[str, Mapping[date, Day]]


class Fetcher:
    """Fetches all calendars and their images for one run, and logs the results."""

    def __init__(
        self,
        client: Client,
        settings: Settings,
        libcal: LibCalSettings,
        window: Window,
        last: Snapshot,
        log: Log,
    ) -> None:
        self._client = client
        self._settings = settings
        self._libcal = libcal
        self._window = window
        self._last = last
        self._log = log
        self._results: dict[str, NormalizedCalendar] = {}
        self._failed: dict[str, tuple[str, int]] = {}
        self._names: dict[str, str] = {}
        self._held_back: dict[str, str] = {}
        self._places = tuple(dict.fromkeys(branch.hours for branch in settings.branches if branch.hours))
        self._hours: _HoursOfPlaces | Unavailable = {}

    @property
    def dropped(self) -> int:
        """The number of unusable events."""
        return sum(result.dropped for result in self._results.values())

    def fetch_calendars(self, deadline: Deadline) -> None:
        """Fetch all calendars, until the deadline. Raises Misconfigured."""
        calendars = self._libcal.calendars
        jobs = {calendar.id: partial(self._events, calendar) for calendar in calendars}
        calendar_list = run_jobs(
            {"": self._client.calendars}, deadline.within(CALENDAR_LIST_SECONDS), workers=1
        )
        hours = self._start_hours(deadline)
        for name, result in run_jobs(jobs, deadline, workers=WORKERS):
            if isinstance(result, Unavailable):
                self._failed[name] = (result.cause, result.tries)
            elif isinstance(result, Exception):
                raise result
            else:
                self._results[name] = result
        if all(self._failed.get(calendar.id, ("",))[0] == "forbidden" for calendar in calendars):
            raise Misconfigured(self._client.refused)
        self._refuse_absent()
        self._use_calendar_list(next(calendar_list, ("", Unavailable("deadline")))[1])
        if all(self._held_back.get(calendar.id) == INTERNAL for calendar in calendars):
            raise Misconfigured("all calendars in LIBCAL_CALENDARS are internal; choose public ones")
        self._use_hours(next(hours, ("", Unavailable("deadline")))[1])

    def _refuse_absent(self) -> None:
        """Raise Misconfigured for a new calendar without a feed, if another one has its feed."""
        known = {calendar.id for calendar in self._last.calendars if calendar.fetched}
        wrong = [
            calendar.label or calendar.id
            for calendar in self._libcal.calendars
            if calendar.id not in known and self._failed.get(calendar.id, ("",))[0] in self._client.absent
        ]
        if wrong and self._results:
            raise Misconfigured(f"LIBCAL_CALENDARS has {', '.join(wrong)}, which has no calendar feed")

    def _start_hours(self, deadline: Deadline) -> Iterator[tuple[str, _HoursOfPlaces | Exception]]:
        """Start to fetch the opening hours; yield (name, result or exception) once they are there."""
        if not self._places:
            return iter([("", {})])
        job = partial(opening_hours.fetch, self._client, self._places, self._window.first_day)
        return run_jobs({"": job}, deadline.within(HOURS_SECONDS), workers=1)

    def _use_hours(self, answer: _HoursOfPlaces | Exception) -> None:
        """Keep the opening hours of this run, and log what LibCal did not send."""
        if isinstance(answer, Exception) and not isinstance(answer, Unavailable):
            raise answer
        self._hours = answer
        if isinstance(answer, Unavailable):
            advice = "; give the LibCal application the right to read hours" * (answer.cause == "forbidden")
            self._log.warn(f"opening hours not fetched; keeping the last ones{advice}", cause=answer.cause)
            return
        unknown = [place for place in self._places if place not in answer]
        if unknown:
            self._log.warn(
                "LibCal has no opening hours with these ids; correct BRANCHES", hours=",".join(unknown)
            )

    def merged(self, images: ImageCache) -> Snapshot:
        """Return the events to publish, with the images that are in the cache."""
        outcomes = [self._outcome(calendar, images) for calendar in self._libcal.calendars]
        merged = merge(self._last, outcomes, self._window, believe=self._settings.force)
        hours = opening_hours.merge(self._last.hours, self._places, self._hours, self._window.now)
        return replace(merged, hours=hours, photos=self._photos(images), dropped=self.dropped)

    def _photos(self, images: ImageCache) -> dict[str, str]:
        """Return the image of each branch that has a photo; the last one if it is not in the cache."""
        last = self._last.photos
        found = {
            branch.name: images.stem(branch.photo) or last.get(branch.name, "")
            for branch in self._settings.branches
            if branch.photo
        }
        return {name: stem for name, stem in found.items() if stem}

    def with_images(self, snapshot: Snapshot, images: ImageCache, deadline: Deadline) -> Snapshot:
        """Refresh the image cache, the next events first; return the snapshot with the new images."""
        addresses = {key: value for result in self._results.values() for key, value in result.images.items()}
        wanted = [branch.photo for branch in self._settings.branches if branch.photo]
        wanted += [addresses[event.id] for event in snapshot.events if event.id in addresses]
        downloader = Downloader(
            origin=Origin.of(self._libcal.url),
            user_agent=user_agent(self._settings.site_url),
            limit=MAX_BYTES,
        )
        images.refresh(wanted, downloader, deadline)
        return self.merged(images)

    def _events(self, calendar: CalendarSetting) -> NormalizedCalendar:
        window = self._window
        context = Context(
            calendar=calendar.id,
            branch=calendar.label,
            zone=self._settings.timezone,
            now=window.now,
            last_day=window.last_day,
            origin=Origin.of(self._libcal.url),
            closing_category=self._settings.closing_category,
            show_presenter=self._settings.show_presenter,
            language=self._settings.locale.partition("_")[0],
            featured_category=self._settings.featured_category,
            budget=Budget(MAX_DESCRIPTIONS // len(self._libcal.calendars)),
        )
        with contextlib.ExitStack() as held:
            raw = self._client.events(calendar.id, window.first_day, window.days, held)
            return normalize_calendar(raw, context)

    def _use_calendar_list(self, answer: list[Any] | Exception) -> None:
        """Set the calendars' names, and which are held back. Only public calendars may be published.

        If LibCal sends no list, names and visibility are those of the last run.
        """
        known = {calendar.id: calendar for calendar in self._last.calendars}
        described: dict[str, tuple[str, bool]] = {}
        if isinstance(answer, Unavailable | Misconfigured):
            cause = answer.cause if isinstance(answer, Unavailable) else "refused"
            self._log.warn(
                "list of calendars not fetched; using names and visibility of the last run", cause=cause
            )
            missing = NOT_DESCRIBED
        elif isinstance(answer, Exception):
            raise answer
        else:
            described, missing = parse_calendars(answer), NOT_LISTED
            self._refuse_unknown(described, known)
        for calendar in self._libcal.calendars:
            last = known.get(calendar.id, Calendar(id=calendar.id))
            if calendar.id in described:
                self._names[calendar.id], public = described[calendar.id]
                cause = "" if public else INTERNAL
            elif last.cause == INTERNAL:
                cause = INTERNAL
            else:
                cause = "" if missing == NOT_DESCRIBED and last.fetched else missing
            if cause:
                self._held_back[calendar.id] = cause

    def _refuse_unknown(self, described: dict[str, tuple[str, bool]], known: dict[str, Calendar]) -> None:
        """Raise Misconfigured for a calendar that was never fetched and that LibCal does not list."""
        wrong = [
            calendar.id
            for calendar in self._libcal.calendars
            if calendar.id not in described
            and known.get(calendar.id, Calendar(id=calendar.id)).fetched is None
        ]
        if described and wrong:
            public = [f"{key} {name}".strip() for key, (name, public) in described.items() if public]
            raise Misconfigured(
                f"LIBCAL_CALENDARS has {', '.join(wrong)}, which LibCal does not list; "
                f"it lists {', '.join(public[:20]) or 'no public calendar'}"
            )

    def _outcome(self, calendar: CalendarSetting, images: ImageCache) -> Outcome:
        name = self._names.get(calendar.id, "")
        outcome = Outcome(id=calendar.id, label=calendar.label, name=name)
        result = self._results.get(calendar.id)
        held_back = self._held_back.get(calendar.id, "")
        if held_back and not (result is None and held_back == NOT_DESCRIBED):
            return replace(outcome, cause=held_back)
        if result is None:
            return replace(outcome, cause=self._failed.get(calendar.id, ("deadline", 1))[0])
        name = name or result.name
        before = {event.id: event.image for event in self._last.events}
        events = []
        for event in result.events:
            image = ""
            if address := result.images.get(event.id):
                image = images.stem(address) or before.get(event.id, "")
            # A closure without a branch is one of all branches.
            branch = event.branch if event.kind == CLOSURE else event.branch or name
            events.append(replace(event, branch=branch, image=image))
        all_unusable = 0 < result.received == result.dropped
        return replace(
            outcome,
            name=name,
            events=tuple(events),
            unusable_ids=result.unusable_ids,
            all_unusable=all_unusable,
        )

    def log_results(self, snapshot: Snapshot, seconds: float) -> None:
        """Log one line for each calendar, and the first problems with single events."""
        for calendar in snapshot.calendars:
            if calendar.cause == INTERNAL:
                self._log.error(
                    "calendar is not public in LibCal; publishing none of its events", calendar=calendar.id
                )
            elif calendar.cause == NOT_LISTED:
                self._log.warn(
                    "calendar is not in LibCal's list of calendars; keeping its last good events",
                    calendar=calendar.id,
                    kept=calendar.events,
                )
            elif calendar.cause == DOUBTED:
                self._log.warn(
                    "calendar lost most of its events; keeping the old ones for one run (FORCE=1 drops them)",
                    calendar=calendar.id,
                    name=calendar.label or calendar.name,
                    events=len(self._results[calendar.id].events),
                    previous=calendar.events,
                )
            elif calendar.cause:
                self._log.warn(
                    "calendar not fetched; keeping its last good events",
                    calendar=calendar.id,
                    cause=calendar.cause,
                    tries=self._failed.get(calendar.id, ("", 1))[1],
                    age_minutes=calendar.age_minutes(self._window.now) if calendar.fetched else "none",
                    kept=calendar.events,
                    seconds=seconds,
                )
            else:
                dropped = self._results[calendar.id].dropped
                self._log.info(
                    "calendar fetched", calendar=calendar.id, events=calendar.events, dropped=dropped
                )
        received = {event.id for result in self._results.values() for event in result.events}
        if len(received) > MAX_EVENTS:
            self._log.warn(
                "too many events; publishing the first ones", events=len(received), published=MAX_EVENTS
            )
        if any(result.zone_doubtful for result in self._results.values()):
            self._log.warn(
                "all event times are in UTC; check the time zone in LibCal",
                timezone=self._settings.timezone.key,
            )
        self._log_problems()

    def save_problems(self, path: Path) -> None:
        """Write the dropped and corrected events of this run to `path`, for staff. Never published."""
        events = [
            {
                "calendar": calendar,
                "id": problem.id,
                "title": problem.title,
                "result": "dropped" if problem.dropped else "published with a correction",
                "why": problem.why,
                "address": problem.address,
            }
            for calendar, problem in self._problems()
        ]
        data = {"checked": self._window.now.isoformat(), "events": events}
        write_atomic(path, json.dumps(data, ensure_ascii=True, indent=1).encode() + b"\n", mode=0o600)

    def _problems(self) -> list[tuple[str, Problem]]:
        """Return (calendar, problem), the dropped events first."""
        found = [
            (calendar, problem) for calendar, result in self._results.items() for problem in result.problems
        ]
        return sorted(found, key=lambda item: not item[1].dropped)

    def _log_problems(self) -> None:
        problems = self._problems()
        for calendar, problem in problems[:LOGGED_PROBLEMS]:
            self._log.warn(
                _message(problem),
                calendar=calendar,
                event=problem.id or "none",
                field=problem.field,
                why=problem.why,
                address=problem.address or "none",
            )
        if len(problems) > LOGGED_PROBLEMS:
            self._log.warn(
                "more events dropped or corrected; problems.json lists all",
                suppressed=len(problems) - LOGGED_PROBLEMS,
            )


def _message(problem: Problem) -> str:
    if problem.field == "description" and not problem.dropped:
        return "description too complex or too long; publishing it as plain text"
    return (
        "event dropped: correct it in LibCal" if problem.dropped else "event published with a corrected field"
    )
