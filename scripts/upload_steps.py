"""The books of bin/upload: what it must do, and what came of it.

    python scripts/upload_steps.py prepare [--listed FILE]
    python scripts/upload_steps.py record DONE
    python scripts/upload_steps.py show

`prepare` checks the guards (65: nothing was touched), lays out under $BUILD_DIR/run/ what must
go up, writes into pending-paths and published.manifest what is about to change, and prints
bin/upload's steps, tab-separated:

    list                                              published.manifest is lost: list first
    sync    FILES  FOLDER  CONTENT-TYPE  CACHE-CONTROL
    status  1      FILE    CONTENT-TYPE  CACHE-CONTROL
    delete  FILES  JSON-FILE

`record` writes down that DONE of these steps were done, and of the next one what landed.
`show` prints the plan with its price, for upload and invalidation, and touches nothing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import program
from exit_codes import FAILED, OK
from files import read_manifest, sha256, write_atomic
from log import Log
from publishing import upload_plan
from publishing.cloudfront import FREE_A_MONTH, Budget, paths_for
from publishing.guards import check_deletes, check_events, check_site, count_events
from publishing.headers import UNKNOWN_TYPE, Headers, headers_for
from publishing.state import EVERYTHING, IN_DOUBT, Entry, Pending, Published
from publishing.upload_plan import Plan
from settings import PublishSettings, read_environment
from site_paths import STATUS

# `aws s3 sync` uploads what is newer than the object. Staged files are from 2100, so that
# neither a clock that is behind nor an object of the same second makes it skip one.
ALWAYS_NEWER = 4_102_444_800

# What AWS says when it has not even looked at the object: it is as it was.
_UNTOUCHED = re.compile(
    r"\((AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|NoSuchBucket"
    r"|AllAccessDisabled|AuthorizationHeaderMalformed|PermanentRedirect|RequestTimeTooSkewed)\)"
    r"|Unable to locate credentials"
)

DOLLARS_A_REQUEST = 0.005 / 1000  # PUT and LIST alike
MOST_KEYS = 1000  # in one answer to a LIST


class Knowledge(Enum):
    """How much published.manifest tells about the destination."""

    ALL = "all"
    NEW_PLACE = "new place"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Books:
    """The files under $BUILD_DIR that this step reads and writes."""

    settings: PublishSettings

    @property
    def site(self) -> Path:
        """The generated tree."""
        return self.settings.build_dir / "site"

    @property
    def published(self) -> Path:
        """What S3 is known to hold."""
        return self.settings.build_dir / "published.manifest"

    @property
    def pending(self) -> Path:
        """What CloudFront has not been told yet."""
        return self.settings.build_dir / "pending-paths"

    @property
    def run(self) -> Path:
        """Scratch of this run."""
        return self.settings.build_dir / "run"

    @property
    def before(self) -> Path:
        """The published.manifest of before this run, for a run that was refused."""
        return self.run / "published.before"

    def other(self, destination: str) -> Path:
        """What another destination was known to hold when it was last published to."""
        return self.settings.build_dir / f"published.{sha256(destination.encode())[:8]}.manifest"

    def stage(self, number: int) -> Path:
        """The files of the plan's step `number`."""
        return self.run / "stage" / str(number)

    def key(self, path: str) -> str:
        """The S3 key of the site's file `path`."""
        return f"{self.settings.prefix}/{path}" if self.settings.prefix else path

    def manifest(self) -> dict[str, str]:
        """The site's manifest."""
        try:
            return read_manifest(self.settings.build_dir / "site.manifest")
        except (OSError, ValueError) as error:
            raise program.Refused(
                "no complete site: site.manifest is not usable", cause=str(error)
            ) from error


