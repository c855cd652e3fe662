"""Refuse SVG files that hold more than a picture: anyone may open the published logo as a page of its own."""

from __future__ import annotations

import re
from xml.etree import ElementTree

_REFUSED = {"script", "foreignobject", "iframe", "object", "embed", "handler", "listener", "audio", "video"}
_XHTML = "{http://www.w3.org/1999/xhtml}"
_INSIDE = re.compile(r"\s*(?:#|data:image/(?:png|jpeg|gif|webp)[;,])", re.IGNORECASE)
# In CSS, a backslash may hide any of the other words.
_CSS = re.compile(
    r"url\((?!\s*['\"]?\s*(?:#|data:image/(?:png|jpeg|gif|webp)[;,]))|@import|\\", re.IGNORECASE
)


def why_unsafe(data: bytes) -> str:
    """Return why an SVG may run scripts or load other files; empty if it is a picture only."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "is not UTF-8"
    if re.search(r"<!ENTITY|<!DOCTYPE[^>]*\[", text, re.IGNORECASE):
        return "declares entities"
    if re.search(r"<\?(?!xml\s)", text) or re.search(
        r"<\?xml[^>]*encoding\s*=\s*['\"](?!utf-8['\"])", text, re.IGNORECASE
    ):
        return "has a processing instruction or another encoding than UTF-8"
    try:
        root = ElementTree.fromstring(text.encode())  # noqa: S314 - without entities
    except ElementTree.ParseError:
        return "is not well-formed"
    return next(filter(None, map(_problem, root.iter())), "")


def _problem(element: ElementTree.Element) -> str:
    name = element.tag.rpartition("}")[2].lower()
    if name in _REFUSED or element.tag.startswith(_XHTML):
        return f"contains <{name}>"
    if name == "style" and _CSS.search("".join(element.itertext())):
        return "loads other files in its style"
    for key, value in element.attrib.items():
        local = key.rpartition("}")[2].lower()
        if local.startswith("on") or (
            local == "attributename" and re.match(r"\s*(on|href|xlink:href)", value)
        ):
            return f"contains the event handler or animation {local}"
        if local in ("href", "src") and not _INSIDE.match(value):
            return "refers to another file"
        # Only in CSS is a backslash an escape; elsewhere it may be part of an editor's file name.
        if _CSS.search(value if local == "style" else value.replace("\\", "/")):
            return f"loads another file in {local}"
    return ""
