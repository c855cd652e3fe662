"""The timer and its runs under a real systemd, from install to uninstall.

The tests depend on their order: each one continues with the machine as the previous one left it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import notify
from schedule import DEFAULT, Schedule
from standins.aws import Aws
from standins.libcal_server import CLIENT_SECRET, LibCal
from support.docker_machine import CHECKOUT, PROGRAM, RUNTIME, SETTINGS, TIMER, UNIT, Machine
from support.docker_project import SECRETS, TAG, docker, small_library, wait_for

STATE = "/var/lib/events-display"
HEARD = "/var/tmp/heard"
STEPS = ["fetch", "generate", "upload", "invalidate"]
UNITS = "/usr/local/lib/systemd/system"
SCHEDULE = Schedule.parse(DEFAULT)
CHECK = "5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"  # an id of healthchecks


@pytest.fixture(scope="module")
def libcal() -> Iterator[LibCal]:
    with small_library() as server:
        yield server


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with Aws() as server:
        yield server


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine(f"events-display-test-{uuid.uuid4().hex[:8]}") as machine:
        yield machine


def runs(machine: Machine) -> list[str]:
    """Return the summary lines of all runs."""
    return [line for line in machine.journal() if 'msg="run ended"' in line]


def failed(machine: Machine) -> list[str]:
    """Return the last lines of the failed runs."""
    return [line for line in machine.journal() if 'msg="publish failed"' in line]


def heard(machine: Machine) -> list[dict[str, str]]:
    """Return the requests that the web hook received."""
    text = machine.run("cat", HEARD).log
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def notices(machine: Machine) -> list[dict[str, str]]:
    return [json.loads(each["body"]) for each in heard(machine) if each["path"] == "/notify"]


def pings(machine: Machine, signal: str = "") -> list[str]:
    """Return the run ids of the pings of one kind (/start, the exit status, or empty after a good run)."""
    calls = [each["path"].split("?rid=") for each in heard(machine)]
    return [call[1].replace("-", "") for call in calls if call[0] == f"/ping/{CHECK}{signal}"]


def at_rest(machine: Machine) -> bool:
    return machine.unit(UNIT, "ActiveState") in ("inactive", "failed")


def test_install_writes_all_files_and_enables_no_unit(machine: Machine) -> None:
    output = machine.do("make", "install")
    assert [line for line in output.splitlines() if line.startswith("  ")] == [
        f"  sudoedit {SETTINGS} && sudo make -C {PROGRAM} image",
        f"  sudo {PROGRAM}/bin/check {SETTINGS} && sudo systemctl enable --now {TIMER}",
    ]
    assert machine.do("stat", "--format=%a %U", SETTINGS) == "600 root\n"
    assert machine.do("id", "--name", "--groups", "events-display") == "events-display\n"
    assert machine.run("systemctl", "is-enabled", TIMER).log == "disabled\n"
    assert machine.unit(TIMER, "ActiveState") == "inactive"
    assert machine.unit(UNIT, "LoadState") == "loaded"


def test_systemd_analyze_verify_accepts_the_units(machine: Machine) -> None:
    units = ("events-display.service", "events-display.timer", "events-display-notify@failed.service")
    verified = machine.run(
        "systemd-analyze", "verify", "--man=no", *(f"{UNITS}/{unit}" for unit in units[:2]), units[2]
    )
    assert (verified.code, verified.log) == (0, "")


@pytest.mark.parametrize("unit", ["events-display.service", "events-display-notify@.service"])
def test_the_services_have_an_exposure_of_at_most_1_5(machine: Machine, unit: str) -> None:
    rated = machine.run(
        "systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", f"{UNITS}/{unit}"
    )
    assert rated.code == 0, rated.log


# New York last: the tests below continue with it. Each day is before the weekend of a clock change there.
@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("Australia/Adelaide", ["2026-04-03", "2026-10-02"]),
        ("Europe/Berlin", ["2026-03-27", "2026-10-23"]),
        ("America/New_York", ["2026-03-06", "2026-10-30"]),
    ],
)
def test_the_next_40_runs_of_the_timer_match_schedule_py(
    machine: Machine, zone: str, days: list[str]
) -> None:
    """The runs of the timer as systemd has loaded it, from a Friday afternoon on."""
    machine.do("make", "install", f"TIMEZONE={zone}")
    loaded = machine.do("systemctl", "show", "--property=TimersCalendar", TIMER)
    lines = [line.partition("OnCalendar=")[2].partition(" ;")[0] for line in loaded.splitlines()]
    assert sorted(lines) == sorted(SCHEDULE.on_calendar(zone))
    for day in days:
        due = datetime.fromisoformat(f"{day}T17:20").replace(tzinfo=ZoneInfo(zone))
        base = f"--base-time=@{int(due.timestamp())}"
        output = machine.do("systemd-analyze", "calendar", "--iterations=40", base, *lines)
        elapses = re.findall(r"^ *(?:Next elapse|Iter\. #\d+): (.* UTC)$", output, re.MULTILINE)
        expected = []
        for _ in range(40):
            due = SCHEDULE.next_due(due)
            expected.append(due)
        assert [each.astimezone(ZoneInfo(zone)) for each in sorted(map(moment, elapses))[:40]] == expected


def moment(text: str) -> datetime:
    """Parse systemd's format on a machine in UTC: `Wed 2026-11-25 14:00:00 UTC`."""
    return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)


