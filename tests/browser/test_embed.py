"""Embedding on another site: the element <events-display> of embed.js, and embed.html in a frame."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import MakeSite, OpenPage, Watch, axe_violations
from browser.sample_events import NOW, ZONE, at, event
from browser.server import SiteServer
from event import midnight

# 3 KB, and about 800 bytes for closures, exhibits, the offsets of the zone, names of branches, and programs.
MAX_BYTES = 3_900

HOST = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>The town's page</title><link rel="icon" href="data:,">
<style>body {{ font: italic 20px/1.4 "DejaVu Serif", serif; color: #333; background: #fffdf5 }} {style}</style>
<main>
<h1>Our town</h1>
{body}
</main>
</html>"""

OpenHost = Callable[..., Page]


@pytest.fixture
def ours(serve: Callable[[Path], SiteServer], make_site: MakeSite) -> SiteServer:
    """A server for the sample site; the site's pages use the server's address."""
    return serve(make_site(SITE_URL=""))


@pytest.fixture
def open_host(
    open_page: OpenPage, serve: Callable[[Path], SiteServer], ours: SiteServer, watch: Watch, tmp_path: Path
) -> OpenHost:
    """Return `open_host(element, style="", now=NOW, **options)`: opens a foreign page with that element."""
    ours.shared = True
    watch.allow(f"request outside the origin: {ours.origin}/")

    def open_it(element: str, style: str = "", now: datetime | None = NOW, **options: Any) -> Page:
        script = f'<script src="{ours.url("embed.js")}" async></script>\n'
        body = script + element.format(site=ours.origin)
        (tmp_path / "index.html").write_text(HOST.format(style=style, body=body), encoding="utf-8")
        return open_page("index.html", serve(tmp_path), now=now, **options)

    return open_it


ELEMENT = '<events-display {attributes}><a href="{{site}}/index.html">What is on at the library</a></events-display>'


def element(attributes: str = "") -> str:
    return ELEMENT.format(attributes=attributes)


def rows(page: Page) -> list[str]:
    page.locator("events-display ul").wait_for()
    texts: list[str] = page.locator("events-display li").all_inner_texts()
    return [" | ".join(text.split("\n")) for text in texts]


def test_the_element_lists_the_next_events_on_another_site(open_host: OpenHost, ours: SiteServer) -> None:
    page = open_host(element())
    assert rows(page) == [
        "Baby Lapsit | Tue, Mar 3, 9am · Kilton",
        "Genealogy Drop-In | Tue, Mar 3, 10:30am · Lebanon",
        "Tax Help | Tue, Mar 3, 1pm · Kilton",
        "Watercolor for Beginners | Tue, Mar 3, 2pm · Kilton",
        "Cancelled: Chess Club | Tue, Mar 3, 4pm · Kilton",
    ]
    assert page.locator("events-display s").all_inner_texts() == ["Chess Club"]
    # Exactly two requests.
    assert [path for path in ours.requests if path != "/favicon.ico"] == ["/embed.js", "/events.json"]
    page.locator("events-display").get_by_role("link", name="Genealogy").click()
    assert page.url == ours.url("event/102.html")


@pytest.mark.parametrize(
    ("attributes", "titles", "more"),
    [
        ('limit="2"', ["Baby Lapsit", "Genealogy Drop-In"], "index.html"),
        ('branch="lebanon"', ["Genealogy Drop-In", "Poetry Reading"], "branch/lebanon.html"),
        ('audience="teens"', ["Cancelled: Chess Club"], "index.html"),
        ('branch="kilton" audience="adults" limit="7"', ["Watercolor for Beginners"], "branch/kilton.html"),
    ],
)
def test_attributes_filter_the_list(
    open_host: OpenHost, ours: SiteServer, attributes: str, titles: list[str], more: str
) -> None:
    page = open_host(element(attributes))
    assert [row.partition(" | ")[0] for row in rows(page)] == titles
    link = page.locator("events-display p > a")
    assert (link.inner_text(), link.get_attribute("href")) == ("All events", ours.url(more))


