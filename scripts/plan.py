"""What has to change in S3: compares the site with what is published, and keeps the books.

    python scripts/plan.py prepare [--prune | --dry-run] [--listed FILE]
    python scripts/plan.py record DONE

`prepare` checks the guards (65: nothing was touched), lays out under $BUILD_DIR/run/ what must
go up, notes in pending-paths and published.manifest what is about to change, and prints the
steps for bin/upload, one a line:

    list                                                published.manifest is lost: list first
    sync    FILES FOLDER CONTENT-TYPE CACHE-CONTROL     (tab-separated)
    status  1     FILE   CONTENT-TYPE CACHE-CONTROL
    delete  FILES JSON-FILE

`record` writes down how many of these steps were done, and of the next one what landed.

The order keeps every link good: assets, then new pages (nothing published leads to them yet),
then changed pages, then status.json. Deletes wait until CloudFront has been told of the pages
that no longer lead there, and for hashed assets a day more.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import settings
from exit_codes import CONFIG, FAILED, OK, REFUSED
from files import read_manifest, sha256, write_atomic
from headers import UNKNOWN_TYPE, Headers, headers_for, is_hashed
from log import Log
from published import EVERYTHING, IN_DOUBT, Entry, Pending, Published

KEEP_ASSETS = timedelta(days=1)
DELETE_BATCH = 1000  # the most that S3's DeleteObjects takes

# `aws s3 sync` uploads what is newer than the object. Staged files are from 2100, so that
# neither a clock that is behind nor an object of the same second makes it skip one.
ALWAYS_NEWER = 4_102_444_800


class Refused(Exception):
    """A guard said no; `fields` go into the log line."""

    def __init__(self, why: str, **fields: object) -> None:
        super().__init__(why)
        self.fields = fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Files that go up together, or are deleted together."""

    action: str
    name: str
    paths: tuple[str, ...]
    headers: Headers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in order, what the books must say before the first of them, and the numbers."""

    steps: tuple[Step, ...]
    published: Published
    pending: Pending
    changed: int
    leaving: int


def site_files(site: Path) -> tuple[set[str], list[str]]:
    """Return the regular files below `site` as paths, and links and special files apart."""
    files: set[str] = set()
    others: list[str] = []
    for folder, names, leaves in os.walk(site):
        for name in [*names, *leaves]:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                files.add(path.relative_to(site).as_posix())
            elif not stat.S_ISDIR(mode):
                others.append(path.relative_to(site).as_posix())
    return files, sorted(others)


def check_site(site: Path, manifest: Mapping[str, str]) -> list[str]:
    """Refuse a site that is not complete; return the files that its manifest does not list."""
    if not manifest:
        raise Refused("no complete site: site.manifest is missing or empty; run make generate")
    for path in manifest:
        if not is_safe(path):
            raise Refused("no complete site: not a path of a site", file=path)
    files, others = site_files(site)
    if others:
        raise Refused("link or special file in the site", file=others[0], files=len(others))
    for path, digest in manifest.items():
        if path not in files:
            raise Refused("no complete site: a file is missing", file=path)
        if sha256((site / path).read_bytes()) != digest:
            raise Refused("no complete site: a file is not as its manifest says", file=path)
    if "index.html" not in manifest:
        raise Refused("no complete site: index.html is missing")
    return sorted(files - manifest.keys() - {"status.json"})


def is_safe(path: str) -> bool:
    """Tell whether `path` is a plain relative path, printable, without empty or dot parts."""
    parts = path.split("/")
    return path.isprintable() and not any(part in ("", ".", "..") for part in parts) and "\\" not in path


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


def check_deletes(old: Published, manifest: Mapping[str, str], limit: int) -> None:
    """Refuse when more than `limit` percent of the published files would go."""
    current = [path for path, entry in old.entries.items() if entry.left is None]
    leaving = [path for path in current if path not in manifest]
    if len(leaving) * 100 > limit * len(current):
        raise Refused(
            "too many deletes; FORCE=1 lets them pass",
            deletes=len(leaving),
            published=len(current),
            percent=len(leaving) * 100 // len(current),
            limit=limit,
        )


def compare(
    *,
    manifest: Mapping[str, str],
    old: Published,
    pending: Pending,
    anew: bool,
    tag: str,
    now: datetime,
) -> Plan:
    """Work out the steps from what the site is, what S3 holds and what the edge has not been told.

    `anew` says that `old` does not tell all that S3 may hold at this place.
    """
    new: list[str] = []
    changed: list[str] = []
    entries = dict(old.entries)
    news_for_the_edge: set[str] = set()
    for path, digest in manifest.items():
        headers = headers_for(path, tag)
        entry = old.entries.get(path)
        if entry and (entry.digest, entry.headers) == (digest, headers):
            entries[path] = replace(entry, left=None)
            continue
        (changed if entry or path == "index.html" else new).append(path)
        entries[path] = Entry(digest=IN_DOUBT, headers=headers)
        if entry or not is_hashed(path):
            news_for_the_edge.add(path)
    leaving = [path for path, entry in entries.items() if path not in manifest and entry.left is None]
    for path in leaving:
        entries[path] = replace(entries[path], left=now)
        if not is_hashed(path):
            news_for_the_edge.add(path)
    if anew:
        news_for_the_edge.add(EVERYTHING)
    if news_for_the_edge:
        pending = pending.add(news_for_the_edge)
    steps = [
        *_syncs("asset", [path for path in new + changed if is_hashed(path)], entries),
        *_syncs("new", [path for path in new if not is_hashed(path)], entries),
        *_syncs("page", [path for path in changed if not is_hashed(path)], entries),
        Step(action="status", name="status", paths=("status.json",), headers=headers_for("status.json", tag)),
    ]
    published = Published(destination=old.destination, entries=entries)
    if not pending.paths:
        due, published = deletes(published, now)
        steps += due
    return Plan(
        steps=tuple(steps),
        published=published,
        pending=pending,
        changed=len(new) + len(changed),
        leaving=len(leaving),
    )


def _syncs(name: str, paths: list[str], entries: Mapping[str, Entry]) -> Iterator[Step]:
    by_headers: dict[Headers, list[str]] = {}
    for path in paths:
        by_headers.setdefault(entries[path].headers, []).append(path)
    # Pages last within their phase: they lead to the feeds, which lead nowhere.
    for headers in sorted(by_headers, key=lambda item: (item.content_type.startswith("text/html"), item)):
        yield Step(action="sync", name=name, paths=tuple(sorted(by_headers[headers])), headers=headers)


def deletes(published: Published, now: datetime) -> tuple[list[Step], Published]:
    """Return the steps that delete what left the site long enough ago, and the books before them."""
    due = sorted(
        path
        for path, entry in published.entries.items()
        if entry.left and (not is_hashed(path) or entry.left <= now - KEEP_ASSETS)
    )
    entries = dict(published.entries)
    for path in due:
        entries[path] = replace(entries[path], digest=IN_DOUBT)
    steps = [
        Step(action="delete", name="delete", paths=tuple(due[start : start + DELETE_BATCH]))
        for start in range(0, len(due), DELETE_BATCH)
    ]
    return steps, Published(destination=published.destination, entries=entries)


def adopt(listed: list[str], manifest: Mapping[str, str], tag: str) -> dict[str, Entry]:
    """Return entries for what an earlier, forgotten run left in S3.

    Only names that this program gives its files count as ours; whatever else lies below the
    prefix is somebody else's and is never deleted.
    """
    return {
        path: Entry(digest=IN_DOUBT, headers=headers_for(path, tag))
        for path in listed
        if path in manifest or is_ours(path)
    }


def is_ours(path: str) -> bool:
    """Tell whether `path` can only be a page or asset of ours, by the site's fixed layout."""
    folder, _, name = path.rpartition("/")
    suffix = name.rpartition(".")[2]
    return is_hashed(path) or (
        (folder == "event" and suffix in ("html", "ics") and name.partition(".")[0].isdigit())
        or (folder in ("branch", "audience") and suffix in ("html", "ics"))
        or (folder == "screen" and suffix == "html")
    )


