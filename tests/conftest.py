"""Shared by all tests: none may see the developer's own settings."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import settings

# A slow moment of the machine is no failure; what a random search finds is reported with its seed.
settings.register_profile("ours", deadline=None, print_blob=True)
settings.load_profile("ours")

_UNSET = (Path(__file__).parent / "support" / "settings-to-unset").read_text().split()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if any(fnmatchcase(name, pattern) for pattern in _UNSET):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ENV_FILE", os.devnull)
