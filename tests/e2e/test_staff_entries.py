"""What staff enter in odd forms, through the real fetch and generate, on every page and in every feed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from support.fixed_libcal import FixedLibCal
from support.page_reader import Page
from support.pipeline import Pipeline

NOW = datetime.fromisoformat("2026-03-03T10:00:00+02:00")
LISTS = ("index.html", "branch/main.html", "embed.html", "print.html", "screen.html")
FEEDS = ("events.ics", "feed.atom", "feed.rss", "feed.json", "events.json")
FLYER = "Ice Party, Friday 2 to 4: skates to borrow, hot apple juice. Indoors if it thaws."


def entry(number: int, title: str, description: str = "<p>All welcome.</p>", **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "title": title,
        "start": f"2026-03-03T{10 + number}:00:00+02:00",
        "end": f"2026-03-03T{10 + number}:45:00+02:00",
        "description": description,
        "calendar": {"id": 1, "name": "Main"},
        "url": {"public": f"https://x.libcal.com/event/{number}"},
        **fields,
    }


ENTRIES = [
    entry(1, "Film Club: <i>Metropolis</i>"),
    entry(2, "Books &amp;amp; Bagels"),
    entry(3, "Ice Party", f'<div><img alt="{FLYER}" src="/images/ice.png" width="700"></div>'),
    entry(
        4,
        "Docent Training",
        '<p>Sign up:</p><iframe src="https://forms.example.org/docents" title="Docent form">Loading</iframe>',
    ),
    entry(5, "Poetry Slam - CANCELLED"),
    entry(6, "Weaving", registration=True, seats=8, registration_cost="$5, members free"),
    entry(7, "Fortællinger", '<p><span lang="da" dir="ltr">Kom og hør.</span></p><p>Come and listen.</p>'),
]
TITLES = [
    "Film Club: Metropolis", "Books & Bagels", "Ice Party", "Docent Training", "Cancelled: Poetry Slam", "Weaving",
    "Fortællinger",
]  # fmt: skip


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A library in a time zone whose name many browsers do not know: to them it is Europe/Kiev."""
    with FixedLibCal({"1": [json.dumps({"events": ENTRIES}).encode()]}) as libcal:
        settings = {
            **libcal.settings,
            "LIBCAL_CALENDARS": "1=Main",
            "TIMEZONE": "Europe/Kyiv",
            "SITE_URL": "https://events.example.org",
        }
        made = Pipeline(settings, tmp_path_factory.mktemp("staff") / "build", NOW)
        for step in (made.fetch(), made.generate()):
            assert step.code == 0, step.log
        yield made


def text(made: Pipeline, path: str) -> str:
    """Return the text of a page, with its white space in one form."""
    return " ".join(Page(made.read(path)).text.split())


@pytest.mark.parametrize("path", LISTS)
def test_every_list_has_the_titles_without_markup(library: Pipeline, path: str) -> None:
    shown = text(library, path)
    for title in TITLES:
        assert title in shown
    for bad in ("&amp;", "<i>", "- CANCELLED"):
        assert bad not in shown


@pytest.mark.parametrize("path", FEEDS)
def test_every_feed_has_the_same_words(library: Pipeline, path: str) -> None:
    content = library.read(path).replace("\r\n ", "").replace("\\,", ",")
    for part in ("Metropolis", "Bagels", "Poetry Slam", "skates to borrow"):
        assert part in content, part
    assert "- CANCELLED" not in content
    assert "amp;amp" not in content


def test_event_pages_keep_what_the_description_says(library: Pipeline) -> None:
    assert FLYER in text(library, "event/3.html")
    form = Page(library.read("event/4.html")).one("a", href="https://forms.example.org/docents")
    assert form.text == "Docent form"
    assert "$5, members free" in text(library, "event/6.html")
    assert '"isAccessibleForFree": true' not in library.read("event/6.html")
    danish = Page(library.read("event/7.html")).one("span", lang="da")
    assert danish.text == "Kom og hør."


def test_no_page_needs_the_name_of_the_time_zone(library: Pipeline) -> None:
    code = {path: data for path, data in library.files().items() if path.endswith((".js", ".html"))}
    assert not [path for path, data in code.items() if b"Kyiv" in data]
    assert not [path for path, data in code.items() if re.search(rb"timeZone:(?!\s*\"UTC\")", data)]
