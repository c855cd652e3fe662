"""The state of publishing: what S3 holds (published.manifest), what CloudFront must hear (pending-paths).

published.manifest is sha256sum's format in groups, each headed by the headers its files were
sent with, so that a changed rule shows as a change of just the files it covers:

    # destination aws s3://bucket/prefix
    # headers text/html; charset=utf-8 | public, max-age=60
    <sha256>  index.html
    # left 2026-11-22T14:15:00+00:00          (these are no longer in the site, not yet deleted)
    <sha256>  event/1.html

A digest of 64 zeros means: a run began to write it and did not say how that ended. With a one at
the end: and it may not be there at all, since it was new, or to be deleted.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

from files import write_atomic
from publishing.headers import Headers

IN_DOUBT = "0" * 64
PERHAPS_ABSENT = f"{1:064}"
EVERYTHING = "*"  # in pending-paths: all that the edge may hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An object in S3: its digest, its headers, and since when it is no longer part of the site."""

    digest: str
    headers: Headers
    left: datetime | None = None

    @property
    def in_doubt(self) -> bool:
        """Whether nobody knows what S3 holds."""
        return self.digest in (IN_DOUBT, PERHAPS_ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What S3 is known to hold at `destination`, by path below the prefix."""

    destination: str
    entries: Mapping[str, Entry] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read it; None when there is none, ValueError or OSError when it cannot be used."""
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return None
        word, _, destination = lines[0].partition("# destination ")
        if word or not destination or lines[-1]:
            raise ValueError("cut short")
        entries: dict[str, Entry] = {}
        headers: Headers | None = None
        left: datetime | None = None
        for line in lines[1:-1]:
            if line.startswith("# headers "):
                headers, left = Headers.parse(line.removeprefix("# headers ")), None
            elif line.startswith("# left "):
                left = datetime.fromisoformat(line.removeprefix("# left "))
            else:
                digest, separator, name = line.partition("  ")
                if len(digest) != 64 or not separator or not name or headers is None:
                    raise ValueError(f"not a manifest line: {line[:80]!r}")
                entries[name] = Entry(digest=digest, headers=headers, left=left)
        return cls(destination=destination, entries=entries)

    def save(self, path: Path) -> None:
        """Write it durably and by rename."""
        lines = [f"# destination {self.destination}"]
        group: tuple[Headers, datetime | None] | None = None
        ordered = sorted(
            self.entries.items(),
            key=lambda item: (item[1].headers, item[1].left.isoformat() if item[1].left else "", item[0]),
        )
        for name, entry in ordered:
            if group != (entry.headers, entry.left):
                if group is None or group[0] != entry.headers:
                    lines.append(f"# headers {entry.headers}")
                if entry.left:
                    lines.append(f"# left {entry.left.isoformat()}")
                group = (entry.headers, entry.left)
            lines.append(f"{entry.digest}  {name}")
        write_atomic(path, ("\n".join(lines) + "\n").encode(), durable=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What was changed in S3 and not yet invalidated; `mark` is new with every change.

    The mark makes CloudFront's CallerReference: the same for a retry, another one when the
    same pages change again. (A digest of the content would not do: A, B, A, B.)
    """

    paths: frozenset[str] = frozenset()
    mark: str = ""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read it; a missing file is an empty one."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return cls()
        marks = [line.removeprefix("# mark ") for line in lines if line.startswith("# mark ")]
        return cls(
            paths=frozenset(line for line in lines if line and not line.startswith("#")),
            mark="".join(marks[:1]),
        )

    def add(self, paths: Iterable[str]) -> Pending:
        """Return it with `paths` and a new mark."""
        return Pending(paths=self.paths | frozenset(paths), mark=secrets.token_hex(8))

    def save(self, path: Path) -> None:
        """Write it durably and by rename; an empty one is an empty file."""
        text = f"# mark {self.mark}\n" + "".join(f"{name}\n" for name in sorted(self.paths))
        write_atomic(path, text.encode() if self.paths else b"", durable=True)
