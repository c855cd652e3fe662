"""Events for search engines: schema.org in JSON-LD.

The properties are those that Google's "Event structured data" requires or recommends, except the ones
that LibCal does not have: performer, validFrom, previousStartDate.
"""

from __future__ import annotations

import re
from typing import Any

from babel.numbers import get_territory_currencies

from event import CANCELLED, MOVED_ONLINE, NEW_DATE, POSTPONED, RESCHEDULED
from rendering.views import EventView, Image
from settings import Settings

_SCHEMA = "https://schema.org/"
_STATUS = {
    "": "EventScheduled",
    CANCELLED: "EventCancelled",
    POSTPONED: "EventPostponed",
    RESCHEDULED: "EventRescheduled",
    MOVED_ONLINE: "EventMovedOnline",
    NEW_DATE: "EventRescheduled",
}
_SOLD_OUT = ("full", "waiting-list", "closed")


def event(view: EventView, settings: Settings, share: Image) -> dict[str, Any]:
    """Return the JSON-LD of one event: times with their offset, or dates if it is all day.

    `share` is the image of events without one.
    """
    item = view.event
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": item.title,
        "startDate": item.first_day.isoformat() if item.all_day else item.start.isoformat(),
        "eventStatus": _SCHEMA + _STATUS[item.state or item.notice],
        "eventAttendanceMode": _SCHEMA + f"{_attendance(view)}EventAttendanceMode",
        "location": _location(view, settings),
        "organizer": {"@type": "Organization", "name": settings.site_name, "url": settings.site_url},
    }
    # Words without a price, such as "Donations welcome", do not say whether it is free.
    if not item.cost or re.search(r"\d", item.cost):
        data["isAccessibleForFree"] = not item.cost
    if view.has_end:
        data["endDate"] = item.last_day.isoformat() if item.all_day else item.end.isoformat()
    if item.excerpt:
        data["description"] = item.excerpt
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


def _location(view: EventView, settings: Settings) -> object:
    online = {"@type": "VirtualLocation", "url": view.libcal_url or view.address or settings.site_url}
    if _attendance(view) == "Online":
        return online
    name = ", ".join(filter(None, (view.event.place, view.event.branch))) or settings.site_name
    address: dict[str, str] = {"@type": "PostalAddress"}
    if view.event.address:
        address["streetAddress"] = view.event.address
    else:
        address["name"] = view.event.branch or settings.site_name
    place = {"@type": "Place", "name": name, "address": address}
    return [place, online] if view.event.online else place


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
