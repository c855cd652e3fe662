"""Proxy and certificates may be in .env: every program uses them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import ROOT
from support.tls_server import TlsServer, make_certificate, tls_server
from support.tunnel import Tunnel, tunnel_to

HOST = "inside.example.org"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    with tls_server(make_certificate(tmp_path, HOST)) as server:
        yield server


@pytest.fixture
def proxy(server: TlsServer) -> Iterator[Tunnel]:
    with tunnel_to(server.server_port) as proxy:
        yield proxy


def run(program: str, *options: str, proxy: Tunnel, folder: Path, **settings: str) -> str:
    """Run a program of bin/ with settings in a file, and return its log."""
    settings |= {
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy.server_port}",
        "REQUESTS_CA_BUNDLE": str(folder / f"{HOST}.pem"),
    }
    (folder / "env").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    env = {"PATH": os.environ["PATH"], "ENV_FILE": str(folder / "env"), "BUILD_DIR": str(folder / "build")}
    done = subprocess.run(
        [ROOT / "bin" / program, *options], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stderr


def test_notify_uses_the_proxy_and_the_certificates_of_the_file(
    tmp_path: Path, server: TlsServer, proxy: Tunnel
) -> None:
    server.pages["/ping"] = (200, {}, b"")
    (tmp_path / "log").write_text("")
    log = run(
        "notify",
        "--log",
        str(tmp_path / "log"),
        "success",
        proxy=proxy,
        folder=tmp_path,
        PING_URL=f"https://{HOST}/ping",
    )
    assert "ping failed" not in log
    assert proxy.asked == [f"{HOST}:443"]
    assert [path for _, path, _ in server.requests] == ["/ping"]


def test_verify_uses_the_proxy_and_the_certificates_of_the_file(
    tmp_path: Path, server: TlsServer, proxy: Tunnel
) -> None:
    site = tmp_path / "build" / "site"
    site.mkdir(parents=True)
    (tmp_path / "build" / "site.manifest").write_text(f"{'0' * 64}  index.html\n")
    (site / "status.json").write_text('{"fetched": "2026-03-03T14:00:00+00:00"}')
    log = run("verify", proxy=proxy, folder=tmp_path, SITE_URL=f"https://{HOST}")
    assert set(proxy.asked) == {f"{HOST}:443"}, log
    assert server.requests


def test_fetch_uses_the_proxy_and_the_certificates_of_the_file(
    tmp_path: Path, server: TlsServer, proxy: Tunnel
) -> None:
    settings = {"LIBCAL_URL": f"https://{HOST}", "LIBCAL_CLIENT_ID": "1", "LIBCAL_CLIENT_SECRET": "word"}
    run("fetch", proxy=proxy, folder=tmp_path, LIBCAL_CALENDARS="7", **settings)
    assert set(proxy.asked) == {f"{HOST}:443"}
    assert "/1.1/oauth/token" in [path for _, path, _ in server.requests]
