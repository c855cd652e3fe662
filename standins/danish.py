"""Sample data: the courses of an invented research library in Copenhagen, as messy as real data.

Three years of courses in LibCal's v1.1 format; libcal_file.py moves them to the dates that a test needs.
Every oddity occurs in the export of a real library: most courses belong to one series of a hundred; titles
have two languages, up to 110 letters, or contain the cancellation; campuses are full addresses; no event
has an audience; descriptions are pasted from Word, from mail and from other web pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from standins.records import PRIVATE, SITE, Record, online_fields, record, registration

NAME = "Øresund Forskningsbibliotek"
ZONE = ZoneInfo("Europe/Copenhagen")

_FIRST = date(2021, 1, 26)
_CALENDAR = {"calid": 6616, "name": "Datastuen", "url": {"public": f"{SITE}/calendar/datastuen"}}
_NORTH, _SOUTH, _CITY = (
    {"id": number, "name": name}
    for number, name in (
        (61, "Nørre Læsesal, Ålandsgade 49, 2200 København N"),
        (62, "Søndre Læsesal, Ærøvej 7, 2300 Kbh. S"),
        (63, "City Læsesal, Gråbrødrestræde 140, 1123 København K"),
    )
)
_CAMPUSES = (_NORTH, _NORTH, _SOUTH, _CITY, "", _NORTH, _SOUTH)
_ROOMS = (
    "Nørre Læsesal: Datastuen",
    "",
    "Søndre Læsesal: Undervisningslokalet 1. sal",
    "Online på Zoom",
    "",
    "Zone 1, Zone 3",
)
_PICTURES = (
    "https://lcimages-eu.s3.amazonaws.com/data/feat_img/5550/6616/gears.webp",
    "https://libapps-eu.s3.amazonaws.com/customers/1/images/boat.webp",
    "",
    "//lcimages.s3.amazonaws.com/data/feat_img/5550/6616/cup.webp",
    "https://libapps-eu.s3.amazonaws.com/accounts/2/images/moon.webp",
    "https://lcimages-eu.s3.amazonaws.com/data/feat_img/5550/6616/books.webp",
)
_KINDS = [
    {"id": 900 + number, "name": name}
    for number, name in enumerate(("Datastuen", "Analyse", "English", "Oprydning", "Visualisering", "Kurser > Høst"))
]  # fmt: skip

_WORD = (
    '<p paraeid="{{f96ff76d-fdee-45d3-8408-feb134fee3f9}}{{174}}" paraid="1057435120">'
    '<span style="font-size:11px;"><span calibri="" style="font-family:&quot;Calibri&quot;,sans-serif"><strong>'
    "Bem&aelig;rk: kurset er&nbsp;for&nbsp;begyndere</strong>, og {topic} bliver gennemg&aring;et fra bunden; "
    "medbring egen computer, og h&aring;ndt&eacute;r selv installationen hjemmefra.</span></span></p>\r\n\r\n"
    '<p>&nbsp;</p><ul role="list"><li leveltext="" font="Symbol" listid="3" aria-setsize="-1">F&oslash;rste '
    "punkt&nbsp;</li><li>Andet punkt: &ldquo;{topic}&rdquo;</li></ul>"
)
_MAIL = (
    "<p><span></span></p><p>Welcome to {topic}! We begin with the very basics &ndash; no prior knowledge "
    'required.<br />\n<br />\n/The library (<a href="mailto:library@example.org" rel="noreferrer noopener" '
    'target="_blank">library@example.org</a>)</p>\n\n<p><u>You will receive a link two days before.</u></p>\n\n'
    "<p><s>Room 4a.1.60, both days from 9 a.m. to 4 p.m.</s></p><ol>\n\t<li>Download the sample</li>\n\t<li>"
    'Open it: <a href="http://www.example.org/data/et-meget-langt-filnavn-uden-et-eneste-mellemrum-som-skal-brydes-paa-en-telefon.zip?x=1&amp;y=2">'
    "www.example.org/data/et-meget-langt-filnavn-uden-et-eneste-mellemrum-som-skal-brydes-paa-en-telefon.zip</a></li></ol>"
)
_PAGE = (
    '<div id="s-lc-event-desc" class="x" dir="ltr">\n<meta http-equiv="refresh" content="0; URL=https://elsewhere.example/" />'
    '<h1><span style="font-size:14px;">Er du interesseret i&nbsp;{topic}? S&aring; tilmeld dig!</span></h1>\n'
    '<h4><br />\n<strong>Important notice:</strong></h4>\n<p><img alt="" height="252" width="400" '
    'src="https://elsewhere.example/DefaultRendition?token=1&amp;path=%3A" /></p>\n<h2>Program</h2>'
    '<p style="color:#ffffff;background:#fff">Hvid tekst p&aring; hvidt.</p><iframe src="https://elsewhere.example/video"></iframe>'
    "<script>document.title = 'taken'</script></div>"
)
_NESTED = (
    "<h1>Program</h1><h4>Fredag</h4><ul><li>Ankomst<ul><li>Kaffe<ol><li>Uden m&aelig;lk</ol></ul><li>{topic}</ul>"
    '<div><table><tr><td>10.00<td>Velkomst<tr><td>11.00<td><img src="//lcimages.example/x.png"></table>'
    '<hr><p onclick="alert(1)" style="position:fixed;inset:0">H<sub>2</sub>O, E=mc<sup>2</sup> <s>udsolgt</s></p>'
    '<a href="javascript:alert(1)">Tilmelding</a> <a href="https://example.org/a?b=1&amp;c=2">L&aelig;s mere</a></div>'
)
_TEXTS = (_WORD, _MAIL, _PAGE, _NESTED, "<p>{topic}</p>", _MAIL + _WORD * 9)

_HOURS = (("10:00", 120), ("09:30", 45), ("13:00", 180), ("16:15", 60), ("12:00", 30), ("10:00", 150))
_STATES: tuple[Record, ...] = (
    registration(15, 15, closed=True, wait_list=True),
    registration(15, 15, wait_list=True),
    registration(15, 15),
    registration(15, 4),
    registration(20, 18),
    registration(15, 4, opened=False),
    registration(10, 10, online=30, online_taken=2),
    {},
)

_WORKSHOP = "Åbent værksted i Datastuen / drop-in consultations at the Data Room"
_TITLES = (
    "Text mining with R",
    "NVivo - Introduktion til kvalitativ dataanalyse-software (QDAS)",
    "NVivo - Introduction to Qualitative Data Analysis Software (QDAS) (English)",
    "Online -- Tekstanalyse med fokus på Voyant Tools, og hvordan digitale metoder kan anvendes på en meningsfyldt måde",
    "Fjernlæsning i humaniora - Voyant Tools\xa0/ Distant reading in the humanities - Voyant Tools",
    "Excel for samfundsvidenskab",
    "Cancelled: NVivo for your literature reviews",
    "CANCELLED: Introduction to OpenRefine – how to clean messy data",
    "AFLYST Excel og samfundsvidenskabelig analyse",
    "📊 Ggplot2 &amp; venner",
    "<b>Python</b> for absolutte begyndere",
    "Speciallægepraksisplanlægningsstabiliseringsperiodeanalyse",
    "قراءة قصص باللغة العربية",
    "W" * 120,
    "Hvad gør man, når toget er aflyst? Foredrag om forsinkelser",
)


def events() -> list[Record]:
    """Return all courses; always the same."""
    return [*_workshops(), *_courses()]


def write(path: Path) -> Path:
    """Write the courses to `path` in the format of an export; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"events": events()}), encoding="utf-8")
    return path


