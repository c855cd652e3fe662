"""The list with its script: filters, search, their state in the address, the announced count."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import MakeSite, OpenPage
from browser.libraries import Library, rows
from browser.sample_events import NOW, at, event
from browser.server import SiteServer
from event import Event
from rendering.views import slug
from support.wide import wide

# Longer than the pause after which list.js announces the count, in ms.
REST = 400

Serve = Callable[[Path], SiteServer]


def shown(page: Page) -> list[str]:
    """Return the ids of the visible events, in order."""
    links: list[str] = page.eval_on_selector_all(
        "#events li",
        "items => items.filter(i => i.checkVisibility()).map(i => i.querySelector('a').pathname)",
    )
    return [Path(link).stem for link in links]


def current(library: Library) -> list[Event]:
    """Return the listed events that are not over at the time of the tests."""
    return [event for event in library.events if event.listed and not over(event)]


def over(event: Event) -> bool:
    return event.end <= NOW and event.end > event.start


def ids(events: Iterable[Event]) -> set[str]:
    return {event.id for event in events}


def names(event: Event, kind: str) -> list[str]:
    if kind == "branch":
        return [event.branch] if event.branch else []
    return list(event.audiences if kind == "audience" else event.categories)


def choose(page: Page, kind: str, value: str) -> None:
    """Choose a branch, or take an audience or category on or off."""
    if kind == "branch":
        page.select_option("select[name=branch]", value)
        return
    if not page.locator(f"details[data-kind={kind}]").evaluate("details => details.open"):
        page.locator(f"details[data-kind={kind}] summary").click()
    page.locator(f"input[name={kind}][value='{value}']").click()


def announced(page: Page) -> str:
    """Return the announced number of events, after the pause."""
    page.clock.run_for(REST)
    return page.locator("#count").inner_text()


def test_every_event_that_is_not_over_is_shown_once_and_counted(
    library: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html", serve(library.site))
    found = shown(page)
    assert len(found) == len(set(found))
    assert set(found) == rows(current(library))
    assert announced(page).split()[0] == str(len(found))


def test_each_filter_value_shows_exactly_its_events(
    library: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html", serve(library.site))
    events = current(library)
    tried = 0
    for kind in ("branch", "audience", "category"):
        values = page.eval_on_selector_all(
            f"select[name={kind}] option, input[name={kind}]", "all => all.map(o => o.value).filter(Boolean)"
        )
        assert set(values) == {slug(name) for event in library.events for name in names(event, kind)} or (
            not values
        )
        for value in values:
            choose(page, kind, value)
            expected = rows(e for e in events if value in map(slug, names(e, kind)))
            assert set(shown(page)) == expected, value
            assert announced(page).split()[0] == str(len(expected))
            assert f"{kind}={value}" in page.url
            tried += 1
            choose(page, kind, "" if kind == "branch" else value)
        page.clock.run_for(REST)
    assert tried >= 3
    assert "?" not in page.url
    assert set(shown(page)) == rows(events)


def words_of(event: Event) -> str:
    return " ".join((event.title, event.description, *event.categories)).casefold()


def test_filters_and_search_combine_and_empty_days_are_hidden(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html", serve(larkfield.site))
    page.select_option("select[name=branch]", label="Eastside")
    choose(page, "audience", "preschool")
    page.fill("input[name=q]", "story")
    expected = [
        event.id
        for event in current(larkfield)
        if event.branch == "Eastside" and "Preschool" in event.audiences and "story" in words_of(event)
    ]
    assert shown(page) == expected
    assert len(expected) >= 2
    headings = page.locator("#events section:not([hidden]) h2").all_inner_texts()
    assert len(headings) == len(expected)
    assert announced(page) == f"{len(expected)} events"


def test_the_search_covers_the_whole_card_and_ignores_accents_case_and_order(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html", serve(larkfield.site))
    cafes = ids(event for event in current(larkfield) if "Café" in event.title)
    assert len(cafes) >= 2
    for text in ("café", "CAFE", "  cafe\u0301 "):
        page.fill("input[name=q]", text)
        assert set(shown(page)) >= cafes, text
    for text, titles in (
        ("club mystery", {"Mystery Book Club: The Thursday Murder Club"}),
        ("buster keaton", None),
    ):
        page.fill("input[name=q]", text)
        found = set(page.locator("#events li:visible h3").all_text_contents())
        assert found == (titles or found), text
        assert found, text
    page.fill("input[name=q]", "few places left")
    assert (
        page.locator("#events li:visible .few-left").count() == page.locator("#events .few-left").count() > 0
    )


def test_the_whole_description_is_searched_and_the_word_found_is_named(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    server = serve(larkfield.site)
    page = open_page("index.html", server)
    page.wait_for_load_state("networkidle")
    assert not [path for path in server.requests if "search" in path]
    page.locator("input[name=q]").focus()
    page.wait_for_load_state("networkidle")
    page.fill("input[name=q]", "dvorak")
    card = page.locator("#events li:visible")
    expect(card).to_have_count(1)
    expect(card.locator(".why")).to_have_text("Mentions “Dvořák”")
    page.fill("input[name=q]", "technolgy")
    assert announced(page).startswith("Showing results for “technology” · ")
    page.fill("input[name=q]", "tonight")
    expect(page.get_by_role("button", name="Today")).to_have_attribute("aria-pressed", "true")
    certain = page.locator("#events li:visible:not(:has(.why:not([hidden])))")
    assert certain.count() == len(
        [e for e in current(larkfield) if e.start.date() == NOW.date() and e.start.hour >= 17]
    )


def test_dates_are_chips_a_strip_and_a_picker(larkfield: Library, open_page: OpenPage, serve: Serve) -> None:
    server = serve(larkfield.site)
    page = open_page("index.html", server)
    headings = page.locator("#events section:visible:not(#ongoing) h2")
    page.get_by_role("button", name="Tomorrow").click()
    expect(headings).to_have_text(["Tomorrow, Wednesday, March 4"])
    assert announced(page) == f"{len(shown(page))} events"
    assert page.url.endswith("?date=tomorrow")
    # From Friday at 17:00.
    page.get_by_role("button", name="This weekend").click()
    expect(headings).to_have_text(["Friday, March 6", "Saturday, March 7", "Sunday, March 8"])
    titles = page.locator("#events li:visible h3").all_inner_texts()
    assert "Chair Yoga" not in titles
    assert "Stuffed Animal Sleepover" in titles
    page.get_by_role("button", name="Evenings").click()
    assert all("pm" in text for text in page.locator("#events li:visible time").all_inner_texts())
    page.get_by_role("button", name="Evenings").click()
    page.locator("#days a[data-day='2026-03-10']").click()
    expect(headings).to_have_text(["Tuesday, March 10"])
    page.locator("#days a[data-day='2026-03-10']").click()
    page.fill("input[name=date]", "2026-03-14")
    expect(headings).to_have_text(["Saturday, March 14"])
    assert announced(page) == f"{len(shown(page))} events"
    again = open_page(page.url.removeprefix(server.origin + "/"), server)
    assert shown(again) == shown(page)


def test_the_branch_is_remembered_on_the_device_until_it_is_changed(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    server = serve(larkfield.site)
    page = open_page("index.html", server)
    every = shown(page)
    choose(page, "branch", "harbor")
    page.goto(server.url("index.html"))
    expect(page.locator("#yours")).to_contain_text("Your branch: Harbor")
    assert shown(page) != every
    # A link with filters shows the same on every device.
    page.goto(server.url("index.html?date=today"))
    expect(page.locator("#yours")).to_be_hidden()
    page.goto(server.url("index.html"))
    page.get_by_role("button", name="Change").click()
    expect(page.locator("select[name=branch]")).to_be_focused()
    assert shown(page) == every
    page.goto(server.url("index.html"))
    assert shown(page) == every


def test_without_a_match_the_page_offers_other_branches_and_dates(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html?branch=harbor&date=tomorrow&audience=preschool", serve(larkfield.site))
    none = page.locator("#none")
    expect(none).to_contain_text("No events match Preschool, Tomorrow at Harbor.")
    expect(none.get_by_role("button")).to_have_text(
        ["Preschool ×", "Tomorrow ×", "Harbor ×", "Next: Thursday, March 5", "Eastside (1)"]
    )
    none.get_by_role("button", name="Next:").click()
    assert page.locator("#events li:visible h3").all_inner_texts() == ["Preschool Story Time"]
    choose(page, "audience", "kids")
    page.clock.run_for(REST)
    assert page.url.endswith("?branch=harbor&date=2026-03-05&audience=preschool&audience=kids")


def test_on_a_phone_three_events_are_in_the_first_view(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html", serve(larkfield.site), viewport={"width": 390, "height": 844})
    boxes = [item.bounding_box() for item in page.locator("#events li:visible").all()[:5]]
    tops = [box["y"] for box in boxes if box]
    assert tops[0] <= 300
    whole = sum(bottom <= 844 for bottom in tops[1:])
    assert whole + (844 - tops[whole]) / (tops[whole + 1] - tops[whole]) >= 2.8
    # The cancelled event of the morning is the last of its day.
    today = page.locator("#day-2026-03-03 li:visible h3").all_inner_texts()
    assert today[-1].startswith("Cancelled: Morning Tai Chi")


def test_the_search_finds_special_letters_by_plain_ones(
    danish: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html", serve(danish.site))
    # The row of an online event names no branch.
    wanted = [event for event in current(danish) if "ø" in event.branch.casefold() and not event.online_only]
    assert wanted
    word = next(word for word in wanted[0].branch.casefold().split() if "ø" in word)
    plain = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    page.fill("input[name=q]", plain.replace("ø", "o"))
    assert set(shown(page)) >= ids(event for event in wanted if word in event.branch.casefold())


def test_the_address_keeps_and_restores_the_filters(
    larkfield: Library,
    open_page: OpenPage,
    serve: Serve,
) -> None:
    server = serve(larkfield.site)
    page = open_page("index.html", server)
    page.select_option("select[name=branch]", label="Harbor")
    page.fill("input[name=q]", "Boat & Row? 100%")
    page.clock.run_for(REST)
    assert page.url.endswith("?q=Boat+%26+Row%3F+100%25&branch=harbor")
    page.fill("input[name=q]", "row")
    page.clock.run_for(REST)
    address = page.url.removeprefix(server.origin + "/")
    before = shown(page)
    assert before
    page.locator("#events li:visible a").first.click()
    assert "/event/" in page.url
    page.go_back()
    page.clock.run_for(REST)
    assert shown(page) == before
    another = open_page(address, server)
    assert another.locator("select[name=branch]").input_value() == "harbor"
    assert another.locator("input[name=q]").input_value() == "row"
    assert shown(another) == before
    # One history entry for the visit, not one for each letter.
    assert page.evaluate("history.length") <= 3


def test_an_empty_result_names_the_filters_and_offers_all_events(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html?audience=teens&branch=harbor&q=zzz", serve(larkfield.site))
    none = page.locator("#none")
    expect(none).to_contain_text("No events match Teens, “zzz” at Harbor.")
    assert none.locator("b").all_inner_texts() == ["Teens, “zzz”", "Harbor"]
    assert announced(page) == "0 events"
    page.get_by_role("link", name="Show all events").click()
    expect(none).to_be_hidden()
    assert set(shown(page)) == rows(current(larkfield))
    expect(page.get_by_role("link", name="Show all events")).to_be_hidden()


def test_an_unknown_filter_value_in_the_address_is_named(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html?branch=closed-years-ago&q=%3Cb%3Ebold", serve(larkfield.site))
    expect(page.locator("#none")).to_contain_text("No events match “<b>bold” at closed-years-ago.")
    assert shown(page) == []


def test_the_focus_stays_while_the_list_changes(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html", serve(larkfield.site))
    page.evaluate(
        "addEventListener('focusin', e => (window.moved ??= []).push(e.target.name ?? e.target.id))"
    )
    search = page.locator("input[name=q]")
    search.focus()
    for letter in "story":
        page.keyboard.press(letter)
        page.clock.run_for(REST)
        expect(search).to_be_focused()
    page.keyboard.press("Enter")
    page.clock.run_for(REST)
    expect(search).to_be_focused()
    page.locator("select[name=branch]").focus()
    page.keyboard.press("ArrowDown")
    page.clock.run_for(REST)
    expect(page.locator("select[name=branch]")).to_be_focused()
    assert page.evaluate("window.moved") == ["q", "branch"]
    assert page.evaluate("scrollY") == 0


def test_the_count_is_announced_after_a_pause_not_at_every_letter(
    larkfield: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html", serve(larkfield.site))
    count = page.locator("#count")
    assert count.get_attribute("role") == "status"
    page.clock.pause_at(NOW.replace(minute=6))
    page.evaluate(
        "new MutationObserver(() => (window.announced ??= []).push(document.getElementById('count').textContent))"
        ".observe(document.getElementById('count'), { childList: true, characterData: true, subtree: true })"
    )
    page.locator("input[name=q]").press_sequentially("story")
    assert page.evaluate("window.announced") is None
    page.clock.run_for(REST)
    assert page.evaluate("window.announced") == [f"{len(shown(page))} events"]


@pytest.mark.parametrize("kind", ["branch", wide("audience")])
def test_each_group_page_has_exactly_its_events_and_not_its_own_filter(
    library: Library, open_page: OpenPage, serve: Serve, kind: str
) -> None:
    server = serve(library.site)
    pages = sorted((library.site / kind).glob("*.html"))
    groups = {slug(name) for event in library.events for name in names(event, kind)}
    # A calendar without events has a page too.
    assert groups <= {path.stem for path in pages}
    for path in pages:
        page = open_page(f"{kind}/{path.name}", server)
        assert set(shown(page)) == rows(
            event for event in current(library) if path.stem in map(slug, names(event, kind))
        )
        assert page.locator(f"select[name={kind}]").count() == 0
        assert re.search(r"\w", page.locator("h1").inner_text())
        page.context.close()


def test_links_to_events_of_one_title_have_different_names_for_screen_readers(
    library: Library, open_page: OpenPage, serve: Serve
) -> None:
    page = open_page("index.html", serve(library.site))
    names = page.eval_on_selector_all("#events h3 a", "all => all.map(a => a.ariaLabel || a.textContent)")
    # Real events moved into four weeks may have the same title, time and branch.
    different = {
        (event.title, event.start, event.end, event.branch, event.state)
        for event in library.events
        if event.listed and event.id in rows(library.events)
    }
    assert len(set(names)) == len(different)


def test_a_library_without_branches_and_audiences_has_only_a_search(
    make_site: MakeSite, open_page: OpenPage, serve: Serve
) -> None:
    alone = (event(1, "Only one", at("15:00"), branch=""), event(2, "And another", at("16:00"), branch=""))
    page = open_page("index.html", serve(make_site(alone)))
    assert page.locator("#find select").count() == 0
    page.fill("input[name=q]", "another")
    assert shown(page) == ["2"]
    assert page.locator("#browse h2").all_inner_texts() == ["By month"]


def test_unknown_parameters_stay_in_the_address(open_page: OpenPage, server: SiteServer) -> None:
    page = open_page("index.html?branch=kilton&q=the&utm=x#ongoing")
    page.fill("input[name=q]", "valley")
    page.clock.run_for(REST)
    assert page.url == server.url("index.html?branch=kilton&q=valley&utm=x#ongoing")
    page.fill("input[name=q]", "")
    page.select_option("select[name=branch]", "")
    page.clock.run_for(REST)
    assert page.url == server.url("index.html?utm=x#ongoing")


def test_the_ongoing_exhibits_are_below_the_first_day_and_hidden_when_the_filters_match_none(
    open_page: OpenPage,
) -> None:
    page = open_page("index.html")
    first = page.locator("#ongoing")
    expect(page.locator("#events section").nth(1)).to_have_attribute("id", "ongoing")
    expect(first).to_contain_text("Winter in the Valley: Photographs")
    page.select_option("select[name=branch]", "lebanon")
    expect(first).to_be_hidden()


def test_featured_events_leave_when_they_are_over_or_a_filter_is_chosen(
    open_page: OpenPage, make_site: MakeSite, serve: Serve
) -> None:
    morning = event(1, "Puppets", at("9:30"), audiences=("Kids",), featured=True)
    later = event(2, "Book Fair", at("10:00", 3), audiences=("Adults",), featured=True)
    server = serve(make_site((morning, later)))
    page = open_page("index.html", server)
    featured = page.get_by_role("region", name="Featured events")
    assert featured.get_by_role("heading").all_inner_texts() == ["Puppets", "Book Fair"]
    page.get_by_role("searchbox").fill("fair")
    expect(featured).to_be_hidden()
    page.get_by_role("searchbox").fill("")
    expect(featured).to_be_visible()
    page = open_page("index.html", server, at("11:00"))
    featured = page.get_by_role("region", name="Featured events")
    assert featured.get_by_role("heading").all_inner_texts() == ["Book Fair"]
    featured.get_by_role("link", name="Book Fair").click()
    page.wait_for_url("**/event/2.html")
