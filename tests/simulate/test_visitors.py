"""Test that the simulator's visitors find missing files: at the edge, and from pages open in a browser."""

from __future__ import annotations

from files import sha256
from simulate.visitors import BROWSER_SECONDS, Visitors, links
from standins.cloudfront import Edge, Stored

SITE = "https://events.example.org"
PAGE = "public, max-age=60, s-maxage=3600"


class Site:
    """A bucket behind an edge, invalidations, a clock, and visitors."""

    def __init__(self) -> None:
        self.bucket: dict[str, Stored] = {}
        self.invalidations: list[list[str]] = []
        self.now = 0.0
        edge = Edge(self.bucket.get, lambda: self.invalidations, lambda: self.now)
        self.visitors = Visitors(edge, self.bucket, SITE, self.advance)

    def broken_link(self) -> str:
        return self.visitors.broken_link

    def advance(self, seconds: int) -> None:
        self.now += seconds

    def put(self, path: str, text: str) -> None:
        self.bucket[path] = Stored(body=text.encode(), content_type="text/html", cache_control=PAGE)

    def publish(self, **files: str) -> None:
        self.bucket.clear()
        for name, text in files.items():
            self.put(name.replace("_", "."), text)
        self.visitors.site = frozenset(self.bucket)


def test_links_are_resolved_as_a_browser_resolves_them() -> None:
    html = f"""<a href="../event/2.html?x=1#y"> <a href="/branch/a%20b.html">
        <a href="https://elsewhere.example/">
        <img src="../static/a.0123abcd.png" srcset="../static/a-320.webp 320w, ../static/a-800.webp 800w">
        <link href="{SITE}/"> <a href="#here"> <a href="mailto:a@b"> "url": "{SITE}/event/1.html" """
    assert links("event/1.html", html.encode(), SITE) == {
        "event/2.html", "branch/a b.html", "static/a.0123abcd.png", "static/a-320.webp", "static/a-800.webp",
        "index.html", "event/1.html",
    }  # fmt: skip
    folded = f"URL:{SITE}/event/123\r\n 4.html\r\n".encode()
    assert links("events.ics", folded, SITE) == {"event/1234.html"}


def test_a_link_to_a_missing_file_is_found() -> None:
    site = Site()
    site.publish(index_html='<a href="a.html">', a_html='<a href="b.html">')
    site.visitors.visit()
    assert site.broken_link() == "a.html links to b.html, which is missing"


def test_links_of_a_new_page_in_the_bucket_are_followed_while_the_edge_has_an_older_copy() -> None:
    site = Site()
    site.publish(index_html="")
    site.visitors.visit()
    site.put("index.html", '<link href="new.css">')
    site.visitors.visit()
    assert site.broken_link() == "index.html links to new.css, which is missing"


def test_links_of_an_old_page_at_the_edge_are_followed() -> None:
    site = Site()
    site.publish(index_html='<a href="a.html">', a_html='<a href="b.html">', b_html="")
    site.visitors.visit()
    assert not site.broken_link()
    site.publish(index_html="", a_html="")
    site.visitors.visit()
    assert not site.broken_link(), "the edge still has a copy of b.html"
    site.invalidations.append(["/b.html"])
    site.visitors.visit()
    assert site.broken_link() == "a.html links to b.html, which is missing"


def test_links_of_a_page_open_in_a_browser_are_followed_after_its_invalidation() -> None:
    site = Site()
    site.publish(index_html='<a href="a.html">', a_html="")
    site.visitors.visit()
    site.publish(index_html="")
    site.invalidations.append(["/*"])
    site.visitors.visit()
    assert not site.broken_link()
    site.visitors.follow_open_pages()
    assert site.now == BROWSER_SECONDS
    assert site.broken_link() == "index.html, open in a browser, links to a.html, which is missing"


def test_a_page_opened_before_the_last_run_is_no_longer_open() -> None:
    site = Site()
    site.publish(index_html='<a href="a.html">', a_html="")
    site.visitors.visit()
    site.visitors.follow_open_pages()
    site.publish(index_html="")
    site.invalidations.append(["/*"])
    site.visitors.visit()
    site.visitors.follow_open_pages()
    assert not site.broken_link()


def test_reading_digests_leaves_no_copy_at_the_edge() -> None:
    site = Site()
    # The first half of a new event: no page links to it yet.
    site.publish(index_html="", new_ics=f"URL:{SITE}/new.html")
    site.visitors.visit()
    assert site.visitors.digests(["index.html", "new.ics", "new.html"]) == {
        "index.html": sha256(b""),
        "new.ics": sha256(f"URL:{SITE}/new.html".encode()),
        "new.html": None,
    }
    site.visitors.visit()
    assert not site.broken_link()
    assert site.visitors.cached() == ["index.html"]
