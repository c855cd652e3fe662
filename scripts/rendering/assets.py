"""The published files beside the pages: style sheet, scripts, icons, the logo and the events' images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import site_paths
from event import IMAGE_WIDTHS, image_file
from rendering import colors, share_image, svg
from rendering.render import TEMPLATES
from rendering.views import Image
from settings import ROOT, SettingError, Settings

# Each page loads one script, made from these files. Other files of templates/static/ stay single.
BUNDLES = {
    "list.js": ("site.js", "hours.js", "page.js", "search.js", "list.js"),
    "event.js": ("site.js", "page.js", "event.js"),
    "newsletter.js": ("newsletter.js",),
}
# Placeholders in the SVG files of templates/static/.
_BRAND, _ON_BRAND = b"@BRAND@", b"@ON_BRAND@"
MAX_LOGO_BYTES = 200_000
FONT = "hanken-grotesk.woff2"
# After the style sheet, whose fonts it replaces. "optional": a page that is shown before the font has
# arrived keeps the device's own, and does not jump.
_FACE = (
    b'@font-face{font-family:"Hanken Grotesk";src:url(%b) format("woff2");font-weight:400 700;'
    b'font-display:optional}\n:root{--face:"Hanken Grotesk",system-ui,-apple-system,"Segoe UI",Roboto,'
    b'"Noto Sans","Helvetica Neue",Arial,sans-serif;--sans:var(--face);--serif:var(--face)}\n'
)


def static_files(settings: Settings, templates: Path = TEMPLATES) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return `{"style.css": "static/style.<hash>.css"}` and `{path: bytes}` of templates/static/."""
    sources = {path.name: path.read_bytes() for path in sorted((templates / "static").iterdir())}
    parts = {name for bundle in BUNDLES.values() for name in bundle}
    files = {name: data for name, data in sources.items() if name not in parts}
    for name, bundle in BUNDLES.items():
        # In a function, so that no name becomes a property of the window.
        files[name] = b"(() => {\n%b})();\n" % b"".join(sources[part] for part in bundle)
    brand = settings.brand_color
    files[share_image.NAME] = share_image.png(brand)
    files[share_image.TOUCH_ICON] = share_image.touch_icon(brand)
    face = b""
    if settings.font == "bundled":
        files[FONT] = (templates / "fonts" / FONT).read_bytes()
        face = _FACE % site_paths.hashed(FONT, files[FONT]).removeprefix("static/").encode()
    paths, contents = {}, {}
    for name, data in sorted(files.items()):
        if name.endswith(".js"):
            data = without_comments(data)
        if name == "style.css":
            data = colors.properties(brand).encode() + data + face
        elif name.endswith(".svg"):
            data = data.replace(_BRAND, brand.encode()).replace(_ON_BRAND, colors.on(brand).encode())
        paths[name] = site_paths.hashed(name, data)
        contents[paths[name]] = data
    return paths, contents


def without_comments(script: bytes) -> bytes:
    """Return a script without indentation, blank lines and comment lines."""
    lines = (line.strip() for line in script.split(b"\n"))
    return b"\n".join(line for line in lines if line and not line.startswith(b"//")) + b"\n"


@dataclass(frozen=True, slots=True)
class Logo:
    """The library's logo; `ratio` is width by height, to reserve space for it on the page."""

    path: str
    data: bytes
    ratio: float


def logo(settings: Settings) -> Logo | None:
    """Return the logo in the file LOGO, None if not set; raise SettingError unless it is a PNG or SVG."""
    if not settings.logo:
        return None
    file = Path(ROOT, settings.logo)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SettingError("LOGO", f"cannot be read: {file}: {error.strerror}") from error
    if len(data) > MAX_LOGO_BYTES:
        raise SettingError("LOGO", f"names {file}, which is larger than {MAX_LOGO_BYTES // 1000} kB")
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) > 24:
        width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
        suffix, ratio = ".png", width / height if height else 0.0
    else:
        suffix, ratio = ".svg", _svg_ratio(data)
        if ratio and (why := svg.why_unsafe(data)):
            raise SettingError("LOGO", f"names {file}, which {why}: export it as a plain SVG, or use a PNG")
    if not 0.05 <= ratio <= 20:
        raise SettingError(
            "LOGO",
            f"names {file}: it must be a PNG or an SVG with a viewBox, one side at most 20 times the other",
        )
    return Logo(site_paths.hashed("logo" + suffix, data), data, ratio)


def _svg_ratio(data: bytes) -> float:
    """Return width by height of an SVG with a viewBox, else 0."""
    root = re.search(rb"<svg\b[^>]*", data)
    if not root or b"<!ENTITY" in data:
        return 0.0
    box = re.search(
        rb"""\bviewBox\s*=\s*["'][-\d.]+[\s,]+[-\d.]+[\s,]+(\d[\d.]*)[\s,]+(\d[\d.]*)["']""", root[0]
    )
    try:
        return float(box[1]) / float(box[2]) if box else 0.0
    except (ValueError, ZeroDivisionError):
        return 0.0


class ImageFolder:
    """The images of the events, which fetch has written to `folder` (see event.image_file)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, dict[int, Image]] = {}

    def of(self, stem: str) -> dict[int, Image]:
        """Return the sizes of the image `stem`, by nominal width; empty if it has no files."""
        if stem not in self._known:
            self._known[stem] = {}
            if re.fullmatch(r"[A-Za-z0-9_-]{1,100}", stem):
                self._known[stem] = self._sizes(stem)
        return self._known[stem]

    def _sizes(self, stem: str) -> dict[int, Image]:
        from PIL import Image as Picture
        from PIL import UnidentifiedImageError

        found = {}
        for width in IMAGE_WIDTHS:
            try:
                with Picture.open(self._file(stem, width)) as picture:
                    path = site_paths.image(stem, width)
                    found[width] = Image(path=path, width=picture.width, height=picture.height)
            except (FileNotFoundError, UnidentifiedImageError):
                continue
        return found

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield path and content of the images that `of` has returned so far."""
        for stem, sizes in self._known.items():
            for width, image in sizes.items():
                yield image.path, self._file(stem, width).read_bytes()

    def _file(self, stem: str, width: int) -> Path:
        return self._folder / image_file(stem, width)
