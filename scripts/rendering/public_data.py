"""events.json, the public data of the site, version 1; schema/events.schema.json describes the fields.

Fields may be added within a version. No field changes its meaning or is removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from rendering import plain_text
from rendering.closings import Closing
from rendering.dates import is_exhibit, is_over
from rendering.feed_item import LONG_AGO, Channel, Item, json_line, timestamp
from rendering.views import EventView, event_status, slug

VERSION = 1


def record(item: Item, days: tuple[EventView, ...] = ()) -> bytes:
    """Return one event as a line of JSON; `days` are those of its stop-by program, if it is one."""
    event = item.event
    repeated = item.view.wording.repeated([view.event for view in days], zone=False) if days else ""
    registration = event_status(replace(event, state="", listed=True)) if event.registration else ""
    return json_line(
        {
            "id": event.id,
            "title": item.title,
            "start": item.start,
            "end": item.end,
            "all_day": event.all_day,
            "exhibit": is_exhibit(event),
            "over": is_over(event, item.view.wording.today),
            "when": item.view.short_when_until,
            "program": {"id": days[0].event.id, "when": plain_text.one_line(repeated)} if days else None,
            "status": event_status(event),
            "state": event.state,
            "notice": event.notice,
            "registration": {"needed": event.registration is not None, "state": registration},
            "branch": _named(event.branch) if event.branch else None,
            "place": plain_text.one_line(event.place),
            "address": plain_text.one_line(event.address),
            "online": event.online,
            "categories": [plain_text.one_line(name) for name in event.categories],
            "audiences": [_named(name) for name in event.audiences],
            "url": item.source.url(item.view.path) or item.view.path,
            "libcal_url": item.libcal_url,
            "excerpt": plain_text.one_line(event.excerpt),
            "image": _image(item),
            "updated": timestamp(item.changed),
        }
    )


def document(channel: Channel, records: Iterable[bytes], timezone: str, language: str) -> bytes:
    """Return events.json, one event a line; `records` are all events, from `record`."""
    head = json_line(
        {
            "version": VERSION,
            "name": channel.title,
            "url": channel.source.site_url,
            "timezone": timezone,
            "language": language,
            "updated": timestamp(channel.changed) if channel.changed > LONG_AGO else None,
            "closures": [_closure(closing) for closing in channel.closings],
        }
    )
    return head[:-1] + b',"events":[\n' + b",\n".join(records) + b"\n]}\n"


def _closure(closing: Closing) -> dict[str, object]:
    return {
        "text": plain_text.one_line(closing.text),
        "first": closing.first.isoformat(),
        "last": closing.last.isoformat(),
        "branches": sorted(closing.branches),
    }


@lru_cache(maxsize=1024)
def _named(name: str) -> dict[str, str]:
    return {"name": plain_text.one_line(name), "slug": slug(name)}


def _image(item: Item) -> dict[str, str | int] | None:
    image = item.image
    if image is None:
        return None
    url = item.source.url(image.path) or image.path
    return {"url": url, "width": image.width, "height": image.height}
