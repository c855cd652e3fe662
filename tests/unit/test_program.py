"""The errors a user can cause: one log line and the right exit code, never a traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

import program
from log import Log
from settings import ROOT, SettingError

TOO_MANY = "cannot start another process: too many are running (pids limit, ulimit -u)"


class Strange(Exception):
    """An error of one program only."""


@pytest.mark.parametrize(
    ("error", "rc", "line"),
    [
        (SettingError("SITE_URL", "is not set"), 78, 'msg="SITE_URL is not set" key=SITE_URL'),
        (program.Refused("too few events", events=0), 65, 'msg="guard: too few events" events=0'),
        (
            ModuleNotFoundError("no", name="jinja2"),
            78,
            'msg="a Python package is missing: run \\"make setup\\" first" package=jinja2',
        ),
        (
            OSError(28, "No space left on device", "/site/a"),
            1,
            'msg="No space left on device" errno=28 path=/site/a',
        ),
        (
            OSError(30, "Read-only file system", "/site/a"),
            1,
            'msg="Read-only file system" errno=30 path=/site/a',
        ),
        (OSError("no number"), 1, 'msg="no number" errno=0 path=""'),
        (OSError(40, "Too many levels", "/site/a"), 65, 'msg="guard: link in place of a file" path=/site/a'),
        (BlockingIOError(11, "Try again"), 1, f'msg="{TOO_MANY}" errno=11'),
        (RuntimeError("can't start new thread"), 1, f'msg="{TOO_MANY}"'),
        (MemoryError(), 1, 'msg="out of memory"'),
        (Strange("it rained"), 75, 'msg=strange cause="it rained"'),
    ],
)
def test_an_error_a_user_can_cause_is_one_line_and_a_code(
    error: Exception, rc: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> int:
        raise error

    assert program.run(Log("fetch", run="r"), work, {Strange: ("strange", 75)}) == rc
    assert capsys.readouterr().err == f"level=error step=fetch run=r {line} rc={rc}\n"


def test_the_code_of_the_work_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.run(Log("fetch"), lambda: 75) == 75
    assert capsys.readouterr().err == ""


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        program.run(Log("fetch"), lambda: 1 // 0)

    def work() -> int:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        program.run(Log("fetch"), work)


def test_fault_26_an_output_that_cannot_be_written_is_one_line_and_1() -> None:
    """Without a flush, Python notices the full disk after main() and ends with 120."""
    code = "import sys, program; from log import Log; sys.exit(program.run(Log('upload'), lambda: print('x') or 0))"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": str(ROOT / "scripts")},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=20,
            check=False,
        )
    assert done.returncode == 1
    assert 'msg="No space left on device" errno=28 path="standard output" rc=1\n' in done.stderr
    assert "Traceback" not in done.stderr
