"""Faults of the LibCal stand-in; several can be active at once.

See `Fault` for how to select requests. Its kinds are `delay` and the keys of ANSWERS (replace the response),
CHANGES (modify the response), EVENTS (modify the events in it) and IGNORED (ignore a parameter).
"""

from __future__ import annotations

import gzip
import json
import select
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from standins.serving import RESET_ON_CLOSE

DRIP_SECONDS = 0.7
MIB = 2**20
STREAM_LIMIT = 2**30  # an infinite response stops here if the client does not hang up


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault, and the requests that it applies to: those that match all given conditions.

    `path` is the beginning of the path, without /api: /1.1/events, /1.1/oauth/token, /1.1/calendars,
    /1.1/hours, /images. The first `skip` requests pass, the next `times` fail (None: all, until the fault
    is cleared). `status`, `retry_after` and `body` are for kind `status`; `seconds` is the pause of `delay`,
    and of `drip` after each byte; `location` is the target of `redirect`.
    """

    kind: str
    path: str = "/1.1/events"
    calendar: str = ""
    page: int | None = None
    times: int | None = None
    skip: int = 0
    status: int = 503
    retry_after: str = ""
    body: str = ""
    seconds: float = DRIP_SECONDS
    location: str = "http://169.254.169.254/latest/meta-data/"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; choose from {', '.join(sorted(KINDS))}")

    def hits(self, path: str, calendars: list[str], page: int) -> bool:
        """Count a matching request; return whether the fault applies to it."""
        if not path.startswith(self.path) or self.times == 0:
            return False
        if (self.calendar and self.calendar not in calendars) or self.page not in (None, page):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


def _status(fault: Fault, _stop: threading.Event) -> Response:
    response = _json(fault.body or json.dumps({"error": "something went wrong"}), fault.status)
    if fault.retry_after:
        response.headers["Retry-After"] = fault.retry_after
    return response


def _html(_fault: Fault, _stop: threading.Event) -> Response:
    return Response("<!doctype html><title>LibCal</title><h1>Down for maintenance</h1>")


def _silent(_fault: Fault, stop: threading.Event) -> Response:
    """Send no response; wait until the client hangs up."""
    connection = request.environ["werkzeug.socket"]
    while not stop.is_set() and not _hung_up(connection):
        time.sleep(0.05)
    raise ConnectionAbortedError


def _gzip_bomb(_fault: Fault, _stop: threading.Event) -> Response:
    """Send half a megabyte that unpacks to 512 MB of valid JSON."""
    spaces = gzip.compress(b" " * (16 * MIB), 9)
    body = gzip.compress(b'{"events":[') + spaces * 32 + gzip.compress(b"]}")
    return Response(body, content_type="application/json", headers={"Content-Encoding": "gzip"})


def _infinite(_fault: Fault, stop: threading.Event) -> Response:
    def body() -> Iterator[bytes]:
        yield b'{"events":['
        for _ in range(STREAM_LIMIT // len(_SPACES)):
            if stop.is_set():
                return
            yield _SPACES

    return Response(body(), content_type="application/json")


_SPACES = b" " * 2**16


def _svg(_fault: Fault, _stop: threading.Event) -> Response:
    text = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    return Response(text, content_type="image/svg+xml")


def _wrong_type(_fault: Fault, _stop: threading.Event) -> Response:
    return Response("<script>alert(1)</script>", content_type="image/jpeg")


def _huge(_fault: Fault, _stop: threading.Event) -> Response:
    """Send a valid PNG that contains 64 MB of useless text."""
    chunk = b"tEXt" + b"Comment\0" + b" " * (64 * MIB)
    text = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    small = _png(16, 16)
    return Response(small[:33] + text + small[33:], content_type="image/png")


def _pixel_bomb(_fault: Fault, _stop: threading.Event) -> Response:
    """Send a PNG of less than 100 kB that has 400 million pixels."""
    return Response(_png(20_000, 20_000), content_type="image/png")


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    packed = b"".join(rows.compress(row) for _ in range(height)) + rows.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def _json(body: str, status: int = 200) -> Response:
    return Response(body, status, content_type="application/json")


ANSWERS: dict[str, Callable[[Fault, threading.Event], Response]] = {
    "status": _status,
    "html": _html,
    "error": lambda _fault, _stop: _json('{"error":"Error."}'),
    "list": lambda _fault, _stop: _json("[]"),
    "nested": lambda _fault, _stop: _json('{"events":' + "[" * 100_000 + "]" * 100_000 + "}"),
    "redirect": lambda fault, _stop: Response(status=302, headers={"Location": fault.location}),
    "silent": _silent,
    "gzip_bomb": _gzip_bomb,
    "infinite": _infinite,
    "svg": _svg,
    "wrong_type": _wrong_type,
    "huge": _huge,
    "pixel_bomb": _pixel_bomb,
}


def _drip(fault: Fault, response: Response, stop: threading.Event) -> Response:
    """Send the body one byte at a time: each read succeeds, but the whole takes very long."""
    body = response.get_data()
    response.response = _one_by_one(body, fault.seconds, stop)
    response.content_length = len(body)
    return response


def _drip_headers(fault: Fault, response: Response, stop: threading.Event) -> Response:
    """Send the header lines one byte at a time too."""
    head = f"HTTP/1.1 {response.status}\r\n{response.headers}".encode("latin-1")
    connection = request.environ["werkzeug.socket"]
    for byte in _one_by_one(head + response.get_data(), fault.seconds, stop):
        connection.sendall(byte)
    raise ConnectionAbortedError


def _one_by_one(data: bytes, seconds: float, stop: threading.Event) -> Iterator[bytes]:
    for position in range(len(data)):
        if stop.wait(seconds):
            return
        yield data[position : position + 1]


def _truncated(_fault: Fault, response: Response, _stop: threading.Event) -> Response:
    """Send the first half of the body with a matching Content-Length."""
    response.set_data(response.get_data()[: _half(response)])
    return response


def _short(_fault: Fault, response: Response, _stop: threading.Event) -> Response:
    """Send the Content-Length of the whole body, but only half of it, then hang up."""
    return _cut(response, reset=False)


def _reset(_fault: Fault, response: Response, _stop: threading.Event) -> Response:
    """Send the Content-Length of the whole body, but only half of it, then reset the connection."""
    return _cut(response, reset=True)


def _cut(response: Response, *, reset: bool) -> Response:
    body = response.get_data()
    connection = request.environ["werkzeug.socket"]

    def half() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        if reset:
            time.sleep(0.05)  # let the client receive the first half before the reset
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        raise ConnectionAbortedError

    response.response = half()
    response.content_length = len(body)
    return response


def _half(response: Response) -> int:
    return len(response.get_data()) // 2


def _hung_up(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    return bool(readable) and not connection.recv(1, socket.MSG_PEEK)


CHANGES: dict[str, Callable[[Fault, Response, threading.Event], Response]] = {
    "truncated": _truncated,
    "short": _short,
    "reset": _reset,
    "drip": _drip,
    "drip_headers": _drip_headers,
}

# Unusable events: without an id, a title or a valid start.
MALFORMED: tuple[Any, ...] = (
    None,
    "an event",
    [],
    {},
    {"id": 1, "title": "No start"},
    {"id": 2, "start": "2030-01-01T10:00:00-05:00"},
    {"title": "No id", "start": "2030-01-01T10:00:00-05:00"},
    {"id": 3, "title": "Not a date", "start": "next Tuesday", "end": ""},
    {"id": 4, "title": "Impossible date", "start": "2030-02-30T10:00:00-05:00"},
    {"id": 5, "title": ["a", "list"], "start": "2030-01-01T10:00:00-05:00"},
    {"id": 6, "title": "Epoch zero", "start": "1970-01-01T00:00:00+00:00"},
    {"id": "../../6", "title": "Path as id", "start": "2030-01-01T10:00:00-05:00"},
    {"id": {"a": 7}, "title": "Object as id", "start": "2030-01-01T10:00:00-05:00"},
)


def _mixed(events: list[Any], others: tuple[Any, ...]) -> list[Any]:
    """Return `events` with `others` in between, from the second place on."""
    mixed = list(events)
    for number, other in enumerate(others):
        mixed.insert(min(2 * number + 1, len(mixed)), other)
    return mixed


def _with_nan(events: list[Any]) -> list[Any]:
    return [{**event, "registration_cost": float("nan")} for event in events]


def _as_object(events: list[Any]) -> dict[str, Any]:
    """Return the events as PHP's json_encode writes a list with a gap."""
    return {str(number): event for number, event in enumerate(events)}


EVENTS: dict[str, Callable[[list[Any]], Any]] = {
    "empty": lambda _events: [],
    "object": _as_object,
    "duplicates": lambda events: [event for event in events for _ in range(2)],
    "malformed": lambda events: _mixed(events, MALFORMED),
    "nan": _with_nan,
}

# Parameters that the events endpoint ignores, so that the response contains more or different events.
IGNORED = {"limit_ignored": "limit", "page_ignored": "page", "days_ignored": "days"}

KINDS = {"delay", *ANSWERS, *CHANGES, *EVENTS, *IGNORED}
