"""Static files, logo and images."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

import site_paths
from rendering import assets
from rendering.render import TEMPLATES
from settings import SettingError
from support.page_samples import settings

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 100"><path d="M0 0h9"/></svg>'


def png(path: Path, width: int, height: int) -> Path:
    Image.new("RGB", (width, height), "#1f5f8b").save(path)
    return path


def test_names_of_static_files_contain_their_digest() -> None:
    paths, contents = assets.static_files(settings())
    assert set(paths) == {
        "style.css",
        "icon.svg",
        "share.png",
        "touch-icon.png",
        "newsletter.js",
        "hanken-grotesk.woff2",
        "list.js",
        "event.js",
    }
    for path in paths.values():
        assert re.fullmatch(r"static/[a-z-]+\.[0-9a-f]{10}\.(css|js|svg|png|woff2)", path)
        assert site_paths.hashed(re.sub(r"\.[0-9a-f]{10}\.", ".", Path(path).name), contents[path]) == path


def test_the_brand_color_is_in_style_sheet_and_icon_and_changes_their_names() -> None:
    paths, contents = assets.static_files(settings(BRAND_COLOR="#7A1FA2"))
    assert b"--brand:#7a1fa2" in contents[paths["style.css"]]
    assert b"#7A1FA2" in contents[paths["icon.svg"]]
    assert b"@" not in contents[paths["icon.svg"]]
    other, _ = assets.static_files(settings())
    assert other["style.css"] != paths["style.css"]
    assert other["list.js"] == paths["list.js"]


def test_only_comments_and_indentation_are_removed_from_scripts() -> None:
    script = b"  // a comment\n\n  const url = 'https://x';  // kept\n    done();\n"
    assert assets.without_comments(script) == b"const url = 'https://x';  // kept\ndone();\n"
    for path in (TEMPLATES / "static").glob("*.js"):
        # A line within a template literal could look like a comment.
        assert all(line.count("`") % 2 == 0 for line in path.read_text().splitlines()), path


def test_a_logo_is_published_with_its_shape(tmp_path: Path) -> None:
    found = assets.logo(settings(LOGO=str(png(tmp_path / "logo.png", 300, 100))))
    assert found
    assert found.ratio == 3
    assert re.fullmatch(r"static/logo\.[0-9a-f]{10}\.png", found.path)
    (tmp_path / "logo.svg").write_bytes(SVG)
    found = assets.logo(settings(LOGO=str(tmp_path / "logo.svg")))
    assert found
    assert (found.ratio, found.data, found.path[-4:]) == (3, SVG, ".svg")
    assert assets.logo(settings()) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a....................",
        b"<html><body>not found</body></html>",
        b"\x89PNG\r\n\x1a\n",
        b'<svg xmlns="http://www.w3.org/2000/svg"></svg>',
        b'<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + SVG,
        SVG.replace(b"300 100", b"9000 1"),
        SVG.replace(b"300 100", b"300 0"),
        SVG.replace(b"300 100", b"1.2.3 4"),
        SVG + b" " * assets.MAX_LOGO_BYTES,
    ],
)
def test_an_unusable_logo_is_reported_as_a_wrong_setting(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "logo").write_bytes(data)
    with pytest.raises(SettingError) as raised:
        assets.logo(settings(LOGO=str(tmp_path / "logo")))
    assert raised.value.key == "LOGO"


@pytest.mark.parametrize(
    "content",
    [
        "<script>alert(1)</script>",
        "<g><SCRIPT href='data:text/javascript,1'/></g>",
        "<s:script xmlns:s='http://www.w3.org/2000/svg'/>",
        "<foreignObject><p>x</p></foreignObject>",
        "<iframe xmlns='http://www.w3.org/1999/xhtml' src='#'/>",
        "<p xmlns='http://www.w3.org/1999/xhtml'>x</p>",
        "<g onload='alert(1)'/>",
        "<g oNclick='alert(1)'/>",
        "<a href='javascript:alert(1)'><path/></a>",
        "<a xmlns:xlink='http://www.w3.org/1999/xlink' xlink:href='https://evil.example'><path/></a>",
        "<image href='https://evil.example/a.png'/>",
        "<image href='data:image/svg+xml,x'/>",
        "<use href='other.svg#a'/>",
        "<path fill='url(https://evil.example/#a)'/>",
        "<path style='fill:url(//evil.example)'/>",
        "<path style='fill:\\75rl(//evil.example)'/>",
        "<style>@import 'https://evil.example'</style>",
        '<style>path{fill:url( "//evil.example")}</style>',
        "<a><set attributeName='href' to='javascript:alert(1)'/></a>",
        "<a><animate attributeName='onclick' to='alert(1)'/></a>",
        "<?xml-stylesheet href='https://evil.example'?>",
        "<g>",
        "\xff",
    ],
)
def test_a_logo_that_is_more_than_a_picture_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "logo.svg").write_bytes(SVG.replace(b"</svg>", content.encode("latin-1") + b"</svg>"))
    with pytest.raises(SettingError, match="export it as a plain SVG"):
        assets.logo(settings(LOGO=str(tmp_path / "logo.svg")))


def test_a_logo_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_bytes(b"<?xml version='1.0' encoding='ISO-2022-JP'?>" + SVG)
    with pytest.raises(SettingError, match="another encoding"):
        assets.logo(settings(LOGO=str(tmp_path / "logo.svg")))


def test_a_logo_with_declarations_of_its_own_is_refused(tmp_path: Path) -> None:
    attribute = b"<!DOCTYPE svg [<!ATTLIST svg onload CDATA 'alert(1)'>]>"
    (tmp_path / "logo.svg").write_bytes(attribute + SVG)
    with pytest.raises(SettingError, match="declares entities"):
        assets.logo(settings(LOGO=str(tmp_path / "logo.svg")))


def test_a_logo_as_drawing_programs_write_it_is_accepted(tmp_path: Path) -> None:
    data = b"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!-- Created with Inkscape -->
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
  xmlns:i="http://www.inkscape.org/namespaces/inkscape" viewBox="0 0 300 100" i:export-filename="C:\\logo.png">
<metadata><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" r:about="" r:resource="http://purl.org/x"/></metadata>
<style>.a{fill:url(#b)}</style><defs><linearGradient id="b"/></defs>
<path class="a" style="fill:url('#b');stroke:none" d="M0 0h9"/><use xlink:href="#b"/>
<image href="data:image/png;base64,iVBOR"/><text>Bibliotek</text></svg>"""
    (tmp_path / "logo.svg").write_bytes(data)
    assert assets.logo(settings(LOGO=str(tmp_path / "logo.svg")))


