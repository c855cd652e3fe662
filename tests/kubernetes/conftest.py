"""The overlays as kubectl builds them, once for all tests."""

from __future__ import annotations

import pytest

from support.kubernetes_files import OVERLAYS, Built, build


@pytest.fixture(scope="session")
def overlays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    return {name: build(name, tmp_path_factory.mktemp(name)) for name in OVERLAYS}


@pytest.fixture(params=OVERLAYS)
def built(request: pytest.FixtureRequest, overlays: dict[str, Built]) -> Built:
    return overlays[request.param]
