from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aws_session import captured, command_line, commands


@pytest.mark.parametrize("cut", [0, 3])
def test_commands_keep_their_empty_arguments_and_an_incomplete_command_is_dropped(cut: int) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"3\0s3\0\0a b\n\0002\0x\0y\0"[: -cut or None])
    os.close(writing)
    with open(reading, "rb", closefd=True) as stream:
        assert list(commands(stream)) == [["s3", "", "a b\n"], ["x", "y"]][: 1 if cut else 2]


def test_output_goes_to_two_files_and_the_descriptors_are_restored(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with captured(tmp_path / "out", tmp_path / "err"):
        os.write(1, b"data")
        os.write(2, b"trouble")
    os.write(1, b"after")
    assert (tmp_path / "out").read_text() == "data"
    assert (tmp_path / "err").read_text() == "trouble"
    assert capfd.readouterr().out == "after"


def test_the_pinned_cli_runs_in_this_process_even_if_path_reaches_it_by_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(Path(sys.executable).parents[1])
    monkeypatch.setenv("PATH", str(tmp_path / "link" / "bin"))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a process of its own"))
    assert command_line()(["s3", "sync"]) == 2