def load_published(books: Books, log: Log) -> tuple[Published, Knowledge]:
    """Return what S3 holds at the destination, and how sure that is."""
    destination = books.settings.destination
    try:
        found = Published.load(books.published)
    except (OSError, ValueError) as error:
        log.warn("published.manifest not usable: everything counts as new", cause=str(error))
        found = None
    if found is None:
        return Published(destination=destination), Knowledge.LOST
    if found.destination == destination:
        return found, Knowledge.ALL
    log.info("new destination: everything counts as new", old=found.destination, new=destination)
    try:
        earlier = Published.load(books.other(destination))
    except (OSError, ValueError):
        earlier = None
    # Somebody else may have published here since: it tells what is ours, not what it holds.
    entries = (
        {path: replace(entry, digest=IN_DOUBT) for path, entry in earlier.entries.items()} if earlier else {}
    )
    return Published(destination=destination, entries=entries), Knowledge.NEW_PLACE


def prepare(books: Books, log: Log, *, listed: Path | None) -> None:
    """Check, compare, lay out the files, write the books, print the steps."""
    pending = Pending.load(books.pending)
    old, knowledge = load_published(books, log)
    manifest, events = _checked(books, log)
    if knowledge is Knowledge.LOST:
        if listed is None:
            sys.stdout.write("list\n")
            return
        old = _adopted(books, log, listed, manifest)
    plan = _planned(books, log, manifest, old, pending, knowledge)
    _stage(books, plan, manifest)
    _save_plan(books, plan, old, pending, events)
    _keep_before(books)
    if plan.pending != pending:
        plan.pending.save(books.pending)
    if knowledge is Knowledge.NEW_PLACE:
        left_behind = Published.load(books.published)
        if left_behind:
            left_behind.save(books.other(left_behind.destination))
    if plan.published != old or knowledge is not Knowledge.ALL:
        plan.published.save(books.published)
    sys.stdout.writelines("\t".join(line) + "\n" for line in _lines(books, plan))


def _checked(books: Books, log: Log) -> tuple[dict[str, str], int]:
    manifest = books.manifest()
    unlisted = check_site(books.site, manifest)
    if unlisted:
        log.warn("not in the manifest, so not uploaded", files=len(unlisted), first=unlisted[0])
    events = count_events(books.site / STATUS)
    if not books.settings.force:
        check_events(events, books.settings.min_events)
    return manifest, events


def _adopted(books: Books, log: Log, listed: Path, manifest: Mapping[str, str]) -> Published:
    keys = json.loads(listed.read_text(encoding="utf-8") or "null") or []
    found = {key.removeprefix(books.key("")) for key in keys} - {STATUS}
    entries = upload_plan.adopt(sorted(found), manifest)
    if found:
        log.warn(
            "published.manifest missing: everything counts as new",
            found=len(found),
            ours=len(entries),
            not_ours=len(found) - len(entries),
        )
    return Published(destination=books.settings.destination, entries=entries)


def _planned(
    books: Books,
    log: Log,
    manifest: Mapping[str, str],
    old: Published,
    pending: Pending,
    knowledge: Knowledge,
) -> Plan:
    chosen = books.settings
    if not chosen.force:
        current = [path for path, entry in old.entries.items() if not entry.left]
        check_deletes(current, manifest, chosen.max_delete_percent)
    told = Budget(chosen).told
    lost = told is None or not books.pending.exists()
    if lost and knowledge is Knowledge.ALL and EVERYTHING not in pending.paths:
        log.warn("what CloudFront was told is not known any more: it is told of everything")
    plan = upload_plan.compare(
        manifest=manifest,
        old=old,
        pending=pending,
        anew=lost or knowledge is not Knowledge.ALL,
        told=told,
        now=chosen.now,
    )
    targets = [path for step in plan.steps if step.action == "sync" for path in step.paths]
    headers = [
        path
        for path in targets
        if path in old.entries
        and old.entries[path].digest == manifest[path]
        and old.entries[path].headers != plan.published.entries[path].headers
    ]
    doubtful = [path for path in targets if path in old.entries and old.entries[path].in_doubt]
    untyped = [path for path in targets if headers_for(path).content_type == UNKNOWN_TYPE]
    if headers:
        log.info("headers changed", files=len(headers))
    if pending.paths or (doubtful and knowledge is Knowledge.ALL):
        log.info("resuming", pending=len(pending.paths), in_doubt=len(doubtful))
    if untyped:
        log.warn("no content type in scripts/headers.py", files=len(untyped), first=untyped[0])
    return plan


