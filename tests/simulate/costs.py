"""The bill of a simulation: requests, bytes and invalidation paths, with AWS's prices.

Prices of us-east-1: https://aws.amazon.com/s3/pricing/ and https://aws.amazon.com/cloudfront/pricing/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

DOLLARS_PER_REQUEST = 0.005 / 1000  # PUT and LIST; DELETE is free
DOLLARS_PER_PATH = 0.005
FREE_PATHS_PER_MONTH = 1000
LIST_PAGE = 1000  # keys in one answer to LIST


@dataclass(slots=True)
class Bill:
    """Billed operations; `sent` is in bytes, `paths` counts invalidation paths by month (yyyy-mm)."""

    puts: int = 0
    lists: int = 0
    sent: int = 0
    paths: Counter[str] = field(default_factory=Counter)

    def add_paths(self, now: datetime, number: int) -> None:
        """Add invalidation paths to the month of `now`."""
        self.paths[f"{now:%Y-%m}"] += number

    def add_full_sync(self, now: datetime, sizes: Sequence[int]) -> None:
        """Add one `aws s3 sync --delete` of a regenerated tree with these file sizes, and one `/*`.

        sync uploads every file, because each is newer than its object (`make bench NAME=publish` shows it).
        """
        self.puts += len(sizes)
        self.sent += sum(sizes)
        self.lists += ceil(len(sizes) / LIST_PAGE)
        self.add_paths(now, 1)

    @property
    def dollars(self) -> float:
        """The price of all requests, and of each month's paths above the free ones."""
        billed = sum(max(0, number - FREE_PATHS_PER_MONTH) for number in self.paths.values())
        return (self.puts + self.lists) * DOLLARS_PER_REQUEST + billed * DOLLARS_PER_PATH
