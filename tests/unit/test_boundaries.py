"""Who may import whom under scripts/: see the tree in docs/development.md."""

from __future__ import annotations

import ast
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
FOLDERS = {"fetching", "rendering", "publishing"}
PROGRAMS = {path.stem for path in SCRIPTS.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")}


def imports(path: Path) -> set[str]:
    """Return the first part of the name of every module that the file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found |= {name.partition(".")[0] for name in names}
    return found


def test_no_folder_imports_another_and_no_module_imports_a_program() -> None:
    assert {"fetch", "generate", "check"} <= PROGRAMS
    for path in SCRIPTS.rglob("*.py"):
        folder = path.parent.name if path.parent != SCRIPTS else ""
        found = imports(path)
        assert not found & PROGRAMS, path
        assert not folder or not found & FOLDERS - {folder}, path
        assert folder or path.stem in PROGRAMS or not found & FOLDERS, f"{path}: shared, but needs one step"


def test_fetching_and_rendering_share_the_event_and_common_modules_only() -> None:
    shared = set.intersection(
        *(set().union(*map(imports, (SCRIPTS / name).glob("*.py"))) for name in ("fetching", "rendering"))
    )
    ours = {path.stem for path in SCRIPTS.glob("*.py")}
    assert shared & ours <= {"event", "exit_codes", "files", "hours", "log", "processes", "settings"}
