"""Whether this machine has a Docker Compose that can run the containers."""

from __future__ import annotations

import re
import subprocess

# The first with providers, which write the secrets.
OLDEST = (2, 36)
NEEDED = "Docker Compose 2.36 or later is needed"


def compose_problem() -> str:
    """Return why Docker Compose cannot be used, or an empty string. Asks no engine and no network."""
    try:
        done = subprocess.run(
            ("docker", "compose", "version", "--short"),  # noqa: S607
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except FileNotFoundError:
        return f"{NEEDED}: the program docker is missing"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{NEEDED}: docker cannot be run: {error}"
    version = re.match(r"v?(\d+)\.(\d+)", done.stdout)
    if done.returncode or not version:
        return f"{NEEDED}: docker has no Compose plugin (docker-compose-plugin of Docker's own packages)"
    if (int(version[1]), int(version[2])) < OLDEST:
        return f"{NEEDED}: found {done.stdout.strip()[:40]}"
    return ""
