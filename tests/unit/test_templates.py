"""Rules that every template follows, checked in its source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from settings import ROOT

TEMPLATES = sorted((ROOT / "templates").glob("*.*"))
PAGES = [path for path in TEMPLATES if path.suffix == ".html"]
# The screen is one file: its parts are inline, each with its hash in the policy.
INLINE = ("screen.html",)


def source(path: Path) -> str:
    return re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_only_the_description_is_not_escaped() -> None:
    found = [
        (path.name, match) for path in TEMPLATES for match in re.findall(r"[\w.()]+\s*\|\s*safe\b", source(path))
        if path.name not in INLINE
    ]  # fmt: skip
    assert found == [("event.html", "item.description | safe"), ("event.html", "item.more_info | safe")]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_disables_escaping(path: Path) -> None:
    assert not re.search(r"autoescape|Markup|\|\s*(forceescape|xmlattr)", source(path))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_value_in_a_tag_is_quoted(path: Path) -> None:
    text = re.sub(r"\{%.*?%\}", "", source(path), flags=re.DOTALL)
    # Replace expressions by a word without quotes, so that tags can be parsed.
    text = re.sub(r"\{\{.*?\}\}", "VALUE", text, flags=re.DOTALL)
    for tag in re.findall(r"<[a-z][^>]*>", text):
        outside = re.sub(r'"[^"]*"', '""', tag)
        assert "VALUE" not in outside, tag
        assert not re.search(r"=(?!\")", outside), tag


# The screen is one self-contained file; test_screen.py checks its hashes.
@pytest.mark.parametrize(
    "path", [path for path in PAGES if path.name not in INLINE], ids=lambda path: path.name
)
def test_no_page_has_inline_script_or_style(path: Path) -> None:
    text = source(path)
    if path.name == "newsletter.html":  # mail programs need style attributes
        text = text.replace(" style=", "")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    for attributes in re.findall(r"<script([^>]*)>", text):
        assert "src=" in attributes or 'type="application/' in attributes


# The short address of an event leads to its page at once.
@pytest.mark.parametrize(
    "path", [path for path in PAGES if path.name != "short.html"], ids=lambda path: path.name
)
def test_no_page_refreshes_itself(path: Path) -> None:
    assert not re.search(r"http-equiv=.refresh", source(path), re.IGNORECASE)


def test_every_partial_starts_with_a_comment() -> None:
    for path in PAGES:
        if path.name.startswith("_"):
            assert path.read_text(encoding="utf-8").startswith("{#"), path.name
