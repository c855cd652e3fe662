"""Visitors of a simulated site: they follow every link, keep pages in their browsers, and note what is missing.

What they get comes from an edge (standins/cloudfront.py), what is behind it is a bucket in a dict.
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

# A browser shows a page for max-age, and for stale-while-revalidate while it asks again.
BROWSER_SECONDS = 120


def links(path: str, body: bytes, site_url: str) -> frozenset[str]:
    """Return the site's files that the page or feed `path` leads to."""
    text = body.decode("utf-8", "replace")
    if path.endswith(".ics"):
        text = text.replace("\r\n ", "")  # long lines are folded
    found = re.findall(rf"{re.escape(site_url)}/?[^\s\"'<>\\,;]*", text)
    if path.endswith(".html"):
        found += [unescape(link) for link in re.findall(r'\b(?:href|src)="([^"]*)"', text)]
        for choice in re.findall(r'\bsrcset="([^"]*)"', text):
            found += [unescape(option.split()[0]) for option in choice.split(",") if option.strip()]
    targets = set()
    for link in found:
        ours = link.startswith(site_url)
        parts = urlsplit(link.removeprefix(site_url) if ours else link)
        if parts.scheme or parts.netloc or not (parts.path or ours):
            continue
        name = unquote(parts.path)
        here = "/" if name.startswith("/") or ours else posixpath.dirname("/" + path)
        target = posixpath.normpath(posixpath.join(here, name)).lstrip("/")
        targets.add("index.html" if target in ("", ".") else target)
    return frozenset(targets)


class Visitors:
    """Those who get `bucket` by way of `edge`; `trouble` is the first thing that they found missing."""

    def __init__(
        self, edge: Edge, bucket: Mapping[str, Stored], site_url: str, later: Callable[[int], None]
    ) -> None:
        self._edge, self._bucket, self._site_url, self._later = edge, bucket, site_url, later
        self.trouble = ""
        self.visits = 0
        # The pages that are, or just were, part of the site. Whoever comes upon another one, by a
        # bookmark, was not led there; of such a page only the assets are promised.
        self.site: frozenset[str] = frozenset()
        self._held: dict[str, str] = {}  # what a page in a browser leads to, and that page
        self._links: dict[tuple[str, int], frozenset[str]] = {}

    def visit(self) -> None:
        """Follow all links, from what the edge has copies of, and where it has none, from the bucket alone."""
        self.visits += 1
        for path, target in self._follow(["index.html", *self.cached()], self._by_the_edge):
            if path in self.site or is_hashed(target):
                self._held.setdefault(target, path)
        for _ in self._follow(["index.html"], self._in_the_bucket):
            pass

    def _follow(
        self, starts: Iterable[str], get: Callable[[str], tuple[int, bytes]]
    ) -> Iterator[tuple[str, str]]:
        """Yield every link that is reached from `starts`, as the page and what it leads to."""
        seen: set[str] = set()
        waiting = [(path, "") for path in starts]
        while waiting:
            path, origin = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            status, body = get(path)
            if status == 404 and origin:
                self._missing(path, origin)
            if status != 200:  # nothing was published yet, or S3 cannot be reached
                continue
            for target in self._leads_to(path, body):
                yield path, target
                waiting.append((target, path))

    def _by_the_edge(self, path: str) -> tuple[int, bytes]:
        answer = self._edge.get("/" + path)
        return answer.status, answer.body

    def _in_the_bucket(self, path: str) -> tuple[int, bytes]:
        stored = self._bucket.get(path)
        return (200, stored.body) if stored else (404, b"")

    def use_browsers(self) -> None:
        """Let those who hold a page seen since the last call follow its links, as late as they can."""
        self._later(BROWSER_SECONDS)
        for path, origin in self._held.items():
            if self._by_the_edge(path)[0] == 404:
                self._missing(path, f"{origin} in a browser")
        self._held.clear()

    def shown(self, paths: Iterable[str]) -> Mapping[str, str | None]:
        """Return the digests of what the edge shows of `paths`, or would ask the bucket for; None: nothing.

        It leaves no copy: nobody was led there.
        """
        cached = set(self.cached())
        answers = (
            (path, *(self._by_the_edge(path) if path in cached else self._in_the_bucket(path)))
            for path in paths
        )
        return {path: sha256(body) if status == 200 else None for path, status, body in answers}

    def cached(self) -> list[str]:
        """Return the files of which the edge has a copy."""
        return sorted(unquote(path[1:]) for path, item in self._edge.cache.items() if item.status == 200)

    def _missing(self, path: str, origin: str) -> None:
        self.trouble = self.trouble or f"{origin} leads to {path}, which is missing"

    def _leads_to(self, path: str, body: bytes) -> frozenset[str]:
        key = (path, hash(body))
        if key not in self._links:
            self._links[key] = links(path, body, self._site_url)
        return self._links[key]
