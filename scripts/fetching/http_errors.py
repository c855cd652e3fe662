"""Name the cause of a failed HTTP request, for exceptions of requests, urllib3 and sockets."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import requests
import urllib3


def cause_of(error: BaseException) -> str:
    """Return the cause of a failed request in one word, for the log field `cause`."""
    found = list(_chain(error))
    for cause, kinds in _CAUSES:
        if any(isinstance(item, kinds) for item in found):
            return cause
    return "connection"


_CAUSES: tuple[tuple[str, tuple[type[BaseException], ...]], ...] = (
    ("tls", (requests.exceptions.SSLError, urllib3.exceptions.SSLError)),
    ("dns", (urllib3.exceptions.NameResolutionError,)),
    ("refused", (ConnectionRefusedError,)),
    ("timeout", (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)),
    ("truncated", (http.client.IncompleteRead,)),
    ("reset", (ConnectionError,)),
    ("undecodable", (urllib3.exceptions.DecodeError,)),
)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and every exception it wraps: as an argument, cause, context or urllib3's `reason`."""
    waiting, seen = [error], set[int]()
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        wrapped = (*item.args, item.__cause__, item.__context__, getattr(item, "reason", None))
        waiting += [inner for inner in wrapped if isinstance(inner, BaseException)]
