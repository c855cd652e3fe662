"""`make preview` serves the sample library, reloads after a change, and shows errors."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import requests

from standins import preview_site, sample
from standins.libcal_server import LibCal
from support.project_copy import PYTHONPATH, ROOT, copy_project


def _start(root: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": PYTHONPATH, "ENV_FILE": str(root / ".env"), **settings}
    return subprocess.Popen(
        [sys.executable, "-m", "standins.preview", *arguments],
        cwd=root,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Background jobs, such as these tests may be, ignore Ctrl-C by default.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the project that a test may change and break."""
    return copy_project(tmp_path)


def _versions(address: str) -> Iterator[str]:
    """Yield the build ids that the server sends to an open page."""
    with requests.get(f"{address}/_preview/changes", stream=True, timeout=20) as response:
        for line in response.iter_lines(chunk_size=1):
            if line.startswith(b"data: "):
                yield line[6:].decode()


def test_the_preview_shows_changes_and_errors_and_recovers_from_them(project: Path) -> None:
    with _start(project, "--port", "0") as preview:
        assert preview.stdout
        try:
            found = re.search(r"http://127\.0\.0\.1:\d+", preview.stdout.readline())
            assert found
            address = found[0]
            versions = _versions(address)
            shown = next(versions)
            while requests.get(address, timeout=10).status_code == 500:  # the first build
                shown = next(versions)
            page = requests.get(address, timeout=10)
            assert "Larkfield Public Library" in page.text
            assert f'data-version="{shown}"' in page.text
            assert requests.get(f"{address}/none.html", timeout=10).status_code == 404

            template = project / "templates" / "_base.html"
            good = template.read_text()
            template.write_text(good + "{% nonsense %}")
            broken = next(version for version in versions if version != shown)
            page = requests.get(f"{address}/screen.html", timeout=10)
            assert page.status_code == 500
            assert "nonsense" in page.text
            assert f'data-version="{broken}"' in page.text

            template.write_text(good + "<!-- fixed -->")
            assert next(version for version in versions if version != broken)
            page = requests.get(address, timeout=10)
            assert (page.status_code, "<!-- fixed -->" in page.text) == (200, True)

            (project / ".env").write_text("SITE_NAME=Elsewhere\n")
            fixed = page.text.split('data-version="')[1].split('"')[0]
            assert next(version for version in versions if version != fixed)
            assert "Elsewhere" in requests.get(address, timeout=10).text
        finally:
            preview.send_signal(signal.SIGINT)
            _, errors = preview.communicate(timeout=10)
    assert (preview.returncode, errors) == (0, "")


def test_the_preview_shows_the_events_of_a_library_without_an_account(project: Path) -> None:
    with (
        LibCal(sample.events(date.today())) as libcal,
        _start(project, "--port", "0", LIBCAL_URL=libcal.url) as preview,
    ):
        assert preview.stdout
        try:
            address = preview.stdout.readline().split()[1].rstrip("/")
            versions = _versions(address)
            next(versions)
            while requests.get(address, timeout=10).status_code == 500:
                next(versions)
            page = requests.get(address, timeout=10).text
            assert "Library events" in page
            assert all(name in page for name in ("Main Street", "Eastside", "Harbor"))
            published = requests.get(f"{address}/events.json", timeout=10).json()["events"]
            assert {str(event["id"]) for event in published} <= set(libcal.events)
            assert len(published) > 50
            assert not libcal.requests("/1.1")
        finally:
            preview.send_signal(signal.SIGINT)
            preview.communicate(timeout=10)


def test_a_port_in_use_is_reported_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with _start(ROOT, "--port", str(port)) as preview:
            output, errors = preview.communicate(timeout=10)
    assert (preview.returncode, output) == (1, "")
    assert re.fullmatch(rf"preview: port {port}: Address already in use; try PORT={port + 1}\n", errors)


@pytest.mark.parametrize(
    ("policy", "served"),
    [
        (
            "default-src 'none'; style-src 'self'; img-src 'self'",
            "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'",
        ),
        (
            "script-src 'sha256-abc='; connect-src 'self'",
            "script-src 'self' 'sha256-abc='; connect-src 'self'",
        ),
        ("default-src 'self'", "default-src 'self'"),
        ("img-src 'self'", "img-src 'self'"),
    ],
)
@pytest.mark.parametrize("quote", ['"', "&#39;"])
def test_the_policy_of_a_served_page_allows_only_the_reload_script(
    policy: str, served: str, quote: str
) -> None:
    written = policy.replace("'", "&#39;") if quote == "&#39;" else policy
    page = f'<head><meta http-equiv="Content-Security-Policy" content="{written}"></head><body>x</body>'
    script = '<script src="/_preview/reload.js" data-version="1"></script>'
    expected = served.replace("'", "&#x27;")
    assert preview_site.adapted(page, "1") == (
        f'<head><meta http-equiv="Content-Security-Policy" content="{expected}"></head><body>x{script}</body>'
    )


def test_a_page_without_policy_or_closing_body_tag_reloads_too() -> None:
    assert preview_site.adapted("<p>x", "1").startswith('<p>x<script src="/_preview/')
