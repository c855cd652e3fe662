from __future__ import annotations

import pytest

from standins.cloudfront import Edge, OriginDown, Stored, policy

PAGE = "public, max-age=60, s-maxage=900, stale-while-revalidate=30, stale-if-error=3600"


class World:
    """A bucket, a list of invalidations, a clock, and an edge that uses them."""

    def __init__(self) -> None:
        self.bucket: dict[str, Stored] = {}
        self.asked: list[str] = []
        self.batches: list[list[str]] = []
        self.now = 0.0
        self.down = False
        self.edge = Edge(self.origin, lambda: self.batches, lambda: self.now)

    def origin(self, key: str) -> Stored | None:
        self.asked.append(key)
        if self.down:
            raise OriginDown
        return self.bucket.get(key)

    def put(self, key: str, text: str, cache_control: str = PAGE) -> None:
        self.bucket[key] = Stored(body=text.encode(), content_type="text/html", cache_control=cache_control)

    def get(self, path: str) -> tuple[int, str, str]:
        answer = self.edge.get(path)
        return answer.status, answer.body.decode(), answer.x_cache


@pytest.fixture
def world() -> World:
    made = World()
    made.put("index.html", "home")
    made.put("event/1.html", "one")
    return made


def test_a_page_is_cached_for_s_maxage_and_has_an_age_header(world: World) -> None:
    assert world.get("/event/1.html") == (200, "one", "Miss")
    world.put("event/1.html", "new")
    world.now = 899
    assert world.get("/event/1.html") == (200, "one", "Hit")
    assert world.edge.get("/event/1.html").headers["Age"] == "899"
    world.now = 931
    assert world.get("/event/1.html") == (200, "new", "RefreshHit")


def test_max_age_replaces_a_missing_s_maxage_and_the_default_is_a_day(world: World) -> None:
    world.put("a", "a", "public, max-age=30")
    world.put("b", "b", "")
    world.get("/a")
    world.get("/b")
    world.now = 30
    assert world.get("/a")[2] == "RefreshHit"
    assert world.get("/b")[2] == "Hit"
    world.now = 86_400
    assert world.get("/b")[2] == "RefreshHit"


def test_during_revalidation_the_first_visitor_gets_the_old_page_and_the_next_the_new_one(
    world: World,
) -> None:
    world.get("/event/1.html")
    world.put("event/1.html", "new")
    world.now = 915
    assert world.get("/event/1.html")[1] == "one"
    assert world.get("/event/1.html")[1] == "new"


def test_an_expired_page_is_served_within_stale_if_error_while_the_bucket_fails(world: World) -> None:
    world.get("/event/1.html")
    world.down = True
    world.now = 900 + 3599
    assert world.get("/event/1.html") == (200, "one", "Hit")
    world.now = 900 + 3600
    assert world.get("/event/1.html")[0] == 503
    assert world.get("/other")[0] == 503


@pytest.mark.parametrize(
    ("paths", "gone"),
    [
        (["/*"], {"/", "/index.html", "/event/1.html"}),
        (["/index.html"], {"/index.html"}),
        (["/"], {"/"}),
        (["/event*"], {"/event/1.html"}),
        (["/Event/1.html"], set()),
        (["event/1.html"], set()),
        (["/event/1.html", "/"], {"/event/1.html", "/"}),
    ],
)
def test_an_invalidation_removes_only_matching_pages(world: World, paths: list[str], gone: set[str]) -> None:
    world.put("event/1.html", "one")
    for path in ("/", "/index.html", "/event/1.html"):
        world.get(path)
    world.batches.append(paths)
    misses = {path for path in ("/", "/index.html", "/event/1.html") if world.get(path)[2] == "Miss"}
    assert misses == gone


def test_an_invalidation_is_applied_once(world: World) -> None:
    world.batches.append(["/*"])
    world.get("/")
    assert world.get("/")[2] == "Hit"


def test_a_missing_page_is_the_404_page_cached_for_ten_seconds(world: World) -> None:
    world.put("404.html", "not here")
    assert world.get("/event/2.html") == (404, "not here", "Error")
    world.put("event/2.html", "two")
    world.now = 9
    assert world.get("/event/2.html")[0] == 404
    world.now = 10
    assert world.get("/event/2.html") == (200, "two", "RefreshHit")


def test_cache_control_is_read_regardless_of_case_and_spaces() -> None:
    assert policy("Public, Max-Age=60,s-maxage=900") == {"max-age": 60.0, "s-maxage": 900.0}
    assert policy("") == {}
