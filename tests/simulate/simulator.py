"""Simulate weeks of publishing in minutes: real programs, a fake clock, edits by staff, and faults.

Usage: make simulate, or python -m simulate.simulator [--days N] [--seed N] [--faults SHARE] [--verbose]

The clock steps through the timer's runs (37 a day, Monday to Saturday). At each one `bin/publish` runs
with the real AWS CLI, against the LibCal stand-in, moto behind a fault proxy, and a cache that works
like CloudFront's. The seed decides every edit by staff (staff.py) and every fault in LibCal, S3,
CloudFront and on the machine (faults.py).

Checks after every write to AWS:
- No page that a visitor can get, from the edge or from the bucket, links to a missing file.
Checks after every run:
- Nor does any page that is still open in a browser.
- The edge serves no file older than the last run without a fault.
- No object of another program is deleted.
- Every event that LibCal has stays published.
- No private data is in the site or the log.
Checks after every run without a fault:
- The bucket equals the site, and no invalidation is pending. Objects that a lifecycle rule deleted may be
  missing until the next day.
- Edits by staff are published; deleted events are not.
- Files that left the site are deleted one run later, at the edge too.
A random repeat of a run at the same moment must write only status.json.

Exit codes: 0 all checks passed · 1 a check failed: prints the run, its log and the seed
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from bench.measure import Table
from simulate.checks import Checks, Violation
from simulate.clock import MONDAY, timer_runs
from simulate.costs import Bill
from simulate.faults import CLOCK_OFFSETS, FaultInjector, FaultKind
from simulate.staff import Program, Staff
from simulate.world import Run, World
from site_paths import is_hashed


class Simulation:
    """One library's life, decided by one seed; `share` of the runs get a fault."""

    def __init__(self, seed: int, share: float, *, verbose: bool) -> None:
        self._rng = random.Random(seed)
        self._share, self._verbose = share, verbose
        self._sizes: list[int] = []
        self.world = World(self._rng)
        self.runs = 0
        self.edits = 0
        self.invalidating_runs = 0
        self.faults = Counter[FaultKind]()  # only those that took effect
        self.exit_codes = Counter[int]()
        self.full_sync = Bill()

    def simulate(self, days: int) -> None:
        """Go through the timer's runs of `days` opening days; raise Violation if a check fails."""
        program = Program()
        with self.world.start(program):
            self._staff = Staff(self._rng, self.world.libcal, program, self.world.env)
            self._injector = FaultInjector(self.world)
            self._checks = Checks(self.world)
            for number, now in enumerate(timer_runs(MONDAY, days)):
                self.world.now = now
                if now.weekday() == 0 and (now.hour, now.minute) == (9, 0) and number:
                    self._staff.start_week(now.date())
                self._step(number)
            self._checks.at_end()

    def _step(self, number: int) -> None:
        """Let staff edit, publish once, perhaps with a fault, and check."""
        world = self.world
        edits = [self._staff.edit(world.now) for _ in range(self._rng.choice([0, 0, 0, 1, 2]))]
        self.edits += len(edits)
        # The very first run has no earlier one to fall back on, so it gets no fault.
        faults = {self._injector.inject()} if number and self._rng.random() < self._share else set()
        titles = world.published_titles()
        with world.lock:
            world.visitors.visit()
        where = f"run {number}, {world.now:%a %d %b %H:%M}, {', '.join(faults) or 'no fault'}"
        log = ""
        try:
            run = self._run(faults)
            log = run.log
            self.runs += 1
            self.exit_codes[run.exit_code] += 1
            if self._verbose:
                print(f"{where}: exit code {run.exit_code}, edits: {', '.join(edits) or 'none'}", flush=True)
            self._checks.after_run(run, faults, titles)
            if not faults and self._rng.random() < 0.05:
                self._checks.after_repeat(self._run(set()))
        except Violation as violation:
            raise Violation(f"{where}: {violation}\n{log}") from None
        self._add_full_sync()

    def _run(self, faults: set[FaultKind]) -> Run:
        limit = self._rng.choice([0, 100, 2_000, 20_000])
        try:
            run = self.world.run(
                f"sim{self.runs}",
                clock_offset=sum((CLOCK_OFFSETS.get(kind, timedelta()) for kind in faults), timedelta()),
                file_limit=limit if FaultKind.DISK_FULL in faults else None,
            )
        except subprocess.TimeoutExpired as error:
            raise Violation(
                f"still running after {error.timeout:.0f} s, or a process it started is"
            ) from None
        self.faults.update(kind for kind in faults if self._injector.took_effect(kind, run.exit_code))
        self._injector.clear()
        self.invalidating_runs += bool(run.paths)
        return run

    def _add_full_sync(self) -> None:
        """Add this run to the bill of a program that uploads the whole site in every run."""
        files = [path for path in (self.world.build / "site").rglob("*") if path.is_file()]
        self._sizes = [path.stat().st_size for path in files] or self._sizes
        self.full_sync.add_full_sync(self.world.now, self._sizes)


def report(sim: Simulation, title: str, seconds: float) -> str:
    """Return the counts and costs as a table with notes."""
    bills = sim.world.bill, sim.full_sync
    bucket = sim.world.bucket
    pages = sum(not is_hashed(key) for key in bucket)
    faults = ", ".join(f"{kind} {number}" for kind, number in sorted(sim.faults.items()))
    exit_codes = ", ".join(f"{code}: {number}" for code, number in sorted(sim.exit_codes.items()))
    rows = [
        ("PUTs", *(f"{bill.puts:,}" for bill in bills)),
        ("LISTs", *(f"{bill.lists:,}" for bill in bills)),
        ("MB sent", *(f"{bill.sent / 1e6:,.1f}" for bill in bills)),
        ("invalidation paths", *(f"{bill.paths.total():,}" for bill in bills)),
        ("dollars", *(f"{bill.dollars:.2f}" for bill in bills)),
    ]
    notes = (
        f"{sim.runs} runs, {sim.faults.total()} faults that took effect, {sim.edits} edits by staff; "
        f"{sim.invalidating_runs} runs invalidated paths; "
        f"{len(bucket)} files at the end, {pages} of them pages and feeds.",
        f"{sim.world.visitors.visits:,} visits of every page, {seconds:.0f} s. Exit codes: {exit_codes}.",
        f"Faults: {faults or 'none'}.",
    )
    return str(Table(title, ("", "events-display", "aws s3 sync"), rows, notes))


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate and print the report; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--days", type=int, default=6, help="opening days, from a Monday on (default 6)")
    parser.add_argument("--seed", type=int, default=1, help="decides all edits and faults (default 1)")
    parser.add_argument("--faults", type=float, default=0.4, help="share of runs with a fault (default 0.4)")
    parser.add_argument("--verbose", action="store_true", help="print a line for each run")
    options = parser.parse_args(argv)
    sim = Simulation(options.seed, options.faults, verbose=options.verbose)
    started = time.monotonic()
    try:
        sim.simulate(options.days)
    except Violation as violation:
        print(f"seed {options.seed}: {violation}", file=sys.stderr)
        print(f"repeat with: make simulate DAYS={options.days} SEED={options.seed}", file=sys.stderr)
        return 1
    title = f"seed {options.seed}, {options.days} days: all checks passed"
    print(report(sim, title, time.monotonic() - started))
    return 0


if __name__ == "__main__":
    sys.exit(main())
