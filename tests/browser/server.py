"""A web server for a generated site on a loopback port; a test can change or withhold its answers."""

from __future__ import annotations

import gzip
import http.server
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

# The same types as the upload sets: the charset matters, and not every system knows the feeds' types.
TYPES = {
    ".atom": "application/atom+xml; charset=utf-8",
    ".rss": "application/rss+xml; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".xml": "application/xml; charset=utf-8",
}


class SiteServer:
    """Serves `folder` until `close`.

    `spoil`, if set, gets (path, status, body) of every answer and returns the status and body to send
    instead, or None to close the connection. `date`, if set, is the time of the Date header in seconds since
    the epoch; `age` is the Age header, as from a CDN. `shared` allows other sites to read the files (CORS).
    `compressing` gzips text, as CloudFront does. `requests` lists the requested paths with their queries.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spoil: Callable[[str, int, bytes], tuple[int, bytes] | None] | None = None
        self.date: float | None = None
        self.age: int | None = None
        self.shared = False
        self.compressing = False
        self.requests: list[str] = []
        self._start(0)

    def _start(self, port: int) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, site=self))
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return f"http://127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        """Return the address of a file of the site."""
        return f"{self.origin}/{path}"

    def close(self) -> None:
        """Stop the server: it refuses connections."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reopen(self) -> None:
        """Start the server again at the same address."""
        self._start(self.port)


class _Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, *arguments: Any, site: SiteServer) -> None:
        self.site = site
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self.site.requests.append(self.path)
        path = self.path.partition("?")[0].lstrip("/") or "index.html"
        file = (self.site.folder / path).resolve()
        inside = file.is_relative_to(self.site.folder.resolve()) and file.is_file()
        status, name = (HTTPStatus.OK, file) if inside else (HTTPStatus.NOT_FOUND, None)
        body = name.read_bytes() if name else b"not found"
        answer: tuple[int, bytes] | None = (int(status), body)
        if self.site.spoil:
            answer = self.site.spoil(path, int(status), body)
        if answer is None:
            self.close_connection = True
            return
        self.send_response_only(answer[0])
        self.send_header("Date", formatdate(self.site.date or time.time(), usegmt=True))
        if self.site.age is not None:
            self.send_header("Age", str(self.site.age))
        body = answer[1]
        if self.site.compressing and file.suffix not in (".png", ".webp"):
            body = gzip.compress(body, 6)
            self.send_header("Content-Encoding", "gzip")
        kind = ".html" if path.startswith("e/") else file.suffix
        self.send_header("Content-Type", TYPES.get(kind, "application/octet-stream"))
        self.send_header("Content-Length", str(len(body)))
        if self.site.shared:
            self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass
