"""Sanitize texts that staff write: to plain text, or to valid HTML with a few tags.

Descriptions are pasted from Word and from other sites. markup.py limits their tags, nh3 parses them as a
browser does and drops active content; richtext.py then writes new HTML from the result.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html import escape, unescape

import nh3

from fetching import markup
from fetching.languages import language_of
from fetching.links import Origin, link
from fetching.markup import Budget, Exhausted, TooComplex
from fetching.privacy import PrivateDetails
from fetching.richtext import MAX_TEXT, SUPPORTED, Block, Tree, Writer

MAX_SOURCE = 200_000
MAX_HTML = 100_000
# What nh3 may add to a source: the formatting that it repeats in each block.
MAX_ADDED = 50_000
EXCERPT = 200
PARAGRAPH = 50

# Control characters except white space, lone surrogates, overrides of the writing direction, invisible
# characters (except the joiners, which emoji and some scripts need) and noncharacters.
_UNWANTED = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u202a-\u202e\u2060-\u2064\u206a-\u206f\ufeff"
    r"\ufff9-\ufffb\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + "]"
)
# Isolates of the writing direction, such as those around a Hebrew name in an English sentence.
_ISOLATE = re.compile("[\u2066-\u2069]")
_TITLE_TAG = re.compile(
    r"<(/?)(a|b|big|br|code|div|em|font|i|img|mark|p|s|small|span|strong|sub|sup|u)(?:\s[^<>]{0,500})?/?>",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"<(script|style)\b[^<>]{0,500}>[^<]{0,2000}</\1>", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
# Characters of the texts before that may explain a passcode.
_BEFORE = 60
_MAX_MARKS = 8


def clean(text: str) -> str:
    """Return `text` in NFC, without unwanted characters and isolates. White space is kept."""
    text = _ISOLATE.sub("", _UNWANTED.sub("", text))
    return text if text.isascii() else unicodedata.normalize("NFC", _limit_marks(text))


def _with_isolates(text: str, source: str) -> str:
    """Return `source` with its isolates if it differs from `text`, its clean form, in them only.

    They never hide a private detail: a text without one that was removed is `text`. Each isolate is closed.
    """
    if not _ISOLATE.search(source) or clean(source) != text:
        return text
    opened, kept = 0, []
    for letter in unicodedata.normalize("NFC", _limit_marks(_UNWANTED.sub("", source))):
        if letter == "\u2069" and not opened:
            continue
        if _ISOLATE.match(letter):
            opened += -1 if letter == "\u2069" else 1
        kept.append(letter)
    return "".join(kept) + "\u2069" * opened


def _limit_marks(text: str) -> str:
    """Keep at most 8 combining marks in a row: more would cover other lines and make NFC very slow."""
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def plain(value: object, limit: int, private: PrivateDetails | None = None) -> str:
    """Return a text field as one line of plain text of at most `limit` characters; empty if it is not text.

    LibCal's editor sometimes escapes titles, even twice, and staff paste markup into them: entities are
    decoded, and tags are removed if they are closed ("The <b> tag" keeps its words).
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
        value = str(value)
    if not isinstance(value, str):
        return ""
    source = _SPACE.sub(" ", _without_tags(_unescaped(value[: limit * 20]))).strip()
    text = clean(source)
    if private:
        text = private.scrub(text)
    text = _SPACE.sub(" ", text).strip()
    return _with_isolates(text, source) if len(text) <= limit else shorten(text, limit)


def _unescaped(text: str) -> str:
    for _ in range(3):
        before, text = text, unescape(text)
        if text == before:
            break
    return text


def _without_tags(text: str) -> str:
    """Remove formatting tags that have both a start and an end, and line breaks."""
    if "<" not in text:
        return text
    text = _HIDDEN.sub(" ", text)
    found = {(slash, name.lower()) for slash, name in _TITLE_TAG.findall(text)}

    def replaced(match: re.Match[str]) -> str:
        name = match[2].lower()
        if name in ("br", "p", "div", "img"):
            return " "
        return "" if {("", name), ("/", name)} <= found else match[0]

    return _TITLE_TAG.sub(replaced, text)


