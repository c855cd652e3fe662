"""Extreme answers of LibCal: each costs only its own events, and fetch and generate stay within their limits.

Every test serves four bad calendars and one good one. The slow ones run with WIDE=1.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from support.fixed_libcal import GOOD, GOOD_TITLE, FixedLibCal, good_event
from support.pipeline import Pipeline
from support.wide import wide

NOW = datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("America/New_York"))
BAD = "1234"
BODY = 9_900_000

Pages = list[bytes] | bytes
Extreme = Callable[[str], Pages]


def event(number: int, key: str, **fields: Any) -> dict[str, Any]:
    start = NOW + timedelta(hours=2 + number % 600)
    return {
        "id": int(key) * 1_000_000 + number,
        "title": f"Event {number} of {key}",
        "start": start.isoformat(),
        "end": (start + timedelta(hours=1)).isoformat(),
        "calendar": {"id": int(key), "name": f"Calendar {key}"},
        **fields,
    }


def many(count: int, **fields: Callable[[int], Any]) -> Extreme:
    """Return an answer of `count` events, in pages of 500; `fields` are made from each event's number."""

    def pages(calendar: str) -> Pages:
        events = [
            event(number, calendar, **{name: make(number) for name, make in fields.items()})
            for number in range(count)
        ]
        parts = (events[begin : begin + 500] for begin in range(0, count, 500))
        return [json.dumps({"events": part}, ensure_ascii=False).encode() for part in parts]

    return pages


