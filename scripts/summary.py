"""Print the numbers of bin/publish's last log line, added up over the steps of the run.

    python scripts/summary.py OUTCOME PENDING-BEFORE

Reads $BUILD_DIR/run/*.stats, which the steps write, and prints key=value words: outcome, changed, uploaded
and so on. OUTCOME is the one that the steps' exit codes give: ok, degraded or failed. bin/publish sets
BUILD_DIR to an absolute path.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from event import DOUBTED, INTERNAL, NOT_LISTED
from exit_codes import OK
from log import logfmt
from publishing.state import Pending

SUMS = ("changed", "uploaded", "deleted", "bytes", "paths")
LAST = (
    "events",
    "calendars",
    "calendars_failed",
    "failed_calendars",
    "age_minutes",
    "invalidation",
    "paths_this_month",
)
# Causes of a calendar without new events although LibCal answered.
ANSWERS = {DOUBTED, INTERNAL, NOT_LISTED}
STEPS = ("drain", "fetch", "upload", "invalidate")


def read_stats(path: Path) -> dict[str, str]:
    """Read `key=value` lines; a missing file has no lines. A container wrote it, so only words count."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {key: value for key, _, value in pairs if re.fullmatch(r"[A-Za-z0-9_.:,/*-]+", value)}


def final_outcome(outcome: str, fetched: Mapping[str, str]) -> str:
    """Return ok, stale, degraded or failed, from the outcome of the steps and the numbers of fetch.

    stale: no calendar could be fetched, the published events are those of an earlier run. degraded: a
    calendar could not be fetched, or a step failed after LibCal had answered.
    """
    failed = [item.partition(":")[2] for item in fetched.get("failed_calendars", "").split(",") if item]
    if outcome == "failed" or not failed:
        return outcome
    answered = fetched.get("calendars") != str(len(failed)) or set(failed) <= ANSWERS
    return "degraded" if answered else "stale"


def summary(build_dir: Path, outcome: str, pending_before: str) -> dict[str, object]:
    """Return the numbers of one run, at whose start `pending_before` paths were pending."""
    run = build_dir / "run"
    stats = [read_stats(run / f"{step}.stats") for step in STEPS]
    numbers: dict[str, object] = {"outcome": final_outcome(outcome, stats[STEPS.index("fetch")])}
    for key in SUMS:
        numbers[key] = sum(int(found[key]) for found in stats if found.get(key, "").isdecimal())
    for key in LAST:
        values = [found[key] for found in stats if key in found]
        if values:
            numbers[key] = values[-1]
    numbers["pending_before"] = pending_before
    numbers["pending_after"] = len(Pending.load(build_dir / "pending-paths").paths)
    return numbers


def main(argv: list[str]) -> int:
    """Print the numbers; return the exit code."""
    sys.stdout.write(logfmt(summary(Path(os.environ["BUILD_DIR"]), *argv)) + "\n")
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
