"""Serve a WSGI application on loopback while a `with` block or a program runs."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any
from wsgiref.types import WSGIApplication

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

HOST = "127.0.0.1"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 seconds


class QuietHandler(WSGIRequestHandler):
    """Writes no log line for each request; the applications keep a log of their own."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Ignore the request."""


class _Server(ThreadedWSGIServer):
    def shutdown_request(self, request: Any) -> None:
        # shutdown() would send a FIN before the requested reset.
        if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(RESET_ON_CLOSE)) == RESET_ON_CLOSE:
            self.close_request(request)
        else:
            super().shutdown_request(request)


@contextlib.contextmanager
def serve(
    app: WSGIApplication, port: int = 0, *, handler: type[WSGIRequestHandler] = QuietHandler
) -> Iterator[str]:
    """Serve `app` in threads of this process; yield its address, without a slash at the end.

    Port 0 means any free port. Raises OSError with the port as its filename if the port is not available.
    """
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        number = error.errno or 0
        raise OSError(number, os.strerror(number), f"port {port}") from None
    with listener:
        server = _Server(HOST, port, app, handler, fd=listener.fileno())
    thread = threading.Thread(target=server.serve_forever, args=(0.03,), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.port}"
    finally:
        server.shutdown()
        thread.join()


def stop_signal() -> threading.Event:
    """Handle SIGINT and SIGTERM from now on; return an event that they set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def wait_for_signal() -> None:
    """Wait for SIGINT or SIGTERM."""
    stop_signal().wait()
