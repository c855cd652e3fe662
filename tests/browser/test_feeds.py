"""Every calendar file of a site, read with ical.js and node-ical, which share no code with the program."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from browser.conftest import ROOT, MakeSite
from event import Event, midnight
from rendering import plain_text
from support import feed_samples as samples


def read(folder: Path, reader: str = "read_calendars") -> dict[str, list[dict[str, Any]]]:
    """Return the events of every .ics file of a site, by its path."""
    files = sorted(folder.rglob("*.ics"))
    command = ["node", str(ROOT / f"tests/browser/{reader}.mjs"), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, Any]]] = {str(file.relative_to(folder)): [] for file in files}
    for line in done.stdout.splitlines():
        event = json.loads(line)
        found[str(Path(event["file"]).relative_to(folder))].append(event)
    return found


def moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def expected(event: Event) -> tuple[str, str | None]:
    if event.all_day:
        return event.first_day.isoformat(), (event.last_day + timedelta(days=1)).isoformat()
    return moment(event.start), moment(event.end) if moment(event.end) != moment(event.start) else None


def round_the_clock_changes(zone: ZoneInfo) -> list[Event]:
    """Return events every half hour around each clock change of the year, and one in each month."""
    starts = [datetime(2026, month, 5, 10, tzinfo=zone).astimezone(UTC) for month in range(1, 13)]
    day = datetime(2026, 1, 1, tzinfo=zone)
    for number in range(365):
        here, there = day + timedelta(days=number), day + timedelta(days=number + 1)
        if here.utcoffset() != there.utcoffset():
            starts += [here.astimezone(UTC) + timedelta(minutes=30) * step for step in range(52)]
    return [
        replace(
            samples.STORYTIME,
            id=str(1000 + number),
            start=start.astimezone(zone),
            end=(start + timedelta(minutes=45)).astimezone(zone),
        )
        for number, start in enumerate(starts)
    ]


@pytest.mark.parametrize("name", ["America/New_York", "Europe/Copenhagen", "Australia/Lord_Howe"])
def test_every_event_has_the_right_time_in_every_calendar_file(make_site: MakeSite, name: str) -> None:
    zone = ZoneInfo(name)
    days = midnight(datetime(2026, 3, 6).date(), zone), midnight(datetime(2026, 3, 9).date(), zone)
    others = [
        replace(samples.EXHIBIT, start=days[0], end=days[1]),
        *(replace(event, id=f"7{event.id}") for event in samples.ALL if not event.all_day),
    ]
    events = [*round_the_clock_changes(zone), *others]
    ordered = tuple(sorted(events, key=lambda event: (event.start.timestamp(), event.id)))
    folder = make_site(ordered, now=datetime(2026, 1, 1, 9, tzinfo=zone), TIMEZONE=name)
    found = read(folder)
    by_uid = {f"{event.id}@example.libcal.com": event for event in events}
    for path, read_back in found.items():
        assert read_back, path
        for one in read_back:
            event = by_uid[one["uid"]]
            assert (one["start"], one["end"]) == expected(event), path
            assert one["description"].startswith(plain_text.from_html(event.description))
            assert not one["floating"]
            assert not one["repeats"]
    for path, events_read in read(folder, "read_with_node_ical").items():
        for one in events_read:
            start, end = expected(by_uid[one["uid"]])
            assert (one["start"], one["end"]) in ((start, end), (start, end or start)), path
        assert {one["uid"] for one in events_read} == {one["uid"] for one in found[path]}
    assert {one["uid"] for one in found["events.ics"]} == {
        uid for uid, event in by_uid.items() if event.listed
    }
    assert {one["uid"] for path in found if path.startswith("event/") for one in found[path]} == set(by_uid)
    (cancelled,) = found["event/73.ics"]
    assert (cancelled["summary"], cancelled["status"]) == ("Cancelled: Film night", "CANCELLED")


def test_special_characters_and_long_texts_survive(make_site: MakeSite) -> None:
    title = 'Ünï;ço–dé, \\n "quoted": 👩‍👩‍👧‍👦 ' * 8
    odd = replace(
        samples.STORYTIME, title=title, description="<p>One; two,</p><ul><li>\\three</li></ul>" + "ø" * 500
    )
    (read_back,) = read(make_site((odd,), now=samples.at("2026-03-01T09:00")))["events.ics"]
    assert read_back["summary"] == title.strip()
    page = "https://events.example.org/event/4216770.html"
    assert read_back["description"] == f"One; two,\n\n- \\three\n\n{'ø' * 500}\n\n{page}"
