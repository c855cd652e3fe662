from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from event import Event, Registration, Seats
from fetching.links import Origin
from fetching.normalize import (
    Context,
    NormalizedCalendar,
    UnusableEvent,
    event_id,
    normalize_calendar,
    parse_calendars,
    to_event,
)

ZONE = ZoneInfo("America/New_York")
CONTEXT = Context(
    calendar="7",
    branch="Kilton",
    zone=ZONE,
    now=datetime(2026, 3, 3, 9, 0, tzinfo=ZONE),
    last_day=date(2026, 4, 2),
    origin=Origin.of("https://library.libcal.com/1.1"),
)
# The format of a real response; only events with registration have the second half of the keys.
RAW: dict[str, Any] = {
    "id": 4216770,
    "title": "Drop in",
    "allday": False,
    "start": "2026-03-06T10:30:00-05:00",
    "end": "2026-03-06T12:00:00-05:00",
    "description": "<p>Text&nbsp;</p>\r\n\r\n<p>More</p>",
    "url": {
        "public": "https://library.libcal.com/event/4216770",
        "admin": "https://library.libcal.com/aevent.php?c=7",
    },
    "location": {"id": 21575, "type": 2, "name": "Zone 3"},
    "campus": {"id": 41, "name": "North"},
    "category": [{"id": 33562, "name": "Analysis"}],
    "audience": [{"id": 1021, "name": "Beginner"}],
    "owner": {"id": 1, "name": "Staff Name"},
    "presenter": "",
    "calendar": {"id": 7, "name": "Main", "public": "https://library.libcal.com/calendar/main"},
    "seats": "",
    "registration": False,
    "color": "#18E0F2",
    "featured_image": "",
    "geolocation": "",
    "future_dates": [{"event_id": 4216771, "start": "2026-03-13T10:30:00-05:00"}],
    "registration_cost": 0,
    "more_info": "",
    "setup_time": 0,
    "teardown_time": 0,
}
REGISTRATION: dict[str, Any] = {
    "registration": True,
    "seats": 30,
    "has_registration_opened": True,
    "has_registration_closed": False,
    "physical_seats": 30,
    "physical_seats_taken": 12,
    "online_seats": 0,
    "online_seats_taken": 0,
    "seats_taken": 12,
    "wait_list": True,
}


def event(**fields: Any) -> Event:
    return to_event({**RAW, **fields}, CONTEXT)[0]


def without(name: str) -> Event:
    return to_event({key: value for key, value in RAW.items() if key != name}, CONTEXT)[0]


def test_an_ordinary_event_keeps_all_public_fields() -> None:
    assert event() == Event(
        id="4216770",
        calendar="7",
        title="Drop in",
        start=datetime(2026, 3, 6, 10, 30, tzinfo=ZONE),
        end=datetime(2026, 3, 6, 12, 0, tzinfo=ZONE),
        branch="North",
        place="Zone 3",
        categories=("Analysis",),
        audiences=("Beginner",),
        url="https://library.libcal.com/event/4216770",
        description="<p>Text</p>\n<p>More</p>",
        excerpt="Text More",
        color="#18E0F2",
    )


# --- Time ------------------------------------------------------------------------------------


def when(start: Any, end: Any, **fields: Any) -> tuple[str, str, bool]:
    found = event(start=start, end=end, **fields)
    return found.start.isoformat(timespec="minutes"), found.end.isoformat(timespec="minutes"), found.all_day