def shorten(text: str, limit: int) -> str:
    """Return `text` cut to at most `limit` characters, between words if possible."""
    if len(text) <= limit:
        return text
    end = limit - 1
    space = text.rfind(" ", limit // 2, limit)
    if space > 0:
        end = space
    while end > 0 and (unicodedata.combining(text[end]) or text[end] in "\u200d\ufe0f"):
        end -= 1
    return text[:end].rstrip(" ,;:.–—-(/\u200d") + "…"


@dataclass(frozen=True, slots=True)
class Description:
    """A sanitized description: `html` for the event page, `excerpt` (plain text) for lists.

    `problem` says why it has no formatting: it was too complex, or all descriptions together are too long.
    """

    html: str = ""
    excerpt: str = ""
    problem: str = ""


def description(
    source: object,
    origin: Origin,
    private: PrivateDetails | None = None,
    *,
    title: str = "",
    budget: Budget | None = None,
    language: str = "",
) -> Description:
    """Return `source` as safe, valid HTML with headings from h3 on, and an excerpt. Never raises.

    Links are resolved against `origin`; only https, mailto and tel links are kept. A first heading that
    repeats `title` is dropped. The excerpt is the first paragraph of at least 50 characters, or all text.
    A paragraph in another language than `language` gets its `lang`.
    HTML that is too complex becomes plain text; when `budget` is exhausted, only the excerpt remains.
    """
    if not isinstance(source, str) or not source.strip():
        return Description()
    hidden = private or PrivateDetails()
    budget = budget or Budget(10 * MAX_SOURCE)
    text = _UNWANTED.sub("", source[:MAX_SOURCE])
    try:
        budget.spend(0)
        try:
            return _formatted(text, origin, hidden, title, budget, language)
        except TooComplex:
            budget.spend(MAX_TEXT, markup.MAX_TAGS)
            return _unformatted(text, hidden, MAX_TEXT, "too complex")
    except Exhausted:
        return _unformatted(text, hidden, EXCERPT, "too long together")


def _formatted(
    text: str, origin: Origin, hidden: PrivateDetails, title: str, budget: Budget, language: str
) -> Description:
    """Return `text` with its formatting. Raises TooComplex or Exhausted."""

    before = ""

    def safe_text(text: str) -> str:
        # "Passcode: <b>1234</b>": the texts before say what this one is.
        nonlocal before
        joined = hidden.scrub(f"{before} {clean(text)}")
        known = f"{before} "
        made = joined[len(known) :] if joined.startswith(known) else hidden.scrub(clean(text))
        before = (known + made)[-_BEFORE:]
        return _with_isolates(made, text)

    def safe_link(address: str) -> str:
        address = clean(address)
        return "" if hidden.found_in_address(address) else link(address, origin)

    simple = markup.simplify(text)
    budget.spend(len(simple), simple.count("<"))
    cleaned = nh3.clean(
        simple,
        tags=set(SUPPORTED),
        clean_content_tags=set(markup.DROPPED),
        attributes={
            "*": {"lang", "dir"},
            "a": {"href"},
            "td": {"colspan", "rowspan"},
            "th": {"colspan", "rowspan"},
        },
        url_schemes={"http", "https", "mailto", "tel"},
        generic_attribute_prefixes=set(),
        link_rel=None,
    )
    budget.spend(max(0, len(cleaned) - len(simple)))
    if len(cleaned) > 2 * len(simple) + MAX_ADDED:
        raise TooComplex
    writer = Writer(safe_link, title)
    blocks = writer.write(Tree(cleaned, safe_text))
    html = "\n".join(_with_language(block, language) for block in blocks)
    if len(html) > MAX_HTML:
        raise TooComplex
    everything = " ".join(block.text for block in blocks if block.text)
    if hidden.found_in_text(_ISOLATE.sub("", everything)):
        return Description()
    first = next((line for line in writer.paragraphs if len(line) >= PARAGRAPH and " " in line), everything)
    return Description(html, shorten(first, EXCERPT))


def _with_language(block: Block, usual: str) -> str:
    """Return the HTML of a block; a paragraph in another language than the usual one says which."""
    if not usual or not block.html.startswith("<p>") or " lang=" in block.html:
        return block.html
    language = language_of(block.text, usual)
    return f'<p lang="{language}">{block.html.removeprefix("<p>")}' if language else block.html


def _unformatted(text: str, hidden: PrivateDetails, limit: int, problem: str) -> Description:
    """Return the text of a description as one paragraph of at most `limit` characters."""
    line = plain(markup.plain_text(text, limit * 2), limit, hidden)
    if not line or hidden.found_in_text(line):
        return Description(problem=problem)
    return Description(f"<p>{escape(line, quote=False)}</p>", shorten(line, EXCERPT), problem)
