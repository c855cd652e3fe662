"""A copy of the project that a test may change and break, with a sample library of few pictures."""

from __future__ import annotations

import re
import shutil
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Each takes a fifth of a second to draw and convert; .ci/run's demo has all of them.
PYTHONPATH = ".:scripts:tests"
PICTURES = 5


def copy_project(target: Path) -> Path:
    """Copy what a run, the demo and the preview are made of to `target`; return it."""
    for folder in ("bin", "scripts", "templates", "standins"):
        shutil.copytree(ROOT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (ROOT / "Makefile", *ROOT.glob("requirements*.txt")):
        shutil.copy2(file, target)
    sample = target / "standins/sample.toml"
    number = count()
    text = re.sub(
        r'^picture = ".*"\n',
        lambda line: line[0] if next(number) < PICTURES else "",
        sample.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    sample.write_text(text, encoding="utf-8")
    return target
