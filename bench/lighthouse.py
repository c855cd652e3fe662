"""Audit the list and an event page of the sample library as Lighthouse does by default: a phone on slow 4G.

Lighthouse simulates the network but times the page's scripts on this machine, so a busy machine lowers the
score. Each page is therefore audited several times; the table shows the median and the best run.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import Table, median
from browser import libraries, lighthouse
from browser.lighthouse import CATEGORIES, Report
from browser.server import SiteServer
from standins import sample


def bench(rounds: int = 3) -> Table:
    """Audit both pages `rounds` times, in turn."""
    with TemporaryDirectory() as name:
        library = libraries.larkfield(Path(name), datetime.now(sample.ZONE).replace(hour=9, minute=5))
        server = SiteServer(library.site)
        server.compressing = True
        event = library.event(
            lambda event: bool(event.image and event.registration and event.first_day > library.now.date())
        )
        paths = {"list": "index.html", "event page": f"event/{event.id}.html"}
        try:
            found: dict[str, list[Report]] = {kind: [] for kind in paths}
            for _ in range(rounds):
                for kind, path in paths.items():
                    found[kind].append(lighthouse.audit(server.url(path), *CATEGORIES))
        finally:
            server.close()
    header = ("", *CATEGORIES, "best", "FCP ms", "LCP ms", "TBT ms", "CLS")
    rows = [(kind, *_cells(reports)) for kind, reports in found.items()]
    notes = (
        f"Scores: median of {rounds} runs. Then: the best performance score, and the metrics of that run.",
    )
    return Table("lighthouse", header, rows, notes)


def _cells(reports: list[Report]) -> list[str]:
    best = max(reports, key=lambda report: report.scores["performance"])
    scores = [f"{median([report.scores[name] for report in reports]):.0f}" for name in CATEGORIES]
    names = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time")
    return [
        *scores,
        str(best.scores["performance"]),
        *(f"{best.metrics[name]:.0f}" for name in names),
        f"{best.metrics['cumulative-layout-shift']:.3f}",
    ]
