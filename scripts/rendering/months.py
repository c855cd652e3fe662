"""The page of each month: a table of its days, with links into the list, that needs no script."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from babel import Locale
from babel.dates import format_date

import site_paths
from rendering.lists import Card
from rendering.site import Files, Site

# The titles in the cell of a day; its number of events leads to all of them.
TITLES = 3


@dataclass(frozen=True, slots=True)
class Month:
    """A month and its weeks: each day is a date with the rows that the list has on it, or None."""

    name: str
    path: str
    weeks: tuple[tuple[tuple[date, tuple[Card, ...]] | None, ...], ...]


def build(site: Site) -> Files:
    """Yield the page of each month in which the list has events."""
    found = tuple(months(site))
    first = 2 + Locale.parse(site.messages.locale).first_week_day  # March 2, 2026, is a Monday
    weekdays = [date(2026, 3, first + number) for number in range(7)]
    for number, month in enumerate(found):
        yield (
            month.path,
            site.render(
                "month.html",
                path=month.path,
                root="../",
                month=month,
                weekdays=weekdays,
                before=found[number - 1] if number else None,
                after=found[number + 1] if number + 1 < len(found) else None,
                titles=TITLES,
                wording=site.wording,
            ),
        )


def months(site: Site) -> Iterator[Month]:
    """Return the months of the list."""
    locale = Locale.parse(site.messages.locale)
    cards = {day.date: day.cards for day in site.listing.days}
    weeks = calendar.Calendar(locale.first_week_day)
    for year, number in sorted({(day.year, day.month) for day in cards}):
        yield Month(
            format_date(date(year, number, 1), "LLLL y", locale=locale),
            site_paths.month_page(f"{year:04}-{number:02}"),
            tuple(
                tuple((day, cards.get(day, ())) if day.month == number else None for day in week)
                for week in weeks.monthdatescalendar(year, number)
            ),
        )
