"""The checks after each simulated run: each promise to visitors, staff and the operator that must hold."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Set
from datetime import datetime, timedelta

from files import read_manifest, sha256
from publishing.state import Pending, Published
from publishing.upload_plan import KEEP_PAGES
from simulate.faults import CLOCK_OFFSETS, DELAYS_DELETES, EMPTY_CALENDARS, LOSES_PUBLISHED, FaultKind
from simulate.staff import upcoming
from simulate.world import PRIVATE_VALUES, Run, World
from site_paths import MARK, is_hashed

# A removed asset is kept for a day; allow for a Sunday, and for a day of faults.
ASSETS_GONE_AFTER = timedelta(days=3)
# After failed attempts to delete, the pauses add up to this, Sundays included.
DELETES_GONE_AFTER = timedelta(days=2)
EXIT_CODES = (0, 1, 65, 75, 78, -signal.SIGKILL)


class Violation(Exception):
    """A check failed."""


class RemovedFiles:
    """When each file left the site that is still in the bucket."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}

    def overdue(self, keys: Set[str], now: datetime) -> set[str]:
        """Return those of `keys`, all removed files in the bucket, that should have been deleted."""
        self._since = {key: self._since.get(key, now) for key in keys}
        return {key for key, since in self._since.items() if since < now - ASSETS_GONE_AFTER}

    def restart(self) -> None:
        """Count from now on: published.manifest, the only other record of these times, is lost."""
        self._since.clear()


