"""The job of the first overlay, run by podman with images from the Docker engine.

Podman starts pods, not CronJobs, and has no NetworkPolicy. So the tests take the pod out of the built
objects and put it into the network of this machine, where the stand-ins listen.
"""

from __future__ import annotations

import base64
import copy
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

import notify
from standins.aws import Aws
from standins.libcal_faults import Fault
from standins.libcal_server import LibCal
from support.kubernetes_files import ROOT, Built
from support.podman_pods import Podman

TAG = "test-kubernetes"
SERVICES = ("generator", "uploader", "invalidator")
USERS = {
    "import": "10002:10002",
    "drain": "10003:10002",
    "generate": "10001:10001",
    "upload": "10002:10002",
    "invalidate": "10003:10002",
}
STEPS = ("import", "drain", "generate", "upload", "invalidate")

pytestmark = [
    pytest.mark.skipif(not shutil.which("podman"), reason="needs podman (and catatonit), from Debian"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    built = subprocess.run(
        ("make", "image"),
        cwd=ROOT,
        env={**os.environ, "IMAGE_TAG": TAG},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    assert built.returncode == 0, built.stdout
    with Podman() as podman:
        podman.load(*(f"events-display/{service}:{TAG}" for service in SERVICES))
        yield podman


@pytest.fixture
def libcal() -> Iterator[LibCal]:
    with LibCal() as server:
        for event in server.events.values():
            event["featured_image"] = ""  # how many of them a run fetches in its time depends on the machine
        yield server


@pytest.fixture
def aws() -> Iterator[Aws]:
    with Aws() as server:
        yield server


class Cluster:
    """Stands for a cluster: starts pods of the job, one after the other, on one volume."""

    def __init__(self, podman: Podman, built: Built, settings: dict[str, str], folder: Path) -> None:
        self.podman, self.built, self.settings, self.folder = podman, built, settings, folder
        self.pods = 0

    def pod(self) -> dict[str, Any]:
        """Return the pod of the job, changed so that podman can run it here."""
        self.pods += 1
        template = copy.deepcopy(self.built.template())
        spec = template["spec"]
        spec["hostNetwork"] = True
        for container in (*spec["initContainers"], *spec["containers"]):
            service = container["image"].rpartition("/")[2].partition(":")[0]
            container["image"] = f"localhost/events-display/{service}:{TAG}"
            container["imagePullPolicy"] = "Never"
        for volume in spec["volumes"]:
            # Podman 4.3 mounts the files of a Secret without decoding them.
            if secret := volume.pop("secret", None):
                volume["hostPath"] = {"path": str(self.secret(secret["secretName"]))}
        # Keep ended containers and their logs, for the tests.
        kept = {"io.podman.annotations.init.container.type": "always"}
        metadata = {"name": f"run-{self.pods}", "annotations": kept, "labels": template["metadata"]["labels"]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    def secret(self, name: str) -> Path:
        """Return a folder with the files of a Secret."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        for key, value in self.built.get("Secret", name)["data"].items():
            (folder / key).write_bytes(base64.b64decode(value))
            (folder / key).chmod(0o444)
        return folder

    def run(self, **settings: str) -> dict[str, tuple[int, list[dict[str, str]]]]:
        """Run the job to its end; return exit code and log lines of each step that has run."""
        config = copy.deepcopy(self.built.get("ConfigMap", "settings"))
        config["data"] |= self.settings | settings
        claims = [
            copy.deepcopy(self.built.get("PersistentVolumeClaim", name))
            for name in ("state", "published", "pending")
        ]
        pod = self.pod()
        name = pod["metadata"]["name"]
        for each in (config, *claims):
            del each["metadata"]["namespace"]
        # Podman makes a volume of each claim, and only once.
        objects = (config, *claims, pod) if self.pods == 1 else (config, pod)
        played = self.podman.run("kube", "play", "-", stdin=yaml.safe_dump_all(objects))
        found = {}
        for step in STEPS:
            container = f"{name}-{step}"
            assert self.podman.run("container", "exists", container).returncode == 0, played.stderr
            if self.podman.inspect(container)["State"]["Status"] == "created":
                continue
            code = int(self.podman.ask("wait", container))
            logged = self.podman.run("logs", container).stderr.splitlines()
            found[step] = code, [notify.fields(line) for line in logged if line.startswith("level=")]
        return found


@pytest.fixture
def cluster(
    podman: Podman, overlays: dict[str, Built], libcal: LibCal, aws: Aws, tmp_path: Path
) -> Iterator[Cluster]:
    built = overlays["larkfield"]
    secrets = {"client_id": libcal.client_id, "client_secret": libcal.client_secret}
    data = {key: base64.b64encode(value.encode()).decode() for key, value in secrets.items()}
    objects = tuple(
        each | {"data": data} if (each["kind"], each["metadata"]["name"]) == ("Secret", "libcal") else each
        for each in built.objects
    )
    settings = {key: value for key, value in libcal.settings.items() if "CLIENT" not in key}
    settings |= {"S3_BUCKET": aws.bucket, "CLOUDFRONT_DISTRIBUTION_ID": aws.distribution_id}
    settings |= {"AWS_ENDPOINT_URL": aws.url, "DAYS_AHEAD": "7"}
    yield Cluster(podman, Built(objects), settings, tmp_path)
    podman.run("pod", "rm", "--force", "--time=0", "--all")
    podman.run("volume", "rm", "--force", "--all")


def test_a_run_publishes_the_site_and_the_next_one_only_status_json(
    cluster: Cluster, podman: Podman, aws: Aws
) -> None:
    first = cluster.run()
    assert {step: code for step, (code, _) in first.items()} == dict.fromkeys(STEPS, 0)
    assert {line["run"] for _, lines in first.values() for line in lines} == {"run-1"}
    assert "index.html" in aws.objects()
    assert aws.invalidations() == [["/*"]]
    for step in STEPS:
        found = podman.inspect(f"run-1-{step}")
        assert found["HostConfig"]["ReadonlyRootfs"] is True
        assert found["Config"]["User"] == USERS[step]
        assert found["EffectiveCaps"] in (None, [])
        assert "no-new-privileges" in found["HostConfig"]["SecurityOpt"]
    aws.calls.clear()
    second = cluster.run()
    assert {step: code for step, (code, _) in second.items()} == dict.fromkeys(STEPS, 0)
    assert [call.path.rpartition("/")[2] for call in aws.calls] == ["status.json"]


def test_a_failed_step_stops_the_run_with_its_exit_code(cluster: Cluster, aws: Aws) -> None:
    failed = cluster.run(MIN_EVENTS="100000")
    assert {step: code for step, (code, _) in failed.items()} == {"import": 0, "drain": 0, "generate": 65}
    assert not aws.calls


def test_a_pending_invalidation_is_sent_even_if_libcal_is_down(
    cluster: Cluster, aws: Aws, libcal: LibCal
) -> None:
    failed = cluster.run(CLOUDFRONT_DISTRIBUTION_ID="ENOSUCH")
    assert {step: code for step, (code, _) in failed.items()} == dict.fromkeys(STEPS, 0) | {"invalidate": 78}
    assert not aws.invalidations()
    libcal.faults.append(Fault(kind="status", path="/", status=401))
    refused = cluster.run()
    assert {step: code for step, (code, _) in refused.items()} == {"import": 0, "drain": 0, "generate": 78}
    assert aws.invalidations() == [["/*"]]
