"""HTTP proxy in front of moto that logs every request and can inject faults.

Usage: python -m standins.fault_proxy [--bucket NAME]

Starts moto and the proxy, prints the environment variables that point the AWS CLI at the proxy as
KEY=value lines, then an empty line, and serves until SIGTERM or SIGINT.

    GET    /-/log      the requests, one per line: "PutObject event/1.html 200 sent=812 fault="
                       (with "token=..." at the end if the request has a session token)
    DELETE /-/log      clear the log
    PUT    /-/faults   set the faults: a JSON list (see Fault)
    DELETE /-/faults   remove all faults

Like AWS and unlike moto, the proxy discards a request if the client dies while sending it, refuses invalid
paths, and checks CallerReference: a repeated batch gets the first response, a different batch with the
same reference is refused.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

HOST = "127.0.0.1"

# AWS's error responses: code -> (status, message).
ERRORS = {
    "AccessDenied": (403, "Access Denied"),
    "InvalidAccessKeyId": (403, "The AWS Access Key Id you provided does not exist in our records."),
    "SignatureDoesNotMatch": (403, "The request signature we calculated does not match"),
    "ExpiredToken": (400, "The provided token has expired."),
    "RequestTimeTooSkewed": (
        403,
        "The difference between the request time and the current time is too large.",
    ),
    "NoSuchBucket": (404, "The specified bucket does not exist"),
    "MissingContentMD5": (400, "Missing required header for this request: Content-MD5"),
    "InvalidArgument": (400, "Your request contains one or more invalid invalidation paths."),
    "InvalidationBatchAlreadyExists": (409, "The caller reference that you specified is in use."),
    "NoSuchDistribution": (404, "The specified distribution does not exist."),
    "SlowDown": (503, "Please reduce your request rate."),
    "ServiceUnavailable": (503, "Service is unable to handle request."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "Throttling": (400, "Rate exceeded"),
    "TooManyInvalidationsInProgress": (400, "Processing your request will cause you to exceed the maximum"),
}


# A valid path to invalidate: all unsafe characters encoded, `*` only at the end.
_PATH = re.compile(r"/[A-Za-z0-9_.~$&+,:;=@!'()/%-]{0,3999}\*?")
MOST_PATHS = 3000


@dataclass(slots=True, kw_only=True)
class Fault:
    """A fault, and the requests that it applies to.

    `kind` is an AWS error code (see ERRORS), or
    - reset: the connection is reset, and AWS does not get the request;
    - lost: AWS executes the request, but the connection is reset before the response;
    - slow: AWS executes the request after `seconds`;
    - uplink: all requests together arrive with `rate` bytes a second;
    - undeleted: DeleteObjects is answered with status 200 and an error for each key;
    - cut: AWS executes the request, but only half of the response arrives;
    - kill, kill-after: the process `pid` gets SIGKILL before or after AWS executes the request.
    `message` replaces the text of an AWS error. The first `skip` matching requests pass, the next `times`
    fail (0: all).
    """

    kind: str
    operation: str = ".*"
    key: str = ".*"
    skip: int = 0
    times: int = 0
    seconds: float = 0
    rate: float = 0
    pid: int = 0
    message: str = ""
    seen: int = 0

    def hits(self, operation: str, key: str) -> bool:
        """Count a matching request; return whether the fault applies to it."""
        if not re.fullmatch(self.operation, operation) or not re.fullmatch(self.key, key):
            return False
        self.seen += 1
        return self.seen > self.skip and (not self.times or self.seen <= self.skip + self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One logged request; `sent` and `received` are the bytes of the bodies."""

    operation: str
    key: str
    status: int
    sent: int
    received: int
    fault: str = ""
    paths: tuple[str, ...] = ()
    token: str = ""

    def __str__(self) -> str:
        words = [self.operation, self.key, str(self.status), f"sent={self.sent}", f"fault={self.fault}"]
        return " ".join([*words, *self.paths, *([f"token={self.token}"] if self.token else [])])


