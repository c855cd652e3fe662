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

from aws_config import ConfigError, endpoint
from log import Log, secrets_in

VERSION = "0.1.0"  # as in pyproject.toml, which a container does not hold
ROOT = Path(__file__).resolve().parent.parent

_LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)\Z")
_BARE = re.compile(r"[A-Za-z0-9_./:@%+=,-]*\Z")
_CALENDAR = re.compile(r"(\d{1,12})(?:=(.+))?\Z")


class SettingError(Exception):
    """A setting is missing or wrong (exit code 78). `why` follows its name, and never contains its value."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key} {why}")
        self.key = key
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSetting:
    """One calendar of LIBCAL_CALENDARS: its LibCal id and its branch label, which may be empty."""

    id: str
    label: str


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

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Return the settings in `env`. Raises SettingError for the first wrong one."""
        zone = _zone(env)
        return cls(
            build_dir=Path(ROOT, env.get("BUILD_DIR") or "build"),
            timezone=zone,
            locale=_locale(env),
            days_ahead=_number(env, "DAYS_AHEAD", 30, 1, 365),
            site_name=env.get("SITE_NAME") or "Library events",
            site_url=_site_url(env),
            brand_color=_matching(env, "BRAND_COLOR", "#1f5f8b", r"#[0-9a-fA-F]{6}", "#rrggbb"),
            logo=env.get("LOGO", ""),
            home_page=_matching(env, "HOME_PAGE", "list", r"list|screen", "list or screen"),
            stale_after_minutes=_number(env, "STALE_AFTER_MINUTES", 180, 1, 525_600),
            min_events=_number(env, "MIN_EVENTS", 1, 0, 1_000_000),
            force=env.get("FORCE") == "1",
            now=_now(env, zone),
            closing_category=env.get("CLOSING_CATEGORY", "").strip(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LibCalSettings:
    """Settings for LibCal: the API's base address (with version), credentials and calendars."""

    url: str
    client_id: str
    client_secret: str
    calendars: tuple[CalendarSetting, ...]

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Return the settings in `env`. Raises SettingError for the first wrong one."""
        return cls(
            url=_libcal_url(env),
            client_id=_secret(env, "LIBCAL_CLIENT_ID"),
            client_secret=_secret(env, "LIBCAL_CLIENT_SECRET"),
            calendars=_calendars(_required(env, "LIBCAL_CALENDARS")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSettings:
    """Settings for upload and invalidate. `prefix` has no slash at either end.

    `destination` identifies endpoint, bucket and prefix, so that the manifest of a stand-in is never used
    for the real bucket.
    """

    build_dir: Path
    bucket: str
    prefix: str
    destination: str
    distribution: str
    site_url: str
    min_events: int
    max_delete_percent: int
    force: bool
    now: datetime

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Return the settings in `env`. Raises SettingError for the first wrong one."""
        bucket = env.get("S3_BUCKET", "")
        if bucket and not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
            raise SettingError("S3_BUCKET", "must be the name of a bucket")
        prefix = env.get("S3_PREFIX", "")
        if not re.fullmatch(r"[A-Za-z0-9!_.'()/-]*", prefix) or "//" in prefix:
            raise SettingError("S3_PREFIX", "must be a path such as events")
        prefix = prefix.strip("/")
        try:
            server = endpoint("s3", env).shown or "aws"
        except ConfigError as error:
            raise SettingError(error.key, str(error)) from error
        return cls(
            build_dir=Path(ROOT, env.get("BUILD_DIR") or "build"),
            bucket=bucket,
            prefix=prefix,
            destination=f"{server} s3://{bucket}/{prefix}",
            distribution=env.get("CLOUDFRONT_DISTRIBUTION_ID", ""),
            site_url=_site_url(env),
            min_events=_number(env, "MIN_EVENTS", 1, 0, 1_000_000),
            max_delete_percent=_number(env, "MAX_DELETE_PERCENT", 50, 0, 100),
            force=env.get("FORCE") == "1",
            now=_now(env, _zone(env)),
        )


def read_environment(env_file: Path | None = None, log: Log | None = None) -> dict[str, str]:
    """Return the environment variables and the settings in .env (or $ENV_FILE); the environment wins.

    `log` hides the secrets among them. Raises SettingError for a line that systemd, Compose and sh would
    read differently.
    """
    path = env_file or Path(os.environ.get("ENV_FILE") or ROOT / ".env")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return dict(os.environ)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(str(path), f"cannot be read: {error}") from error
    env = {**parse_env(text, str(path)), **os.environ}
    if log:
        log.hide(*secrets_in(env))
    return env


def parse_env(text: str, name: str = ".env") -> dict[str, str]:
    """Parse .env files: each value is a bare word, or in quotes as a whole.

    systemd's EnvironmentFile, Compose and sh all read this subset in the same way.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if not match:
            raise SettingError(f"{name}:{number}", "is not KEY=value (no export, no spaces, no CRLF)")
        key, raw = match.groups()
        quoted = re.fullmatch(r"'([^']*)'|\"([^\"$`\\]*)\"", raw)
        if quoted:
            values[key] = quoted[1] if quoted[1] is not None else quoted[2]
        elif _BARE.match(raw):
            values[key] = raw
        else:
            raise SettingError(f"{name}:{number}", f"needs single quotes: {key}='...'")
    return values


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


def _number(env: Mapping[str, str], key: str, default: int, low: int, high: int) -> int:
    text = env.get(key) or str(default)
    if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
        raise SettingError(key, f"must be a whole number from {low} to {high}")
    return int(text)


def _matching(env: Mapping[str, str], key: str, default: str, pattern: str, wanted: str) -> str:
    value = env.get(key) or default
    if not re.fullmatch(pattern, value):
        raise SettingError(key, f"must be {wanted}")
    return value


def _zone(env: Mapping[str, str]) -> ZoneInfo:
    name = env.get("TIMEZONE") or "America/New_York"
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise SettingError("TIMEZONE", "must be an IANA zone such as America/New_York") from error


def _locale(env: Mapping[str, str]) -> str:
    from babel import Locale, UnknownLocaleError

    name = env.get("LOCALE") or "en_US"
    try:
        return str(Locale.parse(name))
    except (UnknownLocaleError, ValueError) as error:
        raise SettingError("LOCALE", "must be a locale such as en_US or da_DK") from error


def _site_url(env: Mapping[str, str]) -> str:
    url = env.get("SITE_URL", "").rstrip("/")
    if url and not _is_web_address(url):
        raise SettingError("SITE_URL", "must be an address such as https://events.example.org")
    return url


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return bool(
        parts.scheme in ("http", "https") and parts.hostname and not parts.username and not parts.query
    )


def _libcal_url(env: Mapping[str, str]) -> str:
    url = _required(env, "LIBCAL_URL").rstrip("/")
    if not _is_web_address(url):
        raise SettingError("LIBCAL_URL", "must be an address such as https://yoursite.libcal.com")
    parts = urlsplit(url)
    host = parts.hostname or ""
    # A name without a dot (a container's name) or a loopback address is never a public host.
    local = "." not in host or host == "127.0.0.1"
    if parts.scheme != "https" and not local:
        raise SettingError("LIBCAL_URL", "must begin with https://, since the secret is sent to it")
    return url if re.search(r"/\d+\.\d+\Z", parts.path) else f"{url}/1.1"


def _calendars(text: str) -> tuple[CalendarSetting, ...]:
    found: dict[str, CalendarSetting] = {}
    for item in text.split(","):
        match = _CALENDAR.match(item.strip())
        if not match:
            raise SettingError("LIBCAL_CALENDARS", "must look like 15144=Kilton,17790=Lebanon,21747")
        found[match[1]] = CalendarSetting(id=match[1], label=(match[2] or "").strip())
    return tuple(found.values())


def _now(env: Mapping[str, str], zone: ZoneInfo) -> datetime:
    text = env.get("EVENTS_NOW", "")
    if not text:
        return datetime.now(UTC).astimezone(zone)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingError("EVENTS_NOW", "must be ISO 8601, such as 2026-03-03T09:00-05:00") from error
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
