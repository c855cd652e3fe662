"""Every setting: its allowed values, its default and the programs that read it.

.env.example, docs/configuration.md, scripts/check.py and docker/compose.yaml follow this table;
tests/unit/test_settings_table.py compares them. Uses the standard library only: bin/check also runs on a
server that has no packages, because its steps run in Docker.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from schedule import DEFAULT, Schedule

# The programs that read settings.
FETCH, GENERATE, UPLOAD, INVALIDATE, VERIFY = "fetch", "generate", "upload", "invalidate", "verify"
NOTIFY, RUN, COMPOSE = "notify", "publish", "compose"
ICS = "ics"  # of SOURCE
CONTAINERS = {"generator": (FETCH, GENERATE), "uploader": (UPLOAD,), "invalidator": (INVALIDATE,)}

# A check returns the reason why a value is wrong, or an empty string; it never repeats the value, which
# may be a secret in the wrong place. It also gets all settings, for values that depend on each other.
Check = Callable[[str, Mapping[str, str]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting. `hint` says what to write for a required one; `valid` is used by the check instead.

    `required_with`: required if another setting has a value, such as ("SOURCE", "api").
    `file`: the value is the path of a file, which a container gets as a secret. `own_file`: NAME_FILE may
    name a file that holds the value. `host_only`: the containers do not get it.
    """

    name: str
    check: Check
    readers: tuple[str, ...]
    default: str = ""
    required: bool = False
    required_with: tuple[str, str] = ("", "")
    valid: str = ""
    hint: str = ""
    secret: bool = False
    file: bool = False
    own_file: bool = False
    host_only: bool = False

    def is_required(self, env: Mapping[str, str]) -> bool:
        """Return whether the setting must have a value, given the other settings."""
        name, value = self.required_with
        return self.required or bool(name and (env.get(name) or TABLE[name].default) == value)

    def why_wrong(self, env: Mapping[str, str]) -> str:
        """Return why the value in `env` is wrong, or an empty string; an empty value is the default."""
        value = env.get(self.name, "")
        if not value:
            return ""
        if any(ord(character) < 32 or ord(character) == 127 for character in value):
            return "contains a control character: remove it"
        if self.check is not any_text and value != value.strip():
            return "begins or ends with a space: remove it"
        if self.secret and not value.isascii():
            return "contains a character that is not ASCII: copy the value again"
        return self.check(value, env)


def any_text(_value: str, _env: Mapping[str, str]) -> str:
    """Allow any text."""
    return ""


def word(_value: str, _env: Mapping[str, str]) -> str:
    """Allow any text without a space at either end."""
    return ""


def number(low: int, high: int) -> Check:
    """Allow whole numbers from `low` to `high`."""

    def check(value: str, _env: Mapping[str, str]) -> str:
        good = re.fullmatch(r"[0-9]{1,9}", value) and low <= int(value) <= high
        return "" if good else f"must be a whole number from {low} to {high}"

    return check


def pattern(allowed: str, wanted: str) -> Check:
    """Allow values that match a regular expression; `wanted` describes them."""

    def check(value: str, _env: Mapping[str, str]) -> str:
        return "" if re.fullmatch(allowed, value) else f"must be {wanted}"

    return check


