"""The whole site as files: paths, links, headings, and escaping of hostile texts."""

from __future__ import annotations

import io
import json
import posixpath
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

import site_paths
from branches import Branch
from event import Event, Snapshot
from rendering import pages
from rendering.site import Site
from settings import SettingError
from support import feed_readers
from support.page_reader import Page
from support.page_samples import NOW, SITE, all_day, at, event, registration, settings, snapshot

FULL = event(
    "2026-03-03 10:30",
    "2026-03-03 12:00",
    id="1",
    place="Story Room",
    audiences=("Children",),
    categories=("Songs",),
    url="https://x.libcal.com/event/1",
    description="<p>Songs &amp; rhymes</p>",
    excerpt="Songs & rhymes",
    registration=registration(),
)
CANCELLED = event(
    "2026-03-03 14:00", id="2", title="Chess", state="cancelled", branch="Lebanon", audiences=("Teens",)
)
GONE = event("2026-03-05 14:00", id="3", title="Knitting", listed=False)
OVER = event("2026-03-02 14:00", id="4", title="Yesterday")
EXHIBIT = all_day("2026-02-01", "2026-05-01", id="5", title="Photographs")
AGAIN = replace(FULL, id="6", start=FULL.start.replace(day=10), end=FULL.end.replace(day=10))
ALL = (FULL, CANCELLED, GONE, OVER, EXHIBIT, AGAIN)

