"""Atomic writes, so that a file is never half written, and manifests."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

PARTIAL_PREFIX = ".partial-"


def write_atomic(path: Path, data: bytes, *, durable: bool = False, mode: int = 0o644) -> None:
    """Replace `path` with `data` by rename; with `durable`, flush file and folder to the disk.

    Raises OSError (ENOSPC, EROFS, EACCES); the old file is then intact and the temporary one deleted.
    """
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

    Raises ValueError on a line that is not `<64 hex digits>  <path>`.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    digests: dict[str, str] = {}
    for line in lines:
        digest, separator, name = line.partition("  ")
        if len(digest) != 64 or not separator or not name:
            raise ValueError(f"{path}: not a manifest line: {line[:80]!r}")
        digests[name] = digest
    return digests
