"""Weeks of life in minutes: the real programs through the timer's schedule, with edits and faults.

Usage: python tests/simulate.py [--days N] [--seed N] [--faults SHARE] [--verbose]

A faked clock goes through the timer's ticks (37 a day, Monday to Saturday). At each, `bin/publish`
runs as the timer would run it, with the real AWS CLI, against LibCal's stand-in, moto behind a proxy
with faults, and an edge that caches as CloudFront does. Everything is drawn from the seed: edits,
additions, cancellations and deletions by staff, and faults in LibCal, S3, CloudFront and on
the machine itself.

After every write that reaches AWS: no page that a visitor can get, from the edge or the bucket,
leads to a missing file. After every run: the edge serves nothing older than the last run
without a fault. After every run without a fault: the bucket is the site, nothing is pending, what
staff wrote is there and what they deleted is not. Always: nothing private is published. Now and
then the run is repeated: then nothing but status.json is written.

Exit codes: 0 all held · 1 something did not; the seed and the run are printed
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import posixpath
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests" / "standins")]

import fault_proxy  # noqa: E402
import sample  # noqa: E402
from aws import Aws  # noqa: E402
from cloudfront import Edge, Stored  # noqa: E402
from files import read_manifest, sha256  # noqa: E402
from headers import is_hashed  # noqa: E402
from libcal_server import LibCal  # noqa: E402
from published import Pending  # noqa: E402
from records import PRIVATE, PRIVATE_NUMBER  # noqa: E402

MONDAY = date(2026, 3, 2)  # the clocks go forward on that Sunday
SITE_URL = "https://events.larkfield.example"
DAYS_AHEAD = 14
RUN_LIMIT = 300.0
SECRET_MARKS = (PRIVATE.encode(), str(PRIVATE_NUMBER).encode())

DOLLARS_A_PUT = 0.005 / 1000  # LIST the same; DELETE is free
DOLLARS_A_PATH = 0.005
FREE_PATHS = 1000


class Violation(Exception):
    """A promise was not kept."""


@dataclass(slots=True)
class Totals:
    """What the weeks cost, ours and the original's."""

    runs: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    edits: int = 0
    puts: int = 0
    lists: int = 0
    deletes: int = 0
    sent: int = 0
    paths: Counter[str] = field(default_factory=Counter)
    checks: int = 0
    original_puts: int = 0
    original_lists: int = 0
    original_sent: int = 0
    original_paths: Counter[str] = field(default_factory=Counter)


def ticks(first: date, days: int) -> Iterator[datetime]:
    """Yield the timer's ticks of `days` opening days: 09:00 to 18:00, every 15 minutes, not on Sundays."""
    day = first
    while days:
        if day.weekday() != 6:
            for minutes in range(9 * 60, 18 * 60 + 1, 15):
                yield datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=sample.ZONE)
            days -= 1
        day += timedelta(days=1)


def links(path: str, body: bytes) -> frozenset[str]:
    """Return the site's files that the page or feed `path` leads to."""
    text = body.decode("utf-8", "replace")
    if path.endswith(".ics"):
        text = text.replace("\r\n ", "")  # long lines are folded
    found = re.findall(rf"{re.escape(SITE_URL)}/?[^\s\"'<>\\,;]*", text)
    if path.endswith(".html"):
        found += [unescape(link) for link in re.findall(r'\b(?:href|src)="([^"]*)"', text)]
    targets = set()
    for link in found:
        parts = urlsplit(link.replace(SITE_URL, "", 1) if link.startswith(SITE_URL) else link)
        if parts.scheme or parts.netloc or not (parts.path or link.startswith(SITE_URL)):
            continue
        name = unquote(parts.path)
        here = "/" if name.startswith("/") or link.startswith(SITE_URL) else posixpath.dirname("/" + path)
        target = posixpath.normpath(posixpath.join(here, name)).lstrip("/")
        targets.add("index.html" if target in ("", ".") else target)
    return frozenset(targets)


