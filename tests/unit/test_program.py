"""The errors a user can cause: one log line and the right exit code, never a traceback."""

from __future__ import annotations

import pytest

import program
from log import Log
from settings import SettingError


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
        (OSError("no number"), 1, 'msg="no number" errno=0 path=""'),
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