def tick_every_five_seconds(machine: Machine) -> None:
    """Override the timer, as `systemctl edit` does, so that the test need not wait for 9:00."""
    hours = "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/5\nAccuracySec=1s\n"
    machine.write(f"/etc/systemd/system/{TIMER}.d/override.conf", hours)
    machine.do("systemctl", "daemon-reload")


def test_the_timer_starts_a_run_that_publishes(machine: Machine, libcal: LibCal, aws: Aws) -> None:
    machine.do("systemd-run", "--unit=listener", "--property=StandardOutput=file:/var/tmp/address",
               "python3", f"{CHECKOUT}/tests/docker/listener.py", HEARD)  # fmt: skip
    wait_for(lambda: machine.run("cat", "/var/tmp/address").log.startswith("http"))
    address = machine.do("cat", "/var/tmp/address").strip()
    settings = {
        **libcal.settings,
        **SECRETS,
        "S3_BUCKET": aws.bucket,
        "CLOUDFRONT_DISTRIBUTION_ID": aws.distribution_id,
        "AWS_ENDPOINT_URL": aws.url,
        "NOTIFY_URL": f"{address}/notify",
        "PING_URL": f"{address}/ping/{CHECK}",
        # Settings that only this test needs: its own Compose project, and the stand-ins on loopback.
        "COMPOSE_PROJECT_NAME": machine.project,
        "COMPOSE_FILE": f"docker/compose.yaml:{CHECKOUT}/tests/docker/host-network.yaml",
        "IMAGE_TAG": TAG,
    }
    machine.write(SETTINGS, "".join(f"{key}='{value}'\n" for key, value in settings.items()))
    machine.do("make", "-C", PROGRAM, "image", f"IMAGE_TAG={TAG}")
    # The engine sees only this folder of the machine.
    checked = machine.run("env", f"TMPDIR={RUNTIME}", f"{PROGRAM}/bin/check", SETTINGS)
    assert checked.code == 0, checked.log
    assert "S3 allows to list, upload and delete" in checked.log
    assert "the timer does not run: systemctl enable --now" in checked.log

    machine.do("systemctl", "enable", "--now", TIMER)
    due = SCHEDULE.next_due(datetime.now(ZoneInfo("America/New_York")))
    assert timedelta(0) <= moment(machine.unit(TIMER, "NextElapseUSecRealtime")) - due < timedelta(seconds=10)

    tick_every_five_seconds(machine)
    wait_for(lambda: pings(machine))
    machine.do("systemctl", "stop", TIMER)
    wait_for(lambda: at_rest(machine))
    assert machine.unit(UNIT, "Result") == "success"
    page = aws.read("index.html")
    assert page
    assert b"<!DOCTYPE html>" in page[0][:20] or b"<!doctype html>" in page[0][:20]
    assert aws.invalidations()[:2] == [["/.events-display-check"], ["/*"]]


