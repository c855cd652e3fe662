"""Rewrite a description's HTML as simple tags, to keep the time and memory of later steps linear.

An HTML parser repeats unclosed formatting in every block that follows: a few kilobytes of `<b a0><b a1>` and
`<p>` become gigabytes. It keeps at most three formatting elements with equal attributes, so tags without
attributes cannot do that. This module only limits; nh3 and richtext.py make the HTML safe.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape

from fetching.links import MAX_LENGTH
from fetching.richtext import INLINE, SUPPORTED

# The largest product of formatting tags and blocks in 563 real descriptions is 2,115.
MAX_TAGS = 3_000
MAX_PAIRS = 40_000
# The same product, with the lengths of the formatting tags: a link is repeated with its address.
MAX_REPEATED = 3_000_000

# fmt: off
# Elements that are dropped with their content, as the parser builds them, and those with unparsed content.
CONTAINERS = frozenset((
    "object", "embed", "applet", "svg", "math", "template", "frameset", "head", "select", "button", "audio",
    "video", "canvas", "map", "xml", "dialog",
))
_UNPARSED = frozenset((
    "script", "style", "iframe", "noscript", "noembed", "noframes", "title", "textarea",
))
# fmt: on
_KNOWN = SUPPORTED | CONTAINERS
DROPPED = CONTAINERS | _UNPARSED

# The tokens of the HTML standard, 13.2.5. The quantifiers do not backtrack, so the time is linear.
_NAME = re.compile(r"</?([a-zA-Z][^\s/>]*+)")
_REST = re.compile(r"""(?:[^>"'=]++|=\s*+"[^"]*+"|=\s*+'[^']*+'|[="'])*+>""")
_ATTRIBUTE = re.compile(r"""([^\s/>="']++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]*+))""")
_CELL = ("colspan", "rowspan", "lang", "dir")
_KEPT = {"a": ("href",), "td": _CELL, "th": _CELL}
# A formatting tag has its language in a span.
_KEPT |= dict.fromkeys(SUPPORTED - INLINE.keys() - _KEPT.keys() | {"span"}, ("lang", "dir"))
# An alternative text that says nothing: a file name, or "image".
_NO_TEXT = re.compile(
    r"\S+\.(?:jpe?g|png|gif|webp|avif)|(?:image|img|photo|picture|logo|flyer|poster)?[\s_\d()-]*",
    re.IGNORECASE,
)


class TooComplex(Exception):
    """The HTML would take more time or memory than any real description."""


class Exhausted(Exception):
    """All descriptions of a calendar together are longer than those of any real library."""


@dataclass(slots=True)
class Budget:
    """The work that the descriptions of a calendar may still take, in characters; a tag is as much as ten."""

    remaining: int

    def spend(self, characters: int, tags: int = 0) -> None:
        """Subtract the work. Raises Exhausted, and then always."""
        self.remaining -= characters + 10 * tags
        if self.remaining < 0:
            raise Exhausted


def simplify(source: str) -> str:
    """Return `source` with supported tags only, without comments and other attributes than links need.

    Linear in the length of `source`. Raises TooComplex.
    """
    written: list[str] = []
    tags = formats = blocks = length = 0
    for text, tag, attributes in _tokens(source):
        if text:
            written.append(text.replace("<", "&lt;"))
        name = tag.lstrip("/")
        if tag in ("img", "iframe", "form"):
            written.append(_replacement(tag, attributes))
            tags += 1
        if name not in _KNOWN:
            continue
        start = f"<{tag}{_attributes(tag, attributes)}>"
        if tag in INLINE and tag != "span" and (language := _attributes("span", attributes)):
            # The parser repeats a formatting tag in each block, but not a span in it.
            start += f"<span{language}>"
            tags += 1
        written.append(start)
        tags += 1
        if tag in INLINE:
            formats += 1
            length += len(start)
        elif tag == name:
            blocks += 1
        if tags > MAX_TAGS or formats * blocks > MAX_PAIRS or length * blocks > MAX_REPEATED:
            raise TooComplex
    return "".join(written)


def first_image(source: str) -> str:
    """Return the address of the first image in `source` larger than an icon; empty if there is none."""
    for _, tag, attributes in _tokens(source):
        if tag == "img":
            values = _values(attributes)
            sides = [int(size) for name in ("width", "height") if (size := values.get(name, "")).isdecimal()]
            if values.get("src", "").startswith(("https:", "http:", "//")) and min(sides, default=200) > 100:
                return values["src"]
    return ""


def _replacement(tag: str, attributes: str) -> str:
    """Return the alternative text of an image, or a link for a frame or form over https."""
    values = _values(attributes)
    if tag == "img":
        text = " ".join(values.get("alt", "").split())
        return "" if _NO_TEXT.fullmatch(text) else f" {escape(text)} "
    address = values.get("src" if tag == "iframe" else "action", "")
    address = f"https:{address}" if address.startswith("//") else address
    if not address.startswith("https://"):
        return ""
    host = address.removeprefix("https://").partition("/")[0].removeprefix("www.")
    text = " ".join(values.get("title", "").split()) or host
    return f'<p><a href="{escape(address)}">{escape(text)}</a></p>'


def plain_text(source: str, limit: int) -> str:
    """Return the text of `source` without tags, at most `limit` characters. References (&amp;) are kept."""
    pieces: list[str] = []
    length = 0
    for text, tag, _ in _tokens(source):
        pieces.append(text)
        if tag.lstrip("/") not in INLINE:
            pieces.append(" ")
        length += len(text) + 1
        if length > limit:
            break
    return "".join(pieces)[:limit]


def _tokens(source: str) -> Iterator[tuple[str, str, str]]:
    """Yield (text, tag after it in lower case, attributes of the tag); an end tag begins with a slash."""
    position = 0
    while (found := source.find("<", position)) >= 0:
        text, rest = source[position:found], source[found + 1 : found + 3]
        name = _NAME.match(source, found)
        if name is None and not rest.startswith(("!", "?", "/")):
            yield f"{text}<", "", ""
            position = found + 1
            continue
        # Like a browser, drop everything after a tag or comment that does not end.
        if name is None:
            comment = source.startswith("<!--", found)
            end = source.find("-->" if comment else ">", found + 2)
            yield text, "", ""
            if end < 0:
                return
            position = end + (3 if comment else 1)
            continue
        tag = name[1].lower()
        rest_of_tag = _REST.match(source, name.end())
        if rest_of_tag is None:
            yield text, "", ""
            return
        closes = rest.startswith("/")
        position = rest_of_tag.end()
        if tag in _UNPARSED and not closes:
            yield text, tag if tag == "iframe" else "", rest_of_tag[0][:-1]
            ends = re.compile(rf"</{tag}(?=[\s/>])", re.IGNORECASE).search(source, position)
            if ends is None:
                return
            position = ends.start()
            continue
        yield text, f"/{tag}" if closes else tag, rest_of_tag[0][:-1]
    yield source[position:], "", ""


def _attributes(tag: str, text: str) -> str:
    """Return the attributes of `tag` that the writer reads, the first of each name."""
    names = _KEPT.get(tag, ())
    kept = {name: value for name, value in _values(text).items() if name in names} if names and text else {}
    return "".join(f' {name}="{escape(value)}"' for name, value in kept.items())


def _values(text: str) -> dict[str, str]:
    """Return the attributes of a tag, the first of each name."""
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(text):
        value = unescape(double or single or bare)
        if len(value) <= MAX_LENGTH:
            found.setdefault(name.lower(), value)
    return found
