"""The plan and the publish state of bin/upload, with a dict as the bucket: order, recovery, guards.

bin/upload itself, with the AWS CLI and the answers of S3, is tested in aws/upload.bats.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import upload_steps
from files import format_manifest, sha256
from publishing import headers
from publishing.cloudfront import Budget
from publishing.state import UNCERTAIN, Pending, Published
from settings import PublishSettings, read_environment
from site_paths import MARK, is_hashed

CSS = "static/main.0123abcd.css"
SITE = {
    "index.html": f"{CSS} event/1.html event/2.html events.ics",
    "event/1.html": f"{CSS} index.html",
    "event/2.html": f"{CSS} index.html",
    "events.ics": "",
    CSS: "",
}


class Killed(Exception):
    """The run ends here, as after SIGKILL."""


@dataclass(slots=True)
class _Destination:
    """A bucket, the CloudFront edge in front of it, and the browsers of its visitors.

    `uploaded` has the time of each object's last upload, in seconds; an object without is from before.
    """

    bucket: dict[str, str] = field(default_factory=dict)
    uploaded: dict[str, int] = field(default_factory=dict)
    edge: dict[str, str] = field(default_factory=dict)
    browser: dict[str, str] = field(default_factory=dict)


class World:
    """A build folder, a bucket, and an edge and browsers that cache every file that they may cache."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.build = folder
        self.destination = _Destination()
        self.puts: list[str] = []
        self.lists = 0
        self.seconds = 1
        self.deletes_fail = ""  # the code that S3 answers to each delete, with status 200
        self.log = ""
        self._env = monkeypatch
        monkeypatch.setattr("os.fsync", lambda _: None)  # slow, and no test loses power
        monkeypatch.setenv("BUILD_DIR", str(folder))
        monkeypatch.setenv("S3_BUCKET", "library")
        self.now(datetime(2026, 3, 3, 9, tzinfo=ZoneInfo("America/New_York")))

    def setting(self, key: str, value: str) -> None:
        """Change a setting."""
        self._env.setenv(key, value)

    @property
    def bucket(self) -> dict[str, str]:
        """The objects in S3, by key."""
        return self.destination.bucket

    @property
    def edge(self) -> dict[str, str]:
        """The files that CloudFront holds."""
        return self.destination.edge

    @property
    def browser(self) -> dict[str, str]:
        """The files that the browsers hold."""
        return self.destination.browser

    def at(self, destinations: dict[str, _Destination], endpoint: str) -> None:
        """Publish to the bucket of `endpoint` from now on."""
        self.destination = destinations[endpoint]
        self.setting("AWS_ENDPOINT_URL", endpoint)

    def now(self, moment: datetime) -> None:
        """Set the clock."""
        self.moment = moment
        self._env.setenv("EVENTS_NOW", moment.isoformat())

    def later(self, minutes: int) -> None:
        """Let time pass; a browser keeps a file for a minute, and for another one while it revalidates."""
        self.now(self.moment + timedelta(minutes=minutes))
        if minutes > 2:
            self.destination.browser = {}

    def site(self, files: dict[str, str], *, events: int = 2) -> None:
        """Generate a site; the text of a file is the list of its links."""
        site = self.build / "site"
        for old in [old for old in site.rglob("*") if old.is_file() or old.is_symlink()]:
            old.unlink()
        for path, text in files.items():
            (site / path).parent.mkdir(parents=True, exist_ok=True)
            (site / path).write_text(text)
        digests = {path: sha256(text.encode()) for path, text in files.items()}
        (self.build / "site.manifest").write_bytes(format_manifest(digests))
        (site / "status.json").write_text(json.dumps({"events": events}))

    def upload(
        self,
        *arguments: str,
        kill: int = -1,
        fail: tuple[int, str] = (-1, ""),
        cut: bool = False,
        dies: int = -1,
        check: Callable[[], None] = lambda: None,
    ) -> int:
        """Act as bin/upload; return its exit code.

        It is killed before its `kill`-th write; AWS answers its `fail[0]`-th write with the error
        `fail[1]`. With `cut`, the last line of the CLI's output is incomplete. The CLI dies without an
        answer in its `dies`-th command. `check` is called after every write.
        """
        writes = 0
        done = 0
        prefix = os.environ.get("S3_PREFIX", "")
        prefix += "/" if prefix else ""
        (self.build / "run").mkdir(exist_ok=True)
        rc, output = self._call("prepare", *arguments)
        if rc == 0 and output.startswith(("list\t", "check\t")):
            self.lists += 1
            for line in output.splitlines():
                self._list(*line.split("\t")[1:])
            rc, output = self._call("prepare", "--listed", *arguments)
        if rc:
            return rc
        out: list[str] = []
        err: list[str] = []
        deleted: list[str] = []
        deleting = False
        self.actions = [line.split("\t")[0] for line in output.splitlines()]
        for line in output.splitlines():
            action, _, source, *_ = line.split("\t")
            out, err, deleted = [], [], []
            deleting = action == "delete"
            if done == dies:
                err = ["dead"]
                break
            if action == "delete":
                items = json.loads(Path(source).read_text())["Objects"]
                work = [("delete", item["Key"], "") for item in items]
            elif action in ("status", "mark"):
                name = {"status": "status.json", "mark": MARK}[action]
                work = [("put", prefix + name, Path(source).read_text())]
            else:
                files = sorted(path for path in Path(source).rglob("*") if path.is_file())
                work = [
                    ("put", prefix + path.relative_to(source).as_posix(), path.read_text()) for path in files
                ]
            for kind, key, text in work:
                if writes == kill:
                    raise Killed
                if writes == fail[0]:
                    err.append(f"upload failed: x to s3://library/{key} {fail[1]}")
                    continue
                writes += 1
                self.seconds += 1
                if kind == "delete":
                    if self.deletes_fail:
                        continue
                    self.bucket.pop(key, None)
                    deleted.append(key)
                else:
                    self.bucket[key] = text
                    self.destination.uploaded[key] = self.seconds
                    if key != prefix + MARK:
                        self.puts.append(key)
                    out.append(f"upload: build/run/x to s3://library/{key}")
                check()
            if err or (deleting and self.deletes_fail):
                break
            done += 1
        text = "".join(f"{line}\n" for line in out).removesuffix("\n" * cut)
        if deleting and not err:
            text = json.dumps({"Deleted": [{"Key": key} for key in deleted]})
        (self.build / "run" / "aws.out").write_text(text)
        (self.build / "run" / "aws.err").write_text("".join(f"{line}\n" for line in err if line != "dead"))
        if writes == kill:
            raise Killed
        rc, self.recorded = self._call("record", str(done))
        return rc or (78 if err and not deleting else 0)

    def _list(self, _most: str, answer: str, prefix: str) -> None:
        """Answer a listing as the AWS CLI does."""
        objects, folders = [], set[str]()
        for key in sorted(key for key in self.bucket if key.startswith(prefix)):
            folder, slash, _ = key.removeprefix(prefix).partition("/")
            moment = datetime.fromtimestamp(self.destination.uploaded.get(key, 0), UTC)
            if slash:
                folders.add(f"{prefix}{folder}/")
            else:
                objects.append([key, moment.isoformat()])
        data = {"objects": objects or None, "folders": sorted(folders) or None, "more": None}
        Path(answer).write_text(json.dumps(data))

    def _call(self, *arguments: str) -> tuple[int, str]:
        rc = upload_steps.main(list(arguments))
        captured = self.capture.readouterr()
        self.log += captured.err
        return rc, captured.out

    capture: pytest.CaptureFixture[str]

    def invalidate(self) -> None:
        """Act as bin/invalidate, with a CloudFront that invalidates every file."""
        pending = Pending.load(self.build / "pending-paths")
        if pending.paths:
            self.destination.edge = {}
            Budget(PublishSettings.from_env(read_environment())).add(1, pending.change_id)
        Pending().save(self.build / "pending-paths")

    @property
    def pending(self) -> set[str]:
        """The paths in pending-paths."""
        return set(Pending.load(self.build / "pending-paths").paths)

    @property
    def published(self) -> Published:
        """The content of published.manifest."""
        found = Published.load(self.build / "published.manifest")
        assert found
        return found

    def visit(self) -> None:
        """Visit every page that the home page links to; fail if a link leads to a missing file.

        The links of pages that browsers still hold from earlier visits count too.
        """
        reached, wanted = set[str](), {"index.html"} if self._get("index.html") is not None else set()
        for held in self.browser.values():
            wanted |= set(held.split())
        while wanted:
            path = wanted.pop()
            reached.add(path)
            text = self._get(path)
            assert text is not None, f"a live page links to {path}, which is missing"
            wanted |= set(text.split()) - reached
        self.destination.browser |= self.edge

    def _get(self, path: str) -> str | None:
        if path not in self.edge and path in self.bucket:
            self.edge[path] = self.bucket[path]
        return self.edge.get(path)

    def settle(self, check: Callable[[], None] = lambda: None) -> None:
        """Run until all due deletes and invalidations are done."""
        for _ in range(3):
            assert self.upload(check=check) == 0
            self.invalidate()
            self.later(15)

    def settled(self, files: dict[str, str]) -> bool:
        """Whether the bucket holds the site, and besides it only assets."""
        ours = {
            key: text
            for key, text in self.bucket.items()
            if key not in ("status.json", MARK) and (key in files or not is_hashed(key))
        }
        return ours == files


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> World:
    made = World(tmp_path, monkeypatch)
    made.capture = capsys
    made.site(SITE)
    return made


