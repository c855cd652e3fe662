"""Private details of LibCal events, and how to remove them from texts that staff write.

Private fields are never read into an Event. But staff also paste a meeting's link and password, or a
link to LibCal's admin pages, into descriptions and titles.
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
class PrivateDetails:
    """Text that must not be published.

    `links` are lower-case parts of private addresses; a word that looks like an address and contains
    one is removed. `secrets` are removed wherever they occur.
    """

    links: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()

    def scrub(self, text: str) -> str:
        """Return `text` without private links and secrets."""
        if not self.links and not self.secrets:
            return text
        text = _TOKEN.sub(lambda match: "" if self.found_in_address(match[0]) else match[0], text)
        for secret in self.secrets:
            text = text.replace(secret, "")
        return text

    def found_in_address(self, address: str) -> bool:
        """Return whether `address`, if it looks like one, contains a private link or a secret."""
        if not _ADDRESS_LIKE.search(address):
            return False
        plain = unquote(address)
        if any(secret in plain for secret in self.secrets):
            return True
        return any(link in plain.lower() for link in self.links)

    def found_in_text(self, text: str) -> bool:
        """Return whether `text` contains a private link or a secret, ignoring white space."""
        squeezed = re.sub(r"\s", "", text)
        lower = squeezed.lower()
        return any(re.sub(r"\s", "", secret) in squeezed for secret in self.secrets) or any(
            link in lower for link in self.links if "/" in link
        )


def private_links(events: Iterable[Any]) -> tuple[str, ...]:
    """Return the identifying parts of all private links in `events`. Events of a series share a meeting."""
    found: dict[str, None] = {}
    for event in events:
        if not isinstance(event, dict):
            continue
        for name in ("online_join_url", "online_host_url"):
            found.update(dict.fromkeys(_meeting_link_parts(event.get(name))))
        for part in (event.get("url"), event.get("calendar")):
            host, path, _ = _split(part.get("admin") if isinstance(part, dict) else None)
            if path:
                found[host + path] = None
    return tuple(found)


def meeting_secrets(event: dict[str, Any]) -> tuple[str, ...]:
    """Return the password and the number of an event's online meeting, the number in every usual spelling.

    Values shorter than six characters are skipped: they also occur inside ordinary words.
    """
    secrets = []
    for name in ("online_join_password", "online_meeting_id"):
        value = event.get(name)
        secret = str(value).strip() if isinstance(value, str | int) else ""
        if 6 <= len(secret) <= 200:
            secrets.append(secret)
            # Zoom writes 93531415926 as 935 3141 5926.
            if secret.isdecimal() and len(secret) in (9, 10, 11):
                groups = (secret[:3], secret[3:-4], secret[-4:])
                secrets += [" ".join(groups), "-".join(groups)]
    return tuple(secrets)


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
    text = unquote(address.strip()).lower() if isinstance(address, str) else ""
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
    except ValueError:
        return "", "", ""
    if not parts.netloc or len(text) > 2000 or re.search(r"\s", text):
        return "", "", ""
    return parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), parts.query
