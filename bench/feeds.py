"""Measure writing the feeds of 1,000 events in one process, against the icalendar library."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import icalendar

from bench import sample
from bench.measure import Table, median
from event import Snapshot
from rendering import dates, feeds, icalendar_feed, lists, messages, plain_text, views
from rendering.feed_item import Item, Source
from rendering.site import Site
from settings import Settings

EVENTS = 1000


def bench(rounds: int = 7) -> Table:
    """Measure all cases in turn, in CPU time: none of them waits for a disk or network."""
    settings = Settings.from_env(
        {
            "EVENTS_NOW": sample.NOW.isoformat(),
            "SITE_URL": "https://events.example.org",
            "BUILD_DIR": os.devnull,
        }
    )
    snapshot = sample.snapshot(EVENTS)
    wording = dates.Wording(messages.load(settings.locale), settings.now.date())
    site = Site.of(Snapshot(url=snapshot.url), settings)

    def shown() -> list[views.EventView]:
        return [views.EventView(event, wording, settings.site_url) for event in snapshot.events]

    def items() -> list[Item]:
        source = Source.of(snapshot.url, settings)
        return [Item(view, source) for view in shown()]

    def everything() -> Iterable[bytes]:
        found = tuple(shown())
        branches, audiences = lists.groups("branch", found), lists.groups("audience", found)
        full = replace(site, events=found, listed=found, branches=branches, audiences=audiences)
        for _, data in feeds.build(full):
            yield data

    def ours() -> Iterable[bytes]:
        return (icalendar_feed.vevent(item, settings.timezone, subscribed=True) for item in items())

    cases: dict[str, Callable[[], Iterable[bytes]]] = {
        "all feeds, sitemap, events.json": everything,
        "VEVENTs, once each": ours,
        "VEVENTs, once each, icalendar library": lambda: map(_with_library, items()),
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    results: dict[str, tuple[int, int]] = {}
    for _ in range(rounds):
        for name, case in cases.items():
            plain_text.from_html.cache_clear()
            plain_text.one_line.cache_clear()
            began = time.process_time()
            sizes = [len(data) for data in case()]
            seconds[name].append(time.process_time() - began)
            results[name] = len(sizes), sum(sizes)
    rows = [
        (
            name,
            f"{results[name][0]:,}",
            f"{results[name][1] / 1e6:.1f}",
            f"{median(found) * 1000:.0f}",
            f"{min(found) * 1000:.0f}",
        )
        for name, found in seconds.items()
    ]
    notes = (f"{EVENTS:,} events, {rounds} rounds in turn, warm, CPU time.",)
    return Table("feeds", ("", "pieces", "MB", "median ms", "best ms"), rows, notes)


def _with_library(item: Item) -> bytes:
    event = item.event
    component = icalendar.Event()
    component.add("uid", item.uid)
    component.add("dtstamp", item.changed)
    component.add("last-modified", item.changed)
    component.add("sequence", event.sequence)
    component.add("summary", item.prefix + item.title)
    component.add("dtstart", event.start)
    component.add("dtend", event.end)
    component.add("location", item.where)
    component.add("description", f"{plain_text.from_html(event.description)}\n\n{item.url}")
    component.add("url", item.url)
    component.add("categories", list(item.tags))
    component.add("status", "CONFIRMED")
    data: bytes = component.to_ical()
    return data