@pytest.mark.parametrize(
    ("start", "end", "result"),
    [
        # Times in any time zone are converted to the library's
        ("2026-03-06T10:00:00-05:00", "2026-03-06T11:00:00-05:00", ("2026-03-06T10:00-05:00", "2026-03-06T11:00-05:00", False)),
        ("2026-03-06T15:00:00+00:00", "2026-03-06T16:00:00Z", ("2026-03-06T10:00-05:00", "2026-03-06T11:00-05:00", False)),
        ("2026-03-06T10:00:00-0500", "2026-03-06 11:00:00", ("2026-03-06T10:00-05:00", "2026-03-06T11:00-05:00", False)),
        # Both sides of a clock change, and the skipped hour
        ("2026-03-08T01:30:00-05:00", "2026-03-08T03:30:00-04:00", ("2026-03-08T01:30-05:00", "2026-03-08T03:30-04:00", False)),
        ("2026-03-08T02:30:00", "2026-03-08T03:45:00-04:00", ("2026-03-08T03:30-04:00", "2026-03-08T03:45-04:00", False)),
        ("2026-11-01T01:30:00-04:00", "2026-11-01T01:15:00-05:00", ("2026-11-01T01:30-04:00", "2026-11-01T01:15-05:00", False)),
        # Overnight, several days
        ("2026-03-06T19:00:00-05:00", "2026-03-07T01:00:00-05:00", ("2026-03-06T19:00-05:00", "2026-03-07T01:00-05:00", False)),
        ("2026-03-06T19:00:00-05:00", "2026-03-07T00:00:00-05:00", ("2026-03-06T19:00-05:00", "2026-03-07T00:00-05:00", False)),
        ("2026-03-06T09:00:00-05:00", "2026-03-09T17:00:00-04:00", ("2026-03-06T09:00-05:00", "2026-03-09T17:00-04:00", False)),
        # From midnight to midnight is all day, even if LibCal's flag is missing
        ("2026-03-06T00:00:00-05:00", "2026-03-06T23:59:00-05:00", ("2026-03-06T00:00-05:00", "2026-03-07T00:00-05:00", True)),
        ("2026-03-06T00:00:00-05:00", "2026-03-06T23:59:59-05:00", ("2026-03-06T00:00-05:00", "2026-03-07T00:00-05:00", True)),
        ("2026-03-06T00:00:00-05:00", "2026-03-07T00:00:00-05:00", ("2026-03-06T00:00-05:00", "2026-03-07T00:00-05:00", True)),
        ("2026-03-06T00:00:00-05:00", "2026-03-08T23:59:00-04:00", ("2026-03-06T00:00-05:00", "2026-03-09T00:00-04:00", True)),
        ("2026-03-06T00:00:00-05:00", "2026-03-06T00:00:00-05:00", ("2026-03-06T00:00-05:00", "2026-03-06T00:00-05:00", False)),
    ],
)  # fmt: skip
def test_times_are_converted_to_the_time_zone_of_the_library(
    start: str, end: str, result: tuple[str, str, bool]
) -> None:
    assert when(start, end) == result


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-03-06T00:00:00-05:00", "2026-03-06T23:59:00-05:00", ("2026-03-06", "2026-03-06")),
        ("2026-03-06T00:00:00-05:00", "2026-03-07T00:00:00-05:00", ("2026-03-06", "2026-03-06")),
        ("2026-03-06T00:00:00-05:00", "2026-03-08T00:00:00-05:00", ("2026-03-06", "2026-03-07")),
        # Only the date counts: an offset could change the day
        ("2026-03-06T00:00:00+00:00", "2026-03-06T23:59:00+00:00", ("2026-03-06", "2026-03-06")),
        ("2026-03-06T00:00:00Z", "2026-03-07T00:00:00Z", ("2026-03-06", "2026-03-06")),
        ("2026-03-06", "2026-03-08", ("2026-03-06", "2026-03-07")),
        ("2026-03-06T00:00:00-05:00", "2026-03-06T00:00:00-05:00", ("2026-03-06", "2026-03-06")),
        ("2026-03-06T09:00:00-05:00", "2026-03-07T17:00:00-05:00", ("2026-03-06", "2026-03-07")),
        ("2026-03-06T00:00:00-05:00", None, ("2026-03-06", "2026-03-06")),
        ("2026-03-06T00:00:00-05:00", "2026-03-01T00:00:00-05:00", ("2026-03-06", "2026-03-06")),
    ],
)
@pytest.mark.parametrize("flag", [True, 1, "1", "true"])
def test_an_all_day_event_uses_only_the_dates(start: str, end: Any, days: tuple[str, str], flag: Any) -> None:
    found = event(start=start, end=end, allday=flag)
    assert found.all_day
    assert (found.first_day.isoformat(), found.last_day.isoformat()) == days
    assert (found.start.time(), found.end.time()) == (datetime.min.time(), datetime.min.time())


