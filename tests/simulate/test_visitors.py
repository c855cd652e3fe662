"""The simulator's visitors: that they find what is missing, from the edge and from a browser's copy."""

from __future__ import annotations

from files import sha256
from simulate.visitors import BROWSER_SECONDS, Visitors, links
from standins.cloudfront import Edge, Stored

SITE = "https://events.example.org"
PAGE = "public, max-age=60, s-maxage=3600"


class Town:
    """A bucket, what CloudFront was told, a clock, and visitors."""

    def __init__(self) -> None:
        self.bucket: dict[str, Stored] = {}
        self.told: list[list[str]] = []
        self.now = 0.0
        edge = Edge(self.bucket.get, lambda: self.told, lambda: self.now)
        self.visitors = Visitors(edge, self.bucket, SITE, self.later)

    def trouble(self) -> str:
        return self.visitors.trouble

    def later(self, seconds: int) -> None:
        self.now += seconds

    def put(self, path: str, text: str) -> None:
        self.bucket[path] = Stored(body=text.encode(), content_type="text/html", cache_control=PAGE)

    def publish(self, **files: str) -> None:
        self.bucket.clear()
        for name, text in files.items():
            self.put(name.replace("_", "."), text)
        self.visitors.site = frozenset(self.bucket)


def test_a_page_leads_where_a_browser_would_go() -> None:
    html = f"""<a href="../event/2.html?x=1#y"> <a href="/branch/a%20b.html"> <a href="https://elsewhere.example/">
        <img src="../static/a.0123abcd.png" srcset="../static/a-320.webp 320w, ../static/a-800.webp 800w">
        <link href="{SITE}/"> <a href="#here"> <a href="mailto:a@b"> "url": "{SITE}/event/1.html" """
    assert links("event/1.html", html.encode(), SITE) == {
        "event/2.html", "branch/a b.html", "static/a.0123abcd.png", "static/a-320.webp", "static/a-800.webp",
        "index.html", "event/1.html",
    }  # fmt: skip
    folded = f"URL:{SITE}/event/123\r\n 4.html\r\n".encode()
    assert links("events.ics", folded, SITE) == {"event/1234.html"}


def test_a_link_to_a_missing_file_is_found() -> None:
    town = Town()
    town.publish(index_html='<a href="a.html">', a_html='<a href="b.html">')
    town.visitors.visit()
    assert town.trouble() == "a.html leads to b.html, which is missing"


def test_a_page_in_the_bucket_is_followed_though_the_edge_has_an_older_one() -> None:
    town = Town()
    town.publish(index_html="")
    town.visitors.visit()
    town.put("index.html", '<link href="new.css">')
    town.visitors.visit()
    assert town.trouble() == "index.html leads to new.css, which is missing"


def test_an_old_page_that_the_edge_still_shows_is_followed_too() -> None:
    town = Town()
    town.publish(index_html='<a href="a.html">', a_html='<a href="b.html">', b_html="")
    town.visitors.visit()
    assert not town.trouble()
    town.publish(index_html="", a_html="")
    town.visitors.visit()
    assert not town.trouble(), "all of it is at the edge"
    town.told.append(["/b.html"])
    town.visitors.visit()
    assert town.trouble() == "a.html leads to b.html, which is missing"


def test_a_page_in_a_browser_is_followed_when_the_edge_has_forgotten_it() -> None:
    town = Town()
    town.publish(index_html='<a href="a.html">', a_html="")
    town.visitors.visit()
    town.publish(index_html="")
    town.told.append(["/*"])
    town.visitors.visit()
    assert not town.trouble()
    town.visitors.use_browsers()
    assert town.now == BROWSER_SECONDS
    assert town.trouble() == "index.html in a browser leads to a.html, which is missing"


def test_a_browser_forgets_what_it_saw_before_the_last_run() -> None:
    town = Town()
    town.publish(index_html='<a href="a.html">', a_html="")
    town.visitors.visit()
    town.visitors.use_browsers()
    town.publish(index_html="")
    town.told.append(["/*"])
    town.visitors.visit()
    town.visitors.use_browsers()
    assert not town.trouble()


def test_what_is_only_looked_at_leaves_no_copy_at_the_edge() -> None:
    town = Town()
    # The first half of a new event, to which nothing leads yet.
    town.publish(index_html="", new_ics=f"URL:{SITE}/new.html")
    town.visitors.visit()
    assert town.visitors.shown(["index.html", "new.ics", "new.html"]) == {
        "index.html": sha256(b""),
        "new.ics": sha256(f"URL:{SITE}/new.html".encode()),
        "new.html": None,
    }
    town.visitors.visit()
    assert not town.trouble()
    assert town.visitors.cached() == ["index.html"]
