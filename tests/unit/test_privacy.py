"""How staff write a meeting in the text of an event, and what is removed."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetching.links import Origin
from fetching.privacy import PrivateDetails, PrivateLinks, private_links
from fetching.sanitize import description, plain

LIBCAL = Origin.of("https://library.libcal.com/1.1")
NUMBER, PASSWORD, KEY = "93531415926", "Pass&Word1", "c2VjcmV0"
ZOOM = {
    "online_join_url": f"https://us02web.zoom.us/j/{NUMBER}?pwd={KEY}",
    "online_host_url": f"https://us02web.zoom.us/s/{NUMBER}?zak=hostkey99",
    "online_join_password": PASSWORD,
    "online_meeting_id": NUMBER,
}
SHORT = {**ZOOM, "online_join_password": "Q7x2"}
FIVE = {**ZOOM, "online_join_password": "90210"}
WORD = {**ZOOM, "online_join_password": "books"}
MEET = {"online_join_url": "https://meet.google.com/kqz-wxyv-jbd", "online_provider": "external"}
URL_ONLY = {"online_join_url": f"https://us02web.zoom.us/j/{NUMBER}"}
NO_FIELDS: dict[str, Any] = {}

JOIN = f"us02web.zoom.us/j/{NUMBER}"
SAFE = "https://nam02.safelinks.protection.outlook.com/?url="
ONCE = f"https%3A%2F%2Fus02web.zoom.us%2Fj%2F{NUMBER}%3Fpwd%3D{KEY}&data=05"
TWICE = ONCE.replace("%", "%25")
THRICE = TWICE.replace("%", "%25")
TEAMS = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_TopSecret%40thread.v2/0?context=x"

WAYS = [
    # An address, in all its forms.
    (ZOOM, f"Join at https://{JOIN}?pwd={KEY}."),
    (ZOOM, f'<a href="https://{JOIN}?pwd={KEY}">Join</a>'),
    (ZOOM, f"Join at http://{JOIN} or {JOIN}"),
    (ZOOM, f"Join at https://{JOIN.upper()}"),
    (ZOOM, '<a href="https://us02web.zoom.us/j/%39%33531415926">Join</a>'),
    (ZOOM, "Host: https://us02web.zoom.us/s/93531415926?zak=hostkey99"),
    (ZOOM, "Join at us02web.zoom.us<b>/j/93531</b>415926"),
    (ZOOM, f"Join at https://us02web.zoom.us/j/{NUMBER}/?pwd={KEY}#success"),
    (ZOOM, f'<a href="{SAFE}{ONCE}">Join</a>'),
    (ZOOM, f'<a href="{SAFE}{TWICE}">Join</a>'),
    (NO_FIELDS, f'<a href="{SAFE}{THRICE}">Join</a> {SAFE}{THRICE}'),
    (NO_FIELDS, f'<a href="{SAFE}{THRICE.replace("%", "%" + "25" * 30)}">Join</a>'),
    (ZOOM, f"https://urldefense.com/v3/__https://{JOIN}?pwd={KEY}__;!!abc$"),
    (NO_FIELDS, f"https://urldefense.proofpoint.com/v2/url?u=https-3A__us02web.zoom.us_j_{NUMBER}-3Fpwd-3D{KEY}&d=x"),
    (NO_FIELDS, f"https://www.google.com/url?q=https://{JOIN}?pwd={KEY}&sa=D"),
    (NO_FIELDS, f"Join at https://{JOIN}?pwd={KEY}"),
    (NO_FIELDS, f"zoommtg://zoom.us/join?confno={NUMBER}&pwd={KEY}"),
    (NO_FIELDS, f"https://library.zoom.us/my/TopSecret?pwd={KEY}"),
    (NO_FIELDS, f"https://zoom.us/wc/join/{NUMBER}"),
    (NO_FIELDS, f"<a href='{TEAMS}'>Click here to join</a> {TEAMS}"),
    (NO_FIELDS, "https://teams.live.com/meet/93531415926?p=TopSecret"),
    (NO_FIELDS, "https://library.webex.com/meet/TopSecret"),
    (NO_FIELDS, "https://library.webex.com/library/j.php?MTID=mTopSecret"),
    (NO_FIELDS, "https://meet.google.com/kqz-wxyv-jbd or meet.google.com/kqz-wxyv-jbd"),
    (NO_FIELDS, "https://meet.goto.com/935314159 and https://global.gotomeeting.com/join/93531415926"),
    (NO_FIELDS, "https://meet.jit.si/TopSecret https://join.skype.com/TopSecret"),
    # The number.
    (ZOOM, "Meeting ID 93531415926"),
    (ZOOM, "Meeting ID: 935 3141 5926"),
    (ZOOM, "Zoom 935-3141-5926"),
    (ZOOM, "Zoom 935.3141.5926"),
    (ZOOM, "Call in with 935&nbsp;3141&nbsp;5926, or (935) 3141–5926"),
    (ZOOM, "Number 935 314 15926 or 93 53 14 15 926"),
    (ZOOM, "Number 935<b>.3141.</b>5926"),
    ({**ZOOM, "online_meeting_id": "935 3141 5926"}, "Number 935-3141-5926"),
    (URL_ONLY, "Enter 935 3141 5926 in Zoom"),
    (NO_FIELDS, "Meeting ID: 935.3141.5926"),
    (NO_FIELDS, "Webinar-ID: 935 3141 5926, ID de reunión: 935 3141 5926, Møde-id: 93531415926"),
    (NO_FIELDS, "One tap mobile: +13126266799,,93531415926#,,,,*9988776655#"),
    (NO_FIELDS, "Dial (US) +1 413-338-0155 PIN: 935 314 159 26#"),
    # The passcode.
    (ZOOM, "The password is Pass&amp;Word1."),
    (ZOOM, "Pass<b>&amp;Word1</b> is the password"),
    (SHORT, "Passcode: Q7x2"),
    (SHORT, "Passcode: <b>Q7x2</b>"),
    (SHORT, "<table><tr><td>Passcode</td><td>Q7x2</td></tr></table>"),
    (SHORT, "(pass code = “Q7x2”)"),
    (SHORT, "PIN Q7x2, kode: Q7x2, clave «Q7x2», adgangskode er Q7x2"),
    (FIVE, "Password 90210 and PIN: 90210"),
    (FIVE, "La contraseña es 90210; código de acceso: 90210"),
    (WORD, "Use passcode books to join"),
    (NO_FIELDS, "Passcode: TopSecret"),
    (URL_ONLY, "Password: Q7x2, PIN = 90210"),
    # A Meet code alone.
    (MEET, "In Google Meet enter kqz-wxyv-jbd"),
    (MEET, "KQZ-WXYV-JBD"),
    (NO_FIELDS, "Meet code: kqz-wxyv-jbd"),
    (ZOOM, "Host https://us02web.zoom.us/s/ 93531415926?zak=hostkey99 now"),
    (ZOOM, "https://us02web.zoom.us/s/93531415926 ?zak=hostkey99"),
    (ZOOM, "s/ 93531415926?x=1&amp;zak=hostkey99"),
]  # fmt: skip
GONE = re.compile(
    r"9353141|314159|31415|c2VjcmV0|hostkey99|Pass&Word1|\bQ7x2|\b90210|\bbooks\b|kqz|TopSecret|99887766",
    re.IGNORECASE,
)


@pytest.mark.parametrize(("event", "source"), WAYS, ids=range(len(WAYS)))
def test_a_meeting_is_removed_from_descriptions_and_titles(event: dict[str, Any], source: str) -> None:
    private = PrivateDetails.of(event, private_links([event]))
    result = description(f"<p>Welcome.</p><p>{source}</p>", LIBCAL, private)
    title = plain(re.sub(r"<[^>]*>", "", source), 300, private)
    for text in (result.html, result.excerpt, title):
        shown = re.sub(r"<(?!a )[^>]*>", "", text).replace("&amp;", "&")
        assert not GONE.search(shown), shown
        assert not GONE.search(re.sub(r"[\s.()–-]", "", shown)), shown


PUBLIC = [
    "Register at https://us02web.zoom.us/meeting/register/tZ0abc or https://library.libcal.com/event/11870000",
    "Test your device at https://zoom.us/test, help at https://support.zoom.us/hc/en-us/articles/201362313",
    "Watch on https://www.youtube.com/watch?v=dQw4w9WgXcQ and https://www.facebook.com/library/live",
    "Bring your library card and PIN. Forgot your password? Ask at the desk.",
    "Dress code: casual. One-more-try, mother-in-law, top-down-now.",
    "Call 603-448-2459 or (603) 643-4120, ext. 12. ISBN 978-0-14-044913-6.",
    "The code of 1897, Dewey 394.26, 10-12, 2026-03-05, $12.50, and/or, 50% off",
    "Escape room: crack the code in 60 minutes! Learn to code 101.",
]


@pytest.mark.parametrize("text", PUBLIC)
@pytest.mark.parametrize("event", [ZOOM, SHORT, FIVE, MEET, NO_FIELDS])
def test_ordinary_text_is_kept(event: dict[str, Any], text: str) -> None:
    private = PrivateDetails.of(event, private_links([event]))
    assert private.scrub(text) == text
    assert description(f"<p>{text}</p>", LIBCAL, private) == description(f"<p>{text}</p>", LIBCAL)


def test_a_short_passcode_is_kept_where_no_word_says_that_it_is_one() -> None:
    private = PrivateDetails.of(WORD, private_links([WORD]))
    assert private.scrub("Bring books. Password: books") == "Bring books. Password: "


def test_thousands_of_meetings_take_linear_time() -> None:
    events = [
        {"online_join_url": f"https://us02web.zoom.us/j/{90_000_000_000 + 7919 * number}?pwd=k{number:06}"}
        for number in range(4000)
    ]
    links = private_links(events)
    text = "<p>Please come to the library, it is a nice place to be for everybody.</p>" * 30
    began = time.process_time()
    for event in events[:400]:
        description(text, LIBCAL, PrivateDetails.of(event, links))
    assert time.process_time() - began < 4
    assert links.found_in(f"see us02web.zoom.us/j/{90_000_000_000 + 7919 * 3999} now")
    assert not links.found_in("see us02web.zoom.us/j/90000000001 now")


def test_many_links_with_one_ending_are_all_found() -> None:
    links = PrivateLinks(f"host{number}.org/same-ending" for number in range(5000))
    assert links.found_in("go to host4321.org/same-ending")
    assert not links.found_in("go to host4321.org/other-ending")
    began = time.process_time()
    assert links.found_in("same-endin same-ending" * 1000)
    assert time.process_time() - began < 1


@given(
    st.lists(st.text(alphabet="ab/.", min_size=1, max_size=12), max_size=60),
    st.text(alphabet="ab/.", max_size=60),
)
def test_the_index_finds_the_same_as_a_plain_search(links: list[str], text: str) -> None:
    many = [*links, *(f"{number}zzzzzzzz" for number in range(60))]
    assert PrivateLinks(many).found_in(text) == any(link in text for link in links)


@pytest.mark.parametrize(
    "text",
    ["%25" * 60_000 + "/", "zoom.us/" * 20_000, "passcode: " * 15_000, "9.3-" * 40_000, "a-" * 60_000, "pin 1" * 30_000],
    ids=range(6),
)  # fmt: skip
def test_long_text_takes_linear_time(text: str) -> None:
    private = PrivateDetails.of(ZOOM, private_links([ZOOM]))
    began = time.process_time()
    private.scrub(text)
    private.found_in_text(text)
    assert time.process_time() - began < 2
