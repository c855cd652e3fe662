"""`make demo` runs the real pipeline with the real AWS CLI, without the user's own settings."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from standins.records import PRIVATE, PRIVATE_NUMBER
from support.project_copy import PYTHONPATH, copy_project

# The user's settings, which would break the demo if it passed them on.
USER_SETTINGS = {
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_PROFILE": "none",
    "S3_PREFIX": "elsewhere",
    "LIBCAL_CLIENT_ID": "0",
    "MIN_EVENTS": "1000",
    "RUNNER": "docker",
    "MAKEFLAGS": "--dry-run",
    "http_proxy": "http://127.0.0.1:9",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the project that a test may change, with its own build folder."""
    return copy_project(tmp_path)


def _start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    prefix = Path(sys.prefix)
    env = {**os.environ, **USER_SETTINGS, "VENV": str(prefix), "PATH": f"{prefix}/bin:{os.environ['PATH']}"}
    return subprocess.Popen(
        [sys.executable, "-m", "standins.demo", *arguments],
        cwd=project,
        env={**env, "PYTHONPATH": PYTHONPATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_demo_publishes_serves_the_site_and_stops_on_sigterm(project: Path) -> None:
    with _start(project) as demo:
        assert demo.stdout
        output = ""
        for line in demo.stdout:
            output += line
            if "Lobby screen" in line:
                break
        found = re.search(r"Events +(http://127\.0\.0\.1:\d+)/", output)
        assert found, output
        page = requests.get(f"{found[1]}/", timeout=10, proxies={"http": ""})
        assert page.headers["Content-Type"].startswith("text/html")
        assert "Preschool Story Time" in page.text
        assert requests.get(f"{found[1]}/screen.html", timeout=10).status_code == 200
        demo.send_signal(signal.SIGTERM)
        rest, _ = demo.communicate(timeout=20)
    assert (demo.returncode, rest.strip()) == (0, "Demo stopped.")
    assert re.search(r"Published: \d{2,3} files", output)
    assert "Invalidated in CloudFront: /*." in output
    files = [path for path in (project / "build").rglob("*") if path.is_file()]
    assert len(files) > 90
    for path in files:
        data = path.read_bytes()
        assert PRIVATE.encode() not in data, path
        assert str(PRIVATE_NUMBER).encode() not in data, path


def test_once_exits_with_the_exit_code_of_a_failed_publish(project: Path) -> None:
    (project / "scripts" / "fetch.py").write_text("raise SystemExit(78)\n")
    with _start(project, "--once") as demo:
        output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 2, "make turns every failure into 2"
    assert 'msg="publish failed" failed_step=fetch rc=78' in output
