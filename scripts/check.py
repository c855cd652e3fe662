"""List every problem of the settings (`bin/check --help`).

`check.py --publish` is for bin/publish: it logs the errors, or else prints the settings of the file as
KEY=value, each with a NUL character.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aws_config
import branches
import docker_engine
import env_file
import program
from env_file import Entry, Fault
from exit_codes import CONFIG, OK
from log import Log
from settings import ROOT
from settings_table import CONTAINERS, KNOWN, TABLE, Setting, passed_to

STEP = "check"

_KEY_PAIR = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_ROLES = ("UPLOAD_", "INVALIDATE_", "")
# With one of these, a container gets the AWS CLI's configuration.
_LOGINS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE")
_OURS = ("LIBCAL_", "S3_", "SITE_", "CLOUDFRONT_", "UPLOAD_", "INVALIDATE_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem: its group, the setting, the reason, and its line in the file (0: not in the file)."""

    group: str
    key: str
    why: str
    line: int = 0


# Settings for one run that switch a defense off; bin/publish warns about them, too.
_UNSAFE = {
    "FORCE": "switches off the guards on the number of events and deletes",
    "EVENTS_NOW": "stops the clock: every run has the same date and time",
}
MISSING, WRONG, WARNING = "Missing", "Wrong", "Warnings"


