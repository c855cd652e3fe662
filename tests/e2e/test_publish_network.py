"""bin/upload and bin/invalidate in a network with a proxy and certificates of its own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from standins.aws import Aws
from support.tls_relay import Network, network
from support.tls_server import make_certificate

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("*.s3.us-east-1.amazonaws.com", "*.s3.amazonaws.com", "cloudfront.amazonaws.com", "localhost")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return make_certificate(tmp_path, "cert", *NAMES)


@pytest.fixture
def aws() -> Iterator[Aws]:
    with Aws() as server:
        yield server


@pytest.fixture
def outside(aws: Aws, certificate: Path) -> Iterator[Network]:
    address = urlsplit(aws.url)
    with network((address.hostname or "", address.port or 0), certificate) as found:
        yield found


@pytest.fixture
def env(aws: Aws, outside: Network, certificate: Path, tmp_path: Path) -> dict[str, str]:
    site = tmp_path / "build" / "site"
    site.mkdir(parents=True)
    (site / "index.html").write_text("events")
    (site / "status.json").write_text('{"events": 3}')
    digest = hashlib.sha256(b"events").hexdigest()
    (tmp_path / "build" / "site.manifest").write_text(f"{digest}  index.html\n")
    settings = {key: value for key, value in aws.env.items() if key != "AWS_ENDPOINT_URL"}
    return {
        **settings,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "ENV_FILE": os.devnull,
        "BUILD_DIR": str(tmp_path / "build"),
        "HTTPS_PROXY": outside.proxy,
        "AWS_CA_BUNDLE": str(certificate),
        "AWS_MAX_ATTEMPTS": "1",
    }


def run(program: str, env: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run([ROOT / "bin" / program], env=env, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


def test_upload_and_invalidate_reach_aws_through_the_proxy(
    aws: Aws, outside: Network, env: dict[str, str]
) -> None:
    for program in ("upload", "invalidate"):
        code, log = run(program, env)
        assert code == 0, log
        assert "another server than AWS" not in log
    assert set(aws.objects()) >= {"index.html", "status.json"}
    assert "cloudfront.amazonaws.com" in outside.hosts
    assert {host.partition(".")[2] for host in outside.hosts} & {
        "s3.us-east-1.amazonaws.com",
        "s3.amazonaws.com",
    }


def test_a_certificate_that_is_not_trusted_is_named_with_the_way_out(env: dict[str, str]) -> None:
    code, log = run("upload", {**env, "AWS_CA_BUNDLE": ""})
    assert code == 78
    assert "set AWS_CA_BUNDLE" in log
    code, log = run("upload", {**env, "AWS_CA_BUNDLE": "/nowhere.pem"})
    assert code == 78
    assert "AWS_CA_BUNDLE names no file" in log


def test_a_proxy_that_is_down_is_named(env: dict[str, str]) -> None:
    code, log = run("upload", {**env, "HTTPS_PROXY": "http://me:planted@127.0.0.1:9"})
    assert code == 75
    assert "check HTTPS_PROXY" in log
    assert "planted" not in log


def test_another_store_over_tls_gets_no_trailing_checksum(
    outside: Network, env: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "config"  # moto knows the bucket by the path only, under this name
    config.write_text("[default]\nendpoint_url = https://localhost\ns3 =\n  addressing_style = path\n")
    env["AWS_CONFIG_FILE"] = str(config)
    code, log = run("upload", env)
    assert code == 0, log
    assert b"index.html" in outside.received
    assert b"aws-chunked" not in outside.received
    # Without our default the AWS CLI does what many stores refuse.
    outside.received.clear()
    code, log = run("upload", {**env, "S3_PREFIX": "b", "AWS_REQUEST_CHECKSUM_CALCULATION": "when_supported"})
    assert code == 0, log
    assert b"aws-chunked" in outside.received
