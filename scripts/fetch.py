#!/usr/bin/env python3
"""Fetch the library's events from LibCal into build/events.json.

Reads   LibCal (LIBCAL_URL, LIBCAL_CLIENT_ID, LIBCAL_CLIENT_SECRET, LIBCAL_CALENDARS, DAYS_AHEAD,
        TIMEZONE, STALE_AFTER_MINUTES; from the environment or .env)
Writes  $BUILD_DIR/events.json      only what may be public; old or new, never half

Ends within a minute. A calendar that cannot be fetched keeps its last good events.

Exit codes: 0 done, or every calendar's last good fetch is younger than STALE_AFTER_MINUTES ·
1 failed · 2 wrong usage · 75 LibCal unavailable: try later · 78 a setting or a credential is
missing or wrong, nothing written
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import exit_codes
from files import PARTIAL_PREFIX
from log import Log
from settings import CalendarSetting, LibCalSettings, SettingError, Settings, environment

if TYPE_CHECKING:
    from deadline import Deadline
    from event import Calendar, Snapshot
    from libcal import Client, Limits
    from merge import Outcome, Window
    from normalise import Normalised

STEP = "fetch"
SECONDS = 60.0
WORKERS = 4
# Their names and visibility are worth a moment, no more.
DESCRIBED_WITHIN = 10.0
LOGGED_PROBLEMS = 10
LEFTOVER_AGE = 3600


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.parse_args(argv)
    log = Log(STEP)
    try:
        env = environment()
        settings, libcal = Settings.from_env(env), LibCalSettings.from_env(env)
        log.hide(libcal.client_secret)
        return fetch(settings, libcal, log)
    except SettingError as error:
        log.error(error.why, key=error.key, rc=exit_codes.CONFIG)
        return exit_codes.CONFIG
    except OSError as error:
        log.error(
            error.strerror or str(error),
            errno=error.errno or 0,
            path=error.filename or "",
            rc=exit_codes.FAILED,
        )
        return exit_codes.FAILED


def fetch(
    settings: Settings,
    libcal: LibCalSettings,
    log: Log,
    *,
    seconds: float = SECONDS,
    limits: Limits | None = None,
) -> int:
    """Bring build/events.json up to date within `seconds`; return the exit code."""
    from deadline import Deadline
    from libcal import Client, Misconfigured
    from merge import Window, merge

    began = time.monotonic()
    settings = replace(settings, now=settings.now.replace(microsecond=0))
    path = settings.build_dir / "events.json"
    settings.build_dir.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(settings.build_dir, log)
    last = _last_snapshot(path, settings, libcal, log)
    window = Window(now=settings.now, last_day=settings.now.date() + timedelta(days=settings.days_ahead))
    deadline = Deadline(seconds)
    client = Client(libcal, log, deadline, limits=limits, contact=settings.site_url)
    run = _Run(client, settings, libcal, window, last, log)
    try:
        run.ask(deadline)
    except Misconfigured as error:
        log.error(str(error), rc=exit_codes.CONFIG)
        return exit_codes.CONFIG
    snapshot = replace(merge(last, run.outcomes, window), dropped=run.dropped)
    run.report(snapshot, time.monotonic() - began)
    if any(calendar.fetched for calendar in snapshot.calendars):
        snapshot.save(path)
    return _verdict(snapshot, settings, log, time.monotonic() - began)


def _remove_leftovers(build: Path, log: Log) -> None:
    """Remove what a killed run was writing; younger files may be another step's, at work now."""
    old = [
        path for path in build.glob(f"{PARTIAL_PREFIX}*") if time.time() - path.stat().st_mtime > LEFTOVER_AGE
    ]
    for path in old:
        path.unlink(missing_ok=True)
    if old:
        log.info("removed leftovers", files=len(old))