def test_exhibits_that_have_begun_are_below_the_list(
    open_host: OpenHost, make_site: MakeSite, ours: SiteServer
) -> None:
    start = midnight(NOW.date(), ZONE)
    events = (
        event(3, "Exhibit", midnight(at("00:00", -9).date(), ZONE), 24 * 30, all_day=True),
        event(2, "Three days", start, 72, all_day=True),
        event(1, "Four days", start, 96, all_day=True),
    )
    make_site(events, folder=ours.folder, SITE_URL="")
    page = open_host(element('limit="5"'))
    assert rows(page) == [
        "Three days | Tue, Mar 3 · Kilton",
        "Four days | Tue, Mar 3, until Friday, March 6 · Kilton",
    ]
    assert page.locator("events-display p").inner_text().split("\n") == ["Ongoing", "Exhibit", "All events"]


def test_an_empty_list_says_that_no_events_are_scheduled(open_host: OpenHost) -> None:
    page = open_host(element('audience="toddlers"'))
    expect(page.locator("events-display p")).to_contain_text("No events are scheduled right now.")


@pytest.mark.parametrize("device", ["America/New_York", "Asia/Tokyo"])
def test_ended_events_are_left_out_and_times_are_in_the_librarys_zone(
    open_host: OpenHost, device: str
) -> None:
    page = open_host(element('limit="3"'), now=at("16:30"), timezone_id=device)
    assert rows(page) == [
        "Cancelled: Chess Club | Tue, Mar 3, 4pm · Kilton",
        "Film Night: The Secret Garden | Tue, Mar 3, 6:30pm · Kilton",
        "Preschool Story Time | Wed, Mar 4, 10:30am · Kilton",
    ]
    page = open_host(element(), now=at("23:59", 3), timezone_id=device)
    assert rows(page)[0] == "Used Book Sale | Fri, Mar 6 · Kilton"


def test_the_element_uses_the_fonts_and_colors_of_its_page(open_host: OpenHost) -> None:
    page = open_host(
        element(), style="events-display { --events-link: rgb(1, 2, 3); --events-muted: rgb(9, 8, 7) }"
    )
    rows(page)
    style = "node => { const {fontFamily, fontStyle, fontSize, color} = getComputedStyle(node); return [fontFamily, fontStyle, fontSize, color] }"
    host = page.locator("h1").evaluate("node => getComputedStyle(node).fontFamily")
    link = page.locator("events-display li a").first.evaluate(style)
    assert link == [host, "italic", "20px", "rgb(1, 2, 3)"]
    assert page.locator("events-display li span").first.evaluate(style)[3] == "rgb(9, 8, 7)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_the_element(open_host: OpenHost, scheme: str) -> None:
    page = open_host(
        element(),
        style="body { background: canvas; color: canvastext } :root { color-scheme: light dark }",
        color_scheme=scheme,
    )
    rows(page)
    assert axe_violations(page) == []


