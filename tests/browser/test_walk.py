"""A walk through a week of closures, camps, exhibits, stop-by programs, online and called-off events.

The real fetch and generate make the site each morning from what staff enter. The expected statements come
from the facts in WEEK, a model that shares no code with the program.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from playwright.sync_api import Page

from browser import libraries, screens
from browser.conftest import OpenPage, Watch
from browser.server import SiteServer
from standins.libcal_server import LibCal
from standins.records import registration
from support.wide import wide

ZONE = ZoneInfo("America/New_York")
MONDAY = date(2026, 3, 2)
CALENDARS = [
    {"calid": number, "name": name, "url": {"public": f"https://x.libcal.com/{name}"}, "visibility": "Public"}
    for number, name in ((1, "Kilton"), (2, "Lebanon"))
]
HOUR = timedelta(hours=1)
Serve = Callable[[Path], SiteServer]


def at(day: int, clock: str = "00:00") -> datetime:
    """Return a time on a day of the week, 0 for Monday."""
    hour, minute = map(int, clock.split(":"))
    moment = MONDAY + timedelta(days=day)
    return datetime(moment.year, moment.month, moment.day, hour, minute, tzinfo=ZONE)


@dataclass(frozen=True)
class Fact:
    """What is true about a program: its times in order, its words; `entered` is its title in LibCal."""

    title: str
    entered: str
    times: tuple[tuple[datetime, datetime], ...]
    branch: int = 1
    word: str = ""
    all_day: bool = False
    exhibit: bool = False
    closed: bool = False
    online: bool = False

    @property
    def shown(self) -> str:
        return f"{self.word}: {self.title}" if self.word else self.title

    def end(self) -> datetime:
        return self.times[-1][1]

    def over(self, now: datetime) -> bool:
        """Whether a list may leave it out: a program without an end counts as an hour."""
        start, end = self.times[-1]
        return now >= (end if end > start else start + HOUR)

    def on(self, now: datetime) -> bool:
        """Whether it is surely on: within hours that LibCal gives, unless called off or in a closure."""
        if self.word or self.closed or self.all_day:
            return False
        return any(start <= now < (end if end > start else start + HOUR) and end - start <= 24 * HOUR
                   for start, end in self.times)  # fmt: skip

    def day(self, now: datetime) -> date:
        """The day under which a list shows it."""
        start, end = next((pair for pair in self.times if now < max(pair[1], pair[0] + HOUR)), self.times[-1])
        if start.date() >= now.date() or (end.date() == now.date() and end.hour < 6):
            return start.date()
        return now.date()

    def rows(self, now: datetime, made: date) -> list[date]:
        """The days of its rows: one, or each of the last two days of a stop-by program."""
        left = [
            start.date() for start, end in self.times if start.date() >= made and now < max(end, start + HOUR)
        ]
        return (
            left
            if len(self.times) > 1 and sum(start.date() >= made for start, _ in self.times) < 3
            else [self.day(now)]
        )

    def ongoing(self, now: datetime) -> bool:
        return self.exhibit and self.times[0][0].date() < now.date()


def days(first: int, last: int) -> tuple[tuple[datetime, datetime], ...]:
    return ((at(first), at(last + 1)),)


WEEK = (
    Fact("Story Hour", "Story Hour", ((at(1, "10:00"), at(1, "11:00")),)),
    Fact("Chess Club", "Chess Club - CANCELLED", ((at(2, "15:00"), at(2, "16:00")),), word="Cancelled"),
    Fact(
        "Lecture on Bees",
        "Postponed: Lecture on Bees",
        ((at(2, "12:00"), at(2, "14:00")),),
        2,
        word="Postponed",
    ),
    Fact("Robot Camp", "Robot Camp", ((at(0, "09:00"), at(4, "15:00")),), 2),
    Fact("Quilts", "Quilts", days(-10, 18), all_day=True, exhibit=True),
    Fact("Photographs", "Photographs", days(2, 23), all_day=True, exhibit=True),
    Fact("Fox Hunt", "Fox Hunt", tuple((at(day, "10:00"), at(day, "17:30")) for day in range(6)), 2),
    Fact("Author Talk", "Author Talk", ((at(3, "19:00"), at(3, "20:00")),), online=True),
    Fact("Knitting", "Knitting", ((at(4, "13:00"), at(4, "14:00")),), closed=True),
    Fact("Book Sale", "Book Sale", days(5, 5), all_day=True),
    Fact("Film Night", "Film Night", ((at(5, "21:00"), at(6, "01:00")),), 2),
    Fact("Open House", "Open House", ((at(2, "12:00"), at(2, "12:00")),)),
    Fact("Sunday Music", "Sunday Music", ((at(6, "14:00"), at(6, "15:00")),)),
)
CLOSURE = (at(4), at(5))
NOTICE = "Closed Friday, March 6: Staff Day, Kilton"


def enter(libcal: LibCal) -> None:
    """Enter the week as staff do."""
    for fact in WEEK:
        extra: dict[str, Any] = {"allday": fact.all_day}
        if fact.title == "Robot Camp":
            extra |= registration(20, 3)
        if fact.online:
            extra["location"] = {"id": 5, "type": 1, "name": "Zoom"}
        for start, end in fact.times:
            last = end - timedelta(minutes=1) if fact.all_day else end
            libcal.add(
                title=fact.entered,
                start=start.isoformat(),
                end=last.isoformat(),
                calendar=fact.branch,
                **extra,
            )
    friday: dict[str, Any] = {"start": at(4).isoformat(), "end": at(4, "23:59").isoformat(), "allday": True}
    libcal.add(title="CLOSED: Staff Day", calendar=1, **friday)


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Path]]:
    """Return `morning(day)`, which fetches and generates the site at 9 on a day and returns its folder."""
    with LibCal([], CALENDARS, zone=ZONE, now=at(0, "09:00")) as libcal:
        enter(libcal)
        names = {"LIBCAL_CALENDARS": "1=Kilton,2=Lebanon", "SITE_NAME": "Our Library"}
        settings = {**libcal.settings, **names, "DAYS_AHEAD": "30"}
        made: dict[int, Path] = {}

        def make(day: int) -> Path:
            if day not in made:
                build = tmp_path_factory.mktemp(f"day{day}")
                libcal.now = at(day, "09:00")
                libraries.run("fetch.py", build, libcal.now, settings)
                libraries.generate_here(build, libcal.now, settings)
                made[day] = build / "site"
            return made[day]

        yield make


ROWS = """() => {
  const seen = (element) => element.checkVisibility();
  const text = (element) => element ? element.textContent.trim().replace(/\\s+/g, " ") : "";
  return {
    groups: [...document.querySelectorAll("#events section")].filter(seen).map((section) => [
      text(section.querySelector("h2")),
      [...section.querySelectorAll("li")].filter(seen).map((row) => [
        text(row.querySelector("h3")), text([...row.querySelectorAll(".tag")].find(seen)), text(row)]),
    ]),
    notices: [...document.querySelectorAll("p.closed")].filter(seen).map(text),
  };
}"""


def heading(day: date, now: datetime) -> str:
    name = f"{day:%A}, {day:%B} {day.day}"
    return {0: f"Today, {name}", 1: f"Tomorrow, {name}"}.get((day - now.date()).days, name)


def check_list(page: Page, now: datetime, made: date, branch: int = 0) -> None:
    """Compare a list with the facts: every program that is not over, where and how it must be shown."""
    found = page.evaluate(ROWS)
    facts = [fact for fact in WEEK if not fact.over(now) and branch in (0, fact.branch)]
    expected: dict[str, set[str]] = {}
    for fact in facts:
        for day in fact.rows(now, made):
            name = "Ongoing" if fact.ongoing(now) else heading(day, now)
            expected.setdefault(name, set()).add(fact.shown)
    assert {name: {row[0] for row in rows} for name, rows in found["groups"]} == expected, now.isoformat()
    rows = {row[0]: row for _, members in found["groups"] for row in members}
    on = {row[0] for _, members in found["groups"] for row in members if row[1].startswith("Happening now")}
    assert on == {fact.shown for fact in facts if fact.on(now)}, now.isoformat()
    for fact in facts:
        row = rows[fact.shown][2]
        assert ("please check" in row) == fact.closed
        assert ("Online" in row) == fact.online
        if len(fact.times) > 1 and len(fact.rows(now, made)) == 1 and made <= date(2026, 3, 5):
            assert "until March 7" in row
    near = now < CLOSURE[1] and branch in (0, 1)
    assert found["notices"] == ([NOTICE] if near else []), now.isoformat()


def check_event(page: Page, fact: Fact, now: datetime) -> None:
    """Compare an event page with the facts."""
    text = " ".join(page.locator("main").inner_text().split())
    assert page.locator("h1").inner_text() == fact.shown
    assert fact.shown in page.title()
    assert ("Happening now" in text) == (
        fact.on(now) and not (fact.times[0][0] == fact.end() and fact.over(now))
    )
    has_end = fact.end() > fact.times[0][0]
    assert ("Ended" in text) == (has_end and fact.over(now) and not fact.word and not fact.closed), (
        now.isoformat()
    )
    if fact.word:
        assert "will not take place" in text
        assert "Add to calendar" not in text
        assert "Register" not in text


def check_screen(seen: screens.Seen, now: datetime) -> None:
    """Find no false statement on a screen."""
    facts = {fact.shown: fact for fact in WEEK}
    for name, rows in seen.groups:
        for row in rows:
            fact = facts[row.title]
            assert not fact.over(now), (row, now.isoformat())
            assert not fact.word
            assert "Eastern time" not in row.time
            shown_on = name == "Happening now", row.time.startswith("Now")
            assert shown_on == (fact.on(now), fact.on(now)), (row, now.isoformat())
            if name == "Today":
                assert fact.day(now) == now.date(), (row, now.isoformat())
    for fact in WEEK:
        if fact.shown in seen.bottom:
            assert fact.word or fact.ongoing(now)
            assert not fact.over(now)


def embedded(page: Page) -> list[str]:
    page.locator("events-display ul").wait_for()
    found: list[str] = page.locator("events-display li a").all_inner_texts()
    return found


# The last hour of each day is before midnight: the next morning's walk begins with a new site.
HOURS = [f"{hour:02}:{minute}" for hour in range(9, 24) for minute in ("00", "30")]


@pytest.mark.parametrize(
    ("day", "clocks"),
    [
        (2, ("09:00", "12:30", "13:30", "21:00")),
        (4, ("13:30",)),
        *(wide(day, tuple(HOURS)) for day in range(7)),
    ],
)
def test_a_week_on_lists_event_pages_and_embeds_is_told_truly(
    morning: Callable[[int], Path],
    serve: Serve,
    open_page: OpenPage,
    watch: Watch,
    tmp_path: Path,
    day: int,
    clocks: tuple[str, ...],
) -> None:
    site, made = morning(day), at(day).date()
    server = serve(site)
    first = at(day, clocks[0]) - timedelta(minutes=1)  # a fake clock only moves forward
    lists = {
        path: open_page(path, server, first) for path in ("index.html", "branch/kilton.html", "embed.html")
    }
    data = json.loads((site / "events.json").read_bytes())["events"]
    titles = {fact.title: fact for fact in WEEK}
    pages = {
        record["id"]: (open_page(f"event/{record['id']}.html", server, first), titles[record["title"]])
        for record in data
        if record["title"] in ("Chess Club", "Open House", "Knitting", "Author Talk") and not record["over"]
    }
    for clock in clocks:
        now = at(day, clock)
        for page in (*lists.values(), *(page for page, _ in pages.values())):
            page.clock.pause_at(now.astimezone(UTC))
        check_list(lists["index.html"], now, made)
        check_list(lists["branch/kilton.html"], now, made, branch=1)
        check_list(lists["embed.html"], now, made)
        for page, fact in pages.values():
            check_event(page, fact, now)
    server.shared = True
    watch.allow("request outside the origin")
    element = f'<script src="{server.url("embed.js")}"></script><events-display limit="40"></events-display>'
    (tmp_path / "index.html").write_text(
        f"<!doctype html><link rel=icon href=data:,><title>x</title>{element}"
    )
    now = at(day, clocks[-1])
    shown = embedded(open_page("index.html", serve(tmp_path), now))
    assert set(shown) == {fact.shown for fact in WEEK if not fact.over(now) and not fact.ongoing(now)}


@pytest.mark.parametrize(
    ("day", "clock"), [(2, "12:30"), *(wide(day, clock) for day in range(7) for clock in HOURS[::3])]
)
def test_a_week_on_the_screen_is_told_truly(
    morning: Callable[[int], Path], show: Callable[..., screens.Screen], day: int, clock: str
) -> None:
    now = at(day, clock)
    screen = show(site=morning(day), now=now)
    for _ in range(6):
        check_screen(screen.seen, now + timedelta(seconds=screen.now - now.timestamp()))
        screen.turn()


@pytest.mark.parametrize("day", [2, *map(wide, (0, 1, 3, 4, 5, 6))])
def test_a_week_in_print_and_feeds_is_told_truly(morning: Callable[[int], Path], day: int) -> None:
    site, today = morning(day), at(day)
    printed = (site / "print.html").read_text()
    for fact in WEEK:
        # Generated at 9: a night that ended before is over.
        listed = fact.end() > today and (fact.times[-1][0] >= today or not fact.over(at(day, "09:00")))
        assert (fact.title in printed) == (listed and fact.times[0][0] < today + timedelta(days=7)), fact
        assert not fact.word or not listed or f"{fact.word}: <s>{fact.title}</s>" in printed
    assert (NOTICE in printed) == (today < CLOSURE[1])

    entered = {
        (fact.shown, start.astimezone(UTC), end.astimezone(UTC)): fact
        for fact in WEEK
        for start, end in fact.times
    }
    calendar = icalendar.Calendar.from_ical((site / "events.ics").read_bytes())
    found = set()
    event: Any
    for event in calendar.walk("VEVENT"):
        start, end = event["DTSTART"].dt, event["DTEND"].dt if "DTEND" in event else event["DTSTART"].dt
        if event.get("TRANSP") == "TRANSPARENT" and str(event["SUMMARY"]) == NOTICE:
            assert (start, end) == (at(4).date(), at(5).date())
            continue
        if not isinstance(start, datetime):
            start, end = (datetime(each.year, each.month, each.day, tzinfo=ZONE) for each in (start, end))
        key = (str(event["SUMMARY"]), start.astimezone(UTC), end.astimezone(UTC))
        assert key in entered, key
        # Google Calendar removes an event that says CANCELLED from a subscription.
        assert (event.get("TRANSP") == "TRANSPARENT") == bool(entered[key].word or entered[key].all_day)
        found.add(key)
    assert {key for key in entered if key[2] > today or day == 0} <= found
    for name in ("feed.atom", "feed.rss", "feed.json"):
        text = (site / name).read_text()
        assert (NOTICE in text) == (today < CLOSURE[1])
        for fact in WEEK:
            if fact.word and fact.end() > today:
                assert f"{fact.word}: " in text
