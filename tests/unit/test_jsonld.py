"""JSON-LD of an event, with the required and recommended properties of Google's documentation."""

from __future__ import annotations

from typing import Any

import pytest

from event import Event
from rendering import jsonld
from rendering.views import Image
from support.page_samples import SITE, all_day, event, registration, settings, view

REQUIRED = {"name", "startDate", "location"}
RECOMMENDED = {"description", "endDate", "eventStatus", "image", "location", "offers", "organizer"}
IMAGES = {
    width: Image(path=f"static/a-{width}.webp", width=width, height=width // 2) for width in (320, 1600)
}
SHARE = Image(path="static/share.png", width=1200, height=630)


def markup(item: Event, *, images: bool = True, **values: Any) -> dict[str, Any]:
    return jsonld.event(view(item, images=IMAGES if images else {}), settings(**values), SHARE)


def test_all_required_and_recommended_properties_that_libcal_has_are_present() -> None:
    found = markup(event("2026-03-03 10:30", "2026-03-03 12:00", excerpt="Songs", place="Story Room"))
    assert found["@context"] == "https://schema.org"
    assert found["@type"] == "Event"
    assert set(found) >= REQUIRED | RECOMMENDED
    assert "performer" not in found
    assert found["startDate"] == "2026-03-03T10:30:00-05:00"
    assert found["endDate"] == "2026-03-03T12:00:00-05:00"
    assert found["location"] == {
        "@type": "Place",
        "name": "Story Room, Kilton",
        "address": {"@type": "PostalAddress", "name": "Kilton"},
    }
    assert found["image"] == [f"{SITE}/static/a-1600.webp", f"{SITE}/static/a-320.webp"]
    assert found["url"] == f"{SITE}/event/1.html"
    assert found["organizer"] == {"@type": "Organization", "name": "Lebanon Public Libraries", "url": SITE}


def test_an_event_without_an_image_has_the_librarys_image() -> None:
    assert markup(event(), images=False)["image"] == [f"{SITE}/static/share.png"]


def test_an_all_day_event_has_bare_dates_with_its_last_day() -> None:
    found = markup(all_day("2026-03-03", "2026-03-05"))
    assert (found["startDate"], found["endDate"]) == ("2026-03-03", "2026-03-05")


def test_an_event_without_an_end_has_no_end_date() -> None:
    assert "endDate" not in markup(event("2026-03-03 10:30"))


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("", "EventScheduled"),
        ("cancelled", "EventCancelled"),
        ("postponed", "EventPostponed"),
        ("rescheduled", "EventRescheduled"),
        ("moved-online", "EventMovedOnline"),
        ("new-date", "EventRescheduled"),
    ],
)
def test_the_status_follows_the_state_and_the_start_stays(state: str, status: str) -> None:
    name = "notice" if state in ("moved-online", "new-date") else "state"
    found = markup(event("2026-03-03 10:30", **{name: state}))
    assert found["eventStatus"] == f"https://schema.org/{status}"
    assert found["startDate"] == "2026-03-03T10:30:00-05:00"


@pytest.mark.parametrize(
    ("values", "mode", "kinds"),
    [
        ({"place": "Hall"}, "OfflineEventAttendanceMode", ["Place"]),
        ({"online": True}, "OnlineEventAttendanceMode", ["VirtualLocation"]),
        ({"online": True, "place": "Hall"}, "MixedEventAttendanceMode", ["Place", "VirtualLocation"]),
    ],
)
def test_the_attendance_mode_follows_the_place(values: dict[str, Any], mode: str, kinds: list[str]) -> None:
    found = markup(event(url="https://x.libcal.com/event/1", **values))
    assert found["eventAttendanceMode"] == f"https://schema.org/{mode}"
    places = found["location"] if isinstance(found["location"], list) else [found["location"]]
    assert [place["@type"] for place in places] == kinds


def test_a_known_street_address_is_included() -> None:
    found = markup(event(address="12 Main Street"))
    assert found["location"]["address"] == {"@type": "PostalAddress", "streetAddress": "12 Main Street"}


@pytest.mark.parametrize(
    ("values", "available"),
    [
        ({}, "InStock"),
        ({"registration": registration()}, "InStock"),
        ({"registration": registration(taken=20)}, "SoldOut"),
        ({"registration": registration(taken=20, wait_list=True)}, "SoldOut"),
        ({"registration": registration(closed=True)}, "SoldOut"),
    ],
)
def test_a_full_or_closed_event_is_sold_out(values: dict[str, Any], available: str) -> None:
    offer = markup(event(**values))["offers"]
    assert (offer["price"], offer["priceCurrency"]) == ("0", "USD")
    assert offer["availability"] == f"https://schema.org/{available}"


@pytest.mark.parametrize(
    ("cost", "locale", "price", "currency"),
    [("5", "en_US", "5", "USD"), ("$7.50", "en_US", "7.50", "USD"), ("50 kr.", "da_DK", "50", "DKK")],
)
def test_a_price_has_the_currency_of_the_locale(cost: str, locale: str, price: str, currency: str) -> None:
    found = markup(event(cost=cost), LOCALE=locale)
    assert (found["offers"]["price"], found["offers"]["priceCurrency"]) == (price, currency)
    assert found["isAccessibleForFree"] is False


def test_a_cost_that_is_not_a_number_gives_no_offer() -> None:
    found = markup(event(cost="$5 or $8 at the door"))
    assert "offers" not in found
    assert found["isAccessibleForFree"] is False


def test_words_without_a_price_do_not_say_whether_the_event_is_free() -> None:
    found = markup(event(cost="Pay what you can"))
    assert "offers" not in found
    assert "isAccessibleForFree" not in found


def test_without_site_url_there_are_no_relative_addresses() -> None:
    shown = view(event())
    bare = jsonld.event(type(shown)(shown.event, shown.wording, "", IMAGES), settings(SITE_URL=""), SHARE)
    assert not {"image", "url"} & set(bare)
    assert bare["organizer"] == {"@type": "Organization", "name": "Lebanon Public Libraries"}