def web_address(value: str) -> bool:
    """Return whether `value` is an http or https address without credentials, query and fragment."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    return bool(
        parts.scheme in ("http", "https")
        and parts.hostname
        and not parts.username
        and not re.search(r"[?#\s\\]", value)
    )


def address(wanted: str) -> Check:
    """Allow http and https addresses; `wanted` is an example. Credentials and a query are allowed."""

    def check(value: str, _env: Mapping[str, str]) -> str:
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
        except ValueError:
            good = False
        return "" if good and not re.search(r"\s", value) else f"must be an address such as {wanted}"

    return check


def site_url(value: str, _env: Mapping[str, str]) -> str:
    """Allow the address of a folder: every page's address is this one, a slash and a file name."""
    value = value.rstrip("/")
    if "#" in value or "?" in value:
        return "must end before the # or ?: it is the address of a folder, not of a page"
    if not web_address(value):
        return "must be an address such as https://events.example.org"
    path = urlsplit(value).path
    if re.search(r"/[^/]+\.(html?|php|aspx?|jsp|xml|json|ics|atom|js|css)\Z", path, re.IGNORECASE):
        return "must not end with a file name: write the address of the folder"
    if "//" in path or re.search(r"/\.{1,2}(/|\Z)", path):
        return "must not contain //, /./ or /../ after the host name"
    if not re.fullmatch(r"[A-Za-z0-9._~:/@!$&'()*+,;=%\[\]-]+", value):
        return "contains a character that addresses must write as %XX, or a host name as xn--..."
    return ""


def libcal_url(value: str, _env: Mapping[str, str]) -> str:
    """Allow an https address; http only for a container's name or a loopback address."""
    value = value.rstrip("/")
    if not web_address(value):
        return "must be an address such as https://yoursite.libcal.com"
    parts = urlsplit(value)
    host = parts.hostname or ""
    # A name without a dot (a container's name) or a loopback address is never a public host.
    local = "." not in host or host == "127.0.0.1"
    if parts.scheme != "https" and not local:
        return "must begin with https://, since the secret is sent to it"
    return ""


def schedule(value: str, _env: Mapping[str, str]) -> str:
    """Allow days, hours and minutes of the runs."""
    try:
        Schedule.parse(value)
    except ValueError as error:
        return str(error)
    return ""


_CALENDAR = re.compile(r"(?P<id>\d{1,12})(?:=(?P<label>.+))?|(?:(?P<name>[^=:]+)=)?(?P<feed>https?://\S+)")


def parse_calendars(value: str) -> Iterator[tuple[str, str, str]]:
    """Yield id, branch and feed address of each calendar: `15144=Kilton` or `Kilton=https://...`."""
    for item in value.split(","):
        if found := _CALENDAR.fullmatch(item.strip()):
            yield found["id"] or "", (found["label"] or found["name"] or "").strip(), found["feed"] or ""


def calendars(value: str, env: Mapping[str, str]) -> str:
    """Allow calendar ids, each with an optional branch name; with SOURCE=ics also addresses of feeds."""
    found = list(parse_calendars(value))
    feeds = [feed for _, _, feed in found if feed]
    if len(found) < len(value.split(",")) or (feeds and env.get("SOURCE") != ICS):
        return "must look like 15144=Kilton,17790=Lebanon,21747"
    if any(not web_address(feed.partition("?")[0]) or "#" in feed for feed in feeds):
        return "has a feed that is not an address such as https://calendar.example.org/events.ics"
    if any(libcal_url(feed.partition("?")[0], env) for feed in feeds):
        return "has a feed that does not begin with https://"
    return ""


_LINK = re.compile(r"\s*([^=,]*[^=,\s])\s*=\s*((?:https?://|mailto:|tel:)[^\s,]+)\s*")


def parse_links(value: str) -> list[tuple[str, str]]:
    """Return name and address of each link of `Contact=https://...,Privacy=https://...`."""
    return [(found[1], found[2]) for item in value.split(",") if (found := _LINK.fullmatch(item))]


def links(value: str, _env: Mapping[str, str]) -> str:
    """Allow names with addresses of pages, mailboxes and telephones."""
    good = len(parse_links(value)) == len(value.split(","))
    return (
        "" if good else "must look like Contact=https://www.example.org/contact,E-mail=mailto:me@example.org"
    )


# Names of the zone database that are not a place: abbreviations without daylight saving time, copies of
# the database with leap seconds, and the zone of this machine.
_NOT_A_ZONE = re.compile(r"(EST|MST|HST|Factory|localtime|posixrules)\Z|(posix|right)/")


