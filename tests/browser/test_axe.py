"""No page breaks a rule of axe-core, in either colour scheme, in any of the states it can be in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from browser.conftest import MakeSite, OpenPage, axe_violations
from browser.libraries import Library
from browser.sample_events import NOW, OPEN, at, event
from browser.server import SiteServer
from event import Event, Seats

KINDS = ("index", "branch", "audience", "event", "print", "embed", "404")
SCHEMES = ("light", "dark")
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


def page_of(library: Library, kind: str) -> str:
    if kind not in library.kinds:
        pytest.skip(f"these events have no {kind}")
    return library.kinds[kind]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_page_breaks_a_rule(open_in: OpenPage, library: Library, kind: str, scheme: str) -> None:
    page = open_in(library, page_of(library, kind), color_scheme=scheme)
    assert axe_violations(page) == []


@pytest.mark.parametrize("kind", ["index", "event", "print"])
def test_nor_does_it_on_a_phone(open_in: OpenPage, library: Library, kind: str) -> None:
    page = open_in(library, page_of(library, kind), **PHONE)
    assert axe_violations(page) == []


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


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_state_of_an_event_breaks_a_rule(
    open_page: OpenPage, serve: Callable[[Path], SiteServer], states: Path, scheme: str
) -> None:
    server = serve(states)
    page = open_page("index.html", server, color_scheme=scheme)
    assert axe_violations(page) == []
    tags = set(page.eval_on_selector_all(".tag", "tags => tags.map(tag => tag.className)"))
    assert len(tags) == 12, tags
    for path in sorted(states.glob("event/*.html")):
        page.goto(server.url(f"event/{path.name}"))
        page.eval_on_selector_all("details", "all => all.forEach(details => details.open = true)")
        assert axe_violations(page) == [], path.name


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nor_does_a_list_that_is_late_filtered_and_empty(open_page: OpenPage, scheme: str) -> None:
    page = open_page("index.html?q=nothing&branch=lebanon", now=NOW + timedelta(hours=5), color_scheme=scheme)
    page.locator("#stale").wait_for()
    page.locator("details").evaluate("details => details.open = true")
    assert page.locator("#none").is_visible()
    assert axe_violations(page) == []


@pytest.mark.parametrize("brand", ["#ffd500", "#000000", "#ffffff", "#c8102e", "#7a7a7a"])
def test_nor_does_any_colour_of_a_library(
    open_page: OpenPage, serve: Callable[[Path], SiteServer], make_site: MakeSite, brand: str
) -> None:
    server = serve(make_site(BRAND_COLOR=brand))
    for scheme in SCHEMES:
        page = open_page("index.html", server, color_scheme=scheme)
        assert axe_violations(page) == [], scheme
        page.goto(server.url("event/103.html"))
        assert axe_violations(page) == [], scheme
