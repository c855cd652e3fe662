"""Fixtures of the Docker tests: images, stand-ins, and a Compose project for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from standins.aws import Aws
from standins.libcal_server import LibCal
from support.docker_project import TAG, Project, new_project, run, small_library
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
    with new_project(libcal, aws, tmp_path) as project:
        yield project
