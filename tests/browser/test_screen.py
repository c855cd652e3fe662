"""The lobby screen: events shown at each time, clock, order and timing of pages, options, burn-in."""

from __future__ import annotations

import math
import shutil
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from browser.conftest import ShowScreen, Watch
from browser.libraries import Library
from browser.sample_events import NOW, ZONE, at, event
from browser.screens import Screen
from event import Event
from support.wide import wide

LANDSCAPE = {"width": 1920, "height": 1080}
PORTRAIT = {"width": 1080, "height": 1920}
AGENDA = "screen.html?layout=agenda"


def on(day: int, clock: str) -> datetime:
    """Return the time `HH:MM` on the day `day` days after NOW."""
    return at(clock, day)


# ---- Events shown


def test_current_events_come_first_then_today(show: ShowScreen) -> None:
    found = show(AGENDA, now=on(0, "10:45"), viewport=PORTRAIT).seen
    assert found.headings == ["Happening now", "Today"]
    assert found.under("Happening now") == ["Genealogy Drop-In"]
    # Baby Lapsit is over, the watercolor class is full, the bottom line shows the photographs and chess.
    assert found.under("Today") == ["Tax Help", "Film Night: The Secret Garden"]
    genealogy, film = found.groups[0][1][0], found.groups[1][1][1]
    assert genealogy.time == "Now until noon"
    assert (film.time, film.tag) == ("6:30pm to 8:30pm", "Few places left")
    assert (found.date, found.clock) == ("Tuesday, March 3", "10:45am")
    assert found.updated == "Updated 9am"
    assert found.scan.split() == ["All", "events", "events.example.org"]


@pytest.mark.parametrize(
    ("layout", "viewport", "until"),
    [
        ("slides", LANDSCAPE, " Ongoing, ends Saturday, April 11"),
        ("agenda", PORTRAIT, ""),
        wide("mixed", LANDSCAPE, " Ongoing, ends Saturday, April 11"),
    ],
)
def test_the_bottom_line_shows_cancellations_and_exhibits_in_turn(
    show: ShowScreen, layout: str, viewport: dict[str, int], until: str
) -> None:
    screen = show(f"screen.html?layout={layout}", now=on(0, "10:45"), viewport=viewport)
    lines = set()
    for _ in range(5):
        lines.add(screen.seen.bottom)
        screen.let_pass(15)
    text = " ".join(lines)
    assert "Cancelled: Chess Club 4pm" in text
    assert f"Winter in the Valley: Photographs{until}" in text
    screen.skip(6.8)
    for _ in range(3):
        assert screen.seen.bottom.startswith("Winter")
        screen.let_pass(15)


def test_tomorrow_is_shown_when_fewer_than_three_events_remain_today(show: ShowScreen) -> None:
    found = show(AGENDA, now=on(0, "16:30")).pages()
    titles = [title for page in found for title in page.titles]
    assert titles == [
        "Film Night: The Secret Garden",
        "Preschool Story Time",
        "Poetry Reading",
    ]
    assert found[-1].headings[-1] == "Tomorrow, Wednesday, March 4"


def test_a_running_event_has_no_registration_tag(show: ShowScreen) -> None:
    found = show(AGENDA, now=on(0, "18:45")).seen
    assert found.under("Happening now") == ["Film Night: The Secret Garden"]
    assert found.groups[0][1][0].tag == ""


def test_an_all_day_event_comes_after_an_event_of_an_hour(show: ShowScreen) -> None:
    sale = event(1, "Book Sale", at("00:00"), 24, all_day=True)
    talk = event(2, "Talk", at("10:00"))
    assert show(AGENDA, events=(sale, talk), now=on(0, "10:30")).seen.titles == ["Talk", "Book Sale"]


def test_the_next_day_is_named_when_no_event_remains_today(show: ShowScreen) -> None:
    found = show(AGENDA, now=on(0, "21:00")).seen
    assert found.headings[0] == "No more events today. Next: Wednesday, March 4"
    assert found.titles[0] == "Preschool Story Time"


def test_an_empty_screen_says_that_no_events_are_scheduled(show: ShowScreen) -> None:
    found = show(events=()).seen
    assert found.empty == "No events are scheduled right now. Check back soon."
    assert found.place == ""


