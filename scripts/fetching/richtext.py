"""Write a tree of HTML as new HTML: a few tags, properly nested, valid for any input.

The output contains only tags written in this module, and escaped text. Paragraphs are never empty,
headings begin at h3 and skip no level, lists contain items, and tables with one column become paragraphs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

MAX_TEXT = 30_000
MAX_DEPTH = 40
MAX_HEADING = 150

# Supported inline tags, and the tags to write for them.
INLINE = {
    "a": "a",
    "b": "b",
    "strong": "strong",
    "em": "em",
    "i": "i",
    "u": "u",
    "s": "s",
    "del": "s",
    "strike": "s",
    "sub": "sub",
    "sup": "sup",
    "code": "code",
}
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
TABLE_PARTS = frozenset(("thead", "tbody", "tfoot", "tr", "td", "th", "caption"))
# fmt: off
# Tags that end one paragraph and begin another.
SEPARATORS = frozenset((
    "p", "div", "section", "article", "aside", "header", "footer", "main", "nav", "address", "center",
    "figure", "figcaption", "details", "summary", "fieldset", "legend", "form", "dt", "dd",
))
# fmt: on
SUPPORTED = (
    HEADINGS
    | TABLE_PARTS
    | SEPARATORS
    | frozenset(INLINE)
    | {"span", "br", "hr", "ul", "ol", "li", "dl", "pre", "blockquote", "table"}
)

_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8}){0,3}")
_SPACE = re.compile(r"\s+")


@dataclass(slots=True)
class Node:
    tag: str
    attributes: dict[str, str]
    children: list[Node | str] = field(default_factory=list)


class Tree(HTMLParser):
    """The tree of well-formed HTML, as nh3 writes it. Limits the depth of nesting and the length of the text.

    `clean` is applied to every text in it.
    """

    def __init__(self, html: str, clean: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self._open = [self.root]
        self._clean = clean
        self._remaining = MAX_TEXT
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        parent = self._open[-1]
        if len(self._open) > MAX_DEPTH and tag not in ("br", "hr"):
            self._open.append(parent)
            return
        node = Node(tag, {name: value or "" for name, value in attrs})
        parent.children.append(node)
        if tag not in ("br", "hr"):
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if len(self._open) > 1:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        text = self._clean(data[: self._remaining])
        self._remaining -= len(text)
        if text:
            self._open[-1].children.append(text)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of flow content. `inner` is the content of a p or li; for other kinds it is the whole HTML."""

    kind: str
    inner: str
    text: str

    @property
    def html(self) -> str:
        return f"<{self.kind}>{self.inner}</{self.kind}>" if self.kind in ("p", "li") else self.inner


# A run of text, and the inline tags around it from the outside inwards: ("b", "<b>").
_Format = tuple[str, str]
_Run = tuple[str, tuple[_Format, ...]]
_BREAK = "\n"