def test_trap_06_assets_come_first_then_new_pages_then_changed_pages_then_the_status(world: World) -> None:
    world.upload()
    assert world.puts[0] == CSS
    assert world.puts[-2:] == ["index.html", "status.json"]
    world.puts.clear()
    world.site(
        SITE
        | {"event/3.html": "static/new.99999999.css", "static/new.99999999.css": ""}
        | {"event/1.html": "event/3.html", "index.html": "event/3.html event/1.html"}
    )
    world.upload()
    assert world.puts == [
        "static/new.99999999.css", "event/3.html", "event/1.html", "index.html", "status.json",
    ]  # fmt: skip


def test_a_home_page_that_never_arrived_still_comes_after_the_changed_pages(world: World) -> None:
    """It counts as new, but links to all other pages."""
    assert world.upload(fail=(len(SITE), "Connection was closed")) == 78  # after the mark and the other files
    world.puts.clear()
    world.site(SITE | {"event/1.html": "x"})
    world.upload()
    assert world.puts == ["event/1.html", "index.html", "status.json"]


def test_an_unchanged_site_costs_one_put_and_no_listing(world: World) -> None:
    world.upload()
    world.invalidate()
    world.puts.clear()
    world.lists = 0
    assert world.upload() == 0
    assert (world.puts, world.lists, world.pending) == (["status.json"], 0, set())


