"""The pictures for shared links: what they show, their size, and when they are drawn."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import exit_codes
import generate
from event import Event
from log import Log
from rendering import share_pictures
from rendering.site import Site
from settings import ROOT
from support.page_reader import Page
from support.page_samples import event, settings, snapshot, view

STEM = "0123456789abcdef"
KINDS = ("kids", "teens")


def picture(**values: Any) -> share_pictures.Picture:
    """Return the picture of an event with these fields."""
    item = event("2026-03-10 10:30", audiences=("Kids",), place="Story Corner", **values)
    return share_pictures.of(view(item), KINDS, "Lark Library")


def drawn(wanted: share_pictures.Picture, images: Path = Path()) -> Image.Image:
    return Image.open(io.BytesIO(share_pictures.jpeg(wanted, images)))


def photo(folder: Path, size: tuple[int, int] = (800, 600)) -> None:
    """Write an event's image full of noise, the hardest to compress."""
    noise = Image.frombytes("RGB", size, random.Random(1).randbytes(3 * size[0] * size[1]))
    noise.save(folder / f"{STEM}-800.webp", quality=90)


def site(build: Path, *events: Event, **values: str) -> Site:
    return Site.of(snapshot(*events), settings(BUILD_DIR=str(build), **values))


def names(build: Path) -> set[str]:
    return {path.name for path in (build / "share").glob("*")}


def test_it_shows_title_with_state_date_place_and_library() -> None:
    shown = picture(title="Puppets", state="cancelled")
    assert (shown.title, shown.when) == ("Cancelled: Puppets", "Tue, Mar 10, 10:30am")
    assert (shown.place, shown.library) == ("Story Corner, Kilton", "Lark Library")


def test_even_a_picture_of_noise_is_a_jpeg_of_at_most_60_kb(tmp_path: Path) -> None:
    photo(tmp_path)
    made = share_pictures.jpeg(replace(picture(), image=STEM), tmp_path)
    shown = Image.open(io.BytesIO(made))
    assert (shown.format, shown.mode, shown.size) == ("JPEG", "RGB", (1200, 630))
    assert len(made) <= 60_000


@pytest.mark.parametrize(
    "title", ["Ye", "Story " * 5, "An Evening with the Author " * 9, "W" * 200, "Rød grød " * 30]
)
def test_no_title_reaches_the_image_the_date_or_the_edge(title: str, tmp_path: Path) -> None:
    Image.new("RGB", (800, 600), "black").save(tmp_path / f"{STEM}-800.webp")
    shown = drawn(replace(picture(title=title.strip()), image=STEM), tmp_path).convert("L")
    ground = shown.getpixel((5, 315))
    assert isinstance(ground, int)
    ink = shown.crop((0, 0, 712, 630)).point(lambda value: 255 if value > ground + 60 else 0)
    left, top, right, bottom = ink.getbbox() or (0, 0, 0, 0)
    assert left >= 56
    assert right <= 664
    assert top >= 40
    assert bottom <= 590
    between = ink.crop((0, 476, 712, 484))  # below the title's lowest line, above the date
    assert between.getbbox() is None


@pytest.mark.parametrize("title", ["Лекция", "お話の時間", "قصة", "Story Time お話"])
def test_a_title_in_letters_that_the_font_lacks_is_left_out(title: str) -> None:
    assert picture(title=title).title == ""


def test_symbols_and_direction_marks_are_not_drawn() -> None:
    assert picture(title="\u2068Puppets\u2069 🎉 & friends").title == "Puppets & friends"


def test_the_font_has_every_letter_that_it_is_said_to_have() -> None:
    font = share_pictures._font(40, 400)
    missing = bytes(font.getmask("\uffff"))
    letters = [chr(code) for first, last in share_pictures._LETTERS for code in range(first, last + 1)]
    blank = {" ", "\xa0", "\xad"}
    assert [
        letter for letter in letters if letter not in blank and bytes(font.getmask(letter)) == missing
    ] == []


def test_a_lost_or_damaged_image_is_replaced_by_the_drawn_cover(tmp_path: Path) -> None:
    plain = drawn(picture()).tobytes()
    assert drawn(replace(picture(), image=STEM), tmp_path).tobytes() == plain
    (tmp_path / f"{STEM}-800.webp").write_bytes(b"RIFF0000WEBP")
    assert drawn(replace(picture(), image=STEM), tmp_path).tobytes() == plain


def test_each_picture_is_drawn_once_and_removed_with_its_event(tmp_path: Path) -> None:
    one, two = event("2026-03-04 10:00", id="1"), event("2026-03-05 10:00", id="2", title="Chess")
    assert share_pictures.draw(site(tmp_path, one, two)) == (2, 0)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "share").iterdir()}
    assert share_pictures.draw(site(tmp_path, one, two)) == (0, 0)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "share").iterdir()}
    (kept,) = share_pictures.drawn(site(tmp_path, one)).values()
    assert share_pictures.draw(site(tmp_path, one)) == (0, 0)
    assert names(tmp_path) == {f"{kept}.jpg"}
    moved = replace(one, title="Story Time, now outside")
    assert share_pictures.draw(site(tmp_path, moved)) == (1, 0)
    assert kept not in share_pictures.drawn(site(tmp_path, moved)).values()


def test_a_past_event_keeps_its_picture_but_gets_no_new_one(tmp_path: Path) -> None:
    coming, past = event("2026-03-04 10:00"), event("2026-02-20 10:00", id="2", title="Chess")
    assert share_pictures.draw(site(tmp_path, coming, past)) == (1, 0)
    earlier = settings(BUILD_DIR=str(tmp_path), EVENTS_NOW="2026-02-20T09:00-05:00")
    assert share_pictures.draw(Site.of(snapshot(past), earlier)) == (1, 0)
    share_pictures.draw(site(tmp_path, past))
    assert share_pictures.drawn(site(tmp_path, past)).keys() == {"2"}


def test_without_a_public_address_no_picture_is_drawn(tmp_path: Path) -> None:
    assert share_pictures.draw(site(tmp_path, event(), SITE_URL="")) == (0, 0)
    assert names(tmp_path) == set()


def test_many_new_events_get_their_pictures_over_several_runs_the_next_ones_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share_pictures, "MAX_NEW", 2)
    events = [event(f"2026-03-{day:02} 10:00", id=str(day), title=f"Day {day}") for day in range(14, 9, -1)]
    snapshot(*events).save(tmp_path / "events.json")
    found = settings(BUILD_DIR=str(tmp_path))

    def run() -> list[str]:
        """Run the step; return the events whose page names a picture of its own, which the site has."""
        assert generate.generate(found, ROOT / "templates", Log("generate")) == exit_codes.OK
        own = []
        for item in reversed(events):
            page = Page((tmp_path / "site" / "event" / f"{item.id}.html").read_text())
            address = page.one("meta", property="og:image")["content"]
            assert (tmp_path / "site" / address.removeprefix(f"{found.site_url}/")).is_file()
            own += [item.id] if address.endswith(".jpg") else []
        return own

    assert run() == ["10", "11"]
    assert run() == ["10", "11", "12", "13"]
    assert run() == ["10", "11", "12", "13", "14"]
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "site").rglob("*.jpg")}
    assert len(stamps) == 5
    (tmp_path / "share").rename(tmp_path / "lost")
    (tmp_path / "site.inputs").unlink()
    run()
    run()
    run()
    assert {path: path.stat().st_size for path in (tmp_path / "site").rglob("*.jpg")}.keys() == stamps.keys()