def _stage(books: Books, plan: Plan, manifest: Mapping[str, str]) -> None:
    """Copy what must go up to one folder for each sync; raise Refused if it changed meanwhile."""
    shutil.rmtree(books.run / "stage", ignore_errors=True)
    for number, step in enumerate(plan.steps):
        if step.action != "sync":
            continue
        for path in step.paths:
            data = (books.site / path).read_bytes()
            if sha256(data) != manifest[path]:
                raise program.Refused("no complete site: it changed while it was read", file=path)
            target = books.stage(number) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            os.utime(target, (ALWAYS_NEWER, ALWAYS_NEWER))


def _save_plan(books: Books, plan: Plan, old: Published, pending: Pending, events: int) -> None:
    """Keep for `record` what the steps are, and what the books said before them."""
    books.run.mkdir(parents=True, exist_ok=True)
    steps = []
    for number, step in enumerate(plan.steps):
        before = {
            path: (entry.digest, str(entry.headers))
            for path, entry in ((path, old.entries.get(path)) for path in step.paths)
            if entry
        }
        steps.append({"action": step.action, "paths": step.paths, "before": before})
        if step.action == "delete":
            batch = {"Objects": [{"Key": books.key(path)} for path in step.paths], "Quiet": True}
            write_atomic(books.run / f"delete-{number}.json", json.dumps(batch).encode())
    data = {
        "changed": plan.changed,
        "events": events,
        "pending": {"paths": sorted(pending.paths), "mark": pending.mark} if books.pending.exists() else None,
        "steps": steps,
        "leaving": plan.leaving,
    }
    write_atomic(books.run / "upload.plan.json", json.dumps(data).encode())


def _keep_before(books: Books) -> None:
    if books.published.exists():
        shutil.copyfile(books.published, books.before)
    else:
        books.before.unlink(missing_ok=True)


def _lines(books: Books, plan: Plan) -> Iterator[list[str]]:
    for number, step in enumerate(plan.steps):
        size = str(len(step.paths))
        if step.headers is None:
            yield [step.action, size, str(books.run / f"delete-{number}.json")]
        else:
            source = books.site / STATUS if step.action == "status" else books.stage(number)
            yield [step.action, size, str(source), step.headers.content_type, step.headers.cache_control]


def record(books: Books, done: int) -> None:
    """Note what reached S3: `done` whole steps, and of the next one what aws.out says."""
    data = json.loads((books.run / "upload.plan.json").read_bytes())
    published = Published.load(books.published)
    if published is None:
        raise ValueError("published.manifest is gone")
    entries = dict(published.entries)
    uploaded = deleted = size = doubtful = 0
    for number, step in enumerate(data["steps"]):
        gone_through, untouched = _outcome(books, number, step, done)
        doubtful += len(step["paths"]) - len(gone_through) - len(untouched)
        for path in untouched:
            _restore(entries, path, step["before"].get(path))
        folder = books.site if step["action"] == "status" else books.stage(number)
        for path in gone_through:
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
        # Not yet: pages that lead there may not have been changed.
        for path in data["leaving"]:
            entries[path] = replace(entries[path], left=None)
    if done < len(data["steps"]) and not uploaded and not doubtful and not deleted:
        _undo(books, data["pending"])
    elif entries != published.entries:
        replace(published, entries=entries).save(books.published)
    shutil.rmtree(books.run / "stage", ignore_errors=True)
    _write_stats(books, data, uploaded=uploaded, deleted=deleted, bytes=size)