def test_an_old_page_says_its_date_instead_of_no_events(show: ShowScreen) -> None:
    found = show(events=(event(1, "Talk", at("10:00")),), made=NOW, now=NOW + timedelta(days=5)).seen
    assert found.empty == "This list is from Tuesday, March 3. Please check at the desk."


def test_an_event_without_an_end_counts_as_one_hour(show: ShowScreen) -> None:
    screen = show(AGENDA, events=(event(1, "Talk", at("10:00"), 0),), now=on(0, "10:58"))
    assert screen.seen.headings == ["Happening now"]
    # The library has not said when it ends.
    assert screen.seen.groups[0][1][0].time == "Now"
    screen.let_pass(180)
    assert screen.seen.titles == []


def test_a_branch_screen_names_the_branch_once(show: ShowScreen) -> None:
    screen = show("screen/lebanon.html?layout=agenda")
    assert screen.page.inner_text("h1") == "Lebanon Public Libraries Lebanon"
    assert screen.seen.titles == ["Genealogy Drop-In", "Poetry Reading"]
    assert screen.seen.groups[0][1][0].where == "Community Room"


def stop_by(title: str, first_id: int) -> list[Event]:
    return [event(first_id + day, title, at("10:00", day), 7.5) for day in range(5)]


def test_a_stop_by_program_is_one_row_below_the_later_start(show: ShowScreen) -> None:
    talk = event(1, "Author Visit", at("14:00"))
    screen = show(
        AGENDA,
        events=(*stop_by("Poem", 20), *stop_by("Fox", 40), talk),
        now=on(0, "14:10"),
        viewport=PORTRAIT,
    )
    (heading, rows), *_ = screen.seen.groups
    assert heading == "Happening now"
    assert [row.title for row in rows] == ["Author Visit", "Fox", "Poem"]
    assert rows[1].time == "Now until 5:30pm"


def test_a_stop_by_program_is_next_on_its_next_day(show: ShowScreen) -> None:
    found = show(AGENDA, events=tuple(stop_by("Poem", 20)), now=on(0, "17:31")).seen
    assert found.headings == ["No more events today. Next: Wednesday, March 4"]
    assert found.titles == ["Poem"]
    found = show(AGENDA, events=tuple(stop_by("Poem", 20)), made=NOW, now=on(1, "10:30")).seen
    assert found.headings == ["Happening now"]


def test_a_camp_is_a_row_on_each_of_its_days_and_an_exhibit_from_its_second_day_is_not(
    show: ShowScreen,
) -> None:
    camp = event(1, "Camp", at("09:00", 1), 4 * 24 + 3)
    exhibit = event(2, "Quilts", at("00:00", 1), 24 * 40, all_day=True)
    events = (camp, exhibit, event(3, "Talk", at("10:00", 2)))
    found = show(AGENDA, events=events, now=on(1, "08:50"), viewport=PORTRAIT).seen
    assert found.under("Today") == ["Camp", "Quilts"]
    assert [row.time for row in found.groups[0][1]] == [
        "9am in 10 min",
        "Until Sunday, April 12",
    ]
    assert found.bottom == ""
    found = show(AGENDA, events=events, made=NOW, now=on(2, "02:00"), viewport=PORTRAIT).seen
    assert found.headings == ["Today"]
    assert found.titles == ["Talk", "Camp"]
    assert found.groups[0][1][1].time == "Ongoing, ends Sunday, March 8"
    assert found.bottom.startswith("Quilts Ongoing, ends")


def test_a_day_without_events_has_none_and_not_no_more(show: ShowScreen) -> None:
    found = show(AGENDA, events=(event(1, "Talk", at("10:00", 1)),), now=on(0, "12:00")).seen
    assert found.headings == ["No events today. Next: Wednesday, March 4"]


# ---- Time


def test_the_screen_uses_the_librarys_zone_not_the_devices(show: ShowScreen) -> None:
    for zone in ("UTC", "Pacific/Kiritimati", "America/Los_Angeles"):
        found = show(AGENDA, now=on(0, "10:45"), timezone_id=zone, locale="fr-FR").seen
        assert (found.date, found.clock) == ("Tuesday, March 3", "10:45am")
        assert found.headings[0] == "Happening now"


