"""Fault injection for simulated runs: LibCal, S3, CloudFront, the machine, SIGKILL at any moment."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum

from simulate.killer import Killer, When
from simulate.world import World
from standins.fault_proxy import Fault


class FaultKind(StrEnum):
    """Every fault, in the order in which seeds number them: sort or insert one, and all weeks change."""

    CLOUDFRONT_BUSY = "cloudfront-busy"
    CLOUDFRONT_DENIED = "cloudfront-denied"
    CLOUDFRONT_DOWN = "cloudfront-down"
    CLOUDFRONT_RESPONSE_LOST = "cloudfront-response-lost"
    CLOCK_AHEAD = "clock-ahead"
    CLOCK_BEHIND = "clock-behind"
    DISK_FULL = "disk-full"
    KILL_AT_REQUEST = "kill-at-request"
    KILL_AT_TIME = "kill-at-time"
    LIBCAL_ALL_EMPTY = "libcal-all-empty"
    LIBCAL_DOWN = "libcal-down"
    LIBCAL_ONE_EMPTY = "libcal-one-empty"
    LIBCAL_HTML = "libcal-html"
    LIBCAL_ONE_DOWN = "libcal-one-down"
    LIBCAL_UNAUTHORIZED = "libcal-unauthorized"
    LIBCAL_RESET = "libcal-reset"
    LIBCAL_TOKEN_EXPIRED = "libcal-token-expired"
    LIBCAL_TRUNCATED = "libcal-truncated"
    COUNTER_LOST = "counter-lost"
    EVENTS_TRUNCATED = "events-truncated"
    BUILD_LOST = "build-lost"
    MANIFEST_LOST = "manifest-lost"
    PENDING_LOST = "pending-lost"
    SITE_LOST = "site-lost"
    S3_DENIED = "s3-denied"
    S3_ERROR = "s3-error"
    S3_RESPONSE_LOST = "s3-response-lost"
    S3_NO_DELETES = "s3-no-deletes"
    S3_NO_LISTS = "s3-no-lists"
    S3_ERROR_PARTWAY = "s3-error-partway"
    S3_RESET = "s3-reset"
    S3_CLOCK_SKEW = "s3-clock-skew"
    ORIGIN_DOWN = "origin-down"
    MANIFEST_TRUNCATED = "manifest-truncated"
    AWS_CONFIG_BROKEN = "aws-config-broken"
    FOREIGN_OBJECTS = "foreign-objects"
    OBJECTS_VANISHED = "objects-vanished"
    S3_DELETES_REFUSED = "s3-deletes-refused"
    S3_SLOW_UPLINK = "s3-slow-uplink"


# Kills are drawn twice as often as other faults.
_TWICE = (FaultKind.KILL_AT_REQUEST, FaultKind.KILL_AT_TIME)
DRAWN = tuple(kind for kind in FaultKind for _ in range(2 if kind in _TWICE else 1))

# Faults that lose published.manifest, the only record of when a file left the site.
LOSES_PUBLISHED = frozenset({FaultKind.MANIFEST_LOST, FaultKind.MANIFEST_TRUNCATED, FaultKind.BUILD_LOST})

CLOCK_OFFSETS = {
    FaultKind.CLOCK_BEHIND: timedelta(hours=-1),
    FaultKind.CLOCK_AHEAD: timedelta(hours=1),
}

# Faults that keep removed files in the bucket for longer than one run.
DELAYS_DELETES = frozenset(
    {FaultKind.S3_NO_DELETES, FaultKind.S3_DELETES_REFUSED, FaultKind.S3_RESPONSE_LOST}
)

# Faults that make a calendar look empty.
EMPTY_CALENDARS = frozenset({FaultKind.LIBCAL_ONE_EMPTY, FaultKind.LIBCAL_ALL_EMPTY})


UPLINK = 200_000  # bytes a second


class FaultInjector:
    """Injects one random fault into `world` for one run, and clears it afterwards."""

    def __init__(self, world: World) -> None:
        self._world, self._rng = world, world.rng
        self._proxy_faults = self._aws_faults()
        self._actions = self._libcal_faults() | self._proxy_faults | self._other_faults()

    def inject(self) -> FaultKind:
        """Inject a random fault; return its kind."""
        kind = self._rng.choice(DRAWN)
        self._actions[kind]()
        return kind

    def took_effect(self, kind: FaultKind, exit_code: int) -> bool:
        """Return whether the run met the fault: some wait for a request that the run never sent."""
        if kind in _TWICE:
            return self._world.killer is not None and self._world.killer.killed
        if kind in self._proxy_faults:
            return any(each.seen > each.skip for each in self._world.proxy.faults)
        return kind != FaultKind.DISK_FULL or exit_code != 0

    def clear(self) -> None:
        """Undo the fault; files it deleted or truncated stay so."""
        self._world.killer = None
        self._world.proxy.faults = []
        self._world.origin_down = False
        self._world.env["AWS_CONFIG_FILE"] = os.devnull
        self._world.libcal.recover()

    def _libcal_faults(self) -> dict[FaultKind, Callable[[], object]]:
        fail, choice = self._world.libcal.fail, self._rng.choice
        return {
            FaultKind.LIBCAL_DOWN: lambda: fail("status", status=503, path="/1.1"),
            FaultKind.LIBCAL_ONE_DOWN: lambda: fail("status", status=500, calendar=self._calendar()),
            FaultKind.LIBCAL_HTML: lambda: fail("html", path="/1.1/events"),
            FaultKind.LIBCAL_TRUNCATED: lambda: fail("truncated", times=choice([1, 99])),
            FaultKind.LIBCAL_TOKEN_EXPIRED: self._world.libcal.expire_tokens,
            FaultKind.LIBCAL_ONE_EMPTY: lambda: fail("empty", calendar=self._calendar()),
            FaultKind.LIBCAL_ALL_EMPTY: lambda: fail("empty"),
            FaultKind.LIBCAL_UNAUTHORIZED: lambda: fail("status", status=401, path="/1.1/oauth"),
            FaultKind.LIBCAL_RESET: lambda: fail("reset", times=2),
        }

    def _aws_faults(self) -> dict[FaultKind, Callable[[], object]]:
        aws, randrange = self._aws, self._rng.randrange
        errors = ["InternalError", "SlowDown"]
        busy = "TooManyInvalidationsInProgress"
        return {
            FaultKind.S3_ERROR: lambda: aws(self._rng.choice(errors), "PutObject"),
            FaultKind.S3_ERROR_PARTWAY: lambda: aws("InternalError", "PutObject", randrange(12)),
            FaultKind.S3_RESET: lambda: aws("reset", "PutObject", randrange(6)),
            FaultKind.S3_RESPONSE_LOST: lambda: aws("lost", "PutObject", randrange(6)),
            FaultKind.S3_DENIED: lambda: aws("AccessDenied", ".*Object.*"),
            FaultKind.S3_CLOCK_SKEW: lambda: aws("RequestTimeTooSkewed", ".*"),
            FaultKind.S3_NO_DELETES: lambda: aws("InternalError", "DeleteObjects"),
            FaultKind.S3_DELETES_REFUSED: lambda: aws("undeleted", "DeleteObjects"),
            FaultKind.S3_SLOW_UPLINK: lambda: aws("uplink", "PutObject"),
            FaultKind.S3_NO_LISTS: lambda: aws("InternalError", "ListObjectsV2", randrange(3)),
            FaultKind.CLOUDFRONT_BUSY: lambda: aws(busy, "CreateInvalidation"),
            FaultKind.CLOUDFRONT_DOWN: lambda: aws("ServiceUnavailable", "CreateInvalidation"),
            FaultKind.CLOUDFRONT_RESPONSE_LOST: lambda: aws("lost", "CreateInvalidation"),
            FaultKind.CLOUDFRONT_DENIED: lambda: aws("AccessDenied", "CreateInvalidation"),
        }

    def _other_faults(self) -> dict[FaultKind, Callable[[], object]]:
        build = self._world.build
        return {
            FaultKind.KILL_AT_REQUEST: lambda: self._kill(self._rng.choice(["before", "after"])),
            FaultKind.KILL_AT_TIME: lambda: self._kill("time"),
            FaultKind.MANIFEST_LOST: lambda: (build / "published.manifest").unlink(missing_ok=True),
            FaultKind.MANIFEST_TRUNCATED: lambda: self._truncate("published.manifest"),
            FaultKind.PENDING_LOST: lambda: (build / "pending-paths").unlink(missing_ok=True),
            FaultKind.COUNTER_LOST: lambda: (build / "invalidations").unlink(missing_ok=True),
            FaultKind.EVENTS_TRUNCATED: lambda: self._truncate("events.json"),
            FaultKind.SITE_LOST: lambda: shutil.rmtree(build / "site", ignore_errors=True),
            FaultKind.BUILD_LOST: lambda: shutil.rmtree(build, ignore_errors=True),
            FaultKind.AWS_CONFIG_BROKEN: self._break_aws_config,
            FaultKind.FOREIGN_OBJECTS: self._world.add_foreign_objects,
            FaultKind.OBJECTS_VANISHED: self._world.lose_objects,
            FaultKind.ORIGIN_DOWN: lambda: setattr(self._world, "origin_down", True),
            # The simulator gives these to World.run.
            FaultKind.DISK_FULL: lambda: None,
            FaultKind.CLOCK_AHEAD: lambda: None,
            FaultKind.CLOCK_BEHIND: lambda: None,
        }

    def _calendar(self) -> str:
        return self._rng.choice(sorted(self._world.libcal.calendars))

    def _aws(self, kind: str, operation: str, skip: int = 0) -> None:
        self._world.proxy.faults = [Fault(kind=kind, operation=operation, skip=skip, rate=UPLINK)]

    def _break_aws_config(self) -> None:
        config = self._world.build.with_name("aws-config")
        config.write_text("[default\nregion")
        self._world.env["AWS_CONFIG_FILE"] = str(config)

    def _kill(self, when: When) -> None:
        self._world.killer = Killer(self._rng, when)

    def _truncate(self, name: str) -> None:
        path = self._world.build / name
        if path.exists():
            os.truncate(path, path.stat().st_size * 2 // 3)
