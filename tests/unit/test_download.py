from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fetching.deadline import Deadline
from fetching.download import Downloader, Fetched, NotFetched, resolve
from fetching.links import Origin, is_public_address
from support.raw_server import head, raw_server
from support.tls_server import TlsServer, make_certificate, tls_server
from support.tunnel import Tunnel, tunnel_to

HOST = "images.example.org"
LIBCAL = Origin.of("https://library.libcal.com/1.1")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), HOST, "cdn.example.org")


@pytest.fixture(scope="module")
def running(certificate: Path) -> Iterator[TlsServer]:
    with tls_server(certificate) as server:
        yield server


@pytest.fixture
def server(running: TlsServer) -> TlsServer:
    running.requests.clear()
    running.pages["/1.png"] = (
        200,
        {"ETag": '"one"', "Last-Modified": "Tue, 03 Mar 2026 14:00:00 GMT"},
        b"image",
    )
    return running


def downloader(certificate: Path, *, public: tuple[str, ...] = ("127.0.0.1",)) -> Downloader:
    """A downloader that resolves every name to this machine; the addresses in `public` count as public."""
    return Downloader(
        origin=LIBCAL,
        user_agent="events-display/test",
        limit=100_000,
        resolve=lambda host, port: ["127.0.0.1"],
        is_public=lambda address: address in public,
        ca_bundle=str(certificate),
    )


def get(what: Downloader, server: TlsServer, path: str = "/1.png", **validators: str) -> Fetched:
    return what.get(f"https://{HOST}:{server.server_port}{path}", Deadline(5), **validators)


def cause(what: Downloader, server: TlsServer, path: str = "/1.png") -> str:
    with pytest.raises(NotFetched) as caught:
        get(what, server, path)
    return caught.value.cause


def test_a_file_is_downloaded_with_its_validators_from_the_checked_address(
    server: TlsServer, certificate: Path
) -> None:
    assert get(downloader(certificate), server) == Fetched(
        data=b"image", etag='"one"', last_modified="Tue, 03 Mar 2026 14:00:00 GMT"
    )
    [(host, path, headers)] = server.requests
    assert (host, path) == (f"{HOST}:{server.server_port}", "/1.png")
    assert headers["User-Agent"] == "events-display/test"
    assert "Authorization" not in headers
    assert "Cookie" not in headers


def test_an_unchanged_file_is_not_sent_again(server: TlsServer, certificate: Path) -> None:
    fetched = get(
        downloader(certificate), server, etag='"one"', last_modified="Tue, 03 Mar 2026 14:00:00 GMT"
    )
    assert fetched.data is None
    assert server.requests[0][2]["If-Modified-Since"] == "Tue, 03 Mar 2026 14:00:00 GMT"


def test_the_certificate_must_match_the_name(server: TlsServer, certificate: Path, tmp_path: Path) -> None:
    other = make_certificate(tmp_path, "other.example.org")
    assert cause(downloader(other), server) == "tls"
    with pytest.raises(NotFetched, match="tls"):
        downloader(certificate).get(f"https://other.example.org:{server.server_port}/1.png", Deadline(5))
    assert not server.requests


@pytest.mark.parametrize(
    "addresses",
    [
        [],
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["8.8.8.8", "192.168.0.1"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["0.0.0.0"],
        ["224.0.0.1"],
        ["::1"],
        ["fe80::1%eth0"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["what is this"],
    ],
)
def test_a_name_with_a_private_address_is_refused_before_any_request(
    server: TlsServer, certificate: Path, addresses: list[str]
) -> None:
    real = replace(downloader(certificate), is_public=is_public_address, resolve=lambda host, port: addresses)
    assert cause(real, server) == "address_refused"
    assert not server.requests


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::6810:84e5", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public_address(address)


def test_a_name_is_resolved_only_once(server: TlsServer, certificate: Path) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    rebinding = replace(downloader(certificate), resolve=lambda host, port: next(answers))
    assert get(rebinding, server).data == b"image"
    assert next(answers) == ["10.0.0.1"]


def test_the_next_address_of_a_name_is_tried(server: TlsServer, certificate: Path) -> None:
    several = replace(
        downloader(certificate, public=("127.0.0.1", "127.0.0.9")),
        resolve=lambda host, port: ["127.0.0.9", "127.0.0.1"],
    )
    # No server listens on 127.0.0.9.
    assert get(several, server).data == b"image"


def test_a_redirect_is_followed_to_another_public_name(server: TlsServer, certificate: Path) -> None:
    server.pages["/moved"] = (302, {"Location": f"https://cdn.example.org:{server.server_port}/1.png"}, b"")
    server.pages["/relative"] = (301, {"Location": "/1.png"}, b"")
    assert get(downloader(certificate), server, "/moved").data == b"image"
    assert server.requests[-1][0] == f"cdn.example.org:{server.server_port}"
    assert get(downloader(certificate), server, "/relative").data == b"image"


@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://intranet/",
        "https://user@images.example.org/",
        "http://169.254.169.254/latest",
        "http://127.0.0.1:5000/images/x",
        "//[::1]/x",
        "file:///etc/passwd",
        "gopher://a.org/",
    ],
)
def test_a_redirect_into_the_network_is_refused(server: TlsServer, certificate: Path, location: str) -> None:
    server.pages["/moved"] = (302, {"Location": location}, b"")
    assert cause(downloader(certificate), server, "/moved") == "address_refused"
    assert len(server.requests) == 1


