"""A network that lets requests out only through a proxy, to a server behind TLS: both on loopback."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True, kw_only=True)
class Network:
    """The proxy's address, the host names that it was asked for, and all bytes that the server received."""

    proxy: str
    hosts: list[str] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)


@contextlib.contextmanager
def network(server: tuple[str, int], certificate: Path) -> Iterator[Network]:
    """Run a proxy that connects every host name to `server`, and speaks TLS in its place."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    found = Network(proxy=f"http://127.0.0.1:{listener.getsockname()[1]}")

    def serve(client: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), client:
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(1) or _end()
            found.hosts.append(head.split()[1].decode().partition(":")[0])
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with (
                context.wrap_socket(client, server_side=True) as inside,
                socket.create_connection(server) as out,
            ):
                threading.Thread(target=pump, args=(out, inside, bytearray()), daemon=True).start()
                pump(inside, out, found.received)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield found
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def pump(source: socket.socket, target: socket.socket, copy: bytearray) -> None:
    """Pass bytes on until one side closes."""
    with contextlib.suppress(OSError, ValueError):
        while data := source.recv(65536):
            copy += data
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _end() -> bytes:
    raise ConnectionAbortedError
