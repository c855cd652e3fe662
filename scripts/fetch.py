#!/usr/bin/env python3
"""Fetch the library's events from LibCal into build/events.json.

Reads   LibCal (LIBCAL_URL, LIBCAL_CLIENT_ID, LIBCAL_CLIENT_SECRET, LIBCAL_CALENDARS, DAYS_AHEAD,
        TIMEZONE, STALE_AFTER_MINUTES; from the environment or .env)
Writes  $BUILD_DIR/events.json      only what may be public; old or new, never half
        $BUILD_DIR/images/          the events' images, made small; index.json knows where they come from

Ends within a minute. A calendar that cannot be fetched keeps its last good events.

Exit codes: 0 done, or every calendar's last good fetch is younger than STALE_AFTER_MINUTES ·
1 failed · 2 wrong usage · 75 LibCal unavailable: try later · 78 a setting or a credential is
missing or wrong, nothing written
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import exit_codes
import program
from files import PARTIAL_PREFIX
from log import Log
from settings import LibCalSettings, Settings, read_environment

if TYPE_CHECKING:
    from event import Snapshot
    from fetching.deadline import Deadline
    from fetching.fetcher import Fetcher
    from fetching.image_cache import ImageCache
    from fetching.libcal import Limits

STEP = "fetch"
SECONDS = 60.0
IMAGES_WITHIN = 20.0
LEFTOVER_AGE = 3600


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step; return its exit code."""
    program.options(__doc__).parse_args(argv)
    log = Log(STEP)

    def work() -> int:
        env = read_environment()
        settings, libcal = Settings.from_env(env), LibCalSettings.from_env(env)
        log.hide(libcal.client_secret)
        return fetch(settings, libcal, log)

    return program.run(log, work)


def fetch(
    settings: Settings,
    libcal: LibCalSettings,
    log: Log,
    *,
    seconds: float = SECONDS,
    limits: Limits | None = None,
) -> int:
    """Bring build/events.json up to date within `seconds`; return the exit code."""
    from fetching.deadline import Deadline
    from fetching.fetcher import Fetcher
    from fetching.image_cache import ImageCache
    from fetching.libcal import Client, Misconfigured
    from fetching.merge import Window

    began = time.monotonic()
    settings = replace(settings, now=settings.now.replace(microsecond=0))
    path = settings.build_dir / "events.json"
    settings.build_dir.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(settings.build_dir, log)
    last = _last_snapshot(path, settings, libcal, log)
    window = Window(now=settings.now, last_day=settings.now.date() + timedelta(days=settings.days_ahead))
    deadline = Deadline(seconds)
    client = Client(libcal, log, deadline, limits=limits, contact=settings.site_url)
    fetcher = Fetcher(client, settings, libcal, window, last, log)
    try:
        fetcher.fetch_calendars(deadline)
    except Misconfigured as error:
        log.error(str(error), rc=exit_codes.CONFIG)
        return exit_codes.CONFIG
    images = ImageCache(settings.build_dir / "images", settings.now, log)
    snapshot = fetcher.merged(images)
    fetcher.log_results(snapshot, time.monotonic() - began)
    if any(calendar.fetched for calendar in snapshot.calendars):
        # Before the images: they may take a while, or all the memory there is.
        snapshot.save(path)
        _add_images(fetcher, snapshot, images, path, deadline, log)
    return _verdict(snapshot, settings, log, time.monotonic() - began)


def _add_images(
    fetcher: Fetcher, snapshot: Snapshot, images: ImageCache, path: Path, deadline: Deadline, log: Log
) -> None:
    """Fetch the images and save the snapshot with them; whatever happens, the events are safe already."""
    try:
        illustrated = fetcher.with_images(snapshot, images, deadline.within(IMAGES_WITHIN))
        if illustrated != snapshot:
            illustrated.save(path)
        images.save(event.image for event in illustrated.events)
    except OSError as error:
        log.warn("images not kept", errno=error.errno or 0, path=error.filename or "")


def _remove_leftovers(build: Path, log: Log) -> None:
    """Remove what a killed run was writing; younger files may be another step's, at work now."""
    found = [*build.glob(f"{PARTIAL_PREFIX}*"), *build.glob(f"images/{PARTIAL_PREFIX}*")]
    old = [path for path in found if time.time() - path.stat().st_mtime > LEFTOVER_AGE]
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


def _verdict(snapshot: Snapshot, settings: Settings, log: Log, seconds: float) -> int:
    """Log how the step ends and return its exit code."""
    from event import EMPTY, INTERNAL

    failed = [item for item in snapshot.calendars if item.cause not in ("", EMPTY, INTERNAL)]
    never = [item.id for item in failed if item.fetched is None]
    age = max((item.age_minutes(settings.now) for item in failed if item.fetched), default=0)
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


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    exit_code = main()
    sys.stderr.flush()
    # A thread that still hangs on LibCal must not hold up the end.
    os._exit(exit_code)