def test_every_log_line_is_in_the_journal_once_with_the_run_id(machine: Machine) -> None:
    first = runs(machine)[0]
    run_id = notify.fields(first)["run"]
    assert (pings(machine)[0], pings(machine, "/start")[0]) == (run_id, run_id)
    lines = [line for line in machine.journal(f"_SYSTEMD_INVOCATION_ID={run_id}") if line]
    ours = [line for line in lines if line.startswith("level=")]
    assert lines == ours  # none from make, Compose or the engine
    assert {notify.fields(line)["run"] for line in ours} == {run_id}
    assert [line for line, times in Counter(ours).items() if times > 1] == []
    steps = [notify.fields(line)["step"] for line in ours]
    assert list(dict.fromkeys(step for step in steps if step in STEPS)) == STEPS
    assert {line for line in machine.journal() if run_id in line} == set(ours)
    warnings = machine.journal("--priority=warning", f"_SYSTEMD_INVOCATION_ID={run_id}")
    assert warnings == [line for line in ours if not line.startswith("level=info ")]
    assert {notify.fields(line)["step"] for line in warnings} >= {"upload", "invalidate"}  # of containers too
    everything = "\n".join(machine.journal("--boot"))
    assert CLIENT_SECRET not in everything
    assert not [secret for secret in SECRETS.values() if secret in everything]


def test_make_status_and_make_logs_show_the_last_and_next_run(machine: Machine, libcal: LibCal) -> None:
    ended = machine.unit(UNIT, "ExecMainExitTimestamp")
    assert status(machine) == {
        "last run": f"{ended}: success",
        "summary": runs(machine)[-1],
        "next run": f"not scheduled: systemctl enable --now {TIMER}",
        "pending": "none",
        "healthchecks": " *:*:0/5",
    }
    libcal.log.clear()
    libcal.fail("delay", seconds=5, times=1)
    machine.do("systemctl", "start", TIMER)
    wait_for(lambda: libcal.log)
    meanwhile = status(machine)
    machine.do("rm", f"/etc/systemd/system/{TIMER}.d/override.conf")
    machine.do("systemctl", "daemon-reload")
    wait_for(lambda: at_rest(machine))
    assert meanwhile["last run"].startswith("in progress since ")
    assert meanwhile["next run"] == "after this run"
    due = SCHEDULE.next_due(datetime.now(ZoneInfo("America/New_York")))
    assert abs(moment(status(machine)["next run"]) - due) < timedelta(seconds=10)

    summaries = make(machine, "logs", "SUMMARY=1")
    times, lines = zip(*(line.split(" ", 1) for line in summaries.splitlines()), strict=True)
    assert list(lines) == runs(machine)
    assert all(abs(datetime.fromisoformat(time) - datetime.now(UTC)) < timedelta(hours=1) for time in times)
    log = make(machine, "logs").splitlines()
    assert [line for line in log if "level=" in line]
    assert len(log) > len(runs(machine))


def make(machine: Machine, *words: str) -> str:
    return machine.do("make", "--no-print-directory", "-C", PROGRAM, *words)


def status(machine: Machine) -> dict[str, str]:
    """Return the fields of `make status`."""
    return {line[:12].rstrip(): line[12:] for line in make(machine, "status").splitlines()}


def test_an_incident_and_its_end_are_notified_once(machine: Machine, libcal: LibCal) -> None:
    assert notices(machine) == []
    before = len(pings(machine))
    libcal.fail("status", path="/1.1/oauth/token", status=401)
    tick_every_five_seconds(machine)
    wait_for(lambda: len(failed(machine)) >= 3)
    libcal.recover()
    wait_for(lambda: len(pings(machine)) > before)
    machine.do("systemctl", "stop", TIMER)
    wait_for(lambda: at_rest(machine))
    assert [notice["state"] for notice in notices(machine)] == ["failed", "recovered"]
    first = notices(machine)[0]
    assert (first["failed_step"], first["rc"]) == ("fetch", "78")
    assert first["run"] == notify.fields(failed(machine)[0])["run"]
    text = first["text"].splitlines()
    assert text[0] == "Library events: publishing failed"
    assert {
        "Step: fetch (exit code 78)",
        "What to do: correct the setting or the permission, then run make check",
    } <= {*text}
    assert CLIENT_SECRET not in json.dumps(first)
    assert pings(machine, "/78") == [notify.fields(line)["run"] for line in failed(machine)]
    held = machine.journal("--unit=events-display-notify@failed.service")
    assert len([line for line in held if "notice skipped" in line]) == len(failed(machine)) - 1


