from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from event import CANCELLED, CLOSURE, DOUBTED, INTERNAL, Event, Snapshot
from fetching.merge import (
    MAX_EVENTS,
    MAX_PAST,
    MAX_PAST_DESCRIPTIONS,
    MIN_UNLISTED,
    UNUSABLE,
    Outcome,
    Window,
    merge,
)

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 3, 9, 0, tzinfo=ZONE)
LATER = NOW + timedelta(minutes=15)


def window(now: datetime = NOW, days: int = 30) -> Window:
    return Window(now=now, last_day=now.date() + timedelta(days=days))


def make(identity: str, day: int = 6, *, calendar: str = "7", **fields: Any) -> Event:
    start = datetime(2026, 3, day, 10, 0, tzinfo=ZONE)
    event = Event(
        id=identity, calendar=calendar, title=f"Event {identity}", start=start, end=start + timedelta(hours=1)
    )
    return replace(event, **fields)


def good(*events: Event, calendar: str = "7", **fields: Any) -> Outcome:
    return Outcome(id=calendar, events=events, **fields)


def first(*outcomes: Outcome) -> Snapshot:
    return merge(Snapshot(), outcomes, window())


def ids(snapshot: Snapshot, *, listed: bool = True) -> list[str]:
    return [event.id for event in snapshot.events if event.listed is listed]


def test_events_of_all_calendars_are_sorted_by_time() -> None:
    snapshot = first(good(make("1", 9), make("2", 5)), good(make("3", 7, calendar="8"), calendar="8"))
    assert ids(snapshot) == ["2", "3", "1"]
    assert [(state.id, state.events, state.fetched, state.cause) for state in snapshot.calendars] == [
        ("7", 2, NOW, ""),
        ("8", 1, NOW, ""),
    ]


def test_events_in_the_repeated_hour_of_a_clock_change_are_sorted_by_time() -> None:
    early = datetime(2026, 11, 1, 1, 45, tzinfo=ZONE)
    late = datetime(2026, 11, 1, 1, 15, tzinfo=ZONE, fold=1)
    events = [make("1", start=late, end=late), make("2", start=early, end=early)]
    assert ids(merge(Snapshot(), [good(*events)], window(early))) == ["2", "1"]


def test_an_event_in_two_calendars_belongs_to_the_first() -> None:
    one, other = make("1", branch="Kilton"), make("1", calendar="8", branch="Lebanon")
    assert first(good(one), good(other, calendar="8")).events[0].branch == "Kilton"
    assert first(good(other, calendar="8"), good(one)).events[0].branch == "Lebanon"


def test_newly_fetched_events_replace_kept_ones() -> None:
    last = first(good(make("1")), good(make("2", calendar="8"), calendar="8"))
    now = merge(
        last,
        [Outcome(id="7", cause="timeout"), good(make("1", calendar="8", state=CANCELLED), calendar="8")],
        window(LATER),
    )
    assert [(event.id, event.state) for event in now.events if event.listed] == [("1", CANCELLED)]


def test_a_failed_calendar_keeps_its_events_and_their_fetch_time() -> None:
    last = first(good(make("1"), name="Main"), good(make("2", calendar="8"), calendar="8"))
    now = merge(
        last,
        [Outcome(id="7", label="Kilton", cause="http_503"), good(make("3", calendar="8"), calendar="8")],
        window(LATER),
    )
    assert ids(now) == ["1", "3"]
    state = now.calendars[0]
    assert (state.cause, state.fetched, state.events, state.label, state.name) == (
        "http_503",
        NOW,
        1,
        "Kilton",
        "Main",
    )
    assert now.events[0].updated == NOW
    assert now.fetched == NOW


def test_a_calendar_that_is_no_longer_configured_is_removed_with_its_events() -> None:
    last = first(good(make("1")), good(make("2", calendar="8"), calendar="8"))
    now = merge(last, [good(make("1"))], window(LATER))
    assert [event.id for event in now.events] == ["1"]
    assert [state.id for state in now.calendars] == ["7"]


def test_an_internal_calendar_keeps_no_events() -> None:
    last = first(good(make("1")), good(make("2", calendar="8"), calendar="8"))
    now = merge(
        last, [Outcome(id="7", cause=INTERNAL), good(make("2", calendar="8"), calendar="8")], window(LATER)
    )
    assert [event.id for event in now.events] == ["2"]
    assert (now.calendars[0].fetched, now.calendars[0].stale) == (None, False)


