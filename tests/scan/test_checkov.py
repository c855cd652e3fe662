"""checkov finds nothing but what docker/checkov.yaml gives a reason for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.kubernetes_files import OVERLAYS, ROOT, build

# Nobody else's: the developer's own settings and what was built or installed here.
NOT_OURS = (r"^\.env$", r"^\.git/", r"^\.venv", r"^build/", "node_modules", r"/secrets/")


def checkov(framework: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ("checkov", "--config-file", ROOT / "docker" / "checkov.yaml", "--framework", framework)
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        (*command, *arguments), capture_output=True, text=True, cwd=ROOT, env=env, timeout=110
    )


def test_it_finds_nothing_in_the_dockerfile() -> None:
    done = checkov("dockerfile", "--file", "docker/Dockerfile")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", OVERLAYS)
def test_it_finds_nothing_in_what_a_cluster_is_given(name: str, tmp_path: Path) -> None:
    built = tmp_path / f"{name}.yaml"
    built.write_text(build(name, tmp_path).text)
    done = checkov("kubernetes", "--file", built)
    assert done.returncode == 0, done.stdout


def test_it_finds_no_key_or_password_in_the_sources() -> None:
    skipped = [word for path in NOT_OURS for word in ("--skip-path", path)]
    done = checkov("secrets", "--directory", ".", *skipped)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("framework", "name", "text", "finding"),
    [
        ("dockerfile", "Dockerfile", "FROM debian:12-slim\nHEALTHCHECK NONE\n", "CKV_DOCKER_3"),
        (
            "kubernetes",
            "pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: x, image: x}]}\n",
            "CKV_K8S_22",
        ),
        ("secrets", "settings.yaml", f"key: AKIA{'Q7W2E4R6T8Y1U3I5'}\n", "CKV_SECRET_2"),
    ],
)
def test_it_does_find_what_is_wrong(
    tmp_path: Path, framework: str, name: str, text: str, finding: str
) -> None:
    (tmp_path / name).write_text(text)
    done = checkov(framework, "--file", tmp_path / name)
    assert done.returncode == 1
    assert finding in done.stdout
