"""The lobby screens as files: their events, size and policy, and escaping."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture

import site_paths
from bench import sample as bench_sample
from event import Event, Snapshot
from publishing.headers import headers_for
from rendering import assets, colors, pages, screen
from rendering.programs import Program
from rendering.site import Site
from rendering.views import EventView, Image
from support.page_reader import Element, Page
from support.page_samples import (
    NOW,
    SITE,
    TODAY,
    all_day,
    event,
    registration,
    settings,
    snapshot,
    view,
    wording,
)

Build = Callable[..., dict[str, bytes]]

TALK = event(
    "2026-03-03 10:30", "2026-03-03 12:00", id="1", title="Talk", place="Story Room", excerpt="Come along",
    url="https://x.libcal.com/event/1", registration=registration(),
)  # fmt: skip
CANCELLED = event(
    "2026-03-03 14:00", "2026-03-03 15:00", id="2", title="Chess", state="cancelled", branch="Lebanon"
)
FULL = event(
    "2026-03-03 15:00", "2026-03-03 16:00", id="3", title="Pottery", registration=registration(taken=20)
)
EXHIBIT = all_day("2026-02-01", "2026-05-01", id="4", title="Photographs", place="Gallery", branch="Kilton")
GONE = event("2026-03-03 17:00", "2026-03-03 18:00", id="5", title="Knitting", listed=False)
ALL = (TALK, CANCELLED, FULL, EXHIBIT, GONE)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Return `build(*events, **settings)`: the screens and their service worker as {path: bytes}."""

    def make(*events: Event, **values: str) -> dict[str, bytes]:
        built = pages.build(Site.of(snapshot(*events), settings(BUILD_DIR=str(tmp_path), **values)))
        return {
            path: data for path, data in built if path.startswith(("screen", "index")) or path == "list.html"
        }

    return make


def row(item: EventView, branch: bool = True) -> screen.Row:
    return screen.Row(Program((item,)), branch)


def page(built: dict[str, bytes], path: str = "screen.html") -> Page:
    return Page(built[path].decode())


def carried_rows(found: Page) -> list[Element]:
    """Return the rows in the page's template, from which its script takes the events."""
    return [item for item in found.all("li") if "template" in item.parents]


def titles(found: Page) -> list[str]:
    return [item.text for item in found.all("h3") if "template" in item.parents]


def days_of(*numbers: int) -> list[Event]:
    """Return one event for each number, that many days from today."""
    start = TALK.start
    return [
        replace(
            TALK,
            id=str(index),
            title=f"On day {number}",
            start=start + timedelta(days=number),
            end=start + timedelta(days=number, hours=1),
        )
        for index, number in enumerate(numbers, 100)
    ]


def test_the_library_and_each_branch_have_a_screen_even_without_events(build: Build) -> None:
    built = build(replace(TALK, calendar="99", branch="Café Nørre"))
    assert set(built) >= {"screen.html", "screen/cafe-norre.html", "screen/kilton.html", "screen-worker.js"}
    quiet = page(built, "screen/kilton.html")
    assert carried_rows(quiet) == []
    assert "No events are scheduled right now." in quiet.text


def test_the_screen_can_be_the_home_page(build: Build) -> None:
    built = build(TALK, HOME_PAGE="screen")
    script = json.loads(page(built, "index.html").one("script", id="site").text)
    assert script["scope"] == "./"
    assert titles(page(built, "index.html")) == ["Talk"]
    assert script["code_address"] == "events.example.org/\u200blist.html"
    assert "Talk" in page(built, "list.html").text


def test_a_branch_screen_has_its_own_events_name_and_addresses(build: Build) -> None:
    built = build(TALK, replace(CANCELLED, title="Go"))
    found = page(built, "screen/kilton.html")
    assert titles(found) == ["Talk"]
    assert found.one("h1").text == "Lebanon Public Libraries Kilton"
    script = json.loads(found.one("script", id="site").text)
    assert script["code_address"] == "events.example.org/\u200bbranch/\u200bkilton.html"
    assert (script["status"], script["worker"], script["scope"]) == (
        "../status.json",
        "../screen-worker.js",
        "../screen",
    )


