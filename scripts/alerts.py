"""Send one notice to the service that NOTIFY_URL names, in the form that this service accepts.

The service follows from the address. An address of your own server has its name in front:
`teams+https://...`. Uses the standard library only: bin/notify runs on a server without packages.
"""

from __future__ import annotations

import json
import re
import smtplib
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

import network

SECONDS = 5  # for each attempt
MOST_DISCORD = 2000  # characters

# Hosts whose service is known without a name in front of the address.
_HOSTS = (
    (r"hooks\.slack\.com", "slack"),
    (r".*\.(logic\.azure\.com|api\.powerplatform\.com|webhook\.office\.com)", "teams"),
    (r"(.*\.)?(discord|discordapp)\.com", "discord"),
    (r"chat\.googleapis\.com", "gchat"),
    (r"ntfy\.sh", "ntfy"),
)
SERVICES = ("slack", "teams", "discord", "gchat", "ntfy", "json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice: its title, its other lines, and the fields for programs."""

    state: str
    title: str
    lines: tuple[str, ...]
    fields: Mapping[str, str]

    @property
    def text(self) -> str:
        """The whole notice."""
        return "\n".join((self.title, *self.lines))


class NotSent(Exception):
    """The service refused the notice or cannot be reached; the text says why, without the address."""


def service(url: str) -> tuple[str, str]:
    """Return the service of an address, and the address without the service's name."""
    named = re.match(rf"({'|'.join(SERVICES)})\+(https?://.*)", url)
    if named:
        return named[1], named[2]
    parts = urlsplit(url)
    if parts.scheme in ("mailto", "smtp", "smtps", "exec"):
        return parts.scheme, url
    host = parts.hostname or ""
    found = next((name for pattern, name in _HOSTS if re.fullmatch(pattern, host)), "json")
    return ("slack" if found == "discord" and parts.path.endswith("/slack") else found), url


def send(url: str, notice: Notice, env: Mapping[str, str], sender: str) -> None:
    """Send the notice. `sender` is the mail address of this machine. Raises NotSent."""
    kind, address = service(url)
    try:
        if kind == "exec":
            _run(address.removeprefix("exec:"), notice)
        elif kind in ("mailto", "smtp", "smtps"):
            _mail(kind, address, notice, env, sender)
        elif kind == "ntfy":
            _ntfy(address, notice)
        else:
            post(address, "application/json", json.dumps(_BODIES[kind](notice)))
    except urllib.error.HTTPError as error:
        with error:
            answer = error.read(200).decode("utf-8", "replace")
        raise NotSent(f"{error.code} {error.reason} {answer}".strip()) from None
    except (OSError, ValueError, smtplib.SMTPException, subprocess.SubprocessError) as error:
        raise NotSent(str(getattr(error, "reason", error))) from None


def _slack(notice: Notice) -> dict[str, object]:
    escaped = notice.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": escaped}


def _teams(notice: Notice) -> dict[str, object]:
    blocks = [{"type": "TextBlock", "text": notice.title, "weight": "Bolder", "wrap": True}]
    blocks += [{"type": "TextBlock", "text": line, "wrap": True, "spacing": "Small"} for line in notice.lines]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _discord(notice: Notice) -> dict[str, object]:
    return {"content": notice.text[:MOST_DISCORD], "allowed_mentions": {"parse": []}}


def _json(notice: Notice) -> dict[str, object]:
    return {"text": notice.text, "title": notice.title, "state": notice.state, **notice.fields}


_BODIES: Mapping[str, Callable[[Notice], dict[str, object]]] = {
    "slack": _slack,
    "teams": _teams,
    "discord": _discord,
    "gchat": lambda notice: {"text": notice.text},
    "json": _json,
}


def _ntfy(url: str, notice: Notice) -> None:
    good = notice.state == "recovered"
    headers = {
        "Title": Header(notice.title, "utf-8").encode(maxlinelen=10_000),
        "Priority": "default" if good else "high",
        "Tags": "white_check_mark" if good else "warning",
    }
    post(url, "text/plain; charset=utf-8", "\n".join(notice.lines), headers)


def _run(program: str, notice: Notice) -> None:
    """Run a program with the state as argument and the fields as JSON on stdin."""
    done = subprocess.run(  # noqa: S603
        [program, notice.state], input=json.dumps(_json(notice)), text=True, capture_output=True, timeout=30
    )
    if done.returncode:
        raise ValueError(f"the program ended with {done.returncode}: {done.stderr.strip()[-200:]}")


def _mail(kind: str, url: str, notice: Notice, env: Mapping[str, str], sender: str) -> None:
    """Send a mail: through the server of SMTP_SERVER, or through that of smtp://USER:PASSWORD@HOST."""
    parts = urlsplit(url)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    server, _, port = env.get("SMTP_SERVER", "localhost").partition(":")
    number, recipient = int(port or 25), unquote(parts.path)
    if kind != "mailto":
        server, number = parts.hostname or "", parts.port or (465 if kind == "smtps" else 587)
        recipient, sender = query.get("to", ""), query.get("from", sender)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, recipient, notice.title[:150]
    more = "".join(f"{key}: {value}\n" for key, value in notice.fields.items())
    message.set_content(f"{notice.text}\n\n-- \n{more}")
    connect = smtplib.SMTP if kind != "smtps" else _smtps
    with connect(server, number, timeout=SECONDS) as smtp:
        if kind == "smtp":
            smtp.starttls(context=network.tls())
        if parts.username:
            smtp.login(unquote(parts.username), unquote(parts.password or ""))
        smtp.send_message(message)


def _smtps(host: str, port: int, *, timeout: float) -> smtplib.SMTP:
    return smtplib.SMTP_SSL(host, port, timeout=timeout, context=network.tls())


def post(url: str, content_type: str, body: str, headers: Mapping[str, str] | None = None) -> None:
    """POST a text. Raises OSError and ValueError."""
    request = urllib.request.Request(url, body.encode(), {**(headers or {}), "Content-Type": content_type})  # noqa: S310
    _open(request)


def get(url: str) -> None:
    """GET an address. Raises OSError and ValueError."""
    _open(urllib.request.Request(url))  # noqa: S310 - checked in _open


def _open(request: urllib.request.Request) -> None:
    if request.type not in ("http", "https"):
        raise ValueError("must begin with https://")
    request.add_header("User-Agent", "events-display")
    with urllib.request.urlopen(request, timeout=SECONDS, context=network.tls()):  # noqa: S310
        pass
