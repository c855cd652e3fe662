"""Measure publishing a site of 200 events: bin/upload and bin/invalidate against four other tools.

All use the same server in the same run: moto behind a proxy that counts requests and bytes. The time is
that after generate, for the same tree, with a new status.json each time. "aws s3 sync" uploads a regenerated
tree with `aws s3 sync --delete` and invalidates `/*`, as the program that events-display replaces. For
rclone, s5cmd and hugo, unchanged files keep their modification time, which is their best case.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.resources import files as package
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import sample
from bench.measure import Table, median, run
from files import read_manifest
from standins import fault_proxy
from standins import sample as larkfield
from standins.aws import Aws
from standins.libcal_server import LibCal

ROOT = Path(__file__).resolve().parents[1]
EVENTS = 200
SITE_URL = "https://events.example.org"
SCENES = ("first publish", "unchanged", "one title edited")
OURS, SYNC = "events-display", "aws s3 sync"


@dataclass(frozen=True, slots=True)
class Count:
    """The cost of one publish: seconds, requests, bytes of their bodies, billed invalidation paths."""

    seconds: float
    puts: int
    lists: int
    others: int
    sent: int
    paths: int


@dataclass(frozen=True, slots=True)
class Site:
    """A generated site in `folder`, and its manifest."""

    folder: Path
    manifest: Mapping[str, str]


class Server:
    """S3 and CloudFront that count requests; `env` points programs there and hides the user's settings."""

    def __init__(self, aws: Aws, url: str, state: fault_proxy.State, home: Path) -> None:
        self._state, self.bucket, self.url = state, aws.bucket, url
        self.distribution = aws.distribution_id
        self.env = aws.env | {
            "AWS_ENDPOINT_URL": url,
            "AWS_PAGER": "",
            "AWS_REGION": aws.env["AWS_DEFAULT_REGION"],
            "ENV_FILE": os.devnull,
            "HOME": str(home),
            "PATH": os.environ["PATH"],
        }

    def count(self, commands: list[list[str]], **env: str) -> Count:
        """Run `commands` one after the other; return their total cost."""
        self._state.log.clear()
        seconds = sum(run(command, self.env | env).seconds for command in commands)
        log = list(self._state.log)
        operations = [request.operation for request in log]
        puts, lists = operations.count("PutObject"), operations.count("ListObjectsV2")
        lists += operations.count("ListObjects")
        return Count(
            seconds,
            puts,
            lists,
            len(log) - puts - lists,
            sum(request.sent for request in log),
            sum(len(request.paths) for request in log),
        )


# Publishes a newly generated site to a prefix; the time to prepare is not counted.
Tool = Callable[[Site, str], Count]


def bench(rounds: int = 5) -> Table:
    """Measure all tools in turn; each round starts with an empty prefix."""
    with TemporaryDirectory() as name, _server(Path(name)) as server:
        folder = Path(name)
        before, after = _sites(folder / "generated")
        tools = _tools(server, folder)
        counts: dict[tuple[str, str], list[Count]] = {}
        for number in range(rounds):
            # Give all files the time of this round; S3 has a resolution of one second.
            for site in (before, after):
                _touch(site, before)
            time.sleep(1.1)
            for prefix, (tool, publish) in enumerate(tools.items()):
                for scene, site in zip(SCENES, (before, before, after), strict=True):
                    if scene == SCENES[2]:
                        time.sleep(1.1)
                        _touch(after, before)
                    _update_status(site)
                    counts.setdefault((scene, tool), []).append(publish(site, f"{number}-{prefix}"))
        whole = [_whole_run(server, folder / f"whole-{number}") for number in range(rounds)]
        call = ["aws", "cloudfront", "create-invalidation", "--distribution-id", server.distribution]
        calls = [server.count([[*call, "--paths", "/*"]]) for _ in range(rounds)]
    rows = []
    for scene in SCENES:
        sync = median([count.seconds for count in counts[scene, SYNC]])
        for tool in tools:
            found = counts[scene, tool]
            seconds = median([count.seconds for count in found])
            last = found[-1]
            rows.append(
                (
                    f"{scene}: {tool}",
                    f"{seconds:.2f}",
                    f"{sync / seconds:.1f}",
                    *(f"{value:,}" for value in (last.puts, last.lists, last.others)),
                    f"{last.sent / 1000:,.1f}",
                    str(last.paths),
                )
            )
    header = ("", "median s", "speedup", "PUTs", "LISTs", "other", "kB sent", "paths")
    changed = sum(after.manifest[path] != before.manifest.get(path) for path in after.manifest)
    notes = (
        f"{EVENTS} events, {len(before.manifest)} files and status.json, {changed} of them changed by the "
        f"edit; {rounds} rounds in turn.",
        "speedup: over aws s3 sync. rclone and s5cmd do not invalidate; one AWS CLI call for that "
        f"takes {median([count.seconds for count in calls]):.2f} s and sends {calls[-1].sent / 1000:.1f} kB.",
        f"A whole unchanged bin/publish, from fetch to invalidate: {median(whole):.2f} s "
        f"({len(larkfield.events(sample.NOW.date()))} events of the sample library).",
    )
    return Table("publish", header, rows, notes)


