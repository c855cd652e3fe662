"""Convert an image on stdin to WebP files of several widths on stdout. Run by image_cache.py.

Only this separate process decodes images from outside: with limited memory and time, without settings or
secrets. Before it decodes, it gives up nearly all system calls: it can open no file, make no connection,
start no program and reach no process. If it crashes, the event has no new image and the run goes on.

Usage: convert_image.py MEMORY WIDTH=BYTES ...    decode within MEMORY bytes; then one file per argument,
                                                  at most WIDTH pixels wide, about BYTES large

stdout  one line of JSON, {"sizes": [...]}, then the files, one after the other
        or {"cause": "..."} if the image is unusable (exit code 65)
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import resource
import sys
import warnings
from collections.abc import Sequence

# All that decoding needs: nothing can be imported after confine().
from PIL import (  # noqa: F401
    AvifImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
# The memory of an image is limited, not its pixels: a JPEG is decoded at a fraction of its size. Bytes per
# pixel, measured with Pillow 13; by mode, since a palette or transparency needs a second copy.
_BYTES = {"WEBP": 16, "AVIF": 9, "GIF": 6}
_BYTES_OF_MODE = {"1": 1, "L": 1, "P": 5, "PA": 5, "RGBA": 8, "LA": 8}
MAX_PIXELS = 200_000_000
MIN_SIDE = 48
# WebP qualities to try until the file is small enough; the last one is accepted at any size. If the first
# file is FAR_TOO_LARGE times the target size, the second quality is skipped.
QUALITIES = (78, 60, 45)
FAR_TOO_LARGE = 1.7
# An image taller than this times its width is made narrower: WebP allows at most 16,383 pixels.
MAX_RATIO = 2

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset(_TURNS[turn] for turn in (5, 6, 7, 8))

# The memory of Python and Pillow themselves.
BASE_MEMORY = 130_000_000
CPU_SECONDS = 15
EXIT_UNUSABLE = 65

# The system calls that remain, by the machine's name; then AUDIT_ARCH_... of linux/audit.h. In order: read,
# write, close, lseek, mmap, mprotect, munmap, brk, mremap, madvise, rt_sigaction, rt_sigprocmask,
# rt_sigreturn, sigaltstack, futex, sched_yield, clock_gettime, getpid, gettid, getrandom, exit, exit_group.
_CALLS = {
    "x86_64": (
        0xC000003E,
        (0, 1, 3, 8, 9, 10, 11, 12, 25, 28, 13, 14, 15, 131, 202, 24, 228, 39, 186, 318, 60, 231),
    ),
    "aarch64": (
        0xC00000B7,
        (
            63,
            64,
            57,
            62,
            222,
            226,
            215,
            214,
            216,
            233,
            134,
            135,
            139,
            132,
            98,
            124,
            113,
            172,
            178,
            278,
            93,
            94,
        ),
    ),
}


class UnusableImage(Exception):
    """The image is unusable; the text is the cause in one word, for the log."""


def main() -> int:
    """Convert stdin to stdout; return the exit code."""
    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory + BASE_MEMORY, memory + BASE_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = sys.stdin.buffer.read()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # confined, it cannot start more
    confine()
    sizes = [(int(width), int(size)) for width, size in (item.split("=") for item in sys.argv[2:])]
    try:
        files = convert(data, sizes, memory)
    except UnusableImage as error:
        sys.stdout.write(json.dumps({"cause": str(error)}) + "\n")
        return EXIT_UNUSABLE
    header = json.dumps({"sizes": [len(data) for data in files]}) + "\n"
    sys.stdout.buffer.write(header.encode() + b"".join(files))
    return 0


def confine() -> None:
    """Let the kernel refuse all system calls but those of _CALLS, with EPERM (seccomp). Raises OSError.

    On another system than Linux, or another processor, it does nothing.
    """
    machine = os.uname()
    if machine.sysname != "Linux" or machine.machine not in _CALLS:
        return
    architecture, calls = _CALLS[machine.machine]
    load, equal, answer = 0x20, 0x15, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K
    allow, refuse = 0x7FFF0000, 0x00050001  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO|EPERM
    # struct seccomp_data: the call's number at 0, the architecture at 4. A call of another architecture, with
    # other numbers, is refused; one of x32 has a number that is in no list.
    rules = [(load, 0, 0, 4), (equal, 1, 0, architecture), (answer, 0, 0, refuse), (load, 0, 0, 0)]
    rules += [(equal, len(calls) - place, 0, number) for place, number in enumerate(calls)]
    rules += [(answer, 0, 0, refuse), (answer, 0, 0, allow)]
    filters = (_Rule * len(rules))(*(_Rule(*rule) for rule in rules))
    program = _Program(len(rules), filters)
    libc = ctypes.CDLL(None, use_errno=True)
    # PR_SET_NO_NEW_PRIVS, which the kernel asks for; PR_SET_SECCOMP with SECCOMP_MODE_FILTER
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "cannot confine the converter")


class _Rule(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("rules", ctypes.POINTER(_Rule)))


def convert(data: bytes, sizes: Sequence[tuple[int, int]], memory: int) -> list[bytes]:
    """Return `data` as WebP, a file for each of `sizes` (width, bytes to aim at), no wider than it was.

    Raises UnusableImage.
    """
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _draft(image, max(width for width, _ in sizes))
                _check(image, memory)
                flattened = _flattened(_shrunk(image, max(width for width, _ in sizes)))
        return [_encoded(flattened, width, aim) for width, aim in sizes]
    except UnusableImage:
        raise
    except UnidentifiedImageError:
        raise UnusableImage("not_an_image") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnusableImage("too_many_pixels") from None
    except MemoryError:
        raise UnusableImage("too_much_memory") from None
    # Pillow raises almost any exception for damaged data.
    except Exception:
        raise UnusableImage("damaged") from None


def _box(image: Image.Image, width: int) -> tuple[int, int]:
    """Return the largest width and height to shrink to, before the image is turned upright."""
    box = (width, width * MAX_RATIO)
    return (box[1], box[0]) if _turn(image) in _SIDEWAYS else box


def _draft(image: Image.Image, width: int) -> None:
    """Let a JPEG be decoded at a half, a quarter or an eighth, but at no less than twice its final size."""
    box = _box(image, width)
    factor = 2 * min(box[0] / image.width, box[1] / image.height, 0.5)
    image.draft(None, (int(image.width * factor), int(image.height * factor)))


def _check(image: Image.Image, memory: int) -> None:
    each = _BYTES.get(image.format or "") or _BYTES_OF_MODE.get(image.mode, 4)
    if image.width * image.height * each > memory:
        raise UnusableImage("too_much_memory")
    if min(image.size) < MIN_SIDE:
        raise UnusableImage("too_small")


def _shrunk(image: Image.Image, width: int) -> Image.Image:
    """Return the first frame, upright and shrunk. Avoids decoding it at a larger size than needed."""
    box, turn = _box(image, width), _turn(image)
    if image.mode == "P":
        # With a palette, shrinking would drop pixels instead of averaging them.
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    elif image.mode.startswith("I;16") or image.mode == "I":
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    image.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return image if turn is None else image.transpose(turn)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return the transposition that makes the image upright, from its EXIF data."""
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # use the image even if its EXIF data is damaged
        return None


def _flattened(image: Image.Image) -> Image.Image:
    """Return the image in sRGB on a white background, without any metadata."""
    if image.info.get("icc_profile") and image.mode in ("RGB", "CMYK"):
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
            image = (
                ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
                or image
            )
        except (ImageCms.PyCMSError, OSError, TypeError):
            pass  # damaged color profile: use the colors unchanged
    canvas = Image.new("RGB", image.size, "white")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        canvas.paste(image, mask=image)
    else:
        canvas.paste(image.convert("RGB"))
    return canvas


def _encoded(image: Image.Image, width: int, aim: int) -> bytes:
    sized = image.copy()
    sized.thumbnail((width, width * MAX_RATIO), Image.Resampling.LANCZOS)
    data = _webp(sized, QUALITIES[0])
    if len(data) <= aim:
        return data
    rest = QUALITIES[-1:] if len(data) > FAR_TOO_LARGE * aim else QUALITIES[1:]
    for quality in rest:
        data = _webp(sized, quality)
        if len(data) <= aim:
            break
    return data


def _webp(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "WEBP", quality=quality, method=4)
    return file.getvalue()


if __name__ == "__main__":
    sys.exit(main())