def test_the_element_can_be_used_by_keyboard(open_host: OpenHost, ours: SiteServer) -> None:
    page = open_host(element('limit="2"'))
    rows(page)
    for name in ("Baby Lapsit", "Genealogy Drop-In", "Winter in the Valley: Photographs", "All events"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.shadowRoot.activeElement.textContent") == name
    page.keyboard.press("Enter")
    expect(page).to_have_url(ours.url("index.html"))


def test_the_link_inside_is_visible_without_script_or_data(
    open_host: OpenHost, ours: SiteServer, watch: Watch
) -> None:
    page = open_host(element(), now=None, java_script_enabled=False)
    assert page.get_by_role("link", name="What is on at the library").is_visible()
    watch.allow("404|CORS|ERR_FAILED|503")
    ours.shared = False
    page = open_host(element())
    page.wait_for_load_state("networkidle")
    assert page.get_by_role("link", name="What is on at the library").is_visible()
    ours.shared = True
    ours.spoil = lambda path, status, body: (503, b"") if path == "events.json" else (status, body)
    page = open_host(element())
    page.wait_for_load_state("networkidle")
    assert page.get_by_role("link", name="What is on at the library").is_visible()


def test_html_in_a_title_is_shown_as_text(open_host: OpenHost, make_site: MakeSite, ours: SiteServer) -> None:
    hostile = event(1, "<img src=x onerror=alert(1)>", at("15:00"), branch="</ul><script>alert(1)</script>")
    make_site((hostile,), folder=ours.folder, SITE_URL="")
    page = open_host(element())
    assert rows(page) == ["<img src=x onerror=alert(1)> | Tue, Mar 3, 3pm · </ul><script>alert(1)</script>"]


@pytest.mark.parametrize("locale", ["en_US", "es_US", "da_DK"])
def test_embed_js_is_small_in_every_language(make_site: MakeSite, locale: str) -> None:
    assert len((make_site(LOCALE=locale) / "embed.js").read_bytes()) < MAX_BYTES


@pytest.mark.parametrize(
    ("locale", "first", "noon"),
    [
        ("es_US", "mar, 3 mar, 10:30 a. m.", "mar, 3 mar, mediodía"),
        ("da_DK", "tirs. 3. mar. kl. 10.30", "tirs. 3. mar. kl. 12.00"),
    ],
)
def test_the_element_uses_the_language_of_the_site(
    open_host: OpenHost, make_site: MakeSite, ours: SiteServer, locale: str, first: str, noon: str
) -> None:
    events = (event(1, "One", at("10:30")), event(2, "Two", at("12:00")))
    make_site(events, folder=ours.folder, SITE_URL="", LOCALE=locale)
    page = open_host(element(), locale="en-US")
    found = [
        row.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ") for row in rows(page)
    ]
    assert found == [f"One | {first} · Kilton", f"Two | {noon} · Kilton"]


def test_the_frame_is_filtered_by_its_query(open_host: OpenHost, ours: SiteServer) -> None:
    frame = '<iframe title="Events" src="{site}/embed.html?branch=kilton&limit=2" width="400" height="600"></iframe>'
    page = open_host(frame)
    inside = page.frame_locator("iframe")
    expect(inside.locator("#events li:not([hidden]) h3")).to_have_text(
        ["Baby Lapsit", "Tax Help", "Winter in the Valley: Photographs"]
    )
    expect(inside.locator("header, nav, form, .skip")).to_have_count(0)
    expect(inside.locator("#updated")).to_have_text("Updated 9am")
    # A click opens the page in the whole window, not in the frame.
    inside.get_by_role("link", name="Tax Help").click()
    expect(page).to_have_url(ours.url("event/103.html"))


def test_an_empty_frame_says_that_no_events_are_scheduled(open_page: OpenPage) -> None:
    page = open_page("embed.html?branch=nowhere")
    assert page.locator("#none").inner_text() == "No events are scheduled right now. Check back soon."
    assert page.locator("#events h3:visible").count() == 0


@pytest.mark.parametrize("name", ["Kilton", "K%C3%8DLTON%20"])
def test_a_frame_finds_a_branch_by_its_name(open_page: OpenPage, name: str) -> None:
    shown = open_page(f"embed.html?branch={name}&limit=2").locator("#events li:not([hidden]) h3")
    expect(shown).to_have_text(["Baby Lapsit", "Tax Help", "Winter in the Valley: Photographs"])


def test_the_frame_works_without_script(open_page: OpenPage) -> None:
    page = open_page("embed.html", now=None, java_script_enabled=False)
    assert page.locator("#events h3").count() == 10


@pytest.mark.parametrize("name", ["Kilton", "kilton", "KILTON ", "Kílton"])
def test_a_branch_is_found_by_its_name_in_any_case(open_host: OpenHost, name: str) -> None:
    found = rows(open_host(element(f'branch="{name}"')))
    assert found
    assert all(row.endswith("· Kilton") for row in found)


def test_a_stop_by_program_has_one_row_and_titles_have_their_direction(
    open_page: OpenPage,
    serve: Callable[[Path], SiteServer],
    make_site: MakeSite,
    watch: Watch,
    tmp_path: Path,
) -> None:
    hunt = [event(50 + day, "Fox Hunt", at("10:00", day), 7) for day in range(4)]
    server = serve(make_site((*hunt, event(60, "שעת סיפור", at("15:00"))), SITE_URL=""))
    server.shared = True
    watch.allow("request outside the origin")
    body = f'<script src="{server.url("embed.js")}"></script>{element().format(site="")}'
    (tmp_path / "index.html").write_text(HOST.format(style="", body=body), encoding="utf-8")
    page = open_page("index.html", serve(tmp_path), now=at("12:00", 1))
    assert rows(page) == ["Fox Hunt | Daily, 10am to 5pm, until March 6 · Kilton"]
    page = open_page("index.html", serve(tmp_path))
    assert rows(page)[1].startswith("שעת סיפור | ")
    link = page.locator("events-display li a").nth(1)
    assert link.evaluate("link => getComputedStyle(link).direction") == "rtl"
