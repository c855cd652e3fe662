"""The message catalogs: complete, with the same placeholders, without unused texts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rendering import messages
from settings import ROOT, SettingError

LANGUAGES = ("en", "es", "da")
TEMPLATES = ROOT / "templates"


def catalog(name: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((messages.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def names(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text(language: str) -> None:
    assert set(catalog(language)) == set(catalog("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_has_the_same_placeholders_as_in_english(language: str) -> None:
    # The order of a range differs by language: "March 3 to 5", "3. til 5. marts".
    free = ("range.days_in_month", "time.hour", "time.minute", "time.24")
    for key, text in catalog(language).items():
        if key not in free:
            assert names(text) == names(catalog("en")[key]), key


def test_no_text_is_empty_except_am_and_pm_in_danish() -> None:
    for language in LANGUAGES:
        empty = {key for key, text in catalog(language).items() if not text}
        assert empty == ({"am", "pm"} if language == "da" else set())


def test_a_territory_file_has_only_texts_that_differ() -> None:
    for path in messages.FOLDER.glob("*_*.json"):
        own, base = catalog(path.stem), catalog(path.stem.partition("_")[0])
        assert set(own) <= set(base)
        assert all(own[key] != base[key] for key in own)


def used_keys() -> set[str]:
    found: set[str] = set()
    for path in (*TEMPLATES.glob("*.html"), *TEMPLATES.glob("static/*.js"), TEMPLATES / "embed.js"):
        found |= set(
            re.findall(r"""\b(?:t|t\.count|say)\("([a-z0-9_.-]+)""", path.read_text(encoding="utf-8"))
        )
    for path in (ROOT / "scripts").rglob("*.py"):
        found |= set(re.findall(r'"([a-z0-9_]+(?:[.-][a-z0-9_-]+)*)"', path.read_text(encoding="utf-8")))
    return found


def test_every_text_is_used_somewhere() -> None:
    # Keys that the code builds: status.full, explain.cancelled, stale.day.some, count.one.
    built = re.compile(
        r"(status|explain)\.|stale|.*\.(one|other|this|button)\Z|branch\Z|(audience|category)(\.label)?\Z"
    )
    unused = {key for key in catalog("en") if not built.match(key)} - used_keys()
    assert unused == set()


def test_an_unknown_text_is_an_error() -> None:
    with pytest.raises(KeyError):
        messages.load("en_US")("no such text")


def test_an_unknown_language_is_refused_with_advice() -> None:
    with pytest.raises(SettingError, match=r"fr\.json.*da, en"):
        messages.load("fr_FR")


def test_a_territory_without_a_file_uses_its_language(tmp_path: Path) -> None:
    assert messages.load("es_MX").texts == messages.load("es_US").texts
    assert messages.load("es_MX").language == "es-MX"


def test_counts_have_a_singular() -> None:
    t = messages.load("en_US")
    assert [t.count("count", number) for number in (0, 1, 2)] == ["0 events", "1 event", "2 events"]
