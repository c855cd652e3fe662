"""Test the simulator's faults: a seed must keep its weeks."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from simulate.faults import DRAWN, FaultInjector, FaultKind


def _world(folder: Path) -> Any:
    libcal = SimpleNamespace(
        fail=lambda *_, **__: None, expire_tokens=lambda: None, calendars={"1": {}, "2": {}}
    )
    proxy = SimpleNamespace(faults=[])
    return SimpleNamespace(
        rng=random.Random(1),
        libcal=libcal,
        proxy=proxy,
        build=folder / "build",
        env={},
        add_foreign_objects=lambda: None,
        lose_objects=lambda: None,
    )


def test_every_fault_can_be_injected(tmp_path: Path) -> None:
    injector = FaultInjector(_world(tmp_path))
    assert {injector.inject() for _ in range(1000)} == set(FaultKind)


def test_a_seed_draws_the_same_faults_in_every_version(tmp_path: Path) -> None:
    injector = FaultInjector(_world(tmp_path))
    assert len(DRAWN) == 41
    assert [str(injector.inject()) for _ in range(6)] == [
        "kill-at-request",
        "s3-error-partway",
        "s3-no-lists",
        "pending-lost",
        "libcal-one-empty",
        "s3-error-partway",
    ]
