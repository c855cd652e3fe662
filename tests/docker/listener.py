"""A web hook for the systemd test: writes each request as a JSON line to FILE.

Usage: listener.py FILE

Prints its address on stdout.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Listener(BaseHTTPRequestHandler):
    """Answers every request with 204."""

    def do_POST(self) -> None:
        """Append the path and the body."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with open(sys.argv[1], "a", encoding="utf-8") as file:
            print(json.dumps({"path": self.path, "body": body}), file=file)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Do not log."""


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), Listener)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
