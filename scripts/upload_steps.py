"""Prepare the steps of bin/upload, and record their outcome. This program uploads no file itself.

    python scripts/upload_steps.py prepare [--listed | --no-listed]
    python scripts/upload_steps.py record DONE
    python scripts/upload_steps.py show

`prepare` checks the guards (65: refused, no file changed), copies the files to upload to
$BUILD_DIR/run/stage/, writes the coming changes to pending-paths and published.manifest, and prints
the steps, tab-separated:

    list    OBJECTS  JSON-FILE  KEY-PREFIX              list the bucket, at most OBJECTS of a folder, then
    check   OBJECTS  JSON-FILE  KEY-PREFIX              call prepare --listed; `check` may fail: --no-listed
    mark    1        FILE       CONTENT-TYPE  CACHE-CONTROL
    sync    FILES    FOLDER     CONTENT-TYPE  CACHE-CONTROL
    copy    FILES    FOLDER     CONTENT-TYPE  CACHE-CONTROL   the same without a LIST of the whole prefix
    status  1        FILE       CONTENT-TYPE  CACHE-CONTROL
    delete  FILES    JSON-FILE

`record` records that DONE of these steps are complete, and the files of the next step that arrived.
`show` prints the plan with its price, for upload and invalidation, and changes no file.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from argparse import BooleanOptionalAction
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

import program
from exit_codes import FAILED, OK
from files import read_regular, sha256, write_atomic
from log import Log
from publishing import bucket_listing
from publishing.bucket_listing import Listing
from publishing.build_files import BuildFiles
from publishing.cloudfront import Budget, paths_for
from publishing.guards import check_deletes, check_events, check_site, count_events, read_site_file
from publishing.headers import UNKNOWN_TYPE, headers_for
from publishing.state import EVERYTHING, UNCERTAIN, Pending, Published
from publishing.upload_outcome import record
from publishing.upload_plan import Edge, Plan, make_plan, split
from settings import PublishSettings, read_environment
from site_paths import MARK, STATUS

# `aws s3 sync` uploads files that are newer than the object. Staged files are dated 2100, so that it
# skips no file because of a slow clock or an object written in the same second.
ALWAYS_NEWER = 4_102_444_800

DOLLARS_A_REQUEST = 0.005 / 1000  # PUT and LIST alike
MOST_KEYS = 1000  # in one answer to a LIST


class Completeness(Enum):
    """How much of the destination published.manifest covers."""

    COMPLETE = "complete"
    NEW_DESTINATION = "new destination"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The publish state before the run; `is_known`: an earlier run published to the destination."""

    published: Published
    pending: Pending
    completeness: Completeness
    is_known: bool

    @property
    def is_complete(self) -> bool:
        """Whether published.manifest covers all our objects at the destination."""
        return self.completeness is Completeness.COMPLETE


def load_state(files: BuildFiles, log: Log) -> State:
    """Read the publish state for the destination of the settings."""
    pending = Pending.load(files.pending)
    destination = files.settings.destination
    try:
        found = Published.load(files.published)
    except (OSError, ValueError) as error:
        log.warn("cannot read published.manifest; uploading every file", cause=str(error))
        found = None
    if found is None:
        empty = Published(destination=destination)
        return State(published=empty, pending=pending, completeness=Completeness.MISSING, is_known=False)
    if found.destination == destination:
        return State(published=found, pending=pending, completeness=Completeness.COMPLETE, is_known=True)
    log.info("new endpoint, bucket or prefix; uploading every file", old=found.destination, new=destination)
    try:
        earlier = Published.load(files.published_at(destination))
    except (OSError, ValueError):
        earlier = None
    # Another machine may have published here since: the names are ours, the content is uncertain.
    entries = (
        {path: replace(entry, digest=UNCERTAIN) for path, entry in earlier.entries.items()} if earlier else {}
    )
    return State(
        published=Published(destination=destination, entries=entries),
        pending=pending,
        completeness=Completeness.NEW_DESTINATION,
        is_known=earlier is not None,
    )


def prepare(files: BuildFiles, log: Log, *, listed: bool | None) -> None:
    """Check the site, stage the files to upload, save the publish state and print the steps.

    `listed` is None before a listing, and false if the listing failed.
    """
    (files.run / "upload.plan.json").unlink(missing_ok=True)
    saved = state = load_state(files, log)
    manifest, events = _checked(files, log)
    if listed is None and needs_listing(state, files.settings):
        _request_listing(files, manifest, state)
        return
    if listed:
        state = replace(state, published=_with_listing(files, log, manifest, state))
    plan = _plan(files, log, manifest, state)
    _stage(files, plan, manifest)
    _save_plan(files, plan, state, events)
    _keep_published_before(files)
    if plan.pending != state.pending:
        plan.pending.save(files.pending)
    if state.completeness is Completeness.NEW_DESTINATION:
        former = Published.load(files.published)
        if former:
            former.save(files.published_at(former.destination))
    if plan.published != saved.published or not state.is_complete:
        plan.published.save(files.published)
    sys.stdout.writelines("\t".join(line) + "\n" for line in _lines(files, plan))


