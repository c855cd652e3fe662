"""Print the settings in a file as KEY=value, each with a NUL character, for scripts/common.sh.

If a line is wrong, log every fault and end with 78: `read_env.py STEP FILE`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import env_file
from exit_codes import CONFIG, OK
from log import Log


def main(argv: list[str]) -> int:
    """Print the settings; return the exit code."""
    step, name = argv
    entries, faults = env_file.read(Path(name))
    for fault in faults:
        place = f"{name}:{fault.line}" if fault.line else name
        Log(step).error(
            f"{place} {fault.key} {fault.why}".replace("  ", " "), key=fault.key or place, rc=CONFIG
        )
    if faults:
        return CONFIG
    sys.stdout.buffer.write("".join(f"{entry.key}={entry.value}\0" for entry in entries).encode())
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