@dataclass(slots=True)
class State:
    """State that all handlers share; `upstream` is moto's address as host:port."""

    upstream: str
    faults: list[Fault] = field(default_factory=list)
    log: list[Request] = field(default_factory=list)
    references: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    invalidations: list[list[str]] = field(default_factory=list)
    line_free_at: float = 0  # when the slow uplink has passed on all bodies so far
    # For a simulator in the same process: called before a request is passed on, and after its execution.
    before: Callable[[str, str], None] = lambda _operation, _key: None
    after: Callable[[str, str, bytes, Mapping[str, str]], None] = lambda _operation, _key, _body, _headers: (
        None
    )
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_for_line(self, size: int, rate: float) -> None:
        """Wait until a body of `size` bytes has passed a line of `rate` bytes a second, shared by all."""
        with self.lock:
            self.line_free_at = max(self.line_free_at, time.monotonic()) + size / rate
            wait = self.line_free_at - time.monotonic()
        time.sleep(wait)

    def fault_for(self, operation: str, key: str) -> Fault | None:
        """Return the fault that applies to this request, if any."""
        with self.lock:
            return next((fault for fault in self.faults if fault.hits(operation, key)), None)


def operation_of(method: str, target: str) -> tuple[str, str]:
    """Return AWS's name for the operation, and the S3 key or the distribution's id."""
    parts = urlsplit(target)
    query = parse_qs(parts.query, keep_blank_values=True)
    path = unquote(parts.path)
    if path.startswith("/2020-05-31/"):
        piece = path.split("/")
        name = {"POST": "Create", "GET": "Get"}.get(method, method)
        kind = "Invalidation" if "invalidation" in piece else "Distribution"
        return name + kind, piece[3] if len(piece) > 3 else ""
    bucket, _, key = path.lstrip("/").partition("/")
    if key:
        return {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}.get(
            method, method
        ), key
    if "delete" in query:
        return "DeleteObjects", bucket
    if "list-type" in query:
        return "ListObjectsV2", bucket
    return {"PUT": "CreateBucket", "GET": "ListObjects", "HEAD": "HeadBucket"}.get(method, method), bucket


