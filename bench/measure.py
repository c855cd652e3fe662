"""Measure the time and memory of programs, and print tables."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TIME_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall-clock seconds, CPU seconds, and peak memory in MB (1,000,000 bytes)."""

    seconds: float
    cpu: float
    peak: float


@dataclass(frozen=True, slots=True)
class Table:
    """The results of a bench, printed as a Markdown table with `notes` below it."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]

        def line(cells: Sequence[str]) -> str:
            first, *others = (
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
            )
            return f"| {' | '.join((first, *others))} |"

        rule = ["-" * width for width in widths]
        rule[1:] = [f"{dashes[:-1]}:" for dashes in rule[1:]]
        lines = [f"## {self.title}", "", line(self.header), line(rule), *map(line, self.rows)]
        return "\n".join([*lines, *(["", *self.notes] if self.notes else [])])


def run(command: Sequence[str | Path], environment: Mapping[str, str]) -> Cost:
    """Run a program and return its cost; raise RuntimeError with its output if it fails.

    The peak is never less than the memory of this process, because the child starts as a copy of it:
    keep benches small.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        timer = threading.Timer(TIME_LIMIT, process.kill)
        timer.start()
        output = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"{command[0]} exited {process.returncode}: {output.decode(errors='replace')}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


def in_turn(cases: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """Run every case once in each round, so that a busy minute of the machine slows all of them."""
    found: dict[str, list[Cost]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            found[name].append(case())
    return found


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)
