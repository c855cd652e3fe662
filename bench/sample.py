"""Random events for benches, from a seed: the same in every run and on every machine.

Their texts are as long as a real library's: the median description has 650 characters, some have thousands,
titles have 3 to 9 words. Half of the events are in series that repeat a description, half have registration.
"""

from __future__ import annotations

import os
import random
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from event import Calendar, Event, Registration, Seats, Snapshot

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 2, 9, tzinfo=ZONE)
DAYS = 30

_BRANCHES = ("Kilton", "Lebanon", "Bookmobile")
_AUDIENCES = ("Babies", "Children", "Teens", "Adults", "Everyone")
_CATEGORIES = ("Reading", "Music", "Crafts", "Film", "Help", "History", "Nature", "Games")
_ROOMS = ("Community Room", "Story Room", "Damren Room", "Gallery", "")


def environment(build: Path) -> dict[str, str]:
    """Return the environment for generate.py to render the events.json in `build` at NOW."""
    return {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "BUILD_DIR": str(build),
        "EVENTS_NOW": NOW.isoformat(),
        "SITE_URL": "https://events.example.org",
        "MIN_EVENTS": "0",
    }


def snapshot(count: int, seed: int = 1) -> Snapshot:
    """Return `count` events in the days after NOW."""
    chance = random.Random(seed)
    words = [_word(chance) for _ in range(3000)]
    series = [(_text(chance, words, 3, 9), *_description(chance, words)) for _ in range(max(1, count // 8))]
    events = []
    for number in range(count):
        title, description, excerpt = chance.choice(series) if number % 2 else _one(chance, words)
        start = NOW.replace(hour=chance.randrange(9, 20), minute=chance.choice((0, 0, 15, 30)))
        start += timedelta(days=chance.randrange(DAYS))
        seats = Seats(total=20, taken=chance.randrange(21))
        open_now = Registration(opened=True, closed=False, wait_list=True, in_person=seats)
        events.append(
            Event(
                id=str(4_000_000 + number),
                calendar="7",
                title=title,
                start=start,
                end=start + timedelta(minutes=chance.choice((30, 60, 60, 90, 120))),
                state="cancelled" if number % 50 == 7 else "",
                branch=chance.choice(_BRANCHES),
                place=chance.choice(_ROOMS),
                categories=tuple(chance.sample(_CATEGORIES, 2)),
                audiences=tuple(chance.sample(_AUDIENCES, chance.choice((1, 1, 2)))),
                url=f"https://library.libcal.com/event/{4_000_000 + number}",
                description=description,
                excerpt=excerpt,
                registration=open_now if number % 4 < 2 else None,
                updated=NOW - timedelta(hours=chance.randrange(1, 500)),
            )
        )
    calendar = Calendar(id="7", label="Main", fetched=NOW, events=count)
    ordered = tuple(sorted(events, key=lambda event: event.order))
    return Snapshot(events=ordered, calendars=(calendar,), url="https://library.libcal.com/1.1")


def _one(chance: random.Random, words: list[str]) -> tuple[str, str, str]:
    return (_text(chance, words, 3, 9), *_description(chance, words))


def _description(chance: random.Random, words: list[str]) -> tuple[str, str]:
    """Return sanitized HTML and its excerpt."""
    length = min(6000, chance.lognormvariate(6.4, 0.7))
    first = f"{_text(chance, words, 15, 30)}."
    parts = [f"<p>{first}</p>"]
    while sum(map(len, parts)) < length:
        kind = chance.random()
        if kind < 0.7:
            parts.append(
                f"<p>{_text(chance, words, 10, 60)} &amp; <strong>{_text(chance, words, 1, 4)}</strong>.</p>"
            )
        elif kind < 0.9:
            items = "".join(f"<li>{_text(chance, words, 2, 9)}</li>\n" for _ in range(4))
            parts.append(f"<ul>\n{items}</ul>")
        else:
            address = f"https://library.example/{chance.choice(words)}"
            parts.append(f'<p><a href="{address}" rel="noopener">{_text(chance, words, 2, 5)}</a></p>')
    return "\n".join(parts), first[:200]


def _text(chance: random.Random, words: list[str], least: int, most: int) -> str:
    return " ".join(chance.choices(words, k=chance.randint(least, most))).capitalize()


def _word(chance: random.Random) -> str:
    syllables = ("ba", "le", "mi", "ro", "tu", "an", "er", "is", "on", "ur", "sta", "pre", "ché", "øl", "ing")
    return "".join(chance.choices(syllables, k=chance.randint(1, 4)))