def test_staff_find_the_address_of_each_screen_with_a_preview(build: Build) -> None:
    found = page(build(replace(TALK, audiences=("Teens",)), SITE_NAME="Ours"), "screens.html")
    addresses = [item["src"] for item in found.all("iframe")]
    assert addresses == [
        "screen.html", "screen/kilton.html", "screen.html?audience=teens", "screen.html?layout=slides",
        "screen.html?only=next", "screen.html?slot=30",
    ]  # fmt: skip
    assert [item.text for item in found.all("h2")] == [item["title"] for item in found.all("iframe")]
    assert f"{SITE}/screen/kilton.html" in found.text
    assert found.all("meta", name="robots", content="noindex")


def test_a_row_names_the_branch_only_on_the_screen_of_all_branches() -> None:
    item = view(event(place="Story Room", online=True))
    assert row(item).where == "Story Room, Kilton, Online"
    assert row(item, branch=False).where == "Story Room, Online"
    assert row(view(event(place="")), branch=False).where == ""


@pytest.mark.parametrize(
    ("locale", "item", "parts"),
    [
        ("en_US", TALK, ("10:30am", " to noon")),
        ("da_DK", TALK, ("10.30", " til 12.00")),
        ("es_US", TALK, ("10:30\u00a0a.\u00a0m.", " a mediodía")),
        ("en_US", event("2026-03-03 19:00", "2026-03-04 00:30"), ("7pm", " to 12:30am Wednesday")),
        ("en_US", event("2026-03-03 10:30"), ("10:30am", "")),
        ("en_US", all_day("2026-03-03"), ("All day", "")),
        ("en_US", all_day("2026-03-03", "2026-03-05"), ("March 3 to 5", "")),
        ("en_US", EXHIBIT, ("Ongoing, ends Friday, May 1", "")),
        ("en_US", event("2026-03-04 09:00", "2026-03-08 12:00"), ("9am,", " until Sunday, March 8")),
        ("en_US", all_day("2026-03-04", "2026-05-01"), ("Until Friday, May 1", "")),
    ],
)
def test_a_time_is_split_into_start_and_rest(locale: str, item: Event, parts: tuple[str, str]) -> None:
    found = row(view(item, locale))
    assert (found.start_text, found.end_text) == parts


def test_full_events_are_dropped_and_cancelled_ones_kept(build: Build) -> None:
    found = page(build(*ALL))
    assert titles(found) == ["Photographs", "Talk", "Cancelled: Chess"]
    assert [item.attributes.get("class") for item in carried_rows(found)] == [
        "exhibit inviting",
        "inviting",
        "off",
    ]
    assert "Cancelled" in carried_rows(found)[2].text


def test_the_first_days_are_always_included_and_later_days_in_full_or_not() -> None:
    many = [view(item) for item in days_of(*[0] * 50, *[3] * 30, 4)]
    assert len(screen.select(many, TODAY)) == 80
    some = [view(item) for item in days_of(*[0] * 50, *[4] * 10, *[5] * 2, 6)]
    assert [item.event.title for item in screen.select(some, TODAY)][-1] == "On day 4"
    few = [view(item) for item in days_of(0, 10, 29)]
    assert len(screen.select(few, TODAY)) == 3


def test_a_page_of_saturday_includes_all_of_monday(build: Build) -> None:
    saturday = date(2026, 3, 7)
    events = days_of(*[4] * 30, *[5] * 30, *[6] * 30)
    found = page(build(*events, EVENTS_NOW=NOW.replace(day=saturday.day, hour=18).isoformat()))
    assert titles(found).count("On day 6") == 30


def test_events_that_began_before_today_are_sorted_under_today() -> None:
    fair = all_day("2026-03-02", "2026-03-04", title="Fair")
    early = event("2026-03-03 08:00", title="Early")
    later = event("2026-03-04 08:00", title="Later")
    ordered = screen.select([view(later), view(early), view(fair)], TODAY)
    assert [item.event.title for item in ordered] == ["Fair", "Early", "Later"]


