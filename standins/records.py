"""Build events in the format of LibCal's API v1.1, including private fields.

The format is that of real responses: registration keys exist only for events with registration, and `seats`
is "" otherwise; a missing campus, geolocation or image is "".
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

# Every text that must not be published contains PRIVATE; every such number is PRIVATE_NUMBER.
PRIVATE = "zq-private"
PRIVATE_NUMBER = 909_090_909

SITE = "https://larkfield.libcal.example"

Record = dict[str, Any]


def record(
    number: int, calendar: Record, title: str, start: datetime, end: datetime, **fields: Any
) -> Record:
    """Return a complete event; `fields` replaces or adds keys (see `registration`, `online_fields`)."""
    event: Record = {
        "id": number,
        "title": title,
        "allday": False,
        "start": start.isoformat(timespec="seconds"),
        "end": end.isoformat(timespec="seconds"),
        "description": "",
        "more_info": "",
        "url": {
            "public": f"{SITE}/event/{number}",
            "admin": f"{SITE}/aevent.php?c={calendar['calid']}&m=edit&event_id={number}&{PRIVATE}=1",
        },
        "location": {"id": 0, "type": 0, "name": ""},
        "campus": "",
        "category": [],
        "audience": [],
        "internal_tags": [{"id": PRIVATE_NUMBER, "name": f"{PRIVATE} budget line 7"}],
        "owner": {"id": PRIVATE_NUMBER, "name": f"{PRIVATE} staff member"},
        "presenter": "",
        "calendar": {
            "id": calendar["calid"],
            "name": calendar["name"],
            "public": calendar["url"]["public"],
            "admin": f"{SITE}/admin/calendar/{calendar['calid']}?{PRIVATE}",
        },
        "seats": "",
        "registration": False,
        "color": "#1F5F8B",
        "featured_image": "",
        "geolocation": "",
        "future_dates": [],
        "registration_cost": 0,
        "setup_time": 15,
        "teardown_time": 15,
        "attendance": {"in_person": PRIVATE_NUMBER, "online": PRIVATE_NUMBER},
        "audience_breakdown": [{"name": f"{PRIVATE} teens", "count": PRIVATE_NUMBER}],
    }
    return {**event, **fields}


def registration(
    seats: int = 0,
    taken: int = 0,
    *,
    online: int = 0,
    online_taken: int = 0,
    opened: bool = True,
    closed: bool = False,
    wait_list: bool = False,
) -> Record:
    """Return the keys of an event with registration: seats in the room, and `online` seats."""
    return {
        "registration": True,
        "registration_form_id": 5673,
        "registration_series_linked": False,
        "has_registration_opened": opened,
        "has_registration_closed": closed,
        "seats": seats + online,
        "seats_taken": taken + online_taken,
        "physical_seats": seats,
        "physical_seats_taken": taken,
        "online_seats": online,
        "online_seats_taken": online_taken,
        "wait_list": wait_list,
    }


def online_fields() -> Record:
    """Return the keys of an event that can be joined online; all of them are private."""
    return {
        "online_user_id": PRIVATE_NUMBER,
        "zoom_email": f"{PRIVATE}@example.org",
        "online_meeting_id": f"{PRIVATE}-{PRIVATE_NUMBER}",
        "online_host_url": f"https://meet.example/host/{PRIVATE}",
        "online_join_url": f"https://meet.example/join/{PRIVATE}",
        "online_join_password": f"{PRIVATE}-password",
        "online_provider": f"{PRIVATE}-external",
    }


def note_fields(names: set[str]) -> Record:
    """Return the staff fields in `names`; LibCal adds them only on request."""
    notes: Record = {
        "event_note": f"{PRIVATE} note: bring the key",
        "internal_notes": [f"{PRIVATE} note: the speaker is late"],
    }
    return {name: value for name, value in notes.items() if name in names}
