"""Print the numbers of bin/publish's last log line, added up over the steps of the run.

    python scripts/summary.py PENDING-BEFORE

Reads $BUILD_DIR/run/*.stats, which the steps write, and prints key=value words: changed uploaded
deleted bytes paths events invalidation paths_this_month pending_before pending_after. bin/publish sets
BUILD_DIR to an absolute path.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from exit_codes import OK
from log import logfmt
from publishing.state import Pending

SUMS = ("changed", "uploaded", "deleted", "bytes", "paths")
LAST = ("events", "invalidation", "paths_this_month")
STEPS = ("drain", "upload", "invalidate")


def read_stats(path: Path) -> dict[str, str]:
    """Read `key=value` lines; a missing file has no lines."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


def summary(build_dir: Path, pending_before: str) -> dict[str, object]:
    """Return the numbers of one run, at whose start `pending_before` paths were pending."""
    run = build_dir / "run"
    stats = [read_stats(run / f"{step}.stats") for step in STEPS]
    numbers: dict[str, object] = {key: sum(int(found.get(key, 0)) for found in stats) for key in SUMS}
    for key in LAST:
        values = [found[key] for found in stats if key in found]
        if values:
            numbers[key] = values[-1]
    numbers["pending_before"] = pending_before
    numbers["pending_after"] = len(Pending.load(build_dir / "pending-paths").paths)
    return numbers


def main(argv: list[str]) -> int:
    """Print the numbers; return the exit code."""
    sys.stdout.write(logfmt(summary(Path(os.environ["BUILD_DIR"]), argv[0])) + "\n")
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
