"""The wording of dates and times, case by case."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from event import Event
from rendering import dates
from rendering.dates import datetime_attribute, is_over
from support.page_samples import all_day, at, event, registration, wording

EXHIBIT = all_day("2026-02-01", "2026-05-01")

# Times in a list, under the heading of the day.
TIMES = [
    ("ordinary", event("2026-03-03 10:30", "2026-03-03 12:00"), "10:30am to noon"),
    ("am and pm at both ends", event("2026-03-03 10:00", "2026-03-03 11:15"), "10am to 11:15am"),
    ("afternoon", event("2026-03-03 13:30", "2026-03-03 15:00"), "1:30pm to 3pm"),
    ("from noon", event("2026-03-03 12:00", "2026-03-03 13:00"), "noon to 1pm"),
    ("half past noon", event("2026-03-03 12:30", "2026-03-03 13:00"), "12:30pm to 1pm"),
    ("from midnight", event("2026-03-03 00:00", "2026-03-03 01:30"), "midnight to 1:30am"),
    ("half past midnight", event("2026-03-03 00:30", "2026-03-03 01:30"), "12:30am to 1:30am"),
    ("to midnight", event("2026-03-03 19:00", "2026-03-04 00:00"), "7pm to midnight"),
    ("to a minute before midnight", event("2026-03-03 19:00", "2026-03-03 23:59"), "7pm to midnight"),
    ("whole day by the clock", event("2026-03-03 00:00", "2026-03-04 00:00"), "midnight to midnight"),
    ("all day", all_day("2026-03-03"), "All day"),
    ("no end", event("2026-03-03 10:30"), "10:30am"),
    ("end before start", event("2026-03-03 10:30", "2026-03-03 09:30"), "10:30am"),
    ("past midnight", event("2026-03-06 21:00", "2026-03-07 01:00"), "9pm to 1am Saturday"),
    ("several days of a month", all_day("2026-03-03", "2026-03-05"), "March 3 to 5"),
    ("into another month", all_day("2026-11-24", "2026-12-02"), "November 24 to December 2"),
    ("into another year", all_day("2026-12-30", "2027-01-03"), "December 30, 2026 to January 3, 2027"),
    ("days with times", event("2026-03-03 10:00", "2026-03-05 16:00"), "March 3, 10am to March 5, 4pm"),
    ("days with times into another year", event("2026-12-31 20:00", "2027-01-02 16:00"),
     "December 31, 2026, 8pm to January 2, 2027, 4pm"),
    ("online", event("2026-03-03 10:30", "2026-03-03 12:00", online=True), "10:30am to noon Eastern time"),
    ("online in summer", event("2026-07-03 10:30", "2026-07-03 12:00", online=True),
     "10:30am to noon Eastern time"),
    ("the night the clocks go forward", event("2026-03-08 01:30", "2026-03-08 03:30"), "1:30am to 3:30am"),
    ("the night the clocks go back", event("2026-11-01 00:30", "2026-11-01 02:30"), "12:30am to 2:30am"),
    ("a day later in UTC", event("2026-03-03 19:30", "2026-03-03 21:00"), "7:30pm to 9pm"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "words"), [row[1:] for row in TIMES], ids=[row[0] for row in TIMES])
def test_times_in_a_list(item: Event, words: str) -> None:
    assert wording().times(item) == words


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (event("2026-03-03 10:30", "2026-03-03 12:00"), "Tuesday, March 3, 10:30am to noon"),
        (event("2027-03-03 10:30"), "Wednesday, March 3, 2027, 10:30am"),
        (all_day("2026-03-03"), "Tuesday, March 3, all day"),
        (all_day("2026-03-03", "2026-03-05"), "March 3 to 5"),
        (event("2026-03-06 21:00", "2026-03-07 01:00"), "Friday, March 6, 9pm to 1am Saturday"),
        (event("2026-03-03 19:00", "2026-03-04 00:00"), "Tuesday, March 3, 7pm to midnight"),
        (event("2026-03-03 10:00", "2026-03-05 16:00"), "March 3, 10am to March 5, 4pm"),
        (event("2026-03-03 22:00", "2026-03-04 07:00"), "March 3, 10pm to March 4, 7am"),
    ],
)
def test_date_and_time_on_an_event_page(item: Event, words: str) -> None:
    assert wording().when(item) == words


@pytest.mark.parametrize(
    ("locale", "times", "when", "day", "days", "whole", "exhibit", "overnight"),
    [
        ("en_US", "10:30am to noon", "Tuesday, March 3, 10:30am to noon", "Tuesday, March 3", "March 3 to 5",
         "Tuesday, March 3, all day", "Ongoing, ends Friday, May 1", "9pm to 1am Saturday"),
        ("en_GB", "10:30am to noon", "Tuesday 3 March, 10:30am to noon", "Tuesday 3 March", "3 to 5 March",
         "Tuesday 3 March, all day", "Ongoing, ends Friday 1 May", "9pm to 1am Saturday"),
        ("es_US", "10:30 a. m. a mediodía", "martes, 3 de marzo, 10:30 a. m. a mediodía", "martes, 3 de marzo",
         "3 al 5 de marzo", "martes, 3 de marzo, todo el día", "En curso, hasta el viernes, 1 de mayo",
         "9 p. m. a 1 a. m. del sábado"),
        ("da_DK", "10.30 til 12.00", "tirsdag 3. marts kl. 10.30 til 12.00", "tirsdag 3. marts",
         "3. til 5. marts", "tirsdag 3. marts, hele dagen", "Løbende, slutter fredag 1. maj",
         "21.00 til lørdag kl. 1.00"),
    ],
)  # fmt: skip
def test_dates_and_times_in_other_languages(
    locale: str, times: str, when: str, day: str, days: str, whole: str, exhibit: str, overnight: str
) -> None:
    words = wording(locale)
    ordinary = event("2026-03-03 10:30", "2026-03-03 12:00")
    assert words.times(ordinary).replace("\N{NO-BREAK SPACE}", " ") == times
    assert words.when(ordinary).replace("\N{NO-BREAK SPACE}", " ") == when
    assert words.day(date(2026, 3, 3)) == day
    assert words.days(date(2026, 3, 3), date(2026, 3, 5)) == days
    assert words.when(all_day("2026-03-03")) == whole
    assert words.until(EXHIBIT) == exhibit
    late = event("2026-03-06 21:00", "2026-03-07 01:00")
    assert words.times(late).replace("\N{NO-BREAK SPACE}", " ") == overnight


def test_danish_writes_the_zone_in_lower_case() -> None:
    start = at("2026-03-03 10:30", ZoneInfo("Europe/Copenhagen"))
    online = Event(id="1", calendar="1", title="Kursus", start=start, end=start, online=True)
    assert wording("da_DK").times(online) == "10.30 (centraleuropæisk tid)"
    assert wording("da_DK").times(event("2026-03-03 10:30", online=True)) == "10.30 (Eastern-tid)"


def test_danish_writes_midnight_at_the_end_of_a_day_as_24() -> None:
    assert wording("da_DK").times(event("2026-03-03 19:00", "2026-03-04 00:00")) == "19.00 til 24.00"
    assert wording("da_DK").times(event("2026-03-03 00:00", "2026-03-03 01:00")) == "0.00 til 1.00"


def test_the_year_is_named_only_if_it_differs() -> None:
    assert wording().day(date(2026, 12, 31)) == "Thursday, December 31"
    assert wording().day(date(2027, 1, 1)) == "Friday, January 1, 2027"


@pytest.mark.parametrize(
    ("item", "takes_days", "exhibit"),
    [
        (all_day("2026-03-03", "2026-03-05"), False, False),
        (all_day("2026-03-03", "2026-03-06"), True, True),
        (all_day("2026-03-03", "2026-03-16", registration=registration()), True, False),
        (all_day("2026-03-03", "2026-03-17", registration=registration()), True, True),
        (event("2026-03-03 10:00", "2026-03-06 10:00"), False, False),
        (event("2026-03-03 10:00", "2026-03-06 10:01"), True, False),
        (event("2026-03-03 10:00", "2026-03-16 17:00"), True, False),
        (event("2026-03-03 10:00", "2026-03-17 17:00"), True, True),
    ],
)
def test_an_event_of_more_than_three_days_is_a_program_of_days_or_an_exhibit(
    item: Event, takes_days: bool, exhibit: bool
) -> None:
    assert (dates.takes_days(item), dates.is_exhibit(item)) == (takes_days, exhibit)


def test_an_event_of_many_days_is_ongoing_only_after_its_first_day() -> None:
    assert wording().until(EXHIBIT) == "Ongoing, ends Friday, May 1"
    assert wording().until(all_day("2026-03-03", "2026-05-01")) == "Until Friday, May 1"
    assert wording().until(event("2026-03-03 09:00", "2026-03-07 12:00")) == "9am, until Saturday, March 7"
    assert (
        wording("da_DK").until(event("2026-03-03 09:00", "2026-03-07 12:00"))
        == "kl.\u00a09.00, indtil lørdag 7. marts"
    )


@pytest.mark.parametrize(
    ("days", "text"),
    [
        ("3 4 5 6 7 8 9 28", "On 8 days, 10am to 5:30pm, until March 28"),
        ("3 4 5 6 7 8 9 10", "Daily, 10am to 5:30pm, until March 10"),
        ("3 4 5", "Daily, 10am to 5:30pm, until March 5"),
        ("3 4 5 6 9 10 11", "Monday to Friday, 10am to 5:30pm, until March 11"),
        ("5 6 7 10 11 12 13 14 17", "Tuesday to Saturday, 10am to 5:30pm, until March 17"),
        ("3 4 6 9 10 11", "On 6 days, 10am to 5:30pm, until March 11"),
        ("3 5 7 10", "On 4 days, 10am to 5:30pm, until March 10"),
    ],
)
def test_the_days_of_a_stop_by_program_are_named(days: str, text: str) -> None:
    items = [event(f"2026-03-{int(day):02} 10:00", f"2026-03-{int(day):02} 17:30") for day in days.split()]
    assert wording().repeated(items) == text


@pytest.mark.parametrize(
    ("item", "today", "over"),
    [
        (event("2026-03-03 10:30", "2026-03-03 12:00"), date(2026, 3, 3), False),
        (event("2026-03-03 10:30", "2026-03-03 12:00"), date(2026, 3, 4), True),
        (event("2026-03-03 19:00", "2026-03-04 00:00"), date(2026, 3, 4), True),
        (event("2026-03-03 21:00", "2026-03-04 01:00"), date(2026, 3, 3), False),
        (event("2026-03-03 21:00", "2026-03-04 01:00"), date(2026, 3, 4), True),
        (event("2026-03-02 10:00", "2026-03-03 07:00"), date(2026, 3, 3), False),
        (all_day("2026-03-01", "2026-03-03"), date(2026, 3, 3), False),
        (all_day("2026-03-01", "2026-03-03"), date(2026, 3, 4), True),
        (event("2026-03-03 10:30"), date(2026, 3, 3), False),
    ],
)
def test_an_event_is_over_on_the_day_after_it(item: Event, today: date, over: bool) -> None:
    assert is_over(item, today) is over


def test_an_end_in_the_repeated_hour_is_shown() -> None:
    start = at("2026-11-01 01:30")
    item = event("2026-11-01 01:30")
    later = Event(id="1", calendar="1", title="Owl watch", start=start, end=start.replace(fold=1))
    assert wording().times(item) == "1:30am"
    assert wording().times(later) == "1:30am to 1:30am"


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (event("2026-03-03 10:30"), "2026-03-03T10:30-05:00"),
        (event("2026-07-03 10:30"), "2026-07-03T10:30-04:00"),
        (all_day("2026-03-03", "2026-03-05"), "2026-03-03"),
    ],
)
def test_the_datetime_attribute_has_an_offset_except_for_days(item: Event, text: str) -> None:
    assert datetime_attribute(item) == text
