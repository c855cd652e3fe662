from __future__ import annotations

import gzip
import io
import json
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from fetching.deadline import Deadline
from fetching.libcal import (
    CREDENTIALS_REFUSED,
    WRONG_ADDRESS,
    Client,
    Limits,
    Misconfigured,
    Unavailable,
    retry_after,
)
from log import Log
from settings import ROOT, VERSION, CalendarSetting, LibCalSettings
from support.raw_server import RawServer, head, raw_server

BASE = "https://libcal.example.org/1.1"
SECRET = "0123456789abcdef0123456789abcdef"
FIRST = date(2026, 3, 3)


class Clock:
    """A clock that moves only during sleep()."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


class World:
    """A client with a test clock and its log."""

    def __init__(self, base: str = BASE, seconds: float = 60, **limits: Any) -> None:
        self.clock = Clock()
        self.text = io.StringIO()
        settings = LibCalSettings(
            url=base,
            client_id="42",
            client_secret=SECRET,
            calendars=(CalendarSetting(id="7", label=""),),
        )
        self.client = Client(
            settings,
            Log("fetch", run="r", stream=self.text),
            Deadline(seconds, clock=self.clock),
            limits=Limits(**limits),
            contact="https://events.example.org",
            sleep=self.clock.sleep,
            clock=lambda: 1_772_546_400.0,  # 2026-03-03T14:00:00Z
        )

    @property
    def log(self) -> str:
        return self.text.getvalue()

    def events(self, calendar: str = "7") -> list[Any]:
        return self.client.events(calendar, FIRST, 30)


@pytest.fixture
def http() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(f"{BASE}/oauth/token", json={"access_token": "tok-1", "expires_in": 3600})
        yield mock


def asked(mock: responses.RequestsMock, path: str) -> list[Any]:
    return [call for call in mock.calls if urlsplit(str(call.request.url)).path.endswith(path)]


def query(call: Any) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(str(call.request.url)).query).items()}


def items(count: int, first: int = 1) -> list[dict[str, Any]]:
    return [{"id": number, "title": f"Event {number}"} for number in range(first, first + count)]


# --- Requests --------------------------------------------------------------------------------


def test_the_version_is_the_same_as_in_pyproject() -> None:
    assert f'\nversion = "{VERSION}"\n' in (ROOT / "pyproject.toml").read_text()


def test_a_run_sends_the_credentials_as_a_form_and_then_the_token(
    http: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine libcal.example.org login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    http.get(f"{BASE}/events", json={"events": items(2)})

    assert World().events() == items(2)

    token, events = http.calls
    assert parse_qs(str(token.request.body)) == {
        "client_id": ["42"],
        "client_secret": [SECRET],
        "grant_type": ["client_credentials"],
    }
    assert "Authorization" not in token.request.headers
    assert events.request.headers["Authorization"] == "Bearer tok-1"
    assert events.request.headers["Accept"] == "application/json"
    assert events.request.headers["User-Agent"] == f"events-display/{VERSION} (+https://events.example.org)"
    assert query(events) == {"cal_id": "7", "date": "2026-03-03", "days": "30", "limit": "500", "page": "1"}


def test_the_list_of_calendars_is_requested_once(http: responses.RequestsMock) -> None:
    http.get(f"{BASE}/calendars", json={"calendars": [{"calid": 7}]})
    assert World().client.calendars() == [{"calid": 7}]


@pytest.mark.parametrize(
    ("answer", "tries"),
    [({"status": 503}, 4), ({"json": []}, 4), ({"json": {"calendars": {}}}, 4), ({"status": 403}, 1)],
)
def test_a_failed_list_of_calendars_is_retried_like_a_page(
    http: responses.RequestsMock, answer: dict[str, Any], tries: int
) -> None:
    http.get(f"{BASE}/calendars", **answer)
    with pytest.raises(Unavailable):
        World().client.calendars()
    assert len(asked(http, "/calendars")) == tries


# --- Pages -----------------------------------------------------------------------------------


def serve(mock: responses.RequestsMock, total: int, *, most: int = 500, page_ignored: bool = False) -> None:
    """Respond like LibCal, but with at most `most` events on a page, even if `limit` is higher."""

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        wanted = parse_qs(urlsplit(str(request.url)).query)
        size = min(int(wanted["limit"][0]), most)
        page = 1 if page_ignored else int(wanted["page"][0])
        found = items(total)[(page - 1) * size : page * size]
        return 200, {}, json.dumps({"events": found})

    mock.add_callback(responses.GET, f"{BASE}/events", callback=answer)


@pytest.mark.parametrize("most", [20, 100, 500, 1000])
@pytest.mark.parametrize("total", [0, 1, 19, 20, 21, 40, 500, 501, 1000])
def test_all_events_are_fetched_with_any_page_size(
    http: responses.RequestsMock, total: int, most: int
) -> None:
    serve(http, total, most=most)
    world = World(pages=60)
    assert world.events() == items(total)
    assert "warn" not in world.log


def test_a_short_first_page_is_the_last_one(http: responses.RequestsMock) -> None:
    serve(http, 19)
    World().events()
    assert len(asked(http, "/events")) == 1


@pytest.mark.parametrize("most", [20, 500])
def test_a_repeated_page_ends_the_paging(http: responses.RequestsMock, most: int) -> None:
    serve(http, 800, most=most, page_ignored=True)
    world = World()
    assert world.events() == items(most)
    assert len(asked(http, "/events")) == 2
    assert (
        'level=warn step=fetch run=r msg="LibCal sent the same events twice; ignoring the second page" calendar=7 page=2'
        in world.log
    )


def test_an_event_on_two_pages_is_returned_once(http: responses.RequestsMock) -> None:
    http.get(f"{BASE}/events", json={"events": items(20)})
    http.get(f"{BASE}/events", json={"events": items(20, first=11)})
    http.get(f"{BASE}/events", json={"events": []})
    assert World().events() == items(30)


def test_the_number_of_pages_is_limited(http: responses.RequestsMock) -> None:
    serve(http, 100_000)
    world = World(pages=3)
    assert len(world.events()) == 1500
    assert "ignoring the rest" in world.log


def test_the_number_of_events_is_limited(http: responses.RequestsMock) -> None:
    http.get(f"{BASE}/events", json={"events": [1] * 5000})
    world = World(events=1000)
    assert len(world.events()) == 1000
    assert "ignoring the rest" in world.log


def test_events_without_an_id_are_returned_but_do_not_continue_the_paging(
    http: responses.RequestsMock,
) -> None:
    broken: list[Any] = [None, "text", {"title": "no id"}, {"id": None}, {"id": []}] * 5
    http.get(f"{BASE}/events", json={"events": broken})
    assert World().events() == broken
    assert len(asked(http, "/events")) == 2


def test_a_failed_page_fails_the_calendar(http: responses.RequestsMock) -> None:
    http.get(f"{BASE}/events", json={"events": items(500)})
    http.get(f"{BASE}/events", status=503)
    with pytest.raises(Unavailable) as caught:
        World().events()
    assert (caught.value.cause, caught.value.tries) == ("http_503", 4)


# --- Retries ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_temporary_failure_is_retried_with_growing_pauses(
    http: responses.RequestsMock, status: int
) -> None:
    for _ in range(3):
        http.get(f"{BASE}/events", status=status)
    http.get(f"{BASE}/events", json={"events": items(1)})
    world = World()
    assert world.events() == items(1)
    pauses = world.clock.sleeps
    assert len(pauses) == 3
    assert all(low <= pause <= 3 * low for low, pause in zip((0.25, 0.5, 1.0), pauses, strict=True))


def test_a_request_is_tried_four_times(http: responses.RequestsMock) -> None:
    http.get(f"{BASE}/events", status=500)
    with pytest.raises(Unavailable) as caught:
        World().events()
    assert len(asked(http, "/events")) == 4
    assert (caught.value.cause, caught.value.tries) == ("http_500", 4)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"<!DOCTYPE html><title>Maintenance</title>", "not_json"),
        (b'{"events":[{"id":1,"title":"cut', "not_json"),
        (b'{"events":[{"id":NaN}]}', "not_json"),
        (b"\xff\xfe\x00", "not_json"),
        (b"", "not_json"),
        (b'{"error":"Error."}', "not_events"),
        (b'{"events":{"1":{"id":1}}}', "not_events"),
        (b'{"events":null}', "not_events"),
        (b"[]", "not_events"),
        (b"null", "not_events"),
        (b"[" * 200_000, "too_deep"),
    ],
)
def test_a_response_without_a_list_of_events_is_retried(
    http: responses.RequestsMock, body: bytes, cause: str
) -> None:
    http.get(f"{BASE}/events", body=body)
    with pytest.raises(Unavailable) as caught:
        World().events()
    assert (caught.value.cause, caught.value.tries) == (cause, 4)
    http.replace(responses.GET, f"{BASE}/events", json={"events": items(1)})
    assert World().events() == items(1)


@pytest.mark.parametrize(("status", "cause"), [(403, "forbidden"), (404, "http_404"), (302, "http_302")])
def test_a_permanent_failure_is_not_retried(http: responses.RequestsMock, status: int, cause: str) -> None:
    http.get(f"{BASE}/events", status=status, headers={"Location": "https://elsewhere.example.org/"})
    with pytest.raises(Unavailable) as caught:
        World().events()
    assert (caught.value.cause, caught.value.tries) == (cause, 1)
    assert len(http.calls) == 2


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("3", 3, 3),
        ("Tue, 03 Mar 2026 14:00:07 GMT", 7, 7),
        ("99999", 10, 10),
        ("Tue, 03 Mar 2099 14:00:00 GMT", 10, 10),
        ("soon", 0.25, 0.75),
        ("-5", 0.25, 0.75),
        ("0", 0.25, 0.75),
        ("9" * 400, 0.25, 0.75),
        ("Mon, 02 Mar 2026 14:00:00 GMT", 0.25, 0.75),
        ("Tue, 99 Foo 2026 14:00:00 GMT", 0.25, 0.75),
    ],
)
def test_retry_after_is_honored_up_to_a_limit(
    http: responses.RequestsMock, header: str, low: float, high: float
) -> None:
    http.get(f"{BASE}/events", status=429, headers={"Retry-After": header})
    http.get(f"{BASE}/events", json={"events": []})
    world = World()
    world.events()
    [pause] = world.clock.sleeps
    assert low <= pause <= high
    assert (
        'msg="LibCal asked for a long wait before a retry; waiting less" cause=http_429' in world.log
    ) == (low == 10)


def test_retry_after_may_lack_a_time_zone() -> None:
    assert retry_after("Tue, 03 Mar 2026 14:00:07 -0000", 1_772_546_400.0) == 7


def test_no_retry_waits_beyond_the_deadline(http: responses.RequestsMock) -> None:
    http.get(f"{BASE}/events", status=503, headers={"Retry-After": "9"})
    world = World(seconds=20)
    with pytest.raises(Unavailable) as caught:
        world.events()
    assert world.clock.sleeps == [9, 9]
    assert (caught.value.cause, caught.value.tries) == ("http_503", 3)


def test_no_request_is_sent_after_the_deadline(http: responses.RequestsMock) -> None:
    world = World(seconds=5)
    world.clock.now += 5
    with pytest.raises(Unavailable, match="deadline"):
        world.events()
    assert not http.calls


# --- Token -----------------------------------------------------------------------------------


def test_an_expired_token_is_renewed_once(http: responses.RequestsMock) -> None:
    http.replace(responses.POST, f"{BASE}/oauth/token", json={"access_token": "tok-1"})
    http.post(f"{BASE}/oauth/token", json={"access_token": "tok-2"})
    http.get(f"{BASE}/events", status=401, json={"error": "expired"})
    http.get(f"{BASE}/events", json={"events": items(1)})
    world = World()
    assert world.events() == items(1)
    assert [call.request.headers["Authorization"] for call in asked(http, "/events")] == [
        "Bearer tok-1",
        "Bearer tok-2",
    ]
    assert 'level=info step=fetch run=r msg="LibCal token expired; got a new one"' in world.log
    assert "tok-" not in world.log


def test_threads_with_an_expired_token_share_the_new_one(http: responses.RequestsMock) -> None:
    together = threading.Barrier(4)
    tokens = iter(["tok-2", "too many"])

    def renew(_: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        return 200, {}, json.dumps({"access_token": next(tokens)})

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if request.headers["Authorization"] == "Bearer tok-1":
            together.wait(10)
            return 401, {}, "{}"
        return 200, {}, json.dumps({"events": items(1)})

    http.add_callback(responses.POST, f"{BASE}/oauth/token", callback=renew)
    http.add_callback(responses.GET, f"{BASE}/events", callback=answer)
    world = World()
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(world.events())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert results == [items(1)] * 4
    assert len(asked(http, "/oauth/token")) == 2


def test_a_token_that_is_never_accepted_is_reported_as_wrong_credentials(
    http: responses.RequestsMock,
) -> None:
    http.get(f"{BASE}/events", status=401)
    with pytest.raises(Misconfigured, match="check LIBCAL_CLIENT_ID, LIBCAL_CLIENT_SECRET") as caught:
        World().events()
    assert SECRET not in str(caught.value)
    assert [len(asked(http, path)) for path in ("/oauth/token", "/events")] == [2, 2]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"status": 400, "json": {"error": "invalid_client"}}, CREDENTIALS_REFUSED),
        ({"status": 401, "json": {"error": "invalid_client"}}, CREDENTIALS_REFUSED),
        ({"status": 403}, CREDENTIALS_REFUSED),
        ({"status": 200, "json": {"error": "Error."}}, CREDENTIALS_REFUSED),
        ({"status": 200, "json": {"errors": ["Error."]}}, CREDENTIALS_REFUSED),
        ({"status": 302, "headers": {"Location": "https://elsewhere.example.org/"}}, WRONG_ADDRESS),
        ({"status": 307, "headers": {"Location": "https://elsewhere.example.org/"}}, WRONG_ADDRESS),
        ({"status": 404, "body": "<html>"}, WRONG_ADDRESS),
        ({"status": 405}, WRONG_ADDRESS),
    ],
)
def test_refused_credentials_and_a_wrong_address_have_different_messages(
    http: responses.RequestsMock, answer: dict[str, Any], text: str
) -> None:
    http.replace(responses.POST, f"{BASE}/oauth/token", **answer)
    with pytest.raises(Misconfigured) as caught:
        World().events()
    assert str(caught.value) == text
    assert len(http.calls) == 1


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ({"status": 503}, "http_503"),
        ({"body": "<html>"}, "not_json"),
        ({"json": {}}, "no_token"),
        ({"json": []}, "no_token"),
        ({"json": {"access_token": ""}}, "no_token"),
        ({"json": {"access_token": 5}}, "no_token"),
        ({"json": {"access_token": "a\r\nHost: evil"}}, "no_token"),
        ({"body": requests.ConnectionError()}, "connection"),
    ],
)
def test_without_a_token_all_calendars_fail_after_four_tries_in_total(
    http: responses.RequestsMock, answer: dict[str, Any], cause: str
) -> None:
    http.replace(responses.POST, f"{BASE}/oauth/token", **answer)
    world = World()
    for calendar in ("7", "8", "9"):
        with pytest.raises(Unavailable) as caught:
            world.events(calendar)
        assert (caught.value.cause, caught.value.tries) == (cause, 4)
    assert len(http.calls) == 4


# --- Network ---------------------------------------------------------------------------------


def real(server: RawServer, seconds: float = 10, **limits: Any) -> World:
    """A client with the real clock that already has a token, so that it requests only events."""
    world = World(f"{server.url}/1.1", **limits)
    world.client._deadline = Deadline(seconds)
    world.client._token = "tok-1"
    return world


def failure(world: World) -> str:
    with pytest.raises(Unavailable) as caught:
        world.events()
    return caught.value.cause


def test_a_body_sent_byte_by_byte_stops_at_the_deadline() -> None:
    def drip(connection: socket.socket, _: bytes) -> None:
        # The whole response would take ten minutes.
        connection.sendall(head(Content_Length="12000"))
        server.drip(connection, b" " * 12000, 0.05)

    with raw_server(drip) as server:
        assert failure(real(server, seconds=0.5, tries=1)) == "deadline"


def test_a_silent_server_is_a_timeout() -> None:
    with raw_server(lambda connection, request: server.silence(connection, request)) as server:
        assert failure(real(server, read_timeout=0.2, tries=2)) == "timeout"
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("data", "causes"),
    [
        (head(Content_Length="500") + b'{"events":[', {"reset", "truncated"}),
        (head(Transfer_Encoding="chunked") + b"ff\r\n{", {"reset", "truncated"}),
        (b"HTTP/1.1 200", {"reset", "not_json"}),
        (b"", {"reset"}),
    ],
)
@pytest.mark.parametrize("ends", [RawServer.reset, socket.socket.close])
def test_a_broken_connection_is_retried(
    data: bytes, causes: set[str], ends: Callable[[socket.socket], None]
) -> None:
    def answer(connection: socket.socket, _: bytes) -> None:
        if data:
            connection.sendall(data)
        ends(connection)

    with raw_server(answer) as server:
        assert failure(real(server, tries=2)) in causes
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "data",
    [b"what is this\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", head(Content_Length="x")],
)
def test_an_invalid_http_response_is_an_ordinary_failure(data: bytes) -> None:
    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(data)

    with raw_server(answer) as server:
        assert failure(real(server, tries=1)) in ("reset", "connection", "not_json")


def test_a_closed_port_an_unknown_name_and_missing_tls_have_different_causes() -> None:
    with raw_server(lambda connection, _: connection.sendall(b"plain text")) as server:
        tls = World(server.url.replace("http", "https") + "/1.1", tries=1)
        assert failure(tls) == "tls"
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    assert failure(World(f"http://127.0.0.1:{port}/1.1", tries=1)) == "refused"
    assert failure(World("https://libcal.invalid/1.1", tries=1)) == "dns"


def test_a_gzip_bomb_is_unpacked_only_up_to_the_limit() -> None:
    bomb = gzip.compress(b'{"events":[' + b" " * 100_000_000)

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head(Content_Encoding="gzip", Content_Length=str(len(bomb))) + bomb)

    with raw_server(answer) as server:
        world = real(server, body=1_000_000)
        tracemalloc.start()
        try:
            assert failure(world) == "too_large"
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()
        assert len(server.requests) == 1


def test_invalid_gzip_data_is_an_ordinary_failure() -> None:
    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head(Content_Encoding="gzip", Content_Length="20") + b"x" * 20)

    with raw_server(answer) as server:
        assert failure(real(server, tries=1)) == "undecodable"


def test_an_infinite_body_is_read_only_up_to_the_limit() -> None:
    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head(Connection="close"))
        while not server.stopped.is_set():
            connection.sendall(b" " * 65_536)

    with raw_server(answer) as server:
        assert failure(real(server, body=1_000_000)) == "too_large"


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b'{"events":[{"id":1,"title":"tab\tand\x01control"}]}', "tab\tand\x01control"),
        (b'{"events":[{"id":1,"title":"two\r\nlines"}]}', "two\r\nlines"),
        (b'{"events":[{"id":1,"title":"it\x92s"}]}', "it\u2019s"),
        (b'{"events":[{"id":1,"title":"caf\xe9 caf\xc3\xa9 \xff"}]}', "caf\u00e9 caf\u00e9 \u00ff"),
        (b'{"events":[{"id":1,"title":"cut \xe2\x82"}]}', "cut \u00e2\u201a"),
        (b'\xef\xbb\xbf{"events":[{"id":1,"title":"mark"}]}', "mark"),
        (b'{"events":[{"id":1,"seats":' + b"9" * 5000 + b',"title":"many digits"}]}', "many digits"),
    ],
)
def test_a_bad_byte_or_control_character_costs_no_calendar(
    http: responses.RequestsMock, body: bytes, title: str
) -> None:
    http.get(f"{BASE}/events", body=body)
    (event,) = World(tries=1).events()
    assert event["title"] == title


@pytest.mark.parametrize("item", [b"[]", b"{}", b"0", b'{"a":{}}'])
def test_an_answer_with_too_many_values_is_refused_before_it_is_parsed(
    http: responses.RequestsMock, item: bytes
) -> None:
    http.get(f"{BASE}/events", body=b'{"events":[' + b",".join([item] * 400_000) + b"]}")
    tracemalloc.start()
    try:
        assert failure(World(tries=1)) == "too_large"
        assert tracemalloc.get_traced_memory()[1] < 15_000_000
    finally:
        tracemalloc.stop()


def test_the_pages_of_a_calendar_are_limited_together(http: responses.RequestsMock) -> None:
    serve(http, 2000)
    page = len(json.dumps({"events": items(500)}))
    assert len(World(total=5 * page).events()) == 2000
    assert failure(World(total=3 * page)) == "too_large"


def test_a_large_calendar_keeps_the_lock_until_its_answer_is_used(http: responses.RequestsMock) -> None:
    serve(http, 600)
    world = World(seconds=3600, large=10_000)
    with ExitStack() as held:
        assert len(world.client.events("7", FIRST, 30, held)) == 600
        assert world.client._large_lock.locked()
    assert not world.client._large_lock.locked()
    assert len(world.events()) == 600
    assert not world.client._large_lock.locked()
