"""The list as a visitor uses it: by keyboard, with filters and search, and without any script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from browser.conftest import MakeSite, OpenPage, Watch
from browser.libraries import Library
from browser.sample_events import at, event
from browser.server import SiteServer
from event import Event
from views import slug

SHOWN = "#events li:not([hidden]) h3"


def shown(page: Page) -> list[str]:
    """Return the titles of the events that are not hidden, in their order."""
    titles: list[str] = page.locator(SHOWN).all_text_contents()
    return titles


def listed(library: Library) -> list[Event]:
    """Return the events that the list shows at the library's `now`."""
    now = library.now.timestamp()
    return [
        event
        for event in library.events
        if event.listed
        and max(event.end.timestamp(), event.start.timestamp() + 3600 * (event.end <= event.start)) > now
    ]


def plain(text: str) -> str:
    letters = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in letters if not unicodedata.category(letter).startswith("M")).lower()


def tab_to(page: Page, selector: str, most: int = 12) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not within {most} tab stops")


def test_the_list_is_complete_and_counted(open_in: OpenPage, library: Library) -> None:
    page = open_in(library, "index.html")
    assert sorted(shown(page)) == sorted(event.title for event in listed(library))
    assert re.search(r"\d+", page.locator("#count").inner_text())[0] == str(len(listed(library)))  # type: ignore[index]


def test_search_and_filters_work_by_keyboard_alone(open_in: OpenPage, library: Library) -> None:
    events = listed(library)
    page = open_in(library, "index.html")
    word = max(re.findall(r"\w{4,12}", events[0].title), key=len)
    tab_to(page, "#find input")
    page.keyboard.type(word.upper())
    found = shown(page)
    assert events[0].title in found
    assert len(found) < len(events)
    cards = page.locator("#events li:not([hidden])").all_text_contents()
    assert all(plain(word) in plain(card) for card in cards)

    # The search clears with Escape, as browsers have it; then a branch by its letters.
    page.keyboard.press("Escape")
    expect(page.locator("#find input")).to_have_value("")
    branch = next(event.branch for event in reversed(events) if event.branch)
    tab_to(page, "#find select[name=branch]", 1)
    while page.locator("#find select[name=branch]").input_value() != slug(branch):
        before = page.locator("#find select[name=branch]").input_value()
        page.keyboard.press("ArrowDown")
        assert page.locator("#find select[name=branch]").input_value() != before
    assert sorted(shown(page)) == sorted(
        event.title for event in events if slug(event.branch) == slug(branch)
    )
    expect(page).to_have_url(re.compile(rf"\?branch={slug(branch)}$"))

    # On to the first event, in, and back to the list as it was left.
    title = shown(page)[0]
    tab_to(page, "#events li:not([hidden]) h3 a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/event/*.html")
    assert page.locator("h1").inner_text() == title
    page.go_back()
    expect(page.locator("#find select[name=branch]")).to_have_value(slug(branch))
    assert shown(page)[0] == title


def test_a_filter_never_moves_the_focus_and_says_how_many_are_left(open_page: OpenPage) -> None:
    page = open_page("index.html")
    page.evaluate("addEventListener('focusin', () => (window.moved = (window.moved ?? 0) + 1))")
    count = page.locator("#count")
    assert count.get_attribute("role") == "status"
    page.locator("#find select[name=branch]").focus()
    assert page.evaluate("window.moved") == 1
    page.locator("#find select[name=branch]").select_option("lebanon")
    expect(count).to_have_text("2 events")
    page.locator("#find select[name=audience]").select_option("adults")
    expect(count).to_have_text("2 events")
    assert page.evaluate("document.activeElement.name") == "branch"
    assert page.evaluate("window.moved") == 1
    # Not at each letter, but once the fingers rest.
    page.locator("#find input").press_sequentially("poet", delay=20)
    assert len(shown(page)) == 1
    expect(count).to_have_text("1 event")


def test_the_choice_is_in_the_address_and_back_from_it(open_page: OpenPage, server: SiteServer) -> None:
    page = open_page("index.html?branch=kilton&q=the&utm=x#ongoing")
    expect(page.locator("#find select[name=branch]")).to_have_value("kilton")
    expect(page.locator("#find input")).to_have_value("the")
    assert shown(page) == ["Film Night: The Secret Garden", "Winter in the Valley: Photographs"]
    page.locator("#find input").fill("valley")
    expect(page).to_have_url(server.url("index.html?branch=kilton&q=valley&utm=x#ongoing"))
    page.locator("#find input").fill("")
    page.locator("#find select[name=branch]").select_option("")
    expect(page).to_have_url(server.url("index.html?utm=x#ongoing"))
    # The address changes in place: one step back leaves the list.
    assert page.evaluate("history.length") <= 2


def test_all_filters_count_together_and_words_in_any_order_and_spelling(open_page: OpenPage) -> None:
    page = open_page("index.html")
    page.locator("#find input").fill("  TIME   pré ")
    assert shown(page) == ["Preschool Story Time"]
    page.locator("#find input").fill("damren film")
    assert shown(page) == ["Film Night: The Secret Garden"]
    page.locator("#find input").fill("")
    page.locator("#find select[name=branch]").select_option("kilton")
    page.locator("#find select[name=audience]").select_option("adults")
    assert shown(page) == ["Watercolor for Beginners"]


