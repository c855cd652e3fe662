"""SOURCE=ics: events from calendar feeds, with the outage logic of LibCal's API."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import responses

import fetch
from event import Event, Snapshot
from fetching.deadline import Deadline
from fetching.feed_client import FeedClient
from fetching.feed_events import Feed, NotACalendar, TooManyDates
from fetching.libcal import Limits
from log import Log
from settings import LibCalSettings, SettingError, Settings

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 3, 9, 0, tzinfo=ZONE)
SITE = "https://library.libcal.com"
OTHER = "https://calendar.example.org/friends.ics?key=a=b"
ENV = {"SOURCE": "ics", "LIBCAL_URL": SITE, "LIBCAL_CALENDARS": f"7,8=Kilton,Friends={OTHER}"}
LIBCAL = """BEGIN:VEVENT
UID:LibCal-7-4216770
DTSTART:20260306T150000Z
DTEND:20260306T160000Z
SUMMARY:Story time\\, indoors
DESCRIPTION:Songs & stories\\nfor < 5 year-olds.\\n\\nBring a blanket.
LOCATION:Community Room\\, North Campus
CATEGORIES:Story time,Children
URL:https://library.libcal.com/event/4216770
END:VEVENT"""
WEEKLY = """BEGIN:VEVENT
UID:club@example.org
DTSTART;TZID=America/New_York:20260304T180000
DTEND;TZID=America/New_York:20260304T190000
RRULE:FREQ=WEEKLY
EXDATE;TZID=America/New_York:20260318T180000
SUMMARY:Book club
LOCATION:Kilton Library\\, Main Street 4\\, Lebanon
END:VEVENT
BEGIN:VEVENT
UID:club@example.org
RECURRENCE-ID;TZID=America/New_York:20260325T180000
DTSTART;TZID=America/New_York:20260326T190000
DTEND;TZID=America/New_York:20260326T200000
SUMMARY:Book club on Thursday
END:VEVENT"""


def calendar(*events: str, name: str = "Main Library") -> str:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:x",
        f"X-WR-CALNAME:{name}",
        *events,
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join("\n".join(lines).splitlines()) + "\r\n"


def event(*properties: str, start: str = "DTSTART:20260306T150000Z") -> str:
    return "\n".join(["BEGIN:VEVENT", "UID:x@example.org", "SUMMARY:Talk", start, *properties, "END:VEVENT"])


def records(text: str, label: str = "", limit: int = 1000) -> list[Any]:
    return list(Feed(text).records(label, ZONE, NOW.date(), date(2026, 4, 2), limit))


class World:
    """Three feeds, and a build folder that is kept between runs."""

    def __init__(self, http: responses.RequestsMock, build: Path) -> None:
        self.http, self.build = http, build
        self.answers: dict[str, Any] = {
            f"{SITE}/ical_subscribe.php?src=p&cid=7": calendar(LIBCAL),
            f"{SITE}/ical_subscribe.php?src=p&cid=8": calendar(LIBCAL.replace("4216770", "4216771")),
            OTHER: calendar(WEEKLY, name="Friends"),
        }
        http.add_callback(responses.GET, f"{SITE}/ical_subscribe.php", callback=self._answer)
        http.add_callback(responses.GET, OTHER.partition("?")[0], callback=self._answer)

    def _answer(self, request: Any) -> tuple[int, dict[str, str], str]:
        assert "Authorization" not in request.headers
        found = self.answers[request.url]
        if isinstance(found, int):
            return found, {}, "no"
        return 200, {"Content-Type": "text/calendar"}, found

    def run(self, minutes: float = 0, **limits: int) -> tuple[int, str]:
        now = (NOW + timedelta(minutes=minutes)).isoformat()
        env = {**ENV, "BUILD_DIR": str(self.build), "EVENTS_NOW": now}
        text = io.StringIO()
        log = Log("fetch", run="r", stream=text)
        libcal = LibCalSettings.from_env(env)
        code = fetch.fetch(Settings.from_env(env), libcal, log, limits=Limits(tries=1, **limits))
        return code, text.getvalue()

    @property
    def events(self) -> dict[str, Event]:
        found = Snapshot.load(self.build / "events.json", ZONE).events
        return {
            f"{event.title} {event.start:%m-%d %H:%M} {event.branch}": event
            for event in found
            if event.listed
        }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as http:
        yield World(http, tmp_path / "build")


def test_feeds_need_no_key_and_give_the_events_of_libcal(world: World) -> None:
    assert world.run()[0] == 0
    first, second, *_ = (each for each in world.events.values() if each.calendar in ("7", "8"))
    assert (first.id, first.title) == ("4216770", "Story time, indoors")
    assert (first.branch, first.place) == ("North Campus", "Community Room")
    assert (first.start.isoformat(), first.url) == ("2026-03-06T10:00:00-05:00", f"{SITE}/event/4216770")
    assert first.categories == ("Story time", "Children")
    assert (
        "<p>Songs &amp; stories<br>for &lt; 5 year-olds.</p><p>Bring a blanket.</p>"
        in first.description.replace("\n", "")
    )
    assert (second.id, second.branch) == ("4216771", "Kilton")


def test_a_series_gives_its_dates_with_ids_that_stay_when_one_is_moved(world: World) -> None:
    world.run()
    before = world.events
    club = [key for key in before if key.startswith("Book club")]
    assert club == [
        "Book club 03-04 18:00 Friends",
        "Book club 03-11 18:00 Friends",
        "Book club on Thursday 03-26 19:00 Friends",
        "Book club 04-01 18:00 Friends",
    ]
    assert len({before[key].id for key in club}) == 4
    world.answers[OTHER] = calendar(WEEKLY.replace("20260326T", "20260327T"), name="Friends")
    world.run(15)
    moved = world.events["Book club on Thursday 03-27 19:00 Friends"]
    assert (moved.id, moved.sequence) == (before[club[2]].id, 1)


def test_a_weekly_event_in_utc_stays_at_its_local_time_after_the_clock_change() -> None:
    text = calendar("X-WR-TIMEZONE:America/New_York", event("RRULE:FREQ=WEEKLY;COUNT=3"))
    assert [each["start"] for each in records(text)] == [
        "2026-03-06T10:00:00-05:00",
        "2026-03-13T10:00:00-04:00",
        "2026-03-20T10:00:00-04:00",
    ]


def test_a_feed_that_is_down_keeps_its_events_until_they_are_stale(world: World) -> None:
    world.run()
    before = set(world.events)
    world.answers[OTHER] = 503
    assert world.run(15)[0] == 0
    assert set(world.events) == before
    code, log = world.run(200)
    assert (code, "saved events are too old" in log) == (75, True)
    assert set(world.events) == before


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("<html>Log in</html>", "not_a_calendar"),
        ("", "not_a_calendar"),
        (calendar(LIBCAL)[:200], "not_a_calendar"),
        (404, "http_404"),
        (401, "forbidden"),
        (301, "http_301"),
    ],
)
def test_an_answer_that_is_no_complete_calendar_counts_as_an_outage(
    world: World, answer: Any, cause: str
) -> None:
    world.run()
    before = set(world.events)
    world.answers[f"{SITE}/ical_subscribe.php?src=p&cid=7"] = answer
    code, log = world.run(15)
    assert (code, f"calendar=7 cause={cause}" in log) == (0, True)
    assert set(world.events) == before


def test_a_new_calendar_without_a_feed_is_a_wrong_setting_and_touches_no_file(world: World) -> None:
    world.answers[f"{SITE}/ical_subscribe.php?src=p&cid=8"] = "Invalid calendar"
    code, log = world.run()
    assert (code, "LIBCAL_CALENDARS has Kilton, which has no calendar feed" in log) == (78, True)
    assert not (world.build / "events.json").exists()
    world.answers = dict.fromkeys(world.answers, 404)  # of all: an outage
    assert world.run()[0] == 75


def test_a_site_that_refuses_all_feeds_is_a_wrong_setting(world: World) -> None:
    world.answers = dict.fromkeys(world.answers, 403)
    code, log = world.run()
    assert (code, "make the calendars public" in log) == (78, True)


def test_feeds_have_the_limits_of_the_api(world: World) -> None:
    address = f"{SITE}/ical_subscribe.php?src=p&cid=7"
    world.answers[address] = calendar(*[LIBCAL] * 40)
    assert "calendar=7 cause=too_large" in world.run(body=5000)[1]
    assert "calendar=7 cause=too_large" in world.run(values=100)[1]
    world.answers[OTHER] = calendar(event("RRULE:FREQ=DAILY"))
    assert "cause=too_many_dates" in world.run(events=20)[1]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=5",
        "FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=1,2,3,4,5",
        "FREQ=NEVER",
        "nonsense",
    ],
)
def test_a_rule_with_countless_dates_drops_the_event_and_not_the_calendar(rule: str) -> None:
    found = records(calendar(event(f"RRULE:{rule}"), LIBCAL))
    assert [each["id"] for each in found if "start" in each] == ["4216770"]


def test_a_series_with_too_many_dates_raises() -> None:
    with pytest.raises(TooManyDates):
        records(calendar(event("RRULE:FREQ=DAILY")), limit=10)


@pytest.mark.parametrize(
    ("properties", "start", "wanted"),
    [
        ((), "DTSTART;VALUE=DATE:20260306", ("2026-03-06", "2026-03-07", True)),
        (("DTEND;VALUE=DATE:20260308",), "DTSTART;VALUE=DATE:20260306", ("2026-03-06", "2026-03-08", True)),
        (
            ("DURATION:PT90M",),
            "DTSTART:20260306T150000Z",
            ("2026-03-06T10:00:00-05:00", "2026-03-06T11:30:00-05:00", False),
        ),
        ((), "DTSTART:20260306T100000", ("2026-03-06T10:00:00", "2026-03-06T10:00:00", False)),
        ((), "DTSTART:soon", (None, None, None)),
        ((), "X-NONE:1", (None, None, None)),
    ],
)
def test_times_of_every_form_are_read(
    properties: tuple[str, ...], start: str, wanted: tuple[Any, ...]
) -> None:
    (found,) = records(calendar(event(*properties, start=start)))
    assert (found.get("start"), found.get("end"), found.get("allday")) == wanted


@pytest.mark.parametrize(
    ("location", "label", "name", "wanted"),
    [
        ("Room 4", "Kilton", "Main", ("", "Room 4")),
        ("Story Room", "", "Main", ("", "Story Room")),
        ("Story Room", "", "", ("Story Room", "")),
        ("Story Room, North", "", "Main", ("North", "Story Room")),
        ("Kilton, Main Street 4, Lebanon", "", "Main", ("Kilton, Main Street 4, Lebanon", "")),
        ("Zoom", "", "", ("", "Zoom")),
        ("", "", "Main", ("", "")),
    ],
)
def test_the_branch_comes_from_the_settings_or_the_location(
    location: str, label: str, name: str, wanted: tuple[str, str]
) -> None:
    text = location.replace(",", "\\,")
    lines = event(f"LOCATION:{text}").replace("UID:x@example.org", "UID:LibCal-7-1")
    (found,) = records(calendar(lines, name=name), label)
    assert (found["campus"], found["location"]) == wanted


def test_a_cancelled_event_says_so_and_html_in_the_description_is_kept() -> None:
    text = event(
        "STATUS:CANCELLED",
        "DESCRIPTION:<b>Bring</b> a friend",
        "ATTACH;FMTTYPE=image/png:https://x.org/a.png",
    )
    (found,) = records(calendar(text))
    assert (found["title"], found["description"]) == ("Cancelled: Talk", "<b>Bring</b> a friend")
    assert found["featured_image"] == "https://x.org/a.png"


@pytest.mark.parametrize(
    "text", ["", "BEGIN:VCALENDAR", "BEGIN:VCALENDAR\r\nX\r\nEND:VCALENDAR\r\nEND:VEVENT"]
)
def test_broken_files_are_no_calendars(text: str) -> None:
    with pytest.raises(NotACalendar):
        Feed(text)


def test_the_calendars_of_a_site_are_found_on_its_public_pages(world: World) -> None:
    page = '<a href="/calendar/main?cid=77&t=d">Main</a> <a href="/x?cid=99">Old</a> <script>{"cid": "88"}'
    world.http.get(f"{SITE}/calendars", body=page)
    world.http.get(f"{SITE}/", status=404)
    world.http.get(f"{SITE}/ajax/calendar/list", status=500)
    for number, answer in ((77, calendar(LIBCAL)), (88, calendar(name="Empty")), (99, "Invalid calendar")):
        world.answers[f"{SITE}/ical_subscribe.php?src=p&cid={number}"] = answer
    settings = LibCalSettings.from_env({**ENV, "LIBCAL_CALENDARS": "1"})
    client = FeedClient(
        settings, Log("t", stream=io.StringIO()), Deadline(10), zone=ZONE, limits=Limits(tries=1)
    )
    assert [(number, feed.name) for number, feed in client.find_feeds()] == [("77", "Main Library")]


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("https://calendar.example.org/a.ics", "api"),
        ("http://calendar.example.org/a.ics", "ics"),
        ("https://user:word@calendar.example.org/a.ics", "ics"),
        ("ftp://calendar.example.org/a.ics", "ics"),
        ("Kilton", "ics"),
    ],
)
def test_a_wrong_feed_address_is_refused(value: str, source: str) -> None:
    env = {**ENV, "SOURCE": source, "LIBCAL_CALENDARS": value}
    with pytest.raises(SettingError) as caught:
        LibCalSettings.from_env({**env, "LIBCAL_CLIENT_ID": "1", "LIBCAL_CLIENT_SECRET": "2"})
    assert caught.value.key == "LIBCAL_CALENDARS"
    assert "://" not in value or value not in str(caught.value)


def test_a_feed_keeps_its_calendar_id_and_its_name() -> None:
    kilton, friends = LibCalSettings.from_env(ENV).calendars[1:]
    assert (kilton.id, kilton.label, kilton.address) == ("8", "Kilton", "")
    assert (len(friends.id) > 12, friends.label, friends.address) == (True, "Friends", OTHER)
    assert LibCalSettings.from_env(ENV).site == SITE
