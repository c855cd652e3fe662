"""The LibCal stand-in responds like LibCal, and fails only with an active fault."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from standins import libcal_faults, sample
from standins.libcal_server import CLIENT_ID, CLIENT_SECRET, LibCal, php_json
from standins.records import PRIVATE
from support.project_copy import PYTHONPATH, ROOT

NOON = datetime(2026, 3, 3, 12, tzinfo=sample.ZONE)


@pytest.fixture
def libcal() -> Iterator[LibCal]:
    with LibCal(now=NOON) as server:
        yield server


class Client:
    """A minimal client: one token, one GET."""

    def __init__(self, libcal: LibCal) -> None:
        self.url = libcal.url
        self.headers = {"Authorization": f"bearer {libcal.new_token()}"}

    def get(self, path: str, **query: Any) -> requests.Response:
        return requests.get(self.url + path, params=query, headers=self.headers, timeout=10)

    def events(self, calendar: object = 20101, **query: Any) -> Any:
        response = self.get("/1.1/events", cal_id=calendar, **query)
        assert response.status_code == 200, response.text
        return response.json()["events"]


@pytest.fixture
def client(libcal: LibCal) -> Client:
    return Client(libcal)


def _many(libcal: LibCal, count: int, calendar: int = 20102) -> None:
    libcal.events.clear()
    for number in range(count):
        start = NOON + timedelta(minutes=number)
        text = start.isoformat(), (start + timedelta(hours=1)).isoformat()
        libcal.add(title=f"Event {number}", start=text[0], end=text[1], calendar=calendar)


@pytest.mark.parametrize("prefix", ["/1.1", "/api/1.1"])
@pytest.mark.parametrize("body", ["data", "json", "files"])
def test_a_token_can_be_requested_with_a_form_json_or_multipart_body(
    libcal: LibCal, prefix: str, body: str
) -> None:
    fields = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "grant_type": "client_credentials",
    }
    given: Any = {key: (None, value) for key, value in fields.items()} if body == "files" else fields
    tokens = set()
    for _ in range(2):
        response = requests.post(f"{libcal.url}{prefix}/oauth/token", timeout=10, **{body: given})
        assert response.json()["expires_in"] == 3600
        assert response.json()["token_type"] == "Bearer"
        tokens.add(response.json()["access_token"])
    assert len(tokens) == 2


@pytest.mark.parametrize("refusal", [400, 401])
def test_wrong_credentials_are_refused(refusal: int) -> None:
    with LibCal([], refusal=refusal) as libcal:
        fields = {"client_id": CLIENT_ID, "client_secret": "wrong", "grant_type": "client_credentials"}
        response = requests.post(f"{libcal.url}/1.1/oauth/token", data=fields, timeout=10)
    assert (response.status_code, response.json()) == (refusal, {"error": "invalid_client"})


def test_missing_unknown_and_expired_tokens_are_refused(libcal: LibCal, client: Client) -> None:
    assert client.get("/1.1/calendars").status_code == 200
    libcal.now = NOON + timedelta(seconds=3600)
    assert client.get("/1.1/calendars").status_code == 401
    for headers in ({}, {"Authorization": "Bearer none"}):
        response = requests.get(f"{libcal.url}/1.1/calendars", headers=headers, timeout=10)
        assert response.status_code == 401
        assert "error" in response.json()


def test_tokens_are_controlled_over_http(libcal: LibCal, client: Client) -> None:
    address = f"{libcal.url}/_standin/tokens"
    assert requests.patch(address, json={"expires_in": None}, timeout=10).json()["expires_in"] is None
    fields = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "grant_type": "client_credentials"}
    answer = requests.post(f"{libcal.url}/1.1/oauth/token", data=fields, timeout=10).json()
    assert "expires_in" not in answer
    requests.delete(address, timeout=10)
    assert client.get("/1.1/calendars").status_code == 401


def test_a_new_token_can_revoke_earlier_ones(libcal: LibCal, client: Client) -> None:
    libcal.revoke_old = True
    libcal.new_token()
    assert client.get("/1.1/calendars").status_code == 401


def test_a_page_has_20_events_by_default_and_at_most_500(libcal: LibCal, client: Client) -> None:
    _many(libcal, 501)
    assert len(client.events(20102)) == 20
    assert len(client.events(20102, limit=1000)) == 500
    assert [event["title"] for event in client.events(20102, limit=500, page=2)] == ["Event 500"]
    assert client.events(20102, limit=500, page=3) == []


def test_days_are_counted_inclusively_from_today_or_the_given_date(libcal: LibCal, client: Client) -> None:
    libcal.events.clear()
    for day in ("2026-03-02", "2026-03-03", "2026-04-02", "2026-04-03"):
        libcal.add(title=day, start=f"{day}T23:00", end=f"{day}T23:30", calendar=20101)

    def days(**query: Any) -> list[str]:
        return [event["title"] for event in client.events(**query)]

    assert days() == ["2026-03-03", "2026-04-02"]
    assert days(days=0) == ["2026-03-03"]
    assert days(date="2026-3-2", days=1) == ["2026-03-02", "2026-03-03"]
    assert days(days=9999) == ["2026-03-03", "2026-04-02", "2026-04-03"]


def test_events_that_began_earlier_and_still_run_are_listed(client: Client) -> None:
    assert "Pieced Together: Quilts of the River Valley" in {event["title"] for event in client.events()}


def test_a_list_of_calendars_and_filters_can_be_given(libcal: LibCal, client: Client) -> None:
    both = client.events("20101,20102", limit=500)
    assert {event["calendar"]["id"] for event in both} == {20101, 20102}
    assert [event["start"] for event in both] == sorted(event["start"] for event in both)
    teens = client.events("20101,20102", limit=500, audience="704", category="")
    assert teens
    assert all("Teens" in {item["name"] for item in event["audience"]} for event in teens)
    assert client.get("/1.1/events").status_code == 400


def test_json_is_written_as_php_writes_it(libcal: LibCal, client: Client) -> None:
    tricky = 'é 🪴 <b> & \' " / \\" \\'
    libcal.edit(11_870_000, title=tricky)
    text = client.get("/1.1/events/11870000").text
    assert r"\u00e9 \ud83e\udeb4 \u003Cb\u003E \u0026 \u0027 \u0022 \/ \\\u0022 \\" in text
    assert text.isascii()
    assert json.loads(php_json({"a": tricky})) == {"a": tricky}


def test_calendars_are_listed_with_their_visibility(client: Client) -> None:
    calendars = client.get("/1.1/calendars").json()["calendars"]
    assert {item["calid"]: item["visibility"] for item in calendars} == {
        20101: "Public",
        20102: "Public",
        20103: "Public",
        20109: "Internal",
    }


def test_an_unknown_path_gets_an_html_response(client: Client) -> None:
    response = client.get("/1.1/nonsense")
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


def test_notes_are_added_only_on_request(client: Client) -> None:
    assert not any("internal_notes" in event for event in client.events())
    assert all(PRIVATE in event["internal_notes"][0] for event in client.events(internal_notes=1))


def test_featured_images_are_served_by_the_stand_in(libcal: LibCal, client: Client) -> None:
    addresses = [event["featured_image"] for event in client.events("20101,20103", limit=500)]
    assert None in addresses
    assert "" in addresses
    relative = next(address for address in addresses if address and address.startswith("//"))
    absolute = next(address for address in addresses if address and address.startswith("http"))
    for address in (f"http:{relative}", absolute):
        assert address.startswith(f"{libcal.url}/images/lcimages.s3.amazonaws.com/")
        response = requests.get(address, timeout=10)
        assert response.headers["Content-Type"] == "image/webp"
        assert response.content[8:12] == b"WEBP"
        again = {"If-None-Match": response.headers["ETag"]}
        assert requests.get(address, headers=again, timeout=10).status_code == 304


def test_events_are_edited_over_http(libcal: LibCal, client: Client) -> None:
    address = f"{libcal.url}/_standin/events"
    new = {
        "title": "New",
        "start": "2026-03-04T10:00-05:00",
        "end": "2026-03-04T11:00-05:00",
        "calendar": 20103,
    }
    number = requests.post(address, json=new, timeout=10).json()["id"]
    requests.patch(f"{address}/{number}?remove=seats,audience", json={"title": "Newer"}, timeout=10)
    (event,) = client.get(f"/1.1/events/{number},404").json()["events"]
    assert event["title"] == "Newer"
    assert "seats" not in event
    requests.delete(f"{address}/{number}", timeout=10)
    assert client.get(f"/1.1/events/{number}").json()["events"] == []
    assert requests.post(address, json={"title": "No start"}, timeout=10).status_code == 400


def test_requests_are_logged_without_the_token(libcal: LibCal, client: Client) -> None:
    client.events(limit=500)
    (entry,) = requests.get(f"{libcal.url}/_standin/log", timeout=10).json()
    assert entry["path"] == "/1.1/events"
    assert entry["query"] == {"cal_id": "20101", "limit": "500"}
    assert entry["status"] == 200
    assert entry["headers"]["Authorization"] == "bearer"
    requests.delete(f"{libcal.url}/_standin/log", timeout=10)
    assert libcal.log == []


def test_a_fault_applies_to_the_selected_requests_and_only_that_often(libcal: LibCal, client: Client) -> None:
    faults = f"{libcal.url}/_standin/faults"
    fault = {"kind": "status", "status": 429, "retry_after": "2", "calendar": "20102", "times": 1, "skip": 1}
    assert requests.post(faults, json=fault, timeout=10).status_code == 200
    assert client.get("/1.1/events", cal_id=20101).status_code == 200
    answers = [client.get("/1.1/events", cal_id=20102) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert answers[1].headers["Retry-After"] == "2"
    libcal.fail("status")
    requests.delete(faults, timeout=10)
    assert client.get("/1.1/events", cal_id=20102).status_code == 200
    assert requests.post(faults, json={"kind": "none such"}, timeout=10).status_code == 400


@pytest.mark.parametrize(
    ("kind", "begins"),
    [
        ("html", "<!doctype"),
        ("error", '{"error"'),
        ("list", "[]"),
        ("nested", '{"events":[[[['),
        ("empty", '{"events":[]}'),
        ("object", '{"events":{"0":{'),
    ],
)
def test_wrong_responses_can_have_status_200(libcal: LibCal, client: Client, kind: str, begins: str) -> None:
    libcal.fail(kind)
    response = client.get("/1.1/events", cal_id=20101)
    assert response.status_code == 200
    assert response.text.startswith(begins)


def test_malformed_events_and_duplicate_ids_can_be_mixed_in(libcal: LibCal, client: Client) -> None:
    good = client.events()
    libcal.fail("malformed", times=1)
    mixed = client.events()
    assert [event for event in mixed if event in good] == good
    assert len(mixed) == len(good) + len(libcal_faults.MALFORMED)
    libcal.fail("duplicates", times=1)
    assert len(client.events()) == 2 * len(good)
    libcal.fail("nan", times=1)
    assert '"registration_cost":NaN' in client.get("/1.1/events", cal_id=20101).text


def test_the_limit_or_page_parameter_can_be_ignored(libcal: LibCal, client: Client) -> None:
    _many(libcal, 30)
    libcal.fail("page_ignored", times=1)
    assert client.events(20102, limit=25, page=2)[0]["title"] == "Event 0"
    libcal.fail("limit_ignored", times=1)
    assert len(client.events(20102, limit=25)) == 30


def test_a_response_can_be_truncated_short_or_reset(libcal: LibCal, client: Client) -> None:
    libcal.fail("truncated", times=1)
    with pytest.raises(json.JSONDecodeError):
        json.loads(client.get("/1.1/events", cal_id=20101).text)
    libcal.fail("short", times=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        client.get("/1.1/events", cal_id=20101)
    libcal.fail("reset", times=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="reset by peer"):
        client.get("/1.1/events", cal_id=20101)


def test_a_response_can_be_silent_slow_or_sent_byte_by_byte(libcal: LibCal, client: Client) -> None:
    libcal.fail("silent")
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(f"{libcal.url}/1.1/events", timeout=0.3)
    libcal.recover()
    for kind, seconds in (("drip", 0.02), ("drip_headers", 0.005)):
        libcal.fail(kind, seconds=seconds, times=1)
        begun = time.monotonic()
        response = requests.get(f"{libcal.url}/1.1/events", timeout=30)
        assert response.status_code == 401
        assert time.monotonic() - begun > 0.6
    libcal.fail("delay", seconds=0.3)
    begun = time.monotonic()
    client.events()
    assert time.monotonic() - begun >= 0.3


def test_a_response_can_be_a_gzip_bomb_or_infinite(libcal: LibCal, client: Client) -> None:
    libcal.fail("gzip_bomb", times=1)
    with requests.get(f"{libcal.url}/1.1/events", stream=True, timeout=5) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        packed = response.raw.read(decode_content=False)
    assert len(packed) < 2**20
    with gzip.open(io.BytesIO(packed)) as unpacked:
        assert len(unpacked.read(2**27)) == 2**27
    libcal.fail("infinite")
    with requests.get(f"{libcal.url}/1.1/events", stream=True, timeout=5) as response:
        assert len(response.raw.read(5 * 2**20)) == 5 * 2**20


def test_images_can_be_bombs_huge_or_invalid(libcal: LibCal) -> None:
    from PIL import Image

    address = f"{libcal.url}/images/host/moon.webp"
    for kind, limit in (("pixel_bomb", 2**18), ("huge", 2**27), ("svg", 2**10), ("wrong_type", 2**10)):
        libcal.fail(kind, path="/images", times=1)
        body = requests.get(address, timeout=5).content
        assert len(body) < limit
        if kind == "pixel_bomb":
            with pytest.raises(Image.DecompressionBombError):
                Image.open(io.BytesIO(body))
        elif kind == "huge":
            assert len(body) > 64 * 2**20
        else:
            assert b"<script>" in body
    assert requests.get(address, timeout=5).headers["Content-Type"] == "image/webp"


def test_a_stopped_stand_in_disconnects_waiting_clients() -> None:
    with LibCal([]) as libcal:
        url = libcal.url
        libcal.fail("silent", times=1)
        with pytest.raises(requests.exceptions.ReadTimeout):
            requests.get(f"{url}/1.1/events", timeout=0.1)
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(f"{url}/1.1/events", timeout=1)


def _file(path: Path, *starts: str) -> Path:
    calendar = {"id": 6416, "name": "Datalab", "public": "https://x.example/calendar/d"}
    events = [
        {
            "id": n,
            "title": f"Event {n}",
            "start": start,
            "end": start[:11] + "23:30:00+01:00",
            "calendar": calendar,
        }
        for n, start in enumerate(starts)
    ]
    path.write_text(json.dumps({"events": events}))
    return path


def test_events_of_a_file_are_moved_into_the_future_by_whole_weeks(tmp_path: Path) -> None:
    zone = ZoneInfo("Europe/Copenhagen")
    now = datetime(2026, 3, 3, 12, tzinfo=zone)  # a Tuesday
    starts = ("2021-01-26T12:30:00+01:00", "2021-03-02T12:30:00+01:00", "2023-12-27T12:30:00+01:00")
    file = _file(tmp_path / "events.json", *starts)
    with LibCal(zone=zone, now=now) as libcal:
        libcal.load(file)
        assert [event["start"] for event in libcal.events.values()] == [
            "2026-03-10T12:30:00+01:00",
            "2026-04-14T12:30:00+02:00",  # the same local time; the offset of summer time
            "2029-02-07T12:30:00+01:00",
        ]
        libcal.load(file, fold=21)
        for event, start in zip(libcal.events.values(), starts, strict=True):
            moved = datetime.fromisoformat(event["start"])
            assert now < moved <= now + timedelta(days=21, hours=1)
            assert moved.weekday() == datetime.fromisoformat(start).weekday()
            assert event["start"][11:19] == "12:30:00"
            assert event["end"][11:19] == "23:30:00"
        assert libcal.settings["LIBCAL_CALENDARS"] == "6416"


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_the_program_prints_its_address_and_stops_on_a_signal(tmp_path: Path, asked: signal.Signals) -> None:
    file = _file(tmp_path / "events.json", "2021-01-26T12:30:00+01:00")
    arguments = [
        "--events",
        str(file),
        "--fold",
        "7",
        "--now",
        "2026-03-03T12:00",
        "--timezone",
        "Europe/Copenhagen",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "standins.libcal_server", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": PYTHONPATH, "PYTHONWARNINGS": "error"},
    ) as program:
        assert program.stdout
        url = program.stdout.readline().strip()
        (event,) = requests.get(f"{url}/_standin/events", timeout=10).json()
        assert event["start"] == "2026-03-10T12:30:00+01:00"
        program.send_signal(asked)
        rest, errors = program.communicate(timeout=10)
    assert (program.returncode, rest, errors) == (0, "", "")
