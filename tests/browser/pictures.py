"""Usage: make pictures

Writes the README's screenshots (docs/*.webp) of the sample library.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Page

from browser import chromium, libraries
from browser.sample_events import NOW
from browser.screens import Screen
from browser.server import SiteServer

DOCS = Path(__file__).resolve().parents[2] / "docs"


@dataclass(frozen=True, slots=True)
class View:
    """One screenshot: the page to open, the window in CSS pixels, and the width of the file in pixels."""

    name: str
    path: str
    width: int
    height: int
    pixels: int


def main() -> None:
    """Take all screenshots."""
    DOCS.mkdir(exist_ok=True)
    with TemporaryDirectory() as name, chromium.launch() as browser:
        library = libraries.larkfield(Path(name))
        event = library.event(lambda event: event.image and event.registration and event.start > NOW)
        server = SiteServer(library.site)
        try:
            for view in (
                View("list", "index.html", 1200, 900, 1200),
                View("phone", "index.html", 390, 844, 390),
                View("event", f"event/{event.id}.html", 1000, 900, 1000),
                View("screen", "screen.html?layout=agenda", 1920, 1080, 1200),
                View("screen-slide", "screen.html?layout=slides", 1920, 1080, 1200),
            ):
                _save(_shot(browser, server, view), view)
        finally:
            server.close()


def _shot(browser: Browser, server: SiteServer, view: View) -> bytes:
    context = browser.new_context(
        viewport={"width": view.width, "height": view.height}, timezone_id="America/New_York"
    )
    page: Page = context.new_page()
    page.clock.install(time=NOW)
    server.date = NOW.timestamp()
    page.goto(server.url(view.path), wait_until="networkidle")
    if view.path.startswith("screen"):
        Screen(page, server).settle()
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
