"""The mail for staff: its events, its addresses, and the same as plain text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rendering import newsletter, share_pictures
from rendering.site import Site
from support.page_reader import Page
from support.page_samples import SITE, event, settings, snapshot

CHESS = event("2026-03-04 15:00", "2026-03-04 16:00", id="2", title="Chess & Go", state="cancelled")
FAIR = event("2026-03-20 10:00", "2026-03-20 16:00", id="3", title="Book Fair", featured=True)
LATER = event("2026-03-10 10:00", id="4", title="Next week")
Mail = Callable[..., Page]


@pytest.fixture
def mail(tmp_path: Path) -> Mail:
    def make(*events: object, **values: str) -> Page:
        site = Site.of(snapshot(*events), settings(BUILD_DIR=str(tmp_path), **values))  # type: ignore[arg-type]
        share_pictures.draw(site)
        return Page(dict(newsletter.build(site))["newsletter.html"].decode())

    return make


def test_it_has_the_next_seven_days_and_before_them_the_featured_events(mail: Mail) -> None:
    made = mail(event("2026-03-03 10:30", "2026-03-03 11:00"), CHESS, FAIR, LATER)
    titles = [link.text for link in made.all("a") if "/event/" in link["href"] and link.text]
    assert titles == ["Book Fair", "Story Time", "Cancelled: Chess & Go"]
    image = next(image for image in made.all("img"))
    assert image["src"].startswith(f"{SITE}/static/share.")
    assert image["alt"] == "Book Fair, Friday, March 20, 10am to 4pm"


def test_the_plain_text_says_the_same(mail: Mail) -> None:
    plain = mail(CHESS, FAIR).one("pre").text.rstrip("\n")
    assert plain.split("\n") == [
        "Lebanon Public Libraries",
        "Events, March 3 to 9",
        "",
        "Book Fair",
        "Friday, March 20, 10am to 4pm, Kilton",
        f"{SITE}/event/3.html",
        "",
        "WEDNESDAY, MARCH 4",
        "",
        "Cancelled: Chess & Go",
        "3pm to 4pm, Kilton",
        f"{SITE}/event/2.html",
        "",
        f"All events: {SITE}/",
    ]


def test_every_address_in_the_mail_is_whole(mail: Mail) -> None:
    made = mail(CHESS, FAIR)
    inside = [item for item in made.elements if "table" in item.parents and item.name in ("a", "img")]
    assert inside
    assert all((item.attributes.get("href") or item["src"]).startswith(f"{SITE}/") for item in inside)
    assert not [item for item in made.elements if "table" in item.parents and "class" in item.attributes]


def test_a_week_without_events_says_so(mail: Mail) -> None:
    assert "No events are listed for these days." in mail(LATER).text


def test_without_a_public_address_there_is_no_mail(tmp_path: Path) -> None:
    site = Site.of(snapshot(CHESS), settings(BUILD_DIR=str(tmp_path), SITE_URL=""))
    assert list(newsletter.build(site)) == []
