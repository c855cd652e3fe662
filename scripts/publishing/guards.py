"""What must be true of a site before any of it is uploaded; else nothing is touched (65).

FORCE=1 passes the two guards on size, never those on completeness: publishing half a site is
never what was meant.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from files import sha256
from program import Refused
from site_paths import HOME, STATUS, is_safe


def check_site(site: Path, manifest: Mapping[str, str]) -> list[str]:
    """Refuse a site that is not complete; return the files that its manifest does not list."""
    if not manifest:
        raise Refused("no complete site: site.manifest is missing or empty; run make generate")
    for path in manifest:
        if not is_safe(path):
            raise Refused("no complete site: not a path of a site", file=path)
    files, others = _site_files(site)
    if others:
        raise Refused("link or special file in the site", file=others[0], files=len(others))
    for path, digest in manifest.items():
        if path not in files:
            raise Refused("no complete site: a file is missing", file=path)
        if sha256((site / path).read_bytes()) != digest:
            raise Refused("no complete site: a file is not as its manifest says", file=path)
    if HOME not in manifest:
        raise Refused("no complete site: index.html is missing")
    return sorted(files - manifest.keys() - {STATUS})


def _site_files(site: Path) -> tuple[set[str], list[str]]:
    """Return the regular files below `site` as paths, and links and special files apart."""
    files: set[str] = set()
    others: list[str] = []
    for folder, folders, leaves in os.walk(site):
        for name in [*folders, *leaves]:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                files.add(path.relative_to(site).as_posix())
            elif not stat.S_ISDIR(mode):
                others.append(path.relative_to(site).as_posix())
    return files, sorted(others)


def count_events(status: Path) -> int:
    """Return how many events the site shows, as its status.json says."""
    try:
        events = json.loads(status.read_bytes())["events"]
    except (OSError, ValueError, KeyError, TypeError):
        events = None
    if type(events) is not int:
        raise Refused("no complete site: status.json does not say how many events", file=str(status))
    return events


def check_events(events: int, minimum: int) -> None:
    """Refuse to publish fewer events than MIN_EVENTS."""
    if events < minimum:
        raise Refused("too few events; FORCE=1 publishes them all the same", events=events, min=minimum)


def check_deletes(published: Iterable[str], manifest: Mapping[str, str], limit: int) -> None:
    """Refuse when more than `limit` percent of the published files would go."""
    current = list(published)
    deletes = sum(path not in manifest for path in current)
    if deletes * 100 > limit * len(current):
        raise Refused(
            "too many deletes; FORCE=1 lets them pass",
            deletes=deletes,
            published=len(current),
            percent=deletes * 100 // len(current),
            limit=limit,
        )