def test_cancelled_events_of_later_days_are_left_out() -> None:
    far = [view(replace(item, state="cancelled")) for item in days_of(3, 4)]
    assert [item.event.title for item in screen.select(far, TODAY)] == ["On day 3"]


def test_all_events_that_visitors_can_join_have_a_slide() -> None:
    def slides(**values: Any) -> list[bool]:
        return [made.inviting for made in screen.rows(screen.select([view(replace(TALK, **values))], TODAY))]

    assert slides() == [True]
    assert slides(registration=None) == [True]
    assert slides(excerpt="") == [True]
    assert slides(state="postponed") == [False]
    assert slides(registration=registration(closed=True)) == [False]
    assert slides(registration=registration(opened=False)) == [False]
    assert slides(registration=registration(taken=20, wait_list=True)) == [False]


def test_the_first_sixty_slides_have_a_code_and_an_excerpt() -> None:
    views = [view(item) for item in days_of(*[0] * 50, *[1] * 50)]
    made = screen.rows(screen.select(views, TODAY))
    assert [row.slide for row in made] == [True] * 60 + [False] * 40
    assert all(row.inviting for row in made)


def test_a_row_says_whether_visitors_can_register(build: Build) -> None:
    (row,) = carried_rows(page(build(TALK)))
    assert "data-register" in row.attributes
    (row,) = carried_rows(page(build(replace(TALK, registration=None))))
    assert "data-register" not in row.attributes


def test_codes_hold_the_short_address_or_without_site_url_that_of_libcal(build: Build) -> None:
    assert row(view(TALK)).address == f"{SITE}/e/3"
    (item,) = carried_rows(page(build(TALK, SITE_URL="")))
    assert item["data-address"] == "x.libcal.com/\u200bevent/\u200b1"
    for url in ("", "javascript:alert(1)", f"https://x.libcal.com/{'a' * 300}"):
        (item,) = carried_rows(page(build(replace(TALK, url=url), SITE_URL="")))
        assert "data-code" not in item.attributes, url
    odd = EventView(replace(TALK, url="https://x.libcal.com/\ud800é"), wording(), "")
    assert row(odd).address == "https://x.libcal.com/?%C3%A9"
    assert row(odd).code


def test_the_code_of_the_list_has_its_quiet_zone_and_is_large_enough(tmp_path: Path) -> None:
    for address in ("https://x.org", f"{SITE}/event/11870007.html", f"{SITE}/{'a' * 90}.html"):
        kind, data = screen.qr_image(address).split(",")
        assert kind == "data:image/png;base64"
        (tmp_path / "code.png").write_bytes(base64.b64decode(data))
        picture = Picture.open(tmp_path / "code.png").convert("L")
        white, width = Picture.new("L", picture.size, 255), picture.width
        for edge in ((0, 0, width, 4), (0, width - 4, width, width), (0, 0, 4, width), (width - 4, 0, width, width)):  # fmt: skip
            assert picture.crop(edge).tobytes() == white.crop(edge).tobytes()
        # 32.5vmin wide in _screen.css; the code without its quiet zone must have 24.
        assert (width - 8) / width * 32.5 >= 24


@pytest.mark.parametrize("address", ["https://x.org", f"{SITE}/e/b4df3", f"{SITE}/{'a' * 90}.html"])
def test_the_code_of_a_row_is_its_modules_row_by_row(address: str) -> None:
    data = base64.b64decode(screen.qr_bits(address))
    size = math.isqrt(len(data) * 8)
    bits = "".join(f"{byte:08b}" for byte in data)[: size * size]
    assert size >= 25
    # The finder pattern of three corners.
    finder = ("1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111")
    rows_of = [bits[at : at + size] for at in range(0, size * size, size)]
    assert tuple(line[:7] for line in rows_of[:7]) == tuple(line[-7:] for line in rows_of[:7]) == finder
    assert tuple(line[:7] for line in rows_of[-7:]) == finder


