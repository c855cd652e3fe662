"""Fetch the library's events from LibCal into build/events.json.

Reads   LibCal; settings SOURCE, LIBCAL_URL, LIBCAL_CLIENT_ID, LIBCAL_CLIENT_SECRET, LIBCAL_CALENDARS,
        DAYS_AHEAD, TIMEZONE, STALE_AFTER_MINUTES from the environment or .env
Writes  $BUILD_DIR/events.json      the events, public fields only; replaced in one step
        $BUILD_DIR/problems.json    events that were dropped or corrected, and why; for staff, never published
        $BUILD_DIR/changes.log      each event that was added, changed, cancelled or has vanished
        $BUILD_DIR/images/          the events' images in three sizes, and index.json with their addresses

Takes at most a minute. A calendar that cannot be fetched keeps its last good events. One that suddenly has
fewer than half of its events keeps them for one run (FORCE=1 drops the lost events at once).

Exit codes: 0 done, or LibCal failed but all saved events are younger than STALE_AFTER_MINUTES ·
1 failed · 2 wrong usage · 75 LibCal unavailable, try later · 78 a setting or a credential is missing or
wrong; no file written
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
from files import PARTIAL_PREFIX, write_atomic
from log import Log, logfmt
from settings import LibCalSettings, Settings, read_environment

if TYPE_CHECKING:
    from event import Snapshot
    from fetching.deadline import Deadline
    from fetching.fetcher import Fetcher
    from fetching.image_cache import ImageCache
    from fetching.libcal import Limits

STEP = "fetch"
SECONDS = 60.0
IMAGES_SECONDS = 20.0
PARTIAL_AGE = 3600
LOGGED_CHANGES = 20
CHANGES_BYTES = 1_000_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step; return its exit code."""
    program.options(__doc__).parse_args(argv)
    log = Log(STEP)

    def work() -> int:
        env = read_environment(log=log)
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
    """Update build/events.json within `seconds`; return the exit code."""
    from fetching.deadline import Deadline
    from fetching.fetcher import Fetcher
    from fetching.image_cache import ImageCache
    from fetching.libcal import Misconfigured, connect
    from fetching.merge import Window

    began = time.monotonic()
    settings = replace(settings, now=settings.now.replace(microsecond=0))
    path = settings.build_dir / "events.json"
    settings.build_dir.mkdir(parents=True, exist_ok=True)
    _remove_partial_files(settings.build_dir, log)
    last = _last_snapshot(path, settings, libcal, log)
    window = Window(now=settings.now, last_day=settings.now.date() + timedelta(days=settings.days_ahead))
    deadline = Deadline(seconds)
    client = connect(settings, libcal, log, deadline, limits)
    fetcher = Fetcher(client, settings, libcal, window, last, log)
    try:
        fetcher.fetch_calendars(deadline)
    except Misconfigured as error:
        log.error(str(error), rc=exit_codes.CONFIG)
        return exit_codes.CONFIG
    images = ImageCache(settings.build_dir / "images", settings.now, log)
    snapshot = fetcher.merged(images)
    fetcher.log_results(snapshot, time.monotonic() - began)
    fetcher.save_problems(settings.build_dir / "problems.json")
    if any(calendar.fetched for calendar in snapshot.calendars):
        # Before the images, which may be slow or use up the memory.
        snapshot.save(path)
        _record_changes(last, snapshot, settings, log)
        _add_images(fetcher, snapshot, images, path, deadline, log)
    _write_numbers(snapshot, settings)
    return _verdict(snapshot, settings, log, time.monotonic() - began)


def _record_changes(last: Snapshot, snapshot: Snapshot, settings: Settings, log: Log) -> None:
    """Log the first changed events, and add all to changes.log, which is rotated."""
    from fetching.changes import compare

    changes = list(compare(last, snapshot, settings.now.date()))
    path = settings.build_dir / "changes.log"
    lines: list[str] = []
    for change in changes:
        fields = {"event": change.event.id, "title": change.event.title, **change.fields}
        fields |= {"address": change.event.url or "none"}
        if len(lines) < LOGGED_CHANGES:
            log.info(f"event {change.kind}", **fields)
        lines.append(logfmt({"time": settings.now.isoformat(), "change": change.kind, **fields}) + "\n")
    if len(changes) > LOGGED_CHANGES:
        log.info("more events changed; changes.log lists all", suppressed=len(changes) - LOGGED_CHANGES)
    if lines:
        if path.is_file() and path.stat().st_size > CHANGES_BYTES:
            path.replace(path.with_name("changes.log.1"))
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o644), "a", encoding="utf-8") as file:
            file.writelines(lines)


