"""The lobby screens: one for the library and one for each branch, each a single file; and their worker.

A screen holds the events of the next days. Its script chooses from them by the time of day, so that the
screen stays right until the next run: over a weekend, and through an outage of days.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import segno
from markupsafe import Markup

import site_paths
from event import midnight
from files import sha256
from rendering import assets, colors, opening, plain_text, programs, render
from rendering.dates import Wording
from rendering.lists import Group
from rendering.programs import Program
from rendering.site import Files, Site
from rendering.views import EventView, Image

# A screen holds all events of so many days: no run renders it from Saturday evening to Monday morning.
FULL_DAYS = 4
# Later days are added whole, as long as the screen holds at most this many events.
EVENTS = 60
# Events whose slides have a QR code and an excerpt, a quarter of a kilobyte each.
SLIDES = 60
# In characters. The QR code of a longer address is too fine to be read from a distance.
MAX_ADDRESS = 200
# Days whose names the page holds in the wording of the list; the browser formats later days.
DAYS_NAMED = 32
# Rows shown without JavaScript; the style sheet hides those that do not fit.
FIRST_ROWS = 9

DARK = {
    "ground": "#14202b", "text": "#f2f2f2", "muted": "#b9c4cd", "line": "#34424f", "chip": "#283845",
    "red": "#ffb3a8", "amber": "#ffd27a", "green": "#9fe0b4",
}  # fmt: skip
LIGHT = {
    "ground": colors.LIGHT_GROUND, "text": "#1b1815", "muted": "#544e46", "line": "#d8d1c4", "chip": "#eee8dc",
    "red": "#8f1d16", "amber": "#6a4200", "green": "#14532d",
}  # fmt: skip
_LONG_TIME = time(10, 30)
# Contrast ratio of text (WCAG 2.2, 1.4.6).
CONTRAST = 7.0

TEXTS = (
    "clock", "am", "pm", "time.hour", "time.minute", "time.24", "noon", "midnight", "midnight.end",
    "time.alone", "when", "updated", "stale", "stale.some", "stale.day", "stale.day.some", "unfetched", "status.now",
    "tomorrow", "empty", "empty.group", "range", "all_events", "ongoing.heading", "screen.today", "screen.next", "screen.none",
    "screen.coming", "screen.opens", "screen.in_list", "screen.page", "screen.now", "screen.until", "screen.in_minutes", "screen.in_hours",
    "screen.in_hours_minutes", "screen.register", "screen.details", "screen.reconnecting", "screen.pause",
    "screen.resume",
)  # fmt: skip
_EXCLUDED = frozenset(("full", "unlisted"))
# A slide invites visitors, so these events have none.
_NO_SLIDE = frozenset(("full", "waiting-list", "closed", "not-open", "unlisted", "library-closed"))


def _qr(address: str) -> segno.QRCode:
    """Return the QR code of `address`.

    Error level L, since a screen has no scratches, and fewer modules can be read from farther away. At
    least version 2: in version 1 the quiet zone takes too much of the image.
    """
    made = segno.make(address, error="l", micro=False)
    return segno.make(address, error="l", version=2) if made.version == 1 else made


def qr_image(address: str) -> str:
    """Return the QR code of `address` as a data URI: one pixel a module, with a quiet zone of four."""
    return _qr(address).png_data_uri(scale=1, border=4)


@cache
def qr_bits(address: str) -> str:
    """Return the modules of the QR code of `address` as bits, row by row, in base64: half of a PNG."""
    modules = "".join("1" if module else "0" for row in _qr(address).matrix for module in row)
    padded = modules.ljust(-len(modules) % 8 + len(modules), "0")
    data = bytes(int(padded[at : at + 8], 2) for at in range(0, len(padded), 8))
    return base64.b64encode(data).decode()


@dataclass(frozen=True, slots=True)
class Row:
    """A program on a screen.

    With the name of its branch if `branch`, with QR code and excerpt on its slide if `slide`.
    """

    program: Program
    branch: bool = True
    slide: bool = False

    @property
    def view(self) -> EventView:
        """The event that its QR code links to."""
        return self.program.view

    @property
    def where(self) -> str:
        """Room and branch, or the room alone on the screen of one branch."""
        event = self.view.event
        if self.branch:
            return self.program.where
        names = [event.place, self.view.wording.messages("online") if event.online else ""]
        return ", ".join(filter(None, names))

    @property
    def start_text(self) -> str:
        """The start time, or the whole time if it has no start; `Daily,` for a stop-by program."""
        return self._times[0]

    @property
    def end_text(self) -> str:
        """The rest of the time, such as ` to noon`; empty if `start_text` is the whole."""
        return self._times[1]

    @property
    def _times(self) -> tuple[str, str]:
        # Visitors who read the screen are in the library's time zone.
        times, start = self.program.text(zone=False), self.view.wording.time(self.view.event.start)
        if self.program.spans or (self.program.later and not self.view.event.all_day):
            first, _, rest = times.partition(", ")
            return f"{first},", f" {rest}"
        return (start, times[len(start) :]) if times.startswith(f"{start} ") else (times, "")

    @property
    def inviting(self) -> bool:
        """Whether it has a slide: visitors can still take part."""
        view = self.view
        closed = view.called_off or (view.status is not None and view.status.name in _NO_SLIDE)
        return not closed

    @property
    def featured(self) -> bool:
        """Whether its slide comes twice as often."""
        return self.view.event.featured

    @property
    def address(self) -> str:
        """The address for the QR code: a short one, LibCal's page without SITE_URL, or empty."""
        view = self.view
        short = f"{view.site_url}/{site_paths.short_page(view.event.id)}" if view.site_url else ""
        address = short or plain_text.web_address(view.libcal_url)
        return address if len(address) <= MAX_ADDRESS else ""

    @property
    def short_address(self) -> str:
        """The address as text beside the QR code."""
        return without_scheme(self.address)

    @property
    def code(self) -> str:
        """The modules of the QR code of the address."""
        return qr_bits(self.address)

    @property
    def whole(self) -> bool:
        """Whether its image is a poster or a banner, which must not be cropped."""
        image = self.view.image(800)
        return not 1.25 <= image.width / image.height <= 2.4

    def srcset(self, root: str) -> str:
        """Return its images for `srcset`, each size once; empty without an image."""
        sizes: dict[int, Image] = {}
        for width in sorted(self.view.images):
            sizes.setdefault(self.view.images[width].width, self.view.images[width])
        return ", ".join(f"{root}{image.path} {image.width}w" for image in sizes.values())


