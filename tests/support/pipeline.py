"""The real fetch and generate programs against a stand-in, with their time and memory."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from settings import ROOT

# The limits of bin/publish in seconds; a container has 512 MB and may have one processor only.
SECONDS = {"fetch": 90, "generate": 60}
MEMORY = 400_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one program: exit code, log, processor seconds, peak memory in bytes."""

    name: str
    code: int
    log: str
    seconds: float
    memory: int

    def check_costs(self) -> None:
        """Fail if the step took more than half its time, or more than the memory that leaves a reserve."""
        assert self.seconds < SECONDS[self.name] / 2, f"{self.name} took {self.seconds:.1f} s"
        assert self.memory < MEMORY, f"{self.name} took {self.memory / 1e6:.0f} MB"


class Pipeline:
    """One library: its settings and its build folder. `now` is the clock of the programs."""

    def __init__(self, settings: Mapping[str, str], build: Path, now: datetime) -> None:
        self.settings, self.build, self.now = dict(settings), build, now

    def fetch(self, **settings: str) -> Step:
        """Run scripts/fetch.py."""
        return self._run("fetch", settings)

    def generate(self, **settings: str) -> Step:
        """Run scripts/generate.py."""
        return self._run("generate", settings)

    def read(self, path: str) -> str:
        """Return a file of the site as text."""
        return (self.build / "site" / path).read_text(encoding="utf-8")

    def files(self) -> dict[str, bytes]:
        """Return the files of the site by path."""
        site = self.build / "site"
        return {
            path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()
        }

    def _run(self, name: str, settings: Mapping[str, str]) -> Step:
        env = {
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "BUILD_DIR": str(self.build),
            "EVENTS_NOW": self.now.isoformat(),
            **self.settings,
            **settings,
        }
        before = _processor_seconds()
        with subprocess.Popen(
            [sys.executable, ROOT / "scripts" / f"{name}.py"],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            gauge = _Gauge(process.pid)
            gauge.start()
            log = process.communicate(timeout=2 * SECONDS[name])[1]
            gauge.stopped.set()
            gauge.join()
        return Step(name, process.returncode, log, _processor_seconds() - before, gauge.peak)


class _Gauge(threading.Thread):
    """Measures the memory of a process and its children (proportional set size) twenty times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self.peak = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.05):
            self.peak = max(self.peak, sum(map(_memory, _tree(self._pid))))


def _processor_seconds() -> float:
    """Return the processor time of all ended children. Other programs do not change it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tree(pid: int) -> list[int]:
    """Return a process and its children, all levels."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for tasks in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (tasks / "children").read_text().split())
    return found


def _memory(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
