from __future__ import annotations

import os
import subprocess
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import env_file
from settings import ROOT, LibCalSettings, SettingError, Settings, read_environment

GOOD = {
    "LIBCAL_URL": "https://example.libcal.com",
    "LIBCAL_CLIENT_ID": "12",
    "LIBCAL_CLIENT_SECRET": "planted-secret",
    "LIBCAL_CALENDARS": "15144=Kilton,17790=Lebanon Main,21747",
}


def test_defaults_match_the_docs() -> None:
    settings = Settings.from_env({})
    assert settings.build_dir == ROOT / "build"
    assert settings.timezone.key == "America/New_York"
    assert (settings.locale, settings.days_ahead, settings.stale_after_minutes) == ("en_US", 30, 180)
    assert (settings.site_name, settings.site_url, settings.min_events) == ("Library events", "", 1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("DAYS_AHEAD", "0"),
        ("DAYS_AHEAD", "366"),
        ("DAYS_AHEAD", "many"),
        ("STALE_AFTER_MINUTES", "-1"),
        ("TIMEZONE", "Mars/Olympus"),
        ("TIMEZONE", "../../etc/passwd"),
        ("LOCALE", "xx_YY_zz"),
        ("BRAND_COLOR", "red; background: url(//evil)"),
        ("HOME_PAGE", "both"),
        ("SITE_URL", "javascript:alert(1)"),
        ("SITE_URL", "https://user:word@example.org"),
        ("SITE_URL", "https://example.org:port"),
        ("EVENTS_NOW", "yesterday"),
        ("EVENTS_NOW", "0001-01-01T00:00"),
        ("EVENTS_NOW", "0001-01-01T00:00+14:00"),
        ("EVENTS_NOW", "9999-12-31T23:59-12:00"),
        ("EVENTS_NOW", "1999-12-31T23:59"),
        ("MIN_EVENTS", "1.5"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(key: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.from_env({key: value})
    assert caught.value.key == key
    assert value not in caught.value.why


@pytest.mark.parametrize("key", sorted(GOOD))
def test_every_libcal_setting_is_required(key: str) -> None:
    with pytest.raises(SettingError, match="is not set") as caught:
        LibCalSettings.from_env({**GOOD, key: ""})
    assert caught.value.key == key


def test_calendars_may_have_a_branch_label() -> None:
    calendars = LibCalSettings.from_env(GOOD).calendars
    assert [(calendar.id, calendar.label) for calendar in calendars] == [
        ("15144", "Kilton"),
        ("17790", "Lebanon Main"),
        ("21747", ""),
    ]


@pytest.mark.parametrize("text", ["Kilton", "15144=", "1,,2", "1;2", "../1"])
def test_calendars_that_are_not_ids_are_refused(text: str) -> None:
    with pytest.raises(SettingError) as caught:
        LibCalSettings.from_env({**GOOD, "LIBCAL_CALENDARS": text})
    assert caught.value.key == "LIBCAL_CALENDARS"


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://x.libcal.com", "https://x.libcal.com/1.1"),
        ("https://x.libcal.com/", "https://x.libcal.com/1.1"),
        ("https://x.libcal.com/api/1.1", "https://x.libcal.com/api/1.1"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/1.1"),
        ("http://libcal:8080", "http://libcal:8080/1.1"),
    ],
)
def test_the_api_prefix_may_be_part_of_the_address(url: str, base: str) -> None:
    assert LibCalSettings.from_env({**GOOD, "LIBCAL_URL": url}).url == base


@pytest.mark.parametrize("url", ["http://x.libcal.com", "ftp://x.libcal.com", "x.libcal.com", "https://"])
def test_the_secret_is_only_sent_to_an_https_address(url: str) -> None:
    with pytest.raises(SettingError) as caught:
        LibCalSettings.from_env({**GOOD, "LIBCAL_URL": url})
    assert caught.value.key == "LIBCAL_URL"


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("from-file\n")
    env = {**GOOD, "LIBCAL_CLIENT_SECRET": "", "LIBCAL_CLIENT_SECRET_FILE": str(path)}
    assert LibCalSettings.from_env(env).client_secret == "from-file"
    path.unlink()
    with pytest.raises(SettingError, match="No such file"):
        LibCalSettings.from_env(env)


def test_the_fixed_clock_is_in_the_time_zone_of_the_library() -> None:
    settings = Settings.from_env({"EVENTS_NOW": "2026-03-03T15:00Z"})
    assert settings.now == datetime(2026, 3, 3, 10, tzinfo=ZoneInfo("America/New_York"))
    assert settings.now.hour == 10
    assert Settings.from_env({"EVENTS_NOW": "2026-03-03T09:00"}).now.hour == 9


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".env"
    path.write_text("SITE_NAME='From the file'\nDAYS_AHEAD=7\n")
    monkeypatch.setenv("DAYS_AHEAD", "9")
    env = read_environment(path)
    assert (env["SITE_NAME"], env["DAYS_AHEAD"]) == ("From the file", "9")


READERS = [
    ("A=plain", "plain"),
    ("A=", ""),
    ("A='two words'", "two words"),
    ("A='x # y'", "x # y"),
    ("A='pa$word'", "pa$word"),
    ('A="Friends\' Library"', "Friends' Library"),
    ("# a comment\n\nA=after", "after"),
    ("A=last-line-without-newline", "last-line-without-newline"),
    ("A=https://x.example/y?", None),
    ("A=two words", None),
    ("A=plain # c", None),
    ("A=$HOME", None),
    ('A="$HOME"', None),
    ("export A=1", None),
    ("; comment", None),
    ("A=1\r", None),
    (r"A='it'\''s'", None),
    ("A = 1", None),
]


@pytest.mark.parametrize(("text", "value"), READERS)
def test_python_and_shell_read_the_file_in_the_same_way(tmp_path: Path, text: str, value: str | None) -> None:
    path = tmp_path / ".env"
    path.write_text(text, newline="")
    shell = subprocess.run(
        ["bash", "-c", 'set -e; . scripts/common.sh; STEP=t RUN_ID=r; load_env; printf %s "$A"'],
        cwd=ROOT,
        env={"ENV_FILE": str(path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    if value is None:
        with pytest.raises(SettingError):
            read_environment(path)
        assert shell.returncode == 78
        assert "level=error" in shell.stderr
    else:
        assert [entry.value for entry in env_file.parse(path.read_bytes())[0]] == [value]
        assert (shell.returncode, shell.stdout) == (0, value)