def without_scheme(address: str) -> str:
    """Return an address as a screen shows it: without scheme and final slash, breakable at the others."""
    return re.sub(r"^https?://(www\.)?|/\Z", "", address).replace("/", "/\u200b")


def select(events: Iterable[EventView], today: date) -> tuple[Program, ...]:
    """Return the programs on a screen of `today`: all of the first days, then as many as it has room for."""

    def day_of(program: Program) -> date:
        return max(program.event.first_day, today)

    shown = programs.merge(view for view in events if view.event.listed and not _is_excluded(view, today))
    shown.sort(key=lambda program: (day_of(program), program.event.order))
    kept: list[Program] = []
    for day, members in groupby(shown, key=day_of):
        more = list(members)
        if day >= today + timedelta(days=FULL_DAYS) and len(kept) + len(more) > EVENTS:
            break
        kept += more
    return tuple(kept)


def _is_excluded(view: EventView, today: date) -> bool:
    if view.called_off:
        # Visitors who come for it today must see that it is called off. Later days need not show it.
        return view.event.first_day >= today + timedelta(days=FULL_DAYS)
    return view.status is not None and view.status.name in _EXCLUDED


def rows(found: Sequence[Program], branch: bool = True) -> tuple[Row, ...]:
    """Return programs as rows. The featured ones first, then the next ones, have all of a slide's data."""
    made = [Row(program, branch) for program in found]
    inviting = sorted((row for row in made if row.inviting), key=lambda row: not row.featured)
    full = {row.view.event.id for row in inviting[:SLIDES]}
    return tuple(replace(row, slide=row.view.event.id in full) for row in made)


