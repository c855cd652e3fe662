"""Convert log lines in logfmt to readable text."""

from __future__ import annotations

import json
import re
import textwrap

_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


def readable(line: str) -> str:
    """Return `level=info step=fetch run=... msg="..." key=value` as indented text; other lines unchanged."""
    fields = {key: _text(value) for key, value in _PAIR.findall(line)}
    if not {"level", "step", "msg"} <= fields.keys():
        return f"  {line}"
    details = [
        f"{key} {value}"
        for key, value in fields.items()
        if key not in ("level", "step", "run", "msg") and (key, value) != ("rc", "0")
    ]
    level = "" if fields["level"] == "info" else f"{fields['level'].upper()}: "
    text = f"{level}{fields['msg']}{': ' if details else ''}{', '.join(details)}"
    first, rest = f"  {fields['step']:<11}", " " * 13
    return textwrap.fill(text, 110, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _text(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value