@pytest.mark.parametrize(
    "end", [None, "", "nonsense", 5, [], "2026-03-06T09:00:00-05:00", "2199-01-01T00:00:00Z"]
)
def test_an_impossible_end_is_replaced_by_the_start_and_reported(end: Any) -> None:
    found, corrected = to_event({**RAW, "end": end}, CONTEXT)
    assert found.end == found.start
    assert corrected == ("end",)


@pytest.mark.parametrize(
    "start",
    [
        *(None, "", 0, 1772546400, [], {}, "soon", "2026-02-30T10:00:00-05:00", "2026-03-06T10:00:00-99:00"),
        *(
            "0000-00-00T00:00:00",
            "0001-01-01T00:00:00+14:00",
            "1970-01-01T00:00:00+00:00",
            "1999-12-31T00:00:00Z",
        ),
        *("2031-06-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2026-03-06T10:00:00" + " " * 100),
    ],
)
def test_an_event_without_a_valid_start_is_unusable(start: Any) -> None:
    with pytest.raises(UnusableEvent, match="start"):
        event(start=start)


def run(*items: Any) -> NormalizedCalendar:
    return normalize_calendar(items, CONTEXT)


def at(identity: int, start: str, end: str, **fields: Any) -> dict[str, Any]:
    return {**RAW, "id": identity, "start": start, "end": end, **fields}


@pytest.mark.parametrize(
    ("start", "end", "returned"),
    [
        ("2026-03-02T20:00:00-05:00", "2026-03-02T22:00:00-05:00", False),
        ("2026-03-02T20:00:00-05:00", "2026-03-03T00:00:00-05:00", False),
        ("2026-03-02T20:00:00-05:00", "2026-03-03T00:30:00-05:00", True),
        ("2026-03-03T07:00:00-05:00", "2026-03-03T08:00:00-05:00", True),
        ("2026-02-01T09:00:00-05:00", "2026-03-10T17:00:00-04:00", True),
        ("2026-04-02T23:00:00-04:00", "2026-04-03T01:00:00-04:00", True),
        ("2026-04-03T00:30:00-04:00", "2026-04-03T02:00:00-04:00", False),
    ],
)
def test_only_events_from_today_to_the_last_requested_day_are_returned(
    start: str, end: str, returned: bool
) -> None:
    result = run(at(1, start, end))
    assert [event.id for event in result.events] == ["1"] * returned
    assert not result.problems


def test_a_calendar_with_all_times_in_utc_is_flagged() -> None:
    utc = at(1, "2026-03-06T10:00:00+00:00", "2026-03-06T11:00:00+00:00")
    local = at(2, "2026-03-06T10:00:00-05:00", "2026-03-06T11:00:00-05:00")
    assert run(utc).zone_doubtful
    assert not run(utc, local).zone_doubtful
    assert not run().zone_doubtful
    in_london = replace(CONTEXT, zone=ZoneInfo("Europe/London"))
    assert not normalize_calendar([utc], in_london).zone_doubtful


# --- State -----------------------------------------------------------------------------------


def test_the_state_is_removed_from_the_title() -> None:
    found = event(title="CANCELLED: Fish &amp; chips")
    assert (found.state, found.title) == ("cancelled", "Fish & chips")


# --- Closures --------------------------------------------------------------------------------