def test_pictures_list_their_real_sizes_and_posters_are_not_cropped() -> None:
    def sized(*sizes: tuple[int, int, int]) -> screen.Row:
        images = {
            name: Image(path=f"static/a-{name}.webp", width=width, height=height)
            for name, width, height in sizes
        }
        return row(view(TALK, images=images))

    wide = sized((320, 320, 180), (800, 800, 450), (1600, 1600, 900))
    assert wide.srcset("../") == (
        "../static/a-320.webp 320w, ../static/a-800.webp 800w, ../static/a-1600.webp 1600w"
    )
    assert not wide.whole
    # An original of 700 pixels: its two larger files are the same.
    assert (
        sized((320, 320, 180), (800, 700, 394), (1600, 700, 394)).srcset("")
        == "static/a-320.webp 320w, static/a-800.webp 700w"
    )
    assert sized((800, 800, 1100)).whole
    assert sized((800, 800, 200)).whole


def test_a_screen_is_one_file_and_its_policy_allows_only_its_own_script_and_style(build: Build) -> None:
    built = build(*ALL, HOME_PAGE="screen")
    for path in ("screen.html", "index.html", "screen/kilton.html"):
        source = built[path].decode()
        found = page(built, path)
        policy = found.one("meta", **{"http-equiv": "Content-Security-Policy"})["content"]
        rules = {words[0]: words[1:] for rule in policy.split(";") if (words := rule.split())}
        assert rules["default-src"] == ["'none'"]
        assert "unsafe" not in policy
        assert "*" not in policy
        for kind, name in (("script-src", "script"), ("style-src", "style")):
            inside = re.findall(rf"<{name}>(.*?)</{name}>", source, re.DOTALL)
            digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inside]
            assert rules[kind] == [f"'sha256-{digest}'" for digest in digests]
        others = [item for item in found.all("script") if item.attributes]
        assert [item.attributes for item in others] == [{"type": "application/json", "id": "site"}]
        assert not re.search(r"<[^>]*\s(style|on\w+)=", re.sub(r"<script>.*?</script>", "", source, flags=re.DOTALL))  # fmt: skip
        assert [item["rel"] for item in found.all("link")] == ["icon"]
        assert found.one("meta", name="robots")["content"] == "noindex"
        assert found.one("html")["lang"] == "en-US"
        assert source.endswith("</html>\n")


def test_style_and_scripts_do_not_end_their_elements_early() -> None:
    for script in (screen.guard_text(), screen.script_text()):
        assert not re.search(r"</?script|<!--", script, re.IGNORECASE)
    assert "<" not in screen.style_sheet("#1f5f8b", 7)


@given(st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}"))
def test_any_brand_color_gives_the_contrast_for_reading_from_afar(brand: str) -> None:
    dark, light = re.findall(r"color-scheme:(?:dark|light);([^}]*)", screen.style_sheet(brand, 7))[:2]
    for theme in (dark, light):
        shades = dict(re.findall(r"--(\w+):(#[0-9a-f]{6})", theme))
        for name in ("text", "accent", "muted", "red", "amber", "green"):
            assert colors.contrast(shades[name], shades["ground"]) >= screen.CONTRAST, name
        for name in ("text", "red", "amber"):
            assert colors.contrast(shades[name], shades["chip"]) >= screen.CONTRAST, name


def version(built: dict[str, bytes], path: str = "screen.html") -> str:
    return page(built, path).one("meta", name="events-display-screen")["content"]


def test_the_version_depends_on_everything_except_the_events(build: Build, tmp_path: Path) -> None:
    before = version(build(TALK))
    assert before == version(build()) == version(build(*ALL, EVENTS_NOW=NOW.replace(day=9).isoformat()))
    for values in ({"SITE_NAME": "Other"}, {"BRAND_COLOR": "#aa0000"}, {"LOCALE": "da_DK"}, {"TIMEZONE": "UTC"}, {"SITE_URL": ""}):  # fmt: skip
        assert version(build(TALK, **values)) != before


