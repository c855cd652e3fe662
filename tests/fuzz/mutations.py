"""Events of the sample, or of a file, with random fields changed: what the fuzzer sends."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from standins import libcal_file, sample
from standins.records import PRIVATE, Record

# Every private text contains one of these.
MEETING = {
    "online_join_url": f"https://us02web.zoom.us/j/93531415926?pwd={PRIVATE}-key",
    "online_host_url": f"https://us02web.zoom.us/s/93531415926?zak={PRIVATE}-host",
    "online_meeting_id": "93531415926",
    "online_join_password": f"{PRIVATE}-password",
    "online_provider": "zoom",
}
_JOIN = MEETING["online_join_url"]
_SAFE = "https://nam02.safelinks.protection.outlook.com/?url="
WAYS = (
    f"Join: {_JOIN}",
    f'<a href="{_JOIN}">Join</a>',
    f'<a href="{_SAFE}{_JOIN.replace(":", "%253A").replace("/", "%252F").replace("?", "%253F")}">Join</a>',
    "Meeting ID 935 3141 5926",
    "935-3141-5926",
    "935.3141.5926",
    f"Password: {PRIVATE}-password",
    f"<p>Password: <b>{PRIVATE}-password</b></p>",
    f"Host: {MEETING['online_host_url']}",
)
MARKERS = (PRIVATE, "93531415926", "935 3141 5926", "935-3141-5926", "935.3141.5926")

ACTIVE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href=" &#14; javascript:alert(1)">x</a>',
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<style>*{display:none}</style>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    '"onmouseover=alert(1) x="',
    "'><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</title><base href=//evil.example.org>",
    "<!--",
    "-->",
    "]]>",
    "<![CDATA[",
    "<p>" * 40,
    "<b a1><b a2><p>x<p>y",
    "<ul><li>" * 60,
    "<table><tr><td>" * 20,
    "<meta http-equiv=refresh content='0;url=//evil.example.org'>",
    "BEGIN:VEVENT\r\nUID:evil\r\nEND:VEVENT",
    "\r\nX-EVIL:1",
    "\u2028\u2029\x85\x0b\x0c\x00\x1b[31m",
    "\u202eright to left\u2066",
    "a\u0315\u0300\u0316" * 30,
    "\ud83d",
    "\ufffe\uffff\U0001fffe",
    "{{ 7 * 7 }}{% raw %}",
    "%00%0d%0a",
    "&amp;lt;script&amp;gt;",
    "📚👩‍👩‍👧‍👦🇩🇰",
    "CANCELLED: ",
    "/ " * 50,
    "A > B > " * 30,
    "x" * 5000,
    "word " * 2000,
)
ADDRESSES = (
    "javascript:alert(1)", "data:text/html,<script>", "//evil.example.org/x", "https://user:pw@evil.example.org/",
    "http://127.0.0.1/x", "https://[::1]/", "/images/a.jpg", "https://a.org/" + "%25" * 600, "https://a.org/\"onclick=x",
    "\\\\evil.example.org", "https://éxample.org/ü", "www.a.org", "x", "",
)  # fmt: skip
TIMES = (
    "2026-03-05T10:00:00-05:00", "2026-03-08T02:30:00", "2026-11-01T01:30:00-04:00", "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59+14:00", "2026-03-05", "2026-03-05T24:00:00Z", "2026-W10-4", "yesterday", "2026-03-05T10:00:00+99:99",
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**18, 10**30, 1.5, 1e308, float("inf"), "", " ", "0", [], {}, [None], [[]],
    {"name": None}, {"name": {"name": "x"}}, [{"name": "A"}, {"id": 1}], {"0": {"name": "gap"}, "2": {"name": "gap"}},
)  # fmt: skip
FIELDS = (
    "id", "title", "allday", "start", "end", "description", "more_info", "url", "location", "campus", "category",
    "audience", "presenter", "calendar", "seats", "registration", "has_registration_opened",
    "has_registration_closed", "physical_seats", "physical_seats_taken", "online_seats", "online_seats_taken",
    "wait_list", "registration_cost", "color", "featured_image", "geolocation", "future_dates", "unknown",
)  # fmt: skip
_TEXTS = ("title", "description", "campus", "location", "category", "audience")


def seeds(events_file: Path | None, today: date, zone: ZoneInfo) -> list[Record]:
    """Return the events to start from: those of the sample, and of a file in LibCal's format."""
    public = {item["calid"] for item in sample.CALENDARS if item["visibility"] == "Public"}
    found = [event for event in sample.events(today) if event["calendar"]["id"] in public]
    if events_file:
        found += libcal_file.folded(libcal_file.load(events_file), today, zone, 28)
    return found


class Batch:
    """Changed events of one calendar."""

    def __init__(self, events: tuple[Any, ...]) -> None:
        self.events = events

    def __repr__(self) -> str:
        return f"{len(self.events)} events, the last: {json.dumps(self.events[-1:])[:3000]}"


def batches(known: list[Record], size: int) -> st.SearchStrategy[Batch]:
    """Return a strategy for up to `size` changed events."""
    return st.lists(_changed(known), min_size=size // 2, max_size=size).map(
        lambda events: Batch(tuple(events))
    )


def _changed(known: list[Record]) -> st.SearchStrategy[Any]:
    change = st.one_of(
        st.tuples(st.just(_replace), st.sampled_from(FIELDS), _values()),
        st.tuples(st.just(_insert), st.sampled_from(_TEXTS), st.sampled_from(ACTIVE) | st.text(max_size=20)),
        st.tuples(st.just(_insert), st.sampled_from(_TEXTS), st.sampled_from(WAYS)),
        st.tuples(st.just(_remove), st.sampled_from(FIELDS), st.none()),
    )
    return st.builds(
        _apply, st.sampled_from(known), st.lists(change, min_size=1, max_size=3)
    ) | st.sampled_from(ODD)


def _values() -> st.SearchStrategy[Any]:
    named = st.sampled_from(ACTIVE).map(lambda text: [{"id": 1, "name": text}])
    return st.one_of(
        st.sampled_from(ODD), st.sampled_from(ACTIVE), st.sampled_from(ADDRESSES), st.sampled_from(TIMES),
        st.sampled_from(ADDRESSES).map(lambda address: {"public": address}), named, st.text(max_size=30),
    )  # fmt: skip


Change = tuple[Callable[[Record, str, Any], None], str, Any]


def _apply(event: Record, changes: list[Change]) -> Record:
    made = {**event, **MEETING}
    for act, name, value in changes:
        act(made, name, value)
    return made


def _replace(event: Record, name: str, value: Any) -> None:
    event[name] = value


def _remove(event: Record, name: str, _: Any) -> None:
    event.pop(name, None)


def _insert(event: Record, name: str, text: Any) -> None:
    """Put `text` into the middle of a text, or of the first name of a list."""
    old = event.get(name)
    if isinstance(old, list):
        event[name] = [{"id": 1, "name": f"Name {text} end"}, *old]
    elif isinstance(old, dict):
        event[name] = {**old, "name": f"{old.get('name', '')} {text} end"}
    else:
        half = len(str(old or "")) // 2
        event[name] = f"{str(old or '')[:half]} {text} {str(old or '')[half:]}"
