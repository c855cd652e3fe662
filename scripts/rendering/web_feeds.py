"""Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1, for feed readers. Same events, same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from pathlib import PurePosixPath

from rendering import plain_text
from rendering.closings import Closing
from rendering.feed_item import LONG_AGO, Channel, Item, Source, json_line, timestamp
from rendering.views import event_status


def content(item: Item) -> str:
    """Return the HTML content of an entry: time, place and description."""
    facts = filter(None, (plain_text.one_line(item.view.when), item.where))
    description = plain_text.clean(item.event.description)
    return f"<p>{'<br>'.join(map(escape, facts))}</p>{description}"


def atom_entry(item: Item, html: str) -> bytes:
    """Return the entry of one event; `html` is from `content`."""
    link = f'\n<link rel="alternate" type="text/html" href="{escape(item.url)}"/>' if item.url else ""
    tags = "".join(f'\n<category term="{escape(tag)}"/>' for tag in item.tags)
    return f"""<entry>
<id>{escape(item.id)}</id>
<title>{escape(item.dated_title)}</title>
<updated>{timestamp(item.changed)}</updated>{link}{tags}
<content type="html">{escape(html)}</content>
</entry>
""".encode()


def atom_notice(closing: Closing, source: Source) -> bytes:
    """Return the entry of a closure."""
    return f"""<entry>
<id>{escape(source.id(f"{_NOTICE}{closing.id}"))}</id>
<title>{escape(plain_text.one_line(closing.text))}</title>
<updated>{timestamp(_changed(closing))}</updated>
<link rel="alternate" type="text/html" href="{escape(source.url("index.html") or ".")}"/>
<content type="html">{escape(_notice(closing))}</content>
</entry>
""".encode()


def rss_notice(closing: Closing, source: Source) -> bytes:
    """Return a closure as an item of RSS."""
    return f"""<item>
<guid isPermaLink="false">{escape(source.id(f"{_NOTICE}{closing.id}"))}</guid>
<title>{escape(plain_text.one_line(closing.text))}</title>
<pubDate>{format_datetime(_changed(closing))}</pubDate>
<description>{escape(_notice(closing))}</description>
</item>
""".encode()


def json_notice(closing: Closing, source: Source) -> bytes:
    """Return a closure as an item of a JSON Feed."""
    return json_line(
        {
            "id": source.id(f"{_NOTICE}{closing.id}"),
            "title": plain_text.one_line(closing.text),
            "content_html": _notice(closing),
            "date_modified": timestamp(_changed(closing)),
            "_closure": {"first": closing.first.isoformat(), "last": closing.last.isoformat()},
        }
    )


# A closure has no page. Its id is an address that no other item has.
_NOTICE = "index.html#closure-"


def _notice(closing: Closing) -> str:
    return f"<p>{escape(plain_text.one_line(closing.text))}</p>"


def _changed(closing: Closing) -> datetime:
    return (closing.changed.updated or LONG_AGO).astimezone(UTC)


def atom(channel: Channel, entries: Iterable[bytes], language: str) -> bytes:
    """Return the Atom feed of `channel`; `entries` are its events, from `atom_entry`.

    Without SITE_URL the feed has no link to itself, and a relative link to its page.
    """
    address = channel.source.url(channel.atom)
    self_link = (
        f'\n<link rel="self" type="application/atom+xml" href="{escape(address)}"/>' if address else ""
    )
    page = channel.source.url(channel.page) or PurePosixPath(channel.page).name
    head = f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{language}">
<id>{escape(channel.source.id(channel.atom))}</id>
<title>{escape(channel.title)}</title>
<updated>{timestamp(channel.changed)}</updated>
<author><name>{escape(channel.title)}</name></author>
<generator>events-display</generator>{self_link}
<link rel="alternate" type="text/html" href="{escape(page)}"/>
"""
    return b"".join((head.encode(), *entries, b"</feed>\n"))


def rss_item(item: Item, html: str) -> bytes:
    """Return one event as an item of RSS; `html` is from `content`."""
    link = f"\n<link>{escape(item.url)}</link>" if item.url else ""
    tags = "".join(f"\n<category>{escape(tag)}</category>" for tag in item.tags)
    permanent = "true" if item.source.site_url else "false"
    return f"""<item>
<guid isPermaLink="{permanent}">{escape(item.id)}</guid>
<title>{escape(item.dated_title)}</title>
<pubDate>{format_datetime(item.changed)}</pubDate>{link}{tags}
<description>{escape(html)}</description>
</item>
""".encode()


def rss(channel: Channel, items: Iterable[bytes], language: str) -> bytes:
    """Return the RSS feed of `channel`; `items` are its events, from `rss_item`."""
    address = channel.source.url(channel.rss)
    self_link = (
        f'\n<atom:link rel="self" type="application/rss+xml" href="{escape(address)}"/>' if address else ""
    )
    page = channel.source.url(channel.page) or PurePosixPath(channel.page).name
    head = f"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">
<channel>
<title>{escape(channel.title)}</title>
<link>{escape(page)}</link>
<description>{escape(channel.title)}</description>
<language>{language}</language>
<lastBuildDate>{format_datetime(channel.changed)}</lastBuildDate>
<generator>events-display</generator>{self_link}
"""
    return b"".join((head.encode(), *items, b"</channel>\n</rss>\n"))


def json_item(item: Item, html: str, timezone: str) -> bytes:
    """Return one event as an item of a JSON Feed; `html` is from `content`, `timezone` is the library's."""
    event = item.event
    image = item.source.url(item.image.path) if item.image else ""
    data = {
        "id": item.id,
        **({"url": item.url} if item.url else {}),
        "title": item.dated_title,
        "content_html": html,
        **({"image": image} if image else {}),
        "date_modified": timestamp(item.changed),
        "tags": item.tags,
        # JSON Feed reserves names with an underscore for extensions.
        "_event": {
            "start": item.start,
            "end": item.end,
            "all_day": event.all_day,
            "timezone": timezone,
            "status": event_status(event),
        },
    }
    return json_line(data)


def json_feed(channel: Channel, items: Iterable[bytes], language: str) -> bytes:
    """Return the JSON Feed of `channel`, one event a line; `items` are its events, from `json_item`."""
    source = channel.source
    data = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.title,
        **({"home_page_url": source.url(channel.page)} if source.site_url else {}),
        **({"feed_url": source.url(channel.json)} if source.site_url else {}),
        "language": language,
        "authors": [{"name": channel.title}],
    }
    return json_line(data)[:-1] + b',"items":[\n' + b",\n".join(items) + b"\n]}\n"
