"""Serve a generated site with live reload, without changing its files.

Adds a script to every HTML page that it serves, and allows the script in the page's Content-Security-Policy
(the <meta>). While the site cannot be generated, every page shows the error.
"""

from __future__ import annotations

import html
import re
import secrets
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from flask import Flask, Response, send_from_directory
from werkzeug.exceptions import NotFound

CHANGES = "/_preview/changes"
SCRIPT = "/_preview/reload.js"
BEAT_SECONDS = 15.0

_CSP = re.compile(
    r'(<meta\s+http-equiv=["\']?Content-Security-Policy["\']?\s+content=)("[^"]*"|\'[^\']*\')', re.IGNORECASE
)
_RELOAD = f"""\
"use strict";
{{
  const shown = document.currentScript.dataset.version;
  new EventSource("{CHANGES}").onmessage = (event) => {{
    if (event.data !== shown) location.reload();
  }};
}}
"""
_FAILED = """\
<!doctype html><html lang="en"><meta charset="utf-8"><title>Not ready</title>
<style>body{{font:1rem/1.5 system-ui;margin:2rem}}pre{{white-space:pre-wrap;background:#f2f2f2;padding:1rem}}</style>
<h1>The site is not ready</h1><p>This page reloads as soon as it is.</p><pre>{}</pre></html>
"""


class State:
    """The served build, or the error to show in its place."""

    def __init__(self, site: Path) -> None:
        self.site = site
        self.error = "The site is being generated for the first time."
        self.stopped = False
        # A random part, so that open pages reload after a restart too.
        self._start = secrets.token_hex(4)
        self._number = 0
        self._changed = threading.Condition()

    @property
    def version(self) -> str:
        """A unique id for the current build."""
        return f"{self._start}-{self._number}"

    def publish(self, error: str) -> None:
        """Show a new build, or `error` if it is not empty."""
        with self._changed:
            self.error = error
            self._number += 1
            self._changed.notify_all()

    def stop(self) -> None:
        """Close the connections of waiting browsers."""
        with self._changed:
            self.stopped = True
            self._changed.notify_all()

    def stream(self) -> Iterator[str]:
        """Yield the version now and after every change, as server-sent events."""
        while not self.stopped:
            version = self.version
            yield f"data: {version}\n\n"
            with self._changed:
                self._changed.wait_for(partial(self._is_outdated, version), BEAT_SECONDS)

    def _is_outdated(self, version: str) -> bool:
        return self.stopped or self.version != version


def app(state: State) -> Flask:
    """Return an application that serves the site of `state`."""
    flask = Flask(__name__, static_folder=None)

    @flask.get("/", defaults={"path": "index.html"})
    @flask.get("/<path:path>")
    def page(path: str) -> Response:
        version = state.version
        if state.error:
            return _html(_FAILED.format(html.escape(state.error)), version, 500)
        try:
            response = send_from_directory(state.site, path)
        except NotFound:
            lost = state.site / "404.html"
            text = lost.read_text(encoding="utf-8") if lost.exists() else "<h1>Not found</h1>"
            return _html(text, version, 404)
        if response.mimetype == "text/html":
            response.direct_passthrough = False
            return _html(response.get_data(as_text=True), version)
        response.headers["Cache-Control"] = "no-store"
        return response

    @flask.get(CHANGES)
    def changes() -> Response:
        return Response(
            state.stream(), content_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    @flask.get(SCRIPT)
    def script() -> Response:
        return Response(_RELOAD, content_type="text/javascript")

    return flask


def _html(text: str, version: str, status: int = 200) -> Response:
    return Response(
        adapted(text, version),
        status,
        content_type="text/html; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )


def adapted(text: str, version: str) -> str:
    """Return the page with the reload script, and with a policy that allows it."""
    text = _CSP.sub(
        lambda found: found[1] + f'"{html.escape(_allowing(html.unescape(found[2][1:-1])))}"', text
    )
    script = f'<script src="{SCRIPT}" data-version="{version}"></script>'
    before, end, after = text.rpartition("</body>")
    return f"{before}{script}{end}{after}" if end else text + script


def _allowing(policy: str) -> str:
    """Return the policy with this server allowed as a source of scripts and of the reload events."""
    directives = {words[0].lower(): words[1:] for part in policy.split(";") if (words := part.split())}
    for name in ("script-src", "script-src-elem", "connect-src"):
        fallback = (
            directives.get("script-src") if name == "script-src-elem" else directives.get("default-src")
        )
        sources = directives.get(name, fallback)
        if (
            sources is not None
            and (name != "script-src-elem" or name in directives)
            and "'self'" not in sources
        ):
            directives[name] = ["'self'", *(source for source in sources if source != "'none'")]
    return "; ".join(" ".join([name, *sources]) for name, sources in directives.items())
