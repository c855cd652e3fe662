from __future__ import annotations

import dataclasses
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import invalidation
from publishing.cloudfront import Budget, batch, paths_for
from publishing.state import Pending
from settings import PublishSettings, SettingError
from support.raw_server import raw_server


def chosen(**env: str) -> PublishSettings:
    return PublishSettings.from_env({"S3_BUCKET": "library", "EVENTS_NOW": "2026-11-22T09:00", **env})


@pytest.mark.parametrize(
    ("pending", "env", "paths"),
    [
        ([], {}, []),
        (["event/1.html"], {}, ["/event/1.html"]),
        (["event/1.html", "event/2.html"], {}, ["/*"]),
        # Cached under every address that does not exist.
        (["404.html"], {}, ["/*"]),
        (["*"], {}, ["/*"]),
        (["*", "event/1.html"], {}, ["/*"]),
    ],
)
def test_one_pending_file_is_its_own_path_and_several_are_a_wildcard(
    pending: list[str], env: dict[str, str], paths: list[str]
) -> None:
    assert paths_for(pending, chosen(**env)) == paths


def test_without_cloudfront_no_path_is_billed() -> None:
    none, command = (chosen(INVALIDATE=way) for way in ("none", "command"))
    assert paths_for(["event/1.html"], none) == []
    assert paths_for(["event/1.html"], command) == ["/event/1.html"]
    assert Budget(command).price(5000) == 0
    assert (Budget(command).used, Budget(chosen()).used) == (
        "",
        "; 0 of 1,000 free paths used this month",
    )


def test_the_cloudflare_command_of_the_docs_purges_one_address_or_everything(tmp_path: Path) -> None:
    code = (Path(__file__).parents[2] / "docs" / "stores.md").read_text().split("```python\n")[1]
    command = tmp_path / "purge"
    done = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    answers = [done, done, done.replace(b"200 OK", b"503 Busy")]
    requests: list[bytes] = []

    def answer(connection: socket.socket, request: bytes) -> None:
        while not request.endswith(b"}"):  # the body may come in a packet of its own
            request += connection.recv(65536)
        requests.append(request)
        connection.sendall(answers.pop(0))

    with raw_server(answer) as server:
        command.write_text(code.split("```")[0].replace("https://api.cloudflare.com", server.url))
        codes = [
            subprocess.run(
                [sys.executable, command],
                input=path,
                text=True,
                env={"SITE_URL": "https://library.example/events"},
                timeout=30,
                check=False,
            ).returncode
            for path in ("/events/event/7.html\n", "/events*\n", "/*\n")
        ]
        assert codes == [0, 0, 75]
    assert b"Bearer ..." in requests[0]
    bodies = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in requests[:2]]
    assert bodies == [
        {"files": ["https://library.example/events/event/7.html"]},
        {"purge_everything": True},
    ]


@pytest.mark.parametrize(
    "name", ["branch/café.html", "branch/a~b.html", "branch/a b.html", "branch/a'b.html"]
)
def test_trap_20_a_name_that_might_need_encoding_is_covered_by_a_wildcard(name: str) -> None:
    assert paths_for([name], chosen()) == ["/*"]


@pytest.mark.parametrize(
    ("pending", "env", "paths"),
    [
        # The default root object is cached as "/" and as "/index.html": two paths, or one wildcard.
        (["index.html"], {}, ["/*"]),
        # "/events" and "/events/" are cache entries of their own.
        (["a", "b"], {"SITE_URL": "https://e.example/events"}, ["/events*"]),
    ],
)
def test_trap_21_all_addresses_of_a_page_are_covered(
    pending: list[str], env: dict[str, str], paths: list[str]
) -> None:
    assert paths_for(pending, chosen(**env)) == paths


