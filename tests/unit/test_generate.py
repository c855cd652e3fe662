"""The generate step: which files it writes, keeps and removes, and when it refuses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import exit_codes
import files
import generate
import program
from event import Event, Snapshot
from log import Log
from rendering import inputs, pages, share_pictures
from rendering.site import Site
from settings import ROOT
from support.page_samples import NOW, event, settings, snapshot
from support.project_copy import copy_project

EVENTS = (
    event("2026-03-03 10:30", "2026-03-03 12:00", id="1", audiences=("Children",)),
    event("2026-03-04 10:30", "2026-03-04 12:00", id="2", title="Chess", branch="Lebanon"),
)


class Build:
    """A build folder, and how to run the step on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = folder / "site"
        self.templates = ROOT / "templates"

    def events(self, *events: Event, **values: Any) -> None:
        """Write events.json, as fetch would."""
        snapshot(*events, **values).save(self.folder / "events.json")

    def run(self, **values: str) -> int:
        """Run the step and return its exit code."""
        found = settings(BUILD_DIR=str(self.folder), **values)
        return generate.generate(found, self.templates, Log("generate"))

    @property
    def stamps(self) -> dict[str, int]:
        """When each file of the site was last written."""
        return {
            path.relative_to(self.site).as_posix(): path.stat().st_mtime_ns
            for path in self.site.rglob("*")
            if path.is_file()
        }

    def written_by(self, **values: str) -> set[str]:
        """Run the step; return the files of the site that it wrote."""
        before = self.stamps
        assert self.run(**values) == exit_codes.OK
        return {path for path, stamp in self.stamps.items() if before.get(path) != stamp}