Build = Callable[..., dict[str, bytes]]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Return `build(*events, **settings)`: the site as {path: bytes}."""

    def make(*events: Event, **values: str) -> dict[str, bytes]:
        return dict(pages.build(Site.of(snapshot(*events), settings(BUILD_DIR=str(tmp_path), **values))))

    return make


def page(built: dict[str, bytes], path: str) -> Page:
    return Page(built[path].decode())


def html_pages(built: dict[str, bytes]) -> list[str]:
    """Return the paths of all pages except screens, which test_screen.py covers."""
    return [path for path in built if path.endswith(".html") and not path.startswith("screen")]


def test_the_site_has_the_documented_paths(build: Build) -> None:
    paths = {re.sub(r"\.[0-9a-f]{10}\.", ".*.", path) for path in build(*ALL)}
    assert paths >= {
        "index.html", "event/1.html", "branch/kilton.html", "audience/teens.html", "screen.html", "print.html",
        "embed.html", "embed.js", "events.ics", "branch/kilton.ics", "audience/teens.ics", "event/1.ics",
        "feed.atom", "feed.rss", "feed.json", "events.json", "404.html", "robots.txt", "sitemap.xml",
        "static/style.*.css", "static/list.*.js", "static/event.*.js", "static/icon.*.svg",
    }  # fmt: skip


def test_the_page_of_a_past_event_says_so_and_names_the_next_date(build: Build) -> None:
    again = replace(OVER, id="7", start=OVER.start.replace(day=17), end=OVER.end.replace(day=17))
    built = build(
        *ALL,
        again,
        replace(OVER, id="8", state="cancelled"),
        replace(OVER, id="9", registration=registration()),
    )
    found = page(built, "event/4.html")
    assert "This event is over. Next: Tuesday, March 17" in found.text
    assert "event/7.html" in {link.removeprefix("../") for link in found.links}
    assert found.one("meta", name="robots")["content"] == "noindex"
    assert "ld+json" not in built["event/4.html"].decode()
    assert "The date of this event has passed." in page(built, "event/8.html").text
    for path in ("event/4.html", "event/9.html"):
        assert "Register" not in page(built, path).text
        assert "Registration" not in page(built, path).text
        assert "Add to calendar" not in page(built, path).text
    assert "event/4.html" not in built["sitemap.xml"].decode()


def test_a_past_event_stays_in_calendars_for_30_days_and_in_the_data_for_90(build: Build) -> None:
    def past(days: int) -> Event:
        return replace(
            OVER,
            id=str(100 + days),
            start=OVER.start - timedelta(days=days),
            end=OVER.end - timedelta(days=days),
        )

    built = build(FULL, past(1), past(29), past(30), past(89), past(90))
    for path in ("events.ics", "branch/kilton.ics"):
        assert re.findall(r"UID:(\d+)@", built[path].decode()) == ["129", "101", "1"]
    assert "event/129.ics" in built
    assert "event/130.ics" not in built
    data = json.loads(built["events.json"])["events"]
    assert [(item["id"], item["over"]) for item in data] == [
        ("189", True),
        ("130", True),
        ("129", True),
        ("101", True),
        ("1", False),
    ]
    assert {path for path in built if path.startswith("event/") and path.endswith("html")} == {
        f"event/{number}.html" for number in (1, 101, 129, 130, 189)
    }
    for path in (
        "feed.atom",
        "feed.rss",
        "feed.json",
        "index.html",
        "screen.html",
        "print.html",
        "sitemap.xml",
    ):
        assert "Yesterday" not in built[path].decode(), path


@pytest.mark.parametrize("values", [{}, {"HOME_PAGE": "screen"}, {"SITE_URL": ""}, {"LOCALE": "da_DK"}])
def test_every_internal_link_has_a_target_file(build: Build, values: dict[str, str]) -> None:
    built = build(*ALL, **values)
    known = {*built, "status.json"}
    for path in html_pages(built):
        for link in page(built, path).own_links:
            target = (
                link.lstrip("/")
                if link.startswith("/")
                else posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
            )
            assert target in known, f"{path}: {link}"


def test_the_404_page_has_links_from_the_root(build: Build) -> None:
    for site, root in (
        ("https://x.org", "/"),
        ("https://x.org/events/display", "/events/display/"),
        ("", "/"),
    ):
        links = page(build(FULL, SITE_URL=site), "404.html").own_links
        assert links
        assert all(
            link.startswith(root + "static/")
            or link[len(root) :] in ("index.html", "print.html", "accessibility.html")
            for link in links
        ), links


def test_every_page_has_one_heading_a_title_a_language_and_a_strict_policy(build: Build) -> None:
    built = build(*ALL)
    for path in html_pages(built):
        found = page(built, path)
        assert len(found.all("h1")) == 1, path
        assert found.one("title").text.endswith("Lebanon Public Libraries"), path
        assert found.one("html")["lang"] == "en-US"
        policy = found.one("meta", **{"http-equiv": "Content-Security-Policy"})["content"]
        assert policy.startswith("default-src 'none'; "), path
        if path == "newsletter.html":  # mail programs need style attributes
            policy = policy.replace("; style-src-attr 'unsafe-inline'", "")
        assert "unsafe" not in policy
        assert "*" not in policy


def test_every_page_has_a_unique_title(build: Build) -> None:
    built = build(*ALL)
    titles = [page(built, path).one("title").text for path in html_pages(built)]
    assert sorted(set(titles)) == sorted(titles)


def test_every_page_has_a_canonical_address_and_some_are_not_indexed(build: Build) -> None:
    built = build(*ALL)
    canonical = {path: page(built, path).one("link", rel="canonical")["href"] for path in html_pages(built)}
    assert canonical["index.html"] == f"{SITE}/"
    assert canonical["event/1.html"] == f"{SITE}/event/1.html"
    hidden = {
        path for path in html_pages(built) if page(built, path).all("meta", name="robots", content="noindex")
    }
    assert hidden == {
        "404.html",
        "embed.html",
        "newsletter.html",
        "print.html",
        "event/3.html",
        "event/4.html",
    }


def test_the_list_has_days_and_events_as_headings_and_one_link_for_each_event(build: Build) -> None:
    found = page(build(*ALL), "index.html")
    assert [item.text for item in found.all("h2")][1:4] == [
        "Tuesday, March 3",
        "Ongoing",
        "Tuesday, March 10",
    ]
    cards = [item for item in found.all("li") if "data-start" in item.attributes]
    assert len(cards) == 4
    assert [item.parents[-1] for item in found.all("h3")] == ["li"] * 4
    first = cards[0]
    assert first.attributes == {
        "data-start": str(int(FULL.start.timestamp())),
        "data-end": str(int(FULL.end.timestamp())),
        "data-branch": "kilton",
        "data-audience": "children",
        "data-category": "songs",
    }
    assert first.text.split("\n")[1:] == [
        "Story Time", "10:30am to noon", "Registration required", "Story Room, Kilton", "Children", "Songs & rhymes", "",
    ]  # fmt: skip
    labels = [
        item.attributes.get("aria-label") for item in found.all("a") if item["href"].startswith("event/")
    ]
    assert labels[0] == "Story Time, Tuesday, March 3, 10:30am to noon, Kilton"
    assert labels.count(None) == 2


def test_a_cancelled_event_is_marked_on_every_page(build: Build) -> None:
    built = build(*ALL)
    for path in (
        "index.html",
        "branch/lebanon.html",
        "audience/teens.html",
        "print.html",
        "embed.html",
        "event/2.html",
    ):
        assert "Cancelled" in page(built, path).text, path
    own = page(built, "event/2.html")
    assert own.one("article")["class"] == "off"
    assert own.one("meta", property="og:title")["content"].startswith("Cancelled: Chess")
    assert own.one("title").text.startswith("Cancelled: Chess · ")
    assert own.one("h1").text == "Cancelled: Chess"


@pytest.mark.parametrize(
    ("values", "words"),
    [({"state": "cancelled"}, "Cancelled: Chess"), ({"state": "postponed"}, "Postponed: Chess"),
     ({"notice": "moved-online", "online": True}, "Moved online: Chess"), ({"notice": "new-date"}, "New date: Chess")],
)  # fmt: skip
def test_links_headings_and_labels_name_the_state(build: Build, values: dict[str, Any], words: str) -> None:
    built = build(
        event("2026-03-03 14:00", id="2", title="Chess", **values),
        event("2026-03-05 14:00", id="3", title="Chess"),
    )
    for path in ("index.html", "embed.html", "print.html", "screen.html"):
        headings = [item.text for item in page(built, path).all("h3")]
        assert headings[:2] == [words, "Chess"], path
        # No tag repeats the state below the title.
        tags = [item.text for item in page(built, path).all("strong")]
        assert words.partition(":")[0] not in tags, path
    links = [item for item in page(built, "index.html").all("a") if item["href"].startswith("event/")]
    assert [link["aria-label"].partition(",")[0] for link in links] == [words, "Chess"]


def test_a_title_that_says_its_state_is_not_prefixed_with_it(build: Build) -> None:
    title = "Chess - Postponed to Sept. 5"
    built = build(event("2026-03-03 14:00", id="2", title=title, state="postponed"))
    assert page(built, "event/2.html").one("h1").text == title


def test_an_event_moved_online_still_offers_registration(build: Build) -> None:
    values: dict[str, Any] = {"notice": "moved-online", "online": True, "url": "https://x.libcal.com/event/2"}
    built = build(event("2026-03-03 14:00", id="2", title="Chess", registration=registration(), **values))
    button = page(built, "event/2.html").one("a", id="register")
    assert (button.text, button.attributes["aria-label"]) == ("Register", "Register for Chess")


def test_a_sold_out_event_is_full(build: Build) -> None:
    built = build(
        event("2026-03-03 14:00", id="2", title="Harp", url="https://x.libcal.com/event/2", sold_out=True)
    )
    assert "Full" in page(built, "event/2.html").text
    assert not page(built, "event/2.html").all("a", id="register")


def closures(tmp_path: Path, *found: Event, events: tuple[Event, ...] = ALL) -> dict[str, bytes]:
    given = settings(BUILD_DIR=str(tmp_path))
    return dict(pages.build(Site.of(replace(snapshot(*events), closures=found), given)))


def test_one_notice_names_a_closure_of_several_branches_on_every_list(tmp_path: Path) -> None:
    day = {"kind": "closure", "title": "Staff Day"}
    both = (
        all_day("2026-03-05", id="8", branch="Kilton", **day),
        all_day("2026-03-05", id="9", branch="Lebanon", **day),
    )
    built = closures(tmp_path, *both)
    for path in ("index.html", "embed.html", "print.html", "branch/kilton.html", "audience/teens.html"):
        notices = [
            item.text for item in page(built, path).all("p") if item.attributes.get("class") == "closed"
        ]
        assert notices == ["Closed Thursday, March 5: Staff Day, all branches"], path
    assert (
        page(built, "screen.html").one("p", id="closed").text
        == "Closed Thursday, March 5: Staff Day, all branches"
    )
    assert json.loads(built["events.json"])["closures"] == [
        {"text": "Closed Thursday, March 5: Staff Day, all branches", "first": "2026-03-05", "last": "2026-03-05",
         "branches": []}
    ]  # fmt: skip
    assert "event/8.html" not in built
    for path in ("events.ics", "branch/kilton.ics"):
        entry = built[path].decode().replace("\r\n ", "").partition("UID:closure-8@")[2]
        assert "SUMMARY:Closed Thursday\\, March 5: Staff Day\\, all branches" in entry
        assert "DTSTART;VALUE=DATE:20260305" in entry
        assert "TRANSP:TRANSPARENT" in entry
    for folder in ("feed", "branch/kilton"):
        news = feed_readers.atom(built[f"{folder}.atom"]).entries[0]
        item = feed_readers.rss(built[f"{folder}.rss"]).entries[0]
        notice = feed_readers.json_feed(built[f"{folder}.json"])["items"][0]
        assert {news.title, item.title, notice["title"]} == {
            "Closed Thursday, March 5: Staff Day, all branches"
        }
        assert notice["_closure"] == {"first": "2026-03-05", "last": "2026-03-05"}
    assert "Staff Day" not in built["audience/teens.atom"].decode()


def test_the_page_of_a_called_off_event_says_so_once_and_why(tmp_path: Path) -> None:
    given = settings(BUILD_DIR=str(tmp_path))
    built = dict(pages.build(Site.of(snapshot(event(id="5", state="cancelled", title="Chess")), given)))
    shown = page(built, "event/5.html")
    assert shown.one("h1").text == "Cancelled: Chess"
    assert not [item for item in shown.all("strong") if "tag" in item.attributes.get("class", "")]
    assert "This event will not take place." in shown.text


def test_the_presenter_and_more_information_are_on_the_event_page(tmp_path: Path) -> None:
    told = event(id="5", presenter="Dr. Byron", more_info="<p>Bring <b>lunch</b>.</p>")
    given = settings(BUILD_DIR=str(tmp_path))
    built = dict(pages.build(Site.of(snapshot(told, event(id="6")), given)))
    text = page(built, "event/5.html").text
    assert "Presenter Dr. Byron" in " ".join(text.split())
    assert "Bring lunch." in text
    assert '"performer": {"@type": "Person", "name": "Dr. Byron"}' in built["event/5.html"].decode()
    assert "Presenter" not in page(built, "event/6.html").text


def test_a_closure_of_one_branch_is_named_and_only_on_its_page(tmp_path: Path) -> None:
    one = event("2026-03-03 13:00", "2026-03-03 17:00", id="9", branch="Lebanon", kind="closure", title="")
    built = closures(tmp_path, one)
    text = "Closed Tuesday, March 3, 1pm to 5pm: Lebanon"
    assert text in page(built, "index.html").text
    assert text in page(built, "branch/lebanon.html").text
    assert "Closed" not in page(built, "branch/kilton.html").text
    assert "closure-9" not in built["branch/kilton.ics"].decode()


def test_a_closure_is_announced_a_week_before_and_not_later_than_its_day(tmp_path: Path) -> None:
    late, past = (
        all_day(day, id="9", branch="Kilton", kind="closure", title="")
        for day in ("2026-03-10", "2026-03-02")
    )
    assert "Closed" not in page(closures(tmp_path, late, past), "index.html").text


def test_an_event_on_a_closed_day_asks_to_check_and_offers_no_registration(build: Build) -> None:
    built = build(replace(FULL, registration=registration(), in_closure=True))
    own = page(built, "event/1.html")
    assert own.one("strong").text == "Library closed; please check"
    assert not own.all("a", id="register")
    assert "Library closed; please check" in page(built, "index.html").text


def test_an_unlisted_event_keeps_its_page_and_is_on_no_list(build: Build) -> None:
    built = build(*ALL)
    own = page(built, "event/3.html")
    assert "No longer listed" in own.text
    assert not own.all("script", type="application/ld+json")
    for path in html_pages(built):
        if path != "event/3.html":
            assert "Knitting" not in page(built, path).text, path


def test_filters_offer_existing_values_and_are_left_out_with_a_single_one(build: Build) -> None:
    built = build(*ALL)
    found = page(built, "index.html")
    assert [item["name"] for item in found.all("select")] == ["branch"]
    assert [item["value"] for item in found.all("option")] == ["", "kilton", "lebanon"]
    boxes = found.all("input", type="checkbox")
    assert [(item["name"], item["value"]) for item in boxes] == [
        ("audience", "children"),
        ("audience", "teens"),
    ]
    assert page(built, "branch/kilton.html").all("select") == []
    # Without script, the controls would do nothing.
    assert "hidden" in found.one("form").attributes
    assert page(built, "index.html").one("form")["method"] == "get"


def test_branches_and_audiences_are_linked_without_script(build: Build) -> None:
    found = page(build(*ALL), "index.html")
    assert {
        "branch/kilton.html",
        "branch/lebanon.html",
        "audience/children.html",
        "audience/teens.html",
    } <= set(found.links)
    assert "category/songs.html" in build(*ALL)


def test_a_branch_with_an_empty_calendar_keeps_its_page(build: Build) -> None:
    built = build(replace(CANCELLED, calendar="17790"))
    found = page(built, "branch/kilton.html")
    assert "No events for Kilton are scheduled right now." in found.text
    assert found.all("meta", name="robots", content="noindex")
    assert not found.all("form")


def test_an_empty_list_says_so_and_links_to_libcal(build: Build) -> None:
    found = page(build(), "index.html")
    assert "hidden" not in found.one("div", id="none").attributes
    assert "No events are scheduled right now. Check back soon." in found.text
    assert "https://x.libcal.com/" in found.links
    assert "hidden" in page(build(FULL), "index.html").one("div", id="none").attributes


def test_the_event_page_has_facts_registration_calendar_links_and_json_ld(build: Build) -> None:
    found = page(build(*ALL), "event/1.html")
    assert found.one("title").text == "Story Time · Tue, Mar 3, 10:30am · Lebanon Public Libraries"
    facts = {found.all("dt")[index].text: item.text for index, item in enumerate(found.all("dd"))}
    assert facts == {
        "When": "Tuesday, March 3, 10:30am to noon",
        "Where": "Story Room, Kilton",
        "Age": "Children",
        "Type": "Songs",
    }
    assert found.one("a", id="register")["aria-label"] == "Register for Story Time"
    tags = [
        link["href"] for link in found.all("a") if "audience" in link["href"] or "category" in link["href"]
    ]
    assert tags == ["../audience/children.html", "../category/songs.html"]
    assert found.one("a", id="register")["href"] == "https://x.libcal.com/event/1"
    assert "../event/1.ics" in found.links
    assert sum("calendar.google.com" in link for link in found.links) == 1
    assert sum("outlook.live.com" in link for link in found.links) == 1
    assert "../event/6.html" in found.links
    assert "Songs & rhymes" in found.one("section", class_="about").text
    data = json.loads(found.one("script", type="application/ld+json").text)
    assert data["name"] == "Story Time"
    assert found.one("meta", property="og:url")["content"] == f"{SITE}/event/1.html"


def test_a_series_has_a_page_and_a_calendar_with_all_dates(build: Build) -> None:
    weekly = [event(f"2026-03-{day:02} 10:30", id=str(day), title="Chess") for day in (3, 10, 17)]
    built = build(*weekly)
    found = page(built, "series/chess-kilton-tue-1030.html")
    assert found.one("h1").text == "Chess"
    assert "Tuesday, 10:30am" in found.text
    dates = [link.text for link in found.all("a") if "../event/" in link["href"]]
    assert dates == ["Tuesday, March 3", "Tuesday, March 10", "Tuesday, March 17"]
    assert built["series/chess-kilton-tue-1030.ics"].count(b"BEGIN:VEVENT") == 3
    assert "../series/chess-kilton-tue-1030.html" in page(built, "event/10.html").links
    assert not [path for path in build(*weekly[:2]) if path.startswith("series/")]


def test_a_month_is_a_table_whose_days_lead_to_the_list(build: Build) -> None:
    events = [event(f"2026-03-31 {hour}:00", id=str(hour), title=f"Talk {hour}") for hour in (10, 11, 12, 13)]
    built = build(*events, event("2026-04-02 09:00", id="1"))
    march = page(built, "month/2026-03.html")
    assert march.one("h1").text == "March 2026"
    days = [link["href"] for link in march.all("a") if "#day-" in link["href"]]
    assert days == ["../index.html#day-2026-03-31"]
    assert page(built, "index.html").one("section", id="day-2026-03-31")
    titles = [item.text.strip() for item in march.all("li") if "Talk" in item.text]
    assert titles == ["Talk 10", "Talk 11", "Talk 12"]
    # The weeks begin on Sunday in the United States, and March 31 is a Tuesday.
    assert [cell.text.strip().split("\n")[0] for cell in march.all("td")][-5] == "31 44 events"
    assert "month/2026-04.html" in page(built, "index.html").links
    assert "../month/2026-04.html" in march.links


def test_with_the_screen_as_home_page_the_list_has_its_own_address(build: Build) -> None:
    built = build(*ALL, HOME_PAGE="screen")
    assert "Story Time" in page(built, "list.html").text
    assert built["index.html"] != built["list.html"]
    assert page(built, "list.html").one("form")["id"] == "find"
    assert "../list.html" in page(built, "event/1.html").links
    assert "list.html" not in build(*ALL)


def test_print_html_needs_no_script_and_offers_large_print(build: Build) -> None:
    found = page(build(*ALL), "print.html")
    assert not found.all("script")
    assert "#large" in found.links
    assert "Events, March 3 to 9" in found.text
    assert [item.text for item in found.all("h3")] == ["Photographs", "Story Time", "Cancelled: Chess"]


def test_images_are_own_files_with_sizes_and_lazy_except_the_first_two(build: Build, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for width in (320, 800, 1600):
        Image.new("RGB", (width, width * 3 // 4)).save(tmp_path / "images" / f"0123456789abcdef-{width}.webp")
    events = [
        replace(FULL, id=str(number), title=f"T{number}", image="0123456789abcdef") for number in range(1, 5)
    ]
    built = build(*events, replace(FULL, id="9", title="No image", image="lost-1a"))
    found = page(built, "index.html").all("img")
    assert [image.attributes.get("loading") for image in found] == [None, None, "lazy", "lazy"]
    assert all(image["alt"] == "" for image in found)
    assert found[0]["src"] == "static/320.0123456789abcdef.webp"
    assert {
        "static/320.0123456789abcdef.webp",
        "static/800.0123456789abcdef.webp",
        "static/1600.0123456789abcdef.webp",
    } <= set(built)
    own = page(built, "event/1.html")
    assert own.one("img")["src"] == "../static/800.0123456789abcdef.webp"
    assert (own.one("img")["width"], own.one("img")["height"]) == ("800", "600")
    assert all(site_paths.is_hashed(path) for path in built if path.endswith(".webp"))


def test_a_shared_link_shows_the_events_image_or_the_librarys(build: Build) -> None:
    built = build(*ALL)
    for path in ("index.html", "branch/kilton.html", "event/1.html"):
        image = page(built, path).one("meta", property="og:image")["content"].removeprefix(f"{SITE}/")
        size = Image.open(io.BytesIO(built[image])).size
        assert size == (1200, 630), path
    assert page(built, "branch/kilton.html").one("meta", property="og:title")["content"] == (
        "Kilton · Events · Lebanon Public Libraries"
    )
    assert not page(build(*ALL, SITE_URL=""), "index.html").all("meta", property="og:image")


def test_the_library_s_own_links_are_on_every_page(build: Build) -> None:
    links = "Contact=https://library.example.org/contact?a=1&b=2, E-mail=mailto:events@example.org"
    built = build(FULL, HOME_URL="https://library.example.org/", FOOTER_LINKS=links)
    for path in ("index.html", "event/1.html", "404.html", "accessibility.html"):
        found = {(link.text, link["href"]) for link in page(built, path).all("a")}
        assert found >= {
            ("Library website", "https://library.example.org/"),
            ("Contact", "https://library.example.org/contact?a=1&b=2"),
            ("E-mail", "mailto:events@example.org"),
        }, path
    assert "Report a problem" in page(built, "accessibility.html").text
    assert "Report a problem" not in page(build(FULL), "accessibility.html").text


def test_a_logo_that_has_the_name_says_it_to_screen_readers_alone(build: Build, tmp_path: Path) -> None:
    Image.new("RGB", (100, 100)).save(tmp_path / "logo.png")
    built = page(build(FULL, LOGO=str(tmp_path / "logo.png"), LOGO_HAS_NAME="1"), "index.html")
    image = built.all("img")[0]
    assert image["alt"] == "Lebanon Public Libraries"
    assert built.all("a", href="index.html")[0].text == ""
    assert built.one("link", rel="icon")["href"] == image["src"]  # a square logo is the icon too


def test_the_font_is_the_bundled_one_or_the_devices_own(build: Build) -> None:
    bundled, system = build(FULL), build(FULL, FONT="system")
    (font,) = [path for path in bundled if path.endswith(".woff2")]
    assert page(bundled, "event/1.html").one("link", rel="preload")["href"] == f"../{font}"
    style = next(data for path, data in bundled.items() if path.endswith(".css")).decode()
    assert f"url({font.removeprefix('static/')})" in style
    assert not [path for path in system if path.endswith(".woff2")]
    assert not page(system, "event/1.html").all("link", rel="preload")
    assert b"@font-face" not in next(data for path, data in system.items() if path.endswith(".css"))


def test_the_next_three_featured_events_stand_above_the_list(build: Build) -> None:
    events = [
        event(f"2026-03-{day:02} 10:00", id=str(day), title=f"Day {day}", featured=True, branch=branch)
        for day, branch in ((5, "Kilton"), (6, "Lebanon"), (7, "Kilton"), (8, "Kilton"))
    ]
    events += [
        replace(
            events[0], id="99", start=at("2026-03-04 10:00"), end=at("2026-03-04 11:00"), state="cancelled"
        )
    ]
    events += [replace(events[0], id="9", start=at("2026-03-09 10:00"), end=at("2026-03-09 10:00"))]
    built = build(FULL, *events)

    def titles(path: str) -> list[str]:
        return [item.text for item in page(built, path).all("h2") if item.text.startswith("Day ")]

    assert titles("index.html") == ["Day 5", "Day 6", "Day 7"]
    assert titles("branch/kilton.html") == ["Day 5", "Day 7", "Day 8"]
    assert not page(build(FULL), "index.html").all("div", id="featured")


def test_the_logo_is_on_every_page(build: Build, tmp_path: Path) -> None:
    Image.new("RGB", (300, 100)).save(tmp_path / "logo.png")
    built = build(FULL, LOGO=str(tmp_path / "logo.png"))
    for path, prefix in (("index.html", ""), ("event/1.html", "../"), ("404.html", "/")):
        image = page(built, path).all("img")[0]
        assert (image["width"], image["height"], image["alt"]) == ("144", "48", "")
        assert image["src"].removeprefix(prefix) in built
    with pytest.raises(SettingError):
        build(FULL, LOGO=str(tmp_path / "none.png"))


def test_texts_are_in_the_language_of_the_locale(build: Build) -> None:
    found = page(build(*ALL, LOCALE="da_DK", TIMEZONE="Europe/Copenhagen"), "index.html")
    assert found.one("html")["lang"] == "da-DK"
    assert found.one("h1").text == "Arrangementer"
    assert "tirsdag 3. marts" in [item.text for item in found.all("h2")]


def test_the_site_depends_on_the_day_not_on_the_time(build: Build) -> None:
    morning = build(*ALL)
    assert build(*ALL, EVENTS_NOW=NOW.replace(hour=17).isoformat()) == morning
    assert build(*ALL, EVENTS_NOW=NOW.replace(day=4).isoformat()) != morning


# Texts that try to break out of text, attributes, scripts, JSON, comments, addresses and messages.
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]><svg onload=alert(1)>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "x onmouseover=alert(1)",
    "</title><script>alert(1)</script>",
    "javascript:alert(1)",
    "//evil.example/x",
    "\\\\evil.example\\x",
    "{{ 7 * 7 }}{% raw %}{title}",
    "{0}{filters}{key!r}%s",
    "&lt;b&gt;&amp;amp;",
    "\u202eevil\u2066",
    "a\u2028b\u2029c",
    "e\u0301" * 50,
    "W" * 10_000,
]  # fmt: skip
TEXT_FIELDS = ("title", "branch", "place", "address", "excerpt", "cost", "url", "color", "image")


def assert_inert(built: dict[str, bytes], plain: dict[str, bytes]) -> None:
    """Assert that a site has no elements, attributes or kinds of links that the plain site does not have."""
    harmless = {path: page(plain, path) for path in html_pages(plain)}
    known = {
        (item.name, name)
        for found in harmless.values()
        for item in found.elements
        for name in ("", *item.attributes)
    }
    # Elements that only some events have.
    known |= {("strong", "class"), ("br", ""), ("article", "class"), ("li", "class"), ("h1", "class")}
    for path in html_pages(built):
        found = page(built, path)
        for item in found.elements:
            for name in ("", *item.attributes):
                assert (item.name, name) in known, f"{path}: {item.name} {name}"
        for link in found.links:
            assert re.match(
                r"(https?|webcal)://[\w.]+[/?]|(?![\w.+-]*:|[/\\]{2})|/static/|/(index|print)\.html", link
            ), link
            assert not re.match(r"\s*(javascript|data|vbscript):", link, re.IGNORECASE)
            assert "evil.example" not in link.partition("?")[0]
        for script in found.all("script"):
            if "src" not in script.attributes:
                json.loads(script.text)
        assert built[path].decode("utf-8")


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:24]))
def test_a_hostile_text_in_every_field_stays_text(build: Build, text: str) -> None:
    values: dict[str, Any] = dict.fromkeys(TEXT_FIELDS, text)
    hostile = replace(FULL, **values, audiences=(text,), categories=(text,))
    # Twice, so that the repeated title gets a label.
    assert_inert(build(hostile, replace(hostile, id="7"), GONE, CANCELLED), build(*ALL))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:24]))
def test_a_hostile_name_of_the_site_stays_text(build: Build, text: str) -> None:
    assert_inert(build(*ALL, SITE_NAME=text), build(*ALL))


words = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("<>\"'&/\\{}%#:;=` \n\t\0\ud800"),), max_size=40
)  # fmt: skip


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.fixed_dictionaries(dict.fromkeys(TEXT_FIELDS, words)), words)
def test_pages_with_any_texts_are_well_formed_and_show_them(
    build: Build, values: dict[str, Any], audience: str
) -> None:
    item = replace(FULL, **values, audiences=(audience,))
    built = build(item, replace(item, id="7"))
    assert_inert(built, build(*ALL))
    heading = page(built, "event/1.html").one("h1").text
    assert _lines(heading) == _lines(values["title"].encode("utf-8", "replace").decode())


def _lines(text: str) -> str:
    """Return the text with the line ends of a parsed HTML page (HTML standard, section 13.2.3.5)."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def test_a_site_of_no_event_or_one_is_complete(build: Build) -> None:
    for events in ((), (FULL,)):
        built = build(*events)
        for path in html_pages(built):
            assert page(built, path).one("main")


def test_event_pages_do_not_contain_the_texts_of_lists(build: Build) -> None:
    assert b"no_match" not in build(FULL)["event/1.html"]


def test_an_unknown_locale_is_refused(build: Build) -> None:
    with pytest.raises(SettingError):
        dict(pages.build(Site.of(Snapshot(), settings(LOCALE="fr_FR"))))


def test_the_page_of_a_branch_shows_its_photo(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGB", (800, 600)).save(folder / "0123456789abcdef-800.webp")
    given = replace(
        settings(BUILD_DIR=str(tmp_path)), branches=(Branch(name="Kilton", photo="https://x.example/k.jpg"),)
    )
    built = dict(pages.build(Site.of(snapshot(event(), photos={"Kilton": "0123456789abcdef"}), given)))
    (shown,) = page(built, "branch/kilton.html").all("img")
    assert shown.attributes["src"] == "../static/800.0123456789abcdef.webp"
    assert "static/800.0123456789abcdef.webp" in built
    assert not page(built, "index.html").all("img")
