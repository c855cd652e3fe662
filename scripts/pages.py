"""Every file of the site but status.json, as (path, bytes): a pure function of its arguments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dates
import feeds
import messages
import render
import views
from event import Snapshot
from settings import Settings


def build(
    snapshot: Snapshot, settings: Settings, templates: Path = render.TEMPLATES
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the site. The day of `settings.now` counts, its time does not."""
    wording = dates.Wording(messages.load(settings.locale, templates / "messages"), settings.now.date())
    events = [
        views.EventView(event, wording, settings.site_url)
        for event in snapshot.events
        if event.last_day >= wording.today
    ]
    listed = [view for view in events if view.event.listed]
    branches = views.groups("branch", listed)
    groups = [*branches, *views.groups("audience", listed)]
    assets, static = render.static_files(settings, templates)
    page = render.Renderer(
        {
            "t": wording.messages,
            "site_name": settings.site_name,
            "site_url": settings.site_url,
            "assets": assets,
            "branches": branches,
        },
        templates,
    )

    yield from static.items()
    everything = views.listing(listed, wording)
    yield "index.html", page("index.html", path="index.html", root="", listing=everything)
    for branch in branches:
        listing = views.listing(branch.events, wording)
        yield branch.path, page("branch.html", path=branch.path, root="../", listing=listing, group=branch)
    for view in events:
        yield view.path, page("event.html", path=view.path, root="../", view=view)
    yield "screen.html", page("screen.html", path="screen.html", root="", listing=everything)
    yield "404.html", page("404.html", path="404.html", root=settings.site_url + "/")
    yield from feeds.build(events, groups, snapshot.url, settings, wording.messages.language, page)
