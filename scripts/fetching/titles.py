"""Cancelled, postponed, rescheduled: LibCal has no field for it, so staff write it before the title.

Only the leading word counts, or several joined by slashes ("AFLYST/CANCELLED Open workshop"): "How to
cancel a subscription" is an event like any other.
"""

from __future__ import annotations

import re

from event import CANCELLED, POSTPONED, RESCHEDULED

# English, Spanish, Danish; any case.
WORDS = {
    "cancelled": CANCELLED,
    "canceled": CANCELLED,
    "cancelado": CANCELLED,
    "cancelada": CANCELLED,
    "aflyst": CANCELLED,
    "postponed": POSTPONED,
    "aplazado": POSTPONED,
    "aplazada": POSTPONED,
    "pospuesto": POSTPONED,
    "pospuesta": POSTPONED,
    "udskudt": POSTPONED,
    "udsat": POSTPONED,
    "rescheduled": RESCHEDULED,
    "reprogramado": RESCHEDULED,
    "reprogramada": RESCHEDULED,
    "flyttet": RESCHEDULED,
}
# These begin titles of their own ("Udsat for mobning", exposed to bullying; "Flyttet hjemmefra", left
# home): they count in capitals, or when a colon, a dash or a bracket follows.
_AMBIGUOUS = frozenset(("udsat", "flyttet"))
# After these the title would make no sense without its first word: "Postponed until May: Storytime".
_BELONGS = frozenset(
    (
        "to",
        "until",
        "till",
        "til",
        "for",
        "due",
        "from",
        "by",
        "because",
        "on",
        "på",
        "fra",
        "a",
        "al",
        "para",
        "por",
        "hasta",
    )
)

_WORD = "|".join(WORDS)
# Quotation marks are left out of what may stand before: a title in quotation marks is one.
_LEADING = re.compile(
    rf"""[^\w"'“”„«»‘’]*(?P<words>(?:{_WORD})(?:\s*/\s*(?:{_WORD}))*)(?![\w'’])(?P<after>[\s:!.,;|/*()\[\]{{}}~–—-]*)""",
    re.IGNORECASE,
)
_DELIMITER = re.compile(r"[:|)\]}!–—-]")
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def split_state(title: str) -> tuple[str, str]:
    """Return (state, title without it); the state is empty where the title does not begin with one.

    A title that is nothing but the state stays as it is.
    """
    match = _LEADING.match(title)
    if not match:
        return "", title
    words = match["words"]
    first = re.split(r"\s*/", words)[0].lower()
    if first in _AMBIGUOUS and not words.isupper() and not _DELIMITER.search(match["after"]):
        return "", title
    rest = title[match.end() :].rstrip()
    bracket = _BRACKETS.get(rest[-1:], "")
    if bracket and bracket not in rest:
        # "(CANCELLED: Storytime)" was opened before the word.
        rest = rest[:-1].rstrip()
    next_word = rest.partition(" ")[0]
    plain = not _DELIMITER.search(match["after"])
    if not rest or (plain and next_word.lower() in _BELONGS and (next_word.islower() or words.isupper())):
        return WORDS[first], title
    return WORDS[first], rest
