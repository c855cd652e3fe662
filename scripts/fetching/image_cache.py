"""The events' images: fetched once, made small, kept in build/images/ under the digest of what is in them.

    <stem>-320.webp  <stem>-800.webp  <stem>-1600.webp     no wider than that; the original is not kept
    index.json       what is known of each address, and when it was last checked

An image that cannot be had leaves the one from before, or none; it never fails a run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from event import IMAGE_WIDTHS, image_file
from fetching.deadline import Deadline, run_jobs
from fetching.download import Downloader, NotFetched
from files import sha256, write_atomic, write_if_changed
from log import Log

# Width of each file, and the bytes that it should not exceed.
SIZES = tuple(zip(IMAGE_WIDTHS, (15_000, 45_000, 80_000), strict=True))
MAX_BYTES = 10_000_000
WORKERS = 4
MAX_CONVERTERS = 2
CONVERT_SECONDS = 15.0
IMAGE_SECONDS = 8.0
ASK_AGAIN = timedelta(hours=24)
TRY_AGAIN = timedelta(hours=1)
FORGET = timedelta(days=30)
LOGGED = 10

VERSION = 1
_CONVERTER = Path(__file__).with_name("convert_image.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedImage:
    """What is known of one address. `stem` is empty until there is an image; `cause` says why it is not newer.

    `checked` is when it was last checked, `used` the day an event last had it.
    """

    stem: str = ""
    etag: str = ""
    last_modified: str = ""
    checked: str = ""
    used: str = ""
    cause: str = ""


class ImageCache:
    """The folder and its index, as of `now`."""

    def __init__(self, folder: Path, now: datetime, log: Log) -> None:
        self._folder = folder
        self._now = now
        self._log = log
        self._entries = dict(self._load())
        self._started: set[str] = set()

    def stem(self, address: str) -> str:
        """Return the stem of the image at `address` as far as it is known, or nothing."""
        entry = self._entries.get(address)
        return entry.stem if entry else ""

    def has(self, stem: str) -> bool:
        """Whether all files of `stem` are there."""
        return bool(stem) and all(path.is_file() for path in self._paths(stem))

    def refresh(self, addresses: Iterable[str], downloader: Downloader, deadline: Deadline) -> None:
        """Fetch those of `addresses` that are new or due, in that order, until the deadline; save the index."""
        wanted = list(dict.fromkeys(addresses))
        due = [address for address in wanted if self._is_due(address)]
        due.sort(key=lambda address: self._entries.get(address, CachedImage()).checked)
        converting = threading.BoundedSemaphore(MAX_CONVERTERS)
        jobs = {address: partial(self._fetch, address, downloader, deadline, converting) for address in due}
        results: dict[str, CachedImage] = {}
        for address, result in run_jobs(jobs, deadline, workers=WORKERS):
            if isinstance(result, OSError):
                raise result
            # Even a fault of ours may cost an image, not the run.
            if isinstance(result, Exception):
                result = self._checked(address, type(result).__name__)
            results[address] = result
        # What hangs must not be the first to be tried again in the next run.
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
        for address, cause in failed[:LOGGED]:
            self._log.warn("image not fetched", address=address[:200], cause=cause)
        self._log.info(
            "images fetched",
            images=len(results) - len(failed),
            failed=len(failed),
            deferred=due - len(results),
        )

    def save(self, stems: Iterable[str]) -> None:
        """Write the index, and remove what neither it nor an event of `stems` has had for a month."""
        oldest = (self._now - FORGET).date().isoformat()
        self._entries = {address: entry for address, entry in self._entries.items() if entry.used >= oldest}
        if not self._entries and not self._folder.exists():
            return
        data = {"version": VERSION, "images": {key: asdict(entry) for key, entry in self._entries.items()}}
        text = json.dumps(data, ensure_ascii=True, indent=1, sort_keys=True) + "\n"
        write_if_changed(self._folder / "index.json", text.encode())
        kept = {entry.stem for entry in self._entries.values()} | set(stems)
        for path in self._folder.glob("*.webp"):
            if path.name.rpartition("-")[0] not in kept:
                path.unlink(missing_ok=True)

    def _is_due(self, address: str) -> bool:
        entry = self._entries.get(address)
        if entry is None or not entry.checked:
            return True
        age = self._now - datetime.fromisoformat(entry.checked)
        return not timedelta(0) <= age < (TRY_AGAIN if entry.cause else ASK_AGAIN)

    def _fetch(
        self, address: str, downloader: Downloader, deadline: Deadline, converting: threading.BoundedSemaphore
    ) -> CachedImage:
        """Return what is known of `address` after asking; whatever goes wrong is its `cause`."""
        self._started.add(address)
        checked = self._checked(address, "")
        known = {"etag": checked.etag, "last_modified": checked.last_modified} if checked.stem else {}
        try:
            fetched = downloader.get(address, deadline.within(IMAGE_SECONDS), **known)
            if fetched.data is None:
                return checked
            with converting:
                files = run_converter(fetched.data, deadline.within(CONVERT_SECONDS))
        except NotFetched as error:
            return replace(checked, cause=error.cause)
        stem = sha256(b"".join(files))[:16]
        self._folder.mkdir(parents=True, exist_ok=True)
        for path, data in zip(self._paths(stem), files, strict=True):
            write_atomic(path, data)
        return replace(checked, stem=stem, etag=fetched.etag, last_modified=fetched.last_modified)

    def _checked(self, address: str, cause: str) -> CachedImage:
        return replace(self._entries.get(address, CachedImage()), checked=self._now.isoformat(), cause=cause)

    def _paths(self, stem: str) -> tuple[Path, ...]:
        return tuple(self._folder / image_file(stem, width) for width in IMAGE_WIDTHS)

    def _load(self) -> Iterator[tuple[str, CachedImage]]:
        """Yield what the index says and the folder holds; nothing where it cannot be used."""
        try:
            data = json.loads((self._folder / "index.json").read_bytes())
            if data["version"] != VERSION:
                return
            entries = {str(address): _entry(fields) for address, fields in data["images"].items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self._log.warn("index of images not usable; starting without it")
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


def run_converter(data: bytes, deadline: Deadline) -> list[bytes]:
    """Return an image as WebP of the three widths, decoded in a process of its own. Raises NotFetched."""
    try:
        # -I and no environment: no settings, no secrets, nothing of ours but the standard library and Pillow.
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-I", str(_CONVERTER), *(f"{width}={size}" for width, size in SIZES)],
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
        first, second, third = (int(size) for size in answer["sizes"])
    except (ValueError, KeyError, TypeError):
        raise NotFetched("crashed") from None
    return [body[:first], body[first : first + second], body[first + second :][:third]]
