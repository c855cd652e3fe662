"""A LibCal on a loopback port that sends prepared bytes: answers that the stand-in would never write."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

# The bodies of a calendar: one for each page, or one for all.
Pages = list[bytes] | bytes

GOOD = "99"
GOOD_TITLE = "A good event beside the bad ones"


def good_event(day: str) -> dict[str, Any]:
    """Return the one event of the calendar GOOD."""
    return {
        "id": 990099,
        "title": GOOD_TITLE,
        "start": f"{day}T10:00:00-05:00",
        "end": f"{day}T11:00:00-05:00",
        "calendar": {"id": int(GOOD), "name": "Good"},
        "description": "<p>It is published with its <b>description</b>, whatever else LibCal sends.</p>",
        "url": {"public": "https://library.libcal.com/event/990099"},
    }


class FixedLibCal:
    """Serves while its `with` block runs. `pages` are the bodies of each calendar's pages.

    A value of `pages` may be one body: then each page has it, as if LibCal ignored `page`.
    """

    def __init__(self, pages: Mapping[str, Pages], *, calendars: bytes = b"") -> None:
        self.pages = dict(pages)
        names = [{"calid": key, "name": f"Calendar {key}"} for key in pages]
        self.calendars = calendars or json.dumps({"calendars": names}).encode()
        self.url = ""

    @property
    def settings(self) -> dict[str, str]:
        """The settings to fetch all its calendars."""
        return {
            "LIBCAL_URL": self.url,
            "LIBCAL_CLIENT_ID": "1",
            "LIBCAL_CLIENT_SECRET": "5ec2e75ec2e75ec2e75ec2e75ec2e75e",
            "LIBCAL_CALENDARS": ",".join(f"{key}=Branch {key}" for key in self.pages),
        }

    def answer(self, target: str) -> tuple[int, bytes]:
        """Return status and body of the answer to a request."""
        parts = urlsplit(target)
        if parts.path.endswith("/token"):
            return 200, b'{"access_token":"token"}'
        if parts.path.endswith("/calendars"):
            return 200, self.calendars
        if not parts.path.endswith("/events"):
            return 404, b""
        query = parse_qs(parts.query)
        pages, number = self.pages[query["cal_id"][0]], int(query["page"][0])
        if isinstance(pages, bytes):
            return 200, pages
        return 200, pages[number - 1] if number <= len(pages) else b'{"events":[]}'

    def __enter__(self) -> Self:
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, body = outer.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Say nothing of clients that hang up on an answer that is too large."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
