"""List every problem of the settings (`bin/check --help`)."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import program
from exit_codes import CONFIG, OK
from log import Log
from settings import ROOT, LibCalSettings, PublishSettings, SettingError, Settings, parse_env

STEP = "check"

REQUIRED = {  # each with a valid value, used for a missing one so that the check can continue
    "LIBCAL_URL": "https://example.libcal.com",
    "LIBCAL_CLIENT_ID": "x",
    "LIBCAL_CLIENT_SECRET": "x",
    "LIBCAL_CALENDARS": "1",
    "S3_BUCKET": "bucket",
    "CLOUDFRONT_DISTRIBUTION_ID": "X",
}
_HINTS = {  # what to write for a missing one
    "LIBCAL_URL": "write the address of your LibCal site, such as https://yoursite.libcal.com",
    "LIBCAL_CLIENT_ID": "copy it from LibCal: Admin > API > API Authentication",
    "LIBCAL_CLIENT_SECRET": "copy it from LibCal: Admin > API > API Authentication",
    "LIBCAL_CALENDARS": "write the calendar ids, such as 15144=Kilton,17790=Lebanon",
    "S3_BUCKET": "write the name of the bucket",
    "CLOUDFRONT_DISTRIBUTION_ID": "write the id of the distribution, such as E2QWRUHAPOMQZL",
}
_KEY_PAIR = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_ROLES = ("UPLOAD_", "INVALIDATE_", "")
# fmt: off
_OTHERS = [
    "DAYS_AHEAD", "SITE_NAME", "SITE_URL", "BRAND_COLOR", "LOGO", "HOME_PAGE", "TIMEZONE", "LOCALE",
    "STALE_AFTER_MINUTES", "CLOSING_CATEGORY", "S3_PREFIX", "MAX_DELETE_PERCENT", "MIN_EVENTS", "NOTIFY_URL",
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
    """One problem: its group, the setting, the reason, and its line in the file (0: not in the file)."""

    group: str
    key: str
    why: str
    line: int = 0


MISSING, WRONG, WARNING = "Missing", "Wrong", "Warnings"


def problems(text: str, env: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the problems of a settings file's text, and of the values that it and `env` give."""
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        try:
            found = parse_env(line)
        except SettingError as error:
            yield Problem(group=WRONG, key=_name(line), why=_line_problem(line, error), line=number)
            continue
        for key in found:
            if key in lines:
                why = f"is set twice, first in line {lines[key]}: remove one of the lines"
                yield Problem(group=WRONG, key=key, why=why, line=number)
            elif not is_known(key):
                yield Problem(group=WARNING, key=_name(line), why=_unknown(key), line=number)
            lines[key] = number
        values |= found
    for problem in _value_problems({**values, **env}):
        yield replace(problem, line=0 if problem.key in env else lines.get(problem.key, 0))


def _name(line: str) -> str:
    """Return the setting that a line names. Never the rest of the line, which may be a secret."""
    match = re.match(r"(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=", line)
    return match[1] if match else ""


def _line_problem(line: str, error: SettingError) -> str:
    if line.endswith("\r"):
        return "ends with a carriage return: save the file with Unix line ends"
    if line.startswith("export "):
        return 'starts with "export": remove the word'
    if re.match(r"\w+(\s+=|=\s)", line):
        return "has a space beside the equals sign: remove it"
    if _name(line):
        return f"needs single quotes: {_name(line)}='...'"
    return error.why


def _unknown(key: str) -> str:
    close = difflib.get_close_matches(key.upper(), KNOWN, 1)
    return "is not a setting" + (f"; did you mean {close[0]}?" if close else ": remove the line")


def is_known(key: str) -> bool:
    """Return whether the program, Compose or the AWS CLI reads a setting of this name."""
    return key in KNOWN or (key.startswith("AWS_") and not key.startswith("AWS_ACCESS_KEY"))


def _value_problems(values: dict[str, str]) -> Iterator[Problem]:
    for key, valid in REQUIRED.items():
        if not values.get(key) and not values.get(f"{key}_FILE"):
            yield Problem(group=MISSING, key=key, why=f"is not set: {_HINTS[key]}")
            values[key] = valid
    for role in _ROLES:
        have = [bool(values.get(role + key) or values.get(f"{role}{key}_FILE")) for key in _KEY_PAIR]
        if any(have) and not all(have):
            missing, other = (role + _KEY_PAIR[have.index(each)] for each in (False, True))
            yield Problem(group=MISSING, key=missing, why=f"is not set, but {other} is: set both or neither")
    checks: tuple[Callable[[Mapping[str, str]], object], ...] = (
        Settings.from_env,
        LibCalSettings.from_env,
        PublishSettings.from_env,
    )
    for check in checks:
        while (error := _first_error(check, values)) is not None:
            yield Problem(group=WRONG, key=error.key, why=error.why)
            if error.key not in values:
                break
            # Replace the wrong value, so that it does not hide the next error.
            values[error.key] = REQUIRED.get(error.key, "")


def _first_error(
    check: Callable[[Mapping[str, str]], object], values: Mapping[str, str]
) -> SettingError | None:
    try:
        check(values)
    except SettingError as error:
        return error
    except ModuleNotFoundError:
        # Only LOCALE needs a package (Babel), which a machine that runs the steps in Docker does not have.
        return _first_error(check, {**values, "LOCALE": ""}) if values.get("LOCALE") else None
    return None


def report(found: Sequence[Problem], name: str, env: Mapping[str, str]) -> str:
    """Return the list of problems as text: in groups, a line for each, the counts last."""
    text = ""
    for group in (MISSING, WRONG, WARNING):
        lines = [_place(each, name, env) for each in found if each.group == group]
        text += f"{group}:\n" + "".join(f"  {line}\n" for line in lines) + "\n" if lines else ""
    warnings = sum(each.group == WARNING for each in found)
    errors = len(found) - warnings
    return f"{text}{name}: {_count(errors, 'error')}, {_count(warnings, 'warning')}\n"


def _place(problem: Problem, name: str, env: Mapping[str, str]) -> str:
    place = f"{name}:{problem.line}" if problem.line else "environment" if problem.key in env else name
    return " ".join(filter(None, (f"{place}:", problem.key, problem.why)))


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def check(path: Path, env: Mapping[str, str]) -> int:
    """Print the problems of the settings in `path` and `env`; return the exit code."""
    name = os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
    found: list[Problem] = []
    try:
        text = path.read_bytes().decode()  # not as text: carriage returns must stay
        if path.stat().st_mode & 0o004:
            why = f"every user of this machine can read the secrets: run chmod 600 {name}"
            found.append(Problem(group=WARNING, key="", why=why))
    except FileNotFoundError:
        text = ""
        found.append(Problem(group=WARNING, key="", why="does not exist: only the environment is checked"))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingError(name, f"cannot be read: {why}") from error
    found += problems(text, env)
    sys.stdout.write(report(found, name, env))
    return CONFIG if any(each.group != WARNING for each in found) else OK


def main() -> int:
    """Check $ENV_FILE, or .env; return the exit code."""
    return program.run(
        Log(STEP), lambda: check(Path(os.environ.get("ENV_FILE") or ROOT / ".env"), os.environ)
    )


if __name__ == "__main__":
    sys.exit(main())
