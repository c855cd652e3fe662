from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import nh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetching.links import Origin, is_public_host, link, web_address
from fetching.privacy import PrivateDetails, meeting_secrets, private_links
from fetching.sanitize import EXCERPT, description, plain, shorten

LIBCAL = Origin.of("https://library.libcal.com/1.1")

FLOW = {"p", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "hr", "table", "dl", "pre"}
PHRASING = {"span", "a", "b", "strong", "em", "i", "u", "s", "sub", "sup", "code", "br"}
CHILDREN = {
    "": FLOW,
    "blockquote": FLOW,
    "li": FLOW | PHRASING,
    "td": FLOW | PHRASING,
    "th": FLOW | PHRASING,
    "dd": FLOW | PHRASING,
    "dt": PHRASING,
    "ul": {"li"},
    "ol": {"li"},
    "table": {"thead", "tbody"},
    "thead": {"tr"},
    "tbody": {"tr"},
    "tr": {"td", "th"},
    "dl": {"dt", "dd"},
    "pre": set[str](),
}
NEVER_EMPTY = FLOW - {"hr"} | PHRASING - {"br"} | {"li", "dt", "dd", "tr", "thead", "tbody"}


class Checker(HTMLParser):
    """Fails on any tag, parent, attribute, address or heading level that richtext.py does not write."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = [""]
        self.filled: list[bool] = [False]
        self.level = 2
        self.feed(html)
        self.close()
        assert self.open == [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        parent = self.open[-1]
        assert tag in CHILDREN.get(parent, PHRASING), f"<{tag}> in <{parent}>"
        assert tag not in PHRASING or tag not in self.open, f"<{tag}> in itself"
        self.check_attributes(tag, dict(attrs))
        if re.fullmatch("h[3-6]", tag):
            assert int(tag[1]) <= self.level + 1
            self.level = int(tag[1])
        self.filled[-1] = True
        if tag not in ("br", "hr"):
            self.open.append(tag)
            self.filled.append(False)

    def check_attributes(self, tag: str, attributes: dict[str, str | None]) -> None:
        if tag == "a":
            assert set(attributes) == {"href", "rel"}
            assert attributes["rel"] == "noopener noreferrer"
            href = str(attributes["href"])
            assert re.match(r"https://[a-z0-9]|mailto:[^ ]+@|tel:\+?[0-9]", href), href
            assert re.fullmatch(r"[!#-;=?-~]+", href), href
            assert "\\" not in href
            assert "@" not in href.split("/")[2] if href.startswith("https") else True
        elif tag in ("td", "th"):
            assert set(attributes) <= {"colspan", "rowspan"}
            assert all(re.fullmatch("[0-9]{1,2}", str(value)) for value in attributes.values())
        elif tag == "span":
            assert attributes
            assert set(attributes) <= {"lang", "dir"}
            assert re.fullmatch("[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}", str(attributes.get("lang", "en")))
            assert attributes.get("dir", "rtl") in ("ltr", "rtl", "auto")
        else:
            assert not attributes

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        assert self.filled.pop() or tag not in NEVER_EMPTY, f"empty <{tag}>"

    def handle_data(self, data: str) -> None:
        if self.open[-1] in ("", "blockquote", "ul", "ol", "table", "thead", "tbody", "tr", "dl"):
            assert not data.strip(), f"text in <{self.open[-1]}>"
        self.filled[-1] = True

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError("a declaration")

    def handle_pi(self, data: str) -> None:
        raise AssertionError("a processing instruction")


def assert_ours(html: str) -> None:
    """Fail unless `html` is valid, has only our tags, and a browser's parser reads it without changes."""
    Checker(html)
    attributes = {
        "span": {"lang", "dir"},
        "a": {"href", "rel"},
        "td": {"colspan", "rowspan"},
        "th": {"colspan", "rowspan"},
    }
    tags = set(CHILDREN) - {""} | FLOW | PHRASING
    assert nh3.clean(html, tags=tags, attributes=attributes, link_rel=None) == html


