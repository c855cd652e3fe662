"""Deadlines, and a pool of jobs that ends at its deadline.

The timeout of requests limits one read, not a whole response, and a DNS lookup has no limit. So the jobs
run in daemon threads: the caller waits until the deadline, and hanging threads end with the process.
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
        """Return the remaining seconds, never below zero."""
        return max(0.0, self._moment - self._clock())

    @property
    def expired(self) -> bool:
        """Whether the deadline has passed."""
        return self.remaining() == 0

    def within(self, seconds: float) -> Deadline:
        """Return a deadline `seconds` from now, or this one if it comes first."""
        return Deadline(min(seconds, self.remaining()), clock=self._clock)


def run_jobs(
    jobs: Mapping[str, Callable[[], T]], deadline: Deadline, *, workers: int
) -> Iterator[tuple[str, T | Exception]]:
    """Run `jobs` in at most `workers` daemon threads; yield (name, result or exception) as each one ends.

    Stops at the deadline. Jobs that have not ended by then are not yielded.
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
            except Exception as error:  # the caller decides which exceptions it expects
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
