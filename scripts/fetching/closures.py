"""Recognize closures that staff enter as events: "Library closed", "CLOSED: Staff Day", "Holiday closure"."""

from __future__ import annotations

import re

_LIBRARY = (
    r"(?:the\s+|our\s+|la\s+|las\s+)?(?:library|libraries|branch|branches|all\s+(?:branches|locations|libraries)|we"
    r"|library\s+(?:branches|locations)|biblioteca|bibliotecas|(?:todas\s+las\s+)?bibliotecas|sucursales|bibliotek(?:et|erne)?"
    r"|alle\s+(?:biblioteker|afdelinger)|hovedbiblioteket)"
)
_BE = r"(?:\s+(?:is|are|will\s+be|closed\s+and|estar[áa]n?|está|están|permanecerán?|er|holder|har))?"
_CLOSED = r"(?:closed|cerrad[oa]s?|lukket|lukkede)"
# A closure that needs no more words.
_NOUN = (
    r"(?:(?:library|holiday|weather|snow|emergency|staff(?:\s+day)?|branch|winter|summer|christmas|building)\s+clos(?:ure|ing)s?"
    r"|cierre(?:\s+de\s+(?:la\s+)?bibliotecas?)?|lukkedage?|\w*ferielukket|helligdagslukket)"
)
_REASON = re.compile(
    r"\b(?:staff|training|holidays?|inventory|snow|weather|storm|ice|maintenance|renovations?|construction|election"
    r"|thanksgiving|christmas|new\s+year\w*|easter|memorial|independence|labor|labour|veterans|presidents|martin\s+luther"
    r"|mlk|juneteenth|columbus|indigenous|patriots|good\s+friday|town\s+meeting|\w+\s+day|day|eve|emergency|flood\w*"
    r"|power|repairs?|cleaning|move|moving|until|through|today|tomorrow|feriado|festivo|navidad|año\s+nuevo|semana\s+santa"
    r"|pascua|capacitación|personal|inventario|obras|reformas|vacaciones|día|jul|juleferie|påske|nytår|grundlovsdag|pinse"
    r"|helligdag|ferie|sommerferie|personale\w*|kursus|ombygning|flytning|status)\b|[’']s?\s+day\b|jule|påske",
    re.IGNORECASE,
)
_FOR = r"(?:for|on|in\s+observance\s+of|due\s+to|because\s+of|to\s+observe|por|para|debido\s+a|på\s+grund\s+af|pga\.?|i|på)"
_SET_APART = re.compile(r"\s*(?:[:|(–—]|\s-|-\s|,)\s*")
_SAYS = re.compile(
    rf"(?:{_LIBRARY}{_BE}\s+{_CLOSED}|{_CLOSED}\s+{_LIBRARY}|{_NOUN})(?![\w’'-])(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_BARE = re.compile(rf"(?:{_CLOSED}|closure)(?![\w’'-])(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_ENDS = re.compile(
    rf"(?P<before>.+?)\s*(?:[:|(–—-])\s*(?:(?P<library>{_LIBRARY}{_BE}\s+)?{_CLOSED}|{_NOUN})[\s).!]*\Z",
    re.IGNORECASE,
)
# Only a part of the library, or another place, is closed.
_PART = re.compile(
    r"\b(?:rooms?|lab|makerspace|garden|drive|street|road|parking|lot|section|computers?|wing|floor|desk|pool|café"
    r"|registration|schools?|districts?|offices?|elevator|entrance|drop|captioned|caption|circuit|doors?|group|mic"
    r"|tilmelding|arrangement|kreds|døre|inscripción|sala|puerta|puertas)\b",
    re.IGNORECASE,
)
_EVERYWHERE = re.compile(
    r"\b(?:all\s+(?:\w+\s+)?(?:branches|locations|libraries)|todas\s+las\s+(?:bibliotecas|sucursales)"
    r"|alle\s+(?:biblioteker|afdelinger))\b",
    re.IGNORECASE,
)


def closure_reason(title: str, *, branch: str = "", whole_day: bool, registration: bool) -> str | None:
    """Return why the library is closed, perhaps empty; None if `title` is not that of a closure.

    "Closed" without the word "library" counts with a usual reason, or for an all-day event. An event with
    registration is never a closure.
    """
    text = title.strip(" *!.[]\t")
    if registration or not text:
        return None
    for name in filter(None, (branch, branch.removesuffix(" Library"))):
        named = re.match(
            rf"(?:the\s+)?{re.escape(name)}(?:\s+(?:library|branch|bibliotek))?{_BE}(?=\s+{_CLOSED})",
            text,
            re.IGNORECASE,
        )
        if named:
            text = f"library{text[named.end() :]}"
    found = _SAYS.fullmatch(text)
    if found:
        reason = _reason(found["rest"])
        return None if reason is None or _PART.match(reason) else reason
    found = _BARE.fullmatch(text)
    if found:
        reason = _reason(found["rest"])
        if reason is None or _PART.search(reason):
            return None
        return (
            reason
            if _REASON.search(reason) or (whole_day and (not reason or _SET_APART.match(found["rest"])))
            else None
        )
    found = _ENDS.fullmatch(text)
    if found and not _PART.search(found["before"]):
        return found["before"] if found["library"] or _REASON.search(found["before"]) else None
    return None


def everywhere(*texts: str) -> bool:
    """Return whether a closure's texts say that all branches are closed."""
    return any(_EVERYWHERE.search(text) for text in texts)


def _reason(rest: str) -> str | None:
    """Return the reason behind "closed"; None if the words go on: "Library closed stacks tour"."""
    rest = rest.strip(" .!*)")
    if not rest:
        return ""
    apart = _SET_APART.match(rest)
    if apart:
        return _EVERYWHERE.sub("", rest[apart.end() :]).strip(" -–—:(),") if rest[apart.end() :] else ""
    given = re.match(rf"{_FOR}\s+(?:the\s+)?", rest, re.IGNORECASE)
    if given:
        return rest[given.end() :]
    return (
        rest
        if re.match(
            r"(?:today|tomorrow|all\s+day|hoy|mañana|i\s+dag|until|through|\d|at\b)", rest, re.IGNORECASE
        )
        else None
    )