def test_a_redirect_to_a_private_name_is_refused(server: TlsServer, certificate: Path) -> None:
    server.pages["/moved"] = (302, {"Location": f"https://cdn.example.org:{server.server_port}/1.png"}, b"")
    what = replace(
        downloader(certificate), resolve=lambda host, port: ["127.0.0.1"] if host == HOST else ["10.0.0.1"]
    )
    assert cause(what, server, "/moved") == "address_refused"


def test_the_number_of_redirects_is_limited(server: TlsServer, certificate: Path) -> None:
    server.pages["/round"] = (302, {"Location": "/round"}, b"")
    assert cause(downloader(certificate), server, "/round") == "redirects"
    assert len(server.requests) == 4


@pytest.mark.parametrize(("status", "expected"), [(404, "http_404"), (500, "http_500"), (206, "http_206")])
def test_any_other_response_is_a_failure(
    server: TlsServer, certificate: Path, status: int, expected: str
) -> None:
    server.pages["/x"] = (status, {}, b"image")
    assert cause(downloader(certificate), server, "/x") == expected


def test_a_file_that_is_too_large_is_not_read(server: TlsServer, certificate: Path) -> None:
    server.pages["/declared"] = (200, {"Content-Length": "100001"}, b"x")
    assert cause(downloader(certificate), server, "/declared") == "too_large"

    def endless(connection: socket.socket) -> None:
        connection.sendall(head(Connection="close"))
        while True:
            connection.sendall(b"x" * 65_536)

    server.pages["/endless"] = endless
    assert cause(downloader(certificate), server, "/endless") == "too_large"


def test_a_truncated_file_is_a_failure(server: TlsServer, certificate: Path) -> None:
    server.pages["/cut"] = (200, {"Content-Length": "500"}, b"x")
    assert cause(downloader(certificate), server, "/cut") in ("truncated", "timeout", "reset")


def test_a_file_sent_byte_by_byte_stops_at_the_deadline(server: TlsServer, certificate: Path) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(head(Content_Length="1000"))
        while True:
            time.sleep(0.05)
            connection.sendall(b"x")

    server.pages["/drip"] = drip
    with pytest.raises(NotFetched, match="deadline"):
        downloader(certificate).get(f"https://{HOST}:{server.server_port}/drip", Deadline(0.4))


def test_an_unknown_name_is_a_failure(certificate: Path) -> None:
    with pytest.raises(NotFetched, match="dns"):
        replace(downloader(certificate), resolve=resolve).get("https://images.invalid/1.png", Deadline(5))


def test_only_the_stand_in_may_use_http_and_a_loopback_address() -> None:
    def answer(connection: socket.socket, request: bytes) -> None:
        moved = head(Location="http://127.0.0.1:1/1.png").replace(b"200 OK", b"302 Found")
        connection.sendall(moved if b"/moved" in request else head(Content_Length="5") + b"image")

    with raw_server(answer) as server:
        what = Downloader(origin=Origin.of(f"{server.url}/1.1"), user_agent="test", limit=1000)
        assert what.get(f"{server.url}/1.png", Deadline(5)).data == b"image"
        for address in (f"{server.url}/moved", "http://127.0.0.1:1/1.png", "https://127.0.0.1/1.png"):
            with pytest.raises(NotFetched, match="address_refused"):
                what.get(address, Deadline(5))
        elsewhere = replace(what, origin=LIBCAL)
        with pytest.raises(NotFetched, match="address_refused"):
            elsewhere.get(f"{server.url}/1.png", Deadline(5))
        assert len(server.requests) == 2


@pytest.fixture
def tunnel(server: TlsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tunnel]:
    with tunnel_to(server.server_port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:word@127.0.0.1:{proxy.server_port}")
        yield proxy


def unresolvable(host: str, port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "unknown name")


def test_with_a_proxy_the_proxy_resolves_the_name(
    server: TlsServer, certificate: Path, tunnel: Tunnel
) -> None:
    assert get(replace(downloader(certificate), resolve=unresolvable), server).data == b"image"
    assert get(downloader(certificate), server).data == b"image"
    assert tunnel.asked == [f"{HOST}:{server.server_port}"] * 2
    assert tunnel.logins == ["Basic bWU6d29yZA=="] * 2


def test_with_a_proxy_a_name_with_a_private_address_is_still_refused(
    server: TlsServer, certificate: Path, tunnel: Tunnel
) -> None:
    assert cause(downloader(certificate, public=()), server) == "address_refused"
    with pytest.raises(NotFetched, match="address_refused"):
        downloader(certificate).get("https://10.0.0.1/1.png", Deadline(5))
    assert tunnel.asked == []


def test_no_proxy_hosts_are_reached_directly(
    server: TlsServer, certificate: Path, tunnel: Tunnel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", ".example.org")
    assert get(downloader(certificate), server).data == b"image"
    assert tunnel.asked == []
