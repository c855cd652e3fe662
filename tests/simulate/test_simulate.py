"""The simulator's own books: what may still be in the bucket, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from simulate.simulator import ASSETS_GONE_AFTER, Leftovers

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATE = MONDAY + ASSETS_GONE_AFTER + timedelta(minutes=15)


def test_an_asset_may_stay_for_some_days_after_it_left() -> None:
    leftovers = Leftovers()
    assert leftovers.overdue({"a"}, MONDAY) == set()
    assert leftovers.overdue({"a", "b"}, LATE - timedelta(minutes=15)) == set()
    assert leftovers.overdue({"a", "b"}, LATE) == {"a"}


def test_one_that_came_back_may_stay_as_long_again() -> None:
    leftovers = Leftovers()
    leftovers.overdue({"a"}, MONDAY)
    leftovers.overdue(set(), MONDAY + timedelta(days=1))
    assert leftovers.overdue({"a"}, LATE) == set()


def test_its_day_begins_anew_when_the_books_that_know_it_are_lost() -> None:
    leftovers = Leftovers()
    leftovers.overdue({"a"}, MONDAY)
    leftovers.forget()
    assert leftovers.overdue({"a"}, LATE) == set()
    assert leftovers.overdue({"a"}, LATE + ASSETS_GONE_AFTER + timedelta(minutes=15)) == {"a"}
