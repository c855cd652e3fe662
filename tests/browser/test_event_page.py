"""The page of one event: status, registration, other dates, keyboard, no script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from browser import libraries
from browser.conftest import DANISH_IF_WIDE, MakeSite, OpenPage
from browser.libraries import Library
from browser.sample_events import NOW, OPEN, at, event
from browser.server import SiteServer
from event import Seats
from standins.libcal_server import LibCal

Serve = Callable[[Path], SiteServer]


def test_the_page_can_be_used_by_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page("event/103.html")
    stops = []
    for _ in range(9):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.textContent"))
        if stops[-1] == "Add to calendar":
            page.keyboard.press("Enter")
    assert stops == [
        "Skip to the content",
        "Lebanon Public Libraries",
        "All events",
        "Help",
        "Register",
        "Add to calendar",
        "Apple, Outlook and others (.ics)",
        "Google Calendar",
        "Outlook.com",
    ]
    page.locator(".actions summary").press("Enter")
    assert not page.get_by_role("link", name="Google Calendar").is_visible()
    page.reload()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "All events"


def test_the_page_is_complete_without_script(open_in: OpenPage, library: Library) -> None:
    wanted = library.event(
        lambda event: bool(
            event.registration and event.description and event.place and event.listed and not event.state
        )
    )
    page = open_in(library, f"event/{wanted.id}.html", now=None, java_script_enabled=False)
    assert page.locator("h1").inner_text() == wanted.title
    assert page.locator("dl time").get_attribute("datetime") == wanted.start.isoformat(timespec="minutes")
    assert wanted.place in page.locator("dl").inner_text()
    assert page.locator(".about").inner_text().strip()
    page.locator(".actions summary").click()
    with page.expect_download() as download:
        page.locator(".actions details a").first.click()
    assert f"UID:{wanted.id}@" in Path(download.value.path()).read_text(encoding="utf-8")


@DANISH_IF_WIDE
def test_every_event_has_a_page_that_says_when_and_where(open_in: OpenPage, library: Library) -> None:
    page = open_in(library, "index.html")
    for wanted in library.events[::7]:
        page.goto(page.url.rpartition("/")[0].removesuffix("/event") + f"/event/{wanted.id}.html")
        facts = page.locator("dl").inner_text()
        if wanted.online_only:
            assert page.locator("dl dd").nth(1).inner_text() == "Online"
        else:
            assert wanted.branch in facts
            assert wanted.place in facts
        assert all(audience in facts for audience in wanted.audiences)


@pytest.mark.parametrize(
    ("values", "tag", "button"),
    [
        ({}, "", ""),
        ({"registration": OPEN}, "Registration required", "Register for Chess"),
        ({"registration": replace(OPEN, in_person=Seats(total=9, taken=8))}, "Few places left", "Register for Chess"),
        ({"registration": replace(OPEN, in_person=Seats(total=9, taken=9))}, "Full", ""),
        ({"registration": replace(OPEN, in_person=Seats(total=9, taken=9), wait_list=True)},
         "Full, waiting list open", "Join the waiting list for Chess"),
        ({"registration": replace(OPEN, closed=True)}, "Registration closed", ""),
        ({"registration": replace(OPEN, opened=False)}, "Registration opens later", ""),
        ({"registration": OPEN, "state": "cancelled"}, "", ""),
        ({"registration": OPEN, "state": "postponed"}, "", ""),
        ({"registration": OPEN, "listed": False}, "No longer listed", ""),
    ],
)  # fmt: skip
def test_the_status_decides_whether_the_register_button_is_shown(
    open_page: OpenPage, serve: Serve, make_site: MakeSite, values: dict[str, Any], tag: str, button: str
) -> None:
    page = open_page("event/1.html", serve(make_site((event(1, "Chess", at("15:00", 1), **values),))))
    assert " ".join(page.locator("article .tag").all_inner_texts()) == tag
    names = [link.get_attribute("aria-label") for link in page.locator("#register").all()]
    assert names == [button] * bool(button)
    off = bool({"state", "listed"} & set(values))
    assert page.locator(".actions summary").count() == (0 if off else 1)
    if off:
        assert page.locator(".notice").is_visible()
    # The heading says the state, so that no tag repeats it.
    assert page.locator("h1 s").count() == ("state" in values)
    assert (
        page.locator("h1").inner_text() == f"{values['state'].capitalize()}: Chess"
        if "state" in values
        else "Chess"
    )


def test_other_dates_of_the_same_title_are_listed_with_their_status(
    open_page: OpenPage, serve: Serve, make_site: MakeSite
) -> None:
    series = [event(number, "Chess", at("15:00", 7 * number)) for number in range(1, 5)]
    series[2] = replace(series[2], state="cancelled", branch="Lebanon")
    page = open_page("event/1.html", serve(make_site(tuple(series))))
    assert page.locator(".others li").all_inner_texts() == [
        "Tuesday, March 17, 3pm to 4pm",
        "Cancelled: Tuesday, March 24, 3pm to 4pm Lebanon",
        "Tuesday, March 31, 3pm to 4pm",
    ]
    page.get_by_role("link", name="March 31").click()
    assert page.locator("dl time").inner_text() == "Tuesday, March 31, 3pm to 4pm"


def test_a_deleted_event_keeps_its_page_until_its_day_is_over(
    open_page: OpenPage, serve: Serve, tmp_path: Path
) -> None:
    """After its deletion in LibCal the event is on no list, and its page says so."""
    now = NOW
    with LibCal(now=now) as libcal:
        for key in list(libcal.events)[6:]:
            libcal.remove(key)
        lost, other = (
            libcal.edit(
                key, featured_image="", start=at("15:00", 1).isoformat(), end=at("16:00", 1).isoformat()
            )
            for key in list(libcal.events)[:2]
        )
        settings = {**libcal.settings, "SITE_URL": "https://events.example.org"}

        def publish() -> None:
            for program in ("fetch.py", "generate.py"):
                libraries.run(program, tmp_path, now, settings)

        publish()
        server = serve(tmp_path / "site")
        page = open_page(f"event/{lost['id']}.html", server)
        assert page.locator(".tag").count() == 0
        libcal.remove(lost["id"])
        now += timedelta(minutes=15)
        publish()
        page.reload()
        assert page.locator(".tag").inner_text() == "No longer listed"
        assert "please check before you come" in page.locator(".notice").inner_text()
        assert page.locator("meta[name=robots]").get_attribute("content") == "noindex"
        page.goto(server.url("index.html"))
        links = page.eval_on_selector_all("#events a", "all => all.map(a => a.getAttribute('href'))")
        assert f"event/{other['id']}.html" in links
        assert f"event/{lost['id']}.html" not in links
        # On the day after the event its page is deleted.
        libcal.now = now = NOW + timedelta(days=2)
        publish()
        assert not (tmp_path / "site" / "event" / f"{lost['id']}.html").exists()


def test_the_404_page_links_to_the_list_from_any_folder(
    open_page: OpenPage, serve: Serve, make_site: MakeSite
) -> None:
    server = serve(make_site(SITE_URL=""))
    lost = (server.folder / "404.html").read_bytes()
    server.spoil = lambda path, status, body: (200, lost) if status == 404 else (status, body)
    page = open_page("event/old/12.html", server)
    assert page.locator("h1").inner_text() == "Page not found"
    assert page.locator("h1").evaluate("node => getComputedStyle(node).fontWeight") == "600"
    page.get_by_role("main").get_by_role("link", name="All events").click()
    expect(page.locator("h1")).to_have_text("Events")


@pytest.mark.parametrize(
    ("now", "distance"),
    [
        (at("09:05"), "tomorrow"),
        (at("08:40", 1), "Today, in 6 hours"),
        (at("14:35", 1), "Today, in 25 minutes"),
        (at("15:00", 1), ""),
        (at("18:00", 1), ""),
    ],
)
def test_the_page_says_how_soon_the_event_is(
    open_page: OpenPage, serve: Serve, make_site: MakeSite, now: datetime, distance: str
) -> None:
    server = serve(make_site((event(1, "Chess", at("15:00", 1)),)))
    page = open_page("event/1.html", server, now=now, timezone_id="Asia/Tokyo")
    assert page.locator("#in").text_content() == distance
    assert page.locator("#in").is_visible() == bool(distance)


def test_a_stale_page_and_a_cancelled_event_do_not_say_how_soon(
    open_page: OpenPage, serve: Serve, make_site: MakeSite
) -> None:
    late = NOW + timedelta(days=2)
    events = (event(1, "Chess", at("15:00", 5)), event(2, "Lego", at("15:00", 5), state="cancelled"))
    server = serve(make_site(events))
    page = open_page("event/1.html", server, now=late)
    expect(page.locator("#stale")).to_be_visible()
    page.clock.run_for(60_000)
    assert not page.locator("#in").is_visible()
    assert not open_page("event/2.html", server).locator("#in").is_visible()


def test_all_events_leads_back_to_the_filtered_list(open_page: OpenPage, server: SiteServer) -> None:
    page = open_page("index.html?branch=kilton")
    page.get_by_role("link", name="Tax Help").click()
    page.wait_for_url("**/event/*.html")  # loaded, so that its script has run
    page.evaluate("location.assign('102.html')")
    page.wait_for_url("**/102.html")
    page.locator("#up").click()
    expect(page).to_have_url(server.url("index.html?branch=kilton"))
    direct = open_page("event/103.html")
    direct.locator("#up").click()
    expect(direct).to_have_url(server.url("index.html"))


@pytest.mark.parametrize("shares", [True, False])
def test_the_address_can_be_shared_or_copied(open_page: OpenPage, shares: bool) -> None:
    page = open_page("event/103.html", permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(
        "shares => Object.defineProperty(navigator, 'share', {value: shares ? async (data) => { window.data = data } : undefined})",
        shares,
    )
    page.get_by_role("button", name="Share").click()
    address = "https://events.example.org/event/103.html"
    if shares:
        assert page.evaluate("window.data.url") == address
    else:
        expect(page.get_by_role("status").filter(has_text="Link copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == address


def test_on_a_phone_registration_stays_in_view_and_covers_no_focus(open_page: OpenPage) -> None:
    page = open_page("event/103.html", viewport={"width": 390, "height": 560}, reduced_motion="reduce")
    bar = page.locator(".bar").bounding_box()
    assert bar
    assert bar["y"] + bar["height"] == 560
    assert page.locator("#register").get_attribute("aria-label") == "Register for Tax Help"
    page.locator("body > footer a").last.focus()
    last = page.locator("body > footer a").last.bounding_box()
    assert last
    assert last["y"] + last["height"] <= bar["y"]
    page.set_viewport_size({"width": 320, "height": 256})
    assert page.locator(".bar").evaluate("node => getComputedStyle(node).position") == "static"
