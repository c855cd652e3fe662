from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from log import SECRET_NAMES, Log, logfmt, new_run_id, secrets_in

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def written(msg: str, *, hidden: tuple[str, ...] = (), **fields: object) -> str:
    stream = io.StringIO()
    log = Log("fetch", run="r1", stream=stream)
    log.hide(*hidden)
    log.info(msg, **fields)
    return stream.getvalue()


def test_a_line_names_level_step_run_and_message_first() -> None:
    assert written("done", files=3) == "level=info step=fetch run=r1 msg=done files=3\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("two words", '"two words"'),
        ("", '""'),
        ('say "hi"', '"say \\"hi\\""'),
        ("a\nb", '"a\\nb"'),
        ("a=b", '"a=b"'),
        ("x\x1b[31m", '"x\\u001b[31m"'),
        (True, "true"),
        (1.5, "1.50"),
        ("/tmp/x.json", "/tmp/x.json"),
    ],
)
def test_a_value_never_breaks_the_line(value: object, shown: str) -> None:
    assert logfmt({"key": value}) == f"key={shown}"


def test_a_secret_is_replaced_wherever_it_appears() -> None:
    secret = 'p"ss wor\\'
    line = written(f"refused {secret}", hidden=(secret,), url=f"https://x/?s={secret}&")
    assert line == ('level=info step=fetch run=r1 msg="refused [redacted]" url="https://x/?s=[redacted]&"\n')


def test_every_secret_of_four_characters_or_more_is_replaced() -> None:
    stream = io.StringIO()
    log = Log("fetch", run="r1", stream=stream)
    log.hide("abcd", "xyz")
    log.hide("long enough")
    log.info("abcd xyz long enough")
    assert stream.getvalue() == 'level=info step=fetch run=r1 msg="[redacted] xyz [redacted]"\n'


def test_a_lone_surrogate_does_not_stop_the_log() -> None:
    assert "msg=" in written("bad \ud800 text")


def test_run_ids_sort_by_time_and_differ() -> None:
    first, second = new_run_id(), new_run_id()
    assert first[:14] <= second[:14]
    assert first != second


PYTHON = """
import sys
from log import Log
level, message, *pairs = sys.argv[1:]
getattr(Log("fetch", run="r1"), level)(message, **dict(pair.split("=", 1) for pair in pairs))
"""
SHELL = 'STEP=fetch RUN_ID=r1; source "$0/common.sh"; log "$@"'
WRITERS = {"python": (sys.executable, "-c", PYTHON), "shell": ("bash", "-c", SHELL, str(SCRIPTS))}
writers = pytest.mark.parametrize("writer", WRITERS)
LINE = ("warn", "kept the last events", "calendar=15144", "name=story time", "rc=0")
LOGFMT = 'level=warn step=fetch run=r1 msg="kept the last events" calendar=15144 name="story time" rc=0\n'


def run_writer(writer: str, stderr: int, *line: str, **env: str) -> None:
    """Write one line to `stderr` from another process."""
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), **env}
    done = subprocess.run([*WRITERS[writer], *line], env=environment, stderr=stderr, stdin=subprocess.DEVNULL)
    assert done.returncode == 0


def on_terminal(writer: str, *line: str, **env: str) -> str:
    """Return what a terminal shows, without the clock time, which must be right."""
    ours, theirs = os.openpty()
    before = datetime.now(UTC).replace(microsecond=0)
    run_writer(writer, theirs, *line, TZ="UTC", **env)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    os.close(theirs)
    at = datetime.strptime(shown[:8], "%H:%M:%S").time()
    assert at in {(before + timedelta(seconds=late)).time() for late in range(30)}
    return shown[8:]


@writers
def test_a_terminal_gets_a_short_line_with_a_colored_warning(writer: str) -> None:
    shown = on_terminal(writer, *LINE)
    assert shown == (
        ' fetch       \x1b[33mwarning: kept the last events\x1b[0m  calendar=15144 name="story time"\r\n'
    )
    assert on_terminal(writer, "error", "no events") == " fetch       \x1b[31merror: no events\x1b[0m\r\n"
    assert on_terminal(writer, "info", "på bænken", "rc=1") == " fetch       på bænken  rc=1\r\n"


@writers
def test_no_color_is_respected(writer: str) -> None:
    assert on_terminal(writer, "warn", "late", NO_COLOR="1") == " fetch       warning: late\r\n"
    assert "\x1b[33m" in on_terminal(writer, "warn", "late", NO_COLOR="")


@writers
def test_no_value_can_send_commands_to_the_terminal(writer: str) -> None:
    shown = on_terminal(writer, "info", "a\x1b[2Jb\nc", "title=x\x1b]0;y\x07", "empty=")
    assert shown == ' fetch       a?[2Jb?c  title=x?]0;y? empty=""\r\n'