def test_a_closure_has_its_reason_as_title() -> None:
    found = event(title="Library Closed - Town Meeting Day")
    assert (found.kind, found.title, found.branch) == ("closure", "Town Meeting Day", "North")
    everywhere = event(title="Library Closed", description="<p>All branches are closed.</p>")
    assert (everywhere.kind, everywhere.title, everywhere.branch) == ("closure", "", "")


def test_every_event_of_the_closing_category_is_a_closure() -> None:
    context = replace(CONTEXT, closing_category="analysis")
    found = to_event({**RAW, "title": "Founders' Day"}, context)[0]
    assert (found.kind, found.title) == ("closure", "Founders' Day")
    assert event(title="Founders' Day").kind == ""


@pytest.mark.parametrize("field", ["category", "internal_tags"])
def test_an_event_of_the_featured_category_or_tag_is_featured(field: str) -> None:
    context = replace(CONTEXT, featured_category="front page")
    found = to_event({**RAW, field: [{"id": 1, "name": "Front Page"}]}, context)[0]
    assert found.featured
    assert ("Front Page" in found.categories) == (field == "category")
    assert not to_event({**RAW, field: [{"id": 1, "name": "Front Page"}]}, CONTEXT)[0].featured


def test_a_cancelled_closure_is_none() -> None:
    assert event(title="CANCELLED: Library closed").kind == ""


# --- Place -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("campus", "branch", "address"),
    [
        ({"id": 1, "name": "North"}, "North", ""),
        ({"name": "KUB Nørre Campus, Nørre Allé 49, 2200 København N"}, "KUB Nørre Campus", "Nørre Allé 49, 2200 København N"),
        ({"name": "Main, East Wing"}, "Main, East Wing", ""),
        ([{"id": 1, "name": "North"}], "North", ""),
        ("North", "North", ""),
        ({"0": {"name": "North"}}, "North", ""),
        ("", "Kilton", ""),
        (None, "Kilton", ""),
        ([], "Kilton", ""),
        ({}, "Kilton", ""),
        (False, "Kilton", ""),
        ({"id": 0, "name": ""}, "Kilton", ""),
        ({"id": 0, "name": None}, "Kilton", ""),
        ({"id": 0, "name": {"en": "North"}}, "Kilton", ""),
        ([[[[[["North"]]]]]], "Kilton", ""),
    ],
)  # fmt: skip
def test_the_branch_is_the_campus_or_the_label_of_the_calendar(
    campus: Any, branch: str, address: str
) -> None:
    found = event(campus=campus)
    assert (found.branch, found.address) == (branch, address)


def test_without_campus_and_label_the_branch_is_the_calendar_name() -> None:
    unlabeled = replace(CONTEXT, branch="")
    assert to_event({**RAW, "campus": ""}, unlabeled)[0].branch == "Main"
    assert to_event({**RAW, "campus": "", "calendar": []}, unlabeled)[0].branch == ""
    assert normalize_calendar([RAW], unlabeled).name == "Main"


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ({"id": 1, "type": 0, "name": "Zone 3"}, "Zone 3"),
        ({"id": 0, "type": 0, "name": ""}, ""),
        ({"id": 14440, "name": ""}, ""),
        ([{"name": "Room A"}, {"name": "Room B"}, {"name": "room a"}], "Room A, Room B"),
        ({"name": "Room A, Room B, Room A"}, "Room A, Room B"),
        ({"name": "North: Data Lab"}, "Data Lab"),
        ({"name": "NORTH - Data Lab"}, "Data Lab"),
        ({"name": "Teen Spot, North"}, "Teen Spot"),
        ({"name": "North"}, ""),
        ({"name": "North Wing"}, "North Wing"),
        ({"name": "North-facing room"}, "North-facing room"),
        ("Zone 3", "Zone 3"),
        ([], ""),
        (None, ""),
        (7, "7"),
    ],
)
def test_the_place_names_each_room_once_and_not_the_branch(location: Any, place: str) -> None:
    assert event(location=location).place == place


