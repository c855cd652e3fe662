"""What LibCal says but the public must not read, and how it is taken out of the texts staff write.

Private fields never reach an Event, since none is read into it. But staff paste a meeting's link and
password, or a link into LibCal's own back office, into descriptions and titles, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

_TOKEN = re.compile(r"\S+")
_ADDRESS_LIKE = re.compile(r"/|\w\.\w")


@dataclass(frozen=True, slots=True)
class Private:
    """`marks` betray an address that holds one (in small letters); `words` are taken out anywhere."""

    marks: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def scrub(self, text: str) -> str:
        """Return `text` without private addresses and words."""
        if not self.marks and not self.words:
            return text
        text = _TOKEN.sub(lambda match: "" if self.betrays(match[0]) else match[0], text)
        for word in self.words:
            text = text.replace(word, "")
        return text

    def betrays(self, address: str) -> bool:
        """Whether an address, or a word that looks like one, leads to something private."""
        if not _ADDRESS_LIKE.search(address):
            return False
        plain = unquote(address)
        return any(word in plain for word in self.words) or any(mark in plain.lower() for mark in self.marks)

    def remains_in(self, text: str) -> bool:
        """Whether `text` still holds something private when all its white space is ignored."""
        squeezed = re.sub(r"\s", "", text)
        lower = squeezed.lower()
        return any(re.sub(r"\s", "", word) in squeezed for word in self.words) or any(
            mark in lower for mark in self.marks if "/" in mark
        )


def marks_of(events: Iterable[Any]) -> tuple[str, ...]:
    """Return the marks of every private address in `events`: a series shares its meeting."""
    found: dict[str, None] = {}
    for event in events:
        if not isinstance(event, dict):
            continue
        for name in ("online_join_url", "online_host_url"):
            found.update(dict.fromkeys(_marks_of_meeting(event.get(name))))
        for part in (event.get("url"), event.get("calendar")):
            host, path, _ = _split(part.get("admin") if isinstance(part, dict) else None)
            if path:
                found[host + path] = None
    return tuple(found)


def words_of(event: dict[str, Any]) -> tuple[str, ...]:
    """Return what must not be read about one event: the meeting's password and its number.

    Shorter ones than six characters are left alone: they are in half the words there are.
    """
    words = []
    for name in ("online_join_password", "online_meeting_id"):
        value = event.get(name)
        word = str(value).strip() if isinstance(value, str | int) else ""
        if 6 <= len(word) <= 200:
            words.append(word)
            # 93531415926 is written 935 3141 5926.
            if word.isdecimal() and len(word) in (9, 10, 11):
                groups = (word[:3], word[3:-4], word[-4:])
                words += [" ".join(groups), "-".join(groups)]
    return tuple(words)


def _marks_of_meeting(address: object) -> Iterable[str]:
    """Yield what identifies an address: host and path, and what of the query is long enough to be a key."""
    host, path, query = _split(address)
    keys = [item.partition("=")[2] for item in re.split(r"[&;]", query)]
    # A path that says nothing (/watch?v=...) would take other addresses with it.
    if path and (not any(keys) or re.search(r"\d", path.rpartition("/")[2])):
        yield host + path
    yield from (key for key in keys if len(key) >= 6)


def _split(address: object) -> tuple[str, str, str]:
    """Return host, path and query of an address, unescaped and in small letters; empty if it is none."""
    text = unquote(address.strip()).lower() if isinstance(address, str) else ""
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
    except ValueError:
        return "", "", ""
    if not parts.netloc or len(text) > 2000 or re.search(r"\s", text):
        return "", "", ""
    return parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), parts.query
