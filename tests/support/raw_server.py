"""A TCP server without a protocol: the test decides how to handle each connection."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

Answer = Callable[[socket.socket, bytes], None]


class RawServer:
    """Listens on a loopback port and calls `answer(connection, request)` for every connection."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.requests: list[bytes] = []
        self.stopped = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        self.stopped.set()
        # shutdown wakes the thread in accept(); close alone does not.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            request = connection.recv(65536)
            self.requests.append(request)
            self._answer(connection, request)

    # Faults.

    def drip(self, connection: socket.socket, data: bytes, seconds: float) -> None:
        """Send one byte at a time, with a pause after each."""
        for byte in data:
            connection.sendall(bytes([byte]))
            if self.stopped.wait(seconds):
                return

    def silence(self, connection: socket.socket, _: bytes) -> None:
        """Accept the connection and send no data."""
        self.stopped.wait(30)

    @staticmethod
    def reset(connection: socket.socket) -> None:
        """Reset the connection (RST)."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


@contextlib.contextmanager
def raw_server(answer: Answer) -> Iterator[RawServer]:
    server = RawServer(answer)
    try:
        yield server
    finally:
        server.close()


def head(**headers: str) -> bytes:
    """Return the status line and headers of a 200 response."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()
