"""The part of bin/check that asks LibCal, the live site and this machine."""

from __future__ import annotations

import http.server
import io
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

import check_libcal
import check_machine
from check_machine import Answer
from exit_codes import CONFIG, OK, UNAVAILABLE
from log import Log
from schedule import Schedule
from settings import LibCalSettings, Settings
from standins.libcal_faults import Fault
from standins.libcal_server import LibCal


@pytest.fixture(scope="module")
def libcal() -> Iterator[LibCal]:
    with LibCal() as server:
        yield server


def ask(libcal: LibCal, **settings: str) -> tuple[int, list[str]]:
    """Return the exit code of the check, and its log lines with a warning or an error."""
    text = io.StringIO()
    env = {**libcal.settings, **settings}
    code = check_libcal.check(Settings.from_env(env), LibCalSettings.from_env(env), Log("check", stream=text))
    assert env["LIBCAL_CLIENT_SECRET"] not in text.getvalue()
    return code, text.getvalue().splitlines()


def errors(lines: list[str]) -> list[str]:
    return [line.partition(" msg=")[2] for line in lines if "level=info" not in line]


def test_good_settings_list_every_calendar_and_a_ready_line(
    libcal: LibCal, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = ask(libcal)
    assert (code, errors(lines)) == (OK, [])
    listed = [line for line in lines if 'msg="calendar in LibCal"' in line]
    assert len(listed) == len(libcal.calendars)
    assert sum("events=" in line for line in listed) == len(libcal.settings["LIBCAL_CALENDARS"].split(","))
    assert any('visibility="not public"' in line for line in listed)
    ready = capsys.readouterr().out.strip()
    assert ready.startswith("LIBCAL_CALENDARS='")
    key, _, value = ready.replace("'", "").partition("=")
    assert ask(libcal, **{key: value})[0] == OK


def test_with_feeds_the_check_finds_the_public_calendars_without_a_key(
    libcal: LibCal, capsys: pytest.CaptureFixture[str]
) -> None:
    first = libcal.settings["LIBCAL_CALENDARS"].partition(",")[0]
    libcal.log.clear()
    code, lines = ask(libcal, SOURCE="ics", LIBCAL_CALENDARS=first)
    assert (code, errors(lines)) == (OK, [])
    assert capsys.readouterr().out.count("=") == 1 + len(libcal.settings["LIBCAL_CALENDARS"].split(","))
    assert not libcal.requests("/1.1")


@pytest.mark.parametrize(
    ("settings", "code", "says"),
    [
        ({"LIBCAL_CLIENT_SECRET": "planted-wrong"}, CONFIG, "LIBCAL_CLIENT_SECRET"),
        ({"LIBCAL_CALENDARS": "999"}, CONFIG, "LIBCAL_CALENDARS has 999, which LibCal does not list"),
        ({"LIBCAL_URL": "http://127.0.0.1:9"}, UNAVAILABLE, "LibCal unavailable; try later"),
    ],
)
def test_a_wrong_setting_is_one_line(libcal: LibCal, settings: dict[str, str], code: int, says: str) -> None:
    found, lines = ask(libcal, **settings)
    assert (found, len(errors(lines))) == (code, 1)
    assert says in errors(lines)[0]
    assert "planted" not in "".join(lines)


def test_an_application_without_the_scope_is_named(libcal: LibCal) -> None:
    libcal.faults.append(Fault(kind="status", path="/1.1/calendars", status=403))
    try:
        code, lines = ask(libcal)
    finally:
        libcal.faults.clear()
    assert (code, len(errors(lines))) == (CONFIG, 1)
    assert "needs the scope Calendars (read)" in errors(lines)[0]


GOOD = {"Content-Encoding": "gzip", "Cache-Control": "max-age=60", "Content-Type": "text/html"}


class Site:
    """A live site whose answers a test changes: path -> (status, headers)."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, dict[str, str]]] = {"/index.html": (200, GOOD), "/": (200, GOOD)}
        self.missing: tuple[int, dict[str, str]] = (404, GOOD)
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers = site.pages.get(self.path, site.missing)
                self.send_response_only(status)
                self.send_header("Date", formatdate(usegmt=True))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


def site_warnings(url: str) -> list[str]:
    text = io.StringIO()
    check_machine.check_site(url, Log("check", stream=text))
    return errors(text.getvalue().splitlines())


def test_a_site_that_is_set_up_well_gives_no_warning(site: Site) -> None:
    assert site_warnings(site.url) == []


def test_each_fault_of_the_live_site_is_a_warning_that_says_the_fix(site: Site) -> None:
    site.pages["/"] = (403, {})
    assert "set the default root object to index.html" in "".join(site_warnings(site.url))
    site.pages["/"] = (200, {})
    site.pages["/index.html"] = (200, {"Cache-Control": "max-age=60"})
    assert "turn on automatic compression" in "".join(site_warnings(site.url))
    site.pages["/index.html"] = (200, {"Content-Encoding": "gzip"})
    assert "choose the cache policy" in "".join(site_warnings(site.url))
    site.pages["/index.html"] = (200, GOOD)
    for answer in ((403, {}), (200, GOOD), (404, {"Content-Type": "application/xml"})):
        site.missing = answer
        assert "add error responses for 403 and 404" in "".join(site_warnings(site.url))
    site.pages["/index.html"] = (404, {})
    assert site_warnings(site.url)[0].startswith('"the site is not published yet, or SITE_URL is wrong"')
    assert "Connection refused" in site_warnings("http://127.0.0.1:9")[0]


@pytest.mark.parametrize(
    ("ahead", "code", "says"),
    [(0, OK, ""), (300, OK, "300 seconds ahead"), (-900, CONFIG, "900 seconds behind; AWS refuses")],
)
def test_a_wrong_clock_is_found(site: Site, ahead: float, code: int, says: str) -> None:
    now = time.time() // 1
    text = io.StringIO()
    answer = Answer(site.url)
    answer.headers.replace_header("Date", formatdate(now, usegmt=True))
    assert check_machine.check_clock(answer, Log("check", stream=text), now + ahead) == code
    assert says in text.getvalue()
    assert bool(text.getvalue()) is bool(says)


@pytest.mark.parametrize(
    ("unit", "says"),
    [
        ("OnCalendar=Sun *-*-* 12:00:00 Europe/Berlin", ""),
        ("OnCalendar=Mon *-*-* 12:00:00 UTC\nOnCalendar=\nOnCalendar=Sun *-*-* 12:00:00 Europe/Berlin", ""),
        ("OnCalendar=Sun *-*-* 12:00:00 America/New_York", "run make install again"),
        (
            "OnCalendar=Sun *-*-* 12:00:00 Europe/Berlin\nOnCalendar=Mon *-*-* 08:00:00 UTC",
            "run make install again",
        ),
    ],
)
def test_a_timer_with_other_times_than_the_settings_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: str, says: str
) -> None:
    (tmp_path / "systemctl").write_text(
        f"#!/bin/sh\ncase $1 in cat) printf '%s\\n' '{unit}' ;; *) echo ActiveState=active ;; esac\n"
    )
    (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    text = io.StringIO()
    wanted = Schedule.parse("Sun 12:00").on_calendar("Europe/Berlin")
    check_machine.check_timer(wanted, Log("check", stream=text))
    assert says in text.getvalue()
    assert bool(text.getvalue()) is bool(says)


def test_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    check_machine.check_disk(tmp_path / "not" / "there", Log("check", stream=text))
    assert text.getvalue() == ""
    monkeypatch.setattr(check_machine, "LEAST_DISK", 10**18)
    check_machine.check_disk(tmp_path / "not" / "there", Log("check", stream=text))
    assert "the disk is nearly full" in text.getvalue()