def _last_snapshot(path: Path, settings: Settings, libcal: LibCalSettings, log: Log) -> Snapshot:
    """Return what the last run wrote; an empty snapshot if there is none that can be used."""
    from event import Snapshot, UnusableSnapshot

    nothing = Snapshot(url=libcal.url)
    try:
        last = Snapshot.load(path, settings.timezone)
    except FileNotFoundError:
        return nothing
    except UnusableSnapshot as error:
        log.warn("events.json not usable; starting without it", why=str(error))
        return nothing
    if last.url != libcal.url:
        log.warn("events.json is of another LIBCAL_URL; starting without it")
        return nothing
    fetched = max((calendar.fetched for calendar in last.calendars if calendar.fetched), default=None)
    if fetched and fetched > settings.now:
        log.warn("last fetch in the future: is the clock right?", fetched=fetched.isoformat())
    return last


class _Run:
    """Asks for all calendars at once, and tells how it went."""

    def __init__(
        self,
        client: Client,
        settings: Settings,
        libcal: LibCalSettings,
        window: Window,
        last: Snapshot,
        log: Log,
    ) -> None:
        self.outcomes: tuple[Outcome, ...] = ()
        self._client = client
        self._zone = settings.timezone
        self._libcal = libcal
        self._window = window
        self._last = last
        self._log = log
        self._good: dict[str, Normalised] = {}
        self._failed: dict[str, tuple[str, int]] = {}

    @property
    def dropped(self) -> int:
        """How many events could not be used."""
        return sum(result.dropped for result in self._good.values())

    def ask(self, deadline: Deadline) -> None:
        """Wait for all calendars, but not beyond the deadline. Raises Misconfigured."""
        from deadline import run_jobs
        from libcal import REFUSED, Misconfigured, Unavailable

        calendars = self._libcal.calendars
        jobs = {calendar.id: partial(self._events, calendar) for calendar in calendars}
        described = run_jobs({"": self._client.calendars}, deadline.within(DESCRIBED_WITHIN), workers=1)
        for name, result in run_jobs(jobs, deadline, workers=WORKERS):
            if isinstance(result, Unavailable):
                self._failed[name] = (result.cause, result.tries)
            elif isinstance(result, Exception):
                raise result
            else:
                self._good[name] = result
        if all(self._failed.get(calendar.id, ("",))[0] == "forbidden" for calendar in calendars):
            raise Misconfigured(REFUSED)
        notes, internal = self._described(next(described, ("", Unavailable("deadline")))[1])
        if all(calendar.id in internal for calendar in calendars):
            raise Misconfigured("every calendar of LIBCAL_CALENDARS is internal: choose public ones")
        self.outcomes = tuple(
            self._outcome(calendar, notes.get(calendar.id, ""), calendar.id in internal)
            for calendar in calendars
        )

    def _events(self, calendar: CalendarSetting) -> Normalised:
        from links import Origin
        from normalise import Context, normalise

        window = self._window
        context = Context(
            calendar=calendar.id,
            branch=calendar.label,
            zone=self._zone,
            now=window.now,
            last_day=window.last_day,
            origin=Origin.of(self._libcal.url),
        )
        return normalise(self._client.events(calendar.id, window.first_day, window.days), context)

    def _described(self, answer: list[Any] | Exception) -> tuple[dict[str, str], set[str]]:
        """Return the calendars' names, and which of them are internal: as LibCal says, else as it last said."""
        from event import INTERNAL
        from normalise import calendar_notes

        internal = {calendar.id for calendar in self._last.calendars if calendar.cause == INTERNAL}
        if isinstance(answer, Exception):
            self._log.info(
                "LibCal does not describe its calendars", cause=getattr(answer, "cause", "refused")
            )
            return {}, internal
        notes = calendar_notes(answer)
        internal = (internal - notes.keys()) | {id_ for id_, (_, is_internal) in notes.items() if is_internal}
        return {id_: name for id_, (name, _) in notes.items()}, internal

    def _outcome(self, calendar: CalendarSetting, name: str, internal: bool) -> Outcome:
        from event import INTERNAL
        from merge import Outcome

        outcome = Outcome(id=calendar.id, label=calendar.label, name=name)
        if internal:
            return replace(outcome, cause=INTERNAL)
        good = self._good.get(calendar.id)
        if good is None:
            return replace(outcome, cause=self._failed.get(calendar.id, ("deadline", 1))[0])
        name = name or good.name
        return replace(
            outcome,
            name=name,
            events=tuple(replace(event, branch=event.branch or name) for event in good.events),
            spoilt=good.spoilt,
            unusable=0 < good.received == good.dropped,
        )

    def report(self, snapshot: Snapshot, seconds: float) -> None:
        """Log a line for each calendar, and some about single events."""
        from event import EMPTY, INTERNAL

        for calendar in snapshot.calendars:
            if calendar.cause == INTERNAL:
                self._log.error("calendar is internal: not published", calendar=calendar.id)
            elif calendar.cause == EMPTY:
                self._log.warn("calendar became empty", calendar=calendar.id, previous=calendar.events)
            elif calendar.cause:
                self._log.warn(
                    "calendar not fetched",
                    calendar=calendar.id,
                    cause=calendar.cause,
                    tries=self._failed.get(calendar.id, ("", 1))[1],
                    age_minutes=_age(calendar, self._window.now) if calendar.fetched else "none",
                    kept=calendar.events,
                    seconds=seconds,
                )
            else:
                dropped = self._good[calendar.id].dropped
                self._log.info(
                    "calendar fetched", calendar=calendar.id, events=calendar.events, dropped=dropped
                )
        if any(result.zone_doubtful for result in self._good.values()):
            self._log.warn("every time came as UTC: is LibCal's time zone set?", timezone=self._zone.key)
        self._report_problems()

    def _report_problems(self) -> None:
        problems = [
            (calendar, problem) for calendar, result in self._good.items() for problem in result.problems
        ]
        for calendar, problem in problems[:LOGGED_PROBLEMS]:
            self._log.warn(
                "event dropped" if problem.dropped else "event mended",
                calendar=calendar,
                event=problem.id or "none",
                field=problem.field,
            )
        if len(problems) > LOGGED_PROBLEMS:
            self._log.warn("more events dropped or mended", suppressed=len(problems) - LOGGED_PROBLEMS)