def zone(value: str, _env: Mapping[str, str]) -> str:
    """Allow the name of an IANA time zone."""
    wrong = "must be an IANA zone such as America/New_York"
    if _NOT_A_ZONE.match(value):
        return wrong
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        return wrong if available_timezones() else ""  # without a zone database no zone can be checked
    return ""


# Babel's locales of the languages in templates/messages; a test compares them. Not read from Babel, which a
# server whose steps run in Docker does not have.
LOCALES = {
    "da": "DK GL",
    "en": "001 150 AE AG AI AS AT AU BB BE BI BM BS BW BZ CA CC CH CK CM CX CY CZ DE DG DK DM ER ES FI FJ FK"
    " FM FR GB GD GG GH GI GM GS GU GY HK HU ID IE IL IM IN IO IT JE JM KE KI KN KY LC LR LS MG MH MO MP MS"
    " MT MU MV MW MY NA NF NG NL NO NR NU NZ PG PH PK PL PN PR PT PW RO RW SB SC SD SE SG SH SI SK SL SS SX"
    " SZ TC TK TO TT TV TZ UG UM US VC VG VI VU WS ZA ZM ZW",
    "es": "419 AR BO BR BZ CL CO CR CU DO EA EC ES GQ GT HN IC MX NI PA PE PH PR PY SV US UY VE",
}


def parse_locale(value: str) -> str:
    """Return the locale as Babel writes it (`en_US`), or an empty string for an unknown one."""
    parts = re.fullmatch(r"([A-Za-z]{2,3})(?:_([A-Za-z]{2}|[0-9]{3}))?(?:[.@].*)?", value)
    if not parts:
        return ""
    language, territory = parts[1].lower(), (parts[2] or "").upper()
    if language not in LOCALES or (territory and territory not in LOCALES[language].split()):
        return ""
    return f"{language}_{territory}" if territory else language


def locale(value: str, _env: Mapping[str, str]) -> str:
    """Allow a locale of Babel whose language has texts."""
    return "" if parse_locale(value) else "must be a locale such as en_US, es_US or da_DK"


def moment(value: str, _env: Mapping[str, str]) -> str:
    """Allow an ISO 8601 time, far from the first and last day that Python knows."""
    try:
        year = datetime.fromisoformat(value).year
    except ValueError:
        return "must be ISO 8601, such as 2026-03-03T09:00-05:00"
    return "" if 2000 <= year < 3000 else "must be a time in the years 2000 to 2999"


def bucket(value: str, _env: Mapping[str, str]) -> str:
    """Allow the names that S3 allows: not an address, an ARN or the host name of a website."""
    good = (
        re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", value)
        and not re.search(r"\.\.|\.-|-\.|\.amazonaws\.com", value)
        and not re.fullmatch(r"[0-9]+(\.[0-9]+){3}", value)
    )
    return "" if good else "must be the name of a bucket, such as my-events, not its address or ARN"


def prefix(value: str, _env: Mapping[str, str]) -> str:
    """Allow a path below the bucket."""
    good = re.fullmatch(r"[A-Za-z0-9!_.'()/-]*", value) and "//" not in value
    good = good and not re.search(r"(^|/)\.{1,2}(/|$)", value)
    return "" if good else "must be a path such as events, without spaces, // and .."


_AREAS = "af|ap|ca|cn|eu|eusc-de|il|me|mx|sa|us|us-gov|us-iso[bf]?|eu-isoe"
_DIRECTIONS = (
    "central",
    "north",
    "south",
    "east",
    "west",
    "northeast",
    "northwest",
    "southeast",
    "southwest",
)


