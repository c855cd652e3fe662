"""The headers of each published file, in two tables: Cache-Control and Content-Type.

Browsers keep a page for a minute, so that visitors see a cancellation at once. CloudFront keeps it for
an hour, since bin/invalidate sends it every change; the hour limits the harm of a missed one. A cache
that learns of no change (INVALIDATE=none) keeps it for a minute too. The content of a hashed asset never
changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from site_paths import HASHED, MARK, STATUS

# The first pattern that matches the path decides.
CACHE_CONTROL = (
    (HASHED, "public, max-age=31536000, immutable"),
    (re.escape(STATUS), "public, max-age=30"),
    (r".*", "public, max-age=60, s-maxage=3600, stale-while-revalidate=60, stale-if-error=86400"),
)

_FOR_AN_EDGE = "s-maxage=3600, "

# The AWS CLI would take types from the mime.types of the host, without a charset.
# CloudFront compresses html, css, javascript, json, xml, plain and svg, but not
# feed+json: hence application/json for feed.json.
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".atom": "application/atom+xml; charset=utf-8",
    ".rss": "application/rss+xml; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Headers:
    """The headers of a file."""

    content_type: str
    cache_control: str

    def __str__(self) -> str:
        return f"{self.content_type} | {self.cache_control}"

    @classmethod
    def parse(cls, text: str) -> Headers:
        """Parse the text that `str(headers)` returns; raise ValueError for any other text."""
        content_type, separator, cache_control = text.partition(" | ")
        if not separator or " | " in cache_control:
            raise ValueError(f"not headers: {text[:80]!r}")
        return cls(content_type=content_type, cache_control=cache_control)


def headers_for(path: str, *, invalidated: bool = True) -> Headers:
    """Return the headers of the site's file `path`; `invalidated`: the cache learns of every change."""
    cache_control = next(value for pattern, value in CACHE_CONTROL if re.fullmatch(pattern, path))
    if not invalidated:
        cache_control = cache_control.replace(_FOR_AN_EDGE, "")
    suffix = ".txt" if path == MARK else ".html" if path.startswith("e/") else PurePosixPath(path).suffix
    content_type = CONTENT_TYPES.get(suffix, UNKNOWN_TYPE)
    return Headers(content_type=content_type, cache_control=cache_control)
