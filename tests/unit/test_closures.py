"""Closures as staff enter them, all invented, and events that only look like one."""

from __future__ import annotations

import pytest

from fetching.closures import closure_reason, everywhere

# LibCal's title, the reason.
CLOSURES = [
    ("Library Closed - Town Meeting Day", "Town Meeting Day"),
    ("Library closed", ""),
    ("LIBRARY CLOSED", ""),
    ("CLOSED: Staff Day", "Staff Day"),
    ("CLOSED: Staff Development Day", "Staff Development Day"),
    ("Closed for Thanksgiving", "Thanksgiving"),
    ("Library Closed for Memorial Day", "Memorial Day"),
    ("All Branches Closed: Christmas", "Christmas"),
    ("Libraries closed", ""),
    ("The Library will be closed for Presidents' Day", "Presidents' Day"),
    ("Holiday closure", ""),
    ("Holiday Closure: Christmas Day", "Christmas Day"),
    ("Library Closure", ""),
    ("Closed - Presidents' Day", "Presidents' Day"),
    ("Thanksgiving - Library Closed", "Thanksgiving"),
    ("Memorial Day: Closed", "Memorial Day"),
    ("Presidents' Day (Closed)", "Presidents' Day"),
    ("Staff Day - All Branches Closed", "Staff Day"),
    ("Kilton Library closed", ""),
    ("Kilton closed for inventory", "inventory"),
    ("CLOSED", ""),
    ("Library Closed in observance of Juneteenth", "Juneteenth"),
    ("*** LIBRARY CLOSED ***", ""),
    ("We are closed: New Year's Day", "New Year's Day"),
    ("Snow Closing", ""),
    ("Library Closed (Staff Training)", "Staff Training"),
    ("Biblioteca cerrada", ""),
    ("CERRADO: Día de la Raza", "Día de la Raza"),
    ("Cerrado por festivo", "festivo"),
    ("Biblioteca cerrada por Navidad", "Navidad"),
    ("Las bibliotecas estarán cerradas: Semana Santa", "Semana Santa"),
    ("Cierre por vacaciones", "vacaciones"),
    ("Todas las bibliotecas cerradas", ""),
    ("Biblioteket er lukket", ""),
    ("Biblioteket holder lukket", ""),
    ("LUKKET: Grundlovsdag", "Grundlovsdag"),
    ("Lukket på grund af personalekursus", "personalekursus"),
    ("Lukkedag", ""),
    ("Juleferielukket", ""),
    ("Biblioteket lukket i påsken", "påsken"),
    ("Påske - biblioteket lukket", "Påske"),
]
EVENTS = [
    "Case Closed: Mystery Club",
    "Behind Closed Doors",
    "Closing Reception",
    "Closing the Gap",
    "Closed Captioned Film: Up",
    "Closed Guitar Ensemble",
    "Children's Room Closed",
    "Study Room A Closed for Maintenance",
    "Meeting Room closed",
    "Road Closed: A Play",
    "Registration Closed",
    "Book Club - Closed",
    "CLOSED: Book Club",
    "School's Closed Camp",
    "School Closed Day: Lego",
    "Closed Group: Grief Support",
    "Library closed stacks tour",
    "Closed Door Poetry",
    "Storytime (registration closed)",
    "Lukket arrangement",
    "Lukket kreds",
    "Bag lukkede døre",
    "Cerrado en sí mismo",
    "A puerta cerrada",
    "Closet Cleanout",
    "Enclosed Gardens",
    "Parking Lot Closed for Repairs",
    "The Closed Circle: Book Talk",
    "Closed on Sundays: An Author Talk",
    "Library After Hours",
    "Disclosed: A Play",
    "Closure: A Grief Workshop",
    "Finding Closure",
]


@pytest.mark.parametrize(("title", "reason"), CLOSURES)
def test_a_closure_is_recognized_and_its_reason_kept(title: str, reason: str) -> None:
    assert closure_reason(title, branch="Kilton", whole_day=True, registration=False) == reason


@pytest.mark.parametrize("title", EVENTS)
def test_an_event_with_such_a_word_stays_an_event(title: str) -> None:
    assert closure_reason(title, branch="Kilton", whole_day=False, registration=False) is None


def test_an_event_with_registration_is_no_closure() -> None:
    assert closure_reason("CLOSED: Staff Day", whole_day=True, registration=True) is None


def test_a_closure_of_all_branches_is_read_from_its_words() -> None:
    assert everywhere("Library closed", "All branches are closed.")
    assert everywhere("Todas las bibliotecas cerradas")
    assert not everywhere("Library closed", "See you tomorrow")
