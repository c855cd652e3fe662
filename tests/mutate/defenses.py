"""Remove defenses one by one and run their tests: make defenses (ARGS=words of a file or a test).

A defense whose test still passes without it is not tested. Runs on a copy of the project; prints the score.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("aws", "bin", "docker", "docs", "schema", "scripts", "standins", "systemd", "templates", "tests")
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Defense:
    """A text in `file` that defends, a text without the defense, and the test that must fail then."""

    file: str
    old: str
    new: str
    test: str


def defenses() -> Iterator[Defense]:
    """Yield the table in defenses.txt: blocks of four lines (file, old text, new text, test)."""
    text = Path(__file__).with_name("defenses.txt").read_text(encoding="utf-8")
    for block in text.strip().split("\n\n"):
        file, old, new, test = (line.partition(": ")[2].replace("\\n", "\n") for line in block.split("\n"))
        yield Defense(file, old, new, test)


def command(test: str) -> list[str]:
    """Return the command that runs one test: `file::name`; for bats, the name is a part of its name."""
    path, _, name = test.partition("::")
    if path.endswith(".bats"):
        return ["bats", "--filter", name, path]
    return [sys.executable, "-m", "pytest", "-q", "-n0", "-x", "-p", "no:cacheprovider", path, "-k", name]


def is_noticed(defense: Defense, copy: Path) -> bool:
    """Whether the test of `defense` fails in `copy` without it."""
    file = copy / defense.file
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace(defense.old, defense.new, 1), encoding="utf-8")
    try:
        done = subprocess.run(command(defense.test), cwd=copy, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return True
    finally:
        file.write_text(good, encoding="utf-8")
    return done.returncode == 1  # 5: pytest found no such test


def main(words: Sequence[str]) -> int:
    """Remove every defense whose file, text or test has one of `words`; return 1 if one was not noticed."""
    chosen = [each for each in defenses() if not words or any(word in str(each) for word in words)]
    survived = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            ignored = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=ignored)
        for file in ROOT.iterdir():
            if file.is_file() and file.name not in (".git", ".env"):
                shutil.copy2(file, copy)
        (copy / ".venv").symlink_to((ROOT / ".venv").resolve())
        for defense in chosen:
            if not is_noticed(defense, copy):
                survived.append(defense)
                print(f"not noticed: {defense.file}: {defense.old!r}: {defense.test}", flush=True)
    print(f"{len(chosen) - len(survived)} of {len(chosen)} removed defenses were noticed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
