"""Send the notices and pings after a run; `bin/notify --help` describes when.

State is in $BUILD_DIR/notify/state.json: since when a problem lasts, which notices were delivered, and
the time of the last good run.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import alerts
import exit_codes
import program
from alerts import Notice, NotSent
from event import INTERNAL, NOT_LISTED
from files import write_atomic
from log import Log, secrets_in
from settings import ROOT, SettingError, read_environment
from settings_table import TABLE

STEP = "notify"
# Not quite a day, so that a reminder comes at the same time of day as the notice.
REMIND_AFTER = timedelta(hours=23, minutes=30)
_PAIR = re.compile(r'([a-z_0-9]+)=("(?:[^"\\]|\\.)*"|\S*)')
_PING = "ping to PING_URL failed"
_NOTICE = "notice to NOTIFY_URL failed; trying again after the next run"
# The operator's next step, by exit code or outcome.
_TO_DO = {
    "78": "correct the setting or the permission, then run make check",
    "75": "wait: the next run tries again; if it lasts, look at the status pages of LibCal and AWS",
    "65": "look at the refused change; FORCE=1 make publish lets one run past the guard",
    "stale": "wait for LibCal; the site shows the saved events and says how old they are",
    "degraded": "look at the calendar in LibCal; the site shows its saved events",
    NOT_LISTED: "remove the calendar from LIBCAL_CALENDARS, or let the application see it again",
    INTERNAL: "make the calendar public in LibCal, or remove it from LIBCAL_CALENDARS",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The end of a run, from its log; `rc` is a number or a result of systemd (timeout, signal)."""

    unit: str
    good: bool
    run: str
    failed_step: str
    rc: str
    error: str
    setting: str
    summary: str

    @property
    def outcome(self) -> str:
        """The outcome of the summary; ok or failed if there is no summary."""
        return fields(self.summary).get("outcome", "ok" if self.good else "failed")

    @property
    def failed_calendars(self) -> str:
        """The calendars without new events, as `id:cause`, separated by commas."""
        return fields(self.summary).get("failed_calendars", "")

    @property
    def problem(self) -> str:
        """What is wrong, the same for each run of one incident; empty if nothing is."""
        if not self.good:
            return f"{self.failed_step} {self.rc} {re.sub('[0-9]+', '#', self.error)}"
        if self.outcome == "stale":
            return "stale"
        return f"degraded {self.failed_calendars}" if self.outcome == "degraded" else ""

    @property
    def may_pass(self) -> bool:
        """Whether the next run may succeed without a change by the operator."""
        if not self.good:
            return self.rc == str(exit_codes.UNAVAILABLE)
        return not re.search(f":({NOT_LISTED}|{INTERNAL})(,|$)", self.failed_calendars)


def read_run(unit: str, result: str, lines: list[str]) -> Run:
    """Return the end of a run from its log lines; `result` is the service result of systemd."""
    lines = [re.sub(r"^<\d>", "", line) for line in lines]  # the priority, see log.py
    end = _last(lines, msg="publish failed") or {}
    step = end.get("failed_step", "publish")
    summary = next((line for line in reversed(lines) if ' msg="run ended"' in line), "")
    errors = [found for line in lines if (found := fields(line)).get("level") == "error"]
    causes = [each for each in errors if not each.get("msg", "").startswith("publish failed")]
    error = _last(lines, level="error", step=step) if step != "publish" else None
    error = error or (causes[-1] if causes else end)
    return Run(
        unit=unit,
        good=result == "success",
        run=end.get("run") or fields(summary).get("run", ""),
        failed_step=step,
        rc=end.get("rc", result),
        error=error.get("msg", "no error message in the log"),
        setting=error.get("key", ""),
        summary=summary,
    )


def fields(line: str) -> dict[str, str]:
    """Return the fields of a logfmt line."""
    return {key: _plain(value) for key, value in _PAIR.findall(line)}


def _plain(value: str) -> str:
    """Return the text of a logfmt value, as one line that a mail and a web hook can carry."""
    if not value.startswith('"'):
        return value
    try:
        text = str(json.loads(value))
    except ValueError:
        text = value.strip('"')
    return "".join(each if each.isprintable() else " " for each in text)


def _last(lines: list[str], **wanted: str) -> dict[str, str] | None:
    for line in reversed(lines):
        found = fields(line)
        if all(found.get(key, "").startswith(value) for key, value in wanted.items()):
            return found
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """The state between runs: `noticed` holds the time of the last delivered notice of each problem."""

    last_good: str = ""
    since: str = ""
    runs: int = 0
    noticed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> Incident:
        """Return the saved state; an empty one if there is none or it is damaged."""
        try:
            found = json.loads((folder / "state.json").read_text(encoding="utf-8"))
            return cls(**found)
        except (OSError, ValueError, TypeError):
            # Until version 0.1.0: `notified`, still earlier `told`, existed after a notice.
            old = any((folder / name).exists() for name in ("notified", "told"))
            return cls(noticed={"": ""}) if old else cls()

    def save(self, folder: Path) -> None:
        """Write the state."""
        write_atomic(folder / "state.json", json.dumps(asdict(self), indent=1).encode() + b"\n", mode=0o600)
        for name in ("notified", "told", "failures"):
            (folder / name).unlink(missing_ok=True)


