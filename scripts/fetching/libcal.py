"""Client for LibCal's API v1.1: token, retries, paging. Returns LibCal's JSON without checking its fields."""

from __future__ import annotations

import contextlib
import json
import math
import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Never

import requests
import urllib3
from requests.auth import AuthBase

from fetching.deadline import Deadline
from fetching.http_errors import cause_of
from log import Log
from settings import VERSION, LibCalSettings, Settings
from settings_table import ICS

# LibCal returns 20 events by default, without saying that there are more; 500 is its maximum.
PAGE_SIZE = 500
DEFAULT_PAGE_SIZE = 20

CREDENTIALS_REFUSED = (
    "LibCal refused the credentials: check LIBCAL_CLIENT_ID, LIBCAL_CLIENT_SECRET "
    "and the application's scope (Calendars, read)"
)
WRONG_ADDRESS = "LIBCAL_URL must be the address of a LibCal site, such as https://yoursite.libcal.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits for requests and responses; times in seconds, sizes in decoded bytes.

    A response of more than `body` bytes or about `values` JSON values is refused, and a calendar of more than
    `total` bytes. Only one calendar of more than `large` bytes is in memory at a time.
    """

    tries: int = 4
    read_timeout: float = 10.0
    calendars_timeout: float = 10.0
    retry_after: float = 10.0
    body: int = 10_000_000
    values: int = 300_000
    total: int = 30_000_000
    large: int = 1_000_000
    pages: int = 40
    events: int = 10_000


class Unavailable(Exception):
    """A call failed, but may succeed later; `cause` is one word for the log, `tries` counts the attempts."""

    def __init__(self, cause: str, tries: int = 1) -> None:
        super().__init__(cause)
        self.cause = cause
        self.tries = tries


class Misconfigured(Exception):
    """LibCal refuses all requests until a setting is corrected; the text says which one."""


class Retryable(Exception):
    """This attempt failed and should be retried; `wait` is the server's Retry-After in seconds."""

    def __init__(self, cause: str, wait: float | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.wait = wait


class Unauthorized(Exception):
    """LibCal does not accept the token (any more)."""


class NoAuth(AuthBase):
    """Send no credentials. Without an auth object, requests would use those in ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


@dataclass(frozen=True, slots=True)
class _Bearer(AuthBase):
    """Send the token instead of credentials from ~/.netrc."""

    token: str = field(repr=False)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Intake:
    """The memory of one calendar's answers: counted, and with the lock as soon as they are large."""

    def __init__(self, limits: Limits, lock: threading.Lock, held: contextlib.ExitStack) -> None:
        self._limits = limits
        self._lock = lock
        self._held = held
        self._locked = False
        self._kept = 0

    def check(self, size: int, deadline: Deadline) -> None:
        """Wait for the lock if an answer of `size` bytes needs it. Raises Unavailable if it is too large."""
        if size > self._limits.body or self._kept + size > self._limits.total:
            raise Unavailable("too_large")
        if deadline.expired:
            raise Unavailable("deadline")
        if self._kept + size > self._limits.large and not self._locked:
            if not self._lock.acquire(timeout=deadline.remaining()):
                raise Unavailable("deadline")
            self._held.callback(self._lock.release)
            self._locked = True

    def keep(self, size: int) -> None:
        """Count an answer that stays in memory."""
        self._kept += size


class Client:
    """LibCal client for one run. Thread-safe."""

    def __init__(
        self,
        settings: LibCalSettings,
        log: Log,
        deadline: Deadline,
        *,
        limits: Limits | None = None,
        contact: str = "",
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._log = log
        self._deadline = deadline
        self._limits = limits or Limits()
        self._sleep = sleep
        self._clock = clock
        self._session = _session(contact)
        self._token = ""
        self._token_failure: Unavailable | Misconfigured | None = None
        self._token_lock = threading.Lock()
        self._large_lock = threading.Lock()

    # Causes of a failure that mean that there is no such calendar, not an outage.
    absent: frozenset[str] = frozenset()

    @property
    def refused(self) -> str:
        """The text for the user if the server refuses every calendar."""
        return CREDENTIALS_REFUSED

    @property
    def forbidden(self) -> str:
        """The text for the user if the server refuses one calendar."""
        return "LibCal refuses the calendars: the application needs the scope Calendars (read)"

    def events(
        self, calendar: str, first: date, days: int, held: contextlib.ExitStack | None = None
    ) -> list[Any]:
        """Return the events of `calendar` from `first` to `days` days later (inclusive), each id once.

        If they are large, no other large calendar is read until `held` is closed. Raises Unavailable if any
        page fails, so that an incomplete list is never taken for a complete one.
        """
        with contextlib.ExitStack() as own:
            return self._all_pages(calendar, first, days, self._intake(held or own))

    def _intake(self, held: contextlib.ExitStack) -> Intake:
        return Intake(self._limits, self._large_lock, held)

    def _all_pages(self, calendar: str, first: date, days: int, intake: Intake) -> list[Any]:
        found: list[Any] = []
        seen: set[str] = set()
        first_length = 0
        for page in range(1, self._limits.pages + 1):
            items = self._page(calendar, first, days, page, intake)
            first_length = first_length or len(items)
            before = len(seen)
            # Events without an id are kept: the next step drops and counts them.
            fresh = [item for item in items if _is_new(item, seen)]
            repeated = page > 1 and len(seen) == before
            if repeated and items:
                self._log.warn(
                    "LibCal sent the same events twice; ignoring the second page",
                    calendar=calendar,
                    page=page,
                )
            if repeated or not items:
                return found
            found += fresh
            if len(found) > self._limits.events:
                break
            if not _may_have_next_page(len(items), first_length):
                return found
        self._log.warn("calendar has too many events; ignoring the rest", calendar=calendar, pages=page)
        return found[: self._limits.events]

    def calendars(self) -> list[Any]:
        """Return LibCal's list of calendars. Raises Unavailable."""

        def check(answer: Any) -> None:
            if not isinstance(answer, dict) or not isinstance(answer.get("calendars"), list):
                raise Retryable("not_calendars")

        with contextlib.ExitStack() as held:
            answer = self._authorized(
                "calendars", {}, self._intake(held), seconds=self._limits.calendars_timeout, check=check
            )
        listed: list[Any] = answer["calendars"]
        return listed

    def find_calendars(self) -> dict[str, str]:
        """Return id and name of public calendars that `calendars` leaves out: none in the API."""
        return {}

    def hours(self, places: Sequence[str], first: date, last: date) -> list[Any]:
        """Return LibCal's opening hours of `places` from `first` to `last`. Raises Unavailable."""

        def check(answer: Any) -> None:
            if not isinstance(answer, list):
                raise Retryable("not_hours")

        query = {"from": first.isoformat(), "to": last.isoformat()}
        with contextlib.ExitStack() as held:
            answer: list[Any] = self._authorized(
                f"hours/{','.join(places)}", query, self._intake(held), check=check
            )
        return answer

    def _page(self, calendar: str, first: date, days: int, page: int, intake: Intake) -> list[Any]:
        query = {
            "cal_id": calendar,
            "date": first.isoformat(),
            "days": str(days),
            "limit": str(PAGE_SIZE),
            "page": str(page),
        }

        def check(answer: Any) -> None:
            if not isinstance(answer, dict) or not isinstance(answer.get("events"), list):
                raise Retryable("not_events")

        answer = self._authorized("events", query, intake, check=check, calendar=calendar)
        items: list[Any] = answer["events"]
        return items

    def _authorized(
        self,
        path: str,
        query: dict[str, str],
        intake: Intake,
        *,
        seconds: float = math.inf,
        check: Callable[[Any], None] = lambda _: None,
        **fields: str,
    ) -> Any:
        """GET `path` with the token; on status 401 retry once with a new token."""

        def get(token: str) -> Any:
            deadline = self._deadline.within(seconds)

            def once() -> Any:
                answer = self._send("GET", path, deadline, intake, params=query, auth=_Bearer(token))
                check(answer)
                return answer

            return self._retry(once, deadline, self._limits.tries, **fields)

        token = self._get_token("")
        try:
            return get(token)
        except Unauthorized:
            token = self._get_token(token)
        try:
            return get(token)
        except Unauthorized:
            raise Misconfigured(CREDENTIALS_REFUSED) from None

    def _get_token(self, refused: str) -> str:
        """Return a token other than `refused`: a new one, or one that another thread has just requested."""
        with self._token_lock:
            if self._token == refused and self._token_failure is None:
                try:
                    self._token = self._retry(self._request_token, self._deadline, self._limits.tries)
                except (Unavailable, Misconfigured) as error:
                    # All threads fail with the first error, instead of asking LibCal again.
                    self._token_failure = error
                else:
                    self._log.hide(self._token)
                    if refused:
                        self._log.info("LibCal token expired; got a new one")
            if self._token_failure is not None:
                raise self._token_failure
            return self._token

    def _request_token(self) -> str:
        form = {
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret,
            "grant_type": "client_credentials",
        }
        try:
            with contextlib.ExitStack() as held:
                intake = self._intake(held)
                answer = self._send("POST", "oauth/token", self._deadline, intake, data=form, auth=NoAuth())
        except Unauthorized:
            raise Misconfigured(CREDENTIALS_REFUSED) from None
        except Unavailable as error:
            if error.cause in ("http_400", "forbidden"):
                raise Misconfigured(CREDENTIALS_REFUSED) from None
            if error.cause.startswith(("http_3", "http_4")):
                raise Misconfigured(WRONG_ADDRESS) from None
            raise
        if isinstance(answer, dict) and (answer.get("error") or answer.get("errors")):
            raise Misconfigured(CREDENTIALS_REFUSED)
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not re.fullmatch(r"[!-~]{1,4096}", token):
            raise Retryable("no_token")
        return token

    def _retry(self, call: Callable[[], Any], deadline: Deadline, tries: int, **fields: str) -> Any:
        """Return the result of `call`, retrying after `Retryable` until the deadline."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return call()
            except Retryable as error:
                cause = "deadline" if deadline.expired else error.cause
                if attempt >= tries:
                    raise Unavailable(cause, attempt) from None
                wait = self._wait(attempt, error, **fields)
                if wait >= deadline.remaining():
                    raise Unavailable(cause, attempt) from None
            except Unavailable as error:
                raise Unavailable(error.cause, attempt) from None
            self._log.info(
                "LibCal request failed; retrying", cause=cause, tries=attempt, wait=round(wait, 2), **fields
            )
            self._sleep(wait)

    def _wait(self, attempt: int, error: Retryable, **fields: str) -> float:
        """Return the seconds to wait: Retry-After up to a limit, else exponential back-off with jitter."""
        cap = self._limits.retry_after
        if error.wait is None:
            return math.ldexp(random.uniform(0.25, 0.75), attempt - 1)  # noqa: S311
        if error.wait > cap:
            asked = int(error.wait)
            self._log.warn(
                "LibCal asked for a long wait before a retry; waiting less",
                cause=error.cause,
                asked=asked,
                wait=cap,
                **fields,
            )
        return min(error.wait, cap)

    def _send(self, method: str, path: str, deadline: Deadline, intake: Intake, **kwargs: Any) -> Any:
        """Send one request and return the JSON response. Raises Retryable, Unauthorized or Unavailable."""
        url = f"{_base(self._settings.url, path)}/{path}"
        body = self._receive(method, url, deadline, intake, **kwargs)
        answer = _parse(body, self._limits.values)
        intake.keep(len(body))
        return answer

    def _receive(self, method: str, url: str, deadline: Deadline, intake: Intake, **kwargs: Any) -> bytearray:
        """Send one request and return its body. Raises Retryable, Unauthorized or Unavailable."""
        seconds = min(self._limits.read_timeout, deadline.remaining())
        if not seconds:
            raise Unavailable("deadline")
        try:
            with self._session.request(
                method,
                url,
                timeout=seconds,
                stream=True,
                allow_redirects=False,
                **kwargs,
            ) as response:
                _check_status(response, self._clock)
                return self._read(response, deadline, intake)
        # urllib3 raises ValueError for some invalid headers.
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise Retryable(cause_of(error)) from None

    def _read(self, response: requests.Response, deadline: Deadline, intake: Intake) -> bytearray:
        """Return the decoded body, reading only as much as the socket has available.

        Checks size and deadline after each piece: waiting for a full chunk could take a slow server minutes,
        and a gzip bomb must not be unpacked at once.
        """
        body = bytearray()
        try:
            while piece := response.raw.read1(65_536, decode_content=True):
                intake.check(len(body) + len(piece), deadline)
                body += piece
        except Unavailable:
            body.clear()  # the exception's traceback would keep it in memory
            raise
        return body


def connect(
    settings: Settings, libcal: LibCalSettings, log: Log, deadline: Deadline, limits: Limits | None = None
) -> Client:
    """Return the client for SOURCE: LibCal's API, or calendar feeds."""
    if libcal.source != ICS:
        return Client(libcal, log, deadline, limits=limits, contact=settings.site_url)
    from fetching.feed_client import FeedClient  # its libraries take as long to load as all others

    return FeedClient(libcal, log, deadline, zone=settings.timezone, limits=limits, contact=settings.site_url)


def _session(contact: str) -> requests.Session:
    session = requests.Session()
    session.headers["Accept"] = "application/json"
    session.headers["Accept-Encoding"] = "gzip"
    session.headers["User-Agent"] = user_agent(contact)
    # No cookies: they would leak from one call to the next, and between threads.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _base(url: str, path: str) -> str:
    """Return the API's address for `path`. LibCal has events at /1.1, but hours may be at /api/1.1 only."""
    return re.sub(r"(?<!/api)/(\d+\.\d+)\Z", r"/api/\1", url) if path.startswith("hours/") else url


def user_agent(contact: str) -> str:
    """Return the User-Agent, with the address of the published site if it has one."""
    return f"events-display/{VERSION}" + (f" (+{contact})" if contact else "")


def _check_status(response: requests.Response, clock: Callable[[], float]) -> None:
    status = response.status_code
    if status == 401:
        raise Unauthorized
    if status == 403:
        raise Unavailable("forbidden")
    if status == 429 or status >= 500:
        raise Retryable(f"http_{status}", retry_after(response.headers.get("Retry-After", ""), clock()))
    if status != 200:
        raise Unavailable(f"http_{status}")


def retry_after(text: str, now: float) -> float | None:
    """Return the seconds in a Retry-After header; None if it is empty, zero, past or invalid.

    The header is a number of seconds or a date (RFC 9110, 10.2.3).
    """
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,15}", text):
        return float(text) or None
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        wait = (moment - datetime.fromtimestamp(now, UTC)).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return wait if wait > 0.0 else None


def _parse(body: bytearray, values: int) -> Any:
    """Return the JSON in `body`. Control characters and single bad bytes in texts are accepted.

    Raises Unavailable if it has more than about `values` values: `[[],[],...]` takes twenty times its size.
    """

    def refuse(constant: str) -> Never:
        raise ValueError(f"{constant} is not JSON")

    def integer(digits: str) -> int | None:
        # Python refuses to convert more than 4,300 digits.
        return int(digits) if len(digits) <= 40 else None

    if sum(map(body.count, (b",", b"[", b"{"))) > values:
        raise Unavailable("too_large")
    try:
        text = decoded(body, json.detect_encoding(bytes(body[:4])))
        return json.loads(text, strict=False, parse_constant=refuse, parse_int=integer)
    except ValueError:
        raise Retryable("not_json") from None
    except RecursionError:
        raise Retryable("too_deep") from None


def decoded(body: bytearray, encoding: str) -> str:
    """Return the text of `body`, with single bad bytes read as Windows-1252. Raises ValueError."""
    text = body.decode(encoding, "surrogateescape")
    return text.translate(_WINDOWS) if _BAD_BYTE.search(text) else text


# Bytes that are not UTF-8, as Windows-1252: staff paste from Word, and old databases keep it.
_BAD_BYTE = re.compile("[\udc80-\udcff]")
_WINDOWS = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}


def _is_new(item: Any, seen: set[str]) -> bool:
    """Return whether the id of `item` is new, and add it to `seen`. An item without an id is always new."""
    key = item.get("id") if isinstance(item, dict) else None
    if not isinstance(key, str | int):
        return True
    if str(key) in seen:
        return False
    seen.add(str(key))
    return True


def _may_have_next_page(length: int, first_length: int) -> bool:
    """Return whether there may be another page after one of `length` events.

    A page shorter than the requested limit is the last one, unless the server has a lower limit of its own.
    Then a full page is as long as the first one, which has at least LibCal's default length.
    """
    return length >= PAGE_SIZE or (first_length >= DEFAULT_PAGE_SIZE and length >= first_length)
