"""Jobs in parallel processes: results, failures, and no orphans when a process is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from processes import run_in_parallel

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def pid_of(number: int) -> tuple[int, int]:
    return number, os.getpid()


def fail(error: Exception) -> tuple[int, int]:
    raise error


def test_every_job_has_its_own_process_and_results_are_in_order() -> None:
    results = run_in_parallel([partial(pid_of, number) for number in range(3)])
    assert [number for number, _ in results] == [0, 1, 2]
    assert len({pid for _, pid in results}) == 3
    assert results[-1][1] == os.getpid()


def test_a_result_may_be_larger_than_a_pipe_buffer() -> None:
    big, small = run_in_parallel([lambda: "x" * 10_000_000, lambda: ""])
    assert (len(big), small) == (10_000_000, "")


def test_an_exception_in_a_child_is_raised_in_the_parent() -> None:
    with pytest.raises(OSError, match="No space left") as raised:
        run_in_parallel(
            [partial(fail, OSError(28, "No space left on device", "/site/a")), partial(pid_of, 1)]
        )
    assert (raised.value.errno, raised.value.filename) == (28, "/site/a")


def test_a_killed_child_is_an_error() -> None:
    def die() -> tuple[int, int]:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0, 0

    jobs: list[Callable[[], tuple[int, int]]] = [die, partial(pid_of, 1)]
    with pytest.raises(ChildProcessError, match="was killed"):
        run_in_parallel(jobs)


def test_a_failure_in_the_parent_ends_all_children(tmp_path: Path) -> None:
    def slow() -> tuple[int, int]:
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(60)
        return 0, 0

    def fail_later() -> tuple[int, int]:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.01)
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        run_in_parallel([slow, fail_later])
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    program = """
import os, time
from processes import run_in_parallel
def ready():
    os.write(1, b"ready\\n")
    time.sleep(60)
run_in_parallel([ready, ready])
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    assert [parent.stdout.readline() for _ in range(2)] == ["ready\n"] * 2
    assert len(Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()) == 1
    parent.kill()
    parent.wait()
    killed = time.monotonic()
    # read() returns only when the child has ended too and closed the pipe.
    assert parent.stdout.read() == ""
    assert time.monotonic() - killed < 30, "the child went on to the end of its sleep"
    parent.stdout.close()
