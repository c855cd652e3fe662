"""Visitors of a simulated site: they follow every link and record the first one that leads to a missing file.

They get files from an edge (standins/cloudfront.py) with a bucket, a dict here, as its origin.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import unescape
from urllib.parse import unquote, urlsplit

from files import sha256
from site_paths import is_hashed
from standins.cloudfront import Edge, Stored

# How long a page stays current in a browser: max-age, then stale-while-revalidate.
BROWSER_SECONDS = 120


def links(path: str, body: bytes, site_url: str) -> frozenset[str]:
    """Return the site's files that the page or feed `path` links to."""
    text = body.decode("utf-8", "replace")
    if path.endswith(".ics"):
        text = text.replace("\r\n ", "")  # unfold long lines (RFC 5545, 3.1)
    found = re.findall(rf"{re.escape(site_url)}/?[^\s\"'<>\\,;]*", text)
    if path.endswith(".html"):
        found += [unescape(link) for link in re.findall(r'\b(?:href|src)="([^"]*)"', text)]
        for choice in re.findall(r'\bsrcset="([^"]*)"', text):
            found += [unescape(option.split()[0]) for option in choice.split(",") if option.strip()]
    targets = set()
    for link in found:
        absolute = link.startswith(site_url)
        parts = urlsplit(link.removeprefix(site_url) if absolute else link)
        if parts.scheme or parts.netloc or not (parts.path or absolute):
            continue
        name = unquote(parts.path)
        base = "/" if name.startswith("/") or absolute else posixpath.dirname("/" + path)
        target = posixpath.normpath(posixpath.join(base, name)).lstrip("/")
        targets.add("index.html" if target in ("", ".") else target)
    return frozenset(targets)


class Visitors:
    """Visitors who get the files of `bucket` from `edge`; `broken_link` is the first one they found.

    `advance` moves the simulated clock by a number of seconds.
    """

    def __init__(
        self, edge: Edge, bucket: Mapping[str, Stored], site_url: str, advance: Callable[[int], None]
    ) -> None:
        self._edge, self._bucket, self._site_url, self._advance = edge, bucket, site_url, advance
        self.broken_link = ""
        self.vanished: set[str] = set()  # files that a lifecycle rule deleted; links to them may fail
        self.visits = 0
        # Pages that are in the site, or were until the last complete run. A visitor reaches any other page
        # only by a bookmark; from such a page only the links to assets must work.
        self.site: frozenset[str] = frozenset()
        self._open_links: dict[str, str] = {}  # link target -> a page in a browser that has this link
        self._links: dict[tuple[str, int], frozenset[str]] = {}

    def visit(self) -> None:
        """Follow all links: once from every file cached at the edge, once in the bucket alone."""
        self.visits += 1
        for path, target in self._follow(["index.html", *self.cached()], self._from_edge):
            if path in self.site or is_hashed(target):
                self._open_links.setdefault(target, path)
        for _ in self._follow(["index.html"], self._from_bucket):
            pass

    def _follow(
        self, starts: Iterable[str], get: Callable[[str], tuple[int, bytes]]
    ) -> Iterator[tuple[str, str]]:
        """Yield every link that can be reached from `starts`, as page and target."""
        seen: set[str] = set()
        queue = [(path, "") for path in starts]
        while queue:
            path, origin = queue.pop()
            if path in seen:
                continue
            seen.add(path)
            status, body = get(path)
            if status == 404 and origin:
                self._record_missing(path, origin)
            if status != 200:  # before the first publish, or S3 is down
                continue
            for target in self._links_of(path, body):
                yield path, target
                queue.append((target, path))

    def _from_edge(self, path: str) -> tuple[int, bytes]:
        answer = self._edge.get("/" + path)
        return answer.status, answer.body

    def _from_bucket(self, path: str) -> tuple[int, bytes]:
        stored = self._bucket.get(path)
        return (200, stored.body) if stored else (404, b"")

    def follow_open_pages(self) -> None:
        """Follow the links of all pages seen since the last call, just before a browser reloads them."""
        self._advance(BROWSER_SECONDS)
        for path, origin in self._open_links.items():
            if self._from_edge(path)[0] == 404:
                self._record_missing(path, f"{origin}, open in a browser,")
        self._open_links.clear()

    def digests(self, paths: Iterable[str]) -> Mapping[str, str | None]:
        """Return the digest of each file as the edge serves it; None if it is missing.

        Files without a copy at the edge are read from the bucket, so that this check caches no file.
        """
        cached = set(self.cached())
        answers = (
            (path, *(self._from_edge(path) if path in cached else self._from_bucket(path))) for path in paths
        )
        return {path: sha256(body) if status == 200 else None for path, status, body in answers}

    def cached(self) -> list[str]:
        """Return the files of which the edge has a copy."""
        return sorted(unquote(path[1:]) for path, item in self._edge.cache.items() if item.status == 200)

    def _record_missing(self, path: str, origin: str) -> None:
        if path not in self.vanished:
            self.broken_link = self.broken_link or f"{origin} links to {path}, which is missing"

    def _links_of(self, path: str, body: bytes) -> frozenset[str]:
        key = (path, hash(body))
        if key not in self._links:
            self._links[key] = links(path, body, self._site_url)
        return self._links[key]
