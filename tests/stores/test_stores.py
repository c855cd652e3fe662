"""The publisher on two S3 servers besides moto: SeaweedFS and rclone; the real AWS CLI, no CloudFront."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.config  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
import pytest

from files import format_manifest, sha256
from settings import ROOT
from site_paths import MARK

KEYS = ("AKIALARKFIELD", "larkfield-secret")
CSS = "static/main.0123abcd.css"


def free_ports(number: int) -> list[int]:
    """Return ports that are free now: neither server can choose one itself and say which."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [server.getsockname()[1] for server in servers]


def rclone(folder: Path) -> tuple[list[str], int]:
    """Return the command of rclone's S3 server, and its port."""
    (port,) = free_ports(1)
    (folder / "data").mkdir()
    command = ["rclone", "serve", "s3", "--config", os.devnull, "--addr", f"127.0.0.1:{port}"]
    return [*command, "--auth-key", ",".join(KEYS), str(folder / "data")], port


def seaweedfs(folder: Path) -> tuple[list[str], int]:
    """Return the command of SeaweedFS in one process, and the port of its S3 server."""
    names = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc"]
    names += ["filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc"]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    pair = {"accessKey": KEYS[0], "secretKey": KEYS[1]}
    identity = {"name": "larkfield", "credentials": [pair], "actions": ["Admin", "Read", "Write", "List"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    command = ["weed", "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    command += [f"-{name}={port}" for name, port in ports.items()]
    command += [f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += ["-master.telemetry=false", "-master.volumeSizeLimitMB=64"]
    return command, ports["s3.port"]


class Store:
    """A running server with one bucket, and a site to publish there."""

    def __init__(self, url: str, folder: Path) -> None:
        self.build = folder / "build"
        self.env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "ENV_FILE": os.devnull,
            "BUILD_DIR": str(self.build),
            "S3_BUCKET": "larkfield",
            "S3_PREFIX": "events",
            "INVALIDATE": "none",
            "AWS_ENDPOINT_URL_S3": url,
            "UPLOAD_AWS_ACCESS_KEY_ID": KEYS[0],
            "UPLOAD_AWS_SECRET_ACCESS_KEY": KEYS[1],
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.client: Any = botocore.session.Session().create_client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=KEYS[0],
            aws_secret_access_key=KEYS[1],
            config=botocore.config.Config(proxies={}, s3={"addressing_style": "path"}),
        )
        self.site = {
            "index.html": "<a href=event/1.html>",
            "event/1.html": "7pm",
            "event/2.html": "9pm",
            "events.ics": "BEGIN",
            CSS: "a{}",
        }

    def publish(self, time: str) -> str:
        """Write the site, upload and invalidate; return the log; fail unless both end with 0."""
        shutil.rmtree(self.build / "site", ignore_errors=True)
        for path, text in self.site.items():
            file = self.build / "site" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (self.build / "site" / "status.json").write_text(json.dumps({"events": 2, "time": time}))
        digests = {path: sha256(text.encode()) for path, text in self.site.items()}
        (self.build / "site.manifest").write_bytes(format_manifest(digests))
        log = ""
        for program in ("upload", "invalidate"):
            done = subprocess.run(
                [ROOT / "bin" / program],
                env={**self.env, "EVENTS_NOW": f"2026-03-{time}-05:00"},
                capture_output=True,
                text=True,
                timeout=150,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            log += done.stderr
        return log

    def objects(self) -> dict[str, tuple[str, str, str]]:
        """Return body, type and Cache-Control of each object below the prefix."""
        listed = self.client.list_objects_v2(Bucket="larkfield", Prefix="events/")
        found = {}
        for item in listed.get("Contents", []):
            answer = self.client.get_object(Bucket="larkfield", Key=item["Key"])
            headers = answer["ContentType"], answer.get("CacheControl", "")
            found[item["Key"].removeprefix("events/")] = (answer["Body"].read().decode(), *headers)
        found.pop(MARK)
        return found


@pytest.fixture(params=[rclone, seaweedfs])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "server").mkdir()
    make: Callable[[Path], tuple[list[str], int]] = request.param
    command, port = make(tmp_path / "server")
    assert shutil.which(command[0]), f"{command[0]} is missing: run make test-stores, which installs it"
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
    try:
        made = Store(f"http://127.0.0.1:{port}", tmp_path)
        _create_bucket(made.client, server, tmp_path / "server.log")
        yield made
    finally:
        server.kill()
        server.wait()


def _create_bucket(client: Any, server: subprocess.Popen[bytes], log: Path) -> None:
    """Create the bucket, as soon as the server can."""
    deadline = time.monotonic() + 120
    while True:
        try:
            client.create_bucket(Bucket="larkfield")
        except Exception:
            running = server.poll() is None and time.monotonic() < deadline
            assert running, log.read_text()[-3000:]
            time.sleep(0.2)
        else:
            return


def test_the_bucket_is_the_site_after_publishing_editing_deleting_and_no_change(store: Store) -> None:
    log = store.publish("03T09:00")
    assert "uploaded=5 deleted=0" in log
    found = store.objects()
    assert {path: text for path, (text, *_) in found.items() if path != "status.json"} == store.site
    assert found["event/1.html"][1:] == (
        "text/html; charset=utf-8",
        "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400",
    )
    assert found[CSS][1:] == ("text/css; charset=utf-8", "public, max-age=31536000, immutable")
    assert "uploaded=0 deleted=0" in store.publish("03T09:15")
    store.site["event/1.html"] = "8pm"
    store.site["branch/north s%C3%B8.html"] = "a name to encode"
    del store.site["event/2.html"]
    assert "uploaded=2 deleted=0" in store.publish("03T09:30")
    assert "uploaded=0 deleted=1" in store.publish("03T09:45")
    # A day later the bucket is listed; a lost state and a file deleted by someone else are repaired.
    store.client.delete_object(Bucket="larkfield", Key="events/events.ics")
    assert "uploaded=1 deleted=0" in store.publish("04T09:00")
    (store.build / "published.manifest").unlink()
    assert "uploaded=5 deleted=0" in store.publish("04T09:15")
    found = store.objects()
    assert {path: text for path, (text, *_) in found.items() if path != "status.json"} == store.site
    assert "04T09:15" in found["status.json"][0]
