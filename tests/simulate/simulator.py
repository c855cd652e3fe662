"""Weeks of life in minutes: the real programs through the timer's schedule, with edits and faults.

Usage: make simulate, or python -m simulate.simulator [--days N] [--seed N] [--faults SHARE] [--verbose]

A faked clock goes through the timer's runs (37 a day, Monday to Saturday). At each, `bin/publish`
runs as the timer would run it, with the real AWS CLI, against LibCal's stand-in, moto behind a proxy
with faults, and an edge that caches as CloudFront does. Everything is drawn from the seed: edits,
additions, cancellations and deletions by staff, and faults in LibCal, S3, CloudFront and on
the machine itself (misfortune.py).

After every write that reaches AWS: no page that a visitor can get, from the edge or the bucket,
leads to a missing file. After every run: nor does any page that a browser may still hold; the edge
serves nothing older than the last run without a fault; no event that LibCal has is lost. After every
run without a fault: the bucket is the site, nothing is pending, what staff wrote is there and what
they deleted is not; what left the site is gone one run later, from the edge too. Always: nothing
private is published or logged. Now and then the run is repeated: then nothing but status.json is
written.

Exit codes: 0 all held · 1 something did not; the seed and the run are printed
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from html import unescape
from itertools import count, islice
from pathlib import Path
from typing import Any

from bench.measure import Table
from files import read_manifest, sha256
from publishing.state import Pending, Published
from publishing.upload_plan import KEEP_PAGES
from rendering import schedule
from settings import ROOT
from simulate.misfortune import LOSES_PUBLISHED, Misfortune
from simulate.visitors import Visitors
from site_paths import is_hashed
from standins import fault_proxy, sample
from standins.aws import Aws
from standins.cloudfront import Edge, OriginDown, Stored
from standins.libcal_server import LibCal
from standins.records import PRIVATE, PRIVATE_NUMBER

MONDAY = date(2026, 3, 2)  # the clocks go forward on that Sunday
SITE_URL = "https://events.larkfield.example"
DAYS_AHEAD = 14
RUN_LIMIT = 300.0
LAST_WORDS = 15.0  # seconds within which all that a run started must have ended with it
SECRET_MARKS = (PRIVATE.encode(), str(PRIVATE_NUMBER).encode())
CLOCK_OFF = {"clock-behind": timedelta(hours=-1), "clock-ahead": timedelta(hours=1)}
ASSETS_GONE_AFTER = timedelta(days=3)  # a day, a Sunday, and a day of misfortune

DOLLARS_A_PUT = 0.005 / 1000  # LIST the same; DELETE is free
DOLLARS_A_PATH = 0.005
FREE_PATHS = 1000


class Violation(Exception):
    """A promise was not kept."""


@dataclass(slots=True)
class Bill:
    """What AWS counts; `sent` in bytes, `paths` by month."""

    puts: int = 0
    lists: int = 0
    sent: int = 0
    paths: Counter[str] = field(default_factory=Counter)

    @property
    def dollars(self) -> float:
        """What AWS would charge: PUT and LIST alike, and the paths of each month beyond the free ones."""
        billed = sum(max(0, number - FREE_PATHS) for number in self.paths.values())
        return (self.puts + self.lists) * DOLLARS_A_PUT + billed * DOLLARS_A_PATH


@dataclass(slots=True)
class Totals:
    """What happened, and what it cost: ours and the original's."""

    runs: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    edits: int = 0
    changing: int = 0  # runs that told CloudFront of something
    ours: Bill = field(default_factory=Bill)
    original: Bill = field(default_factory=Bill)


class Leftovers:
    """What left the site and is still in the bucket, since when."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}

    def overdue(self, keys: Set[str], now: datetime) -> set[str]:
        """Return which of `keys`, all that is left over now, should have been deleted."""
        self._since = {key: self._since.get(key, now) for key in keys}
        return {key for key, since in self._since.items() if since < now - ASSETS_GONE_AFTER}

    def forget(self) -> None:
        """Let the days begin anew: published.manifest is lost, and nothing else knows when they began."""
        self._since.clear()


def ticks(first: date, days: int) -> Iterator[datetime]:
    """Yield the timer's runs of `days` opening days."""
    calendar = (first + timedelta(days=number) for number in count())
    opening = (day for day in calendar if any(schedule.runs(day)))
    for day in islice(opening, days):
        for run in schedule.runs(day):
            yield run.replace(tzinfo=sample.ZONE)