def by_day(found: Sequence[Row], wording: Wording) -> list[tuple[str, list[Row]]]:
    """Return the first rows by day, each day with its heading: the agenda without JavaScript."""
    daily = [row for row in found if not row.view.ongoing][:FIRST_ROWS]
    days = groupby(daily, key=lambda row: max(row.view.event.first_day, wording.today))
    return [(wording.day(day), list(members)) for day, members in days]


def last_ends(events: Iterable[EventView], today: date) -> dict[str, int]:
    """Return when the last event of each of the next days ends, also those that a screen does not show.

    The keys are days, the values seconds since 1970; exhibits and events that are called off do not count.
    With this the script knows whether a day had no events or has no more.
    """
    ends: dict[str, int] = {}
    for view in events:
        if view.called_off or view.exhibit or not view.event.listed:
            continue
        day = max(view.event.first_day, today)
        while day <= view.event.last_day and day < today + timedelta(days=DAYS_NAMED):
            ends[day.isoformat()] = max(ends.get(day.isoformat(), 0), view.end_epoch)
            day += timedelta(days=1)
    return ends


def build(site: Site) -> Files:
    """Yield the screens, their worker, and the page that lists them."""
    shared, content = _shared(site), _dated(site)
    paths: list[tuple[str, Group | None]] = [(site_paths.SCREEN, None)]
    if site.settings.home_page == "screen":
        paths.append((site_paths.HOME, None))
    paths += [(site_paths.screen_page(group.slug), group) for group in site.branches]
    for path, group in paths:
        values = {**shared, **_addresses(site, path, group)}
        shell = site.render("screen.html", **values, **_NO_CONTENT)
        yield (
            path,
            site.render("screen.html", **values, **content, **_rows(site, group), version=sha256(shell)[:12]),
        )
    worker = (site.templates / "screen-worker.js").read_bytes()
    yield site_paths.SCREEN_WORKER, assets.without_comments(worker)
    yield (
        site_paths.SCREENS,
        site.render("screens.html", path=site_paths.SCREENS, root="", screens=addresses(site)),
    )


def addresses(site: Site) -> list[tuple[str, str]]:
    """Return name and address of each screen, with the options that staff choose most often."""
    name, path, text = site.settings.site_name, site_paths.SCREEN, site.messages
    return [
        (name, path),
        *((group.name, site_paths.screen_page(group.slug)) for group in site.branches),
        *((group.name, f"{path}?audience={group.slug}") for group in site.audiences),
        (text("screens.slides", name=name), f"{path}?layout=slides"),
        (text("screens.next", name=name), f"{path}?only=next"),
        (text("screens.slot", name=name), f"{path}?slot=30"),
    ]


# The version of a screen is the digest of the page without events.
_NO_CONTENT: dict[str, Any] = {
    "version": "",
    "built": 0,
    "day_text": "",
    "days": "",
    "ends": "",
    "rows": (),
    "first": (),
    "closings": (),
    "closing_data": "[]",
    "hours": "[]",
    "notice": "",
}


def _shared(site: Site) -> dict[str, Any]:
    """Return style sheet, script and Content-Security-Policy, which all screens share."""
    style = style_sheet(site.settings.brand_color, len(site.wording.time(_LONG_TIME)), site.templates)
    guard, script = guard_text(site.templates), script_text(site.templates)
    policy = (
        f"default-src 'none'; script-src {csp_hash(guard)} {csp_hash(script)}; style-src {csp_hash(style)}; img-src 'self' data:; "
        "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"
    )
    # Both texts come from templates/, and the policy holds their digests.
    texts = {"style": style, "guard_text": guard, "script_text": script}
    return {"policy": policy, **{name: Markup(text) for name, text in texts.items()}}  # noqa: S704


def _dated(site: Site) -> dict[str, Any]:
    """Return the day of the page (its midnight, in seconds since 1970) and the names of the next days."""
    today = site.wording.today
    coming = (today + timedelta(days=number) for number in range(DAYS_NAMED))
    names = {day.isoformat(): site.wording.day(day) for day in coming}
    built = int(midnight(today, site.settings.timezone).timestamp())
    day_text = site.messages("stale.day", day=site.wording.day(today))
    return {"built": built, "days": json.dumps(names, ensure_ascii=False), "day_text": day_text}


