"""What CloudFront must be told, and what it costs.

    python scripts/invalidation.py show            print the paths and their price
    python scripts/invalidation.py prepare         write $BUILD_DIR/run/invalidation.json
    python scripts/invalidation.py answered FILE   note CloudFront's answer, empty pending-paths

One path a run: the first 1,000 of a month are free for the whole AWS account, then $0.005 each,
and a wildcard or a cache tag counts as one.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import urlsplit

import settings
from exit_codes import CONFIG, FAILED, OK, USAGE
from files import sha256, write_atomic
from log import Log, logfmt
from publishing.published import EVERYTHING, Pending
from site_paths import HOME, NOT_FOUND

FREE_A_MONTH = 1000
WARN_FROM = 900
DOLLARS_A_PATH = 0.005

# What needs no percent-encoding anywhere. A path with anything else is covered by a wildcard:
# one character that CloudFront encodes otherwise than we do fails the batch or misses silently.
_PLAIN = re.compile(r"[A-Za-z0-9._/-]+\Z")


def paths_for(pending: Iterable[str], chosen: settings.PublishSettings) -> list[str]:
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

    def __init__(self, chosen: settings.PublishSettings) -> None:
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


def _prepare(chosen: settings.PublishSettings) -> None:
    pending = Pending.load(chosen.build_dir / "pending-paths")
    data = batch(paths_for(pending.paths, chosen), pending, chosen.distribution)
    write_atomic(chosen.build_dir / "run" / "invalidation.json", json.dumps(data).encode())


def _answered(chosen: settings.PublishSettings, answer: str, log: Log) -> None:
    run = chosen.build_dir / "run"
    with open(answer, encoding="utf-8") as file:
        invalidation = json.load(file)["Invalidation"]["Id"]
    sent = json.loads((run / "invalidation.json").read_bytes())
    paths, reference = sent["Paths"]["Items"], sent["CallerReference"]
    budget = Budget(chosen)
    reused = budget.last == reference
    budget.add(len(paths), reference)
    before = len(Pending.load(chosen.build_dir / "pending-paths").paths)
    Pending().save(chosen.build_dir / "pending-paths")
    if budget.count > WARN_FROM:
        log.warn(
            "the month's free invalidation paths run out", paths_this_month=budget.count, free=FREE_A_MONTH
        )
    numbers: dict[str, object] = {
        "paths": len(paths),
        "invalidation": invalidation,
        "reused": int(reused),
        "pending_before": before,
        "pending_after": 0,
        "paths_this_month": budget.count,
    }
    write_atomic(run / "invalidate.stats", "".join(f"{k}={v}\n" for k, v in numbers.items()).encode())
    sys.stdout.write(logfmt(numbers) + "\n")


def _show(chosen: settings.PublishSettings) -> None:
    paths = paths_for(Pending.load(chosen.build_dir / "pending-paths").paths, chosen)
    budget = Budget(chosen)
    sys.stdout.writelines(f"invalidate\t{path}\n" for path in paths)
    sys.stdout.write(
        f"{len(paths)} invalidation path{'' if len(paths) == 1 else 's'}: ${budget.price(len(paths)):.3f};"
        f" {budget.count:,} of {FREE_A_MONTH:,} free paths used this month\n"
    )


def main(argv: list[str]) -> int:
    """Run one of the commands; return the exit code."""
    log = Log("invalidate")
    try:
        chosen = settings.PublishSettings.from_env(settings.read_environment())
        match argv:
            case ["show"]:
                _show(chosen)
            case ["prepare"]:
                _prepare(chosen)
            case ["answered", answer]:
                _answered(chosen, answer, log)
            case _:
                sys.stderr.write(__doc__ or "")
                return USAGE
    except settings.SettingError as error:
        log.error(error.why, key=error.key, rc=CONFIG)
        return CONFIG
    except (OSError, ValueError, KeyError) as error:
        log.error("cannot keep the books", cause=str(error), rc=FAILED)
        return FAILED
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
