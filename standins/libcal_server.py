"""Stand-in for LibCal's API v1.1 and its public feeds that responds like LibCal, including its oddities.

Usage: python -m standins.libcal_server [--events FILE [--fold DAYS]] [--port N] [--now ISO] [--timezone ZONE]

Prints its address on stdout and serves until SIGTERM or SIGINT. Serves the sample library, or the real events
of FILE ({"events": [...]} in v1.1 format), moved by whole weeks into the future; --fold moves each event so
that all of them are within DAYS. The credentials are CLIENT_ID and CLIENT_SECRET below.

Tests and simulations control it through /_standin:
  POST   /_standin/faults        activate a fault: {"kind": "status", "status": 503, "times": 1, ...}
  GET, DELETE /_standin/faults   list or clear the active faults (for the kinds see libcal_faults.py)
  GET, DELETE /_standin/log      list or clear the logged requests
  PATCH, DELETE /_standin/events/<id>   change an event (?remove=key,key deletes fields); delete it
  GET, POST /_standin/events     list all events; add one: {"title", "start", "end", "calendar": id, ...}
  PATCH  /_standin/calendars/<id>   change a calendar, such as its visibility
  PATCH  /_standin/hours/<id>    change opening hours: {"2026-03-03": {"status": "closed"}, ...}
  PUT    /_standin/clock         {"now": "2026-03-03T09:00-05:00"}, or null for the real clock
  PATCH  /_standin/tokens        {"expires_in": seconds or null, "revoke_old": false, "refusal": 400 or 401}
  DELETE /_standin/tokens        expire all tokens

LibCal's documentation leaves some behavior open. The stand-in does this: a new token does not revoke earlier
ones (revoke_old=True does); `limit` and `days` above the maximum are reduced to it; the response includes
events that began before `date` and still run; an unknown calendar is empty; `cal_id` can be a list.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import re
import secrets
import sys
import threading
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Self
from urllib.parse import urlsplit
from zlib import crc32
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, Response, g, request

from standins import hours, libcal_file, sample
from standins.libcal_control import control
from standins.libcal_faults import ANSWERS, CHANGES, EVENTS, IGNORED, Fault
from standins.public_feed import public_feed
from standins.records import Record, note_fields, record
from standins.serving import serve, wait_for_signal

PICTURES = Path(__file__).parent / "pictures"
CLIENT_ID = "1001"
CLIENT_SECRET = "5ec2e75ec2e75ec2e75ec2e75ec2e75e"
DEFAULT_LIMIT, MAX_LIMIT = 20, 500
DEFAULT_DAYS, MAX_DAYS = 30, 365


@dataclasses.dataclass(slots=True, kw_only=True)
class Request:
    """One logged request and the status of its response (0: no response)."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    faults: list[str] = dataclasses.field(default_factory=list)
    status: int = 0