def test_a_new_asset_alone_needs_no_invalidation(world: World) -> None:
    world.upload()
    world.invalidate()
    world.site(SITE | {"static/new.99999999.css": ""})
    world.upload()
    assert "static/new.99999999.css" in world.bucket
    assert world.pending == set()


def test_trap_09_fault_23_after_a_changed_header_rule_only_its_files_are_uploaded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.upload()
    world.invalidate()
    world.puts.clear()
    monkeypatch.setitem(headers.CONTENT_TYPES, ".ics", "text/calendar")
    world.upload()
    assert world.puts == ["events.ics", "status.json"]
    assert world.pending == {"events.ics"}
    assert 'msg="headers changed; uploading these files again"' in world.log


def test_a_cache_that_learns_of_no_change_keeps_pages_no_longer_than_a_browser(world: World) -> None:
    world.upload()
    world.invalidate()
    assert f"{headers.headers_for('index.html')}".count("s-maxage=3600") == 1
    world.puts.clear()
    world.setting("INVALIDATE", "none")
    world.upload()
    assert set(world.puts) == {*SITE.keys() - {CSS}, "status.json"}  # their headers have changed
    published = (world.build / "published.manifest").read_text()
    kept = [line for line in published.splitlines() if "s-maxage" in line]
    assert kept == [f"# headers {headers.headers_for(MARK)}"]
    assert "# headers text/html; charset=utf-8 | public, max-age=60, stale-while-revalidate=60" in published
    world.puts.clear()
    world.upload()
    assert world.puts == ["status.json"]


LESS = {"index.html": "event/1.html", "event/1.html": "", CSS: "", "events.ics": ""}


@pytest.mark.parametrize(("minutes", "kept"), [(9, True), (10, False)])
def test_a_removed_page_is_deleted_ten_minutes_after_the_invalidation(
    world: World, minutes: int, kept: bool
) -> None:
    world.upload(check=world.visit)
    world.invalidate()
    world.later(15)
    world.site(LESS)
    world.upload(check=world.visit)
    world.later(15)
    world.upload(check=world.visit)  # not invalidated yet
    world.invalidate()
    world.later(minutes)
    world.upload(check=world.visit)
    assert ("event/2.html" in world.bucket) is kept


def test_a_deleted_page_is_invalidated_again_since_a_visitor_may_have_fetched_it(
    world: World,
) -> None:
    world.upload()
    world.invalidate()
    world.site(LESS)
    world.upload()
    world.invalidate()
    world.edge["event/2.html"] = world.bucket["event/2.html"]
    world.later(15)
    world.upload()
    assert world.pending == {"event/2.html"}
    world.invalidate()
    world.later(15)
    world.puts.clear()
    world.upload()
    assert (world.puts, world.pending) == (["status.json"], set())


@pytest.mark.parametrize(
    "error",
    ["", "Connection was closed", "An error occurred (AccessDenied) when calling the PutObject operation"],
)
def test_a_removed_page_stays_while_a_page_that_links_to_it_could_not_be_changed(
    world: World, error: str
) -> None:
    world.upload()
    world.invalidate()
    world.later(15)
    world.site(LESS | {"events.ics": "index.html"})
    if error:
        assert world.upload(fail=(1, error)) == 78
    else:
        with pytest.raises(Killed):
            world.upload(kill=1)
    world.invalidate()
    world.later(15)
    world.visit()
    world.upload(check=world.visit)
    assert "event/2.html" in world.bucket
    world.invalidate()
    world.later(15)
    world.upload(check=world.visit)
    assert "event/2.html" not in world.bucket


def test_a_run_with_new_changes_also_deletes_the_pages_removed_before(world: World) -> None:
    world.upload()
    world.site({path: text for path, text in SITE.items() if path != "events.ics"})
    world.upload()
    world.invalidate()
    world.later(15)
    world.site({"index.html": "event/1.html", "event/1.html": "index.html", "event/2.html": "", CSS: ""})
    world.upload()
    assert "events.ics" not in world.bucket


