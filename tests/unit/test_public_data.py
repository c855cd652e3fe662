from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

from event import Event, Registration, Seats
from rendering.views import Image
from support import feed_samples as samples
from support.feed_readers import SCHEMA, VALIDATOR
from support.feed_samples import ALL, STORYTIME, hostile_text, site


def document(*events: Event, images: Mapping[int, Image] | None = None, **env: Any) -> Any:
    """Return events.json, which its schema must allow."""
    data = json.loads(site(*events, images=images, **env)["events.json"])
    VALIDATOR.validate(data)
    return data


def test_the_schema_is_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_file_names_the_library() -> None:
    data = document(*ALL)
    events = data.pop("events")
    assert data == {
        "version": 1,
        "name": "Library events",
        "url": "https://events.example.org",
        "timezone": "America/New_York",
        "language": "en-US",
        "updated": "2026-02-20T15:30:05Z",
        "closures": [],
    }
    assert [event["title"] for event in events] == [
        "Storytime", "Exhibit", "Film night", "Talk", "No end", "Class",
    ]  # fmt: skip


def test_an_event_has_exactly_these_fields() -> None:
    (event,) = document(STORYTIME)["events"]
    assert event == {
        "id": "4216770",
        "title": "Storytime",
        "start": "2026-03-03T10:30:00-05:00",
        "end": "2026-03-03T11:15:00-05:00",
        "all_day": False,
        "exhibit": False,
        "over": False,
        "when": "Tue, Mar 3, 10:30am",
        "program": None,
        "status": "",
        "state": "",
        "notice": "",
        "registration": {"needed": False, "state": ""},
        "branch": {"name": "Kilton", "slug": "kilton"},
        "place": "Story room",
        "address": "80 Main Street, West Lebanon",
        "online": False,
        "categories": ["Reading", "Family"],
        "audiences": [{"name": "Children", "slug": "children"}, {"name": "Family", "slug": "family"}],
        "url": "https://events.example.org/event/4216770.html",
        "libcal_url": "https://library.libcal.com/event/4216770",
        "excerpt": "Songs & stories.",
        "image": None,
        "updated": "2026-02-20T15:30:05Z",
    }
    assert set(event) == set(SCHEMA["$defs"]["event"]["properties"])
    assert set(event) == set(SCHEMA["$defs"]["event"]["required"])


def test_each_day_of_a_stop_by_program_names_its_first_day_and_its_hours() -> None:
    days = [
        replace(
            STORYTIME,
            id=f"{50 + day}",
            start=samples.at(f"2026-03-0{day}T10:00"),
            end=samples.at(f"2026-03-0{day}T16:00"),
        )
        for day in (3, 4, 5)
    ]
    shown = {"id": "53", "when": "Daily, 10am to 4pm, until March 5"}
    assert [event["program"] for event in document(*days)["events"]] == [shown] * 3


def test_an_all_day_event_has_its_first_and_last_day_and_a_missing_end_is_null() -> None:
    exhibit, open_ended = document(samples.EXHIBIT, samples.OPEN_ENDED)["events"]
    assert (exhibit["start"], exhibit["end"], exhibit["all_day"]) == ("2026-03-06", "2026-03-08", True)
    assert open_ended["end"] is None


def test_an_image_is_a_file_of_the_site_with_its_size() -> None:
    sizes = {
        width: Image(path=f"static/art-{width}.webp", width=width, height=width // 2) for width in (320, 800)
    }
    (event,) = document(STORYTIME, images=sizes)["events"]
    assert event["image"] == {"url": f"{samples.SITE}/static/art-800.webp", "width": 800, "height": 400}
    (event,) = document(STORYTIME, images=sizes, SITE_URL="")["events"]
    assert event["image"]["url"] == "static/art-800.webp"


def test_a_cancelled_event_keeps_its_registration() -> None:
    (event,) = document(replace(samples.FULL, state="cancelled"))["events"]
    assert (event["status"], event["state"]) == ("cancelled", "cancelled")
    assert event["registration"] == {"needed": True, "state": "waiting-list"}


def test_every_status_is_in_the_schema() -> None:
    flags = itertools.product((False, True), repeat=3)
    seats = [None, Seats(total=9, taken=0), Seats(total=9, taken=8), Seats(total=9, taken=9)]
    registrations = [
        Registration(opened=opened, closed=closed, wait_list=wait_list, in_person=in_person, online=online)
        for (opened, closed, wait_list), in_person, online in itertools.product(flags, seats, seats)
    ]
    events = [
        replace(STORYTIME, id=str(number), registration=registration, state=state)
        for number, (registration, state) in enumerate(
            itertools.product([None, *registrations], ["", "cancelled"]), 1
        )
    ]
    found = {event["status"] for event in document(*events)["events"]}
    assert {"", "cancelled", "closed", "waiting-list", "full", "not-open", "few-left", "required"} <= found


def test_without_site_url_addresses_are_relative_to_the_root() -> None:
    data = document(STORYTIME, SITE_URL="")
    assert data["url"] == ""
    assert data["events"][0]["url"] == "event/4216770.html"


def test_a_library_without_events_has_an_empty_list() -> None:
    data = document()
    assert (data["events"], data["updated"]) == ([], None)


def test_each_event_has_one_line_for_readable_diffs() -> None:
    assert len(site(*ALL)["events.json"].splitlines()) == 1 + 6 + 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "maybe"}, {"end": "2026-03-03"}, {"start": "2026-03-03T10:30:00"}, {"title": "two\nlines"},
        {"branch": "Kilton"}, {"url": "javascript:alert(1)"}, {"libcal_url": "ftp://x.example"}, {"image": "x.webp"}, {"id": 7},
        {"all_day": True}, {"registration": {}}, {"audiences": ["Children"]}, {"updated": "2026-03-03"},
    ],
)  # fmt: skip
def test_the_schema_refuses_wrong_values(wrong: dict[str, Any]) -> None:
    data = document(STORYTIME)
    data["events"][0].update(wrong)
    with pytest.raises(ValidationError):
        VALIDATOR.validate(data)


@settings(max_examples=40)
@given(
    st.builds(
        replace,
        st.just(STORYTIME),
        title=hostile_text(),
        place=hostile_text(),
        branch=hostile_text(),
        address=hostile_text(),
        categories=st.lists(hostile_text(), max_size=3).map(tuple),
        audiences=st.lists(hostile_text(), max_size=3).map(tuple),
        excerpt=hostile_text(),
        url=hostile_text() | hostile_text().map("https://x.example/".__add__),
    ),
    hostile_text(),
)
def test_any_text_is_valid_by_the_schema(hostile: Event, name: str) -> None:
    assert document(hostile, SITE_NAME=name.replace("\0", ""))["events"][0]["id"] == STORYTIME.id
