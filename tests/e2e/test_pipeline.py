"""The whole pipeline, from LibCal to CloudFront, with the real programs: uploads, deletes, invalidations."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import md5
from pathlib import Path

import pytest

from site_paths import MARK
from standins import sample
from standins.aws import Aws
from standins.libcal_server import LibCal
from standins.records import PRIVATE, PRIVATE_NUMBER
from support.project_copy import ROOT

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=sample.ZONE)
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Run:
    """The result of a run of bin/publish: its exit code and log, its writes to S3 and its invalidations."""

    code: int
    log: str
    written: list[str]
    deleted: bool
    invalidations: list[list[str]]

    @property
    def last(self) -> str:
        return self.log.rstrip().rpartition("\n")[2]


class Library:
    """One library on this machine, with its own LibCal, bucket, build folder and clock."""

    def __init__(self, libcal: LibCal, aws: Aws, build: Path) -> None:
        self.libcal, self.aws, self.build = libcal, aws, build
        self.now = MONDAY

    def publish(self, **settings: str) -> Run:
        """Run bin/publish, fifteen minutes after the previous run."""
        self.libcal.now = self.now
        self.aws.calls.clear()
        earlier = len(self.aws.invalidations())
        self.aws.calls.clear()
        env = {
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            "ENV_FILE": os.devnull,
            "BUILD_DIR": str(self.build),
            "SITE_URL": "https://events.example.org",
            "DAYS_AHEAD": "14",
            **sample.SETTINGS,
            **self.libcal.settings,
            **self.aws.env,
            "EVENTS_NOW": self.now.isoformat(),
            **settings,
        }
        done = subprocess.run(
            [ROOT / "bin" / "publish"], env=env, capture_output=True, text=True, timeout=100
        )
        self.now += QUARTER
        calls = list(self.aws.calls)
        return Run(
            code=done.returncode,
            log=done.stderr,
            written=sorted(self._key(call.path) for call in calls if call.method == "PUT"),
            deleted=any(call.method == "POST" and call.service == "s3" for call in calls),
            invalidations=self.aws.invalidations()[earlier:],
        )

    def _key(self, path: str) -> str:
        return path.removeprefix(f"/{self.aws.bucket}/")

    @property
    def site(self) -> Path:
        """The folder of the generated site."""
        return self.build / "site"

    def files(self) -> dict[str, bytes]:
        """Return the generated files by path."""
        paths = (path for path in self.site.rglob("*") if path.is_file())
        return {path.relative_to(self.site).as_posix(): path.read_bytes() for path in paths}

    def digests(self) -> dict[str, str]:
        """Return the MD5 digests of the generated files, as S3 lists them."""
        return {path: md5(data, usedforsecurity=False).hexdigest() for path, data in self.files().items()}

    def published(self) -> dict[str, str]:
        """Return the MD5 digests of the objects in S3, without the mark."""
        return {path: digest for path, digest in self.aws.digests().items() if path != MARK}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A library with a published site, with the sample's events but without their images."""
    events = sample.events(MONDAY.date())
    for event in events:
        event["featured_image"] = ""
    with LibCal(events, now=MONDAY) as libcal, Aws() as aws:
        made = Library(libcal, aws, tmp_path_factory.mktemp("library") / "build")
        first = made.publish()
        assert first.code == 0, first.log
        assert made.digests() == made.published()
        assert first.invalidations == [["/*"]]
        yield made


def test_a_run_without_changes_uploads_one_small_file_and_invalidates_no_path(library: Library) -> None:
    run = library.publish()
    assert run.code == 0, run.log
    assert run.written == ["status.json"]
    assert not run.deleted
    assert run.invalidations == []
    assert library.digests() == library.published()


def test_an_edited_title_uploads_only_the_pages_that_contain_it_and_invalidates_one_path(
    library: Library,
) -> None:
    before = library.files()
    number = next(iter(json.loads(before["events.json"])["events"]))["id"]
    library.libcal.edit(number, title="A new name for it")
    run = library.publish()
    assert run.code == 0, run.log
    holding = {path for path, data in library.files().items() if b"A new name for it" in data}
    assert {"index.html", f"event/{number}.html", f"event/{number}.ics", "events.ics"} <= holding
    old, picture = (
        re.findall(r"/(static/share\.[0-9a-f]{16}\.jpg)", files[f"event/{number}.html"].decode())[0]
        for files in (before, library.files())
    )
    # sitemap.xml contains the time of the change, but no title.
    assert set(run.written) == holding | {"status.json", "sitemap.xml", picture}
    assert len(run.invalidations) == 1
    assert len(run.invalidations[0]) == 1
    # Removed files, the picture and the index for the search, are deleted by a later run.
    search = next(path for path in before if path.startswith("static/search."))
    assert {
        **library.digests(),
        **{path: library.published()[path] for path in (old, search)},
    } == library.published()


def test_an_outage_of_libcal_keeps_the_site_and_is_logged_in_one_line(library: Library) -> None:
    before = library.aws.digests()
    library.libcal.fail("status", status=503, path="/")
    short = library.publish()
    assert short.code == 0, short.log
    assert (
        short.log.count('msg="calendar not fetched; keeping its last good events"')
        == len(sample.CALENDARS) - 1
    )  # one is internal
    assert "cause=http_503" in short.log
    assert short.written == ["status.json"]

    library.now += timedelta(hours=4)
    long = library.publish()
    library.libcal.recover()
    assert long.code == 75
    assert long.last.endswith(' msg="publish failed" failed_step=fetch rc=75')
    (why,) = (line for line in long.log.splitlines() if "LibCal unavailable" in line)
    assert "level=error step=fetch" in why
    assert "age_minutes=" in why
    after = library.aws.digests()
    assert {**before, "status.json": ""} == {**after, "status.json": ""}

    again = library.publish()
    assert again.code == 0, again.log


def test_wrong_credentials_exit_with_78_and_name_the_settings_but_not_the_secret(library: Library) -> None:
    before = library.aws.digests()
    run = library.publish(LIBCAL_CLIENT_SECRET="0123456789planted0123456789")
    assert run.code == 78
    assert run.last.endswith(" failed_step=fetch rc=78")
    assert "check LIBCAL_CLIENT_ID, LIBCAL_CLIENT_SECRET and the application's scope" in run.log
    assert "planted" not in run.log
    assert (run.written, run.invalidations) == ([], [])
    assert library.aws.digests() == before


def test_no_file_in_the_build_folder_contains_private_data(library: Library) -> None:
    raw = json.dumps(list(library.libcal.events.values()))
    assert raw.count(PRIVATE) > 100
    assert raw.count(str(PRIVATE_NUMBER)) > 100
    files = [path for path in library.build.rglob("*") if path.is_file()]
    assert len(files) > 200
    for path in files:
        data = path.read_bytes()
        assert PRIVATE.encode() not in data, path
        assert str(PRIVATE_NUMBER).encode() not in data, path
