"""Faulty settings files: make check and make publish refuse each with 78 and one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import check
import exit_codes
from log import Log
from settings import ROOT
from settings_table import INVALIDATE, TABLE, UPLOAD, passed_to

_AWS = (UPLOAD, INVALIDATE)

GOOD = b"""\
LIBCAL_URL=https://larkfield.libcal.com
LIBCAL_CLIENT_ID=424
LIBCAL_CLIENT_SECRET=planted-secret
LIBCAL_CALENDARS='7001=North Branch,7002=Main Library'
DAYS_AHEAD=60
SITE_NAME='Larkfield Library'
SITE_URL=https://events.larkfield.example
TIMEZONE=Europe/Copenhagen
S3_BUCKET=larkfield-events
CLOUDFRONT_DISTRIBUTION_ID=E0000000000000
UPLOAD_AWS_ACCESS_KEY_ID=AKIALARKFIELDUPLOAD0
UPLOAD_AWS_SECRET_ACCESS_KEY=planted/upload+0000000000000000000000000
INVALIDATE_AWS_ACCESS_KEY_ID=AKIALARKFIELDINVALID
INVALIDATE_AWS_SECRET_ACCESS_KEY=planted/invalidate+000000000000000000000
"""


@dataclass(frozen=True)
class Found:
    """The answer of a check: its exit code and its error lines."""

    code: int
    errors: list[str]


def with_value(key: str, value: str | bytes) -> bytes:
    """Return the good file with the value of `key` replaced, or added."""
    raw = value if isinstance(value, bytes) else value.encode()
    return with_line(key, key.encode() + b"=" + raw)


def with_line(key: str, line: str | bytes) -> bytes:
    """Return the good file with the line of `key` replaced, or added."""
    raw = line if isinstance(line, bytes) else line.encode()
    pattern = rb"(?m)^" + key.encode() + rb"=.*$"
    return re.sub(pattern, lambda _: raw, GOOD) if re.search(pattern, GOOD) else GOOD + raw + b"\n"


def faults_in(folder: Path, text: bytes, capfd: pytest.CaptureFixture[str], *options: str) -> Found:
    file = folder / ".env"
    file.write_bytes(text)
    file.chmod(0o600)
    code = check.check(options, file, {}, Log("check", run="r"))
    shown = capfd.readouterr()
    assert "planted" not in shown.out + shown.err or (options and code == exit_codes.OK)
    return Found(code, [line for line in shown.err.splitlines() if line.startswith("level=error")])


FILE = [
    (GOOD.replace(b"\n", b"\r\n"), "has Windows line ends"),
    (GOOD.replace(b"\n", b"\r"), "has Windows line ends"),
    (b"\xef\xbb\xbf" + GOOD, "byte order mark"),
    (b"\xef\xbb\xbf# our settings\n" + GOOD, "byte order mark"),
    (GOOD.decode().encode("utf-16"), "UTF-16"),
    (GOOD.decode().encode("utf-16-le"), "UTF-16"),
    (with_value("SITE_NAME", b"'Biblioth\xe8que'"), ":6: SITE_NAME is not UTF-8"),
    (with_value("SITE_NAME", b"'Lark\0field'"), ":6: SITE_NAME contains a NUL"),
    (
        with_line("CLOUDFRONT_DISTRIBUTION_ID", "CLOUDFRONT_DISTRIBUTON_ID=E1"),
        "mean CLOUDFRONT_DISTRIBUTION_ID",
    ),
    (with_line("S3_BUCKET", "S3_BUCKT=larkfield"), "mean S3_BUCKET"),
    (
        with_line("UPLOAD_AWS_SECRET_ACCESS_KEY", "UPLOAD_AWS_SECRET_KEY=planted"),
        "mean UPLOAD_AWS_SECRET_ACCESS",
    ),
    (GOOD + b"DAYS_AHAED=30\n", "DAYS_AHAED is not a setting; did you mean DAYS_AHEAD"),
    (GOOD + b"AWS_DEFUALT_REGION=eu-west-1\n", "mean AWS_DEFAULT_REGION"),
    (with_line("S3_BUCKET", "s3_bucket=larkfield"), "S3_BUCKET must be in capitals"),
    (GOOD + b"S3_BUCKET=other\n", ":15: S3_BUCKET is set twice, first in line 9"),
    (with_line("S3_BUCKET", "export S3_BUCKET=larkfield"), 'begins with \\"export\\"'),
    (with_line("S3_BUCKET", "S3_BUCKET = larkfield"), "space before the equals sign"),
    (with_line("S3_BUCKET", "S3_BUCKET= larkfield"), "space after the equals sign"),
    (with_line("S3_BUCKET", "S3_BUCKET: larkfield"), "colon after the name"),
    (with_line("S3_BUCKET", "\tS3_BUCKET=larkfield"), "begins with a space or tab"),
    (with_line("S3_BUCKET", "S3_BUCKET larkfield"), "S3_BUCKET has no equals sign"),
    (with_line("S3_BUCKET", "S3_BUCKET"), "S3_BUCKET has no equals sign"),
    (with_line("S3_BUCKET", "S3_BUCKET==larkfield"), "two equals signs"),
    (with_line("S3_BUCKET", "S3_BUCKET=larkfield\u00a0"), "no-break"),
    (with_line("SITE_NAME", "SITE_NAME=\u2018Larkfield Library\u2019"), "typographic quotes"),
    (with_line("SITE_NAME", "SITE_NAME=\u201cLarkfield\u201d"), "typographic quotes"),
    (with_line("DAYS_AHEAD", "DAYS_AHEAD=60 # two months"), "comment after the value"),
    (with_line("SITE_NAME", "SITE_NAME='Larkfield' # ours"), "comment after the value"),
    (with_value("LIBCAL_CLIENT_SECRET", "planted "), "ends with a space"),
    (with_value("LIBCAL_CLIENT_SECRET", "'planted '"), "begins or ends with a space"),
    (with_value("LIBCAL_CLIENT_SECRET", "planted$word"), "needs single quotes"),
    (with_value("LIBCAL_CLIENT_SECRET", "planted#word"), "needs single quotes"),
    (with_value("LIBCAL_CLIENT_SECRET", "planted word"), "needs single quotes"),
    (with_value("LIBCAL_CLIENT_SECRET", "'planted'word'"), "use LIBCAL_CLIENT_SECRET_FILE"),
    (with_value("LIBCAL_CLIENT_SECRET", "'planted"), "no closing quote"),
    (with_value("LIBCAL_CLIENT_SECRET", '"planted`id`"'), "use single quotes"),
    (with_value("LIBCAL_CLIENT_SECRET", "'planted-p\u00e4ss'"), "not ASCII"),
    (with_value("LIBCAL_CLIENT_SECRET", ""), "LIBCAL_CLIENT_SECRET is not set"),
    (GOOD + b"AWS_DEFAULT_REGION=us-east-1\nAWS_REGION=us-east-2\n", "AWS_REGION differs"),
    (GOOD + b"FORCE=1\n", "FORCE must not stay in the file"),
    (GOOD + b"FORCE=true\n", "FORCE must not stay in the file"),
]

VALUES = [
    ("S3_BUCKET", "s3://larkfield"),
    ("S3_BUCKET", "arn:aws:s3:::larkfield"),
    ("S3_BUCKET", "larkfield.s3-website-us-east-1.amazonaws.com"),
    ("S3_BUCKET", "192.168.5.4"),
    ("S3_BUCKET", "larkfield/events"),
    ("TIMEZONE", "Eastern"),
    ("TIMEZONE", "EDT"),
    ("TIMEZONE", "EST"),
    ("TIMEZONE", "GMT+2"),
    ("TIMEZONE", "right/America/New_York"),
    ("LIBCAL_CALENDARS", "'Main Library'"),
    ("LIBCAL_CALENDARS", "'7001;7002'"),
    ("LIBCAL_CALENDARS", "'https://larkfield.libcal.com/calendar?cid=7001'"),
    ("DAYS_AHEAD", "'4 weeks'"),
    ("DAYS_AHEAD", "400"),
    ("MAX_DELETE_PERCENT", "50%"),
    ("MIN_EVENTS", "none"),
    ("LIBCAL_URL", "larkfield.libcal.com"),
    ("LIBCAL_URL", "http://larkfield.libcal.com"),
    ("SITE_URL", "https://events.larkfield.example/index.html"),
    ("SITE_URL", "https://events.larkfield.example/events/list.php"),
    ("SITE_URL", "'https://events.larkfield.example/#today'"),
    ("SITE_URL", "'https://events.larkfield.example/?today'"),
    ("SITE_URL", "'https://events.larkfield.example '"),
    ("SITE_URL", "'https://events.larkfield.example/my events'"),
    ("SITE_URL", "https://events.larkfield.example//events"),
    ("SITE_URL", "https://events.larkfield.example/a/../b"),
    ("SITE_URL", "https://https://events.larkfield.example"),
    ("CLOUDFRONT_DISTRIBUTION_ID", "d111111abcdef8.cloudfront.net"),
    ("CLOUDFRONT_DISTRIBUTION_ID", "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE"),
    ("CLOUDFRONT_DISTRIBUTION_ID", "E1AAAAAAAAAAAA,E2BBBBBBBBBBBB"),
    ("INVALIDATE", "cloudflare"),
    ("INVALIDATE_COMMAND", "/usr/local/bin/no-such-program"),
    ("AWS_ENDPOINT_URL_S3", "minio.larkfield.example:9000"),
    ("AWS_DEFAULT_REGION", "'Europe (Frankfurt)'"),
    ("AWS_DEFAULT_REGION", "us-est-1"),
    ("AWS_DEFAULT_REGION", "eu-central-1a"),
    ("AWS_REGION", "us-est-1"),
    ("AWS_RETRY_MODE", "aggressive"),
    ("AWS_USE_FIPS_ENDPOINT", "yes"),
    ("AWS_CLI", "/usr/local/bin/no-such-aws"),
    ("AWS_CLI", "'aws-vault exec lark -- aws'"),
    ("AWS_CA_BUNDLE", "/etc/no-such-bundle.pem"),
    ("HTTPS_PROXY", "proxy.larkfield.example:3128"),
    ("NOTIFY_URL", "ops@larkfield.example"),
    ("NOTIFY_URL", "mailto:ops"),
    ("PING_URL", "hc-ping.com/1234"),
    ("LOGO", "no-such-logo.svg"),
    ("LOCALE", "English"),
    ("LOCALE", "xx_YY"),
    ("LOCALE", "en_XX"),
    ("BRAND_COLOR", "navy"),
    ("BRAND_COLOR", "#1f5f8b"),
    ("HOME_PAGE", "index"),
    ("HOME_URL", "www.larkfield.example"),
    ("FONT", "Comic"),
    ("LOGO_HAS_NAME", "yes"),
    ("FOOTER_LINKS", "https://www.larkfield.example/contact"),
    ("FOOTER_LINKS", "'Contact=javascript:alert(1)'"),
    ("FOOTER_LINKS", "'Contact=https://larkfield.example/contact,Privacy'"),
    ("RUNNER", "podman"),
    ("S3_PREFIX", "../other"),
    ("S3_PREFIX", "'my events'"),
    ("S3_PREFIX", "a//b"),
    ("STALE_AFTER_MINUTES", "abc"),
    ("EVENTS_NOW", "yesterday"),
]

PAIRS = [
    (
        with_value("UPLOAD_AWS_ACCESS_KEY_ID", "planted/upload+0000000000000000000000000").replace(
            b"SECRET_ACCESS_KEY=planted/upload+0000000000000000000000000",
            b"SECRET_ACCESS_KEY=AKIALARKFIELDUPLOAD0",
        ),
        "UPLOAD_AWS_ACCESS_KEY_ID and UPLOAD_AWS_SECRET_ACCESS_KEY are swapped",
    ),
    (with_line("INVALIDATE_AWS_SECRET_ACCESS_KEY", ""), "INVALIDATE_AWS_SECRET_ACCESS_KEY is not set, but"),
    (
        with_line("LIBCAL_CLIENT_SECRET", "LIBCAL_CLIENT_SECRET_FILE=/run/secrets/no-such"),
        "LIBCAL_CLIENT_SECRET_FILE names a file",
    ),
]

CASES = [*FILE, *((with_value(key, value), f"{key} ") for key, value in VALUES), *PAIRS]


@pytest.mark.parametrize(("text", "says"), CASES)
def test_check_and_publish_refuse_a_fault_with_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: bytes, says: str
) -> None:
    found = faults_in(tmp_path, text, capfd)
    assert (found.code, len(found.errors)) == (exit_codes.CONFIG, 1), found.errors
    assert says in found.errors[0]
    assert faults_in(tmp_path, text, capfd, "--publish") == found


GOOD_VALUES = [
    ("SITE_URL", "https://www.larkfield.example/events/"),
    ("SITE_URL", "http://127.0.0.1:8000"),
    ("SITE_URL", "https://www.larkfield.example/v1.2"),
    ("UPLOAD_AWS_SESSION_TOKEN", "planted-token=="),
    ("AWS_DEFAULT_REGION", "eu-central-1"),
    ("AWS_DEFAULT_REGION", "us-gov-west-1"),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_DEFAULT_REGION", "ap-southeast-7"),
    ("LOCALE", "es_US"),
    ("LOCALE", "en_US.UTF-8"),
    ("HTTPS_PROXY", "http://proxy.larkfield.example:3128"),
    ("NO_PROXY", "localhost,.larkfield.example"),
    ("INVALIDATE", "cloudfront"),
    ("INVALIDATE", "none"),
    ("NOTIFY_URL", "mailto:ops@larkfield.example"),
    ("AWS_STS_REGIONAL_ENDPOINTS", "regional"),
    ("LIBCAL_CLIENT_SECRET", '"planted\'s"'),
    ("LIBCAL_CLIENT_SECRET", "'planted$word # 1'"),
]


@pytest.mark.parametrize("text", [GOOD, GOOD.rstrip(b"\n"), *(with_value(*pair) for pair in GOOD_VALUES)])
def test_good_files_pass(tmp_path: Path, capfd: pytest.CaptureFixture[str], text: bytes) -> None:
    assert faults_in(tmp_path, text, capfd) == Found(exit_codes.OK, [])
    assert faults_in(tmp_path, text, capfd, "--publish") == Found(exit_codes.OK, [])


@pytest.mark.parametrize(
    ("region", "good"), [("auto", True), ("us-sea-1", True), ("us-est-1", False), ("US-EAST-1", False)]
)
def test_another_store_may_have_regions_of_its_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], region: str, good: bool
) -> None:
    text = GOOD + f"AWS_ENDPOINT_URL_S3=https://store.example\nAWS_DEFAULT_REGION={region}\n".encode()
    assert (faults_in(tmp_path, text, capfd).code == exit_codes.OK) is good


def test_two_faults_are_two_lines(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = (b"\xef\xbb\xbf" + with_value("DAYS_AHEAD", "400")).replace(b"\n", b"\r\n")
    assert len(faults_in(tmp_path, text, capfd).errors) == 3


def run(program: str, file: Path, tmp_path: Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": str(file),
        "BUILD_DIR": str(tmp_path / "build"),
        "RUN_ID": "r",
    }
    return subprocess.run(
        [ROOT / "bin" / program], env=env | more, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "program", ["publish", "upload", "invalidate", "fetch", "generate", "notify", "verify"]
)
@pytest.mark.parametrize("fault", ["twice", "folder"])
def test_every_program_refuses_a_file_that_cannot_be_read(tmp_path: Path, program: str, fault: str) -> None:
    file = tmp_path / "settings"
    if fault == "folder":
        file.mkdir()
    else:
        file.write_bytes(GOOD + b"S3_BUCKET=planted\n")
    env = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": str(file),
        "BUILD_DIR": str(tmp_path / "build"),
        "RUN_ID": "r",
    }
    unit = ["events-display.service"] if program == "notify" else []
    done = subprocess.run(
        [ROOT / "bin" / program, *unit], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == exit_codes.CONFIG, done.stderr
    assert ("is set twice, first in line 9" if fault == "twice" else "is a folder, not a file") in done.stderr
    assert "unbound" not in done.stderr
    assert "planted" not in done.stderr
    assert done.stderr.count("level=error") == (2 if program == "publish" else 1)
    assert not (tmp_path / "build").exists()


def test_publish_ends_with_the_lines_of_check_and_names_it(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_bytes(with_value("SITE_URL", "https://events.larkfield.example/index.html"))
    file.chmod(0o600)
    publish, checked = run("publish", file, tmp_path), run("check", file, tmp_path)
    assert (publish.returncode, checked.returncode) == (78, 78)
    assert publish.stderr.splitlines()[0] == checked.stderr.splitlines()[0]
    assert publish.stderr.splitlines()[1:] == [
        'level=error step=publish run=r msg="publish failed" failed_step=check rc=78'
    ]


AWS_NAMES = [
    "AWS_CLI",
    "AWS_STS_REGIONAL_ENDPOINTS",
    *(name for name in TABLE if TABLE[name].readers == _AWS),
]


@pytest.mark.parametrize("name", [name for name in AWS_NAMES if not TABLE.get(name, TABLE["RUNNER"]).secret])
def test_a_setting_of_the_aws_cli_reaches_the_containers_or_check_warns(tmp_path: Path, name: str) -> None:
    file = tmp_path / "settings"
    file.write_bytes(GOOD + f"RUNNER=docker\n{name}=X\n".encode())
    _, found = check.find(file, "settings", {})
    warned = any(each.key == name and "Docker" in each.why for each in found)
    assert warned is not (name in passed_to("uploader") | passed_to("invalidator"))


def test_a_server_without_packages_finds_the_same_faults(tmp_path: Path) -> None:
    python = tmp_path / "path" / "python3"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    python.chmod(0o755)
    faults = {"BRAND_COLOR": "red", "DAYS_AHEAD": "400", "HOME_PAGE": "foo", "STALE_AFTER_MINUTES": "abc"}
    file = tmp_path / "settings"
    extra = "".join(f"{key}={value}\n" for key, value in {**faults, "LOCALE": "xx_YY"}.items())
    file.write_bytes(with_line("DAYS_AHEAD", "") + extra.encode())
    path = f"{python.parent}:{ROOT}/.venv/bin:{os.environ['PATH']}"  # common.sh must not put its own first
    done = run("check", file, tmp_path, PATH=path)
    assert done.returncode == 78
    assert done.stderr.count("level=error") == 5, done.stderr
