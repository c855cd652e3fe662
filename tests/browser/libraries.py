"""Two whole libraries for the browser tests, from a LibCal stand-in through the real fetch.py and generate.py.

The first is the sample library. The second is Danish: the events of the file that EVENTS_FILE names
({"events": [...]} as LibCal's API gives them, moved to lie ahead), or else those of danish.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import sample
from browser import danish
from event import Event, Snapshot
from libcal_server import LibCal

ROOT = Path(__file__).resolve().parents[2]
# Read as the module is loaded: no test sees the developer's environment.
EVENTS_FILE = os.environ.get("EVENTS_FILE", "")
SITE_URL = "https://events.example.org"
DAYS = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A generated site as of `now`, what it was made from, and what it was made with."""

    name: str
    build: Path
    now: datetime
    events: tuple[Event, ...]
    settings: dict[str, str]

    @property
    def site(self) -> Path:
        """The folder of the site."""
        return self.build / "site"

    @property
    def zone(self) -> ZoneInfo:
        """The zone of its clocks."""
        return ZoneInfo(self.settings["TIMEZONE"])

    @property
    def pages(self) -> list[str]:
        """The paths of all its pages but the screens."""
        paths = (str(path.relative_to(self.site)) for path in self.site.rglob("*.html"))
        return sorted(path for path in paths if not path.startswith("screen"))

    @property
    def kinds(self) -> dict[str, str]:
        """A page of each kind, by the kind: where there are several, the longest."""
        found: dict[str, str] = {}
        for path in sorted(self.pages, key=lambda path: (self.site / path).stat().st_size):
            found[path.partition("/")[0].removesuffix(".html")] = path
        return found

    def event(self, choose: Callable[[Event], bool]) -> Event:
        """Return the first event that `choose` accepts; StopIteration if there is none."""
        return next(event for event in self.events if choose(event))


def sample_library(build: Path) -> Library:
    """Make the sample library: English, New York, the clocks change in its first week."""
    now = datetime(2026, 3, 3, 9, 5, tzinfo=sample.ZONE)
    return _library("sample", build, LibCal(now=now), now, sample.SETTINGS)


def danish_library(build: Path, file: str = EVENTS_FILE) -> Library:
    """Make the Danish library: 24 hours, Copenhagen, the clocks change in its third week."""
    now = datetime(2026, 3, 10, 9, 5, tzinfo=danish.ZONE)
    libcal = LibCal(danish.events(now.date()), danish.CALENDARS, zone=danish.ZONE, now=now)
    if file:
        libcal.load(Path(file), DAYS)
    settings = {"SITE_NAME": "Åbyens Bibliotek", "TIMEZONE": danish.ZONE.key, "LOCALE": "da_DK"}
    return _library("real" if file else "danish", build, libcal, now, settings)


def both(folder: Path) -> dict[str, Library]:
    """Make both, side by side: `sample` and `danish`."""
    with ThreadPoolExecutor() as pool:
        first = pool.submit(sample_library, folder / "sample")
        second = pool.submit(danish_library, folder / "danish")
        return {"sample": first.result(), "danish": second.result()}


def _library(name: str, build: Path, libcal: LibCal, now: datetime, settings: dict[str, str]) -> Library:
    with libcal:
        settings = {**libcal.settings, "SITE_URL": SITE_URL, **settings}
        for program in ("fetch.py", "generate.py"):
            run(program, build, now, settings)
    events = Snapshot.load(build / "events.json", ZoneInfo(settings["TIMEZONE"])).events
    return Library(name=name, build=build, now=now, events=events, settings=settings)


def run(program: str, build: Path, now: datetime, settings: dict[str, str]) -> None:
    """Run one of the programs of scripts/; AssertionError with its log if it fails."""
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "BUILD_DIR": str(build),
        "EVENTS_NOW": now.isoformat(),
        **settings,
    }
    command = [sys.executable, str(ROOT / "scripts" / program)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