class Writer:
    """Writes a tree as valid HTML, block by block, in the order of the text.

    `link` returns the href to write for an href, or an empty text to drop the link and keep its text.
    `paragraphs` are the texts of the written paragraphs, without headings and definition terms.
    """

    def __init__(self, link: Callable[[str], str], title: str = "") -> None:
        self.paragraphs: list[str] = []
        self._link = link
        self._title = title.casefold()
        self._levels: list[int] = []

    def write(self, tree: Tree) -> list[Block]:
        """Return the blocks of a whole text."""
        return _without_loose_rules(self.flow(tree.root.children))

    def flow(self, nodes: Iterable[Node | str], formats: tuple[_Format, ...] = ()) -> list[Block]:
        """Return blocks that are valid anywhere in flow content; list items outside a list get one."""
        blocks: list[Block] = []
        items: list[Block] = []
        for block in (*self._blocks(nodes, formats), None):
            if block is not None and block.kind == "li":
                items.append(block)
                continue
            if items:
                blocks.append(_list("ul", items))
                items = []
            if block is not None:
                blocks.append(block)
        return blocks

    def _blocks(self, nodes: Iterable[Node | str], formats: tuple[_Format, ...]) -> Iterator[Block]:
        runs: list[_Run] = []
        for piece in self._pieces(nodes, formats):
            if isinstance(piece, tuple):
                runs.append(piece)
                continue
            yield from self._paragraphs(runs)
            runs = []
            if piece.kind:
                yield piece
        yield from self._paragraphs(runs)

    def _pieces(self, nodes: Iterable[Node | str], formats: tuple[_Format, ...]) -> Iterator[_Run | Block]:
        """Yield runs of text and the blocks between them; an empty block only separates paragraphs."""
        for node in nodes:
            if isinstance(node, str):
                yield _SPACE.sub(" ", node), formats
            elif node.tag == "br":
                yield _BREAK, formats
            elif node.tag in INLINE or node.tag == "span":
                yield from self._pieces(node.children, self._with(formats, node))
            elif node.tag in SEPARATORS or node.tag in TABLE_PARTS:
                yield Block("", "", "")
                yield from self._pieces(node.children, _with_language(formats, node))
                yield Block("", "", "")
            else:
                yield from self._block(node, _with_language(formats, node)) or [Block("", "", "")]

    def _with(self, formats: tuple[_Format, ...], node: Node) -> tuple[_Format, ...]:
        if node.tag == "span":
            return _with_language(formats, node)
        tag = INLINE[node.tag]
        if any(name == tag for name, _ in formats):
            return formats
        if tag != "a":
            return (*formats, (tag, f"<{tag}>"))
        href = self._link(node.attributes.get("href", ""))
        if not href:
            return formats
        return (*formats, (tag, f'<a href="{escape(href)}" rel="noopener noreferrer">'))

    def _paragraphs(self, runs: Sequence[_Run]) -> Iterator[Block]:
        """Yield one paragraph for each group of lines; empty lines separate groups."""
        for lines in _line_groups(runs):
            html, text = _inline(lines)
            self.paragraphs.append(text)
            yield Block("p", html, text)

    def _block(self, node: Node, formats: tuple[_Format, ...]) -> list[Block]:
        """Return the new blocks for one block-level node; an empty list if it has no content."""
        if node.tag == "hr":
            return [Block("hr", "<hr>", "")]
        if node.tag == "pre":
            return _preformatted(node)
        if node.tag in HEADINGS:
            return self._heading(node, formats)
        if node.tag in ("ul", "ol"):
            return self._list(node, formats)
        if node.tag == "li":
            return self._item(self.flow(node.children, formats))
        if node.tag == "table":
            return self._table(node, formats)
        if node.tag == "dl":
            return self._definitions(node, formats)
        blocks = _without_loose_rules(self.flow(node.children, formats))
        return (
            [Block("blockquote", f"<blockquote>{_html(blocks)}</blockquote>", _text(blocks))]
            if blocks
            else []
        )

    def _heading(self, node: Node, formats: tuple[_Format, ...]) -> list[Block]:
        lines = [line for lines in _line_groups(self._phrasing(node.children, formats)) for line in lines]
        if not lines:
            return []
        html, text = _inline(lines, " ")
        if not self._levels and not self.paragraphs and text.casefold() == self._title:
            return []
        if len(text) > MAX_HEADING:
            self.paragraphs.append(text)
            return [Block("p", html, text)]
        level = int(node.tag[1])
        while self._levels and self._levels[-1] >= level:
            self._levels.pop()
        self._levels.append(level)
        tag = f"h{min(6, 2 + len(self._levels))}"
        return [Block("heading", f"<{tag}>{html}</{tag}>", text)]

    def _phrasing(self, nodes: Iterable[Node | str], formats: tuple[_Format, ...]) -> list[_Run]:
        """Return all text in `nodes` as runs, with a space between blocks."""
        runs: list[_Run] = []
        for node in nodes:
            if isinstance(node, str):
                runs.append((_SPACE.sub(" ", node), formats))
            elif node.tag in INLINE or node.tag == "span":
                runs += self._phrasing(node.children, self._with(formats, node))
            else:
                runs += [(" ", formats), *self._phrasing(node.children, formats), (" ", formats)]
        return runs

    def _list(self, node: Node, formats: tuple[_Format, ...]) -> list[Block]:
        items: list[Block] = []
        for block in self._blocks(node.children, formats):
            if block.kind == "li":
                items.append(block)
            elif block.kind == "list" and items:
                last = items[-1]
                items[-1] = Block("li", last.inner + block.html, f"{last.text} {block.text}")
            else:
                items += self._item([block])
        return [_list(node.tag, items)] if items else []

    def _item(self, blocks: list[Block]) -> list[Block]:
        blocks = _without_loose_rules(blocks)
        if not blocks:
            return []
        return [Block("li", _compact(blocks), _text(blocks))]

    def _table(self, node: Node, formats: tuple[_Format, ...]) -> list[Block]:
        before: list[Block] = []
        rows: list[tuple[bool, list[tuple[Node, list[Block]]]]] = []

        def collect(parent: Node, heading: bool) -> None:
            for child in parent.children:
                if isinstance(child, str):
                    continue
                if child.tag in ("thead", "tbody", "tfoot"):
                    collect(child, child.tag == "thead")
                elif child.tag == "tr":
                    cells = [cell for cell in child.children if isinstance(cell, Node)]
                    filled = [(cell, self.flow(cell.children, formats)) for cell in cells]
                    if filled:
                        rows.append((heading and not any(not head for head, _ in rows), filled))
                else:
                    before.extend(self.flow([child], formats))

        collect(node, False)
        contents = [block for _, cells in rows for _, blocks in cells for block in blocks]
        if max((len(cells) for _, cells in rows), default=0) < 2:
            # A table with one column was meant for layout.
            return before + contents
        if not contents:
            return before
        parts = []
        for section, heading in (("thead", True), ("tbody", False)):
            lines = [_row(cells) for head, cells in rows if head == heading]
            if lines:
                parts.append(f"<{section}>{''.join(lines)}</{section}>")
        return [*before, Block("table", f"<table>{''.join(parts)}</table>", _text(contents))]

    def _definitions(self, node: Node, formats: tuple[_Format, ...]) -> list[Block]:
        pairs: list[tuple[str, list[Block]]] = []
        for child in node.children:
            if isinstance(child, str):
                blocks, tag = self.flow([child], formats), "dd"
            elif child.tag == "dt":
                lines = [
                    line for lines in _line_groups(self._phrasing(child.children, formats)) for line in lines
                ]
                blocks, tag = [Block("p", *_inline(lines, " "))] if lines else [], "dt"
            else:
                blocks, tag = self.flow(child.children if child.tag == "dd" else [child], formats), "dd"
            if blocks:
                pairs.append((tag, blocks))
        contents = [block for _, blocks in pairs for block in blocks]
        tags = [tag for tag, _ in pairs]
        if "dt" not in tags or tags[0] != "dt" or tags[-1] != "dd":
            return contents
        inner = "".join(f"<{tag}>{_compact(blocks)}</{tag}>" for tag, blocks in pairs)
        return [Block("dl", f"<dl>{inner}</dl>", _text(contents))]