def region(value: str, env: Mapping[str, str]) -> str:
    """Allow AWS's regions; with an endpoint also the names of other stores, unless AWS's is misspelled.

    AWS adds regions, so this is their pattern, not their list.
    """
    wrong = "must be a region such as us-east-1"
    if re.fullmatch(rf"({_AREAS})-({'|'.join(_DIRECTIONS)})-[0-9]{{1,2}}", value.lower()):
        return "" if value == value.lower() else wrong
    if not any(env.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", *_CHAIN)):
        return wrong
    import difflib

    place = re.match(rf"(?:{_AREAS})-([a-z]+)-?[0-9]+\Z", value)
    misspelled = place and difflib.get_close_matches(place[1], _DIRECTIONS, 1, 0.8) not in ([], [place[1]])
    return wrong if misspelled or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}", value) else ""


_CHAIN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE")  # their files may set an endpoint


def notify_url(value: str, env: Mapping[str, str]) -> str:
    """Allow what alerts.py can send to: a web hook, a mail address or server, or a program."""
    if re.fullmatch(r"[^@/:\s]+@[^@/:\s]+", value):
        return "is a mail address without mailto: in front of it"
    if value.startswith("mailto:"):
        good = re.fullmatch(r"mailto:[^@/:\s]+@[^@/:\s]+", value)
        return "" if good else "must have one mail address after mailto:"
    if value.startswith("exec:"):
        return "" if re.fullmatch(r"exec:/\S+", value) else "must have one absolute path after exec:"
    if re.match("smtps?://", value):
        good = re.fullmatch(
            r"smtps?://([^@/\s]+@)?[^@/:\s]+(:[0-9]{1,5})?/?\?(.+&)?to=[^@&\s]+@[^@&\s]+(&.*)?", value
        )
        example = "smtp://USER:PASSWORD@smtp.example.org:587?from=events@example.org&to=you@example.org"
        return "" if good else f"must look like {example}"
    value = re.sub(r"\A(slack|teams|discord|gchat|ntfy|json)\+", "", value)
    return address("https://hooks.example.org/... or mailto:you@example.org")(value, env)


_BOOL = pattern("(?i:true|false)", "true or false")
_CHECKSUM = pattern("(?i:when_supported|when_required)", "when_supported or when_required")
_ENDPOINT = address("https://s3.example.org")
_PROXY = address("http://proxy.example.org:3128")
_BUILD, _AWS = (FETCH, GENERATE), (UPLOAD, INVALIDATE)
_NETWORK = (FETCH, UPLOAD, INVALIDATE, VERIFY, NOTIFY)
_LIBCAL_HINT = "copy it from LibCal: Admin > API > API Authentication; without a key, set SOURCE=ics"
_KEYS = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")


def _rows() -> Iterator[Setting]:
    yield from _site_rows()
    yield from _publishing_rows()
    yield from _aws_rows()
    yield from _running_rows()


