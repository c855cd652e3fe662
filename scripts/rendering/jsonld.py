"""Events and branches for search engines: schema.org in JSON-LD.

The properties are those that Google's "Event structured data" requires or recommends, except the ones
that LibCal does not have: validFrom, previousStartDate. The performer needs SHOW_PRESENTER.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from babel.numbers import get_territory_currencies

from branches import Branch
from event import CANCELLED, MOVED_ONLINE, NEW_DATE, POSTPONED, RESCHEDULED
from rendering.lists import Group
from rendering.opening import Opening
from rendering.views import EventView, Image
from settings import Settings

if TYPE_CHECKING:
    from rendering.site import Site

_SCHEMA = "https://schema.org/"
_STATUS = {
    "": "EventScheduled",
    CANCELLED: "EventCancelled",
    POSTPONED: "EventPostponed",
    RESCHEDULED: "EventRescheduled",
    MOVED_ONLINE: "EventMovedOnline",
    NEW_DATE: "EventRescheduled",
}
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SOLD_OUT = ("full", "waiting-list", "closed")


def event(view: EventView, settings: Settings, share: Image, branch: Branch | None = None) -> dict[str, Any]:
    """Return the JSON-LD of one event: times with their offset, or dates if it is all day.

    `share` is the image of events without one, `branch` the facts about its branch.
    """
    item = view.event
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": item.title,
        "startDate": item.first_day.isoformat() if item.all_day else item.start.isoformat(),
        "eventStatus": _SCHEMA + _STATUS[item.state or item.notice],
        "eventAttendanceMode": _SCHEMA + f"{_attendance(view)}EventAttendanceMode",
        "location": _location(view, settings, branch),
        "organizer": {"@type": "Organization", "name": settings.site_name, "url": settings.site_url},
    }
    # Words without a price, such as "Donations welcome", do not say whether it is free.
    if not item.cost or re.search(r"\d", item.cost):
        data["isAccessibleForFree"] = not item.cost
    if view.has_end:
        data["endDate"] = item.last_day.isoformat() if item.all_day else item.end.isoformat()
    if item.excerpt:
        data["description"] = item.excerpt
    if item.presenter:
        data["performer"] = {"@type": "Person", "name": item.presenter}
    if view.address:
        data["url"] = view.address
    if settings.site_url:
        images = [view.images[width] for width in sorted(view.images, reverse=True)] or [share]
        data["image"] = [f"{settings.site_url}/{image.path}" for image in images]
    if not settings.site_url:
        del data["organizer"]["url"]
    offer = _offer(view, settings)
    if offer:
        data["offers"] = offer
    return data


def _attendance(view: EventView) -> str:
    if not view.event.online:
        return "Offline"
    return "Online" if view.event.online_only else "Mixed"


def _location(view: EventView, settings: Settings, branch: Branch | None) -> object:
    online = {"@type": "VirtualLocation", "url": view.libcal_url or view.address or settings.site_url}
    if _attendance(view) == "Online":
        return online
    name = ", ".join(filter(None, (view.event.place, view.event.branch))) or settings.site_name
    place: dict[str, Any] = {"@type": "Place", "name": name}
    if view.event.address:
        place["address"] = {"@type": "PostalAddress", "streetAddress": view.event.address}
    elif branch and branch.address:
        place |= _postal_address(branch)
    else:
        place["address"] = {"@type": "PostalAddress", "name": view.event.branch or settings.site_name}
    return [place, online] if view.event.online else place


def _postal_address(branch: Branch) -> dict[str, Any]:
    """Return address and map position of a branch."""
    parts = {
        "streetAddress": branch.street,
        "addressLocality": branch.city,
        "addressRegion": branch.region,
        "postalCode": branch.postcode,
        "addressCountry": branch.country,
    }
    data: dict[str, Any] = {
        "address": {"@type": "PostalAddress", **{key: value for key, value in parts.items() if value}}
    }
    if branch.position:
        latitude, longitude = branch.position
        data["geo"] = {"@type": "GeoCoordinates", "latitude": latitude, "longitude": longitude}
    return data


def library(site: Site, group: Group) -> dict[str, Any] | None:
    """Return the JSON-LD of a branch; None without an address, which Google requires."""
    branch = site.places.get(group.slug) if group.kind == "branch" else None
    if branch is None or not branch.address:
        return None
    address = f"{site.settings.site_url}/{group.path}" if site.settings.site_url else ""
    data = {
        "@context": "https://schema.org",
        "@type": "Library",
        "name": branch.name,
        **_postal_address(branch),
        "telephone": branch.phone,
        "email": branch.email,
        "url": address,
        "openingHoursSpecification": [
            specification
            for item in site.hours_of(group)
            for specification in _specifications(item, site.wording.today)
        ],
    }
    return {key: value for key, value in data.items() if value}


def _specifications(opening: Opening, today: date) -> Iterator[dict[str, str]]:
    """Yield the hours of each day from `today` on, as Google documents them: closed is 00:00 to 00:00."""
    for day, spans in opening.days.items():
        if day < today or isinstance(spans, str):
            continue
        whole = any(end - start >= timedelta(days=1) for start, end in spans)
        hours = (
            [("00:00", "23:59")] if whole else [(f"{start:%H:%M}", f"{end:%H:%M}") for start, end in spans]
        )
        for opens, closes in hours or [("00:00", "00:00")]:
            yield {
                "@type": "OpeningHoursSpecification",
                "dayOfWeek": _SCHEMA + _WEEKDAYS[day.weekday()],
                "validFrom": day.isoformat(),
                "validThrough": day.isoformat(),
                "opens": opens,
                "closes": "23:59" if closes == "00:00" and opens != "00:00" else closes,
            }


def _offer(view: EventView, settings: Settings) -> dict[str, str]:
    """Return price and availability; empty if the cost is not a number."""
    price = re.fullmatch(r"[^\d]*(\d+(?:\.\d{1,2})?)[^\d]*", view.event.cost or "0")
    territory = settings.locale.partition("_")[2]
    currencies = get_territory_currencies(territory) if territory else []
    if price is None or not currencies:
        return {}
    sold_out = view.status is not None and view.status.name in _SOLD_OUT
    offer = {
        "@type": "Offer",
        "price": price[1],
        "priceCurrency": currencies[0],
        "availability": _SCHEMA + ("SoldOut" if sold_out else "InStock"),
    }
    url = view.libcal_url or view.address
    return {**offer, "url": url} if url else offer
