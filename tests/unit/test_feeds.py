from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from event import Snapshot
from rendering import feeds, pages
from rendering.lists import Group
from rendering.site import Site
from support import feed_samples as samples
from support.feed_samples import ALL, SITE, STORYTIME, site

CATEGORIES = ("category/family", "category/reading")
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def test_the_site_has_every_feed(tmp_path: Path) -> None:
    settings = samples.settings(BUILD_DIR=str(tmp_path))
    built = dict(pages.build(Site.of(Snapshot(events=ALL, url=samples.LIBCAL), settings)))
    feeds = site(*ALL)
    assert set(feeds) <= set(built)
    assert {path: built[path] for path in feeds} == feeds
    branches = ("branch/kilton", "branch/lebanon")
    stems = (*branches, "audience/adults", "audience/children", "audience/family", *CATEGORIES)
    assert set(feeds) == {
        "events.ics", "feed.atom", "feed.rss", "feed.json", "events.json", "robots.txt", "sitemap.xml",
        *(f"{stem}{suffix}" for stem in stems for suffix in (".ics", ".atom", ".rss", ".json")),
        *(f"event/{event.id}.ics" for event in ALL),
    }  # fmt: skip


def test_feeds_are_the_same_bytes_at_any_time_of_day() -> None:
    assert site(*ALL, EVENTS_NOW="2026-03-01T23:59-05:00") == site(*ALL, EVENTS_NOW="2026-03-01T00:00-05:00")


def test_a_new_day_changes_no_feed() -> None:
    assert site(*ALL, EVENTS_NOW="2026-03-02T12:00-05:00") == site(*ALL)


def test_a_change_of_one_event_touches_only_the_lists_it_is_in() -> None:
    later = replace(samples.POSTPONED, title="Lecture", updated=samples.CHANGED + timedelta(days=1))
    new = replace(
        STORYTIME, id="99", start=samples.at("2027-02-01T10:00"), end=samples.at("2027-02-01T11:00")
    )
    before = site(STORYTIME, samples.POSTPONED)
    after = site(STORYTIME, later)
    everywhere = {"events.ics", "feed.atom", "feed.rss", "feed.json", "events.json", "sitemap.xml"}
    assert {path for path in after if after[path] != before[path]} == everywhere | {
        f"{stem}{suffix}"
        for stem in ("branch/lebanon", "audience/adults", *CATEGORIES)
        for suffix in (".ics", ".atom", ".rss", ".json")
    } | {"event/4.ics"}
    added = site(STORYTIME, samples.POSTPONED, new)
    touched = {path for path in before if added[path] != before[path]}
    assert not {
        path for path in touched if path.startswith("event/") or "lebanon" in path or "adults" in path
    }


def test_the_sitemap_lists_the_pages_to_index_with_their_last_change() -> None:
    root = ElementTree.fromstring(site(*ALL)["sitemap.xml"])
    assert root.tag == f"{SITEMAP}urlset"
    found = {url.findtext(f"{SITEMAP}loc"): url.findtext(f"{SITEMAP}lastmod") for url in root}
    paths = ["", "accessibility.html", "month/2026-03.html", "branch/kilton.html", "branch/lebanon.html"]
    paths += [f"audience/{name}.html" for name in ("adults", "children", "family")]
    paths += [f"{stem}.html" for stem in CATEGORIES]
    paths += [f"event/{event.id}.html" for event in ALL if event.listed]
    assert set(found) == {f"{SITE}/{path}" for path in paths}
    assert found[f"{SITE}/event/4216770.html"] == "2026-02-20T15:30:05Z"
    assert found[f"{SITE}/event/6.html"] is None
    assert found[f"{SITE}/"] == "2026-02-20T15:30:05Z"


def test_the_sitemap_leaves_out_lists_without_events_but_is_never_empty() -> None:
    quiet = Group("branch", "Bookmobile", "bookmobile", ())
    found = site(STORYTIME, quiet=[quiet])
    assert "branch/bookmobile.ics" in found
    assert b"bookmobile" not in found["sitemap.xml"]
    assert b"branch/kilton.html" in found["sitemap.xml"]
    assert [url.findtext(f"{SITEMAP}loc") for url in ElementTree.fromstring(site()["sitemap.xml"])] == [
        f"{SITE}/",
        f"{SITE}/accessibility.html",
    ]


def test_robots_txt_names_the_sitemap_and_allows_all_pages() -> None:
    lines = site()["robots.txt"].decode().splitlines()
    assert "User-agent: *" in lines
    assert "Disallow:" in lines
    assert f"Sitemap: {SITE}/sitemap.xml" in lines


def test_without_site_url_there_is_no_sitemap() -> None:
    found = site(*ALL, SITE_URL="")
    assert "sitemap.xml" not in found
    assert b"Sitemap" not in found["robots.txt"]


def test_a_feed_begins_with_the_next_events_and_has_a_limited_size(monkeypatch: pytest.MonkeyPatch) -> None:
    later = [
        replace(
            STORYTIME,
            id=str(number),
            title=f"Number {number}.",
            start=STORYTIME.start + timedelta(hours=number),
            end=STORYTIME.end + timedelta(hours=number),
        )
        for number in range(100, 150)
    ]
    everything = site(*later)
    monkeypatch.setattr(feeds, "MAX_FEED", 10_000)
    limited = site(*later)
    for path in ("events.ics", "feed.atom", "feed.rss", "feed.json"):
        assert len(limited[path]) < 14_000 < len(everything[path])
        assert b"Number 100." in limited[path]
        assert b"Number 149." not in limited[path]
    monkeypatch.setattr(feeds, "MAX_FEEDS", 12_000)
    limited = site(*later)
    assert b"Number 100." in limited["events.ics"]
    assert limited["branch/kilton.ics"].count(b"BEGIN:VEVENT") < limited["events.ics"].count(b"BEGIN:VEVENT")
    # A sitemap and the public data have all events.
    assert b"event/149.html" in limited["sitemap.xml"]
    assert b"Number 149." in limited["events.json"]
