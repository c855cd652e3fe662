from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response

import verify
from files import format_manifest, sha256
from publishing.headers import headers_for
from publishing.state import Entry, Pending, Published
from standins.serving import serve

BUILT = {"fetched": "2026-03-03T09:30:00-05:00"}


class Edge:
    """The live site: its files, and headers that it adds to all of them or to one."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.ages: dict[str, str] = {}

    def app(self) -> Flask:
        """Return the live site as an application."""
        flask = Flask(__name__, static_folder=None)

        @flask.get("/<path:path>")
        def file(path: str) -> Response:
            if path not in self.files:
                return Response("gone", 404)
            wanted = headers_for(path)
            response = Response(self.files[path], content_type=wanted.content_type)
            response.headers["Cache-Control"] = wanted.cache_control
            response.headers.update(self.headers)
            if path in self.ages:
                response.headers["Age"] = self.ages[path]
            return response

        return flask


@pytest.fixture
def edge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edge]:
    files = {"index.html": "home", "event/1.html": "one", "events.ics": "BEGIN"}
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "status.json").write_text(json.dumps(BUILT))
    digests = {path: sha256(text.encode()) for path, text in files.items()}
    (tmp_path / "site.manifest").write_bytes(format_manifest(digests))
    made = Edge()
    made.files = {**files, "status.json": json.dumps(BUILT)}
    with serve(made.app()) as url:
        monkeypatch.setenv("BUILD_DIR", str(tmp_path))
        monkeypatch.setenv("SITE_URL", url)
        yield made


def test_an_unchanged_site_matches_the_build(edge: Edge, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main([]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert 'msg="live site matches the last build"' in err
    assert "files=3 of=3 wrong=0 behind_minutes=0 oldest_age=0 not_uploaded=3 pending=0 rc=0" in err


def test_the_age_of_the_oldest_copy_is_logged(edge: Edge, capsys: pytest.CaptureFixture[str]) -> None:
    edge.ages = {"event/1.html": "40", "events.ics": "7"}
    assert verify.main([]) == 0
    assert " oldest_age=40 " in capsys.readouterr().err


def test_an_old_file_is_listed_and_the_delay_of_the_events_is_logged(
    edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    edge.files["status.json"] = json.dumps({"fetched": "2026-03-03T14:00:00+00:00"})
    edge.files["event/1.html"] = "old"
    assert verify.main(["--sample", "0"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("other content\thttp")
    assert out.endswith("/event/1.html\n")
    assert 'msg="live site differs from the last build"' in err
    assert "wrong=1 behind_minutes=30 " in err


def test_the_files_that_changed_last_are_always_in_the_sample(
    edge: Edge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digests = {"index.html": sha256(b"home")}
    for number in range(60):
        path = f"event/{number}.html"
        edge.files[path] = "old"
        digests[path] = sha256(b"new" if number == 33 else b"old")
        (tmp_path / "site" / "event").mkdir(exist_ok=True)
        (tmp_path / "site" / path).write_text("")
        os.utime(tmp_path / "site" / path, (9, 9 + (number == 33)))
    (tmp_path / "site.manifest").write_bytes(format_manifest(digests))
    assert verify.main(["--sample", "2"]) == 1
    out, err = capsys.readouterr()
    assert out.endswith("/event/33.html\n")
    assert "files=3 of=61 wrong=1 " in err


def test_files_not_yet_uploaded_or_invalidated_are_counted(
    edge: Edge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = {
        path: Entry(digest=sha256(text.encode()), headers=headers_for(path))
        for path, text in edge.files.items()
        if path != "events.ics"
    }
    Published(destination="x", entries=entries).save(tmp_path / "published.manifest")
    Pending().add(["event/1.html", "event/2.html"]).save(tmp_path / "pending-paths")
    assert verify.main([]) == 0
    assert "not_uploaded=1 pending=2 rc=0" in capsys.readouterr().err


def test_in_a_container_build_and_state_are_in_volumes_of_their_own(
    edge: Edge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("GENERATED_DIR", "PENDING_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
        (tmp_path / name).mkdir()
    assert verify.main([]) == 78
    (tmp_path / "site.manifest").rename(tmp_path / "GENERATED_DIR" / "site.manifest")
    (tmp_path / "site").rename(tmp_path / "GENERATED_DIR" / "site")
    (tmp_path / "PENDING_DIR" / "pending-paths").write_text("event/1.html\n")
    assert verify.main([]) == 0
    assert " pending=1 " in capsys.readouterr().err


def test_a_missing_file_and_a_wrong_header_are_found(edge: Edge, capsys: pytest.CaptureFixture[str]) -> None:
    del edge.files["events.ics"]
    edge.headers["Cache-Control"] = "no-store"
    assert verify.main([]) == 1
    out = capsys.readouterr().out
    assert "status 404\t" in out
    assert "cache-control: no-store\t" in out


def test_a_status_json_of_another_program_is_an_error(edge: Edge, capsys: pytest.CaptureFixture[str]) -> None:
    edge.files["status.json"] = "<html>"
    assert verify.main([]) == 1
    assert "live status.json is not from events-display" in capsys.readouterr().err


def test_an_unreachable_site_ends_with_75_and_a_missing_address_with_78(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SITE_URL", "http://127.0.0.1:9")
    assert verify.main([]) == 75
    monkeypatch.setenv("SITE_URL", "")
    assert verify.main([]) == 78
    assert "key=SITE_URL" in capsys.readouterr().err


def test_without_a_build_verify_ends_with_78(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BUILD_DIR", str(tmp_path / "elsewhere"))
    assert verify.main([]) == 78