def _checked(files: BuildFiles, log: Log) -> tuple[dict[str, str], int]:
    """Return the site's manifest and its number of events; raise Refused if a guard refuses the site."""
    manifest = files.manifest()
    unlisted = check_site(files.site, manifest)
    if unlisted:
        log.warn("skipping files that site.manifest does not list", files=len(unlisted), first=unlisted[0])
    events = count_events(files.site / STATUS)
    if not files.settings.force:
        check_events(events, files.settings.min_events)
    return manifest, events


def needs_listing(state: State, settings: PublishSettings) -> bool:
    """Whether to list the bucket: once a day, to notice missing files, and if the state is incomplete."""
    mark = state.published.entries.get(MARK)
    is_current = state.published.listed_on == settings.now.date()
    return not (state.is_complete and is_current and mark and not mark.is_uncertain)


def _request_listing(files: BuildFiles, manifest: Mapping[str, str], state: State) -> None:
    shutil.rmtree(files.listing, ignore_errors=True)
    files.listing.mkdir(parents=True)
    action = "check" if state.is_complete else "list"
    for number, request in enumerate(bucket_listing.requests_for(manifest, state.published)):
        answer = str(files.listing / f"{number}.json")
        prefix = files.key(f"{request.folder}/" if request.folder else "")
        sys.stdout.write("\t".join([action, str(request.most), answer, prefix]) + "\n")


def _with_listing(files: BuildFiles, log: Log, manifest: Mapping[str, str], state: State) -> Published:
    """Return the published files after a look at the listing; raise Refused if another site is there."""
    published = state.published
    requests = bucket_listing.requests_for(manifest, published)
    listing = Listing.load(files.listing, requests, files.key(""))
    if MARK not in listing.objects and not state.is_known and not files.settings.force:
        bucket_listing.check_owner(listing, manifest)
    if not state.is_complete:
        published = bucket_listing.with_found(published, listing, manifest)
    others = listing.objects.keys() - published.entries.keys() - {STATUS, MARK}
    if state.completeness is Completeness.MISSING and published.entries:
        log.warn(
            "published.manifest missing; uploading every file",
            found=len(published.entries) + len(others),
            ours=len(published.entries),
            not_ours=len(others),
        )
    if missing := bucket_listing.missing(published, listing):
        log.warn("files missing in S3; uploading them again", files=len(missing), first=missing[0])
    digest = sha256(bucket_listing.MARK_CONTENT)
    return bucket_listing.listed(published, listing, digest, files.settings.now.date())


def _plan(files: BuildFiles, log: Log, manifest: Mapping[str, str], state: State) -> Plan:
    """Make the plan and log its unusual parts; raise Refused if it deletes too many files."""
    settings = files.settings
    if not settings.force:
        current = [path for path, entry in state.published.entries.items() if not entry.removed_at]
        check_deletes(current, manifest, settings.max_delete_percent)
    invalidated_at = Budget(settings).invalidated_at
    lost = invalidated_at is None or not files.pending.exists()
    if lost and state.is_complete and EVERYTHING not in state.pending.paths:
        log.warn("invalidation history lost; invalidating /*")
    edge = Edge(
        pending=state.pending,
        invalidated_at=invalidated_at,
        history_lost=lost or not state.is_complete,
        invalidated=settings.invalidate != "none",
    )
    plan = make_plan(manifest, state.published, edge, settings.now)
    sizes = {path: (files.site / path).stat().st_size for path in manifest}
    plan = replace(plan, steps=tuple(split(plan.steps, sizes)))
    _log_uploads(log, manifest, state, plan.changes.uploads)
    return plan


def _log_uploads(log: Log, manifest: Mapping[str, str], state: State, uploads: tuple[str, ...]) -> None:
    known = {path: state.published.entries[path] for path in uploads if path in state.published.entries}
    # A changed file is not one of these, since its headers come with its content.
    headers = [path for path, entry in known.items() if entry.digest == manifest[path]]
    uncertain = [path for path, entry in known.items() if entry.is_uncertain]
    untyped = [path for path in uploads if headers_for(path).content_type == UNKNOWN_TYPE]
    if headers:
        log.info("headers changed; uploading these files again", files=len(headers))
    if state.pending.paths or (uncertain and state.is_complete):
        log.info("resuming an unfinished run", pending=len(state.pending.paths), uncertain=len(uncertain))
    if untyped:
        log.warn(f"unknown file type; uploading it as {UNKNOWN_TYPE}", files=len(untyped), first=untyped[0])


def _stage(files: BuildFiles, plan: Plan, manifest: Mapping[str, str]) -> None:
    """Copy the files to upload to one folder for each step; raise Refused if one changed meanwhile."""
    _remove_stage(files)
    write_atomic(files.mark, bucket_listing.MARK_CONTENT)
    for number, step in enumerate(plan.steps):
        if step.action not in ("sync", "status"):
            continue
        for path in step.paths:
            data = read_site_file(files.site, path)
            if path != STATUS and sha256(data) != manifest[path]:
                raise program.Refused("incomplete site: a file changed during the upload", file=path)
            target = files.stage(number) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(target, data)
            os.utime(target, (ALWAYS_NEWER, ALWAYS_NEWER))


