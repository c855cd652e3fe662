"""What the pages do to their layout when the reader changes theirs: narrow, zoomed, spaced, forced, printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from browser.conftest import MakeSite, OpenPage
from browser.libraries import Library
from browser.sample_events import NOW, at
from browser.server import SiteServer

KINDS = ("index", "branch", "audience", "event", "print", "embed", "404")

# What stands out of the window to the right, and what is cut off by its own box. The two lines of an excerpt,
# the name of a chosen filter and what is for screen readers alone are cut off on purpose.
LOST = """() => {
  const lost = [];
  const meant = ".skip, .skip *, #find h2, #events li p + p, select, select *";
  for (const element of document.body.querySelectorAll("*")) {
    if (element.matches(meant) || !element.checkVisibility()) continue;
    const box = element.getBoundingClientRect();
    if (box.width && box.right > innerWidth + 1) lost.push(["beyond the edge", element.outerHTML.slice(0, 120)]);
    const style = getComputedStyle(element);
    const cut = style.overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1
      || style.overflowY !== "visible" && element.scrollHeight > element.clientHeight + 1;
    if (cut) lost.push(["cut off", element.outerHTML.slice(0, 120)]);
  }
  if (document.documentElement.scrollWidth > innerWidth) lost.push(["scrolls sideways", document.title]);
  return lost;
}"""

# WCAG 2.2, 1.4.12.
SPACING = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
    p { margin-block-end: 2em !important }`);
  document.adoptedStyleSheets = [sheet];
}"""


def page_of(library: Library, kind: str) -> str:
    if kind not in library.kinds:
        pytest.skip(f"these events have no {kind}")
    return library.kinds[kind]


def size(width: int, height: int) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": height}}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_at_320_pixels_nor_with_wider_text(
    open_in: OpenPage, library: Library, kind: str
) -> None:
    """320 by 256 is a window of 1280 by 1024 at 400 % (1.4.10); then the spacing of 1.4.12 on top."""
    page = open_in(library, page_of(library, kind), **size(320, 256))
    page.eval_on_selector_all("details", "all => all.forEach(details => details.open = true)")
    assert page.evaluate(LOST) == []
    page.evaluate(SPACING)
    assert page.evaluate(LOST) == []


@pytest.mark.parametrize("width", [360, 600, 768, 1024, 1280, 1920, 3840])
def test_nothing_is_lost_at_any_other_width(open_in: OpenPage, library: Library, width: int) -> None:
    page = open_in(library, "index.html", **size(width, 900))
    assert page.evaluate(LOST) == []
    page.goto(page.url.replace("index.html", library.kinds["event"]))
    assert page.evaluate(LOST) == []


def test_text_of_twice_the_size_loses_nothing(open_in: OpenPage, library: Library) -> None:
    """1.4.4, by the font size that readers set in their browser."""
    for kind in ("index", "event"):
        page = open_in(library, library.kinds[kind], **size(640, 900))
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate(LOST) == []


@pytest.mark.parametrize("viewport", [(1280, 800), (360, 640), (320, 256)])
def test_what_has_the_focus_is_never_covered(
    open_in: OpenPage, library: Library, viewport: tuple[int, int]
) -> None:
    """2.4.11: the headings of days stay in view, and must not hide what is tabbed to, forwards or back."""
    page = open_in(library, "index.html", **size(*viewport), reduced_motion="reduce")
    covered = """() => {
      const element = document.activeElement, box = element.getBoundingClientRect();
      const middle = document.elementFromPoint(box.left + Math.min(box.width / 2, 40), box.top + box.height / 2);
      const seen = element.contains(middle) || middle?.contains(element) || middle?.closest("li") === element.closest("li");
      return seen ? null : [element.textContent.slice(0, 60), box.top, middle?.outerHTML.slice(0, 80)];
    }"""
    for key, presses in (("Tab", 30), ("Shift+Tab", 22)):
        for _ in range(presses):
            page.keyboard.press(key)
            assert page.evaluate(covered) is None


def test_in_forced_colours_tags_fields_and_focus_have_edges(open_page: OpenPage) -> None:
    page = open_page("index.html", forced_colors="active", now=at("14:00"))
    border = "node => getComputedStyle(node).borderTopStyle + getComputedStyle(node).borderTopWidth"
    for selector in (".tag", "#find", "#find input", "#find select", "summary"):
        assert page.locator(selector).first.evaluate(border) == "solid1px", selector
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    # A canceled event is struck through and tagged in words, whatever becomes of the colours.
    off = page.locator("li.off")
    assert off.locator("a").evaluate("node => getComputedStyle(node).textDecorationLine") == "line-through"
    assert off.locator(".tag").inner_text() == "Cancelled"


