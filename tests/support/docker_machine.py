"""A Debian machine with systemd as PID 1, in a container that uses this machine's Docker engine.

The engine mounts a run's secrets from its own machine, so their folder has the same path there and here.
The container shares only this folder: it has no network, and its own settings, state and journal.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Self

from support.docker_project import HERE, ROOT, Result, docker, run, wait_for

IMAGE = "events-display/test-machine"
CHECKOUT = "/checkout"
RUNTIME = "/run/events-display"
UNIT, TIMER = "events-display.service", "events-display.timer"
SETTINGS = "/etc/events-display/env"
PROGRAM = "/usr/local/lib/events-display"
# The rights that systemd needs as PID 1; --privileged does not work on every engine.
RIGHTS = (
    *(f"--cap-add={name}" for name in ("SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH")),
    *("--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined"),
    *("--cgroupns=host", "--volume=/sys/fs/cgroup:/sys/fs/cgroup", "--tmpfs=/run", "--tmpfs=/tmp"),
)


class Machine:
    """A machine during the `with` block; afterwards it is removed with all its Compose containers."""

    def __init__(self, project: str) -> None:
        self.project = project

    def __enter__(self) -> Self:
        built = run(
            "docker", "build", "--quiet", "--tag", IMAGE, "-", stdin=HERE / "machine.dockerfile", timeout=600
        )
        assert built.code == 0, built.log
        assert not Path(RUNTIME).exists(), (
            f"{RUNTIME} is in use: is events-display installed on this machine?"
        )
        self.id = docker(
            *("run", "--detach", "--network=none", *RIGHTS),
            *(f"--volume={_socket()}:/run/docker.sock", f"--volume={RUNTIME}:{RUNTIME}"),
            *(f"--volume={_client()}:/usr/bin/docker:ro", f"--volume={ROOT}:{CHECKOUT}:ro"),
            *(f"--volume={path}:/usr/libexec/docker/cli-plugins/{path.name}:ro" for path in _plugins()),
            IMAGE,
        )
        wait_for(lambda: self.run("systemctl", "is-system-running").log == "running\n")
        return self

    def __exit__(self, *_: object) -> None:
        docker("rm", "--force", "--volumes", self.id)
        label = f"label=com.docker.compose.project={self.project}"
        if ids := docker("ps", "--all", "--quiet", "--filter", label).split():
            docker("rm", "--force", *ids)
        docker(
            "volume", "rm", "--force", *(f"{self.project}_{name}" for name in ("build", "state", "pending"))
        )
        # The engine created it, so it may belong to root.
        docker("run", "--rm", "--volume=/run:/host", IMAGE, "rm", "-rf", f"/host/{Path(RUNTIME).name}")

    def run(self, *command: str, folder: str = CHECKOUT, timeout: float = 120) -> Result:
        """Run a command as root."""
        return run("docker", "exec", "--workdir", folder, self.id, *command, timeout=timeout)

    def do(self, *command: str, folder: str = CHECKOUT) -> str:
        """Run a command that must succeed; return its output."""
        done = self.run(*command, folder=folder)
        assert done.code == 0, f"{command}: {done.log}"
        return done.log

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command; do not wait for it."""
        return subprocess.Popen(
            ("docker", "exec", "--workdir", CHECKOUT, self.id, *command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def write(self, path: str, text: str) -> None:
        """Write a file and create its folder; an existing file keeps its mode."""
        command = ("docker", "exec", "--interactive", self.id, "sh", "-c")
        script = f"mkdir -p '{Path(path).parent}' && cat >'{path}'"
        subprocess.run((*command, script), input=text, text=True, check=True, timeout=60)

    def unit(self, name: str, key: str) -> str:
        """Return a property of a unit."""
        return self.do("systemctl", "show", "--property", key, "--value", name).strip()

    def journal(self, *options: str) -> list[str]:
        """Return the journal messages of the service, or those that `options` select."""
        options = options or ("--unit", UNIT)
        return self.do("journalctl", "--quiet", "--output=cat", *options).splitlines()


def _socket() -> str:
    host = docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    assert host.startswith("unix://"), f"the engine must be on this machine, not {host}"
    return host.removeprefix("unix://")


def _client() -> Path:
    found = shutil.which("docker")
    assert found
    return Path(found).resolve()


def _plugins() -> list[Path]:
    """Return the paths of Compose (for `make publish`) and BuildKit (for `make image`)."""
    plugins = json.loads(docker("info", "--format", "{{json .ClientInfo.Plugins}}"))
    found = [Path(each["Path"]) for each in plugins if each["Name"] in ("compose", "buildx")]
    assert len(found) == 2, plugins
    return found