def test_a_missing_event_is_kept_unlisted_until_its_day_has_passed() -> None:
    last = first(good(make("1"), make("2", 20)))
    gone = merge(last, [good(make("2", 20))], window(LATER))
    assert (ids(gone), ids(gone, listed=False)) == (["2"], ["1"])
    assert gone.calendars[0].events == 1
    event = gone.events[0]
    assert (event.updated, event.sequence) == (LATER, 1)
    on_its_day = merge(gone, [good(make("2", 20))], window(datetime(2026, 3, 6, 18, 0, tzinfo=ZONE)))
    assert on_its_day.events[0] == event
    after = merge(on_its_day, [good(make("2", 20))], window(datetime(2026, 3, 7, 9, 0, tzinfo=ZONE)))
    assert [event.id for event in after.events] == ["2"]


def test_an_event_that_reappears_is_listed_again() -> None:
    last = first(good(make("1"), make("2")))
    gone = merge(last, [good(make("2"))], window(LATER))
    back = merge(gone, [good(make("1"), make("2"))], window(LATER + timedelta(minutes=15)))
    assert ids(back) == ["1", "2"]
    assert (back.events[0].sequence, back.events[0].updated) == (2, LATER + timedelta(minutes=15))


def test_an_event_that_began_earlier_may_be_missing_from_the_response() -> None:
    exhibit = make("1", 1, end=datetime(2026, 3, 20, 17, 0, tzinfo=ZONE))
    last = merge(Snapshot(), [good(exhibit, make("2"))], window(datetime(2026, 3, 1, 9, 0, tzinfo=ZONE)))
    now = merge(last, [good(make("2"))], window())
    assert ids(now) == ["1", "2"]


def test_an_event_after_the_last_requested_day_is_dropped() -> None:
    last = first(good(make("1"), make("2", 30)))
    assert [event.id for event in merge(last, [good(make("1"))], window(LATER, days=10)).events] == ["1"]
    failed = merge(last, [Outcome(id="7", cause="dns")], window(LATER, days=10))
    assert [event.id for event in failed.events] == ["1"]


def test_an_event_that_moved_to_another_calendar_is_not_kept_in_the_first() -> None:
    last = first(good(make("1"), make("2")), good(calendar="8"))
    now = merge(last, [good(make("2")), good(make("1", calendar="8"), calendar="8")], window(LATER))
    assert (ids(now), ids(now, listed=False)) == (["1", "2"], [])


def test_an_event_that_became_unusable_is_kept_unchanged() -> None:
    last = first(good(make("1"), make("2")))
    now = merge(last, [good(make("2"), unusable_ids=frozenset("1"))], window(LATER))
    assert ids(now) == ["1", "2"]


def test_a_suddenly_empty_calendar_is_believed_in_the_second_run() -> None:
    last = first(good(make("1"), make("2")))
    doubted = merge(last, [good()], window(LATER))
    assert ids(doubted) == ["1", "2"]
    state = doubted.calendars[0]
    assert (state.cause, state.doubted, state.fetched, state.events) == (DOUBTED, True, NOW, 2)
    failed = merge(doubted, [Outcome(id="7", cause="dns")], window(LATER))
    believed = merge(failed, [good()], window(LATER))
    assert (ids(believed), ids(believed, listed=False)) == ([], ["1", "2"])
    state = believed.calendars[0]
    assert (state.cause, state.doubted, state.fetched, state.events) == ("", False, LATER, 0)


def test_a_calendar_that_is_suddenly_empty_again_is_kept_again() -> None:
    last = first(good(make("1")))
    doubted = merge(last, [good()], window(LATER))
    again = merge(doubted, [good(make("1"))], window(LATER))
    assert not again.calendars[0].doubted
    assert merge(again, [good()], window(LATER)).calendars[0].cause == DOUBTED


def some(count: int, *, calendar: str = "7", first_id: int = 1, **fields: Any) -> tuple[Event, ...]:
    return tuple(make(str(first_id + number), calendar=calendar, **fields) for number in range(count))