def test_a_run_that_times_out_leaves_no_container_or_secret_and_is_notified(
    machine: Machine, libcal: LibCal
) -> None:
    machine.write(f"/etc/systemd/system/{UNIT}.d/override.conf", "[Service]\nTimeoutStartSec=4s\n")
    machine.do("systemctl", "daemon-reload")
    libcal.fail("delay", seconds=30)
    assert machine.run("systemctl", "start", UNIT).code == 1
    assert machine.unit(UNIT, "Result") == "timeout"
    assert containers(machine) == []
    assert machine.run("ls", "-A", f"{RUNTIME}/secrets").code != 0
    wait_for(lambda: len(notices(machine)) == 3)
    assert notices(machine)[-1]["state"] == "failed"
    machine.do("rm", f"/etc/systemd/system/{UNIT}.d/override.conf")
    machine.do("systemctl", "daemon-reload")


def test_a_killed_run_leaves_no_container_and_the_next_run_recovers(machine: Machine, libcal: LibCal) -> None:
    libcal.log.clear()
    machine.do("systemctl", "start", "--no-block", UNIT)
    wait_for(lambda: libcal.log)
    assert containers(machine)
    machine.do("systemctl", "kill", "--signal=KILL", UNIT)
    wait_for(lambda: at_rest(machine))
    assert machine.unit(UNIT, "Result") == "signal"
    assert containers(machine) == []
    libcal.recover()
    machine.do("systemctl", "start", UNIT)
    wait_for(lambda: notices(machine)[-1]["state"] == "recovered")
    # The kill is another cause than the time limit.
    states = ["failed", "recovered", "failed", "failed", "recovered"]
    assert [notice["state"] for notice in notices(machine)] == states


def test_an_upgrade_waits_for_the_run_and_keeps_the_settings(machine: Machine, libcal: LibCal) -> None:
    settings = machine.do("cat", SETTINGS)
    before = len(runs(machine))
    libcal.log.clear()
    libcal.fail("delay", seconds=5, times=1)
    machine.do("systemctl", "start", "--no-block", UNIT)
    wait_for(lambda: libcal.log)
    output = machine.do("make", "install")
    assert "waiting for the current run" in output
    assert len(runs(machine)) == before + 1  # the run ended before install wrote a file
    wait_for(lambda: at_rest(machine))
    assert machine.unit(UNIT, "Result") == "success"
    assert machine.do("cat", SETTINGS) == settings
    machine.do("systemctl", "start", UNIT)


def test_a_second_library_has_its_own_units_and_is_removed_alone(machine: Machine) -> None:
    machine.do("make", "install", "NAME=kilton", "SCHEDULE=Sun 12:00")
    names = ("events-display@kilton.service", "events-display@kilton.timer")
    verified = machine.run("systemd-analyze", "verify", "--man=no", *(f"{UNITS}/{name}" for name in names))
    assert (verified.code, verified.log) == (0, "")
    assert [machine.unit(name, "LoadState") for name in names] == ["loaded", "loaded"]
    assert machine.unit(names[0], "StateDirectory") == "events-display-kilton"
    assert machine.do("stat", "--format=%a %U", "/etc/events-display/kilton.env") == "600 root\n"
    shown = machine.do("make", "-C", PROGRAM, "status", "NAME=kilton")
    assert f"not scheduled: systemctl enable --now {names[1]}" in shown
    assert "healthchecks Sun *-*-* 12:00:00 America/New_York" in shown
    refused = machine.run("make", "uninstall")
    assert (refused.code, "remove the other libraries first" in refused.log) == (2, True)
    machine.do("make", "uninstall", "NAME=kilton")
    assert machine.unit(names[0], "LoadState") == "not-found"
    assert machine.unit(UNIT, "LoadState") == "loaded"


def test_uninstall_keeps_the_settings_and_the_state(machine: Machine) -> None:
    settings = machine.do("cat", SETTINGS)
    state = machine.do("find", STATE, "-type", "f")
    assert state
    machine.do("make", "uninstall")
    assert machine.do("cat", SETTINGS) == settings
    assert machine.do("find", STATE, "-type", "f") == state
    assert machine.run("ls", PROGRAM).code != 0
    assert machine.unit(UNIT, "LoadState") == "not-found"
    assert machine.unit(TIMER, "ActiveState") == "inactive"
    assert machine.do("find", "/usr/local/lib", "/etc/systemd", "-name", "events-display*") == (
        f"/etc/systemd/system/{TIMER}.d\n/etc/systemd/system/{UNIT}.d\n"
    )


def containers(machine: Machine) -> list[str]:
    label = f"label=com.docker.compose.project={machine.project}"
    return docker("ps", "--all", "--quiet", "--filter", label).split()
