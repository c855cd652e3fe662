"""No run that did not publish its site says outcome=ok, whatever goes wrong; the next good run publishes it.

One library lives through all situations: in each, staff edit, one run meets the trouble, and the run after
it does not. After both, the bucket is compared with the site.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from files import format_manifest, sha256
from settings import ROOT
from standins import fault_proxy
from standins.aws import Aws
from standins.fault_proxy import Fault
from support.wide import wide

PREFIX = "events"


class Library:
    """A site that changes, its build folder, and a bucket behind a proxy with faults."""

    def __init__(self, folder: Path, aws: Aws, url: str, proxy: fault_proxy.State) -> None:
        self.folder, self.aws, self.proxy = folder, aws, proxy
        self.build, self.project = folder / "build", folder / "project"
        self.now = datetime(2026, 3, 3, 9)
        self._edits = 0
        self._others: set[str] = set()  # keys of another program
        self.env = {
            **aws.env,
            "AWS_ENDPOINT_URL": url,
            "AWS_MAX_ATTEMPTS": "1",
            "BUILD_DIR": str(self.build),
            "ENV_FILE": os.devnull,
            "HOME": str(folder),
            "INVALIDATE_BACKOFF": "0",
            "LIBCAL_URL": "https://example.libcal.com",
            "LIBCAL_CLIENT_ID": "1",
            "LIBCAL_CLIENT_SECRET": "planted-secret",
            "LIBCAL_CALENDARS": "1",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "S3_PREFIX": PREFIX,
        }
        for name in ("bin", "scripts"):
            shutil.copytree(ROOT / name, self.project / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("fetch", "generate"):  # the test makes the site
            (self.project / "scripts" / f"{name}.py").write_text("")
        self.edit()

    def edit(self) -> None:
        """Write the site: a page is new, two files change, a page of an earlier edit is gone."""
        self._edits += 1
        number = self._edits
        site = {
            "index.html": f"<a href=event/{number}.html>",
            "events.ics": f"VERSION {number}",
            f"event/{number}.html": "new",
            f"event/{number - 1}.html": "old",
            "static/main.0123abcd.css": "a{}",
        }
        shutil.rmtree(self.build / "site", ignore_errors=True)
        for path, text in site.items():
            file = self.build / "site" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (self.build / "site" / "status.json").write_text(f'{{"events": 2, "run": {number}}}')
        digests = {path: sha256(text.encode()) for path, text in site.items()}
        (self.build / "site.manifest").write_bytes(format_manifest(digests))

    def publish(self, **env: str) -> tuple[int, str]:
        """Run bin/publish a quarter of an hour later; check its outcome against the bucket."""
        self.now += timedelta(minutes=15)
        done = subprocess.run(
            [self.project / "bin" / "publish"],
            env={**self.env, "EVENTS_NOW": self.now.isoformat(), **env},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert not re.search("planted|Traceback|unbound variable", done.stderr), done.stderr
        if "outcome=ok" in done.stderr:
            assert (done.returncode, self.differences()) == (0, []), done.stderr
        else:
            assert done.returncode in (1, 65, 75, 78), done.stderr
        return done.returncode, done.stderr

    def differences(self) -> list[str]:
        """Return the files of the site that the bucket lacks, and objects of which no record is kept."""
        site = {
            f"{PREFIX}/{path.relative_to(self.build / 'site')}": hashlib.md5(path.read_bytes()).hexdigest()
            for path in (self.build / "site").rglob("*")
            if path.is_file()
        }
        bucket = self.aws.digests()
        known = re.findall(r"^\w{64}  (.+)$", (self.build / "published.manifest").read_text(), re.MULTILINE)
        assert self._others <= bucket.keys()
        unknown = bucket.keys() - site.keys() - self._others - {f"{PREFIX}/{path}" for path in known}
        return sorted([*(key for key in site if bucket.get(key) != site[key]), *unknown])

    def cli(self, *lines: str) -> Mapping[str, str]:
        """Return the setting for an AWS CLI that runs these lines of bash before the real one."""
        program = self.folder / "aws"
        real = f"exec {sys.executable} -m awscli"
        program.write_text("\n".join(["#!/usr/bin/env bash", *lines, f'{real} "$@"', ""]))
        program.chmod(0o755)
        return {"AWS_CLI": str(program)}

    def lose(self, name: str) -> Mapping[str, str]:
        """Delete a file of the state."""
        (self.build / name).unlink()
        return {}

    def cut(self, name: str) -> Mapping[str, str]:
        """Cut a file of the state short."""
        os.truncate(self.build / name, (self.build / name).stat().st_size // 2)
        return {}

    def leave_answers(self) -> Mapping[str, str]:
        """Leave the answers of a killed run, which names files that it did not upload; break the AWS CLI."""
        run = self.build / "run"
        lines = [
            f"upload: x to s3://{self.aws.bucket}/{PREFIX}/{path}\n" for path in ("index.html", "events.ics")
        ]
        (run / "aws.out").write_text("".join(lines))
        (run / "upload.plan").write_text("")
        return {**self.config("[default\nregion"), "RUN_ID": "stale"}

    def config(self, text: str) -> Mapping[str, str]:
        """Return the setting for an AWS configuration file."""
        (self.folder / "config").write_text(text)
        return {"AWS_CONFIG_FILE": str(self.folder / "config")}

    def vanish(self) -> Mapping[str, str]:
        """Delete an object as a lifecycle rule does; the next day begins."""
        self.aws.delete(f"{PREFIX}/static/main.0123abcd.css")
        self.now += timedelta(days=1)
        return {}

    def share(self) -> Mapping[str, str]:
        """Put another program's files beside the site; the next day begins."""
        self._others = {f"{PREFIX}/archive/scan.tif", f"{PREFIX}/event/notes.txt"}
        for key in self._others:
            self.aws.put(key, b"theirs")
        self.now += timedelta(days=1)
        return {}

    def change_after_manifest(self) -> Mapping[str, str]:
        """Change a file that the manifest lists."""
        (self.build / "site" / "index.html").write_text("other")
        return {}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Aws() as aws, fault_proxy.serve(aws.url) as (url, proxy):
        made = Library(tmp_path_factory.mktemp("library"), aws, url, proxy)
        assert made.publish()[0] == 0
        yield made


