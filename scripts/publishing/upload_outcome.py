"""Record the outcome of an upload in published.manifest: which files reached S3, and which are uncertain."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from files import sha256, write_atomic
from publishing.build_files import BuildFiles
from publishing.headers import Headers
from publishing.state import Entry, Pending, Published
from site_paths import STATUS

# Errors of AWS that come before it touches the object, so that the object is unchanged.
_UNTOUCHED = re.compile(
    r"\((AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|NoSuchBucket"
    r"|AllAccessDisabled|AuthorizationHeaderMalformed|PermanentRedirect|RequestTimeTooSkewed)\)"
    r"|Unable to locate credentials"
)


def record(files: BuildFiles, done: int) -> None:
    """Record that `done` steps are complete, and the files of the next step that aws.out names."""
    data = json.loads((files.run / "upload.plan.json").read_bytes())
    published = Published.load(files.published)
    if published is None:
        raise ValueError("published.manifest is missing")
    entries = dict(published.entries)
    uploaded = deleted = size = uncertain = 0
    for number, step in enumerate(data["steps"]):
        finished, untouched = _outcome(files, number, step, done)
        uncertain += len(step["paths"]) - len(finished) - len(untouched)
        for path in untouched:
            _restore(entries, path, step["before"].get(path))
        folder = files.site if step["action"] == "status" else files.stage(number)
        for path in finished:
            if step["action"] == "delete":
                del entries[path]
                deleted += 1
                continue
            content = (folder / path).read_bytes()
            size += len(content)
            if path != STATUS:
                entries[path] = replace(entries[path], digest=sha256(content))
                uploaded += 1
    if done < len(data["steps"]):
        # Not removed yet: live pages may still link to these files.
        for path in data["removed"]:
            entries[path] = replace(entries[path], removed_at=None)
    if done < len(data["steps"]) and not uploaded and not uncertain and not deleted:
        _undo(files, data["pending"])
    elif entries != published.entries:
        replace(published, entries=entries).save(files.published)
    shutil.rmtree(files.run / "stage", ignore_errors=True)
    _write_stats(files, data, uploaded=uploaded, deleted=deleted, bytes=size)


def _undo(files: BuildFiles, pending: Mapping[str, Any] | None) -> None:
    """Restore the publish state from before the run, in which AWS refused every request."""
    if files.published_before.exists():
        write_atomic(files.published, files.published_before.read_bytes(), durable=True)
    else:
        files.published.unlink(missing_ok=True)
    if pending is None:
        files.pending.unlink(missing_ok=True)
    else:
        Pending(paths=frozenset(pending["paths"]), change_id=pending["change_id"]).save(files.pending)


def _outcome(
    files: BuildFiles, number: int, step: Mapping[str, Any], done: int
) -> tuple[list[str], list[str]]:
    """Return the step's paths that are done, and those certainly unchanged; the rest is uncertain."""
    paths: list[str] = step["paths"]
    if number != done:
        return (paths, []) if number < done else ([], paths)
    start = f" to s3://{files.settings.bucket}/"
    # The last line is dropped: the CLI may have been killed while it wrote it.
    out, err = (_text(files.run / f"aws.{kind}").split("\n")[:-1] for kind in ("out", "err"))
    keys = {
        line.rpartition(start)[2].rstrip() for line in out if line.startswith("upload: ") and start in line
    }
    finished = [path for path in paths if files.key(path) in keys]
    errors = [line for line in err if line.strip()]
    if not finished and errors and all(_UNTOUCHED.search(line) for line in errors):
        return [], paths
    return finished, []


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _restore(entries: dict[str, Entry], path: str, before: list[str] | None) -> None:
    if before:
        digest, headers = before
        entries[path] = replace(entries[path], digest=digest, headers=Headers.parse(headers))
    else:
        entries.pop(path, None)


def _write_stats(files: BuildFiles, data: Mapping[str, Any], **counts: int) -> None:
    numbers = {"events": data["events"], "changed": data["changed"], **counts}
    lines = [f"{key}={value}" for key, value in numbers.items()]
    write_atomic(files.run / "upload.stats", ("\n".join(lines) + "\n").encode())
    sys.stdout.write(" ".join(lines) + "\n")