ONLINE_PLACES = (
    *(
        "Online",
        "Online på Zoom",
        "Virtual",
        "Zoom",
        "ZOOM",
        "Zoom Meeting",
        "Virtual Event",
        "Virtual (Zoom)",
        "Webex",
    ),
    *(
        "Microsoft Teams",
        "Teams",
        "Google Meet",
        "Facebook Live",
        "YouTube",
        "YouTube Live",
        "Online via Zoom",
        "Remote",
    ),
    *(
        "Virtual - Zoom",
        "Library Facebook Page",
        "Online/Zoom",
        "Zoom (link will be emailed)",
        "Webinar",
        "En línea",
    ),
    *(
        "Virtual por Zoom",
        "Evento virtual",
        "Online only",
        "North - Online",
        "Programs - Virtual",
        "(Online)",
        "Livestream",
    ),
    *("Online: registration required", "Virtual Program"),
)
ROOMS = (
    *(
        "Virtual Reality Lab",
        "Zoom Room",
        "The Zoom Room",
        "Teams Room",
        "YouTube Studio",
        "Digital Lab",
        "Facebook Studio",
    ),
    *(
        "Online Learning Center",
        "Virtual Gallery Wing",
        "Remote Storage",
        "Internet Café",
        "Room 3 - Virtual Reality Lab",
    ),
    *("Zoo", "Team Room", "Meeting Room", "Discord Park Pavilion", "Skype Booth"),
)


@pytest.mark.parametrize("name", ONLINE_PLACES)
def test_a_place_that_is_only_the_internet_makes_an_event_online_only(name: str) -> None:
    found = event(location={"name": name}, campus="")
    assert (found.online, found.place, found.online_only) == (True, "", True)


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_with_such_a_name_stays_a_room(name: str) -> None:
    found = event(location={"name": name}, campus="")
    assert (found.online, found.place) == (False, name)


@pytest.mark.parametrize(
    ("fields", "online", "only"),
    [
        ({}, False, False),
        ({"online_join_url": "https://zoom.example/j/1"}, True, False),
        ({"online_join_url": "https://zoom.example/j/1", "location": ""}, True, True),
        ({"online_provider": "external"}, True, False),
        (
            {"online_provider": "", "online_join_url": "", "online_seats": 0, "online_user_id": 0},
            False,
            False,
        ),
        ({"online_seats": 40}, True, False),
        ({"online_seats": "40", "registration": True, "physical_seats": 0}, True, True),
        ({"online_seats": "40", "registration": True, "physical_seats": 10}, True, False),
        ({"online_seats": "40", "registration": True, "physical_seats": 10, "location": ""}, True, False),
        ({"location": [{"name": "Community Room"}, {"name": "Zoom"}]}, True, False),
        ({"location": "", "campus": {"name": "Online"}}, True, True),
        ({"title": "Chess (moved online)"}, True, True),
        ({"title": "Online shopping"}, False, False),
        ({"online_join_url": None, "online_provider": [], "online_seats": "many"}, False, False),
    ],
)
def test_an_online_event_is_recognized_without_publishing_its_link(
    fields: dict[str, Any], online: bool, only: bool
) -> None:
    found = event(**fields)
    assert (found.online, found.online_only) == (online, only)


# --- Other fields ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ([{"id": 1, "name": "Kids"}, {"name": "Teens"}], ("Kids", "Teens")),
        (
            [{"name": "Programs > Kids"}, {"name": "Programs &gt; Teens"}, {"name": "Odd >"}],
            ("Kids", "Teens", "Odd"),
        ),
        ([{"name": "Kids"}, {"name": "KIDS"}], ("Kids",)),
        (["Kids", "Teens"], ("Kids", "Teens")),
        ("Kids", ("Kids",)),
        ({"name": "Kids"}, ("Kids",)),
        ({"0": {"name": "Kids"}, "2": {"name": "Teens"}}, ("Kids", "Teens")),
        ([None, {}, {"id": 4}, {"name": None}, {"name": ""}, [], 5, {"name": {"name": "x"}}], ("5",)),
        ({"id": 4, "label": "Kids"}, ()),
        (None, ()),
        ("", ()),
        (True, ()),
        ([{"name": str(number)} for number in range(500)], tuple(str(number) for number in range(20))),
    ],
)
@pytest.mark.parametrize(("raw", "field"), [("category", "categories"), ("audience", "audiences")])
def test_categories_and_audiences_are_read_in_every_format(
    value: Any, names: tuple[str, ...], raw: str, field: str
) -> None:
    assert getattr(event(**{raw: value}), field) == names


