"""An HTTP proxy on loopback that connects every name to one port and records the names."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Tunnel(ThreadingHTTPServer):
    """A proxy that connects every name to one port of this machine and records the names."""

    daemon_threads = True

    def __init__(self, target: int) -> None:
        super().__init__(("127.0.0.1", 0), _TunnelHandler)
        self.target = target
        self.asked: list[str] = []
        self.logins: list[str | None] = []


class _TunnelHandler(BaseHTTPRequestHandler):
    server: Tunnel

    def do_CONNECT(self) -> None:
        self.server.asked.append(self.path)
        self.server.logins.append(self.headers["Proxy-Authorization"])
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", self.server.target)) as onward:
            pipe = threading.Thread(target=_copy, args=(onward, self.connection))
            pipe.start()
            _copy(self.connection, onward)
            pipe.join()

    def log_message(self, format: str, *args: object) -> None:
        pass


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def tunnel_to(port: int) -> Iterator[Tunnel]:
    """Run a proxy that leads to `port`."""
    with Tunnel(port) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy
        proxy.shutdown()
