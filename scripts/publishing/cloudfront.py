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
from publishing.state import EVERYTHING, Pending
from settings import PublishSettings
from site_paths import HOME, NOT_FOUND

FREE_A_MONTH = 1000
WARN_FROM = 900
DOLLARS_A_PATH = 0.005

# What needs no percent-encoding anywhere. A path with anything else is covered by a wildcard:
# one character that CloudFront encodes otherwise than we do fails the batch or misses silently.
_PLAIN = re.compile(r"[A-Za-z0-9._/-]+\Z")


def paths_for(pending: Iterable[str], chosen: PublishSettings) -> list[str]:
    """Return the invalidation path that covers the site's files in `pending`; no path when there are none.

    The page's own path when just one changed, else a wildcard. It is a path of the public address,
    SITE_URL: an origin path is not part of it, S3_PREFIX may be. Without SITE_URL, and with a
    prefix, only `/*` is right in both cases.
    """
    names = list(pending)
    if not names:
        return []
    base = urlsplit(chosen.site_url).path.rstrip("/")
    base_is_known = _PLAIN.match(base or "/") and (chosen.site_url or not chosen.prefix)
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
        """Note CloudFront's answer now; count `paths`, unless this reference is counted already."""
        if reference != self.last:
            self.count += paths
        self.last, self.told = reference, self._now
        line = f"{self._month} {self.count} {reference} {self.told.isoformat()}\n"
        write_atomic(self._path, line.encode(), durable=True)

    def price(self, paths: int) -> float:
        """Return what `paths` more would cost, in dollars."""
        return max(0, min(paths, self.count + paths - FREE_A_MONTH)) * DOLLARS_A_PATH