def _site_rows() -> Iterator[Setting]:
    yield Setting(name="SOURCE", check=pattern("api|ics", "api or ics"), readers=(FETCH,), default="api")
    yield Setting(
        name="LIBCAL_URL",
        check=libcal_url,
        readers=(FETCH,),
        required=True,
        valid="https://example.libcal.com",
        hint="write the address of your LibCal site, such as https://yoursite.libcal.com",
    )
    for name in ("LIBCAL_CLIENT_ID", "LIBCAL_CLIENT_SECRET"):
        yield Setting(
            name=name,
            check=word,
            readers=(FETCH,),
            required_with=("SOURCE", "api"),
            valid="x",
            hint=_LIBCAL_HINT,
            secret=True,
            own_file=True,
        )
    yield Setting(
        name="LIBCAL_CALENDARS",
        check=calendars,
        readers=(FETCH,),
        required=True,
        valid="1",
        hint="write the calendar ids, such as 15144=Kilton,17790=Lebanon",
    )
    yield Setting(name="SITE_NAME", check=any_text, readers=_BUILD, default="Library events")
    yield Setting(name="SITE_URL", check=site_url, readers=(*_BUILD, *_AWS, VERIFY))
    yield Setting(name="TIMEZONE", check=zone, readers=(*_BUILD, *_AWS), default="America/New_York")
    yield Setting(name="LOCALE", check=locale, readers=_BUILD, default="en_US")
    yield Setting(name="DAYS_AHEAD", check=number(1, 365), readers=_BUILD, default="30")
    color = pattern("#[0-9a-fA-F]{6}", "#rrggbb")
    yield Setting(name="BRAND_COLOR", check=color, readers=_BUILD, default="#1f5f8b")
    yield Setting(name="LOGO", check=word, readers=(GENERATE,), file=True)
    yield Setting(name="LOGO_HAS_NAME", check=pattern("1", "1, or not set"), readers=(GENERATE,))
    yield Setting(
        name="FONT",
        check=pattern("bundled|system", "bundled or system"),
        readers=(GENERATE,),
        default="bundled",
    )
    yield Setting(name="HOME_URL", check=address("https://www.example.org"), readers=(GENERATE,))
    yield Setting(name="FOOTER_LINKS", check=links, readers=(GENERATE,))
    home = pattern("list|screen", "list or screen")
    yield Setting(name="HOME_PAGE", check=home, readers=(GENERATE,), default="list")
    yield Setting(name="SCHEDULE", check=schedule, readers=(GENERATE,), default=DEFAULT)
    stale = number(1, 525_600)
    yield Setting(name="STALE_AFTER_MINUTES", check=stale, readers=_BUILD, default="180")
    yield Setting(name="CLOSING_CATEGORY", check=any_text, readers=_BUILD)
    yield Setting(name="FEATURED_CATEGORY", check=any_text, readers=_BUILD)
    yield Setting(name="SHOW_PRESENTER", check=pattern("1", "1, or not set"), readers=(FETCH,))
    yield Setting(name="BRANCHES", check=word, readers=_BUILD, file=True)
    yield Setting(name="SCREEN_NOTICE", check=any_text, readers=(GENERATE,))


def _publishing_rows() -> Iterator[Setting]:
    yield Setting(
        name="S3_BUCKET",
        check=bucket,
        readers=_AWS,
        required=True,
        valid="bucket",
        hint="write the name of the bucket",
    )
    yield Setting(name="S3_PREFIX", check=prefix, readers=_AWS)
    ways = pattern("cloudfront|none|command", "cloudfront, none or command")
    yield Setting(name="INVALIDATE", check=ways, readers=(*_AWS, VERIFY), default="cloudfront")
    yield Setting(
        name="CLOUDFRONT_DISTRIBUTION_ID",
        check=pattern("[A-Z0-9]{1,32}", "one id such as E2QWRUHAPOMQZL, not an address or ARN"),
        readers=_AWS,
        required_with=("INVALIDATE", "cloudfront"),
        valid="X",
        hint="write the id of the distribution, such as E2QWRUHAPOMQZL; without CloudFront, set INVALIDATE",
    )
    yield Setting(
        name="INVALIDATE_COMMAND",
        check=word,
        readers=(INVALIDATE,),
        required_with=("INVALIDATE", "command"),
        hint="write the path of the program that refreshes your cache",
        file=True,
    )
    everywhere = (*_BUILD, *_AWS)
    yield Setting(name="MIN_EVENTS", check=number(0, 1_000_000), readers=everywhere, default="1")
    yield Setting(name="MAX_DELETE_PERCENT", check=number(0, 100), readers=_AWS, default="50")
    yield Setting(name="FORCE", check=pattern("1", "1, or not set"), readers=everywhere)
    yield Setting(name="NOTIFY_URL", check=notify_url, readers=(NOTIFY,), secret=True)
    ping = address("https://hc-ping.com/...")
    yield Setting(name="PING_URL", check=ping, readers=(NOTIFY,), secret=True)
    server = pattern(r"[^\s:/@]+(:[0-9]{1,5})?", "host or host:port")
    yield Setting(name="SMTP_SERVER", check=server, readers=(NOTIFY,), default="localhost:25")


