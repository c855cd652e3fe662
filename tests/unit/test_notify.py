"""bin/notify: one notice when publishing fails, one when it works again, a ping after each successful run."""

from __future__ import annotations

import email
import http.server
import io
import json
import os
import re
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path

import pytest

import alerts
import check
import notify
from log import Log, logfmt
from settings import ROOT

SUMMARY = 'level=info step=publish run=r7 msg="run ended" outcome=ok changed=3 uploaded=3 rc=0'
GOOD = f"make: Entering directory\n{SUMMARY}\n"


def failed(step: str = "fetch", rc: int = 78, msg: str = "LibCal refused the credentials") -> str:
    """Return the log of a run that fails in `step`."""
    return (
        f'level=error step={step} run=r7 msg="{msg}" rc={rc}\n'
        f'level=info step=publish run=r7 msg="run ended" outcome=failed rc={rc}\n'
        f'level=error step=publish run=r7 msg="publish failed" failed_step={step} rc={rc}\n'
    )


class Hook:
    """A web hook that keeps each request as (path, content type, body) and answers with `status`."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str]] = []
        self.status = 204
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hook.requests.append((self.path, "GET", ""))
                self.send_response(hook.status)
                self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                hook.requests.append((self.path, self.headers["Content-Type"], body))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def notices(self) -> list[dict[str, str]]:
        return [json.loads(body) for path, _, body in self.requests if path == "/notify?token=planted-token"]

    @property
    def pings(self) -> list[str]:
        return [body for path, _, body in self.requests if path == "/ping"]


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


class Operator:
    """Runs bin/notify as another scheduler does, with its own state folder."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.settings = settings

    def after(self, log: str, result: str) -> str:
        """Run bin/notify after a run with this log; return the log of bin/notify."""
        file = self.folder / "log"
        file.write_text(log)
        done = self.notify("--log", str(file), result)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        return done.stderr

    def notify(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": os.environ["PATH"], "BUILD_DIR": str(self.folder / "state"), "ENV_FILE": os.devnull}
        command = (str(ROOT / "bin" / "notify"), *arguments)
        return subprocess.run(
            command, env=env | self.settings, capture_output=True, text=True, timeout=60, cwd="/"
        )


@pytest.fixture
def operator(tmp_path: Path, hook: Hook) -> Operator:
    return Operator(
        tmp_path, NOTIFY_URL=f"{hook.url}/notify?token=planted-token", PING_URL=f"{hook.url}/ping"
    )


def test_lines_with_a_priority_are_read_as_those_without(operator: Operator, hook: Hook) -> None:
    operator.after("".join(f"<3>{line}\n" for line in failed().splitlines()), "failed")
    assert hook.notices[0]["error"] == "LibCal refused the credentials"
    assert hook.notices[0]["summary"].startswith("level=info ")
    operator.after(f"<6>{SUMMARY}\n", "success")
    assert hook.pings == [SUMMARY]


def test_an_incident_sends_one_failed_and_one_recovered_notice(operator: Operator, hook: Hook) -> None:
    operator.after(failed(), "failed")
    output = operator.after(failed(), "failed")
    operator.after(failed(), "failed")
    assert [notice["state"] for notice in hook.notices] == ["failed"]
    assert 'msg="notice skipped: already sent for this incident" failures=2' in output
    assert hook.pings == []
    operator.after(GOOD, "success")
    operator.after(GOOD, "success")
    assert [notice["state"] for notice in hook.notices] == ["failed", "recovered"]
    assert hook.pings == [SUMMARY, SUMMARY]
    operator.after(failed(), "failed")
    assert [notice["state"] for notice in hook.notices] == ["failed", "recovered", "failed"]


def test_two_outages_with_a_good_run_between_them_send_no_notice(operator: Operator, hook: Hook) -> None:
    operator.after(failed(rc=75), "failed")
    operator.after(GOOD, "success")
    operator.after(failed(rc=75), "failed")
    assert hook.notices == []


@pytest.mark.parametrize(
    "text",
    ["a\nBcc: x@evil.org", "\ud800 alone", "\x00\x1b[31m", "x" * 5000, '"', "\\u0000", "\r\n\r\nbody", ""],
)
def test_a_notice_survives_any_text_in_an_error(text: str) -> None:
    """A mail and a web hook carry one line of printable characters."""
    line = logfmt({"level": "error", "step": "fetch", "run": "r", "msg": text, "rc": 1})
    end = logfmt(
        {"level": "error", "step": "publish", "msg": "publish failed", "failed_step": "fetch", "rc": 1}
    )
    error = notify.read_run("unit", "failed", [line, end]).error
    assert error.isprintable()
    error.encode()


def test_a_notice_names_the_step_the_exit_code_and_the_error(operator: Operator, hook: Hook) -> None:
    output = operator.after(failed(), "failed")
    (notice,) = hook.notices
    assert {key: notice[key] for key in ("unit", "run", "failed_step", "rc", "error")} == {
        "unit": "events-display.service",
        "run": "r7",
        "failed_step": "fetch",
        "rc": "78",
        "error": "LibCal refused the credentials",
    }
    assert notice["title"] == "Library events: publishing failed"
    text = notice["text"].splitlines()
    assert text[:3] == [
        notice["title"],
        "Step: fetch (exit code 78)",
        "Reason: LibCal refused the credentials",
    ]
    assert re.fullmatch(r"Since: 20\d\d-\d\d-\d\d \d\d:\d\d E[SD]T \(runs: 1\)", text[3])
    assert text[4:6] == [
        "Last good run: none on this machine",
        "What to do: correct the setting or the permission, then run make check",
    ]
    assert "outcome=failed" in notice["summary"]
    assert hook.requests[0][1] == "application/json"
    assert output.startswith("level=error step=notify run=r7 msg=")
    assert "planted-token" not in output


def test_an_outage_upstream_sends_a_notice_only_when_the_next_run_fails_too(
    operator: Operator, hook: Hook
) -> None:
    output = operator.after(failed(rc=75), "failed")
    assert "first failure of this kind; the next run may succeed" in output
    operator.after(GOOD, "success")
    assert hook.notices == []
    operator.after(failed(rc=75), "failed")
    operator.after(failed(rc=75), "failed")
    assert [notice["rc"] for notice in hook.notices] == ["75"]


def test_an_outage_of_libcal_sends_no_ping_and_a_notice_after_the_second_run(
    operator: Operator, hook: Hook
) -> None:
    stale = GOOD.replace("outcome=ok", "outcome=stale failed_calendars=7:http_503 age_minutes=46")
    operator.after(GOOD, "success")
    hook.requests.clear()
    operator.after(stale, "success")
    assert hook.requests == []
    operator.after(stale, "success")
    operator.after(stale, "success")
    (notice,) = hook.notices
    assert hook.pings == []
    assert notice["title"] == "Library events: LibCal cannot be reached"
    assert "Reason: LibCal did not send new events; the oldest are 46 minutes old\n" in notice["text"]
    assert "Calendars: 7 http_503\n" in notice["text"]
    assert re.search(r"\nLast good run: 20\d\d-.* E[SD]T\n", notice["text"])
    operator.after(GOOD, "success")
    assert [each["state"] for each in hook.notices] == ["failed", "recovered"]


def test_a_calendar_that_vanished_is_a_notice_at_once_and_again_for_another_one(
    operator: Operator, hook: Hook
) -> None:
    for calendars in ("7:not_listed", "7:not_listed", "7:not_listed,8:internal"):
        operator.after(
            GOOD.replace("outcome=ok", f"outcome=degraded failed_calendars={calendars}"), "success"
        )
    assert [notice["title"] for notice in hook.notices] == ["Library events: a calendar is not updated"] * 2
    assert "What to do: remove the calendar from LIBCAL_CALENDARS" in hook.notices[0]["text"]
    assert len(hook.pings) == 3  # the site is published


def test_another_cause_is_another_notice_and_an_earlier_one_is_not_repeated(
    operator: Operator, hook: Hook
) -> None:
    for step, msg in (("fetch", "a"), ("upload", "b"), ("fetch", "a"), ("upload", "b"), ("upload", "c 12")):
        operator.after(failed(step, msg=msg), "failed")
    operator.after(failed("upload", msg="c 13"), "failed")  # only a number differs
    assert [notice["error"] for notice in hook.notices] == ["a", "b", "c 12"]


def test_a_notice_is_repeated_once_a_day(operator: Operator, hook: Hook, tmp_path: Path) -> None:
    run = notify.read_run("events-display.service", "exit-code", failed().splitlines())
    began = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
    for hours in (0, 1, 23, 24, 25, 47, 48):
        log = Log("notify", stream=io.StringIO())
        now = began + timedelta(hours=hours)
        notify.Notifier(operator.settings, tmp_path / "state", log, now).after(run)
    assert [notice["text"].splitlines()[3] for notice in hook.notices] == [
        f"Since: 2026-03-03 04:00 EST (runs: {runs})" for runs in (1, 4, 7)
    ]


def test_the_setting_that_the_error_names_is_in_the_notice(operator: Operator, hook: Hook) -> None:
    log = (
        'level=error step=check run=r7 msg=".env:7: S3_BUCKET must be a name" key=S3_BUCKET line=7\n'
        'level=error step=publish run=r7 msg="publish failed" failed_step=check rc=78\n'
    )
    operator.after(log, "failed")
    assert "\nSetting: S3_BUCKET\n" in hook.notices[0]["text"]
    assert "\nReason: .env:7: S3_BUCKET must be a name\n" in hook.notices[0]["text"]


def test_the_reason_of_a_missing_engine_is_that_of_the_container_step(operator: Operator, hook: Hook) -> None:
    log = (
        'level=error step=container run=r7 msg="Docker is not reachable" rc=1\n'
        'level=error step=publish run=r7 msg="publish failed" failed_step=docker rc=1\n'
    )
    operator.after(log, "failed")
    assert "\nReason: Docker is not reachable\n" in hook.notices[0]["text"]


CHECK = "/ping/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"
RUN_ID = "0123456789abcdef0123456789abcdef"


def test_healthchecks_hears_the_exit_status_and_the_run(operator: Operator, hook: Hook) -> None:
    operator.settings |= {"PING_URL": hook.url + CHECK, "NOTIFY_URL": ""}
    good = GOOD.replace("r7", RUN_ID)
    operator.after(good, "success")
    operator.after(failed().replace("r7", RUN_ID), "failed")
    operator.after(good.replace("outcome=ok", "outcome=stale"), "success")  # the second run in trouble
    operator.after(good, "success")
    operator.after(good.replace("outcome=ok", "outcome=stale"), "success")
    rid = "?rid=01234567-89ab-cdef-0123-456789abcdef"
    ends = ("", "/78", "/fail", "", "/log")
    assert [path for path, _, _ in hook.requests] == [f"{CHECK}{end}{rid}" for end in ends]
    assert "outcome=ok" in hook.requests[0][2]


def test_uptime_kuma_gets_its_state_by_get(operator: Operator, hook: Hook) -> None:
    operator.settings |= {"PING_URL": f"{hook.url}/api/push/Ab3?status=up&msg=OK&ping=", "NOTIFY_URL": ""}
    operator.after(GOOD, "success")
    operator.after(failed(), "failed")
    assert [(path[:29], kind) for path, kind, _ in hook.requests] == [
        ("/api/push/Ab3?status=up&msg=o", "GET"),
        ("/api/push/Ab3?status=down&msg", "GET"),
    ]


def test_notify_test_sends_a_notice_of_each_kind_and_the_pings(operator: Operator, hook: Hook) -> None:
    done = operator.notify("--test")
    assert done.returncode == 0, done.stderr
    assert [notice["state"] for notice in hook.notices] == ["failed", "recovered"]
    assert len(hook.pings) == 1
    assert not (operator.folder / "state").exists()
    hook.status = 500
    assert operator.notify("--test").returncode == 1
    operator.settings.clear()
    assert operator.notify("--test").returncode == 78


@pytest.mark.parametrize("result", ["timeout", "signal"])
def test_a_run_without_a_last_line_is_reported_with_the_result_of_systemd(
    tmp_path: Path, hook: Hook, result: str
) -> None:
    run = notify.read_run("events-display.service", result, ["level=info step=fetch run=r7 msg=begun"])
    assert not run.good
    assert (run.failed_step, run.rc, run.error) == ("publish", result, "no error message in the log")


def test_a_notice_that_is_not_delivered_is_sent_after_the_next_run(operator: Operator, hook: Hook) -> None:
    hook.status = 503
    output = operator.after(failed(), "failed")
    assert (
        'level=warn step=notify run=r7 msg="notice to NOTIFY_URL failed; trying again after the next run"'
        in output
    )
    assert len(hook.notices) == 2  # it was tried twice
    hook.status = 204
    hook.requests.clear()
    operator.after(failed(), "failed")
    assert [notice["state"] for notice in hook.notices] == ["failed"]
    hook.status = 500
    operator.after(GOOD, "success")
    hook.status = 204
    hook.requests.clear()
    operator.after(GOOD, "success")
    assert [notice["state"] for notice in hook.notices] == ["recovered"]


def test_an_incident_without_a_delivered_notice_sends_no_recovered_notice(
    operator: Operator, hook: Hook
) -> None:
    hook.status = 503
    operator.after(failed(), "failed")
    hook.status = 204
    hook.requests.clear()
    operator.after(GOOD, "success")
    assert hook.notices == []
    assert hook.pings == [SUMMARY]


def test_an_unreachable_address_does_not_fail_the_command(operator: Operator, hook: Hook) -> None:
    operator.settings |= {"NOTIFY_URL": "http://127.0.0.1:9/x", "PING_URL": "http://127.0.0.1:9/y"}
    assert "notice to NOTIFY_URL failed" in operator.after(failed(), "failed")
    output = operator.after(GOOD, "success")
    assert 'msg="ping to PING_URL failed" detail="[Errno 111] Connection refused"' in output


def test_a_server_that_does_not_answer_is_given_up_after_the_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(alerts, "SECONDS", 0.1)
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as silent:
        address = f"http://127.0.0.1:{silent.server_address[1]}/"
        log = Log("notify")
        run = notify.read_run("events-display.service", "success", [SUMMARY])
        notify.Notifier({"PING_URL": address}, tmp_path / "state", log, datetime.now(UTC)).after(run)
    assert 'msg="ping to PING_URL failed" detail="timed out"' in capsys.readouterr().err


def test_without_an_address_the_notice_is_only_logged(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    output = operator.after(failed(), "failed")
    assert output.count("\n") == 1
    assert output.startswith("level=error step=notify run=r7 ")
    assert "state=failed" in output
    assert "notice skipped" in operator.after(failed(), "failed")
    assert "state=recovered" in operator.after(GOOD, "success")
    assert operator.after(GOOD, "success") == ""


class Mail(socketserver.StreamRequestHandler):
    """A mail server that accepts one message."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper().strip()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.taken.append(email.message_from_bytes(text))  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


def test_a_notice_can_be_a_mail(tmp_path: Path) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail) as server:
        taken: list[Message] = []
        server.taken = taken  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        place = f"127.0.0.1:{server.server_address[1]}"
        output = Operator(tmp_path, NOTIFY_URL="mailto:web@larkfield.example", SMTP_SERVER=place).after(
            failed(), "failed"
        )
        server.shutdown()
    assert "not delivered" not in output
    (mail,) = taken
    assert mail["To"] == "web@larkfield.example"
    assert mail["Subject"] == "Library events: publishing failed"
    assert "Reason: LibCal refused the credentials" in mail.get_payload()
    assert "failed_step: fetch" in mail.get_payload()


def test_the_state_of_an_earlier_version_is_kept(operator: Operator, hook: Hook) -> None:
    state = operator.folder / "state" / "notify"
    state.mkdir(parents=True)
    (state / "told").touch()
    assert "already sent" in operator.after(failed(), "failed")
    assert hook.notices == []
    operator.after(GOOD, "success")
    assert [notice["state"] for notice in hook.notices] == ["recovered"]


def test_a_damaged_state_does_not_stop_the_notice(operator: Operator, hook: Hook) -> None:
    state = operator.folder / "state" / "notify"
    state.mkdir(parents=True)
    (state / "state.json").write_text("{")
    operator.after(failed(), "failed")
    assert len(hook.notices) == 1


@pytest.mark.parametrize("url", ["ftp://example.org/x", "file:///etc/passwd", "nonsense"])
def test_an_address_that_is_not_http_is_not_called(tmp_path: Path, url: str) -> None:
    output = Operator(tmp_path, NOTIFY_URL=url).after(failed(), "failed")
    assert "notice to NOTIFY_URL failed" in output
    assert url not in output


@pytest.mark.parametrize("arguments", [(), ("--log",), ("--log", "/nonexistent", "failed"), ("--loud",)])
def test_wrong_usage_is_2_with_the_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = Operator(tmp_path).notify(*arguments)
    assert done.returncode == 2
    assert "Usage: bin/notify UNIT" in done.stderr


def test_a_wrong_env_file_is_78(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("NOTIFY_URL = x\n")
    (tmp_path / "log").write_text(GOOD)
    operator = Operator(tmp_path, ENV_FILE=str(tmp_path / "env"))
    assert operator.notify("--log", str(tmp_path / "log"), "success").returncode == 78


def test_bin_check_knows_the_settings_of_notify() -> None:
    assert all(check.is_known(name) for name in ("NOTIFY_URL", "PING_URL", "SMTP_SERVER"))
