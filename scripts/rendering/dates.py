"""Dates and times as text: "10:30am to noon", "All day", "March 3 to 5".

The rules are those of the GOV.UK style and the University of Minnesota Libraries: no ":00",
"to" instead of a dash (screen readers skip dashes), noon and midnight in words.
Patterns and words come from the catalog, names of days and months from Babel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, get_timezone_name

from event import Event
from rendering.messages import Messages

LONG_RUNNING = timedelta(days=3)
# A timed or registered event of up to so many days is a program, such as a camp, and not an exhibit.
LONGEST_PROGRAM = timedelta(days=14)
# An event that ends before this hour belongs to the evening before: a dance on Friday until 1am.
NIGHT_ENDS = 6


@dataclass(frozen=True, slots=True)
class Wording:
    """Formats the dates and times of events in one language, as seen from `today`.

    The year appears only if it differs from the year of `today`.
    """

    messages: Messages
    today: date
    _locale: Locale = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_locale", Locale.parse(self.messages.locale))

    def time(self, moment: datetime | time) -> str:
        """Return a time of day: `10:30am`, `10am`, `noon`, `midnight`; `14.30` on a 24-hour clock."""
        clock = moment.time() if isinstance(moment, datetime) else moment
        if self.messages("clock") == "24":
            return self.messages("time.24", hour=clock.hour, minute=f"{clock.minute:02}")
        if clock.minute == 0 and clock.hour in (0, 12):
            return self.messages("noon" if clock.hour else "midnight")
        key = "time.minute" if clock.minute else "time.hour"
        period = self.messages("am" if clock.hour < 12 else "pm")
        return self.messages(key, hour=(clock.hour % 12) or 12, minute=f"{clock.minute:02}", period=period)

    def end_time(self, moment: datetime) -> str:
        """Return the time of an end: midnight is the end of a day; LibCal users also write 23:59 for it."""
        if (moment.hour, moment.minute) in ((0, 0), (23, 59)):
            return self.messages("midnight.end")
        return self.time(moment)

    def day(self, day: date) -> str:
        """Return a day as a heading: `Tuesday, March 3`, with the year if it is not this year."""
        return self._format(day, "date.day" if day.year == self.today.year else "date.day_year")

    def short_day(self, day: date) -> str:
        """Return a short day: `Tue, Mar 3`."""
        return self._format(day, "date.short")

    def weekday(self, day: date) -> str:
        """Return the name of the day of the week."""
        return self._format(day, "date.weekday")

    def month_day(self, day: date) -> str:
        """Return month and day: `March 3`."""
        return self._format(day, "date.month_day")

    def weekday_short(self, day: date) -> str:
        """Return the short name of the day of the week: `Tue`."""
        return _format_date(day, "EEE", self.messages.locale)

    def day_number(self, day: date) -> str:
        """Return the day of the month: `3`."""
        return str(day.day)

    def month_day_short(self, day: date) -> str:
        """Return month and day, short: `Apr 1`."""
        return self._format(day, "date.month_day_short")

    def days(self, first: date, last: date) -> str:
        """Return several days: `March 3 to 5`, `November 24 to December 2`; with years if needed."""
        this_year = first.year == last.year == self.today.year
        if this_year and first.month == last.month:
            return self.messages(
                "range.days_in_month",
                month_day=self._format(first, "date.month_day"),
                last_day=self._format(last, "date.day_of_month"),
                first_day=self._format(first, "date.day_of_month"),
                last_month_day=self._format(last, "date.month_day"),
            )
        key = "date.month_day" if this_year else "date.month_day_year"
        return self.messages("range.days", first=self._format(first, key), last=self._format(last, key))

    def times(self, event: Event, *, zone: bool = True) -> str:
        """Return the time of `event` for a list that already shows the day it begins."""
        if event.all_day:
            return self.messages("all_day") if event.first_day == event.last_day else self._all_days(event)
        if not has_end(event):
            times = self.time(event.start)
        elif event.first_day == event.last_day:
            times = self.messages("range", start=self.time(event.start), end=self.end_time(event.end))
        elif into_the_night(event):
            times = self.messages(
                "range.next_day",
                start=self.time(event.start),
                end=self.end_time(event.end),
                day=self.weekday(event.end.date()),
            )
        else:
            times = self._timed_days(event)
        if event.online_only and zone:
            # Only people who take part from elsewhere need the zone.
            times = self.messages("in_zone", times=times, zone=self.zone(event.start))
        return times

    def when(self, event: Event) -> str:
        """Return day and time of `event`."""
        if event.first_day != event.last_day and not into_the_night(event):
            return self.times(event)
        if event.all_day:
            return self.messages("when.all_day", day=self.day(event.first_day))
        return self.messages("when", day=self.day(event.first_day), times=self.times(event))

    def closed(self, event: Event) -> str:
        """Return when a closure is, with its hours unless it takes all day."""
        one_day = event.first_day == event.last_day
        days = self.day(event.first_day) if one_day else self.days(event.first_day, event.last_day)
        if event.all_day or not one_day or not has_end(event):
            return days
        return self.messages("when", day=days, times=self.times(event, zone=False))

    def until(self, event: Event) -> str:
        """Return the time of an event of more than three days.

        Until its first day is over, that is `10am, until Friday, May 1`; then `Ongoing, ends Friday, May 1`.
        """
        if event.first_day < self.today:
            return self.ongoing(event)
        until = self.messages("until", day=self.day(event.last_day))
        if event.all_day:
            return until[0].upper() + until[1:]
        return self.messages("begins", time=self.time(event.start), until=until)

    def ongoing(self, event: Event) -> str:
        """Return the end of an event of more than three days that has begun."""
        return self.messages("ongoing", day=self.day(event.last_day))

    def repeated(self, events: Sequence[Event], *, zone: bool = True) -> str:
        """Return the days and hours of a stop-by program: `Daily, 10am to 5:30pm, until March 28`.

        `events` are its days, in order. Their days of the week are named if there is one on every such day.
        """
        days = [event.first_day for event in events]
        weekdays = sorted({day.weekday() for day in days})
        every = [days[0] + timedelta(days=number) for number in range((days[-1] - days[0]).days + 1)]
        key = "date.month_day" if days[-1].year == self.today.year else "date.month_day_year"
        values = {"times": self.times(events[0], zone=zone), "day": self._format(days[-1], key)}
        if days == every:
            return self.messages("repeated.daily", **values)
        in_a_row = weekdays[-1] - weekdays[0] == len(weekdays) - 1
        if in_a_row and days == [day for day in every if day.weekday() in weekdays]:
            monday = days[0] - timedelta(days=days[0].weekday())
            first, last = (self.weekday(monday + timedelta(days=end)) for end in (weekdays[0], weekdays[-1]))
            return self.messages("repeated.weekdays", first=first, last=last, **values)
        return self.messages("repeated.some", count=len(days), **values)

    def zone(self, moment: datetime) -> str:
        """Return the name of the time zone without the season: `Eastern time`, not EST or EDT."""
        name = get_timezone_name(moment.tzinfo, locale=self._locale)
        if name.endswith(" tid"):
            # CLDR writes "Centraleuropæisk tid", a Danish sentence does not. "Pacific-tid" keeps its capital.
            return name[0].lower() + name[1:]
        return name.removesuffix(" Time") + " time" if name.endswith(" Time") else name

    def _all_days(self, event: Event) -> str:
        return self.days(event.first_day, event.last_day)

    def _timed_days(self, event: Event) -> str:
        this_year = event.first_day.year == event.last_day.year == self.today.year
        key = "date.month_day" if this_year else "date.month_day_year"
        return self.messages(
            "range.timed_days",
            first=self._format(event.first_day, key),
            start=self.time(event.start),
            last=self._format(event.last_day, key),
            end=self.end_time(event.end),
        )

    def _format(self, day: date, key: str) -> str:
        return _format_date(day, self.messages(key), self.messages.locale)


@lru_cache(maxsize=4096)
def _format_date(day: date, pattern: str, locale: str) -> str:
    return format_date(day, pattern, locale=locale)


def has_end(event: Event) -> bool:
    """Whether LibCal gives an end for `event`."""
    # Compare timestamps: on the night the clocks go back, 1:30am can be an hour after 1:30am.
    return event.end.timestamp() > event.start.timestamp()


def takes_days(event: Event) -> bool:
    """Whether `event` lasts longer than three days: a program of several days, or an exhibit."""
    return event.end - event.start > LONG_RUNNING


def is_exhibit(event: Event) -> bool:
    """Whether `event` is one that lists show apart from the days, once it has begun.

    Visitors come to a timed or registered event of up to two weeks, such as a camp, on each of its days.
    """
    program = not event.all_day or event.registration is not None
    return takes_days(event) and not (program and event.end - event.start <= LONGEST_PROGRAM)


def into_the_night(event: Event) -> bool:
    """Whether a timed event ends in the night after it begins: `9pm to 1am Saturday`."""
    after = event.end.date() - event.first_day
    return not event.all_day and after == timedelta(days=1) and event.end.hour < NIGHT_ENDS


def is_over(event: Event, today: date) -> bool:
    """Whether `event` has ended by the morning of `today`, when the site is rendered."""
    return event.last_day < today or (into_the_night(event) and event.first_day < today)


def ended_within(event: Event, today: date, days: int) -> bool:
    """Whether `event` is over and ended at most so many days before `today`."""
    return is_over(event, today) and event.last_day >= today - timedelta(days=days)


def datetime_attribute(event: Event) -> str:
    """Return the start for `<time datetime>`: `2026-03-03T10:30-05:00`, or only the day if all day."""
    return event.first_day.isoformat() if event.all_day else event.start.isoformat(timespec="minutes")
