"""The search of the list, run by Node.js without a browser: each word of each event, and typed queries."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from bench import sample as bench_sample
from browser import libraries
from browser.libraries import Library
from browser.sample_events import NOW
from event import Event
from support.page_reader import Page

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "templates" / "static"

Result = dict[str, Any]


def search(site: Path, queries: Iterable[str]) -> list[Result]:
    """Return the result of each query in the web list of `site`: the rows found and the reasons."""
    index = next(site.glob("static/search.*.json"))
    page = Page((site / "index.html").read_text(encoding="utf-8"))
    data = {
        "site": json.loads(page.one("script", id="site").text),
        "index": json.loads(index.read_text(encoding="utf-8")),
        "now": NOW.timestamp(),
        "queries": list(queries),
    }
    scripts = [str(STATIC / name) for name in ("site.js", "search.js")]
    command = ["node", str(ROOT / "tests" / "browser" / "search.mjs"), *scripts]
    done = subprocess.run(command, input=json.dumps(data), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: list[Result] = json.loads(done.stdout)
    return found


def words(text: str) -> set[str]:
    return {word for word in re.findall(r"[^\W\d_]+", text) if len(word) >= 3}


def page_words(path: Path) -> set[str]:
    """Return the words that an event page says about its event, in its title, facts and description."""
    page = Page(path.read_text(encoding="utf-8").replace("<", " <"))
    parts = [*page.all("h1"), *page.all("dd"), *page.all("section", class_="about")]
    text = "\n".join(part.text for part in parts)
    # The links to maps and the heading of the description say nothing about the event.
    others = [item.text for item in page.all("details") if "dd" in item.parents]
    for label in (*others, "About this event", "Om arrangementet"):
        text = text.replace(label, "")
    return words(text)


def missed(site: Path) -> list[tuple[str, str]]:
    """Return the events that a word of their own page does not find, with the word."""
    pages = {row: page_words(site / "event" / f"{row}.html") for row in rows(site)}
    every = sorted(set().union(*pages.values()))
    assert len(every) > 100
    found = dict(zip(every, search(site, every), strict=True))
    return [(row, word) for row, words in pages.items() for word in words if row not in found[word]["found"]]


def rows(site: Path) -> list[str]:
    """Return the ids of the rows of the web list."""
    index = json.loads(next(site.glob("static/search.*.json")).read_text(encoding="utf-8"))
    return [entry[0] for entry in index["events"] if len(entry) > 3]


def test_every_word_of_every_event_page_finds_that_event(library: Library) -> None:
    assert missed(library.site) == []


@pytest.mark.wide
@pytest.mark.timeout(900)
def test_every_word_of_1000_events_finds_its_event(tmp_path: Path) -> None:
    build = tmp_path / "build"
    build.mkdir()
    bench_sample.snapshot(1000).save(build / "events.json")
    libraries.generate_here(build, bench_sample.NOW, bench_sample.environment(build))
    assert missed(build / "site") == []


def titled(*parts: str) -> Callable[[Event], bool]:
    return lambda event: any(part in event.title for part in parts)


def on(day: int) -> Callable[[Event], bool]:
    return lambda event: event.first_day.day == day and event.start > NOW


def weekday(number: int) -> Callable[[Event], bool]:
    return lambda event: event.start.weekday() == number


STORIES = titled("Story Time", "Baby Lap Sit")
SPANISH = titled("Cuentos", "Club de lectura")

# What people type, and the events of the sample library that it must find.
TYPED: list[tuple[str, Callable[[Event], bool]]] = [
    ("storytime", STORIES), ("story time", STORIES), ("STORY-TIME", STORIES), ("story times", STORIES),
    ("preschool storytime", titled("Preschool Story Time")), ("baby", titled("Baby Lap Sit")),
    ("babies", titled("Baby Lap Sit")), ("lapsit", titled("Baby Lap Sit")), ("toddlers", titled("Baby Lap Sit")),
    ("kids", lambda event: "Kids" in event.audiences), ("children", lambda event: "Kids" in event.audiences),
    ("teens", lambda event: "Teens" in event.audiences), ("teenager", lambda event: "Teens" in event.audiences),
    ("seniors", lambda event: "Older adults" in event.audiences),
    ("older adults", lambda event: "Older adults" in event.audiences),
    ("crafts", titled("Watercolor", "Knit", "Marbling", "Maker")), ("craft", titled("Watercolor", "Knit")),
    ("arts and crafts", titled("Watercolor", "Knit", "Marbling")), ("technology", titled("Tech Help", "3D")),
    ("technolgy", titled("Tech Help", "3D")), ("tecnology", titled("Tech Help")), ("tech", titled("Tech Help")),
    ("computers", titled("Tech Help")), ("computer help", titled("Tech Help")), ("quilt", titled("Quilts")),
    ("quilts", titled("Quilts")), ("quilting", titled("Quilts")), ("quils", titled("Quilts")),
    ("movie", titled("Silent Film", "Family Movie")), ("films", titled("Silent Film", "Family Movie")),
    ("movies for kids", titled("Sunday Family Movie")), ("book club", titled("Mystery Book Club")),
    ("bookclub", titled("Mystery Book Club")), ("mystery", titled("Mystery")), ("español", SPANISH),
    ("espanol", SPANISH), ("spanish", SPANISH), ("cuentos", titled("Cuentos")), ("hora del cuento", titled("Cuentos")),
    ("english", titled("English Conversation")), ("esl", titled("English Conversation")),
    ("yoga", titled("Chair Yoga")), ("chair yoga", titled("Chair Yoga")), ("tai chi", titled("Tai Chi")),
    ("knitting", titled("Knit & Crochet")), ("chess", titled("Saturday Chess")), ("cafe", titled("Café")),
    ("café", titled("Café")), ("repair cafe", titled("Repair Café")), ("resume", titled("Resume Repair")),
    ("résumé", titled("Resume Repair")), ("drop in", titled("Drop-In")), ("dropin", titled("Drop-In")),
    ("dvorak", titled("Noon Concert")), ("imani brooks", titled("Imani Brooks")), ("author", titled("Imani Brooks")),
    ("harbor yoga", titled("Chair Yoga")), ("lego", titled("Block Party")), ("dungeons and dragons", titled("Dungeons")),
    ("tonight", lambda event: event.first_day == NOW.date() and event.start.hour >= 17),
    ("today", on(3)), ("tomorrow", on(4)), ("saturday", weekday(5)), ("saturdays", weekday(5)), ("march 10", on(10)),
    ("10 march", on(10)), ("mar 10", on(10)), ("saturday morning kids", titled("Cuentos")),
    ("evening book", titled("Mystery Book Club", "Imani Brooks")), ("3d", titled("3D Printing")),
    ("this weekend", lambda event: event.first_day.day in (7, 8) or titled("Sleepover", "Lock-In")(event)),
]  # fmt: skip
# Those that must find no other event without saying why.
EXACT = ("saturday morning kids", "imani brooks", "harbor yoga", "quilts", "movies for kids")


def test_the_search_finds_what_people_type(larkfield: Library) -> None:
    assert len(TYPED) >= 60
    listed = set(rows(larkfield.site))
    events = [event for event in larkfield.events if event.id in listed]
    results = search(larkfield.site, [query for query, _ in TYPED])
    for (query, wanted), result in zip(TYPED, results, strict=True):
        expected = {event.id for event in events if wanted(event)}
        assert expected, query
        missing = [e.title for e in events if e.id in expected - result["found"].keys()]
        assert missing == [], query
        if query in EXACT:
            plain = {row for row, reason in result["found"].items() if not reason}
            assert plain <= expected, (query, [e.title for e in events if e.id in plain - expected])


def test_a_day_of_the_week_finds_no_other_day_without_saying_why(larkfield: Library) -> None:
    (result,) = search(larkfield.site, ["saturday"])
    plain = {row for row, reason in result["found"].items() if not reason}
    events = {event.id: event for event in larkfield.events}
    others = {events[row].title for row in plain if events[row].start.weekday() != 5}
    # Open on Wednesdays and Saturdays, and until 1am on Saturday.
    assert others == {"Local History Room: Open Hours", "After Dark: Teen Lock-In"}
    assert len(plain) >= 18


def test_words_of_time_set_the_chips_and_a_misspelled_word_is_replaced_and_named(larkfield: Library) -> None:
    tonight, wrong, right, weak = search(larkfield.site, ["tonight", "technolgy", "technology", "dvorak"])
    assert (tonight["date"], tonight["time"]) == ("today", "evening")
    assert (wrong["corrected"], right["corrected"]) == ("technology", "")
    assert list(weak["found"].values()) == ["Dvořák"]
