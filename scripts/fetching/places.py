"""Read the branch and the rooms of an event, and whether a "room" is the internet."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = (
    r"(?:online|on-line|virtual(?:ly|ment|mente|t)?|remote(?:ly)?|webinars?|internet|zoom(?:\.us)?|web\s?ex"
    r"|(?:cisco|microsoft|ms|google|facebook|youtube|instagram)\s+(?:webex|teams|meet|live|premiere|page|channel)"
    r"|teams|google\s?meet|go\s?to\s?(?:meeting|webinar)|skype|discord|twitch|crowdcast|streamyard|facebook|youtube"
    r"|instagram|live\s?-?stream(?:ed|ing)?|en\s+l[ií]nea|en\s+directo|nettet|digitalt|fjerndeltagelse)"
)
_LINK = r"(?:via|on|over|at|through|with|using|by|and|&|/|\+|or|por|a\s+través\s+de|en|y|o|på|via|og|eller|the|our)"
_AFTER = (
    r"(?:event|program(?:me)?|meeting|class|session|webinar|workshop|presentation|lecture|only|live|call|conference"
    r"|link|platform|location|stream|library|branch|evento|reunión|taller|solo|solamente|sólo|møde|arrangement|kun)s?"
)
# The whole name: "Online", "Virtual (Zoom)", "Online via Zoom", but not "Virtual Reality Lab" or "Zoom Room".
_ONLINE = re.compile(
    rf"(?:{_LINK}\s+|library\s+|library['’]s\s+|kun\s+|solo\s+|(?:evento|programa|taller|møde|arrangement|event|program)\s+)*{_WORD}(?:(?:\s+|(?<=/)|(?=/))(?:{_LINK}\s*)*(?:{_WORD}|{_AFTER}))*",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"\s*[(\[][^()\[\]]*[)\]]?\s*")


def is_online(name: str) -> bool:
    """Return whether a place is not one: "Zoom", "Virtual event", "Main Street - Online"."""
    bare = _BRACKETED.sub(" ", name).strip(" .!*") or name.strip(" ()[].!*")
    last = re.split(r"\s+[-–—|:]+\s+|[-–—|:]\s+|\s+[-–—|:]", bare)[-1].strip()
    first = re.split(r"\s+[-–—|]+\s+|:\s+", bare)[0].strip()
    return any(_ONLINE.fullmatch(part) for part in (bare, last)) or (
        first != bare and bool(re.fullmatch(r"online|virtual", first, re.IGNORECASE))
    )


def split_branch(campus: str) -> tuple[str, str]:
    """Split "North Campus, Main Street 4" into (branch, address); an address contains a digit."""
    name, separator, rest = campus.partition(",")
    if separator and re.search(r"\d", rest) and name.strip():
        return name.strip(), rest.strip()
    return campus, ""


def rooms(names: Sequence[str], branch: str) -> tuple[str, bool]:
    """Return the rooms as one text, and whether one of the names is online, which is no room.

    The text has no duplicates and not the branch's name, which pages show next to it.
    """
    found: dict[str, str] = {}
    online = False
    prefix = re.compile(re.escape(branch) + r"(?:\s*[:|/]\s*|\s+[–—-]\s+)(?=\S)", re.IGNORECASE)
    for name in names:
        for part in name.split(", "):
            room = part.strip()
            if is_online(room):
                online = True
                continue
            if branch:
                room = prefix.sub("", room, count=1) if prefix.match(room) else room
            if room and room.casefold() != branch.casefold():
                found.setdefault(room.casefold(), room)
    return ", ".join(found.values()), online
