"""Each known trap of publishing, and each fault that concerns it, has a test with its number in the name.

    @test "trap 4, faults 31 and 32: ..."      in tests/unit/*.bats, tests/aws/*.bats
    def test_trap_04_fault_31_...              in tests/unit/test_*.py, tests/e2e/test_*.py

TRAPS and FAULTS describe the numbers in a few words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TESTS = HERE.parent

TRAPS = {
    1: "a re-created tree is uploaded and invalidated in full",
    2: "--size-only and old times hide an edit",
    3: "a file written in the second of its upload counts as changed",
    4: "an invalidation is lost after an upload",
    5: "a partial upload has changed the bucket",
    6: "pages before assets, deletes before pages",
    7: "an empty or half-built site wipes the bucket",
    8: "--delete keeps excluded files",
    9: "headers are only sent with an upload",
    10: "content types depend on the host",
    11: "two runs at once",
    12: "a stale writer finishes last",
    13: "exit codes mean different things",
    14: "the output of sync is hard to parse",
    15: "--quiet prints no files to count",
    16: "the shell expands /*",
    17: "each command makes a new CallerReference",
    18: "TooManyInvalidationsInProgress is never retried",
    19: "waiting for an invalidation takes minutes",
    20: "one bad character fails the whole batch",
    21: "one page has several addresses",
    22: "an invalidation path does not include the origin path",
    23: "paths under a wildcard are billed too",
    24: "a timer has no PATH, HOME or profile; a pager hangs; keys expire",
    25: "no call has a time limit",
    26: "versions 1 and 2 of the AWS CLI share a PATH",
    27: "set -x and --debug leak",
    28: "moto accepts requests that AWS refuses",
    29: "links and FIFOs in the output",
    30: "deletes go ahead after failed uploads",
}
# The numbers of the table of faults that concern publishing.
FAULTS = {
    13: "events drop by 80 %",
    22: "a leftover endpoint, another bucket or prefix",
    23: "headers changed, bytes equal",
    25: "the site differs from its manifest",
    26: "disk full, no inodes, read-only",
    27: "events.json is corrupt",
    28: "files in the site that its manifest does not list",
    29: "S3 denies",
    30: "the clock is wrong",
    31: "S3 is overloaded or down",
    32: "the n-th PUT fails",
    33: "killed between any two writes",
    34: "killed after the upload of B, then A again",
    35: "a same-size edit, an odd time",
    36: "the same tree again",
    37: "published.manifest is lost",
    38: "CloudFront fails",
    39: "killed after CloudFront has answered",
    40: "new changes while paths are pending",
    41: "fetch fails while paths are pending",
    45: "several runs at once",
    50: "only the date has changed",
}
# Tests of the steps before publishing, whose names hold no number.
ELSEWHERE = {
    ("fault", 27): ("test_fetch.py", "test_an_unusable_events_json_is_ignored"),
    ("fault", 50): ("test_generate.py", "test_pages_are_rendered_again_on_the_next_day"),
}


def covered() -> dict[tuple[str, int], list[str]]:
    """Return the names of the tests by kind ("trap", "fault") and number."""
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for path in (*HERE.glob("*.bats"), *TESTS.glob("aws/*.bats")):
        for name in re.findall(r'^@test "(.*)" \{$', path.read_text(encoding="utf-8"), re.MULTILINE):
            for kind, numbers in re.findall(r"\b(trap|fault)s? (\d+(?:(?:, | and )\d+)*)(?=[,:])", name):
                for number in re.findall(r"\d+", numbers):
                    found[kind, int(number)].append(name)
    for path in (*HERE.glob("test_*.py"), *TESTS.glob("e2e/test_*.py")):
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            for kind, number in re.findall(r"_(trap|fault)_(\d+)(?=_)", name):
                found[kind, int(number)].append(name)
    return found


@pytest.mark.parametrize("number", TRAPS)
def test_every_trap_has_its_test(number: int) -> None:
    assert covered()["trap", number], TRAPS[number]


@pytest.mark.parametrize("number", FAULTS)
def test_every_fault_of_publishing_has_its_test(number: int) -> None:
    if ("fault", number) in ELSEWHERE:
        file, name = ELSEWHERE["fault", number]
        assert f"def {name}(" in (HERE / file).read_text(encoding="utf-8")
    else:
        assert covered()["fault", number], FAULTS[number]


def test_no_test_names_an_unknown_trap() -> None:
    assert {number for kind, number in covered() if kind == "trap"} <= TRAPS.keys()
    assert set(TRAPS) == set(range(1, 31))
