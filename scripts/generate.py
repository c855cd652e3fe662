"""Turn build/events.json into the static site, build/site/.

Reads   $BUILD_DIR/events.json and images/ (from scripts/fetch.py), templates/, LOGO, the settings;
        never the network
Writes  $BUILD_DIR/site/            pages, feeds and static files; only what has changed
        $BUILD_DIR/site/status.json how fresh the events are; the only file with a time in it
        $BUILD_DIR/site.manifest    sha256sum of every other file, written last

The same events on the same day give the same bytes, and then nothing is rendered anew.

Exit codes: 0 done · 1 failed · 2 wrong usage · 65 fewer events than MIN_EVENTS, nothing touched
(FORCE=1 lets it pass) · 78 a setting is missing or wrong
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import exit_codes
import files
import program
from log import Log
from settings import ROOT, Settings, read_environment
from site_paths import STATUS

if TYPE_CHECKING:
    from event import Snapshot

STEP = "generate"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step; return its exit code."""
    parser = program.options(__doc__)
    parser.add_argument(
        "--templates", type=Path, default=ROOT / "templates", help="another folder of templates"
    )
    arguments = parser.parse_args(argv)
    log = Log(STEP)
    return program.run(log, lambda: generate(Settings.from_env(read_environment()), arguments.templates, log))


def generate(settings: Settings, templates: Path, log: Log) -> int:
    """Bring build/site/ up to date with events.json; return the exit code."""
    from event import Snapshot, UnusableSnapshot

    began = time.monotonic()
    build = settings.build_dir
    try:
        snapshot = Snapshot.load(build / "events.json", settings.timezone)
    except FileNotFoundError:
        log.error(
            "no events.json yet: run make fetch first", path=build / "events.json", rc=exit_codes.FAILED
        )
        return exit_codes.FAILED
    except UnusableSnapshot as error:
        log.error(f"{error}; run make fetch to write it anew", rc=exit_codes.FAILED)
        return exit_codes.FAILED

    from rendering import status

    count = status.count(snapshot, settings)
    if count < settings.min_events and not settings.force:
        raise program.Refused(
            f"too few events, {count} of at least {settings.min_events}; FORCE=1 publishes them"
        )

    site = build / "site"
    inputs = _inputs_digest(snapshot, settings, templates)
    digests = _last_manifest(build)
    changed = 0
    if not digests or not _is_current(build, inputs, digests):
        from processes import side_by_side
        from rendering import pages
        from rendering.site import Site

        (build / "site.inputs").unlink(missing_ok=True)
        halves = [
            partial(_write, half, site) for half in pages.halves(Site.of(snapshot, settings, templates))
        ]
        written = [file for half in side_by_side(halves) for file in half]
        digests = {path: digest for path, digest, _ in written}
        changed = sum(new for _, _, new in written)
        removed = _remove_strays(site, digests)
        files.write_atomic(build / "site.manifest", files.format_manifest(digests))
        files.write_atomic(build / "site.inputs", inputs.encode())
    else:
        removed = _remove_strays(site, digests)

    files.write_if_changed(site / STATUS, status.status(snapshot, settings))
    log.info(
        "site generated",
        events=count,
        files=len(digests),
        changed=changed,
        removed=removed,
        seconds=time.monotonic() - began,
        rc=exit_codes.OK,
    )
    return exit_codes.OK


def _write(contents: Iterable[tuple[str, bytes]], site: Path) -> list[tuple[str, str, bool]]:
    """Write what differs; return path, digest and whether it was written of every file."""
    return [(path, files.sha256(data), files.write_if_changed(site / path, data)) for path, data in contents]


def _inputs_digest(snapshot: Snapshot, settings: Settings, templates: Path) -> str:
    """Return one digest of all that the site is made from, the day included, but not when it was fetched."""
    images = settings.build_dir / "images"
    parts = [
        settings.now.date().isoformat(),
        repr(_settings_of_pages(settings)),
        repr(
            (
                snapshot.url,
                snapshot.events,
                [(calendar.id, calendar.label) for calendar in snapshot.calendars],
            )
        ),
        # An image's name holds the digest of what is in it.
        repr(sorted(path.name for path in images.iterdir()) if images.is_dir() else []),
    ]
    sources = [
        ROOT / "requirements.txt",
        *sorted(Path(__file__).parent.glob("*.py")),
        *sorted(Path(__file__).parent.glob("rendering/*.py")),
    ]
    sources += sorted(path for path in templates.rglob("*") if path.is_file())
    if settings.logo:
        sources.append(ROOT / settings.logo)
    for path in sources:
        parts += [str(path), files.sha256(path.read_bytes()) if path.is_file() else ""]
    return files.sha256("\n".join(parts).encode("utf-8", "replace"))


def _settings_of_pages(settings: Settings) -> tuple[object, ...]:
    """Return what of the settings goes into a page."""
    return (
        settings.timezone.key,
        settings.locale,
        settings.site_name,
        settings.site_url,
        settings.brand_color,
        settings.logo,
        settings.home_page,
    )


def _is_current(build: Path, inputs: str, digests: dict[str, str]) -> bool:
    """Whether the site was made from just these inputs, and every file of it is still intact."""
    try:
        if (build / "site.inputs").read_text() != inputs:
            return False
        return all(files.sha256((build / "site" / path).read_bytes()) == digests[path] for path in digests)
    except OSError:
        return False


def _last_manifest(build: Path) -> dict[str, str]:
    """Return the manifest of the last run; a damaged one counts as none, since it is about to be written anew."""
    try:
        return files.read_manifest(build / "site.manifest")
    except ValueError:
        return {}


def _remove_strays(site: Path, digests: dict[str, str]) -> int:
    """Remove what no longer belongs to the site, leftovers of a killed run included; count the files."""
    removed = 0
    for folder, folders, names in os.walk(site, topdown=False):
        prefix = "" if folder == str(site) else f"{os.path.relpath(folder, site)}/"
        # A link to a folder counts as a folder here; it is no part of the site either.
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in (*names, *links):
            if f"{prefix}{name}" not in digests and f"{prefix}{name}" != STATUS:
                os.unlink(os.path.join(folder, name))
                removed += 1
        if folder != str(site) and not os.listdir(folder):
            os.rmdir(folder)
    return removed


if __name__ == "__main__":
    sys.exit(main())
