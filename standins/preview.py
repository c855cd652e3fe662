"""Serve the site on loopback; regenerate and reload it whenever a template or a program changes.

Usage: make preview [PORT=8000] [LIBCAL_URL=https://yoursite.libcal.com]
       (python -m standins.preview, with PYTHONPATH=.:scripts)

The events come from LibCal if the environment or .env contains its address, credentials and calendars; with
LIBCAL_URL alone from the public calendar feeds of this site, which need no account (LIBCAL_CALENDARS chooses
some); otherwise from the sample library. Runs fetch.py and generate.py with build/preview. If one of them
fails, the terminal and the browser show its log until the next change.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from exit_codes import UNAVAILABLE
from fetching.deadline import Deadline
from fetching.feed_client import FeedClient
from fetching.libcal import Limits
from log import Log
from settings import ROOT, LibCalSettings, SettingError, Settings, read_environment
from settings_table import ICS, TABLE
from standins import preview_site, sample
from standins.libcal_server import LibCal
from standins.serving import serve

PORT = 8000
BUILD = ROOT / "build" / "preview"
WATCHED = ("templates", "scripts")
POLL_SECONDS = 0.3
FIND_SECONDS = 20.0
CREDENTIALS = ("LIBCAL_URL", "LIBCAL_CLIENT_ID", "LIBCAL_CLIENT_SECRET", "LIBCAL_CALENDARS")

Stamps = dict[Path, tuple[int, int]]


def main(argv: Sequence[str] | None = None) -> int:
    """Serve and watch until Ctrl-C; return 1 if the port is in use."""
    parser = argparse.ArgumentParser(description="Serve the site with live reload", allow_abbrev=False)
    parser.add_argument("--port", type=int, default=PORT, help=f"default: {PORT}")
    port = parser.parse_args(argv).port
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    state = preview_site.State(BUILD / "site")
    try:
        with contextlib.ExitStack() as stack:
            stack.callback(state.stop)
            try:
                address = stack.enter_context(serve(preview_site.app(state), port))
            except OSError as error:
                print(f"preview: port {port}: {error.strerror}; try PORT={port + 1}", file=sys.stderr)
                return 1
            libcal = stack.enter_context(LibCal())
            _say(
                f"Preview: {address}/ and {address}/screen.html. Pages reload automatically. Ctrl-C to stop."
            )
            _watch(state, libcal, address)
    except KeyboardInterrupt:
        _say("")
    return 0


def _watch(state: preview_site.State, libcal: LibCal, address: str) -> None:
    """Build now and after every change, until interrupted."""
    stamps = _stamps()
    state.publish(_build(libcal, address, fetch=True))
    while True:
        time.sleep(POLL_SECONDS)
        before, stamps = stamps, _stamps()
        changed = sorted(
            path for path in before.keys() | stamps.keys() if before.get(path) != stamps.get(path)
        )
        if changed:
            stamps = _settled(stamps)
            _say(f"Changed: {os.path.relpath(changed[0], ROOT)}")
            fetch = not all(path.is_relative_to(ROOT / "templates") for path in changed)
            state.publish(_build(libcal, address, fetch=fetch))


def _stamps() -> Stamps:
    """Return modification time and size of each watched file."""
    paths = [path for folder in WATCHED for path in (ROOT / folder).rglob("*") if path.suffix != ".pyc"]
    found: Stamps = {}
    for path in (*paths, Path(os.environ.get("ENV_FILE") or ROOT / ".env")):
        with contextlib.suppress(OSError):
            status = path.stat()
            if stat.S_ISREG(status.st_mode):
                found[path] = status.st_mtime_ns, status.st_size
    return found


def _settled(stamps: Stamps) -> Stamps:
    """Wait until the watched files stop changing; return their stamps."""
    while True:
        time.sleep(POLL_SECONDS / 3)
        before, stamps = stamps, _stamps()
        if before == stamps:
            return stamps


def _build(libcal: LibCal, address: str, *, fetch: bool) -> str:
    """Run fetch.py (if `fetch`) and generate.py; return the log of the failed program, or an empty text."""
    try:
        env = read_environment()
    except SettingError as error:
        return str(error)
    own = all(env.get(name) or env.get(f"{name}_FILE") for name in CREDENTIALS)
    if not own and (env.get("SOURCE") == ICS or os.environ.get("LIBCAL_URL")):
        own = True
        try:
            env |= _feeds(env)
        except (SettingError, LookupError) as error:
            return str(error)
    if fetch:
        source = env["LIBCAL_URL"] if own else "sample library (no LibCal credentials in .env)"
        _say(f"Events: {source}")
    if not own:
        env = {
            "SITE_NAME": sample.NAME,
            "BRANCHES": str(sample.BRANCHES),
            **env,
            **libcal.settings,
            "LIBCAL_CALENDARS": sample.CALENDAR_LABELS,
        }
    if fetch and not own:
        # An earlier preview's events, from a stand-in on another port, would only cause a warning.
        (BUILD / "events.json").unlink(missing_ok=True)
    env |= {"BUILD_DIR": str(BUILD), "SITE_URL": address, "LOG_FORMAT": "terminal", "NO_COLOR": "1"}
    begun = time.monotonic()
    for program in ("fetch.py", "generate.py")[not fetch :]:
        run = subprocess.run(
            [sys.executable, ROOT / "scripts" / program], env=env, stderr=subprocess.PIPE, text=True
        )
        for line in run.stderr.splitlines():
            _say(f"  {line}")
        # If LibCal is down, go on with the events of an earlier run.
        if run.returncode and not (run.returncode == UNAVAILABLE and (BUILD / "events.json").exists()):
            _say(f"  {program} failed with exit code {run.returncode}; waiting for a change")
            return run.stderr
    _say(f"  ready in {time.monotonic() - begun:.1f} s")
    return ""


@lru_cache
def _found(url: str) -> tuple[str, str]:
    """Return the public calendars of a LibCal site as LIBCAL_CALENDARS, and its time zone."""
    env = {"SOURCE": ICS, "LIBCAL_URL": url, "LIBCAL_CALENDARS": "0"}
    with open(os.devnull, "w") as stream:
        log, deadline = Log("preview", stream=stream), Deadline(FIND_SECONDS)
        zone = Settings.from_env(env).timezone
        client = FeedClient(LibCalSettings.from_env(env), log, deadline, zone=zone, limits=Limits(tries=1))
        found = dict(client.find_feeds())
    names = {number: re.sub(r"['\",=]+", " ", feed.name).strip() for number, feed in found.items()}
    zones = [feed.zone for feed in found.values() if not TABLE["TIMEZONE"].check(feed.zone, {})]
    calendars = ",".join(f"{number}={name}" if name else number for number, name in names.items())
    return calendars, next(iter(zones), "")


def _feeds(env: Mapping[str, str]) -> dict[str, str]:
    """Return the settings for calendar feeds. Raises SettingError, and LookupError without a calendar."""
    if env.get("LIBCAL_CALENDARS"):
        return {"SOURCE": ICS}
    calendars, zone = _found(env.get("LIBCAL_URL", ""))
    if not calendars:
        raise LookupError(
            f"No public calendar found at {env.get('LIBCAL_URL')}; name it: LIBCAL_CALENDARS=15144, "
            "the cid= in the address of its page"
        )
    settings = {"SOURCE": ICS, "LIBCAL_CALENDARS": calendars}
    return settings | ({"TIMEZONE": zone} if zone and not env.get("TIMEZONE") else {})


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