class LibCal:
    """The stand-in; serves while its `with` block runs. All attributes may be changed meanwhile.

    `now` None means the real clock. Without `events` it serves the sample library. If `expires_in` is None,
    token responses do not have that key. `refusal` is the status for wrong credentials.
    """

    client_id = CLIENT_ID
    client_secret = CLIENT_SECRET

    def __init__(
        self,
        events: Iterable[Record] | None = None,
        calendars: Iterable[Record] = sample.CALENDARS,
        *,
        zone: ZoneInfo = sample.ZONE,
        now: datetime | None = None,
        port: int = 0,
        expires_in: int | None = 3600,
        revoke_old: bool = False,
        refusal: int = 401,
    ) -> None:
        self.zone, self.now, self.port = zone, now, port
        self.expires_in, self.revoke_old, self.refusal = expires_in, revoke_old, refusal
        if events is None:
            events = sample.events(self.clock().date())
        self.events: dict[str, Record] = {str(event["id"]): event for event in events}
        self.calendars: dict[str, Record] = {str(item["calid"]): dict(item) for item in calendars}
        # The opening hours of each place, by day.
        self.hours = hours.sample(self.clock().date())
        self.faults: list[Fault] = []
        self.log: list[Request] = []
        self.url = ""
        self.stopping = threading.Event()
        self._tokens: dict[str, datetime] = {}
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        self._stack = contextlib.ExitStack()
        self.stopping.clear()
        self.url = self._stack.enter_context(serve(_app(self), self.port))
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._stack.close()

    @property
    def settings(self) -> dict[str, str]:
        """The settings for events-display to fetch all public calendars from it."""
        public = [key for key, item in self.calendars.items() if item["visibility"] == "Public"]
        return {
            "LIBCAL_URL": self.url,
            "LIBCAL_CLIENT_ID": self.client_id,
            "LIBCAL_CLIENT_SECRET": self.client_secret,
            "LIBCAL_CALENDARS": ",".join(public),
            "TIMEZONE": self.zone.key,
        }

    def load(self, path: Path, fold: int | None = None) -> None:
        """Serve the events and calendars of a file instead, moved into the future (see libcal_file)."""
        found, today = libcal_file.load(path), self.clock().date()
        moved = (
            libcal_file.folded(found, today, self.zone, fold)
            if fold
            else libcal_file.ahead(found, today, self.zone)
        )
        self.events = {str(event["id"]): event for event in moved}
        self.calendars = {str(item["calid"]): item for item in libcal_file.calendars(found)}

    def clock(self) -> datetime:
        """Return the stand-in's current time, in its time zone."""
        return (self.now or datetime.now(self.zone)).astimezone(self.zone)

    def fail(self, kind: str, **how: Any) -> None:
        """Activate a fault; see libcal_faults.Fault."""
        with self._lock:
            self.faults.append(Fault(kind=kind, **how))

    def recover(self) -> None:
        """Clear all faults."""
        with self._lock:
            self.faults.clear()

    def expire_tokens(self) -> None:
        """Refuse all earlier tokens from now on."""
        with self._lock:
            self._tokens.clear()

    def edit(self, number: object, *, remove: Sequence[str] = (), **fields: Any) -> Record:
        """Change fields of an event, as staff do. Raises KeyError."""
        with self._lock:
            event = {**self.events[str(number)], **fields}
            self.events[str(number)] = {key: event[key] for key in event if key not in remove}
            return self.events[str(number)]

    def add(self, *, title: str, start: str, end: str, calendar: object, **fields: Any) -> Record:
        """Add an event with a new id (or `id`); times are ISO 8601, local ones without an offset."""
        with self._lock:
            taken = [int(key) for key in self.events if key.isdigit()]
            number = fields.pop("id", None) or max(taken, default=0) + 1
            times = [datetime.fromisoformat(text) for text in (start, end)]
            times = [each if each.tzinfo else each.replace(tzinfo=self.zone) for each in times]
            event = record(number, self.calendars[str(calendar)], title, times[0], times[1], **fields)
            self.events[str(number)] = event
            return event

    def remove(self, number: object) -> None:
        """Delete an event. Raises KeyError."""
        with self._lock:
            del self.events[str(number)]

    def requests(self, path: str = "") -> list[Request]:
        """Return the logged requests whose path contains `path`."""
        with self._lock:
            return [entry for entry in self.log if path in entry.path]

    def new_token(self) -> str:
        """Return a new token."""
        token = secrets.token_hex(20)
        with self._lock:
            if self.revoke_old:
                self._tokens.clear()
            lifetime = 3600 if self.expires_in is None else self.expires_in
            self._tokens[token] = self.clock() + timedelta(seconds=lifetime)
        return token

    def knows(self, token: str) -> bool:
        """Return whether a token is valid."""
        with self._lock:
            expiry = self._tokens.get(token)
        return expiry is not None and self.clock() < expiry

    def hit(self, path: str, calendars: list[str], page: int) -> list[Fault]:
        """Return the faults that apply to this request, and count it."""
        with self._lock:
            return [fault for fault in self.faults if fault.hits(path, calendars, page)]


