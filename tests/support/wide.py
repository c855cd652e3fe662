"""What of the slow tests is left out unless WIDE=1 asks for all: one more size, color, library or failure."""

from __future__ import annotations

import pytest


def wide(*values: object, id: str | None = None) -> pytest.ParameterSet:
    """Return a parameter for WIDE=1 alone; at least one of each test's must be without."""
    return pytest.param(*values, marks=pytest.mark.wide, id=id)
