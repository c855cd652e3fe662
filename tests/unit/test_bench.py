from __future__ import annotations

import os
import sys

import pytest

from bench import run, sample
from bench.measure import Table
from bench.measure import run as measure

ENVIRONMENT = {"PATH": os.environ["PATH"]}
BUSY_THEN_IDLE = """
import time
x = bytearray(300_000_000)
while time.process_time() < 0.2:
    pass
time.sleep(0.5)
"""


def test_all_runs_measure_the_same_events() -> None:
    one, same, other = sample.snapshot(50), sample.snapshot(50), sample.snapshot(50, seed=2)
    assert one == same
    assert one != other
    assert len({event.id for event in one.events}) == 50


def test_a_failing_program_is_an_error_with_its_output() -> None:
    with pytest.raises(RuntimeError, match="exited 3: why"):
        measure([sys.executable, "-c", "import sys; print('why'); sys.exit(3)"], ENVIRONMENT)


def test_time_and_memory_of_the_program_are_measured() -> None:
    small = measure([sys.executable, "-c", "pass"], ENVIRONMENT)
    large = measure([sys.executable, "-c", BUSY_THEN_IDLE], ENVIRONMENT)
    assert large.peak > small.peak + 100
    assert large.peak > 300
    assert large.seconds > 0.5, "wall-clock time includes sleep"
    assert large.cpu > 0.2, "CPU time is measured separately"


def test_a_table_is_markdown() -> None:
    table = Table("sizes", ("", "MB"), [("whole", "12.5"), ("half", "6.3")], ("Measured once.",))
    assert str(table).splitlines() == [
        "## sizes",
        "",
        "|       |   MB |",
        "| ----- | ---: |",
        "| whole | 12.5 |",
        "| half  |  6.3 |",
        "",
        "Measured once.",
    ]


def test_an_unknown_bench_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["speed"]) == 2
    assert (
        "no such bench: speed; choose from generate, feeds, publish, docker, weight, lighthouse"
        in capsys.readouterr().err
    )
