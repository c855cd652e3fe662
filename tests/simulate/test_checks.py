"""Test how long the simulator lets a removed file stay in the bucket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from simulate.checks import ASSETS_GONE_AFTER, RemovedFiles

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOO_LATE = MONDAY + ASSETS_GONE_AFTER + timedelta(minutes=15)


def test_a_removed_asset_is_overdue_after_some_days() -> None:
    removed = RemovedFiles()
    assert removed.overdue({"a"}, MONDAY) == set()
    assert removed.overdue({"a", "b"}, TOO_LATE - timedelta(minutes=15)) == set()
    assert removed.overdue({"a", "b"}, TOO_LATE) == {"a"}


def test_an_asset_that_was_back_in_the_site_may_stay_as_long_again() -> None:
    removed = RemovedFiles()
    removed.overdue({"a"}, MONDAY)
    removed.overdue(set(), MONDAY + timedelta(days=1))
    assert removed.overdue({"a"}, TOO_LATE) == set()


def test_an_asset_may_stay_as_long_again_when_published_manifest_is_lost() -> None:
    removed = RemovedFiles()
    removed.overdue({"a"}, MONDAY)
    removed.restart()
    assert removed.overdue({"a"}, TOO_LATE) == set()
    assert removed.overdue({"a"}, TOO_LATE + ASSETS_GONE_AFTER + timedelta(minutes=15)) == {"a"}
