"""Staff's texts made fit to publish: plain text, and HTML of a few tags that is always valid.

Descriptions come from an editor, from Word and from other sites. nh3 reads them as a browser would and
drops what could act; richtext.py builds what is left anew.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html import unescape

import nh3

from fetching.links import Origin, link
from fetching.privacy import PrivateDetails
from fetching.richtext import UNDERSTOOD, Tree, Writer

MAX_SOURCE = 200_000
EXCERPT = 200
PARAGRAPH = 50

# fmt: off
# Dropped with all that is in them.
_DROPPED = frozenset((
    "script", "style", "iframe", "object", "embed", "applet", "svg", "math", "template", "noscript", "noembed",
    "noframes", "frameset", "title", "head", "textarea", "select", "button", "audio", "video", "canvas", "map",
    "xml", "dialog",
))
# fmt: on

# Control characters but white space, lone surrogates, overrides and isolates of the writing direction,
# what cannot be seen (but for the joiners, which emoji and some scripts need), and what is no character.
_UNWANTED = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_SPACE = re.compile(r"\s+")
_MARKS = 8


def clean(text: str) -> str:
    """Return `text` in NFC, without what cannot be seen or must not be; white space is as it was."""
    text = _UNWANTED.sub("", text)
    return text if text.isascii() else unicodedata.normalize("NFC", _without_piles(text))


def _without_piles(text: str) -> str:
    """Leave out what exceeds 8 combining marks in a row: they hide other lines, and NFC takes for ever."""
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _MARKS:
            kept.append(character)
    return "".join(kept)


def plain(value: object, limit: int, private: PrivateDetails | None = None) -> str:
    """Return a text field as one line of plain text, at most `limit` characters; nothing if it is none.

    Entities are resolved once: LibCal's editor escapes titles now and then.
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
        value = str(value)
    if not isinstance(value, str):
        return ""
    text = clean(unescape(value[: limit * 20]))
    if private:
        text = private.scrub(text)
    return shorten(_SPACE.sub(" ", text).strip(), limit)


def shorten(text: str, limit: int) -> str:
    """Return `text` with at most `limit` characters, cut between words where there are any."""
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
    """A description as it may be published: `html` for its page, `excerpt` (plain text) for lists."""

    html: str = ""
    excerpt: str = ""


def description(
    source: object, origin: Origin, private: PrivateDetails | None = None, *, title: str = ""
) -> Description:
    """Return what staff wrote as safe, valid HTML whose headings begin at h3, and an excerpt.

    Pure; no text makes it raise. Links are resolved against `origin`, and only https, mailto and tel
    stay. A first heading that only repeats `title` is left out. The excerpt is the first paragraph of 50 characters or more, else all the text.
    """
    if not isinstance(source, str) or not source.strip():
        return Description()
    hidden = private or PrivateDetails()

    def safe_text(text: str) -> str:
        return hidden.scrub(clean(text))

    def safe_link(address: str) -> str:
        return "" if hidden.found_in_address(address) else link(address, origin)

    text = _UNWANTED.sub("", source[:MAX_SOURCE])
    cleaned = nh3.clean(
        text,
        tags=set(UNDERSTOOD),
        clean_content_tags=set(_DROPPED),
        attributes={"*": set(), "a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
        url_schemes={"http", "https", "mailto", "tel"},
        generic_attribute_prefixes=set(),
        link_rel=None,
    )
    writer = Writer(safe_link, title)
    blocks = writer.write(Tree(cleaned, safe_text))
    everything = " ".join(block.text for block in blocks if block.text)
    if hidden.found_in_text(everything):
        return Description()
    first = next((line for line in writer.paragraphs if len(line) >= PARAGRAPH and " " in line), everything)
    return Description("\n".join(block.html for block in blocks), shorten(first, EXCERPT))