def _verdict(snapshot: Snapshot, settings: Settings, log: Log, seconds: float) -> int:
    """Log how the step ends and return its exit code."""
    from event import EMPTY, INTERNAL

    failed = [item for item in snapshot.calendars if item.cause not in ("", EMPTY, INTERNAL)]
    never = [item.id for item in failed if item.fetched is None]
    age = max((_age(item, settings.now) for item in failed if item.fetched), default=0)
    if never:
        log.error(
            "LibCal unavailable, and no earlier events", calendar=",".join(never), rc=exit_codes.UNAVAILABLE
        )
        return exit_codes.UNAVAILABLE
    if failed and age >= settings.stale_after_minutes:
        log.error("LibCal unavailable", age_minutes=age, rc=exit_codes.UNAVAILABLE)
        return exit_codes.UNAVAILABLE
    log.info(
        "events fetched",
        calendars=len(snapshot.calendars),
        failed=len(failed),
        events=sum(event.listed for event in snapshot.events),
        dropped=snapshot.dropped,
        seconds=seconds,
        rc=exit_codes.OK,
    )
    return exit_codes.OK


def _age(calendar: Calendar, now: datetime) -> int:
    """Return the minutes since a calendar was last fetched; none if that lies in the future."""
    return max(0, int((now - calendar.fetched).total_seconds() // 60)) if calendar.fetched else 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    code = main()
    sys.stderr.flush()
    # A thread that still hangs on LibCal must not hold up the end.
    os._exit(code)
