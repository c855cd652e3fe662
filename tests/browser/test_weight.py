"""Limits on bytes, elements and requests for a library of 200 events (see bench/weight.py)."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bench import weight


@pytest.fixture(scope="session")
def weights(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, weight.Weight]:
    """The weights of the list, the heaviest event page and the screen, with 200 events."""
    site: Path = weight.make_site(tmp_path_factory.mktemp("weight") / "build", 200)
    return {kind: weight.weigh(browser, site, path) for kind, path in weight.pages(site)}


def test_the_list_stays_within_its_limits(weights: dict[str, weight.Weight]) -> None:
    found = weights["list"]
    assert found.html <= 35_000
    # Browsers lay out only the days in view.
    assert found.elements <= 2_600
    assert found.css <= 9_000
    assert found.script <= 12_000
    assert found.requests <= 4  # style, script, font, status.json
    # images_all: after scrolling to the end.
    assert 0 < found.images_first <= found.images_all <= 450_000


def test_the_event_page_stays_within_its_limits(weights: dict[str, weight.Weight]) -> None:
    found = weights["event page"]
    assert found.html <= 8_000
    assert found.elements <= 300
    assert found.css <= 8_000
    # 2.2 kB, and 0.45 kB to share, to count down and to return to the filtered list, also in old browsers.
    assert found.script <= 2_700
    assert found.requests <= 4  # style, script, font, status.json
    assert 0 < found.images_all <= 60_000


def test_all_resources_of_the_list_are_counted(weights: dict[str, weight.Weight]) -> None:
    found = weights["list"]
    assert found.css > 1_000
    assert found.script > 1_000
    assert found.requests == 4
