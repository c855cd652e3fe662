"""Accessibility (WCAG 2.2 AA): axe-core in both color schemes, zoom, text spacing, forced colors, motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize

from browser import kinds
from browser.conftest import COLOR_RULES, DANISH_IF_WIDE, MakeSite, OpenPage, axe_violations
from browser.libraries import Library
from browser.sample_events import NOW, OPEN, at, event
from browser.server import SiteServer
from event import Event, Seats
from support.wide import wide

Serve = Callable[[Path], SiteServer]

PHONE, DESKTOP = ViewportSize(width=360, height=740), ViewportSize(width=1280, height=900)

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

# Lay out all of a long list, not only the days in view.
WHOLE = "document.getElementById('events')?.classList.remove('long')"

# WCAG 1.4.12: text spacing that a reader may set without loss of content.
SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important;
    word-spacing: .16em !important } p { margin-block-end: 2em !important }`);
  document.adoptedStyleSheets = [sheet];
}"""

# Opens all details side by side: a panel over other content hides the color behind it from axe.
OPENED = """() => {
  for (const details of document.querySelectorAll("details")) details.open = true;
  for (const panel of document.querySelectorAll(".pick > :not(summary)")) {
    panel.style.position = "static";
    panel.style.maxHeight = "none";
    panel.style.maxWidth = "100%";
  }
}"""

# Elements that overflow the page, are cut off without an ellipsis, or cover another part of their card.
LOST = """() => {
  const found = [];
  const name = (e) => `${e.tagName} ${e.className} "${e.textContent.trim().slice(0, 40)}"`;
  const width = document.documentElement.clientWidth;
  if (document.scrollingElement.scrollWidth > width) found.push("scrolls sideways");
  for (const e of document.querySelectorAll("body *")) {
    const box = e.getBoundingClientRect(), style = getComputedStyle(e);
    // These rows scroll.
    if (e.closest(".chips, .strip")) continue;
    // A drawn cover repeats texts of its page, and is cropped like an image.
    if (!e.checkVisibility() || style.clipPath !== "none" || box.width === 0 || e.closest("svg.cover")) continue;
    if (box.right > width + 1 || box.left < -1) found.push(`overflows: ${name(e)}`);
    const cut = style.overflowX !== "visible" && e.scrollWidth > e.clientWidth + 1;
    if (style.overflowY !== "visible" && !e.matches("select, input") && style.webkitLineClamp === "none"
      && e.scrollHeight > e.clientHeight + 1) found.push(`cut off below: ${name(e)}`);
    if (cut && style.textOverflow !== "ellipsis" && style.webkitLineClamp === "none") found.push(`cut off: ${name(e)}`);
  }
  for (const card of document.querySelectorAll("#events li, .sheet li")) {
    if (!card.checkVisibility()) continue;
    const parts = [...card.children].filter((e) => e.checkVisibility()).map((e) => [e, e.getBoundingClientRect()]);
    for (const [i, [e, a]] of parts.entries()) for (const [f, b] of parts.slice(i + 1)) {
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 1 && down > 1) found.push(`covers: ${name(e)} and ${name(f)}`);
    }
  }
  return found;
}"""


def lost(page: Page) -> list[str]:
    """Return the elements that are cut off or covered."""
    page.evaluate(WHOLE)
    found: list[str] = page.evaluate(LOST)
    return found


@DANISH_IF_WIDE
def test_axe_finds_no_violation_on_any_kind_of_page_in_light_or_dark(
    library: Library, open_page: OpenPage, serve: Serve
) -> None:
    server = serve(library.site)
    page = open_page("404.html", server, viewport=PHONE)
    for path in kinds.pages(library.site):
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(PHONE)
        page.goto(server.url(path))
        page.evaluate(WHOLE)
        page.evaluate(OPENED)
        assert axe_violations(page) == [], path
        # The other rules do not depend on the color scheme.
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size(DESKTOP)
        assert axe_violations(page, COLOR_RULES) == [], path