@pytest.mark.parametrize("state_file", ["pending-paths", "invalidations"])
def test_a_lost_invalidation_history_means_one_invalidation_of_everything(
    world: World, state_file: str
) -> None:
    world.upload()
    world.invalidate()
    world.site(LESS)
    world.upload(check=world.visit)
    if state_file == "invalidations":
        world.invalidate()
    world.later(15)
    (world.build / state_file).unlink()
    world.puts.clear()
    world.upload(check=world.visit)
    assert world.puts == ["status.json"]
    assert world.pending == {"*"}
    assert "event/2.html" in world.bucket
    assert world.log.count('msg="invalidation history lost; invalidating /*"') == 1
    change = Pending.load(world.build / "pending-paths").change_id
    world.upload(check=world.visit)
    assert Pending.load(world.build / "pending-paths").change_id == change  # or a retry would be billed again
    world.settle(check=world.visit)
    assert world.settled(LESS)


def test_a_page_restored_before_its_delete_needs_no_upload(world: World) -> None:
    world.upload()
    world.site({path: text for path, text in SITE.items() if path != "events.ics"})
    world.upload()
    world.puts.clear()
    world.site(SITE)
    world.settle()
    assert "events.ics" not in world.puts
    assert world.settled(SITE)


@pytest.mark.parametrize(("minutes", "kept"), [(24 * 60 - 1, True), (24 * 60, False)])
def test_a_hashed_asset_outlives_its_pages_by_a_day(world: World, minutes: int, kept: bool) -> None:
    world.upload()
    world.site({"index.html": "event/1.html", "event/1.html": "", "event/2.html": "", "events.ics": ""})
    world.upload()
    world.invalidate()
    world.later(minutes)
    world.upload()
    assert (CSS in world.bucket) is kept
    assert world.pending == set()


def test_an_asset_is_deleted_only_after_the_last_page_removed_with_it(world: World) -> None:
    world.upload()
    world.invalidate()
    world.site({"index.html": "event/1.html", "event/1.html": "", "events.ics": ""})
    world.upload()
    world.invalidate()
    world.later(60 * 40)  # from Saturday to Monday
    world.edge["event/2.html"] = world.bucket["event/2.html"]  # a visitor has just fetched it
    world.upload(check=world.visit)
    assert CSS in world.bucket
    world.invalidate()
    world.later(15)
    world.upload(check=world.visit)
    assert CSS not in world.bucket


def test_an_asset_stays_while_the_edge_may_hold_the_old_version_of_a_restored_page(world: World) -> None:
    world.upload()
    world.invalidate()
    world.site({"index.html": "event/1.html", "event/1.html": "", "events.ics": ""})
    world.upload()
    world.invalidate()
    world.later(60 * 40)
    world.edge["event/2.html"] = world.bucket["event/2.html"]
    world.site({"index.html": "event/1.html event/2.html", "event/1.html": "", "event/2.html": ""})
    world.upload(check=world.visit)
    assert CSS in world.bucket


# --- Guards --------------------------------------------------------------------------------------


def _flip(build: Path) -> None:
    (build / "site" / "index.html").write_text("x")


def _half_a_line(build: Path) -> None:
    (build / "site.manifest").write_text("0123\n")


def _lists(path: str) -> Callable[[Path], object]:
    def damage(build: Path) -> None:
        with (build / "site.manifest").open("a") as file:
            file.write(f"{'0' * 64}  {path}\n")

    return damage


def _no_home(build: Path) -> None:
    lines = (build / "site.manifest").read_text().splitlines(keepends=True)
    (build / "site.manifest").write_text("".join(line for line in lines if "index.html" not in line))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_flip, "differs from site.manifest"),
        (lambda build: (build / "site" / "event" / "1.html").unlink(), "a file is missing"),
        (lambda build: (build / "site.manifest").unlink(), "missing or empty"),
        (lambda build: (build / "site.manifest").write_text(""), "missing or empty"),
        (_half_a_line, "cannot read site.manifest"),
        (_lists("../secret"), "unsafe path in site.manifest"),
        (_lists("# a comment in pending-paths"), "unsafe path in site.manifest"),
        (_lists("*"), "unsafe path in site.manifest"),
        (_lists("a//b"), "unsafe path in site.manifest"),
        (_no_home, "index.html is missing"),
        (lambda build: (build / "site" / "a").symlink_to("/etc"), "a file is a link or special file"),
        (lambda build: (build / "site" / "status.json").write_text('{"events": "2"}'), "status.json"),
        (lambda build: (build / "site" / "status.json").unlink(), "status.json"),
    ],
)  # fmt: skip
def test_trap_07_fault_25_an_incomplete_site_is_refused_even_with_force_and_no_file_changes(
    world: World, damage: Callable[[Path], object], message: str
) -> None:
    world.upload()
    world.invalidate()
    before = {path: path.read_bytes() for path in world.build.glob("*") if path.is_file()}
    bucket = dict(world.bucket)
    damage(world.build)
    world.setting("FORCE", "1")
    assert world.upload() == 65
    assert "guard: " in world.log
    assert message in world.log
    assert world.bucket == bucket
    for path in (world.build / "published.manifest", world.build / "pending-paths"):
        assert path.read_bytes() == before[path]


