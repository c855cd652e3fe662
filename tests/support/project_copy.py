"""A copy of the project that a test may change and break."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHONPATH = ".:scripts:tests"


def copy_project(target: Path) -> Path:
    """Copy the files that a run, the demo and the preview need to `target`; return `target`."""
    for folder in ("bin", "scripts", "templates", "standins"):
        shutil.copytree(ROOT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (ROOT / "Makefile", *ROOT.glob("requirements*.txt")):
        shutil.copy2(file, target)
    return target