@pytest.mark.parametrize(
    ("before", "after", "doubted"),
    [
        (25, 5, True),
        (25, 12, True),
        (26, 13, False),
        (10, 4, True),
        (10, 5, False),
        (3, 1, True),
        (2, 1, False),
    ],
)
def test_a_calendar_with_fewer_than_half_of_its_events_is_doubted(
    before: int, after: int, doubted: bool
) -> None:
    last = first(good(*some(before)))
    now = merge(last, [good(*some(after))], window(LATER))
    assert len(ids(now)) == (before if doubted else after)
    assert now.calendars[0].cause == (DOUBTED if doubted else "")


def test_an_edit_arrives_although_the_calendar_is_doubted() -> None:
    last = first(good(*some(10)))
    now = merge(last, [good(make("1", state=CANCELLED), make("99"))], window(LATER))
    assert (len(ids(now)), now.events[0].state) == (11, CANCELLED)


def test_new_events_count_like_the_old_ones() -> None:
    last = first(good(*some(10)))
    assert merge(last, [good(*some(5, first_id=50))], window(LATER)).calendars[0].cause == ""


def test_events_that_have_passed_or_are_unlisted_are_not_expected() -> None:
    morning = window(NOW.replace(hour=8))
    over = [make(str(number), 3, start=NOW - timedelta(minutes=30), end=NOW) for number in range(10, 20)]
    last = merge(Snapshot(), [good(*over, *some(4))], morning)
    assert merge(last, [good(*some(2))], window(LATER)).calendars[0].cause == ""
    assert merge(last, [good(*some(1))], window(LATER)).calendars[0].cause == DOUBTED
    gone = merge(last, [good(*some(1))], window(LATER), believe=True)
    assert merge(gone, [good(*some(1))], window(LATER)).calendars[0].cause == ""


def test_unusable_events_are_not_lost() -> None:
    last = first(good(*some(10)))
    now = merge(last, [good(make("1"), unusable_ids=frozenset(map(str, range(2, 11))))], window(LATER))
    assert (now.calendars[0].cause, len(ids(now))) == ("", 10)


def test_events_that_moved_to_another_calendar_are_not_lost() -> None:
    last = first(good(*some(10)), good(calendar="8"))
    now = merge(last, [good(), good(*some(10, calendar="8"), calendar="8")], window(LATER))
    assert [state.cause for state in now.calendars] == ["", ""]
    assert len(ids(now)) == 10


def test_all_calendars_with_losses_are_doubted_if_most_events_of_all_are_lost() -> None:
    def outcomes(*counts: int) -> list[Outcome]:
        pairs = zip("789", counts, (1, 101, 201), strict=True)
        return [good(*some(n, calendar=key, first_id=begin), calendar=key) for key, n, begin in pairs]

    last = first(*outcomes(10, 10, 2))
    now = merge(last, outcomes(5, 4, 2), window(LATER))
    assert [state.cause for state in now.calendars] == ["", DOUBTED, ""]
    now = merge(last, outcomes(5, 3, 2), window(LATER))
    assert [state.cause for state in now.calendars] == [DOUBTED, DOUBTED, ""]
    assert len(ids(now)) == 22


def test_a_failed_calendar_does_not_count_as_lost() -> None:
    last = first(good(*some(10)), good(*some(2, calendar="8", first_id=50), calendar="8"))
    failed = Outcome(id="7", cause="dns")
    now = merge(last, [failed, good(*some(1, calendar="8", first_id=50), calendar="8")], window(LATER))
    assert [state.cause for state in now.calendars] == ["dns", ""]


def test_a_drop_can_be_believed_at_once() -> None:
    last = first(good(*some(10)))
    now = merge(last, [good(make("1"))], window(LATER), believe=True)
    assert (ids(now), now.calendars[0].cause, now.calendars[0].fetched) == (["1"], "", LATER)


@pytest.mark.parametrize("day", [2, 3])
def test_a_calendar_whose_last_event_is_over_is_accepted_as_empty(day: int) -> None:
    last = merge(Snapshot(), [good(make("1", day))], window(datetime(2026, 3, 2, 9, 0, tzinfo=ZONE)))
    now = merge(last, [good()], window(datetime(2026, 3, 4, 9, 0, tzinfo=ZONE)))
    assert (now.calendars[0].events, now.calendars[0].cause) == (0, "")