def test_a_terminal_shows_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_FORMAT", "terminal")
    log = Log("fetch")
    log.hide("pa\nss=")
    log.error("refused pa\nss=", url="x pa\nss=")
    assert capsys.readouterr().err[8:] == (
        ' fetch       \x1b[31merror: refused [redacted]\x1b[0m  url="x [redacted]"\n'
    )


@writers
@pytest.mark.parametrize(("level", "priority"), [("error", 3), ("warn", 4), ("info", 6)])
def test_the_journal_gets_a_priority(writer: str, level: str, priority: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        status = os.fstat(theirs.fileno())
        journal = f"{status.st_dev}:{status.st_ino}"
        run_writer(writer, theirs.fileno(), level, "done", JOURNAL_STREAM=journal)
        assert ours.recv(10_000).decode() == f"<{priority}>level={level} step=fetch run=r1 msg=done\n"


@writers
def test_all_else_gets_logfmt(writer: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as file:
        # A unit whose own stderr is the journal, but not that of this command.
        run_writer(writer, file.fileno(), *LINE, JOURNAL_STREAM="9:1234")
    assert path.read_text() == LOGFMT


@writers
@pytest.mark.parametrize(
    ("chosen", "start"),
    [("journal", "<6>level=info "), ("logfmt", "level=info "), ("colorful", "level=info ")],
)
def test_the_format_can_be_chosen(writer: str, chosen: str, start: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as file:
        run_writer(writer, file.fileno(), "info", "done", LOG_FORMAT=chosen)
    assert path.read_text().startswith(start)


PLANTED = {
    "LIBCAL_CLIENT_SECRET": "planted libcal",
    "UPLOAD_AWS_ACCESS_KEY_ID": "AKIAPLANTEDUPLOAD000",
    "UPLOAD_AWS_SECRET_ACCESS_KEY": "planted/upload+secret",
    "INVALIDATE_AWS_SECRET_ACCESS_KEY": "planted*[a-z]?secret",
    "AWS_SESSION_TOKEN": 'planted"token\\',
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "planted-authorization",
    "SMTP_PASSWORD": "planted-mail",
    "NOTIFY_URL": "https://hooks.test/services/planted",
    "PING_URL": "https://hc-ping.test/planted-ping",
    "HTTPS_PROXY": "http://me:planted@proxy@proxy.test:3128",
    "AWS_ENDPOINT_URL_S3": "http://me:planted%2Fstore@minio.test",
}


@writers
@pytest.mark.parametrize("chosen", ["logfmt", "journal", "terminal"])
def test_no_secret_of_the_settings_is_shown_wherever_an_error_repeats_it(
    writer: str, chosen: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("planted in a file\n")
    env = {**PLANTED, "AWS_WEB_IDENTITY_TOKEN_FILE": str(secret), "UPLOAD_AWS_ACCESS_KEY_ID_FILE": "/nowhere"}
    echo = " ".join(
        [*PLANTED.values(), "/services/planted", "/planted-ping", "planted@proxy", "planted in a file"]
    )
    path = tmp_path / "log"
    with path.open("wb") as file:
        run_writer(
            writer, file.fileno(), "error", f"refused {echo}", f"detail={echo}", LOG_FORMAT=chosen, **env
        )
    text = path.read_text()
    assert "refused" in text
    assert "[redacted]" in text
    assert "http://proxy.test:3128" in text
    assert "http://minio.test" in text
    assert "planted" not in text.lower()


def test_folders_files_and_short_words_are_no_secrets() -> None:
    env = {
        "SECRETS_DIR": "build/secrets",
        "ENV_FILE": "/etc/env",
        "AWS_SHARED_CREDENTIALS_FILE": "/etc/hosts",
    }
    assert list(secrets_in(env)) == []
    assert "the" in written("the", hidden=("the",))


def test_shell_and_python_hide_the_same_settings() -> None:
    assert f"readonly SECRET_NAMES='{SECRET_NAMES}'" in (SCRIPTS / "log.sh").read_text()


def test_a_secret_in_its_encoded_form_is_hidden() -> None:
    assert "planted" not in written("Credential=planted%2Fupload%2Bsecret", hidden=("planted/upload+secret",))


def test_the_shell_logs_from_a_trap_that_interrupts_a_read_with_its_own_ifs() -> None:
    script = """
        . "$1/common.sh"; STEP=fetch
        trap 'log error stopped detail=x; exit 75' TERM
        (sleep 0.2; kill -TERM $$) &
        IFS='' read -r line < <(sleep 5)
    """
    done = subprocess.run(
        ["bash", "-c", script, "-", SCRIPTS],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "A": "1"},
    )
    assert done.returncode == 75
    assert "msg=stopped detail=x" in done.stderr