def cleaned(html: str) -> str:
    result = description(html, LIBCAL).html
    assert_ours(result)
    return result


@pytest.mark.parametrize(
    ("source", "result"),
    [
        # Leftovers of editors and Word
        (
            "<p>One</p>\r\n\r\n<p>&nbsp;</p>\r\n<p><span></span></p><p><br /></p><p>Two</p>",
            "<p>One</p>\n<p>Two</p>",
        ),
        ("<p>Text&nbsp;&nbsp; with   spaces&nbsp;</p>", "<p>Text with spaces</p>"),
        ('<p calibri="" class="MsoNormal" style="margin:0">Word</p>', "<p>Word</p>"),
        ("<!--[if gte mso 9]><xml><w:x>Normal</w:x></xml><![endif]--><p>A<o:p></o:p></p>", "<p>A</p>"),
        ("<xml><w:WordDocument><w:View>Normal</w:View></w:WordDocument></xml><p>A</p>", "<p>A</p>"),
        ('<meta charset="utf-8"><b style="font-weight:normal"><p>A</p></b>', "<p><b>A</b></p>"),
        ("just text", "<p>just text</p>"),
        ("line<br>line", "<p>line<br>line</p>"),
        ("one<br><br/>&nbsp;<br>two<br>", "<p>one</p>\n<p>two</p>"),
        ("<div>one</div><div>two<div>three</div></div>", "<p>one</p>\n<p>two</p>\n<p>three</p>"),
        ("<p>a <b> b </b>c</p>", "<p>a <b>b</b> c</p>"),
        ("<p>re<b>mark</b>able</p>", "<p>re<b>mark</b>able</p>"),
        ("<p><b><b>x</b></b><i> </i></p>", "<p><b>x</b></p>"),
        ("<b>one<br>two</b>", "<p><b>one<br>two</b></p>"),
        ("<p>Fish &amp; chips &lt;b&gt; 5 < 6 &copy;</p>", "<p>Fish &amp; chips &lt;b&gt; 5 &lt; 6 ©</p>"),
        ("<p><del>7pm</del>, <strike>8pm</strike> 9pm</p>", "<p><s>7pm</s>, <s>8pm</s> 9pm</p>"),
        ("<p>H<sub>2</sub>O <span>x</span></p>", "<p>H<sub>2</sub>O x</p>"),
        ("<hr><p>a</p><hr><hr><p>b</p><hr>", "<p>a</p>\n<hr>\n<p>b</p>"),
        (
            "<blockquote><p>said</p></blockquote><blockquote> </blockquote>",
            "<blockquote><p>said</p></blockquote>",
        ),
        ("<pre>\n a\n  b</pre>", "<pre> a\n  b</pre>"),
        ("<figure><img src=x alt=y><figcaption>Caption</figcaption></figure>", "<p>y</p>\n<p>Caption</p>"),
        # Invalid nesting
        ("<p>a<p>b", "<p>a</p>\n<p>b</p>"),
        ("<b>a<p>b</p>c</b>", "<p><b>a</b></p>\n<p><b>b</b></p>\n<p><b>c</b></p>"),
        (
            '<a href="https://a.org"><p>x</p></a>',
            '<p><a href="https://a.org" rel="noopener noreferrer">x</a></p>',
        ),
        ("<h2><p>x</p><p>y</p></h2>", "<h3>x y</h3>"),
        ("<li>a</li><li>b</li>", "<ul><li>a</li><li>b</li></ul>"),
        ("<ul>a<li>b</li><ul><li>c</li></ul></ul>", "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>"),
        ("<ul><li></li><li><p>&nbsp;</p></li></ul>", ""),
        (
            "<ol><li><p>one</p></li><li><p>a</p><p>b</p></li></ol>",
            "<ol><li>one</li><li><p>a</p><p>b</p></li></ol>",
        ),
        ("<ul><li>a<ul></ul></li></ul>", "<ul><li>a</li></ul>"),
        ("<dl><dt>a</dt><dd>b</dd></dl>", "<dl><dt>a</dt><dd>b</dd></dl>"),
        ("<dl><dd>b</dd><dt>a</dt></dl>", "<p>b</p>\n<p>a</p>"),
        # Tables
        (
            "<table><thead><tr><th>Day<th>Time</thead><tr><td colspan=2>Mon<tr><td>Tue<td></table>",
            "<table><thead><tr><th>Day</th><th>Time</th></tr></thead>"
            '<tbody><tr><td colspan="2">Mon</td></tr><tr><td>Tue</td><td></td></tr></tbody></table>',
        ),
        ("<table><tr><td>layout</td></tr><tr><td>only</td></tr></table>", "<p>layout</p>\n<p>only</p>"),
        ("<table><tr><td> </td><td></td></tr></table>", ""),
        # Headings begin at h3 and skip no level
        ("<h1>a</h1><h4>b</h4><h2>c</h2><h3>d</h3>", "<h3>a</h3>\n<h4>b</h4>\n<h4>c</h4>\n<h5>d</h5>"),
        ("<h4>a</h4><h2>b</h2>", "<h3>a</h3>\n<h3>b</h3>"),
        (
            "<h1>a</h1><h2>b</h2><h3>c</h3><h4>d</h4><h5>e</h5>",
            "<h3>a</h3>\n<h4>b</h4>\n<h5>c</h5>\n<h6>d</h6>\n<h6>e</h6>",
        ),
        ("<h2></h2><h2>&nbsp;</h2><p>a</p>", "<p>a</p>"),
        # No content
        ("", ""),
        ("<p>&nbsp;</p>", ""),
        ("<img src=x>", ""),
    ],
)
def test_a_description_becomes_plain_valid_html(source: str, result: str) -> None:
    assert cleaned(source) == result


