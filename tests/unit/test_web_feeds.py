"""Atom feeds read back with feedparser, JSON Feeds checked against the specification."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event import Event
from rendering import plain_text
from support import feed_samples as samples
from support.feed_readers import ATOM, TAG_URI, atom, json_feed, rss
from support.feed_samples import ALL, STORYTIME, hostile_text, site


def test_the_title_of_an_entry_starts_with_the_date_of_the_event() -> None:
    (entry,) = atom(site(STORYTIME)["feed.atom"]).entries
    assert entry.title == "Tue, Mar 3, 10:30am: Storytime"
    assert entry.id == entry.link == "https://events.example.org/event/4216770.html"
    assert entry.updated == "2026-02-20T15:30:05Z"
    assert [tag.term for tag in entry.tags] == ["Reading", "Family", "Children"]
    assert "10:30am to 11:15am" in entry.content[0].value
    assert "Story room, Kilton, 80 Main Street, West Lebanon" in entry.content[0].value
    assert entry.content[0].value.endswith("<p>Songs &amp; stories.</p>")


def test_a_json_item_has_times_for_programs() -> None:
    (item,) = json_feed(site(STORYTIME)["feed.json"])["items"]
    assert item["title"] == "Tue, Mar 3, 10:30am: Storytime"
    assert item["id"] == item["url"] == "https://events.example.org/event/4216770.html"
    assert item["_event"] == {
        "start": "2026-03-03T10:30:00-05:00",
        "end": "2026-03-03T11:15:00-05:00",
        "all_day": False,
        "timezone": "America/New_York",
        "status": "",
    }
    (exhibit,) = json_feed(site(samples.EXHIBIT)["feed.json"])["items"]
    assert exhibit["title"] == "Fri, Mar 6: Exhibit"
    assert (exhibit["_event"]["start"], exhibit["_event"]["end"]) == ("2026-03-06", "2026-03-08")
    (open_ended,) = json_feed(site(samples.OPEN_ENDED)["feed.json"])["items"]
    assert open_ended["_event"]["end"] is None


def test_a_cancelled_event_stays_and_its_title_starts_with_cancelled() -> None:
    found = site(samples.CANCELLED)
    title = "Cancelled: Tue, Mar 3, 10:30am: Film night"
    assert atom(found["feed.atom"]).entries[0].title == title
    (item,) = json_feed(found["feed.json"])["items"]
    assert (item["title"], item["_event"]["status"]) == (title, "cancelled")


def test_titles_are_in_the_language_of_the_site() -> None:
    found = site(samples.CANCELLED, LOCALE="da_DK")
    title = atom(found["feed.atom"]).entries[0].title
    assert title.startswith("Aflyst: tirs. 3. mar. kl.\N{NO-BREAK SPACE}10.30: ")


def test_a_feed_has_the_time_of_its_newest_change() -> None:
    later = replace(samples.POSTPONED, updated=samples.at("2026-02-25T08:00"))
    found = site(STORYTIME, later, samples.OPEN_ENDED)
    assert atom(found["feed.atom"]).feed.updated == "2026-02-25T13:00:00Z"
    assert atom(found["branch/kilton.atom"]).feed.updated == "2026-02-20T15:30:05Z"
    assert atom(site()["feed.atom"]).feed.updated == "2000-01-01T00:00:00Z"


def test_each_branch_and_audience_has_feeds_with_their_own_links() -> None:
    found = site(*ALL)
    for stem, title, page in (
        ("feed", "Library events", ""),
        ("branch/lebanon", "Library events: Lebanon", "branch/lebanon.html"),
        ("audience/adults", "Library events: Adults", "audience/adults.html"),
    ):
        parsed, feed = atom(found[f"{stem}.atom"]), json_feed(found[f"{stem}.json"])
        assert parsed.feed.title == feed["title"] == title
        assert parsed.feed.link == feed["home_page_url"] == f"{samples.SITE}/{page}"
        links = {link.rel: link.href for link in parsed.feed.links}
        assert links["self"] == f"{samples.SITE}/{stem}.atom"
        assert feed["feed_url"] == f"{samples.SITE}/{stem}.json"
        assert [entry.id for entry in parsed.entries] == [item["id"] for item in feed["items"]]
    assert len(json_feed(found["feed.json"])["items"]) == 6
    assert len(json_feed(found["branch/lebanon.json"])["items"]) == 1
    assert b"Gone" not in found["feed.atom"] + found["feed.json"]


def test_rss_has_the_same_entries_as_atom() -> None:
    for found in (site(*ALL), site(*ALL, SITE_URL="")):
        for stem in ("feed", "branch/lebanon", "audience/adults"):
            one, other = rss(found[f"{stem}.rss"]), atom(found[f"{stem}.atom"])
            for name in ("id", "title", "summary"):
                mine = [entry[name] for entry in one.entries]
                assert mine == [
                    entry["content"][0]["value"] if name == "summary" else entry[name]
                    for entry in other.entries
                ]
            assert [entry.published_parsed for entry in one.entries] == [
                entry.updated_parsed for entry in other.entries
            ]
            assert one.feed.title == other.feed.title


def test_without_site_url_ids_are_tag_uris_and_links_go_to_libcal() -> None:
    found = site(STORYTIME, SITE_URL="")
    parsed, feed = atom(found["branch/kilton.atom"]), json_feed(found["branch/kilton.json"])
    (entry,), (item,) = parsed.entries, feed["items"]
    assert re.fullmatch(TAG_URI, parsed.feed.id)
    assert re.fullmatch(TAG_URI, entry.id)
    assert entry.id == item["id"]
    assert entry.link == item["url"] == STORYTIME.url
    assert not {"home_page_url", "feed_url"} & set(feed)
    assert [link.rel for link in parsed.feed.links] == ["alternate"]


@settings(max_examples=40)
@given(
    st.builds(
        replace,
        st.just(STORYTIME),
        title=hostile_text(),
        place=hostile_text(),
        categories=st.lists(hostile_text(), max_size=3).map(tuple),
        audiences=st.lists(hostile_text(), max_size=2).map(tuple),
        description=hostile_text(),
        url=hostile_text().map("https://x.example/".__add__),
    ),
    hostile_text(),
    st.sampled_from(["", samples.SITE]),
)
def test_no_text_can_leave_its_element(hostile: Event, name: str, address: str) -> None:
    found = site(hostile, SITE_NAME=name.replace("\0", ""), SITE_URL=address)
    for path, data in found.items():
        if path.endswith(".atom"):
            (entry,) = ElementTree.fromstring(data).iter(f"{ATOM}entry")
            title = f"Tue, Mar 3, 10:30am: {plain_text.one_line(hostile.title)}"
            assert entry.findtext(f"{ATOM}title") == title
            content = entry.findtext(f"{ATOM}content") or ""
            assert content.endswith(plain_text.clean(hostile.description))
        elif path.endswith(".json") and path != "events.json":
            (item,) = json_feed(data)["items"]
            assert item["content_html"].endswith(plain_text.clean(hostile.description))


@pytest.mark.parametrize("data", [b"", b"<feed/>", site(STORYTIME)["feed.atom"].replace(b"<id>", b"<ID>", 1)])
def test_the_atom_check_rejects_invalid_feeds(data: bytes) -> None:
    with pytest.raises((AssertionError, ElementTree.ParseError)):
        atom(data)
