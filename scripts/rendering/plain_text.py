"""Text for formats without HTML: no tags, and no characters that XML or iCalendar forbid."""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape
from urllib.parse import quote, unquote

# XML 1.0, section 2.2. This also removes lone surrogates, which UTF-8 cannot encode.
_FORBIDDEN = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Sanitized HTML has "<" only in tags and quoted values, few attributes, and closed quotes.
# The limit prevents quadratic time on other input.
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)([^<>\"]*(?:\"[^\"]*\"[^<>\"]*){0,20})>", re.IGNORECASE)
_HREF = re.compile(r"\shref=\"([^\"]*)\"")
_PARAGRAPH = re.compile(
    r"article|blockquote|d[dlt]|div|fig(?:caption|ure)|h[1-6]|hr|ol|p|pre|section|table|tr|ul", re.IGNORECASE
)
_SPOKEN = ("mailto:", "tel:", "sms:")
_KEPT_IN_ADDRESSES = "!#$%&'()*+,/:;=?@[]~"


def clean(text: str) -> str:
    """Return `text` with `\\n` line ends, without control characters and lone surrogates."""
    return _FORBIDDEN.sub("", "\n".join(text.splitlines()))


# The names of branches, places and audiences repeat with every event.
@lru_cache(maxsize=4096)
def one_line(text: str) -> str:
    """Return `text`, cleaned, on one line."""
    return " ".join(clean(text).split())


def web_address(text: str) -> str:
    """Return an http(s) address in ASCII (RFC 3986); empty for any other scheme."""
    if not text.startswith(("https://", "http://")):
        return ""
    return quote(text, safe=_KEPT_IN_ADDRESSES, errors="replace")


# A series repeats its description on every date.
@lru_cache(maxsize=2048)
def from_html(html: str) -> str:
    """Return sanitized HTML as plain text: empty lines, dashes for list items, addresses in parentheses."""
    texts = _TAG.split(" ".join(html.split()))
    parts = [unescape(texts[0])]
    href, link_text = "", 0
    for slash, name, attributes, text in zip(*(iter(texts[1:]),) * 4, strict=True):
        tag = name.lower()
        if _PARAGRAPH.fullmatch(tag):
            parts.append("\n\n")
        elif tag in ("td", "th"):
            parts.append(" ")
        elif tag == "br" or (tag == "li" and not slash):
            parts.append("\n" if tag == "br" else "\n- ")
        elif tag == "a" and not slash:
            found = _HREF.search(attributes)
            href, link_text = unescape(found[1]) if found else "", len(parts)
        elif tag == "a" and not _says(href, "".join(parts[link_text:])):
            # A telephone or mail address is text itself.
            parts.append(f" ({_bare(href) if href.startswith(_SPOKEN) else href})")
        parts.append(unescape(text))
    lines: list[str] = []
    for line in "".join(parts).splitlines():
        words = " ".join(line.split())
        if lines and lines[-1] == "-":
            lines[-1] = f"- {words}" if words else "-"
        elif words or (lines and lines[-1]):
            lines.append(words)
    return _FORBIDDEN.sub("", "\n".join(lines)).strip()


def _says(href: str, text: str) -> bool:
    """Return whether a link's text contains its address; a telephone number may be written in any way."""
    if href.startswith("tel:"):
        number, shown = (re.sub(r"\D", "", value) for value in (href.partition(";")[0], text))
        # "(201) 555-0100" is +12015550100, and "020 7123 4567" is +442071234567.
        return number[-7:] in shown
    return unquote(_bare(href)).casefold() in text.casefold()


def _bare(href: str) -> str:
    """Return the main part of an address. A link text that contains it needs no address after it."""
    return re.sub(r"^(?:https?:/*|mailto:|tel:|sms:)|(?:/|\?.*)\Z", "", href)
