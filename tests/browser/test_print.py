"""Printing: the filtered list, and print.html in normal and large print. Copying: the newsletter."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import OpenPage
from browser.sample_events import at


def printed(page: Page) -> Page:
    page.emulate_media(media="print")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_printed_list_is_black_on_white_without_controls(open_page: OpenPage, scheme: str) -> None:
    page = printed(open_page("index.html", color_scheme=scheme, now=at("14:00")))
    for selector in ("#find", ".summary", ".more", "#events img", "body > footer ul"):
        assert page.locator(f"{selector}:visible").count() == 0, selector
    assert page.locator("h1").evaluate("node => getComputedStyle(node).color") == "rgb(0, 0, 0)"
    colors = page.eval_on_selector_all(
        "#events :is(h2, h3, time, p)", "all => [...new Set(all.map(node => getComputedStyle(node).color))]"
    )
    assert colors == ["rgb(0, 0, 0)"]
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    # Only events that are not over are printed.
    assert page.locator("#events li:visible").count() == 8
    assert page.locator("#updated").is_visible()


def test_a_filtered_list_is_printed_filtered(open_page: OpenPage) -> None:
    page = printed(open_page("index.html?branch=lebanon"))
    assert page.locator("#events li:visible h3").all_inner_texts() == ["Genealogy Drop-In", "Poetry Reading"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_print_html_is_black_on_white_without_links(open_page: OpenPage, scheme: str) -> None:
    page = open_page("print.html", color_scheme=scheme, now=None, java_script_enabled=False)
    assert page.locator("h3").all_inner_texts() == [
        "Winter in the Valley: Photographs", "Baby Lapsit", "Genealogy Drop-In", "Tax Help",
        "Watercolor for Beginners", "Cancelled: Chess Club", "Film Night: The Secret Garden",
        "Preschool Story Time", "Poetry Reading", "Used Book Sale",
    ]  # fmt: skip
    off = page.locator("li", has_text="Chess Club")
    # The title shows the state; a tag would repeat it.
    assert off.locator(".tag").count() == 0
    assert off.locator("h3 s").evaluate("node => getComputedStyle(node).textDecorationLine") == "line-through"
    colors = (
        "node => [getComputedStyle(node).color, getComputedStyle(document.documentElement).backgroundColor]"
    )
    black_on_white = ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert page.locator("h3").first.evaluate(colors) == black_on_white
    assert page.locator("nav").is_visible()
    assert printed(page).locator("h3").first.evaluate(colors) == black_on_white
    assert not page.locator("nav").is_visible()
    assert page.locator(".latest").inner_text() == "Times may change. The latest list: events.example.org"


def test_a_link_switches_to_large_print_of_at_least_18_points(open_page: OpenPage) -> None:
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


def test_the_newsletter_is_copied_formatted_or_as_plain_text(open_page: OpenPage) -> None:
    page = open_page("newsletter.html", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy formatted").click()
    expect(page.get_by_role("status")).to_have_text("Copied. Paste it into your mail.")
    copied = page.evaluate("""async () => {
        const [item] = await navigator.clipboard.read();
        return (await item.getType('text/html')).text();
    }""")
    assert "<table" in copied
    assert "style=" in copied
    assert 'href="https://events.example.org/event/' in copied
    page.get_by_role("button", name="Copy plain text").click()
    plain = page.evaluate("navigator.clipboard.readText()")
    assert plain.strip() == page.locator("#plain").inner_text().strip()
