"""SIGKILL for a simulated run, at a random moment."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
from pathlib import Path
from typing import Literal

# Before or after AWS answers a request, or after a time.
When = Literal["before", "after", "time"]
SECONDS = 0.35  # unit of the random delay


def descendants(pid: int) -> list[int]:
    """Return the running descendants of process `pid`, parents first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                # Split after the command, which may contain spaces and parentheses (proc_pid_stat(5)).
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        next_pids = children.get(queue.pop(0), [])
        found += next_pids
        queue += next_pids
    return found


class Killer:
    """Kills one process of one run, at most once: bin/publish, its current step, or the innermost process."""

    def __init__(self, rng: random.Random, when: When) -> None:
        self._when, self._count = when, rng.randrange(1, 8)
        self._target = rng.choice(["publish", "step", "innermost"])
        self._requests = 0
        self._pid = 0
        self._timer: threading.Timer | None = None
        self.killed = False

    def start(self, pid: int) -> None:
        """Watch the run whose process is `pid`."""
        self._pid = pid
        if self._when == "time":
            self._timer = threading.Timer(self._count * SECONDS, self._kill)
            self._timer.start()

    def on_request(self, moment: When) -> None:
        """Count a request to AWS, and kill if its turn has come; call it before and after each answer."""
        self._requests += moment == "before"
        if (moment, self._requests) == (self._when, self._count):
            self._kill()

    def stop(self) -> None:
        """Stop watching: the run has ended."""
        if self._timer:
            self._timer.cancel()

    def _kill(self) -> None:
        if self.killed or not self._pid:
            return
        self.killed = True
        pids = [self._pid, *descendants(self._pid)]
        pid = {"publish": pids[0], "step": pids[min(2, len(pids) - 1)], "innermost": pids[-1]}[self._target]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