def test_a_long_heading_becomes_a_paragraph() -> None:
    assert cleaned(f"<h2>{'word ' * 40}</h2>").startswith("<p>word word")


def test_a_first_heading_that_repeats_the_title_is_dropped() -> None:
    result = description("<h2>Chess Club</h2><h3>When</h3><p>Now</p>", LIBCAL, title="Chess club")
    assert result.html == "<h3>When</h3>\n<p>Now</p>"


@pytest.mark.parametrize("value", [None, 5, [], {}, True, 1.5])
def test_a_description_that_is_not_text_is_empty(value: object) -> None:
    assert description(value, LIBCAL).html == description(value, LIBCAL).excerpt == ""


HOSTILE = [
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><p>x</svg>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java\tscript:alert(1)">x</a>',
    '<a href=" &#14; javascript:alert(1)">x</a>',
    '<a href="JaVaScRiPt:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="vbscript:x">x</a>',
    '<a href="https://user:password@evil.example.org/">x</a>',
    '<a href="https:/\\evil.example.org/">x</a>',
    '<a href="\\\\evil.example.org/x">x</a>',
    '<a href="https://127.0.0.1/admin">x</a>',
    '<a href="https://[::1]/admin">x</a>',
    '<a href="http://2130706433/">x</a>',
    '<a href="file:///etc/passwd">x</a>',
    '<a href="#top" name="x" id="x">x</a>',
    "<a href='https://a.org/\"onmouseover=alert(1)'>x</a>",
    "<iframe src=https://evil.example.org>inside</iframe>",
    "<style>body{display:none}</style>",
    "<base href=https://evil.example.org/><form action=/x><input name=q><button>go</button></form>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    "<template><script>alert(1)</script></template>",
    "<textarea></textarea><script>alert(1)</script>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "</p></div></main><h1>out",
    "<p style='background:url(https://evil.example.org)' onclick=alert(1)>x",
    "<table background=javascript:alert(1)><td>x<td>y",
    "\ud83d lone surrogate \x00 NUL \u202e override \u2066 isolate",
    "&#x202e;override&#0;&#xd800;",
    "<b>" * 5000 + "deep" + "</b>" * 5000,
    "<ul><li>" * 2000 + "deep",
    "<blockquote>" * 2000 + "deep",
    "<table><tr><td>a<td>" * 300 + "deep",
    "a" * 300_000,
    "<p>" + "word " * 50_000,
    "a" + "\u0315\u0300\u0316" * 50_000,
    "<a href=https://a.org/" + "a" * 5000 + ">x</a>",
]


