"""Views of events for the templates: slugs, status, place, links to calendars, images."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from event import Registration, Seats
from rendering.views import Image, slug
from support.page_samples import all_day, at, event, registration, view, wording

TEN = Seats(total=10, taken=10)
FREE = Seats(total=10, taken=0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Kilton", "kilton"),
        ("KUB Nørre Campus", "kub-norre-campus"),
        ("Niños & Familias", "ninos-familias"),
        ("  Teens (13–18) ", "teens-13-18"),
        ("a" * 100, "a" * 60),
    ],
)
def test_a_slug_has_lowercase_ascii_letters_digits_and_hyphens(name: str, expected: str) -> None:
    assert slug(name) == expected


@pytest.mark.parametrize("name", ["図書館", "!!!", "\ud800", ""])
def test_a_name_without_latin_letters_has_a_slug_too(name: str) -> None:
    assert slug(name).isalnum()
    assert slug(name) == slug(name)
    assert slug("図書館") != slug("図書")


@pytest.mark.parametrize(
    ("wanted", "values"),
    [
        ("", {}),
        ("cancelled", {"state": "cancelled", "registration": registration(taken=20)}),
        ("postponed", {"state": "postponed", "listed": False}),
        ("unlisted", {"listed": False, "registration": registration()}),
        ("closed", {"registration": registration(taken=20, closed=True)}),
        ("waiting-list", {"registration": registration(taken=20, wait_list=True)}),
        ("full", {"registration": registration(taken=20)}),
        ("full", {"registration": registration(taken=20, opened=False)}),
        ("not-open", {"registration": registration(opened=False)}),
        ("not-open", {"registration": registration(taken=19, opened=False)}),
        ("few-left", {"registration": registration(taken=17)}),
        ("few-left", {"registration": registration(taken=16)}),
        ("required", {"registration": registration(taken=15)}),
        ("required", {"registration": registration(in_person=None)}),
        ("online-left", {"registration": registration(in_person=TEN, online=FREE)}),
        ("in-person-left", {"registration": registration(in_person=FREE, online=TEN)}),
        ("full", {"registration": registration(in_person=TEN, online=TEN)}),
        ("waiting-list", {"registration": registration(in_person=TEN, online=TEN, wait_list=True)}),
    ],
)
def test_the_first_status_that_applies_is_shown(wanted: str, values: dict[str, Any]) -> None:
    shown = view(event(**values))
    assert (shown.status.name if shown.status else "") == wanted
    if shown.status:
        assert shown.status.text == wording().messages(f"status.{wanted}")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"registration": registration()}, "Register for Story Time"),
        ({"registration": registration(taken=19)}, "Register for Story Time"),
        ({"registration": registration(in_person=TEN, online=FREE)}, "Register for Story Time"),
        ({"registration": registration(taken=20, wait_list=True)}, "Join the waiting list for Story Time"),
        ({"registration": registration(taken=20)}, ""),
        ({"registration": registration(closed=True)}, ""),
        ({"registration": registration(opened=False)}, ""),
        ({"registration": registration(), "state": "cancelled"}, ""),
        ({"registration": registration(), "listed": False}, ""),
        ({}, ""),
    ],
)
def test_the_registration_link_is_shown_only_while_registration_is_possible(
    values: dict[str, Any], words: str
) -> None:
    assert view(event(url="https://x.libcal.com/event/1", **values)).registration_text == words
    assert view(event(url="", **values)).registration_text == ""


def test_a_long_title_is_not_repeated_in_the_registration_link() -> None:
    long = event(url="https://x.libcal.com/event/1", title="Story Time " * 8, registration=registration())
    assert view(long).registration_text == "Register for this event"


@pytest.mark.parametrize(
    ("values", "offered"),
    [({}, True), ({"state": "rescheduled"}, False), ({"notice": "new-date"}, True), ({"state": "postponed"}, False), ({"state": "cancelled"}, False),
     ({"listed": False}, False)],
)  # fmt: skip
def test_events_that_do_not_take_place_are_not_offered_for_calendars(
    values: dict[str, Any], offered: bool
) -> None:
    assert view(event(**values)).in_calendar is offered


def test_an_event_that_does_not_take_place_is_not_featured() -> None:
    assert view(event(featured=True)).featured
    for values in ({}, {"featured": True, "state": "postponed"}, {"featured": True, "listed": False}):
        assert not view(event(**values)).featured


def test_the_place_names_room_branch_and_online_once_each() -> None:
    assert view(event(place="Story Room")).where == "Story Room, Kilton"
    assert view(event(place="Kilton")).where == "Kilton"
    assert view(event(place="", branch="", online=True)).where == "Online"
    assert view(event(place="Hall", online=True)).where == "Hall, Kilton, Online"
    assert view(event(place="", online=True)).where == "Online"


def test_an_online_only_event_has_no_street_address_in_its_place_or_on_a_map() -> None:
    online = view(
        event(
            place="",
            branch="Kilton",
            address="Main Street 4",
            online=True,
            registration=registration(in_person=None, online=FREE),
        )
    )
    assert online.event.online_only
    assert online.street_address == ""
    assert dates_of(online.google_url)["location"] == "Online"
    assert view(event(address="Main Street 4")).street_address == "Main Street 4"


def dates_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


def test_calendar_links_have_times_in_utc() -> None:
    shown = view(event("2026-03-03 10:30", "2026-03-03 12:00", excerpt="Songs & rhymes"))
    google = dates_of(shown.google_url)
    assert google["dates"] == "20260303T153000Z/20260303T170000Z"
    assert google["text"] == "Story Time"
    assert google["details"] == "Songs & rhymes\n\nhttps://events.example.org/event/1.html"
    outlook = dates_of(shown.outlook_url)
    assert (outlook["startdt"], outlook["enddt"]) == ("2026-03-03T15:30:00Z", "2026-03-03T17:00:00Z")


def test_outlook_at_work_gets_the_same_event_and_yahoo_the_last_day_of_an_all_day_event() -> None:
    shown = view(event("2026-03-03 10:30", "2026-03-03 12:00", excerpt="Songs & rhymes"))
    assert shown.office_url.split("?")[1] == shown.outlook_url.split("?")[1]
    assert urlsplit(shown.office_url).hostname == "outlook.office.com"
    yahoo = dates_of(shown.yahoo_url)
    assert (yahoo["st"], yahoo["et"], yahoo["title"]) == (
        "20260303T153000Z",
        "20260303T170000Z",
        "Story Time",
    )
    assert "dur" not in yahoo
    whole = dates_of(view(all_day("2026-03-03", "2026-03-05")).yahoo_url)
    assert (whole["st"], whole["et"], whole["dur"]) == ("20260303", "20260305", "allday")


def test_calendar_links_have_exclusive_end_days_and_one_hour_without_an_end() -> None:
    assert dates_of(view(all_day("2026-03-03", "2026-03-05")).google_url)["dates"] == "20260303/20260306"
    outlook = dates_of(view(all_day("2026-03-03")).outlook_url)
    assert (outlook["startdt"], outlook["enddt"], outlook["allday"]) == ("2026-03-03", "2026-03-04", "true")
    assert (
        dates_of(view(event("2026-03-03 10:30")).google_url)["dates"] == "20260303T153000Z/20260303T163000Z"
    )


def test_an_event_without_an_end_counts_as_one_hour() -> None:
    shown = view(event("2026-03-03 10:30"))
    assert not shown.has_end
    assert shown.end_epoch - shown.start_epoch == 3600
    assert datetime.fromtimestamp(shown.start_epoch, UTC).hour == 15


def test_the_smallest_sufficient_image_is_chosen() -> None:
    sizes = {width: Image(path=f"static/a-{width}.webp", width=width, height=width) for width in (320, 800)}
    shown = view(event(), images=sizes)
    assert [shown.image(width).width for width in (320, 500, 800, 1600)] == [320, 800, 800, 800]


def test_registration_with_an_unknown_number_of_places_is_never_full() -> None:
    unknown = Registration(opened=True, closed=False, wait_list=False)
    shown = view(event(registration=unknown))
    assert shown.status
    assert shown.status.name == "required"
    assert at("2026-03-03 10:30").tzinfo is not None