def test_at_midnight_tomorrow_becomes_today(show: ShowScreen) -> None:
    screen = show(AGENDA, now=on(0, "23:58"))
    assert screen.seen.headings[0] == "No more events today. Next: Wednesday, March 4"
    assert screen.seen.date == "Tuesday, March 3"
    screen.let_pass(180)
    assert screen.seen.date == "Wednesday, March 4"
    assert screen.seen.headings[0] == "Today"
    assert screen.seen.titles[0] == "Preschool Story Time"


def test_a_page_generated_on_saturday_is_right_until_monday_morning(show: ShowScreen) -> None:
    saturday, sunday, monday = 4, 5, 6
    events = (
        event(1, "Saturday Film", at("16:00", saturday), 3),
        event(2, "Sunday Concert", at("14:00", sunday)),
        event(3, "Monday Talk", at("09:30", monday)),
        event(4, "Monday Chess", at("16:00", monday), state="cancelled"),
    )
    screen = show(AGENDA, events=events, now=on(saturday, "18:00"))
    assert screen.seen.headings == ["Happening now", "Tomorrow, Sunday, March 8", "Monday, March 9"]
    screen.skip(14)
    assert screen.seen.headings == ["Today", "Tomorrow, Monday, March 9"]
    assert screen.seen.titles == ["Sunday Concert", "Monday Talk"]
    screen.skip(24)
    found = screen.seen
    # The clocks went forward on the night before Sunday.
    assert (found.date, found.clock) == ("Monday, March 9", "9:02am")
    assert found.under("Today") == ["Monday Talk"]
    assert found.bottom == "Cancelled: Monday Chess 4pm"


NIGHTS = [
    ("America/New_York", "en_US", datetime(2026, 3, 8), "12:30am in {} min", "Now until 3:30am"),
    wide("America/New_York", "en_US", datetime(2026, 11, 1), "12:30am in {} min", "Now until 3:30am"),
    wide("Europe/Copenhagen", "da_DK", datetime(2026, 3, 29), "0.30 om {} min.", "Nu til 3.30"),
    ("Europe/Copenhagen", "da_DK", datetime(2026, 10, 25), "0.30 om {} min.", "Nu til 3.30"),
]


@pytest.mark.parametrize(("name", "locale", "night", "before", "during"), NIGHTS)
def test_nights_in_which_the_clocks_change(
    show: ShowScreen, name: str, locale: str, night: datetime, before: str, during: str
) -> None:
    zone = ZoneInfo(name)
    midnight = night.replace(tzinfo=zone)
    party = replace(event(1, "Night", midnight.replace(minute=30)), end=midnight.replace(hour=3, minute=30))
    after = replace(event(2, "Breakfast", midnight.replace(hour=8)), end=midnight.replace(hour=9))
    screen = show(
        AGENDA, events=(party, after), now=midnight, timezone_id="Asia/Tokyo",
        settings={"TIMEZONE": name, "LOCALE": locale},
    )  # fmt: skip
    begins, ends = party.start.timestamp(), party.end.timestamp()
    # Three hours by the clock, two or four in fact.
    assert (ends - begins) / 3600 in (2, 4)
    now = "Happening now" if locale == "en_US" else "I gang nu"
    # Stop at half past each minute, so that the screen and this test see the same minute.
    screen.page.clock.pause_at(midnight + timedelta(seconds=90))
    while screen.now < ends + 600:
        screen.let_pass(300, 120)
        moment = datetime.fromtimestamp(screen.now, zone)
        found = screen.seen
        hour = (
            f"{moment.hour % 12 or 12}:{moment:%M}am" if locale == "en_US" else f"{moment.hour}.{moment:%M}"
        )
        assert found.clock == hour
        assert ("Night" in found.under(now)) == (begins <= moment.timestamp() < ends), moment
        wait = math.ceil((begins - moment.timestamp()) / 60)
        expected = before.format(wait) if wait > 0 else during
        times = {row.time for _, rows in found.groups for row in rows if row.title == "Night"}
        assert times <= {expected}, moment


def test_a_wrong_device_clock_is_hidden_and_then_corrected(show: ShowScreen) -> None:
    screen = show(AGENDA, now=on(0, "16:45"), made=NOW, ahead=6 * 3600)
    found = screen.seen
    assert (found.clock, found.date) == ("", "")
    assert "Happening now" not in found.headings
    assert found.titles[0] == "Genealogy Drop-In"
    screen.let_pass(45)
    found = screen.seen
    assert (found.clock, found.date) == ("10:45am", "Tuesday, March 3")
    assert found.under("Happening now") == ["Genealogy Drop-In"]


