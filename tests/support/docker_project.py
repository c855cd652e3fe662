"""A Compose project for one test: the real engine, the real images, the real `make publish RUNNER=docker`.

LibCal and AWS are the stand-ins, in this process; the containers are put into this machine's
network (host-network.yaml), so that they reach them on loopback. Each test has a project of its
own: other containers, volume, state.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import notify
from standins import sample
from standins.libcal_server import LibCal

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "docker"
TAG = "test"
SERVICES = ("generator", "uploader", "invalidator")
# Planted, so that they can be looked for; the stand-in's own secret is checked by it.
SECRETS = {
    "UPLOAD_AWS_ACCESS_KEY_ID": "AKIAPLANTEDUPLOAD",
    "UPLOAD_AWS_SECRET_ACCESS_KEY": "planted/upload+secret",
    "INVALIDATE_AWS_ACCESS_KEY_ID": "AKIAPLANTEDINVALIDATE",
    "INVALIDATE_AWS_SECRET_ACCESS_KEY": "planted/invalidate+secret",
}


def run(
    *command: str,
    env: dict[str, str] | None = None,
    cwd: Path = ROOT,
    timeout: float = 120,
    stdin: Path = Path(os.devnull),
) -> Result:
    """Run a command to its end; stdout and stderr together."""
    with stdin.open("rb") as file:
        done = subprocess.run(
            command,
            env=env,
            cwd=cwd,
            timeout=timeout,
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return Result(code=done.returncode, log=done.stdout)


def docker(*arguments: str) -> str:
    """Ask the engine something that must succeed."""
    done = subprocess.run(("docker", *arguments), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a command ended, and what it said."""

    code: int
    log: str

    @property
    def lines(self) -> list[dict[str, str]]:
        """Its log lines, taken apart."""
        return [notify.fields(line) for line in self.log.splitlines() if line.startswith("level=")]

    def steps(self) -> list[str]:
        """The steps that logged something, in order."""
        return list(dict.fromkeys(line["step"] for line in self.lines))

    def last(self, msg: str) -> dict[str, str]:
        """The last line with this message."""
        found = [line for line in self.lines if line["msg"] == msg]
        assert found, self.log
        return found[-1]


@dataclass(slots=True, kw_only=True)
class Project:
    """One Compose project: its settings, and what can be done with it."""

    name: str
    state: Path
    env: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def publish(self, **settings: str) -> Result:
        """Run bin/publish in Docker; its exit code is the step's own, which make would hide."""
        return run("bin/publish", env={**self.env, **settings})

    def start(self, **settings: str) -> subprocess.Popen[str]:
        """Start bin/publish and come back at once."""
        process = subprocess.Popen(
            ("bin/publish",),
            cwd=ROOT,
            env={**self.env, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def compose(self, *arguments: str, **settings: str) -> Result:
        """Run docker compose with the project's settings."""
        return run("docker", "compose", *arguments, env={**self.env, **settings})

    def step(self, service: str, *command: str, **settings: str) -> Result:
        """Run a command in one container, as a step runs, secrets and all."""
        assert run("bin/secrets", env=self.env).code == 0
        arguments = ("run", "--rm", "--no-TTY", "--no-deps", "--pull", "never", service, *command)
        return self.compose("--env-file", "/dev/null", *arguments, **settings)

    def containers(self, *filters: str) -> list[str]:
        """The ids of the project's containers, ended ones too."""
        label = f"label=com.docker.compose.project={self.name}"
        extra = [word for each in filters for word in ("--filter", each)]
        return docker("ps", "--all", "--quiet", "--no-trunc", "--filter", label, *extra).split()

    def volume(self, command: str) -> str:
        """Run a shell command as root in the project's volume."""
        mount = f"{self.name}_build:/data"
        return docker(
            "run", "--rm", "--user=0", "--entrypoint=", "-v", mount, image("generator"), "sh", "-c", command
        )

    def stop(self) -> None:
        """Remove all of it."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            if process.stdout:
                process.stdout.close()
        if ids := self.containers():
            run("docker", "rm", "--force", *ids)  # some may be on their way out by themselves
        wait_for(lambda: not self.containers())
        self.compose("--profile", "demo", "down", "--volumes", "--timeout", "2")
        shutil.rmtree(self.state, ignore_errors=True)


def small_library() -> LibCal:
    """A LibCal of a few events, two with pictures: what containers do does not depend on their number."""
    events = sample.events(datetime.now(sample.ZONE).date())
    pictured = [event for event in events if event["featured_image"]][:2]
    return LibCal(pictured + [event for event in events if not event["featured_image"]][:8])


def image(service: str) -> str:
    """The image of a service, as these tests build it."""
    return f"events-display/{service}:{TAG}"


def wait_for(condition: Callable[[], object], seconds: float = 90) -> None:
    """Wait until `condition` is true; fail when it does not become so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def inspect(container: str) -> dict[str, object]:
    """All that the engine tells of a container."""
    found: list[dict[str, object]] = json.loads(docker("inspect", container))
    return found[0]