class Books:
    """The files under $BUILD_DIR that this step reads and writes."""

    def __init__(self, chosen: settings.PublishSettings) -> None:
        self.settings = chosen
        self.site = chosen.build_dir / "site"
        self.manifest = chosen.build_dir / "site.manifest"
        self.published = chosen.build_dir / "published.manifest"
        self.pending = chosen.build_dir / "pending-paths"
        self.run = chosen.build_dir / "run"
        self.stage = self.run / "stage"
        self.plan = self.run / "upload.plan.json"
        self.stats = self.run / "upload.stats"

    def key(self, path: str) -> str:
        """Return the S3 key of the site's file `path`."""
        return f"{self.settings.prefix}/{path}" if self.settings.prefix else path


def load_published(books: Books, log: Log) -> tuple[Published, bool, bool]:
    """Return what S3 holds here, whether that is all unknown, and whether it was once known."""
    destination = books.settings.destination
    empty = Published(destination=destination)
    try:
        found = Published.load(books.published)
    except (OSError, ValueError) as error:
        log.warn("published.manifest not usable: everything counts as new", cause=str(error))
        return empty, True, True
    if found is None:
        return empty, True, True
    if found.destination != destination:
        log.info("new destination: everything counts as new", old=found.destination, new=destination)
        return empty, True, False
    return found, False, False


