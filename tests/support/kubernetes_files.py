"""Build the overlays of docker/kubernetes with kubectl, in a copy, with fake secrets."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "docker" / "kubernetes"
OVERLAYS = ("larkfield", "strandby")  # the examples; a developer may have more
# Fake secrets that the tests search for.
SECRETS = {
    "LIBCAL_CLIENT_ID": "planted-id",
    "LIBCAL_CLIENT_SECRET": "planted-libcal-secret",
    "UPLOAD_AWS_ACCESS_KEY_ID": "AKIAPLANTEDUPLOAD",
    "UPLOAD_AWS_SECRET_ACCESS_KEY": "planted/upload+secret",
    "INVALIDATE_AWS_ACCESS_KEY_ID": "AKIAPLANTEDINVALIDATE",
    "INVALIDATE_AWS_SECRET_ACCESS_KEY": "planted/invalidate+secret",
}


@dataclass(frozen=True, slots=True)
class Built:
    """The objects of one overlay."""

    objects: tuple[dict[str, Any], ...]

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """Return the object of that kind and name; there must be exactly one."""
        (found,) = (each for each in self.objects if (each["kind"], each["metadata"]["name"]) == (kind, name))
        return found

    def template(self) -> dict[str, Any]:
        """Return the pod template of a run."""
        found: dict[str, Any] = self.get("CronJob", "events-display")["spec"]["jobTemplate"]["spec"][
            "template"
        ]
        return found

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return all containers of the pod by name, in order."""
        spec = self.template()["spec"]
        return {each["name"]: each for each in (*spec["initContainers"], *spec["containers"])}


def copy(folder: Path) -> Path:
    """Copy the sources without a developer's secrets; return the copy's folder."""
    target = folder / "kubernetes"
    shutil.copytree(SOURCE, target, ignore=shutil.ignore_patterns("secrets"))
    return target


def write_secrets(overlay: Path) -> None:
    """Write the secret files with bin/secrets, as the overlay's first lines say."""
    env = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "SECRETS_DIR": str(overlay / "secrets")}
    subprocess.run((ROOT / "bin" / "secrets",), env=env | SECRETS, check=True, timeout=20)


def kustomize(overlay: Path) -> subprocess.CompletedProcess[str]:
    """Build an overlay with kubectl; this needs no cluster."""
    command = ("kubectl", "kustomize", str(overlay))
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def build(name: str, folder: Path) -> Built:
    """Build the overlay `name` in a copy."""
    overlay = copy(folder) / "overlays" / name
    write_secrets(overlay)
    done = kustomize(overlay)
    assert done.returncode == 0, done.stderr
    return Built(tuple(yaml.safe_load_all(done.stdout)))
