"""Fixtures of the browser tests: generated sites, a server for them, and pages in the system's Chromium.

No test uses the network: the browser resolves no host but 127.0.0.1. A test fails when one of its pages
sends a request to another origin, logs an error or warning, or throws (see Watch).
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from browser import chromium, libraries, sample_events, screens
from browser.libraries import Library
from browser.server import SiteServer
from event import Event
from support.wide import wide
from support.workers import shared_folder

ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = Path(__file__).parent / "node_modules"

MakeSite = Callable[..., Path]
OpenPage = Callable[..., Page]
ShowScreen = Callable[..., screens.Screen]


class Watch:
    """Records requests to other origins and console errors; a test can `allow` those that it causes."""

    def __init__(self) -> None:
        self._seen: list[str] = []
        self._allowed: list[str] = []

    def allow(self, pattern: str) -> None:
        """Accept records that match the regular expression `pattern`."""
        self._allowed.append(pattern)

    def follow(self, context: BrowserContext, origin: str) -> None:
        """Record everything that goes wrong in `context`."""

        def requested(url: str) -> None:
            if not url.startswith((origin + "/", "data:", "blob:")):
                self._seen.append(f"request outside the origin: {url}")

        def logged(kind: str, text: str) -> None:
            if kind in ("error", "warning"):
                self._seen.append(f"console {kind}: {text}")

        context.on("request", lambda request: requested(request.url))
        context.on("console", lambda message: logged(message.type, message.text))
        context.on("weberror", lambda error: self._seen.append(f"uncaught: {error.error}"))

    @property
    def violations(self) -> list[str]:
        """The records that are not allowed."""
        return [seen for seen in self._seen if not any(re.search(allow, seen) for allow in self._allowed)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print where the events of the Danish library come from."""
    source = libraries.EVENTS_FILE or "invented (set EVENTS_FILE to a file of real ones)"
    terminalreporter.write_line(f"Events of the Danish library: {source}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each page gets a new profile (browser context)."""
    try:
        chromium.executable()
    except FileNotFoundError as error:
        pytest.fail(str(error))
    with chromium.launch() as launched:
        yield launched


@pytest.fixture(scope="session")
def make_site(tmp_path_factory: pytest.TempPathFactory) -> MakeSite:
    """Return `make_site(events=None, now=NOW, folder=None, fetched=None, facts=None, **settings)`.

    It generates a site and returns its folder. By default the events are those of sample_events.py, fetched
    just before NOW. `facts` are other fields of the snapshot: closures, hours. `settings` are environment
    variables (SITE_URL="https://..."). With `folder`, the result of an earlier call, it generates that site
    again.
    """

    def make(
        events: tuple[Event, ...] | None = None,
        now: datetime = sample_events.NOW,
        folder: Path | None = None,
        fetched: datetime | None = None,
        facts: Mapping[str, Any] | None = None,
        **settings: str,
    ) -> Path:
        build = folder.parent if folder else tmp_path_factory.mktemp("build")
        sample_events.snapshot(events, fetched, **(facts or {})).save(build / "events.json")
        ours = {"SITE_NAME": "Lebanon Public Libraries", "MIN_EVENTS": "0"}
        libraries.generate_here(build, now, {**ours, **settings})
        return build / "site"

    return make


@pytest.fixture(scope="session")
def larkfield(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The sample library with its images; do not change it."""
    with shared_folder(tmp_path_factory, "larkfield") as build:
        return libraries.larkfield(build)


@pytest.fixture(scope="session")
def danish(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The Danish library with its images; do not change it."""
    with shared_folder(tmp_path_factory, "danish") as build:
        return libraries.danish_library(build)


# For slow tests that open every kind of page.
DANISH_IF_WIDE = pytest.mark.parametrize("library", ["larkfield", wide("danish")], indirect=True)


@pytest.fixture(scope="session", params=["larkfield", "danish"])
def library(request: pytest.FixtureRequest) -> Library:
    """Each of the two libraries in turn; do not change them."""
    found: Library = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def site(make_site: MakeSite) -> Path:
    """The folder of the site made from the sample events; do not change it."""
    return make_site()


@pytest.fixture
def serve() -> Iterator[Callable[[Path], SiteServer]]:
    """Return `serve(folder)`, which serves a folder on a loopback port until the test ends."""
    servers: list[SiteServer] = []

    def start(folder: Path) -> SiteServer:
        servers.append(SiteServer(folder))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def server(serve: Callable[[Path], SiteServer], site: Path) -> SiteServer:
    """A server for the sample site."""
    return serve(site)


@pytest.fixture
def watch() -> Watch:
    """The records of this test's pages; open_page asserts at the end that there are no violations."""
    return Watch()


@pytest.fixture
def open_page(browser: Browser, server: SiteServer, watch: Watch) -> Iterator[OpenPage]:
    """Return `open_page(path, server=None, now=NOW, **options)`: opens a page in a new profile.

    `now` is the start of the page's fake clock (Playwright's page.clock: run_for, fast_forward, pause_at);
    None leaves the real clock. `options` are those of Browser.new_context (viewport, color_scheme,
    java_script_enabled, timezone_id, reduced_motion, forced_colors, ...). The test fails at its end if one
    of its pages sent a request to another origin or logged an error.
    """
    default = server
    contexts: list[BrowserContext] = []

    def open_it(
        path: str, server: SiteServer | None = None, now: datetime | None = sample_events.NOW, **options: Any
    ) -> Page:
        options = {"timezone_id": "America/New_York", "locale": "en-US", **options}
        context = browser.new_context(**options)
        contexts.append(context)
        watch.follow(context, (server or default).origin)
        page = context.new_page()
        if now is not None:
            page.clock.install(time=now)
        page.goto((server or default).url(path))
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert watch.violations == []


@pytest.fixture
def show(open_page: OpenPage, serve: Callable[[Path], SiteServer], make_site: MakeSite) -> ShowScreen:
    """Return `show(path="screen.html", events=None, now=NOW, ...)`: opens a lobby screen and settles it.

    `now` is the time of the device's clock, `ahead` the seconds by which it is ahead of the server's, `made`
    the time of generation. `site` is a folder to use instead of events, `settings` are environment
    variables. Other options are those of open_page.
    """

    def show_it(
        path: str = "screen.html",
        events: tuple[Event, ...] | None = None,
        now: datetime = sample_events.NOW,
        *,
        made: datetime | None = None,
        ahead: float = 0,
        site: Path | None = None,
        settings: dict[str, str] | None = None,
        **options: Any,
    ) -> screens.Screen:
        server = serve(site or make_site(events, made or now, **(settings or {})))
        server.date = now.timestamp() - ahead
        options = {"viewport": {"width": 1920, "height": 1080}, **options}
        screen = screens.Screen(open_page(path, server, now, **options), server, ahead)
        if options.get("java_script_enabled", True):
            screen.settle()
        return screen

    return show_it


@pytest.fixture
def open_in(open_page: OpenPage, serve: Callable[[Path], SiteServer]) -> OpenPage:
    """Return `open_in(library, path, **options)`, which opens a page of that library's site."""
    servers: dict[Path, SiteServer] = {}

    def open_it(library: Library, path: str, **options: Any) -> Page:
        if library.site not in servers:
            servers[library.site] = serve(library.site)
        return open_page(path, servers[library.site], **options)

    return open_it


# The rules whose result depends on the color scheme.
COLOR_RULES = ("color-contrast", "link-in-text-block")


# Whether the text of an element has enough contrast to the first opaque background below it.
_HAS_CONTRAST = """selector => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => [r, g, b].map((value) => value / 255)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const element = document.querySelector(selector), { color, fontSize, fontWeight } = getComputedStyle(element);
  let ground = element;
  while (rgba(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
  const { backgroundColor, backgroundImage } = getComputedStyle(ground);
  const [front, back] = [rgba(color), rgba(backgroundColor)];
  if (front[3] < 255 || back[3] < 255 || backgroundImage !== "none") return false;
  const [dark, light] = [luminance(front), luminance(back)].sort((a, b) => a - b);
  const size = parseFloat(fontSize), large = size >= 24 || (size >= 18.66 && fontWeight >= 700);
  return (light + 0.05) / (dark + 0.05) >= (large ? 3 : 4.5);
}"""


@cache
def _axe_source() -> str:
    return (NODE_MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def axe_violations(page: Page, only: tuple[str, ...] = (), **options: Any) -> list[str]:
    """Return axe-core's violations in the page's current state: rule, reason, element. Needs a running clock.

    axe-core is injected by the debugger, so that the page's Content-Security-Policy stays in force. All
    rules of WCAG 2.2 AA and all best practices are checked; a contrast that axe-core cannot decide is
    computed here. `only` limits the check to these rules (COLOR_RULES); `options` are those of axe.run.
    """
    page.evaluate(_axe_source())
    # Part of WCAG 2.2 AA, but off by default.
    options = {"rules": {"target-size": {"enabled": True}}, **options}
    if only:
        options = {"runOnly": {"type": "rule", "values": list(only)}}
    # It cannot decide the contrast of text on shapes; tests/unit/test_event_page.py computes that of a cover.
    found = page.evaluate("options => axe.run({exclude: [['svg.cover']]}, options)", options)
    assert found["passes"], "axe-core tested nothing"
    failed = [(rule, node) for rule in found["violations"] for node in rule["nodes"]]
    undecided = [
        (rule, node)
        for rule in found["incomplete"]
        if rule["id"].startswith("color-contrast")
        for node in rule["nodes"]
        if not _lines_meet(node) or not page.evaluate(_HAS_CONTRAST, node["target"][0])
    ]
    return [
        f"{rule['id']}: {rule['help']}: {node['target']} {node.get('failureSummary', '')}"
        for rule, node in (*failed, *undecided)
    ]


def _lines_meet(node: dict[str, Any]) -> bool:
    """Return whether axe-core could not decide because line boxes overlap, as with a tight line height."""
    return [check["data"]["messageKey"] for check in node["any"]] == ["elmPartiallyObscured"]


def html_errors(*pages: Path | str) -> list[str]:
    """Return every error and warning of the Nu HTML checker, as `name:line: text`.

    Give addresses, not files, to check that the page's own policy allows its scripts and images.
    """
    jar = NODE_MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
    # By default the checker refuses to load pages from loopback.
    loopback = "-Dnu.validator.servlet.allow-forbidden-hosts=true"
    command = ["java", loopback, "-jar", str(jar), "--format", "json", "--exit-zero-always", *map(str, pages)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    report = json.loads(done.stderr)
    return [
        f"{Path(message.get('url', '')).name}:{message.get('lastLine', 0)}: {message['message']} "
        f"{message.get('extract', '')}"
        for message in report["messages"]
    ]
