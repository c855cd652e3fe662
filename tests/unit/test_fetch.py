from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
import requests
import responses

import fetch
from event import Snapshot
from fetching.image_cache import ImageCache
from fetching.libcal import Limits
from log import Log
from settings import ROOT, LibCalSettings, Settings
from support.raw_server import raw_server

BASE = "https://library.libcal.com/1.1"
SECRET = "0123456789abcdef0123456789abcdef"
ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 3, 9, 0, tzinfo=ZONE)
# No retries, to save time; test_libcal.py tests them.
ONCE = Limits(tries=1)


def raw(identity: int, day: int = 6, **fields: Any) -> dict[str, Any]:
    return {
        "id": identity,
        "title": f"Event {identity}",
        "start": f"2026-03-{day:02}T10:00:00-05:00",
        "end": f"2026-03-{day:02}T11:00:00-05:00",
        "calendar": {"id": 7, "name": "Main"},
        **fields,
    }


class World:
    """A LibCal with some calendars, and a build folder that is kept between runs."""

    def __init__(self, http: responses.RequestsMock, build: Path) -> None:
        self.calendars: dict[str, list[Any] | int | Exception] = {"7": [raw(1), raw(2)], "8": [raw(3)]}
        self.described: Any = {"calendars": [{"calid": 7}, {"calid": 8}]}
        self.build = build
        self.env = {
            "BUILD_DIR": str(build),
            "LIBCAL_URL": "https://library.libcal.com",
            "LIBCAL_CLIENT_ID": "42",
            "LIBCAL_CLIENT_SECRET": SECRET,
            "LIBCAL_CALENDARS": "7=Kilton,8",
        }
        self.http = http
        http.post(f"{BASE}/oauth/token", json={"access_token": "tok-1"})
        http.add_callback(responses.GET, f"{BASE}/events", callback=self._events)
        http.add_callback(
            responses.GET, f"{BASE}/calendars", callback=lambda _: (200, {}, json.dumps(self.described))
        )

    def _events(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        query = parse_qs(urlsplit(str(request.url)).query)
        found = self.calendars[query["cal_id"][0]]
        if isinstance(found, Exception):
            raise found
        if isinstance(found, int):
            return found, {}, "<html>"
        return 200, {}, json.dumps({"events": found if query["page"] == ["1"] else []})

    def down(self) -> None:
        self.calendars = dict.fromkeys(self.calendars, 503)

    def run(self, minutes: float = 0, **env: str) -> tuple[int, str]:
        """Run the step `minutes` after NOW; return its exit code and its log."""
        values = {**self.env, "EVENTS_NOW": (NOW + timedelta(minutes=minutes)).isoformat(), **env}
        text = io.StringIO()
        log = Log("fetch", run="r", stream=text)
        code = fetch.fetch(Settings.from_env(values), LibCalSettings.from_env(values), log, limits=ONCE)
        assert text.getvalue().splitlines()[-1].endswith(f"rc={code}")
        return code, text.getvalue()

    @property
    def path(self) -> Path:
        return self.build / "events.json"

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot.load(self.path, ZONE)

    @property
    def listed(self) -> list[str]:
        return [event.id for event in self.snapshot.events if event.listed]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as http:
        yield World(http, tmp_path / "build")


def test_a_successful_run_writes_the_events_of_all_calendars(world: World) -> None:
    code, log = world.run()
    assert code == 0
    assert world.listed == ["1", "2", "3"]
    assert [event.branch for event in world.snapshot.events] == ["Kilton", "Kilton", "Main"]
    assert 'level=info step=fetch run=r msg="calendar fetched" calendar=7 events=2 dropped=0' in log
    assert 'msg="events fetched" calendars=2 failed=0 events=3 past=0 dropped=0' in log


def test_the_same_response_gives_the_same_file_except_for_the_time(world: World) -> None:
    world.run()
    before = world.path.read_text()
    world.run(15)
    assert world.path.read_text() == before.replace(
        '"fetched": "2026-03-03T09:00', '"fetched": "2026-03-03T09:15'
    )


# --- One or all calendars fail -----------------------------------------------------------------


@pytest.mark.parametrize("fault", [503, 403, 404, 200, requests.ConnectionError()])
def test_one_failing_calendar_keeps_its_last_events(world: World, fault: int | Exception) -> None:
    world.run()
    world.calendars = {"7": fault, "8": [raw(4)]}
    code, log = world.run(60)
    assert code == 0
    assert world.listed == ["1", "2", "4"]
    states = world.snapshot.calendars
    assert [(state.stale, state.fetched) for state in states] == [
        (True, NOW),
        (False, NOW + timedelta(minutes=60)),
    ]
    assert (
        'level=warn step=fetch run=r msg="calendar not fetched; keeping its last good events" calendar=7 cause='
        in log
    )
    assert "tries=1 age_minutes=60 kept=2" in log
    assert 'msg="events fetched" calendars=2 failed=1' in log


def test_a_calendar_that_was_never_fetched_does_not_block_the_others(world: World) -> None:
    world.calendars["8"] = 503
    code, log = world.run()
    assert code == 75
    assert world.listed == ["1", "2"]
    assert (
        'level=error step=fetch run=r msg="LibCal unavailable; no saved events for these calendars" calendar=8 rc=75'
        in log
    )


def test_no_file_is_written_if_libcal_is_down_on_the_first_run(world: World) -> None:
    world.down()
    code, log = world.run()
    assert code == 75
    assert not world.path.exists()
    assert 'msg="LibCal unavailable; no saved events for these calendars" calendar=7,8 rc=75' in log


@pytest.mark.parametrize(("minutes", "expected"), [(179, 0), (180, 75), (181, 75)])
def test_the_run_fails_when_the_saved_events_are_too_old(world: World, minutes: int, expected: int) -> None:
    world.run()
    world.down()
    code, log = world.run(minutes)
    assert code == expected
    assert world.listed == ["1", "2", "3"]
    assert (f'msg="LibCal unavailable; saved events are too old" age_minutes={minutes} rc=75' in log) == (
        expected == 75
    )
    assert f"age_minutes={minutes}" in log


def test_one_outdated_calendar_fails_the_run_even_if_the_others_are_current(world: World) -> None:
    world.run()
    world.calendars = {"7": 503, "8": [raw(4)]}
    assert world.run(180)[0] == 75
    assert world.listed == ["1", "2", "4"]


def test_a_monday_after_a_weekend_without_runs(world: World) -> None:
    """From Saturday 18:00 to Monday 09:00, over a change of the clocks, is 38 hours."""
    world.calendars = {"7": [raw(1, day=10)], "8": [raw(3, day=7)]}
    days = 24 * 60
    assert world.run(4 * days + 9 * 60)[0] == 0
    calendars = dict(world.calendars)
    world.down()
    code, log = world.run(6 * days)
    assert code == 75
    assert "age_minutes=2280" in log
    assert "1" in world.listed
    world.calendars = calendars
    code, log = world.run(6 * days + 15)
    assert code == 0
    assert "1" in world.listed


def test_the_maximum_age_of_saved_events_is_a_setting(world: World) -> None:
    world.run()
    world.down()
    assert world.run(30, STALE_AFTER_MINUTES="30")[0] == 75
    assert world.run(30, STALE_AFTER_MINUTES="31")[0] == 0


def test_a_successful_run_after_an_outage_restores_the_normal_state(world: World) -> None:
    world.run()
    before = world.path.read_text()
    calendars = world.calendars
    world.down()
    world.run(200)
    world.calendars = calendars
    assert world.run()[0] == 0
    assert world.path.read_text() == before


def test_past_events_are_removed_after_90_days_even_while_libcal_is_down(world: World) -> None:
    world.run()
    kept = world.listed
    world.down()
    world.run(4 * 24 * 60)
    assert world.listed == kept
    world.run(95 * 24 * 60)
    assert world.listed == []


@pytest.mark.parametrize("after", [0, 4])
def test_a_calendar_that_lost_most_of_its_events_keeps_them_for_one_run_with_a_warning(
    world: World, after: int
) -> None:
    world.calendars["7"] = [raw(number) for number in range(10, 20)]
    world.run()
    world.calendars["7"] = [raw(number) for number in range(10, 10 + after)]
    code, log = world.run(24 * 60)
    assert code == 0
    assert len(world.listed) == 11
    assert (
        'level=warn step=fetch run=r msg="calendar lost most of its events; keeping the old ones for one run '
        f'(FORCE=1 drops them)" calendar=7 name=Kilton events={after} previous=10' in log
    )
    assert world.run(24 * 60 + 15)[0] == 0
    assert len(world.listed) == 1 + after


def test_a_loss_is_believed_at_once_with_force(world: World) -> None:
    world.run()
    world.calendars["7"] = []
    code, log = world.run(15, FORCE="1")
    assert (code, world.listed) == (0, ["3"])
    assert "lost most" not in log


# --- Configuration -----------------------------------------------------------------------------


def test_refused_credentials_stop_the_run_and_do_not_change_the_file(world: World) -> None:
    world.run()
    before = world.path.read_bytes()
    world.http.replace(responses.POST, f"{BASE}/oauth/token", status=401, json={"error": SECRET})
    code, log = world.run(15)
    assert code == 78
    assert "LibCal refused the credentials: check LIBCAL_CLIENT_ID, LIBCAL_CLIENT_SECRET" in log
    assert SECRET not in log
    assert world.path.read_bytes() == before


def test_an_address_without_a_libcal_api_is_reported(world: World) -> None:
    world.http.replace(responses.POST, f"{BASE}/oauth/token", status=404)
    code, log = world.run()
    assert code == 78
    assert (
        'msg="LIBCAL_URL must be the address of a LibCal site, such as https://yoursite.libcal.com" rc=78'
        in log
    )


def test_forbidden_calendars_are_reported_as_a_missing_scope(world: World) -> None:
    world.calendars = {"7": 403, "8": 403}
    code, log = world.run()
    assert code == 78
    assert "scope (Calendars, read)" in log


def test_an_internal_calendar_is_never_published(world: World) -> None:
    world.run()
    world.described = {"calendars": [{"calid": 7, "visibility": "Internal"}, {"calid": 8, "name": "Lebanon"}]}
    code, log = world.run(15)
    assert code == 0
    assert world.listed == ["3"]
    assert (
        'level=error step=fetch run=r msg="calendar is not public in LibCal; publishing none of its events" calendar=7'
        in log
    )
    # It stays internal when LibCal sends no list of calendars.
    world.described = {"error": "not now"}
    world.run(30)
    assert world.listed == ["3"]
    assert "Event 1" not in world.path.read_text()
    # It is published when LibCal lists it as public.
    world.described = {"calendars": [{"calid": 7, "visibility": "Public"}, {"calid": 8}]}
    world.run(45)
    assert world.listed == ["1", "2", "3"]


@pytest.mark.parametrize("visibility", ["Private", "Staff only", "", None, False, "publicity"])
def test_only_a_calendar_that_libcal_calls_public_is_published(world: World, visibility: object) -> None:
    world.described = {"calendars": [{"calid": 7, "visibility": visibility}, {"calid": 8}]}
    assert world.run()[0] == 0
    assert world.listed == ["3"]
    assert "Event 1" not in world.path.read_text()


@pytest.mark.parametrize("answer", [{"error": "not now"}, {"calendars": []}, []])
def test_calendars_are_held_back_until_libcal_has_described_them(world: World, answer: object) -> None:
    described, world.described = world.described, answer
    assert world.run()[0] == 75
    assert not world.path.exists()
    world.described = described
    assert world.run(15)[0] == 0
    assert world.listed == ["1", "2", "3"]


def test_a_new_calendar_is_held_back_until_libcal_has_described_it(world: World) -> None:
    world.run(LIBCAL_CALENDARS="7=Kilton")
    world.described = {"error": "not now"}
    code, log = world.run(15)
    assert code == 75
    assert world.listed == ["1", "2"]
    assert "Event 3" not in world.path.read_text()
    assert "calendar=8 cause=not_described" in log


def test_a_calendar_that_leaves_the_list_of_calendars_gets_no_new_events(world: World) -> None:
    world.run()
    world.described = {"calendars": [{"calid": 7}]}
    world.calendars["8"] = [raw(3), raw(4)]
    code, log = world.run(15)
    assert (code, world.listed) == (0, ["1", "2", "3"])
    assert (
        'msg="calendar is not in LibCal\'s list of calendars; keeping its last good events" calendar=8 kept=1'
        in log
    )
    assert world.run(181)[0] == 75


def test_a_new_calendar_that_libcal_does_not_list_is_a_wrong_setting(world: World) -> None:
    world.described = {
        "calendars": [{"calid": 7, "name": "Kilton"}, {"calid": 9, "name": "Staff", "visibility": ""}]
    }
    code, log = world.run()
    assert code == 78
    assert 'LIBCAL_CALENDARS has 8, which LibCal does not list; it lists 7 Kilton"' in log
    assert not any(path.is_file() for path in world.build.rglob("*"))
    # Also beside calendars that were fetched before; their events stay as they are.
    world.run(LIBCAL_CALENDARS="7=Kilton")
    before = world.path.read_bytes()
    assert world.run(15)[0] == 78
    assert world.path.read_bytes() == before


def test_the_numbers_for_the_summary_name_the_failed_calendars_and_the_age_of_their_events(
    world: World,
) -> None:
    def numbers() -> str:
        return (world.build / "run" / "fetch.stats").read_text()

    world.run()
    assert numbers() == "events=3\ncalendars=2\ncalendars_failed=0\nfailed_calendars=\nage_minutes=0\n"
    world.calendars["7"] = 503
    world.described = {"calendars": [{"calid": 7}]}
    world.run(46)
    assert numbers() == (
        "events=3\ncalendars=2\ncalendars_failed=2\nfailed_calendars=7:http_503,8:not_listed\nage_minutes=46\n"
    )


def changes(world: World) -> list[str]:
    """Return the lines of changes.log, without their time."""
    path = world.build / "changes.log"
    return [line.partition(" ")[2] for line in path.read_text().splitlines()] if path.exists() else []


def test_each_change_of_an_event_is_a_line_of_the_log_and_of_changes_log(world: World) -> None:
    address = "https://library.libcal.com/event/2"
    world.calendars["7"] = [raw(1), raw(2, url={"public": address}), raw(5), raw(6), raw(7)]
    assert "event added" not in world.run()[1]  # all events are new to an empty build folder
    assert changes(world) == []
    moved = raw(2, 7, url={"public": address}, location={"id": 1, "name": "Room 2"}, title="Talk")
    world.calendars["7"] = [
        raw(1, title="CANCELLED: Event 1"),
        moved,
        raw(5, description="<p>New</p>"),
        raw(4),
        raw(7),
    ]
    log = world.run(15)[1]
    expected = [
        'change=cancelled event=1 title="Event 1" state="none -> cancelled" address=none',
        'change=added event=4 title="Event 4" address=none',
        'change=changed event=5 title="Event 5" description=changed address=none',
        'change=changed event=2 title="Event 2 -> Talk" start="2026-03-06T10:00-05:00 -> 2026-03-07T10:00-05:00"'
        ' end="2026-03-06T11:00-05:00 -> 2026-03-07T11:00-05:00" place="none -> Room 2" address=' + address,
        'change=vanished event=6 title="Event 6" address=none',
    ]
    assert sorted(changes(world)) == sorted(expected)
    for line in expected:
        kind, _, fields = line.removeprefix("change=").partition(" ")
        assert f'level=info step=fetch run=r msg="event {kind}" {fields}\n' in log
    before = changes(world)
    assert 'msg="event ' not in world.run(30)[1]
    assert changes(world) == before


def test_the_log_of_a_run_has_twenty_changes_and_changes_log_is_rotated(world: World) -> None:
    world.run()
    path = world.build / "changes.log"
    path.write_text("x" * (fetch.CHANGES_BYTES + 1))
    world.calendars["8"] = [raw(3), *(raw(number) for number in range(100, 130))]
    log = world.run(15)[1]
    assert log.count('msg="event added"') == 20
    assert 'msg="more events changed; changes.log lists all" suppressed=10' in log
    assert len(changes(world)) == 30
    assert path.with_name("changes.log.1").stat().st_size > fetch.CHANGES_BYTES


def test_a_known_public_calendar_is_published_without_the_list_of_calendars(world: World) -> None:
    world.run()
    world.described = {"error": "not now"}
    world.calendars["8"] = [raw(3), raw(4)]
    code, log = world.run(15)
    assert (code, world.listed) == (0, ["1", "2", "3", "4"])
    assert 'level=warn step=fetch run=r msg="list of calendars not fetched' in log


def test_only_internal_calendars_is_a_configuration_error(world: World) -> None:
    world.described = {"calendars": [{"calid": number, "visibility": "Internal"} for number in (7, 8)]}
    assert world.run()[0] == 78
    assert not world.path.exists()


def test_the_calendar_name_replaces_a_missing_branch(world: World) -> None:
    world.described = {"calendars": [{"calid": 7}, {"calid": 8, "name": "Lebanon"}]}
    world.calendars["8"] = [raw(3, calendar=None)]
    world.run()
    assert world.snapshot.events[-1].branch == "Lebanon"
    assert [state.name for state in world.snapshot.calendars] == ["Main", "Lebanon"]


@pytest.mark.parametrize(
    "name", ["LIBCAL_URL", "LIBCAL_CLIENT_ID", "LIBCAL_CLIENT_SECRET", "LIBCAL_CALENDARS"]
)
def test_a_missing_setting_is_named_before_any_request(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for key, value in {**world.env, name: ""}.items():
        monkeypatch.setenv(key, value)
    assert fetch.main([]) == 78
    err = capsys.readouterr().err
    assert f'msg="{name} is not set" key={name} rc=78' in err
    assert SECRET not in err
    assert not world.http.calls
    assert not world.build.exists()


def test_unknown_options_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        fetch.main(["--hel"])
    assert caught.value.code == 2
    with pytest.raises(SystemExit) as caught:
        fetch.main(["--help"])
    assert caught.value.code == 0
    assert "Exit codes:" in capsys.readouterr().out


# --- What was there before ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"version": 99}', b'{"version": 1}', b"\xff" * 50, b"[" * 100_000]
)
def test_an_unusable_events_json_is_ignored(world: World, content: bytes) -> None:
    world.build.mkdir()
    world.path.write_bytes(content)
    code, log = world.run()
    assert code == 0
    assert world.listed == ["1", "2", "3"]
    assert 'level=warn step=fetch run=r msg="events.json is unusable' in log


def test_events_of_a_different_libcal_are_never_kept(world: World) -> None:
    world.run()
    world.down()
    before = world.path.read_bytes()
    text = before.replace(b"library.libcal.com/1.1", b"127.0.0.1:5000/1.1")
    world.path.write_bytes(text)
    code, log = world.run(15)
    assert code == 75
    assert world.path.read_bytes() == text
    assert "from a different LIBCAL_URL" in log


def test_a_last_fetch_in_the_future_counts_as_current(world: World) -> None:
    world.run(600)
    world.down()
    code, log = world.run(0)
    assert code == 0
    assert (
        'level=warn step=fetch run=r msg="last fetch is in the future; check the clock of this machine"'
        in log
    )
    assert "age_minutes=0" in log


def test_a_read_only_build_folder_is_reported_without_a_traceback(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.build.write_text("a file, not a folder")
    for key, value in world.env.items():
        monkeypatch.setenv(key, value)
    assert fetch.main([]) == 1
    assert f'msg="File exists" errno=17 path={world.build} rc=1' in capsys.readouterr().err


def test_old_partial_files_of_a_killed_run_are_removed(world: World) -> None:
    world.build.mkdir()
    old, young = world.build / ".partial-old", world.build / ".partial-young"
    old.touch()
    young.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    assert 'msg="removed partial files of a killed run" files=1' in world.run()[1]
    assert (old.exists(), young.exists()) == (False, True)


# --- Single events -----------------------------------------------------------------------------


def test_broken_events_are_counted_and_the_first_ones_logged(world: World) -> None:
    broken = [{"id": number, "title": None} for number in range(100, 300)]
    world.calendars = {"7": [raw(1), *broken[:5], raw(2, end=None), *broken[5:]], "8": []}
    code, log = world.run()
    assert code == 0
    assert sorted(world.listed) == ["1", "2"]
    assert world.snapshot.dropped == 200
    assert (
        'level=warn step=fetch run=r msg="event dropped: correct it in LibCal" calendar=7 event=100 field=title'
        ' why="it has no title" address=' in log
    )
    assert "/event/100" in log
    assert log.count('msg="event dropped') == 10
    assert log.count('msg="event ') == 10
    assert 'msg="more events dropped or corrected; problems.json lists all" suppressed=191' in log


def test_a_private_file_lists_every_dropped_or_corrected_event(world: World) -> None:
    world.calendars = {
        "7": [raw(1), raw(2, end=None), raw(3, title="Chess &amp; Go", start="soon"), 5],
        "8": [],
    }
    world.run()
    path = world.build / "problems.json"
    found = json.loads(path.read_bytes())["events"]
    assert [(item["id"], item["title"], item["result"]) for item in found] == [
        ("3", "Chess & Go", "dropped"), ("", "", "dropped"), ("2", found[2]["title"], "published with a correction"),
    ]  # fmt: skip
    assert found[0]["why"].startswith("its start is missing")
    assert found[0]["address"].endswith("/event/3")
    assert path.stat().st_mode & 0o077 == 0
    world.calendars = {"7": [raw(1)], "8": []}
    world.run()
    assert json.loads(path.read_bytes())["events"] == []


def test_a_private_file_has_no_meeting_details(world: World) -> None:
    secrets: dict[str, Any] = {
        "online_join_url": "https://zoom.example/j/123456",
        "online_join_password": "swordfish",
    }
    world.calendars["7"] = [
        raw(1, title="Talk https://zoom.example/j/123456 swordfish", start="soon", **secrets)
    ]
    _, log = world.run()
    saved = (world.build / "problems.json").read_text()
    for text in (saved, log):
        assert "swordfish" not in text
        assert "zoom.example" not in text


def test_a_description_that_is_too_complex_becomes_plain_text_and_the_log_names_its_event(
    world: World,
) -> None:
    bomb = "".join(f"<b a{number}>" for number in range(3000)) + "<p>Bring a hat" * 6000
    world.calendars["7"] = [raw(1, description=bomb), raw(2, description="<p>Good</p>")]
    code, log = world.run()
    assert code == 0
    assert "cannot" not in log
    assert (
        'msg="description too complex or too long; publishing it as plain text" calendar=7 event=1 '
        "field=description" in log
    )
    one, two = (event.description for event in world.snapshot.events[:2])
    assert one.startswith("<p>Bring a hat Bring a hat")
    assert two == "<p>Good</p>"


def test_times_in_utc_cause_one_warning(world: World) -> None:
    utc: dict[str, Any] = {"start": "2026-03-06T15:00:00+00:00", "end": "2026-03-06T16:00:00+00:00"}
    world.calendars = {"7": [raw(1, **utc), raw(2, **utc)], "8": [raw(3, **utc)]}
    assert world.run()[1].count("all event times are in UTC") == 1


def test_private_fields_are_neither_written_nor_logged(world: World) -> None:
    names = [
        *("owner", "presenter", "more_info", "geolocation", "zoom_email", "internal_tags", "internal_notes"),
        *("event_note", "attendance", "audience_breakdown", "online_user_id", "online_meeting_id"),
        *("online_join_password", "online_provider"),
    ]
    marks: dict[str, Any] = {name: f"planted-{number}-marker" for number, name in enumerate(names)}
    urls: dict[str, Any] = {
        "online_join_url": "https://zoom.example/j/planted-join-marker?pwd=planted-pwd-marker",
        "online_host_url": "https://zoom.example/s/planted-host-marker",
        "url": {
            "public": "https://library.libcal.com/event/1",
            "admin": "https://library.libcal.com/planted-admin-marker",
        },
    }
    pasted = f"{urls['online_join_url']} {marks['online_join_password']} {urls['url']['admin']}"
    world.calendars["7"] = [
        raw(
            1,
            **marks,
            **urls,
            title=f"Talk {pasted}",
            description=f"<p>{pasted}</p>",
            location={"name": pasted},
        ),
        {"id": "planted-id-marker", "title": "planted-title-marker"},
        raw(9, start="planted-start-marker"),
    ]
    world.described = {"calendars": [{"calid": 7, "owner": {"name": "planted-owner-marker"}}, {"calid": 8}]}
    code, log = world.run()
    world.calendars["7"] = 500
    code, more = world.run(15)
    assert code == 0
    written = b"".join(path.read_bytes() for path in world.build.rglob("*") if path.is_file())
    assert b"Talk" in written
    for text in (written.decode(), log, more):
        assert "planted" not in text
        assert SECRET not in text
        assert "tok-1" not in text


# --- The deadline ------------------------------------------------------------------------------

Answer = Callable[[socket.socket, bytes], None]


@pytest.mark.parametrize("fault", ["headers", "silence"])
def test_a_hanging_server_does_not_delay_the_exit(tmp_path: Path, fault: str) -> None:
    def headers(connection: socket.socket, _: bytes) -> None:
        # The whole response would take ten minutes.
        server.drip(connection, b"HTTP/1.1 200 OK\r\n" + b"X-Long: y\r\n" * 1000, 0.05)

    def silence(connection: socket.socket, request: bytes) -> None:
        server.silence(connection, request)

    with raw_server(headers if fault == "headers" else silence) as server:
        program = (
            "import sys, fetch; from log import Log; from settings import *; env = read_environment()\n"
            "sys.exit(fetch.fetch(Settings.from_env(env), LibCalSettings.from_env(env), Log('fetch'), seconds=0.6))"
        )
        env = {
            "PYTHONPATH": str(ROOT / "scripts"),
            "ENV_FILE": "/dev/null",
            "BUILD_DIR": str(tmp_path),
            "LIBCAL_URL": server.url,
            "LIBCAL_CLIENT_ID": "42",
            "LIBCAL_CLIENT_SECRET": SECRET,
            "LIBCAL_CALENDARS": "7,8,9",
        }
        done = subprocess.run(
            [sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=100
        )
    assert done.returncode == 75
    assert done.stderr.count("cause=deadline") >= 3
    assert "Traceback" not in done.stderr


def with_hours(world: World, tmp_path: Path, *places: int) -> str:
    """Write a file with a branch for each place; return its path."""
    file = tmp_path / "branches.toml"
    file.write_text("".join(f'[[branch]]\nname = "B{place}"\nhours = {place}\n' for place in places))
    return str(file)


def test_opening_hours_are_fetched_and_kept_while_libcal_fails(world: World, tmp_path: Path) -> None:
    file = with_hours(world, tmp_path, 91, 92)
    days = {"2026-03-03": {"status": "open", "hours": [{"from": "9:00am", "to": "8:00pm"}]}}
    answer = world.http.get(
        "https://library.libcal.com/api/1.1/hours/91,92", json=[{"lid": 91, "dates": days}]
    )
    code, log = world.run(BRANCHES=file)
    assert code == 0
    assert "LibCal has no opening hours with these ids; correct BRANCHES" in log
    assert "hours=92" in log
    first, second = world.snapshot.hours
    assert (first.fetched, len(first.days), second.fetched) == (NOW, 1, None)
    assert answer.calls[0].request.url.endswith("?from=2026-03-02&to=2026-03-17")

    world.http.replace("GET", "https://library.libcal.com/api/1.1/hours/91,92", status=503)
    code, log = world.run(15, BRANCHES=file)
    assert code == 0
    assert "opening hours not fetched; keeping the last ones" in log
    assert "cause=http_503" in log
    assert world.snapshot.hours[0].fetched == NOW
    assert world.snapshot.hours[0].days == first.days


def test_an_application_without_the_right_to_read_hours_publishes_the_events(
    world: World, tmp_path: Path
) -> None:
    file = with_hours(world, tmp_path, 91)
    world.http.get("https://library.libcal.com/api/1.1/hours/91", status=401)
    code, log = world.run(BRANCHES=file)
    assert code == 0
    assert world.listed
    assert "give the LibCal application the right to read hours" in log


@pytest.mark.parametrize("answer", [{"error": "x"}, "soon", [5, {"lid": []}, {"dates": []}], {"events": []}])
def test_an_answer_without_hours_is_no_hours(world: World, tmp_path: Path, answer: object) -> None:
    world.http.get("https://library.libcal.com/api/1.1/hours/91", json=answer)
    assert world.run(BRANCHES=with_hours(world, tmp_path, 91))[0] == 0
    assert [(item.fetched, item.days) for item in world.snapshot.hours] == [(None, {})]


def test_a_closure_of_all_branches_stays_one_of_all_branches(world: World) -> None:
    day: dict[str, Any] = {
        "allday": True,
        "start": "2026-03-06T00:00:00-05:00",
        "end": "2026-03-06T23:59:00-05:00",
    }
    world.calendars["8"] = [
        raw(4, title="Library closed: Town Meeting", description="<p>All branches are closed.</p>", **day),
        raw(5, title="Library closed: Inventory", **day),
    ]
    world.described = {"calendars": [{"calid": 7, "name": "Main"}, {"calid": 8, "name": "North"}]}
    world.run()
    assert {item.id: item.branch for item in world.snapshot.closures} == {"4": "", "5": "Main"}


def test_the_photo_of_a_branch_is_fetched_like_the_image_of_an_event(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = "https://example.org/kilton.jpg"
    file = tmp_path / "branches.toml"
    file.write_text(f'[[branch]]\nname = "Kilton"\nphoto = "{photo}"\n\n[[branch]]\nname = "Lebanon"\n')
    wanted: list[str] = []
    monkeypatch.setattr(ImageCache, "refresh", lambda cache, found, *_: wanted.extend(found))
    monkeypatch.setattr(
        ImageCache, "stem", lambda cache, address: "0123456789abcdef" if address in wanted else ""
    )
    assert world.run(BRANCHES=str(file))[0] == 0
    assert wanted == [photo]
    assert world.snapshot.photos == {"Kilton": "0123456789abcdef"}
    wanted.clear()
    monkeypatch.setattr(ImageCache, "refresh", lambda *_: None)
    assert world.run(15, BRANCHES=str(file))[0] == 0
    # The last photo, while it cannot be fetched.
    assert world.snapshot.photos == {"Kilton": "0123456789abcdef"}
    assert world.run(30)[0] == 0
    assert not world.snapshot.photos
