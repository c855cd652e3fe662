"""Fixtures of all tests: hide the developer's own settings, configure Hypothesis."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: a slow machine must not fail a test. derandomize: a test passes or fails each time in the
# same way; `make fuzz` looks for new examples.
settings.register_profile("events-display", deadline=None, derandomize=True)
settings.load_profile("events-display")

_UNSET = (Path(__file__).parent / "support" / "settings-to-unset").read_text().split()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if any(fnmatchcase(name, pattern) for pattern in _UNSET):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ENV_FILE", os.devnull)