def family(pid: int) -> list[int]:
    """Return the running descendants of `pid`, parents first."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                status = (entry / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(status[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(0), [])
        found += children
        waiting += children
    return found


class Simulation:
    """One library, one machine, one bucket and one edge, driven by one seed."""

    def __init__(self, seed: int, share: float, *, verbose: bool) -> None:
        self.rng = random.Random(seed)
        self.share, self.verbose = share, verbose
        self.totals = Totals()
        self.bucket: dict[str, Stored] = {}
        self.lock = threading.RLock()
        self.now = datetime(2026, 3, 2, 9, tzinfo=sample.ZONE)
        self.allowed: list[Mapping[str, str]] = []
        self.kill_at: tuple[str, int, str] | None = None
        self.requests = 0
        self.process: subprocess.Popen[str] | None = None
        self.violation = ""
        self.wrote: list[str] = []
        self._links: dict[tuple[str, str], frozenset[str]] = {}
        self._weeks = 0

    @contextlib.contextmanager
    def world(self) -> Iterator[None]:
        """Start the stand-ins, and a build folder."""
        with contextlib.ExitStack() as stack:
            self.libcal = stack.enter_context(LibCal(self._programme(MONDAY), now=self.now))
            self.aws = stack.enter_context(Aws())
            url, self.proxy = stack.enter_context(fault_proxy.serve(self.aws.url))
            self.proxy.before, self.proxy.after = self._before, self._after
            self.edge = Edge(self.bucket.get, lambda: self.proxy.invalidations, lambda: self.now.timestamp())
            self.build = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="simulate-")), "build")
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

    # --- What staff do ---------------------------------------------------------------------------

    def _programme(self, monday: date) -> list[dict[str, Any]]:
        events = sample.events(monday)
        for event in events:
            event["id"] = type(event["id"])(int(event["id"]) + 1_000_000 * self._weeks)
            event["featured_image"] = ""  # pictures are elsewhere
            event["future_dates"] = []
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
        """Do one thing that staff do; return what."""
        what = self.rng.choice(["retitle", "retitle", "move", "cancel", "add", "delete"])
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
        self.totals.edits += 1
        return what

    # --- What goes wrong -------------------------------------------------------------------------

    def fault(self) -> str:
        """Let one thing go wrong with the next run; return what."""
        kinds: dict[str, Callable[[], None]] = {
            "libcal-down": lambda: self.libcal.fail("status", status=503, path="/1.1"),
            "libcal-one-down": lambda: self.libcal.fail("status", status=500, calendar=self._calendar()),
            "libcal-html": lambda: self.libcal.fail("html", path="/1.1/events"),
            "libcal-truncated": lambda: self.libcal.fail("truncated", times=self.rng.choice([1, 99])),
            "libcal-token": self.libcal.expire_tokens,
            "libcal-empty": lambda: self.libcal.fail("empty", calendar=self._calendar()),
            "libcal-all-empty": lambda: self.libcal.fail("empty"),
            "libcal-refuses": lambda: self.libcal.fail("status", status=401, path="/1.1/oauth"),
            "libcal-reset": lambda: self.libcal.fail("reset", times=2),
            "s3-error": lambda: self._aws_fault(self.rng.choice(["InternalError", "SlowDown"]), "PutObject"),
            "s3-partial": lambda: self._aws_fault("InternalError", "PutObject", self.rng.randrange(12)),
            "s3-reset": lambda: self._aws_fault("reset", "PutObject", self.rng.randrange(6)),
            "s3-lost": lambda: self._aws_fault("lost", "PutObject", self.rng.randrange(6)),
            "s3-denied": lambda: self._aws_fault("AccessDenied", ".*Object.*"),
            "s3-skewed": lambda: self._aws_fault("RequestTimeTooSkewed", ".*"),
            "s3-no-deletes": lambda: self._aws_fault("InternalError", "DeleteObjects"),
            "cf-busy": lambda: self._aws_fault("TooManyInvalidationsInProgress", "CreateInvalidation"),
            "cf-down": lambda: self._aws_fault("ServiceUnavailable", "CreateInvalidation"),
            "cf-lost": lambda: self._aws_fault("lost", "CreateInvalidation"),
            "cf-denied": lambda: self._aws_fault("AccessDenied", "CreateInvalidation"),
            "kill-at-request": lambda: self._kill_at(self.rng.choice(["before", "after"])),
            "kill-at-request-2": lambda: self._kill_at(self.rng.choice(["before", "after"])),
            "kill-at-time": lambda: self._kill_at("time"),
            "kill-at-time-2": lambda: self._kill_at("time"),
            "disk-full": lambda: None,
            "lost-manifest": lambda: (self.build / "published.manifest").unlink(missing_ok=True),
            "lost-machine": lambda: shutil.rmtree(self.build, ignore_errors=True),
            "lost-site": lambda: shutil.rmtree(self.build / "site", ignore_errors=True),
            "lost-events": lambda: self._truncate("events.json"),
            "torn-manifest": lambda: self._truncate("published.manifest"),
            "clock-behind": lambda: None,
        }
        kind = self.rng.choice(sorted(kinds))
        kinds[kind]()
        return re.sub(r"-2$", "", kind)

    def _calendar(self) -> str:
        return self.rng.choice(sorted(self.libcal.calendars))

    def _aws_fault(self, kind: str, operation: str, skip: int = 0) -> None:
        self.proxy.faults = [fault_proxy.Fault(kind=kind, operation=operation, skip=skip)]

    def _kill_at(self, when: str) -> None:
        self.kill_at = (when, self.rng.randrange(1, 8), self.rng.choice(["publish", "step", "deepest"]))

    def _truncate(self, name: str) -> None:
        path = self.build / name
        if path.exists():
            os.truncate(path, path.stat().st_size * 2 // 3)

    def _kill(self) -> None:
        """Kill publish, its step at hand, or the innermost process of that; each must be survived."""
        process = self.process
        if process is None or self.kill_at is None:
            return
        whom, pids = self.kill_at[2], [process.pid, *family(process.pid)]
        self.kill_at = None
        pid = {"publish": pids[0], "step": pids[min(2, len(pids) - 1)], "deepest": pids[-1]}[whom]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    # --- A run -----------------------------------------------------------------------------------

    def run(self, faults: Sequence[str]) -> tuple[int, str]:
        """Run bin/publish as the timer would; return its exit code and log."""
        moment = self.now - timedelta(hours=1) if "clock-behind" in faults else self.now
        env = self.env | {"EVENTS_NOW": moment.isoformat(), "RUN_ID": f"sim{self.totals.runs}"}
        self.libcal.now = self.now
        self.requests, self.wrote = 0, []

        def confine() -> None:
            if "disk-full" in faults:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        limit = self.rng.choice([0, 100, 2_000, 20_000])
        with tempfile.TemporaryFile("w+") as log:
            self.process = subprocess.Popen(
                [str(ROOT / "bin" / "publish")],
                env=env,
                stdout=log,
                stderr=log,
                text=True,
                preexec_fn=confine,
            )
            timer = None
            if self.kill_at and self.kill_at[0] == "time":
                timer = threading.Timer(self.kill_at[1] * 0.35, self._kill)
                timer.start()
            try:
                code = self.process.wait(RUN_LIMIT)
            finally:
                self.process.kill()
                self.process.wait()
                if timer:
                    timer.cancel()
            log.seek(0)
            text = log.read()
        for fault in faults:
            if self._befell(fault, code):
                self.totals.faults[fault] += 1
        self.process, self.kill_at = None, None
        self.proxy.faults = []
        self.libcal.recover()
        return code, text

    def _befell(self, fault: str, code: int) -> bool:
        """Tell whether the fault found something to spoil: some wait for a request that never came."""
        if fault.startswith("kill"):
            return self.kill_at is None
        if fault.startswith(("s3", "cf")):
            return any(each.seen > each.skip for each in self.proxy.faults)
        return fault != "disk-full" or code != 0

    # --- What is checked -------------------------------------------------------------------------

    def _before(self, _operation: str, _key: str) -> None:
        with self.lock:
            self.requests += 1
            if self.kill_at and self.kill_at[:2] == ("before", self.requests):
                self._kill()

    def _after(self, operation: str, key: str, body: bytes, headers: Mapping[str, str]) -> None:
        with self.lock:
            lower = {name.lower(): value for name, value in headers.items()}
            match operation:
                case "PutObject":
                    self.bucket[key] = Stored(
                        body=body,
                        content_type=lower.get("content-type", ""),
                        cache_control=lower.get("cache-control", ""),
                    )
                    self.totals.puts += 1
                    self.totals.sent += len(body)
                    if any(mark in body for mark in SECRET_MARKS):
                        self._violate(f"something private is published in {key}")
                case "DeleteObjects":
                    for name in re.findall(r"<Key>(.*?)</Key>", body.decode()):
                        self.bucket.pop(unescape(name), None)
                    self.totals.deletes += 1
                case "ListObjectsV2":
                    self.totals.lists += 1
                case "CreateInvalidation":
                    pass
            if operation != "ListObjectsV2":
                self.wrote.append(f"{operation} {key}")
                self._visit()
            if self.kill_at and self.kill_at[:2] == ("after", self.requests):
                self._kill()

    def _violate(self, what: str) -> None:
        """Note it for the main thread; an exception here would only end a thread of the proxy."""
        self.violation = self.violation or what

    def _visit(self) -> None:
        """Let visitors ask for all they can reach; nothing leads to a missing file."""
        self.totals.checks += 1
        if "index.html" not in self.bucket:
            return
        seen: set[str] = set()
        cached = {
            unquote(path[1:]) or "index.html" for path, item in self.edge.cache.items() if item.status == 200
        }
        waiting = [("index.html", "")] + [(path, "") for path in cached]
        while waiting:
            path, origin = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            answer = self.edge.get("/" + path)
            if answer.status != 200:
                if origin:
                    self._violate(f"{origin} leads to {path}, which is missing")
                continue
            waiting += [(target, path) for target in self._leads_to(path, answer.body)]

    def _leads_to(self, path: str, body: bytes) -> frozenset[str]:
        key = (path, sha256(body))
        if key not in self._links:
            self._links[key] = links(path, body)
        return self._links[key]

    def check(self, code: int, log: str, faults: Sequence[str]) -> None:
        """Check what must hold after a run; raise Violation."""
        with self.lock:
            if self.violation:
                raise Violation(self.violation)
        if code not in (0, 1, 65, 75, 78, -signal.SIGKILL):
            raise Violation(f"unknown exit code {code}")
        if code > 0 and 'msg="publish failed' not in log.rstrip().rpartition("\n")[2]:
            raise Violation("the last line of a failed run does not say so")
        for mark in SECRET_MARKS:
            if mark.decode() in log:
                raise Violation("something private is in the log")
        if self.libcal.client_secret in log or self.env["AWS_SECRET_ACCESS_KEY"] in log:
            raise Violation("a secret is in the log")
        with contextlib.suppress(ValueError):
            manifest = read_manifest(self.build / "site.manifest")
            if faults:
                self.allowed.append(manifest)
            else:
                self._check_good_run(code, manifest)
                self.allowed = [manifest]
        self._check_edge()

    def _check_good_run(self, code: int, manifest: Mapping[str, str]) -> None:
        if code:
            raise Violation(f"a run without a fault ended with {code}")
        if Pending.load(self.build / "pending-paths").paths:
            raise Violation("paths are still pending after a run without a fault")
        bucket = {key: sha256(stored.body) for key, stored in self.bucket.items() if key != "status.json"}
        for key in bucket.keys() | manifest.keys():
            kept = is_hashed(key) and key not in manifest
            if not kept and bucket.get(key) != manifest.get(key):
                raise Violation(f"{key} is not in the bucket as it was generated")
        published = json.loads(self.bucket["events.json"].body)
        titles = {str(event["id"]): event["title"] for event in published["events"]}
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
        if not self.allowed or "index.html" not in self.bucket:
            return
        for path in set[str]().union(*self.allowed):
            answer = self.edge.get("/" + path)
            found = sha256(answer.body) if answer.status == 200 else None
            if found not in {manifest.get(path) for manifest in self.allowed} and not (
                is_hashed(path) and found is not None
            ):
                raise Violation(f"the edge serves {path} as it was before the last run without a fault")

    def check_repeat(self) -> None:
        """Run again at the same moment: nothing may be written but status.json."""
        code, log = self.run([])
        if code or self.wrote != ["PutObject status.json"]:
            raise Violation(f"a repeated run ended with {code} and wrote {self.wrote}\n{log}")

    def check_bucket(self) -> None:
        """What moto holds is what was seen going by."""
        objects = self.aws.objects()
        if objects.keys() != self.bucket.keys():
            raise Violation("the proxy and the bucket disagree")

    # --- Weeks -----------------------------------------------------------------------------------

    def live(self, days: int) -> None:
        """Go through the ticks of `days` days."""
        for number, self.now in enumerate(ticks(MONDAY, days)):
            if self.now.weekday() == 0 and (self.now.hour, self.now.minute) == (9, 0) and number:
                self._new_week()
            edits = [self.edit() for _ in range(self.rng.choice([0, 0, 0, 1, 2]))]
            # The very first run has nothing to fall back on, so it is given a chance.
            faults = [self.fault()] if number and self.rng.random() < self.share else []
            code, log = self.run(faults)
            self.totals.runs += 1
            self.totals.codes[code] += 1
            if self.verbose:
                print(f"{self.now:%a %d %H:%M} rc={code} {faults or ''} {edits or ''}", flush=True)
            try:
                self.check(code, log, faults)
                if not faults and self.rng.random() < 0.05:
                    self.check_repeat()
            except Violation as violation:
                raise Violation(
                    f"run {number}, {self.now:%a %d %b %H:%M}, {faults}: {violation}\n{log}"
                ) from None
            self._count_original()
        self.check_bucket()

    def _new_week(self) -> None:
        week = (self.now.date() - MONDAY).days // 7
        if week % 2 == 0:
            for event in self._programme(self.now.date()):
                self.libcal.events[str(event["id"])] = event

    def _count_original(self) -> None:
        """What `aws s3 sync --delete` of a tree generated anew, and `/*`, would have cost in this run.

        By its rule: every file is newer than its object, so every file goes up.
        """
        site = self.build / "site"
        sizes = [path.stat().st_size for path in site.rglob("*") if path.is_file()]
        self.totals.original_puts += len(sizes)
        self.totals.original_sent += sum(sizes)
        self.totals.original_lists += -(-len(sizes) // 1000)
        self.totals.original_paths[f"{self.now:%Y-%m}"] += 1


def dollars(puts: int, lists: int, paths: Mapping[str, int]) -> float:
    """Return what AWS would charge: PUT and LIST alike, and the paths of each month beyond the free ones."""
    billed = sum(max(0, count - FREE_PATHS) for count in paths.values())
    return (puts + lists) * DOLLARS_A_PUT + billed * DOLLARS_A_PATH


def table(sim: Simulation, seconds: float) -> str:
    """Return the weeks in numbers."""
    totals = sim.totals
    paths = sum(len(batch) for batch in sim.proxy.invalidations)
    ours = Counter({"all": paths})
    original = sum(totals.original_paths.values())
    faults = ", ".join(f"{kind} {count}" for kind, count in sorted(totals.faults.items()))
    codes = ", ".join(f"{code}: {count}" for code, count in sorted(totals.codes.items()))
    rows = [
        ("", "ours", "original"),
        ("PUTs", f"{totals.puts:,}", f"{totals.original_puts:,}"),
        ("LISTs", f"{totals.lists:,}", f"{totals.original_lists:,}"),
        ("megabytes", f"{totals.sent / 1e6:,.1f}", f"{totals.original_sent / 1e6:,.1f}"),
        ("billed paths", f"{paths:,}", f"{original:,}"),
        (
            "dollars",
            f"{dollars(totals.puts, totals.lists, ours):.2f}",
            f"{dollars(totals.original_puts, totals.original_lists, totals.original_paths):.2f}",
        ),
    ]
    return "\n".join(
        [
            f"{totals.runs} runs, {sum(totals.faults.values())} faults that befell them, {totals.edits} edits by staff,"
            f" {totals.checks} checks of every page, {seconds:.0f} s",
            f"exit codes  {codes}",
            f"faults      {faults}",
            *(f"{name:<14}{mine:>10}{theirs:>12}" for name, mine, theirs in rows),
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--days", type=int, default=6, help="opening days, from a Monday on (default 6)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--faults", type=float, default=0.3, help="share of runs that meet a fault (default 0.3)"
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
        print(f"seed {options.seed}: {table(sim, time.monotonic() - started)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
