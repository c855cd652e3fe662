from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from event import Calendar, Event, Registration, Seats, Snapshot, UnusableSnapshot, digest

ZONE = ZoneInfo("America/New_York")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


EVENT = Event(
    id="1", calendar="7", title="Storytime", start=at("2026-03-07T21:00"), end=at("2026-03-08T04:00")
)
ALL_DAY = replace(EVENT, all_day=True, start=at("2026-03-07T00:00"), end=at("2026-03-09T00:00"))


def registration(*, taken: int, total: int = 10, online: Seats | None = None) -> Registration:
    seats = Seats(total=total, taken=taken)
    return Registration(opened=True, closed=False, wait_list=False, in_person=seats, online=online)


def test_events_in_the_night_of_a_clock_change_are_saved_and_loaded_correctly(tmp_path: Path) -> None:
    full = replace(
        EVENT,
        registration=registration(taken=3, online=Seats(total=5, taken=5)),
        categories=("Kids",),
        audiences=("Teens", "Adults"),
        updated=at("2026-03-01T09:00"),
        sequence=2,
        listed=False,
    )
    calendar = Calendar(id="7", label="Kilton", fetched=at("2026-03-01T09:00"), events=2)
    snapshot = Snapshot(events=(full, ALL_DAY), calendars=(calendar,), dropped=1, url="https://x.example")
    snapshot.save(tmp_path / "events.json")
    assert Snapshot.load(tmp_path / "events.json", ZONE) == snapshot
    assert snapshot.fetched == at("2026-03-01T09:00")
    stored = json.loads((tmp_path / "events.json").read_text())["events"]
    assert (stored[0]["start"], stored[0]["end"]) == (
        "2026-03-07T21:00:00-05:00",
        "2026-03-08T04:00:00-04:00",
    )
    assert (stored[1]["start"], stored[1]["end"]) == ("2026-03-07", "2026-03-08")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"version": 99}',
        '{"version": 1, "events": [{}], "calendars": [], "dropped": 0, "url": ""}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file_or_one_of_another_version_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "events.json"
    path.write_text(text)
    with pytest.raises(UnusableSnapshot, match=r"events\.json"):
        Snapshot.load(path, ZONE)


@pytest.mark.parametrize(
    ("start", "end", "last"),
    [
        ("2026-03-03T10:00", "2026-03-03T11:00", "2026-03-03"),
        ("2026-03-03T19:00", "2026-03-04T00:00", "2026-03-03"),
        ("2026-03-03T21:00", "2026-03-04T01:00", "2026-03-04"),
        ("2026-03-03T10:00", "2026-03-03T10:00", "2026-03-03"),
        ("2026-03-03T00:00", "2026-03-03T00:00", "2026-03-03"),
    ],
)
def test_an_end_at_midnight_belongs_to_the_day_before(start: str, end: str, last: str) -> None:
    assert replace(EVENT, start=at(start), end=at(end)).last_day == date.fromisoformat(last)


@pytest.mark.parametrize(
    ("taken", "total", "full", "few"),
    [(10, 10, True, False), (7, 10, False, True), (6, 10, False, False), (80, 100, False, True),
     (79, 100, False, False), (0, 3, False, True), (12, 10, True, False)],
)  # fmt: skip
def test_full_and_few_places_left_depend_on_taken_and_total_seats(
    taken: int, total: int, full: bool, few: bool
) -> None:
    found = registration(taken=taken, total=total)
    assert (found.full, found.few_left) == (full, few)


def test_an_event_with_free_seats_online_is_not_full() -> None:
    assert not registration(taken=10, online=Seats(total=5, taken=1)).full
    assert registration(taken=10, online=Seats(total=5, taken=5)).full
    unlimited = Registration(opened=True, closed=False, wait_list=False)
    assert not unlimited.full
    assert not unlimited.few_left


def test_the_digest_ignores_only_updated_and_sequence() -> None:
    assert digest(replace(EVENT, updated=at("2026-03-01T09:00"), sequence=4)) == digest(EVENT)
    assert digest(replace(EVENT, title="Storytime!")) != digest(EVENT)
    assert digest(replace(EVENT, listed=False)) != digest(EVENT)


def test_the_digest_depends_on_the_state_of_registration_but_not_on_the_number_of_seats() -> None:
    free, fewer = (replace(EVENT, registration=registration(taken=taken)) for taken in (1, 2))
    assert digest(free) == digest(fewer)
    few, full = (replace(EVENT, registration=registration(taken=taken)) for taken in (8, 10))
    online = Seats(total=5, taken=0)
    half_full = replace(EVENT, registration=registration(taken=10, online=online))
    both = replace(EVENT, registration=registration(taken=9, online=online))
    assert len({digest(event) for event in (EVENT, free, few, full, half_full, both)}) == 6
