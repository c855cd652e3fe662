"""The files for Docker match the programs: every module and setting that a container needs, and no more."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

import check
from settings_table import CONTAINERS, TABLE, passed_to

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
SET_BY_THE_FILES = {"ENV_FILE", "BUILD_DIR", "GENERATED_DIR", "PENDING_DIR"}


def imported(module: str, found: set[str]) -> set[str]:
    """The modules of ours that `module` needs, itself included: "files", "publishing.upload_plan"."""
    path = SCRIPTS / f"{module.replace('.', '/')}.py"
    if module not in found and path.exists():
        found.add(module)
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                imported(name, found)
    return found


def _is_file(name: str) -> bool:
    return name in TABLE and TABLE[name].file


@pytest.mark.parametrize("service", CONTAINERS)
def test_a_container_gets_every_setting_that_its_programs_read_and_no_other(service: str) -> None:
    environment = COMPOSE["services"][service]["environment"]
    plain = {name for name, value in environment.items() if value is None or _is_file(name)}
    assert plain == passed_to(service)
    files = set(environment) - plain - SET_BY_THE_FILES
    assert all(
        name.endswith("_FILE") and str(environment[name]).startswith("/run/secrets/") for name in files
    )


def test_no_container_gets_a_secret_in_its_environment() -> None:
    for name, service in COMPOSE["services"].items():
        for key, value in (service.get("environment") or {}).items():
            assert not re.search(r"SECRET|ACCESS_KEY|TOKEN|CLIENT_ID|NOTIFY|PING", key) or re.match(
                r"(\$\{\w+:\+)?/run/secrets/", str(value)
            ), (name, key)


def test_bin_check_knows_every_setting() -> None:
    known = {name for service in COMPOSE["services"].values() for name in service.get("environment") or {}}
    assert not [name for name in known if not check.is_known(name) and name not in SET_BY_THE_FILES]


def test_the_aws_images_hold_only_the_modules_that_their_programs_import() -> None:
    needed: set[str] = set()
    for program in ("bin/upload", "bin/invalidate", "bin/verify", "scripts/aws.sh", "scripts/common.sh"):
        for name in re.findall(r"scripts/([a-z_]+)\.py", (ROOT / program).read_text()):
            imported(name, needed)
    copied = re.search(r"COPY (scripts/common\.sh(?:[^\n]*\\\n)*[^\n]*) scripts/\n", DOCKERFILE)
    assert copied
    assert "COPY scripts/publishing scripts/publishing\n" in DOCKERFILE
    folder = {f"publishing.{path.stem}" for path in (SCRIPTS / "publishing").glob("*.py")}
    assert set(re.findall(r"scripts/([a-z_]+)\.py", copied[1])) | folder == needed
    assert not any(name.startswith(("fetch", "render", "generate")) for name in needed)


def test_dockerignore_allows_every_file_that_the_dockerfile_copies() -> None:
    allowed = (ROOT / "docker" / "Dockerfile.dockerignore").read_text().split("\n")
    assert allowed[1] == "*"
    let_in = [line.removeprefix("!") for line in allowed if line.startswith("!")]
    for line in re.findall(r"^COPY (?!--from)((?:.*\\\n)*.*)$", DOCKERFILE, re.MULTILINE):
        for source in line.replace("\\\n", " ").split()[:-1]:
            assert any(
                Path(source).match(each) or source.startswith(f"{each}/") or source.rstrip("/") == each
                for each in let_in
            ), source
    assert not any(each in (".env", "build", "tests", "*", ".") for each in let_in)