@pytest.mark.parametrize("scheme", ["light", wide("dark")])
def test_axe_finds_no_violation_on_empty_stale_or_ended_pages(
    larkfield: Library, make_site: MakeSite, open_page: OpenPage, serve: Serve, scheme: str
) -> None:
    server = serve(larkfield.site)
    nothing = serve(make_site(()))
    running = next(event for event in larkfield.events if event.start <= NOW < event.end and not event.state)
    later = NOW.replace(hour=16)
    states = [
        open_page("index.html?audience=teens&q=zzz", server, color_scheme=scheme),
        open_page("index.html", nothing, color_scheme=scheme),
        open_page("embed.html", nothing, color_scheme=scheme),
        open_page("print.html", nothing, color_scheme=scheme),
        # At this time the page is stale and the running events have ended.
        open_page("index.html", server, later, color_scheme=scheme),
        open_page(f"event/{running.id}.html", server, color_scheme=scheme),
        open_page(f"event/{running.id}.html", server, NOW.replace(hour=23), color_scheme=scheme),
    ]
    for page in states:
        page.evaluate(WHOLE)
        assert axe_violations(page) == [], page.url


def in_every_state() -> tuple[Event, ...]:
    kinds = [
        replace(OPEN, in_person=Seats(total=20, taken=20)),
        replace(OPEN, in_person=Seats(total=20, taken=20), wait_list=True),
        replace(OPEN, in_person=Seats(total=20, taken=18)),
        replace(OPEN, in_person=Seats(total=20, taken=20), online=Seats(total=20, taken=1)),
        replace(OPEN, in_person=Seats(total=20, taken=1), online=Seats(total=20, taken=20)),
        replace(OPEN, closed=True),
        replace(OPEN, opened=False),
        OPEN,
        None,
    ]
    events = [
        event(number, f"Event number {number}", at("10:00", 1), registration=kind, audiences=("Adults",))
        for number, kind in enumerate(kinds, 1)
    ]
    states = [
        event(20 + number, f"Event number {20 + number}", at("11:00", 1), state=state, branch="Lebanon")
        for number, state in enumerate(("cancelled", "postponed", "rescheduled"))
    ]
    others = [
        event(30, "No longer listed", at("12:00", 1), listed=False),
        event(31, "On now", NOW - timedelta(minutes=30), 1),
        event(32, "Over", NOW - timedelta(hours=2), 1),
        event(33, "At a street", at("13:00", 1), address="12 Main Street", cost="$5", online=True),
    ]
    return tuple(sorted([*events, *states, *others], key=lambda event: event.order))


@pytest.fixture(scope="session")
def states(make_site: MakeSite) -> Path:
    return make_site(in_every_state())


@pytest.mark.parametrize("scheme", ["light", wide("dark")])
def test_axe_finds_no_violation_on_an_event_in_any_state(
    open_page: OpenPage, serve: Serve, states: Path, scheme: str
) -> None:
    server = serve(states)
    page = open_page("index.html", server, color_scheme=scheme)
    rules = () if scheme == "light" else COLOR_RULES
    assert axe_violations(page, rules) == []
    names = "tags => tags.map(tag => tag.className)"
    tags = set(page.eval_on_selector_all(".tag", names))
    for path in sorted(states.glob("event/*.html")):
        page.goto(server.url(f"event/{path.name}"))
        tags.update(page.eval_on_selector_all(".tag", names))
        page.eval_on_selector_all("details", "all => all.forEach(details => details.open = true)")
        assert axe_violations(page, rules) == [], path.name
    # A heading that says Cancelled, Postponed or Rescheduled has no tag below it.
    assert len(tags) == 11, tags


@pytest.mark.parametrize(
    "color", ["#ffff00", "#767676", *map(wide, ("#000000", "#ffffff", "#ff0000", "#00ff7f", "#1a1a66"))]
)
def test_text_is_readable_with_any_brand_color(
    make_site: MakeSite, open_page: OpenPage, serve: Serve, color: str
) -> None:
    server = serve(make_site(BRAND_COLOR=color))
    page = open_page("404.html", server)
    for path in ("index.html", "event/103.html", "404.html"):
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.goto(server.url(path))
            assert axe_violations(page, COLOR_RULES) == [], f"{path} {scheme}"


