from __future__ import annotations

import io
import json
import os
import struct
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image, ImageCms

from fetching import convert_image, image_cache
from fetching.deadline import Deadline
from fetching.download import Fetched, NotFetched
from fetching.image_cache import ImageCache, run_converter
from log import Log

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=ZoneInfo("America/New_York"))
ONE, TWO, THREE = (f"https://a.org/{number}.png" for number in (1, 2, 3))


def file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def flat(color: str = "red", size: tuple[int, int] = (64, 64)) -> bytes:
    return file(Image.new("RGB", size, color))


def photo(width: int, height: int) -> Image.Image:
    """Return an image with about as much detail as a photograph, always the same."""
    size = (width // 8, height // 8)
    shapes = Image.effect_mandelbrot(size, (-2, -1.2, 1, 1.2), 60)
    channels = (shapes, shapes.rotate(180), shapes.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    return Image.merge("RGB", channels).resize((width, height), Image.Resampling.BICUBIC)


def converted(data: bytes) -> list[Image.Image]:
    """Return the WebP files of an image; not the JPEG for shared links."""
    files = convert_image.convert(data, image_cache.SIZES, image_cache.MEMORY_ALONE)
    return [Image.open(io.BytesIO(each)) for each in files]


def cause(data: bytes) -> str:
    with pytest.raises(NotFetched) as caught:
        run_converter(data, Deadline(30))
    return caught.value.cause


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, int, int]:
    red, green, blue = (image.convert("RGB").getchannel(channel).getpixel((x, y)) for channel in "RGB")
    assert isinstance(red, int)
    assert isinstance(green, int)
    assert isinstance(blue, int)
    return red, green, blue


# --- One image ---------------------------------------------------------------------------------


def test_a_photograph_becomes_three_small_files() -> None:
    files = run_converter(file(photo(1800, 1350), "JPEG", quality=92), Deadline(30))
    pictures = [Image.open(io.BytesIO(each)) for each in files]
    assert [shown.format for shown in pictures] == ["WEBP"] * 3
    assert [shown.size for shown in pictures] == [(320, 240), (800, 600), (1600, 1200)]
    assert [len(each) <= most for each, most in zip(files, (15_000, 45_000, 80_000), strict=True)] == [
        True
    ] * 3


def test_a_photograph_of_48_megapixels_is_decoded_at_a_fraction_of_its_size() -> None:
    photograph = file(Image.new("RGB", (8064, 6048), "teal"), "JPEG", quality=40)
    shown = Image.open(io.BytesIO(run_converter(photograph, Deadline(30), image_cache.MEMORY)[2]))
    assert shown.size == (1600, 1200)


def test_a_print_poster_is_converted_alone() -> None:
    poster = file(Image.new("RGB", (6600, 5100), "white"), "PNG", compress_level=1)
    assert Image.open(io.BytesIO(run_converter(poster, Deadline(30))[2])).size == (1600, 1236)
    with pytest.raises(NotFetched, match="too_much_memory"):
        run_converter(
            file(Image.new("RGB", (8000, 5000)), "PNG", compress_level=1), Deadline(30), image_cache.MEMORY
        )


def test_avif_is_converted() -> None:
    shown = Image.open(io.BytesIO(run_converter(file(photo(1800, 1350), "AVIF"), Deadline(30))[1]))
    assert (shown.format, shown.size) == ("WEBP", (800, 600))


def test_an_image_is_never_enlarged() -> None:
    assert [shown.size for shown in converted(flat(size=(500, 400)))] == [
        (320, 256),
        (500, 400),
        (500, 400),
    ]


@pytest.mark.parametrize(("size", "largest"), [((100, 5000), (64, 3200)), ((6000, 60), (1600, 16))])
def test_an_image_of_an_extreme_shape_stays_within_the_limits_of_webp(
    size: tuple[int, int], largest: tuple[int, int]
) -> None:
    assert converted(flat(size=size))[-1].size == largest


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_transparent_pixels_become_white(kind: str) -> None:
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (32, 0, 64, 64))
    for shown in converted(file(image, kind, **({"lossless": True} if kind == "WEBP" else {}))):
        assert shown.mode == "RGB"
        assert min(pixel(shown, 8, 32)) > 245
        red, green, _ = pixel(shown, 56, 32)
        assert red > 225 > 30 > green


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_png_mode_is_converted(mode: str) -> None:
    white = 65_000 if mode == "I;16" else "white"
    image = Image.new(mode, (64, 64), white)
    assert min(pixel(converted(file(image))[0], 32, 32)) > 240


