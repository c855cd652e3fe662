from __future__ import annotations

import errno
import os
import resource
import socket
import stat
import subprocess
from pathlib import Path

import pytest

import files
from files import LARGEST_FILE, read_regular


def test_sha256sum_accepts_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    contents = {"b/z.html": b"zet", "a.html": b"ah", "B.html": b"big"}
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    manifest = tmp_path / "m"
    manifest.write_bytes(files.format_manifest({k: files.sha256(v) for k, v in contents.items()}))
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "m"], cwd=tmp_path, check=True)
    listed = [line.split("  ")[1] for line in manifest.read_text().splitlines()]
    assert listed == ["B.html", "a.html", "b/z.html"]
    assert files.read_manifest(manifest) == {k: files.sha256(v) for k, v in contents.items()}


def test_a_missing_manifest_is_empty(tmp_path: Path) -> None:
    assert files.read_manifest(tmp_path / "none") == {}


@pytest.mark.parametrize("line", ["abc  file", "0" * 64, "0" * 64 + "  ", "0" * 64 + " file"])
def test_a_damaged_manifest_is_an_error(tmp_path: Path, line: str) -> None:
    (tmp_path / "m").write_text(line + "\n")
    with pytest.raises(ValueError, match="not a manifest line"):
        files.read_manifest(tmp_path / "m")


def test_a_file_is_written_only_if_its_bytes_change(tmp_path: Path) -> None:
    path = tmp_path / "new" / "page.html"
    assert files.write_if_changed(path, b"one")
    before = path.stat().st_ino
    assert not files.write_if_changed(path, b"one")
    assert path.stat().st_ino == before
    assert files.write_if_changed(path, b"two")
    assert path.read_bytes() == b"two"


def test_a_failed_write_keeps_the_old_file_and_leaves_no_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        files.write_atomic(path, b"new", durable=True)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["page.html"]


def test_fault_26_a_full_disk_is_reported_with_the_path_of_the_file(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))  # EFBIG instead of ENOSPC
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            files.write_atomic(tmp_path / "page.html", b"x" * 20_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.filename == str(tmp_path / "page.html")
    assert os.listdir(tmp_path) == []
    with pytest.raises(FileNotFoundError) as missing:
        files.write_atomic(tmp_path / "no" / "page.html", b"x")
    assert missing.value.filename == str(tmp_path / "no" / "page.html")


def test_a_durable_write_flushes_the_file_before_the_rename_and_the_folder_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a power cut may leave an empty file, or bring back the old one."""
    done: list[str] = []
    flush, rename = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        flush(descriptor)
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")

    def replace(source: str, target: Path) -> None:
        rename(source, target)
        done.append("rename")

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    files.write_atomic(tmp_path / "a", b"1", durable=True)
    assert done == ["file", "rename", "folder"]
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644
    files.write_atomic(tmp_path / "a", b"2", mode=0o600)
    assert done[3:] == ["rename"]
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "kind", ["link", "dangling link", "FIFO", "folder", "socket", "large file", "link above"]
)
def test_only_a_regular_file_of_limited_size_is_read_and_no_link_is_followed(
    tmp_path: Path, kind: str
) -> None:
    """A hostile program may have written the file. The test ends with a timeout if a FIFO is waited for."""
    path = tmp_path / "site" / "event" / "1.html"
    secret = tmp_path / "secret"
    secret.write_text("planted")
    path.parent.mkdir(parents=True)
    match kind:
        case "link":
            path.symlink_to(secret)
        case "dangling link":
            path.symlink_to(tmp_path / "missing")
        case "FIFO":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
        case "large file":
            with path.open("wb") as file:
                file.truncate(LARGEST_FILE + 1)
        case "link above":
            elsewhere = tmp_path / "elsewhere"
            elsewhere.mkdir()
            (elsewhere / "1.html").write_text("planted")
            path.parent.rmdir()
            path.parent.symlink_to(elsewhere)
    with pytest.raises(OSError, match=r"1\.html") as caught:
        read_regular(path, below=tmp_path)
    assert caught.value.filename == str(path)
    codes = {"large file": errno.EFBIG, "FIFO": errno.EINVAL, "folder": errno.EISDIR, "socket": errno.ENXIO}
    codes |= {"link above": errno.ENOTDIR}
    assert caught.value.errno == codes.get(kind, errno.ELOOP)
    if kind != "link above":
        with pytest.raises(OSError, match=r"1\.html"):
            read_regular(path)


def test_a_regular_file_is_read_also_below_a_folder_that_is_a_link(tmp_path: Path) -> None:
    build = tmp_path / "build"
    (build / "site").mkdir(parents=True)
    (build / "site" / "a").write_bytes(b"a")
    (tmp_path / "link").symlink_to(build)
    assert read_regular(tmp_path / "link" / "site" / "a", below=tmp_path / "link") == b"a"
    with pytest.raises(FileNotFoundError):
        read_regular(build / "missing")