@pytest.mark.parametrize("source", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_html_is_made_harmless_quickly(source: str) -> None:
    began = time.perf_counter()
    html = cleaned(source)
    assert time.perf_counter() - began < 2
    assert len(html) < 60_000
    assert not re.search(r"<(?!/?(p|h[3-6]|ul|ol|li|a|b|blockquote|table|tbody|tr|td|br)\b)", html)
    assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", html)
    assert not re.search("[\x00\u202a-\u202e\ud800-\udfff]", html)
    assert len(re.findall("[\u2066-\u2068]", html)) == html.count("\u2069")
    html.encode()


_SOUP = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "p",
                "div",
                "b",
                "i",
                "a",
                "ul",
                "ol",
                "li",
                "h1",
                "h2",
                "h4",
                "table",
                "tr",
                "td",
                "th",
                "thead",
                "dl",
                "dt",
                "dd",
                "pre",
                "blockquote",
                "hr",
                "br",
                "span",
                "code",
                "svg",
                "o:p",
            ]
        ).flatmap(lambda tag: st.sampled_from([f"<{tag}>", f"</{tag}>", f"<{tag} href='/x' colspan=3>"])),
        st.text(max_size=8),
        st.sampled_from(["&nbsp;", "\n", " ", "word", "&lt;", "\u202e", "<!--", "-->"]),
    ),
    max_size=25,
).map("".join)


@settings(max_examples=100, deadline=None)
@given(_SOUP)
def test_any_mix_of_tags_becomes_valid_html_that_does_not_change_when_sanitized_again(source: str) -> None:
    once = cleaned(source)
    assert cleaned(once) == once


# --- Excerpts --------------------------------------------------------------------------------

LONG = "A paragraph that is long enough to say what the event is about."


@pytest.mark.parametrize(
    ("source", "excerpt"),
    [
        (f"<p><span></span></p><p>Short.</p><p>{LONG}</p><p>More</p>", LONG),
        (f"<h2>A heading that is longer than fifty characters, but a heading</h2><p>{LONG}</p>", LONG),
        ("<p>Short.</p><ul><li>One</li><li>Two</li></ul>", "Short. One Two"),
        ("<p>Fish &amp; chips<br>&lt;b&gt;</p>", "Fish & chips <b>"),
        (f"<p>{'x' * 60}</p><p>{LONG}</p>", LONG),
        (f"<ul><li>{LONG}</li></ul>", LONG),
        ("<p>&nbsp;</p>", ""),
    ],
)
def test_the_excerpt_is_the_first_long_paragraph(source: str, excerpt: str) -> None:
    assert description(source, LIBCAL).excerpt == excerpt


def test_a_long_excerpt_ends_at_a_word_with_an_ellipsis() -> None:
    excerpt = description(f"<p>{'some words, ' * 40}</p>", LIBCAL).excerpt
    assert len(excerpt) <= EXCERPT
    assert excerpt.endswith(("some words…", "some…"))


def test_text_without_spaces_is_cut_between_characters() -> None:
    assert shorten("x" * 300, 20) == "x" * 19 + "…"
    assert shorten("x\u0301" * 30, 20) == "x\u0301" * 9 + "…"
    assert shorten("x\u0301" * 30, 21) == "x\u0301" * 10 + "…"
    assert shorten("short", 20) == "short"