def test_where_motion_is_not_wanted_there_is_none(open_page: OpenPage) -> None:
    moving = (
        "() => [getComputedStyle(document.documentElement).scrollBehavior, document.getAnimations().length]"
    )
    assert open_page("index.html", reduced_motion="reduce").evaluate(moving) == ["auto", 0]
    assert open_page("index.html", reduced_motion="no-preference").evaluate(moving) == ["smooth", 0]


def test_more_contrast_is_given_to_who_asks_for_it(open_page: OpenPage) -> None:
    color = "node => getComputedStyle(node).color"
    plain = open_page("index.html").locator("#events li p").first.evaluate(color)
    strong = open_page("index.html", contrast="more").locator("#events li p").first.evaluate(color)
    body = open_page("index.html").locator("body").evaluate(color)
    assert plain != body
    assert strong == body


def printed(page: Page) -> Page:
    page.emulate_media(media="print")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_printed_list_is_black_on_white_and_without_what_paper_cannot_do(
    open_page: OpenPage, scheme: str
) -> None:
    page = printed(open_page("index.html", color_scheme=scheme, now=at("14:00")))
    for selector in ("#find", ".summary", ".more", "#events img", "body > footer ul"):
        assert page.locator(f"{selector}:visible").count() == 0, selector
    assert page.locator("h1").evaluate("node => getComputedStyle(node).color") == "rgb(0, 0, 0)"
    colors = page.eval_on_selector_all(
        "#events :is(h2, h3, time, p)", "all => [...new Set(all.map(node => getComputedStyle(node).color))]"
    )
    assert colors == ["rgb(0, 0, 0)"]
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    # What the filters have left is what is printed.
    assert page.locator("#events li:visible").count() == 8
    assert page.locator("#updated").is_visible()


def test_a_filtered_list_prints_as_it_is_filtered(open_page: OpenPage) -> None:
    page = printed(open_page("index.html?branch=lebanon"))
    assert page.locator("#events li:visible h3").all_inner_texts() == ["Genealogy Drop-In", "Poetry Reading"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sheet_of_the_week_is_for_paper(open_page: OpenPage, scheme: str) -> None:
    page = open_page("print.html", color_scheme=scheme, now=None, java_script_enabled=False)
    assert page.locator("h3").all_inner_texts() == [
        "Baby Lapsit", "Genealogy Drop-In", "Tax Help", "Watercolor for Beginners", "Chess Club",
        "Film Night: The Secret Garden", "Preschool Story Time", "Poetry Reading", "Used Book Sale",
        "Winter in the Valley: Photographs",
    ]  # fmt: skip
    off = page.locator("li", has_text="Chess Club")
    assert off.locator(".tag").inner_text() == "Cancelled"
    assert off.locator("h3").evaluate("node => getComputedStyle(node).textDecorationLine") == "line-through"
    colors = (
        "node => [getComputedStyle(node).color, getComputedStyle(document.documentElement).backgroundColor]"
    )
    black_on_white = ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert page.locator("h3").first.evaluate(colors) == black_on_white
    assert page.locator("nav").is_visible()
    assert printed(page).locator("h3").first.evaluate(colors) == black_on_white
    assert not page.locator("nav").is_visible()
    assert page.locator(".latest").inner_text() == "Times may change. The latest list: events.example.org"


def test_large_print_is_a_link_away_and_at_least_18_points(open_page: OpenPage) -> None:
    page = open_page("print.html", now=None, java_script_enabled=False)
    points = "node => parseFloat(getComputedStyle(node).fontSize) * .75"
    printed(page)
    assert page.locator("h3").first.evaluate(points) < 12
    page.emulate_media(media="screen")
    page.get_by_role("link", name="Large print").focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("link", name="Normal print").is_visible()
    assert not page.get_by_role("link", name="Large print").is_visible()
    printed(page)
    for selector in ("h3", "time", "li p", "li .tag", ".latest"):
        assert page.locator(selector).first.evaluate(points) >= 18, selector
    page.emulate_media(media="screen")
    page.get_by_role("link", name="Normal print").click()
    assert printed(page).locator("h3").first.evaluate(points) < 12


def test_a_page_with_a_logo_keeps_room_for_it(
    open_page: OpenPage, serve: Callable[[Path], SiteServer], make_site: MakeSite, tmp_path: Path
) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 60"><path d="M0 0h300v60H0z"/></svg>'
    )
    server = serve(make_site(LOGO=str(logo)))
    for width in (320, 1280):
        page = open_page("index.html", server, **size(width, 600), now=NOW)
        box = page.locator(".masthead img").bounding_box()
        assert box
        assert box["width"] / box["height"] == pytest.approx(5, abs=0.1)
        assert page.evaluate(LOST) == []
