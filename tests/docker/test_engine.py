"""The engine itself dies in the middle of a run: an engine of the test's own, since others use this machine's."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from docker_project import SERVICES, Project, image, run, wait_for
from libcal_faults import Fault
from libcal_server import LibCal


class Engine:
    """A dockerd with folders and a socket of its own; host networking is all it offers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "docker.sock"
        self.host = f"unix://{self.socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            (
                *(
                    "dockerd",
                    "--host",
                    self.host,
                    "--bridge",
                    "none",
                    "--iptables=false",
                    "--ip6tables=false",
                ),
                *("--data-root", str(self.folder / "data"), "--exec-root", str(self.folder / "exec")),
                *("--pidfile", str(self.folder / "pid"), "--config-file", str(self.folder / "none.json")),
            ),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        wait_for(lambda: run("docker", "version", env=self.env).code == 0, 60)

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "DOCKER_HOST": self.host}

    def kill(self) -> None:
        """As a crash: dockerd and its containerd die, the containers are orphans."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        for name in ("pid", "exec/containerd/containerd.pid"):
            path = self.folder / name
            if path.exists():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(path.read_text()), signal.SIGKILL)
                path.unlink(missing_ok=True)

    def stop(self) -> None:
        assert self.process
        if ids := run("docker", "ps", "-aq", env=self.env).log.split():
            run("docker", "rm", "--force", *ids, env=self.env)
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    # A short path: a socket's may have 107 characters.
    with tempfile.TemporaryDirectory(prefix="engine", ignore_cleanup_errors=True) as folder:
        engine = Engine(Path(folder))
        (engine.folder / "none.json").write_text("{}")
        engine.start()
        images = [image(service) for service in SERVICES]
        with subprocess.Popen(("docker", "save", *images), stdout=subprocess.PIPE) as saved:
            subprocess.run(
                ("docker", "load", "--quiet"), stdin=saved.stdout, env=engine.env, check=True, timeout=300
            )
        yield engine
        engine.stop()


def test_the_engine_dies_in_the_middle_and_the_next_run_recovers(
    project: Project, libcal: LibCal, engine: Engine
) -> None:
    own = {"DOCKER_HOST": engine.host}
    assert project.publish(**own).code == 0
    libcal.log.clear()
    libcal.faults.append(Fault(kind="delay", seconds=15))
    process = project.start(**own)
    wait_for(lambda: libcal.log)
    engine.kill()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    assert 'msg="publish failed" failed_step=fetch rc=1' in output

    down = project.publish(**own)
    assert down.code == 1
    assert "Docker is not reachable" in down.log

    libcal.faults.clear()
    engine.start()
    done = project.publish(**own)
    assert done.code == 0, done.log
    assert run("docker", "ps", "--all", "--quiet", env=engine.env).log == ""
    run("docker", "volume", "rm", f"{project.name}_build", env=engine.env)
