"""The files that a forge reads: they parse, run what we run, and use no action that can change under us."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from settings import ROOT

FILES = sorted((ROOT / ".github").rglob("*.yml"))


def load(path: Path) -> dict[str, Any]:
    """Return the YAML mapping in a file."""
    found = yaml.safe_load(path.read_text())
    assert isinstance(found, dict)
    return found


def steps() -> list[dict[str, Any]]:
    """Return every step of every workflow."""
    workflows = [load(path) for path in (ROOT / ".github/workflows").iterdir()]
    return [step for workflow in workflows for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_parses(path: Path) -> None:
    assert load(path)


def test_the_workflow_runs_the_script_that_runs_here() -> None:
    assert ".ci/run" in [step.get("run") for step in steps()]


def test_every_action_is_pinned_by_digest() -> None:
    used = [step["uses"] for step in steps() if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w/.-]+@[0-9a-f]{40}", name)] == []


def test_dependabot_looks_where_the_dependencies_are() -> None:
    updates = load(ROOT / ".github/dependabot.yml")["updates"]
    watched = {
        (each["package-ecosystem"], folder)
        for each in updates
        for folder in each.get("directories", [each.get("directory")])
    }
    found = [path for pattern in ("*/*", "tests/*/*") for path in ROOT.glob(pattern)]
    locks = {("npm", path.parent) for path in found if path.name == "package-lock.json"}
    images = {("docker", path.parent) for path in found if path.name.lower().endswith("dockerfile")}
    expected = {(kind, f"/{folder.relative_to(ROOT)}") for kind, folder in locks | images}
    assert watched == expected | {("pip", "/"), ("github-actions", "/")}