def _remove_stage(files: BuildFiles) -> None:
    """Remove the stage of an earlier run; raise Refused for a link, through which the copies would go."""
    stage = files.run / "stage"
    for folder in (files.run, stage):
        if folder.is_symlink():
            raise program.Refused("link in place of a folder", folder=str(folder))
    if stage.exists():
        shutil.rmtree(stage)


def _save_plan(files: BuildFiles, plan: Plan, state: State, events: int) -> None:
    """Save the steps and the publish state before them, for `record`."""
    files.run.mkdir(parents=True, exist_ok=True)
    entries = state.published.entries
    steps = []
    for number, step in enumerate(plan.steps):
        before = {
            path: (entries[path].digest, str(entries[path].headers)) for path in step.paths if path in entries
        }
        steps.append({"action": step.action, "paths": step.paths, "before": before})
        if step.action == "delete":
            # Not quiet: only a delete that the answer lists counts as done.
            batch = {"Objects": [{"Key": files.key(path)} for path in step.paths], "Quiet": False}
            write_atomic(files.run / f"delete-{number}.json", json.dumps(batch).encode())
    pending = {"paths": sorted(state.pending.paths), "change_id": state.pending.change_id}
    data = {
        "changed": len(plan.changes.uploads),
        "events": events,
        "pending": pending if files.pending.exists() else None,
        "steps": steps,
        "removed": plan.changes.removed,
    }
    write_atomic(files.run / "upload.plan.json", json.dumps(data).encode())


def _keep_published_before(files: BuildFiles) -> None:
    if files.published.exists():
        write_atomic(files.published_before, read_regular(files.published))
    else:
        files.published_before.unlink(missing_ok=True)


def _lines(files: BuildFiles, plan: Plan) -> Iterator[list[str]]:
    for number, step in enumerate(plan.steps):
        size = str(len(step.paths))
        if step.headers is None:
            yield [step.action, size, str(files.run / f"delete-{number}.json")]
        else:
            # aws s3 sync lists the whole prefix for each command. In a bucket with other objects too, that
            # is without limit: 1.8 million of them took 16 minutes (aws-cli#7653).
            copies = step.action == "sync" and not plan.published.alone
            action = "copy" if copies else step.action
            sources = {"status": files.stage(number) / STATUS, "mark": files.mark}
            source = sources.get(step.action, files.stage(number))
            yield [action, size, str(source), step.headers.content_type, step.headers.cache_control]


def show(files: BuildFiles, log: Log) -> None:
    """Print the uploads, deletes and invalidations of the next run, and their price."""
    state = load_state(files, log)
    manifest, _ = _checked(files, log)
    plan = _plan(files, log, manifest, state)
    puts = lists = size = 0
    for step in plan.steps:
        lists += step.action == "sync" and plan.published.alone  # it lists all objects below the prefix
        for path in step.paths:
            sys.stdout.write(f"{'delete' if step.action == 'delete' else 'upload'}\t{files.key(path)}\n")
            if step.action != "delete":
                puts += 1
                size += (
                    (files.site / path).stat().st_size if path != MARK else len(bucket_listing.MARK_CONTENT)
                )
    deletes = {path for step in plan.steps if step.action == "delete" for path in step.paths}
    for path, entry in sorted(plan.published.entries.items()):
        if entry.removed_at and path not in deletes:
            sys.stdout.write(f"delete later\t{files.key(path)}\n")
    paths = paths_for(plan.pending.paths, files.settings)
    sys.stdout.writelines(f"invalidate\t{path}\n" for path in paths)
    budget = Budget(files.settings)
    if state.completeness is Completeness.MISSING:
        sys.stdout.write("published.manifest is missing: the upload lists the bucket first\n")
    lists *= -(-len(plan.published.entries) // MOST_KEYS)
    if needs_listing(state, files.settings):
        lists += len(bucket_listing.requests_for(manifest, state.published))
    dollars = (puts + lists) * DOLLARS_A_REQUEST + budget.price(len(paths))
    sys.stdout.write(
        f"{_number(puts, 'upload')} ({size:,} bytes), {_number(len(deletes), 'delete')},"
        f" {_number(len(paths), 'invalidation path')}: ${dollars:.6f}{budget.used}\n"
    )


def _number(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def main(argv: list[str] | None = None) -> int:
    """Run one of the commands; return the exit code."""
    parser = program.options(__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare")
    preparing.add_argument("--listed", action=BooleanOptionalAction)
    commands.add_parser("record").add_argument("done", type=int)
    commands.add_parser("show")
    args = parser.parse_args(argv)
    log = Log("upload")

    def work() -> int:
        files = BuildFiles(PublishSettings.from_env(read_environment(log=log)))
        if args.command == "record":
            record(files, args.done)
        elif args.command == "show":
            show(files, log)
        else:
            prepare(files, log, listed=args.listed)
        return OK

    unreadable = ("cannot read or write the publish state", FAILED)
    return program.run(log, work, {ValueError: unreadable, KeyError: unreadable})


if __name__ == "__main__":
    sys.exit(main())