def test_a_calendar_that_never_had_events_is_accepted_as_empty() -> None:
    assert first(good()).calendars[0].cause == ""


def test_a_calendar_with_only_unusable_events_keeps_its_last_ones() -> None:
    last = first(good(make("1")))
    for _ in range(3):
        last = merge(last, [good(all_unusable=True)], window(LATER))
        assert ids(last) == ["1"]
        assert last.calendars[0].cause == UNUSABLE
    assert first(good(all_unusable=True)).calendars[0].cause == ""


@pytest.mark.parametrize(
    ("change", "sequence"),
    [
        ({}, 0),
        ({"title": "Other"}, 0),
        ({"description": "<p>Other</p>"}, 0),
        ({"image": "abc"}, 0),
        ({"end": make("1").end + timedelta(hours=1)}, 1),
        ({"start": make("1").start - timedelta(hours=1)}, 1),
        ({"place": "Room B"}, 1),
        ({"branch": "Lebanon"}, 1),
        ({"online": True}, 1),
        ({"state": CANCELLED}, 1),
    ],
)
def test_a_change_sets_updated_and_a_change_of_time_or_place_raises_sequence(
    change: dict[str, Any], sequence: int
) -> None:
    last = first(good(make("1")))
    [event] = merge(last, [good(make("1", **change))], window(LATER)).events
    assert (event.sequence, event.updated) == (sequence, LATER if change else NOW)


def test_saving_and_loading_changes_no_event(tmp_path: Path) -> None:
    all_day = make(
        "2", all_day=True, start=datetime(2026, 3, 6, tzinfo=ZONE), end=datetime(2026, 3, 7, tzinfo=ZONE)
    )
    last = first(good(make("1", categories=("A",), cost="5"), all_day))
    last.save(tmp_path / "events.json")
    loaded = Snapshot.load(tmp_path / "events.json", ZONE)
    now = merge(loaded, [good(make("1", categories=("A",), cost="5"), all_day)], window(LATER))
    assert [(event.updated, event.sequence) for event in now.events] == [(NOW, 0), (NOW, 0)]


def test_the_window_ends_with_the_last_requested_day() -> None:
    assert window(days=30).last_day == date(2026, 4, 2)
    assert window(days=30).days == 30


def test_unlisted_events_are_limited_and_the_last_ones_kept() -> None:
    last = first(good(*some(150, first_id=1000)))
    for night in range(1, 10):
        when = window(NOW + timedelta(hours=night))
        last = merge(last, [good(*some(150, first_id=1000 * (night + 1)))], when)
        assert len(ids(last)) == 150
    unlisted = [int(key) for key in ids(last, listed=False)]
    assert len(unlisted) == 150
    assert min(unlisted) >= 9000


def test_a_calendar_without_events_keeps_some_unlisted_ones() -> None:
    last = first(good(*some(150)))
    gone = merge(last, [good()], window(LATER), believe=True)
    assert (len(ids(gone)), len(ids(gone, listed=False))) == (0, MIN_UNLISTED)


def test_only_the_first_events_are_published_if_there_are_too_many() -> None:
    late = make("9999", 20)
    snapshot = first(good(*some(MAX_EVENTS), late))
    assert len(ids(snapshot)) == MAX_EVENTS
    assert "9999" not in ids(snapshot)


def test_a_calendar_with_too_many_events_costs_another_none() -> None:
    late = make("9999", 20, calendar="8")
    snapshot = first(good(*some(MAX_EVENTS)), good(late, calendar="8"))
    assert len(ids(snapshot)) == MAX_EVENTS
    assert "9999" in ids(snapshot)


def test_later_descriptions_are_shortened_if_all_together_are_too_long() -> None:
    long = "x" * 100_000
    events = some(130, description=f"<p>{long}</p>", excerpt="Fish & chips")
    snapshot = first(good(*events))
    lengths = [len(event.description) for event in snapshot.events]
    assert 118 <= lengths.count(100_007) <= 120
    assert snapshot.events[-1].description == "<p>Fish &amp; chips</p>"
    # The next fetch changes no event.
    assert merge(snapshot, [good(*events)], window(LATER)).events == snapshot.events