def test_a_device_clock_that_is_set_right_is_used_again(show: ShowScreen) -> None:
    screen = show(AGENDA, now=on(0, "16:45"), made=NOW, ahead=6 * 3600)
    screen.let_pass(45)
    assert screen.seen.clock == "10:45am"
    screen.ahead = 0
    screen.page.clock.set_system_time(on(0, "10:48"))
    screen.let_pass(75)
    assert screen.seen.clock == "10:49am"
    assert screen.seen.under("Happening now") == ["Genealogy Drop-In"]


def test_a_cached_answer_with_an_age_is_not_taken_for_a_wrong_clock(show: ShowScreen) -> None:
    screen = show(ahead=3000)
    screen.server.age = 3000
    screen.let_pass(130)
    assert screen.seen.clock == "9:07am"


def test_a_cached_answer_without_an_age_never_sets_the_clock(show: ShowScreen) -> None:
    screen = show()
    assert screen.seen.clock == "9:05am"
    # Its Date header never changes.
    screen.server.date = NOW.timestamp() - 3000
    for _ in range(72):
        screen.page.clock.run_for(5000)
        screen.page.wait_for_timeout(15)
    assert screen.seen.clock == ""


def test_a_clock_wrong_by_a_few_minutes_is_kept(show: ShowScreen) -> None:
    assert show(ahead=-280).seen.clock == "9:05am"


def test_a_clock_earlier_than_the_page_is_hidden(show: ShowScreen, watch: Watch) -> None:
    # The server is down: only the page's own date shows that the clock is wrong.
    watch.allow("Failed to load resource")
    screen = show(AGENDA, made=NOW, now=datetime(2020, 1, 1, tzinfo=ZONE))
    screen.server.close()
    screen.let_pass(300)
    found = screen.seen
    assert (found.clock, found.date) == ("", "")
    # The day of the page; whether it is today, the screen cannot know.
    assert found.headings[0] == "Tuesday, March 3"
    screen.server.reopen()


# ---- Pages


def test_slides_of_all_events_come_between_two_rounds_of_the_board(
    show: ShowScreen, larkfield: Library
) -> None:
    screen = show("screen.html?rotate=3", site=larkfield.site, now=on(0, "08:00"))
    found = [screen.seen]
    for _ in range(40):
        screen.turn()
        found.append(screen.seen)
    slides = {one.titles[0] for one in found if one.kind == "slide"}
    # All of today's events that visitors can still join.
    assert slides == {
        "Friends' Bookshop Pop-up",
        "Baby Lap Sit",
        "Preschool Story Time",
        "Noon Concert: The Larkfield String Quartet",
        "Read to Biscuit",
        "Homework Help",
        "An Evening with Imani Brooks",
    }
    assert {one.place for one in found if one.kind == "slide"} == {""}
    places = [one.place for one in found]
    board = [one.place for one in found if one.kind == "board"]
    count = int(board[0].split(" of ")[1])
    round_ = [f"{number} of {count}" for number in range(1, count + 1)]
    first = places.index(round_[0], 1)
    assert places[first : first + count] == round_
    length = places.index(round_[0], first + 1) - first
    assert length > count
    assert places[first + length : first + length + count] == round_


def test_a_group_over_several_pages_has_its_heading_on_each(show: ShowScreen) -> None:
    many = tuple(event(number, f"Event {number:02}", at("15:00")) for number in range(1, 15))
    found = sorted(show(AGENDA, events=many).pages(), key=lambda page: page.place)
    assert [title for page in found for title in page.titles] == [item.title for item in many]
    assert {tuple(page.headings) for page in found} == {("Today",)}
    lengths = [len(page.titles) for page in found]
    assert len(found) > 2
    assert max(lengths) - min(lengths) <= 1


def test_a_slide_shows_one_event_in_full(show: ShowScreen, larkfield: Library) -> None:
    found = show("screen.html?layout=slides", site=larkfield.site, now=on(0, "08:00")).pages()
    assert {one.kind for one in found} == {"slide"}
    assert {one.place for one in found} == {
        f"{number} of {len(found)}" for number in range(1, len(found) + 1)
    }
    story = next(one for one in found if one.titles == ["Preschool Story Time"])
    row = story.groups[0][1][0]
    assert story.headings == ["Today"]
    assert (row.time, row.where) == ("10:30am to 11:15am", "Story Corner, Main Street")
    assert "Scan for details" in story.scan
    assert "/static/" in story.picture
    assert any("Scan to register" in one.scan for one in found)
    assert any(not one.picture for one in found)