class Checks:
    """Checks `world` after each run; every check raises Violation."""

    def __init__(self, world: World) -> None:
        self._world = world
        # Manifests of the last run without a fault and of all runs since: visitors may see any of them.
        self._allowed: list[Mapping[str, str]] = []
        self._last_run_had_faults = True
        self._empty_answers = 0
        self._removed = RemovedFiles()
        self._deletes_wait_until = world.now

    def after_run(self, run: Run, faults: Set[FaultKind], titles_before: Mapping[str, str]) -> None:
        """Check everything; `titles_before` are the events that were published before the run."""
        world = self._world
        with world.lock:
            world.visitors.follow_open_pages()
            if problem := world.leak or world.visitors.broken_link:
                raise Violation(problem)
        self._check_output(run)
        self._check_events_kept(faults, titles_before)
        manifest = self._manifest()
        if LOSES_PUBLISHED & faults:
            self._removed.restart()
        if FaultKind.CLOCK_AHEAD in faults:  # the invalidation may be recorded with a future time
            self._deletes_wait_until = world.now + CLOCK_OFFSETS[FaultKind.CLOCK_AHEAD] + KEEP_PAGES
        if DELAYS_DELETES & faults:  # a failed delete is tried again after up to a day
            self._deletes_wait_until = max(self._deletes_wait_until, world.now + DELETES_GONE_AFTER)
            self._removed.restart()
        self._check_foreign()
        if faults:
            self._allowed += [manifest] if manifest else []
        else:
            self._check_run_without_fault(run, manifest)
            self._allowed = [manifest]
        earlier = frozenset[str]() if self._fully_published(manifest) else world.visitors.site
        world.visitors.site = frozenset(manifest) | earlier
        self._last_run_had_faults = bool(faults)
        self._check_edge()

    def after_repeat(self, run: Run) -> None:
        """Check that a second run at the same moment wrote only status.json."""
        if run.exit_code or run.writes != ("PutObject status.json",):
            raise Violation(f"a repeated run exited {run.exit_code} and wrote {list(run.writes)}\n{run.log}")

    def at_end(self) -> None:
        """Check that moto has the same objects as the copy that all other checks read."""
        if self._world.aws.objects().keys() != self._world.bucket.keys() | self._world.foreign:
            raise Violation("moto's bucket differs from the requests that passed the proxy")

    def _check_output(self, run: Run) -> None:
        if run.exit_code not in EXIT_CODES:
            raise Violation(f"unknown exit code {run.exit_code}")
        if run.exit_code > 0 and 'msg="publish failed' not in run.log.rstrip().rpartition("\n")[2]:
            raise Violation("the last log line of a failed run does not report the failure")
        if any(value.decode() in run.log for value in PRIVATE_VALUES):
            raise Violation("private data in the log")
        if self._world.libcal.client_secret in run.log or self._world.env["AWS_SECRET_ACCESS_KEY"] in run.log:
            raise Violation("a secret in the log")

    def _check_events_kept(self, faults: Set[FaultKind], titles_before: Mapping[str, str]) -> None:
        if not faults:
            self._empty_answers = 0
        self._empty_answers += bool(EMPTY_CALENDARS & faults)
        must_stay = titles_before.keys() & set(upcoming(self._world.libcal, self._world.now))
        lost = must_stay - self._world.published_titles().keys()
        # The second empty answer in a row for a calendar is believed.
        if lost and self._empty_answers < 2:
            raise Violation(f"events lost that LibCal still has: {sorted(lost)}")

    def _check_run_without_fault(self, run: Run, manifest: Mapping[str, str]) -> None:
        if run.exit_code:
            raise Violation(f"a run without a fault exited {run.exit_code}")
        if Pending.load(self._world.build / "pending-paths").paths:
            raise Violation("paths still pending after a run without a fault")
        bucket = {
            key: sha256(each.body)
            for key, each in self._world.bucket.items()
            if key not in ("status.json", MARK)
        }
        today = self._world.now.date()
        for key, digest in manifest.items():
            if bucket.get(key) != digest and self._world.vanished.get(key) != today:
                raise Violation(f"{key} in the bucket differs from the generated file")
        self._check_removed(bucket.keys() - manifest.keys())
        for key in self._world.visitors.cached():
            if key not in self._world.bucket and not is_hashed(key):
                raise Violation(f"the edge still has a copy of {key}, which was deleted")
        self._check_titles()

    def _check_foreign(self) -> None:
        if not self._world.foreign <= self._world.aws.digests().keys():
            raise Violation("another program's object was deleted")

    def _check_removed(self, keys: set[str]) -> None:
        """Check that removed pages are deleted by the next run, and removed assets some days later."""
        published = Published.load(self._world.build / "published.manifest")
        known = published.entries if published else {}
        overdue = self._removed.overdue(keys, self._world.now)
        may_wait = self._last_run_had_faults or self._world.now < self._deletes_wait_until
        for key in keys:
            if key not in known or not known[key].removed_at:
                raise Violation(f"{key} left the site, but published.manifest does not record it as removed")
            if is_hashed(key) and key in overdue:
                raise Violation(f"{key} is still in the bucket days after it left the site")
            if not is_hashed(key) and not may_wait and key not in self._allowed[-1]:
                raise Violation(f"{key} is still in the bucket a run after it left the site")

    def _check_titles(self) -> None:
        titles, events = self._world.published_titles(), self._world.libcal.events
        for number in upcoming(self._world.libcal, self._world.now):
            title = events[number]["title"].removeprefix("CANCELLED: ")
            if number not in titles:
                raise Violation(f"event {number} is missing")
            if title.startswith("Event ") and titles[number] != title:
                raise Violation(f"event {number} has an old title")
        deleted = titles.keys() - events.keys()
        if deleted:
            raise Violation(f"deleted events are still published: {sorted(deleted)}")

    def _check_edge(self) -> None:
        """Check that every file from the edge is of the last run without a fault, or newer."""
        if not self._allowed or "index.html" not in self._world.bucket:
            return
        paths = set[str]().union(*self._allowed)
        for path, found in self._world.visitors.digests(sorted(paths)).items():
            stored = self._world.bucket.get(path)
            allowed = {manifest.get(path) for manifest in self._allowed}
            if path in self._world.vanished and found is None:
                continue
            if found not in allowed and not (is_hashed(path) and found):
                raise Violation(
                    f"the edge serves {path} from before the last run without a fault:"
                    f" {found}, not one of {sorted(map(str, allowed))};"
                    f" in the bucket it has {len(stored.body) if stored else 'no'} bytes"
                )

    def _fully_published(self, manifest: Mapping[str, str]) -> bool:
        """Return whether the whole site is in the bucket and invalidated, even if the run failed later."""
        pending = self._world.build / "pending-paths"
        return (
            pending.exists()
            and not Pending.load(pending).paths
            and all(
                key in self._world.vanished
                or (key in self._world.bucket and sha256(self._world.bucket[key].body) == digest)
                for key, digest in manifest.items()
            )
        )

    def _manifest(self) -> dict[str, str]:
        """Return the site's manifest; empty if it is truncated."""
        try:
            return read_manifest(self._world.build / "site.manifest")
        except ValueError:
            return {}
