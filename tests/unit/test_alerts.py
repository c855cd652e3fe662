"""Notices in the form that each alert service accepts and shows."""

from __future__ import annotations

import base64
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import alerts
from alerts import Notice, NotSent
from settings_table import TABLE
from support.alert_services import Services
from support.tls_server import make_certificate

NOTICE = Notice(
    state="failed",
    title="Bibliothèque <Larkfield>: publishing failed",
    lines=("Step: upload (exit code 78)", "Reason: " + "S3 refused & said no. " * 120),
    fields={"run": "r7"},
)
SENDER = "events-display@web1"


@pytest.fixture
def services() -> Iterator[Services]:
    with Services() as services:
        yield services


def send(url: str, **env: str) -> None:
    assert TABLE["NOTIFY_URL"].why_wrong({"NOTIFY_URL": url}) == ""
    alerts.send(url, NOTICE, env, SENDER)


@pytest.mark.parametrize("name", ["slack", "teams", "discord", "gchat", "ntfy"])
def test_each_service_shows_the_notice(services: Services, name: str) -> None:
    send(f"{name}+{services.url}/{name}")
    (shown,) = services.shown
    shown = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert shown.splitlines()[0] == NOTICE.title
    assert "Step: upload (exit code 78)\nReason: S3 refused & said no." in shown


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://hooks.slack.com/services/T0/B0/x", "slack"),
        ("https://prod-17.westus.logic.azure.com:443/workflows/x?api-version=1&sig=y", "teams"),
        ("https://default0.12.environment.api.powerplatform.com:443/powerautomate/x", "teams"),
        ("https://discord.com/api/webhooks/1/x", "discord"),
        ("https://discord.com/api/webhooks/1/x/slack", "slack"),
        ("https://chat.googleapis.com/v1/spaces/x/messages?key=y&token=z", "gchat"),
        ("https://ntfy.sh/larkfield", "ntfy"),
        ("https://larkfield.example/hook", "json"),
        ("https://larkfield.example/hooks.slack.com", "json"),
        ("slack+https://chat.larkfield.example/hooks/x", "slack"),
        ("mailto:web@larkfield.example", "mailto"),
        ("exec:/usr/local/bin/page-me", "exec"),
    ],
)
def test_the_service_follows_from_the_address(url: str, kind: str) -> None:
    assert TABLE["NOTIFY_URL"].why_wrong({"NOTIFY_URL": url}) == ""
    found, address = alerts.service(url)
    assert found == kind
    assert not address.startswith("slack+")


@pytest.mark.parametrize(
    "url",
    [
        "smtp://smtp.larkfield.example:587",
        "smtp://u:p@smtp.larkfield.example?to=web",
        "exec:page-me",
        "teams+hooks.example.org",
        "irc://larkfield.example",
    ],
)
def test_an_address_that_no_service_has_is_a_wrong_setting(url: str) -> None:
    assert TABLE["NOTIFY_URL"].why_wrong({"NOTIFY_URL": url})


def test_a_refusal_says_why_without_the_address(services: Services) -> None:
    with pytest.raises(NotSent, match=r"^400 Bad Request$"):
        send(f"json+{services.url}/gchat")
    with pytest.raises(NotSent, match="Connection refused"):
        send("http://127.0.0.1:9/planted")


def test_a_program_gets_the_state_and_the_fields(tmp_path: Path) -> None:
    program = tmp_path / "page-me"
    program.write_text(f'#!/bin/sh\necho "$1" >{tmp_path}/got; cat >>{tmp_path}/got; exit 0\n')
    program.chmod(0o755)
    send(f"exec:{program}")
    state, _, text = (tmp_path / "got").read_text().partition("\n")
    assert (state, json.loads(text)["title"], json.loads(text)["run"]) == ("failed", NOTICE.title, "r7")
    program.write_text("#!/bin/sh\necho no phone >&2; exit 3\n")
    with pytest.raises(NotSent, match="the program ended with 3: no phone"):
        send(f"exec:{program}")


class Submission(socketserver.StreamRequestHandler):
    """A mail server that refuses mail without TLS and login, as those of providers do."""

    def handle(self) -> None:
        server: MailServer = self.server  # type: ignore[assignment]
        secured = logged_in = False
        if server.implicit:
            self._secure(server)
            secured = True
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline():
            word, _, rest = line.decode().strip().partition(" ")
            word = word.upper()
            answer = "250 ok"
            if word == "EHLO":
                answer = "250-mail\r\n250 AUTH PLAIN" if secured else "250-mail\r\n250 STARTTLS"
            elif word == "STARTTLS":
                self.wfile.write(b"220 go on\r\n")
                self._secure(server)
                secured = True
                continue
            elif word == "AUTH":
                user, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")[1:]
                logged_in = (user, password) == ("events", "p@ss:word")
                answer = "235 ok" if logged_in else "535 refused"
            elif word == "MAIL" and not logged_in:
                answer = "530 log in first"
            elif word == "DATA":
                self.wfile.write(b"354 go on\r\n")
                server.taken.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
            self.wfile.write(b"221 bye\r\n" if word == "QUIT" else answer.encode() + b"\r\n")
            if word == "QUIT":
                return

    def _secure(self, server: MailServer) -> None:
        self.connection = server.context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)

    def finish(self) -> None:
        self.rfile.close()
        self.wfile.close()
        self.connection.close()


class MailServer(socketserver.ThreadingTCPServer):
    """A mail server on localhost; `implicit`: TLS from the first byte (port 465), else STARTTLS (587)."""

    daemon_threads = True

    def __init__(self, certificate: Path, *, implicit: bool) -> None:
        super().__init__(("127.0.0.1", 0), Submission)
        self.implicit, self.taken = implicit, list[str]()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Do not print that the client ended the connection."""


@pytest.mark.parametrize(("scheme", "implicit"), [("smtp", False), ("smtps", True)])
def test_mail_goes_over_tls_with_a_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, implicit: bool
) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    with MailServer(certificate, implicit=implicit) as server:
        address = f"localhost:{server.server_address[1]}"
        good = f"{scheme}://events:p%40ss%3Aword@{address}?from=events@larkfield.example&to=web@larkfield.example"
        with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
            send(good)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        send(good)
        for url, why in (
            (f"{scheme}://events:planted@{address}?to=web@larkfield.example", "535"),
            (f"{scheme}://{address}?to=web@larkfield.example", "530"),
        ):
            with pytest.raises(NotSent, match=why) as refused:
                send(url)
            assert "planted" not in str(refused.value)
        server.shutdown()
    (mail,) = server.taken
    assert "From: events@larkfield.example" in mail
    assert "To: web@larkfield.example" in mail