def full(size: int, **fields: Callable[[int], Any]) -> Extreme:
    """Return one answer of as many events as fit into the limit, each of about `size` bytes."""
    return many(min(500, BODY // (size + 400)), **fields)


def raw(body: bytes) -> Extreme:
    return lambda calendar: body


def fill(text: str, size: int) -> str:
    return text * (size // len(text))


def numbered(tag: str, count: int) -> str:
    return "".join(f"<{tag} a{number}>" for number in range(count))


def names(count: int, prefix: str, distinct: int) -> Callable[[int], list[dict[str, Any]]]:
    return lambda number: [
        {"id": index, "name": f"{prefix} {(number * count + index) % distinct}"} for index in range(count)
    ]


def meeting(number: int) -> str:
    return f"https://us02web.zoom.us/j/{90_000_000_000 + 7919 * number}?pwd=key{number:06}"


TEXT = "<p>Come to the library, meet <b>friends</b> and read a good <a href='/event/1'>book</a> or two.</p>\n"
EMOJI = "<p>📚 Kom til biblioteket, mød venner og læs en god bog.</p>"

EXTREMES: dict[str, Extreme] = {
    "one bomb of formatting": many(5, description=lambda n: numbered("b", 1500) + "<p>x" * 6000),
    "one bomb of nesting": many(5, description=lambda n: "<ul><li>" * 25_000),
    "one bomb of links": many(5, description=lambda n: "<p><a href='/" + "&" * 1900 + "'>" + "<p>x" * 30_000),
    "one title of megabytes": many(1, title=lambda n: "x " * 4_000_000),
    "one place of megabytes": many(1, location=lambda n: {"id": 1, "name": "a, " * 3_000_000}),
    "one category of megabytes": many(1, category=lambda n: [{"id": 1, "name": "A > " * 2_000_000}]),
    "one calendar name of megabytes": many(1, calendar=lambda n: {"id": 1, "name": "x" * 9_000_000}),
    "one state word after another": many(5, title=lambda n: "CANCELLED / " * 30_000 + "- cancelled (" * 1000),
    "one address of megabytes": many(1, url=lambda n: {"public": "https://a.org/" + "%25" * 3_000_000}),
    "one passcode after another": many(5, description=lambda n: "<p>passcode: pin 9.3-1" * 9000),
    "one escape of an escape": many(5, description=lambda n: f"<a href='https://a.org/%{'25' * 90_000}'>x</a>"),
    "one list of names in names": many(20, audience=lambda n: [[{"name": {"name": f"{i}"}}] for i in range(9000)]),
    "control characters": raw(b'{"events":[{"id":5,"title":"a\x00\x01\x1b[31m"}]}'),
    "bytes that are not UTF-8": raw(b'{"events":[{"id":5,"title":"' + b"\x80\xff" * 4_000_000 + b'"}]}'),
    "deep arrays": raw(b'{"events":' + b"[" * 5_000_000),
    "millions of empty arrays": raw(b'{"events":[' + b"[]," * 3_300_000 + b"[]]}"),
    "millions of empty objects": raw(b'{"events":[' + b"{}," * 3_300_000 + b"{}]}"),
    "many empty objects": raw(b'{"events":[' + b"{}," * 140_000 + b"{}]}"),
    "a number of megabytes": raw(b'{"events":[{"id":' + b"9" * 9_000_000 + b"}]}"),
    "a key of megabytes": raw(b'{"events":[{"' + b"k" * 9_000_000 + b'":1}]}'),
    "an escape of every character": raw(b'{"events":[{"id":5,"title":"' + b"\\ud83d\\udcda" * 800_000 + b'"}]}'),
    "one page for ever": raw(json.dumps({"events": [{"id": n} for n in range(500)]}).encode()),
    "one id ten thousand times": many(10_000, id=lambda n: 7),
    "more pages than the limit": many(3000, description=lambda n: fill(TEXT, 12_000)),
}  # fmt: skip

SLOW: dict[str, Extreme] = {
    "bombs of formatting": full(18_000, description=lambda n: numbered("b", 1500) + "<p>x" * 1500),
    "bombs just below the limits": full(4000, description=lambda n: "<p><b><i><u>" + "<s><em>" * 9 + "<p>x" * 1000),
    "nested lists everywhere": full(12_000, description=lambda n: "<ul><li>" * 1400 + "x"),
    "long links everywhere": full(20_000, description=lambda n: "<p><a href='/" + "&" * 1000 + "'>" + "<p>x" * 500),
    "four full answers of prose": full(19_500, description=lambda n: fill(TEXT, 19_500)),
    "four full answers of emoji": full(19_500, description=lambda n: fill(EMOJI, 16_000)),
    "four full answers of long texts": full(200_000, description=lambda n: fill("word ", 199_000)),
    "ten thousand audiences": many(500, audience=names(20, "Group", 10_000)),
    "ten thousand categories": many(500, category=names(20, "Theme", 10_000)),
    "ten thousand branches": many(2500, campus=lambda n: {"id": n, "name": f"Branch of {n}"}),
    "twenty audiences each": many(1500, audience=names(20, "Group", 20), description=lambda n: fill(TEXT, 3000)),
    "a meeting each": many(4000, online_join_url=meeting, description=lambda n: TEXT + meeting(n)),
    "meetings with one ending": many(2000, online_join_url=lambda n: f"https://h{n}.org/" + "x" * 200,
                                     description=lambda n: "x" * 3000),
    "long meeting addresses": many(2000, online_join_url=lambda n: f"https://a{n}.org/" + "y" * 1900),
    "ten thousand events": many(10_000),
    "five thousand dates of one title": many(5000, title=lambda n: "Storytime"),
    "five thousand events at once": many(5000, start=lambda n: NOW.isoformat(), end=lambda n: NOW.isoformat()),
    "five thousand exhibits": many(5000, end=lambda n: (NOW + timedelta(days=90)).isoformat()),
    "marks above every letter": full(18_000, title=lambda n: "a\u0315\u0300\u0316" * 2000,
                                     description=lambda n: "a\u0315\u0300\u0316" * 2000),
    "references of references": full(19_000, title=lambda n: "&amp;" * 3900),
    "overrides of the direction": full(19_000, description=lambda n: "\u202e\u2066x" * 2500),
    "white space only": full(19_000, description=lambda n: "&nbsp; \n" * 2300),
    "pictures that are missing": many(1000, featured_image=lambda n: f"/images/{n}.jpg"),
    "a mail address in every word": full(19_000, description=lambda n: "<a href='mailto:a@b.org'>a@b.org</a> " * 480),
}  # fmt: skip

CASES = [pytest.param(case, id=name) for name, case in EXTREMES.items()] + [
    wide(case, id=name) for name, case in SLOW.items()
]


def test_there_are_at_least_forty_extremes() -> None:
    assert len(EXTREMES) + len(SLOW) >= 40


@pytest.mark.timeout(600)
@pytest.mark.parametrize("extreme", CASES)
def test_an_extreme_answer_stays_within_the_limits(extreme: Extreme, tmp_path: Path) -> None:
    pages: dict[str, Pages] = {calendar: extreme(calendar) for calendar in BAD}
    pages[GOOD] = [json.dumps({"events": [good_event("2026-03-03")]}).encode()]
    with FixedLibCal(pages) as libcal:
        settings = {
            **libcal.settings,
            "TIMEZONE": "America/New_York",
            "SITE_URL": "https://events.example.org",
        }
        pipeline = Pipeline(settings, tmp_path / "build", NOW)
        step = pipeline.fetch()
        print(f"fetch: rc {step.code}, {step.seconds:.1f} s, {step.memory / 1e6:.0f} MB")
        assert step.code in (0, 75), step.log[-2000:]
        assert "Traceback" not in step.log
        step.check_costs()
        step = pipeline.generate()
        print(f"generate: rc {step.code}, {step.seconds:.1f} s, {step.memory / 1e6:.0f} MB")
        assert step.code == 0, step.log[-2000:]
        step.check_costs()
        assert GOOD_TITLE in pipeline.read("event/990099.html")
        assert GOOD_TITLE in pipeline.read(f"branch/branch-{GOOD}.html")


@pytest.mark.parametrize("nights", [5, wide(30)])
def test_a_program_that_is_imported_again_each_night_leaves_few_pages(nights: int, tmp_path: Path) -> None:
    for night in range(nights):
        events = [{**event(number, "1"), "id": 1000 * (night + 1) + number} for number in range(145)]
        with FixedLibCal({"1": [json.dumps({"events": events}).encode()]}) as libcal:
            pipeline = Pipeline(libcal.settings, tmp_path / "build", NOW)
            # The library's address must stay the same for the last events to count.
            assert pipeline.fetch(FORCE="1").code == 0
    assert pipeline.generate().code == 0
    assert len(list((tmp_path / "build" / "site" / "event").glob("*.html"))) <= 290
