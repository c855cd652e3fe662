"""The Docker engine dies during a run; the test starts its own engine, since others use this machine's."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from standins.aws import Aws
from standins.libcal_faults import Fault
from standins.libcal_server import LibCal
from support.docker_project import SERVICES, Project, image, run, small_library, wait_for

CLONE_NEWNET = 0x40000000


class Engine:
    """A dockerd with its own folders, socket and namespaces.

    In its own namespaces it cannot delete or take over docker0, and its mounts end with it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = f"unix://{folder}/docker.sock"
        self.env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "DOCKER_HOST": self.host}

    def __enter__(self) -> Self:
        (self.folder / "none.json").write_text("{}")
        hold = ("unshare", "--net", "--mount", "sh", "-c", "ip link set lo up && echo up && exec sleep 900")
        self.holder = subprocess.Popen(hold, stdout=subprocess.PIPE)
        assert self.holder.stdout
        assert self.holder.stdout.readline() == b"up\n"
        self.namespace = f"/proc/{self.holder.pid}/ns/net"
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if ids := run("docker", "ps", "--all", "--quiet", env=self.env).log.split():
            run("docker", "rm", "--force", *ids, env=self.env)
        self.process.terminate()
        self.process.wait(30)
        self.holder.kill()
        self.holder.communicate()

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                (
                    *(
                        "nsenter",
                        f"--target={self.holder.pid}",
                        "--net",
                        "--mount",
                        "dockerd",
                        "--host",
                        self.host,
                    ),
                    *("--data-root", str(self.folder / "data"), "--exec-root", str(self.folder / "exec")),
                    *("--pidfile", str(self.folder / "pid"), "--config-file", str(self.folder / "none.json")),
                ),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(lambda: run("docker", "version", env=self.env).code == 0)

    def crash(self) -> None:
        """Kill dockerd and its containerd, which leaves the containers to themselves."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        for name in ("pid", "exec/containerd/containerd.pid"):
            path = self.folder / name
            if path.exists():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(path.read_text()), signal.SIGKILL)
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """Put the sockets that this thread opens in the `with` block into the engine's network."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net") as own, open(self.namespace) as other:
            assert libc.setns(other.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            try:
                yield
            finally:
                assert libc.setns(own.fileno(), CLONE_NEWNET) == 0


@pytest.fixture
def engine() -> Iterator[Engine]:
    # A short path: that of a socket may have at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="engine") as folder, Engine(Path(folder)) as engine:
        images = [image(service) for service in SERVICES]
        with subprocess.Popen(("docker", "save", *images), stdout=subprocess.PIPE) as saved:
            command = ("docker", "load", "--quiet")
            subprocess.run(command, stdin=saved.stdout, env=engine.env, check=True, timeout=300)
        yield engine


# Replace the fixtures in this machine's network; the project takes its settings from these.
@pytest.fixture
def libcal(engine: Engine) -> Iterator[LibCal]:
    with engine.network():
        server = small_library().__enter__()
    yield server
    server.__exit__()


@pytest.fixture
def aws(engine: Engine) -> Iterator[Aws]:
    with engine.network():
        server = Aws().__enter__()
    yield server
    server.__exit__()


def test_the_engine_dies_during_a_run_and_the_next_run_recovers(
    project: Project, libcal: LibCal, aws: Aws, engine: Engine
) -> None:
    own = {"DOCKER_HOST": engine.host}
    assert project.publish(**own).code == 0
    published = len(aws.calls)
    libcal.log.clear()
    libcal.faults.append(Fault(kind="delay", seconds=15))
    process = project.start(**own)
    wait_for(lambda: libcal.log)
    engine.crash()
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    assert 'msg="publish failed" failed_step=fetch rc=1' in output

    down = project.publish(**own)
    assert down.code == 1
    assert "Docker is not reachable" in down.log
    assert len(aws.calls) == published

    libcal.faults.clear()
    engine.start()
    done = project.publish(**own)
    assert done.code == 0, done.log
    assert run("docker", "ps", "--all", "--quiet", env=engine.env).log == ""
