"""Atomic writes, so that a file is never half written; reads that follow no link; manifests."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import tempfile
from pathlib import Path

PARTIAL_PREFIX = ".partial-"
LARGEST_FILE = 100_000_000
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def write_atomic(path: Path, data: bytes, *, durable: bool = False, mode: int = 0o644) -> None:
    """Replace `path` with `data` by rename; with `durable`, flush file and folder to the disk.

    Raises OSError (ENOSPC, EROFS, EACCES) that names `path`; the old file is then intact and the temporary
    one deleted.
    """
    try:
        _replace(path, data, durable=durable, mode=mode)
    except OSError as error:  # names the temporary file, or no file if the disk is full
        raise OSError(error.errno, error.strerror, str(path)) from error


def _replace(path: Path, data: bytes, *, durable: bool, mode: int) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=PARTIAL_PREFIX)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
        if durable:
            _flush_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _flush_folder(folder: Path) -> None:
    """Flush the rename to the disk; otherwise a power cut may bring back the old file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_regular(path: Path, *, below: Path | None = None, limit: int = LARGEST_FILE) -> bytes:
    """Return the content of a regular file that another program, perhaps a hostile one, has written.

    Follows no link: neither `path` itself nor a folder between `below` and `path`. Waits for no FIFO.
    Raises OSError (ELOOP for a link, EINVAL for a special file, EFBIG beyond `limit` bytes).
    """
    try:
        with os.fdopen(_open(path, below), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "Not a regular file")
            data = file.read(limit + 1) if status.st_size <= limit else b""
            if status.st_size > limit or len(data) > limit:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
            return data
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _open(path: Path, below: Path | None) -> int:
    if below is None:
        return os.open(path, _FLAGS)
    folder = os.open(below, _FLAGS & ~os.O_NOFOLLOW | os.O_DIRECTORY)
    *parents, name = path.relative_to(below).parts
    for part in parents:
        try:
            inner = os.open(part, _FLAGS | os.O_DIRECTORY, dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    try:
        return os.open(name, _FLAGS, dir_fd=folder)
    finally:
        os.close(folder)


def write_if_changed(path: Path, data: bytes) -> bool:
    """Write `data` to `path` unless the file has these bytes already; return whether it was written."""
    try:
        if path.read_bytes() == data:
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, data)
    return True


def sha256(data: bytes) -> str:
    """Return the digest of `data` as 64 hex digits, as `sha256sum` prints it."""
    return hashlib.sha256(data).hexdigest()


def format_manifest(digests: dict[str, str]) -> bytes:
    """Return `{path: digest}` in the format of `sha256sum`, sorted by path (bytewise, as LC_ALL=C)."""
    return "".join(f"{digests[path]}  {path}\n" for path in sorted(digests)).encode()


def read_manifest(path: Path) -> dict[str, str]:
    """Return a manifest as `{path: digest}`; a missing file counts as empty.

    Raises ValueError on a line that is not `<64 hex digits>  <path>`, and OSError for a link.
    """
    try:
        lines = read_regular(path).decode().splitlines()
    except FileNotFoundError:
        return {}
    digests: dict[str, str] = {}
    for line in lines:
        digest, separator, name = line.partition("  ")
        if len(digest) != 64 or not separator or not name:
            raise ValueError(f"{path}: not a manifest line: {line[:80]!r}")
        digests[name] = digest
    return digests
