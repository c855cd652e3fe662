"""Compare a listing of the bucket with the publish state: whose objects are there, and which are missing.

The mark, an object that this program uploads before all others and never again, tells our objects from
those of other programs: the older ones are not ours, even if their names are. Without the mark, an
object with the name of one of our files belongs to another site.

Only the folders of the site are listed, without their subfolders, so that an archive in the same bucket
costs no request. The listing is one JSON file for each folder, in $BUILD_DIR/run/listing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from posixpath import dirname

from program import AnswerError, Refused
from publishing.headers import headers_for
from publishing.state import MAYBE_MISSING, UNCERTAIN, Entry, Published
from site_paths import FOLDERS, MARK, STATUS, is_ours

MARK_CONTENT = (
    b"events-display publishes to this place. It uploaded this file before all others, and tells its own\n"
    b"files from older ones by it. Please keep it.\n"
)
MOST_OTHERS = 10_000  # objects of other programs in one folder: ten requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One folder to list: `folder` is its path below the prefix, `most` the most objects to return."""

    folder: str
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The objects of the listed folders, by path, with the time of their upload.

    `cut` holds the folders with more objects than were listed; `subfolders` is whether other folders exist.
    """

    objects: Mapping[str, datetime]
    cut: frozenset[str]
    subfolders: bool

    @classmethod
    def load(cls, folder: Path, requests: Iterable[Request], prefix: str) -> Listing:
        """Read the answers to `requests` in `folder`; `prefix` is empty or ends with a slash.

        Raises AnswerError if one is something else than an answer.
        """
        objects: dict[str, datetime] = {}
        cut, found = set[str](), set[str]()
        for number, request in enumerate(requests):
            try:
                answer = json.loads((folder / f"{number}.json").read_bytes())
                for key, modified in answer["objects"] or []:
                    objects[key.removeprefix(prefix)] = datetime.fromisoformat(modified)
                found |= {key.removeprefix(prefix).rstrip("/") for key in answer["folders"] or []}
                if answer["more"]:
                    cut.add(request.folder)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise AnswerError("list-objects-v2") from error
        known = {request.folder for request in requests}
        objects.pop("", None)  # the empty object that some programs create for a folder
        return cls(objects=objects, cut=frozenset(cut), subfolders=bool(found - known))


def requests_for(manifest: Mapping[str, str], published: Published) -> list[Request]:
    """Return the folders to list: all of ours, and those of files that are or will be published."""
    paths = [*manifest, *(path for path in published.entries if path not in manifest)]
    folders = {"", *FOLDERS, *map(dirname, paths)}
    expected = [dirname(path) for path in paths]
    return [Request(folder=name, most=MOST_OTHERS + expected.count(name)) for name in sorted(folders)]


def check_owner(listing: Listing, manifest: Mapping[str, str]) -> None:
    """Raise Refused if another site's files are where this site's files would be."""
    found = sorted(path for path in listing.objects if path in manifest or path == STATUS or is_ours(path))
    advice = "set S3_PREFIX to a folder of its own, or use a new bucket"
    if found:
        raise Refused(
            f"the bucket holds another site: {advice}; FORCE=1 replaces the files of the same name",
            files=len(found),
            found=" ".join(found[:2]),
        )
    if listing.cut:
        raise Refused(
            f"too many other objects in the bucket: {advice}; FORCE=1 publishes anyway",
            more_than=MOST_OTHERS,
        )


def with_found(published: Published, listing: Listing, manifest: Mapping[str, str]) -> Published:
    """Return `published`, which is incomplete, with an uncertain entry for each object of ours in `listing`.

    Objects older than the mark count only if the site has a file of that name, which replaces them.
    """
    mark = listing.objects.get(MARK)
    entries = dict(published.entries)
    for path, modified in listing.objects.items():
        if path in manifest or (mark and modified >= mark and is_ours(path) and path != STATUS):
            entries.setdefault(path, Entry(digest=UNCERTAIN, headers=headers_for(path)))
    return replace(published, entries=entries)


def missing(published: Published, listing: Listing) -> list[str]:
    """Return the published files that are not in S3 any more."""
    return [
        path
        for path, entry in published.entries.items()
        if path not in listing.objects
        and path != MARK
        and dirname(path) not in listing.cut
        and not entry.removed_at
        and not entry.is_uncertain
    ]


def listed(published: Published, listing: Listing, digest: str, today: date) -> Published:
    """Return `published` with the results of the listing; `digest` is that of the mark."""
    entries = dict(published.entries)
    for path in missing(published, listing):
        entries[path] = replace(entries[path], digest=MAYBE_MISSING)
    entries.pop(MARK, None)
    if MARK in listing.objects:
        entries[MARK] = Entry(digest=digest, headers=headers_for(MARK))
    others = any(path not in entries and path != STATUS for path in listing.objects)
    alone = not (others or listing.subfolders or listing.cut)
    return replace(published, entries=entries, listed_on=today, alone=alone)