class Handler(BaseHTTPRequestHandler):
    """Passes requests on to moto, unless a fault applies."""

    protocol_version = "HTTP/1.1"
    state: State

    def log_message(self, format: str, *args: Any) -> None:
        """Write no log line for each request."""

    def do_GET(self) -> None:
        """Handle a request of any method."""
        body = self._body()
        if self.path.startswith("/-/"):
            self._control(body)
            return
        operation, key = operation_of(self.command, self.path)
        fault = self.state.fault_for(operation, key)
        paths = tuple(re.findall(r"<Path>(.*?)</Path>", body.decode("utf-8", "replace")))
        kind = fault.kind if fault else ""
        self.state.before(operation, key)
        if fault and kind == "kill":
            os.kill(fault.pid, signal.SIGKILL)
        if fault and kind == "slow":
            time.sleep(fault.seconds)
        if fault and kind == "uplink":
            self.state.wait_for_line(len(body), fault.rate)
        if kind in ("reset", "kill"):
            self._note(operation, key, 0, body, b"", kind, paths)
            self._reset()
            return
        if fault and kind in ERRORS:
            status, headers, answer = error_answer(kind, operation, fault.message)
        elif kind == "undeleted":
            status, headers, answer = undeleted_answer(body)
        else:
            status, headers, answer = self._once_by_reference(operation, body)
        self._note(operation, key, status, body, answer, kind, paths)
        if status < 300 and kind != "undeleted":
            self.state.after(operation, key, body, dict(self.headers.items()))
        if fault and kind == "kill-after":
            os.kill(fault.pid, signal.SIGKILL)
        if kind in ("lost", "kill-after"):
            self._reset()
            return
        self._answer(status, headers, answer, cut=kind == "cut")

    do_PUT = do_POST = do_HEAD = do_DELETE = do_GET

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self._whole(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self._whole(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _whole(self, size: int) -> bytes:
        """Read `size` bytes; close the connection if there are fewer: AWS executes only complete requests."""
        body = self.rfile.read(size)
        if len(body) < size:
            raise ConnectionAbortedError
        return body

    def _once_by_reference(self, operation: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Pass the request on, but handle a repeated CallerReference as CloudFront does."""
        found = re.search(rb"<CallerReference>(.*?)</CallerReference>", body)
        if operation != "CreateInvalidation" or not found:
            return self._pass_on(body)
        paths = [unescape(path) for path in re.findall(r"<Path>(.*?)</Path>", body.decode())]
        if not 0 < len(paths) <= MOST_PATHS or not all(map(_PATH.fullmatch, paths)):
            return error_answer("InvalidArgument", operation)
        reference, content = found[1].decode(), re.sub(rb"<CallerReference>.*?</CallerReference>", b"", body)
        with self.state.lock:
            earlier = self.state.references.get(reference)
        if earlier and earlier[0] != content:
            return error_answer("InvalidationBatchAlreadyExists", operation)
        if earlier:
            return 201, {"Content-Type": "text/xml"}, earlier[1]
        status, headers, answer = self._pass_on(body)
        if status == 201:
            with self.state.lock:
                self.state.references[reference] = (content, answer)
                self.state.invalidations.append(paths)
        return status, headers, answer

    def _pass_on(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        connection = http.client.HTTPConnection(self.state.upstream, timeout=60)
        skipped = ("transfer-encoding", "content-length", "expect", "connection")
        headers = {name: value for name, value in self.headers.items() if name.lower() not in skipped}
        headers["Content-Length"] = str(len(body))
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), content

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes, *, cut: bool = False) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        length = next((value for name, value in headers.items() if name.lower() == "content-length"), None)
        self.send_header("Content-Length", length if length and self.command == "HEAD" else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self._reset()

    def _reset(self) -> None:
        with contextlib.suppress(OSError):
            self.wfile.flush()
            # Linger 0: closing sends RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.close()
        self.close_connection = True

    def _note(
        self,
        operation: str,
        key: str,
        status: int,
        body: bytes,
        answer: bytes,
        fault: str,
        paths: tuple[str, ...],
    ) -> None:
        request = Request(
            operation=operation,
            key=key,
            status=status,
            sent=len(body),
            received=len(answer),
            fault=fault,
            paths=paths,
            token=self.headers.get("X-Amz-Security-Token", ""),
        )
        with self.state.lock:
            self.state.log.append(request)

    def _control(self, body: bytes) -> None:
        answer = b""
        with self.state.lock:
            match (self.command, self.path):
                case ("GET", "/-/log"):
                    answer = "".join(f"{request}\n" for request in self.state.log).encode()
                case ("DELETE", "/-/log"):
                    self.state.log.clear()
                case ("PUT", "/-/faults"):
                    self.state.faults = [Fault(**fault) for fault in json.loads(body)]
                case ("DELETE", "/-/faults"):
                    self.state.faults = []
        self._answer(200, {"Content-Type": "text/plain"}, answer)


def error_answer(code: str, operation: str, text: str = "") -> tuple[int, Mapping[str, str], bytes]:
    """Return status, headers and body of the error `code` in the format of S3 or CloudFront."""
    status, message = ERRORS.get(code, (409, code))
    error = f"<Code>{code}</Code><Message>{escape(text or message)}</Message>"
    if operation.endswith(("Invalidation", "Distribution")):
        text = (
            '<ErrorResponse xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">'
            f"<Error><Type>Sender</Type>{error}</Error><RequestId>0</RequestId></ErrorResponse>"
        )
    else:
        text = f'<?xml version="1.0" encoding="UTF-8"?><Error>{error}<RequestId>0</RequestId></Error>'
    return status, {"Content-Type": "application/xml"}, text.encode()


def undeleted_answer(body: bytes) -> tuple[int, Mapping[str, str], bytes]:
    """Return S3's answer to a DeleteObjects request from a user without the right to delete."""
    errors = "".join(
        f"<Error><Key>{key}</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        for key in re.findall(r"<Key>(.*?)</Key>", body.decode())
    )
    text = f'<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{errors}</DeleteResult>'
    return 200, {"Content-Type": "application/xml"}, text.encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore broken connections: tests kill clients on purpose."""


@contextlib.contextmanager
def serve(upstream: str) -> Iterator[tuple[str, State]]:
    """Serve in a thread in front of `upstream` (an address); yield the proxy's address and its state."""
    state = State(upstream=urlsplit(upstream).netloc)
    server = _Server((HOST, 0), type("BoundHandler", (Handler,), {"state": state}))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}", state
    finally:
        server.shutdown()
        server.server_close()


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    from standins.aws import Aws
    from standins.serving import wait_for_signal

    parser = argparse.ArgumentParser(
        description="Stand-in for S3 and CloudFront that can inject faults", allow_abbrev=False
    )
    parser.add_argument("--bucket", default="larkfield-events")
    options = parser.parse_args(argv)
    with Aws(options.bucket) as aws, serve(aws.url) as (url, _):
        env = {**aws.env, "AWS_ENDPOINT_URL": url}
        print(
            *(f"{key}={value}" for key, value in env.items()), f"MOTO_URL={aws.url}", "", sep="\n", flush=True
        )
        wait_for_signal()
    return 0


if __name__ == "__main__":
    sys.exit(main())
