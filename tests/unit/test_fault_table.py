"""docs/faults.md names a test for each of the 54 faults, and each of these tests exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mutate.defenses import defenses

ROOT = Path(__file__).resolve().parents[2]
ROWS = dict(re.findall(r"^\| (\d+) \| (.*)$", (ROOT / "docs" / "faults.md").read_text(), re.MULTILINE))
TESTS = sorted({found for row in ROWS.values() for found in re.findall(r"`(tests/[^`]*::[^`]*)`", row)})


def exists(test: str) -> bool:
    """Return whether the file has the test: its function, or a bats test whose name has these words."""
    path, _, name = test.partition("::")
    if not (ROOT / path).exists():
        return False
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.endswith(".py"):
        return re.search(rf"^def {re.escape(name)}\(", text, re.MULTILINE) is not None
    return any(name in found for found in re.findall(r'^@test "(.*)" \{$', text, re.MULTILINE))


def test_every_fault_has_a_row_with_a_test_or_says_why_not() -> None:
    assert sorted(map(int, ROWS)) == list(range(1, 55))
    for number, row in ROWS.items():
        last = row.rstrip("| ").rpartition("|")[2]
        assert "::" in last or last.strip() == "the same", number


@pytest.mark.parametrize("test", TESTS)
def test_the_named_test_exists(test: str) -> None:
    assert exists(test)


def test_a_missing_test_is_noticed() -> None:
    assert not exists("tests/unit/test_fetch.py::test_nothing")
    assert not exists("tests/unit/no_such_file.py::test_nothing")
    assert not exists("tests/aws/upload.bats::fault 999")


def test_the_texts_of_the_defenses_are_in_their_files_once() -> None:
    found = list(defenses())
    assert len(found) >= 60
    for each in found:
        assert (ROOT / each.file).read_text(encoding="utf-8").count(each.old) == 1, each
        assert (ROOT / each.test.partition("::")[0]).exists(), each
