"""Parse an HTML page as a browser does, as far as tests need: elements, attributes, text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Element:
    """One element; `text` includes the text of its children."""

    name: str
    attributes: dict[str, str]
    parents: tuple[str, ...]
    text: str = ""

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]


@dataclass
class Page(HTMLParser):
    """A parsed page; raises ValueError if elements are not closed in order."""

    source: str
    elements: list[Element] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[Element] = []
        self.feed(self.source)
        self.close()
        if self._open:
            raise ValueError(f"never closed: {self._open[-1]}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            raise ValueError(f"an attribute twice: {tag} {names}")
        made = Element(
            tag, {name: value or "" for name, value in attrs}, tuple(item.name for item in self._open)
        )
        self.elements.append(made)
        if tag not in VOID:
            self._open.append(made)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1].name != tag:
            raise ValueError(f"</{tag}> closes {self._open[-1:]}")
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data
        for item in self._open:
            item.text += data

    def all(self, element: str, /, **attributes: str) -> list[Element]:
        """Return the elements with this name and these attributes (`class_` matches one class)."""
        wanted_class = attributes.pop("class_", None)
        return [
            item
            for item in self.elements
            if item.name == element
            and all(item.attributes.get(key) == value for key, value in attributes.items())
            and (wanted_class is None or wanted_class in item.attributes.get("class", "").split())
        ]

    def one(self, element: str, /, **attributes: str) -> Element:
        """Return the only matching element."""
        (found,) = self.all(element, **attributes)
        return found

    @property
    def links(self) -> list[str]:
        """Return the values of all `href`, `src` and `action` attributes."""
        return [
            item.attributes[key]
            for item in self.elements
            for key in ("href", "src", "action")
            if key in item.attributes
        ]

    @property
    def own_links(self) -> list[str]:
        """Return the links to other files of the site, without query and fragment."""
        parts = [urlsplit(link) for link in self.links]
        return [part.path for part in parts if not part.scheme and not part.netloc and part.path]
