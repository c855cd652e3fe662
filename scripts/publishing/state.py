"""The publish state: the objects in S3 (published.manifest) and the paths to invalidate (pending-paths).

published.manifest has the format of sha256sum, in groups. Each group starts with the headers that its
files were sent with, so that a changed header rule uploads only its own files again:

    # destination aws s3://bucket/prefix
    # headers text/html; charset=utf-8 | public, max-age=60
    <sha256>  index.html
    # removed 2026-11-22T14:15:00+00:00       (no longer in the site, not yet deleted from S3)
    <sha256>  event/1.html

Before the first group, optional lines hold the last listing of the bucket (`alone`: no other program's
objects are there) and the failed attempts to delete:

    # listed 2026-11-22 alone
    # deletes failed 2, none before 2026-11-22T15:00:00+00:00

Two digests mean that a run began to change the object and did not record the outcome: 64 zeros if the
object exists, 63 zeros and a one if it may be missing (a new file, or one to be deleted).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Self

from files import read_regular, write_atomic
from publishing.headers import Headers

UNCERTAIN = "0" * 64
MAYBE_MISSING = f"{1:064}"
EVERYTHING = "*"  # in pending-paths: all files that CloudFront may hold

_DESTINATION, _HEADERS, _LISTED, _DELETES = "# destination ", "# headers ", "# listed ", "# deletes failed "
# The second word of each is from versions before 0.1.0.
_REMOVED, _CHANGE = ("# removed ", "# left "), ("# change ", "# mark ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An object in S3: its digest and headers, and the time when the site lost the file, if it did."""

    digest: str
    headers: Headers
    removed_at: datetime | None = None

    @property
    def is_uncertain(self) -> bool:
        """Whether the content of the object is unknown."""
        return self.digest in (UNCERTAIN, MAYBE_MISSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The objects known to be in S3 at `destination`, by their path below the prefix.

    `listed_on` is the day of the last listing; `alone` says that it found only objects of ours. After
    `failed_deletes` attempts in a row, no file is deleted before `no_deletes_before`.
    """

    destination: str
    entries: Mapping[str, Entry] = field(default_factory=dict)
    listed_on: date | None = None
    alone: bool = False
    failed_deletes: int = 0
    no_deletes_before: datetime | None = None

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read published.manifest; return None if there is no file.

        Raises ValueError or OSError for a file that cannot be used.
        """
        try:
            lines = read_regular(path).decode().split("\n")
        except FileNotFoundError:
            return None
        word, _, destination = lines[0].partition(_DESTINATION)
        if word or not destination or lines[-1]:
            raise ValueError("cut short")
        entries: dict[str, Entry] = {}
        headers: Headers | None = None
        removed_at: datetime | None = None
        listed_on: date | None = None
        alone, failed_deletes = False, 0
        no_deletes_before: datetime | None = None
        for line in lines[1:-1]:
            if line.startswith(_LISTED):
                day, _, word = line.removeprefix(_LISTED).partition(" ")
                listed_on, alone = date.fromisoformat(day), word == "alone"
            elif line.startswith(_DELETES):
                count, _, moment = line.removeprefix(_DELETES).partition(", none before ")
                failed_deletes, no_deletes_before = int(count), datetime.fromisoformat(moment)
            elif line.startswith(_HEADERS):
                headers, removed_at = Headers.parse(line.removeprefix(_HEADERS)), None
            elif line.startswith(_REMOVED):
                removed_at = datetime.fromisoformat(line.split(" ", 2)[2])
            else:
                digest, separator, name = line.partition("  ")
                if len(digest) != 64 or not separator or not name or headers is None:
                    raise ValueError(f"not a manifest line: {line[:80]!r}")
                entries[name] = Entry(digest=digest, headers=headers, removed_at=removed_at)
        return cls(
            destination=destination,
            entries=entries,
            listed_on=listed_on,
            alone=alone,
            failed_deletes=failed_deletes,
            no_deletes_before=no_deletes_before,
        )

    def save(self, path: Path) -> None:
        """Write published.manifest by rename, and to the disk before returning."""
        lines = [f"{_DESTINATION}{self.destination}"]
        if self.listed_on:
            lines.append(f"{_LISTED}{self.listed_on.isoformat()}{' alone' if self.alone else ''}")
        if self.no_deletes_before:
            until = self.no_deletes_before.isoformat()
            lines.append(f"{_DELETES}{self.failed_deletes}, none before {until}")
        group: tuple[Headers, datetime | None] | None = None
        for name, entry in sorted(self.entries.items(), key=_by_group):
            if group != (entry.headers, entry.removed_at):
                if group is None or group[0] != entry.headers:
                    lines.append(f"{_HEADERS}{entry.headers}")
                if entry.removed_at:
                    lines.append(f"{_REMOVED[0]}{entry.removed_at.isoformat()}")
                group = (entry.headers, entry.removed_at)
            lines.append(f"{entry.digest}  {name}")
        write_atomic(path, ("\n".join(lines) + "\n").encode(), durable=True)


def _by_group(item: tuple[str, Entry]) -> tuple[Headers, str, str]:
    name, entry = item
    return entry.headers, entry.removed_at.isoformat() if entry.removed_at else "", name


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The paths changed in S3 and not yet invalidated; `change_id` is new with every change.

    CloudFront's CallerReference is made from the id: the same for a retry, another one when the same
    pages change again. (A digest of the content would not do: it is the same after A, B, A.)
    """

    paths: frozenset[str] = frozenset()
    change_id: str = ""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read pending-paths; a missing file means no paths."""
        try:
            lines = read_regular(path).decode().splitlines()
        except FileNotFoundError:
            return cls()
        ids = [line.split(" ", 2)[2] for line in lines if line.startswith(_CHANGE)]
        return cls(
            paths=frozenset(line for line in lines if line and not line.startswith("#")),
            change_id="".join(ids[:1]),
        )

    def add(self, paths: Iterable[str]) -> Pending:
        """Return these paths and `paths`, with a new id."""
        return Pending(paths=self.paths | frozenset(paths), change_id=secrets.token_hex(8))

    def save(self, path: Path) -> None:
        """Write pending-paths by rename, and to the disk before returning; without paths, an empty file."""
        text = f"{_CHANGE[0]}{self.change_id}\n" + "".join(f"{name}\n" for name in sorted(self.paths))
        write_atomic(path, text.encode() if self.paths else b"", durable=True)
