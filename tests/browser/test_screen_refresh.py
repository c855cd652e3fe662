"""The lobby screen over time: new events and versions, outages, flashes, offline starts, memory."""

from __future__ import annotations

import io
import json
import re
import shutil
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import CDPSession, Page

from browser.conftest import MakeSite, OpenPage, ShowScreen, Watch
from browser.libraries import Library
from browser.sample_events import NOW, ZONE, at, event
from browser.screens import Screen
from browser.server import SiteServer
from support.wide import wide

AGENDA = "screen.html?layout=agenda"
BACKGROUND = (20, 32, 43)

Spoil = Callable[[str, int, bytes], tuple[int, bytes] | None]


@pytest.fixture
def copy(larkfield: Library, tmp_path: Path) -> Path:
    """A copy of the sample library's site that the test may change."""
    return Path(shutil.copytree(larkfield.site, tmp_path / "site"))


def talk(title: str) -> tuple[Any, ...]:
    return (event(1, title, at("15:00"), excerpt=""),)


def loads(server: SiteServer) -> int:
    """Return how often the screen was loaded; unlike a refresh, a load requests the path with its query."""
    return sum(path.startswith("/screen.html?") for path in server.requests)


# ---- The next version


def test_new_events_appear_when_the_page_turns_not_before(show: ShowScreen, make_site: MakeSite) -> None:
    screen = show(f"{AGENDA}&rotate=300", events=talk("Before"))
    screen.page.evaluate("window.mark = 1")
    make_site(talk("After"), folder=screen.server.folder)
    screen.let_pass(200)
    assert screen.seen.titles == ["Before"]
    screen.let_pass(110)
    assert screen.seen.titles == ["After"]
    assert screen.page.evaluate("window.mark") == 1


def test_a_screen_with_rotate_0_shows_new_events(show: ShowScreen, make_site: MakeSite) -> None:
    screen = show(f"{AGENDA}&rotate=0", events=talk("Before"))
    make_site(talk("After"), folder=screen.server.folder)
    screen.let_pass(185)
    assert screen.seen.titles == ["After"]


def test_the_screen_refreshes_every_minute_or_two(show: ShowScreen) -> None:
    screen = show(AGENDA)
    before = screen.server.requests.count("/screen.html")
    screen.let_pass(1200, 15)
    assert 9 <= screen.server.requests.count("/screen.html") - before <= 20


@pytest.mark.timeout(300)
def test_a_new_version_reloads_the_screen_once_not_repeatedly(show: ShowScreen, make_site: MakeSite) -> None:
    screen = show(AGENDA)
    make_site(folder=screen.server.folder, SITE_NAME="Another Name")
    screen.let_pass(480, 15)
    assert loads(screen.server) == 1
    assert screen.page.inner_text("h1") == "Lebanon Public Libraries"
    screen.let_pass(300)
    assert loads(screen.server) == 2
    assert screen.page.inner_text("h1") == "Another Name"

    # A server that sends a new version with each answer.
    count = iter(range(1000))

    def new_version(path: str, status: int, body: bytes) -> tuple[int, bytes]:
        old = body.partition(b'screen" content="')[2][:12]
        return status, body.replace(old, b"%012d" % next(count)) if old else body

    screen.server.spoil = new_version
    screen.let_pass(2400, 30)
    assert 3 <= loads(screen.server) <= 6


@pytest.mark.timeout(300)
def test_the_screen_reloads_once_a_night(show: ShowScreen) -> None:
    screen = show(AGENDA)
    for _ in range(4):
        screen.skip(4.3)
    assert loads(screen.server) == 1
    screen.skip(0.8)
    screen.let_pass(600, 15)
    assert loads(screen.server) == 2
    screen.let_pass(3000, 60)
    assert loads(screen.server) == 2


# ---- Outages


def padded(text: bytes, body: bytes) -> bytes:
    """Return `text` padded or cut to the length of `body`, so that the length does not show the fault."""
    return text[: len(body)].ljust(len(body))


PORTAL = b"<!doctype html><html><head><title>Wi-Fi</title></head><body><h1>Please accept</h1></body></html>"


def without_events(body: bytes) -> bytes:
    """Return a page cut off before its events, and any other file unchanged."""
    return (
        padded(body[: body.find(b"<li", body.find(b'id="events"'))], body) if b'id="events"' in body else body
    )


