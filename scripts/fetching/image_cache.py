"""Cache of the events' images in build/images/, as small WebP files named by a digest of their content.

    <stem>-320.webp  <stem>-800.webp  <stem>-1600.webp     at most so many pixels wide; originals are not kept
    index.json       for each address its files, HTTP validators and the time of the last check

If an image cannot be fetched, the event keeps its previous image, or has no image. The run goes on.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from event import IMAGE_WIDTHS, image_file
from fetching.deadline import Deadline, run_jobs
from fetching.download import Downloader, NotFetched
from files import sha256, write_atomic, write_if_changed
from log import Log

# Width of each file in pixels, and its target size in bytes.
SIZES = tuple(zip(IMAGE_WIDTHS, (15_000, 45_000, 80_000), strict=True))
MAX_BYTES = 10_000_000
WORKERS = 4
MAX_CONVERTERS = 2
# Bytes for decoding: of each converter, and of one that runs alone. With Python's own, a container's 512 MB.
MEMORY, MEMORY_ALONE = 140_000_000, 320_000_000
CONVERT_SECONDS = 15.0
IMAGE_SECONDS = 8.0
CHECK_AFTER = timedelta(hours=24)
RETRY_AFTER = timedelta(hours=1)
KEEP_UNUSED = timedelta(days=30)
LOGGED_FAILURES = 10
MAX_ENTRIES = 10_000

VERSION = 2
_CONVERTER = Path(__file__).with_name("convert_image.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedImage:
    """The cached image of one address.

    `stem` is the common part of its file names, empty until there are files. `cause` says why the last
    check failed. `checked` is the time of the last check, `used` the last day on which an event had it.
    """

    stem: str = ""
    etag: str = ""
    last_modified: str = ""
    checked: str = ""
    used: str = ""
    cause: str = ""


class ImageCache:
    """The folder with the cached images and its index, at the time `now`."""

    def __init__(self, folder: Path, now: datetime, log: Log) -> None:
        self._folder = folder
        self._now = now
        self._log = log
        self._entries = dict(self._load())
        self._started: set[str] = set()
        self._large = threading.Lock()

    def stem(self, address: str) -> str:
        """Return the stem of the cached image of `address`; empty if there is none."""
        entry = self._entries.get(address)
        return entry.stem if entry else ""

    def has(self, stem: str) -> bool:
        """Return whether all files of `stem` exist."""
        return bool(stem) and all(path.is_file() for path in self._paths(stem))

    def refresh(self, addresses: Iterable[str], downloader: Downloader, deadline: Deadline) -> None:
        """Fetch images of `addresses` until the deadline: first new ones, then those due for a check."""
        wanted = list(dict.fromkeys(addresses))
        due = [address for address in wanted if self._is_due(address)]
        due.sort(key=lambda address: self._entries.get(address, CachedImage()).checked)
        converting = threading.BoundedSemaphore(MAX_CONVERTERS)
        jobs = {address: partial(self._fetch, address, downloader, deadline, converting) for address in due}
        results: dict[str, CachedImage] = {}
        for address, result in run_jobs(jobs, deadline, workers=WORKERS):
            if isinstance(result, OSError):
                raise result
            # A bug in this program may cost one image, not the run.
            if isinstance(result, Exception):
                result = self._checked(address, type(result).__name__)
            results[address] = result
        # Mark hanging downloads as checked, so that the next run does not start with them.
        for address in frozenset(self._started) - results.keys():
            results[address] = self._checked(address, "deadline")
        self._entries.update(results)
        for address in wanted:
            used = self._now.date().isoformat()
            self._entries[address] = replace(self._entries.get(address, CachedImage()), used=used)
        if due:
            self._report(results, len(due))

    def _report(self, results: Mapping[str, CachedImage], due: int) -> None:
        failed = [(address, entry.cause) for address, entry in results.items() if entry.cause]
        for address, cause in failed[:LOGGED_FAILURES]:
            self._log.warn(
                "image not fetched; keeping the earlier one, if any", address=address[:200], cause=cause
            )
        self._log.info(
            "images fetched",
            images=len(results) - len(failed),
            failed=len(failed),
            deferred=due - len(results),
        )

    def save(self, stems: Iterable[str]) -> None:
        """Write the index; remove files that neither `stems` nor an index entry of the last month uses."""
        oldest = (self._now - KEEP_UNUSED).date().isoformat()
        used = [(address, entry) for address, entry in self._entries.items() if entry.used >= oldest]
        used.sort(key=lambda item: item[1].used, reverse=True)
        self._entries = dict(used[:MAX_ENTRIES])
        if not self._entries and not self._folder.exists():
            return
        data = {"version": VERSION, "images": {key: asdict(entry) for key, entry in self._entries.items()}}
        text = json.dumps(data, ensure_ascii=True, indent=1, sort_keys=True) + "\n"
        write_if_changed(self._folder / "index.json", text.encode())
        kept = {entry.stem for entry in self._entries.values()} | set(stems)
        for path in (*self._folder.glob("*.webp"), *self._folder.glob("*.jpg")):  # .jpg: of earlier versions
            if path.suffix == ".jpg" or path.name.rpartition("-")[0] not in kept:
                path.unlink(missing_ok=True)

    def _is_due(self, address: str) -> bool:
        entry = self._entries.get(address)
        if entry is None or not entry.checked:
            return True
        age = self._now - datetime.fromisoformat(entry.checked)
        return not timedelta(0) <= age < (RETRY_AFTER if entry.cause else CHECK_AFTER)

    def _fetch(
        self, address: str, downloader: Downloader, deadline: Deadline, converting: threading.BoundedSemaphore
    ) -> CachedImage:
        """Download and convert the image of `address`; return its new entry, with `cause` set on failure."""
        self._started.add(address)
        checked = self._checked(address, "")
        known = {"etag": checked.etag, "last_modified": checked.last_modified} if checked.stem else {}
        try:
            fetched = downloader.get(address, deadline.within(IMAGE_SECONDS), **known)
            if fetched.data is None:
                return checked
            files = self._convert(fetched.data, deadline, converting)
        except NotFetched as error:
            return replace(checked, cause=error.cause)
        stem = sha256(b"".join(files))[:16]
        self._folder.mkdir(parents=True, exist_ok=True)
        for path, data in zip(self._paths(stem), files, strict=True):
            write_atomic(path, data)
        return replace(checked, stem=stem, etag=fetched.etag, last_modified=fetched.last_modified)

    def _convert(
        self, data: bytes, deadline: Deadline, converting: threading.BoundedSemaphore
    ) -> list[bytes]:
        """Convert an image beside another one; if that takes too much memory, alone. Raises NotFetched."""
        try:
            with converting:
                return run_converter(data, deadline.within(CONVERT_SECONDS), MEMORY)
        except NotFetched as error:
            if error.cause != "too_much_memory":
                raise
        with self._large, contextlib.ExitStack() as slots:
            for _ in range(MAX_CONVERTERS):
                slots.enter_context(converting)
            return run_converter(data, deadline.within(CONVERT_SECONDS), MEMORY_ALONE)

    def _checked(self, address: str, cause: str) -> CachedImage:
        return replace(self._entries.get(address, CachedImage()), checked=self._now.isoformat(), cause=cause)

    def _paths(self, stem: str) -> tuple[Path, ...]:
        return tuple(self._folder / image_file(stem, width) for width in IMAGE_WIDTHS)

    def _load(self) -> Iterator[tuple[str, CachedImage]]:
        """Yield the entries of index.json, without files if any of them is missing."""
        try:
            data = json.loads((self._folder / "index.json").read_bytes())
            if data["version"] != VERSION:
                return
            entries = {str(address): _entry(fields) for address, fields in data["images"].items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self._log.warn("image index is unusable; fetching all images again")
            return
        for address, entry in entries.items():
            gone = entry.stem and not self.has(entry.stem)
            yield address, CachedImage(used=entry.used) if gone else entry


def _entry(fields: Mapping[str, Any]) -> CachedImage:
    entry = CachedImage(**fields)
    if not all(isinstance(value, str) for value in fields.values()):
        raise TypeError("not text")
    if entry.checked and datetime.fromisoformat(entry.checked).tzinfo is None:
        raise ValueError("a time without offset")
    return entry


def run_converter(data: bytes, deadline: Deadline, memory: int = MEMORY_ALONE) -> list[bytes]:
    """Return WebP files of the three widths, made by another process. Raises NotFetched."""
    try:
        # -I and an empty environment: the process sees no settings, no secrets and no module of this program.
        done = subprocess.run(  # noqa: S603
            [
                sys.executable,
                "-I",
                str(_CONVERTER),
                str(memory),
                *(f"{width}={size}" for width, size in SIZES),
            ],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            timeout=max(0.1, deadline.remaining()),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotFetched("deadline") from None
    header, _, body = done.stdout.partition(b"\n")
    try:
        answer = json.loads(header)
        if done.returncode:
            raise NotFetched(str(answer["cause"]))
        sizes = [int(size) for size in answer["sizes"]]
    except (ValueError, KeyError, TypeError):
        raise NotFetched("crashed") from None
    ends = list(accumulate(sizes))
    return [body[end - size : end] for size, end in zip(sizes, ends, strict=True)]
