"""A moment by which work must be done, and jobs that cannot outlast it.

A timeout of requests bounds one read, not a whole answer, and nothing bounds a name lookup. So the
jobs run in daemon threads, the caller waits no longer than the deadline, and the process ends with
whatever is still hanging.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")


class Deadline:
    """A moment on the monotonic clock."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moment = clock() + seconds

    def remaining(self) -> float:
        """Return the seconds left, never below zero."""
        return max(0.0, self._moment - self._clock())

    @property
    def expired(self) -> bool:
        """Whether no time is left."""
        return self.remaining() == 0

    def within(self, seconds: float) -> Deadline:
        """Return a deadline `seconds` from now, or this one if it comes first."""
        return Deadline(min(seconds, self.remaining()), clock=self._clock)


def run_jobs(
    jobs: Mapping[str, Callable[[], T]], deadline: Deadline, *, workers: int
) -> Iterator[tuple[str, T | Exception]]:
    """Start `jobs` in at most `workers` daemon threads; yield (name, result or exception) as each ends.

    Ends at the deadline at the latest; jobs unfinished by then are not yielded.
    """
    waiting: queue.SimpleQueue[tuple[str, Callable[[], T]]] = queue.SimpleQueue()
    results: queue.SimpleQueue[tuple[str, T | Exception]] = queue.SimpleQueue()
    for item in jobs.items():
        waiting.put(item)

    def work() -> None:
        while not deadline.expired:
            try:
                name, job = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                results.put((name, job()))
            except Exception as error:  # the caller knows which ones are expected
                results.put((name, error))

    def finished() -> Iterator[tuple[str, T | Exception]]:
        for _ in jobs:
            try:
                yield results.get(timeout=deadline.remaining())
            except queue.Empty:
                return

    for _ in range(min(workers, len(jobs))):
        threading.Thread(target=work, daemon=True).start()
    return finished()