@contextmanager
def _server(home: Path) -> Iterator[Server]:
    with Aws() as aws, fault_proxy.serve(aws.url) as (url, state):
        yield Server(aws, url, state, home)


def _sites(folder: Path) -> tuple[Site, Site]:
    """Return a site of EVENTS events, and the same site with one title edited."""
    snapshot = sample.snapshot(EVENTS)
    edited = snapshot.events[EVENTS // 2]
    events = [
        replace(event, title=f"{event.title}, moved") if event is edited else event
        for event in snapshot.events
    ]
    found = []
    for name, one in (("before", snapshot), ("after", replace(snapshot, events=tuple(events)))):
        build = folder / name
        build.mkdir(parents=True)
        one.save(build / "events.json")
        env = {
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "BUILD_DIR": str(build),
            "EVENTS_NOW": sample.NOW.isoformat(),
            "SITE_URL": SITE_URL,
        }
        run([sys.executable, ROOT / "scripts" / "generate.py"], env)
        found.append(Site(build / "site", read_manifest(build / "site.manifest")))
    return found[0], found[1]


def _touch(site: Site, since: Site) -> None:
    """Set the time of the files that differ from `since` to now, or of all files if it is the same site."""
    for path, digest in site.manifest.items():
        if site is since or since.manifest.get(path) != digest:
            os.utime(site.folder / path)
        else:
            shutil.copystat(since.folder / path, site.folder / path)


def _update_status(site: Site) -> None:
    """Write a status.json with a later time, of the same length, as every run does."""
    path = site.folder / "status.json"
    status = json.loads(path.read_bytes())
    moment = datetime.fromisoformat(status["fetched"]) + timedelta(minutes=15)
    status["fetched"] = moment.isoformat()
    path.write_text(json.dumps(status, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _tools(server: Server, folder: Path) -> dict[str, Tool]:
    bucket = f"s3://{server.bucket}"

    def ours(site: Site, prefix: str) -> Count:
        build = folder / f"ours-{prefix}"
        build.mkdir(exist_ok=True)
        shutil.rmtree(build / "site", ignore_errors=True)
        shutil.copytree(site.folder, build / "site")
        shutil.copyfile(site.folder.parent / "site.manifest", build / "site.manifest")
        programs = [[str(ROOT / "bin" / name)] for name in ("upload", "invalidate")]
        env = {"BUILD_DIR": str(build), "S3_PREFIX": prefix, "SITE_URL": SITE_URL}
        return server.count(programs, **env)

    def sync(site: Site, prefix: str) -> Count:
        tree = folder / "regenerated"
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(site.folder, tree, copy_function=shutil.copyfile)
        upload = ["aws", "s3", "sync", "--delete", str(tree), f"{bucket}/{prefix}/"]
        call = ["aws", "cloudfront", "create-invalidation", "--distribution-id", server.distribution]
        return server.count([upload, [*call, "--paths", "/*"]])

    def rclone(site: Site, prefix: str) -> Count:
        # provider=AWS would send checksums that need TLS.
        remote = (
            f":s3,provider=Other,env_auth,force_path_style,endpoint='{server.url}':{server.bucket}/{prefix}"
        )
        command = ["rclone", "sync", "--config", os.devnull, "--checksum"]
        return server.count([[*command, str(site.folder), remote]])

    def s5cmd(site: Site, prefix: str) -> Count:
        program = str(package("s5cmd") / "bin" / "s5cmd")
        command = [program, "--endpoint-url", server.url, "sync", "--delete"]
        return server.count([[*command, f"{site.folder}/", f"{bucket}/{prefix}/"]])

    def hugo(site: Site, prefix: str) -> Count:
        project = folder / "hugo"
        project.mkdir(exist_ok=True)
        (project / "public").unlink(missing_ok=True)
        (project / "public").symlink_to(site.folder)
        target = f"{bucket}?region=us-east-1&use_path_style=true&prefix={prefix}/"
        (project / "hugo.toml").write_text(
            f'[[deployment.targets]]\nname = "s3"\nURL = "{target}"\n'
            f'cloudFrontDistributionID = "{server.distribution}"\n'
        )
        program = str(package("hugo") / "binaries" / "hugo")
        return server.count([[program, "deploy", "--source", str(project)]])

    return {
        OURS: ours,
        SYNC: sync,
        "rclone sync --checksum": rclone,
        "s5cmd sync": s5cmd,
        "hugo deploy": hugo,
    }


def _whole_run(server: Server, build: Path) -> float:
    """Return the seconds of a whole bin/publish without changes."""
    events = [event | {"featured_image": ""} for event in larkfield.events(sample.NOW.date())]
    with LibCal(events, now=sample.NOW) as libcal:
        settings = libcal.settings | larkfield.SETTINGS
        settings |= {"BUILD_DIR": str(build), "EVENTS_NOW": sample.NOW.isoformat(), "SITE_URL": SITE_URL}
        settings |= {"S3_PREFIX": re.sub(r"\W", "-", build.name)}
        publish = [str(ROOT / "bin" / "publish")]
        server.count([publish], **settings)
        return server.count([publish], **settings).seconds
