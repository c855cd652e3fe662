"""Render the static site, build/site/, from build/events.json.

Reads   $BUILD_DIR/events.json and images/ (from fetch), templates/, LOGO and the settings; not the network
Writes  $BUILD_DIR/site/            pages, feeds and static files; a file is written only when it changes
        $BUILD_DIR/site/status.json age of the events; the only file that holds a time of day
        $BUILD_DIR/site.manifest    sha256sum of every file except status.json; written last
        $BUILD_DIR/site.inputs      digest of everything the site is made from
        $BUILD_DIR/share/           pictures for shared links, drawn once

The same events on the same day give the same bytes. If no input changed, no page is rendered.

Exit codes: 0 done · 1 failed · 2 wrong usage · 65 fewer events than MIN_EVENTS, no file written
(FORCE=1 continues) · 78 a setting is missing or wrong
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import exit_codes
import files
import program
from log import Log
from settings import ROOT, Settings, read_environment
from site_paths import SEARCH, STATUS

if TYPE_CHECKING:
    from event import Snapshot

STEP = "generate"

# Path of each file of the site, and its SHA-256.
Manifest = dict[str, str]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step; return its exit code."""
    parser = program.options(__doc__)
    parser.add_argument(
        "--templates", type=Path, default=ROOT / "templates", help="another folder of templates"
    )
    arguments = parser.parse_args(argv)
    log = Log(STEP)
    return program.run(
        log, lambda: generate(Settings.from_env(read_environment(log=log)), arguments.templates, log)
    )


def generate(settings: Settings, templates: Path, log: Log) -> int:
    """Bring build/site/ up to date with events.json; return the exit code."""
    from event import Snapshot, UnusableSnapshot

    if not find_spec("jinja2"):  # say it before any other advice
        raise ModuleNotFoundError(name="jinja2")
    began = time.monotonic()
    build = settings.build_dir
    source = build / "events.json"
    try:
        snapshot = Snapshot.load(source, settings.timezone)
    except FileNotFoundError:
        log.error('events.json is missing: run "make fetch" first', path=source, rc=exit_codes.FAILED)
        return exit_codes.FAILED
    except UnusableSnapshot as error:
        log.error(f'{error}; run "make fetch" to replace it', rc=exit_codes.FAILED)
        return exit_codes.FAILED

    from rendering import inputs, status_json

    count = status_json.count(snapshot, settings)
    if count < settings.min_events and not settings.force:
        message = "too few events; FORCE=1 publishes them anyway"
        raise program.Refused(message, events=count, min=settings.min_events)

    digest = inputs.digest(Path(__file__), snapshot, settings, templates)
    manifest = _last_manifest(build)
    if _is_current(build, digest, manifest):
        changed, removed = 0, _remove_strays(build / "site", manifest)
    else:
        manifest, changed, removed, complete = _render(snapshot, settings, templates, log)
        if complete:
            files.write_atomic(build / "site.inputs", digest.encode())
    search = next((path for path in manifest if path.startswith(SEARCH)), "")
    files.write_if_changed(build / "site" / STATUS, status_json.content(snapshot, settings, search))
    log.info(
        "site generated",
        events=count,
        files=len(manifest),
        changed=changed,
        removed=removed,
        seconds=time.monotonic() - began,
        rc=exit_codes.OK,
    )
    return exit_codes.OK


def _render(
    snapshot: Snapshot, settings: Settings, templates: Path, log: Log
) -> tuple[Manifest, int, int, bool]:
    """Render the site and write its manifest.

    Return the manifest, the number of files written and removed, and whether no picture waits for the next
    run.
    """
    from processes import run_in_parallel
    from rendering import pages, share_pictures
    from rendering.site import Site

    build = settings.build_dir
    (build / "site.inputs").unlink(missing_ok=True)
    site = Site.of(snapshot, settings, templates)
    drawn, waiting = share_pictures.draw(site)
    if drawn:
        log.info("share pictures drawn", drawn=drawn, waiting=waiting)
    halves = pages.halves(site)
    written = [
        file
        for half in run_in_parallel([partial(_write, half, build / "site") for half in halves])
        for file in half
    ]
    manifest = {path: digest for path, digest, _ in written}
    removed = _remove_strays(build / "site", manifest)
    files.write_atomic(build / "site.manifest", files.format_manifest(manifest))
    return manifest, sum(changed for _, _, changed in written), removed, not waiting


def _write(contents: Iterable[tuple[str, bytes]], site: Path) -> list[tuple[str, str, bool]]:
    """Write the files that differ; return the path and digest of every file, and whether it was written."""
    return [(path, files.sha256(data), files.write_if_changed(site / path, data)) for path, data in contents]


def _is_current(build: Path, digest: str, manifest: Manifest) -> bool:
    """Whether the site was made from the inputs of `digest`, and no file of it is missing or damaged."""
    try:
        if not manifest or (build / "site.inputs").read_text() != digest:
            return False
        return all(files.sha256((build / "site" / path).read_bytes()) == manifest[path] for path in manifest)
    except OSError:
        return False


def _last_manifest(build: Path) -> Manifest:
    """Return the manifest of the last run; empty if it is damaged, since this run replaces it."""
    try:
        return files.read_manifest(build / "site.manifest")
    except ValueError:
        return {}


def _remove_strays(site: Path, manifest: Manifest) -> int:
    """Remove files that are not part of the site, including those of a killed run; return their number."""
    removed = 0
    for folder, folders, names in os.walk(site, topdown=False):
        prefix = "" if folder == str(site) else f"{os.path.relpath(folder, site)}/"
        # os.walk lists a link to a folder as a folder.
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in (*names, *links):
            if f"{prefix}{name}" not in manifest and f"{prefix}{name}" != STATUS:
                os.unlink(os.path.join(folder, name))
                removed += 1
        if folder != str(site) and not os.listdir(folder):
            os.rmdir(folder)
    return removed


if __name__ == "__main__":
    sys.exit(main())
