"""The numbers and the outcome of the last log line, from the files that the steps write."""

from __future__ import annotations

from pathlib import Path

import pytest

from log import logfmt
from summary import summary


def write(build: Path, **steps: str) -> None:
    (build / "run").mkdir(exist_ok=True)
    for step, numbers in steps.items():
        (build / "run" / f"{step}.stats").write_text(numbers.replace(" ", "\n") + "\n")


def fetched(failed: str) -> str:
    return f"events=9 calendars=2 calendars_failed={len(failed.split())} failed_calendars={failed}"


@pytest.mark.parametrize(
    ("outcome", "failed", "expected"),
    [
        ("ok", "", "ok"),
        ("ok", "7:503", "degraded"),
        ("ok", "7:503,8:deadline", "stale"),
        ("degraded", "7:503,8:deadline", "stale"),
        ("degraded", "7:503", "degraded"),
        ("degraded", "", "degraded"),
        # LibCal answers, but not with these calendars.
        ("ok", "7:not_listed,8:internal", "degraded"),
        ("ok", "7:doubted,8:doubted", "degraded"),
        ("ok", "7:not_listed,8:503", "stale"),
        ("failed", "", "failed"),
        ("failed", "7:503,8:503", "failed"),
    ],
)
def test_the_outcome_says_whether_the_calendars_were_fetched(
    tmp_path: Path, outcome: str, failed: str, expected: str
) -> None:
    write(tmp_path, fetch=fetched(failed))
    assert summary(tmp_path, outcome, "0")["outcome"] == expected


def test_without_numbers_of_fetch_the_outcome_is_that_of_the_steps(tmp_path: Path) -> None:
    assert summary(tmp_path, "ok", "0")["outcome"] == "ok"


def test_the_numbers_are_the_sum_of_the_steps(tmp_path: Path) -> None:
    write(
        tmp_path,
        drain="paths=1",
        fetch="events=9 calendars=2 calendars_failed=1 failed_calendars=7:503 age_minutes=46",
        upload="changed=3 uploaded=3 deleted=1 bytes=812 events=9",
        invalidate="paths=2 invalidation=I1",
    )
    assert logfmt(summary(tmp_path, "ok", "4")) == (
        "outcome=degraded changed=3 uploaded=3 deleted=1 bytes=812 paths=3 events=9 calendars=2 calendars_failed=1"
        " failed_calendars=7:503 age_minutes=46 invalidation=I1 pending_before=4 pending_after=0"
    )


def test_text_that_a_container_should_not_report_is_ignored(tmp_path: Path) -> None:
    write(tmp_path, upload='uploaded=many changed=3\nbytes="7 8"\ninvalidation=$(id)\nevents=1')
    found = summary(tmp_path, "ok", "0")
    assert (found["uploaded"], found["changed"], found["bytes"]) == (0, 3, 0)
    assert "invalidation" not in found
