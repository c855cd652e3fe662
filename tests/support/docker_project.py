"""A Compose project for one test, with the real engine and images and `make publish RUNNER=docker`.

The stand-ins for LibCal and AWS run in this process; the containers reach them on loopback, in this
machine's network (host-network.yaml). Each test has its own containers, volume and state.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import notify
from standins import sample
from standins.aws import Aws
from standins.libcal_server import LibCal

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "docker"
TAG = os.environ.get("IMAGE_TAG", "test")
SERVICES = ("generator", "uploader", "invalidator")
# Fake secrets that the tests search for; the LibCal stand-in checks its own.
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
    """Run a command and return its exit code and output (stdout and stderr together)."""
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
    """Run a docker command that must succeed; return its output."""
    done = subprocess.run(("docker", *arguments), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A command's exit code and output."""

    code: int
    log: str

    @property
    def lines(self) -> list[dict[str, str]]:
        """The log lines, as fields."""
        return [notify.fields(line) for line in self.log.splitlines() if line.startswith("level=")]

    def steps(self) -> list[str]:
        """Return the steps in the log, in order."""
        return list(dict.fromkeys(line["step"] for line in self.lines))

    def last(self, msg: str) -> dict[str, str]:
        """Return the last line with this message."""
        found = [line for line in self.lines if line["msg"] == msg]
        assert found, self.log
        return found[-1]


@dataclass(slots=True, kw_only=True)
class Project:
    """One Compose project and its settings."""

    name: str
    state: Path
    env: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def publish(self, **settings: str) -> Result:
        """Run bin/publish in Docker, not make, which would hide the step's exit code."""
        return run("bin/publish", env={**self.env, **settings})

    def start(self, **settings: str) -> subprocess.Popen[str]:
        """Start bin/publish; do not wait for it."""
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
        """Run a command in one container, with the same options and secrets as a step."""
        assert run("bin/secrets", env=self.env).code == 0
        arguments = ("run", "--rm", "--no-TTY", "--no-deps", "--pull", "never", service, *command)
        return self.compose("--env-file", "/dev/null", *arguments, **settings)

    def containers(self, *filters: str) -> list[str]:
        """Return the ids of the project's containers, including ended ones."""
        label = f"label=com.docker.compose.project={self.name}"
        extra = [word for each in filters for word in ("--filter", each)]
        return docker("ps", "--all", "--quiet", "--no-trunc", "--filter", label, *extra).split()

    def volume(self, command: str) -> str:
        """Run a shell command as root with the project's volumes, at the same paths as in the containers."""
        mounts = [
            word
            for name, path in (("build", "/data"), ("state", "/state"), ("pending", "/pending"))
            for word in ("-v", f"{self.name}_{name}:{path}")
        ]
        return docker(
            "run", "--rm", "--user=0", "--entrypoint=", *mounts, image("generator"), "sh", "-c", command
        )

    def stop(self) -> None:
        """Remove processes, containers, volumes and state."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            if process.stdout:
                process.stdout.close()
        if ids := self.containers():
            run("docker", "rm", "--force", *ids)  # some may be ending on their own
        wait_for(lambda: not self.containers())
        self.compose("--profile", "*", "down", "--volumes", "--timeout", "2")
        shutil.rmtree(self.state, ignore_errors=True)


@contextlib.contextmanager
def new_project(libcal: LibCal, aws: Aws, folder: Path) -> Iterator[Project]:
    """Yield a project with its state in `folder`."""
    name = f"events-display-test-{uuid.uuid4().hex[:8]}"
    settings = {
        **libcal.settings,
        **SECRETS,
        "S3_BUCKET": aws.bucket,
        "CLOUDFRONT_DISTRIBUTION_ID": aws.distribution_id,
        "AWS_ENDPOINT_URL": aws.url,
    }
    own = {
        "RUNNER": "docker",
        "ENV_FILE": os.devnull,
        "BUILD_DIR": str(folder / "state"),
        "SECRETS_DIR": str(folder / "secrets"),
        "COMPOSE_PROJECT_NAME": name,
        "COMPOSE_FILE": f"{ROOT}/docker/compose.yaml:{HERE}/host-network.yaml",
        "IMAGE_TAG": TAG,
    }
    passed_on = {key: os.environ[key] for key in ("PATH", "HOME", "DOCKER_HOST") if key in os.environ}
    project = Project(name=name, state=folder, env={**passed_on, **settings, **own})
    try:
        yield project
    finally:
        project.stop()


def small_library() -> LibCal:
    """Return a LibCal with ten events, two with pictures, which is enough for container tests."""
    events = sample.events(datetime.now(sample.ZONE).date())
    pictured = [event for event in events if event["featured_image"]][:2]
    return LibCal(pictured + [event for event in events if not event["featured_image"]][:8])


def image(service: str) -> str:
    """Return the tag of a service's image in these tests."""
    return f"events-display/{service}:{TAG}"


def wait_for(condition: Callable[[], object], seconds: float = 90) -> None:
    """Wait until `condition` is true; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"condition not met within {seconds:.0f} s"
        time.sleep(0.05)


def inspect(container: str) -> dict[str, object]:
    """Return the output of docker inspect for a container."""
    found: list[dict[str, object]] = json.loads(docker("inspect", container))
    return found[0]
