"""Lighthouse gives full scores for accessibility, best practices and SEO.

Performance depends on the machine: see make bench NAME=lighthouse.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from browser import lighthouse
from browser.conftest import MakeSite
from browser.sample_events import ZONE, sample_on
from browser.server import SiteServer


@pytest.fixture(scope="session")
def site_of_today(make_site: MakeSite) -> Path:
    """The sample events, moved to today, because Lighthouse's browser uses the real clock."""
    now = datetime.now(ZONE).replace(hour=9, minute=5)
    return make_site(sample_on(now.date()), now=now)


@pytest.mark.parametrize("path", ["index.html", "event/107.html"])
@pytest.mark.timeout(300)
def test_the_list_and_the_event_page_have_the_full_score(
    serve: Callable[[Path], SiteServer], site_of_today: Path, path: str
) -> None:
    report = lighthouse.audit(serve(site_of_today).url(path), "accessibility", "best-practices", "seo")
    assert report.shortcomings == []
    assert report.scores == {"accessibility": 100, "best-practices": 100, "seo": 100}


@pytest.mark.timeout(300)
def test_a_bad_page_does_not_get_the_full_score(
    serve: Callable[[Path], SiteServer], site_of_today: Path
) -> None:
    server = serve(site_of_today)
    bad = b'<!doctype html><meta name="robots" content="noindex"><img src="static/none.png">'
    server.spoil = lambda path, status, body: (200, bad) if path == "index.html" else (status, body)
    scores = lighthouse.audit(server.url("index.html"), "accessibility", "best-practices", "seo").scores
    assert max(scores.values()) < 100
