"""Print SCHEDULE as a systemd timer, or write it into a Kubernetes overlay.

Usage: print_schedule.py timer               the OnCalendar= lines of SCHEDULE and TIMEZONE in the environment
       print_schedule.py kubernetes OVERLAY  the folder OVERLAY/schedule, for the SCHEDULE in its settings

Exit codes: 0 done · 1 failed · 2 wrong usage · 78 SCHEDULE is wrong
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import program
from exit_codes import CONFIG, FAILED, OK
from files import write_atomic
from log import Log
from schedule import DEFAULT, Schedule
from settings import SettingError

# The two CronJobs of the base; a schedule may need more, or only one.
_NAMES = ("events-display", "events-display-closing")
_COMPONENT = """\
# Written by make kubernetes for SCHEDULE={text}

apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources: [cronjobs.yaml]
patches:
"""
_PATCH = """\
  - target: {{kind: CronJob, name: {name}}}
    patch: '[{{"op": "add", "path": "/spec/{field}", "value": {value}}}]'
"""
# The jobTemplate comes from the base: see docker/kubernetes/library.
_CRONJOB = """\
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: events-display-{number}
  labels: {{app.kubernetes.io/name: events-display}}
spec:
  schedule: "{line}"
  timeZone: America/New_York
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 180
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 1
"""


def parsed(text: str) -> Schedule:
    """Return the schedule of a setting. Raises SettingError."""
    try:
        return Schedule.parse(text or DEFAULT)
    except ValueError as error:
        raise SettingError("SCHEDULE", str(error)) from error


def timer() -> int:
    """Print the OnCalendar= lines."""
    for line in parsed(os.environ.get("SCHEDULE", "")).on_calendar(os.environ.get("TIMEZONE", "UTC")):
        sys.stdout.write(f"OnCalendar={line}\n")
    return OK


def kubernetes(overlay: Path, log: Log) -> int:
    """Write the component `schedule` of an overlay, and name it in the overlay."""
    path = overlay / "kustomization.yaml"
    try:
        settings = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        log.error("this overlay does not exist: copy larkfield", path=str(overlay), rc=CONFIG)
        return CONFIG
    found = re.search(r"""^\s*-\s*["']?SCHEDULE=(.*?)["']?\s*$""", settings, re.MULTILINE)
    text = found[1] if found else DEFAULT
    lines = parsed(text).cron()
    component = _COMPONENT.format(text=text)
    for name, line in zip(_NAMES, lines, strict=False):
        component += _PATCH.format(name=name, field="schedule", value=f'"{line}"')
    if len(lines) < len(_NAMES):
        component += _PATCH.format(name=_NAMES[-1], field="suspend", value="true")
    extra = [_CRONJOB.format(number=number, line=line) for number, line in enumerate(lines[2:], 3)]
    if not extra:
        component = component.replace("resources: [cronjobs.yaml]\n", "")
    folder = overlay / "schedule"
    folder.mkdir(exist_ok=True)
    write_atomic(folder / "kustomization.yaml", component.encode())
    write_atomic(folder / "cronjobs.yaml", "".join(extra).encode())
    if not re.search(r"^components:.*\bschedule\b", settings, re.MULTILINE):
        settings, count = re.subn(r"^components: \[", "components: [schedule, ", settings, flags=re.MULTILINE)
        if not count:
            log.error("kustomization.yaml has no line components: [../../library]", path=str(path), rc=FAILED)
            return FAILED
        write_atomic(path, settings.encode())
    sys.stdout.write(f"Wrote {folder}: {len(lines)} cron lines. Next: kubectl apply -k {overlay}\n")
    return OK


def main(arguments: Sequence[str]) -> int:
    """Run one of the two commands; return the exit code."""
    log = Log("schedule")
    parser = program.options(__doc__)
    parser.add_argument("form", choices=("timer", "kubernetes"))
    parser.add_argument("overlay", nargs="?", type=Path)
    given = parser.parse_args(arguments)
    if given.form == "kubernetes" and not given.overlay:
        parser.error("OVERLAY is required")
    return program.run(log, timer if given.form == "timer" else lambda: kubernetes(given.overlay, log))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
