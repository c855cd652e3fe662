"""Read and check the settings. Precedence: flag, environment, .env, default.

Secrets can also be given as files (`LIBCAL_CLIENT_SECRET_FILE=/run/secrets/...`), which keeps them out of
`docker inspect` and /proc.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import branches
import env_file
from aws_config import ConfigError, endpoint
from branches import Branch
from files import sha256
from log import Log, secrets_in
from schedule import DEFAULT, Schedule
from settings_table import (
    FETCH,
    GENERATE,
    ICS,
    INVALIDATE,
    TABLE,
    UPLOAD,
    VERIFY,
    parse_calendars,
    parse_links,
    parse_locale,
)

VERSION = "0.1.0"  # as in pyproject.toml, which a container does not hold
ROOT = Path(__file__).resolve().parent.parent


class SettingError(Exception):
    """A setting is missing or wrong (exit code 78). `why` follows its name, and never contains its value."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key} {why}")
        self.key = key
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSetting:
    """One calendar of LIBCAL_CALENDARS: its LibCal id and its branch label, which may be empty.

    `address` is that of its feed, empty for a calendar of LibCal; then the id is made from it.
    """

    id: str
    label: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings for fetch and generate. URLs have no trailing slash."""

    build_dir: Path
    timezone: ZoneInfo
    locale: str
    days_ahead: int
    site_name: str
    site_url: str
    brand_color: str
    logo: str
    home_page: str
    stale_after_minutes: int
    min_events: int
    force: bool
    now: datetime
    closing_category: str = ""
    featured_category: str = ""
    show_presenter: bool = False
    branches: tuple[Branch, ...] = ()
    schedule: Schedule = Schedule.parse(DEFAULT)  # noqa: RUF009 - immutable
    screen_notice: str = ""
    logo_has_name: bool = False
    font: str = "bundled"
    home_url: str = ""
    footer_links: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Return the settings in `env`. Raises SettingError for the first wrong one."""
        _check(env, GENERATE)
        zone = ZoneInfo(_value(env, "TIMEZONE"))
        return cls(
            build_dir=Path(ROOT, _value(env, "BUILD_DIR")),
            timezone=zone,
            locale=parse_locale(_value(env, "LOCALE")),
            days_ahead=int(_value(env, "DAYS_AHEAD")),
            site_name=_value(env, "SITE_NAME"),
            site_url=_value(env, "SITE_URL").rstrip("/"),
            brand_color=_value(env, "BRAND_COLOR"),
            logo=_value(env, "LOGO"),
            home_page=_value(env, "HOME_PAGE"),
            stale_after_minutes=int(_value(env, "STALE_AFTER_MINUTES")),
            min_events=int(_value(env, "MIN_EVENTS")),
            force=env.get("FORCE") == "1",
            now=_now(env, zone),
            closing_category=env.get("CLOSING_CATEGORY", "").strip(),
            featured_category=env.get("FEATURED_CATEGORY", "").strip(),
            show_presenter=env.get("SHOW_PRESENTER") == "1",
            branches=_branches(env.get("BRANCHES", "")),
            schedule=Schedule.parse(_value(env, "SCHEDULE")),
            screen_notice=env.get("SCREEN_NOTICE", "").strip(),
            logo_has_name=env.get("LOGO_HAS_NAME") == "1",
            font=_value(env, "FONT"),
            home_url=_value(env, "HOME_URL"),
            footer_links=tuple(parse_links(env.get("FOOTER_LINKS", ""))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LibCalSettings:
    """Settings for LibCal: the API's base address (with version), credentials and calendars.

    With `source` ICS the credentials are empty: the calendars' public feeds need none.
    """

    url: str
    client_id: str
    client_secret: str
    calendars: tuple[CalendarSetting, ...]
    source: str = "api"

    @property
    def site(self) -> str:
        """The address of the LibCal site, without the API's version."""
        return re.sub(r"(/api)?/\d+\.\d+\Z", "", self.url)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Return the settings in `env`. Raises SettingError for the first wrong one."""
        _check(env, FETCH)
        source = _value(env, "SOURCE")
        keyless = source == ICS
        return cls(
            url=_libcal_url(env),
            client_id="" if keyless else _secret(env, "LIBCAL_CLIENT_ID"),
            client_secret="" if keyless else _secret(env, "LIBCAL_CLIENT_SECRET"),
            calendars=_calendars(_required(env, "LIBCAL_CALENDARS")),
            source=source,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSettings:
    """Settings for upload and invalidate. `prefix` has no slash at either end.

    In a container, `generated_dir` (site.manifest and site/) and `pending_dir` (pending-paths) are volumes
    that it shares with another container; on a machine, both are `build_dir`.

    `destination` identifies endpoint, bucket and prefix, so that the manifest of a stand-in is never used
    for the real bucket.
    """

    build_dir: Path
    generated_dir: Path
    pending_dir: Path
    bucket: str
    prefix: str
    destination: str
    invalidate: str
    distribution: str
    site_url: str
    min_events: int
    max_delete_percent: int
    force: bool
    now: datetime

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Return the settings in `env`. Raises SettingError for the first wrong one."""
        _check(env, UPLOAD, INVALIDATE, VERIFY)
        bucket, prefix = _value(env, "S3_BUCKET"), _value(env, "S3_PREFIX").strip("/")
        try:
            server = endpoint("s3", env).shown or "aws"
        except ConfigError as error:
            raise SettingError(error.key, str(error)) from error
        build_dir = Path(ROOT, _value(env, "BUILD_DIR"))
        return cls(
            build_dir=build_dir,
            generated_dir=Path(env.get("GENERATED_DIR") or build_dir),
            pending_dir=Path(env.get("PENDING_DIR") or build_dir),
            bucket=bucket,
            prefix=prefix,
            destination=f"{server} s3://{bucket}/{prefix}",
            invalidate=_value(env, "INVALIDATE"),
            distribution=_value(env, "CLOUDFRONT_DISTRIBUTION_ID"),
            site_url=_value(env, "SITE_URL").rstrip("/"),
            min_events=int(_value(env, "MIN_EVENTS")),
            max_delete_percent=int(_value(env, "MAX_DELETE_PERCENT")),
            force=env.get("FORCE") == "1",
            now=_now(env, ZoneInfo(_value(env, "TIMEZONE"))),
        )


def read_environment(file: Path | None = None, log: Log | None = None) -> dict[str, str]:
    """Return the environment variables and the settings in .env (or $ENV_FILE); the environment wins.

    Also adds proxies and CA bundles to os.environ, where the HTTP libraries look for them. `log`
    hides the secrets. Raises SettingError for a line that systemd, Compose and sh would read differently.
    """
    path = file or Path(os.environ.get("ENV_FILE") or ROOT / ".env")
    try:
        entries, faults = env_file.read(path)
    except FileNotFoundError:
        return dict(os.environ)
    for fault in faults:
        place = f"{path}:{fault.line}" if fault.line else str(path)
        raise SettingError(place, f"{fault.key} {fault.why}".strip())
    for entry in entries:
        if re.fullmatch("(?i:https?_proxy|no_proxy)|REQUESTS_CA_BUNDLE", entry.key):
            os.environ.setdefault(entry.key, entry.value)
    env = {entry.key: entry.value for entry in entries} | os.environ
    if log:
        log.hide(*secrets_in(env))
    return env


def _check(env: Mapping[str, str], *programs: str) -> None:
    """Raise SettingError for the first wrong setting that one of the programs reads."""
    for row in TABLE.values():
        if any(program in row.readers for program in programs) and (why := row.why_wrong(env)):
            raise SettingError(row.name, why)


def _value(env: Mapping[str, str], name: str) -> str:
    """Return a checked setting or its default."""
    return env.get(name) or TABLE[name].default


def _required(env: Mapping[str, str], key: str) -> str:
    value = env.get(key, "")
    if not value:
        raise SettingError(key, "is not set")
    return value


def _secret(env: Mapping[str, str], key: str) -> str:
    if env.get(key):
        return env[key]
    path = env.get(f"{key}_FILE", "")
    if not path:
        raise SettingError(key, "is not set")
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is not text"
        raise SettingError(
            f"{key}_FILE", f"names {path}, which uid {os.getuid()} cannot read: {why}"
        ) from error
    if not value:
        raise SettingError(f"{key}_FILE", f"names {path}, which is empty")
    return value


def _libcal_url(env: Mapping[str, str]) -> str:
    url = _required(env, "LIBCAL_URL").rstrip("/")
    return url if re.search(r"/\d+\.\d+\Z", urlsplit(url).path) else f"{url}/1.1"


def _calendars(text: str) -> tuple[CalendarSetting, ...]:
    found = {}
    for number, label, address in parse_calendars(text):
        # LibCal's ids have at most 12 digits.
        key = number or str(10**12 + int(sha256(address.encode())[:11], 16))
        found[key] = CalendarSetting(id=key, label=label, address=address)
    return tuple(found.values())


def _branches(name: str) -> tuple[Branch, ...]:
    """Return the branches in the file BRANCHES; none if it is not set."""
    if not name:
        return ()
    found, faults = branches.read(Path(ROOT, name))
    if faults:
        raise SettingError(
            "BRANCHES", "names a wrong file: " + "; ".join(fault.text(name) for fault in faults)
        )
    return found


def _now(env: Mapping[str, str], zone: ZoneInfo) -> datetime:
    text = env.get("EVENTS_NOW", "")
    if not text:
        return datetime.now(UTC).astimezone(zone)
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
