"""The invented research library is always the same, and as messy as its docstring says."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

from standins import danish, libcal_file


def test_the_events_are_always_the_same_and_have_unique_ids() -> None:
    events = danish.events()
    assert danish.events() == events
    assert len({event["id"] for event in events}) == len(events) == 400


def test_the_moved_events_are_in_the_future(tmp_path: Path) -> None:
    events = libcal_file.load(danish.write(tmp_path / "new" / "danish.json"))
    moved = libcal_file.folded(events, date(2026, 3, 3), danish.ZONE, 84)
    days = sorted(event["start"][:10] for event in moved)
    assert days[0] >= "2026-03-04"
    assert days[-1] < "2026-05-28"
    assert {event["start"][19:] for event in moved} == {"+01:00", "+02:00"}


def test_the_events_have_the_oddities_of_a_real_export() -> None:
    events = danish.events()
    text = json.dumps(events, ensure_ascii=False)
    titles = Counter(event["title"] for event in events)
    assert max(titles.values()) > 90
    assert max(map(len, titles)) > 110
    assert any("/" in title.split()[0] for title in titles)
    assert not any("audience" in event for event in events)
    assert {type(event["campus"]) for event in events} == {dict, str}
    assert {event["featured_image"][:2] for event in events} == {"ht", "//", ""}
    assert sum("registration_form_id" not in event for event in events) > 100
    assert max(len(event["description"]) for event in events) > 5_000
    for dirt in (
        "\xa0",
        "http-equiv",
        "<script>",
        "<iframe",
        "style=",
        "paraeid",
        "&nbsp;",
        "📊",
        "<s>",
        "<img",
    ):
        assert dirt in text
