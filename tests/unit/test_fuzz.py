"""A few seconds of make fuzz: the properties of every site, whatever LibCal sends."""

from __future__ import annotations

from fuzz.run import fuzz


def test_changed_events_give_a_valid_site_without_active_or_private_content() -> None:
    assert fuzz(150, 7, None, programs=False).tried > 100
