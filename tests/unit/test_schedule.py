"""SCHEDULE: one parser gives the timer, the CronJobs and the time at which the next run is due."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from event import Calendar, Snapshot
from rendering import status_json
from schedule import DEFAULT, EXAMPLE, Schedule
from settings import ROOT, Settings
from support.page_samples import at

TUESDAY = date(2026, 3, 3)
SCHEDULES = (
    DEFAULT,
    EXAMPLE,
    "Mon-Sun 0:00-23:59 /30",
    "Sun 12:00",
    "Mon, Wed, Fri 8:30-12:10 /20, Sat-Sun 10:05-15:05 /60",
    "Fri-Mon 9:00-17:00",
    "Mon-Fri 9:00-17:00 /15, Wed 12:30-21:00 /45",
)


def hours(text: str, number: int) -> list[str]:
    """Return the times of a day of the week of 2026-03-02, a Monday."""
    return [f"{run:%H:%M}" for run in Schedule.parse(text).runs(date(2026, 3, 2) + timedelta(days=number))]


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2026-03-03 09:00", "2026-03-03 09:15"),
        ("2026-03-03 09:00:40", "2026-03-03 09:15"),
        ("2026-03-03 08:59:59", "2026-03-03 09:00"),
        ("2026-03-03 17:45:01", "2026-03-03 18:00"),
        ("2026-03-03 18:00", "2026-03-04 09:00"),
        ("2026-03-03 23:30", "2026-03-04 09:00"),
        ("2026-03-04 00:00", "2026-03-04 09:00"),
        ("2026-03-07 18:00:20", "2026-03-09 09:00"),  # Saturday to Monday, the clocks go forward between
        ("2026-03-08 12:00", "2026-03-09 09:00"),
        ("2026-10-31 18:00", "2026-11-02 09:00"),  # and back
        ("2026-11-01 01:30", "2026-11-02 09:00"),
    ],
)
def test_the_next_run_is_at_the_next_quarter_hour_while_the_library_is_open(after: str, due: str) -> None:
    found = Schedule.parse(DEFAULT).next_due(at(after))
    assert found == at(due)
    assert found.tzinfo is at(after).tzinfo


def test_the_first_run_stays_at_9_00_across_a_clock_change() -> None:
    schedule = Schedule.parse(DEFAULT)
    assert schedule.next_due(at("2026-03-07 18:00")).astimezone(UTC).hour == 13
    assert schedule.next_due(at("2026-02-28 18:00")).astimezone(UTC).hour == 14


def test_the_default_has_37_runs_a_day_and_none_on_sunday() -> None:
    schedule = Settings.from_env({}).schedule
    assert [len(list(schedule.runs(TUESDAY + timedelta(days=days)))) for days in range(7)] == [
        37, 37, 37, 37, 37, 0, 37,
    ]  # fmt: skip


def test_several_ranges_days_and_single_times_are_read() -> None:
    assert hours("Mon-Fri 9:00-10:00 /30, sat 10:00", 0) == ["09:00", "09:30", "10:00"]
    assert hours("Mon-Fri 9:00-10:00 /30, sat 10:00", 5) == ["10:00"]
    assert hours("Mon-Fri 9:00-10:00 /30, sat 10:00", 6) == []
    assert hours("Mon, Wed 8:10-9:00 / 25", 2) == ["08:10", "08:35", "09:00"]
    assert hours("Mon, Wed 8:10-9:00 /25", 1) == []
    assert hours("Fri-Mon 9:00-9:20", 6) == ["09:00", "09:15"]
    assert hours("Mon 9:00-9:30 /30, Mon 9:15-9:45 /30", 0) == ["09:00", "09:15", "09:30", "09:45"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must look like"),
        ("Mon-Sat", "must look like"),
        ("Mon-Sat 9-18", "must look like"),
        ("Monday 9:00", "must look like"),
        ("9:00-18:00 /15", "must look like"),
        ("Mon 9:00;Tue 9:00", "must look like"),
        ("*/15 9-17 * * 1-6", "must look like"),
        ("Mon 9:00-18:00 /5", "at least 15 minutes"),
        ("Mon 18:00-9:00 /15", "ends before it starts"),
        ("Mon 24:00", "does not exist"),
        ("Mon 9:00-9:60", "does not exist"),
    ],
)
def test_a_wrong_schedule_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Schedule.parse(text)


def of_systemd(line: str) -> set[tuple[int, int]]:
    """Return (day of the week, minute) of an OnCalendar line, by the part of systemd.time(7) that we use."""
    names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    days, star, clock, zone = line.split(" ")
    assert (star, zone) == ("*-*-*", "Europe/Paris")
    hour, minute, second = clock.split(":")
    assert second == "00"
    found = set()
    for day in spans(days, "..", names):
        for of_day in spans(hour, "..", [f"{number:02}" for number in range(24)]):
            listed = (
                range(0, 60, int(minute[3:])) if minute.startswith("00/") else map(int, minute.split(","))
            )
            found |= {(day, of_day * 60 + number) for number in listed}
    return found


def spans(text: str, to: str, names: list[str]) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition(to)
        found += range(names.index(first), names.index(last or first) + 1)
    return found


def of_cron(line: str) -> list[tuple[int, int]]:
    minute, hour, month_day, month, weekday = line.split(" ")
    assert (month_day, month) == ("*", "*")
    numbers = [str(number) for number in range(60)]
    minutes = range(0, 60, int(minute[2:])) if minute.startswith("*/") else spans(minute, "-", numbers)
    return [
        (day - 1, of_day * 60 + number)
        for day in spans(weekday, "-", numbers)
        for of_day in spans(hour, "-", numbers)
        for number in minutes
    ]


@pytest.mark.parametrize("text", SCHEDULES)
def test_timer_and_cron_lines_give_the_same_runs_as_the_pages(text: str) -> None:
    schedule = Schedule.parse(text)
    wanted = {(day, minute) for day in range(7) for minute in schedule.days[day]}
    lines = schedule.on_calendar("Europe/Paris")
    assert set().union(*map(of_systemd, lines)) == wanted
    assert sorted(run for line in schedule.cron() for run in of_cron(line)) == sorted(wanted)
    if shutil.which("systemd-analyze"):
        command = ["systemd-analyze", "calendar", *lines]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_default_lines_are_those_of_the_documentation() -> None:
    assert Schedule.parse(DEFAULT).on_calendar("America/New_York") == [
        "Mon..Sat *-*-* 09..17:00/15:00 America/New_York",
        "Mon..Sat *-*-* 18:00:00 America/New_York",
    ]
    base = (ROOT / "docker/kubernetes/base/cronjob.yaml").read_text()
    assert re.findall(r'^  schedule: "(.*)"$', base, re.MULTILINE) == Schedule.parse(DEFAULT).cron()


def kubernetes(overlay: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "print_schedule.py"), "kubernetes", str(overlay)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_kubernetes_overlay_gets_the_lines_of_its_schedule(tmp_path: Path) -> None:
    source = ROOT / "docker/kubernetes/overlays/larkfield/kustomization.yaml"
    settings = tmp_path / "kustomization.yaml"
    literal = f"      - SCHEDULE={EXAMPLE}\n      - S3_BUCKET"
    settings.write_text(source.read_text().replace("      - S3_BUCKET", literal))
    for _ in range(2):
        assert kubernetes(tmp_path).returncode == 0
        assert "components: [schedule, ../../library]\n" in settings.read_text()
    written = "".join(
        (tmp_path / "schedule" / name).read_text() for name in ("kustomization.yaml", "cronjobs.yaml")
    )
    assert all(line in written for line in Schedule.parse(EXAMPLE).cron())
    settings.write_text(settings.read_text().replace(EXAMPLE, "Sun 12:00"))
    assert kubernetes(tmp_path).returncode == 0
    assert '"path": "/spec/suspend", "value": true' in (tmp_path / "schedule/kustomization.yaml").read_text()


def test_a_wrong_overlay_or_schedule_is_named(tmp_path: Path) -> None:
    ended = kubernetes(tmp_path / "none")
    assert (ended.returncode, "this overlay does not exist" in ended.stderr) == (78, True)
    (tmp_path / "kustomization.yaml").write_text("literals:\n  - SCHEDULE=Mon 25:00\n")
    ended = kubernetes(tmp_path)
    assert (ended.returncode, "SCHEDULE has a time that does not exist" in ended.stderr) == (78, True)


def test_next_due_of_a_weekly_run_is_a_week_later() -> None:
    found = Schedule.parse("Sun 12:00").next_due(datetime(2026, 3, 8, 12, 0, 5, tzinfo=UTC))
    assert found == datetime(2026, 3, 15, 12, 0, tzinfo=UTC)


def test_status_json_expects_the_next_run_of_the_settings() -> None:
    settings = Settings.from_env({"SCHEDULE": "Sun 12:00", "EVENTS_NOW": "2026-03-03T09:05"})
    fetched = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
    snapshot = Snapshot(calendars=(Calendar(id="7", fetched=fetched),))
    found = json.loads(status_json.content(snapshot, settings))
    assert (found["fetched"], found["next_due"]) == ("2026-03-03T09:00:00-05:00", "2026-03-08T12:00:00-04:00")
