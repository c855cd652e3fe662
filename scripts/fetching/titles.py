"""Read "cancelled", "postponed" and "rescheduled" from titles: LibCal has no field for an event's state.

Only a leading word counts, or several joined by slashes ("AFLYST/CANCELLED Open workshop"). "How to
cancel a subscription" is not cancelled.
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
# Ordinary titles can begin with these words ("Udsat for mobning", exposed to bullying; "Flyttet hjemmefra",
# moved out). They count only in capitals, or before a colon, a dash or a bracket.
_AMBIGUOUS = frozenset(("udsat", "flyttet"))
# Before these words the state stays in the title: "Postponed until May: Storytime".
_CONTINUES = frozenset(
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
# Quotation marks before the word do not match: a title in quotation marks is an ordinary title.
_LEADING = re.compile(
    rf"""[^\w"'“”„«»‘’]*(?P<words>(?:{_WORD})(?:\s*/\s*(?:{_WORD}))*)(?![\w'’])"""
    r"""(?P<after>[\s:!.,;|/*()\[\]{}~–—-]*)""",
    re.IGNORECASE,
)
_DELIMITER = re.compile(r"[:|)\]}!–—-]")
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def split_state(title: str) -> tuple[str, str]:
    """Return (state, title without the state's word); the state is empty if the title has none.

    A title that consists only of the state is kept.
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
        # In "(CANCELLED: Storytime)" the opening bracket was removed with the word.
        rest = rest[:-1].rstrip()
    next_word = rest.partition(" ")[0]
    plain = not _DELIMITER.search(match["after"])
    if not rest or (plain and next_word.lower() in _CONTINUES and (next_word.islower() or words.isupper())):
        return WORDS[first], title
    return WORDS[first], rest
