"""Refuse to publish an incomplete site, too few events or too many deletes (65); no file is changed.

FORCE=1 skips the two guards on numbers, never those on completeness.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from files import read_regular, sha256
from program import Refused
from site_paths import HOME, MARK, STATUS, is_safe

# More than any site has: 10,000 events give 60,000 files.
MOST_FILES = 500_000
MOST_STATUS_BYTES = 1_000_000


def check_site(site: Path, manifest: Mapping[str, str]) -> list[str]:
    """Raise Refused if the site is incomplete; return the files that its manifest does not list."""
    if not manifest:
        raise Refused("incomplete site: site.manifest is missing or empty; run make generate")
    for path in manifest:
        if not is_safe(path):
            raise Refused("incomplete site: unsafe path in site.manifest", file=path)
    if len(manifest) > MOST_FILES:
        raise Refused("too many files in site.manifest", files=len(manifest), most=MOST_FILES)
    files, others = _site_files(site)
    if others:
        raise Refused("incomplete site: a file is a link or special file", file=others[0], files=len(others))
    for path, digest in manifest.items():
        if path not in files:
            raise Refused("incomplete site: a file is missing", file=path)
        if sha256(read_site_file(site, path)) != digest:
            raise Refused("incomplete site: a file differs from site.manifest", file=path)
    if HOME not in manifest:
        raise Refused("incomplete site: index.html is missing")
    return sorted(files - manifest.keys() - {STATUS})


def read_site_file(site: Path, path: str) -> bytes:
    """Return a file of the site; raise Refused if it is no regular file, is too large or cannot be read."""
    try:
        return read_regular(site / path, below=site.parent)
    except OSError as error:
        raise Refused("incomplete site: cannot read a file", file=path, cause=str(error.strerror)) from None


def _site_files(site: Path) -> tuple[set[str], list[str]]:
    """Return the paths of the regular files below `site`, and those of links and special files."""
    files: set[str] = set()
    others: list[str] = []
    if site.is_symlink():
        return files, [site.name]
    try:
        for folder, folders, leaves in os.walk(site, onerror=_raise):
            for name in [*folders, *leaves]:
                path = Path(folder, name)
                mode = path.lstat().st_mode
                if stat.S_ISREG(mode):
                    files.add(path.relative_to(site).as_posix())
                elif not stat.S_ISDIR(mode):
                    others.append(path.relative_to(site).as_posix())
            if len(files) + len(others) > MOST_FILES:
                raise Refused("too many files in the site", files=len(files) + len(others), most=MOST_FILES)
    except FileNotFoundError:
        return set(), []
    except OSError as error:
        raise Refused(
            "incomplete site: cannot read a folder", folder=str(error.filename), cause=str(error.strerror)
        ) from None
    return files, sorted(others)


def _raise(error: OSError) -> None:
    raise error


def count_events(status: Path) -> int:
    """Return the number of events from status.json; raise Refused if it has none."""
    try:
        text = read_regular(status, below=status.parent.parent, limit=MOST_STATUS_BYTES)
        events = json.loads(text)["events"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        events = None
    if type(events) is not int:
        raise Refused("incomplete site: status.json has no number of events", file=str(status))
    return events


def check_events(events: int, minimum: int) -> None:
    """Raise Refused for fewer events than `minimum`."""
    if events < minimum:
        raise Refused("too few events; FORCE=1 publishes them anyway", events=events, min=minimum)


def check_deletes(published: Iterable[str], manifest: Mapping[str, str], limit: int) -> None:
    """Raise Refused if the run would delete more than `limit` percent of the published files."""
    current = [path for path in published if path != MARK]
    deletes = sum(path not in manifest for path in current)
    if deletes * 100 > limit * len(current):
        raise Refused(
            "too many deletes; FORCE=1 deletes these files anyway",
            deletes=deletes,
            published=len(current),
            percent=deletes * 100 // len(current),
            limit=limit,
        )