def test_cmyk_and_grayscale_jpegs_are_converted() -> None:
    for mode, color in (("CMYK", (0, 0, 0, 0)), ("L", 255)):
        assert min(pixel(converted(file(Image.new(mode, (64, 64), color), "JPEG"))[0], 32, 32)) > 240


def test_an_image_is_turned_upright_and_loses_its_metadata() -> None:
    image = Image.new("RGB", (400, 200), "white")
    image.paste((255, 0, 0), (0, 0, 200, 200))
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: the camera was held upright
    exif[0x010F] = "planted maker"
    exif[0x8825] = {1: "N", 2: (43.0, 38.0, 32.0)}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = file(image, "JPEG", quality=95, exif=exif, icc_profile=profile, comment=b"planted comment")
    assert b"planted" in data
    for shown in converted(data):
        assert shown.size[0] < shown.size[1]
        assert pixel(shown, 50, 20)[1] < 60
        assert pixel(shown, 50, shown.height - 20)[1] > 200
        assert not shown.getexif()
        assert not {"exif", "icc_profile", "xmp", "comment"} & set(shown.info)
    assert b"planted" not in b"".join(
        convert_image.convert(data, image_cache.SIZES, image_cache.MEMORY_ALONE)
    )


def test_an_animation_becomes_its_first_frame() -> None:
    frames = [Image.new("P", (64, 64), color) for color in (0, 1)]
    for frame in frames:
        frame.putpalette([255, 0, 0, 0, 0, 255] + [0] * 762)
    data = file(frames[0], "GIF", save_all=True, append_images=frames[1:])
    shown = converted(data)[0]
    assert getattr(shown, "n_frames", 1) == 1
    assert pixel(shown, 32, 32)[0] > 200