# --- Plain text ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  Storytime \r\n for\tall ", "Storytime for all"),
        ("Caf&eacute; &amp; Books &amp;amp; Tea", "Café & Books & Tea"),
        ("Arts &amp;amp; Crafts", "Arts & Crafts"),
        ("AT&amp;amp;amp;T", "AT&T"),
        ("Book Club: <em>The Overstory</em>", "Book Club: The Overstory"),
        ("Book Club: &lt;i class='x'&gt;The Overstory&lt;/i&gt;", "Book Club: The Overstory"),
        ("Tax Help<br />by appointment", "Tax Help by appointment"),
        ("<p>Chess</p><p>Club</p>", "Chess Club"),
        ("<SPAN style='color:red'>Bingo</SPAN> Night", "Bingo Night"),
        ("Yoga <script>alert(1)</script>", "Yoga"),
        ("The <b> tag: HTML for Beginners", "The <b> tag: HTML for Beginners"),
        ("I <3 Books", "I <3 Books"),
        ("Ages <5 and >65", "Ages <5 and >65"),
        ("Intro to <canvas>", "Intro to <canvas>"),
        ("Cafe\u0301", "Café"),
        ("\u202eevil\u202c \u2066x\u2069 a\x00b\x07 \ud800 \ufeffz\u200b", "evil x ab z"),
        ("👩\u200d👧 family 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩\u200d👧 family 🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
        ("a\ufdd0\ufdef\ufffe\uffff\U0001fffe\U0010ffff b", "a b"),
        ("Fjernlæsning\xa0/ Distant\u2028reading", "Fjernlæsning / Distant reading"),
        ("<b>bold</b>", "bold"),
        (1984, "1984"),
        (True, ""),
        (None, ""),
        ([], ""),
        ({}, ""),
        (1.5, ""),
        (10**400, ""),
    ],
)
def test_a_text_field_becomes_one_clean_line(value: object, text: str) -> None:
    assert plain(value, 300) == text


def test_a_text_field_is_cut_to_its_maximum_length() -> None:
    assert len(plain("word " * 5000, 300)) <= 300


def test_stacked_combining_marks_are_limited() -> None:
    assert len(plain("Z" + "\u0300\u0316" * 5000, 300)) < 12


# --- Links -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "result"),
    [
        ("https://a.org/x?y=1&z=2#w", "https://a.org/x?y=1&z=2#w"),
        ("http://a.org", "https://a.org"),
        ("http://a.org:80/x", "https://a.org/x"),
        ("https://a.org:8443/x", "https://a.org:8443/x"),
        ("//a.org/x", "https://a.org/x"),
        ("/event/5", "https://library.libcal.com/event/5"),
        ("calendar?c=1", "https://library.libcal.com/calendar?c=1"),
        ("www.a.org/x", "https://www.a.org/x"),
        ("http://https://a.org/x", "https://a.org/x"),
        ("https://a.org/x\xa0", "https://a.org/x"),
        ('https://a.org/a b\u200b"<é>%20', "https://a.org/a%20b%22%3C%C3%A9%3E%20"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("HTTPS://A.ORG/X", "https://a.org/X"),
        ("https://8.8.8.8/x", "https://8.8.8.8/x"),
        ("mailto:desk@a.org", "mailto:desk@a.org"),
        ("mailto:desk@a.org?subject=Open%20house", "mailto:desk@a.org?subject=Open%20house"),
        ("desk@a.org", "mailto:desk@a.org"),
        ("tel:+1 (603) 448-2459", "tel:+1(603)448-2459"),
        ("#top", ""),
        ("", ""),
        ("javascript:alert(1)", ""),
        ("ftp://a.org/x", ""),
        ("mailto:", ""),
        ("tel:call-me", ""),
        ("https://", ""),
        ("https://user@a.org/", ""),
        ("https://a.org\\@evil.example.org/", ""),
        ("https://a.org:99999/", ""),
        ("https://a.org:x/", ""),
        ("https://[::1/", ""),
        ("https://localhost/x", ""),
        ("https://intranet/x", ""),
        ("https://printer.local/", ""),
        ("https://10.0.0.1/", ""),
        ("https://0x7f.1/", ""),
        ("https://2130706433/", ""),
        ("https://[fe80::1]/", ""),
        ("https://[::ffff:127.0.0.1]/", ""),
        ("https://a..org/", ""),
        ("https://a.org/" + "x" * 2000, ""),
        ("https://a.org/\x01", ""),
    ],
)
def test_a_link_is_absolute_https_and_public_or_empty(address: str, result: str) -> None:
    assert link(address, LIBCAL) == result


