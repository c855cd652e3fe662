"""Usage: make pictures

Writes the screenshots of the documentation (docs/*.webp) of the sample library.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from PIL import Image
from playwright.sync_api import Browser, Page

from browser import chromium, libraries
from browser.libraries import Library
from browser.sample_events import NOW, at, event
from browser.screens import Screen
from browser.server import SiteServer
from event import Event, Snapshot
from standins import sample

DOCS = Path(__file__).resolve().parents[2] / "docs"


@dataclass(frozen=True, slots=True)
class View:
    """One screenshot: the page to open, the window in CSS pixels, and the width of the file in pixels.

    `ahead` is the number of seconds by which the clock of the browser is ahead of the server's; `away`
    that number for which the server does not answer.
    """

    name: str
    path: str
    width: int
    height: int
    pixels: int
    now: datetime = NOW
    ahead: float = 0
    away: float = 0


@dataclass(frozen=True, slots=True)
class State:
    """A screenshot of the screen of a branch, and the facts of the snapshot that differ."""

    name: str
    now: datetime = NOW
    ahead: float = 0
    away: float = 0
    facts: dict[str, object] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def view(self) -> View:
        """Its screenshot."""
        path = "screen/main-street.html?layout=agenda"
        return View(f"screen-{self.name}", path, 1920, 1080, 480, self.now, self.ahead, self.away)


def states(found: Snapshot) -> Iterator[State]:
    """Yield the states of docs/screen.md, given the events of the sample library."""
    off = event(1, "Staff Day", at("00:00"), 24, all_day=True, branch="")
    later = tuple(each for each in found.events if each.first_day > NOW.date())
    never = tuple(replace(each, fetched=None, cause="refused") for each in found.calendars)
    yield State("opening-soon", at("08:35"))
    yield State("closed-now", at("21:00"))
    yield State("closed-today", at("10:00"), facts={"closures": (off,), "events": later})
    yield State("nothing-today", at("10:00"), facts={"events": later})
    yield State("nothing", at("10:00"), facts={"events": ()})
    yield State("full", at("10:00"), facts={"events": tuple(map(_filled, later))})
    yield State("first-run", at("10:00"), facts={"events": (), "calendars": never})
    yield State("outage", at("10:00"), away=420)
    yield State("wrong-clock", at("10:00"), ahead=4 * 3600)
    yield State("notice", at("10:00"), settings={"SCREEN_NOTICE": "Wi-Fi is down. We are working on it."})


def _filled(item: Event) -> Event:
    return replace(item, registration=None, sold_out=True)


def main() -> None:
    """Take all screenshots."""
    DOCS.mkdir(exist_ok=True)
    with TemporaryDirectory() as name, chromium.launch() as browser:
        library = libraries.larkfield(Path(name), BRANCHES=str(sample.BRANCHES))
        event = library.event(lambda event: event.image and event.registration and event.start > NOW)
        server = SiteServer(library.site)
        try:
            for view in (
                View("list", "index.html", 1200, 900, 1200),
                View("phone", "index.html", 390, 844, 390),
                View("event", f"event/{event.id}.html", 1000, 900, 1000),
                View("screen", "screen.html?layout=agenda", 1920, 1080, 1200),
                View("screen-slide", "screen.html?layout=slides", 1920, 1080, 1200),
                View("screen-light", "screen.html?layout=agenda&theme=light", 1920, 1080, 480),
                View("screen-next", "screen.html?only=next", 1920, 1080, 480),
                View("screen-portrait", "screen.html?layout=agenda", 1080, 1920, 270),
                View("screen-portrait-slide", "screen.html?layout=slides", 1080, 1920, 270),
            ):
                _save(_shot(browser, server, view), view)
        finally:
            server.close()
        _take_states(browser, library)


def _take_states(browser: Browser, library: Library) -> None:
    """Generate the library's site again for each state."""
    file = library.build / "events.json"
    zone = NOW.tzinfo
    assert isinstance(zone, ZoneInfo)
    found = Snapshot.load(file, zone)
    for state in states(found):
        fetched = {
            "calendars": tuple(replace(each, fetched=state.now) for each in found.calendars),
            "hours": tuple(replace(each, fetched=state.now) for each in found.hours),
        }
        replace(found, **{**fetched, **state.facts}).save(file)  # type: ignore[arg-type]
        settings = {**sample.SETTINGS, "BRANCHES": str(sample.BRANCHES), "MIN_EVENTS": "0", **state.settings}
        libraries.generate_here(library.build, state.now, settings)
        server = SiteServer(library.site)
        try:
            _save(_shot(browser, server, state.view), state.view)
        finally:
            server.close()


def _shot(browser: Browser, server: SiteServer, view: View) -> bytes:
    context = browser.new_context(
        viewport={"width": view.width, "height": view.height}, timezone_id="America/New_York"
    )
    page: Page = context.new_page()
    begin = view.now.timestamp() + view.ahead
    page.clock.install(time=begin)
    server.date = view.now.timestamp()
    page.goto(server.url(view.path), wait_until="networkidle")
    if view.path.startswith("screen"):
        screen = Screen(page, server, view.ahead)
        screen.settle()
        if view.away:
            server.close()
            screen.let_pass(view.away, 20)
        # Until the old page has faded.
        page.clock.run_for(600)
    taken = page.screenshot()
    context.close()
    return taken


def _save(png: bytes, view: View) -> None:
    picture = Image.open(io.BytesIO(png))
    height = picture.height * view.pixels // picture.width
    picture.resize((view.pixels, height), Image.Resampling.LANCZOS).save(
        DOCS / f"{view.name}.webp", quality=82, method=6
    )
    print(f"docs/{view.name}.webp")


if __name__ == "__main__":
    main()
