"""The files for programs: iCalendar, Atom, RSS, JSON Feed, events.json, sitemap.xml and robots.txt.

Each event is formatted once for each format; all its lists share the result. A feed has a limited size: it
begins with the next events, and later ones follow when these are over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import site_paths
from event import CALENDAR_DAYS, CANCELLED
from rendering import icalendar_feed, months, plain_text, programs, public_data, web_feeds
from rendering.dates import ended_within
from rendering.feed_item import LONG_AGO, Channel, Item, Source, timestamp
from rendering.site import Files, Site

# In bytes: one feed, and all feeds of one format. A large library with 1,000 events has feeds of 2 MB.
MAX_FEED = 5_000_000
MAX_FEEDS = 40_000_000


def build(site: Site) -> Files:
    """Yield all feeds: of the whole library, of each branch and audience, and a calendar file for each event.

    An unlisted event is in no list, but has a calendar file, since its page links to it. Calendars also have
    the events of the last 30 days: an event must not vanish from a subscriber's calendar when it is over.
    """
    settings, language = site.settings, site.messages.language
    zone, year = settings.timezone, settings.now.year
    source = Source.of(site.libcal_url, settings)
    items = {view.event.id: Item(view, source) for view in site.events}
    past = [Item(view, source) for view in site.past]
    recent = [item for item in past if ended_within(item.event, site.wording.today, CALENDAR_DAYS)]
    channels = _channels(site, items, source)

    calendar_blocks, entries, rss_items, feed_items = {}, {}, {}, {}
    for item in recent:
        block = icalendar_feed.vevent(item, zone, subscribed=True)
        calendar_blocks[item.event.id] = block
        yield item.view.calendar_path, icalendar_feed.single(item, block, zone, year)
    for key, item in items.items():
        block = icalendar_feed.vevent(item, zone, subscribed=False)
        yield item.view.calendar_path, icalendar_feed.single(item, block, zone, year)
        if item.event.listed:
            cancelled = item.state == CANCELLED
            calendar_blocks[key] = icalendar_feed.vevent(item, zone, subscribed=True) if cancelled else block
            html = web_feeds.content(item)
            entries[key] = web_feeds.atom_entry(item, html)
            rss_items[key] = web_feeds.rss_item(item, html)
            feed_items[key] = web_feeds.json_item(item, html, zone.key)
    sizes = {
        key: max(len(blocks[key]) for blocks in (calendar_blocks, entries, feed_items)) for key in entries
    }
    for channel in _limited(channels, sizes):
        keys = [item.event.id for item in channel.items]
        with_past = replace(channel, items=(*filter(channel.has, recent), *channel.items))
        blocks = [calendar_blocks[item.event.id] for item in with_past.items]
        blocks += [icalendar_feed.closure(item, source.host) for item in channel.closings]
        yield channel.calendar, icalendar_feed.subscription(with_past, blocks, zone, year)
        if channel.atom:
            yield from _news(channel, keys, (entries, rss_items, feed_items), language)

    days = {view.event.id: run for run in programs.by_day(site.listed) if len(run) > 1 for view in run}
    records = (public_data.record(item, days.get(item.event.id, ())) for item in (*past, *channels[0].items))
    yield site_paths.EVENTS, public_data.document(channels[0], records, zone.key, language)
    yield site_paths.ROBOTS, site.render("robots.txt")
    if source.site_url:
        yield site_paths.SITEMAP, site.render("sitemap.xml", pages=_sitemap(channels, site))


def _news(channel: Channel, keys: list[str], blocks: tuple[Mapping[str, bytes], ...], language: str) -> Files:
    """Yield the feeds for news readers: the notices of closures, then the events."""
    formats = (
        (channel.atom, web_feeds.atom, web_feeds.atom_notice),
        (channel.rss, web_feeds.rss, web_feeds.rss_notice),
        (channel.json, web_feeds.json_feed, web_feeds.json_notice),
    )
    for (path, document, notice), items in zip(formats, blocks, strict=True):
        notices = [notice(closing, channel.source) for closing in channel.closings]
        yield path, document(channel, (*notices, *(items[key] for key in keys)), language)


def _limited(channels: list[Channel], sizes: Mapping[str, int]) -> Iterator[Channel]:
    """Yield `channels` with as many of their first items as the limits allow; `sizes` are in bytes."""
    remaining = MAX_FEEDS
    for channel in channels:
        room = min(MAX_FEED, remaining)
        kept = []
        for item in channel.items:
            room -= sizes[item.event.id]
            if room < 0:
                break
            kept.append(item)
            remaining -= sizes[item.event.id]
        yield replace(channel, items=tuple(kept))


def _channels(site: Site, items: Mapping[str, Item], source: Source) -> list[Channel]:
    """Return the whole library first, then the groups and the series."""
    name = plain_text.one_line(site.settings.site_name)
    listed = tuple(item for item in items.values() if item.event.listed)
    channels = [
        Channel(
            title=name,
            page=site.list_path,
            calendar=site_paths.CALENDAR,
            atom=site_paths.ATOM,
            rss=site_paths.RSS,
            json=site_paths.JSON_FEED,
            items=listed,
            closings=site.closings,
            source=source,
        )
    ]
    for group in (*site.groups, *site.series):
        channel = Channel(
            title=f"{name}: {plain_text.one_line(group.name)}",
            page=group.path,
            group=group,
            calendar=group.feed("ics"),
            items=tuple(items[view.event.id] for view in group.events),
            closings=tuple(
                item for item in site.closings if group.kind == "branch" and item.covers(group.slug)
            ),
            source=source,
        )
        if group.kind != "series":
            atom, rss, json = map(group.feed, ("atom", "rss", "json"))
            channel = replace(channel, atom=atom, rss=rss, json=json)
        channels.append(channel)
    return channels


def _sitemap(channels: list[Channel], site: Site) -> Iterator[tuple[str, str]]:
    """Yield (address, time of the last change) of every page that search engines should list.

    The time is empty if unknown. Lists without events say "noindex" and are left out, except the first:
    a sitemap must have at least one address.
    """
    for channel in channels:
        if channel.items or channel is channels[0]:
            yield channel.source.url(channel.page), _lastmod(channel.changed)
    for item in channels[0].items:
        yield item.url, _lastmod(item.changed)
    for path in (site_paths.ACCESSIBILITY, *(month.path for month in months.months(site))):
        yield channels[0].source.url(path), ""


def _lastmod(changed: datetime) -> str:
    return timestamp(changed) if changed > LONG_AGO else ""