def days_later(days: int) -> Window:
    return window(NOW + timedelta(days=days))


def test_a_past_event_stays_for_90_days_although_libcal_no_longer_sends_it() -> None:
    last = first(good(make("1", 6, image="abc"), make("2", 20)))
    for days, image in ((4, "abc"), (33, "abc"), (34, ""), (93, "")):
        last = merge(last, [good()], days_later(days), believe=True)
        kept = last.events[0]
        assert (kept.id, kept.listed, kept.image, kept.updated, kept.sequence) == ("1", True, image, NOW, 0)
        assert last.calendars[0].events == 0
    assert merge(last, [good()], days_later(94), believe=True).events == ()


def test_only_listed_events_of_public_configured_calendars_stay_when_they_are_over() -> None:
    last = first(good(make("1"), make("2"), make("3")), good(make("4", calendar="8"), calendar="8"))
    gone = merge(
        last, [good(make("1"), make("3")), good(make("4", calendar="8"), calendar="8")], window(LATER)
    )
    later = merge(gone, [good(), good(calendar="8")], days_later(5))
    assert [event.id for event in later.events] == ["1", "3", "4"]
    assert [event.id for event in merge(gone, [good()], days_later(5)).events] == ["1", "3"]
    internal = [good(), Outcome(id="8", cause=INTERNAL)]
    assert [event.id for event in merge(gone, internal, days_later(5)).events] == ["1", "3"]


def test_an_event_that_ended_today_stays_listed_when_libcal_no_longer_sends_it() -> None:
    last = first(good(make("1", 3), make("2")))
    evening = merge(last, [good(make("2"))], window(NOW.replace(hour=18)))
    assert ids(evening) == ["1", "2"]


def test_the_past_is_bounded_in_number_and_in_length() -> None:
    many = [make(str(number), 1 + number % 28) for number in range(MAX_PAST + 100)]
    month = window(datetime(2026, 4, 1, 9, 0, tzinfo=ZONE))
    kept = merge(Snapshot(events=tuple(many)), [good()], month).events
    assert len(kept) == MAX_PAST
    assert {event.first_day.day for event in many} - {event.first_day.day for event in kept} <= {1, 2}
    long = [replace(event, description="x" * 20_000) for event in many[:400]]
    kept = merge(Snapshot(events=tuple(long)), [good()], month).events
    assert sum(len(event.description) for event in kept) <= MAX_PAST_DESCRIPTIONS
    assert len(kept) == 300


def closure(identity: str, day: int, **fields: Any) -> Event:
    start = datetime(2026, 3, day, tzinfo=ZONE)
    end = datetime(2026, 3, day + 1, tzinfo=ZONE)
    return make(identity, start=start, end=end, all_day=True, kind=CLOSURE, **fields)


def test_closures_are_no_events_and_leave_with_their_record() -> None:
    last = first(good(make("1", 9), closure("2", 9, branch="Kilton")))
    assert (ids(last), [event.id for event in last.closures], last.calendars[0].events) == (["1"], ["2"], 1)
    failed = merge(last, [Outcome(id="7", cause="timeout")], window(LATER))
    assert [event.id for event in failed.closures] == ["2"]
    gone = merge(last, [good(make("1", 9))], window(LATER))
    assert (gone.closures, ids(gone, listed=False)) == ((), [])


def test_events_of_a_closed_branch_are_marked() -> None:
    kilton = closure("9", 9, branch="Kilton")
    events = [
        make("1", 9, branch="Kilton"),
        make("2", 9, branch="Lebanon"),
        make("3", 10, branch="Kilton"),
        make("4", 9, branch="Kilton", online=True),
        make("5", 2, branch="Kilton", end=datetime(2026, 3, 30, 17, tzinfo=ZONE)),
    ]
    found = first(good(*events, kilton))
    assert {event.id for event in found.events if event.in_closure} == {"1"}
    everywhere = first(good(*events, replace(kilton, branch="")))
    assert {event.id for event in everywhere.events if event.in_closure} == {"1", "2"}
    afternoon = replace(kilton, all_day=False, start=datetime(2026, 3, 9, 13, tzinfo=ZONE))
    assert not any(event.in_closure for event in first(good(*events, afternoon)).events)
