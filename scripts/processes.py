"""Run jobs in parallel processes that end with their parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import signal
import sys
from collections.abc import Callable, Sequence
from typing import BinaryIO, TypeVar

T = TypeVar("T")


def run_in_parallel(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run `jobs` in parallel, the last one in this process; return their results in order.

    The others run in forks, which share this process's data. Their results and exceptions come back by
    pickle; the first exception is raised here. Call it before any thread is started.
    """
    children = [_fork(job) for job in jobs[:-1]]
    try:
        last = jobs[-1]()
        return [*(_result(answer) for _, answer in children), last]
    finally:
        for pid, answer in children:
            answer.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def end_with_parent(parent: int) -> None:
    """Let Linux kill this process when its parent dies; exit at once if `parent` has died already."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def _fork(job: Callable[[], T]) -> tuple[int, BinaryIO]:
    """Start `job` in a fork; return its process id and the pipe with its result."""
    reader, writer = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, open(reader, "rb")
    try:
        os.close(reader)
        end_with_parent(parent)
        answer = _outcome(job)
        with open(writer, "wb") as file:
            file.write(answer)
    finally:
        # Exit without the parent's exit handlers and buffers.
        os._exit(0)


def _outcome(job: Callable[[], object]) -> bytes:
    try:
        return pickle.dumps((job(), None))
    except Exception as error:
        return pickle.dumps((None, error))


def _result(answer: BinaryIO) -> T:  # type: ignore[type-var]
    data = answer.read()
    if not data:
        raise ChildProcessError("a process of this step was killed; was there enough memory?")
    # Trusted: our own process wrote it.
    result, error = pickle.loads(data)  # noqa: S301
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]
