"""The check for Docker Compose; `docker` is a stub."""

from __future__ import annotations

from pathlib import Path

import pytest

from docker_engine import NEEDED, OLDEST, compose_problem


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo 2.36.0", ""),
        ("echo v2.40.3-3", ""),
        ("echo 5.0.0", ""),
        ("echo 2.35.9", ": found 2.35.9"),
        ("echo 1.29.2", ": found 1.29.2"),
        ("echo v2", ": docker has no Compose plugin"),
        ("echo unknown flag: --short >&2; exit 125", ": docker has no Compose plugin"),
        ("echo 2.36.0; exit 1", ": docker has no Compose plugin"),
    ],
)
def test_an_old_or_missing_compose_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, problem: str
) -> None:
    stub = tmp_path / "docker"
    stub.write_text(f"#!/bin/sh\n{script}\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = compose_problem()
    assert found.startswith(f"{NEEDED}{problem}") if problem else not found


def test_a_machine_without_docker_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compose_problem() == f"{NEEDED}: the program docker is missing"
    assert "{}.{}".format(*OLDEST) in NEEDED