def _aws_rows() -> Iterator[Setting]:
    for role, readers in (("UPLOAD_", (UPLOAD,)), ("INVALIDATE_", (INVALIDATE,)), ("", _AWS)):
        for key in _KEYS:
            yield Setting(name=f"{role}AWS_{key}", check=word, readers=readers, secret=True, own_file=True)
    yield Setting(name="AWS_DEFAULT_REGION", check=region, readers=_AWS)
    yield Setting(name="AWS_REGION", check=region, readers=_AWS)
    yield Setting(name="AWS_ENDPOINT_URL", check=_ENDPOINT, readers=_AWS)
    yield Setting(name="AWS_ENDPOINT_URL_S3", check=_ENDPOINT, readers=_AWS)
    yield Setting(name="AWS_ENDPOINT_URL_CLOUDFRONT", check=_ENDPOINT, readers=(INVALIDATE,))
    mode = pattern("legacy|standard|adaptive", "legacy, standard or adaptive")
    yield Setting(name="AWS_RETRY_MODE", check=mode, readers=_AWS, default="standard")
    yield Setting(name="AWS_MAX_ATTEMPTS", check=number(1, 100), readers=_AWS, default="3")
    yield Setting(name="AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", check=_BOOL, readers=_AWS)
    yield Setting(name="AWS_USE_DUALSTACK_ENDPOINT", check=_BOOL, readers=_AWS)
    yield Setting(name="AWS_USE_FIPS_ENDPOINT", check=_BOOL, readers=_AWS)
    yield Setting(name="AWS_REQUEST_CHECKSUM_CALCULATION", check=_CHECKSUM, readers=_AWS)
    yield Setting(name="AWS_RESPONSE_CHECKSUM_VALIDATION", check=_CHECKSUM, readers=_AWS)
    for name in (  # the AWS CLI's own login, for a machine without key pairs
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_EC2_METADATA_DISABLED",
    ):
        yield Setting(name=name, check=word, readers=_AWS)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        yield Setting(name=name, check=word, readers=_AWS, file=True)
    yield Setting(name="AWS_CLI", check=word, readers=_AWS, host_only=True)
    yield Setting(name="AWS_CA_BUNDLE", check=word, readers=_AWS, file=True)


def _running_rows() -> Iterator[Setting]:
    yield Setting(name="REQUESTS_CA_BUNDLE", check=word, readers=_NETWORK, file=True)
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        yield Setting(name=name, check=_PROXY, readers=_NETWORK)
    for name in ("NO_PROXY", "no_proxy"):
        yield Setting(name=name, check=word, readers=_NETWORK)
    runner = pattern("docker", "docker, or not set")
    yield Setting(name="RUNNER", check=runner, readers=(RUN,))
    yield Setting(name="BUILD_DIR", check=word, readers=(RUN,), default="build")
    yield Setting(name="EVENTS_NOW", check=moment, readers=(*_BUILD, *_AWS))
    yield Setting(name="RUN_ID", check=word, readers=(*_BUILD, *_AWS))
    for name in (
        "COMPOSE_FILE",
        "COMPOSE_PROFILES",
        "COMPOSE_PROJECT_NAME",
        "IMAGE_TAG",
        "PYTHON_IMAGE",
        "SECRETS_DIR",
        "DOCKER_HOST",
    ):
        yield Setting(name=name, check=word, readers=(COMPOSE,))


TABLE: Mapping[str, Setting] = {row.name: row for row in _rows()}
KNOWN = frozenset(TABLE) | {f"{row.name}_FILE" for row in TABLE.values() if row.own_file}


def passed_to(container: str) -> set[str]:
    """Return the names of the settings that a container gets in its environment."""
    programs = CONTAINERS[container]
    return {
        row.name
        for row in TABLE.values()
        if not row.secret and not row.host_only and set(row.readers) & set(programs)
    }
