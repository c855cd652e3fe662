"""Run Kubernetes pods with podman, without a cluster; its storage is in a temporary folder.

Works around three limits of a test machine: podman needs every cgroup v1 controller mounted, crun needs none
in cgroup v2 beside them, and podman by default raises limits, which needs CAP_SYS_RESOURCE.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

# Mounts the missing controllers, in a mount namespace that ends with the sleep.
_HOLD = r"""
if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -o remount,rw /sys/fs/cgroup
  free=$(cat /sys/fs/cgroup/unified/cgroup.controllers 2>/dev/null || true)
  { cat /proc/self/cgroup; printf '0:%s:/\n' $free; } | while IFS=: read -r _ names _; do
    for name in $(echo "${names#name=*}" | tr , ' '); do
      mkdir -p "/sys/fs/cgroup/$name"
      mountpoint -q "/sys/fs/cgroup/$name" || mount -t cgroup -o "$names" cgroup "/sys/fs/cgroup/$name"
    done
  done
fi
echo up
exec sleep 900
"""


class Podman:
    """Podman with its own storage and, during the `with` block, its own mount namespace."""

    def __init__(self) -> None:
        # A short path: that of a socket may have at most 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="podman"))

    def __enter__(self) -> Self:
        self.holder = subprocess.Popen(("unshare", "--mount", "sh", "-euc", _HOLD), stdout=subprocess.PIPE)
        assert self.holder.stdout
        assert self.holder.stdout.readline() == b"up\n"
        limits = self.folder / "containers.conf"
        limits.write_text('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n')
        self.env = {"PATH": os.environ["PATH"], "CONTAINERS_CONF": str(limits), "TMPDIR": str(self.folder)}
        return self

    def __exit__(self, *_: object) -> None:
        self.run("pod", "rm", "--force", "--time=0", "--all")
        self.holder.kill()
        self.holder.communicate()
        shutil.rmtree(self.folder)

    def command(self, *arguments: str) -> tuple[str, ...]:
        """Return the command that runs podman with `arguments`."""
        places = [f"--{name}={self.folder / name}" for name in ("root", "runroot", "tmpdir")]
        return ("nsenter", f"--target={self.holder.pid}", "--mount", "podman", *places, *arguments)

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run podman and wait for it."""
        return subprocess.run(
            self.command(*arguments), input=stdin, capture_output=True, text=True, env=self.env, timeout=110
        )

    def ask(self, *arguments: str) -> str:
        """Run a podman command that must succeed; return its output."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def load(self, *images: str) -> None:
        """Copy images from the Docker engine."""
        with subprocess.Popen(("docker", "save", *images), stdout=subprocess.PIPE) as saved:
            command = self.command("load", "--quiet")
            subprocess.run(command, stdin=saved.stdout, env=self.env, check=True, timeout=110)
        assert saved.returncode == 0

    def inspect(self, container: str) -> dict[str, Any]:
        """Return the output of podman inspect for a container."""
        found: list[dict[str, Any]] = json.loads(self.ask("inspect", container))
        return found[0]
