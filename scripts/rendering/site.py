"""The site as its pages see it: settings, texts, events, groups and assets, loaded once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import site_paths
from branches import Branch
from event import PAGE_DAYS, Snapshot
from rendering import assets, colors, dates, lists, messages, search, share_image, vtimezone
from rendering.assets import ImageFolder
from rendering.closings import Closing, closings
from rendering.dates import Wording
from rendering.lists import Group, Listing
from rendering.messages import Messages
from rendering.opening import Opening, openings
from rendering.render import TEMPLATES, Renderer
from rendering.views import EventView, Image, slug
from settings import Settings

# The texts that the scripts of all pages use.
SITE_TEXTS = (
    "clock", "am", "pm", "time.hour", "time.minute", "time.24", "noon", "midnight", "midnight.end",
    "time.alone", "when", "updated", "stale", "stale.some", "stale.day", "stale.day.some", "unfetched",
    "status.now", "status.now_until",
)  # fmt: skip

# The path of each file from the site's root, and its content.
Files = Iterator[tuple[str, bytes]]


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything that the pages share. The day of `settings.now` counts, its time does not.

    `events` have a page each, `listed` are those of them that lists show. `past` are the events of the last
    90 days, which have a page too. `unfetched` are the names of the calendars without any good fetch yet.
    `libcal_url` is the address of the API that the events come from. `places` are the branches of BRANCHES
    by their slug, `photos` pictures of some, `openings` the opening hours of some. `render` renders a
    template of the folder `templates`.
    """

    settings: Settings
    templates: Path
    messages: Messages
    wording: Wording
    libcal_url: str
    events: tuple[EventView, ...]
    listed: tuple[EventView, ...]
    past: tuple[EventView, ...]
    closings: tuple[Closing, ...]
    branches: tuple[Group, ...]
    audiences: tuple[Group, ...]
    categories: tuple[Group, ...]
    series: tuple[Group, ...]
    places: Mapping[str, Branch]
    openings: tuple[Opening, ...]
    photos: Mapping[str, Image]
    unfetched: tuple[str, ...]
    assets: Mapping[str, bytes]
    images: ImageFolder
    share_image: Image
    render: Renderer

    @classmethod
    def of(cls, snapshot: Snapshot, settings: Settings, templates: Path = TEMPLATES) -> Self:
        """Load the texts and assets for `snapshot`.

        Raises SettingError for a LOCALE without texts and for a LOGO that is not an image.
        """
        texts = messages.load(settings.locale, templates / "messages")
        wording = Wording(texts, settings.now.date())
        images = ImageFolder(settings.build_dir / "images")
        views = [
            EventView(event, wording, settings.site_url, images.of(event.image)) for event in snapshot.events
        ]
        events = tuple(view for view in views if not dates.is_over(view.event, wording.today))
        past = tuple(
            view
            for view in views
            if view.event.listed and dates.ended_within(view.event, wording.today, PAGE_DAYS)
        )
        listed = tuple(view for view in events if view.event.listed)
        # A branch keeps its page while its calendar is empty, so that shared links to it stay good.
        busy = {view.event.calendar for view in listed}
        empty = [calendar.label for calendar in snapshot.calendars if calendar.id not in busy]
        empty += [closure.branch for closure in snapshot.closures]
        # Thousands of branch names in one calendar do not cost another calendar its branch page.
        used = {view.event.branch for view in listed}
        own = [name for calendar in snapshot.calendars if (name := calendar.label or calendar.name) in used]
        ordered = [branch.name for branch in settings.branches]
        branches = lists.groups("branch", listed, also=[*empty, *own, *ordered], first=ordered)
        unfetched = tuple(
            calendar.label or calendar.name or calendar.id
            for calendar in snapshot.calendars
            if calendar.unfetched
        )
        audiences = lists.groups("audience", listed)
        categories = lists.groups("category", listed)
        paths, files = assets.static_files(settings, templates)
        logo = assets.logo(settings)
        if logo:
            files[logo.path] = logo.data
        share = share_image.image(paths[share_image.NAME])
        shared = {
            "t": texts,
            "site_name": settings.site_name,
            "site_url": settings.site_url,
            "assets": paths,
            "logo": logo,
            "share_image": share,
            "frame": settings,
            "home": _list_path(settings),
            "branches": branches,
            "audiences": audiences,
            "categories": categories,
            # MAX_GROUPS may leave out names.
            "ages": defaultdict(
                int, ((group.slug, number % colors.AGES) for number, group in enumerate(audiences))
            ),
            "libcal_url": _public_address(snapshot.url),
        }
        return cls(
            settings=settings,
            templates=templates,
            messages=texts,
            wording=wording,
            libcal_url=snapshot.url,
            events=events,
            listed=listed,
            past=past,
            closings=closings(snapshot.closures, [group.name for group in branches], wording),
            branches=branches,
            audiences=audiences,
            places={slug(branch.name): branch for branch in settings.branches},
            photos={
                slug(name): sizes[max(sizes)] if 800 not in sizes else sizes[800]
                for name, stem in snapshot.photos.items()
                if (sizes := images.of(stem))
            },
            openings=openings(settings.branches, snapshot.hours, snapshot.closures, settings),
            categories=categories,
            series=lists.recurring(listed),
            unfetched=unfetched,
            assets=files,
            images=images,
            share_image=share,
            render=Renderer(shared, templates),
        )

    @property
    def groups(self) -> tuple[Group, ...]:
        """The branches, then the audiences and the categories."""
        return (*self.branches, *self.audiences, *self.categories)

    def tag_path(self, kind: str, name: str) -> str:
        """Return the path of the list of an audience or a category (`kind`)."""
        key = slug(name)
        if any(group.kind == kind and group.slug == key for group in self.groups):
            return site_paths.group_page(kind, key)
        return f"{self.list_path}?{kind}={key}"

    @property
    def list_path(self) -> str:
        """The path of the web list."""
        return _list_path(self.settings)

    def unfetched_text(self, group: Group | None = None) -> str:
        """Return the text for a page that may lack events, since a calendar could not be fetched yet.

        The page is that of `group`, or (None) of the whole library. Empty if it lacks none.
        """
        names = self.unfetched
        if group:
            names = (group.name,) if group.kind == "branch" and group.slug in map(slug, names) else ()
        return self.messages("unfetched", names=", ".join(names)) if names else ""

    @cached_property
    def listing(self) -> Listing:
        """The list of all events."""
        return lists.listing(self.listed, self.wording)

    @cached_property
    def search_index(self) -> bytes:
        """The index for the search in lists."""
        return search.index(self.listing.programs, self.listed, self.messages, self.templates / "messages")

    def offsets(self, years: int) -> tuple[tuple[int, int], ...]:
        """Return the library's offsets from UTC of this year and the next ones."""
        year = self.wording.today.year
        return vtimezone.offsets(self.settings.timezone, year, year + years - 1)

    def near_closings(self, branch: str = "") -> tuple[Closing, ...]:
        """The closures of the next days, of the branch with this slug or of all."""
        return tuple(
            item for item in self.closings if item.is_near(self.wording.today) and item.covers(branch)
        )

    def hours_of(self, group: Group | None = None) -> tuple[Opening, ...]:
        """The opening hours of the branch `group`, or (None) of all; none of an audience."""
        if group is None:
            return self.openings
        return tuple(item for item in self.openings if group.kind == "branch" and item.slug == group.slug)

    def hours_data(self, group: Group | None = None) -> list[dict[str, object]]:
        """The opening hours for scripts."""
        return [item.data(self.wording.today) for item in self.hours_of(group)]

    def script(self, root: str, keys: tuple[str, ...]) -> dict[str, Any]:
        """Return the data of a page's script: the texts of `keys`, and the path of status.json.

        `root` leads from the page to the site's root: empty, or `../`.
        """
        return {
            "offsets": self.offsets(years=3),
            "language": self.messages.language,
            "status": f"{root}{site_paths.STATUS}",
            "texts": self.messages.subset(*keys),
        }


def _list_path(settings: Settings) -> str:
    """Return the path of the web list: the home page, unless HOME_PAGE gives that to the screen."""
    return site_paths.LIST if settings.home_page == "screen" else site_paths.HOME


def _public_address(libcal_url: str) -> str:
    """Return the front page of a LibCal site, given its API's address; empty for a stand-in."""
    parts = urlsplit(libcal_url)
    return f"https://{parts.hostname}/" if parts.scheme == "https" and parts.hostname else ""
