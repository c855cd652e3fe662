"""The log: one line for each event on stderr, the same from Python and from scripts/log.sh.

In a file or a pipe it is logfmt:
    level=info step=fetch run=20261122T141500-1a2b msg="calendar fetched" calendar=15144 events=26
In the journal a priority is before it (see sd-daemon(3)), for `journalctl -p warning`:
    <6>level=info step=fetch ...
On a terminal it is short; warnings and errors are colored unless NO_COLOR is set:
    14:15:02 fetch       calendar fetched  calendar=15144 events=26

LOG_FORMAT=logfmt, journal or terminal overrides the choice; bin/container sets it, since a
container only sees a pipe.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TextIO
from urllib.parse import quote, unquote

_BARE = re.compile(r"[A-Za-z0-9_./:@%+,=*#-]+\Z")
_REDACTED = "[redacted]"
# The settings whose values never reach the log; the same in log.sh.
SECRET_NAMES = r"(_SECRET|_TOKEN|_PASSWORD|ACCESS_KEY_ID|ACCESS_KEY)$|^(NOTIFY|PING)_URL$"  # noqa: S105
_LOGIN = re.compile(r"(?<=://)[^/\s]+@")
_PRIORITIES = {"error": 3, "warn": 4, "info": 6}
_LABELS = {"error": "error: ", "warn": "warning: "}
_COLORS = {"error": "\x1b[31m", "warn": "\x1b[33m"}
_RESET = "\x1b[0m"


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


def choose_format(stream: TextIO) -> str:
    """Return how to write to `stream`: logfmt, journal or terminal."""
    chosen = os.environ.get("LOG_FORMAT", "")
    if chosen in ("logfmt", "journal", "terminal"):
        return chosen
    try:
        if stream.isatty():
            return "terminal"
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # not a file, or closed
        return "logfmt"
    return "journal" if os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}" else "logfmt"


def _for_terminal(level: str, step: str, msg: str, fields: dict[str, object]) -> str:
    """Format one short line for a person, without control characters."""
    text = _LABELS.get(level, "") + _printable(msg)
    if level in _COLORS and not os.environ.get("NO_COLOR"):
        text = f"{_COLORS[level]}{text}{_RESET}"
    shown = [f"{key}={_quoted(value)}" for key, value in fields.items() if f"{key}={value}" != "rc=0"]
    return "  ".join(
        [f"{time.strftime('%H:%M:%S')} {step:<11} {text}", *([" ".join(shown)] if shown else [])]
    )


def _quoted(value: object) -> str:
    text = _printable(value if isinstance(value, str) else _value(value))
    return text if text and not set(text) & set(' "=') else f'"{text}"'


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)


def secrets_in(env: Mapping[str, str]) -> Iterator[str]:
    """Yield the secrets of the settings, those in files (NAME_FILE) too, and the passwords in addresses."""
    for name, value in env.items():
        if re.search(SECRET_NAMES, name):
            yield value
            if path := re.match(r"https?://[^/]+(/.+)", value):  # an error may name only the path
                yield path[1]
        elif name.endswith("_FILE") and re.search(SECRET_NAMES, name.removesuffix("_FILE")):
            try:
                yield Path(value).read_text(encoding="utf-8", errors="replace").strip()
            except OSError:
                continue
        elif password := re.search(r"://[^:/]*:(.+)@", value):
            yield password[1]


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace every secret of four characters or more in `text`, and remove the logins from addresses."""
    forms = {
        form
        for secret in secrets
        for each in (secret, unquote(secret), quote(secret, safe=""))
        for form in (each, json.dumps(each)[1:-1], _printable(each))
        if len(secret) >= 4
    }
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, _REDACTED)
    return _LOGIN.sub("", text)


class Log:
    """Writes the log lines of one step, without the secrets of the environment and those given to `hide`."""

    def __init__(self, step: str, *, run: str | None = None, stream: TextIO | None = None) -> None:
        self.step = step
        self.run = run or os.environ.get("RUN_ID") or new_run_id()
        self._stream = stream or sys.stderr
        self.format = choose_format(self._stream)
        self._secrets = list(secrets_in(os.environ))

    def hide(self, *values: str) -> None:
        """Never write any of `values`: they are replaced wherever they would appear."""
        self._secrets += values

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
        if self.format == "terminal":
            line = _for_terminal(level, self.step, msg, fields)
        else:
            line = logfmt({"level": level, "step": self.step, "run": self.run, "msg": msg, **fields})
        if self.format == "journal":
            line = f"<{_PRIORITIES[level]}>{line}"
        line = redact(line, self._secrets)
        self._stream.write(line.encode("utf-8", "replace").decode() + "\n")
        self._stream.flush()