def prepare(books: Books, log: Log, *, prune: bool, dry_run: bool, listed: Path | None) -> None:
    """Check, compare, lay out the files, write the books, print the steps."""
    chosen = books.settings
    pending = Pending.load(books.pending)
    old, anew, lost = load_published(books, log)
    if prune:
        steps, published = ([], old) if pending.paths else deletes(old, chosen.now)
        plan = Plan(steps=tuple(steps), published=published, pending=pending, changed=0, leaving=0)
        events = None
    else:
        manifest = _load_manifest(books)
        unlisted = check_site(books.site, manifest)
        if unlisted:
            log.warn("not in the manifest, so not uploaded", files=len(unlisted), first=unlisted[0])
        events = count_events(books.site / "status.json")
        if not chosen.force:
            check_events(events, chosen.min_events)
        if lost and listed is None:
            sys.stdout.write("list\n")
            return
        if listed is not None:
            found = _listed(listed, chosen.prefix)
            entries = adopt(found, manifest, chosen.cache_tag)
            strangers = len(found) - len(entries) - ("status.json" in found)
            log.warn("published.manifest missing", found=len(found), ours=len(entries), others=strangers)
            old = Published(destination=old.destination, entries=entries)
        if not chosen.force:
            check_deletes(old, manifest, chosen.max_delete_percent)
        for path in manifest:
            if headers_for(path).content_type == UNKNOWN_TYPE and path not in old.entries:
                log.warn("no content type for this kind of file in scripts/headers.py", file=path)
        plan = compare(
            manifest=manifest, old=old, pending=pending, anew=anew, tag=chosen.cache_tag, now=chosen.now
        )
        targets = [path for step in plan.steps if step.action == "sync" for path in step.paths]
        rewritten = sum(
            path in old.entries
            and old.entries[path].digest == manifest[path]
            and old.entries[path].headers != headers_for(path, chosen.cache_tag)
            for path in targets
        )
        if rewritten:
            log.info("headers changed", files=rewritten)
        if plan.pending.paths and pending.paths:
            log.info("resuming", pending=len(pending.paths))
        if dry_run:
            _show(books, plan)
            return
        _stage(books, plan, manifest)
    _save_plan(books, plan, events)
    if plan.pending != pending:
        plan.pending.save(books.pending)
    if plan.published != old or anew:
        plan.published.save(books.published)
    sys.stdout.writelines("\t".join(line) + "\n" for line in _lines(books, plan))


def _load_manifest(books: Books) -> dict[str, str]:
    try:
        return read_manifest(books.manifest)
    except (OSError, ValueError) as error:
        raise Refused("no complete site: site.manifest is not usable", cause=str(error)) from error


def _listed(path: Path, prefix: str) -> list[str]:
    keys = json.loads(path.read_text(encoding="utf-8") or "null") or []
    cut = len(prefix) + 1 if prefix else 0
    return [key[cut:] for key in keys]


def _stage(books: Books, plan: Plan, manifest: Mapping[str, str]) -> None:
    """Copy what must go up to one folder for each sync; raise Refused if it changed meanwhile."""
    shutil.rmtree(books.stage, ignore_errors=True)
    for number, step in enumerate(plan.steps):
        if step.action != "sync":
            continue
        for path in step.paths:
            data = (books.site / path).read_bytes()
            if sha256(data) != manifest[path]:
                raise Refused("no complete site: it changed while it was read", file=path)
            target = books.stage / str(number) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            os.utime(target, (ALWAYS_NEWER, ALWAYS_NEWER))


