"""Programs: the days of a stop-by program and the branches of one program as one row."""

from __future__ import annotations

from event import Event
from rendering import programs
from support.page_samples import event, registration, view


def merged(*events: Event) -> list[list[str]]:
    """Return the ids of the events of each row: its days, then the other branches."""
    found = programs.merge(view(item) for item in sorted(events, key=lambda item: item.order))
    return [
        [*(each.event.id for each in row.days), *(each.event.branch for each in row.branches)]
        for row in found
    ]


def stop_by(day: int, **values: object) -> Event:
    given = {"id": str(day), "title": "Take a Poem", **values}
    return event(f"2026-03-{day:02} 10:00", f"2026-03-{day:02} 17:30", **given)


def test_the_days_of_a_stop_by_program_are_one_row() -> None:
    days = [stop_by(day) for day in (3, 4, 5, 6, 7, 9)]
    assert merged(*days, event("2026-03-03 14:00", "2026-03-03 15:00", id="author")) == [
        ["3", "4", "5", "6", "7", "9"],
        ["author"],
    ]
    (row,) = programs.merge(map(view, days))
    assert row.times == "Monday to Saturday, 10am to 5:30pm, until March 9"
    spans = [tuple(map(int, span.split("-"))) for span in row.spans.split()]
    assert spans == [(int(item.start.timestamp()), int(item.end.timestamp())) for item in days]


def test_two_days_other_hours_other_rooms_and_a_weekly_class_are_not_a_stop_by_program() -> None:
    assert merged(stop_by(3), stop_by(4)) == [["3"], ["4"]]
    assert merged(*(stop_by(day) for day in (3, 10, 17, 24))) == [["3"], ["10"], ["17"], ["24"]]
    assert merged(stop_by(3), stop_by(4), stop_by(5, place="Attic")) == [["3"], ["4"], ["5"]]
    short = [event(f"2026-03-0{day} 10:00", f"2026-03-0{day} 11:00", id=str(day)) for day in (3, 4, 5)]
    assert merged(*short) == [["3"], ["4"], ["5"]]
    registered = [stop_by(day, registration=registration()) for day in (3, 4, 5)]
    assert merged(*registered) == [["3"], ["4"], ["5"]]


def test_a_cancelled_day_of_a_stop_by_program_is_a_row_of_its_own() -> None:
    days = [stop_by(day) for day in (3, 4, 6, 7)]
    assert merged(*days, stop_by(5, state="cancelled")) == [["3", "4", "6", "7"], ["5"]]
    (row, _) = programs.merge(
        map(view, sorted([*days, stop_by(5, state="cancelled")], key=lambda e: e.order))
    )
    assert row.times == "On 4 days, 10am to 5:30pm, until March 7"


def test_two_records_on_one_day_are_never_one_day() -> None:
    assert merged(stop_by(3), stop_by(4), stop_by(4, id="other"), stop_by(5)) == [
        ["3"],
        ["4"],
        ["other"],
        ["5"],
    ]


def test_the_same_program_at_several_branches_is_one_row_that_names_them() -> None:
    storytimes = [
        event(id=branch, branch=branch, place=f"{branch} Room") for branch in ("Kilton", "Lebanon", "Enfield")
    ]
    (row,) = programs.merge(map(view, storytimes))
    assert row.where == "Enfield, Kilton, Lebanon"
    assert row.branch_slugs == "enfield kilton lebanon"
    hunts = [
        stop_by(day, id=f"{branch}{day}", branch=branch)
        for branch in ("Kilton", "Lebanon")
        for day in (3, 4, 5)
    ]
    (row,) = programs.merge(map(view, sorted(hunts, key=lambda item: item.order)))
    assert (row.times, row.where) == ("Daily, 10am to 5:30pm, until March 5", "Kilton, Lebanon")


def test_branches_with_another_time_or_status_are_rows_of_their_own() -> None:
    kilton = event(id="1", branch="Kilton")
    assert merged(kilton, event("2026-03-03 11:30", id="2", branch="Lebanon")) == [["1"], ["2"]]
    assert merged(kilton, event(id="2", branch="Lebanon", state="cancelled")) == [["1"], ["2"]]
    assert merged(kilton, event(id="2", branch="Kilton")) == [["1"], ["2"]]
    assert merged(kilton, event(id="2", branch="")) == [["1"], ["2"]]