@pytest.mark.parametrize(("pages", "rc"), [(5, 0), (4, 65)])
def test_trap_07_fault_13_a_run_may_delete_half_of_the_files_and_no_more(
    world: World, pages: int, rc: int
) -> None:
    files = {"index.html": ""} | {f"event/{number}.html": "" for number in range(9)}
    world.site(files)
    world.upload()
    less = dict(list(files.items())[:pages])
    world.site(less)
    assert world.upload() == rc
    assert ("percent=60 limit=50" in world.log) is (rc == 65)
    world.setting("FORCE", "1")
    assert world.upload() == 0


def test_too_few_events_are_refused_unless_forced(world: World) -> None:
    world.setting("MIN_EVENTS", "3")
    assert world.upload() == 65
    assert "events=2 min=3" in world.log
    assert not world.bucket
    world.setting("FORCE", "1")
    assert world.upload() == 0


def test_a_file_that_changes_between_the_check_and_the_copy_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = upload_steps._stage

    def edit(*arguments: Any) -> None:
        (world.build / "site" / "index.html").write_text("changed meanwhile")
        stage(*arguments)

    monkeypatch.setattr(upload_steps, "_stage", edit)
    assert world.upload() == 65
    assert "incomplete site: a file changed during the upload" in world.log
    assert not world.bucket


def test_a_file_of_an_unknown_type_is_uploaded_with_a_warning(world: World) -> None:
    world.site(SITE | {"static/a.0123abcd.xyz": ""})
    world.upload()
    assert "static/a.0123abcd.xyz" in world.bucket
    assert (
        'msg="unknown file type; uploading it as application/octet-stream" files=1 first=static/a.0123abcd.xyz'
        in world.log
    )


def test_fault_28_files_that_the_manifest_does_not_list_are_skipped_with_a_warning(world: World) -> None:
    (world.build / "site" / ".partial-x").write_text("half")
    world.upload()
    assert ".partial-x" not in world.bucket
    assert "level=warn" in world.log
    assert "files=1 first=.partial-x" in world.log


# --- Other destinations, lost state --------------------------------------------------------------------


def test_fault_22_a_new_destination_gets_every_file_and_keeps_the_files_found_there(world: World) -> None:
    world.upload()
    world.invalidate()
    world.setting("S3_PREFIX", "events")
    world.bucket["events/photos/77.html"] = "someone else's"
    world.puts.clear()
    assert world.upload() == 0
    assert sorted(world.puts) == sorted(f"events/{path}" for path in [*SITE, "status.json"])
    assert world.lists == 2
    world.settle()
    assert "events/photos/77.html" in world.bucket


def test_a_former_destination_gets_every_file_again_and_loses_the_removed_ones(world: World) -> None:
    world.upload()
    world.invalidate()
    world.setting("AWS_ENDPOINT_URL", "http://stand-in")
    world.upload()
    less = {path: text for path, text in SITE.items() if path != "events.ics"}
    less["index.html"] = "event/1.html event/2.html"
    world.setting("AWS_ENDPOINT_URL", "")
    world.site(less)
    world.puts.clear()
    world.upload()
    assert sorted(world.puts) == sorted([*less, "status.json"])
    assert "*" in world.pending
    world.settle()
    assert world.settled(less)


def test_an_invalidation_at_another_destination_does_not_count_here(world: World) -> None:
    destinations = {"": world.destination, "http://elsewhere": _Destination()}
    world.upload(check=world.visit)
    world.invalidate()
    world.site(LESS)
    world.upload(check=world.visit)
    world.at(destinations, "http://elsewhere")
    world.upload()
    world.invalidate()
    world.later(15)
    world.at(destinations, "")
    world.upload(check=world.visit)
    assert "event/2.html" in world.bucket
    world.settle(check=world.visit)
    assert world.settled(LESS)


def test_a_run_that_aws_refuses_for_a_wrong_bucket_keeps_the_state_of_the_right_one(world: World) -> None:
    world.upload()
    world.invalidate()
    before = (world.build / "published.manifest").read_bytes()
    world.setting("S3_BUCKET", "typo")
    assert world.upload(fail=(0, "An error occurred (NoSuchBucket) when calling PutObject")) == 78
    assert (world.build / "published.manifest").read_bytes() == before
    assert world.pending == set()


@pytest.mark.parametrize("lose", [Path.unlink, lambda path: path.write_text("# destination aws s3://libr")])
def test_fault_37_a_lost_manifest_means_one_full_upload_and_old_pages_of_ours_are_deleted(
    world: World, lose: Callable[[Path], object]
) -> None:
    world.upload()
    world.invalidate()
    world.bucket["photos/cat.jpg"] = "not ours"
    world.bucket["event/notes.html"] = "not ours either"
    lose(world.build / "published.manifest")
    less = {path: text for path, text in SITE.items() if path != "event/2.html"}
    less["index.html"] = "event/1.html"
    world.site(less)
    world.puts.clear()
    assert world.upload() == 0
    assert sorted(world.puts) == sorted([*less, "status.json"])
    assert "*" in world.pending
    world.settle()
    assert "event/2.html" not in world.bucket
    assert "photos/cat.jpg" in world.bucket
    assert "event/notes.html" in world.bucket


