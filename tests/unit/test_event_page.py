"""The parts of an event page: the drawn cover, related events, and the reminder in its calendar file."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import icalendar
import pytest

from rendering import colors, cover, event_page
from support import feed_samples
from support.page_samples import all_day, at, event, view

ORDER = ("babies", "kids", "teens", "adults", "all-ages")


def test_a_cover_shows_type_weekday_and_date_and_no_other_text() -> None:
    drawn = cover.of(view(event(categories=("Songs & rhymes", "Play"), audiences=("Kids",))), ORDER)
    assert [line.text for line in drawn.lines] == ["Songs & rhymes", "Tuesday", "March 3"]
    svg = cover.svg(drawn, "1")
    assert re.findall(r">([^<]+)</text>", svg) == ["Songs &amp; rhymes", "Tuesday", "March 3"]
    assert 'aria-hidden="true"' in svg
    assert "style=" not in svg  # the pages' Content-Security-Policy allows no style attributes


def test_a_cover_of_several_days_shows_them_without_a_weekday() -> None:
    lines = cover.of(view(all_day("2026-03-06", "2026-03-08")), ORDER).lines
    assert [line.text for line in lines] == ["", "", "March 6 to 8"]
    night = cover.of(view(event("2026-03-06 20:00", "2026-03-07 02:00")), ORDER).lines
    assert night[2].text == "March 6"


@pytest.mark.parametrize("locale", ["en_US", "da_DK", "es_US"])
@pytest.mark.parametrize("day", ["2026-09-23", "2026-12-30"])
def test_the_date_fits_the_cover(locale: str, day: str) -> None:
    for sample in (event(f"{day} 10:00"), all_day(day, "2027-01-03")):
        line = cover.of(view(sample, locale), ORDER).lines[2]
        assert 0.58 * line.size * len(line.text) <= cover.TEXT_WIDTH + 1


def test_every_audience_has_its_color_and_all_text_is_readable() -> None:
    grounds = []
    for audience in (*ORDER, ""):
        drawn = cover.of(view(event(audiences=(audience,) if audience else ())), ORDER)
        grounds.append(drawn.ground)
        for color in (drawn.ground, *(shape.color for shape in drawn.shapes)):
            assert colors.contrast(drawn.ink, color) >= colors.TEXT
    assert len(set(grounds)) == len(grounds)


def test_the_type_decides_the_pattern() -> None:
    kinds = ("Music", "Story time", "Technology", "Arts and crafts", "Local history", "Health", "Play")
    found = {kind: cover.of(view(event(categories=(kind,))), ORDER).shapes for kind in kinds}
    assert len(set(found.values())) >= 4
    assert found["Music"] == cover.of(view(event(categories=("music",))), ORDER).shapes


def test_more_lists_the_next_three_other_titles_for_the_same_people_and_place() -> None:
    kids: dict[str, Any] = {"audiences": ("Kids", "Teens"), "branch": "Harbor"}
    days = [
        view(event(f"2026-03-{day:02} 10:00", id=str(day), title=title, **{**kids, **values}))
        for day, title, values in (
            (3, "Before", {}), (4, "Chess", {}), (5, "Chess", {}), (6, "Lego", {}), (7, "Lego", {}),
            (8, "Off", {"state": "cancelled"}), (9, "Elsewhere", {"branch": "Eastside"}),
            (10, "Grown-ups", {"audiences": ("Adults",)}), (11, "Teens too", {"audiences": ("Teens", "Kids")}),
            (12, "Fourth", {}), (13, "Fifth", {}),
        )
    ]  # fmt: skip
    more = event_page.more_like(days[1], event_page.related(days))
    assert [other.event.title for other in more] == ["Lego", "Teens too", "Fourth"]
    assert event_page.more_like(view(event()), {}) == []


@pytest.mark.parametrize(
    ("audiences", "branch", "heading"),
    [
        (("Kids",), "Harbor", "More for kids at Harbor"),
        (("K-12",), "Harbor", "More for K-12 at Harbor"),
        (("Kids",), "", "More for kids"),
        ((), "Harbor", "More at Harbor"),
        ((), "", "More events"),
    ],
)
def test_the_heading_names_audience_and_branch(audiences: tuple[str, ...], branch: str, heading: str) -> None:
    assert event_page.more_heading(view(event(audiences=audiences, branch=branch))) == heading


def test_the_calendar_file_of_an_event_reminds_and_a_subscription_does_not() -> None:
    night = replace(feed_samples.STORYTIME, start=at("2026-03-03 18:00"), end=at("2026-03-03 19:00"))
    built = feed_samples.site(night, feed_samples.EXHIBIT)
    triggers = {
        (path, str(found["SUMMARY"])): re.findall(rb"TRIGGER:(.*?)\r", found.to_ical())
        for path, data in built.items()
        if path.endswith(".ics")
        for found in icalendar.Calendar.from_ical(data).walk("VEVENT")
    }
    assert triggers[f"event/{night.id}.ics", night.title] == [b"-PT1H"]
    assert triggers[f"event/{feed_samples.EXHIBIT.id}.ics", feed_samples.EXHIBIT.title] == [b"-PT15H"]
    assert triggers["events.ics", night.title] == []
    off = feed_samples.site(replace(night, state="cancelled"))[f"event/{night.id}.ics"]
    assert b"VALARM" not in off
