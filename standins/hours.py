"""Sample data: the opening hours of the branches in sample.toml, in the format of LibCal's Hours API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from standins.records import Record

DAYS = 60

# LibCal's id of a place and its hours from Monday to Sunday. A day has several ranges, or a status of LibCal.
WEEKS: Mapping[str, tuple[str, ...]] = {
    "9101": ("9:00am-8:00pm",) * 4 + ("9:00am-6:00pm", "10:00am-5:00pm", "closed"),
    "9102": ("10:00am-12:30pm 1:30pm-6:00pm",) * 5 + ("By appointment", "closed"),
    "9103": (
        "9:00am-5:00pm",
        "closed",
        "9:00am-5:00pm",
        "12:00pm-1:00am",
        "24hours",
        "10:00am-2:00pm",
        "not-set",
    ),
}


def sample(today: date) -> dict[str, dict[str, Record]]:
    """Return the days of each place, from a week before `today` on."""
    days = [today + timedelta(days=number) for number in range(-7, DAYS)]
    return {
        place: {day.isoformat(): entry(week[day.weekday()]) for day in days} for place, week in WEEKS.items()
    }


def entry(hours: str) -> Record:
    """Return one day as LibCal sends it: `9:00am-5:00pm 6:00pm-8:00pm`, a status, or a text."""
    if hours in ("closed", "24hours", "not-set"):
        return {"status": hours}
    if "am" not in hours and "pm" not in hours:
        return {"status": "text", "text": hours}
    ranges = (item.split("-") for item in hours.split())
    return {"status": "open", "hours": [{"from": start, "to": end} for start, end in ranges]}


def answer(places: Mapping[str, Mapping[str, Record]], wanted: list[str], first: str, last: str) -> list[Any]:
    """Return LibCal's answer for the places `wanted`, without unknown ones; no days are an empty list."""
    return [
        {
            "lid": int(place),
            "name": f"Hours {place}",
            "dates": {day: item for day, item in places[place].items() if first <= day <= last} or [],
        }
        for place in wanted
        if place in places
    ]