class Simulation:
    """One library, one machine, one bucket and one edge, driven by one seed."""

    def __init__(self, seed: int, share: float, *, verbose: bool) -> None:
        self.rng = random.Random(seed)
        self.share, self.verbose = share, verbose
        self.totals = Totals()
        self.bucket: dict[str, Stored] = {}
        self.origin_down = False
        self.now = next(ticks(MONDAY, 1))
        self.trouble = ""
        self.wrote: list[str] = []
        self._lock = threading.RLock()
        # The sites since the last run without a fault; whether that was the one before this.
        self._allowed: list[Mapping[str, str]] = []
        self._went_well = False
        self._empty_answers = 0
        self._leftovers = Leftovers()
        self._deletes_wait_until = self.now
        self._sizes: list[int] = []
        self._pictures: list[str] = []
        self._weeks = 0

    @contextlib.contextmanager
    def world(self) -> Iterator[None]:
        """Start the stand-ins, and a build folder."""
        with contextlib.ExitStack() as stack:
            self.libcal = stack.enter_context(LibCal(self._programme(MONDAY), now=self.now))
            self.aws = stack.enter_context(Aws())
            url, self.proxy = stack.enter_context(fault_proxy.serve(self.aws.url))
            self.proxy.before, self.proxy.after = self._before, self._after
            edge = Edge(self._origin, lambda: self.proxy.invalidations, lambda: self.now.timestamp())
            self.visitors = Visitors(edge, self.bucket, SITE_URL, self._later)
            self.build = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="simulate-")), "build")
            self.misfortune = Misfortune(self)
            kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
            self.env = kept | self.libcal.settings | sample.SETTINGS | self.aws.env
            self.env |= {
                "AWS_ENDPOINT_URL": url,
                "AWS_MAX_ATTEMPTS": "1",
                "BUILD_DIR": str(self.build),
                "DAYS_AHEAD": str(DAYS_AHEAD),
                "ENV_FILE": os.devnull,
                "INVALIDATE_BACKOFF": "0",
                "SITE_URL": SITE_URL,
            }
            yield

    def _origin(self, key: str) -> Stored | None:
        if self.origin_down:
            raise OriginDown
        return self.bucket.get(key)

    def _later(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    # --- What staff do ---------------------------------------------------------------------------

    def _programme(self, monday: date) -> list[dict[str, Any]]:
        events = sample.events(monday)
        for number, event in enumerate(events):
            event["id"] = type(event["id"])(int(event["id"]) + 1_000_000 * self._weeks)
            event["future_dates"] = []
            if event["featured_image"]:
                self._pictures.append(event["featured_image"])
            if number % 4:  # pictures take most of a first run's time
                event["featured_image"] = ""
        self._weeks += 1
        return events

    def _ahead(self) -> list[str]:
        """The ids of the events that are surely listed: public, and within the days shown."""
        public = {key for key, item in self.libcal.calendars.items() if item["visibility"] == "Public"}
        last = self.now + timedelta(days=DAYS_AHEAD - 1)
        return sorted(
            number
            for number, event in self.libcal.events.items()
            if str(event["calendar"]["id"]) in public
            and self.now + timedelta(days=1) < datetime.fromisoformat(event["start"]) < last
        )

    def edit(self) -> str:
        """Do one thing that staff do, or rarely the operator; return what."""
        kinds = {"retitle": 10, "move": 5, "cancel": 5, "add": 5, "delete": 5, "picture": 5, "restyle": 1}
        what = self.rng.choices(list(kinds), list(kinds.values()))[0]
        ahead = self._ahead()
        number = self.rng.choice(ahead)
        event = self.libcal.events[number]
        mark = self.rng.randrange(10**6)
        match what:
            case "retitle":
                self.libcal.edit(number, title=f"Event {mark}")
            case "move":
                moved = datetime.fromisoformat(event["start"]) + timedelta(minutes=self.rng.choice([-30, 30]))
                if moved < datetime.fromisoformat(event["end"]):
                    self.libcal.edit(number, start=moved.isoformat())
            case "cancel":
                self.libcal.edit(number, title=f"CANCELLED: Event {mark}")
            case "add":
                start = self.now.replace(minute=0) + timedelta(days=self.rng.randrange(2, DAYS_AHEAD - 1))
                calendar = event["calendar"]["id"]
                times = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
                self.libcal.add(title=f"Event {mark}", calendar=calendar, **times)
            case "delete" if len(ahead) > 30:
                self.libcal.remove(number)
            case "picture":
                self.libcal.edit(number, featured_image=self.rng.choice(self._pictures))
            case "restyle":  # another style sheet, which every page leads to
                self.env["BRAND_COLOR"] = f"#{self.rng.randrange(0x40, 0x80):02x}3050"
        self.totals.edits += 1
        return what

    # --- A run -----------------------------------------------------------------------------------

    def run(self, faults: Sequence[str]) -> tuple[int, str]:
        """Run bin/publish as the timer would; return its exit code and log."""
        moment = self.now + sum((CLOCK_OFF.get(fault, timedelta()) for fault in faults), timedelta())
        env = self.env | {"EVENTS_NOW": moment.isoformat(), "RUN_ID": f"sim{self.totals.runs}"}
        self.libcal.now = self.now
        self.wrote = []
        limit = self.rng.choice([0, 100, 2_000, 20_000])
        told = len(self.proxy.invalidations)

        def confine() -> None:
            if "disk-full" in faults:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error, as when the disk is full
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        with subprocess.Popen(
            [ROOT / "bin" / "publish"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=confine,
        ) as process:
            killer = self.misfortune.killer
            if killer:
                killer.begin(process.pid)
            try:
                log, _ = process.communicate(timeout=RUN_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                raise Violation("the run, or something that it started, does not end") from None
            finally:
                if killer:
                    killer.end()
        for fault in faults:
            if self.misfortune.befell(fault, process.returncode):
                self.totals.faults[fault] += 1
        self.misfortune.recover()
        news = self.proxy.invalidations[told:]
        self.totals.changing += bool(news)
        self.totals.ours.paths[f"{self.now:%Y-%m}"] += sum(map(len, news))
        return process.returncode, log

    def _before(self, _operation: str, _key: str) -> None:
        with self._lock:
            if self.misfortune.killer:
                self.misfortune.killer.request("before")

    def _after(self, operation: str, key: str, body: bytes, headers: Mapping[str, str]) -> None:
        with self._lock:
            match operation:
                case "PutObject":
                    self._put(key, body, {name.lower(): value for name, value in headers.items()})
                case "DeleteObjects":
                    for name in re.findall(r"<Key>(.*?)</Key>", body.decode()):
                        self.bucket.pop(unescape(name), None)
                case "ListObjectsV2":
                    self.totals.ours.lists += 1
            if operation != "ListObjectsV2":
                self.wrote.append(f"{operation} {key}")
                self.visitors.visit()
            if self.misfortune.killer:
                self.misfortune.killer.request("after")

    def _put(self, key: str, body: bytes, headers: Mapping[str, str]) -> None:
        self.bucket[key] = Stored(
            body=body,
            content_type=headers.get("content-type", ""),
            cache_control=headers.get("cache-control", ""),
        )
        self.totals.ours.puts += 1
        self.totals.ours.sent += len(body)
        if any(mark in body for mark in SECRET_MARKS):
            # An exception would only end a thread of the proxy.
            self.trouble = self.trouble or f"something private is published in {key}"

    # --- What is checked -------------------------------------------------------------------------

    def check(self, code: int, log: str, faults: Sequence[str], listed: Mapping[str, str]) -> None:
        """Check what must hold after a run, before which the events `listed` were; raise Violation."""
        with self._lock:
            self.visitors.use_browsers()
            if self.trouble or self.visitors.trouble:
                raise Violation(self.trouble or self.visitors.trouble)
        if code not in (0, 1, 65, 75, 78, -signal.SIGKILL):
            raise Violation(f"unknown exit code {code}")
        if code > 0 and 'msg="publish failed' not in log.rstrip().rpartition("\n")[2]:
            raise Violation("the last line of a failed run does not say so")
        if any(mark.decode() in log for mark in SECRET_MARKS):
            raise Violation("something private is in the log")
        if self.libcal.client_secret in log or self.env["AWS_SECRET_ACCESS_KEY"] in log:
            raise Violation("a secret is in the log")
        self._check_nothing_lost(faults, listed)
        manifest = self._manifest()
        if LOSES_PUBLISHED & set(faults):
            self._leftovers.forget()
        if "clock-ahead" in faults:  # CloudFront may have been told in the future
            self._deletes_wait_until = self.now + CLOCK_OFF["clock-ahead"] + KEEP_PAGES
        if faults:
            self._allowed += [manifest] if manifest else []
        else:
            self._check_good_run(code, manifest)
            self._allowed = [manifest]
        self.visitors.site = frozenset(manifest) | (
            frozenset() if self._all_told(manifest) else self.visitors.site
        )
        self._went_well = not faults
        self._check_edge()

    def _all_told(self, manifest: Mapping[str, str]) -> bool:
        """Whether the whole site is in the bucket and CloudFront has heard of it, whatever else failed."""
        pending = self.build / "pending-paths"
        return (
            pending.exists()
            and not Pending.load(pending).paths
            and all(
                key in self.bucket and sha256(self.bucket[key].body) == digest
                for key, digest in manifest.items()
            )
        )

    def _manifest(self) -> dict[str, str]:
        """Return the site's manifest; empty if it was torn."""
        try:
            return read_manifest(self.build / "site.manifest")
        except ValueError:
            return {}

    def listed(self) -> dict[str, str]:
        """Return the titles of the published events by id."""
        if "events.json" not in self.bucket:
            return {}
        events = json.loads(self.bucket["events.json"].body)["events"]
        return {str(event["id"]): event["title"] for event in events}

    def _check_nothing_lost(self, faults: Sequence[str], before: Mapping[str, str]) -> None:
        if not faults:
            self._empty_answers = 0
        self._empty_answers += bool({"libcal-empty", "libcal-all-empty"} & set(faults))
        lost = before.keys() & set(self._ahead()) - self.listed().keys()
        # LibCal is believed when it says twice that a calendar is empty.
        if lost and self._empty_answers < 2:
            raise Violation(f"events that LibCal has are lost: {sorted(lost)}")

    def _check_good_run(self, code: int, manifest: Mapping[str, str]) -> None:
        if code:
            raise Violation(f"a run without a fault ended with {code}")
        if Pending.load(self.build / "pending-paths").paths:
            raise Violation("paths are still pending after a run without a fault")
        bucket = {key: sha256(stored.body) for key, stored in self.bucket.items() if key != "status.json"}
        for key, digest in manifest.items():
            if bucket.get(key) != digest:
                raise Violation(f"{key} is not in the bucket as it was generated")
        self._check_leftovers(bucket.keys() - manifest.keys())
        for key in self.visitors.cached():
            if key not in self.bucket and not is_hashed(key):
                raise Violation(f"the edge still has {key}, which was deleted")
        self._check_titles()

    def _check_leftovers(self, leftovers: set[str]) -> None:
        """What left the site goes in the next run, a hashed asset some time later."""
        published = Published.load(self.build / "published.manifest")
        known = published.entries if published else {}
        overdue = self._leftovers.overdue(leftovers, self.now)
        waits = not self._went_well or self.now < self._deletes_wait_until
        for key in leftovers:
            if key not in known or not known[key].left:
                raise Violation(f"{key} is forgotten in the bucket")
            if is_hashed(key) and key in overdue:
                raise Violation(f"{key} is still in the bucket, days after it left")
            if not is_hashed(key) and not waits and key not in self._allowed[-1]:
                raise Violation(f"{key} is still in the bucket, a run after it left")

    def _check_titles(self) -> None:
        titles = self.listed()
        for number in self._ahead():
            title = self.libcal.events[number]["title"].removeprefix("CANCELLED: ")
            if number not in titles:
                raise Violation(f"event {number} is lost")
            if title.startswith("Event ") and titles[number] != title:
                raise Violation(f"event {number} has an old title")
        gone = titles.keys() - self.libcal.events.keys()
        if gone:
            raise Violation(f"deleted events are still published: {sorted(gone)}")

    def _check_edge(self) -> None:
        """Whatever the edge serves was right at or after the last run without a fault."""
        if not self._allowed or "index.html" not in self.bucket:
            return
        paths = set[str]().union(*self._allowed)
        for path, found in self.visitors.shown(sorted(paths)).items():
            stored = self.bucket.get(path)
            right = {manifest.get(path) for manifest in self._allowed}
            if found not in right and not (is_hashed(path) and found):
                raise Violation(
                    f"the edge serves {path} as it was before the last run without a fault:"
                    f" {found}, not one of {sorted(map(str, right))};"
                    f" in the bucket it has {len(stored.body) if stored else 'no'} bytes"
                )

    def check_repeat(self) -> None:
        """Run again at the same moment: nothing may be written but status.json."""
        code, log = self.run([])
        if code or self.wrote != ["PutObject status.json"]:
            raise Violation(f"a repeated run ended with {code} and wrote {self.wrote}\n{log}")

    def check_bucket(self) -> None:
        """What moto holds is what was seen going by."""
        if self.aws.objects().keys() != self.bucket.keys():
            raise Violation("the proxy and the bucket disagree")

    # --- Weeks -----------------------------------------------------------------------------------

    def live(self, days: int) -> None:
        """Go through the runs of `days` days."""
        for number, self.now in enumerate(ticks(MONDAY, days)):
            if self.now.weekday() == 0 and (self.now.hour, self.now.minute) == (9, 0) and number:
                self._new_week()
            edits = [self.edit() for _ in range(self.rng.choice([0, 0, 0, 1, 2]))]
            # The very first run has nothing to fall back on, so it is given a chance.
            faults = [self.misfortune.befall()] if number and self.rng.random() < self.share else []
            listed = self.listed()
            with self._lock:
                self.visitors.visit()
            self._one(number, faults, edits, listed)
            self._count_original()
        self.check_bucket()

    def _one(
        self, number: int, faults: Sequence[str], edits: Sequence[str], listed: Mapping[str, str]
    ) -> None:
        where = f"run {number}, {self.now:%a %d %b %H:%M}"
        log = ""
        try:
            code, log = self.run(faults)
            self.totals.runs += 1
            self.totals.codes[code] += 1
            if self.verbose:
                print(f"{where} rc={code} {faults or ''} {edits or ''}", flush=True)
            self.check(code, log, faults, listed)
            if not faults and self.rng.random() < 0.05:
                self.check_repeat()
        except Violation as violation:
            raise Violation(f"{where}, {faults}: {violation}\n{log}") from None

    def _new_week(self) -> None:
        week = (self.now.date() - MONDAY).days // 7
        if week % 2 == 0:
            for event in self._programme(self.now.date()):
                self.libcal.events[str(event["id"])] = event

    def _count_original(self) -> None:
        """What `aws s3 sync --delete` of a tree generated anew, and `/*`, would have cost in this run.

        By its rule: every file is newer than its object, so every file goes up (`make bench NAME=publish` runs it).
        """
        files = [path for path in (self.build / "site").rglob("*") if path.is_file()]
        self._sizes = [path.stat().st_size for path in files] or self._sizes
        bill = self.totals.original
        bill.puts += len(self._sizes)
        bill.sent += sum(self._sizes)
        bill.lists += -(-len(self._sizes) // 1000)
        bill.paths[f"{self.now:%Y-%m}"] += 1


def report(sim: Simulation, seed: int, days: int, seconds: float) -> str:
    """Return the weeks in numbers."""
    totals = sim.totals
    pages = sum(not is_hashed(key) for key in sim.bucket)
    faults = ", ".join(f"{kind} {number}" for kind, number in sorted(totals.faults.items()))
    codes = ", ".join(f"{code}: {number}" for code, number in sorted(totals.codes.items()))
    rows = [
        ("PUTs", *(f"{bill.puts:,}" for bill in (totals.ours, totals.original))),
        ("LISTs", *(f"{bill.lists:,}" for bill in (totals.ours, totals.original))),
        ("megabytes sent", *(f"{bill.sent / 1e6:,.1f}" for bill in (totals.ours, totals.original))),
        (
            "billed invalidation paths",
            *(f"{bill.paths.total():,}" for bill in (totals.ours, totals.original)),
        ),
        ("dollars", *(f"{bill.dollars:.2f}" for bill in (totals.ours, totals.original))),
    ]
    notes = (
        f"{totals.runs} runs, {totals.faults.total()} faults that befell them, {totals.edits} edits by staff; "
        f"{totals.changing} runs told CloudFront of a change; {len(sim.bucket)} files at the end, {pages} of them pages and feeds.",
        f"{sim.visitors.visits:,} visits of every page, {seconds:.0f} s. Exit codes: {codes}.",
        f"Faults: {faults or 'none'}.",
    )
    title = f"seed {seed}, {days} days: all held"
    return str(Table(title, ("", "ours", "the original way"), rows, notes))


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--days", type=int, default=6, help="opening days, from a Monday on (default 6)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--faults", type=float, default=0.4, help="share of runs that meet a fault (default 0.4)"
    )
    parser.add_argument("--verbose", action="store_true", help="a line for each run")
    options = parser.parse_args(argv)
    sim = Simulation(options.seed, options.faults, verbose=options.verbose)
    started = time.monotonic()
    with sim.world():
        try:
            sim.live(options.days)
        except Violation as violation:
            print(f"seed {options.seed}: {violation}", file=sys.stderr)
            print(f"again: make simulate DAYS={options.days} SEED={options.seed}", file=sys.stderr)
            return 1
        print(report(sim, options.seed, options.days, time.monotonic() - started))
    return 0


if __name__ == "__main__":
    sys.exit(main())
