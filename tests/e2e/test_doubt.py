"""Calendars that lose most of their events or were never fetched, through fetch and generate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from standins import sample
from standins.libcal_server import LibCal
from support.pipeline import Pipeline

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=sample.ZONE)


class Library(Pipeline):
    """A library whose LibCal is a stand-in."""

    def __init__(self, libcal: LibCal, build: Path) -> None:
        super().__init__({**libcal.settings, **sample.SETTINGS, "DAYS_AHEAD": "14"}, build, MONDAY)
        self.libcal = libcal

    def publish(self, **settings: str) -> tuple[int, str]:
        """Run fetch and generate; return the number of published events and the log of fetch."""
        self.now = self.libcal.now = self.now + timedelta(minutes=15)
        step = self.fetch(**settings)
        assert step.code in (0, 75), step.log
        generated = self.generate(**settings)
        assert generated.code == 0, generated.log
        return len(json.loads(self.read("events.json"))["events"]), step.log

    def keep_only(self, count: int) -> None:
        """Delete all events of the first calendar except `count`."""
        calendar = int(next(iter(self.libcal.calendars)))
        keys = [key for key, event in self.libcal.events.items() if event["calendar"]["id"] == calendar]
        for key in keys[count:]:
            self.libcal.remove(key)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    calendars = [item for item in sample.CALENDARS if item["visibility"] == "Public"]
    with LibCal([], calendars, now=MONDAY) as libcal:
        for number, calendar in enumerate(calendars):
            for hour in range(25 if number == 0 else 2):
                start = MONDAY + timedelta(days=1 + hour // 5, hours=hour % 5)
                libcal.add(
                    title=f"Event {number}.{hour}",
                    start=start.isoformat(),
                    end=(start + timedelta(hours=1)).isoformat(),
                    calendar=calendar["calid"],
                )
        yield Library(libcal, tmp_path / "build")


def test_a_sudden_drop_is_published_in_the_second_run(library: Library) -> None:
    everything, _ = library.publish()
    assert everything >= 27
    library.keep_only(5)
    events, log = library.publish()
    assert events == everything
    label = sample.CALENDAR_LABELS.split(",")[0].partition("=")[2]
    (line,) = [line for line in log.splitlines() if "lost most of its events" in line]
    assert "level=warn" in line
    assert f'name="{label}"' in line
    assert "events=5 previous=25" in line
    events, log = library.publish()
    assert events == everything - 20
    assert "lost most" not in log
    library.keep_only(1)
    assert library.publish()[0] == everything - 20
    assert library.publish()[0] == everything - 24


def test_a_sudden_drop_is_published_at_once_with_force(library: Library) -> None:
    everything, _ = library.publish()
    library.keep_only(1)
    assert library.publish(FORCE="1")[0] == everything - 24


def test_a_drop_that_was_an_error_of_libcal_never_shows(library: Library) -> None:
    everything, _ = library.publish()
    library.libcal.fail("empty", times=1)
    assert library.publish()[0] == everything
    library.libcal.recover()
    events, log = library.publish()
    assert events == everything
    assert "level=warn" not in log


def test_a_calendar_that_was_never_fetched_is_not_shown_as_empty(library: Library) -> None:
    failing, working = list(library.libcal.calendars)[:2]
    label = sample.CALENDAR_LABELS.split(",")[0].partition("=")[2]
    slug = label.lower().replace(" ", "-")
    library.libcal.fail("status", status=503, calendar=failing)
    library.publish()
    text = f"{label}: events could not be fetched yet. Check back soon."
    for path in (f"branch/{slug}.html", f"screen/{slug}.html", "print.html"):
        page = library.read(path)
        assert text in page, path
        assert ">No events" not in page, path
    other = sample.CALENDAR_LABELS.split(",")[1].partition("=")[2].lower().replace(" ", "-")
    assert text not in library.read(f"branch/{other}.html")
    status = {item["id"]: item for item in json.loads(library.read("status.json"))["calendars"]}
    assert (status[failing]["fetched"], status[failing]["stale"], status[failing]["name"]) == (
        None,
        True,
        label,
    )
    assert status[working]["fetched"]

    library.libcal.recover()
    library.publish()
    for path in (f"branch/{slug}.html", f"screen/{slug}.html", "print.html"):
        assert "could not be fetched yet. Check" not in library.read(path).partition('id="site"')[0], path


def test_the_pages_say_so_even_when_no_calendar_has_events(library: Library) -> None:
    failing = next(iter(library.libcal.calendars))
    library.libcal.events.clear()
    library.libcal.fail("status", status=503, calendar=failing)
    library.publish(MIN_EVENTS="0")
    for path in ("index.html", "screen.html", "embed.html", "embed.js", "print.html"):
        page = library.read(path)
        assert "events could not be fetched yet" in page, path
        assert ">No events are scheduled" not in page, path
    # An empty answer is no outage.
    library.libcal.recover()
    library.publish(MIN_EVENTS="0")
    assert "No events are scheduled right now" in library.read("index.html")
