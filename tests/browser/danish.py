"""An invented Danish library whose records are as untidy as real ones: what the tests show where no file of
real events is given (see libraries.py). In the shape of LibCal's API v1.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from records import Record, online_fields, record, registration

ZONE = ZoneInfo("Europe/Copenhagen")
SITE = "https://aabyens-bibliotek.example"
DAYS = 28

CALENDARS = tuple(
    {
        "calid": number,
        "name": name,
        "url": {"public": f"{SITE}/calendar/{number}", "admin": f"{SITE}/admin/calendar/{number}"},
        "visibility": "Public",
    }
    for number, name in ((6416, "Åbyens Bibliotek"), (6417, "Ørslev & Ærø, afdelingsbibliotek"))
)

# Campus as it really comes: an object with an address in its name, a list, and four ways of being absent.
_CAMPUSES: tuple[object, ...] = (
    {"id": 41, "name": "Hovedbiblioteket, Nørre Allé 49, 2200 København N"},
    [{"id": 42, "name": "Ørslev Bibliotek"}],
    {"id": 43, "name": "Ærø-filialen, c/o Kulturhuset, Karen Blixens Plads 7, 2300 København S"},
    "",
    None,
    [],
)
_PLACES = ("Store sal", "Zone 3", "Lokale 1.sal: Åen", "", "Mødelokale A, Mødelokale B")
_CATEGORIES = ("Børn > Højtlæsning", "IT og digital dannelse", "Kreativt værksted", "Foredrag & debat")
_AUDIENCES = ("Børn 0–3 år", "Børn", "Unge", "Voksne", "Ældre")

_WORD = (
    '<p><span></span></p>\r\n<p class="MsoNormal" style="margin:0cm" calibri=""><span lang="DA"><o:p></o:p>'
    "Vi l&aelig;ser &oslash;verst p&aring; siden&nbsp;&ndash; og&nbsp;nederst. Medbring <b>&quot;egen&quot;</b> kop"
    "&hellip;</span></p>\r\n<p>&nbsp;</p><p>&nbsp;</p>\r\n"
)
_NESTED = (
    "<h1>Program</h1><h4>Fredag</h4><ul><li>Ankomst<ul><li>Kaffe<ol><li>Uden m&aelig;lk</ol></ul><li>Foredrag</ul>"
    '<div><div><table><tr><td>10.00<td>Velkomst<tr><td>11.00<td><img src="//lcimages.example/x.png"></table>'
    "<hr><p>H<sub>2</sub>O, E=mc<sup>2</sup> <s>udsolgt</s> <u>nye pladser</u></div>"
)
_HOSTILE = (
    '<script>document.title="x"</script><iframe src="https://video.example/embed/1" width="560"></iframe>'
    '<meta http-equiv="refresh" content="0;url=https://elsewhere.example"><style>body{display:none}</style>'
    '<p onclick="alert(1)" style="position:fixed;inset:0">Kom og v&aelig;r med.</p>'
    '<a href="javascript:alert(1)">Tilmelding</a> <a href="https://example.org/a?b=1&amp;c=2">L&aelig;s mere</a>'
)
_LONG = "<p>" + "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz " * 3 + "</p>" + _WORD * 8

_TITLES = (
    "Højtlæsning for de mindste",
    "Åbent værksted i Labbet / drop in consultations at the Datalab",
    "Introduktion til OpenRefine – sådan renser du rodede data",
    "Bogcafé",
    "It-hjælp: NemID, MitID &amp; Digital Post",
)

# Title, hour of the start, minutes, and what else is odd about it.
_ODD: tuple[tuple[str, str, int, Record], ...] = (
    ("AFLYST/CANCELLED Åbent værksted i Labbet / drop in consultations at the Datalab", "13:00", 120, {}),
    ("CANCELLED: Introduction to OpenRefine – how to clean messy data", "10:00", 90, registration(20, 20)),
    ("Udsat: Fernisering", "17:00", 90, {}),
    ("Flyttet! Strikkecafé", "19:00", 120, {}),
    ("Hvad gør man, når toget er aflyst? Foredrag om forsinkelser", "19:30", 90, {}),
    ("Kildekritik – hvordan? 🧐🔎 👩‍👩‍👧‍👦 Æ, Ø &amp; Å", "16:15", 75, {}),
    ("W" * 120, "12:00", 60, {"description": "<p>" + "W" * 400 + "</p>"}),
    (
        "Fjernlæsning i humaniora – Voyant Tools\N{NO-BREAK SPACE}/ Distant reading in the humanities: en meget lang titel, "
        "der fortsætter over flere linjer og stadig skal kunne læses på en telefon",
        "14:00",
        180,
        {"description": _LONG, **registration(12, 10)},
    ),
    ("قراءة قصص باللغة العربية", "11:00", 45, {"description": "<p>قصص وأغانٍ للأطفال وعائلاتهم.</p>"}),
    (
        "Online: Zotero for øvede",
        "20:00",
        60,
        {**registration(online=30, online_taken=30, wait_list=True), **online_fields()},
    ),
    (
        "Hybrid: Statistik i praksis",
        "09:00",
        180,
        {**registration(20, 20, online=50, online_taken=3), **online_fields()},
    ),
    ("Fyldt forfatteraften", "19:00", 90, registration(80, 80)),
    ("Få pladser: Keramik", "18:00", 150, registration(8, 6)),
    ("Senere: Sommerbogen", "15:00", 60, registration(40, 0, opened=False)),
    ("Lukket: Skriveværksted", "15:00", 60, registration(10, 4, closed=True)),
    ("Nattelæsning", "21:00", 240, {}),
    ("Til midnat", "20:00", 239, {}),
    ("Sengested", "23:59", 0, {}),
    ("Rummeligt", "10:00", 120, {"description": _NESTED}),
    ("Fjendtligt", "10:00", 120, {"description": _HOSTILE, "featured_image": "//cdn.example/billede-2.jpg"}),
    ("Pris", "10:00", 60, {"registration_cost": "75,50 kr.", "color": "red;}body{display:none"}),
    ("Uden billede", "10:00", 60, {"featured_image": None, "audience": None, "category": None}),
)


def events(today: date) -> list[Record]:
    """Return the programme of four weeks as LibCal would give it on that day."""
    return list(_events(today))


def _events(today: date) -> Iterator[Record]:
    number = 4_400_000
    for day in range(1, DAYS):
        for turn, title in enumerate(_TITLES[: 2 + day % 4]):
            number += 1
            start = _moment(today + timedelta(days=day), f"{9 + 2 * turn:02}:{(0, 30)[turn % 2]:02}")
            more = registration(20, (3, 17, 20)[day % 3], wait_list=day % 2 == 0) if turn == 2 else {}
            description = (_WORD, _NESTED, f"<p>{title}.</p>", "")[turn % 4]
            yield _record(number, title, start, 45 + 15 * turn, {"description": description, **more})
    for offset, (title, clock, minutes, more) in enumerate(_ODD):
        number += 1
        yield _record(number, title, _moment(today + timedelta(days=1 + offset), clock), minutes, more)
    for title, first, days, all_day in (
        ("Udstilling: Vinterlys", -20, 60, True),
        ("Udstilling: Papirklip fra hele verden", 6, 30, True),
        ("Bogudsalg", 3, 2, True),
        ("Lukkedag for alle filialer", 9, 1, True),
        ("Læsesommer: 48 timers læsemaraton", 11, 2, False),
    ):
        number += 1
        start = _moment(today + timedelta(days=first), "00:00" if all_day else "10:00")
        last = _moment(today + timedelta(days=first + days - 1), "23:59" if all_day else "16:00")
        minutes = int((last.replace(tzinfo=None) - start.replace(tzinfo=None)).total_seconds() // 60)
        yield _record(number, title, start, minutes, {"allday": all_day})


def _moment(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), ZONE)


def _record(number: int, title: str, start: datetime, minutes: int, more: Record) -> Record:
    fields = {
        "campus": _CAMPUSES[number % len(_CAMPUSES)],
        "location": {"id": number % 5, "type": 0, "name": _PLACES[number % len(_PLACES)]},
        "category": [{"id": number % 4, "name": _CATEGORIES[number % 4]}],
        "audience": [{"name": _AUDIENCES[number % 5]}, {"id": 9, "name": _AUDIENCES[number % 3]}],
        "featured_image": f"https://lcimages.example/data/feat_img/{number % 7}/billede-{number % 7}.jpg"
        if number % 10
        else "",
        **more,
    }
    calendar = CALENDARS[number % 3 == 0]
    return record(number, calendar, title, start, start + timedelta(minutes=minutes), **fields)
