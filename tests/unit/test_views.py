"""What the templates are given: status, lists, groups, links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from event import Event, Registration, Seats
from rendering import views
from rendering.views import EventView, Image, slug
from support.page_samples import TODAY, all_day, at, event, registration, view, wording

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
def test_a_name_becomes_part_of_an_address(name: str, expected: str) -> None:
    assert slug(name) == expected


@pytest.mark.parametrize("name", ["図書館", "!!!", "\ud800", ""])
def test_a_name_without_latin_letters_has_an_address_too(name: str) -> None:
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
    assert (shown.status.code if shown.status else "") == wanted
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
def test_the_link_to_registration_says_what_is_to_be_had(values: dict[str, Any], words: str) -> None:
    assert view(event(url="https://x.libcal.com/event/1", **values)).registration_text == words
    assert view(event(url="", **values)).registration_text == ""


def test_a_long_title_is_not_repeated_in_the_link_to_registration() -> None:
    long = event(url="https://x.libcal.com/event/1", title="Story Time " * 8, registration=registration())
    assert view(long).registration_text == "Register for this event"


@pytest.mark.parametrize(
    ("values", "offered"),
    [({}, True), ({"state": "rescheduled"}, True), ({"state": "postponed"}, False), ({"state": "cancelled"}, False),
     ({"listed": False}, False)],
)  # fmt: skip
def test_what_will_not_take_place_is_not_offered_for_calendars(values: dict[str, Any], offered: bool) -> None:
    assert view(event(**values)).in_calendar is offered


def test_where_names_room_branch_and_online_once_each() -> None:
    assert view(event(place="Story Room")).where == "Story Room, Kilton"
    assert view(event(place="Kilton")).where == "Kilton"
    assert view(event(place="", branch="", online=True)).where == "Online"
    assert view(event(place="Hall", online=True)).where == "Hall, Kilton, Online"
    assert view(event(place="Online på Zoom", online=True)).where == "Online på Zoom, Kilton"
    assert view(event(place="", branch="Online Branch", online=True)).where == "Online Branch"


def dates_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


def test_calendars_are_given_the_times_in_utc() -> None:
    shown = view(event("2026-03-03 10:30", "2026-03-03 12:00", excerpt="Songs & rhymes"))
    google = dates_of(shown.google_url)
    assert google["dates"] == "20260303T153000Z/20260303T170000Z"
    assert google["text"] == "Story Time"
    assert google["details"] == "Songs & rhymes\n\nhttps://events.example.org/event/1.html"
    outlook = dates_of(shown.outlook_url)
    assert (outlook["startdt"], outlook["enddt"]) == ("2026-03-03T15:30:00Z", "2026-03-03T17:00:00Z")


def test_calendars_are_given_days_with_an_exclusive_end_and_an_hour_where_there_is_no_end() -> None:
    assert dates_of(view(all_day("2026-03-03", "2026-03-05")).google_url)["dates"] == "20260303/20260306"
    outlook = dates_of(view(all_day("2026-03-03")).outlook_url)
    assert (outlook["startdt"], outlook["enddt"], outlook["allday"]) == ("2026-03-03", "2026-03-04", "true")
    assert (
        dates_of(view(event("2026-03-03 10:30")).google_url)["dates"] == "20260303T153000Z/20260303T163000Z"
    )


def test_an_event_without_end_counts_as_an_hour_long() -> None:
    shown = view(event("2026-03-03 10:30"))
    assert shown.endless
    assert shown.end_epoch - shown.start_epoch == 3600
    assert datetime.fromtimestamp(shown.start_epoch, UTC).hour == 15


def listing(*events: Event) -> views.Listing:
    return views.listing([view(item) for item in sorted(events, key=lambda item: item.order)], wording())


def titles(cards: tuple[views.Card, ...]) -> list[str]:
    return [card.view.event.title for card in cards]


def test_a_list_is_by_day_and_what_is_ongoing_stands_apart() -> None:
    found = listing(
        event("2026-03-04 09:00", id="1", title="Tomorrow"),
        event("2026-03-03 15:00", id="2", title="Later"),
        event("2026-03-03 09:00", id="3", title="Early"),
        all_day("2026-02-01", "2026-05-01", id="4", title="Exhibit"),
        all_day("2026-03-02", "2026-03-04", id="5", title="Sale"),
        event("2026-03-02 21:00", "2026-03-03 01:00", id="6", title="Last night"),
        event("2026-03-05 09:00", id="7", title="Gone", listed=False),
    )
    assert [day.heading for day in found.days] == ["Tuesday, March 3", "Wednesday, March 4"]
    assert [titles(day.cards) for day in found.days] == [["Sale", "Early", "Later"], ["Tomorrow"]]
    assert titles(found.ongoing) == ["Exhibit"]
    assert found.count == 5
    assert not found.empty
    assert listing().empty


def test_only_titles_that_repeat_are_told_apart_by_their_date() -> None:
    found = listing(
        event("2026-03-03 09:00", id="1"),
        event("2026-03-04 09:00", id="2"),
        event("2026-03-04 10:00", id="3", title="Chess"),
    )
    labels = [card.label for day in found.days for card in day.cards]
    assert labels == [
        "Story Time, Tuesday, March 3, 9am, Kilton",
        "Story Time, Wednesday, March 4, 9am, Kilton",
        "",
    ]


def with_image(item: Event) -> EventView:
    return view(item, images={320: Image(path="static/a-320.webp", width=320, height=180)})


def long_list(number: int) -> views.Listing:
    made = [
        event(
            f"{TODAY + timedelta(days=index // 10)} {9 + index % 10:02}:00",
            id=str(index),
            title=f"T{index}",
            excerpt="Words",
        )
        for index in range(number)
    ]
    return views.listing([with_image(item) for item in made], wording())


def test_images_and_excerpts_go_to_the_first_days_as_far_as_the_budget_of_elements_reaches() -> None:
    rich = [card.rich for day in long_list(60).days for card in day.cards]
    assert all(rich)
    found = long_list(200)
    by_day = [{card.rich for card in day.cards} for day in found.days]
    assert by_day[0] == {True}
    assert by_day[-1] == {False}
    assert by_day == sorted(by_day, key=lambda kinds: kinds == {False})
    assert not found.long


def test_the_first_days_have_images_and_excerpts_however_long_the_list() -> None:
    found = long_list(500)
    assert found.long
    assert [card.rich for card in found.days[0].cards + found.days[1].cards] == [True] * 20
    assert sum(card.rich for day in found.days for card in day.cards) == 30


def test_the_first_two_images_of_a_list_are_not_lazy() -> None:
    eager = [card.eager for day in long_list(30).days for card in day.cards]
    assert eager == [True, True] + [False] * 28


def test_groups_are_sorted_and_one_address_is_one_group() -> None:
    shown = [
        view(event(id="1", branch="Lebanon", audiences=("Teens", "Kids"))),
        view(event(id="2", branch="kilton", audiences=("TEENS",))),
        view(event(id="3", branch="", categories=("Film", "Film "))),
    ]
    assert [group.name for group in views.groups("branch", shown)] == ["kilton", "Lebanon"]
    teens = views.groups("audience", shown)[1]
    assert (teens.name, teens.path, [item.event.id for item in teens.events]) == (
        "Teens",
        "audience/teens.html",
        ["1", "2"],
    )
    (film,) = views.groups("category", shown)
    assert len(film.events) == 1


def test_a_branch_without_events_keeps_its_group() -> None:
    (group,) = views.groups("branch", [], also=["Outreach", ""])
    assert (group.path, group.events) == ("branch/outreach.html", ())


def test_other_dates_are_the_next_of_the_same_title_else_those_before() -> None:
    shown = [view(event(f"2026-03-{day:02} 09:00", id=str(day), title=title)) for day, title in
             [(3, "Chess"), (4, "Knit"), (5, "CHESS"), (6, "Chess"), (7, "Other")]]  # fmt: skip
    series = views.other_dates(shown)
    assert set(series) == {"chess"}
    chess = series["chess"]
    assert [item.event.id for item in views.neighbours(shown[0], chess)] == ["5", "6"]
    assert [item.event.id for item in views.neighbours(shown[3], chess)] == ["3", "5"]
    assert views.neighbours(shown[1], series.get("knit", ())) == []


def test_the_sheet_of_paper_has_seven_days_and_the_frame_the_first_events() -> None:
    found = listing(
        event("2026-03-03 09:00", id="1"), event("2026-03-09 09:00", id="2"), event("2026-03-10 09:00", id="3"),
        all_day("2026-02-01", "2026-05-01", id="4"), all_day("2026-04-01", "2026-05-01", id="5"),
    )  # fmt: skip
    week = views.week(found, TODAY, 7)
    assert [card.view.event.id for day in week.days for card in day.cards] == ["1", "2"]
    assert [card.view.event.id for card in week.ongoing] == ["4"]
    first = views.first(found, 2)
    assert [(card.view.event.id, card.rich) for day in first.days for card in day.cards] == [
        ("1", False),
        ("2", False),
    ]
    assert first.ongoing == ()


def test_an_image_is_as_small_as_will_do() -> None:
    sizes = {width: Image(path=f"static/a-{width}.webp", width=width, height=width) for width in (320, 800)}
    shown = view(event(), images=sizes)
    assert [shown.image(width).width for width in (320, 500, 800, 1600)] == [320, 800, 800, 800]


def test_registration_with_no_known_number_of_places_is_never_full() -> None:
    unknown = Registration(opened=True, closed=False, wait_list=False)
    shown = view(event(registration=unknown))
    assert shown.status
    assert shown.status.code == "required"
    assert at("2026-03-03 10:30").tzinfo is not None
