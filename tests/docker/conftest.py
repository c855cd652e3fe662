"""Fixtures of the Docker tests: images, stand-ins, and a Compose project for each test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from standins.aws import Aws
from standins.libcal_server import LibCal
from support.docker_project import HERE, ROOT, SECRETS, TAG, Project, run, small_library
from support.workers import shared_folder


@pytest.fixture(scope="session", autouse=True)
def _images(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Build the images with make image; stop the test run if there is no engine."""
    found = run("docker", "version", "--format", "{{.Server.Version}}")
    if found.code:
        pytest.exit(f"make test-docker needs a Docker engine: {found.log.strip()}", returncode=1)
    # The first worker builds them; the others find them in the cache.
    with shared_folder(tmp_path_factory, "images"):
        built = run("make", "image", env={**os.environ, "IMAGE_TAG": TAG}, timeout=900)
    assert built.code == 0, built.log


@pytest.fixture
def libcal() -> Iterator[LibCal]:
    with small_library() as server:
        yield server


@pytest.fixture
def aws() -> Iterator[Aws]:
    with Aws() as server:
        yield server


@pytest.fixture
def project(libcal: LibCal, aws: Aws, tmp_path: Path) -> Iterator[Project]:
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
        "BUILD_DIR": str(tmp_path / "state"),
        "SECRETS_DIR": str(tmp_path / "secrets"),
        "COMPOSE_PROJECT_NAME": name,
        "COMPOSE_FILE": f"{ROOT}/docker/compose.yaml:{HERE}/host-network.yaml",
        "IMAGE_TAG": TAG,
    }
    passed_on = {key: os.environ[key] for key in ("PATH", "HOME", "DOCKER_HOST") if key in os.environ}
    project = Project(name=name, state=tmp_path, env={**passed_on, **settings, **own})
    yield project
    project.stop()
