"""Look up known vulnerabilities of the pinned packages, from PyPI and npm (make audit).

Usage: python lint/audit.py [--no-skip]

Where the vulnerability data is out of reach, the check is skipped, with the reason; --no-skip makes that a
failure. Exit status: 0 no vulnerability known, or skipped; 1 a vulnerability, or a package without an answer.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class Skipped(Exception):
    """The vulnerability data is out of reach; the text says why."""


def python_findings(answer: str, error: str) -> list[str]:
    """Return a line for each finding in the JSON of pip-audit; raise Skipped without an answer."""
    try:
        packages = json.loads(answer)["dependencies"]
    except ValueError:
        raise Skipped(error.strip().splitlines()[-1] if error.strip() else "no answer") from None
    unknown = [package for package in packages if "skip_reason" in package]
    if unknown and len(unknown) == len(packages):
        raise Skipped(str(unknown[0]["skip_reason"]))
    found = [f"{package['name']}: no answer: {package['skip_reason']}" for package in unknown]
    return found + [
        f"{package['name']} {package['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'none'}"
        for package in packages
        for flaw in package.get("vulns", [])
    ]


def npm_findings(answer: str) -> list[str]:
    """Return a line for each finding in the JSON of `npm audit`; raise Skipped without an answer."""
    try:
        report: dict[str, Any] = json.loads(answer)
    except ValueError:
        raise Skipped("no answer") from None
    if "vulnerabilities" not in report:
        raise Skipped(str(report.get("message", "no answer")))
    return [f"{name}: {flaw['severity']}" for name, flaw in report["vulnerabilities"].items()]


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def _python() -> list[str]:
    locks = [option for lock in sorted(ROOT.glob("requirements*.txt")) for option in ("-r", lock.name)]
    done = _run(
        "pip-audit", "--format=json", "--progress-spinner=off", "--disable-pip", "--require-hashes", *locks
    )
    return python_findings(done.stdout, done.stderr)


def _npm(folder: str) -> list[str]:
    return npm_findings(_run("npm", "audit", "--json", "--prefix", folder).stdout)


def main(arguments: list[str]) -> int:
    """Print the findings; return the exit status."""
    failed = False
    for name, look in (
        ("requirements*.txt", _python),
        ("lint", lambda: _npm("lint")),
        ("tests/browser", lambda: _npm("tests/browser")),
    ):
        try:
            findings = look()
        except Skipped as reason:
            print(f"audit: SKIPPED {name}: {reason}")
            failed |= "--no-skip" in arguments
            continue
        print(f"audit: {name}: {len(findings)} findings", *findings, sep="\n  ")
        failed |= bool(findings)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
