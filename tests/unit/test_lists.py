"""Lists of events: days, groups, series, and how much of an event each shows."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from event import Calendar, Event
from rendering import lists
from rendering.site import Site
from rendering.views import EventView, Image
from support.page_samples import NOW, TODAY, all_day, event, settings, snapshot, view, wording


def listing(*events: Event) -> lists.Listing:
    return lists.listing([view(item) for item in sorted(events, key=lambda item: item.order)], wording())


def titles(cards: tuple[lists.Card, ...]) -> list[str]:
    return [card.view.event.title for card in cards]


def test_a_list_is_by_day_with_ongoing_events_separate() -> None:
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


def test_only_repeated_titles_have_a_label_with_their_date() -> None:
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


def long_list(number: int) -> lists.Listing:
    made = [
        event(
            f"{TODAY + timedelta(days=index // 10)} {9 + index % 10:02}:00",
            id=str(index),
            title=f"T{index}",
            excerpt="Words",
        )
        for index in range(number)
    ]
    return lists.listing([with_image(item) for item in made], wording())


def test_every_event_has_the_same_card_in_a_list_of_any_size() -> None:
    found = long_list(500)
    assert all(card.rich for day in found.days for card in day.cards)
    assert found.long
    assert not long_list(50).long


def test_the_strip_has_all_days_with_events_and_the_next_fortnight() -> None:
    found = listing(
        event("2026-03-03 09:00", id="1"),
        event("2026-03-03 10:00", id="2"),
        event("2026-04-02 10:00", id="3"),
    )
    days = lists.strip(found, wording())
    assert [(day.weekday, day.number, day.count) for day in (days[0], days[1], days[-1])] == [
        ("Tue", "3", 2),
        ("Wed", "4", 0),
        ("Thu", "Apr 2", 1),
    ]
    assert len(days) == 15
    assert lists.strip(listing(), wording()) == ()


def test_the_first_two_images_of_a_list_are_not_lazy() -> None:
    eager = [card.eager for day in long_list(30).days for card in day.cards]
    assert eager == [True, True] + [False] * 28


def test_groups_are_sorted_and_names_with_the_same_slug_are_one_group() -> None:
    shown = [
        view(event(id="1", branch="Lebanon", audiences=("Teens", "Kids"))),
        view(event(id="2", branch="kilton", audiences=("TEENS",))),
        view(event(id="3", branch="", categories=("Film", "Film "))),
    ]
    assert [group.name for group in lists.groups("branch", shown)] == ["kilton", "Lebanon"]
    teens = lists.groups("audience", shown)[0]
    assert (teens.name, teens.path, [item.event.id for item in teens.events]) == (
        "Teens",
        "audience/teens.html",
        ["1", "2"],
    )
    (film,) = lists.groups("category", shown)
    assert len(film.events) == 1


def test_a_branch_without_events_keeps_its_group() -> None:
    (group,) = lists.groups("branch", [], also=["Outreach", ""])
    assert (group.path, group.events) == ("branch/outreach.html", ())


def test_other_dates_are_the_next_of_the_same_title_or_the_previous_ones() -> None:
    shown = [view(event(f"2026-03-{day:02} 09:00", id=str(day), title=title)) for day, title in
             [(3, "Chess"), (4, "Knit"), (5, "CHESS"), (6, "Chess"), (7, "Other")]]  # fmt: skip
    series = lists.series(shown, [])
    assert set(series) == {"chess"}
    past = [view(event("2026-03-01 09:00", id="0", title="Knit"))]
    assert set(lists.series(shown, past)) == {"chess", "knit"}
    chess = series["chess"]
    assert [item.event.id for item in lists.other_dates(shown[0], chess)] == ["5", "6"]
    assert [item.event.id for item in lists.other_dates(shown[3], chess)] == ["3", "5"]
    assert lists.other_dates(shown[1], series.get("knit", ())) == []


def test_a_series_has_three_dates_of_the_same_title_branch_weekday_and_time() -> None:
    weekly = [event(f"2026-03-{day:02} 10:30", id=str(day), title="Chess") for day in (3, 10, 17)]
    others = [
        event("2026-03-24 10:30", id="1", title="Chess", branch="Lebanon"),
        event("2026-03-24 11:30", id="2", title="Chess"),
        event("2026-03-25 10:30", id="4", title="Chess"),
        event("2026-03-24 10:30", id="5", title="Knit"),
        event("2026-03-31 10:30", id="6", title="Knit"),
        event("2026-03-31 10:30", id="7", title="Knit"),
    ]
    (found,) = lists.recurring([view(item) for item in (*weekly, *others)])
    assert [item.event.id for item in found.events] == ["3", "10", "17"]
    assert (found.path, found.feed("ics")) == (
        "series/chess-kilton-tue-1030.html",
        "series/chess-kilton-tue-1030.ics",
    )
    assert found.has(view(event("2026-02-24 10:30", id="9", title="CHESS")))
    assert not found.has(view(others[1]))


def test_print_html_has_seven_days_and_embed_html_the_first_events() -> None:
    found = listing(
        event("2026-03-03 09:00", id="1"), event("2026-03-09 09:00", id="2"), event("2026-03-10 09:00", id="3"),
        all_day("2026-02-01", "2026-05-01", id="4"), all_day("2026-04-01", "2026-05-01", id="5"),
    )  # fmt: skip
    week = lists.first_days(found, TODAY, 7)
    assert [card.view.event.id for day in week.days for card in day.cards] == ["1", "2"]
    assert [card.view.event.id for card in week.ongoing] == ["4"]
    first = lists.first_events(found, 2)
    assert [(card.view.event.id, card.rich) for day in first.days for card in day.cards] == [
        ("1", False),
        ("2", False),
    ]
    assert [card.view.event.id for card in first.ongoing] == ["4"]


def test_an_exhibit_that_begins_later_is_on_its_first_day_and_a_camp_on_each_of_its_days() -> None:
    found = listing(
        all_day("2026-03-03", "2026-05-01", id="1", title="Opens today"),
        all_day("2026-03-10", "2026-05-01", id="2", title="Opens later"),
        event("2026-03-02 09:00", "2026-03-06 12:00", id="3", title="Camp"),
        event("2026-03-09 09:00", "2026-03-13 12:00", id="4", title="Next camp"),
    )
    assert found.ongoing == ()
    assert found.exhibits
    shown = {card.view.event.title: (day.heading, card.program.times, card.program.later)
             for day in found.days for card in day.cards}  # fmt: skip
    assert shown == {
        "Opens today": ("Tuesday, March 3", "Until Friday, May 1", "Ongoing, ends Friday, May 1"),
        "Opens later": ("Tuesday, March 10", "Until Friday, May 1", "Ongoing, ends Friday, May 1"),
        "Camp": ("Tuesday, March 3", "Ongoing, ends Friday, March 6", ""),
        "Next camp": ("Monday, March 9", "9am, until Friday, March 13", "Ongoing, ends Friday, March 13"),
    }


def test_only_the_largest_of_very_many_groups_have_pages() -> None:
    events = [event("2026-03-03 09:00", id=str(n), audiences=(f"Group {n}", "Teens")) for n in range(1, 400)]
    shown = [view(item) for item in events]
    found = lists.groups("audience", shown)
    assert len(found) == lists.MAX_GROUPS
    assert "Teens" in [group.name for group in found]
    names = [group.name for group in lists.groups("audience", shown, also=["Zz", "Group 399"])]
    assert {"Zz", "Group 399"} <= set(names)
    assert names == sorted(names, key=str.casefold)


@pytest.mark.parametrize(
    ("examples", "ordered"),
    [
        ([("Children", "Teens", "Adults")], ["Children", "Teens", "Adults"]),
        (
            [("Babies", "Children"), ("Children", "Teens"), ("Teens", "Adults")],
            ["Babies", "Children", "Teens", "Adults"],
        ),
        ([("Teens",), ("Adults",), ("Children",)], ["Adults", "Children", "Teens"]),
        ([("Teens", "Adults"), ("Children",)], ["Children", "Teens", "Adults"]),
        (
            [("Teens", "Adults"), ("Adults", "Teens"), ("Teens", "Adults", "Seniors")],
            ["Teens", "Adults", "Seniors"],
        ),
        ([("B", "A"), ("C", "B"), ("A", "C")], ["A", "C", "B"]),
    ],
)
def test_ages_are_in_the_order_in_which_libcal_lists_them(
    examples: list[tuple[str, ...]], ordered: list[str]
) -> None:
    shown = [view(event(id=str(number), audiences=names)) for number, names in enumerate(examples)]
    assert [group.name for group in lists.groups("audience", shown)] == ordered


def test_a_thousand_dates_of_one_title_take_linear_time() -> None:
    shown = [view(event(f"2026-03-{day:02} {hour:02}:{minute:02}", id=str(day * 10_000 + hour * 100 + minute)))
             for day in range(4, 14) for hour in range(10, 20) for minute in range(0, 60, 6)]  # fmt: skip
    began = time.process_time()
    for one in shown:
        assert lists.other_dates(one, shown)
    assert time.process_time() - began < 2


def test_hundreds_of_branch_names_in_one_calendar_do_not_cost_another_its_branch_page() -> None:
    many = [
        event("2026-03-03 09:00", id=str(n), branch=f"Branch of {n // 2}", calendar="1") for n in range(500)
    ]
    one = event("2026-03-03 09:00", id="1000", branch="Zeta", calendar="2")
    calendars = tuple(
        Calendar(id=key, label=label, fetched=NOW) for key, label in (("1", "Main"), ("2", "Zeta"))
    )
    site = Site.of(snapshot(*many, one, calendars=calendars), settings())
    assert "Zeta" in [group.name for group in site.groups]