def _write_numbers(snapshot: Snapshot, settings: Settings) -> None:
    """Write run/fetch.stats for the summary of the run."""
    failed = [calendar for calendar in snapshot.calendars if calendar.cause]
    numbers = {
        "events": sum(calendar.events for calendar in snapshot.calendars),
        "calendars": len(snapshot.calendars),
        "calendars_failed": len(failed),
        "failed_calendars": ",".join(f"{calendar.id}:{calendar.cause}" for calendar in failed),
        "age_minutes": max((each.age_minutes(settings.now) for each in failed if each.fetched), default=0),
    }
    text = "".join(f"{key}={value}\n" for key, value in numbers.items())
    path = settings.build_dir / "run" / "fetch.stats"
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, text.encode())


def _add_images(
    fetcher: Fetcher, snapshot: Snapshot, images: ImageCache, path: Path, deadline: Deadline, log: Log
) -> None:
    """Fetch the images and save the snapshot with them. An error only warns: the events are already saved."""
    try:
        illustrated = fetcher.with_images(snapshot, images, deadline.within(IMAGES_SECONDS))
        if illustrated != snapshot:
            illustrated.save(path)
        images.save([*(event.image for event in illustrated.events), *illustrated.photos.values()])
    except OSError as error:
        log.warn(
            "cannot save images; publishing without new ones",
            errno=error.errno or 0,
            path=error.filename or "",
        )


def _remove_partial_files(build: Path, log: Log) -> None:
    """Remove partial files of killed runs. Younger files may belong to a step that is running now."""
    found = [*build.glob(f"{PARTIAL_PREFIX}*"), *build.glob(f"images/{PARTIAL_PREFIX}*")]
    old = [path for path in found if time.time() - path.stat().st_mtime > PARTIAL_AGE]
    for path in old:
        path.unlink(missing_ok=True)
    if old:
        log.info("removed partial files of a killed run", files=len(old))


def _last_snapshot(path: Path, settings: Settings, libcal: LibCalSettings, log: Log) -> Snapshot:
    """Return the events of the last run; an empty snapshot if events.json is missing or unusable."""
    from event import Snapshot, UnusableSnapshot

    empty = Snapshot(url=libcal.url)
    try:
        last = Snapshot.load(path, settings.timezone)
    except FileNotFoundError:
        return empty
    except UnusableSnapshot as error:
        log.warn("events.json is unusable; fetching from scratch", why=str(error))
        return empty
    if last.url != libcal.url:
        log.warn("events.json is from a different LIBCAL_URL; fetching from scratch")
        return empty
    fetched = max((calendar.fetched for calendar in last.calendars if calendar.fetched), default=None)
    if fetched and fetched > settings.now:
        log.warn("last fetch is in the future; check the clock of this machine", fetched=fetched.isoformat())
    return last


def _verdict(snapshot: Snapshot, settings: Settings, log: Log, seconds: float) -> int:
    """Log the result of the step and return its exit code."""
    from event import DOUBTED, INTERNAL

    failed = [item for item in snapshot.calendars if item.cause not in ("", DOUBTED, INTERNAL)]
    never = [item.id for item in failed if item.fetched is None]
    age = max((item.age_minutes(settings.now) for item in failed if item.fetched), default=0)
    if never:
        log.error(
            "LibCal unavailable; no saved events for these calendars",
            calendar=",".join(never),
            rc=exit_codes.UNAVAILABLE,
        )
        return exit_codes.UNAVAILABLE
    if failed and age >= settings.stale_after_minutes:
        log.error("LibCal unavailable; saved events are too old", age_minutes=age, rc=exit_codes.UNAVAILABLE)
        return exit_codes.UNAVAILABLE
    log.info(
        "events fetched",
        calendars=len(snapshot.calendars),
        failed=len(failed),
        events=sum(calendar.events for calendar in snapshot.calendars),
        past=sum(event.last_day < settings.now.date() for event in snapshot.events),
        dropped=snapshot.dropped,
        seconds=seconds,
        rc=exit_codes.OK,
    )
    return exit_codes.OK


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    exit_code = main()
    sys.stderr.flush()
    # Exit without waiting for threads that still hang on LibCal.
    os._exit(exit_code)
