"""Choose a few pages that represent a whole site: one of each kind, and few event pages with all elements."""

from __future__ import annotations

from pathlib import Path

from support.page_reader import Page

# The screen has tests of its own.
ONCE = (
    "index.html",
    "print.html",
    "print.html#large",
    "embed.html",
    "404.html",
    "accessibility.html",
    "newsletter.html",
)


def pages(site: Path) -> list[str]:
    """Return the paths of one page of each kind, and of the event pages chosen by `events`.

    Pages of audiences have the template of categories.
    """
    lists = [
        min(site.glob(f"{kind}/*.html"), default=None) for kind in ("branch", "category", "series", "month")
    ]
    return [*ONCE, *(str(path.relative_to(site)) for path in lists if path), *events(site)]


def events(site: Path) -> list[str]:
    """Return few event pages that together have every element, class and parent of all event pages."""
    features = {f"event/{path.name}": _features(path) for path in sorted(site.glob("event/*.html"))}
    missing = set().union(*features.values())
    chosen = []
    while missing:
        best = max(features, key=lambda path: len(features[path] & missing))
        chosen.append(best)
        missing -= features[best]
    return chosen


def _features(path: Path) -> set[tuple[str, str, str]]:
    """Return the elements of a page, as (element, class, parent)."""
    elements = Page(path.read_text(encoding="utf-8")).elements
    return {
        (item.name, item.attributes.get("class", ""), item.parents[-1:][0] if item.parents else "")
        for item in elements
    }
