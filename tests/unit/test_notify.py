"""bin/notify: one notice when publishing fails, one when it works again, a ping after each successful run."""

from __future__ import annotations

import email
import http.server
import json
import os
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

import check
import notify
from log import Log
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
    operator.after(failed("upload"), "failed")
    assert [notice["state"] for notice in hook.notices] == ["failed"]
    assert 'msg="notice skipped: already sent for this incident" failures=2' in output
    assert hook.pings == []
    operator.after(GOOD, "success")
    operator.after(GOOD, "success")
    assert [notice["state"] for notice in hook.notices] == ["failed", "recovered"]
    assert hook.pings == [SUMMARY, SUMMARY]
    operator.after(failed(), "failed")
    assert [notice["state"] for notice in hook.notices] == ["failed", "recovered", "failed"]


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
    assert notice["text"].endswith(": fetch failed with 78 (LibCal refused the credentials)")
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


def test_a_run_without_libcal_sends_no_ping(operator: Operator, hook: Hook) -> None:
    operator.after(GOOD.replace("outcome=ok", "outcome=stale"), "success")
    assert hook.pings == []


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
    monkeypatch.setattr(notify, "_SECONDS", 0.1)
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as silent:
        address = f"http://127.0.0.1:{silent.server_address[1]}/"
        log = Log("notify")
        run = notify.read_run("events-display.service", "success", [SUMMARY])
        notify.Notifier({"PING_URL": address}, tmp_path / "state", log).after(run)
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
    subject = " ".join(mail["Subject"].split())  # folded where the host's name is long
    assert subject.endswith(": fetch failed with 78 (LibCal refused the credentials)")
    assert "failed_step: fetch" in mail.get_payload()


def test_the_state_of_an_earlier_version_is_kept(operator: Operator, hook: Hook) -> None:
    state = operator.folder / "state" / "notify"
    state.mkdir(parents=True)
    (state / "told").touch()
    assert "already sent" in operator.after(failed(), "failed")
    assert hook.notices == []
    operator.after(GOOD, "success")
    assert [notice["state"] for notice in hook.notices] == ["recovered"]


def test_a_damaged_count_of_failures_does_not_stop_the_notice(operator: Operator, hook: Hook) -> None:
    state = operator.folder / "state" / "notify"
    state.mkdir(parents=True)
    (state / "failures").write_text("")
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
