"""Shared by all tests: none may see the developer's own settings."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import settings

# A slow moment of the machine is no failure; what a random search finds is reported with its seed.
settings.register_profile("ours", deadline=None, print_blob=True)
settings.load_profile("ours")

_OURS = re.compile(
    r"(LIBCAL|SITE|S3|CLOUDFRONT|AWS|UPLOAD|INVALIDATE|MAX|MIN|NOTIFY|PING|EVENTS|STALE|BRAND)_"
    r"|(TIMEZONE|LOCALE|DAYS_AHEAD|LOGO|HOME_PAGE|FORCE|BUILD_DIR|RUN_ID|RUNNER)\Z"
)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if _OURS.match(name):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ENV_FILE", os.devnull)
