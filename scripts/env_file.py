"""Read a settings file (.env): `KEY=value` lines that systemd, Docker Compose and sh read alike.

The only reader of the format; scripts/read_env.py makes it available to bash.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from settings_table import KNOWN, TABLE

_LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)\Z")
_BARE = re.compile(r"[A-Za-z0-9_./:@%+=,-]*\Z")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"$`\\]*)\"\Z")
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting of the file and its line."""

    line: int
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line (0: the file), and how to fix it. `key` is empty if the line has no known name.

    `why` never repeats text of the line, which may be a secret.
    """

    line: int
    key: str
    why: str


def read(path: Path) -> tuple[list[Entry], list[Fault]]:
    """Return the settings and the faults of a file. Raises FileNotFoundError."""
    if path.is_dir():
        why = (
            "is a folder, not a file: remove it and create the file (Docker makes a folder of a missing file)"
        )
        return [], [Fault(0, "", why)]
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        return [], [Fault(0, "", f"cannot be read: {error.strerror}")]
    return parse(data)


def parse(data: bytes) -> tuple[list[Entry], list[Fault]]:
    """Return the settings of a file's content, and its faults: one for each, also if it is in every line."""
    text, faults = _decode(data)
    if "\r" in text:
        faults.append(Fault(0, "", "has Windows line ends (CRLF): save it with Unix line ends (LF)"))
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    entries: list[Entry] = []
    first: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _entry(number, line)
        if isinstance(found, Fault):
            faults.append(found)
        elif found.key in first:
            why = f"is set twice, first in line {first[found.key]}: remove one of the lines"
            faults.append(Fault(number, _shown(found.key), why))
        elif found.key == "FORCE" and found.value:
            why = "must not stay in the file, where it passes the guards in every run: remove the line"
            faults.append(Fault(number, "FORCE", f"{why} and run FORCE=1 make publish once"))
        else:
            entries.append(found)
        if isinstance(found, Entry):
            first.setdefault(found.key, number)
    return entries, faults


def _decode(data: bytes) -> tuple[str, list[Fault]]:
    """Return the text, and a fault for an encoding other than UTF-8."""
    faults: list[Fault] = []
    save = "save it as UTF-8 without a byte order mark (BOM)"
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace"), [Fault(0, "", f"is UTF-16 text: {save}")]
    if data.count(b"\0") > len(data) // 4:
        return data.replace(b"\0", b"").decode("utf-8", "replace"), [Fault(0, "", f"is UTF-16 text: {save}")]
    if data.startswith(b"\xef\xbb\xbf"):
        faults.append(Fault(0, "", f"begins with a byte order mark (BOM): {save}"))
        data = data[3:]
    return data.decode("utf-8", "surrogateescape"), faults


def _shown(key: str) -> str:
    """Return a name that may be shown. Any other text may be a secret."""
    return key if key in KNOWN or re.fullmatch(r"[A-Z][A-Z0-9_]*", key) else ""


def _entry(number: int, line: str) -> Entry | Fault:
    """Return the setting in a line, or the fault of the line."""
    match = _LINE.match(line)
    key = match[1] if match else _name(line)
    common = _bad_characters(line)
    if common:
        return Fault(number, _shown(key), common)
    if not match:
        return Fault(number, _shown(key), _why_no_setting(line, key))
    raw = match[2]
    quoted = _QUOTED.fullmatch(raw)
    if quoted:
        return Entry(number, key, quoted[1] if quoted[1] is not None else quoted[2])
    if _BARE.match(raw) and not (raw.startswith("=") and key in KNOWN):
        return Entry(number, key, raw)
    return Fault(number, _shown(key), _why_no_value(raw, key))


def _bad_characters(line: str) -> str:
    if "\0" in line:
        return "contains a NUL character: write the line again"
    if any("\udc80" <= character <= "\udcff" for character in line):
        return "is not UTF-8 text: save the file as UTF-8"
    if re.search("[\u00a0\u2007\u202f\u200b\ufeff]", line):
        return "contains a no-break or invisible space: write the line again"
    if re.search("=\\s*[\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u00ab\u00bb\u2032]", line):
        return "has typographic quotes: use the plain quote '"
    return ""


def _name(line: str) -> str:
    """Return the setting that a line without `KEY=` names, if any."""
    match = re.match(r"\s*(?:(?:export|set|setenv)\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*(?:[=:\s]|\Z)", line)
    name = match[1] if match else ""
    return name if name.upper() in KNOWN else ""


def _why_no_setting(line: str, key: str) -> str:
    if line[0].isspace():
        return "begins with a space or tab: remove it"
    if re.match(r"(export|set|setenv)\s", line):
        return f'begins with "{line.split()[0]}": remove the word'
    if re.match(r"[A-Za-z_][A-Za-z0-9_]*\s+=", line):
        return "has a space before the equals sign: remove it"
    if re.match(r"[A-Za-z_][A-Za-z0-9_]*\s*:", line) and key:
        return "has a colon after the name: write an equals sign"
    if line.startswith(";"):
        return "begins with a semicolon: comments begin with #"
    return "has no equals sign after the name: write KEY=value" if key else "is not KEY=value"


def _why_no_value(raw: str, key: str) -> str:
    name = _shown(key)
    if raw.startswith("="):
        return "has two equals signs: remove one"
    if raw[0].isspace():
        return "has a space after the equals sign: remove it"
    if raw != raw.rstrip():
        return "ends with a space or tab: remove it"
    if re.match(r"('[^']*'|\"[^\"]*\"|[^'\"\s]\S*)\s+#", raw):
        return "has a comment after the value: move it to a line of its own"
    secret = name in TABLE and TABLE[name].own_file
    other = f", or use {name}_FILE" if secret else ""
    if raw[0] in "'\"" and raw.find(raw[0], 1) < 0:
        return "has no closing quote: add it"
    if raw[0] == '"' and raw[-1] == '"' and "'" not in raw[1:-1] and '"' not in raw[1:-1]:
        return f"has a $, ` or backslash in double quotes: use single quotes{other}"
    if "'" in raw.strip("'\"") or (raw[0] in "'\"" and raw[-1] == raw[0]):
        return f"has a quote in the value: put double quotes around it{other}"
    return f"needs single quotes: {name or 'KEY'}='...'"
