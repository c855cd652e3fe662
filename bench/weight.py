"""Measure the bytes that a visitor's phone loads, for libraries of 0, 1, 200 and 500 events.

Measured in Chromium in a window of 360 by 740 pixels, without scrolling. Text is counted after gzip at
level 6, as CloudFront sends it; images are counted as they are. The table has no times, so that a site weighs
the same on every machine. tests/browser/test_weight.py sets limits for 200 events.
"""

from __future__ import annotations

import gzip
import io
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import Browser

from bench import sample
from bench.measure import Table
from browser import chromium
from browser.server import SiteServer
from event import IMAGE_WIDTHS, Snapshot, image_file
from fetching import convert_image, image_cache
from files import sha256

ROOT = Path(__file__).resolve().parents[1]
COUNTS = (0, 1, 200, 500)
# Pictures with the size of photographs. Every tenth event has no picture; a series shares one.
PICTURES = 40
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "device_scale_factor": 3,
    "is_mobile": True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One page: gzipped bytes, elements after the script has run, requests other than images, image bytes."""

    html: int
    css: int
    script: int
    elements: int
    requests: int
    images_first: int
    images_all: int


def bench() -> Table:
    """Weigh the list, the heaviest event page and the screen of each library."""
    rows = []
    with TemporaryDirectory() as name, chromium.launch() as browser:
        for count in COUNTS:
            site = make_site(Path(name) / str(count), count)
            for kind, path in pages(site):
                rows.append((f"{kind}, {count} events", *_cells(weigh(browser, site, path))))
    header = ("", "HTML kB", "elements", "CSS kB", "JS kB", "requests", "images kB, first view", "all")
    notes = (
        "Requests: the page itself, style sheets and scripts. Event page: the heaviest one of that library.",
    )
    return Table("weight", header, rows, notes)


def _cells(weight: Weight) -> Iterator[str]:
    yield f"{weight.html / 1000:.1f}"
    yield f"{weight.elements:,}"
    yield f"{weight.css / 1000:.1f}"
    yield f"{weight.script / 1000:.1f}"
    yield str(weight.requests)
    yield f"{weight.images_first / 1000:.0f}"
    yield f"{weight.images_all / 1000:.0f}"


def pages(site: Path) -> list[tuple[str, str]]:
    """Return kind and path of the pages to weigh; without events there is no event page."""
    events = sorted(site.glob("event/*.html"), key=lambda path: (_gzipped(path), path.name))
    heaviest = [("event page", f"event/{events[-1].name}")] if events else []
    return [("list", "index.html"), *heaviest, ("screen", "screen.html")]


def make_site(build: Path, count: int) -> Path:
    """Generate the site of `count` events with generate.py; return its folder."""
    build.mkdir(parents=True)
    stems = list(_pictures(build / "images")) if count else []
    snapshot = sample.snapshot(count)
    events = tuple(
        event if number % 10 == 9 else replace(event, image=stems[_number(event.title) % len(stems)])
        for number, event in enumerate(snapshot.events)
    )
    Snapshot(events=events, calendars=snapshot.calendars, url=snapshot.url).save(build / "events.json")
    command = [sys.executable, str(ROOT / "scripts" / "generate.py")]
    subprocess.run(command, env=sample.environment(build), check=True, capture_output=True)
    return build / "site"


def _pictures(folder: Path) -> Iterator[str]:
    """Write pictures as fetch.py would, of noise with as much detail as photographs; yield their stems."""
    folder.mkdir()
    for number in range(PICTURES):
        chance = random.Random(number)
        canvas = Image.new("RGB", (1600, 1067), tuple(chance.randbytes(3)))
        for cells, share in ((6, 0.6), (24, 0.35), (96, 0.2)):
            layer = Image.frombytes("RGB", (cells, cells), chance.randbytes(3 * cells * cells))
            canvas = Image.blend(canvas, layer.resize(canvas.size, Image.Resampling.BICUBIC), share)
        file = io.BytesIO()
        canvas.save(file, "PNG", compress_level=1)
        files = convert_image.convert(file.getvalue(), image_cache.SIZES, image_cache.MEMORY_ALONE)
        stem = sha256(b"".join(files))[:16]
        names = [image_file(stem, width) for width in IMAGE_WIDTHS]
        for name, data in zip(names, files, strict=True):
            (folder / name).write_bytes(data)
        yield stem


def _number(title: str) -> int:
    return int(sha256(title.encode())[:8], 16)


def weigh(browser: Browser, site: Path, path: str) -> Weight:
    """Load one page of `site` as a phone would, without scrolling, and weigh it."""
    server = SiteServer(site)
    try:
        context = browser.new_context(**PHONE)
        page = context.new_page()
        page.clock.install(time=sample.NOW)
        page.goto(server.url(path), wait_until="networkidle")
        elements = page.evaluate("document.querySelectorAll('*').length")
        sources = page.eval_on_selector_all("img", "all => all.map(image => image.src)")
        context.close()
    finally:
        server.close()
    asked = [request.partition("?")[0].lstrip("/") for request in server.requests]
    images = [name for name in asked if _is_image(name)]
    # Two are loaded later: status.json by the script, the icon by the browser.
    before = [name for name in asked if name not in images and name != "status.json" and "icon" not in name]
    everything = {source.removeprefix(f"{server.origin}/") for source in sources}
    text = (site / path).read_text(encoding="utf-8")
    inline = re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL)
    inline_scripts = re.findall(r"<script(?![^>]*\b(?:src|type)=)[^>]*>(.*?)</script>", text, re.DOTALL)
    return Weight(
        html=_gzipped(site / path),
        css=sum(_gzipped(site / name) for name in asked if name.endswith(".css")) + _bytes(inline),
        script=sum(_gzipped(site / name) for name in asked if name.endswith(".js")) + _bytes(inline_scripts),
        elements=elements,
        requests=len(before),
        images_first=sum((site / name).stat().st_size for name in set(images)),
        images_all=sum((site / name).stat().st_size for name in everything if _is_image(name)),
    )


def _is_image(name: str) -> bool:
    return name.endswith((".webp", ".png"))


def _gzipped(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 6, mtime=0))


def _bytes(texts: list[str]) -> int:
    return sum(len(gzip.compress(text.encode(), 6, mtime=0)) for text in texts)
