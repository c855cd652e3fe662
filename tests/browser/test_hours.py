"""The opening hours that lists and screens show, at each half hour of two weeks.

Node runs the function of the pages. The expected text comes from a model of minutes, not from spans.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from branches import Branch
from fetching import opening_hours
from hours import Hours
from rendering import dates, messages, opening, vtimezone
from rendering.render import TEMPLATES
from standins import hours as standin
from support.page_samples import settings

ZONE = ZoneInfo("America/New_York")
# Both weeks around the change of the clocks on March 8.
FIRST, DAYS = date(2026, 3, 2), 14
WEEKS = {**standin.WEEKS, "9104": ("24hours",) * 7, "9105": ("closed",) * 7, "9106": ("6:00pm-2:00am",) * 7}
TEXTS = messages.load("en_US")
RUN = """
const { texts, language, offsets, hours, moments } = JSON.parse(require("fs").readFileSync(0));
globalThis.document = { getElementById: () => ({ textContent: JSON.stringify({ texts, language, offsets }) }) };
%s
const { days } = hours;
process.stdout.write(JSON.stringify(moments.map((moment) => hoursText(days, moment))));
"""


def sent(place: str) -> Hours:
    """Return the hours of a place of the stand-in, as fetch reads them."""
    week = WEEKS[place]
    days = (FIRST + timedelta(days=number) for number in range(-1, DAYS))
    entries = {day.isoformat(): standin.entry(week[day.weekday()]) for day in days}
    first, last = FIRST - timedelta(days=1), FIRST + timedelta(days=DAYS)
    return Hours(id=place, fetched=noon(FIRST), days=opening_hours.days_of({"dates": entries}, first, last))


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=ZONE)


def minutes_open(place: str, day: date) -> set[int] | str | None:
    """Return the minutes after midnight that the place is open on `day`, a text, or None if unknown.

    A minute above 1440 is on the next day.
    """
    text = WEEKS[place][day.weekday()]
    if text == "not-set" or not FIRST - timedelta(days=1) <= day < FIRST + timedelta(days=DAYS):
        return None
    if text == "closed":
        return set()
    if text == "24hours":
        return set(range(1440))
    if "m" not in text.split("-")[0][-2:]:
        return text
    found: set[int] = set()
    for part in text.split():
        start, end = (minute(each) for each in part.split("-"))
        found |= set(range(start, end if end > start else end + 1440))
    return found


def minute(text: str) -> int:
    clock = datetime.strptime(text, "%I:%M%p")
    return clock.hour * 60 + clock.minute


def is_open(place: str, moment: datetime) -> bool:
    after = moment.hour * 60 + moment.minute
    today = minutes_open(place, moment.date())
    before = minutes_open(place, moment.date() - timedelta(days=1))
    return (isinstance(today, set) and after in today) or (isinstance(before, set) and after + 1440 in before)


@dataclass(frozen=True)
class Model:
    """A place, and whether it is open at each half hour from the first day on."""

    place: str
    moments: tuple[datetime, ...]
    states: tuple[bool, ...]

    @classmethod
    def of(cls, place: str) -> Model:
        start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=ZONE).astimezone(UTC)
        steps = range(48 * (DAYS + 1))
        moments = tuple((start + timedelta(minutes=30 * step)).astimezone(ZONE) for step in steps)
        return cls(place, moments, tuple(is_open(place, moment) for moment in moments))

    def text(self, step: int) -> str:
        """Return what a visitor must read, from looking at each half hour to come."""
        now = self.moments[step]
        wording = dates.Wording(TEXTS, now.date())
        today = minutes_open(self.place, now.date())
        if self.states[step]:
            closing = next((later for later in range(step, step + 49) if not self.states[later]), 0)
            return f"Open until {wording.end_time(self.moments[closing])}" if closing else "Open 24 hours"
        if not isinstance(today, set):
            return today or ""
        why = "Closed now" if today else "Closed today"
        for moment, state in zip(self.moments[step:], self.states[step:], strict=True):
            if not isinstance(minutes_open(self.place, moment.date()), set):
                return why
            if state and moment.date() == now.date():
                return f"Closed now, opens at {wording.time(moment)}"
            if state:
                near = (moment.date() - now.date()).days < 7
                day = wording.weekday(moment.date()) if near else wording.day(moment.date())
                return f"{why}, opens {day} {wording.time(moment)}"
        return why


def shown(place: str, moments: list[datetime], locale: str = "en_US") -> list[str]:
    """Return the texts of the page's own function."""
    (found,) = opening.openings(
        [Branch(name="X", hours=place)], [sent(place)], (), settings(EVENTS_NOW=noon(FIRST).isoformat())
    )
    texts = messages.load(locale)
    keys = (*opening.TEXTS, "clock", "am", "pm", "time.hour", "time.minute", "time.24", "noon", "midnight",
            "midnight.end", "time.alone", "when")  # fmt: skip
    data: Mapping[str, Any] = {
        "texts": texts.subset(*keys),
        "language": texts.language,
        "offsets": vtimezone.offsets(ZONE, 2026, 2027),
        "hours": found.data(FIRST),
        "moments": [moment.timestamp() for moment in moments],
    }
    script = RUN % "".join((TEMPLATES / "static" / name).read_text() for name in ("site.js", "hours.js"))
    done = subprocess.run(
        ["node", "-e", script], input=json.dumps(data), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    answer: list[str] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("place", sorted(WEEKS))
def test_every_half_hour_of_two_weeks_says_when_the_branch_is_open(place: str) -> None:
    model = Model.of(place)
    moments = model.moments[: 48 * (DAYS - 1)]
    for step, text in enumerate(shown(place, list(moments))):
        assert text == model.text(step), moments[step].isoformat()


def test_the_words_are_those_of_the_language() -> None:
    moments = [noon(FIRST), noon(date(2026, 3, 8)), datetime(2026, 3, 2, 21, tzinfo=ZONE)]
    assert shown("9101", moments, "da_DK") == [
        "Åbent til kl.\u00a020.00",
        "Lukket i dag, åbner mandag kl.\u00a09.00",
        "Lukket nu, åbner tirsdag kl.\u00a09.00",
    ]
    assert shown("9101", moments, "es_US") == [
        "Abierto; cierra: 8\u00a0p.\u00a0m.",
        "Cerrado hoy; abre: lunes, 9\u00a0a.\u00a0m.",
        "Cerrado ahora; abre: martes, 9\u00a0a.\u00a0m.",
    ]