def png(width: int, height: int, *, rows: int = 0) -> bytes:
    """Return a PNG with this size in its header, and with `rows` rows of data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\x00" * ((1 + width * 3) * rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def gif(canvas: int, frame: int) -> bytes:
    """Return a GIF whose only frame is larger than its canvas."""
    start = b"GIF89a" + struct.pack("<HH", canvas, canvas) + b"\xf0\x00\x00" + b"\xff" * 6
    return start + b"\x2c" + struct.pack("<HHHH", 0, 0, frame, frame) + b"\x00\x02\x02\x44\x01\x00\x3b"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "not_an_image"),
        (b"<html>", "not_an_image"),
        (b"%PDF-1.7", "not_an_image"),
        (file(Image.new("RGB", (64, 64)), "BMP"), "not_an_image"),
        (file(Image.new("RGB", (64, 64)), "TIFF"), "not_an_image"),
        (b"\x89PNG\r\n\x1a\n", "not_an_image"),
        (file(photo(400, 300), "JPEG")[:3000], "damaged"),
        (png(200, 200, rows=200)[:-30], "damaged"),
        (png(14_000, 14_000), "too_much_memory"),
        (png(9_000, 9_000), "too_much_memory"),
        (png(100_000, 100_000), "too_many_pixels"),
        (gif(60, 60_000), "too_many_pixels"),
        (flat(size=(1, 1)), "too_small"),
        (flat(size=(400, 47)), "too_small"),
    ],
)
def test_an_unusable_image_is_refused_with_a_cause(data: bytes, expected: str) -> None:
    with pytest.raises(convert_image.UnusableImage, match=expected):
        convert_image.convert(data, image_cache.SIZES, image_cache.MEMORY_ALONE)


def test_an_image_is_converted_in_a_separate_process() -> None:
    data = flat()
    assert run_converter(data, Deadline(30)) == convert_image.convert(
        data, image_cache.SIZES, image_cache.MEMORY_ALONE
    )
    assert cause(png(14_000, 14_000)) == "too_much_memory"


def test_a_hanging_converter_is_stopped_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text("import time; time.sleep(600)")
    monkeypatch.setattr(image_cache, "_CONVERTER", slow)
    with pytest.raises(NotFetched, match="deadline"):
        run_converter(flat(), Deadline(0.3))


@pytest.mark.parametrize(
    "program",
    [
        "import os; os.abort()",
        "print('nonsense')",
        "raise SystemExit(1)",
        "pass",
        "print('[]')",
        "print('{\"sizes\": 5}')",
    ],
)
def test_a_converter_that_crashes_costs_one_image(
    program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text(program)
    monkeypatch.setattr(image_cache, "_CONVERTER", broken)
    assert cause(flat()) == "crashed"


def test_the_converter_sees_no_settings_and_no_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    curious = tmp_path / "curious.py"
    curious.write_text(
        "import json, os; print(json.dumps({'cause': ','.join(os.environ)})); raise SystemExit(65)"
    )
    monkeypatch.setenv("LIBCAL_CLIENT_SECRET", "planted")
    monkeypatch.setattr(image_cache, "_CONVERTER", curious)
    assert "LIBCAL" not in cause(flat())


# --- All images --------------------------------------------------------------------------------


@dataclass
class Web:
    """Stand-in for the downloader, which has its own tests: a page or a cause of failure for each address."""

    pages: dict[str, bytes | str | Callable[[], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def get(self, address: str, deadline: Deadline, *, etag: str = "", last_modified: str = "") -> Fetched:
        self.asked.append(address)
        page = self.pages.get(address, "http_404")
        if isinstance(page, str):
            raise NotFetched(page)
        data = page if isinstance(page, bytes) else page()
        mark = f'"{zlib.crc32(data)}"'
        return Fetched(data=None if etag == mark else data, etag=mark, last_modified="")


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.web = Web()
        self.text = io.StringIO()

    def run(
        self, *addresses: str, hours: float = 0, seconds: float = 30, kept: tuple[str, ...] = ()
    ) -> ImageCache:
        self.web.asked.clear()
        found = ImageCache(self.folder, NOW + timedelta(hours=hours), Log("fetch", run="r", stream=self.text))
        found.refresh(addresses, self.web, Deadline(seconds))  # type: ignore[arg-type]
        found.save([*(found.stem(address) for address in addresses), *kept])
        return found

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*"))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    def in_this_process(data: bytes, deadline: Deadline, memory: int) -> list[bytes]:
        try:
            return convert_image.convert(data, image_cache.SIZES, image_cache.MEMORY_ALONE)
        except convert_image.UnusableImage as error:
            raise NotFetched(str(error)) from None

    monkeypatch.setattr(image_cache, "run_converter", in_this_process)
    return World(tmp_path / "images")


def test_an_image_is_named_by_its_content_and_checked_once_a_day(world: World) -> None:
    world.web.pages = {ONE: flat(), TWO: flat()}
    found = world.run(ONE, TWO, ONE)
    stem = found.stem(ONE)
    assert found.stem(TWO) == stem
    assert world.files == [
        f"{stem}-1600.webp",
        f"{stem}-320.webp",
        f"{stem}-800.webp",
        "index.json",
    ]
    assert sorted(world.web.asked) == [ONE, TWO]
    assert found.has(stem)
    index = (world.folder / "index.json").read_text()

    world.run(ONE, TWO, hours=23)
    assert world.web.asked == []
    again = world.run(ONE, TWO, hours=24)
    assert sorted(world.web.asked) == [ONE, TWO]
    assert again.stem(ONE) == stem
    assert (world.folder / "index.json").read_text() != index


def test_a_new_image_at_an_old_address_replaces_it(world: World) -> None:
    world.web.pages = {ONE: flat("red")}
    before = world.run(ONE).stem(ONE)
    world.web.pages = {ONE: flat("blue")}
    after = world.run(ONE, hours=25).stem(ONE)
    assert after != before
    assert all(name.startswith((after, "index")) for name in world.files)


def test_a_failed_download_keeps_the_previous_image_and_is_retried_after_an_hour(world: World) -> None:
    world.web.pages = {ONE: flat()}
    stem = world.run(ONE).stem(ONE)
    pages: list[bytes | str] = ["http_404", b"<svg>", "timeout"]
    for number, page in enumerate(pages):
        world.web.pages = {ONE: page}
        assert world.run(ONE, hours=25 + 2 * number).stem(ONE) == stem
        assert world.web.asked == [ONE]
        world.run(ONE, hours=25.5 + 2 * number)
        assert world.web.asked == []
    assert (
        f'level=warn step=fetch run=r msg="image not fetched; keeping the earlier one, if any" address={ONE} cause=http_404'
        in world.text.getvalue()
    )
    assert "cause=not_an_image" in world.text.getvalue()


def test_an_image_that_was_never_downloaded_has_no_files(world: World) -> None:
    assert world.run(ONE).stem(ONE) == ""
    assert world.run(ONE, hours=0.5).stem(ONE) == ""
    assert world.web.asked == []
    assert world.files == ["index.json"]


def test_a_hanging_download_does_not_delay_the_run_and_is_not_first_in_the_next(world: World) -> None:
    let_go = threading.Event()

    def hang() -> bytes:
        let_go.wait()
        return b""

    world.web.pages = {ONE: hang, TWO: flat()}
    found = world.run(ONE, TWO, seconds=5)
    assert found.stem(TWO)
    assert json.loads((world.folder / "index.json").read_text())["images"][ONE]["cause"] == "deadline"
    world.run(ONE, TWO, hours=0.5)
    assert world.web.asked == []
    let_go.set()


def test_downloads_are_deferred_when_there_is_no_time(world: World) -> None:
    world.web.pages = {ONE: flat()}
    world.run(ONE, TWO, seconds=0)
    assert world.web.asked == []
    assert "deferred=2" in world.text.getvalue()
    assert world.run(ONE, hours=0.25).stem(ONE)


def test_new_images_are_fetched_before_those_due_for_a_check(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_cache, "WORKERS", 1)
    world.web.pages = {ONE: flat(), TWO: flat("blue"), THREE: flat("green")}
    world.run(ONE)
    world.run(ONE, TWO, hours=1)
    world.run(TWO, ONE, THREE, hours=26)
    assert world.web.asked == [THREE, ONE, TWO]


def test_files_are_removed_after_a_month_without_an_event(world: World) -> None:
    world.web.pages = {ONE: flat(), TWO: flat("blue")}
    first = world.run(ONE, TWO)
    one, two = first.stem(ONE), first.stem(TWO)
    world.run(ONE, hours=24 * 29)
    assert any(name.startswith(two) for name in world.files)
    world.run(ONE, hours=24 * 31, kept=(two,))
    assert any(name.startswith(two) for name in world.files)
    world.run(ONE, hours=24 * 31)
    assert {name[:16] for name in world.files} == {one, "index.json"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"version": 0}',
        b'{"version": 1, "images": {"x": {"stem": 5}}}',
        b'{"version": 1, "images": {"x": {"y": ""}}}',
        b'{"version": 1, "images": {"x": {"checked": "2026-03-03T09:00:00"}}}',
    ],
)
def test_an_unusable_index_is_replaced(world: World, content: bytes) -> None:
    world.web.pages = {ONE: flat()}
    stem = world.run(ONE).stem(ONE)
    (world.folder / "index.json").write_bytes(content)
    assert world.run(ONE).stem(ONE) == stem
    assert world.web.asked == [ONE]


def test_a_missing_file_is_fetched_again(world: World) -> None:
    world.web.pages = {ONE: flat()}
    stem = world.run(ONE).stem(ONE)
    (world.folder / f"{stem}-800.webp").unlink()
    assert world.run(ONE, hours=1).has(stem)
    assert world.web.asked == [ONE]


def test_a_bug_costs_only_one_image(world: World) -> None:
    def fault() -> bytes:
        raise ZeroDivisionError

    world.web.pages = {ONE: fault, TWO: flat()}
    found = world.run(ONE, TWO)
    assert (found.stem(ONE), bool(found.stem(TWO))) == ("", True)
    assert "cause=ZeroDivisionError" in world.text.getvalue()


def test_a_folder_that_cannot_be_written_raises_an_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.folder.write_text("a file, not a folder")
    world.web.pages = {ONE: flat()}
    with pytest.raises(OSError, match="exists"):
        world.run(ONE)


def test_no_folder_is_created_without_images(world: World) -> None:
    world.run()
    assert not os.path.exists(world.folder)
