"""Visitors of a simulated site: they follow every link, keep pages in their browsers, and note what is missing.

What they get comes from an edge (standins/cloudfront.py), what is behind it is a bucket in a dict.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from html import unescape
from urllib.parse import unquote, urlsplit

from cloudfront import Edge
from files import sha256
from headers import is_hashed

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
    """All that can be reached by way of `edge`; `trouble` is the first thing that they found missing."""

    def __init__(self, edge: Edge, site_url: str, later: Callable[[int], None]) -> None:
        self.edge, self._site_url, self._later = edge, site_url, later
        self.trouble = ""
        self.visits = 0
        # The pages that are, or just were, part of the site. Whoever comes upon another one, by a
        # bookmark, was not led there; of such a page only the assets are promised.
        self.site: frozenset[str] = frozenset()
        self._held: dict[str, str] = {}  # what a page in a browser leads to, and that page
        self._links: dict[tuple[str, str], frozenset[str]] = {}

    def visit(self) -> None:
        """Ask for all that the edge's pages lead to, and the bucket's by way of it."""
        self.visits += 1
        seen: set[str] = set()
        cached = {
            unquote(path[1:]) or "index.html" for path, item in self.edge.cache.items() if item.status == 200
        }
        waiting = [("index.html", "")] + [(path, "") for path in sorted(cached)]
        while waiting:
            path, origin = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            answer = self.edge.get("/" + path)
            if answer.status == 404 and origin:
                self._missing(path, origin)
            if answer.status != 200:  # nothing was published yet, or S3 cannot be reached
                continue
            for target in self._leads_to(path, answer.body):
                if path in self.site or is_hashed(target):
                    self._held.setdefault(target, path)
                waiting.append((target, path))

    def use_browsers(self) -> None:
        """Let those who hold a page seen since the last call follow its links, as late as they can."""
        self._later(BROWSER_SECONDS)
        for path, origin in self._held.items():
            if self.edge.get("/" + path).status == 404:
                self._missing(path, f"{origin} in a browser")
        self._held.clear()

    def shown(self, paths: Iterable[str]) -> Mapping[str, str | None]:
        """Return the digests of what the edge shows of `paths`; None: nothing."""
        answers = ((path, self.edge.get("/" + path)) for path in paths)
        return {path: sha256(answer.body) if answer.status == 200 else None for path, answer in answers}

    def cached(self) -> set[str]:
        """Return the files of which the edge has a copy."""
        return {unquote(path[1:]) for path, item in self.edge.cache.items() if item.status == 200} - {""}

    def _missing(self, path: str, origin: str) -> None:
        self.trouble = self.trouble or f"{origin} leads to {path}, which is missing"

    def _leads_to(self, path: str, body: bytes) -> frozenset[str]:
        key = (path, sha256(body))
        if key not in self._links:
            self._links[key] = links(path, body, self._site_url)
        return self._links[key]
