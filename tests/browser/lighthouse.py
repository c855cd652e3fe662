"""Run Lighthouse against a page on this machine, with its default: a phone on slow 4G."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from browser import chromium

PROGRAM = Path(__file__).parent / "node_modules" / "lighthouse" / "cli" / "index.js"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
SECONDS = 240


@dataclass(frozen=True, slots=True)
class Report:
    """Scores from 0 to 100 by category, audits below the full score, and metrics in ms (CLS without unit)."""

    scores: dict[str, int]
    shortcomings: list[str]
    metrics: dict[str, float]


def audit(url: str, *categories: str, options: tuple[str, ...] = ()) -> Report:
    """Return Lighthouse's report on `categories`, with its mobile defaults and additional `options`."""
    command = [
        "node",
        str(PROGRAM),
        url,
        *options,
        "--output=json",
        "--quiet",
        f"--only-categories={','.join(categories)}",
        f"--chrome-flags=--headless=new {' '.join(chromium.FLAGS).replace('MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', '')}",
    ]
    environment = {**os.environ, "CHROME_PATH": chromium.executable()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode:
        raise RuntimeError(f"lighthouse exited {done.returncode}: {done.stderr[-2000:]}")
    report = json.loads(done.stdout)
    if report.get("runtimeError"):
        raise RuntimeError(str(report["runtimeError"]))
    counted = {
        item["id"]
        for category in report["categories"].values()
        for item in category["auditRefs"]
        if item["weight"] > 0
    }
    audits = report["audits"]
    return Report(
        scores={name: round(100 * found["score"]) for name, found in report["categories"].items()},
        shortcomings=[
            f"{key}: {audits[key]['title']} ({audits[key].get('displayValue', '')})"
            for key in sorted(counted)
            if audits[key]["score"] is not None and audits[key]["score"] < 1
        ],
        metrics={
            key: audits[key]["numericValue"]
            for key in (
                "first-contentful-paint",
                "largest-contentful-paint",
                "total-blocking-time",
                "cumulative-layout-shift",
                "speed-index",
            )
            if key in audits
        },
    )
