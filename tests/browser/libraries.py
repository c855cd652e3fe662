"""Sites of whole libraries, written by the real fetch and generate, images included.

`larkfield` is the sample library. `danish` is a research library in Copenhagen: real events from the file
EVENTS_FILE (LibCal's v1.1 shape, {"events": [...]}), or invented ones that are as messy (standins/danish.py).
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from unittest import mock
from zoneinfo import ZoneInfo

import generate
from browser import sample_events
from event import Event, Snapshot
from standins import danish, sample
from standins.libcal_server import LibCal

ROOT = Path(__file__).resolve().parents[2]
EVENTS_FILE = os.environ.get("EVENTS_FILE", "")
SITE_URL = "https://events.example.org"
# The events of a file are moved into this many days, even if they span years.
DAYS = 84


@dataclass(frozen=True)
class Library:
    """A library's site and its source; `now` is the time of generation, in the library's zone."""

    build: Path
    now: datetime

    @property
    def site(self) -> Path:
        """The folder of the site."""
        return self.build / "site"

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """All events, unlisted ones included."""
        zone = self.now.tzinfo
        assert isinstance(zone, ZoneInfo)
        return Snapshot.load(self.build / "events.json", zone).events

    def event(self, choose: Callable[[Event], object]) -> Event:
        """Return the first event that `choose` accepts; StopIteration if there is none."""
        return next(event for event in self.events if choose(event))


def larkfield(build: Path, now: datetime = sample_events.NOW, **settings: str) -> Library:
    """Generate the site of the sample library in `build`, or return the one that is there."""
    if _is_made(build):
        return Library(build, now)
    with LibCal(now=now) as libcal:
        return _made(build, now, {**libcal.settings, **sample.SETTINGS, **settings})


def danish_library(build: Path, now: datetime = sample_events.NOW, **settings: str) -> Library:
    """Generate the Danish library's site in `build`, with events moved after `now`, unless it exists."""
    now = now.astimezone(danish.ZONE)
    if _is_made(build):
        return Library(build, now)
    with LibCal((), zone=danish.ZONE, now=now) as libcal:
        file = Path(EVENTS_FILE) if EVENTS_FILE else danish.write(build / "danish.json")
        libcal.load(file, fold=DAYS)
        names = {"SITE_NAME": danish.NAME, "LOCALE": "da_DK", "DAYS_AHEAD": str(DAYS)}
        return _made(build, now, {**libcal.settings, **names, **settings})


def run(program: str, build: Path, now: datetime, settings: dict[str, str]) -> str:
    """Run a program of scripts/ and return its log; raise AssertionError with the log if it fails."""
    command = [sys.executable, str(ROOT / "scripts" / program)]
    environment = _environment(build, now, settings)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    return done.stderr


def generate_here(build: Path, now: datetime, settings: dict[str, str]) -> None:
    """Run generate.py in this process, which is faster; raise AssertionError if it fails."""
    environment = mock.patch.dict(os.environ, _environment(build, now, settings), clear=True)
    with environment, contextlib.redirect_stderr(io.StringIO()) as log:
        code = generate.main([])
    assert code == 0, log.getvalue()


def _environment(build: Path, now: datetime, settings: dict[str, str]) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "BUILD_DIR": str(build),
        "EVENTS_NOW": now.isoformat(),
        "SITE_URL": SITE_URL,
        **settings,
    }


def _is_made(build: Path) -> bool:
    # Written last.
    return (build / "site.manifest").exists()


def _made(build: Path, now: datetime, settings: dict[str, str]) -> Library:
    # On a slow machine fetch.py leaves images for its next run; run it until all are there.
    while "deferred=0" not in run("fetch.py", build, now, settings):
        pass
    run("generate.py", build, now, settings)
    return Library(build, now)


def rows(events: Iterable[Event]) -> set[str]:
    """Return the ids in a list of `events`: the first day stands for all days of a stop-by program."""
    found: set[str] = set()
    runs: dict[tuple[object, ...], list[Event]] = {}
    for event in sorted(events, key=lambda event: event.order):
        key = (event.title, event.place, event.branch, event.start.time(), event.end.time())
        long = not event.all_day and timedelta(hours=3) <= event.end - event.start < timedelta(hours=15)
        run = runs.setdefault(key, [])
        if run and not (long and timedelta(0) < event.start - run[-1].start <= timedelta(days=4, hours=1)):
            found |= _row(run)
            run.clear()
        run.append(event)
    return found.union(*map(_row, runs.values()))


def _row(run: list[Event]) -> set[str]:
    return {event.id for event in (run[:1] if len(run) >= 3 else run)}
