"""Privacy: pages send no requests to third parties and store no data in the browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from browser import kinds
from browser.conftest import DANISH_IF_WIDE, OpenPage
from browser.libraries import Library
from browser.server import SiteServer
from support.page_reader import Page

Serve = Callable[[Path], SiteServer]

SCROLL = """async () => {
  for (let y = 0; y <= document.body.scrollHeight; y += innerHeight) {
    scrollTo(0, y);
    await new Promise((done) => requestAnimationFrame(done));
  }
}"""


@DANISH_IF_WIDE
def test_no_page_sends_a_request_to_another_origin(
    library: Library, open_page: OpenPage, serve: Serve
) -> None:
    """open_page fails the test on any request to another origin, even a blocked one."""
    server = serve(library.site)
    page = open_page("404.html", server, now=None, reduced_motion="reduce")
    images = 0
    for path in kinds.pages(library.site):
        page.goto(server.url(path))
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        page.evaluate(SCROLL)
        page.wait_for_load_state("networkidle")
        sizes = page.evaluate(
            "[...document.images].filter(i => i.checkVisibility()).map(i => [i.src, i.naturalWidth])"
        )
        assert all(width > 0 for _, width in sizes), (path, sizes)
        images += len(sizes)
    assert images > 3
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_every_page_forbids_requests_to_other_origins(library: Library) -> None:
    """Every page, also those not opened above, loads only its own files, and its policy allows no others."""
    loading = {
        "img": "src",
        "script": "src",
        "link": "href",
        "iframe": "src",
        "source": "srcset",
        "video": "src",
    }
    policies = set()
    for path in library.site.rglob("*.html"):
        if path.relative_to(library.site).parts[0].startswith("screen"):
            continue
        page = Page(path.read_text(encoding="utf-8"))
        policies.add(page.one("meta", **{"http-equiv": "Content-Security-Policy"})["content"])
        for element in page.elements:
            address = element.attributes.get(loading.get(element.name, ""), "")
            names = element.attributes.get("rel", "")
            if address and names not in ("canonical", "alternate"):
                assert not re.match(r"[a-z]+:|//", address), f"{path.name}: {address}"
            # Mail programs need styles.
            banned = {"background", "ping"} | ({"style"} if path.name != "newsletter.html" else set())
            assert not banned & element.attributes.keys(), path.name
    # The policy of all pages, and the newsletter's, which allows style attributes.
    policy, other = sorted(policies, key=len)
    assert other == f"{policy}; style-src-attr 'unsafe-inline'"
    assert policy.startswith("default-src 'none'; ")
    assert not re.search(r"unsafe|https?:|\*|data:", policy)