def test_nothing_found_says_what_was_asked_for_and_offers_all(open_page: OpenPage) -> None:
    page = open_page("index.html?branch=lebanon&audience=teens")
    none, everything = page.locator("#none"), page.locator("#show-all")
    expect(none).to_have_text("No events match Teens at Lebanon.")
    assert none.locator("b").all_text_contents() == ["Teens", "Lebanon"]
    expect(page.locator("#count")).to_have_text("0 events")
    expect(page.locator("#to-ongoing")).to_be_hidden()
    page.locator("#find input").fill("<b>x")
    expect(none).to_have_text("No events match Teens, “<b>x” at Lebanon.")
    page.locator("#find select[name=audience]").select_option("")
    page.locator("#find input").fill("")
    page.locator("#find select[name=branch]").evaluate(
        "select => select.add(new Option('Nowhere', 'nowhere'))"
    )
    page.locator("#find select[name=branch]").select_option("nowhere")
    expect(none).to_have_text("No events at Nowhere.")
    everything.click()
    expect(none).to_be_hidden()
    expect(everything).to_be_hidden()
    assert len(shown(page)) == 10


def test_a_filter_that_no_event_has_any_more_finds_nothing_rather_than_all(open_page: OpenPage) -> None:
    page = open_page("index.html?audience=toddlers")
    expect(page.locator("#none")).to_have_text("No events match toddlers.")
    assert shown(page) == []


def test_enter_in_the_search_field_reloads_nothing(open_page: OpenPage, server: SiteServer) -> None:
    page = open_page("index.html")
    before = len(server.requests)
    page.locator("#find input").press("Enter")
    page.locator("#find input").fill("chess")
    page.locator("#find input").press("Enter")
    expect(page).to_have_url(server.url("index.html?q=chess"))
    assert [path for path in server.requests[before:] if path.startswith("/index")] == []
    assert shown(page) == ["Chess Club"]


def test_skip_links_lead_to_the_events_and_to_the_filters(open_page: OpenPage) -> None:
    page = open_page("index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the events"
    assert page.locator(":focus").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to search and filters"
    page.keyboard.press("Enter")
    tab_to(page, "#find input", 1)
    page.reload()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    tab_to(page, "#to-ongoing", 1)
    tab_to(page, "#events li a", 1)


def test_every_control_is_reached_and_seen_when_it_is(open_page: OpenPage) -> None:
    page = open_page("index.html")
    seen = set()
    while True:
        page.keyboard.press("Tab")
        here = page.evaluate(
            """() => {
              const element = document.activeElement;
              if (element === document.body) return null;
              const ring = [element, "::after"].map((part, index) =>
                getComputedStyle(element, index ? part : undefined)).map((style) => style.outlineStyle);
              return [element.tagName, element.href ?? element.name ?? element.textContent, ring.includes("solid") || ring.includes("auto")];
            }"""
        )
        if here is None:
            break
        assert here[2], f"no focus ring: {here}"
        seen.add((here[0], here[1]))
        assert len(seen) < 60
    links = page.locator("a:visible, select:visible, input:visible, summary:visible").count()
    # The skip links are seen only when they have the focus.
    assert len(seen) >= len({*range(links)}) - 2


def test_an_event_that_is_not_the_only_one_of_its_title_is_told_apart(
    open_in: OpenPage, library: Library
) -> None:
    page = open_in(library, "index.html")
    names = page.eval_on_selector_all("#events h3 a", "all => all.map(a => a.ariaLabel || a.textContent)")
    assert len(set(names)) == len(names)


def test_without_script_all_is_there_and_branches_are_pages(open_in: OpenPage, library: Library) -> None:
    page = open_in(library, "index.html", now=None, java_script_enabled=False)
    # What has ended by the hour only a script could know.
    of_today = [event for event in library.events if event.listed]
    assert sorted(shown(page)) == sorted(event.title for event in of_today)
    assert not page.locator("#find").is_visible()
    assert not page.locator("#stale, #show-all, #none").first.is_visible()
    page.get_by_role("link", name=re.compile("Browse|Gå på opdagelse")).click()
    branch = max({event.branch for event in of_today}, key=len)
    page.locator("#browse").get_by_role("link", name=branch, exact=True).click()
    assert page.locator("h1").inner_text() == branch
    mine = [event for event in of_today if slug(event.branch) == slug(branch)]
    assert sorted(shown(page)) == sorted(event.title for event in mine)
    title = shown(page)[0]
    page.locator("#events h3 a").first.click()
    assert page.locator("h1").inner_text() == title
    assert page.locator("dl time").inner_text()
    page.locator(".up a").click()
    assert page.url.endswith("/index.html")


def test_without_style_it_still_reads_in_order(open_page: OpenPage, server: SiteServer, watch: Watch) -> None:
    server.spoil = lambda path, status, body: (404, b"") if path.endswith(".css") else (status, body)
    watch.allow("404")
    page = open_page("index.html")
    text = page.locator("#events").inner_text()
    order = ["Today, Tuesday, March 3", "Genealogy Drop-In", "10:30am to noon", "Tomorrow", "Ongoing"]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    page.locator("#find select[name=branch]").select_option("lebanon")
    assert shown(page) == ["Genealogy Drop-In", "Poetry Reading"]


def test_a_library_without_branches_and_audiences_has_a_search_field_alone(
    open_page: OpenPage, serve: Callable[[Path], SiteServer], make_site: MakeSite
) -> None:
    alone = (event(1, "Only one", at("15:00"), branch=""), event(2, "And another", at("16:00"), branch=""))
    page = open_page("index.html", serve(make_site(alone)))
    assert page.locator("#find select").count() == 0
    page.locator("#find input").fill("another")
    assert shown(page) == ["And another"]
    assert page.locator("#browse").count() == 0
