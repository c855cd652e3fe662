"""Invalidation paths, their price, and the InvalidationBatch that is sent to CloudFront.

The first 1,000 paths of a month are free for the whole AWS account, then $0.005 each. A wildcard
counts as one path, so a run never needs more than one.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from files import read_regular, sha256, write_atomic
from publishing.state import EVERYTHING, Pending
from settings import PublishSettings
from site_paths import HOME, NOT_FOUND

FREE_A_MONTH = 1000
WARN_FROM = 900
DOLLARS_A_PATH = 0.005

# Characters that need no percent-encoding. A path with any other is covered by a wildcard: if CloudFront
# encodes a character in another way than we do, it refuses the batch, or silently keeps the page.
_PLAIN = re.compile(r"[A-Za-z0-9._/-]+\Z")


def paths_for(pending: Iterable[str], settings: PublishSettings) -> list[str]:
    """Return the invalidation path that covers the site's files in `pending`, as a list.

    It is empty without pending files, and if INVALIDATE is none. The path is the page's own if one file
    changed, else a wildcard. It is a path of the public address, SITE_URL: it never includes an origin
    path, and may include S3_PREFIX. With a prefix and without SITE_URL, only `/*` is right in both cases.
    """
    names = list(pending)
    if not names or settings.invalidate == "none":
        return []
    base = urlsplit(settings.site_url).path.rstrip("/")
    base_is_known = _PLAIN.match(base or "/") and (settings.site_url or not settings.prefix)
    if len(names) == 1 and base_is_known and _has_one_address(names[0]):
        return [f"{base}/{names[0]}"]
    # "/events*" also covers "/events" and "/events/", which are cache entries of their own.
    return [f"{base}*" if base else "/*"]


def _has_one_address(name: str) -> bool:
    """Return whether CloudFront caches the file only at its own path.

    It caches the default root object at `/` too, and 404.html at every address that does not exist.
    """
    return bool(_PLAIN.match(name)) and name not in (EVERYTHING, HOME, NOT_FOUND)


def batch(paths: list[str], pending: Pending, distribution: str) -> dict[str, object]:
    """Return the InvalidationBatch for `paths`; its CallerReference is the same for every retry."""
    reference = sha256("\n".join([distribution, pending.change_id, *sorted(pending.paths), *paths]).encode())
    return {
        "Paths": {"Quantity": len(paths), "Items": paths},
        "CallerReference": f"events-display-{reference[:32]}",
    }


class Budget:
    """The paths that CloudFront has billed this month, and the time of its last invalidation.

    The file `invalidations` holds one line: `2026-11 17 <last reference> <time of the last answer>`.
    A month is one of AWS's bills, which are kept in UTC. Without CloudFront no path is billed.
    """

    def __init__(self, settings: PublishSettings) -> None:
        self._path = settings.pending_dir / "invalidations"
        self._now = settings.now
        self._is_billed = settings.invalidate == "cloudfront"
        self._month = f"{settings.now.astimezone(UTC):%Y-%m}"
        self.count, self.last_reference = 0, ""
        self.invalidated_at: datetime | None = None
        with contextlib.suppress(FileNotFoundError, ValueError):
            month, count, reference, answered_at = read_regular(self._path).decode().split()
            self.invalidated_at = datetime.fromisoformat(answered_at)
            self.count, self.last_reference = int(count) if month == self._month else 0, reference

    def add(self, paths: int, reference: str) -> None:
        """Record an answer of CloudFront; count its `paths` once, also if a retry repeats the reference."""
        if self._is_billed and reference != self.last_reference:
            self.count += paths
        self.last_reference, self.invalidated_at = reference, self._now
        line = f"{self._month} {self.count} {reference} {self.invalidated_at.isoformat()}\n"
        write_atomic(self._path, line.encode(), durable=True)

    def price(self, paths: int) -> float:
        """Return the price of `paths` more paths, in dollars."""
        return max(0, min(paths, self.count + paths - FREE_A_MONTH)) * DOLLARS_A_PATH * self._is_billed

    @property
    def used(self) -> str:
        """The end of a sentence: how many free paths are used; empty if no path is billed."""
        text = f"; {self.count:,} of {FREE_A_MONTH:,} free paths used this month"
        return text if self._is_billed else ""