def _save_plan(books: Books, plan: Plan, events: int | None) -> None:
    books.run.mkdir(parents=True, exist_ok=True)
    data = {
        "changed": plan.changed,
        "leaving": plan.leaving,
        "events": events,
        "steps": [{"action": step.action, "paths": step.paths} for step in plan.steps],
    }
    write_atomic(books.plan, json.dumps(data).encode())
    for number, step in enumerate(plan.steps):
        if step.action == "delete":
            batch = {"Objects": [{"Key": books.key(path)} for path in step.paths]}
            write_atomic(books.run / f"delete-{number}.json", json.dumps(batch).encode())


def _lines(books: Books, plan: Plan) -> Iterator[list[str]]:
    for number, step in enumerate(plan.steps):
        size = str(len(step.paths))
        if step.headers is None:
            yield [step.action, size, str(books.run / f"delete-{number}.json")]
            continue
        source = books.site / "status.json" if step.action == "status" else books.stage / str(number)
        yield [step.action, size, str(source), step.headers.content_type, step.headers.cache_control]


def _show(books: Books, plan: Plan) -> None:
    """Print the plan for a person."""
    for step in plan.steps:
        sys.stdout.writelines(
            f"{step.action}\t{books.key(path)}\t{step.headers or ''}\n" for path in step.paths
        )


def record(books: Books, log: Log, done: int) -> None:
    """Note what reached S3: `done` whole steps, and of the next one what aws.out says."""
    data = json.loads(books.plan.read_bytes())
    published = Published.load(books.published)
    if published is None:
        raise ValueError("published.manifest is gone")
    entries = dict(published.entries)
    uploaded = deleted = size = 0
    for number, step in enumerate(data["steps"]):
        if number > done:
            break
        landed = step["paths"] if number < done else _landed(books, step["paths"])
        for path in landed:
            if step["action"] == "delete":
                entries.pop(path, None)
                deleted += 1
                continue
            folder = books.stage / str(number) if step["action"] == "sync" else books.site
            content = (folder / path).read_bytes()
            size += len(content)
            if step["action"] == "sync":
                entries[path] = replace(entries[path], digest=sha256(content))
                uploaded += 1
    if uploaded or deleted:
        replace(published, entries=entries).save(books.published)
    shutil.rmtree(books.stage, ignore_errors=True)
    numbers = {
        "events": data["events"],
        "changed": data["changed"],
        "uploaded": uploaded,
        "deleted": deleted,
        "bytes": size,
    }
    lines = [f"{key}={value}" for key, value in numbers.items() if value is not None]
    write_atomic(books.stats, ("\n".join(lines) + "\n").encode())
    sys.stdout.write(" ".join(lines) + "\n")


def _landed(books: Books, paths: list[str]) -> list[str]:
    """Return those of `paths` that the step's `aws s3 sync` reported as uploaded before it failed."""
    try:
        lines = (books.run / "aws.out").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    start = f" to s3://{books.settings.bucket}/"
    uploads = [line for line in lines if line.startswith("upload: ") and start in line]
    keys = {line.rpartition(start)[2].rstrip() for line in uploads}
    return [path for path in paths if books.key(path) in keys]


def main(argv: list[str] | None = None) -> int:
    """Run one of the commands; return the exit code."""
    parser = argparse.ArgumentParser(prog="plan.py", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare")
    preparing.add_argument("--prune", action="store_true")
    preparing.add_argument("--dry-run", action="store_true")
    preparing.add_argument("--listed", type=Path)
    recording = commands.add_parser("record")
    recording.add_argument("done", type=int)
    args = parser.parse_args(argv)
    log = Log("upload")
    try:
        books = Books(settings.PublishSettings.from_env(settings.environment()))
        if args.command == "record":
            record(books, log, args.done)
        else:
            prepare(books, log, prune=args.prune, dry_run=args.dry_run, listed=args.listed)
    except settings.SettingError as error:
        log.error(error.why, key=error.key, rc=CONFIG)
        return CONFIG
    except Refused as error:
        log.error(f"guard: {error}", **error.fields, rc=REFUSED)
        return REFUSED
    except (OSError, ValueError) as error:
        where = {"path": error.filename, "errno": error.errno} if isinstance(error, OSError) else {}
        log.error("cannot keep the books", cause=str(error), **where, rc=FAILED)
        return FAILED
    return OK


if __name__ == "__main__":
    sys.exit(main())
