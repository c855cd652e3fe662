"""The Jinja environment and the hashed static files: templates and data in, bytes out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from files import sha256
from settings import ROOT, Settings

TEMPLATES = ROOT / "templates"


def environment(templates: Path = TEMPLATES) -> Environment:
    """Return the one environment: everything escaped, nothing undefined."""
    return Environment(
        loader=FileSystemLoader(templates),
        autoescape=select_autoescape(("html", "xml")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )


def static_files(settings: Settings, templates: Path = TEMPLATES) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return `{"style.css": "static/style.<hash>.css"}` and `{path: bytes}` of templates/static/.

    The hash is that of the content, so that a file can be cached for ever.
    """
    paths: dict[str, str] = {}
    contents: dict[str, bytes] = {}
    for source in sorted((templates / "static").iterdir()):
        data = source.read_bytes()
        if source.suffix == ".css":
            data = f":root {{ --brand: {settings.brand_color}; }}\n".encode() + data
        name = PurePosixPath(source.name)
        path = f"static/{name.stem}.{sha256(data)[:10]}{name.suffix}"
        paths[source.name] = path
        contents[path] = data
    return paths, contents


class Renderer:
    """Renders templates with what all of them share; `assets` maps a static file to its path."""

    def __init__(self, shared: Mapping[str, Any], templates: Path = TEMPLATES) -> None:
        self._environment = environment(templates)
        self._environment.globals.update(shared)

    def __call__(self, template: str, **context: Any) -> bytes:
        """Render one template to UTF-8."""
        return self._environment.get_template(template).render(context).encode()