@pytest.mark.parametrize(
    ("env", "paths"),
    [
        ({"S3_PREFIX": "prod"}, ["/*"]),
        ({"S3_PREFIX": "prod", "SITE_URL": "https://e.example"}, ["/event/1.html"]),
        ({"S3_PREFIX": "events", "SITE_URL": "https://e.example/events/"}, ["/events/event/1.html"]),
    ],
)
def test_trap_22_a_path_belongs_to_the_public_address_and_not_to_the_key(
    env: dict[str, str], paths: list[str]
) -> None:
    assert paths_for(["event/1.html"], chosen(**env)) == paths


@pytest.mark.parametrize(
    "pending", [["*", "a", "b"], ["404.html", "a"], [str(number) for number in range(11)]]
)
def test_trap_23_a_wildcard_comes_without_the_paths_that_it_covers(pending: list[str]) -> None:
    assert len(paths_for(pending, chosen())) == 1


def test_trap_17_a_retry_keeps_its_reference_and_a_new_change_of_the_same_files_gets_another() -> None:
    pending = Pending().add(["event/1.html"])
    first = batch(["/event/1.html"], pending, "E1")
    assert batch(["/event/1.html"], pending, "E1") == first
    again = batch(["/event/1.html"], Pending().add(["event/1.html"]), "E1")
    assert again["CallerReference"] != first["CallerReference"]
    assert batch(["/event/1.html"], pending, "E2")["CallerReference"] != first["CallerReference"]
    assert first["Paths"] == {"Quantity": 1, "Items": ["/event/1.html"]}


def test_pending_paths_are_read_back_as_they_were_saved(tmp_path: Path) -> None:
    pending = Pending().add(["event/1.html", "index.html"])
    pending.save(tmp_path / "pending-paths")
    assert Pending.load(tmp_path / "pending-paths") == pending
    Pending().save(tmp_path / "pending-paths")
    assert (tmp_path / "pending-paths").read_bytes() == b""
    assert Pending.load(tmp_path / "missing") == Pending()


def test_a_month_counts_its_paths_and_each_reference_once(tmp_path: Path) -> None:
    november = chosen(BUILD_DIR=str(tmp_path))
    Budget(november).add(1, "a")
    Budget(november).add(1, "a")
    Budget(november).add(2, "b")
    assert Budget(november).count == 3
    december = chosen(BUILD_DIR=str(tmp_path), EVENTS_NOW="2026-12-01T09:00")
    assert Budget(december).count == 0


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Sydney", "UTC"])
def test_a_month_begins_in_utc_as_the_bills_of_aws_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)  # of this machine
    time.tzset()
    library = {"BUILD_DIR": str(tmp_path), "TIMEZONE": "America/Los_Angeles"}
    Budget(chosen(EVENTS_NOW="2026-11-30T15:45", **library)).add(1, "a")
    assert Budget(chosen(EVENTS_NOW="2026-11-30T15:59", **library)).count == 1
    assert Budget(chosen(EVENTS_NOW="2026-11-30T16:00", **library)).count == 0
    monkeypatch.undo()
    time.tzset()


def test_the_time_of_the_last_invalidation_is_kept(tmp_path: Path) -> None:
    november = chosen(BUILD_DIR=str(tmp_path))
    assert Budget(november).invalidated_at is None
    Budget(november).add(1, "a")
    assert Budget(november).invalidated_at == november.now
    later = chosen(BUILD_DIR=str(tmp_path), EVENTS_NOW="2026-12-01T09:00")
    assert Budget(later).invalidated_at == november.now
    Budget(later).add(1, "a")  # a retry, after the first answer was lost
    assert Budget(later).invalidated_at == later.now


def test_a_damaged_counter_starts_again(tmp_path: Path) -> None:
    (tmp_path / "invalidations").write_text("x")
    assert Budget(chosen(BUILD_DIR=str(tmp_path))).count == 0


