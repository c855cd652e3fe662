"""The sample library has events in every state, on every day of the year."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import pytest

from event import Registration, Seats
from standins import sample
from standins.libcal_server import PICTURES
from standins.records import PRIVATE, PRIVATE_NUMBER, Record

DAYS = [date(2026, 1, 31), date(2026, 3, 7), date(2026, 3, 8), date(2026, 11, 22), date(2028, 2, 29)]


def _registration(event: Record) -> Registration | None:
    if not event["registration"]:
        return None

    def seats(kind: str) -> Seats | None:
        total = event[f"{kind}_seats"]
        return Seats(total=total, taken=event[f"{kind}_seats_taken"]) if total else None

    return Registration(
        opened=event["has_registration_opened"],
        closed=event["has_registration_closed"],
        wait_list=event["wait_list"],
        in_person=seats("physical"),
        online=seats("online"),
    )


@pytest.fixture(scope="module", params=DAYS, ids=str)
def today(request: pytest.FixtureRequest) -> date:
    day: date = request.param
    return day


@pytest.fixture(scope="module")
def events(today: date) -> list[Record]:
    return sample.events(today)


def test_the_events_of_a_day_are_always_the_same_and_have_unique_ids(
    today: date, events: list[Record]
) -> None:
    assert sample.events(today) == events
    assert len({str(event["id"]) for event in events}) == len(events)
    assert 60 <= len(events) <= 90


def test_every_day_of_two_weeks_has_events_in_three_branches(today: date, events: list[Record]) -> None:
    days = {datetime.fromisoformat(event["start"]).date() for event in events}
    assert {today + timedelta(days=number) for number in range(14)} <= days
    public = {event["campus"]["name"] for event in events if isinstance(event["campus"], dict)}
    assert {"Main Street", "Eastside", "Harbor"} <= public


def test_the_sample_has_every_state_of_registration(events: list[Record]) -> None:
    found = [registration for event in events if (registration := _registration(event))]
    ready = [each for each in found if each.opened and not each.closed]
    assert any(each.closed for each in found)
    assert any(not each.opened for each in found)
    assert any(each.full and each.wait_list for each in ready)
    assert any(each.full and not each.wait_list for each in ready)
    assert any(each.few_left for each in ready)
    assert any(not each.full and not each.few_left for each in ready)
    mixed = [(each.in_person, each.online) for each in ready if each.in_person and each.online]
    assert any(room.free == 0 and online.free for room, online in mixed)
    assert any(online.free == 0 and room.free for room, online in mixed)


def test_the_sample_has_every_kind_of_time(today: date, events: list[Record]) -> None:
    lengths = {}
    for event in events:
        start, end = (datetime.fromisoformat(event[key]) for key in ("start", "end"))
        assert start <= end
        lengths[event["title"]] = ((end.date() - start.date()).days, end.strftime("%H:%M"), event["allday"])
    assert (0, "23:59", True) in lengths.values()
    assert any(days == 2 and all_day for days, _, all_day in lengths.values())
    assert any(days == 2 and not all_day for days, _, all_day in lengths.values())
    assert any(days > 25 for days, _, _ in lengths.values())
    assert any(days == 1 and end == "00:00" for days, end, _ in lengths.values())
    assert any(days == 1 and "00:00" < end < "12:00" for days, end, _ in lengths.values())
    walks = [event["start"][-6:] for event in events if event["title"] == "Sunrise Walk"]
    assert len(set(walks)) == 2, "the clocks change between the two walks"
    started = [event for event in events if event["start"] < today.isoformat()]
    assert len(started) == 2, "the ongoing events have begun"


def test_the_sample_has_every_oddity_of_the_api(events: list[Record]) -> None:
    titles = " ".join(event["title"] for event in events)
    assert re.search("CANCELLED: .*Postponed - .*RESCHEDULED: .*Canceled – ", titles)
    for part in ("🪴", "&amp;", " & ", "español", "How to Cancel a Subscription"):
        assert part in titles
    assert max(len(event["title"]) for event in events) > 150
    shapes = {key: {type(event[key]) for event in events} for key in ("campus", "location", "featured_image")}
    assert shapes == {
        "campus": {dict, list, str},
        "location": {dict, list},
        "featured_image": {str, type(None)},
    }
    images = [event["featured_image"] for event in events if event["featured_image"]]
    assert any(image.startswith("//") for image in images)
    assert any("MsoNormal" in event["description"] for event in events)
    assert {type(event["id"]) for event in events} == {int, str}
    assert any(not event["category"] and not event["audience"] for event in events)
    assert {12, "15.00", 0} <= {event["registration_cost"] for event in events}


def test_every_event_has_private_fields(events: list[Record]) -> None:
    for event in events:
        assert PRIVATE in str(event["owner"]) + str(event["url"]["admin"])
        assert str(PRIVATE_NUMBER) in str(event)
    assert any(PRIVATE in event.get("online_join_password", "") for event in events)


def test_the_events_use_every_image_and_no_other(events: list[Record]) -> None:
    images = {event["featured_image"] for event in events if event["featured_image"]}
    assert {image.rpartition("/")[2] for image in images} == {file.name for file in PICTURES.iterdir()}
