"""bin/check: a list of problems that a person can act on, and never a value in it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import check as check_settings
from settings import ROOT

GOOD = """\
LIBCAL_URL=https://example.libcal.com
LIBCAL_CLIENT_ID=101
LIBCAL_CLIENT_SECRET=planted-secret
LIBCAL_CALENDARS=15144=Kilton
S3_BUCKET=events
CLOUDFRONT_DISTRIBUTION_ID=E1
"""


def check(folder: Path, text: str | None, **env: str) -> tuple[int, list[str]]:
    """Return the exit code of bin/check for .env in `folder`, and the lines on stdout."""
    if text is not None:
        (folder / ".env").write_bytes(text.encode())
        (folder / ".env").chmod(0o600)
    done = subprocess.run(
        [ROOT / "bin" / "check", folder / ".env"],
        env={"PATH": os.environ["PATH"], "LOG_FORMAT": "terminal", "OFFLINE": "1", **env},
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
    )
    assert done.stderr == ""
    assert "planted" not in done.stdout
    return done.returncode, done.stdout.splitlines()


def test_good_settings_are_one_line_and_0(tmp_path: Path) -> None:
    assert check(tmp_path, GOOD) == (0, [".env: no errors, no warnings"])


def test_settings_that_switch_a_defense_off_are_warnings(tmp_path: Path) -> None:
    code, lines = check(tmp_path, GOOD + "EVENTS_NOW=2026-03-03T09:00\n", FORCE="1")
    assert (code, lines) == (
        0,
        [
            "Warnings:",
            "  environment: FORCE switches off the guards on the number of events and deletes",
            "  .env:7: EVENTS_NOW stops the clock: every run has the same date and time",
            "",
            ".env: no errors, 2 warnings",
        ],
    )


def test_the_file_that_is_named_is_checked_instead_of_the_other(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("LIBCAL_URL=x\n")
    assert check(tmp_path, GOOD, ENV_FILE=str(tmp_path / "other")) == (0, [".env: no errors, no warnings"])


def test_problems_come_in_groups_with_their_lines_and_the_counts_last(tmp_path: Path) -> None:
    text = (
        GOOD.replace("S3_BUCKET=events\n", "")
        + "DAYS_AHEAD=400\nDAYS_AHAED=30\nDAYS_AHEAD=30\nMY_OWN_NOTE=1\n"
    )
    assert check(tmp_path, text, TIMEZONE="Mars/Olympus") == (
        78,
        [
            "Missing:",
            "  .env: S3_BUCKET is not set: write the name of the bucket",
            "",
            "Wrong:",
            "  .env:8: DAYS_AHEAD is set twice, first in line 6: remove one of the lines",
            "  .env:7: DAYS_AHAED is not a setting; did you mean DAYS_AHEAD?",
            "  environment: TIMEZONE must be an IANA zone such as America/New_York",
            "  .env:6: DAYS_AHEAD must be a whole number from 1 to 365",
            "",
            "Warnings:",
            "  .env:9: MY_OWN_NOTE is not a setting: remove the line",
            "",
            ".env: 5 errors, 1 warning",
        ],
    )


@pytest.mark.parametrize(
    ("way", "missing"),
    [
        ("", "CLOUDFRONT_DISTRIBUTION_ID"),
        ("cloudfront", "CLOUDFRONT_DISTRIBUTION_ID"),
        ("command", "INVALIDATE_COMMAND"),
        ("none", ""),
    ],
)
def test_each_way_to_invalidate_requires_its_own_setting(tmp_path: Path, way: str, missing: str) -> None:
    text = GOOD.replace("CLOUDFRONT_DISTRIBUTION_ID=E1\n", f"INVALIDATE={way}\n")
    code, lines = check(tmp_path, text)
    assert (code, len(lines)) == ((78, 4) if missing else (0, 1))
    assert not missing or lines[1].startswith(f"  .env: {missing} is not set: write the ")


def test_every_wrong_value_is_listed_not_only_the_first(tmp_path: Path) -> None:
    text = GOOD.replace("https://example", "http://example") + "DAYS_AHEAD=0\nMIN_EVENTS=-1\n"
    code, lines = check(tmp_path, text)
    assert code == 78
    assert lines[1:] == [
        "  .env:1: LIBCAL_URL must begin with https://, since the secret is sent to it",
        "  .env:7: DAYS_AHEAD must be a whole number from 1 to 365",
        "  .env:8: MIN_EVENTS must be a whole number from 0 to 1000000",
        "",
        ".env: 3 errors, no warnings",
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("SITE_NAME=planted words", "SITE_NAME needs single quotes: SITE_NAME='...'"),
        ("export SITE_NAME=planted", 'SITE_NAME begins with "export": remove the word'),
        ("SITE_NAME = planted", "SITE_NAME has a space before the equals sign: remove it"),
        ("planted-secret", "is not KEY=value"),
    ],
)
def test_a_line_that_cannot_be_read_says_how_to_write_it(tmp_path: Path, line: str, why: str) -> None:
    assert check(tmp_path, f"{GOOD}{line}\n") == (
        78,
        ["Wrong:", f"  .env:7: {why}", "", ".env: 1 error, no warnings"],
    )


def test_a_name_that_may_be_a_secret_is_not_shown(tmp_path: Path) -> None:
    code, lines = check(tmp_path, f"{GOOD}planted7fQx0==\n")
    assert (code, lines[1]) == (0, "  .env:7: is not a setting: remove the line")


def docker_stub(folder: Path, version: str) -> str:
    """Make a `docker` whose Compose has this version; return a PATH with it."""
    (folder / "docker").write_text(f"#!/bin/sh\necho {version}\n")
    (folder / "docker").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_an_old_compose_is_an_error_if_the_steps_run_in_docker(tmp_path: Path) -> None:
    path = docker_stub(tmp_path, "2.20.0")
    assert check(tmp_path, GOOD, PATH=path)[0] == 0
    assert check(tmp_path, f"{GOOD}RUNNER=docker\n", PATH=path) == (
        78,
        [
            "Wrong:",
            "  .env: Docker Compose 2.36 or later is needed: found 2.20.0",
            "",
            ".env: 1 error, no warnings",
        ],
    )
    assert check(tmp_path, None, PATH=docker_stub(tmp_path, "2.36.0"))[0] == 0


PROCESS = "[profile lib]\ncredential_process = vault read\n"


@pytest.mark.parametrize(
    ("more", "config", "warned"),
    [
        ("AWS_PROFILE=lib\n", PROCESS, "AWS_PROFILE"),
        ("AWS_PROFILE=lib\nUPLOAD_AWS_ACCESS_KEY_ID=a\nUPLOAD_AWS_SECRET_ACCESS_KEY=b\n", "", ""),
        ("AWS_PROFILE=lib\nAWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\n", PROCESS, ""),
        ("AWS_PROFILE=lib\n", "[profile lib]\nregion = us-east-1\n", ""),
        ("", "[default]\ncredential_process = vault read\n", ""),
        # Errors in this machine's configuration concern no container that does not get it.
        ("", "[default\n", ""),
    ],
)
def test_in_docker_a_credential_process_is_a_warning(
    tmp_path: Path, more: str, config: str, warned: str
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(config)
    path = docker_stub(tmp_path, "2.36.0")
    code, lines = check(tmp_path, f"{GOOD}RUNNER=docker\n{more}", PATH=path, HOME=str(tmp_path))
    assert code == 0, lines
    assert [line.split()[1] for line in lines if "credential_process" in line] == ([warned] if warned else [])


def test_an_installed_service_is_checked_as_one_in_docker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its settings file does not have to say RUNNER=docker, as its unit does."""
    (tmp_path / "installed-files").touch()
    monkeypatch.setattr(check_settings, "ROOT", tmp_path)
    monkeypatch.setattr("docker_engine.compose_problem", lambda: "")
    (tmp_path / "config").write_text("[default\n")
    env = dict(line.split("=", 1) for line in GOOD.splitlines())
    env |= {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_CLI": "/only/on/the/host"}
    assert list(check_settings.problems([], [], env)) == []
    (tmp_path / "installed-files").unlink()
    assert {each.key for each in check_settings.problems([], [], env)} == {"AWS_CONFIG_FILE", "AWS_CLI"}


def test_half_a_key_pair_is_missing_its_other_half(tmp_path: Path) -> None:
    code, lines = check(tmp_path, f"{GOOD}UPLOAD_AWS_ACCESS_KEY_ID=planted\n")
    assert code == 78
    assert lines[1] == (
        "  .env: UPLOAD_AWS_SECRET_ACCESS_KEY is not set, but UPLOAD_AWS_ACCESS_KEY_ID is: set both or neither"
    )


def test_a_file_that_other_users_can_read_is_a_warning(tmp_path: Path) -> None:
    check(tmp_path, GOOD)
    (tmp_path / ".env").chmod(0o644)
    code, lines = check(tmp_path, None)
    assert code == 0
    assert lines[1] == "  .env: every user of this machine can read the secrets: run chmod 600 .env"


def test_without_a_file_the_environment_is_checked(tmp_path: Path) -> None:
    values = dict(line.split("=", 1) for line in GOOD.splitlines())
    code, lines = check(tmp_path, None, **values)
    assert (code, lines[1]) == (0, "  .env: does not exist: only the environment is checked")


def test_a_folder_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    code, lines = check(tmp_path, None)
    assert code == 78
    assert lines[1].startswith("  .env: is a folder, not a file: remove it")
    assert lines[-1] == ".env: 1 error, no warnings"


def test_in_a_pipe_each_problem_is_a_line_of_the_log(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(GOOD + "RUNNER=podman\n")
    (tmp_path / ".env").chmod(0o600)
    done = subprocess.run(
        [ROOT / "bin" / "check", tmp_path / ".env"],
        env={"PATH": os.environ["PATH"], "RUN_ID": "r"},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.splitlines() == [
        'level=error step=check run=r msg=".env:7: RUNNER must be docker, or not set" key=RUNNER line=7',
        'level=info step=check run=r msg="settings checked" errors=1 warnings=0 rc=78',
    ]
