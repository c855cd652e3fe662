"""Drive a lobby screen in tests: let time pass, turn its pages, read their text."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from playwright.sync_api import Error, Page, Request

from browser.server import SiteServer

# In the syntax of old browsers, since test_engines.py uses it too.
SEEN = """() => {
  const text = (element) => (element ? element.textContent.trim() : "");
  const page = document.getElementById("stage").lastElementChild;
  const row = (item) => ({
    time: text(item.querySelector("time")), title: text(item.querySelector("h3")),
    where: text(item.querySelector(".where")), tag: text(item.querySelector(".tag")),
  });
  const byId = (id) => text(document.getElementById(id));
  const shown = (id) => (document.getElementById(id).hidden ? "" : byId(id));
  const picture = document.querySelector(".pictured:last-child .picture:not(.blur)");
  return {
    kind: page.classList[1],
    groups: [...page.querySelectorAll("section")].map(
      (section) => [text(section.querySelector("h2")), [...section.querySelectorAll("li")].map(row)]),
    empty: text(page.querySelector(".empty")),
    scan: [...page.querySelectorAll(".scan p")].map(text).join(" "),
    picture: picture ? picture.currentSrc : "",
    clock: byId("clock"), date: byId("date"), place: byId("place"), bottom: byId("bottom"),
    updated: byId("updated"), stale: shown("stale"), closed: shown("closed"), shut: shown("shut"), notice: shown("notice"),
    hours: byId("hours"),
  };
}"""

# In the syntax of old browsers too: text that is too small, outside the safe area or off the stage;
# overlapping parts; codes that are too small.
FAULTS = """() => {
  const found = [];
  const u = Math.min(innerWidth, innerHeight) / 100;
  const scale = Number(document.documentElement.style.getPropertyValue("--scale"));
  const page = document.getElementById("stage").lastElementChild, stage = page.getBoundingClientRect();
  const safe = { left: innerWidth * 0.04 - 9, top: innerHeight * 0.04 - 9 };
  const outside = (box) => box.left < safe.left || box.top < safe.top
    || box.right > innerWidth - safe.left + 1 || box.bottom > innerHeight - safe.top + 1;
  const named = (element) => `${element.tagName} ${element.className || element.id} "${element.textContent.trim().slice(0, 30)}"`;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  // Without padding, where there is no text but perhaps the accent of a letter.
  const inner = (element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect(), { paddingTop, paddingBottom } = getComputedStyle(element);
    return { left, right, top: top + parseFloat(paddingTop), bottom: bottom - parseFloat(paddingBottom) };
  };
  let texts = 0;
  for (let node; (node = walker.nextNode());) {
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest("template, script, #pause, .plain h2, [hidden], #day")) continue;
    texts++;
    const letters = parseFloat(getComputedStyle(element).fontSize);
    if (letters < 3 * u * Math.min(scale, 1) - 0.01) found.push(`small: ${named(element)} ${(letters / u).toFixed(1)}u`);
    const range = document.createRange();
    range.selectNodeContents(node);
    // Take top and bottom from the element, because a line box is higher than its letters. For a clamped
    // title take left and right from it too, because the hidden lines have no place.
    const { top, bottom, left, right } = inner(element);
    const clamped = getComputedStyle(element).webkitLineClamp !== "none";
    for (const line of clamped ? [{ left, right }] : range.getClientRects()) {
      const box = { top, bottom, left: line.left, right: line.right };
      const at = Object.values(box).map(Math.round);
      if (outside(box)) found.push(`outside: ${named(element)} ${at}`);
      if (page.contains(element) && (top < stage.top - 1 || bottom > stage.bottom + 1)) found.push(`off the stage: ${named(element)} ${at}`);
    }
  }
  if (texts < 5) found.push("hardly any text");
  for (const element of page.querySelectorAll("time b, time span, h3, .where")) {
    const { left, right } = element.getBoundingClientRect(), box = element.closest("time, li, .text").getBoundingClientRect();
    if (left < box.left - 1 || right > box.right + 1 || element.scrollWidth > element.clientWidth + 1 && element.matches("h3, .board .where:not(.wrapped)")) found.push(`wide: ${named(element)}`);
  }
  const things = [...page.querySelectorAll("section:not(.plain) h2, time, h3, p, .scan img, .picture:not(.blur)"), ...document.querySelectorAll("header > *, footer > *, #stale, #closed, #shut, #notice")]
    .filter((element) => element.getClientRects().length && element.offsetHeight && (element.textContent || element.tagName === "IMG"));
  things.forEach((a, index) => things.slice(index + 1).forEach((b) => {
    if (a.contains(b) || b.contains(a)) return;
    const [one, other] = [a, b].map(inner);
    const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
    const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
    if (width > 1 && height > 1) found.push(`in one place: ${named(a)} and ${named(b)}`);
  }));
  if (document.documentElement.scrollWidth > innerWidth || document.documentElement.scrollHeight > innerHeight) found.push("scrolls");
  for (const image of page.querySelectorAll(".scan img")) {
    const box = image.getBoundingClientRect();
    if (box.width * (image.naturalWidth - 8) / image.naturalWidth < 24 * u) found.push("small code");
    if (Math.abs(box.width - box.height) > 0.1) found.push("code out of shape");
  }
  return found;
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


@dataclass(frozen=True)
class Seen:
    """The visible text of a screen: `groups` are headings with their rows, `kind` is board or slide."""

    kind: str
    groups: list[tuple[str, list[Row]]]
    empty: str
    scan: str
    picture: str
    clock: str
    date: str
    place: str
    bottom: str
    updated: str
    stale: str
    closed: str
    shut: str
    notice: str
    hours: str

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
        found = self.page.evaluate(SEEN)
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
            if (now.titles, now.kind, now.place) != (before.titles, before.kind, before.place):
                return

    def pages(self, most: int = 40) -> list[Seen]:
        """Turn through all pages and return them, starting with the one that is shown."""
        found = [self.seen]
        for _ in range(most):
            self.turn()
            now = self.seen
            if (now.titles, now.kind, now.place) == (found[0].titles, found[0].kind, found[0].place):
                break
            found.append(now)
        return found
