"""The simulated world: LibCal, S3, CloudFront, visitors, and the machine that runs bin/publish."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import resource
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from html import unescape
from pathlib import Path

from settings import ROOT
from simulate.clock import MONDAY, timer_runs
from simulate.costs import Bill
from simulate.killer import Killer
from simulate.staff import DAYS_AHEAD, Program
from simulate.visitors import Visitors
from standins import fault_proxy, sample
from standins.aws import Aws
from standins.cloudfront import Edge, OriginDown, Stored
from standins.libcal_server import LibCal
from standins.records import PRIVATE, PRIVATE_NUMBER

SITE_URL = "https://events.larkfield.example"
RUN_LIMIT = 300.0  # seconds
PRIVATE_VALUES = (PRIVATE.encode(), str(PRIVATE_NUMBER).encode())


@dataclass(frozen=True, slots=True)
class Run:
    """One finished run: exit code, log, writes to AWS in order, number of invalidated paths."""

    exit_code: int
    log: str
    writes: tuple[str, ...]
    paths: int


class World:
    """One library, one machine, one bucket and one edge; `start` starts their stand-ins.

    `bucket` is a copy of the bucket, kept up to date from the requests that pass the proxy. The proxy
    calls `_before` and `_after` from its own threads: hold `lock` to read what they change.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.now = next(timer_runs(MONDAY, 1))
        self.lock = threading.RLock()
        self.bucket: dict[str, Stored] = {}
        self.bill = Bill()
        self.killer: Killer | None = None  # for the next run only
        self.origin_down = False  # CloudFront cannot read the bucket
        self.leak = ""  # the first private value published
        self.foreign: set[str] = set()  # keys of other programs' objects
        self.vanished: dict[str, date] = {}  # keys of objects that a lifecycle rule deleted, and the day
        self._writes: list[str] = []

    @contextlib.contextmanager
    def start(self, program: Program) -> Iterator[None]:
        """Start the stand-ins; LibCal has the events of `program`."""
        with contextlib.ExitStack() as stack:
            self.libcal = stack.enter_context(LibCal(program.events(MONDAY), now=self.now))
            self.aws = stack.enter_context(Aws())
            url, self.proxy = stack.enter_context(fault_proxy.serve(self.aws.url))
            self.proxy.before, self.proxy.after = self._before, self._after
            edge = Edge(self._origin, lambda: self.proxy.invalidations, lambda: self.now.timestamp())
            self.visitors = Visitors(edge, self.bucket, SITE_URL, self._advance)
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="simulate-"))
            self.build = Path(folder, "build")
            inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
            self.env = inherited | self.libcal.settings | sample.SETTINGS | self.aws.env
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

    def run(self, run_id: str, clock_offset: timedelta, file_limit: int | None) -> Run:
        """Run bin/publish as the timer would, on a machine whose clock is off by `clock_offset`.

        The run can write at most `file_limit` bytes to a file. Raises subprocess.TimeoutExpired.
        """
        env = self.env | {"EVENTS_NOW": (self.now + clock_offset).isoformat(), "RUN_ID": run_id}
        self.libcal.now = self.now
        self._writes = []
        earlier = len(self.proxy.invalidations)

        def limit_files() -> None:
            if file_limit is not None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # get an error, as on a full disk
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

        with subprocess.Popen(
            [ROOT / "bin" / "publish"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=limit_files,
        ) as process:
            killer = self.killer
            if killer:
                killer.start(process.pid)
            try:
                log, _ = process.communicate(timeout=RUN_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            finally:
                if killer:
                    killer.stop()
        # Not at their upload: the clock stands still during a run, so an error in the cache does not expire.
        self.visitors.vanished &= self.vanished.keys()
        paths = sum(map(len, self.proxy.invalidations[earlier:]))
        self.bill.add_paths(self.now, paths)
        return Run(process.returncode, log, tuple(self._writes), paths)

    def add_foreign_objects(self) -> None:
        """Put objects of another program beside the site; some have names that are almost ours."""
        number = self.rng.randrange(1000)
        names = (
            f"archive/{number}.tif",
            f"static/js/main.{number:08x}.chunk.js",
            f"event/notes-{number}.html",
        )
        for name in names:
            self.aws.put(name, b"theirs")
            self.foreign.add(name)

    def lose_objects(self) -> None:
        """Delete some objects of the site, as a lifecycle rule does."""
        with self.lock:
            # The checks read index.html, events.json and status.json.
            pages = sorted(key for key in self.bucket if "/" in key)
            keys = self.rng.sample(pages, min(3, len(pages)))
            for key in keys:
                self.aws.delete(key)
                del self.bucket[key]
                self.vanished[key] = self.now.date()
                self.visitors.vanished.add(key)

    def published_titles(self) -> dict[str, str]:
        """Return the titles of the published events that are not over, by id."""
        if "events.json" not in self.bucket:
            return {}
        events = json.loads(self.bucket["events.json"].body)["events"]
        return {str(event["id"]): event["title"] for event in events if not event["over"]}

    def _origin(self, key: str) -> Stored | None:
        if self.origin_down:
            raise OriginDown
        return self.bucket.get(key)

    def _advance(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def _before(self, _operation: str, _key: str) -> None:
        with self.lock:
            if self.killer:
                self.killer.on_request("before")

    def _after(self, operation: str, key: str, body: bytes, headers: Mapping[str, str]) -> None:
        with self.lock:
            match operation:
                case "PutObject":
                    self._put(key, body, {name.lower(): value for name, value in headers.items()})
                case "DeleteObjects":
                    for name in re.findall(r"<Key>(.*?)</Key>", body.decode()):
                        self.bucket.pop(unescape(name), None)
                        self.vanished.pop(unescape(name), None)
                case "ListObjectsV2":
                    self.bill.lists += 1
            if operation != "ListObjectsV2":
                self._writes.append(f"{operation} {key}")
                self.visitors.visit()
            if self.killer:
                self.killer.on_request("after")

    def _put(self, key: str, body: bytes, headers: Mapping[str, str]) -> None:
        self.vanished.pop(key, None)
        self.bucket[key] = Stored(
            body=body,
            content_type=headers.get("content-type", ""),
            cache_control=headers.get("cache-control", ""),
        )
        self.bill.puts += 1
        self.bill.sent += len(body)
        if any(value in body for value in PRIVATE_VALUES):
            # Checked after the run: an exception here would only end a thread of the proxy.
            self.leak = self.leak or f"{key} publishes private data"
