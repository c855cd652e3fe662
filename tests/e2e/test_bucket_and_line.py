"""A bucket shared with an archive, and a line of 256 kbit/s, with a library of 188 events: both are wide."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from settings import ROOT
from standins import fault_proxy, sample
from standins.aws import Aws
from standins.fault_proxy import Fault
from standins.libcal_server import LibCal

pytestmark = [pytest.mark.wide, pytest.mark.timeout(1500)]


class Library:
    """The sample library; each run is a quarter of an hour after the one before."""

    def __init__(self, folder: Path, aws: Aws, url: str) -> None:
        self.now, self.aws = datetime(2026, 3, 3, 9, tzinfo=sample.ZONE), aws
        records = sample.events(self.now.date())
        self.events = [
            {**records[number % len(records)], "id": 900_000 + number, "featured_image": ""}
            for number in range(188)
        ]
        self.env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "ENV_FILE": os.devnull,
            "BUILD_DIR": str(folder / "build"),
            "SITE_URL": "https://events.larkfield.example",
            **sample.SETTINGS,
            **aws.env,
            "AWS_ENDPOINT_URL": url,
        }
        self.build = folder / "build"

    def publish(self) -> tuple[int, str]:
        """Run bin/publish; return its exit code and its log."""
        self.now += timedelta(minutes=15)
        with LibCal(self.events, now=self.now) as libcal:
            done = subprocess.run(
                [ROOT / "bin" / "publish"],
                env={**self.env, **libcal.settings, "EVENTS_NOW": self.now.isoformat()},
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
        return done.returncode, done.stderr

    def is_published(self) -> bool:
        """Return whether every file of the site is in the bucket."""
        files = [path for path in (self.build / "site").rglob("*") if path.is_file()]
        found = {path: self.aws.read(str(path.relative_to(self.build / "site"))) for path in files}
        return all(stored and stored[0] == path.read_bytes() for path, stored in found.items())


def test_an_edit_in_a_bucket_with_4000_other_objects_lists_none_of_them(tmp_path: Path) -> None:
    with Aws() as aws, fault_proxy.serve(aws.url) as (url, proxy):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: aws.put(f"archive/scan-{number:06}.tif", b"x"), range(4000)))
        library = Library(tmp_path, aws, url)
        assert library.publish()[0] == 0
        library.events[7]["title"] = "Zebra"
        proxy.log.clear()
        code, log = library.publish()
        assert code == 0, log
        assert not [each for each in proxy.log if each.operation == "ListObjectsV2"]
        assert library.is_published()
        assert sum(key.startswith("archive/") for key in aws.digests()) == 4000


def test_a_line_of_256_kbit_is_fast_enough(tmp_path: Path) -> None:
    with Aws() as aws, fault_proxy.serve(aws.url) as (url, proxy):
        proxy.faults = [Fault(kind="uplink", operation="PutObject", rate=32_000)]
        library = Library(tmp_path, aws, url)
        runs = [
            library.publish()[0] for _ in range(5) if not library.build.exists() or not library.is_published()
        ]
        size = sum(path.stat().st_size for path in (library.build / "site").rglob("*") if path.is_file())
        assert size > 2_000_000
        assert runs[-1] == 0, runs
        assert library.is_published()