@pytest.fixture
def build(tmp_path: Path) -> Build:
    made = Build(tmp_path)
    made.events(*EVENTS)
    return made


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the project, whose files a test may change."""
    return copy_project(tmp_path / "project")


@pytest.fixture
def built(build: Build) -> Build:
    assert build.run() == exit_codes.OK
    return build


def test_the_manifest_lists_every_file_except_the_status_and_sha256sum_agrees(built: Build) -> None:
    digests = files.read_manifest(built.folder / "site.manifest")
    assert set(digests) == set(built.stamps) - {"status.json"}
    command = ["sha256sum", "--check", "--strict", "--quiet", "../site.manifest"]
    assert subprocess.run(command, cwd=built.site, check=False, timeout=20).returncode == 0
    assert list(digests) == sorted(digests)


def test_the_same_input_writes_no_file(built: Build) -> None:
    assert built.written_by() == set()


def test_a_later_hour_and_a_later_fetch_change_only_the_status(built: Build) -> None:
    at = snapshot().calendars[0]
    built.events(*EVENTS, calendars=(replace(at, fetched=NOW + timedelta(minutes=15), events=2),))
    later = (NOW + timedelta(hours=4)).isoformat()
    assert built.written_by(EVENTS_NOW=later) == {"status.json"}


def test_without_site_inputs_the_pages_are_rendered_again_to_the_same_bytes(
    built: Build,
) -> None:
    (built.folder / "site.inputs").unlink()
    assert built.written_by() == set()


def test_one_changed_event_changes_its_page_and_the_lists_it_is_on(built: Build) -> None:
    built.events(EVENTS[0], replace(EVENTS[1], place="Attic"))
    written = built.written_by()
    assert {"index.html", "branch/lebanon.html", "event/2.html", "event/2.ics", "events.json"} <= written
    assert not {"event/1.html", "branch/kilton.html", "audience/children.html", "404.html"} & written


def test_files_that_are_not_part_of_the_site_are_removed(built: Build) -> None:
    for name in ("event/99.html", "old/deep/page.html", f"{files.PARTIAL_PREFIX}x1", ".DS_Store"):
        (built.site / name).parent.mkdir(parents=True, exist_ok=True)
        (built.site / name).write_text("stray")
    (built.site / "link.html").symlink_to("/etc/hostname")
    built.events(EVENTS[0])
    assert built.run() == exit_codes.OK
    assert set(built.stamps) - {"status.json"} == set(files.read_manifest(built.folder / "site.manifest"))
    assert not (built.site / "old").exists()
    assert not (built.site / "event/2.html").exists()


def test_strays_are_removed_when_no_input_changed(built: Build) -> None:
    (built.site / "stray.html").write_text("stray")
    assert built.run() == exit_codes.OK
    assert not (built.site / "stray.html").exists()


@pytest.mark.parametrize("damage", ["change", "remove"])
def test_a_damaged_site_is_repaired_when_no_input_changed(built: Build, damage: str) -> None:
    good = (built.site / "index.html").read_bytes()
    if damage == "change":
        (built.site / "index.html").write_bytes(good[:-1] + b"?")
    else:
        (built.site / "index.html").unlink()
    assert built.written_by() == {"index.html"}
    assert (built.site / "index.html").read_bytes() == good


@pytest.mark.parametrize("content", [b"", b"nonsense\n", b"\xff\xfe"])
def test_a_damaged_manifest_is_replaced(built: Build, content: bytes) -> None:
    manifest = built.folder / "site.manifest"
    good = manifest.read_bytes()
    manifest.write_bytes(content)
    assert built.written_by() == set()
    assert manifest.read_bytes() == good


def test_pages_are_rendered_again_on_the_next_day(built: Build) -> None:
    written = built.written_by(EVENTS_NOW=(NOW + timedelta(days=1)).isoformat())
    assert "index.html" in written
    assert "This event is over." in (built.site / "event/1.html").read_text()


@pytest.mark.parametrize(
    "values",
    [
        {"SITE_NAME": "Another"},
        {"SITE_URL": "https://other.example.org"},
        {"BRAND_COLOR": "#aa0000"},
        {"LOCALE": "da_DK"},
        {"TIMEZONE": "America/Chicago"},
        {"HOME_PAGE": "screen"},
    ],
)
def test_pages_are_rendered_again_after_a_setting_changed(built: Build, values: dict[str, str]) -> None:
    assert "index.html" in built.written_by(**values)


def test_screens_are_rendered_again_after_their_notice_changed(built: Build) -> None:
    written = built.written_by(SCREEN_NOTICE="Wi-Fi is down")
    assert "screen.html" in written
    assert "index.html" not in written


def test_pages_are_rendered_again_after_the_logo_changed(built: Build, tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    Image.new("RGB", (300, 100), "red").save(logo)
    assert "index.html" in built.written_by(LOGO=str(logo))
    assert built.written_by(LOGO=str(logo)) == set()
    Image.new("RGB", (300, 100), "blue").save(logo)
    assert "index.html" in built.written_by(LOGO=str(logo))


def test_pages_are_rendered_again_when_an_image_arrives(build: Build) -> None:
    build.events(replace(EVENTS[0], image="art-1f"), EVENTS[1])
    assert build.run() == exit_codes.OK
    (build.folder / "images").mkdir()
    Image.new("RGB", (320, 180)).save(build.folder / "images" / "art-1f-320.webp")
    written = build.written_by()
    assert {"index.html", "event/1.html", "static/320.art-1f.webp"} <= written
    assert "event/2.html" not in written


def test_pages_are_rendered_again_after_a_template_changed(build: Build, tmp_path: Path) -> None:
    build.templates = tmp_path / "templates"
    shutil.copytree(ROOT / "templates", build.templates)
    assert build.run() == exit_codes.OK
    template = build.templates / "404.html"
    template.write_text(template.read_text().replace("<h1>", '<h1 class="sorry">'))
    assert build.written_by() == {"404.html"}


@pytest.mark.parametrize(
    ("source", "renders"),
    [
        ("scripts/generate.py", True),
        ("scripts/rendering/colors.py", True),
        ("scripts/rendering/vtimezone.py", True),
        ("scripts/event.py", True),
        ("templates/event.html", True),
        ("templates/messages/en.json", True),
        ("requirements.txt", True),
        ("scripts/notify.py", False),
        ("scripts/upload.py", False),
        ("scripts/fetching/libcal.py", False),
        ("standins/demo.py", False),
    ],
)
def test_only_the_modules_and_templates_of_the_pages_are_inputs(
    build: Build, copy: Path, source: str, renders: bool
) -> None:
    environment = {"ENV_FILE": os.devnull, "BUILD_DIR": str(build.folder), "EVENTS_NOW": NOW.isoformat()}

    def generate_and_return_inputs() -> tuple[bytes, int]:
        command = [sys.executable, str(copy / "scripts" / "generate.py")]
        subprocess.run(command, env=environment, timeout=20, check=True, stderr=subprocess.DEVNULL)
        inputs = build.folder / "site.inputs"
        return inputs.read_bytes(), inputs.stat().st_mtime_ns

    before = generate_and_return_inputs()
    assert generate_and_return_inputs() == before
    with (copy / source).open("a") as file:
        file.write("\n")
    digest, written = generate_and_return_inputs()
    assert (digest != before[0], written != before[1]) == (renders, renders)


def test_the_modules_that_are_inputs_are_those_that_python_loads(copy: Path) -> None:
    code = "import generate, sys, rendering.pages, processes; print(*(getattr(m, '__file__', '') for m in sys.modules.values()))"
    command = [sys.executable, "-c", code]
    shown = subprocess.run(
        command, cwd=copy / "scripts", capture_output=True, text=True, timeout=20, check=True
    )
    loaded = {Path(path) for path in shown.stdout.split() if Path(path).is_relative_to(copy)}
    assert loaded <= set(inputs.modules(copy / "scripts" / "generate.py"))
    assert len(loaded) > 25


def test_an_event_removed_in_libcal_keeps_its_page_until_its_day_has_passed(built: Build) -> None:
    built.events(EVENTS[0], replace(EVENTS[1], listed=False))
    assert built.run() == exit_codes.OK
    assert "No longer listed" in (built.site / "event/2.html").read_text()
    built.events(EVENTS[0], replace(EVENTS[1], listed=False), replace(EVENTS[0], id="3", start=EVENTS[0].start + timedelta(days=5), end=EVENTS[0].end + timedelta(days=5)))  # fmt: skip
    assert built.run(EVENTS_NOW=(NOW + timedelta(days=2)).isoformat()) == exit_codes.OK
    assert not (built.site / "event/2.html").exists()


def test_too_few_events_are_refused_and_no_file_is_written(built: Build) -> None:
    before = built.stamps
    built.events()
    with pytest.raises(program.Refused, match="too few events"):
        built.run()
    assert built.stamps == before
    assert built.run(FORCE="1") == exit_codes.OK
    assert "No events are scheduled" in (built.site / "index.html").read_text()


def test_past_and_unlisted_events_do_not_count_for_the_guard(build: Build) -> None:
    build.events(event("2026-03-01 10:30", id="1"), event("2026-03-09 10:30", id="2", listed=False))
    with pytest.raises(program.Refused):
        build.run()


def run_main(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **values: str
) -> tuple[int, str]:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("EVENTS_NOW", NOW.isoformat())
    code = generate.main([])
    out, err = capsys.readouterr()
    assert out == ""
    return code, err


@pytest.mark.parametrize(
    ("values", "code", "said"),
    [
        ({}, exit_codes.OK, 'msg="site generated" events=2'),
        ({"LOCALE": "fr_FR"}, exit_codes.CONFIG, "key=LOCALE"),
        ({"LOGO": "/nowhere.svg"}, exit_codes.CONFIG, "key=LOGO"),
        ({"BRAND_COLOR": "red"}, exit_codes.CONFIG, "key=BRAND_COLOR"),
        ({"MIN_EVENTS": "3"}, exit_codes.REFUSED, "events=2 min=3"),
    ],
)
def test_each_outcome_has_its_exit_code_and_one_log_line(
    build: Build, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    values: dict[str, str], code: int, said: str,
) -> None:  # fmt: skip
    found, log = run_main(monkeypatch, capsys, BUILD_DIR=str(build.folder), **values)
    assert (found, log.count("\n")) == (code, 1)
    assert said in log
    assert f"rc={code}" in log
    assert build.site.exists() is (code == exit_codes.OK)


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b'{"version": 99}', b'{"version": 1, "events": [1]}', b"[]"]
)
def test_without_usable_events_the_site_does_not_change(
    built: Build, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    before = built.stamps
    events = built.folder / "events.json"
    events.unlink()
    if content is not None:
        events.write_bytes(content)
    code, log = run_main(monkeypatch, capsys, BUILD_DIR=str(built.folder))
    assert code == exit_codes.FAILED
    assert "make fetch" in log
    assert "Traceback" not in log
    assert built.stamps == before


def test_a_path_that_cannot_be_written_is_in_the_log(
    build: Build, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build.site.write_text("in the way")
    code, log = run_main(monkeypatch, capsys, BUILD_DIR=str(build.folder))
    assert code == exit_codes.FAILED
    assert f"path={build.site}" in log


class Killed(BaseException):
    """Ends the step as SIGKILL would: no handler of the program catches it."""


@pytest.mark.parametrize("after", [0, 3, 12])
def test_a_run_killed_while_it_writes_is_finished_by_the_next(
    built: Build, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    built.events(replace(EVENTS[0], title="Changed"), EVENTS[1])
    found = Snapshot.load(built.folder / "events.json", NOW.tzinfo)  # type: ignore[arg-type]
    site = Site.of(found, settings(BUILD_DIR=str(built.folder)))
    share_pictures.draw(site)
    whole = dict(pages.build(site))
    manifest = (built.folder / "site.manifest").read_bytes()

    def cut(items: Sequence[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        for number, item in enumerate(items):
            if number == after:
                raise Killed
            yield item

    def halves(*arguments: Any) -> Any:
        items = list(whole.items())
        return cut(items[: len(items) // 2]), cut(items[len(items) // 2 :])

    with monkeypatch.context() as patched:
        patched.setattr(pages, "halves", halves)
        with pytest.raises(Killed):
            built.run()
    # The manifest is still the old one, so upload refuses the half-written site.
    assert (built.folder / "site.manifest").read_bytes() == manifest
    assert built.run() == exit_codes.OK
    assert {path: (built.site / path).read_bytes() for path in whole} == whole


def test_the_status_holds_the_age_of_the_events_and_the_next_fetch(built: Build) -> None:
    data = json.loads((built.site / "status.json").read_text())
    assert (built.site / data.pop("search")).is_file()
    assert data == {
        "version": 1,
        "fetched": "2026-03-03T09:00:00-05:00",
        "next_due": "2026-03-03T09:15:00-05:00",
        "timezone": "America/New_York",
        "stale_after_minutes": 180,
        "events": 2,
        "dropped": 0,
        "calendars": [
            {
                "id": "15144",
                "name": "Kilton",
                "fetched": "2026-03-03T09:00:00-05:00",
                "next_due": "2026-03-03T09:15:00-05:00",
                "stale": False,
            }
        ],
        "hours": [],
    }


def test_the_program_shows_its_help_and_refuses_an_unknown_option() -> None:
    program = [shutil.which("python") or "python3", str(ROOT / "scripts" / "generate.py")]
    shown = subprocess.run([*program, "--help"], capture_output=True, text=True, timeout=20, check=True)
    assert "Exit codes:" in shown.stdout
    assert (
        subprocess.run([*program, "--nonsense"], capture_output=True, timeout=20, check=False).returncode == 2
    )
