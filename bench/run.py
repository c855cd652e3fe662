"""Usage: make bench [NAME=...], or: PYTHONPATH=.:scripts:tests python -m bench.run [NAME...]

Runs the named benches, or all, and prints a table for each. Benches do not pass or fail: they measure time,
memory and size on this machine.

Benches: generate, feeds, publish, docker, weight, lighthouse
Exit codes: 0 done · 2 wrong usage
"""

from __future__ import annotations

import os
import platform
import sys
from importlib import import_module

# Each is a module in this folder with a function bench() that returns a Table.
BENCHES = ("generate", "feeds", "publish", "docker", "weight", "lighthouse")


def main(names: list[str]) -> int:
    """Run the benches; return the exit code."""
    unknown = set(names) - set(BENCHES)
    if unknown:
        print(
            f"no such bench: {', '.join(sorted(unknown))}; choose from {', '.join(BENCHES)}", file=sys.stderr
        )
        return 2
    load = os.getloadavg()[0]
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f} at start\n", flush=True
    )
    for name in names or BENCHES:
        print(import_module(f"bench.{name}").bench(), end="\n\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
