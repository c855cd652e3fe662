"""Serves a generated site with live reload: what is served is adapted, the files are left alone.

Every HTML page gets a script of this server's own, and its Content-Security-Policy
(the <meta>) leave for it. While the site cannot be generated, every page says why.
"""

from __future__ import annotations

import html
import re
import secrets
import threading
from collections.abc import Iterator
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
<!doctype html><html lang="en"><meta charset="utf-8"><title>Not generated</title>
<style>body{{font:1rem/1.5 system-ui;margin:2rem}}pre{{white-space:pre-wrap;background:#f2f2f2;padding:1rem}}</style>
<h1>The site could not be generated</h1><p>This page reloads when it can be again.</p><pre>{}</pre></html>
"""


class State:
    """Which build is being served, and the error that stands in its place, if any."""

    def __init__(self, site: Path) -> None:
        self.site = site
        self.error = "The site is being generated for the first time."
        self.stopped = False
        # Differs after a restart, so that open pages reload then too.
        self._start = secrets.token_hex(4)
        self._number = 0
        self._changed = threading.Condition()

    @property
    def version(self) -> str:
        """Which build this is; never the same twice."""
        return f"{self._start}-{self._number}"

    def publish(self, error: str) -> None:
        """Show a new build, or the error (unless empty) that it ended with."""
        with self._changed:
            self.error = error
            self._number += 1
            self._changed.notify_all()

    def stop(self) -> None:
        """Let go of the browsers that wait."""
        with self._changed:
            self.stopped = True
            self._changed.notify_all()

    def stream(self) -> Iterator[str]:
        """Yield the version at once and after every change, as server-sent events."""
        while not self.stopped:
            version = self.version
            yield f"data: {version}\n\n"
            with self._changed:
                self._changed.wait_for(lambda: self.stopped or self.version != version, BEAT_SECONDS)  # noqa: B023


def app(state: State) -> Flask:
    """Return what serves the site of `state`."""
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
    """Return the page with the reloading script, and with leave for it in its policy."""
    text = _CSP.sub(
        lambda found: found[1] + f'"{html.escape(_allowing(html.unescape(found[2][1:-1])))}"', text
    )
    script = f'<script src="{SCRIPT}" data-version="{version}"></script>'
    before, end, after = text.rpartition("</body>")
    return f"{before}{script}{end}{after}" if end else text + script


def _allowing(policy: str) -> str:
    """Let the page load scripts from here and ask for changes here; leave all else as it is."""
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
