"""Parameters of slow tests that run only with WIDE=1: more sizes, colors, libraries and failures."""

from __future__ import annotations

import pytest


def wide(*values: object, id: str | None = None) -> pytest.ParameterSet:
    """Return a parameter that is skipped without WIDE=1; each test needs at least one other."""
    return pytest.param(*values, marks=pytest.mark.wide, id=id)