def test_a_slide_and_its_number_change_together(show: ShowScreen, larkfield: Library) -> None:
    screen = show("screen.html?layout=slides&rotate=10", site=larkfield.site, now=on(0, "08:00"))
    ended = threading.Event()

    def hold(path: str, status: int, body: bytes) -> tuple[int, bytes]:
        if path.endswith(".webp"):
            ended.wait(60)
        return status, body

    screen.server.spoil = hold
    shown = []
    for _ in range(30):
        screen.let_pass(2, 2)
        shown.append((screen.seen.titles[0], screen.seen.place))
    ended.set()
    titles = [title for title, _ in shown]
    # Waiting for pictures makes some slides stay longer.
    assert max(titles.count(title) for title in titles) > 6
    assert len(set(titles)) == len(set(shown)) > 3


def test_a_slide_is_shown_without_a_missing_picture(
    show: ShowScreen, larkfield: Library, watch: Watch, tmp_path: Path
) -> None:
    watch.allow("Failed to load resource")
    site = shutil.copytree(larkfield.site, tmp_path / "site", ignore=shutil.ignore_patterns("*.webp"))
    screen = show("screen.html?layout=slides&rotate=3", site=site, now=on(0, "08:00"))
    found = [screen.seen]
    for _ in range(5):
        screen.turn()
        found.append(screen.seen)
    assert [one.picture for one in found] == [""] * 6
    assert len({one.titles[0] for one in found}) == 6
    assert screen.page.locator(".pictured").count() == 0


def stay(screen: Screen) -> float:
    """Return the seconds for which the next page stays."""
    screen.turn()
    begun = screen.now
    screen.turn()
    return screen.now - begun


def test_a_page_stays_for_fifteen_seconds(show: ShowScreen, larkfield: Library) -> None:
    for layout in ("mixed", "slides"):
        screen = show(f"screen.html?layout={layout}", site=larkfield.site, now=on(0, "08:00"))
        screen.turn()
        # One of forty stays for two turns.
        assert {round(stay(screen)) for _ in range(3)} <= {14, 15, 16, 29, 30, 31}


def test_a_single_page_does_not_turn(show: ShowScreen) -> None:
    screen = show(AGENDA, events=(event(1, "Talk", at("15:00"), excerpt=""),))
    screen.page.evaluate("document.getElementById('stage').lastElementChild.mark = 1")
    screen.let_pass(90)
    assert screen.page.evaluate("document.getElementById('stage').lastElementChild.mark") == 1
    assert screen.seen.place == ""


def test_pages_fade_unless_reduced_motion_is_set(show: ShowScreen) -> None:
    for motion, name in (("no-preference", "come"), ("reduce", "none")):
        page = (screen := show("screen.html?layout=agenda&scale=1.5", reduced_motion=motion)).page
        # The old page stays below the new one for half a second.
        for _ in range(150):
            animation = page.evaluate("""() => {
              const pages = document.querySelectorAll(".page");
              return pages.length === 2 ? getComputedStyle(pages[1]).animationName : "";
            }""")
            if animation:
                break
            screen.let_pass(0.2, 0.2)
        assert animation == name
        screen.let_pass(1)
        assert page.locator(".page").count() == 1


# ---- Options and controls


def test_unknown_options_are_ignored(show: ShowScreen) -> None:
    screen = show("screen.html?layout=grid&theme=pink&rotate=-4&scale=900&x=<b>")
    root = screen.page.locator("html")
    assert root.get_attribute("data-theme") == "dark"
    assert root.evaluate("element => element.style.getPropertyValue('--scale')") == "1"
    assert {one.kind for one in screen.pages()} == {"board", "slide"}


def test_rotate_sets_the_seconds(show: ShowScreen) -> None:
    assert 29 <= stay(show("screen.html?layout=agenda&scale=1.5&rotate=30")) <= 31


def test_rotate_0_stops_turning_but_not_the_clock(show: ShowScreen) -> None:
    screen = show("screen.html?layout=agenda&scale=2&rotate=0", now=on(0, "11:50"))
    screen.let_pass(480)
    assert screen.seen.place.startswith("1 of")
    assert "Genealogy Drop-In" in screen.seen.titles
    screen.let_pass(180)
    assert screen.seen.place.startswith("1 of")
    assert "Genealogy Drop-In" not in screen.seen.titles


