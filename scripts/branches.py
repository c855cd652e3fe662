"""Read branches.toml: what LibCal does not know about each branch, such as its address.

The file has a table [[branch]] for each branch; docs/branches.md describes the keys. Uses the standard
library only, as bin/check does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MAX_BYTES = 500_000
MAX_BRANCHES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One branch; `name` is the one that its events have. Only the name is required.

    `country` has two letters, `position` is latitude and longitude, `hours` the id of its opening hours in
    LibCal, `photo` the address of a picture, and `access` notes for visitors with disabilities.
    """

    name: str
    street: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    phone: str = ""
    email: str = ""
    position: tuple[float, float] | None = None
    access: str = ""
    parking: str = ""
    hours: str = ""
    photo: str = ""

    @property
    def town(self) -> str:
        """City, region and postcode in the order of the country: `Lebanon, NH 03766`, `2200 København`."""
        if self.region:
            return ", ".join(filter(None, (self.city, f"{self.region} {self.postcode}".strip())))
        parts = (self.city, self.postcode) if self.country in ("GB", "IE") else (self.postcode, self.city)
        return " ".join(filter(None, parts))

    @property
    def dialed(self) -> str:
        """The phone number without spaces and signs, for `tel:`; an extension follows a pause."""
        number, _, extension = self.phone.partition("x")
        digits = re.sub(r"[^+0-9]", "", number)
        return f"{digits},{re.sub(r'[^0-9]', '', extension)}" if extension else digits

    @property
    def address(self) -> str:
        """Street and town in one line; empty without a street."""
        return ", ".join(filter(None, (self.street, self.town))) if self.street else ""


@dataclass(frozen=True, slots=True)
class BranchFault:
    """What is wrong in a line of the file (0: the file), and how to correct it."""

    line: int
    why: str

    def text(self, name: str) -> str:
        """Return the fault of the file `name` as text: `branches.toml:3: ...`."""
        return f"{name}:{self.line}: {self.why}" if self.line else f"{name}: {self.why}"


def read(path: Path) -> tuple[tuple[Branch, ...], list[BranchFault]]:
    """Return the branches in the order of the file, and its faults."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return (), [BranchFault(0, f"cannot be read: {error.strerror}")]
    return parse(data)


def parse(data: bytes) -> tuple[tuple[Branch, ...], list[BranchFault]]:
    """Return the branches in `data`, and its faults; a branch with a fault is left out."""
    if len(data) > MAX_BYTES:
        return (), [BranchFault(0, f"is larger than {MAX_BYTES // 1000} kB")]
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        return (), [
            BranchFault(data.count(b"\n", 0, error.start) + 1, "is not UTF-8: save the file as UTF-8")
        ]
    import tomllib  # not by every step that reads settings

    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return (), [_syntax_fault(text, str(error))]
    except RecursionError:
        return (), [BranchFault(0, "is nested too deeply")]
    return _branches(content, _Lines(text))


def _syntax_fault(text: str, message: str) -> BranchFault:
    """Return the fault of a file that is not TOML, from tomllib's message: `... (at line 3, column 5)`."""
    place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)\Z", message)
    what = message[: place.start()] if place else message
    line = int(place[1]) if place and place[1] else len(text.splitlines())
    return BranchFault(line, f"is not TOML: {what[0].lower()}{what[1:]}; texts need double quotes")


class _Lines:
    """The lines of the tables and keys of a file."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        header = re.compile(r"\s*\[\[\s*branch\s*\]\]")
        self._tables = [number for number, line in enumerate(self._lines, 1) if header.match(line)]

    def of_key(self, table: int, key: str) -> int:
        """Return the line of `key` in a table, or that of the table."""
        if table >= len(self._tables):
            return 0
        first = self._tables[table]
        end = self._tables[table + 1] - 1 if table + 1 < len(self._tables) else len(self._lines)
        return self._find(key, first, end) or first

    def at_top(self, key: str) -> int:
        """Return the line of a key or table outside of the branches."""
        named = re.compile(rf"\s*\[{{1,2}}\s*{re.escape(key)}\b")
        tables = (number for number, line in enumerate(self._lines, 1) if named.match(line))
        return self._find(key, 0, len(self._lines)) or next(tables, 0)

    def _find(self, key: str, first: int, end: int) -> int:
        named = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*[.=]""")
        return next(
            (number for number in range(first + 1, end + 1) if named.match(self._lines[number - 1])), 0
        )