class Notifier:
    """Decides from the earlier runs whether a notice is due, and sends it."""

    def __init__(self, env: Mapping[str, str], state: Path, log: Log, now: datetime) -> None:
        self.env = env
        self.state = state
        self.log = log
        self.now = now.astimezone(ZoneInfo(env.get("TIMEZONE") or TABLE["TIMEZONE"].default))
        self.host = socket.gethostname()
        self.delivered = True
        log.hide(*secrets_in(env))

    def after(self, run: Run) -> None:
        """Send the notice and the ping that are due after `run`, and save the state."""
        self.state.mkdir(parents=True, exist_ok=True)
        incident = Incident.load(self.state)
        after = self._after_problem if run.problem else self._after_good
        after(run, incident).save(self.state)

    def _after_good(self, run: Run, incident: Incident) -> Incident:
        ended = Incident(last_good=self.time())
        # If the notice cannot be delivered, the next run sends it.
        if incident.noticed and not self.send("recovered", run, incident):
            ended = replace(incident, last_good=ended.last_good)
        self.ping(run, "")
        return ended

    def _after_problem(self, run: Run, incident: Incident) -> Incident:
        incident = replace(incident, since=incident.since or self.time(), runs=incident.runs + 1)
        first = run.may_pass and incident.runs == 1
        failure = _exit_status(run)
        self.ping(run, "/log" if first and failure else failure)
        if first:
            self.log.info("notice skipped: first failure of this kind; the next run may succeed", failures=1)
        elif not self._is_due(run, incident):
            self.log.info("notice skipped: already sent for this incident", failures=incident.runs)
        elif self.send("failed", run, incident):
            incident = replace(incident, noticed={**incident.noticed, run.problem: self.now.isoformat()})
        return incident

    def _is_due(self, run: Run, incident: Incident) -> bool:
        """Return whether this problem has no notice yet, or none for a day."""
        if "" in incident.noticed:  # a notice of an earlier version
            return False
        last = incident.noticed.get(run.problem)
        return not last or self.now - datetime.fromisoformat(last) >= REMIND_AFTER

    def send(self, state: str, run: Run, incident: Incident) -> bool:
        """Log a notice and send it to NOTIFY_URL; return whether it is delivered."""
        notice = self.notice(state, run, incident)
        write = self.log.error if state == "failed" else self.log.info
        write(notice.title, state=state)
        url = self.env.get("NOTIFY_URL", "")
        sender = f"events-display@{self.host}"
        return not url or self._deliver(_NOTICE, lambda: alerts.send(url, notice, self.env, sender))

    def notice(self, state: str, run: Run, incident: Incident) -> Notice:
        """Return the text of a notice."""
        library = self.env.get("SITE_NAME") or TABLE["SITE_NAME"].default
        detail = {
            "Step": f"{run.failed_step} (exit code {run.rc})" if not run.good else "",
            "Reason": self._reason(run),
            "Setting": run.setting,
            "Calendars": run.failed_calendars.replace(":", " ").replace(",", ", "),
            "Since": f"{incident.since} (runs: {incident.runs})" if incident.since else "",
            "Last good run": incident.last_good or "none on this machine",
            "What to do": self._to_do(run),
        }
        title = _TITLES["recovered" if state == "recovered" else run.outcome if run.good else "failed"]
        if state == "recovered":
            detail = {"Since": self.time(), "Problem began": incident.since}
        detail |= {"Site": self.env.get("SITE_URL", ""), "Log": f"run {run.run} on {self.host}: make logs"}
        facts = asdict(run) | {"host": self.host, "library": library, "site": self.env.get("SITE_URL", "")}
        facts |= {"since": incident.since, "last_good": incident.last_good, "to_do": self._to_do(run)}
        del facts["good"]
        lines = tuple(f"{key}: {value}" for key, value in detail.items() if value)
        return Notice(state=state, title=f"{library}: {title}", lines=lines, fields=facts)

    def _reason(self, run: Run) -> str:
        if not run.good:
            return run.error
        age = fields(run.summary).get("age_minutes", "0")
        return f"LibCal did not send new events; the oldest are {age} minutes old"

    def _to_do(self, run: Run) -> str:
        if run.good and not run.may_pass:
            causes = (NOT_LISTED, INTERNAL)
            return next(_TO_DO[cause] for cause in causes if f":{cause}" in run.failed_calendars)
        key = run.outcome if run.good else run.rc
        return _TO_DO.get(key, "look at the log: make logs")

    def time(self) -> str:
        """Return the time of this notice, for a person."""
        return f"{self.now:%Y-%m-%d %H:%M %Z}"

    def ping(self, run: Run, failure: str) -> None:
        """Report the end of a run; `failure` is how healthchecks says it, empty after a good run."""
        self._call(run.run, failure, run.summary or run.error)

    def began(self, run_id: str) -> None:
        """Report the start of a run, to healthchecks only."""
        self._call(run_id, "/start", "")

    def _call(self, run_id: str, signal: str, text: str) -> None:
        url = self.env.get("PING_URL", "")
        path = urlsplit(url).path
        if not url:
            return
        if re.fullmatch(r"(/ping)?/[0-9a-fA-F-]{36}|/ping/[\w-]+/[\w-]+", path):
            # healthchecks: /start, /log, /fail or the exit status, with an id that joins start and end.
            rid = str(uuid.UUID(run_id)) if re.fullmatch("[0-9a-f]{32}", run_id) else ""
            rid = rid or str(uuid.uuid5(uuid.NAMESPACE_URL, run_id))
            self._deliver(_PING, lambda: alerts.post(f"{url}{signal}?rid={rid}", "text/plain", text))
        elif path.startswith("/api/push/"):  # Uptime Kuma, which answers POST with 404
            if signal not in ("/start", "/log"):
                address = url.partition("?")[0]
                status = "down" if signal else "up"
                message = quote(text[text.find("outcome=") :][:200] if "outcome=" in text else text[:200])
                self._deliver(_PING, lambda: alerts.get(f"{address}?status={status}&msg={message}"))
        elif not signal:  # a dead-man's switch: silence is the alarm
            self._deliver(_PING, lambda: alerts.post(url, "text/plain", text))

    def _deliver(self, failed: str, send: Callable[[], None]) -> bool:
        why = ""
        for _ in range(2):
            try:
                send()
            except (NotSent, OSError, ValueError) as error:
                why = str(getattr(error, "reason", error))
            else:
                return True
        self.log.warn(failed, detail=why)
        self.delivered = False
        return False


