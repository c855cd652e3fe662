"""Run the system's Chromium for tests, benches and pictures, with no host but 127.0.0.1 reachable."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping

from playwright.sync_api import Browser, sync_playwright

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    # Chromium's sandbox does not work as root.
    *(("--no-sandbox",) if os.geteuid() == 0 else ()),
)


def executable() -> str:
    """Return the path of the browser; raise FileNotFoundError with instructions if there is none."""
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise FileNotFoundError("no Chromium found: run make test-browser or tests/browser/setup")


@contextlib.contextmanager
def launch(*flags: str, environment: Mapping[str, str] | None = None) -> Iterator[Browser]:
    """Run Chromium during the `with` block; `environment` is added to the process's own."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable(), args=[*FLAGS, *flags], env={**os.environ, **(environment or {})}
        )
        yield chromium
        chromium.close()
