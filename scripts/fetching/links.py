"""Check and normalize web addresses. Only https links to public hosts, mailto and tel may be published."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

MAX_LENGTH = 2000

# Characters that a browser ignores, or interprets differently from urlsplit.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\\\u2028\u2029\ud800-\udfff]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_MAIL = re.compile(r"[^\s@<>\"?]{1,64}@[^\s@<>\"?]{1,255}(?:\?[^\s<>\"]*)?\Z")
_PHONE = re.compile(r"\+?[0-9][0-9().\-]{2,30}\Z")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_INVISIBLE = re.compile(r"[\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_NEVER_PUBLIC = frozenset(
    ("corp", "home", "internal", "intranet", "lan", "local", "localdomain", "localhost")
)
# "%" is included, so that existing escapes are kept.
_KEPT = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of LibCal. `stand_in` is true if no public host can have this name; then HTTP is allowed."""

    scheme: str
    netloc: str
    stand_in: bool

    @classmethod
    def of(cls, url: str) -> Self:
        """Return the origin of LIBCAL_URL."""
        parts = urlsplit(url)
        return cls(parts.scheme, parts.netloc.lower(), not is_public_host(parts.hostname or ""))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}/"

    def is_own_stand_in(self, parts: SplitResult) -> bool:
        """Return whether an address belongs to this stand-in; always false for a real LibCal."""
        return self.stand_in and (parts.scheme, parts.netloc.lower()) == (self.scheme, self.netloc)


def web_address(text: object, origin: Origin) -> str:
    """Return `text` as an absolute https address; empty if it may not be published.

    Relative addresses are resolved against LibCal; http and `//host/path` become https. Refused: other
    schemes, user names, invalid ports, hosts that are not public, control characters and backslashes.
    """
    address = _readable(text)
    # Staff paste addresses into a field that already contains "http://": "http://https://...".
    address = re.sub(r"^https?:/+(?=https?:/)", "", address, flags=re.IGNORECASE)
    if re.match(r"www\.[^/]+\.", address, re.IGNORECASE):
        address = f"https://{address}"
    if not address or re.fullmatch(r"https?:/*", address, re.IGNORECASE):
        return ""
    try:
        parts = urlsplit(urljoin(str(origin), address))
        tail = quote(urlunsplit(("", "", parts.path, parts.query, parts.fragment)), safe=_KEPT)
        if origin.is_own_stand_in(parts):
            return f"{parts.scheme}://{parts.netloc}{tail}"
        host, port = _ascii_host(parts.hostname or ""), parts.port
    except ValueError:
        return ""
    plain = parts.scheme == "http"
    if not (plain or parts.scheme == "https") or "@" in parts.netloc or not is_public_host(host):
        return ""
    if plain and port == 80:
        port = None
    netloc = host if port is None else f"{host}:{port}"
    return f"https://{netloc}{tail}"


def link(text: object, origin: Origin) -> str:
    """Return `text` as the href of a link in a description: https, mailto or tel; empty if refused."""
    address = _readable(text)
    if address.startswith("#"):
        return ""
    scheme, separator, rest = address.partition(":")
    if separator and scheme.lower() == "tel":
        number = re.sub(r"\s", "", rest)
        return f"tel:{number}" if _PHONE.match(number) else ""
    if separator and scheme.lower() == "mailto":
        mail = rest.strip()
        return f"mailto:{quote(mail, safe=_KEPT)}" if _MAIL.match(mail) else ""
    if _MAIL.match(address) and "/" not in address and ":" not in address:
        return f"mailto:{quote(address, safe=_KEPT)}"
    return web_address(address, origin)


def is_public_host(host: str) -> bool:
    """Return whether `host` can be public: a name with a dot, or a global IP address. No DNS lookup."""
    try:
        return is_public_address(host.strip("[]"))
    except ValueError:
        labels = host.lower().removesuffix(".").split(".")
        # A numeric last label makes the name an IPv4 address (127.1, 0x7f.1).
        numeric = re.match(r"(0x[0-9a-f]*|[0-9]+)\Z", labels[-1])
        return (
            len(labels) > 1
            and len(host) <= 253
            and all(_LABEL.match(label) for label in labels)
            and not numeric
            and labels[-1] not in _NEVER_PUBLIC
        )


def is_public_address(text: str) -> bool:
    """Return whether an IP address is on the public internet. Raises ValueError if it is not an IP address.

    For an IPv6 address that contains an IPv4 address, the IPv4 address is checked (mapped, translated) or
    the answer is no (tunneled).
    """
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            address = address.ipv4_mapped
        elif address in _TRANSLATED:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        elif address.sixtofour or address.teredo or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _readable(text: object) -> str:
    """Return `text` without white space around it and invisible characters; empty if it is unsafe."""
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        return ""
    address = _INVISIBLE.sub("", text).strip()
    return "" if _UNSAFE.search(address) else address


def _ascii_host(host: str) -> str:
    """Return `host` in the form used in DNS (IDNA). Raises ValueError if it is not a valid name."""
    if ":" in host:
        return f"[{host}]"
    return host if host.isascii() else host.encode("idna").decode("ascii")
