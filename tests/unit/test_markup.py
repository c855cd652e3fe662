"""Descriptions that would take gigabytes or minutes: each costs its own formatting, and no other event."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetching import markup
from fetching.links import Origin
from fetching.markup import Budget, TooComplex, simplify
from fetching.sanitize import MAX_HTML, description
from settings import ROOT

LIBCAL = Origin.of("https://library.libcal.com/1.1")
LINK = "https://a.org/" + "&" * 1900


def numbered(tag: str, count: int) -> str:
    """Return start tags whose attributes differ, so that a parser may not merge them."""
    return "".join(f"<{tag} a{number}>" for number in range(count))


# Many of them took minutes or gigabytes when nh3 read them unchanged.
BOMBS = {
    "formatting in every paragraph": "<p>" + numbered("b", 2500) + "<p>x" * 6000,
    "formatting in every item": "<ul><li>" + numbered("i", 2500) + "<li>x" * 5000,
    "formatting in every cell": "<table><tr><td>" + numbered("em", 2500) + "<p>x" * 9000,
    "formatting in every heading": "<h2>" + numbered("strong", 2500) + "<h2>x" * 5000,
    "fonts in every paragraph": "<p>" + numbered("font", 3000) + "<p>x" * 9000,
    "one tag with many attributes": "<p><b " + " ".join(f"a{n}" for n in range(9000)) + ">" + "<p>x" * 9000,
    "quoted brackets in the attributes": "<p>" + "<b a='>' b=\">\" c>" * 4000 + "<p>x" * 6000,
    "a long link in every paragraph": f'<p><a href="{LINK}">' + "<p>x" * 20_000,
    "a short link in every paragraph": '<p><a href="/x?' + "&" * 100 + '">' + "<p>x" * 30_000,
    "nested lists": "<ul><li>" * 25_000 + "deep",
    "nested quotations": "<blockquote>" * 16_000 + "deep",
    "nested tables": "<table><tr><td>" * 13_000 + "deep",
    "nested definitions": "<dl><dd>" * 25_000 + "deep",
    "paragraphs closed but not opened": "<b><div>" * 6000 + "</p></b>" * 19_000,
    "formatting closed in the wrong order": "<b><p>" * 16_000 + "</b>" * 20_000,
    "text between table rows": "<table>" + numbered("b", 2000) + "<tr>x" * 9000,
    "nested templates": "<template><p>" * 15_000 + "deep",
    "nested drawings": "<svg><g>" * 25_000 + "deep",
    "nested forms and buttons": "<button><select><option>" * 8000 + "deep",
    "comments that do not end": "<!--" * 50_000,
    "tags that do not end": "<b a='" * 30_000,
    "scripts that do not end": "<script><!--" * 16_000,
    "character references": "&amp;" * 40_000,
}

MEASURE = """
import resource, sys, time
sys.path.insert(0, "scripts")
from fetching.links import Origin
from fetching.sanitize import description
source = sys.stdin.read()
resource.setrlimit(resource.RLIMIT_AS, (400_000_000, 400_000_000))
began = time.process_time()
made = description(source, Origin.of("https://library.libcal.com/1.1"), title="Storytime")
print(len(made.html), time.process_time() - began)
"""


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS)
def test_a_description_takes_bounded_time_and_memory(source: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], cwd=ROOT, input=source, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr[-300:]
    length, seconds = done.stdout.split()
    assert int(length) <= MAX_HTML
    assert float(seconds) < 2


def test_a_description_that_is_too_complex_becomes_plain_text() -> None:
    made = description("<p>Bring <b>boots</b> &amp; a <i>hat</i></p>" + numbered("b", 4000), LIBCAL)
    assert made.html == "<p>Bring boots &amp; a hat</p>"
    assert made.excerpt == "Bring boots & a hat"
    assert made.problem


def test_plain_text_holds_no_markup_and_is_limited() -> None:
    made = description("&lt;script&gt;<script>x</script>" + "<p>word" * 30_000, LIBCAL)
    assert made.html.startswith("<p>&lt;script&gt; word word")
    assert len(made.html) < 31_000


def test_descriptions_that_are_too_long_together_become_excerpts() -> None:
    budget = Budget(10_000)
    source = "<p>" + "word " * 1000
    first = description(source, LIBCAL, budget=budget)
    second = description(source, LIBCAL, budget=budget)
    assert (len(first.html) > 4000, first.problem) == (True, "")
    assert (len(second.html) < 250, second.excerpt.startswith("word"), bool(second.problem)) == (True,) * 3


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("<P CLASS=x>One <o:p></o:p><Span lang=en>two</SPAN></p>", '<p>One <span lang="en">two</span></p>'),
        ("<a href='/x?a=1&amp;b=\"' href=/y>x</a>", '<a href="/x?a=1&amp;b=&quot;">x</a>'),
        ("<a title='>' href=/x>y</a>", '<a href="/x">y</a>'),
        ('<a title=a"b href=/x>y</a>', '<a href="/x">y</a>'),
        ("<a/href=/x>y", '<a href="/x">y'),
        (f"<a href=/{'x' * 3000}>y</a>", "<a>y</a>"),
        ("1 < 2 <3 </ 4 > 5", "1 &lt; 2 &lt;3  5"),
        ("a<!-- <p> -->b<!-->c<!--->d<!x>e<?php f ?>g</>h", "abcdegh"),
        ("a<!-- b", "a"),
        ("a<b title='x", "a"),
        ("a<b title='x>y", "a<b>y"),
        ("a<title><b></title><script>if (a<b) {}</SCRIPT >c", "ac"),
        ("a<style>b", "a"),
        ("<![CDATA[<b>x]]>", "x]]&gt;"),
        ("<td COLSPAN=2 rowspan='3' style=x>", '<td colspan="2" rowspan="3">'),
    ],
)
def test_tags_and_attributes_are_read_as_a_browser_reads_them(source: str, result: str) -> None:
    assert simplify(source).replace("]]>", "]]&gt;") == result


def test_the_limits_are_far_above_real_descriptions() -> None:
    real = "<p><b>Bold</b> and <a href='https://a.org/x'>a link</a></p>" * 90
    assert simplify(real)
    with pytest.raises(TooComplex):
        simplify(real * 10)


@given(st.text(alphabet="<>/!-=\"' abpu&;\n", max_size=200))
def test_any_text_is_rewritten_without_error_and_then_stays_the_same(source: str) -> None:
    once = simplify(source)
    assert simplify(once) == once
    assert len(markup.plain_text(source, 50)) <= 50
