"""Staff of the simulated library: they edit, add, cancel and delete events in LibCal."""

from __future__ import annotations

import random
from collections.abc import MutableMapping
from datetime import date, datetime, timedelta
from typing import Any

from simulate.clock import MONDAY
from standins import sample
from standins.libcal_server import LibCal

DAYS_AHEAD = 14
FEWEST_EVENTS = 30  # delete no event when only so many are upcoming

# How often staff, or rarely the operator (restyle), do each.
_WEIGHTS = {"retitle": 10, "move": 5, "cancel": 5, "add": 5, "delete": 5, "picture": 5, "restyle": 1}


class Program:
    """The sample library's events, with new ids each time that they are repeated."""

    def __init__(self) -> None:
        self.pictures: list[str] = []
        self._repeats = 0

    def events(self, monday: date) -> list[dict[str, Any]]:
        """Return the events of the weeks from `monday` on, as LibCal's records."""
        events = sample.events(monday)
        for number, event in enumerate(events):
            event["id"] = type(event["id"])(int(event["id"]) + 1_000_000 * self._repeats)
            event["future_dates"] = []
            if event["featured_image"]:
                self.pictures.append(event["featured_image"])
            if number % 4:  # pictures take most of a first run's time
                event["featured_image"] = ""
        self._repeats += 1
        return events


def upcoming(libcal: LibCal, now: datetime) -> list[str]:
    """Return the ids of the events that the site must list: public, and well within DAYS_AHEAD."""
    public = {key for key, item in libcal.calendars.items() if item["visibility"] == "Public"}
    last = now + timedelta(days=DAYS_AHEAD - 1)
    return sorted(
        number
        for number, event in libcal.events.items()
        if str(event["calendar"]["id"]) in public
        and now + timedelta(days=1) < datetime.fromisoformat(event["start"]) < last
    )


class Staff:
    """Edits events in `libcal`; the operator's settings are in `env`."""

    def __init__(
        self, rng: random.Random, libcal: LibCal, program: Program, env: MutableMapping[str, str]
    ) -> None:
        self._rng, self._libcal, self._program, self._env = rng, libcal, program, env

    def edit(self, now: datetime) -> str:
        """Make one random edit; return its kind."""
        kind = self._rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        candidates = upcoming(self._libcal, now)
        number = self._rng.choice(candidates)
        event = self._libcal.events[number]
        suffix = self._rng.randrange(10**6)
        match kind:
            case "retitle":
                self._libcal.edit(number, title=f"Event {suffix}")
            case "move":
                start = datetime.fromisoformat(event["start"])
                start += timedelta(minutes=self._rng.choice([-30, 30]))
                if start < datetime.fromisoformat(event["end"]):
                    self._libcal.edit(number, start=start.isoformat())
            case "cancel":
                self._libcal.edit(number, title=f"CANCELLED: Event {suffix}")
            case "add":
                start = now.replace(minute=0) + timedelta(days=self._rng.randrange(2, DAYS_AHEAD - 1))
                calendar = event["calendar"]["id"]
                times = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
                self._libcal.add(title=f"Event {suffix}", calendar=calendar, **times)
            case "delete" if len(candidates) > FEWEST_EVENTS:
                self._libcal.remove(number)
            case "picture":
                self._libcal.edit(number, featured_image=self._rng.choice(self._program.pictures))
            case "restyle":  # a new style sheet, which every page links to
                self._env["BRAND_COLOR"] = f"#{self._rng.randrange(0x40, 0x80):02x}3050"
        return kind

    def start_week(self, monday: date) -> None:
        """Add the next two weeks' events; the sample library's events cover two weeks."""
        week = (monday - MONDAY).days // 7
        if week % 2 == 0:
            for event in self._program.events(monday):
                self._libcal.events[str(event["id"])] = event