def _branches(content: Mapping[str, Any], lines: _Lines) -> tuple[tuple[Branch, ...], list[BranchFault]]:
    faults = [
        BranchFault(
            lines.at_top(key), f"{key} is not in a table: write [[branch]] above the keys of a branch"
        )
        for key in content
        if key != "branch"
    ]
    tables = content.get("branch", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        return (), [*faults, BranchFault(lines.at_top("branch"), "write [[branch]], with two brackets")]
    if len(tables) > MAX_BRANCHES:
        return (), [*faults, BranchFault(0, f"has more than {MAX_BRANCHES} branches")]
    found: dict[str, Branch] = {}
    for number, table in enumerate(tables):
        wrong = list(_faults_of(table, number, lines))
        name = str(table.get("name", ""))
        if not wrong and name.strip().casefold() in found:
            wrong = [
                BranchFault(lines.of_key(number, "name"), "name is that of an earlier branch: remove one")
            ]
        if not wrong:
            found[name.strip().casefold()] = _branch(table)
        faults += wrong
    if not tables and not faults:
        faults = [BranchFault(0, "has no [[branch]]")]
    return tuple(found.values()), faults


def _branch(table: Mapping[str, Any]) -> Branch:
    values: dict[str, Any] = {
        key: value.strip() if isinstance(value, str) else value for key, value in table.items()
    }
    if "hours" in values:
        values["hours"] = str(values["hours"])
    if "position" in values:
        values["position"] = (float(values["position"][0]), float(values["position"][1]))
    return Branch(**values)


def _faults_of(table: Mapping[str, Any], number: int, lines: _Lines) -> Iterator[BranchFault]:
    if "name" not in table:
        yield BranchFault(lines.of_key(number, ""), "the branch has no name: write the one that LibCal shows")
    for key, value in table.items():
        if key not in _KEYS:
            import difflib

            close = difflib.get_close_matches(key, _KEYS, 1)
            advice = f"did you mean {close[0]}?" if close else f"the keys are {', '.join(_KEYS)}"
            yield BranchFault(lines.of_key(number, key), f"{key} is not a key of a branch; {advice}")
        elif why := _CHECKS.get(key, _text)(value):
            yield BranchFault(lines.of_key(number, key), f"{key} {why}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        return "must be a text in double quotes"
    if any(ord(letter) < 32 and letter != "\n" for letter in value):
        return "contains a control character: remove it"
    return "" if 0 < len(value.strip()) <= 1000 else "must have 1 to 1000 characters"


def _matches(pattern: str, wanted: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        return _text(value) or ("" if re.fullmatch(pattern, str(value).strip()) else f"must be {wanted}")

    return check


def _position(value: object) -> str:
    numbers = value if isinstance(value, list) else []
    good = (
        len(numbers) == 2
        and all(isinstance(item, int | float) and not isinstance(item, bool) for item in numbers)
        and abs(numbers[0]) <= 90
        and abs(numbers[1]) <= 180
    )
    return "" if good else "must be latitude and longitude, such as [43.6426, -72.2517]"


def _hours(value: object) -> str:
    digits = re.fullmatch(r"[0-9]{1,12}", str(value)) and not isinstance(value, bool)
    return "" if digits and isinstance(value, int | str) else "must be LibCal's id of the hours, such as 1234"


def _photo(value: object) -> str:
    why = _text(value)
    if why:
        return why
    try:
        parts = urlsplit(str(value).strip())
        good = parts.scheme == "https" and bool(parts.hostname) and not parts.username
    except ValueError:
        good = False
    good = good and not re.search(r"\s", str(value).strip())
    return "" if good else "must be an address that begins with https://"


_KEYS = tuple(item.name for item in fields(Branch))
_CHECKS: Mapping[str, Callable[[object], str]] = {
    "country": _matches("[A-Z]{2}", "two capital letters, such as US"),
    "phone": _matches(r"\+?[0-9][0-9 ()./x-]{4,30}", "a phone number, such as +1 603-555-0100"),
    "email": _matches(r"[^@\s:/?<>]+@[^@\s:/?<>]+\.[^@\s:/?<>]+", "a mail address"),
    "position": _position,
    "hours": _hours,
    "photo": _photo,
}