def test_a_lost_manifest_does_not_pass_the_guard_on_deletes(world: World) -> None:
    world.site({"index.html": ""} | {f"event/{number}.html": "" for number in range(9)})
    world.upload()
    (world.build / "published.manifest").unlink()
    world.site({"index.html": ""})
    world.puts.clear()
    assert world.upload() == 65
    assert world.puts == []


def test_state_files_of_earlier_versions_are_still_read(tmp_path: Path) -> None:
    (tmp_path / "published.manifest").write_text(
        f"# destination aws s3://b/\n# headers text/html | x\n# left 2026-11-22T14:15:00+00:00\n{'a' * 64}  event/1.html\n"
    )
    published = Published.load(tmp_path / "published.manifest")
    assert published
    assert published.entries["event/1.html"].removed_at == datetime(2026, 11, 22, 14, 15, tzinfo=UTC)
    published.save(tmp_path / "published.manifest")
    assert "# removed 2026-11-22T14:15:00+00:00\n" in (tmp_path / "published.manifest").read_text()
    assert Published.load(tmp_path / "published.manifest") == published
    (tmp_path / "pending-paths").write_text("# mark 0123\nevent/1.html\n")
    assert Pending.load(tmp_path / "pending-paths") == Pending(
        paths=frozenset({"event/1.html"}), change_id="0123"
    )


# --- Other programs' objects ---------------------------------------------------------------------

REACT = dict.fromkeys(
    ["index.html", "about.html", "favicon.ico", "static/js/main.787c1474.js", "static/css/main.f855e6bc.css",
     "static/media.0123456789.svg", "event/7.html"],
    "theirs",
)  # fmt: skip


def test_the_first_publish_onto_another_site_is_refused_and_names_two_of_its_files(world: World) -> None:
    world.bucket.update(REACT)
    assert world.upload() == 65
    assert world.bucket == REACT
    assert (
        "guard: the bucket holds another site: set S3_PREFIX to a folder of its own, or use a new bucket;"
        ' FORCE=1 replaces the files of the same name" files=3 found="event/7.html index.html" rc=65'
    ) in world.log
    assert not (world.build / "published.manifest").exists()
    assert world.pending == set()


@pytest.mark.parametrize("path", ["event/7.html", "status.json", "static/a.0123456789.js", "branch/main.ics"])
def test_one_file_with_the_name_of_ours_is_enough_to_refuse(world: World, path: str) -> None:
    world.bucket[path] = "theirs"
    assert world.upload() == 65
    world.setting("S3_PREFIX", "events")
    assert world.upload() == 0
    assert world.bucket[path] == "theirs"


def test_forced_only_the_paths_of_the_site_are_replaced_and_no_other_file_is_ever_deleted(
    world: World,
) -> None:
    world.bucket.update(REACT)
    world.setting("FORCE", "1")
    assert world.upload() == 0
    world.setting("FORCE", "")
    world.settle()
    world.later(60 * 24 * 2)
    world.settle()
    (world.build / "published.manifest").unlink()  # a new machine
    world.settle()
    world.later(60 * 24 * 2)
    world.settle()
    kept = {path: text for path, text in world.bucket.items() if text == "theirs"}
    assert kept == {path: text for path, text in REACT.items() if path != "index.html"}
    assert world.bucket["index.html"] == SITE["index.html"]


def test_the_mark_is_uploaded_before_all_else_and_never_again(world: World) -> None:
    marks: list[int] = []
    world.upload(check=lambda: marks.append(MARK in world.bucket))
    assert all(marks)
    first = world.destination.uploaded[MARK]
    assert first == min(world.destination.uploaded.values())
    with pytest.raises(Killed):
        world.upload(kill=0)
    (world.build / "published.manifest").unlink()
    world.later(60 * 24 * 3)
    world.settle()
    assert world.destination.uploaded[MARK] == first
    assert MARK in world.published.entries
    assert MARK not in world.pending


def test_the_mark_is_not_uploaded_again_after_a_kill_before_its_outcome_was_recorded(world: World) -> None:
    with pytest.raises(Killed):
        world.upload(kill=2)
    first = world.destination.uploaded[MARK]
    world.settle()
    assert world.destination.uploaded[MARK] == first


def test_an_installation_without_a_mark_uploads_it_with_the_next_run(world: World) -> None:
    world.upload()
    world.invalidate()
    del world.bucket[MARK]
    lines = (world.build / "published.manifest").read_text().splitlines(keepends=True)
    lines = [line for line in lines if MARK not in line and "text/plain" not in line and "listed" not in line]
    (world.build / "published.manifest").write_text("".join(lines))
    world.puts.clear()
    assert world.upload() == 0
    assert world.puts == ["status.json"]
    assert MARK in world.bucket
    assert world.pending == set()


def test_sync_lists_the_prefix_so_it_is_used_only_without_other_objects_there(world: World) -> None:
    world.upload()
    assert set(world.actions) == {"mark", "sync", "status"}
    world.invalidate()
    world.bucket["archive/scan-1.tif"] = "theirs"
    world.later(60 * 24)
    world.site(SITE | {"event/1.html": "x"})
    world.upload()
    assert world.actions == ["copy", "status"]


