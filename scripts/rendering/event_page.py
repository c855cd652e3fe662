"""The page of each event, and the short address that leads to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import site_paths
from rendering import cover, directions, jsonld, lists, share_pictures
from rendering.dates import is_over
from rendering.site import SITE_TEXTS, Files, Site
from rendering.views import EventView, slug

# "More for kids at Harbor": the next events, few, so that an edit changes few pages.
MORE = 3

# The branch and the audience of an event, each perhaps empty; and the events that share them, in order.
Related = Mapping[tuple[str, str], Sequence[EventView]]

_TEXTS = (*SITE_TEXTS, "status.ended", "today", "share.copied")


def build(site: Site) -> Files:
    """Yield the page of each event, also of the past ones, and their short addresses."""
    series, alike = lists.series(site.listed, site.past), related(site.listed)
    recurring = {group.slug: group for group in site.series}
    audiences = tuple(group.slug for group in site.audiences)
    pictures = share_pictures.drawn(site)
    yield from share_pictures.files(site, pictures.values())
    script = site.script("../", _TEXTS)
    for view in (*site.past, *site.events):
        over = is_over(view.event, site.wording.today)
        place = None if view.event.online_only else site.places.get(view.branch_slug)
        stem = pictures.get(view.event.id)
        picture = share_pictures.image(stem) if stem else site.share_image
        others = lists.other_dates(view, series.get(view.event.title.casefold(), ()))
        yield (
            view.path,
            site.render(
                "event.html",
                path=view.path,
                root="../",
                view=view,
                over=over,
                next=next((other for other in others if not other.called_off), None),
                others=others,
                series=recurring.get(view.series_slug) if view.event.listed else None,
                more=() if over else more_like(view, alike),
                more_heading=more_heading(view),
                place=place,
                address=view.street_address or (place.address if place else ""),
                directions=directions.links(view, place),
                tags=_tags(site, view),
                cover="" if view.images else cover.svg(cover.of(view, audiences), view.event.id),
                jsonld=jsonld.event(view, site.settings, picture, place)
                if view.event.listed and not over
                else None,
                picture=picture,
                script=script,
            ),
        )
        if view.site_url:
            yield site_paths.short_page(view.event.id), site.render("short.html", view=view)


def more_like(view: EventView, related_events: Related) -> list[EventView]:
    """Return the next events for the first audience of `view` at its branch: other titles, each once."""
    found: dict[str, EventView] = {}
    for other in related_events.get(_place_and_audience(view)[0], ()):
        title = other.event.title.casefold()
        if other.event.order > view.event.order and title != view.event.title.casefold():
            found.setdefault(title, other)
        if len(found) == MORE:
            break
    return list(found.values())


def related(listed: Iterable[EventView]) -> Related:
    """Return the events by branch and audience, without those that are called off."""
    found: dict[tuple[str, str], list[EventView]] = {}
    for view in listed:
        if not view.called_off:
            for key in _place_and_audience(view):
                found.setdefault(key, []).append(view)
    return found


def _place_and_audience(view: EventView) -> list[tuple[str, str]]:
    """Return the slugs of the branch and of each audience of an event; without audiences, of the branch."""
    return list(product((view.branch_slug,), map(slug, view.event.audiences or ("",))))


def more_heading(view: EventView) -> str:
    """Return the heading of the related events: `More for kids at Harbor`."""
    audience, branch = next(iter(view.event.audiences), ""), view.event.branch
    # "Kids" is a word of the sentence; "K-12" and names keep their capitals.
    name = audience[:1].lower() + audience[1:] if audience[1:].islower() else audience
    key = (
        "more.for_at" if audience and branch else "more.for" if audience else "more.at" if branch else "more"
    )
    return view.wording.messages(key, audience=name, branch=branch)


def _tags(site: Site, view: EventView) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the audiences and the categories of an event: a label, and for each its name and list."""
    texts, event = site.messages, view.event
    kinds = (("audience", event.audiences), ("category", event.categories))
    return [
        (texts(f"{kind}.label"), [(name, site.tag_path(kind, name)) for name in names])
        for kind, names in kinds
        if names
    ]
