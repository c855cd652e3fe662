"""Print the list of the packages in the images with their licenses, as docs/licenses.md (make licenses)."""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "requirements-aws.txt")
HEAD = """# Licenses

The Python packages in the images, from their own metadata. `make licenses` writes this page from the lock
files. The base image (`python:3.14-slim`) contains Python and packages of Debian, with their licenses in
`/usr/share/doc`. The font Hanken Grotesk in `templates/fonts/` is under the SIL Open Font License 1.1; its text
is beside it.

| package | version | license | in |
| ------- | ------- | ------- | -- |
"""


def locked(text: str) -> dict[str, str]:
    """Return the version of each package in a lock file, without those of Windows only."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)(?! ; sys_platform == 'win32')", text, re.MULTILINE))


def license_of(name: str) -> str:
    """Return the license that a package names: its expression, its classifiers, or its text field."""
    about = distribution(name).metadata.json
    classifiers = [
        each.rsplit(" :: ", 1)[1] for each in about.get("classifier", []) if each.startswith("License :: ")
    ]
    named = about.get("license_expression") or ", ".join(classifiers) or about.get("license") or "unknown"
    return str(named).splitlines()[0]


def main() -> None:
    """Print the page."""
    print(HEAD, end="")
    images = {lock: locked((ROOT / lock).read_text()) for lock in LOCKS}
    for name in sorted({name for packages in images.values() for name in packages}):
        where = [
            image
            for lock, image in zip(LOCKS, ("generator", "uploader, invalidator"), strict=True)
            if name in images[lock]
        ]
        version = next(packages[name] for packages in images.values() if name in packages)
        print(f"| {name} | {version} | {license_of(name)} | {', '.join(where)} |")


if __name__ == "__main__":
    main()
