"""Serve a WSGI application on loopback for as long as a `with` block or a program runs."""

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
    """Writes no line for each request: who wants to know them asks the application."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing."""


class _Server(ThreadedWSGIServer):
    def shutdown_request(self, request: Any) -> None:
        # The FIN that shutdown() sends would come before the reset that was asked for.
        if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(RESET_ON_CLOSE)) == RESET_ON_CLOSE:
            self.close_request(request)
        else:
            super().shutdown_request(request)


@contextlib.contextmanager
def serve(
    app: WSGIApplication, port: int = 0, *, handler: type[WSGIRequestHandler] = QuietHandler
) -> Iterator[str]:
    """Serve `app` in threads of this process; yield its address, without a slash at the end.

    Port 0 takes any free one. Raises OSError, with the port as its filename, if it is not to be had.
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


def asked_to_end() -> threading.Event:
    """Return what is set when, from now on, this program is asked to end (SIGINT, SIGTERM)."""
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    return asked


def wait_for_signal() -> None:
    """Return when this program is asked to end."""
    asked_to_end().wait()
