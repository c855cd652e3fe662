"""One logfmt line an event on stderr, the same from Python and from scripts/common.sh.

level=info step=fetch run=20261122T141500-1a2b msg="calendar fetched" calendar=15144 events=26
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
import time
from typing import TextIO

_BARE = re.compile(r"[A-Za-z0-9_./:@%+,=*#-]+\Z")
_REDACTED = "[redacted]"


def new_run_id() -> str:
    """Return a run id that sorts by time: `20261122T141500Z-1a2b`."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + "-" + secrets.token_hex(2)


def logfmt(fields: dict[str, object]) -> str:
    """Format fields as one logfmt line; text that could break the line is quoted."""
    return " ".join(f"{key}={_value(value)}" for key, value in fields.items())


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.2f}"
    text = str(value)
    return text if _BARE.match(text) and "=" not in text else json.dumps(text)


class Log:
    """Writes the log lines of one step; hides every secret it has been told about."""

    def __init__(self, step: str, *, run: str | None = None, stream: TextIO | None = None) -> None:
        self.step = step
        self.run = run or os.environ.get("RUN_ID") or new_run_id()
        self._stream = stream or sys.stderr
        self._secrets: list[str] = []

    def hide(self, *values: str) -> None:
        """Never write any of `values`: they are replaced wherever they would appear."""
        self._secrets += [value for value in values if len(value) >= 4]

    def info(self, msg: str, **fields: object) -> None:
        """Log something the operator may want to know."""
        self._write("info", msg, fields)

    def warn(self, msg: str, **fields: object) -> None:
        """Log something that needs a look, though the run goes on."""
        self._write("warn", msg, fields)

    def error(self, msg: str, **fields: object) -> None:
        """Log why the step fails."""
        self._write("error", msg, fields)

    def _write(self, level: str, msg: str, fields: dict[str, object]) -> None:
        line = logfmt({"level": level, "step": self.step, "run": self.run, "msg": msg, **fields})
        for secret in self._secrets:
            line = line.replace(secret, _REDACTED)
            line = line.replace(json.dumps(secret)[1:-1], _REDACTED)
        self._stream.write(line.encode("utf-8", "replace").decode() + "\n")
        self._stream.flush()