@pytest.mark.parametrize("value", [None, 5, [], {}, b"https://a.org"])
def test_an_address_that_is_not_text_is_empty(value: object) -> None:
    assert web_address(value, LIBCAL) == link(value, LIBCAL) == ""


def test_only_a_stand_in_may_be_linked_over_http() -> None:
    stand_in = Origin.of("http://127.0.0.1:5001/1.1")
    assert web_address("http://127.0.0.1:5001/event/7", stand_in) == "http://127.0.0.1:5001/event/7"
    assert web_address("/event/7", stand_in) == "http://127.0.0.1:5001/event/7"
    assert web_address("http://127.0.0.1:5002/event/7", stand_in) == ""
    assert web_address("http://user@127.0.0.1:5001/event/7", stand_in) == ""
    assert web_address("http://127.0.0.1:5001/", LIBCAL) == ""
    assert web_address("http://library.libcal.com/", LIBCAL) == "https://library.libcal.com/"


@pytest.mark.parametrize(
    "host", ["", ".", "localhost", "a.localhost", "x" * 64 + ".org", "a b.org", "127.1", "intranet", "com"]
)
def test_a_host_name_that_cannot_be_public_is_recognized(host: str) -> None:
    assert not is_public_host(host)


@given(st.text())
def test_any_text_is_accepted_as_an_address_without_error(text: str) -> None:
    for address in (text, f"https://{text}", f"https://a.org/{text}", f"//{text}"):
        result = web_address(address, LIBCAL)
        assert result == "" or re.fullmatch(r"https://[a-z0-9_-][!#-;=?-~]*", result)


# --- Private details -------------------------------------------------------------------------

MEETING = {
    "id": 1,
    "online_join_url": "https://us02web.zoom.us/j/93531415926?pwd=c2VjcmV0",
    "online_host_url": "https://us02web.zoom.us/s/93531415926?zak=hostkey99",
    "online_join_password": "Pass&Word1",
    "online_meeting_id": "93531415926",
    "url": {
        "public": "https://library.libcal.com/event/1",
        "admin": "https://library.libcal.com/aevent.php?c=1&m=edit",
    },
}
PRIVATE = PrivateDetails(private_links([MEETING]), meeting_secrets(MEETING))


@pytest.mark.parametrize(
    "source",
    [
        "<p>Join: https://us02web.zoom.us/j/93531415926?pwd=c2VjcmV0 now</p>",
        '<p><a href="https://us02web.zoom.us/j/93531415926?pwd=c2VjcmV0">Join</a></p>',
        '<p><a href="http://us02web.zoom.us/j/93531415926">Join</a> us02web.zoom.us/j/93531415926</p>',
        '<p><a href="https://US02WEB.zoom.us/j/%39%33531415926">Join</a></p>',
        "<p>Host: https://us02web.zoom.us/s/93531415926?zak=hostkey99</p>",
        "<p>Meeting 935 3141 5926, 935-3141-5926, password Pass&amp;Word1.</p>",
        "<p>Pass<b>&amp;Word1</b> is the password</p>",
        "<p>us02web.zoom.us<b>/j/93531</b>415926</p>",
        '<p>Edit <a href="/aevent.php?c=1&amp;m=edit">here</a>: https://library.libcal.com/aevent.php?c=1&amp;m=edit</p>',
        '<p>Elsewhere <a href="https://a.org/?code=Pass%26Word1">Join</a></p>',
    ],
)
def test_meeting_links_and_passwords_are_removed_from_descriptions(source: str) -> None:
    result = description(f"<p>Welcome.</p>{source}", LIBCAL, PRIVATE)
    assert_ours(result.html)
    for text in (result.html, result.excerpt):
        squeezed = re.sub(r"<[^>]*>|[\s-]", "", text).replace("&amp;", "&")
        assert not re.search("93531415926|c2VjcmV0|hostkey99|Pass&Word1|aevent", squeezed, re.IGNORECASE)


