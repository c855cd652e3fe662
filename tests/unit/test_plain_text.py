from __future__ import annotations

import time
from xml.etree.ElementTree import fromstring
from xml.sax.saxutils import escape

import pytest
from hypothesis import given

from rendering import plain_text
from support.feed_samples import hostile_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One&nbsp;&amp; two</p>\r\n\r\n<p>Three</p>", "One & two\n\nThree"),
        ("a<br>b<br />c", "a\nb\nc"),
        ("<ul><li>one</li>\n<li><p>two</p></li></ul><p>end</p>", "- one\n- two\n\nend"),
        ("<h4>Who</h4><p> Children <b>of</b> all\n ages </p>", "Who\n\nChildren of all ages"),
        ('See <a href="https://x.example/?a=1&amp;b=2" rel="nofollow">here</a>.', "See here (https://x.example/?a=1&b=2)."),
        ('<a href="https://x.example/">http://x.example</a>', "http://x.example"),
        ('<a href="mailto:a@x.example?subject=Hi">a@x.example</a>', "a@x.example"),
        ('<a href="mailto:a@x.example">write</a>', "write (a@x.example)"),
        ("<a>no address</a>", "no address"),
        ('<img alt="a > b">1 &lt; 2', "1 < 2"),
        ("&lt;b&gt;not bold&lt;/b&gt;", "<b>not bold</b>"),
        ("<P>Loud</P><HR>", "Loud"),
        ("<table><tr><th>Hour</th><td>10am</td></tr><tr><td>x</td></tr></table>", "Hour 10am\n\nx"),
        ("<p>&nbsp;</p><p></p>", ""),
        ("a\x00b\x1bc\ud800d&#10;e", "abcd\ne"),
    ],
)  # fmt: skip
def test_html_becomes_plain_text(html: str, text: str) -> None:
    assert plain_text.from_html(html) == text


@given(hostile_text())
def test_no_text_can_break_xml_or_a_line(text: str) -> None:
    for cleaned in (plain_text.clean(text), plain_text.one_line(text), plain_text.from_html(text)):
        cleaned.encode()
        assert (fromstring(f"<a>{escape(cleaned)}</a>").text or "") == cleaned
        assert not set(cleaned) & set("\r\x0b\x0c\x85\u2028\u2029")
    assert "\n" not in plain_text.one_line(text)


@given(hostile_text())
def test_a_web_address_is_ascii_without_spaces_or_quotes(text: str) -> None:
    assert plain_text.web_address(text) == ""
    found = plain_text.web_address(f"https://x.example/{text}")
    assert found.startswith("https://x.example/")
    assert found.isascii()
    assert found.isprintable()
    assert not set(found) & set(' "<>\\^`{|}')


@pytest.mark.parametrize(
    "html", ["<", '<a "', "<a href=\"http://'", '<a href="x">', "<b> ", "<p>", "-\n", "<li>", "\u2028"]
)
def test_100_kb_of_any_markup_take_less_than_a_second(html: str) -> None:
    began = time.process_time()
    plain_text.from_html(html * (100_000 // len(html)))
    assert time.process_time() - began < 1  # a few hundredths; a quadratic pattern took over a minute


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<p>Call us at <a href="tel:+12015550100">(201) 555-0100</a>.</p>', "Call us at (201) 555-0100."),
        ('<p>Call <a href="tel:201-555-0100">201.555.0100</a></p>', "Call 201.555.0100"),
        ('<p>Ring <a href="tel:+442071234567">020 7123 4567</a></p>', "Ring 020 7123 4567"),
        ('<p><a href="tel:+12015550100;ext=4">201-555-0100</a></p>', "201-555-0100"),
        ('<p><a href="tel:+12015550100">Call us</a></p>', "Call us (+12015550100)"),
        ('<p><a href="tel:+12015550100">555-0199</a></p>', "555-0199 (+12015550100)"),
        ('<p><a href="mailto:Desk@x.org?subject=Hi">desk@x.org</a></p>', "desk@x.org"),
        ('<p><a href="mailto:desk@x.org?subject=Hi">Write</a></p>', "Write (desk@x.org)"),
    ],
)
def test_a_telephone_or_mail_address_is_written_once(html: str, text: str) -> None:
    assert plain_text.from_html(html) == text
