"""Processes of ours: two at work side by side, and none that outlives the one that started it."""

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


def side_by_side(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run `jobs` at the same time, the last in this process; return their results in order.

    The others run in forks, so that nothing has to be handed over to them; what they return or raise comes
    back by pickle, and the first exception is raised here. To be called before any thread is started.
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
    """Ask Linux to kill this process when its parent dies; end at once if that is no longer `parent`."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def _fork(job: Callable[[], T]) -> tuple[int, BinaryIO]:
    """Start `job`; return its process and where its answer is to be read."""
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
        # Nothing of what the parent was about to do: no handlers, no buffers of its own.
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
    # Our own process wrote it.
    result, error = pickle.loads(data)  # noqa: S301
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]
