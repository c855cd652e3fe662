"""Send the notices and pings after a run; `bin/notify --help` describes when.

State is in $BUILD_DIR/notify/: `failures` holds the number of failed runs in a row; `notified` exists from
the notice "failed" of an incident until its notice "recovered".
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import smtplib
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from pathlib import Path

import exit_codes
import network
import program
from files import write_atomic
from log import Log, secrets_in
from settings import ROOT, read_environment

STEP = "notify"
_SECONDS = 5  # for each of two attempts
_PAIR = re.compile(r'([a-z_0-9]+)=("(?:[^"\\]|\\.)*"|\S*)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The end of a run, from its log; `rc` is a number or a result of systemd (timeout, signal)."""

    unit: str
    good: bool
    run: str
    failed_step: str
    rc: str
    error: str
    summary: str


def read_run(unit: str, result: str, lines: list[str]) -> Run:
    """Return the end of a run from its log lines; `result` is the service result of systemd."""
    lines = [re.sub(r"^<\d>", "", line) for line in lines]  # the priority, see log.py
    end = _last(lines, msg="publish failed") or {}
    step = end.get("failed_step", "publish")
    summary = next((line for line in reversed(lines) if ' msg="run ended"' in line), "")
    error = _last(lines, level="error", step=step) or end
    return Run(
        unit=unit,
        good=result == "success",
        run=end.get("run") or fields(summary).get("run", ""),
        failed_step=step,
        rc=end.get("rc", result),
        error=error.get("msg", "no error message in the log"),
        summary=summary,
    )


def fields(line: str) -> dict[str, str]:
    """Return the fields of a logfmt line."""
    return {key: _plain(value) for key, value in _PAIR.findall(line)}


def _plain(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value.strip('"')


def _last(lines: list[str], **wanted: str) -> dict[str, str] | None:
    for line in reversed(lines):
        found = fields(line)
        if all(found.get(key, "").startswith(value) for key, value in wanted.items()):
            return found
    return None


class Notifier:
    """Decides from the earlier runs whether a notice is due, and sends it."""

    def __init__(self, env: Mapping[str, str], state: Path, log: Log) -> None:
        self.env = env
        self.state = state
        self.notified = state / "notified"
        self.log = log
        self.host = socket.gethostname()
        log.hide(*secrets_in(env))

    def after(self, run: Run) -> None:
        """Send the notice or ping that is due after `run`, and save the state."""
        self.state.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            (self.state / "told").rename(self.notified)  # the name before version 0.1.0
        if run.good:
            self._after_good(run)
        else:
            self._after_failed(run)

    def _after_good(self, run: Run) -> None:
        (self.state / "failures").unlink(missing_ok=True)
        # If the notice cannot be delivered, the next run sends it.
        text = f"events-display on {self.host}: publishing works again"
        if self.notified.exists() and self._send("recovered", text, run):
            self.notified.unlink()
        # Without new events from LibCal, the dead-man's switch must hear from no good run.
        if self.env.get("PING_URL") and fields(run.summary).get("outcome") != "stale":
            self._deliver(
                "ping to PING_URL failed", lambda: _post(self.env["PING_URL"], "text/plain", run.summary)
            )

    def _after_failed(self, run: Run) -> None:
        failures = self.state / "failures"
        before = failures.read_text().strip() if failures.exists() else ""
        count = 1 + (int(before) if before.isdecimal() else 0)
        write_atomic(failures, f"{count}\n".encode())
        if self.notified.exists():
            self.log.info("notice skipped: already sent for this incident", failures=count)
        elif run.rc == str(exit_codes.UNAVAILABLE) and count == 1:
            self.log.info(
                "notice skipped: first failure of this kind; the next run may succeed", failures=count
            )
        else:
            text = f"events-display on {self.host}: {run.failed_step} failed with {run.rc} ({run.error})"
            if self._send("failed", text, run):
                self.notified.touch()

    def _send(self, state: str, text: str, run: Run) -> bool:
        write = self.log.error if state == "failed" else self.log.info
        write(text, state=state)
        url = self.env.get("NOTIFY_URL", "")
        notice = {"text": text, "state": state, "host": self.host, **asdict(run)}
        del notice["good"]
        if url.startswith("mailto:"):
            return self._deliver(
                "notice to NOTIFY_URL failed; trying again after the next run",
                lambda: self._mail(url.removeprefix("mailto:"), notice),
            )
        if url:
            return self._deliver(
                "notice to NOTIFY_URL failed; trying again after the next run",
                lambda: _post(url, "application/json", json.dumps(notice)),
            )
        return True

    def _mail(self, address: str, notice: dict[str, str]) -> None:
        message = EmailMessage()
        message["From"] = f"events-display@{self.host}"
        message["To"] = address
        message["Subject"] = notice["text"][:150]
        message.set_content("".join(f"{key}: {value}\n" for key, value in notice.items()))
        server, _, port = self.env.get("SMTP_SERVER", "localhost").partition(":")
        with smtplib.SMTP(server, int(port or 25), timeout=_SECONDS) as smtp:
            smtp.send_message(message)

    def _deliver(self, failed: str, send: Callable[[], None]) -> bool:
        why = ""
        for _ in range(2):
            try:
                send()
            except (OSError, ValueError, smtplib.SMTPException) as error:
                why = str(getattr(error, "reason", error))
            else:
                return True
        self.log.warn(failed, detail=why)
        return False


def _post(url: str, content_type: str, body: str) -> None:
    headers = {"Content-Type": content_type, "User-Agent": "events-display"}
    request = urllib.request.Request(url, body.encode(), headers)  # noqa: S310 - checked in the next line
    if request.type not in ("http", "https"):
        raise ValueError("must begin with https://")
    with urllib.request.urlopen(request, timeout=_SECONDS, context=network.tls()):  # noqa: S310
        pass


def main(argv: list[str]) -> int:
    """Run with `UNIT`, or `--log FILE success|failed`; return the exit code."""
    log = Log(STEP)
    return program.run(log, lambda: notify(argv, read_environment(log=log), log))


def notify(argv: list[str], env: Mapping[str, str], log: Log) -> int:
    """Read how the run ended, and send the notices that are due; return the exit code."""
    if argv[0] == "--log":
        unit, result = "events-display.service", argv[2]
        text = Path(argv[1]).read_text(encoding="utf-8", errors="replace")
    else:
        unit = argv[0]
        result, text = _from_journal(unit, env)
    run = read_run(unit, result, text.splitlines())
    log.run = run.run or log.run
    Notifier(env, Path(ROOT, env.get("BUILD_DIR") or "build") / STEP, log).after(run)
    return exit_codes.OK


def _from_journal(unit: str, env: Mapping[str, str]) -> tuple[str, str]:
    """Return the result and the log of the unit's last run, which systemd names in the environment."""

    def output(*command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout  # noqa: S603

    def show(name: str) -> str:
        return output("systemctl", "show", "--property", name, "--value", unit).strip()

    result = env.get("MONITOR_SERVICE_RESULT") or show("Result")
    invocation = env.get("MONITOR_INVOCATION_ID") or show("InvocationID")
    return result, output("journalctl", "--quiet", "--output=cat", f"_SYSTEMD_INVOCATION_ID={invocation}")


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(sys.argv[1:]))
