"""The AWS stand-in works with the real AWS CLI, and its site serves the uploaded objects."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from standins import bucket_site
from standins.aws import Aws
from standins.serving import serve
from support.project_copy import PYTHONPATH, ROOT


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with Aws() as server:
        yield server


def _cli(aws: Aws, *arguments: str) -> str:
    env = {"PATH": os.environ["PATH"], **aws.env}
    return subprocess.run(
        ["aws", *arguments], env=env, check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_the_real_aws_cli_uploads_and_invalidates(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>Hello")
    (tmp_path / "404.html").write_text("<p>Lost")
    bucket = f"s3://{aws.bucket}/"
    header = ("--cache-control", "max-age=60")
    _cli(aws, "s3", "sync", "--no-progress", *header, str(tmp_path), bucket)
    _cli(
        aws, "cloudfront", "create-invalidation",
        "--distribution-id", aws.distribution_id, "--paths", "/index.html", "/404.html",
    )  # fmt: skip

    objects = aws.objects()
    assert sorted(objects) == ["404.html", "index.html"]
    assert objects["index.html"].size == 8
    assert objects["index.html"].content_type == "text/html"
    assert objects["index.html"].cache_control == "max-age=60"
    assert [sorted(paths) for paths in aws.invalidations()] == [["/404.html", "/index.html"]]
    calls = [(call.service, call.method, call.path) for call in aws.calls]
    assert calls.count(("s3", "PUT", f"/{aws.bucket}/index.html")) == 1
    assert [service for service, _, _ in calls].count("cloudfront") == 1
    assert not any(method == "HEAD" for _, method, _ in calls), (
        "the stand-in does not record its own requests"
    )

    with serve(bucket_site.app(aws)) as site:
        page = requests.get(f"{site}/", timeout=10)
        assert (page.status_code, page.text) == (200, "<p>Hello")
        assert page.headers["Content-Type"] == "text/html"
        assert page.headers["Cache-Control"] == "max-age=60"
        again = requests.get(f"{site}/", headers={"If-None-Match": page.headers["ETag"]}, timeout=10)
        assert again.status_code == 304
        lost = requests.get(f"{site}/event/1.html", timeout=10)
        assert (lost.status_code, lost.text) == (404, "<p>Lost")


def test_the_program_prints_the_environment_and_stops_on_a_signal() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "standins.aws", "--bucket", "another"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
    ) as program:
        assert program.stdout
        env = dict(line.strip().split("=", 1) for line in iter(program.stdout.readline, "\n"))
        assert env["S3_BUCKET"] == "another"
        assert env["CLOUDFRONT_DISTRIBUTION_ID"]
        assert requests.get(f"{env['AWS_ENDPOINT_URL']}/another", timeout=10).status_code == 200
        program.send_signal(signal.SIGTERM)
        rest, errors = program.communicate(timeout=10)
    assert (program.returncode, rest, errors) == (0, "", "")