def test_registration_has_only_the_kinds_of_seats_that_exist() -> None:
    assert event(**REGISTRATION).registration == Registration(
        opened=True, closed=False, wait_list=True, in_person=Seats(total=30, taken=12)
    )
    both = event(**{**REGISTRATION, "online_seats": "50", "online_seats_taken": 50.0}).registration
    assert both
    assert both.online == Seats(total=50, taken=50)


@pytest.mark.parametrize(
    ("fields", "registration"),
    [
        ({"registration": False}, None),
        ({"registration": 0}, None),
        ({"registration": "0"}, None),
        ({"registration": None}, None),
        ({"registration": []}, None),
        (
            {"registration": "1", "seats": 20, "seats_taken": 20},
            Registration(opened=True, closed=False, wait_list=False, in_person=Seats(total=20, taken=20)),
        ),
        (
            {"registration": 1, "seats": "", "has_registration_closed": 1},
            Registration(opened=True, closed=True, wait_list=False),
        ),
        (
            {"registration": True, "has_registration_opened": False, "physical_seats": -3, "seats": [5]},
            Registration(opened=False, closed=False, wait_list=False),
        ),
        (
            {"registration": True, "physical_seats": 5, "physical_seats_taken": "none", "wait_list": "no"},
            Registration(opened=True, closed=False, wait_list=False, in_person=Seats(total=5, taken=0)),
        ),
        ({"registration": True, "seats": 10**9}, Registration(opened=True, closed=False, wait_list=False)),
        (
            {"registration": True, "seats": float("inf")},
            Registration(opened=True, closed=False, wait_list=False),
        ),
    ],
)
def test_most_registration_fields_may_be_missing(
    fields: dict[str, Any], registration: Registration | None
) -> None:
    assert event(**fields).registration == registration


@pytest.mark.parametrize(
    ("value", "cost"),
    [
        (0, ""),
        ("0", ""),
        ("0.00", ""),
        (5, "5"),
        ("5.00", "5"),
        (7.5, "7.50"),
        ("7,5", "7.50"),
        ("$ 12.50", "12.50"),
        ("free", ""),
        ("", ""),
        (None, ""),
        (-5, ""),
        (True, ""),
        (float("inf"), ""),
        (1e300, ""),
        ([], ""),
        ("Free!", ""),
        ("Gratis", ""),
        ("N/A", ""),
        ("No cost", ""),
        ("-", ""),
        ("0 kr.", ""),
        ("50 kr.", "50"),
        ("5 to 10", "5 to 10"),
        ("$10 per person", "$10 per person"),
        ("Free for members, $5 for others", "Free for members, $5 for others"),
        ("Pay what you can", "Pay what you can"),
        ("<b>$10</b> per family &amp; child", "$10 per family & child"),
    ],
)
def test_a_cost_is_a_number_or_words_and_empty_if_free(value: Any, cost: str) -> None:
    assert event(registration_cost=value).cost == cost


@pytest.mark.parametrize(
    "value", ["red", "#fff", "#12345g", "#123456;", "#123456\n", "", None, 5, ["#123456"]]
)
def test_an_invalid_color_is_dropped(value: object) -> None:
    assert event(color=value).color == ""