def problems(entries: Sequence[Entry], faults: Sequence[Fault], env: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the problems of a settings file, and of the values that it and `env` give."""
    suspects = {fault.key.upper() for fault in faults}  # a missing setting is explained by its wrong line
    for fault in faults:
        yield Problem(group=WRONG, key=fault.key, why=fault.why, line=fault.line)
    for entry in entries:
        if not is_known(entry.key):
            problem, meant = _unknown(entry)
            suspects.add(meant)
            yield problem
    values = {entry.key: entry.value for entry in entries} | dict(env)
    lines = {entry.key: entry.line for entry in entries if entry.key not in env}
    found = [*_missing(values), *_value_problems(values)]
    for key, why, group in found:
        if not (group == MISSING and key in suspects):
            yield Problem(group=group, key=key, why=why, line=lines.get(key, 0))
    for key, why in _UNSAFE.items():
        if values.get(key):
            yield Problem(group=WARNING, key=key, why=why, line=lines.get(key, 0))
    if _in_docker(values):
        yield from _docker_problems(entries, values, lines)


def _in_docker(values: Mapping[str, str]) -> bool:
    """Return whether the steps run in Docker; the service of an installed program always does."""
    return values.get("RUNNER") == "docker" or (ROOT / "installed-files").exists()


def _docker_problems(
    entries: Sequence[Entry], values: Mapping[str, str], lines: Mapping[str, int]
) -> Iterator[Problem]:
    if why := docker_engine.compose_problem():
        yield Problem(group=WRONG, key="", why=why)
    passed = set().union(*(passed_to(container) for container in CONTAINERS))
    for entry in entries:
        of_the_host = entry.key.startswith("AWS_") or (entry.key in TABLE and TABLE[entry.key].host_only)
        if of_the_host and entry.key not in passed and not _is_secret(entry.key):
            why = "has no effect in Docker: the containers do not get it"
            yield Problem(group=WARNING, key=entry.key, why=why, line=entry.line)
    key = next((name for name in _LOGINS if values.get(name)), "")
    pairs = [
        values.get(f"{role}{_KEY_PAIR[0]}") or values.get(f"{role}{_KEY_PAIR[0]}_FILE") for role in _ROLES
    ]
    has_pairs = bool(pairs[2] or (pairs[0] and pairs[1]))
    if key and not has_pairs and _credential_process(values):
        why = "names a profile with credential_process, a program that no container has: use a key pair"
        yield Problem(group=WARNING, key=key, why=why, line=lines.get(key, 0))


def _credential_process(values: Mapping[str, str]) -> str:
    try:
        return aws_config.option("credential_process", values)
    except aws_config.ConfigError:  # of this machine; the step in its container will say more
        return ""


def is_known(key: str) -> bool:
    """Return whether the program, Compose or the AWS CLI reads a setting of this name."""
    return key in KNOWN or (key.startswith("AWS_") and not _close(key, 0.9))


def _is_secret(key: str) -> bool:
    row = TABLE.get(key.removesuffix("_FILE"))
    return row is not None and row.secret


def _close(key: str, cutoff: float) -> str:
    import difflib

    names = [name for name in KNOWN if name.isupper()]
    return next(iter(difflib.get_close_matches(key.upper(), names, 1, cutoff)), "")


def _unknown(entry: Entry) -> tuple[Problem, str]:
    """Return the problem of an unknown setting, and the name that was probably meant.

    A name of ours that is misspelled would silently count for nothing, so it is an error.
    """
    meant = entry.key.upper() if entry.key.upper() in KNOWN else _close(entry.key, 0.6)
    why = "is not a setting" + (f"; did you mean {meant}?" if meant else ": remove the line")
    shown = entry.key if re.fullmatch(r"[A-Z][A-Z0-9_]*", entry.key) else ""
    if meant == entry.key.upper():
        shown, why = meant, "must be in capitals"
    group = WRONG if meant or entry.key.startswith(_OURS) else WARNING
    return Problem(group=group, key=shown, why=why, line=entry.line), meant


def _missing(values: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for row in TABLE.values():
        if row.is_required(values) and not values.get(row.name) and not values.get(f"{row.name}_FILE"):
            yield row.name, f"is not set: {row.hint}", MISSING
    for role in _ROLES:
        have = [bool(values.get(role + key) or values.get(f"{role}{key}_FILE")) for key in _KEY_PAIR]
        if any(have) and not all(have):
            missing, other = (role + _KEY_PAIR[have.index(each)] for each in (False, True))
            yield missing, f"is not set, but {other} is: set both or neither", MISSING


def _value_problems(values: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for row in TABLE.values():
        value = values.get(row.name, "")
        why = row.why_wrong(values) or (_why_wrong_here(row, value, values) if value else "")
        if why:
            yield row.name, why, WRONG
        elif row.name == "BRANCHES" and value:
            for fault in branches.read(Path(ROOT, value))[1]:
                yield row.name, fault.text(value), WRONG
        elif row.own_file and not value and values.get(f"{row.name}_FILE"):
            why = _why_unreadable(values[f"{row.name}_FILE"], empty="names an empty file")
            if why:
                yield f"{row.name}_FILE", why, WRONG
    if not _in_docker(values):
        try:
            aws_config.endpoint("s3", values)
        except aws_config.ConfigError as error:
            yield error.key, str(error), WRONG
    for role in _ROLES:
        key, secret = (values.get(role + name, "") for name in _KEY_PAIR)
        if re.fullmatch(r"A[KS]IA[A-Z0-9]{16}", secret) or (key and re.search(r"[/+]", key)):
            why = f"and {role}{_KEY_PAIR[1]} are swapped: exchange the two values"
            yield role + _KEY_PAIR[0], why, WRONG


def _why_wrong_here(row: Setting, value: str, values: Mapping[str, str]) -> str:
    """Return why a value is wrong on this machine: a file or a program that does not exist."""
    if row.name == "AWS_CLI" and not _in_docker(values) and not shutil.which(value):
        return "is not a program: it must be one path without arguments"
    if row.name == "AWS_REGION" and values.get("AWS_DEFAULT_REGION", value) != value:
        return "differs from AWS_DEFAULT_REGION: remove one of the two"
    if row.file and not (row.host_only and _in_docker(values)):
        return _why_unreadable(value)
    return ""


def _why_unreadable(name: str, *, empty: str = "") -> str:
    """Return why a file cannot be read, `empty` for an empty one, or an empty string."""
    try:
        with Path(ROOT, name).expanduser().open("rb") as file:
            return "" if file.read(1) else empty
    except OSError as error:
        return f"names a file that uid {os.getuid()} cannot read: {error.strerror}"


def report(found: Sequence[Problem], name: str, env: Mapping[str, str]) -> str:
    """Return the list of problems as text: in groups, a line for each, the counts last."""
    text = ""
    for group in (MISSING, WRONG, WARNING):
        lines = [_text(each, name, env) for each in found if each.group == group]
        text += f"{group}:\n" + "".join(f"  {line}\n" for line in lines) + "\n" if lines else ""
    errors, warnings = _counts(found)
    return f"{text}{name}: {_count(errors, 'error')}, {_count(warnings, 'warning')}\n"


def write_log(found: Sequence[Problem], name: str, env: Mapping[str, str], log: Log) -> None:
    """Log a line for each problem."""
    for each in found:
        write = log.warn if each.group == WARNING else log.error
        write(_text(each, name, env), key=each.key or name, **({"line": each.line} if each.line else {}))


def _text(problem: Problem, name: str, env: Mapping[str, str]) -> str:
    place = f"{name}:{problem.line}" if problem.line else "environment" if problem.key in env else name
    return " ".join(filter(None, (f"{place}:", problem.key, problem.why)))


def _counts(found: Sequence[Problem]) -> tuple[int, int]:
    warnings = sum(each.group == WARNING for each in found)
    return len(found) - warnings, warnings


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def find(path: Path, name: str, env: Mapping[str, str]) -> tuple[list[Entry], list[Problem]]:
    """Return the settings in `path`, and the problems of the file and of all values."""
    found: list[Problem] = []
    entries: list[Entry] = []
    faults: list[Fault] = []
    try:
        entries, faults = env_file.read(path)
        if path.is_file() and path.stat().st_mode & 0o004:
            why = f"every user of this machine can read the secrets: run chmod 600 {name}"
            found.append(Problem(group=WARNING, key="", why=why))
    except FileNotFoundError:
        found.append(Problem(group=WARNING, key="", why="does not exist: only the environment is checked"))
    if faults and not entries:  # a folder, for example: its settings are not missing but unread
        found += (Problem(group=WRONG, key=fault.key, why=fault.why, line=fault.line) for fault in faults)
    else:
        found += problems(entries, faults, env)
    return entries, found


def check(argv: Sequence[str], path: Path, env: Mapping[str, str], log: Log) -> int:
    """Print or log the problems of the settings in `path` and `env`; return the exit code."""
    name = os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
    entries, found = find(path, name, env)
    errors, warnings = _counts(found)
    rc = CONFIG if errors else OK
    if argv == ["--publish"]:
        shown = [each for each in found if each.group != WARNING or each.key in _UNSAFE]
        write_log(shown, name, env, log)
        if not errors:
            settings = (f"{entry.key}={entry.value}\0" for entry in entries)
            sys.stdout.buffer.write("".join(settings).encode())
    elif log.format == "terminal":
        sys.stdout.write(report(found, name, env))
    else:
        write_log(found, name, env, log)
        log.info("settings checked", errors=errors, warnings=warnings, rc=rc)
    return rc


def main(argv: Sequence[str]) -> int:
    """Check $ENV_FILE, or .env; return the exit code."""
    log = Log(STEP)
    path = Path(os.environ.get("ENV_FILE") or ROOT / ".env")
    return program.run(log, lambda: check(argv, path, os.environ, log))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
