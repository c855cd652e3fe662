"""Pages used by keyboard alone, without script, and without style sheets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import OpenPage
from browser.libraries import Library, rows
from browser.sample_events import NOW
from browser.server import SiteServer
from event import Event
from rendering.views import event_status

Serve = Callable[[Path], SiteServer]

# The focused element: its place, whether its focus ring is visible, and any element that covers it.
FOCUSED = """() => {
  const e = document.activeElement;
  if (e === document.body) return null;
  const box = e.getBoundingClientRect(), ring = [e, ...["::before", "::after"].map((name) => [e, name])];
  const marked = ring.some((one) => {
    const style = Array.isArray(one) ? getComputedStyle(...one) : getComputedStyle(one);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  const over = document.elementFromPoint((box.left + box.right) / 2, box.top + Math.min(box.height / 2, 12));
  return {
    name: `${e.tagName} ${e.id || e.name || e.getAttribute("href") || e.textContent}`,
    marked, covered: !(e.contains(over) || over?.contains(e)),
    inView: box.bottom > 0 && box.top < innerHeight,
  };
}"""
# All controls, in document order.
WORKABLE = """() => [...document.querySelectorAll("a[href], button, input, select, summary")]
  .filter((e) => e.checkVisibility()).map((e) => `${e.tagName} ${e.id || e.name || e.getAttribute("href") || e.textContent}`)"""


def walk(page: Page, key: str, most: int) -> list[dict[str, Any]]:
    """Press `key` until no element has the focus; return the elements that had it, at most `most`."""
    found: list[dict[str, Any]] = []
    while len(found) < most:
        page.keyboard.press(key)
        if (focused := page.evaluate(FOCUSED)) is None:
            break
        # A date field takes one key for each of month, day, year and calendar.
        if not found or found[-1]["name"] != focused["name"] or focused["name"] != "INPUT date":
            found.append(focused)
    return found


def with_description(library: Library) -> Event:
    """Return an event with registration and with links in its description."""
    events = [event for event in library.events if event.listed and not event.state and event.start > NOW]
    return max(events, key=lambda event: (event.description.count("<a "), len(event.description)))


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("path", ["index.html", "event", "print.html", "embed.html", "404.html"])
def test_tab_reaches_every_control_in_order_with_visible_focus(
    larkfield: Library, open_page: OpenPage, serve: Serve, path: str, width: int
) -> None:
    """WCAG 2.1.1, 2.4.3, 2.4.7, 2.4.11."""
    if path == "event":
        path = f"event/{with_description(larkfield).id}.html"
    # No smooth scrolling, so that the position is final at once.
    still = {"reduced_motion": "reduce", "viewport": {"width": width, "height": 740}}
    page = open_page(path, serve(larkfield.site), **still)
    page.evaluate("document.querySelectorAll('details:not(.pick)').forEach(d => d.open = true)")
    wanted = page.evaluate(WORKABLE)
    assert wanted
    forth = walk(page, "Tab", len(wanted) + 1)
    assert [one["name"] for one in forth] == wanted
    # Backwards, Chromium wraps from the first control to the last.
    back = walk(page, "Shift+Tab", len(wanted))
    assert [one["name"] for one in back] == wanted[::-1]
    for one in (*forth, *back):
        assert one["marked"], one
        assert one["inView"], one
        assert not one["covered"], one


def test_choices_open_work_and_close_by_keyboard(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html", serve(larkfield.site))
    age, kind = page.locator("details.pick").first, page.locator("details.pick").nth(1)
    age.locator("summary").press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(age.locator("input").first).to_be_checked()
    page.keyboard.press("Escape")
    expect(age.locator("summary")).to_be_focused()
    expect(age.locator("fieldset")).to_be_hidden()
    page.keyboard.press("Enter")
    kind.locator("summary").press("Enter")
    expect(age.locator("fieldset")).to_be_hidden()
    expect(kind.locator("fieldset")).to_be_visible()


def test_skip_links_jump_to_the_list_and_to_the_filters(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html", serve(larkfield.site))
    page.keyboard.press("Tab")
    first = page.locator(":focus")
    assert first.inner_text() == "Skip to the events"
    box = first.bounding_box()
    assert box
    assert box["width"] > 100
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    # The next Tab goes to the first link in the list, past search and filters.
    assert page.locator(":focus").evaluate("e => e.closest('#events') !== null")
    page.goto(page.url.partition("#")[0])
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("input[name=q]")).to_be_focused()


def test_an_event_can_be_found_and_added_to_a_calendar_by_keyboard_alone(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    event = next(
        event
        for event in larkfield.events
        if event.start > NOW and not event.state and event_status(event) == "required"
    )
    page = open_page("index.html", serve(larkfield.site))

    def press(*keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    # Tab past the skip links and the library's name to the search.
    press("Tab", "Tab", "Tab", "Tab")
    page.keyboard.type(event.title)
    press("Tab")
    page.keyboard.type(event.branch[:2])
    page.clock.run_for(400)
    expect(page.locator("#count")).to_have_text("1 event")
    # Not :focus, which does not match a date field whose calendar button has the focus.
    while "event/" not in page.evaluate("document.activeElement.getAttribute('href') || ''"):
        press("Tab")
    press("Enter")
    page.wait_for_url(f"**/event/{event.id}.html")
    assert page.locator("h1").inner_text() == event.title
    register = page.locator("#register")
    while not register.evaluate("e => e === document.activeElement"):
        press("Tab")
    expect(register).to_have_accessible_name(f"Register for {event.title}")
    press("Tab")
    ics = page.get_by_role("link", name="Apple, Outlook and others")
    expect(ics).to_be_hidden()
    press("Enter")
    expect(ics).to_be_visible()
    press("Tab")
    expect(ics).to_be_focused()


def test_enter_in_the_search_sends_no_request(larkfield: Library, open_page: OpenPage, serve: Serve) -> None:
    server = serve(larkfield.site)
    page = open_page("index.html", server)
    page.locator("input[name=q]").fill("story")
    page.keyboard.press("Enter")
    page.clock.run_for(400)
    assert [path for path in server.requests if ".html" in path] == ["/index.html"]
    assert page.url.endswith("?q=story")


def test_without_script_the_list_is_complete_and_links_to_branches_and_audiences(
    library: Library, open_page: OpenPage, serve: Serve
) -> None:
    server = serve(library.site)
    page = open_page("index.html", server, now=None, java_script_enabled=False)
    listed = [event for event in library.events if event.listed]
    expect(page.locator("#events li")).to_have_count(len(rows(listed)))
    assert page.locator("#count").inner_text().split()[0] == str(len(rows(listed)))
    # Controls that need the script are hidden.
    expect(page.locator("#find")).to_be_hidden()
    browse = page.locator(".unscripted a")
    expect(browse).to_be_visible()
    browse.click()
    links = page.locator("#browse a")
    groups = [
        path
        for kind in ("branch", "audience", "category", "month")
        for path in library.site.glob(f"{kind}/*.html")
    ]
    assert links.count() == len(groups)
    page.locator("#browse a:not([href*='month/'])").first.click()
    heading = page.locator("h1").inner_text()
    expected = rows(event for event in listed if heading in (event.branch, *event.audiences))
    expect(page.locator("#events li")).to_have_count(len(expected))
    page.get_by_role("link").first.press("Tab")
    page.locator(".up a").press("Enter")
    page.wait_for_url("**/index.html")


def test_without_script_an_event_page_is_complete(
    library: Library, open_page: OpenPage, serve: Serve
) -> None:
    event = with_description(library)
    server = serve(library.site)
    page = open_page(f"event/{event.id}.html", server, now=None, java_script_enabled=False)
    assert page.locator("h1").inner_text() == event.title
    expect(page.locator("dd time")).to_be_visible()
    expect(page.locator(".about")).to_be_visible()
    calendar = page.locator("details a[href$='.ics']")
    expect(calendar).to_be_hidden()
    page.locator(".actions summary").press("Enter")
    expect(calendar).to_be_visible()
    with page.expect_download() as download:
        calendar.click()
    assert f"UID:{event.id}@" in Path(download.value.path()).read_text(encoding="utf-8")
    assert not page.locator("#updated").inner_text()
    expect(page.locator("#stale")).to_be_hidden()


def test_without_a_style_sheet_the_reading_order_is_sensible(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    server = serve(larkfield.site)
    server.spoil = lambda path, status, body: (status, b"" if path.endswith(".css") else body)
    page = open_page("index.html", server)
    first = page.locator("#events li:visible").first
    lines = [line for line in first.inner_text().splitlines() if line.strip()]
    assert lines[0] == first.locator("h3").inner_text()
    assert lines[1].startswith(first.locator("time").inner_text())
    hidden = page.locator("#events li[hidden]")
    assert not any(hidden.nth(index).is_visible() for index in range(hidden.count()))
