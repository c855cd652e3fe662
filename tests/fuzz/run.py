"""Fuzz fetch and generate with changed events: make fuzz N=100000 (EVENTS=file, SEED=1).

Runs in process, and every few thousand events through the real programs. Prints the rate; a failure prints
the smallest events that cause it. All traffic is on loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from event import Snapshot
from fetching.links import Origin
from fetching.merge import Outcome, Window, merge
from fetching.normalize import Context, normalize_calendar
from fuzz import mutations, properties
from fuzz.mutations import Batch
from rendering import pages
from rendering.site import Site
from settings import Settings
from standins import sample
from support.fixed_libcal import GOOD, FixedLibCal, good_event
from support.pipeline import Pipeline

NOW = datetime(2026, 3, 2, 9, tzinfo=sample.ZONE)
BATCH = 24
# Batches of one run of the real programs.
TOGETHER = 100
SECONDS_AN_EVENT = 0.5
MEMORY_KB = 400_000
URL = "https://library.libcal.com"


class Fuzzer:
    """Checks batches; counts the events that were tried."""

    def __init__(self, folder: Path) -> None:
        self.tried = 0
        self.runs = 0
        self._folder = folder
        self._waiting: list[Batch] = []
        build = folder / "pure"
        build.mkdir()
        self._settings = Settings.from_env(
            {
                "BUILD_DIR": str(build),
                "EVENTS_NOW": NOW.isoformat(),
                "TIMEZONE": sample.ZONE.key,
                "SITE_URL": "https://events.example.org",
                "ENV_FILE": os.devnull,
            }
        )

    def check(self, batch: Batch, *, programs: bool = True) -> None:
        """Check one batch in process, and many together through the real programs."""
        self.tried += len(batch.events)
        began = time.process_time()
        files = self._files(batch)
        seconds = time.process_time() - began
        assert seconds < 2 + SECONDS_AN_EVENT * len(batch.events), f"{seconds:.1f} s"
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MEMORY_KB
        properties.check(files)
        if self.tried // BATCH % 10 == 0:
            assert self._files(batch) == files, "the same events gave other bytes"
        self._waiting.append(batch)
        if programs and len(self._waiting) >= TOGETHER:
            waiting, self._waiting = self._waiting, []
            self.check_programs(waiting)

    def _files(self, batch: Batch) -> dict[str, bytes]:
        """Return the site of the events and the good one, in process."""
        window = Window(now=NOW, last_day=NOW.date() + timedelta(days=30))
        outcomes = []
        for calendar, raw in (("1", list(batch.events)), (GOOD, [good_event("2026-03-03")])):
            context = Context(
                calendar=calendar,
                branch="",
                zone=sample.ZONE,
                now=NOW,
                last_day=window.last_day,
                origin=Origin.of(URL),
            )
            result = normalize_calendar(raw, context)
            outcomes.append(Outcome(id=calendar, name=result.name, events=result.events))
        path = self._folder / "events.json"
        merge(Snapshot(url=URL), outcomes, window).save(path)
        return dict(pages.build(Site.of(Snapshot.load(path, sample.ZONE), self._settings)))

    def check_programs(self, batches: Sequence[Batch]) -> None:
        """Check `batches` in four calendars beside a good one, through the real programs."""
        self.runs += 1
        events: list[Any] = [_local(event) for batch in batches for event in batch.events]
        numbers = {str(key + 1): events[key::4] for key in range(4)}
        pages = {
            key: [_body(part[begin : begin + 500]) for begin in range(0, len(part), 500)]
            for key, part in numbers.items()
        }
        # Control characters and bytes that are not UTF-8 in one of them.
        pages["3"] = [body.replace(b"and", b"a\x01\x92d") for body in pages["3"]]
        pages[GOOD] = [_body([good_event("2026-03-03")])]
        with FixedLibCal(pages) as libcal, tempfile.TemporaryDirectory(dir=self._folder) as build:
            settings = {
                **libcal.settings,
                "TIMEZONE": sample.ZONE.key,
                "SITE_URL": "https://events.example.org",
            }
            pipeline = Pipeline(settings, Path(build), NOW)
            fetched = pipeline.fetch()
            # On a busy machine a calendar may miss the deadline of fetch; it costs no other calendar.
            assert fetched.code == 0 or "cause=deadline" in fetched.log, fetched.log[-3000:]
            assert "Traceback" not in fetched.log
            fetched.check_costs()
            saved = (Path(build) / "events.json").read_text(errors="replace")
            assert not any(marker in saved + fetched.log for marker in mutations.MARKERS)
            generated = pipeline.generate()
            assert generated.code == 0, generated.log[-3000:]
            generated.check_costs()
            files = pipeline.files()
            properties.check(files)
            assert pipeline.generate(LOCALE="en_US").code == 0
            assert pipeline.files() == files


def _local(event: Any) -> Any:
    """Return `event` with its image on the server of the test: fetch must connect to loopback only."""
    if not isinstance(event, dict) or not event.get("featured_image"):
        return event
    return {**event, "featured_image": "/images/missing.webp"}


def _body(events: list[Any]) -> bytes:
    # A lone surrogate is written as an escape, as PHP does.
    return json.dumps({"events": events}).replace("Infinity", "1e999").replace("NaN", "null").encode()


def fuzz(count: int, number: int, events_file: Path | None, *, programs: bool = True) -> Fuzzer:
    """Try about `count` changed events with the seed `number`."""
    known = mutations.seeds(events_file, NOW.date(), sample.ZONE)
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(Path(folder))

        @seed(number)
        @settings(
            max_examples=max(1, count * 4 // (3 * BATCH)),
            database=None,
            deadline=None,
            print_blob=True,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(mutations.batches(known, BATCH))
        def run(batch: Batch) -> None:
            fuzzer.check(batch, programs=programs)

        run()
    return fuzzer


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz on all cores; return 1 if a check failed."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--number", type=int, default=10_000, help="events to try (default: 10000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=Path, help="a file of real events to start from, too")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(argv)
    began = time.monotonic()
    if options.jobs > 1:
        share = -(-options.number // options.jobs)
        command = [sys.executable, "-m", "fuzz.run", "--jobs", "1", "--number", str(share)]
        command += ["--events", str(options.events)] if options.events else []
        children = [
            subprocess.Popen([*command, "--seed", str(options.seed + job)]) for job in range(options.jobs)
        ]
        return max(child.wait() for child in children)
    fuzzer = fuzz(options.number, options.seed, options.events)
    seconds = time.monotonic() - began
    print(
        f"seed {options.seed}: {fuzzer.tried} events, {fuzzer.runs} runs of the programs, no failure; "
        f"{seconds:.0f} s, {fuzzer.tried / seconds:.0f} events a second",
        flush=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
