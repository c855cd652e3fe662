"""Decide which files to upload, delete and invalidate, and in which order. Touches no file and no server.

The order keeps every link valid at every moment: the mark of this program, then assets, then new pages
(no published page links to them yet), then changed pages, then status.json, then deletes. A page that
was removed from the site is deleted ten minutes after CloudFront invalidated the pages that linked to
it. A hashed asset is deleted a day after its removal, and after all removed pages. By then neither
CloudFront nor a browser holds a page that links to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from publishing.headers import Headers, headers_for
from publishing.state import EVERYTHING, MAYBE_MISSING, UNCERTAIN, Entry, Pending, Published
from site_paths import HOME, MARK, STATUS, is_hashed

# Browsers keep a page for one minute and may show it for another while they revalidate it. An
# invalidation takes seconds, rarely minutes. The next run of the timer is later than this.
KEEP_PAGES = timedelta(minutes=10)
KEEP_ASSETS = timedelta(days=1)
DELETE_BATCH = 1000  # the most keys that S3's DeleteObjects accepts
# The most bytes to upload with one command. The AWS CLI sends ten files at once, and S3 answers each
# after its last byte: at 128 kbit/s, 31 seconds after the start, within the read timeout of bin/upload.
BYTES_AT_ONCE = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Files to upload together (`mark`, `sync`, `status`) or to delete together (`delete`)."""

    action: str
    paths: tuple[str, ...]
    headers: Headers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The paths in which the site differs from S3.

    `new` files may be missing in S3; `replaced` ones exist there with other content or headers;
    `removed` ones are in S3 and no longer in the site.
    """

    new: tuple[str, ...]
    replaced: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def uploads(self) -> tuple[str, ...]:
        """All paths to upload."""
        return self.new + self.replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """CloudFront's side: the paths still to invalidate, and the time of its last invalidation.

    With `history_lost`, it may hold old copies of paths that are not in `pending`. `invalidated` is false
    for a cache that learns of no change.
    """

    pending: Pending
    invalidated_at: datetime | None
    history_lost: bool
    invalidated: bool = True

    def headers_for(self, path: str) -> Headers:
        """Return the headers of the site's file `path`."""
        return headers_for(path, invalidated=self.invalidated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in order, and the publish state to save before the first of them."""

    changes: Changes
    steps: tuple[Step, ...]
    published: Published
    pending: Pending


def make_plan(manifest: Mapping[str, str], published: Published, edge: Edge, now: datetime) -> Plan:
    """Return the plan that makes S3 and CloudFront serve the files of `manifest`."""
    changes = compare(manifest, published, edge)
    deletes = due_deletes(manifest, published, edge, now)
    stale = stale_paths(changes, deletes, published, edge)
    return Plan(
        changes=changes,
        steps=(*_mark(published), *order(changes, deletes, edge)),
        published=replace(
            published, entries=_entries_during(manifest, published, changes, deletes, edge, now)
        ),
        pending=edge.pending.add(stale) if stale else edge.pending,
    )


def compare(manifest: Mapping[str, str], published: Published, edge: Edge) -> Changes:
    """Return the paths in which the site differs from S3."""
    new: list[str] = []
    replaced: list[str] = []
    for path, digest in manifest.items():
        entry = published.entries.get(path)
        if entry is None or entry.digest == MAYBE_MISSING:
            new.append(path)
        elif (entry.digest, entry.headers) != (digest, edge.headers_for(path)):
            replaced.append(path)
    removed = [
        path
        for path, entry in published.entries.items()
        if path not in manifest and path != MARK and not entry.removed_at
    ]
    return Changes(new=tuple(new), replaced=tuple(replaced), removed=tuple(removed))


def due_deletes(
    manifest: Mapping[str, str], published: Published, edge: Edge, now: datetime
) -> tuple[str, ...]:
    """Return the removed paths to delete now: no page in CloudFront's or a browser's cache links to them."""
    entries = published.entries
    # A killed run may have left live pages that still link to these files.
    unfinished = any(entry.is_uncertain and not entry.removed_at for entry in entries.values())
    if unfinished or edge.history_lost or edge.pending.paths:
        return ()
    if published.no_deletes_before and now < published.no_deletes_before:
        return ()
    if edge.invalidated_at is None or edge.invalidated_at > now - KEEP_PAGES:
        return ()
    removed = {path: entry.removed_at for path, entry in entries.items() if entry.removed_at}
    pages = {path for path in removed if not is_hashed(path)}
    # Pages first, even if one is back in the site: a visitor may hold its old version, so the assets
    # stay until CloudFront has invalidated it.
    if pages:
        return tuple(sorted(pages - manifest.keys()))
    return tuple(sorted(path for path in removed.keys() - manifest if removed[path] <= now - KEEP_ASSETS))


def stale_paths(changes: Changes, deletes: Iterable[str], published: Published, edge: Edge) -> set[str]:
    """Return the paths to invalidate; a hashed asset only if S3 already had it, since that may be damaged."""
    stale = {path for path in changes.uploads if path in published.entries or not is_hashed(path)}
    # A deleted page is invalidated again: a visitor may have fetched it since its removal.
    stale |= {path for path in (*changes.removed, *deletes) if not is_hashed(path)}
    if edge.history_lost and EVERYTHING not in edge.pending.paths:
        stale.add(EVERYTHING)
    return stale


def _mark(published: Published) -> Iterator[Step]:
    """Yield the step that uploads the mark, unless the mark is there."""
    mark = published.entries.get(MARK)
    if mark is None or mark.is_uncertain:
        yield Step(action="mark", paths=(MARK,), headers=headers_for(MARK))


def split(steps: Iterable[Step], sizes: Mapping[str, int]) -> Iterator[Step]:
    """Yield the steps, each sync in parts of at most BYTES_AT_ONCE bytes (or one file), small files first."""
    for step in steps:
        if step.action != "sync":
            yield step
            continue
        part: list[str] = []
        size = 0
        for path in sorted(step.paths, key=lambda path: (sizes[path], path)):
            if part and size + sizes[path] > BYTES_AT_ONCE:
                yield replace(step, paths=tuple(part))
                part, size = [], 0
            part.append(path)
            size += sizes[path]
        yield replace(step, paths=tuple(part))


def order(changes: Changes, deletes: tuple[str, ...], edge: Edge) -> Iterator[Step]:
    """Yield the steps in the order that keeps every link valid."""
    # The home page links to all other pages, so it never counts as new.
    new = set(changes.new) - {HOME}
    replaced = set(changes.uploads) - new
    yield from _syncs((path for path in changes.uploads if is_hashed(path)), edge)
    yield from _syncs((path for path in new if not is_hashed(path)), edge)
    yield from _syncs((path for path in replaced if not is_hashed(path)), edge)
    yield Step(action="status", paths=(STATUS,), headers=headers_for(STATUS))
    for start in range(0, len(deletes), DELETE_BATCH):
        yield Step(action="delete", paths=deletes[start : start + DELETE_BATCH])


def _syncs(paths: Iterable[str], edge: Edge) -> Iterator[Step]:
    """Yield a step for each kind of headers. Pages come last: they link to feeds, feeds link to no file."""
    by_headers: dict[Headers, list[str]] = {}
    for path in paths:
        by_headers.setdefault(edge.headers_for(path), []).append(path)
    for headers in sorted(by_headers, key=lambda item: (item.content_type.startswith("text/html"), item)):
        yield Step(action="sync", paths=tuple(sorted(by_headers[headers])), headers=headers)


def _entries_during(
    manifest: Mapping[str, str],
    published: Published,
    changes: Changes,
    deletes: Iterable[str],
    edge: Edge,
    now: datetime,
) -> dict[str, Entry]:
    """Return the entries to save during the upload: each file that it changes is uncertain."""
    entries = {
        path: replace(entry, removed_at=None) if path in manifest else entry
        for path, entry in published.entries.items()
    }
    entries |= {path: Entry(digest=MAYBE_MISSING, headers=edge.headers_for(path)) for path in changes.new}
    entries |= {path: Entry(digest=UNCERTAIN, headers=edge.headers_for(path)) for path in changes.replaced}
    entries |= {path: replace(entries[path], removed_at=now) for path in changes.removed}
    entries |= {path: replace(entries[path], digest=MAYBE_MISSING) for path in deletes}
    mark = entries.get(MARK)
    if mark is None or mark.is_uncertain:
        entries[MARK] = Entry(digest=MAYBE_MISSING, headers=headers_for(MARK))
    return entries
