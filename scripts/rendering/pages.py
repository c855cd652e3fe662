"""Every file of the site except status.json, as (path, content): a pure function of the Site."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import site_paths
from rendering import (
    assets,
    directions,
    event_page,
    feeds,
    jsonld,
    lists,
    months,
    newsletter,
    opening,
    screen,
    search,
)
from rendering.lists import Group
from rendering.months import Month
from rendering.site import SITE_TEXTS, Files, Site
from rendering.views import EventView

EMBEDDED_EVENTS = 50
PRINTED_DAYS = 7

# The texts that the scripts in templates/static/ use.
_LIST_TEXTS = (
    *SITE_TEXTS, "today", "tomorrow", "count.one", "count.other", "no_match", "no_match.at", "no_match.branch",
    "chip.today", "chip.tomorrow", "chip.weekend", "chip.week", "chip.evening", "chip.online", "chip.person",
    "chip.places", "your_branch", "change", "remove", "at_other", "next_match", "corrected", "mentions",
    "more_chosen",
)  # fmt: skip
_EMBED_TEXTS = (
    "status.cancelled",
    "status.postponed",
    "status.rescheduled",
    "status.moved-online",
    "status.new-date",
    "empty",
    "all_events",
    "ongoing.heading",
)


def build(site: Site) -> Files:
    """Yield all files."""
    return chain(*halves(site))


def halves(site: Site) -> tuple[Files, Files]:
    """Return all files in two parts that take about the same time and do not depend on each other."""
    return event_page.build(site), other_files(site)


def other_files(site: Site) -> Files:
    """Yield all files except the event pages."""
    yield from site.assets.items()
    yield from site.images.files()
    yield from list_pages(site)
    yield from screen.build(site)
    yield search.path(site.search_index), site.search_index
    yield from series(site)
    yield from months.build(site)
    yield from print_page(site)
    yield from embed(site)
    yield from newsletter.build(site)
    yield from accessibility(site)
    yield from not_found(site)
    yield from feeds.build(site)


def list_pages(site: Site) -> Files:
    """Yield the web list, then the lists of the branches and audiences."""
    found = tuple(months.months(site))
    yield site.list_path, _list_page(site, None, found)
    for group in site.groups:
        yield group.path, _list_page(site, group, found)


def _list_page(site: Site, group: Group | None, site_months: tuple[Month, ...]) -> bytes:
    root = "../" if group else ""
    place = site.places.get(group.slug) if group and group.kind == "branch" else None
    listing = lists.listing(group.events, site.wording) if group else site.listing
    events = group.events if group else site.listed
    return site.render(
        f"{group.kind}.html" if group else "index.html",
        path=group.path if group else site.list_path,
        root=root,
        group=group,
        closings=site.near_closings(group.slug if group and group.kind == "branch" else ""),
        openings=[(item, item.text(site.wording)) for item in site.hours_of(group)],
        place=place,
        directions=directions.to_branch(place) if place else None,
        photo=site.photos.get(group.slug) if place and group else None,
        jsonld=jsonld.library(site, group) if group else None,
        featured=lists.featured(events),
        listing=listing,
        months=site_months,
        strip=lists.strip(listing, site.wording),
        today=site.wording.today,
        last_day=max((day.date for day in listing.days), default=site.wording.today),
        unfetched_text=site.unfetched_text(group),
        facets=_facets(site, events, group),
        mixed=len({flags for view in events for flags in view.flags.split()} & {"online", "person"}) == 2,
        feeds={
            "calendar": group.feed("ics") if group else site_paths.CALENDAR,
            "atom": group.feed("atom") if group else site_paths.ATOM,
            "rss": group.feed("rss") if group else site_paths.RSS,
            "json": group.feed("json") if group else site_paths.JSON_FEED,
        },
        script=_list_script(site, root, group),
    )


def _list_script(site: Site, root: str, group: Group | None) -> dict[str, Any]:
    """Return the data of a list's script, with the opening hours if there are some."""
    hours = site.hours_data(group)
    if not hours:
        return site.script(root, _LIST_TEXTS)
    return {**site.script(root, (*_LIST_TEXTS, *opening.TEXTS)), "hours": hours}


def _facets(site: Site, events: Sequence[EventView], group: Group | None) -> dict[str, tuple[Group, ...]]:
    """Return the filters of a list, each with the groups to choose from: at least two."""
    kinds = (kind for kind in ("branch", "audience", "category") if not group or kind != group.kind)
    first = [branch.name for branch in site.settings.branches]
    facets = {kind: lists.groups(kind, events, first=first if kind == "branch" else ()) for kind in kinds}
    return {kind: choices for kind, choices in facets.items() if len(choices) > 1}


def series(site: Site) -> Files:
    """Yield a page with all dates of each series."""
    for group in site.series:
        feeds = {"calendar": group.feed("ics")}
        yield group.path, site.render("series.html", path=group.path, root="../", group=group, feeds=feeds)


def print_page(site: Site) -> Files:
    """Yield the printable week."""
    today, path = site.wording.today, site_paths.PRINT
    week = lists.first_days(site.listing, today, PRINTED_DAYS)
    days = site.wording.days(today, today + timedelta(days=PRINTED_DAYS - 1))
    yield (
        path,
        site.render(
            "print.html",
            path=path,
            root="",
            week=week,
            closings=site.near_closings(),
            places=site.settings.branches,
            days=days,
            unfetched_text=site.unfetched_text(),
        ),
    )


def embed(site: Site) -> Files:
    """Yield the list to embed in another page, as a frame and as a script."""
    path, listing = site_paths.EMBED, lists.first_events(site.listing, EMBEDDED_EVENTS)
    script = site.script("", _LIST_TEXTS)
    yield (
        path,
        site.render(
            "embed.html",
            path=path,
            root="",
            listing=listing,
            closings=site.near_closings(),
            unfetched_text=site.unfetched_text(),
            script=script,
        ),
    )
    texts = {
        "language": site.messages.language,
        "offsets": site.offsets(years=2),
        **site.messages.subset(*_EMBED_TEXTS),
    }
    texts["empty"] = site.unfetched_text() or texts["empty"]
    yield site_paths.EMBED_SCRIPT, assets.without_comments(site.render("embed.js", texts=texts))


def accessibility(site: Site) -> Files:
    """Yield the accessibility statement."""
    path = site_paths.ACCESSIBILITY
    yield path, site.render("accessibility.html", path=path, root="")


def not_found(site: Site) -> Files:
    """Yield the error page. It can appear at any depth, so its links begin at the root of the host."""
    path, root = site_paths.NOT_FOUND, urlsplit(site.settings.site_url).path + "/"
    yield path, site.render("404.html", path=path, root=root)
