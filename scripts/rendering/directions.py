"""Links that lead visitors to a place: to a map app, Google, Apple and OpenStreetMap."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from branches import Branch
from rendering.views import EventView


@dataclass(frozen=True, slots=True)
class Links:
    """The addresses; `app` is a geo: address for the map app of a phone, empty without a map position."""

    app: str
    google: str
    apple: str
    openstreetmap: str


def links(view: EventView, branch: Branch | None) -> Links | None:
    """Return the links to the place of an event: its own address, or that of its branch; None without one."""
    if view.street_address:
        return to(view.street_address)
    return to_branch(branch) if branch else None


def to_branch(branch: Branch) -> Links | None:
    """Return the links to a branch; None if it has no address and no map position."""
    if not branch.address and not branch.position:
        return None
    return to(branch.address, branch.position)


def to(address: str, position: tuple[float, float] | None = None) -> Links:
    """Return the links to `address`, or to a map position if it is known."""
    if position is None:
        return Links(
            app="",
            google="https://www.google.com/maps/dir/?" + urlencode({"api": "1", "destination": address}),
            apple="https://maps.apple.com/?" + urlencode({"daddr": address}),
            openstreetmap="https://www.openstreetmap.org/search?" + urlencode({"query": address}),
        )
    point = f"{position[0]},{position[1]}"
    # Google and Apple know the entrance at an address; OpenStreetMap knows fewer addresses.
    return Links(
        app=f"geo:{point}?q={quote(address or point, safe=',')}",
        google="https://www.google.com/maps/dir/?" + urlencode({"api": "1", "destination": address or point}),
        apple="https://maps.apple.com/?" + urlencode({"daddr": address or point}),
        openstreetmap="https://www.openstreetmap.org/directions?" + urlencode({"to": point}),
    )
