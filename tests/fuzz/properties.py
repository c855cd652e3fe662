"""What must be true of every file of a site, whatever LibCal sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from xml.etree import ElementTree

from icalendar import Calendar

from fuzz.mutations import MARKERS
from support.fixed_libcal import GOOD_TITLE
from support.page_reader import Page

_LINK = re.compile(r"(?:https?://|mailto:|tel:|webcal://|data:image/png;base64,|#|[^:]*\Z)", re.IGNORECASE)
_SCRIPT_TYPES = ("application/json", "application/ld+json")
_FORBIDDEN = {"iframe", "object", "embed", "applet", "math", "frame", "frameset", "foreignobject"}


def check(files: Mapping[str, bytes]) -> None:
    """Fail if a file of the site is invalid, active or private, or if the good event is missing."""
    for path, data in files.items():
        _check_private(path, data)
        suffix = path.rpartition(".")[2]
        if suffix == "html":
            _check_page(path, data.decode())
        elif suffix == "json":
            json.loads(data, parse_constant=_refuse)
        elif suffix in ("atom", "xml"):
            ElementTree.fromstring(data)
        elif suffix == "ics":
            _check_calendar(path, data)
    for path in ("event/990099.html", "index.html", "events.json", "feed.atom", "feed.json", "events.ics"):
        text = files[path].decode().replace("\r\n ", "")
        assert GOOD_TITLE in text, f"{path}: the good event is missing"


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def _check_private(path: str, data: bytes) -> None:
    text = data.decode(errors="replace")
    for marker in MARKERS:
        found = text.find(marker)
        assert found < 0, f"{path}: private: {text[max(0, found - 200) : found + 60]!r}"


def _check_page(path: str, text: str) -> None:
    page = Page(text)
    screen = path == "screen.html" or path.startswith("screen/")
    for element in page.elements:
        preview = path == "screens.html" and element.name == "iframe"  # of our own screens
        assert element.name not in _FORBIDDEN or preview, f"{path}: <{element.name}>"
        for name, value in element.attributes.items():
            assert not name.startswith("on"), f"{path}: {name}={value[:80]}"
            # Mail programs need styles; those of the newsletter stand in its template.
            banned = {"style", "srcdoc", "formaction"} - ({"style"} if path == "newsletter.html" else set())
            assert name not in banned, f"{path}: {name}={value[:80]}"
            if name in ("href", "src", "action"):
                assert _LINK.match(value.strip()), f"{path}: {name}={value[:80]}"
    scripts = page.all("script")
    inline = [
        item for item in scripts if "src" not in item.attributes and item.attributes.get("type") is None
    ]
    assert len(inline) == (2 if screen else 0), f"{path}: an inline script"
    for item in scripts:
        if item.attributes.get("type") in _SCRIPT_TYPES:
            json.loads(item.text)


def _check_calendar(path: str, data: bytes) -> None:
    assert all(len(line) <= 75 for line in data.split(b"\r\n")), f"{path}: a long line"
    assert b"\n" not in data.replace(b"\r\n", b""), f"{path}: a bare line end"
    assert b"\r\nX-EVIL" not in data, path
    calendar = Calendar.from_ical(data)
    assert not calendar.errors, path
    for event in calendar.walk("VEVENT"):
        assert event.get("UID") != "evil", path
        assert event.get("DTSTART"), path
        assert not event.errors, path
