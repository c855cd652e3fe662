"""Layout of the lobby screen in every size, theme, scale and language; QR codes; accessibility."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from browser import lighthouse
from browser.conftest import DANISH_IF_WIDE, MakeSite, OpenPage, ShowScreen, axe_violations, html_errors
from browser.libraries import Library
from browser.sample_events import at, event
from browser.screens import FAULTS, Screen
from browser.server import SiteServer
from support.wide import wide

Serve = Callable[[Path], SiteServer]
SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "4K": (3840, 2160), "portrait": (1080, 1920), "4:3": (1024, 768)}  # fmt: skip
BOTH_WAYS = ["1080p", "portrait"]
SIZES_IF_WIDE = [name if name in BOTH_WAYS else wide(name) for name in SIZES]
STANDING_FOR_ALL = [("dark", "1080p"), ("light", "portrait")]
MORNING = at("08:00")


def size(name: str) -> dict[str, int]:
    width, height = SIZES[name]
    return {"width": width, "height": height}


def look_at(screen: Screen, most: int) -> set[str]:
    """Turn pages, assert that none has a layout fault, and return the kinds of pages seen."""
    kinds = set()
    for _ in range(most):
        assert screen.page.evaluate(FAULTS) == [], screen.seen
        kinds.add(screen.seen.kind)
        screen.turn()
    return kinds


@pytest.mark.parametrize("viewport", SIZES_IF_WIDE)
@pytest.mark.parametrize("layout", ["agenda", "slides"])
@DANISH_IF_WIDE
def test_no_text_is_cut_off_or_covered(
    show: ShowScreen, library: Library, layout: str, viewport: str
) -> None:
    screen = show(
        f"screen.html?layout={layout}&rotate=3", site=library.site, now=MORNING, viewport=size(viewport)
    )
    assert look_at(screen, 12) == {"slide" if layout == "slides" else "board"}


@pytest.mark.parametrize("scale", ["0.8", wide("1.2"), "1.5"])
@pytest.mark.parametrize("viewport", ["1080p", wide("portrait")])
def test_every_scale_fits(show: ShowScreen, larkfield: Library, viewport: str, scale: str) -> None:
    screen = show(
        f"screen.html?scale={scale}&rotate=3", site=larkfield.site, now=MORNING, viewport=size(viewport)
    )
    look_at(screen, 8)


@pytest.mark.parametrize("locale", ["es_US", "da_DK"])
@pytest.mark.parametrize("viewport", [wide("1080p"), "portrait"])
def test_other_languages_fit(show: ShowScreen, viewport: str, locale: str) -> None:
    settings = {"LOCALE": locale, "SITE_NAME": "Det Kongelige Biblioteks Afdeling for Lange Navne"}
    look_at(show("screen.html?rotate=3", viewport=size(viewport), settings=settings), 8)


@pytest.mark.parametrize("viewport", BOTH_WAYS)
def test_long_texts_are_shortened_and_fit(show: ShowScreen, viewport: str) -> None:
    title = "A title that somebody wrote in the morning without thinking of any lobby screen at all, "
    room = "Conference room on the second floor of the old building"
    events = (
        event(1, title * 3, at("10:00"), place=room, excerpt=title * 2),
        event(2, "W" * 300, at("11:00"), excerpt="m" * 200),
    )
    screen = show(
        "screen.html?rotate=3", events=events, viewport=size(viewport), settings={"SITE_NAME": title}
    )
    assert look_at(screen, 5) == {"board", "slide"}


SCRIPTS = {
    "Vietnamese": "Ngày hội đọc sách Ắ Ễ Ộ Ỷ: những chuyện kể của người Huế",
    "Arabic": "سَاعَةُ القِصَّةِ لِلأَطْفَالِ وَالعَائِلَاتِ",
    "Thai": "ชั่วโมงเล่านิทานสำหรับเด็กที่นี่ ปู่ย่าก็มาได้",
    "German": "Donaudampfschifffahrtsgesellschaftskapitänsmützen im Überblick",
    "Hebrew": "שעת סיפור לילדים ולהורים בספרייה",
}
# Shows the letters outside of their boxes too, without a change of the layout.
_UNCUT = """() => {
  for (const element of document.querySelectorAll("main, main *:not(img)")) {
    const { style } = element;
    if (getComputedStyle(element).overflow !== "visible") style.minWidth = style.minHeight = 0;
    style.setProperty("overflow", "visible", "important");
  }
}"""


@pytest.mark.parametrize("viewport", BOTH_WAYS)
@pytest.mark.parametrize("layout", ["agenda", "slides"])
def test_no_letter_of_any_script_is_cut(show: ShowScreen, layout: str, viewport: str) -> None:
    events = tuple(
        event(number, title, at(f"{10 + number}:00"), place=title[:24], excerpt=title)
        for number, title in enumerate(SCRIPTS.values())
    )
    screen = show(
        f"screen.html?layout={layout}&rotate=20", events=events, now=MORNING, viewport=size(viewport)
    )
    seen = set()
    for _ in range(12):
        screen.let_pass(2)
        assert screen.page.evaluate(FAULTS) == [], screen.seen
        assert screen.page.locator(".cut").all_inner_texts() == []
        before = screen.page.screenshot(animations="disabled")
        screen.page.evaluate(_UNCUT)
        assert screen.page.screenshot(animations="disabled") == before, screen.seen.titles
        seen |= set(screen.seen.titles)
        if seen == set(SCRIPTS.values()):
            break
        screen.turn()
    assert seen == set(SCRIPTS.values())


def test_a_title_in_arabic_is_at_the_right_of_its_column(show: ShowScreen) -> None:
    talk, hour = event(1, "Talk", at("15:00")), event(2, "قصة", at("16:00"))
    screen = show("screen.html?layout=agenda", events=(talk, hour), now=MORNING)
    left, right = screen.page.evaluate("""() => [...document.querySelectorAll(".list h3")].map((title) => {
      const range = document.createRange(), box = title.getBoundingClientRect();
      range.selectNodeContents(title);
      const text = range.getBoundingClientRect();
      return [text.left - box.left, box.right - text.right];
    })""")
    assert left[0] < 2 < 100 < left[1]
    assert right[1] < 2 < 100 < right[0]


@pytest.mark.parametrize("viewport", BOTH_WAYS)
def test_a_notice_takes_space_from_the_rows(show: ShowScreen, larkfield: Library, viewport: str) -> None:
    screen = show(
        "screen.html?layout=agenda&rotate=3", site=larkfield.site, now=at("08:00", 1), viewport=size(viewport)
    )
    assert screen.seen.stale == "Last updated Tuesday, March 3, 9:05am. Times may have changed."
    look_at(screen, 4)


def test_texts_read_right_in_danish(show: ShowScreen) -> None:
    found = show(
        "screen.html?layout=agenda", now=at("16:30"), viewport=size("portrait"), settings={"LOCALE": "da_DK"}
    ).seen
    assert (found.date, found.clock) == ("tirsdag 3. marts", "16.30")
    assert found.headings == ["I dag", "I morgen, onsdag 4. marts"]
    assert found.groups[0][1][0].time == "18.30 om 2 t."
    assert found.bottom in (
        "Aflyst: Chess Club 16.00",
        "Winter in the Valley: Photographs Gallery, Kilton · Løbende, slutter lørdag 11. april",
    )
    assert found.scan.startswith("Alle arrangementer")
    assert found.updated == "Opdateret kl.\u00a09.00"


def test_texts_read_right_in_spanish(show: ShowScreen) -> None:
    found = show(
        "screen.html?layout=agenda", now=at("21:30"), viewport=size("portrait"), settings={"LOCALE": "es_US"}
    ).seen
    assert (found.date, found.clock) == ("martes, 3 de marzo", "9:30\u00a0p.\u00a0m.")
    assert found.headings[0] == "No hay más eventos hoy. Próximos: miércoles, 4 de marzo"
    assert found.groups[0][1][0].time == "10:30\u00a0a.\u00a0m. a 11\u00a0a.\u00a0m."


def read_code(screen: Screen) -> str:
    """Return the texts that zxing reads from the QR codes in a screenshot of the whole screen."""
    picture = Image.open(io.BytesIO(screen.page.screenshot(animations="disabled")))
    codes = zxingcpp.read_barcodes(picture)
    (found,) = [code for code in codes if code.format == zxingcpp.BarcodeFormat.QRCode]
    text: str = found.text
    return text


@pytest.mark.parametrize(
    ("theme", "viewport"),
    [each if each in STANDING_FOR_ALL else wide(*each) for each in product(("dark", "light"), SIZES)],
)
def test_qr_codes_can_be_scanned(show: ShowScreen, larkfield: Library, viewport: str, theme: str) -> None:
    def shown(path: str) -> Screen:
        screen = show(f"{path}&theme={theme}", site=larkfield.site, now=MORNING, viewport=size(viewport))
        # The last page has the code of the list.
        while not screen.seen.scan:
            screen.turn()
        # Wait until the previous page has faded.
        screen.let_pass(2)
        return screen

    assert read_code(shown("screen.html?layout=agenda")) == "https://events.example.org/"
    branch = shown("screen/eastside.html?layout=agenda")
    assert read_code(branch) == "https://events.example.org/branch/eastside.html"
    slide = shown("screen.html?layout=slides&rotate=60")
    text = read_code(slide)
    assert text.startswith("https://events.example.org/e/")
    assert text.removeprefix("https://") in slide.seen.scan.replace("\u200b", "")


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("layout", ["agenda", "slides"])
@DANISH_IF_WIDE
def test_axe_finds_no_violation(show: ShowScreen, library: Library, layout: str, theme: str) -> None:
    screen = show(
        f"screen.html?layout={layout}&theme={theme}&rotate=600", site=library.site, now=at("12:30", 1)
    )
    screen.let_pass(2)
    screen.page.clock.resume()
    assert axe_violations(screen.page) == []
    screen.page.keyboard.press("Tab")
    assert axe_violations(screen.page) == []


@pytest.mark.parametrize("theme", ["dark", wide("light")])
def test_axe_finds_no_violation_on_an_empty_screen_or_with_only_cancelled_events(
    show: ShowScreen, theme: str
) -> None:
    off = (event(1, "Chess", at("16:00"), state="cancelled"), event(2, "Go", at("17:00"), state="postponed"))
    for events in ((), off):
        screen = show(f"screen.html?theme={theme}", events=events)
        screen.let_pass(2)
        screen.page.clock.resume()
        assert axe_violations(screen.page) == []


@pytest.mark.parametrize("viewport", SIZES_IF_WIDE)
def test_the_first_page_shows_without_a_script(show: ShowScreen, viewport: str) -> None:
    page = show(java_script_enabled=False, viewport=size(viewport)).page
    assert page.locator("#pause").is_hidden()
    inside = page.locator(".list").bounding_box()
    assert inside
    boxes = [row.bounding_box() for row in page.locator(".list li").all()]
    seen = [box for box in boxes if box and box["x"] < inside["x"] + inside["width"]]
    assert len(seen) >= 3
    assert all(box["y"] + box["height"] <= inside["y"] + inside["height"] + 1 for box in seen)
    # A date, not "today": without script the page cannot know the day.
    assert page.locator("h2").first.inner_text() == "Tuesday, March 3"


def test_the_page_of_all_screens_shows_previews(
    open_page: OpenPage, larkfield: Library, serve: Serve
) -> None:
    page = open_page("screens.html", serve(larkfield.site))
    page.wait_for_function("""() => document.querySelector("iframe").contentDocument
      .querySelectorAll(".page:not(.unscripted) h3").length > 1""")
    assert axe_violations(page) == []


@DANISH_IF_WIDE
def test_the_html_is_valid(library: Library, make_site: MakeSite) -> None:
    screens = [
        library.site / "screen.html",
        library.site / "screens.html",
        *sorted((library.site / "screen").iterdir()),
    ]
    others = [make_site(()) / "screen.html", make_site(HOME_PAGE="screen") / "index.html"]
    # The checker does not know digests and data: in a policy, and takes JSON for a script. The browser
    # checks the policy instead: a refusal is an error in its console, which fails every test here.
    policy = "Content Security Policy"
    assert [error for error in html_errors(*screens, *others) if policy not in error] == []


def test_a_screen_is_one_request_before_its_pictures(show: ShowScreen, larkfield: Library) -> None:
    screen = show(site=larkfield.site)
    asked = [path.partition("?")[0] for path in screen.server.requests if "/icon." not in path]
    assert asked[0] == "/screen.html"
    files = {path for path in asked if not path.endswith(".webp")}
    assert files == {"/screen.html", "/status.json", "/screen-worker.js"}
    # Five rows with a picture, and the next slide.
    assert len(asked) - asked.count("/screen.html") <= 9
    assert screen.page.evaluate("document.querySelectorAll('*').length") <= 400


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", ["screen.html", wide("screen/eastside.html?layout=slides&theme=light")])
def test_lighthouse_gives_full_marks_for_accessibility(serve: Serve, larkfield: Library, path: str) -> None:
    report = lighthouse.audit(
        serve(larkfield.site).url(path), "accessibility", "best-practices", options=("--preset=desktop",)
    )
    assert report.shortcomings == []
    assert report.scores == {"accessibility": 100, "best-practices": 100}