def test_public_links_and_words_are_kept() -> None:
    source = (
        '<p><a href="https://library.libcal.com/event/1">Register</a>, test at '
        '<a href="https://us02web.zoom.us/test">Zoom</a>. Meet at 9:30.</p>'
    )
    assert description(source, LIBCAL, PRIVATE).html == description(source, LIBCAL).html
    assert PRIVATE.scrub("Pass the word: and/or 93.5") == "Pass the word: and/or 93.5"


def test_a_key_in_a_query_is_recognized_in_other_links() -> None:
    links = private_links([{"online_join_url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=1"}])
    private = PrivateDetails(links)
    assert private.scrub("See https://youtu.be/dQw4w9WgXcQ or youtube.com/watch?v=other") == (
        "See  or youtube.com/watch?v=other"
    )


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        {"online_join_url": 5, "online_host_url": None, "url": "x", "calendar": []},
        {"online_join_url": "TBA", "online_join_password": "short", "online_meeting_id": 0},
        {"online_join_url": "https://zoom.us", "online_host_url": "https://[", "url": {"admin": ""}},
        {"online_join_url": "ask at the desk / by mail", "online_join_password": ["x"]},
    ],
)
def test_invalid_private_fields_remove_no_text(event: object) -> None:
    private = PrivateDetails(
        private_links([event]), meeting_secrets(event) if isinstance(event, dict) else ()
    )
    text = "TBA: https://zoom.us/test at 0:30, short and / by mail"
    assert private.scrub(text) == text


@pytest.mark.parametrize(("key", "kept"), [("abc123", ""), ("abc12", "https://youtu.be/abc12")])
def test_a_query_value_of_six_characters_counts_as_a_private_key(key: str, kept: str) -> None:
    private = PrivateDetails(private_links([{"online_join_url": f"https://www.youtube.com/watch?v={key}"}]))
    assert private.scrub(f"https://youtu.be/{key}") == kept


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ('<p><img alt="Carnival, 10 to 3" src="https://a.org/1.png"></p>', "<p>Carnival, 10 to 3</p>"),
        ('<img src="https://a.org/1.png" alt="flyer.png"><img alt="image"><p>Text</p>', "<p>Text</p>"),
        (
            '<p>Sign up:</p><iframe src="https://forms.example.org/1" title="Sign-up form">Loading</iframe>',
            '<p>Sign up:</p>\n<p><a href="https://forms.example.org/1" rel="noopener noreferrer">Sign-up form</a></p>',
        ),
        (
            '<iframe src="//www.example.org/v"></iframe>',
            '<p><a href="https://www.example.org/v" rel="noopener noreferrer">example.org</a></p>',
        ),
        (
            '<form action="https://forms.example.org/2"><input name="x"></form>',
            '<p><a href="https://forms.example.org/2" rel="noopener noreferrer">forms.example.org</a></p>',
        ),
        (
            '<iframe src="http://a.org"></iframe><iframe src="javascript:x"></iframe><p>Text</p>',
            "<p>Text</p>",
        ),
        ('<p dir="rtl">أهلاً</p>', '<p><span dir="rtl">أهلاً</span></p>'),
        (
            '<p><span dir="ltr" lang="es">Hola</span> Hi</p>',
            '<p><span lang="es" dir="ltr">Hola</span> Hi</p>',
        ),
        ('<h2 lang="es-MX">Hola</h2>', '<h3><span lang="es-MX">Hola</span></h3>'),
        ('<ul lang="fr"><li>Un</li></ul>', '<ul><li><span lang="fr">Un</span></li></ul>'),
        ('<span lang="<script>" dir="up">Hi</span>', "<p>Hi</p>"),
    ],
)
def test_images_frames_and_languages_leave_their_words(source: str, result: str) -> None:
    assert cleaned(source) == result


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("Songs by \u2068שלום\u2069 (3)", "Songs by \u2068שלום\u2069 (3)"),
        ("\u2067open", "\u2067open\u2069"),
        ("closed\u2069 twice\u2069", "closed twice"),
        ("\u202eturned\u202c \u2068x\u2069", "turned \u2068x\u2069"),
    ],
)
def test_isolates_are_kept_and_closed(source: str, kept: str) -> None:
    assert plain(source, 300) == kept
    assert description(f"<p>{source}</p>", LIBCAL).html == f"<p>{kept}</p>"


