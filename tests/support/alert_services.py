"""The alert services as listeners that refuse, or do not show, what the real services refuse.

`shown` holds the text of each message that a person would see.
"""

from __future__ import annotations

import email.header
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

ADAPTIVE = "application/vnd.microsoft.card.adaptive"


def _slack(body: dict[str, Any]) -> str | None:
    """Accept a text; Slack reads <...> as a link or a mention."""
    text = body.get("text")
    return text if isinstance(text, str) and text and set(body) == {"text"} and "<" not in text else None


def _teams(body: dict[str, Any]) -> str | None:
    """Show an adaptive card only: a workflow answers 202 to any JSON."""
    cards = body.get("attachments") if body.get("type") == "message" else None
    if not cards or cards[0].get("contentType") != ADAPTIVE:
        return ""
    card = cards[0]["content"]
    if card.get("type") != "AdaptiveCard" or not re.fullmatch(r"1\.[0-5]", card.get("version", "")):
        return ""
    return "\n".join(
        block["text"] for block in card["body"] if block["type"] == "TextBlock" and block["wrap"]
    )


def _discord(body: dict[str, Any]) -> str | None:
    text = body.get("content")
    return text if isinstance(text, str) and 0 < len(text) <= 2000 else None


def _gchat(body: dict[str, Any]) -> str | None:
    return body["text"] if set(body) == {"text"} and body["text"] else None


RULES = {"slack": (_slack, 200), "teams": (_teams, 202), "discord": (_discord, 204), "gchat": (_gchat, 200)}


class Services:
    """All services on one address, each below its name: http://127.0.0.1:PORT/slack."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        services = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"])).decode()
                name = self.path.strip("/")
                status, text = (
                    services._ntfy(self, data) if name == "ntfy" else services._json(name, self, data)
                )
                if text:
                    services.shown.append(text)
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _json(self, name: str, request: BaseHTTPRequestHandler, data: str) -> tuple[int, str]:
        if request.headers["Content-Type"] != "application/json":
            return 415, ""
        rule, good = RULES[name]
        text = rule(json.loads(data))
        return (400, "") if text is None else (good, text)

    def _ntfy(self, request: BaseHTTPRequestHandler, data: str) -> tuple[int, str]:
        """Accept a text of at most 4 kB, and headers in ASCII or RFC 2047."""
        title, priority = request.headers.get("Title", ""), request.headers.get("Priority", "default")
        if not title.isascii() or priority not in ("min", "low", "default", "high", "urgent", "max"):
            return 400, ""
        shown = str(email.header.make_header(email.header.decode_header(title)))
        return (200, f"{shown}\n{data}") if len(data.encode()) <= 4096 else (413, "")
