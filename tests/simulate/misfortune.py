"""What goes wrong in a simulated week: LibCal, S3, CloudFront, the machine, and kill -9 at any moment."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from standins.fault_proxy import Fault, State
from standins.libcal_server import LibCal

# After these nothing knows any more when the files that left the site did so.
LOSES_PUBLISHED = frozenset({"lost-manifest", "torn-manifest", "lost-machine"})


class World(Protocol):
    """What there is to be spoilt."""

    rng: random.Random
    libcal: LibCal
    proxy: State
    build: Path
    origin_down: bool


def family(pid: int) -> list[int]:
    """Return the running descendants of `pid`, parents first."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                status = (entry / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(status[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(0), [])
        found += children
        waiting += children
    return found


class Killer:
    """Kills publish, its step at hand, or the innermost process of that, by SIGKILL: once, or never."""

    def __init__(self, rng: random.Random, when: str) -> None:
        self._when, self._count = when, rng.randrange(1, 8)
        self._whom = rng.choice(["publish", "step", "deepest"])
        self._requests = 0
        self._pid = 0
        self._timer: threading.Timer | None = None
        self.struck = False

    def begin(self, pid: int) -> None:
        """Lie in wait for the run of process `pid`."""
        self._pid = pid
        if self._when == "time":
            self._timer = threading.Timer(self._count * 0.35, self._strike)
            self._timer.start()

    def request(self, moment: str) -> None:
        """Hear of a request to AWS: `moment` is before or after it was answered."""
        self._requests += moment == "before"
        if (moment, self._requests) == (self._when, self._count):
            self._strike()

    def end(self) -> None:
        """The run is over."""
        if self._timer:
            self._timer.cancel()

    def _strike(self) -> None:
        if self.struck or not self._pid:
            return
        self.struck = True
        pids = [self._pid, *family(self._pid)]
        pid = {"publish": pids[0], "step": pids[min(2, len(pids) - 1)], "deepest": pids[-1]}[self._whom]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Misfortune:
    """Draws one fault for a run and undoes it afterwards."""

    def __init__(self, world: World) -> None:
        self._world, self._rng = world, world.rng
        self.killer: Killer | None = None
        self._kinds: dict[str, Callable[[], object]] = {
            "libcal-down": lambda: self._libcal("status", status=503, path="/1.1"),
            "libcal-one-down": lambda: self._libcal("status", status=500, calendar=self._calendar()),
            "libcal-html": lambda: self._libcal("html", path="/1.1/events"),
            "libcal-truncated": lambda: self._libcal("truncated", times=self._rng.choice([1, 99])),
            "libcal-token": lambda: world.libcal.expire_tokens(),
            "libcal-empty": lambda: self._libcal("empty", calendar=self._calendar()),
            "libcal-all-empty": lambda: self._libcal("empty"),
            "libcal-refuses": lambda: self._libcal("status", status=401, path="/1.1/oauth"),
            "libcal-reset": lambda: self._libcal("reset", times=2),
            "s3-error": lambda: self._aws(self._rng.choice(["InternalError", "SlowDown"]), "PutObject"),
            "s3-partial": lambda: self._aws("InternalError", "PutObject", self._rng.randrange(12)),
            "s3-reset": lambda: self._aws("reset", "PutObject", self._rng.randrange(6)),
            "s3-lost": lambda: self._aws("lost", "PutObject", self._rng.randrange(6)),
            "s3-denied": lambda: self._aws("AccessDenied", ".*Object.*"),
            "s3-skewed": lambda: self._aws("RequestTimeTooSkewed", ".*"),
            "s3-no-deletes": lambda: self._aws("InternalError", "DeleteObjects"),
            "s3-no-lists": lambda: self._aws("InternalError", "ListObjectsV2", self._rng.randrange(3)),
            "s3-unreadable": lambda: setattr(world, "origin_down", True),  # for CloudFront, that is
            "cf-busy": lambda: self._aws("TooManyInvalidationsInProgress", "CreateInvalidation"),
            "cf-down": lambda: self._aws("ServiceUnavailable", "CreateInvalidation"),
            "cf-lost": lambda: self._aws("lost", "CreateInvalidation"),
            "cf-denied": lambda: self._aws("AccessDenied", "CreateInvalidation"),
            "kill-at-request": lambda: self._kill(self._rng.choice(["before", "after"])),
            "kill-at-request-2": lambda: self._kill(self._rng.choice(["before", "after"])),
            "kill-at-time": lambda: self._kill("time"),
            "kill-at-time-2": lambda: self._kill("time"),
            "disk-full": lambda: None,  # the run itself sees to it
            "lost-manifest": lambda: self._lose("published.manifest"),
            "lost-pending": lambda: self._lose("pending-paths"),
            "lost-counter": lambda: self._lose("invalidations"),
            "lost-machine": lambda: shutil.rmtree(world.build, ignore_errors=True),
            "lost-site": lambda: shutil.rmtree(world.build / "site", ignore_errors=True),
            "lost-events": lambda: self._tear("events.json"),
            "torn-manifest": lambda: self._tear("published.manifest"),
            "clock-ahead": lambda: None,  # the run itself sees to both
            "clock-behind": lambda: None,
        }

    def befall(self) -> str:
        """Let one thing go wrong with the next run; return what."""
        kind = self._rng.choice(sorted(self._kinds))
        self._kinds[kind]()
        return re.sub(r"-2$", "", kind)

    def befell(self, fault: str, code: int) -> bool:
        """Tell whether the fault found something to spoil: some wait for a request that never came."""
        if fault.startswith("kill"):
            return self.killer is not None and self.killer.struck
        if fault.startswith(("s3", "cf")) and fault != "s3-unreadable":
            return any(each.seen > each.skip for each in self._world.proxy.faults)
        return fault != "disk-full" or code != 0

    def recover(self) -> None:
        """All is well again."""
        self.killer = None
        self._world.proxy.faults = []
        self._world.origin_down = False
        self._world.libcal.recover()

    def _calendar(self) -> str:
        return self._rng.choice(sorted(self._world.libcal.calendars))

    def _libcal(self, kind: str, **fields: object) -> None:
        self._world.libcal.fail(kind, **fields)

    def _aws(self, kind: str, operation: str, skip: int = 0) -> None:
        self._world.proxy.faults = [Fault(kind=kind, operation=operation, skip=skip)]

    def _kill(self, when: str) -> None:
        self.killer = Killer(self._rng, when)

    def _lose(self, name: str) -> None:
        (self._world.build / name).unlink(missing_ok=True)

    def _tear(self, name: str) -> None:
        path = self._world.build / name
        if path.exists():
            os.truncate(path, path.stat().st_size * 2 // 3)