FAULTS: dict[str, Spoil] = {
    "hung up": lambda path, status, body: None,
    "500": lambda path, status, body: (500, padded(b"<h1>Internal Server Error</h1>", body)),
    "404": lambda path, status, body: (404, padded(b"not found", body)),
    "cut short": lambda path, status, body: (200, body[: len(body) // 2]),
    "cut short unnoticed": lambda path, status, body: (200, padded(body[: len(body) // 2], body)),
    "cut short before its events": lambda path, status, body: (200, without_events(body)),
    "captive portal": lambda path, status, body: (200, padded(PORTAL, body)),
    "nothing": lambda path, status, body: (200, padded(b"", body)),
}
OFTEN = ("500", "captive portal", "cut short")
EXPECTED = "Failed to load resource|ERR_|FetchEvent"


def assert_survives(
    screen: Screen, make_site: MakeSite, begin: Callable[[], None], end: Callable[[], None]
) -> None:
    """Assert that ten minutes of a fault change only clock and age, and that the screen recovers."""
    before = screen.seen
    make_site(talk("After"), folder=screen.server.folder)
    begin()
    screen.let_pass(130)
    assert screen.seen.updated == "Updated 9am"
    screen.let_pass(470, 10)
    found = screen.seen
    assert found.groups == before.groups
    assert found.updated == "Reconnecting, last updated 9am"
    assert found.clock == "9:15am"
    end()
    screen.let_pass(190)
    found = screen.seen
    assert found.titles == ["After"]
    assert found.updated == "Updated 9am"


@contextmanager
def hanging(server: SiteServer) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """Yield two functions: one makes the server accept requests without answering, one ends that."""
    wake = threading.Event()

    def never(path: str, status: int, body: bytes) -> None:
        wake.wait(60)

    def begin() -> None:
        server.spoil = never

    def end() -> None:
        server.spoil = None
        wake.set()

    try:
        yield begin, end
    finally:
        end()


@pytest.mark.parametrize("fault", [fault if fault in OFTEN else wide(fault) for fault in FAULTS])
def test_ten_minutes_of_wrong_answers(
    show: ShowScreen, make_site: MakeSite, watch: Watch, fault: str
) -> None:
    watch.allow(EXPECTED)
    screen = show(AGENDA, events=talk("Before"))

    def spoil(how: Spoil | None) -> Callable[[], None]:
        return lambda: setattr(screen.server, "spoil", how)

    assert_survives(screen, make_site, spoil(FAULTS[fault]), spoil(None))


def test_ten_minutes_without_a_server(show: ShowScreen, make_site: MakeSite, watch: Watch) -> None:
    watch.allow(EXPECTED)
    screen = show(AGENDA, events=talk("Before"))
    assert_survives(screen, make_site, screen.server.close, screen.server.reopen)


def test_ten_minutes_of_a_server_that_hangs(show: ShowScreen, make_site: MakeSite, watch: Watch) -> None:
    watch.allow(EXPECTED)
    screen = show(AGENDA, events=talk("Before"))
    with hanging(screen.server) as (begin, end):
        assert_survives(screen, make_site, begin, end)


def test_without_status_json_new_events_still_appear(
    show: ShowScreen, make_site: MakeSite, watch: Watch
) -> None:
    watch.allow(EXPECTED)
    screen = show(AGENDA, events=talk("Before"))
    screen.server.spoil = lambda path, status, body: (500, body) if path == "status.json" else (status, body)
    make_site(talk("After"), folder=screen.server.folder)
    screen.let_pass(600)
    assert screen.seen.titles == ["After"]
    assert screen.seen.updated == "Updated 9am"


@pytest.mark.timeout(300)
def test_an_outage_of_days(show: ShowScreen, watch: Watch) -> None:
    watch.allow(EXPECTED)
    events = (
        event(1, "Today", at("15:00")),
        event(2, "Tomorrow", at("10:00", 1)),
        event(3, "In three days", at("10:00", 3)),
    )
    screen = show(AGENDA, events=events)
    screen.server.close()
    screen.skip(3.5)
    assert screen.seen.stale == "Last updated 9am. Times may have changed."
    screen.skip(20)
    found = screen.seen
    assert found.date == "Wednesday, March 4"
    assert (found.headings[0], found.titles[0]) == ("Today", "Tomorrow")
    assert found.updated == "Reconnecting, last updated Tuesday, March 3, 9am"
    screen.skip(24)
    assert screen.seen.stale == "This list is from Tuesday, March 3. Please check at the desk."
    # Thursday had no events, so it has no "more".
    assert screen.seen.headings[0] == "No events today. Next: Friday, March 6"
    for _ in range(10):
        screen.skip(12)
    found = screen.seen
    assert found.empty == "This list is from Tuesday, March 3. Please check at the desk."
    assert found.date == "Tuesday, March 10"
    screen.server.reopen()
    screen.let_pass(190)
    assert screen.seen.updated == "Updated Tuesday, March 3, 9am"


def test_the_screen_names_a_calendar_that_was_never_fetched(show: ShowScreen) -> None:
    screen = show(AGENDA, events=talk("Talk"))

    def never_fetched(path: str, status: int, body: bytes) -> tuple[int, bytes]:
        if path != "status.json":
            return status, body
        data = json.loads(body)
        data["calendars"].append({"name": "Harbor", "fetched": None, "next_due": None, "stale": True})
        return status, json.dumps(data).encode()

    screen.server.spoil = never_fetched
    screen.let_pass(150)
    assert screen.seen.stale == "Harbor: events could not be fetched yet. Check back soon."


def test_a_closed_library_does_not_make_the_screen_stale(show: ShowScreen, make_site: MakeSite) -> None:
    saturday = datetime(2026, 3, 7, 18, tzinfo=ZONE)
    screen = show(AGENDA, events=(event(1, "Monday", at("19:00", 6)),), now=saturday)
    # Change the last fetch from NOW to Saturday.
    status = screen.server.folder / "status.json"
    text = status.read_text().replace("2026-03-03T09:00:00-05:00", saturday.isoformat())
    status.write_text(text.replace("2026-03-03T09:15:00-05:00", "2026-03-09T09:00:00-04:00"))
    screen.let_pass(130)
    assert (screen.seen.updated, screen.seen.stale) == ("Updated 6pm", "")
    screen.skip(40)
    assert screen.seen.date == "Monday, March 9"
    assert screen.seen.updated == "Updated Saturday, March 7, 6pm"
    assert screen.seen.stale == ""
    screen.skip(1)
    assert screen.seen.stale == "Last updated Saturday, March 7, 6pm. Times may have changed."


# ---- Without a flash

_SAMPLER = """() => {
  window.blank = [];
  window.frames_seen = 0;
  const stage = document.getElementById("stage");
  const look = () => {
    frames_seen++;
    // While a page fades in, another one below must be visible.
    const pages = [...stage.querySelectorAll(".page:not(.measured)")];
    const solid = pages.some((page) => getComputedStyle(page).opacity === "1" && page.textContent.trim());
    const image = stage.querySelector(".pictured .picture");
    if (!solid) blank.push(`no page at frame ${frames_seen}`);
    if (image && !(image.complete && image.naturalWidth)) blank.push(`image not there at frame ${frames_seen}`);
    requestAnimationFrame(look);
  };
  look();
}"""


class Film:
    """Records the frames that the browser draws during the `with` block."""

    def __init__(self, page: Page) -> None:
        self.frames: list[bytes] = []
        self._page = page
        self._session: CDPSession = page.context.new_cdp_session(page)

    def __enter__(self) -> Film:
        def keep(frame: dict[str, Any]) -> None:
            self.frames.append(b64decode(frame["data"]))
            self._session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})

        self._session.on("Page.screencastFrame", keep)
        self._session.send("Page.startScreencast", {"format": "png", "maxWidth": 480, "maxHeight": 270})
        return self

    def __exit__(self, *_: object) -> None:
        self._session.send("Page.stopScreencast")

    def flashes(self) -> list[str]:
        """Return the frames that are blank, or whose edges do not have the dark background."""
        found = []
        for number, data in enumerate(self.frames):
            frame = Image.open(io.BytesIO(data)).convert("RGB")
            difference = ImageChops.difference(frame, Image.new("RGB", frame.size, BACKGROUND)).convert("L")
            spread = difference.point(lambda value: 255 if value > 24 else 0)
            share = sum(spread.histogram()[128:]) / (frame.width * frame.height)
            edges = [frame.getpixel((x, y)) for x in (2, frame.width - 3) for y in (2, frame.height - 3)]
            if any(max(abs(a - b) for a, b in zip(edge, BACKGROUND, strict=True)) > 12 for edge in edges):  # type: ignore[arg-type]
                found.append(f"frame {number}: edges {edges}")
            # Text, code and picture cover part of the frame: never none of it, never all.
            if not 0.02 < share < 0.7:
                found.append(f"frame {number}: {share:.3f} is not background")
        return found


def test_pages_turn_and_new_events_appear_without_a_flash(
    open_page: OpenPage, serve: Callable[[Path], SiteServer], copy: Path
) -> None:
    server = serve(copy)
    server.date = NOW.timestamp()
    # The clock starts at NOW and runs at normal speed.
    page = open_page("screen.html?rotate=3", server, viewport={"width": 1920, "height": 1080})
    page.wait_for_selector(".page:not(.unscripted)", state="attached")
    page.evaluate(_SAMPLER)
    shown = set()
    with Film(page) as film:
        # The first refresh is 2 to 8 seconds after the start.
        screen = copy / "screen.html"
        screen.write_bytes(screen.read_bytes().replace(b"</h3>", b"!</h3>"))
        end = time.monotonic() + 24
        while time.monotonic() < end:
            page.wait_for_timeout(500)
            shown.add(page.evaluate("document.getElementById('stage').lastElementChild.innerText"))
    assert any("!" in text for text in shown)
    assert len(shown) >= 5
    assert page.evaluate("blank") == []
    assert page.evaluate("frames_seen") > 200
    assert len(film.frames) >= 10
    assert film.flashes() == []


def test_a_new_version_loads_without_a_flash(show: ShowScreen, make_site: MakeSite) -> None:
    screen = show(f"{AGENDA}&rotate=20")
    screen.let_pass(620, 10)
    make_site(folder=screen.server.folder, SITE_NAME="Another Name")
    with Film(screen.page) as film:
        for _ in range(200):
            screen.let_pass(1, 1)
            if loads(screen.server) == 2:
                break
        screen.page.wait_for_selector(".page:not(.unscripted)", state="attached")
        for _ in range(20):
            screen.let_pass(0.2, 0.2)
            screen.page.wait_for_timeout(50)
    assert screen.page.inner_text("h1") == "Another Name"
    assert len(film.frames) >= 3
    assert film.flashes() == []


# ---- Starting while offline

_CACHED = """async () => {
  const found = {};
  for (const name of await caches.keys()) {
    found[name] = (await (await caches.open(name)).keys()).map((request) => new URL(request.url).pathname);
  }
  return found;
}"""


def wait_for_copy(screen: Screen, path: str) -> list[str]:
    """Let time pass until the service worker has a copy of `path`; return the paths of all its copies."""
    for _ in range(60):
        screen.let_pass(5)
        caches: dict[str, list[str]] = screen.page.evaluate(_CACHED)
        held = [name for names in caches.values() for name in names]
        if path in held:
            return held
        screen.page.wait_for_timeout(50)
    raise AssertionError(f"the service worker has no copy of {path}: {held}")


def test_the_screen_starts_offline(show: ShowScreen, larkfield: Library, watch: Watch) -> None:
    watch.allow(EXPECTED)
    screen = show("screen.html?layout=slides&theme=light", site=larkfield.site, now=at("08:00"))
    wait_for_copy(screen, "/status.json")
    for _ in range(3):
        screen.turn()
    pictures = {screen.seen.picture}
    screen.server.close()
    screen.page.reload()
    screen.settle()
    found = screen.seen
    assert found.kind == "slide"
    assert screen.page.locator("html").get_attribute("data-theme") == "light"
    # The screen shows at once that it is offline.
    assert found.updated == "Reconnecting, last updated 9:05am"
    seen = {found.picture}
    for _ in range(4):
        screen.turn()
        seen.add(screen.seen.picture)
    assert pictures & seen - {""}
    screen.server.reopen()
    screen.let_pass(130)
    assert screen.seen.updated == "Updated 9:05am"


@pytest.mark.parametrize("fault", ["hung up", wide("500"), "captive portal", wide("cut short unnoticed")])
def test_the_screen_starts_despite_wrong_answers(show: ShowScreen, watch: Watch, fault: str) -> None:
    watch.allow(EXPECTED)
    screen = show("screen/kilton.html", events=talk("Kept"))
    wait_for_copy(screen, "/screen/kilton.html")
    screen.server.spoil = FAULTS[fault]
    screen.page.reload()
    screen.settle()
    assert screen.seen.titles == ["Kept"]
    assert screen.seen.updated.startswith("Reconnecting")


def test_the_screen_starts_without_waiting_for_a_hanging_server(show: ShowScreen, watch: Watch) -> None:
    watch.allow(EXPECTED)
    screen = show(events=talk("Kept"))
    wait_for_copy(screen, "/screen.html")
    with hanging(screen.server) as (begin, _):
        begin()
        screen.page.reload()
        assert screen.seen.titles == ["Kept"]


def test_the_screen_restarts_offline_with_the_latest_version(
    show: ShowScreen, make_site: MakeSite, watch: Watch
) -> None:
    watch.allow(EXPECTED)
    screen = show(AGENDA, events=talk("Before"))
    wait_for_copy(screen, "/screen.html")
    make_site(talk("After"), folder=screen.server.folder)
    screen.let_pass(130)
    screen.server.close()
    screen.page.reload()
    screen.settle()
    assert screen.seen.titles == ["After"]


def test_a_screen_as_home_page_starts_offline_and_caches_no_lists(
    show: ShowScreen, make_site: MakeSite, watch: Watch
) -> None:
    watch.allow(EXPECTED)
    screen = show("", events=talk("Kept"), settings={"HOME_PAGE": "screen"})
    page = screen.page
    wait_for_copy(screen, "/")
    wait_for_copy(screen, "/status.json")
    for path in ("list.html", "event/1.html"):
        page.goto(screen.server.url(path))
        page.wait_for_timeout(300)
        held = {name for names in page.evaluate(_CACHED).values() for name in names}
        assert held <= {"/", "/status.json", *(name for name in held if name.endswith((".svg", ".webp")))}
    page.goto(screen.server.url(""))
    screen.settle()
    screen.server.close()
    page.reload()
    screen.settle()
    assert screen.seen.titles == ["Kept"]
    with pytest.raises(Exception, match="ERR_"):
        page.goto(screen.server.url("list.html"))
    # Once the list is the home page again, the worker does not intercept it and unregisters.
    make_site(talk("Kept"), folder=screen.server.folder)
    screen.server.reopen()
    page.goto(screen.server.url(""))
    assert page.locator("#find").count() == 1
    page.wait_for_timeout(300)
    scopes = page.evaluate(
        "navigator.serviceWorker.getRegistrations().then((all) => all.map(({ scope }) => scope))"
    )
    assert screen.server.url("") not in scopes


def test_the_service_worker_does_not_control_other_pages(show: ShowScreen) -> None:
    screen = show(AGENDA)
    wait_for_copy(screen, "/screen.html")
    page = screen.page
    for path in ("index.html", "event/103.html", "branch/kilton.html", "print.html"):
        page.goto(screen.server.url(path))
        assert page.evaluate("navigator.serviceWorker.controller") is None, path


def test_unused_pictures_and_old_caches_are_deleted(
    open_page: OpenPage, serve: Callable[[Path], SiteServer], copy: Path, watch: Watch
) -> None:
    watch.allow(EXPECTED)
    server = serve(copy)
    server.date = NOW.timestamp()
    page = open_page("index.html", server, viewport={"width": 1920, "height": 1080})
    old, foreign = (
        f"events-display screen 0 {scope}" for scope in (server.url("screen"), "https://elsewhere/")
    )
    page.evaluate("names => Promise.all(names.map((name) => caches.open(name)))", [old, foreign])
    page.goto(server.url("screen.html?layout=slides&rotate=3"))
    screen = Screen(page, server)
    screen.settle()
    wait_for_copy(screen, "/screen.html")
    assert old not in page.evaluate(_CACHED)
    assert foreign in page.evaluate(_CACHED)
    screen.let_pass(30, 1)
    pictures = {path for path in wait_for_copy(screen, "/screen.html") if path.endswith(".webp")}
    assert pictures
    # The next version has no pictures.
    html = copy / "screen.html"
    html.write_text(re.sub(r'<img class="picture[^>]*>', "", html.read_text()))
    screen.let_pass(130)
    assert not pictures & set(wait_for_copy(screen, "/screen.html"))


# ---- Weeks


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("pages", [250, wide(10_000)])
def test_turning_pages_does_not_leak_memory(show: ShowScreen, larkfield: Library, pages: int) -> None:
    screen = show("screen.html?rotate=3", site=larkfield.site, now=at("08:00"))
    session = screen.page.context.new_cdp_session(screen.page)
    session.send("Performance.enable")

    def measured() -> tuple[int, int, int]:
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
        metrics = {
            item["name"]: int(item["value"]) for item in session.send("Performance.getMetrics")["metrics"]
        }
        return metrics["JSHeapUsedSize"], metrics["Nodes"], metrics["JSEventListeners"]

    def turn_pages(number: int) -> None:
        for _ in range(number):
            screen.page.clock.run_for(3000)
            screen.page.wait_for_timeout(10)
            screen.server.date = screen.now

    # The heap grows by 300 kB in the first thousand turns (compiled code), and then stays.
    turn_pages(max(100, pages // 10))
    before = measured()
    first = screen.page.evaluate("performance.now()")
    turn_pages(pages)
    after = measured()
    assert screen.page.evaluate("performance.now()") - first >= pages * 3000
    assert after[0] - before[0] < 250_000, (before, after)
    assert after[1] - before[1] < 600, (before, after)
    assert after[2] - before[2] < 20, (before, after)
