"""The images of a release: pushed to a registry, and pulled by their digest instead of built."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.docker_project import SERVICES, TAG, run


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Return the address of an empty registry on loopback."""
    program = shutil.which("docker-registry")
    assert program, "needs Debian's package docker-registry"
    config = tmp_path / "config.yml"
    config.write_text(
        "version: 0.1\nhttp: {addr: '127.0.0.1:0'}\n"
        f"storage: {{filesystem: {{rootdirectory: {tmp_path / 'images'}}}}}\n"
    )
    log = tmp_path / "log"
    with log.open("wb") as output, subprocess.Popen((program, "serve", config), stderr=output) as server:
        for _ in range(300):
            if found := re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text()):
                break
            time.sleep(0.1)
        assert found, log.read_text()
        yield found[1]
        server.terminate()


def test_images_are_pushed_with_labels_and_pulled_by_digest(registry: str, tmp_path: Path) -> None:
    """Without the attestations, which the engine's own builder cannot write."""
    env = {**os.environ, "ATTEST": "0", "PLATFORMS": "linux/amd64", "SOURCE": "https://code.example.org"}
    repository = f"{registry}/events-display"
    pushed = subprocess.run(
        ("docker/push-images", repository),
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        timeout=900,
        check=True,
    ).stdout
    assert [line.split()[0] for line in pushed.splitlines()] == list(SERVICES)
    images = tmp_path / "images.txt"
    images.write_text(pushed)
    tag = f"{TAG}-pulled"
    names = [f"events-display/{service}:{tag}" for service in SERVICES]
    try:
        pulled = run("make", "image", f"IMAGES={images}", env={**os.environ, "IMAGE_TAG": tag})
        assert pulled.code == 0, pulled.log
        for service, name in zip(SERVICES, names, strict=True):
            about = json.loads(run("docker", "image", "inspect", name).log)[0]
            digest = next(line.split()[1] for line in pushed.splitlines() if line.startswith(f"{service} "))
            assert digest in about["RepoDigests"]
            labels = {key.rpartition(".")[2]: value for key, value in about["Config"]["Labels"].items()}
            assert labels["source"] == "https://code.example.org"
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", labels["created"])
            assert labels["revision"] != "unknown"
            assert labels["name"] == "python:3.14-slim"
    finally:
        run("docker", "image", "rm", *names, *(line.split()[1] for line in pushed.splitlines()))


@pytest.mark.parametrize(
    "lines",
    ["", "generator x/generator:1\n", "generator x@sha256:" + "0" * 64 + "\n", "other x@sha256:" + "0" * 64],
)
def test_a_list_without_all_digests_is_refused(lines: str, tmp_path: Path) -> None:
    images = tmp_path / "images.txt"
    images.write_text(lines)
    refused = run("docker/pull-images", str(images))
    assert refused.code == 65
    assert refused.log.startswith("pull-images: ")
    assert refused.log.count("\n") == 1
