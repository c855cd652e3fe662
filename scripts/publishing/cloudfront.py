"""Invalidation paths, their price, and the batch that CloudFront gets.

The first 1,000 paths of a month are free for the whole AWS account, then $0.005 each. A wildcard
counts as one path, so a run never needs more than one.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from files import sha256, write_atomic
from publishing.published import EVERYTHING, Pending
from settings import PublishSettings
from site_paths import HOME, NOT_FOUND

FREE_A_MONTH = 1000
WARN_FROM = 900
DOLLARS_A_PATH = 0.005

# What needs no percent-encoding anywhere. A path with anything else is covered by a wildcard:
# one character that CloudFront encodes otherwise than we do fails the batch or misses silently.
_PLAIN = re.compile(r"[A-Za-z0-9._/-]+\Z")


def paths_for(pending: Iterable[str], chosen: PublishSettings) -> list[str]:
    """Return the invalidation paths that cover the site's files in `pending`, as billed.

    They are paths of the public address, SITE_URL: an origin path is not part of them, S3_PREFIX
    may be. Without SITE_URL, and with a prefix, only `/*` is right in both cases.
    """
    names = sorted(pending)
    if not names:
        return []
    base = urlsplit(chosen.site_url).path.rstrip("/")
    # "/events*" also covers "/events" and "/events/", which are entries of their own.
    everything = f"{base}*" if base else "/*"
    known = _PLAIN.match(base or "/") and (chosen.site_url or not chosen.prefix)
    if EVERYTHING in names:
        return [everything]
    if chosen.invalidate_paths == "tag":
        return [f"#{chosen.cache_tag}"]
    limit = chosen.invalidate_limit if chosen.invalidate_paths == "exact" else 1
    exact = [path for name in names for path in _exact(name, base)]
    if not known or len(exact) > limit or not all(map(_PLAIN.match, names)) or NOT_FOUND in names:
        return [everything]
    return exact


def _exact(name: str, base: str) -> list[str]:
    # The default root object is cached under both of its addresses.
    return [f"{base}/", f"{base}/{name}"] if name == HOME else [f"{base}/{name}"]


def batch(paths: list[str], pending: Pending, distribution: str) -> dict[str, object]:
    """Return the InvalidationBatch; its reference is the same whenever the same changes are retried."""
    reference = sha256("\n".join([distribution, pending.mark, *sorted(pending.paths), *paths]).encode())
    return {
        "Paths": {"Quantity": len(paths), "Items": paths},
        "CallerReference": f"events-display-{reference[:32]}",
    }


class Budget:
    """What CloudFront has billed in this month, and when it was last told of anything.

    In a file `2026-11 17 <last reference> <time of the last answer>`. A month is one of AWS's
    bills, which are kept in UTC.
    """

    def __init__(self, chosen: PublishSettings) -> None:
        self._path = chosen.build_dir / "invalidations"
        self._now = chosen.now
        self._month = f"{chosen.now.astimezone(UTC):%Y-%m}"
        self.count, self.last = 0, ""
        self.told: datetime | None = None
        with contextlib.suppress(FileNotFoundError, ValueError):
            month, count, last, told = self._path.read_text(encoding="utf-8").split()
            self.told = datetime.fromisoformat(told)
            self.count, self.last = int(count) if month == self._month else 0, last

    def add(self, paths: int, reference: str) -> None:
        """Note CloudFront's answer now; count `paths`, unless they were counted under this reference before."""
        if reference != self.last:
            self.count += paths
        self.last, self.told = reference, self._now
        line = f"{self._month} {self.count} {reference} {self.told.isoformat()}\n"
        write_atomic(self._path, line.encode(), durable=True)

    def price(self, paths: int) -> float:
        """Return what `paths` more would cost, in dollars."""
        return max(0, min(paths, self.count + paths - FREE_A_MONTH)) * DOLLARS_A_PATH
