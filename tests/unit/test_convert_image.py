"""The process that decodes images gives up its rights first: no file, no network, no other process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fetching import convert_image

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
# Code that a hostile image might run in the process of the decoder.
ATTACKS = {
    "read a file": "open('/etc/passwd').close()",
    "list a folder": "os.listdir('/')",
    "see whether a file exists": "os.stat('/etc/passwd')",
    "write a file": "open(sys.argv[1] + '/written', 'w').close()",
    "remove a file": "os.unlink(sys.argv[1] + '/victim')",
    "connect": "socket.socket(socket.AF_INET).close()",
    "connect to a local service": "socket.socket(socket.AF_UNIX).close()",
    "start a process": "os.fork() or os._exit(0)",
    "start a program": "subprocess.run(['true'])",
    "signal its parent": "os.kill(os.getppid(), 0)",
    "read its parent's memory": "open(f'/proc/{os.getppid()}/mem', 'rb').close()",
}
RUN = """
import os, socket, subprocess, sys
sys.path.insert(0, {scripts!r})
from fetching import convert_image
{before}
try:
    {attack}
except PermissionError:
    sys.exit(13)
"""


def attempt(attack: str, before: str, folder: Path) -> int:
    (folder / "victim").touch()
    code = RUN.format(scripts=str(SCRIPTS), before=before, attack=attack)
    done = subprocess.run((sys.executable, "-c", code, str(folder)), capture_output=True, timeout=60)
    return done.returncode


@pytest.mark.skipif(os.uname().machine not in ("x86_64", "aarch64"), reason="see confine()")
@pytest.mark.parametrize("name", ATTACKS)
def test_a_confined_process_can_not(name: str, tmp_path: Path) -> None:
    assert attempt(ATTACKS[name], "pass", tmp_path) == 0  # the attack works without confine()
    assert attempt(ATTACKS[name], "convert_image.confine()", tmp_path) == 13


def test_the_converter_is_confined_before_it_decodes(tmp_path: Path) -> None:
    spy = "convert_image.convert = lambda *_: [open('/etc/passwd', 'rb').read()]"
    code = RUN.format(
        scripts=str(SCRIPTS),
        before=spy,
        attack="sys.stdin = open('/dev/null'); sys.exit(convert_image.main())",
    )
    done = subprocess.run(
        (sys.executable, "-c", code, "200000000", "320=15000"), capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (13, b"")


def test_the_converter_has_limits_of_memory_and_time() -> None:
    seen = "[str([resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)]).encode()]"
    code = RUN.format(
        scripts=str(SCRIPTS),
        before=f"import resource\nconvert_image.confine = lambda: None\nconvert_image.convert = lambda *_: {seen}",
        attack="sys.stdin = open('/dev/null'); sys.exit(convert_image.main())",
    )
    done = subprocess.run(
        (sys.executable, "-c", code, "200000000", "320=15000"), capture_output=True, timeout=60
    )
    limits = json.loads(done.stdout.partition(b"\n")[2])
    assert limits == [200_000_000 + convert_image.BASE_MEMORY, convert_image.CPU_SECONDS, 0]
    assert convert_image.CPU_SECONDS <= 20
