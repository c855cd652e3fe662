"""Say everything that is wrong with the settings at once (`bin/check --help`)."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import exit_codes
from log import Log
from settings import ROOT, LibCalSettings, PublishSettings, SettingError, Settings, parse_env

STEP = "check"

REQUIRED = {  # with a value that stands in for a missing one, so that the check goes on
    "LIBCAL_URL": "https://example.libcal.com",
    "LIBCAL_CLIENT_ID": "x",
    "LIBCAL_CLIENT_SECRET": "x",
    "LIBCAL_CALENDARS": "1",
    "S3_BUCKET": "bucket",
    "CLOUDFRONT_DISTRIBUTION_ID": "X",
}
_KEY_PAIR = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_ROLES = ("UPLOAD_", "INVALIDATE_", "")
# fmt: off
_OTHERS = [
    "DAYS_AHEAD", "SITE_NAME", "SITE_URL", "BRAND_COLOR", "LOGO", "HOME_PAGE", "TIMEZONE", "LOCALE",
    "STALE_AFTER_MINUTES", "S3_PREFIX", "MAX_DELETE_PERCENT", "MIN_EVENTS", "NOTIFY_URL",
    "PING_URL", "SMTP_SERVER", "EVENTS_NOW", "FORCE",
    "BUILD_DIR", "RUNNER", "RUN_ID", "COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME",
    "IMAGE_TAG", "PYTHON_IMAGE", "SECRETS_DIR", "DOCKER_HOST",
]
# fmt: on
KNOWN = frozenset(
    [*REQUIRED, *_OTHERS, "LIBCAL_CLIENT_ID_FILE", "LIBCAL_CLIENT_SECRET_FILE"]
    + [f"{role}{key}{file}" for role in _ROLES for key in _KEY_PAIR for file in ("", "_FILE")]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, and where; `fatal` ones end the check with 78."""

    key: str
    why: str
    line: int = 0
    fatal: bool = True


def problems(text: str, env: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what is wrong with a settings file's text and with the values that it and `env` give."""
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        try:
            found = parse_env(line)
        except SettingError as error:
            name = re.match(r"(?:export\s+)?(\w*)", line)
            why = (
                "ends with a carriage return: save the file with Unix line ends"
                if line[-1:] == "\r"
                else error.why
            )
            yield Problem(key=name[1] if name else "", why=why, line=number)
            continue
        for key in found:
            if key in lines:
                yield Problem(key=key, why=f"is set twice, first in line {lines[key]}", line=number)
            elif not is_known(key):
                close = difflib.get_close_matches(key, KNOWN, 1)
                why = "is not a setting" + (f"; did you mean {close[0]}?" if close else "")
                yield Problem(key=key, why=why, line=number, fatal=False)
            lines[key] = number
        values |= found
    for problem in _value_problems({**values, **env}):
        yield Problem(key=problem.key, why=problem.why, line=lines.get(problem.key, 0))


def is_known(key: str) -> bool:
    """Tell whether a setting of this name has a meaning."""
    return key in KNOWN or (key.startswith("AWS_") and not key.startswith("AWS_ACCESS_KEY"))


def _value_problems(values: dict[str, str]) -> Iterator[Problem]:
    for key, stand_in in REQUIRED.items():
        if not values.get(key) and not values.get(f"{key}_FILE"):
            yield Problem(key=key, why="is not set")
            values[key] = stand_in
    for role in _ROLES:
        have = [bool(values.get(role + key) or values.get(f"{role}{key}_FILE")) for key in _KEY_PAIR]
        if any(have) and not all(have):
            yield Problem(key=role + _KEY_PAIR[have.index(False)], why="is not set, but its other half is")
    checks: tuple[Callable[[Mapping[str, str]], object], ...] = (
        Settings.from_env,
        LibCalSettings.from_env,
        PublishSettings.from_env,
    )
    for check in checks:
        while (error := _first_error(check, values)) is not None:
            yield Problem(key=error.key, why=error.why)
            if error.key not in values:
                break
            # Once said, a wrong value must not hide the next.
            values[error.key] = REQUIRED.get(error.key, "")


def _first_error(
    check: Callable[[Mapping[str, str]], object], values: Mapping[str, str]
) -> SettingError | None:
    try:
        check(values)
    except SettingError as error:
        return error
    except ModuleNotFoundError:
        # LOCALE needs Babel, which a machine that runs everything in Docker has not got.
        return _first_error(check, {**values, "LOCALE": ""}) if values.get("LOCALE") else None
    return None


def main() -> int:
    """Log every problem; return the exit code."""
    log = Log(STEP)
    path = Path(os.environ.get("ENV_FILE") or ROOT / ".env")
    try:
        text = path.read_bytes().decode()  # as it is, carriage returns included
        if path.stat().st_mode & 0o004:
            log.warn("holds secrets, and everybody on this machine can read it: chmod 600", path=path)
    except FileNotFoundError:
        text = ""
        log.warn("no such file; only the environment counts", path=path)
    except (OSError, UnicodeDecodeError) as error:
        log.error(f"cannot be read: {error}", path=path, rc=exit_codes.CONFIG)
        return exit_codes.CONFIG
    found = list(problems(text, os.environ))
    for problem in found:
        where = {"line": problem.line} if problem.line else {}
        say = log.error if problem.fatal else log.warn
        say(problem.why, key=problem.key, **where)
    fatal = sum(problem.fatal for problem in found)
    rc = exit_codes.CONFIG if fatal else exit_codes.OK
    log.info("settings checked", path=path, errors=fatal, warnings=len(found) - fatal, rc=rc)
    return rc


if __name__ == "__main__":
    sys.exit(main())
