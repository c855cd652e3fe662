"""Drive a lobby screen in tests: let time pass, turn its pages, read their text."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from playwright.sync_api import Error, Page, Request

from browser.server import SiteServer

_SEEN = """() => {
  const text = (element) => element?.textContent.trim() ?? "";
  const page = document.getElementById("stage").lastElementChild;
  const row = (item) => ({
    time: text(item.querySelector("time")), title: text(item.querySelector("h3")),
    where: text(item.querySelector("p")), tag: text(item.querySelector(".tag")), off: item.matches(".off"),
  });
  const byId = (id) => text(document.getElementById(id));
  return {
    kind: page.classList[1],
    groups: [...page.querySelectorAll("section")].map(
      (section) => [text(section.querySelector("h2")), [...section.querySelectorAll("li")].map(row)]),
    empty: text(page.querySelector(".empty")),
    scan: text(page.querySelector(".scan")),
    picture: document.querySelector(".pictured:last-child .picture")?.currentSrc ?? "",
    clock: byId("clock"), date: byId("date"), place: byId("place"), ongoing: byId("ongoing"),
    updated: byId("updated"), stale: document.getElementById("stale").hidden ? "" : byId("stale"),
  };
}"""

# A new observer is called in the next frame, after the observers that already exist.
_NEXT_FRAME = "() => new Promise((resolve) => new ResizeObserver(resolve).observe(document.documentElement))"


@dataclass(frozen=True)
class Row:
    """The text of a row, or of the event on a slide."""

    time: str
    title: str
    where: str
    tag: str
    off: bool


@dataclass(frozen=True)
class Seen:
    """The visible text of a screen: `groups` are headings with their rows, `kind` is agenda or slide."""

    kind: str
    groups: list[tuple[str, list[Row]]]
    empty: str
    scan: str
    picture: str
    clock: str
    date: str
    place: str
    ongoing: str
    updated: str
    stale: str

    @property
    def headings(self) -> list[str]:
        """The headings, from top to bottom."""
        return [heading for heading, _ in self.groups]

    @property
    def titles(self) -> list[str]:
        """The titles, from top to bottom."""
        return [row.title for _, rows in self.groups for row in rows]

    def under(self, heading: str) -> list[str]:
        """Return the titles under a heading; an empty list if it is not shown."""
        return [row.title for name, rows in self.groups if name == heading for row in rows]


class Screen:
    """A screen in a browser and its server, with fake clocks that only `let_pass` and `skip` move.

    `ahead` is the number of seconds by which the device's clock is ahead of the server's.
    """

    def __init__(self, page: Page, server: SiteServer, ahead: float = 0) -> None:
        self.page = page
        self.server = server
        self.ahead = ahead
        self._asked: set[Request] = set()
        page.on("request", lambda request: self._asked.add(request))
        page.on("requestfinished", lambda request: self._asked.discard(request))
        page.on("requestfailed", lambda request: self._asked.discard(request))

    @property
    def seen(self) -> Seen:
        """The visible text now."""
        found = self.page.evaluate(_SEEN)
        groups = [(heading, [Row(**row) for row in rows]) for heading, rows in found.pop("groups")]
        return Seen(groups=groups, **found)

    @property
    def now(self) -> float:
        """The time of the device's clock, in seconds since the epoch."""
        found: float = self.page.evaluate("Date.now() / 1000")
        return found

    def let_pass(self, seconds: float, step: float = 5) -> None:
        """Let `seconds` pass in steps; after each one, wait in real time for the requests sent meanwhile."""
        while seconds > 0:
            self.page.clock.run_for(round(min(step, seconds) * 1000))
            self.server.date = (self.server.date or 0) + min(step, seconds)
            self._wait_for_answers()
            seconds -= step
        self._set_server()

    def _wait_for_answers(self) -> None:
        self.page.wait_for_timeout(15)
        # Limited, because the server of some tests never answers.
        for _ in range(30):
            if not self._asked:
                break
            self.page.wait_for_timeout(15)
        # Do not wait for the same request again.
        self._asked.clear()

    def _set_server(self) -> None:
        # Fails while the screen reloads; the next step sets it.
        with suppress(Error):
            self.server.date = self.now - self.ahead

    def skip(self, hours: float) -> None:
        """Skip hours, as a device that slept; then let a minute pass, in which the screen catches up."""
        self.page.clock.fast_forward(round(hours * 3_600_000))
        self._set_server()
        self.let_pass(60)

    def settle(self) -> None:
        """Wait until the first page is shown and the screen has refreshed once, if the server answers."""
        self.page.wait_for_selector(".page:not(.unscripted)", state="attached")
        self.let_pass(9, 1)
        for _ in range(100):
            if self.seen.updated:
                break
            self.page.wait_for_timeout(30)
        # The refresh may have changed the space for the page; its layout follows in the next frame.
        self.page.evaluate(_NEXT_FRAME)

    def turn(self) -> None:
        """Let time pass until the page turns, or for 40 seconds if there is only one page."""
        before = self.seen
        for _ in range(40):
            self.let_pass(1, 1)
            now = self.seen
            if (now.groups, now.place) != (before.groups, before.place):
                return

    def pages(self, most: int = 40) -> list[Seen]:
        """Turn through all pages and return them, starting with the one that is shown."""
        found = [self.seen]
        for _ in range(most):
            self.turn()
            now = self.seen
            if (now.groups, now.place) == (found[0].groups, found[0].place):
                break
            found.append(now)
        return found
