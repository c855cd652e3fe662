"""Check for `make check` what no setting shows: clock, disk, the timer's times, and the live site.

Uses the standard library only. Everything but a wrong clock is a warning: a run would work.

Exit codes: 0 good, or only warnings · 78 the clock is wrong; AWS refuses requests from 15 minutes on
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path

import network
import program
from exit_codes import CONFIG, OK
from log import Log
from schedule import Schedule
from settings import ROOT, read_environment
from settings_table import TABLE

SECONDS = 10
CLOCK_WARNING, CLOCK_ERROR = 60, 600  # seconds; AWS refuses requests from 15 minutes on
LEAST_DISK = 500_000_000  # bytes


class Answer:
    """An answer of a web server: status 0 if there was none, then `why` says the reason."""

    def __init__(self, url: str) -> None:
        self.status, self.headers, self.why = 0, Message(), ""
        headers = {"User-Agent": "events-display", "Accept-Encoding": "gzip"}
        try:
            request = urllib.request.Request(url, headers=headers)  # noqa: S310 - checked in settings_table
            with urllib.request.urlopen(request, timeout=SECONDS, context=network.tls()) as answer:  # noqa: S310
                self.status, self.headers = answer.status, answer.headers
        except urllib.error.HTTPError as error:
            with error:
                self.status, self.headers = error.code, error.headers
        except (OSError, HTTPException, ValueError) as error:
            self.why = str(getattr(error, "reason", error))


def check_clock(answer: Answer, log: Log, now: float) -> int:
    """Compare the clock with that of a web server; return the exit code."""
    try:
        ahead = now - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (TypeError, ValueError):
        return OK
    text = f"the clock of this machine is {abs(ahead):.0f} seconds {'ahead' if ahead > 0 else 'behind'}"
    advice = "set it: timedatectl set-ntp true"
    if abs(ahead) >= CLOCK_ERROR:
        log.error(f"{text}; AWS refuses requests from 15 minutes on; {advice}", rc=CONFIG)
        return CONFIG
    if abs(ahead) >= CLOCK_WARNING:
        log.warn(f"{text}; {advice}")
    return OK


def check_disk(folder: Path, log: Log) -> None:
    """Warn if the disk of the state is nearly full."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < LEAST_DISK:
        log.warn("the disk is nearly full: make room", path=str(folder), free_mb=free // 1_000_000)


def check_site(site_url: str, log: Log) -> None:
    """Warn about each difference of the live site from the needs of publishing (infra_needs.py)."""
    page = Answer(f"{site_url}/index.html")
    if page.status != 200:
        reason = page.why or f"status {page.status}"
        log.warn("the site is not published yet, or SITE_URL is wrong", address=site_url, detail=reason)
        return
    home, missing = Answer(f"{site_url}/"), Answer(f"{site_url}/events-display-check.html")
    if home.status != 200:
        log.warn("the address / shows no page: set the default root object to index.html", status=home.status)
    if page.headers["Content-Encoding"] is None:
        log.warn("the site is not compressed: turn on automatic compression in CloudFront")
    if "max-age" not in str(page.headers["Cache-Control"]):
        log.warn("the site sends no Cache-Control: choose the cache policy Managed-CachingOptimized")
    if missing.status != 404 or "html" not in str(missing.headers["Content-Type"]):
        log.warn(
            "a missing page is not shown as 404.html: add error responses for 403 and 404",
            status=missing.status,
        )


def check_timer(wanted: Sequence[str], log: Log, library: str = "") -> None:
    """Warn if the installed timer has other times, or does not run. `wanted`: its OnCalendar lines."""
    timer = f"events-display@{library}.timer" if library else "events-display.timer"
    try:
        unit, state = (
            subprocess.run(  # noqa: S603
                ("systemctl", *words, timer),  # noqa: S607
                capture_output=True, text=True, timeout=SECONDS, check=False,
            ).stdout
            for words in (("cat",), ("show", "--property=ActiveState"))
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return
    lines = re.findall(r"^OnCalendar=(.*)$", unit, re.MULTILINE)
    for number, line in reversed(list(enumerate(lines))):
        if not line:  # an empty line in a drop-in removes those before it
            lines = lines[number + 1 :]
            break
    if lines and set(lines) != set(wanted):
        log.warn(
            "the timer has other times than SCHEDULE and TIMEZONE: run make install again, and remove the "
            f"times that systemctl edit {timer} has added",
            key="SCHEDULE", timer="; ".join(lines), wanted="; ".join(wanted),
        )  # fmt: skip
    if "ActiveState=active" not in state:
        log.warn(f"the timer does not run: systemctl enable --now {timer}")


def check(env: Mapping[str, str], log: Log) -> int:
    """Run every check; return the exit code."""
    check_disk(Path(ROOT, env.get("BUILD_DIR") or "build"), log)
    if (ROOT / "installed-files").exists():
        schedule, zone = (env.get(name) or TABLE[name].default for name in ("SCHEDULE", "TIMEZONE"))
        check_timer(Schedule.parse(schedule).on_calendar(zone), log, env.get("LIBRARY", ""))
    if site_url := env.get("SITE_URL", "").rstrip("/"):
        check_site(site_url, log)
    return check_clock(Answer(env["LIBCAL_URL"]), log, time.time())


def main() -> int:
    """Run the checks; return the exit code."""
    log = Log("check")
    return program.run(log, lambda: check(read_environment(log=log), log))


if __name__ == "__main__":
    sys.exit(main())
