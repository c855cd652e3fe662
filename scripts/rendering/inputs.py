"""One digest of everything that the site is made from, so that an unchanged run renders no page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from event import Snapshot
from files import sha256
from rendering import opening
from settings import ROOT, Settings

# Settings that no page shows; the day of `now` is a part of its own.
_UNUSED = {"build_dir", "now", "force", "min_events", "stale_after_minutes"}
_IMPORT = re.compile(rb"\n[ \t]*(?:from ([\w.]+) import (\([^)]*\)|.+)|import ([\w.]+))")


def digest(program: Path, snapshot: Snapshot, settings: Settings, templates: Path) -> str:
    """Return the digest. It depends on the day of `settings.now`, but not on the time of the last fetch.

    `program` is the program that makes the site: its modules are part of the digest.
    """
    images = settings.build_dir / "images"
    calendars = [(calendar.id, calendar.label, calendar.unfetched) for calendar in snapshot.calendars]
    parts = [
        settings.now.date().isoformat(),
        repr(_settings(settings)),
        repr((snapshot.url, snapshot.events, snapshot.closures, calendars)),
        repr(dict(snapshot.photos)),
        repr([(hours.id, hours.days) for hours in opening.fresh(snapshot.hours, settings)]),
        # The name of an image holds its digest.
        repr(sorted(path.name for path in images.iterdir()) if images.is_dir() else []),
    ]
    for path in (*_files(settings, templates), *modules(program)):
        parts += [str(path), sha256(path.read_bytes()) if path.is_file() else ""]
    return sha256("\n".join(parts).encode("utf-8", "replace"))


def _settings(settings: Settings) -> dict[str, object]:
    """Return the settings that pages may depend on."""
    return {
        field.name: getattr(settings, field.name) for field in fields(settings) if field.name not in _UNUSED
    }


def _files(settings: Settings, templates: Path) -> Iterator[Path]:
    yield ROOT / "requirements.txt"
    yield from sorted(path for path in templates.rglob("*") if path.is_file())
    if settings.logo:
        yield ROOT / settings.logo


def modules(program: Path) -> list[Path]:
    """Return the files of `program` and of the modules that it imports, directly or through another.

    Reads the import statements, so that the answer does not depend on the modules already loaded.
    """
    folder = program.parent
    known = {path.stem: path for path in folder.glob("*.py")}
    known |= {f"{path.parent.name}.{path.stem}": path for path in folder.glob("*/*.py")}
    found: dict[str, Path] = {}
    queue = [program.stem]
    while queue:
        name = queue.pop()
        if name in known and name not in found:
            found[name] = known[name]
            queue += _imports(known[name].read_bytes())
    return sorted(found.values())


def _imports(source: bytes) -> Iterator[str]:
    for package, names, module in _IMPORT.findall(source):
        yield (package or module).decode()
        # `from rendering import colors` imports the module rendering.colors.
        yield from (f"{package.decode()}.{name}" for name in re.findall(r"\w+", names.decode()))
