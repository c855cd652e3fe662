"""docs/aws.md, followed word for word: its commands lead from a fresh clone to a published site."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

import env_file
from settings import ROOT
from standins import cloudformation
from standins.aws import Aws
from standins.libcal_server import LibCal


def commands() -> list[str]:
    """Return the commands of the page's `sh` blocks; the others need a person or the real CloudFront."""
    text = (ROOT / "docs" / "aws.md").read_text()
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines()]


def clone(target: Path) -> None:
    """Clone the project, with the packages of this virtual environment as if `make setup` had just run."""
    subprocess.run(["git", "clone", "--quiet", ROOT, target], check=True, timeout=120)
    (target / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (target / ".venv" / name).symlink_to(ROOT / ".venv" / name)
    for name in ("run", "dev"):
        (target / ".venv" / name).touch()


@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore:Tried to parse")  # the resources that moto skips
def test_the_commands_of_the_page_publish_a_site_from_a_fresh_clone(tmp_path: Path) -> None:
    cloudformation.register()
    project = tmp_path / "events-display"
    clone(project)
    with Aws() as aws, LibCal() as libcal:
        own = {key: value for key, value in aws.env.items() if not key.startswith(("S3_", "CLOUDFRONT_"))}
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "INFRA_PAUSE": "0", **own}
        typed = commands()
        assert "make infra" in typed
        for command in typed:
            done = subprocess.run(
                ["bash", "-c", command], cwd=project, env=env, capture_output=True, text=True, timeout=300
            )
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            if command == "make infra":  # the step in which a person edits .env
                settings = project / ".env"
                lines = settings.read_text().splitlines()
                kept = [line for line in lines if line.partition("=")[0] not in libcal.settings]
                added = [f"{key}={value}" for key, value in libcal.settings.items()]
                settings.write_text("\n".join([*kept, *added, ""]))
        values = {each.key: each.value for each in env_file.read(project / ".env")[0]}
        found = aws._client("s3").list_objects_v2(Bucket=values["S3_BUCKET"])
        paths = {item["Key"] for item in found["Contents"]}
        assert {"index.html", "events.ics", "status.json"} <= paths
        listed = aws._client("cloudfront").list_invalidations(
            DistributionId=values["CLOUDFRONT_DISTRIBUTION_ID"]
        )
        assert listed["InvalidationList"]["Quantity"] == 2  # make check, make publish
