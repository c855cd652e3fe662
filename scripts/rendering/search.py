"""The index for the search in lists: the words of every event. The browser loads it when a visitor searches.

Words keep their spelling, so that a page can show them. The script removes case and accents.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from babel import Locale

import site_paths
from rendering import plain_text
from rendering.messages import Messages
from rendering.programs import Program
from rendering.views import EventView

NAME = "search.json"


def index(
    programs: Sequence[Program], listed: Sequence[EventView], messages: Messages, folder: Path
) -> bytes:
    """Return the index of the rows of the web list, and of the `listed` events, which other lists may show.

    `events` are `[id, words, description, ...]`: the words of title, time, place and groups; the number of
    the description among `texts`. A row of the web list also has the facts that filters need: start and end
    in seconds since 1970, branches, audiences, categories, flags. `folder` holds the words of each language.
    """
    texts: dict[str, int] = {}
    members = {program.event.id: (*program.days, *program.branches) for program in programs}
    rows = {program.event.id: program for program in programs}
    events = []
    for view in listed:
        views = members.get(view.event.id, (view,))
        details = _words(" ".join(dict.fromkeys(_description(item) for item in views)))
        entry: list[Any] = [
            view.event.id,
            # All words, since a synonym may be a phrase: "older adults" among "Adults, Older adults".
            " ".join(_split(" ".join(dict.fromkeys(part for item in views for part in _main_parts(item))))),
            texts.setdefault(details, len(texts)),
        ]
        if row := rows.get(view.event.id):
            entry += _facts(row)
        events.append(entry)
    data = {**_language(messages, folder), "texts": list(texts), "events": events}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def path(data: bytes) -> str:
    """Return the path of the index."""
    return site_paths.hashed(NAME, data)


def _words(text: str) -> str:
    """Return the different words of `text`, separated by spaces, in the order in which they first appear."""
    found: dict[str, str] = {}
    for word in _split(text):
        found.setdefault(word.casefold(), word)
    return " ".join(found.values())


def _split(text: str) -> list[str]:
    return "".join(letter if _in_word(letter) else " " for letter in text).split()


def _in_word(letter: str) -> bool:
    return letter.isalnum() or unicodedata.category(letter).startswith("M")


def _main_parts(view: EventView) -> tuple[str, ...]:
    event = view.event
    people = (event.presenter, *event.audiences)
    return (view.stated_title, view.where, *people, *event.categories, view.when, event.cost)


def _description(view: EventView) -> str:
    texts = map(plain_text.from_html, (view.event.description, view.event.more_info))
    return " ".join((view.event.excerpt, *texts, view.street_address))


def _facts(program: Program) -> list[object]:
    view = program.view
    spans = program.spans or f"{view.start_epoch}-{view.end_epoch}"
    return [spans, program.branch_slugs, view.audience_slugs, view.category_slugs, view.flags]


def _language(messages: Messages, folder: Path) -> dict[str, Any]:
    """Return the language for a search: endings, synonyms, words of time."""
    language = messages.locale.partition("_")[0]
    known = json.loads((folder / f"synonyms.{language}.json").read_text(encoding="utf-8"))
    locale = Locale.parse(messages.locale)
    sunday = date(2026, 3, 1)
    weekdays = [
        sorted({locale.days[form]["wide"][(sunday + timedelta(days=number)).weekday()] for form in _FORMS})
        for number in range(7)
    ]
    months = [sorted({locale.months[form]["wide"][number] for form in _FORMS}) for number in range(1, 13)]
    short = [
        sorted({locale.months[form]["abbreviated"][number].rstrip(".") for form in _FORMS})
        for number in range(1, 13)
    ]
    return {**known, "weekdays": weekdays, "months": months, "short_months": short}


_FORMS = ("format", "stand-alone")
