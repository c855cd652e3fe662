"""Every file of the site but status.json, as (path, bytes): a pure function of its arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import site_paths
from event import Snapshot
from rendering import assets, dates, feeds, jsonld, lists, messages, render, screen, share_image, views
from settings import Settings

EMBEDDED_EVENTS = 50
PRINTED_DAYS = 7

# What the scripts say, in templates/static/.
_SITE_TEXTS = (
    "clock", "am", "pm", "time.hour", "time.minute", "time.24", "noon", "midnight", "midnight.end",
    "time.alone", "when", "updated", "stale", "stale.some", "stale.day", "stale.day.some",
    "status.now", "status.now_until",
)  # fmt: skip
_LIST_TEXTS = (
    *_SITE_TEXTS, "today", "tomorrow", "count.one", "count.other", "no_match", "no_match.at", "no_match.branch",
)  # fmt: skip
_EMBED_TEXTS = ("status.cancelled", "status.postponed", "status.rescheduled", "empty", "all_events")
_EVENT_TEXTS = (*_SITE_TEXTS, "status.ended")


def list_path(settings: Settings) -> str:
    """Return the path of the web list: the home page, unless HOME_PAGE gives that to the screen."""
    return site_paths.LIST if settings.home_page == "screen" else site_paths.HOME


def build(
    snapshot: Snapshot,
    settings: Settings,
    templates: Path = render.TEMPLATES,
    images: assets.ImageFolder | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the site. The day of `settings.now` counts, its time does not.

    Raises SettingError for a LOCALE without texts and for a LOGO that is no image.
    """
    return chain(*parts(snapshot, settings, templates, images))


def parts(
    snapshot: Snapshot,
    settings: Settings,
    templates: Path = render.TEMPLATES,
    images: assets.ImageFolder | None = None,
) -> tuple[Iterator[tuple[str, bytes]], Iterator[tuple[str, bytes]]]:
    """Return what `build` yields in two halves, about the same work, which do not wait for each other."""
    t = messages.load(settings.locale, templates / "messages")
    wording = dates.Wording(t, settings.now.date())
    images = images or assets.ImageFolder(settings.build_dir / "images")
    events = [
        views.EventView(event, wording, settings.site_url, images.of(event.image))
        for event in snapshot.events
        if not dates.is_over(event, wording.today)
    ]
    listed = [view for view in events if view.event.listed]
    # The page of a branch stays when its calendar is empty; shared links to it must not die.
    quiet = [calendar.label for calendar in snapshot.calendars if not _has_events(calendar.id, listed)]
    branches = lists.groups("branch", listed, also=quiet)
    audiences = lists.groups("audience", listed)
    groups = (*branches, *audiences)
    asset_paths, static = assets.static_files(settings, templates)
    share = share_image.image(asset_paths[share_image.NAME])
    logo = assets.logo(settings)
    if logo:
        static[logo.path] = logo.data
    home = list_path(settings)
    page = render.Renderer(
        {
            "t": t,
            "site_name": settings.site_name,
            "site_url": settings.site_url,
            "assets": asset_paths,
            "logo": logo,
            "share_image": share,
            "home": home,
            "branches": branches,
            "audiences": audiences,
            "libcal_url": _public_address(snapshot.url),
        },
        templates,
    )

    def script(root: str, keys: tuple[str, ...]) -> dict[str, Any]:
        """What a page's script has to know."""
        return {
            "zone": settings.timezone.key,
            "language": t.language,
            "status": f"{root}{site_paths.STATUS}",
            "texts": t.some(*keys),
        }

    def list_page(path: str, group: lists.Group | None, shown: Sequence[views.EventView]) -> bytes:
        root = "../" if group else ""
        facets = {kind: lists.groups(kind, shown) for kind in ("branch", "audience", "category")}
        if group:
            del facets[group.kind]
        return page(
            f"{group.kind}.html" if group else "index.html",
            path=path,
            root=root,
            group=group,
            listing=lists.listing(shown, wording),
            # A choice of one is none.
            facets={kind: found for kind, found in facets.items() if len(found) > 1},
            feeds={
                "calendar": group.feed("ics") if group else site_paths.CALENDAR,
                "atom": group.feed("atom") if group else site_paths.ATOM,
                "json": group.feed("json") if group else site_paths.JSON_FEED,
            },
            script=script(root, _LIST_TEXTS),
        )

    def event_pages() -> Iterator[tuple[str, bytes]]:
        series = lists.other_dates(listed)
        event_script = script("../", _EVENT_TEXTS)
        for view in events:
            yield (
                view.path,
                page(
                    "event.html",
                    path=view.path,
                    root="../",
                    view=view,
                    others=lists.neighbours(view, series.get(view.event.title.casefold(), ())),
                    jsonld=jsonld.event(view, settings, share) if view.event.listed else None,
                    script=event_script,
                ),
            )

    def all_else() -> Iterator[tuple[str, bytes]]:
        yield from static.items()
        yield from images.files()
        everything = lists.listing(listed, wording)
        yield home, list_page(home, None, listed)
        for group in groups:
            yield group.path, list_page(group.path, group, group.events)
        yield from screen.build(page, script, listed, branches, wording, settings, home, templates)
        week = lists.week(everything, wording.today, PRINTED_DAYS)
        days = wording.days(wording.today, wording.today + timedelta(days=PRINTED_DAYS - 1))
        yield site_paths.PRINT, page("print.html", path=site_paths.PRINT, root="", week=week, days=days)
        soon = lists.first(everything, EMBEDDED_EVENTS)
        yield (
            site_paths.EMBED,
            page("embed.html", path=site_paths.EMBED, root="", listing=soon, script=script("", _LIST_TEXTS)),
        )
        texts = {"language": t.language, **t.some(*_EMBED_TEXTS)}
        yield site_paths.EMBED_SCRIPT, assets.without_comments(page("embed.js", texts=texts))
        # Shown at any depth, so its links begin at the root of the host.
        root = urlsplit(settings.site_url).path + "/"
        yield site_paths.NOT_FOUND, page("404.html", path=site_paths.NOT_FOUND, root=root)
        yield from feeds.build(events, groups, snapshot.url, settings, t.language, page, home)

    return event_pages(), all_else()


def _has_events(calendar: str, events: list[views.EventView]) -> bool:
    return any(view.event.calendar == calendar for view in events)


def _public_address(libcal_url: str) -> str:
    """Return the public front page of a LibCal site, given its API's address; empty for a stand-in."""
    parts = urlsplit(libcal_url)
    return f"https://{parts.hostname}/" if parts.scheme == "https" and parts.hostname else ""