def test_files_that_a_lifecycle_rule_deleted_are_noticed_within_a_day_and_uploaded_again(
    world: World,
) -> None:
    world.upload()
    world.settle()
    for path in (CSS, "event/2.html", MARK):
        del world.bucket[path]
    world.puts.clear()
    world.upload()
    assert world.puts == ["status.json"]
    world.later(60 * 24)
    world.lists = 0
    world.upload()
    assert world.puts == ["status.json", CSS, "event/2.html", "status.json"]
    assert f'msg="files missing in S3; uploading them again" files=2 first={CSS}' in world.log
    assert world.lists == 1
    assert world.pending == {CSS, "event/2.html"}
    world.settle()
    assert world.settled(SITE)
    assert MARK in world.bucket


def test_the_largest_files_are_uploaded_last_and_few_bytes_at_once(world: World) -> None:
    pages = {"event/3.html": "x" * 450_000, "event/4.html": "x" * 400_000, "event/5.html": "x" * 50_000}
    world.site(SITE | pages | {"events.ics": "x" * 900_000})
    world.upload()
    # World uploads the files of a step by name.
    assert [path for path in world.puts if path in pages] == ["event/4.html", "event/5.html", "event/3.html"]
    assert world.actions == ["mark", "sync", "sync", "sync", "sync", "sync", "status"]


# --- Failed deletes --------------------------------------------------------------------------------


def test_a_failed_delete_is_no_failed_run_and_is_tried_again_less_and_less_often(world: World) -> None:
    world.upload()
    world.invalidate()
    world.later(15)
    world.site(LESS)
    world.upload()
    world.invalidate()
    world.deletes_fail = "AccessDenied"
    tries = []
    for number in range(40):
        world.later(15)
        assert world.upload() == 0
        if "delete" in world.actions:
            tries.append(number)
            assert "deleted=0" in world.recorded
        assert world.pending == set()
        assert world.published.entries["event/2.html"].removed_at
        assert not world.published.entries["event/2.html"].is_uncertain
    assert tries == [0, 1, 4, 15]
    world.deletes_fail = ""
    world.later(60 * 24)
    assert world.upload() == 0
    assert world.pending == {"event/2.html"}
    assert world.settled(LESS)
    assert world.published.no_deletes_before is None


def test_a_delete_without_an_answer_may_have_happened_so_the_page_is_invalidated(world: World) -> None:
    world.upload()
    world.invalidate()
    world.site(LESS)
    world.upload()
    world.invalidate()
    world.later(15)
    assert world.upload(fail=(1, "Connection was closed")) == 0
    assert world.pending == {"event/2.html"}
    assert world.published.entries["event/2.html"].is_uncertain
    world.settle()
    assert world.settled(LESS)


# --- Killed or refused at any point --------------------------------------------------------------

AFTER = {
    "index.html": "static/new.99999999.css event/1.html event/3.html",
    "event/1.html": "static/new.99999999.css index.html event/3.html",
    "event/3.html": "static/new.99999999.css index.html branch/new.html",
    "branch/new.html": "static/new.99999999.css event/3.html event/1.html",
    "static/new.99999999.css": "",
}


@pytest.mark.parametrize("kill", range(9))
def test_trap_06_fault_33_after_a_kill_at_any_write_the_next_run_finishes_and_no_link_breaks(
    world: World, kill: int
) -> None:
    world.upload(check=world.visit)
    world.invalidate()
    world.visit()
    world.site(AFTER)
    world.setting("MAX_DELETE_PERCENT", "70")
    try:
        world.upload(kill=kill, check=world.visit)
    except Killed:
        pass
    else:
        assert kill > 6
    world.settle(check=world.visit)
    assert world.settled(AFTER)
    world.puts.clear()
    world.upload()
    assert world.puts == ["status.json"]


def test_fault_34_after_a_kill_the_old_content_is_uploaded_again(world: World) -> None:
    world.upload()
    world.invalidate()
    world.site(SITE | {"event/1.html": "B"})
    with pytest.raises(Killed):
        world.upload(kill=1)
    assert world.bucket["event/1.html"] == "B"
    assert world.published.entries["event/1.html"].digest == UNCERTAIN
    world.site(SITE)
    world.upload()
    assert world.settled(SITE)
    assert world.pending == {"event/1.html"}
    assert 'msg="resuming an unfinished run" pending=1 uncertain=1' in world.log


def test_a_file_uploaded_before_a_failure_is_not_uploaded_twice(world: World) -> None:
    world.upload()
    world.invalidate()
    world.site(SITE | {"event/1.html": "x", "event/2.html": "y"})
    assert world.upload(fail=(1, "Connection was closed")) == 78
    assert "uploaded=1" in world.recorded
    world.puts.clear()
    world.upload()
    assert world.puts == ["event/2.html", "status.json"]


def test_a_file_that_aws_refused_keeps_its_earlier_state(world: World) -> None:
    world.upload()
    world.invalidate()
    world.site(SITE | {"events.ics": "x", "event/1.html": "y"})
    denied = "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied"
    assert world.upload(fail=(1, denied)) == 78
    world.puts.clear()
    world.site(SITE | {"events.ics": "x"})
    world.upload()
    assert world.puts == ["status.json"]