def _undo(books: Books, pending: Mapping[str, Any] | None) -> None:
    """Put the books back: AWS has refused all that this run wanted."""
    if books.before.exists():
        write_atomic(books.published, books.before.read_bytes(), durable=True)
    else:
        books.published.unlink(missing_ok=True)
    if pending is None:
        books.pending.unlink(missing_ok=True)
    else:
        Pending(paths=frozenset(pending["paths"]), mark=pending["mark"]).save(books.pending)


def _outcome(books: Books, number: int, step: Mapping[str, Any], done: int) -> tuple[list[str], list[str]]:
    """Return for which of the step's files it was done, and which are surely as they were before."""
    paths: list[str] = step["paths"]
    if number != done:
        return (paths, []) if number < done else ([], paths)
    start = f" to s3://{books.settings.bucket}/"
    # A line that was cut when the CLI was killed counts for nothing.
    out, err = (_text(books.run / f"aws.{kind}").split("\n")[:-1] for kind in ("out", "err"))
    keys = {
        line.rpartition(start)[2].rstrip() for line in out if line.startswith("upload: ") and start in line
    }
    landed = [path for path in paths if books.key(path) in keys]
    said = [line for line in err if line.strip()]
    if not landed and said and all(_UNTOUCHED.search(line) for line in said):
        return [], paths
    return landed, []


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


def _write_stats(books: Books, data: Mapping[str, Any], **counts: int) -> None:
    numbers = {"events": data["events"], "changed": data["changed"], **counts}
    lines = [f"{key}={value}" for key, value in numbers.items()]
    write_atomic(books.run / "upload.stats", ("\n".join(lines) + "\n").encode())
    sys.stdout.write(" ".join(lines) + "\n")


def show(books: Books, log: Log) -> None:
    """Print what a run would do and cost, for upload and invalidation."""
    pending = Pending.load(books.pending)
    old, knowledge = load_published(books, log)
    manifest, _ = _checked(books, log)
    plan = _planned(books, log, manifest, old, pending, knowledge)
    puts = lists = size = 0
    for step in plan.steps:
        lists += step.action == "sync"  # of all that is there
        for path in step.paths:
            sys.stdout.write(f"{'delete' if step.action == 'delete' else 'upload'}\t{books.key(path)}\n")
            if step.action != "delete":
                puts += 1
                size += (books.site / path).stat().st_size
    due = {path for step in plan.steps if step.action == "delete" for path in step.paths}
    for path, entry in sorted(plan.published.entries.items()):
        if entry.left and path not in due:
            sys.stdout.write(f"delete later\t{books.key(path)}\n")
    paths = paths_for(plan.pending.paths, books.settings)
    sys.stdout.writelines(f"invalidate\t{path}\n" for path in paths)
    budget = Budget(books.settings)
    if knowledge is Knowledge.LOST:
        sys.stdout.write("published.manifest is missing: the bucket is listed first\n")
    lists *= -(-len(plan.published.entries) // MOST_KEYS)
    dollars = (puts + lists) * DOLLARS_A_REQUEST + budget.price(len(paths))
    sys.stdout.write(
        f"{_number(puts, 'upload')} ({size:,} bytes), {_number(len(due), 'delete')},"
        f" {_number(len(paths), 'invalidation path')}: ${dollars:.6f};"
        f" {budget.count:,} of {FREE_A_MONTH:,} free paths used this month\n"
    )


def _number(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def main(argv: list[str] | None = None) -> int:
    """Run one of the commands; return the exit code."""
    parser = program.options(__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare")
    preparing.add_argument("--listed", type=Path)
    commands.add_parser("record").add_argument("done", type=int)
    commands.add_parser("show")
    args = parser.parse_args(argv)
    log = Log("upload")

    def work() -> int:
        books = Books(PublishSettings.from_env(read_environment()))
        if args.command == "record":
            record(books, args.done)
        elif args.command == "show":
            show(books, log)
        else:
            prepare(books, log, listed=args.listed)
        return OK

    unreadable = ("the publish state of this run is not readable", FAILED)
    return program.run(log, work, {ValueError: unreadable, KeyError: unreadable})


if __name__ == "__main__":
    sys.exit(main())