_TITLES = {
    "failed": "publishing failed",
    "stale": "LibCal cannot be reached",
    "degraded": "a calendar is not updated",
    "recovered": "publishing works again",
}


def _exit_status(run: Run) -> str:
    """Return how healthchecks wants a failure: /EXIT-STATUS, or /fail; empty if the site was published."""
    if run.good:
        return "/fail" if run.outcome == "stale" else ""
    return f"/{run.rc}" if re.fullmatch("[1-9][0-9]{0,2}", run.rc) else "/fail"


def main(argv: list[str]) -> int:
    """Run with `UNIT [start]`, `--log FILE success|failed` or `--test`; return the exit code."""
    log = Log(STEP)
    return program.run(log, lambda: notify(argv, read_environment(log=log), log))


def notify(argv: list[str], env: Mapping[str, str], log: Log) -> int:
    """Read how the run ended, and send the notices that are due; return the exit code."""
    notifier = Notifier(env, Path(ROOT, env.get("BUILD_DIR") or "build") / STEP, log, datetime.now(UTC))
    if argv == ["--test"]:
        return _test(notifier)
    if argv[1:] == ["start"]:
        if env.get("PING_URL") and (run_id := _started(argv[0])):
            notifier.began(run_id)
        return exit_codes.OK
    if argv[0] == "--log":
        unit, result = "events-display.service", argv[2]
        text = Path(argv[1]).read_text(encoding="utf-8", errors="replace")
    else:
        unit = argv[0]
        result, text = _from_journal(unit, env)
    run = read_run(unit, result, text.splitlines())
    log.run = run.run or log.run
    notifier.after(run)
    return exit_codes.OK


def _test(notifier: Notifier) -> int:
    """Send a notice of each kind, and the pings of a failed and of a good run; return the exit code."""
    if not (notifier.env.get("NOTIFY_URL") or notifier.env.get("PING_URL")):
        raise SettingError("NOTIFY_URL", "is not set, and PING_URL neither")
    failed = Run(
        unit="events-display.service", good=False, run=uuid.uuid4().hex, failed_step="upload", rc="78",
        error="this is a test, sent by make notify-test", setting="NOTIFY_URL", summary="",
    )  # fmt: skip
    good = replace(failed, good=True, run=uuid.uuid4().hex)
    for run, state, signal in ((failed, "failed", _exit_status(failed)), (good, "recovered", "")):
        notifier.began(run.run)
        notifier.send(state, run, Incident(since=notifier.time(), runs=1))
        notifier.ping(run, signal)
    return exit_codes.OK if notifier.delivered else exit_codes.FAILED


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=30).stdout  # noqa: S603


def _show(unit: str, name: str) -> str:
    return _output("systemctl", "show", "--property", name, "--value", unit).strip()


def _started(unit: str) -> str:
    """Return the id of the run that systemd is just starting; empty if none begins within five seconds."""
    for _ in range(50):
        if _show(unit, "ActiveState") == "activating":
            return _show(unit, "InvocationID")
        sleep(0.1)
    return ""


def _from_journal(unit: str, env: Mapping[str, str]) -> tuple[str, str]:
    """Return the result and the log of the unit's last run, which systemd names in the environment."""
    result = env.get("MONITOR_SERVICE_RESULT") or _show(unit, "Result")
    invocation = env.get("MONITOR_INVOCATION_ID") or _show(unit, "InvocationID")
    return result, _output("journalctl", "--quiet", "--output=cat", f"_SYSTEMD_INVOCATION_ID={invocation}")


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(sys.argv[1:]))
