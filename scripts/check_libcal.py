"""Ask LibCal whether the settings are right: token, scope, and each calendar. Changes no file.

Logs one line for each calendar that LibCal lists, and prints a LIBCAL_CALENDARS= line of the public ones.

Exit codes: 0 good · 75 LibCal unavailable, try later · 78 a setting or a credential is wrong
"""

from __future__ import annotations

import os
import re
import sys

import program
from exit_codes import CONFIG, OK, UNAVAILABLE
from fetching.deadline import Deadline
from fetching.libcal import Misconfigured, Unavailable, connect
from fetching.normalize import parse_calendars
from log import Log
from settings import LibCalSettings, Settings, read_environment

SECONDS = 60.0


def check(settings: Settings, libcal: LibCalSettings, log: Log) -> int:
    """Log what LibCal answers; return the exit code."""
    client = connect(settings, libcal, log, Deadline(SECONDS))
    try:
        listed = parse_calendars(client.calendars())
        listed |= {number: (name, True) for number, name in client.find_calendars().items()}
        events = {
            each.id: len(client.events(each.id, settings.now.date(), settings.days_ahead))
            for each in libcal.calendars
            if each.id in listed
        }
    except Misconfigured as error:
        log.error(str(error), rc=CONFIG)
        return CONFIG
    except Unavailable as error:
        if error.cause in client.absent:
            log.error("LIBCAL_CALENDARS has a calendar without a feed", cause=error.cause, rc=CONFIG)
            return CONFIG
        if error.cause == "forbidden":
            log.error(client.forbidden, rc=CONFIG)
            return CONFIG
        log.error("LibCal unavailable; try later", cause=error.cause, tries=error.tries, rc=UNAVAILABLE)
        return UNAVAILABLE
    for identity, (name, public) in listed.items():
        found = {"events": events[identity]} if identity in events else {}
        visibility = "public" if public else "not public"
        log.info("calendar in LibCal", calendar=identity, name=name, visibility=visibility, **found)
    sys.stdout.write(ready_line(listed) + "\n")
    return _problems(libcal, listed, events, log)


def _problems(
    libcal: LibCalSettings, listed: dict[str, tuple[str, bool]], events: dict[str, int], log: Log
) -> int:
    unknown = [calendar.id for calendar in libcal.calendars if calendar.id not in listed]
    for identity, number in events.items():
        if not listed[identity][1]:
            log.warn(
                "calendar is not public in LibCal; a run publishes none of its events", calendar=identity
            )
        elif not number:
            log.warn("calendar has no events ahead", calendar=identity, name=listed[identity][0])
    if not unknown:
        return OK
    log.error(f"LIBCAL_CALENDARS has {', '.join(unknown)}, which LibCal does not list", rc=CONFIG)
    return CONFIG


def ready_line(listed: dict[str, tuple[str, bool]]) -> str:
    """Return a LIBCAL_CALENDARS= line with all public calendars, each with its name as the branch."""
    items = []
    for identity, (name, public) in listed.items():
        label = re.sub(r"['\",=]+", " ", name).strip()
        if public:
            items.append(f"{identity}={label}" if label else identity)
    return f"LIBCAL_CALENDARS='{','.join(items)}'"


def main() -> int:
    """Run the check; return the exit code."""
    log = Log("check")

    def work() -> int:
        env = read_environment(log=log)
        settings, libcal = Settings.from_env(env), LibCalSettings.from_env(env)
        log.hide(libcal.client_secret)
        return check(settings, libcal, log)

    return program.run(log, work)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # without waiting for a thread that still hangs on LibCal
