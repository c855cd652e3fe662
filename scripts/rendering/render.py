"""The Jinja environment: templates and data in, bytes out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from rendering.lists import Card
from rendering.views import slug
from settings import ROOT

TEMPLATES = ROOT / "templates"


@cache
def environment(templates: Path = TEMPLATES) -> Environment:
    """Return the environment of a folder: it escapes every value, and an undefined name is an error."""
    made = Environment(
        loader=FileSystemLoader(templates),
        autoescape=select_autoescape(("html", "xml")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["slug"] = slug
    return made


class Renderer:
    """Renders templates with the values that all of them share."""

    def __init__(self, shared: Mapping[str, Any], templates: Path = TEMPLATES) -> None:
        self._environment = environment(templates)
        self._shared = {**shared, "card": self.card}
        self._cards: dict[tuple[object, ...], Markup] = {}

    def __call__(self, template: str, **context: Any) -> bytes:
        """Render a template to UTF-8; a lone surrogate, which UTF-8 cannot encode, becomes `?`."""
        text = self._environment.get_template(template).render({**self._shared, **context})
        return text.encode("utf-8", "replace")

    def card(self, card: Card, root: str, times: str) -> Markup:
        """Render one event of a list, once for all lists of the same folder depth."""
        program = card.program
        key = (
            card.view.event.id,
            program.spans,
            program.where,
            root,
            times,
            card.rich,
            card.eager,
            card.label,
        )
        if key not in self._cards:
            template = self._environment.get_template("_card.html")
            text = template.render(
                card=card,
                program=program,
                view=card.view,
                root=root,
                times=times,
                ages=self._shared["ages"],
            )
            # The template has escaped its values.
            self._cards[key] = Markup(text)  # noqa: S704
        return self._cards[key]