def _with_language(formats: tuple[_Format, ...], node: Node) -> tuple[_Format, ...]:
    """Return `formats` with a span that has the language and the writing direction of `node`, if any."""
    values = {}
    if _LANGUAGE.fullmatch(node.attributes.get("lang", "")):
        values["lang"] = node.attributes["lang"]
    if node.attributes.get("dir", "").lower() in ("ltr", "rtl", "auto"):
        values["dir"] = node.attributes["dir"].lower()
    start = "<span" + "".join(f' {name}="{value}"' for name, value in values.items()) + ">"
    if not values or any(name == "span" and known == start for name, known in formats):
        return formats
    return (*(item for item in formats if item[0] != "span"), ("span", start))


def _list(tag: str, items: list[Block]) -> Block:
    return Block("list", f"<{tag}>{_html(items)}</{tag}>", _text(items))


def _row(cells: list[tuple[Node, list[Block]]]) -> str:
    html = []
    for cell, blocks in cells:
        tag = "th" if cell.tag == "th" else "td"
        spans = "".join(
            f' {name}="{int(value)}"'
            for name in ("colspan", "rowspan")
            if re.fullmatch(r"[0-9]{1,2}", value := cell.attributes.get(name, "")) and 1 < int(value) <= 20
        )
        html.append(f"<{tag}{spans}>{_compact(blocks)}</{tag}>")
    return f"<tr>{''.join(html)}</tr>"


