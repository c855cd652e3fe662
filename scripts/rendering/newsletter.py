"""The next days as a mail that staff copy into a mail program, as HTML and as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import site_paths
from rendering import lists, share_pictures
from rendering.lists import Card
from rendering.site import Files, Site
from rendering.views import EventView

DAYS = 7


def build(site: Site) -> Files:
    """Yield the page with the mail. Without SITE_URL there is none, since a mail needs whole addresses."""
    if not site.settings.site_url:
        return
    today = site.wording.today
    week = lists.first_days(site.listing, today, DAYS)
    parts = [(site.messages("ongoing.heading"), week.ongoing)] if week.ongoing else []
    parts += [(day.heading, day.cards) for day in week.days]
    pictures = share_pictures.drawn(site)
    featured = [program.view for program in lists.featured(site.listed)]
    heading = site.messages("print.days", days=site.wording.days(today, today + timedelta(days=DAYS - 1)))
    notices = [closing.text for closing in site.near_closings()]
    if week.empty or site.unfetched_text():
        notices.append(site.unfetched_text() or site.messages("empty.days"))
    address = f"{site.settings.site_url}/{'' if site.list_path == site_paths.HOME else site.list_path}"
    yield (
        site_paths.NEWSLETTER,
        site.render(
            "newsletter.html",
            path=site_paths.NEWSLETTER,
            root="",
            heading=heading,
            notices=notices,
            featured=[(view, pictures.get(view.event.id)) for view in featured],
            parts=parts,
            address=address,
            plain=_plain(site, [heading, *notices], featured, parts, address),
        ),
    )


def _plain(
    site: Site,
    head: Sequence[str],
    featured: Sequence[EventView],
    parts: Sequence[tuple[str, Sequence[Card]]],
    address: str,
) -> str:
    """Return the mail as plain text."""
    blocks = [f"{site.settings.site_name}\n" + "\n".join(head)]
    blocks += [_lines(view, view.when, view.where) for view in featured]
    for heading, cards in parts:
        rows = [_lines(card.view, card.program.times, card.program.where) for card in cards]
        blocks.append("\n\n".join([heading.upper(), *rows]))
    return "\n\n".join([*blocks, f"{site.messages('all_events')}: {address}"]) + "\n"


def _lines(view: EventView, when: str, where: str) -> str:
    status = view.tag.text if view.tag else ""
    return "\n".join(
        filter(None, (view.stated_title, ", ".join(filter(None, (when, where))), status, view.address))
    )
