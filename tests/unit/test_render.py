"""The template environment: undefined variables, escaping, surrogates."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from rendering import render


def test_an_undefined_variable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ unknown }}")
    with pytest.raises(UndefinedError):
        render.Renderer({}, tmp_path)("page.html")


def test_html_and_xml_are_escaped(tmp_path: Path) -> None:
    for name in ("page.html", "page.xml"):
        (tmp_path / name).write_text("{{ text }}")
        assert render.Renderer({}, tmp_path)(name, text="<b>&\"'") == b"&lt;b&gt;&amp;&#34;&#39;"


def test_a_lone_surrogate_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ text }}")
    assert render.Renderer({}, tmp_path)("page.html", text="a\ud800b") == b"a?b"