def test_the_page_depends_on_the_day_not_on_the_time(build: Build) -> None:
    assert build(*ALL, EVENTS_NOW=NOW.replace(hour=17).isoformat()) == build(*ALL)
    assert build(*ALL, EVENTS_NOW=NOW.replace(day=4).isoformat()) != build(*ALL)


def test_the_page_contains_its_date_and_the_names_of_the_next_days(build: Build) -> None:
    template = page(build(TALK, LOCALE="da_DK")).one("template")
    assert int(template["data-built"]) == NOW.replace(hour=0, minute=0).timestamp()
    days = json.loads(unescape(template["data-days"]))
    assert days["2026-03-03"] == "tirsdag 3. marts"
    assert len(days) == screen.DAYS_NAMED


def test_without_script_the_first_rows_are_shown_by_day(build: Build) -> None:
    found = page(build(*ALL, *days_of(*[1] * 20)))
    seen = [item for item in found.all("li") if "template" not in item.parents]
    assert len(seen) == screen.FIRST_ROWS
    headings = [item.text for item in found.all("h2") if "template" not in item.parents]
    assert headings == ["Tuesday, March 3", "Wednesday, March 4"]


@pytest.mark.parametrize(
    "text",
    ["</script><script>alert(1)</script>", "</template><script>alert(1)</script>", "\"' onload=alert(1) x=", "{{ 7 * 7 }}", "<!--"],
)  # fmt: skip
def test_a_hostile_text_stays_text(build: Build, text: str) -> None:
    fields: dict[str, Any] = dict.fromkeys(("title", "branch", "place", "excerpt", "url"), text)
    plain, hostile = page(build(TALK)), page(build(replace(TALK, **fields), SITE_NAME=text))
    known = {(item.name, name) for item in plain.elements for name in ("", *item.attributes)}
    assert {(item.name, name) for item in hostile.elements for name in ("", *item.attributes)} <= known
    assert titles(hostile) == [text]


@pytest.mark.parametrize("count", [0, 1, 200, 500])
def test_a_screen_stays_within_its_limits_with_any_number_of_events(tmp_path: Path, count: int) -> None:
    many = bench_sample.snapshot(count)
    values = settings(
        BUILD_DIR=str(tmp_path), EVENTS_NOW=bench_sample.NOW.isoformat(), SITE_URL="https://events.example-library.org"
    )  # fmt: skip
    built = {path: data for path, data in pages.build(Site.of(many, values)) if path.startswith("screen")}
    for path, data in built.items():
        assert len(gzip.compress(data, 9)) <= 30_000, path
        # The page before its script takes the rows of one page out of the template.
        shown = [item for item in Page(data.decode()).elements if "template" not in item.parents]
        assert len(shown) <= 400, path
    assert len(gzip.compress(screen.script_text().encode(), 9)) <= 11_000
    assert len(gzip.compress(screen.guard_text().encode(), 9)) <= 600


def test_the_service_worker_has_the_headers_of_a_page(build: Build) -> None:
    headers = headers_for(site_paths.SCREEN_WORKER)
    assert headers.content_type == "text/javascript; charset=utf-8"
    assert "max-age=60," in headers.cache_control
    assert "immutable" not in headers.cache_control
    assert all(site_paths.is_ours(path) for path in build(TALK) if path.startswith("screen/"))
    assert site_paths.SCREEN_WORKER in build()


def test_parts_of_the_screen_are_not_published_as_files(build: Build) -> None:
    _, static = assets.static_files(settings())
    assert not [path for path in (*static, *build(TALK)) if path.startswith(("_", "static/_"))]


def test_a_snapshot_without_calendars_still_gives_a_screen(tmp_path: Path) -> None:
    built = dict(pages.build(Site.of(Snapshot(), settings(BUILD_DIR=str(tmp_path)))))
    assert "No events are scheduled right now." in Page(built["screen.html"].decode()).text