def _preformatted(node: Node) -> list[Block]:
    def texts(parent: Node) -> Iterator[str]:
        for child in parent.children:
            if isinstance(child, str):
                yield child
            elif child.tag == "br":
                yield "\n"
            else:
                yield from texts(child)

    text = "".join(texts(node)).replace("\r\n", "\n").replace("\xa0", " ").strip("\n")
    if not text.strip():
        return []
    return [Block("pre", f"<pre>{escape(text, quote=False)}</pre>", _SPACE.sub(" ", text).strip())]


def _compact(blocks: list[Block]) -> str:
    """Return HTML for a list item or a cell, without the tag of a single paragraph at its beginning."""
    if blocks and blocks[0].kind == "p" and all(block.kind != "p" for block in blocks[1:]):
        return blocks[0].inner + _html(blocks[1:])
    return _html(blocks)


def _html(blocks: Iterable[Block]) -> str:
    return "".join(block.html for block in blocks)


def _text(blocks: Iterable[Block]) -> str:
    return " ".join(block.text for block in blocks if block.text)


def _without_loose_rules(blocks: list[Block]) -> list[Block]:
    """Drop rules (hr) that separate no content: at the beginning, at the end, repeated ones."""
    kept: list[Block] = []
    for block in blocks:
        if block.kind != "hr" or (kept and kept[-1].kind != "hr"):
            kept.append(block)
    return kept[:-1] if kept and kept[-1].kind == "hr" else kept


def _line_groups(runs: Sequence[_Run]) -> Iterator[list[list[_Run]]]:
    """Yield groups of lines (lists of runs); empty lines separate groups."""
    lines: list[list[_Run]] = [[]]
    for run in runs:
        if run[0] == _BREAK:
            lines.append([])
        else:
            lines[-1].append(run)
    group: list[list[_Run]] = []
    for line in lines:
        trimmed = _trimmed(line)
        if trimmed:
            group.append(trimmed)
        elif group:
            yield group
            group = []
    if group:
        yield group


def _trimmed(line: list[_Run]) -> list[_Run]:
    """Return a line with single spaces between its words and none around them.

    A space between two formats gets only their common formats, so that no link begins or ends with one.
    """
    kept: list[_Run] = []
    space = False
    for text, formats in line:
        words = text.strip(" ")
        if words and kept and (space or text.startswith(" ")):
            kept.append((" ", _common(kept[-1][1], formats)))
        if words:
            kept.append((words, formats))
            space = text.endswith(" ")
        else:
            space = space or bool(text)
    return kept


def _common(one: tuple[_Format, ...], other: tuple[_Format, ...]) -> tuple[_Format, ...]:
    shared = 0
    while shared < min(len(one), len(other)) and one[shared] == other[shared]:
        shared += 1
    return one[:shared]


def _inline(lines: list[list[_Run]], separator: str = _BREAK) -> tuple[str, str]:
    """Return lines as HTML and as plain text, with `separator` between them; a break becomes `<br>`."""
    runs: list[_Run] = []
    for line in lines:
        if runs:
            runs.append((separator, _common(runs[-1][1], line[0][1])))
        runs += line
    html: list[str] = []
    opened: tuple[_Format, ...] = ()
    for text, formats in (*runs, ("", ())):
        shared = len(_common(opened, formats))
        html += [f"</{tag}>" for tag, _ in reversed(opened[shared:])]
        html += [start for _, start in formats[shared:]]
        html.append("<br>" if text == _BREAK else escape(text, quote=False))
        opened = formats
    return "".join(html), "".join(" " if text == _BREAK else text for text, _ in runs)