def _workshops() -> Iterator[Record]:
    """Yield a series of a hundred with one description, weekly except in summer; two are cancelled."""
    for week in range(100):
        title = f"AFLYST/CANCELLED {_WORKSHOP}" if week in (57, 99) else _WORKSHOP
        day = _FIRST + timedelta(weeks=week + week // 40 * 6, days=week % 2)
        yield _record(week, title, day, ("12:30", 120), _MAIL.format(topic="the Data Room"))


def _courses() -> Iterator[Record]:
    """Yield every title twenty times, with all states of registration."""
    for number in range(20 * len(_TITLES)):
        turn, place = divmod(number, len(_TITLES))
        title = _TITLES[place]
        day = _FIRST + timedelta(days=turn * 53 + place * 4)
        if day.weekday() > 4:
            day += timedelta(days=2)
        text = _TEXTS[number % len(_TEXTS)].format(topic=title.partition(": ")[2] or title)
        more = _STATES[number % len(_STATES)] | (online_fields() if "Online" in title else {})
        if number % 9 == 0:
            more |= {"registration_cost": "75,50 kr.", "color": "red;}body{display:none"}
        yield _record(1_000 + 11 * number, title, day, _HOURS[number % len(_HOURS)], text, **more)


def _record(
    number: int, title: str, day: date, hours: tuple[str, int], description: str, **more: Any
) -> Record:
    start = datetime.combine(day, time.fromisoformat(hours[0]), ZONE)
    fields: Record = {
        "campus": _CAMPUSES[number % len(_CAMPUSES)],
        "location": {"id": 14_430, "type": 0, "name": _ROOMS[number % len(_ROOMS)]},
        "category": [_KINDS[0], *_KINDS[1 + number % 5 :][:2]],
        "color": "#18E0F2",
        "featured_image": _PICTURES[number % len(_PICTURES)],
        "description": description,
        "presenter": f"{PRIVATE} presenter",
        **more,
    }
    end = start + timedelta(minutes=hours[1])
    made = record(3_667_040 + number, _CALENDAR, title, start, end, **fields)
    return {key: value for key, value in made.items() if key not in ("audience", "internal_tags")}