@pytest.mark.parametrize(
    ("value", "identity"),
    [(7, "7"), ("7", "7"), (" 0042 ", "42"), (10**17, "1" + "0" * 17)]
    + [(value, "") for value in (None, "", "x7", "7/..", "../7", -7, 7.0, True, [7], "٧", 10**18, 0, "0")],
)
def test_an_id_consists_of_digits_or_is_empty(value: object, identity: str) -> None:
    assert event_id({"id": value}) == identity


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ({"public": "https://a.org/event/1"}, "https://a.org/event/1"),
        ({"public": "//a.org/event/1"}, "https://a.org/event/1"),
        ({"public": "http://a.org/event/1"}, "https://a.org/event/1"),
        ("https://a.org/event/1", "https://a.org/event/1"),
        ({"public": "javascript:alert(1)"}, ""),
        ({"public": "https://10.0.0.1/event/1"}, ""),
        ({"public": "https://a.org/aevent.php?c=1", "admin": "https://a.org/aevent.php?c=2"}, ""),
        ({"admin": "https://a.org/aevent.php"}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_the_address_of_an_event_is_public_or_empty(value: Any, url: str) -> None:
    raw = {**RAW, "url": value}
    [found] = normalize_calendar([raw], CONTEXT).events
    assert found.url == url


@pytest.mark.parametrize("name", [key for key in RAW if key not in ("id", "title", "start")])
def test_only_id_title_and_start_are_needed(name: str) -> None:
    assert without(name).title == "Drop in"


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (None, "event"),
        ([], "event"),
        ("text", "event"),
        ({}, "id"),
        ({**RAW, "id": "x"}, "id"),
        ({**RAW, "title": None}, "title"),
        ({**RAW, "title": "&nbsp; \u202e"}, "title"),
        ({**RAW, "title": ["x"]}, "title"),
        ({**RAW, "start": None}, "start"),
    ],
)
def test_a_broken_event_between_good_ones_is_dropped_and_reported(raw: Any, field: str) -> None:
    result = run({**RAW, "id": 1}, raw, {**RAW, "id": 2})
    assert [event.id for event in result.events] == ["1", "2"]
    [problem] = result.problems
    assert (problem.field, problem.dropped, result.dropped) == (field, True, 1)
    assert result.unusable_ids == {event_id(raw)}


def test_the_first_image_of_a_description_is_used_if_the_event_has_none() -> None:
    text = '<img src="https://a.org/icon.png" width="16"><p><img src="//a.org/flyer.png"><img src="https://a.org/2.png">'
    raw = [
        {**RAW, "id": 1, "description": text},
        {**RAW, "id": 2, "description": text, "featured_image": "//a.org/3.png"},
    ]
    assert run(*raw).images == {"1": "https://a.org/flyer.png", "2": "https://a.org/3.png"}


def test_image_addresses_are_returned_by_event_id() -> None:
    raw = [{**RAW, "id": 1, "featured_image": "//a.org/1.png"}, {**RAW, "id": 2, "featured_image": None}]
    assert run(*raw).images == {"1": "https://a.org/1.png"}


def test_no_private_field_reaches_an_event() -> None:
    secret = "planted-marker"
    private = {
        "owner": {"id": 1, "name": secret},
        "url": {"public": "https://a.org/event/1", "admin": f"https://a.org/{secret}"},
        "calendar": {"id": 7, "name": "Main", "admin": f"https://a.org/admin/{secret}"},
        "presenter": secret,
        "more_info": secret,
        "geolocation": {"place-id": secret, "latitude": secret, "longitude": secret},
        "zoom_email": f"{secret}@a.org",
        "online_user_id": secret,
        "online_meeting_id": f"{secret}-id",
        "online_host_url": f"https://zoom.example/s/{secret}",
        "online_join_url": f"https://zoom.example/j/{secret}",
        "online_join_password": f"{secret}-password",
        "online_provider": secret,
        "internal_tags": [{"id": 1, "name": secret}],
        "internal_notes": [secret],
        "event_note": secret,
        "attendance": {"in_person": secret},
        "audience_breakdown": [secret],
        "future_dates": [{"event_id": secret}],
        "setup_time": secret,
        "something_new": secret,
    }
    pasted = f"Join https://zoom.example/j/{secret}?x=1 with {secret}-password (id {secret}-id)"
    raw = {**RAW, **REGISTRATION, **private, "title": f"Talk {pasted}", "description": f"<p>{pasted}</p>"}
    other = {**RAW, "id": 2, "description": f"<p>Same link: https://zoom.example/j/{secret}</p>"}
    result = run(raw, other)
    assert [event.online for event in result.events] == [True, False]
    assert secret not in repr(result)


