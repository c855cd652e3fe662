"""A Debian machine with systemd as PID 1, in a container that is given this machine's engine.

The engine mounts a run's secrets from its own machine, so their folder has the same path there and here.
Nothing else is shared: the network is empty, settings, state and journal are its own.
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
# What systemd needs as PID 1; --privileged does not start everywhere.
RIGHTS = (
    *(f"--cap-add={name}" for name in ("SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH")),
    *("--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined"),
    *("--cgroupns=host", "--volume=/sys/fs/cgroup:/sys/fs/cgroup", "--tmpfs=/run", "--tmpfs=/tmp"),
)


class Machine:
    """Boots with the block and is gone after it; what ran in it is removed with its Compose project."""

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
        if left := docker("ps", "--all", "--quiet", "--filter", label).split():
            docker("rm", "--force", *left)
        docker("volume", "rm", "--force", f"{self.project}_build")
        # The engine made it, so it may be root's.
        docker("run", "--rm", "--volume=/run:/host", IMAGE, "rm", "-rf", f"/host/{Path(RUNTIME).name}")

    def run(self, *command: str, folder: str = CHECKOUT, timeout: float = 120) -> Result:
        """Run a command on it as root."""
        return run("docker", "exec", "--workdir", folder, self.id, *command, timeout=timeout)

    def do(self, *command: str, folder: str = CHECKOUT) -> str:
        """Run a command that must succeed; return what it says."""
        done = self.run(*command, folder=folder)
        assert done.code == 0, f"{command}: {done.log}"
        return done.log

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command and come back at once."""
        return subprocess.Popen(
            ("docker", "exec", "--workdir", CHECKOUT, self.id, *command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def write(self, path: str, text: str) -> None:
        """Write a file on it; the folder is made, an existing file keeps its mode."""
        command = ("docker", "exec", "--interactive", self.id, "sh", "-c")
        script = f"mkdir -p '{Path(path).parent}' && cat >'{path}'"
        subprocess.run((*command, script), input=text, text=True, check=True, timeout=60)

    def unit(self, name: str, key: str) -> str:
        """Return a property of a unit."""
        return self.do("systemctl", "show", "--property", key, "--value", name).strip()

    def journal(self, *options: str) -> list[str]:
        """Return the messages in the journal of the runs."""
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
    """Compose, which `make publish` uses, and BuildKit, which `make image` uses."""
    plugins = json.loads(docker("info", "--format", "{{json .ClientInfo.Plugins}}"))
    found = [Path(each["Path"]) for each in plugins if each["Name"] in ("compose", "buildx")]
    assert len(found) == 2, plugins
    return found
