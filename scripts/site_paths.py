"""The layout of the site: the path of every file that is rendered and published.

Paths are relative to the root of the site. Names are flat, with their suffix: an S3 origin behind
CloudFront does not map a folder to its index.html.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from files import sha256

HOME = "index.html"  # the web list, or the screen with HOME_PAGE=screen
LIST = "list.html"  # the web list with HOME_PAGE=screen
SCREEN = "screen.html"
SCREEN_WORKER = "screen-worker.js"
SCREENS = "screens.html"  # for staff: the addresses of all screens
PRINT = "print.html"
NEWSLETTER = "newsletter.html"  # for staff
ACCESSIBILITY = "accessibility.html"
EMBED = "embed.html"
EMBED_SCRIPT = "embed.js"
NOT_FOUND = "404.html"
CALENDAR = "events.ics"
ATOM = "feed.atom"
RSS = "feed.rss"
JSON_FEED = "feed.json"
EVENTS = "events.json"
ROBOTS = "robots.txt"
SITEMAP = "sitemap.xml"
SEARCH = "static/search."  # the beginning of the hashed path of the index for the search
STATUS = "status.json"  # rewritten by every run, and not in site.manifest
MARK = ".events-display"  # uploaded before all else and never again; only published.manifest lists it

_AT_THE_TOP = frozenset({
    HOME, LIST, SCREEN, SCREEN_WORKER, SCREENS, PRINT, NEWSLETTER, ACCESSIBILITY, EMBED, EMBED_SCRIPT, NOT_FOUND,
    CALENDAR, ATOM, RSS, JSON_FEED, EVENTS, ROBOTS, SITEMAP, STATUS,
})  # fmt: skip
# Files named after their content: static/style.93d6b31f02.css, static/320.0123456789abcdef.webp.
# Earlier versions named images static/0123456789abcdef-320.webp.
HASHED = r"static/(.+\.)?[0-9a-f]{8,64}(-\d+)?\.[a-z0-9]+"

# The names of our files in each folder. They are exact: other programs publish to event/ and static/ too.
_SLUG = r"[a-z0-9]+(-[a-z0-9]+)*"
_SHORT = "23456789bcdfghjkmnpqrstvwxz"
_NAMES = {
    "event": r"[0-9]+\.(html|ics)",
    "branch": rf"{_SLUG}\.(html|ics|atom|rss|json)",
    "audience": rf"{_SLUG}\.(html|ics|atom|rss|json)",
    "category": rf"{_SLUG}\.(html|ics|atom|rss|json)",
    "series": rf"{_SLUG}\.(html|ics)",
    "month": r"[0-9]{4}-[0-9]{2}\.html",
    "screen": rf"{_SLUG}\.html",
    "e": rf"[{_SHORT}]+",
    "static": r"[^/]+\.[0-9a-f]{10}\.[a-z0-9]+|([0-9]+\.[0-9a-f]{16}\.webp|share\.[0-9a-f]{16}\.jpg)|[0-9a-f]{16}-[0-9]+\.webp",
}
FOLDERS = tuple(_NAMES)


def event_page(event: str) -> str:
    """Return the path of an event's page. It never changes, so that shared links stay good."""
    return f"event/{event}.html"


def event_calendar(event: str) -> str:
    """Return the path of an event's iCalendar file."""
    return f"event/{event}.ics"


def group_page(kind: str, slug: str) -> str:
    """Return the path of the page of a branch, an audience or a category (`kind`)."""
    return f"{kind}/{slug}.html"


def group_feed(kind: str, slug: str, suffix: str) -> str:
    """Return the path of a feed of a branch, audience or category; `suffix` is ics, atom, rss or json."""
    return f"{kind}/{slug}.{suffix}"


def month_page(month: str) -> str:
    """Return the path of the page of a month, `2026-03`."""
    return f"month/{month}.html"


def short_page(event: str) -> str:
    """Return the path of the page that leads to an event's page: short, to be typed from a screen.

    Digits and letters that cannot be confused, and no vowels, so that it is no word.
    """
    digits, number = "", int(event)
    while number or not digits:
        number, digit = divmod(number, len(_SHORT))
        digits = _SHORT[digit] + digits
    return f"e/{digits}"


def screen_page(slug: str) -> str:
    """Return the path of the screen of a branch."""
    return f"screen/{slug}.html"


def image(stem: str, width: int) -> str:
    """Return the path of an event's image; `stem` is its digest, `width` its nominal width in pixels."""
    return f"static/{width}.{stem}.webp"


def share_image(stem: str) -> str:
    """Return the path of an event's JPEG for shared links."""
    return f"static/share.{stem}.jpg"


def hashed(name: str, data: bytes) -> str:
    """Return the path of an asset. It holds the digest of `data`, so that browsers can cache it for good."""
    path = PurePosixPath(name)
    return f"static/{path.stem}.{sha256(data)[:10]}{path.suffix}"


def is_hashed(path: str) -> bool:
    """Return whether the file's name holds its digest, so that its content never changes."""
    return bool(re.fullmatch(HASHED, path))


def is_safe(path: str) -> bool:
    """Return whether `path` is plain and relative: printable, without empty or dot parts.

    A backslash is refused too (a separator on other systems), as are # and *, which have a meaning
    in pending-paths.
    """
    parts = path.split("/")
    return path.isprintable() and not set("\\#*") & set(path) and not {"", ".", ".."} & set(parts)


def is_ours(path: str) -> bool:
    """Return whether `path` follows this layout: a file of that name is a page, feed or asset of ours."""
    folder, _, name = path.rpartition("/")
    if not folder:
        return name in _AT_THE_TOP
    return bool(re.fullmatch(_NAMES.get(folder, r"(?!)"), name))