@pytest.mark.parametrize(
    ("used", "paths", "dollars"), [(0, 1, 0), (999, 1, 0), (999, 2, 0.005), (1000, 1, 0.005)]
)
def test_only_paths_beyond_the_free_thousand_cost_money(
    tmp_path: Path, used: int, paths: int, dollars: float
) -> None:
    (tmp_path / "invalidations").write_text(f"2026-11 {used} x 2026-11-22T08:45:00-05:00\n")
    assert Budget(chosen(BUILD_DIR=str(tmp_path))).price(paths) == pytest.approx(dollars)


@pytest.mark.parametrize(("used", "warns"), [(899, False), (900, True)])
def test_a_run_that_comes_near_the_free_thousand_warns(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    used: int,
    warns: bool,
) -> None:
    monkeypatch.setenv("BUILD_DIR", str(tmp_path))
    monkeypatch.setenv("EVENTS_NOW", "2026-11-22T09:00")
    (tmp_path / "run").mkdir()
    (tmp_path / "invalidations").write_text(f"2026-11 {used} x 2026-11-22T08:45:00-05:00\n")
    Pending().add(["event/1.html"]).save(tmp_path / "pending-paths")
    (tmp_path / "answer").write_text(json.dumps({"Invalidation": {"Id": "I1"}}))
    assert invalidation.main(["prepare"]) == 0
    assert invalidation.main(["record", str(tmp_path / "answer")]) == 0
    out, err = capsys.readouterr()
    assert ("free invalidation paths of this month are running out" in err) is warns
    assert f"paths_this_month={used + 1}" in out
    assert (tmp_path / "pending-paths").read_bytes() == b""


def test_a_retry_is_reported_as_reused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUILD_DIR", str(tmp_path))
    (tmp_path / "run").mkdir()
    (tmp_path / "answer").write_text(json.dumps({"Invalidation": {"Id": "I1"}}))
    first, second = Pending().add(["event/1.html"]), Pending().add(["event/1.html"])
    found = []
    for pending in (first, first, second):
        pending.save(tmp_path / "pending-paths")
        invalidation.main(["prepare"])
        assert invalidation.main(["record", str(tmp_path / "answer")]) == 0
        found.append(capsys.readouterr().out)
    numbers = "paths=1 invalidation=I1 reused={} pending_before=1 pending_after=0 paths_this_month={}\n"
    assert found == [numbers.format(0, 1), numbers.format(1, 1), numbers.format(0, 2)]


def test_an_answer_without_an_id_leaves_all_paths_pending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILD_DIR", str(tmp_path))
    (tmp_path / "run").mkdir()
    pending = Pending().add(["event/1.html"])
    pending.save(tmp_path / "pending-paths")
    (tmp_path / "answer").write_text("")
    invalidation.main(["prepare"])
    assert invalidation.main(["record", str(tmp_path / "answer")]) == 1
    assert Pending.load(tmp_path / "pending-paths") == pending


@pytest.mark.parametrize(
    "env",
    [
        {"S3_BUCKET": "Not A Bucket"},
        {"S3_PREFIX": "a//b"},
        {"S3_PREFIX": "a b"},
        {"S3_PREFIX": "//a"},
        {"MAX_DELETE_PERCENT": "101"},
    ],
)
def test_the_error_names_a_malformed_setting_and_not_its_value(env: dict[str, str]) -> None:
    with pytest.raises(SettingError) as caught:
        chosen(**env)
    assert caught.value.key == next(iter(env))
    assert next(iter(env.values())) not in caught.value.why


def test_the_destination_names_the_endpoint_unless_the_cli_ignores_it() -> None:
    assert chosen(S3_PREFIX="/a/b/").destination == "aws s3://library/a/b"
    assert chosen(AWS_ENDPOINT_URL="http://a").destination == "http://a s3://library/"
    assert chosen(AWS_ENDPOINT_URL="http://a", AWS_ENDPOINT_URL_S3="http://b").destination.startswith(
        "http://b "
    )
    ignored = chosen(AWS_ENDPOINT_URL="http://a", AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true")
    assert ignored.destination == "aws s3://library/"
    assert dataclasses.asdict(ignored)["prefix"] == ""