def at(operation: str, *kinds: str, skip: int = 0) -> Iterator[pytest.ParameterSet]:
    """Yield a situation for each kind of fault in the answers to an operation."""
    for kind in kinds:
        fault = {"kind": kind, "operation": operation, "skip": skip}
        yield wide(lambda _, fault=fault: fault, id=f"{operation}: {kind}{' later' if skip else ''}")


def having(id: str, act: Callable[[Library], Mapping[str, object]]) -> pytest.ParameterSet:
    """Return a situation that `act` makes; it returns settings for the run."""
    return wide(act, id=id)


def listing(answer: str) -> Callable[[Library], Mapping[str, object]]:
    """Return what makes the AWS CLI print `answer` for each listing; the next day begins."""

    def act(library: Library) -> Mapping[str, object]:
        library.now += timedelta(days=1)
        return library.cli(f"[[ $2 != list-objects-v2 ]] || {{ printf '%s' '{answer}'; exit 0; }}")

    return act


SILENT = "[[ $1 != s3 ]] || exit 0"
SITUATIONS = [
    pytest.param(lambda library: library.cli(SILENT), id="the AWS CLI uploads no file and says 0"),
    pytest.param(listing("[1]"), id="the listing is another JSON type"),
    pytest.param(
        lambda _: {"kind": "cut", "operation": "PutObject|CreateInvalidation"}, id="answers are cut short"
    ),
    *at("PutObject", "AccessDenied", "ExpiredToken", "SlowDown", "InternalError", "reset", "lost", "cut"),
    *at("PutObject", "InternalError", "reset", "lost", "RequestTimeTooSkewed", skip=2),
    *at("ListObjectsV2", "AccessDenied", "InternalError", "reset", "cut"),
    *at("DeleteObjects", "AccessDenied", "InternalError", "MissingContentMD5", "undeleted", "lost", "cut"),
    *at(
        "CreateInvalidation", "AccessDenied", "Throttling", "TooManyInvalidationsInProgress", "reset", "lost"
    ),
    *at(".*", "InvalidAccessKeyId", "NoSuchBucket", "ServiceUnavailable"),
    *(having(f"the listing is {each or 'empty'}", listing(each)) for each in ("", "null", "5", "{}", '"x"')),
    having("the listing has other fields", listing('{"objects": 5, "folders": 1, "more": 0}')),
    having(
        "the AWS CLI prints no names", lambda it: it.cli(f'{sys.executable} -m awscli "$@" >/dev/null; exit')
    ),
    having(
        "the AWS CLI dies at the second upload",
        lambda it: it.cli(
            f"[[ $1 != s3 || ! -e {it.folder}/once ]] || kill -KILL $$; touch {it.folder}/once"
        ),
    ),
    having(
        "the invalidation is another JSON type",
        lambda it: it.cli("[[ $1 != cloudfront ]] || { echo '[1]'; exit 0; }"),
    ),
    having(
        "the deletes are another JSON type",
        lambda it: it.cli("[[ $2 != delete-objects ]] || { echo '[1]'; exit 0; }"),
    ),
    having("the AWS CLI is missing", lambda _: {"AWS_CLI": "/nowhere/aws"}),
    having("the AWS CLI cannot read its configuration", lambda it: it.config("[default\nregion")),
    having("an earlier run left answers", Library.leave_answers),
    having("the profile is missing", lambda _: {"AWS_PROFILE": "gone", "AWS_ACCESS_KEY_ID": ""}),
    having("the output is text", lambda _: {"AWS_DEFAULT_OUTPUT": "text"}),
    having("the proxy is down", lambda _: {"HTTP_PROXY": "http://127.0.0.1:9"}),
    having("the endpoint is down", lambda _: {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}),
    having(
        "the configuration names an endpoint",
        lambda it: {**it.config(f"[default]\nendpoint_url = {it.aws.url}\n"), "AWS_ENDPOINT_URL": ""},
    ),
    having("a prefix is wrong", lambda _: {"S3_PREFIX": "../events"}),
    having("the address is that of a page", lambda _: {"SITE_URL": "https://library.example/index.html"}),
    having("published.manifest is lost", lambda it: it.lose("published.manifest")),
    having("published.manifest is cut", lambda it: it.cut("published.manifest")),
    having("pending-paths is lost", lambda it: it.lose("pending-paths")),
    having("invalidations is lost", lambda it: it.lose("invalidations")),
    having("site.manifest is cut", lambda it: it.cut("site.manifest")),
    having("the site changes after its manifest", Library.change_after_manifest),
    having("objects vanish", Library.vanish),
    having("other programs use the bucket", Library.share),
]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_run_that_did_not_publish_its_site_never_says_ok(
    library: Library, situation: Callable[[Library], Mapping[str, object]]
) -> None:
    library.edit()
    found = situation(library)
    if "kind" in found:
        library.proxy.faults = [Fault(**found)]  # type: ignore[arg-type]
        found = {}
    try:
        library.publish(**{key: str(value) for key, value in found.items()})
    finally:
        library.proxy.faults = []
    library.edit()
    code, log = library.publish()
    assert code == 0, log
    assert library.differences() == [], log