def test_a_refused_site_leaves_no_plan_of_an_earlier_run(world: World) -> None:
    with pytest.raises(Killed):
        world.upload(kill=2)
    assert (world.build / "run" / "upload.plan.json").exists()
    (world.build / "site" / "index.html").unlink()
    assert world.upload() == 65
    assert not (world.build / "run" / "upload.plan.json").exists()


def test_a_new_file_that_may_be_missing_is_uploaded_before_the_pages_that_link_to_it(world: World) -> None:
    world.upload()
    world.invalidate()
    world.site(SITE | {"event/3.ics": "", "event/3.html": "event/3.ics", "index.html": "event/3.html"})
    assert world.upload(fail=(0, "Connection was closed")) == 78
    world.puts.clear()
    world.upload(check=world.visit)
    assert world.puts == ["event/3.ics", "event/3.html", "index.html", "status.json"]


@pytest.mark.parametrize(
    ("error", "puts"),
    [
        ("Connection was closed", ["event/2.html", "index.html", "status.json"]),
        # AWS refused the delete, so the page is still there.
        (
            "An error occurred (AccessDenied) when calling the DeleteObjects operation",
            ["index.html", "status.json"],
        ),
    ],
)
def test_a_page_restored_after_an_uncertain_delete_is_uploaded_again(
    world: World, error: str, puts: list[str]
) -> None:
    world.upload()
    world.invalidate()
    world.site(LESS)
    world.upload()
    world.invalidate()
    world.later(15)
    assert world.upload(fail=(1, error)) == 0
    world.site(LESS | {"event/2.html": SITE["event/2.html"], "index.html": "event/2.html"})
    world.puts.clear()
    world.upload()
    assert world.puts == puts


def test_an_answer_of_an_earlier_run_does_not_count_when_the_cli_dies_at_its_start(world: World) -> None:
    world.upload()
    world.invalidate()
    world.site(SITE | {"event/1.html": "first", "event/2.html": "first"})
    with pytest.raises(Killed):
        world.upload(kill=1)
    world.site(SITE | {"event/1.html": "second", "event/2.html": "second"})
    assert world.upload(dies=0) == 78
    assert "uploaded=0" in world.recorded
    world.settle()
    assert world.settled(SITE | {"event/1.html": "second", "event/2.html": "second"})


def test_an_incomplete_line_of_a_killed_cli_does_not_count(world: World) -> None:
    world.upload()
    world.invalidate()
    world.site(SITE | {"event/1.html": "x", "event/2.html": "y"})
    world.upload(fail=(1, "Connection was closed"), cut=True)
    assert "uploaded=0" in world.recorded
    world.puts.clear()
    world.upload()
    assert world.puts == ["event/1.html", "event/2.html", "status.json"]


def test_a_run_that_aws_refuses_entirely_leaves_the_state_files_unchanged(world: World) -> None:
    denied = "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied"
    assert world.upload(fail=(0, denied)) == 78
    assert not (world.build / "published.manifest").exists()
    assert world.pending == set()
    world.upload()
    world.invalidate()
    before = (world.build / "published.manifest").read_bytes()
    world.site(SITE | {"event/1.html": "x"})
    world.upload(fail=(0, denied))
    assert (world.build / "published.manifest").read_bytes() == before
    assert world.pending == set()


@hypothesis_settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(["event/1.html", "event/2.html", "event/3.html"]), unique=True),
            st.sampled_from(["a", "b"]),
            st.integers(-1, 8),
            st.booleans(),
            st.sampled_from(["", "manifest", "destination"]),
            st.sampled_from([0, 1, 15, 26 * 60]),
        ),
        max_size=6,
    )
)
def test_any_series_of_edits_kills_and_losses_ends_with_the_site_in_the_bucket(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    runs: list[tuple[list[str], str, int, bool, str, int]],
) -> None:
    world = World(tmp_path_factory.mktemp("world"), monkeypatch)
    world.capture = capsys
    world.setting("MAX_DELETE_PERCENT", "100")
    files: dict[str, str] = {}
    destinations = {name: _Destination() for name in ("", "http://elsewhere")}
    for pages, style, kill, invalidates, lost, minutes in [*runs, ([], "a", -1, True, "", 15)]:
        css = f"static/main.{style * 8}.css"
        files = {"index.html": " ".join([css, *pages]), css: ""}
        files |= dict.fromkeys(pages, f"{css} index.html")
        world.site(files)
        if lost == "manifest":
            (world.build / "published.manifest").unlink(missing_ok=True)
        world.at(destinations, "http://elsewhere" if lost == "destination" else "")
        try:
            world.upload(kill=kill, check=world.visit)
            if invalidates:
                world.invalidate()
        except Killed:
            pass
        world.visit()
        world.later(minutes)
    world.at(destinations, "")
    world.settle(check=world.visit)
    assert world.settled(files)
    world.puts.clear()
    world.upload()
    assert world.puts == ["status.json"]