def test_the_list_of_calendars_is_read_in_every_format() -> None:
    hidden: list[Any] = ["Private", "", None, 0, 1, []]
    raw: list[Any] = [
        {"calid": 7, "name": "Main &amp; more", "visibility": "Public"},
        {"calid": "8", "name": "Staff", "visibility": "Internal"},
        {"id": 9, "visibility": " internal "},
        {"calid": 10, "visibility": "PUBLIC "},
        {"calid": 11, "name": "No such field"},
        *({"calid": 12 + number, "visibility": value} for number, value in enumerate(hidden)),
        {"calid": None, "name": None, "visibility": None},
        None,
        [],
    ]
    notes = parse_calendars(raw)
    assert notes["7"] == ("Main & more", True)
    assert notes["8"] == ("Staff", False)
    assert notes["9"] == ("", False)
    assert notes["10"] == ("", True)
    assert notes["11"] == ("No such field", True)
    assert [notes[str(number)] for number in range(12, 18)] == [("", False)] * 6


# --- Random input ----------------------------------------------------------------------------

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=6) | st.just("name"), inner, max_size=4)
    ),
    max_leaves=8,
)
_NAMES = [
    *RAW,
    *REGISTRATION,
    "online_join_url",
    "online_host_url",
    "online_join_password",
    "online_provider",
]


@settings(max_examples=100, deadline=timedelta(seconds=2), suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(_NAMES), _JSON, max_size=6))
def test_any_json_in_any_field_gives_an_event_or_is_dropped(fields: dict[str, Any]) -> None:
    result = run({**RAW, **REGISTRATION, **fields})
    for found in result.events:
        data = json.dumps(found.to_json(), ensure_ascii=False).encode()
        assert Event.from_json(json.loads(data), ZONE) == found
        assert found.id.isdecimal()
        assert found.title
        assert found.start <= found.end
        assert found.url.startswith("https://") or not found.url


@given(_JSON)
def test_any_json_instead_of_an_event_is_dropped(value: Any) -> None:
    assert run(value).events == ()
    parse_calendars([value])


def test_presenter_and_more_information_are_published_on_request_only() -> None:
    details = {"presenter": "Dr. Ada  Byron", "more_info": "<p>Bring <b>lunch</b>.</p><script>x</script>"}
    private, _ = to_event({**RAW, **details}, CONTEXT)
    assert (private.presenter, private.more_info) == ("", "")
    public, _ = to_event({**RAW, **details}, replace(CONTEXT, show_presenter=True))
    assert (public.presenter, public.more_info) == ("Dr. Ada Byron", "<p>Bring <b>lunch</b>.</p>")
    odds: tuple[Any, ...] = (None, [], {}, 5.5)
    for odd in odds:
        event, _ = to_event(
            {**RAW, "presenter": odd, "more_info": odd}, replace(CONTEXT, show_presenter=True)
        )
        assert (event.presenter, event.more_info) == ("", "")


def test_more_information_holds_no_way_into_a_meeting() -> None:
    raw = {
        **RAW,
        "online_join_url": "https://meet.example/j/1",
        "more_info": '<p>Join: <a href="https://meet.example/j/1">here</a></p>',
    }
    (event,) = normalize_calendar([raw], replace(CONTEXT, show_presenter=True)).events
    assert "Join" in event.more_info
    assert "meet.example" not in event.more_info
