"""LibCal's public pages for everyone: the list of calendars and the calendar feeds (iCalendar)."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import icalendar
from flask import Blueprint, Response, request

from standins.records import Record

if TYPE_CHECKING:
    from standins.libcal_server import LibCal


def public_feed(libcal: LibCal) -> Blueprint:
    """Return the routes: /calendars links to each public calendar, /ical_subscribe.php is its feed."""
    routes = Blueprint("public_feed", __name__)

    @routes.get("/calendars")
    def calendars() -> str:
        links = (
            f'<a href="{html.escape(f"/calendar?cid={number}&t=d")}">{html.escape(item["name"])}</a>'
            for number, item in libcal.calendars.items()
            if item["visibility"] == "Public"
        )
        return f"<!doctype html><title>Calendars</title>{' '.join(links)}"

    @routes.get("/ical_subscribe.php")
    def feed() -> Response:
        number = request.args.get("cid", "")
        found = libcal.calendars.get(number)
        if found is None or found["visibility"] != "Public":
            return Response("Invalid calendar", content_type="text/html")
        calendar = icalendar.Calendar()
        calendar.add("version", "2.0")
        calendar.add("prodid", "-//Springshare//LibCal//EN")
        calendar.add("x-wr-calname", found["name"])
        calendar.add("x-wr-timezone", libcal.zone.key)
        for event in libcal.events.values():
            if str(event["calendar"]["id"]) == number:
                calendar.add_component(_vevent(event, number))
        return Response(calendar.to_ical(), content_type="text/calendar; charset=utf-8")

    return routes


def _vevent(event: Record, calendar: str) -> icalendar.Event:
    """Return an event as LibCal writes it: times in UTC, plain text, "Room, Campus", no images."""
    made = icalendar.Event()
    start, end = (datetime.fromisoformat(event[name]) for name in ("start", "end"))
    if event["allday"]:
        made.add("dtstart", start.date())
        made.add("dtend", end.date() + timedelta(days=1))
    else:
        made.add("dtstart", start.astimezone(UTC))
        made.add("dtend", end.astimezone(UTC))
    made.add("uid", f"LibCal-{calendar}-{event['id']}")
    made.add("summary", event["title"])
    text = html.unescape(re.sub(r"<[^>]+>", "", event["description"]))
    made.add("description", text.replace("\r\n", "\n"))
    places = (event["location"], event["campus"])
    names = [place["name"] for place in places if isinstance(place, dict) and place.get("name")]
    made.add("location", ", ".join(names))
    if event["category"]:
        made.add("categories", [kind["name"] for kind in event["category"]])
    made.add("url", event["url"]["public"])
    return made