@pytest.mark.parametrize("size", ["320x640", wide("320x256"), wide("640x480"), "1280x900", wide("3840x2160")])
@DANISH_IF_WIDE
def test_all_content_fits_at_any_width_and_at_400_percent(
    library: Library, open_page: OpenPage, serve: Serve, size: str
) -> None:
    """WCAG 1.4.10: 320 x 256 is a window of 1280 x 1024 at 400 percent zoom."""
    width, height = map(int, size.split("x"))
    server = serve(library.site)
    page = open_page("404.html", server, viewport={"width": width, "height": height})
    for path in kinds.pages(library.site):
        page.goto(server.url(path))
        assert lost(page) == [], path


@DANISH_IF_WIDE
def test_all_content_fits_with_the_readers_own_text_spacing(
    library: Library, open_page: OpenPage, serve: Serve
) -> None:
    server = serve(library.site)
    page = open_page("404.html", server)
    for path in kinds.pages(library.site):
        page.goto(server.url(path))
        for width in (320, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate(SPACED)
            assert lost(page) == [], path


@pytest.mark.parametrize("library", [wide("larkfield"), "danish"], indirect=True)
def test_all_content_fits_with_text_of_twice_the_size(
    library: Library, open_page: OpenPage, serve: Serve
) -> None:
    """WCAG 1.4.4: only the text is enlarged, as phones do."""
    server = serve(library.site)
    page = open_page("404.html", server, viewport=PHONE)
    for path in kinds.pages(library.site):
        page.goto(server.url(path))
        page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
        assert lost(page) == [], path


def test_forced_colors_keep_every_part_distinguishable(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html", serve(larkfield.site), forced_colors="active")
    for selector in (".tag", ".fields", "#find input", "#find select", "summary"):
        element = page.locator(selector).first
        width = element.evaluate("e => parseFloat(getComputedStyle(e).borderTopWidth)")
        color = element.evaluate("e => getComputedStyle(e).borderTopColor")
        assert width >= 1, selector
        assert color != page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor"), selector
    # No brand colors behind text in the reader's colors, and no decorative lines.
    for selector, part in ((".masthead", "background-image"), (".banner", "border-image-source")):
        assert page.locator(selector).evaluate(f"e => getComputedStyle(e)['{part}']") == "none"


def test_reduced_motion_stops_all_motion(larkfield: Library, open_page: OpenPage, serve: Serve) -> None:
    for preference, behavior in (("reduce", "auto"), ("no-preference", "smooth")):
        page = open_page("index.html", serve(larkfield.site), reduced_motion=preference)
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == behavior
        assert page.evaluate("document.getAnimations().length") == 0
        moving = "e => getComputedStyle(e).transitionDuration + getComputedStyle(e).animationName"
        found = page.eval_on_selector_all("*", f"all => [...new Set(all.map({moving}))]")
        assert found == ["0snone"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_higher_when_the_reader_asks_for_more(
    larkfield: Library, open_page: OpenPage, serve: Serve, scheme: str
) -> None:
    """WCAG 1.4.6, which is AAA."""
    page = open_page("index.html", serve(larkfield.site), contrast="more", color_scheme=scheme)
    where = page.locator("#events li p").first
    text = page.locator("body").evaluate("e => getComputedStyle(e).color")
    assert where.evaluate("e => getComputedStyle(e).color") == text
    assert axe_violations(page, ("color-contrast-enhanced",)) == []


def test_a_logo_keeps_its_shape_and_the_content_fits(
    open_page: OpenPage, serve: Serve, make_site: MakeSite, tmp_path: Path
) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 60"><path d="M0 0h300v60H0z"/></svg>'
    )
    server = serve(make_site(LOGO=str(logo)))
    for width in (320, 1280):
        page = open_page("index.html", server, viewport={"width": width, "height": 600})
        box = page.locator(".masthead img").bounding_box()
        assert box
        assert box["width"] / box["height"] == pytest.approx(5, abs=0.1)
        assert lost(page) == []