def _app(libcal: LibCal) -> Flask:
    app = Flask(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = True  # a fault that hangs up is not an error to report
    for number, prefix in enumerate(("/1.1", "/api/1.1")):
        app.register_blueprint(_api(libcal), url_prefix=prefix, name=f"api{number}")
    app.register_blueprint(public_feed(libcal))
    app.register_blueprint(control(libcal), url_prefix="/_standin")

    @app.before_request
    def meet_faults() -> Response | None:
        g.faults = []
        if request.path.startswith("/_standin"):
            return None
        faults = libcal.hit(request.path.removeprefix("/api"), _ids("cal_id") or _ids("cid"), _page())
        names = [fault.kind for fault in faults]
        g.faults, g.entry = faults, _entry(names)
        libcal.log.append(g.entry)
        for fault in faults:
            if fault.kind == "delay":
                libcal.stopping.wait(fault.seconds)
        for fault in faults:
            if fault.kind in ANSWERS:
                return ANSWERS[fault.kind](fault, libcal.stopping)
        return None

    @app.after_request
    def change(response: Response) -> Response:
        if "entry" in g:
            g.entry.status = response.status_code
        for fault in g.faults:
            if fault.kind in CHANGES:
                response = CHANGES[fault.kind](fault, response, libcal.stopping)
        return response

    @app.get("/images/<path:name>")
    def image(name: str) -> Response:
        response = Response(_picture(PurePosixPath(name).name).read_bytes(), content_type="image/webp")
        response.add_etag()
        response.make_conditional(request)
        return response

    return app


def _picture(name: str) -> Path:
    """Return the picture of that name; for the name of a real library's picture, one of ours."""
    ours = sorted(PICTURES.iterdir())
    return next((file for file in ours if file.name == name), ours[crc32(name.encode()) % len(ours)])


def _entry(faults: list[str]) -> Request:
    headers = {key: request.headers.get(key, "") for key in ("Accept", "User-Agent", "If-None-Match")}
    # Log the scheme of the authorization, never the token.
    headers["Authorization"] = request.headers.get("Authorization", "").partition(" ")[0]
    return Request(
        method=request.method,
        path=request.path,
        query=request.args.to_dict(),
        headers=headers,
        faults=faults,
    )


def _api(libcal: LibCal) -> Blueprint:
    api = Blueprint("api", __name__)

    @api.post("/oauth/token")
    def token() -> Response:
        form = request.get_json(silent=True) if request.is_json else request.form
        given = form if form is not None else {}
        if str(given.get("grant_type", "")) != "client_credentials":
            return answer({"error": "incomplete required parameters"}, 400)
        pair = str(given.get("client_id", "")), str(given.get("client_secret", ""))
        if pair != (libcal.client_id, libcal.client_secret):
            return answer({"error": "invalid_client"}, libcal.refusal)
        granted = {"access_token": libcal.new_token(), "token_type": "Bearer", "scope": "cal_r"}
        return answer(granted if libcal.expires_in is None else {**granted, "expires_in": libcal.expires_in})

    @api.before_request
    def authorize() -> Response | None:
        if request.path.endswith("/oauth/token"):
            return None
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and libcal.knows(given.strip()):
            return None
        return answer({"error": "The access token provided is invalid"}, 401)

    @api.get("/calendars")
    def calendars() -> Response:
        return answer({"calendars": list(libcal.calendars.values())})

    @api.get("/events")
    def events() -> Response:
        if not _ids("cal_id"):
            return answer({"error": "incomplete required parameters"}, 400)
        try:
            chosen = _chosen(libcal, _window(libcal))
        except ValueError as error:
            return answer({"error": f"invalid parameter: {error}"}, 400)
        return answer({"events": _with_faults([_as_sent(event) for event in chosen])})

    @api.get("/hours/<ids>")
    def opening_hours(ids: str) -> Response:
        today = libcal.clock().date().isoformat()
        first, last = request.args.get("from", today), request.args.get("to", today)
        return answer(hours.answer(libcal.hours, ids.split(","), first, last))

    @api.get("/events/<ids>")
    def some_events(ids: str) -> Response:
        found = [libcal.events[key] for key in ids.split(",") if key in libcal.events]
        return answer({"events": _with_faults([_as_sent(event) for event in found])})

    return api


@dataclasses.dataclass(frozen=True, slots=True)
class _Window:
    """The requested days, from midnight to midnight, and the requested page."""

    begin: datetime
    end: datetime
    limit: int
    page: int

    def holds(self, event: Record) -> bool:
        """Return whether an event is in the window; an event with invalid times always is."""
        try:
            start, end = (datetime.fromisoformat(event[key]) for key in ("start", "end"))
            return start < self.end and (end > self.begin or start >= self.begin)
        except (KeyError, TypeError, ValueError):
            return True


def _window(libcal: LibCal) -> _Window:
    ignored = {IGNORED[fault.kind] for fault in g.faults if fault.kind in IGNORED}
    first = _date(request.args.get("date", "")) or libcal.clock().date()
    days = _number("days", DEFAULT_DAYS, 0, MAX_DAYS) if "days" not in ignored else MAX_DAYS
    return _Window(
        begin=datetime.combine(first, time.min, libcal.zone),
        end=datetime.combine(first + timedelta(days=days + 1), time.min, libcal.zone),
        limit=_number("limit", DEFAULT_LIMIT, 1, MAX_LIMIT) if "limit" not in ignored else sys.maxsize,
        page=_number("page", 1, 1, sys.maxsize) if "page" not in ignored else 1,
    )


def _chosen(libcal: LibCal, window: _Window) -> list[Record]:
    calendars = _ids("cal_id")
    found = [
        event
        for event in list(libcal.events.values())
        if str(event["calendar"]["id"]) in calendars and window.holds(event) and _passes_filters(event)
    ]
    found.sort(key=_order)
    start = (window.page - 1) * window.limit
    return found[start : start + window.limit]


def _order(event: Record) -> tuple[float, str]:
    try:
        return datetime.fromisoformat(event["start"]).timestamp(), str(event["id"])
    except (KeyError, TypeError, ValueError):
        return 0.0, str(event.get("id"))


def _passes_filters(event: Record) -> bool:
    fields = {"campus": "campus", "category": "category", "audience": "audience", "tag": "internal_tags"}
    return all(
        not _ids(parameter) or set(_ids(parameter)) & _ids_of(event.get(field))
        for parameter, field in fields.items()
    )


def _ids_of(value: Any) -> set[str]:
    items = value if isinstance(value, list) else [value]
    return {str(item["id"]) for item in items if isinstance(item, dict) and "id" in item}


def _as_sent(event: Record) -> Record:
    """Add the requested note fields, and point the image at this server, keeping its odd format."""
    asked = {name for name in ("event_note", "internal_notes") if request.args.get(name) == "1"}
    sent = {**event, **note_fields(asked)}
    image = event.get("featured_image")
    if isinstance(image, str) and image:
        parts = urlsplit(image)
        scheme = "http:" if parts.scheme else ""
        sent["featured_image"] = f"{scheme}//{request.host}/images/{parts.netloc}{parts.path}"
    return sent


def _with_faults(events: list[Any]) -> Any:
    answered: Any = events
    for fault in g.faults:
        if fault.kind in EVENTS:
            answered = EVENTS[fault.kind](answered)
    return answered


def _ids(parameter: str) -> list[str]:
    return [item.strip() for item in request.args.get(parameter, "").split(",") if item.strip()]


def _page() -> int:
    text = request.args.get("page", "1")
    return int(text) if text.isdecimal() else 1


def _number(parameter: str, default: int, low: int, high: int) -> int:
    text = request.args.get(parameter, "")
    return min(max(int(text), low), high) if text else default


def _date(text: str) -> date | None:
    """Parse YYYY-MM-DD, with or without leading zeros."""
    return date(*(int(part) for part in text.split("-"))) if text else None


def answer(data: object, status: int = 200) -> Response:
    """Return a JSON response as LibCal's PHP writes it."""
    return Response(php_json(data), status, content_type="application/json")


def php_json(data: object) -> str:
    """Return JSON as PHP's json_encode writes it with its JSON_HEX_* flags.

    Strings contain no < > & ' " / and no non-ASCII characters.
    """
    text = json.dumps(data, separators=(",", ":"))
    text = re.sub(r"\\.", lambda pair: r"\u0022" if pair[0] == r"\"" else pair[0], text)
    for character in "<>&'":
        text = text.replace(character, rf"\u{ord(character):04X}")
    return text.replace("/", r"\/")


def content_options() -> argparse.ArgumentParser:
    """Return the options for the served events, which the demo has too."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--events", type=Path, metavar="FILE", help="serve the events of FILE, JSON in v1.1 format"
    )
    parser.add_argument(
        "--fold", type=int, metavar="DAYS", help="move each event by whole weeks, to within DAYS"
    )
    zone = os.environ.get("TIMEZONE") or sample.ZONE.key
    parser.add_argument(
        "--timezone", type=ZoneInfo, default=zone, metavar="ZONE", help="time zone; default: $TIMEZONE"
    )
    return parser


def from_options(options: argparse.Namespace, **how: Any) -> LibCal:
    """Return a LibCal for the values of `content_options`. Raises OSError or ValueError for a bad FILE."""
    libcal = LibCal(zone=options.timezone, **how)
    if options.events:
        libcal.load(options.events, options.fold)
    return libcal


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        description="Stand-in for LibCal's API v1.1", parents=[content_options()], allow_abbrev=False
    )
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    parser.add_argument(
        "--now", type=datetime.fromisoformat, metavar="ISO", help="fixed time instead of the real clock"
    )
    options = parser.parse_args(argv)
    now = options.now
    if now is not None and now.tzinfo is None:
        now = now.replace(tzinfo=options.timezone)
    try:
        standin = from_options(options, now=now, port=options.port)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    with standin as libcal:
        print(libcal.url, flush=True)
        wait_for_signal()
    return 0


if __name__ == "__main__":
    sys.exit(main())
