"""Stand-in for the credentials of a machine: EC2's instance metadata service (version 2), and ECS's endpoint.

Prints its address and serves until it is killed.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ROLE = "/latest/meta-data/iam/security-credentials/"


def credentials(token: str) -> str:
    """Return temporary credentials with this session token."""
    return json.dumps(
        {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "AccessKeyId": "ASIALARKFIELDROLE",
            "SecretAccessKey": "role-secret",
            "Token": token,
            "Expiration": "2100-01-01T00:00:00Z",
            "LastUpdated": "2026-01-01T00:00:00Z",
        }
    )


class Handler(BaseHTTPRequestHandler):
    """Answers as the services do."""

    answers = {  # noqa: RUF012
        ("PUT", "/latest/api/token"): "session",
        ("GET", _ROLE): "publisher",
        ("GET", f"{_ROLE}publisher"): credentials("role-token"),
        ("GET", "/task"): credentials("task-token"),
    }

    def do_GET(self) -> None:
        """Answer a request of any method; the metadata only with a session."""
        answer = self.answers.get((self.command, self.path), "")
        refused = self.path.startswith(_ROLE) and self.headers.get("X-aws-ec2-metadata-token") != "session"
        self.send_response(401 if refused else 200 if answer else 404)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    do_PUT = do_GET

    def log_message(self, *_: Any) -> None:
        """Write no log line for each request."""


def main() -> None:
    """Serve until the process is killed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
