"""What has to change in S3: compares the site with what is published. Pure; scripts/upload_steps.py acts.

The order keeps every link good at every moment: assets, then new pages (nothing published leads
to them yet), then changed pages, then status.json, then deletes. A page that left the site is
deleted ten minutes after CloudFront was told of the pages that led to it, a hashed asset a day
after it left, and after such pages: by then nobody has a copy of a page that leads there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from publishing.headers import Headers, headers_for
from publishing.state import EVERYTHING, IN_DOUBT, PERHAPS_ABSENT, Entry, Pending, Published
from site_paths import HOME, STATUS, is_hashed, is_ours

# Browsers keep a page for one minute and may show it for another while they ask again; an
# invalidation takes effect within seconds, rarely minutes. The next run of the timer is later.
KEEP_PAGES = timedelta(minutes=10)
KEEP_ASSETS = timedelta(days=1)
DELETE_BATCH = 1000  # the most that S3's DeleteObjects takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Files that go up together (`sync`, `status`), or are deleted together (`delete`)."""

    action: str
    paths: tuple[str, ...]
    headers: Headers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in order, what the books must say before the first of them, and the numbers."""

    steps: tuple[Step, ...]
    published: Published
    pending: Pending
    changed: int = 0
    leaving: tuple[str, ...] = ()


def compare(
    *,
    manifest: Mapping[str, str],
    old: Published,
    pending: Pending,
    anew: bool,
    told: datetime | None,
    now: datetime,
) -> Plan:
    """Work out the steps from what the site is, what S3 holds and what the edge has not been told.

    `anew` says that `old` and `pending` may not tell all that the edge shows of this place; `told` is
    when CloudFront was last told of anything.
    """
    entries = dict(old.entries)
    first: list[str] = []
    again: list[str] = []
    for_the_edge: set[str] = set()
    for path, digest in manifest.items():
        headers, entry = headers_for(path), old.entries.get(path)
        if entry and (entry.digest, entry.headers) == (digest, headers):
            entries[path] = replace(entry, left=None)
            continue
        is_there = entry is not None and entry.digest != PERHAPS_ABSENT
        # The home page leads to all the others, so it never counts as new.
        (again if is_there or path == HOME else first).append(path)
        entries[path] = Entry(digest=IN_DOUBT if is_there else PERHAPS_ABSENT, headers=headers)
        if entry or not is_hashed(path):
            for_the_edge.add(path)
    leaving = [path for path, entry in entries.items() if path not in manifest and not entry.left]
    for path in leaving:
        entries[path] = replace(entries[path], left=now)
    for_the_edge |= {path for path in leaving if not is_hashed(path)}
    if anew and EVERYTHING not in pending.paths:
        for_the_edge.add(EVERYTHING)
    # After a run that was killed, pages lead there that this run is only about to change.
    unfinished = any(entry.in_doubt and not entry.left for entry in old.entries.values())
    # What left in earlier runs; nothing that the edge or a browser may still show leads to it.
    due = []
    if told and told <= now - KEEP_PAGES and not pending.paths and not anew and not unfinished:
        due = _due(old.entries, now, manifest)
    # Somebody may have asked for it since the edge was told that it left.
    for_the_edge |= {path for path in due if not is_hashed(path)}
    return Plan(
        steps=(
            *_syncs((path for path in first + again if is_hashed(path)), entries),
            *_syncs((path for path in first if not is_hashed(path)), entries),
            *_syncs((path for path in again if not is_hashed(path)), entries),
            Step(action="status", paths=(STATUS,), headers=headers_for(STATUS)),
            *_deletes(due),
        ),
        published=Published(destination=old.destination, entries=_doubted(entries, due)),
        pending=pending.add(for_the_edge) if for_the_edge else pending,
        changed=len(first) + len(again),
        leaving=tuple(leaving),
    )


def _due(entries: Mapping[str, Entry], now: datetime, manifest: Mapping[str, str]) -> list[str]:
    left = {path: entry.left for path, entry in entries.items() if entry.left}
    pages = {path for path in left if not is_hashed(path)}
    # Pages first, also those that have just come back: somebody may have come upon one as it
    # was, so its assets stay until CloudFront has been told of it.
    if pages:
        return sorted(pages - manifest.keys())
    return sorted(path for path in left.keys() - manifest.keys() if left[path] <= now - KEEP_ASSETS)


def _doubted(entries: Mapping[str, Entry], paths: list[str]) -> dict[str, Entry]:
    return {**entries, **{path: replace(entries[path], digest=PERHAPS_ABSENT) for path in paths}}


def _deletes(paths: list[str]) -> Iterator[Step]:
    for start in range(0, len(paths), DELETE_BATCH):
        yield Step(action="delete", paths=tuple(paths[start : start + DELETE_BATCH]))


def _syncs(paths: Iterable[str], entries: Mapping[str, Entry]) -> Iterator[Step]:
    by_headers: dict[Headers, list[str]] = {}
    for path in paths:
        by_headers.setdefault(entries[path].headers, []).append(path)
    # Pages last within their phase: they lead to the feeds, which lead nowhere.
    for headers in sorted(by_headers, key=lambda item: (item.content_type.startswith("text/html"), item)):
        yield Step(action="sync", paths=tuple(sorted(by_headers[headers])), headers=headers)


def adopt(listed: Iterable[str], manifest: Mapping[str, str]) -> dict[str, Entry]:
    """Return entries for what a forgotten run left in S3, by the paths `listed` there.

    Only names that this program gives its files count as ours; whatever else lies below the
    prefix is somebody else's and is never deleted.
    """
    return {
        path: Entry(digest=IN_DOUBT, headers=headers_for(path))
        for path in listed
        if path in manifest or is_ours(path)
    }