def test_an_isolate_never_hides_a_private_detail() -> None:
    event = {"online_join_password": "secret-word", "online_join_url": "https://meet.example/j/1"}
    private = PrivateDetails.of(event, private_links([event]))
    assert "secret" not in plain("Password: sec\u2068ret-\u2069word", 300, private)
    for source in ("Password: sec\u2068ret-\u2069word", "https://meet.exa\u2066mple/j/1\u2069"):
        made = description(f"<p>See you. {source}</p>", LIBCAL, private)
        assert "word" not in made.html.replace("Password", "")
        assert "/j/1" not in made.html


def test_the_language_of_a_formatting_tag_survives() -> None:
    html = description(
        '<p>We read <em lang="fr">Le Petit Prince</em> and <a lang="es" href="/x">más</a>.</p>', LIBCAL
    ).html
    assert '<em><span lang="fr">Le Petit Prince</span></em>' in html
    assert '<span lang="es">más</span></a>' in html


PARAGRAPHS = [
    ("es", "Acompáñenos para leer cuentos, cantar y jugar en español con sus hijos pequeños."),
    ("es", "La biblioteca estará cerrada el lunes por el día de los veteranos."),
    ("es", "Aprenda a usar la computadora y el correo electrónico con nuestro personal."),
    ("en", "Join us for stories, songs and play with your children in the library."),
    ("da", "Kom og hør om den nye bog, og mød andre læsere på biblioteket."),
    ("da", "Arrangementet er for børn fra 3 år og deres forældre, og det er gratis."),
    ("fr", "Venez écouter des histoires pour les enfants avec nous dans la bibliothèque."),
    ("de", "Wir lesen Geschichten für Kinder und singen zusammen mit den Eltern in der Bücherei."),
    ("pt", "Venha ouvir histórias para crianças com a sua família na biblioteca."),
    ("ht", "Vini koute istwa nan bibliyotèk la ak pitit ou yo, se pou tout moun."),
    ("vi", "Giờ kể chuyện bằng tiếng Việt cho trẻ em và gia đình."),
    ("ko", "어린이를 위한 한국어 이야기 시간에 가족과 함께 오세요 환영합니다"),
]
UNCLEAR = [
    "Cuentos: historias, canciones, juegos.",
    "El Camino Real, San José, La Jolla, Los Angeles, Santa Fe, Las Vegas.",
    "Chess, checkers, go, dominoes, cards, Scrabble.",
    "José Martí, Gabriela Mistral, Pablo Neruda, Octavio Paz: readings and discussion.",
    "10am 11am 12pm 1pm 2pm 3pm",
    "وقت القصة للأطفال من ثلاث إلى خمس سنوات في المكتبة",
    "",
]


@pytest.mark.parametrize(("language", "text"), PARAGRAPHS)
def test_a_paragraph_in_another_language_says_which(language: str, text: str) -> None:
    for usual in ("en", "es", "da"):
        attribute = "" if language == usual else f' lang="{language}"'
        assert description(f"<p>{text}</p>", LIBCAL, language=usual).html == f"<p{attribute}>{text}</p>"


@pytest.mark.parametrize("text", UNCLEAR)
def test_a_paragraph_of_names_or_few_words_has_no_language(text: str) -> None:
    assert " lang=" not in description(f"<p>{text}</p>", LIBCAL, language="en").html


def test_a_language_that_staff_chose_is_kept() -> None:
    source = f'<p lang="pt">{PARAGRAPHS[0][1]}</p>'
    assert re.findall('lang="[a-z]*"', description(source, LIBCAL, language="en").html) == ['lang="pt"']
    assert " lang=" not in description(f"<p>{PARAGRAPHS[0][1]}</p>", LIBCAL).html
