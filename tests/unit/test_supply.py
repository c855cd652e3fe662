"""The list of licenses and the audit of the pinned packages (lint/), and the workflow of a release."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lint import licenses
from lint.audit import Skipped, main, npm_findings, python_findings

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_lists_each_package_of_the_images_with_its_license() -> None:
    page = (ROOT / "docs/licenses.md").read_text().split("| -- |\n")[1]
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (.+?) \| ", page, re.M)
    shown = {name: version for name, version, _ in rows}
    packages = [licenses.locked((ROOT / lock).read_text()) for lock in licenses.LOCKS]
    assert shown == {**packages[0], **packages[1]}, "run make licenses"
    assert "unknown" not in {license for _, _, license in rows}


@pytest.mark.parametrize(
    ("flaws", "finding"),
    [
        ([], []),
        ([{"id": "CVE-1", "fix_versions": ["2", "3"]}], ["a 1: CVE-1, fixed in 2, 3"]),
        ([{"id": "CVE-1", "fix_versions": []}], ["a 1: CVE-1, fixed in none"]),
    ],
)
def test_a_known_vulnerability_of_a_python_package_is_a_finding(
    flaws: list[object], finding: list[str]
) -> None:
    answer = json.dumps({"dependencies": [{"name": "a", "version": "1", "vulns": flaws}]})
    assert python_findings(answer, "") == finding


def test_one_python_package_without_an_answer_is_a_finding() -> None:
    packages = [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"}]
    assert python_findings(json.dumps({"dependencies": packages}), "") == ["b: no answer: not found"]


def test_no_answer_at_all_is_skipped_with_the_reason() -> None:
    with pytest.raises(Skipped, match="not found"):
        python_findings(json.dumps({"dependencies": [{"name": "b", "skip_reason": "not found"}]}), "")
    with pytest.raises(Skipped, match="no route"):
        python_findings("", "Traceback\nConnectionError: no route\n")
    with pytest.raises(Skipped, match="405"):
        npm_findings('{"message": "405 Method Not Allowed"}')
    with pytest.raises(Skipped, match="no answer"):
        npm_findings("")


def test_a_known_vulnerability_of_an_npm_package_is_a_finding() -> None:
    assert npm_findings('{"vulnerabilities": {}}') == []
    assert npm_findings('{"vulnerabilities": {"a": {"severity": "high"}}}') == ["a: high"]


@pytest.mark.parametrize(("arguments", "code"), [([], 0), (["--no-skip"], 1)])
def test_a_skipped_audit_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int
) -> None:
    def skip(*_: str) -> list[str]:
        raise Skipped("no route")

    monkeypatch.setattr("lint.audit._python", skip)
    monkeypatch.setattr("lint.audit._npm", skip)
    assert main(arguments) == code
    assert capsys.readouterr().out.count("SKIPPED") == 3


def test_a_finding_fails_the_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lint.audit._python", list)
    monkeypatch.setattr("lint.audit._npm", lambda folder: ["a: high"] if folder == "lint" else [])
    assert main([]) == 1
