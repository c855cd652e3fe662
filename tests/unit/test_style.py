"""Plain English in README, docs and source: words that make a sentence a riddle are rare (docs/style.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest

from settings import ROOT

FILES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile", ".env.example")
FOLDERS = ("docs", "bin", "scripts", "templates", "systemd", "docker")
BINARY = (".woff2", ".webp", ".png", ".svg", ".json", ".pyc")
MOST = 1  # for each pattern, in 10,000 words

RIDDLES = {
    "name the thing instead": r"\bwhat (?:is|was)\b",
    "name the visitor, run or file instead": r"\b(?:nobody|nothing|somebody)\b",
    "say, log, report or notify instead": r"\b(?:tell|tells|telling|told)\b",
    "again, or from scratch": r"\banew\b",
}


@cache
def lines() -> tuple[tuple[str, str], ...]:
    """Return every line of the prose and source, as place (file:line) and text."""
    return tuple(_lines())


def _lines() -> Iterator[tuple[str, str]]:
    paths = [ROOT / name for name in FILES]
    for folder in FOLDERS:
        paths += (path for path in sorted((ROOT / folder).rglob("*")) if path.is_file())
    for path in paths:
        name = path.relative_to(ROOT).as_posix()
        if path.suffix in BINARY or name.startswith("templates/messages/"):
            continue
        text = path.read_text(encoding="utf-8")
        if name == "docs/style.md":  # quotes the words it bans
            text = re.sub(r'"[^"]*"|`[^`]*`', "", text)
        for number, line in enumerate(text.split("\n"), 1):
            yield f"{name}:{number}", line


def found(pattern: str) -> list[str]:
    """Return the lines that match, once for each match."""
    return [f"{place}: {line.strip()}" for place, line in lines() for _ in re.findall(pattern, line, re.I)]


@pytest.mark.parametrize("advice", RIDDLES)
def test_words_that_make_a_riddle_are_rare(advice: str) -> None:
    words = sum(len(re.findall(r"[A-Za-z][A-Za-z']*", line)) for _, line in lines())
    assert words > 40_000, "all files are read"
    places = found(RIDDLES[advice])
    assert len(places) * 10_000 <= MOST * words, "\n".join([advice, *places])


def test_the_patterns_match_their_words() -> None:
    for text in ("what is uploaded", "Nobody is told", "it tells", "made anew"):
        assert any(re.search(pattern, text, re.I) for pattern in RIDDLES.values()), text
    assert not any(re.search(pattern, "What happens: status.json only", re.I) for pattern in RIDDLES.values())
