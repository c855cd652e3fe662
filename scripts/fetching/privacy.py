"""Private details of LibCal events, and how to remove them from texts that staff write.

Private fields are never read into an Event. But staff also paste a meeting's address, number and passcode,
or a link to LibCal's admin pages, into descriptions, titles and places. Some are known from LibCal's fields;
others have the form of every such address or number. SECURITY.md lists the forms that are not recognized.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Self
from urllib.parse import unquote, urlsplit

_TOKEN = re.compile(r"\S+")
_NO_DIGIT = re.compile(r"[^0-9]+")
# Every number or passcode that says what it is has a digit or one of these.
_HINT = re.compile(r"\d|pass|pin|pw|[ck][oó]d|clave|contrase|key|meet", re.IGNORECASE)
# The last form is the end of an address that a line break or a space has cut.
_ADDRESS_LIKE = re.compile(r"/|\w\.\w|\w%|zoommtg:|zoomus:|[?&;]\w+=")
# Mail filters escape an address again for each of them that it passes.
_ESCAPES = 10
# More private links than this with one ending: the ending alone counts as private.
_SAME_ENDING = 50
_ENDING = 8

# Addresses that join a meeting. Those that register for one (zoom.us/meeting/register) are public.
_JOIN = re.compile(
    r"zoom(?:gov)?\.(?:us|com)/(?:j|s|w|wc|my|launch)/|zoommtg:|zoomus:"
    r"|teams\.(?:microsoft|live)\.com/(?:l/meetup-join|meet|dl/launcher)|teams\.microsoft\.us/l/meetup"
    r"|meet\.google\.com/(?:lookup/)?[a-z0-9]|g\.co/meet/"
    r"|webex\.com/(?:meet/|join/|wbxmjs/|[\w.-]{1,40}/(?:j\.php|onstage|k2/j\.php|e\.php|meet/|g\.php))"
    r"|webex\.com/[\w./-]{0,80}[?&]mtid="
    r"|gotomeeting\.com/join/|gotomeet\.me/|meet\.goto\.com/|gotowebinar\.com/join"
    r"|join\.skype\.com/|meet\.lync\.com/|bluejeans\.com/\d|chime\.aws/\d|meet\.jit\.si/|8x8\.vc/"
    r"|v\.ringcentral\.com/join|whereby\.com/[\w-]+\?|meet\.zoho\.\w+/|dialpad\.com/meetings?/"
)
_SEPARATOR = r"[\s.,()·_\-\u2010-\u2015]{0,3}"
_SAYS = r"(?:\s{0,2}(?:is|er|es)\b)?[\s:=#(\[\"'“”‘’»«>–—-]{0,6}"
_PASSCODE = r"pass[\s-]?codes?|passwords?|pwd|pw|pins?|(?:adgangs)?koden?|kodeord|claves?|contraseñas?"
_CODE = rf"\b(?:{_PASSCODE}|access\s+code|meeting\s+code|host\s+key|código(?:\s+de\s+acceso)?|code)"
# Numbers and passcodes that say what they are.
_LABELED = re.compile(
    rf"""
    (?P<label>
      \b(?:meeting|webinar|event|conference|zoom|møde|mødets|reunión)[\s-]{{0,2}}(?:id|number|nummer|no\.)
        (?:\s+de\s+(?:la\s+)?reunión)?{_SAYS}
      | \bid\s+de\s+(?:la\s+)?reunión{_SAYS}
    ) \d(?:[\s.\-\u2010-\u2015]?\d){{8,14}}(?!\d)
    | (?P<passcode>\bpass[\s-]?code\s{{0,2}}(?:is\b|[:=#])[\s"'“‘]{{0,3}}) [^\s<>"'“”’]{{4,40}}
    | (?P<dialled>\bpin{_SAYS}) \d[\d\s]{{2,15}}\#
    | \+?\d[\d\s().-]{{6,20}},,[\d\#*,]+
    | (?P<meet>\b(?:code|kode|código|meet){_SAYS}) [a-z]{{3}}-[a-z]{{4}}-[a-z]{{3}}\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
# In the text of an online event any password with a digit is taken for the meeting's.
_ONLINE_CODE = re.compile(
    rf"(?P<label>{_CODE}(?:\s{{0,2}}(?:is|er|es)\b|\s{{0,2}}[:=#]){_SAYS})(?=[^\s<>]{{0,39}}\d)"
    r"[^\s<>.,;)\]]{4,40}",
    re.IGNORECASE,
)
_MEET_CODE = re.compile(r"[a-z]{3}-[a-z]{4}-[a-z]{3}\Z")
_LINK_FIELDS = ("online_join_url", "online_host_url")
_SECRET_FIELDS = ("online_join_password", "online_meeting_id")
_MEETING_NUMBER = re.compile(r"/(?:j|s|w|wc|join)/([0-9]{9,11})(?![0-9])")


class PrivateLinks:
    """Parts of private addresses in lower case, with an index: a calendar may have thousands."""

    def __init__(self, links: Iterable[str] = ()) -> None:
        self._links = tuple(dict.fromkeys(links))

    def __iter__(self) -> Iterator[str]:
        return iter(self._links)

    def found_in(self, text: str) -> bool:
        """Return whether the lower-case `text` contains one of the links. Linear in the length of `text`."""
        if len(self._links) <= _SAME_ENDING:
            return any(link in text for link in self._links)
        for size in self._sizes:
            for stop in range(size, len(text) + 1):
                links = self._index.get(text[stop - size : stop])
                if links and (
                    len(links) > _SAME_ENDING or any(text.endswith(link, 0, stop) for link in links)
                ):
                    return True
        return False

    @cached_property
    def paths(self) -> PrivateLinks:
        """The links with a path. Others are keys, which ordinary text may contain."""
        return PrivateLinks(link for link in self._links if "/" in link)

    @cached_property
    def _index(self) -> dict[str, list[str]]:
        """The links by their last characters."""
        found: dict[str, list[str]] = {}
        for link in self._links:
            found.setdefault(link[-_ENDING:], []).append(link)
        return found

    @cached_property
    def _sizes(self) -> list[int]:
        return sorted({len(ending) for ending in self._index})


@dataclass(frozen=True, slots=True)
class PrivateDetails:
    """Text that must not be published.

    A word that looks like an address and contains one of `links` is removed. `secrets` are removed wherever
    they occur, `passcodes` (short ones) only behind a word for a passcode. `online` says that the event has a
    meeting: then every password with a digit is removed.
    """

    links: PrivateLinks = field(default_factory=PrivateLinks)
    secrets: tuple[str, ...] = ()
    passcodes: tuple[str, ...] = ()
    online: bool = False

    @classmethod
    def of(cls, event: dict[str, Any], links: PrivateLinks) -> Self:
        """Return the private details of one event; `links` are those of its calendar."""
        online = any(event.get(name) for name in (*_LINK_FIELDS, *_SECRET_FIELDS))
        return cls(links, meeting_secrets(event), meeting_passcodes(event), online)

    def scrub(self, text: str) -> str:
        """Return `text` without private links, secrets, and numbers and passcodes of meetings."""
        if _ADDRESS_LIKE.search(text):
            text = _TOKEN.sub(lambda match: "" if self.found_in_address(match[0]) else match[0], text)
        for secret in self._occurring(text):
            text = _pattern(secret).sub("", text)
        if not _HINT.search(text):
            return text
        for passcode in self.passcodes:
            text = _passcode_pattern(passcode).sub(r"\1", text)
        text = _LABELED.sub(_label, text)
        return _ONLINE_CODE.sub(_label, text) if self.online else text

    def found_in_address(self, address: str) -> bool:
        """Return whether `address`, if it looks like one, joins a meeting or contains a private detail."""
        if not _ADDRESS_LIKE.search(address):
            return False
        plain, settled = _unescaped(address)
        if not settled:
            return True
        if self._occurring(plain):
            return True
        lower = plain.lower()
        if "urldefense" in lower:
            # Proofpoint writes https%3A__zoom.us_j_1 as https-3A__zoom.us_j_1.
            lower += " " + _unescaped(lower.replace("-", "%"))[0].replace("_", "/")
        return bool(_JOIN.search(lower)) or self.links.found_in(lower)

    def _occurring(self, text: str) -> list[str]:
        """Return the secrets that may occur in `text`: compiling all their patterns would take long."""
        if not self.secrets:
            return []
        digits, lower = _NO_DIGIT.sub("", text), text.lower()
        return [
            secret
            for secret in self.secrets
            if (secret in digits if secret.isdecimal() else secret.lower() in lower)
        ]

    def found_in_text(self, text: str) -> bool:
        """Return whether `text` contains a private link or a secret, ignoring white space."""
        squeezed = re.sub(r"\s", "", text)
        lower = squeezed.lower()
        return (
            any(re.sub(r"\s", "", secret) in squeezed for secret in self.secrets)
            or any(_pattern(secret).search(text) for secret in self._occurring(text))
            or bool(_JOIN.search(lower))
            or self.links.paths.found_in(lower)
        )


def _label(match: re.Match[str]) -> str:
    """Keep the word before a number or passcode, which would otherwise be missing in its sentence."""
    return next((value for value in match.groupdict().values() if value), "")


@lru_cache(maxsize=1024)
def _pattern(secret: str) -> re.Pattern[str]:
    """Return a pattern for a secret: a number in any spelling (935 3141 5926, 935.3141.5926), else itself."""
    if secret.isdecimal() and secret.isascii() and len(secret) <= 15:
        return re.compile(rf"(?<![0-9]){_SEPARATOR.join(secret)}(?![0-9])")
    return re.compile(re.escape(secret), re.IGNORECASE if _MEET_CODE.match(secret) else 0)


@lru_cache(maxsize=1024)
def _passcode_pattern(passcode: str) -> re.Pattern[str]:
    return re.compile(rf"({_CODE}{_SAYS}){re.escape(passcode)}(?!\w)", re.IGNORECASE)


def _unescaped(address: str) -> tuple[str, bool]:
    """Return `address` without escapes, and whether none remains after some rounds."""
    for _ in range(_ESCAPES):
        plain = unquote(address)
        if plain == address:
            return plain, True
        address = plain
    return address, False


def private_links(events: Iterable[Any]) -> PrivateLinks:
    """Return the identifying parts of all private links in `events`. Events of a series share a meeting."""
    found: dict[str, None] = {}
    for event in events:
        if not isinstance(event, dict):
            continue
        for name in _LINK_FIELDS:
            found.update(dict.fromkeys(_meeting_link_parts(event.get(name))))
        for part in (event.get("url"), event.get("calendar")):
            host, path, _ = _split(part.get("admin") if isinstance(part, dict) else None)
            if path:
                found[host + path] = None
    return PrivateLinks(found)


def meeting_secrets(event: dict[str, Any]) -> tuple[str, ...]:
    """Return the password, the number and the Meet code of an event's online meeting.

    Values shorter than six characters are left to `meeting_passcodes`: they also occur in ordinary words.
    """
    secrets = dict.fromkeys(secret for secret in _secret_fields(event) if 6 <= len(secret) <= 200)
    for name in _LINK_FIELDS:
        _, path, _ = _split(event.get(name))
        if number := _MEETING_NUMBER.search(path):
            secrets[number[1]] = None
        if _MEET_CODE.match(path.rpartition("/")[2]):
            secrets[path.rpartition("/")[2]] = None
    return tuple(secrets)


def meeting_passcodes(event: dict[str, Any]) -> tuple[str, ...]:
    """Return the secrets of four or five characters, which are only recognized behind a word for them."""
    return tuple(secret for secret in _secret_fields(event) if 4 <= len(secret) <= 5)


def _secret_fields(event: dict[str, Any]) -> Iterator[str]:
    """Yield password and number, the number without separators."""
    for name in _SECRET_FIELDS:
        value = event.get(name)
        secret = str(value).strip() if isinstance(value, str | int) else ""
        digits = re.sub(r"[\s.-]", "", secret)
        yield digits if digits.isdecimal() else secret


def _meeting_link_parts(address: object) -> Iterable[str]:
    """Yield host and path of a meeting's link, and the query values that are long enough to be a key."""
    host, path, query = _split(address)
    keys = [item.partition("=")[2] for item in re.split(r"[&;]", query)]
    # A generic path (/watch?v=...) is not private: other public links have it too.
    if path and (not any(keys) or re.search(r"\d", path.rpartition("/")[2])):
        yield host + path
    yield from (key for key in keys if len(key) >= 6)


def _split(address: object) -> tuple[str, str, str]:
    """Return host, path and query of an address, unescaped and lower-case; empty if it is not an address."""
    if not isinstance(address, str) or len(address) > 2000:
        return "", "", ""
    text = _unescaped(address.strip())[0].lower()
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
    except ValueError:
        return "", "", ""
    if not parts.netloc or re.search(r"\s", text):
        return "", "", ""
    return parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), parts.query