def _addresses(site: Site, path: str, group: Group | None) -> dict[str, Any]:
    """Return the addresses on the screen of `group` (None: of the library), and the data of its script."""
    root = "../" if group else ""
    list_path = group.path if group else "" if site.list_path == site_paths.HOME else site.list_path
    script = site.script(root, (*TEXTS, *opening.TEXTS))
    if unfetched := site.unfetched_text(group):
        script["texts"].update({"empty": unfetched, "empty.group": unfetched})
    list_address = f"{site.settings.site_url}/{list_path}"
    return {
        "path": path,
        "root": root,
        "group": group,
        "script": {
            **script,
            # The list of the same events.
            "code": qr_image(list_address) if site.settings.site_url else "",
            "code_address": without_scheme(list_address),
            "audiences": {each.slug: each.name for each in site.audiences},
            "worker": root + site_paths.SCREEN_WORKER,
            # A scope is a prefix of addresses: this one covers all screens and no list.
            "scope": "./" if path == site_paths.HOME else f"{root}screen",
        },
    }


def _rows(site: Site, group: Group | None) -> dict[str, Any]:
    """Return the events of the screen of `group` (None: of the library)."""
    today = site.wording.today
    events = group.events if group else site.listed
    found = rows(select(events, today), branch=not group)
    closings = [
        {"start": closing.start_epoch, "end": closing.end_epoch, "text": closing.text}
        for closing in site.near_closings(group.slug if group else "")
    ]
    return {
        "rows": found,
        "first": by_day(found, site.wording),
        "ends": json.dumps(last_ends(events, today), separators=(",", ":")),
        "closings": closings,
        "closing_data": json.dumps(closings, ensure_ascii=False),
        "hours": json.dumps(_hours(site, group), ensure_ascii=False, separators=(",", ":")),
        "notice": site.settings.screen_notice,
    }


def _hours(site: Site, group: Group | None) -> list[dict[str, object]]:
    """Return the opening hours for the screen of `group`; none for the library if some branch has none."""
    known = {item.slug for item in site.openings}
    complete = group or all(branch.slug in known for branch in site.branches)
    return site.hours_data(group) if complete else []


def style_sheet(brand: str, time_length: int, templates: Path = render.TEMPLATES) -> str:
    """Return the style sheet with its colors; the time column fits `time_length` characters."""

    def properties(theme: dict[str, str]) -> str:
        accent = colors.readable(brand, theme["ground"], ratio=CONTRAST)
        return ";".join(f"--{name}:{value}" for name, value in {**theme, "accent": accent}.items())

    dark, light = f"color-scheme:dark;{properties(DARK)}", f"color-scheme:light;{properties(LIGHT)}"
    text = (templates / "_screen.css").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    lines = "\n".join(line.strip() for line in text.splitlines() if line.strip())
    return (
        f":root{{--time:{min(26 + 1.2 * max(0, time_length - 7), 31):.1f};{dark}}}\n:root[data-theme=light]{{{light}}}\n"
        f"@media (prefers-color-scheme:light){{:root[data-theme=auto]{{{light}}}}}\n{lines}\n"
    )


def script_text(templates: Path = render.TEMPLATES) -> str:
    """Return the screen's script: its options first, so that the theme is right at once; then the rest."""
    options, *parts = (
        (templates / name).read_bytes()
        for name in ("_screen_options.js", "static/site.js", "static/hours.js", "_screen.js")
    )
    whole = b'(() => {\n%b\naddEventListener("DOMContentLoaded", () => {\n%b\n});\n})();\n'
    return assets.without_comments(whole % (options, b"\n".join(parts))).decode()


def guard_text(templates: Path = render.TEMPLATES) -> str:
    """Return the script that runs first, in ES5."""
    return assets.without_comments((templates / "_screen_guard.js").read_bytes()).decode()


def csp_hash(text: str) -> str:
    """Return the Content-Security-Policy source that allows the inline `text`."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