def test_a_missing_logo_is_reported_as_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="No such file"):
        assets.logo(settings(LOGO=str(tmp_path / "none.svg")))


def test_images_of_fetch_are_found_and_broken_ones_ignored(tmp_path: Path) -> None:
    for width, height in ((320, 213), (800, 533)):
        Image.new("RGB", (width, height)).save(tmp_path / f"book-1a2b-{width}.webp")
    (tmp_path / "book-1a2b-1600.webp").write_bytes(b"broken")
    images = assets.ImageFolder(tmp_path)
    found = images.of("book-1a2b")
    assert {width: (image.path, image.height) for width, image in found.items()} == {
        320: ("static/320.book-1a2b.webp", 213),
        800: ("static/800.book-1a2b.webp", 533),
    }
    assert {path for path, _ in images.files()} == {"static/320.book-1a2b.webp", "static/800.book-1a2b.webp"}


@pytest.mark.parametrize("stem", ["", "../secret", "a/b", "gone", "a\0b", "x.y"])
def test_a_stem_without_files_or_outside_the_folder_has_no_image(tmp_path: Path, stem: str) -> None:
    Image.new("RGB", (320, 213)).save(tmp_path / "secret-320.webp")
    (tmp_path / "images").mkdir()
    assert assets.ImageFolder(tmp_path / "images").of(stem) == {}