def font_size(screen: Screen, selector: str) -> float:
    found: float = screen.page.locator(selector).first.evaluate(
        "element => parseFloat(getComputedStyle(element).fontSize)"
    )
    return found


@pytest.mark.parametrize(
    ("options", "scale"),
    [
        ("", 1),
        ("&scale=1.2", 1.2),
        ("&distance=20", 20 / 15),
        ("&distance=6m", 6 * 3.281 / 15),
        ("&size=75", 55 / 75),
        ("&distance=20&size=75&scale=1.1", 1.1 * 20 / 15 * 55 / 75),
        ("&distance=60", 2),
        ("&distance=far&size=huge", 1),
    ],
)
def test_distance_size_and_scale_set_the_size_of_the_letters(
    show: ShowScreen, options: str, scale: float
) -> None:
    screen = show(AGENDA + options)
    assert font_size(screen, "#date") == pytest.approx(scale * 4.4 * 10.8, abs=0.1)


def test_five_rows_fit_with_letters_for_55_inches_at_15_feet(show: ShowScreen) -> None:
    five = tuple(event(number, f"Event {number}", at("15:00")) for number in range(1, 6))
    screen = show(AGENDA, events=five)
    assert len(screen.seen.titles) == 5
    # An inch of capital letter for ten feet, with capitals of 0.7 em: 7.9% of the height.
    assert all(
        size >= 85.9
        for size in screen.page.locator("h3").evaluate_all(
            "all => all.map((title) => parseFloat(getComputedStyle(title).fontSize))"
        )
    )
    few = show(AGENDA, events=five[:2])
    assert font_size(few, "h3") > 1.4 * 86


def test_themes(show: ShowScreen) -> None:
    def background(path: str, scheme: str) -> str:
        page = show(path, color_scheme=scheme).page
        found: str = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        return found

    dark, light = "rgb(20, 32, 43)", "rgb(250, 248, 244)"
    assert background("screen.html", "light") == dark
    assert background("screen.html?theme=light", "dark") == light
    assert background("screen.html?theme=auto", "dark") == dark
    assert background("screen.html?theme=auto", "light") == light


def test_the_space_bar_and_a_button_pause_the_screen(show: ShowScreen) -> None:
    screen = show("screen.html?layout=agenda&scale=2", now=on(0, "10:45"))
    page = screen.page

    def width() -> float:
        box = page.locator("#pause").bounding_box()
        assert box
        return box["width"]

    assert width() <= 1
    page.keyboard.press("Tab")
    assert width() > 50
    page.keyboard.press("Space")
    stopped = screen.seen
    assert page.get_by_role("button", name="Resume").is_visible()
    screen.let_pass(130)
    assert (screen.seen.groups, screen.seen.place) == (stopped.groups, stopped.place)
    assert screen.seen.clock != stopped.clock
    page.keyboard.press("Enter")
    screen.let_pass(1)
    assert len(screen.pages()) > 1
    # The space bar works even if no element has the focus.
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    stopped = screen.seen
    screen.let_pass(60)
    assert screen.seen.place == stopped.place
    page.keyboard.press("Space")
    assert len(screen.pages()) > 1


# ---- Protection of the panel


def test_the_page_shifts_within_eight_pixels_against_burn_in(show: ShowScreen) -> None:
    screen = show()
    corners = set()
    for _ in range(20):
        screen.let_pass(180, 60)
        box = screen.page.locator("main").bounding_box()
        assert box
        corners.add((round(box["x"]), round(box["y"])))
    assert len(corners) > 12
    for axis in (0, 1):
        places = [corner[axis] for corner in corners]
        assert 5 <= max(places) - min(places) <= 8


def test_the_header_stays_on_top_and_nights_are_dim(show: ShowScreen) -> None:
    screen = show(now=on(0, "21:58"))
    page = screen.page

    def header() -> float:
        box = page.locator("header").bounding_box()
        assert box
        return box["y"]

    assert page.locator("html.night").count() == 0
    screen.let_pass(180)
    assert page.locator("html.night").count() == 1
    for hours in (3, 5.1):
        screen.skip(hours)
        assert header() < 70
    assert page.locator("html.night").count() == 0
