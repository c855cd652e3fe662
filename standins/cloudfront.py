"""Stand-in for CloudFront in front of the bucket: one edge location with CloudFront's caching rules.

Used by `make demo`, tests and the simulator; app() serves it over HTTP.

- Lifetime: s-maxage, or max-age, or one day. After that the edge requests the object again. It may still
  serve the old one: meanwhile, within stale-while-revalidate, and if the bucket fails, within stale-if-error.
- Invalidations are read from moto: exact paths, or paths with `*` at the end. `/` and `/index.html` are
  separate cache entries, as in CloudFront.
- A missing object is /404.html with status 404, cached for ten seconds like every error.

The clock is a parameter, so that a test can skip weeks. Not modeled: several edge locations and their
different ages, compression, and the delay of an invalidation.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from flask import Flask, Response, request

from standins.aws import Aws

DEFAULT_TTL = 86_400.0
ERROR_TTL = 10.0


class OriginDown(Exception):
    """The bucket does not respond, or responds with 5xx."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An object in the bucket."""

    body: bytes
    content_type: str
    cache_control: str


# Reads one key; None if there is no such object. Raises OriginDown.
Origin = Callable[[str], Stored | None]
# All invalidations so far, oldest first, each with its paths.
Invalidations = Callable[[], list[list[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """A cached response; `path` is as the browser sent it, `at` is the time of the request in seconds."""

    path: str
    status: int
    stored: Stored
    at: float
    policy: Mapping[str, float]

    def ttl(self) -> float:
        """Return the seconds for which the response is fresh."""
        if self.status != 200:
            return ERROR_TTL
        return self.policy.get("s-maxage", self.policy.get("max-age", DEFAULT_TTL))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response to a visitor; `x_cache` is CloudFront's word for its origin."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def x_cache(self) -> str:
        """Hit, RefreshHit, Miss or Error."""
        return self.headers["X-Cache"].split()[0]


def policy(cache_control: str) -> dict[str, float]:
    """Return the numbers in a Cache-Control header: {"max-age": 60.0, ...}."""
    found = re.findall(r"([a-z-]+)=(\d+)", cache_control.lower())
    return {name: float(value) for name, value in found}


@dataclass(slots=True)
class Edge:
    """One edge location, with a default root object and a 404 page."""

    origin: Origin
    invalidations: Invalidations
    clock: Callable[[], float] = time.time
    prefix: str = ""
    cache: dict[str, Cached] = field(default_factory=dict)
    _invalidated: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def get(self, path: str) -> Answer:
        """Return the response for `path`, which begins with a slash and is percent-encoded."""
        with self._lock:
            self._invalidate()
            cached, now = self.cache.get(path), self.clock()
            if cached is None:
                return self._ask(path, None, "Miss")
            age = now - cached.at
            if age < cached.ttl():
                return self._answer(cached, "Hit")
            if age < cached.ttl() + cached.policy.get("stale-while-revalidate", 0):
                stale = self._answer(cached, "Hit")
                self._ask(path, cached, "RefreshHit")
                return stale
            return self._ask(path, cached, "RefreshHit")

    def _invalidate(self) -> None:
        batches = self.invalidations()
        for batch in batches[self._invalidated :]:
            for pattern in batch:
                for path in [path for path, cached in self.cache.items() if _matches(pattern, cached)]:
                    del self.cache[path]
        self._invalidated = len(batches)

    def _ask(self, path: str, stale: Cached | None, how: str) -> Answer:
        try:
            cached = self._from_origin(path)
        except OriginDown:
            if stale:
                grace = stale.ttl() + stale.policy.get("stale-if-error", 0)
                if self.clock() - stale.at < grace:
                    return self._answer(stale, "Hit")
            return Answer(status=503, body=b"", headers={"X-Cache": "Error from cloudfront"})
        self.cache[path] = cached
        return self._answer(cached, how if cached.status == 200 else "Error")

    def _from_origin(self, path: str) -> Cached:
        name = unquote(path.removeprefix("/")) or "index.html"
        found, status = self.origin(self.prefix + name), 200
        if found is None:
            found, status = self.origin(f"{self.prefix}404.html"), 404
        if found is None:
            found = Stored(body=b"Not found\n", content_type="text/plain", cache_control="")
        numbers = policy(found.cache_control) if status == 200 else {}
        return Cached(path=path, status=status, stored=found, at=self.clock(), policy=numbers)

    def _answer(self, cached: Cached, how: str) -> Answer:
        headers = {
            "Content-Type": cached.stored.content_type,
            "Age": str(int(max(0.0, self.clock() - cached.at))),
            "X-Cache": f"{how} from cloudfront",
        }
        if cached.stored.cache_control:
            headers["Cache-Control"] = cached.stored.cache_control
        return Answer(status=cached.status, body=cached.stored.body, headers=headers)


def _matches(pattern: str, cached: Cached) -> bool:
    if pattern.endswith("*"):
        # Only the last character is a wildcard. Paths are case-sensitive.
        return cached.path.startswith(pattern[:-1])
    return cached.path == pattern


def of(aws: Aws, *, clock: Callable[[], float] = time.time, prefix: str = "") -> Edge:
    """Return an edge in front of the stand-in's bucket."""

    def origin(key: str) -> Stored | None:
        found = aws.read(key)
        if found is None:
            return None
        body, about = found
        return Stored(
            body=body,
            content_type=about.content_type,
            cache_control=about.cache_control,
        )

    return Edge(origin=origin, invalidations=aws.invalidations, clock=clock, prefix=prefix)


def app(edge: Edge) -> Flask:
    """Return an application that serves the edge to browsers."""
    flask = Flask(__name__, static_folder=None)

    @flask.get("/", defaults={"path": ""})
    @flask.get("/<path:path>")
    def page(path: str) -> Response:
        answer = edge.get("/" + quote(path))
        response = Response(answer.body, answer.status)
        response.headers.update(answer.headers)
        response.add_etag()
        response.make_conditional(request)
        return response

    return flask
