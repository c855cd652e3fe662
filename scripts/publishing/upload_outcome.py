"""Record the outcome of an upload in published.manifest: which files reached S3, and which are uncertain."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from files import sha256, write_atomic
from publishing.build_files import BuildFiles
from publishing.headers import Headers
from publishing.state import Entry, Pending, Published
from publishing.upload_plan import KEEP_ASSETS, KEEP_PAGES
from site_paths import MARK, STATUS

# Errors of AWS that come before it touches the object, so that the object is unchanged.
_UNTOUCHED = re.compile(
    r"\((AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|NoSuchBucket"
    r"|AllAccessDisabled|AuthorizationHeaderMalformed|PermanentRedirect|RequestTimeTooSkewed)\)"
    r"|Unable to locate credentials"
)


def record(files: BuildFiles, done: int) -> None:
    """Record that `done` steps are complete, and the files of the next step that aws.out names.

    The run has published its site if all steps but deletes are complete.
    """
    data = json.loads((files.run / "upload.plan.json").read_bytes())
    published = Published.load(files.published)
    if published is None:
        raise ValueError("published.manifest is missing")
    entries = dict(published.entries)
    steps = data["steps"]
    is_published = all(step["action"] == "delete" for step in steps[done:])
    not_deleted = set[str]()
    uploaded = deleted = size = uncertain = 0
    for number, step in enumerate(steps):
        finished, untouched = _outcome(files, number, step, done)
        uncertain += len(step["paths"]) - len(finished) - len(untouched)
        for path in untouched:
            _restore(entries, path, step["before"].get(path))
        if step["action"] == "delete":
            not_deleted.update(untouched)
        for path in finished:
            if step["action"] == "delete":
                del entries[path]
                deleted += 1
                continue
            content = _source(files, number, step["action"], path).read_bytes()
            size += len(content)
            if path != STATUS:
                entries[path] = replace(entries[path], digest=sha256(content))
                uploaded += path != MARK
    after = replace(published, entries=entries)
    if not is_published:
        # Not removed yet: live pages may still link to these files.
        for path in data["removed"]:
            entries[path] = replace(entries[path], removed_at=None)
    elif any(step["action"] == "delete" for step in steps):
        after = _with_deletes(after, files.settings.now, failed=done < len(steps))
    if not is_published and not uploaded and not uncertain:
        _undo(files, data["pending"])
    else:
        if after != published:
            after.save(files.published)
        if not_deleted:
            _invalidate_less(files, not_deleted)
    if (files.run / "stage").exists():
        shutil.rmtree(files.run / "stage")
    (files.run / "upload.plan.json").unlink()
    _write_stats(files, data, uploaded=uploaded, deleted=deleted, bytes=size)


def _source(files: BuildFiles, number: int, action: str, path: str) -> Path:
    """Return the file that a step has uploaded as `path`."""
    if action == "mark":
        return files.mark
    return files.stage(number) / path


def _with_deletes(published: Published, now: datetime, *, failed: bool) -> Published:
    """Return `published` after deletes: if they failed, wait 10 minutes, then 40, then 160, up to a day."""
    if not failed:
        return replace(published, failed_deletes=0, no_deletes_before=None)
    pause = min(KEEP_PAGES * 4 ** min(published.failed_deletes, 8), KEEP_ASSETS)
    return replace(published, failed_deletes=published.failed_deletes + 1, no_deletes_before=now + pause)


def _invalidate_less(files: BuildFiles, not_deleted: set[str]) -> None:
    """Take files that were not deleted out of pending-paths. No run deletes while other paths are pending."""
    pending = Pending.load(files.pending)
    if pending.paths & not_deleted:
        replace(pending, paths=pending.paths - not_deleted).save(files.pending)


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
    out, err = (_text(files.run / f"aws.{kind}") for kind in ("out", "err"))
    if step["action"] == "delete" and (deleted := _deleted(out)) is not None:
        finished = [path for path in paths if files.key(path) in deleted]
        return finished, [path for path in paths if path not in finished]
    uploaded = _uploaded(out, files.settings.bucket)
    finished = [path for path in paths if files.key(path) in uploaded]
    # The last line is dropped: the CLI may have been killed while it wrote it.
    errors = [line for line in err.split("\n")[:-1] if line.strip()]
    if not finished and errors and all(_UNTOUCHED.search(line) for line in errors):
        return [], paths
    return finished, []


def _uploaded(out: str, bucket: str) -> set[str]:
    """Return the keys that the AWS CLI reports as uploaded."""
    start = f" to s3://{bucket}/"
    # The last line is dropped: the CLI may have been killed while it wrote it.
    lines = [line for line in out.split("\n")[:-1] if line.startswith("upload: ") and start in line]
    return {line.rpartition(start)[2].rstrip() for line in lines}


def _deleted(out: str) -> set[str] | None:
    """Return the keys that the answer to DeleteObjects lists as deleted; None without an answer."""
    try:
        return {item["Key"] for item in json.loads(out).get("Deleted", [])}
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


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
