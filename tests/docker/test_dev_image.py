"""The image with the stand-ins: the demo without any account, and the tests on Python 3.14."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator

import pytest

from support.docker_project import ROOT, TAG, docker, image, run, wait_for


@pytest.fixture(scope="module", autouse=True)
def _dev_image() -> None:
    command = ("docker", "compose", "--file", "docker/compose.yaml", "--profile", "demo", "build", "standins")
    built = run(*command, env={**os.environ, "IMAGE_TAG": TAG}, timeout=900)
    assert built.code == 0, built.log


@pytest.fixture
def demo() -> Iterator[dict[str, str]]:
    """The environment of `docker compose` for a demo in its own project."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    passed_on = {key: os.environ[key] for key in ("PATH", "HOME", "DOCKER_HOST") if key in os.environ}
    env = {
        **passed_on,
        "COMPOSE_PROJECT_NAME": f"events-display-test-{uuid.uuid4().hex[:8]}",
        "COMPOSE_FILE": "docker/compose.yaml",
        "COMPOSE_PROFILES": "publish",  # as in .env.example; the option has precedence
        "IMAGE_TAG": TAG,
        "PORT": port,
    }
    yield env
    run("docker", "compose", "--profile", "demo", "down", "--volumes", "--timeout", "5", env=env)


def test_the_demo_publishes_and_serves_the_site_without_any_account(demo: dict[str, str]) -> None:
    command = ("docker", "compose", "--profile", "demo", "up", "--no-build", "--no-color")
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=demo,
        stdout=subprocess.PIPE,
        text=True,
        # Background jobs, as these tests may be, start with SIGINT ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as up:
        assert up.stdout
        output = []
        for line in up.stdout:
            output.append(line)
            if "The published site" in line:
                break
        address = f"http://127.0.0.1:{demo['PORT']}/"
        assert address in output[-1], "".join(output)
        with urllib.request.urlopen(address, timeout=60) as page:
            text = page.read().decode()
        assert "Larkfield" in text
        assert text.count("event/") > 20
        label = f"label=com.docker.compose.project={demo['COMPOSE_PROJECT_NAME']}"
        jobs = (
            "docker",
            "ps",
            "--all",
            "--filter",
            label,
            "--filter",
            "status=exited",
            "--format",
            "{{.Names}}",
        )
        wait_for(lambda: len(run(*jobs).log.split()) == 3)
        assert not run(*jobs, "--filter", "exited=1").log
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=120)


def in_the_image(script: str, name: str = "dev", limit: float = 1500) -> str:
    """Run a shell script in the image and return its output.

    It runs as the image's user, with a read-only root and no network, without make, git and Docker.
    """
    done = run(
        *("docker", "run", "--rm", "--network=none", "--read-only", "--tmpfs=/tmp:exec,mode=1777"),
        *(f"--volume={ROOT}:/app:ro", "--tmpfs=/app/.venv"),  # hide this machine's programs
        *("--env=HYPOTHESIS_STORAGE_DIRECTORY=/tmp/hypothesis", image(name), "sh", "-c", script),
        timeout=limit,
    )
    assert done.code == 0, done.log[-10_000:]
    return done.log


def test_the_unit_tests_pass_in_the_image_on_python_3_14() -> None:
    assert docker("run", "--rm", image("dev"), "python", "--version").startswith("Python 3.14")
    output = in_the_image("python -m pytest -p no:cacheprovider -n 2 --timeout=600 tests/unit tests/simulate")
    assert re.search(r"^\d{4,} passed", output, re.MULTILINE)


@pytest.mark.wide
def test_the_tests_of_stand_ins_and_publishing_pass_in_the_image() -> None:
    """Except the test that removes Python's folder from the PATH."""
    output = in_the_image("python -m pytest -p no:cacheprovider --timeout=600 tests/e2e/test_standin_*.py")
    assert re.search(r"^\d\d+ passed", output, re.MULTILINE)
    publisher = "tests/aws/upload.bats tests/aws/invalidate.bats"
    output = in_the_image(f"bats --filter-tags '!system-python' {publisher}")
    assert re.search(r"^1\.\.\d\d", output, re.MULTILINE)


@pytest.mark.wide
@pytest.mark.timeout(5400)  # each command starts the program again
def test_the_publishing_tests_pass_with_aws_cli_2() -> None:
    """Version 2 comes from the packages of the base image's Debian: PyPI has only version 1."""
    steps = (
        f"FROM {image('dev')}",
        "USER root",
        # The base image may be older than the lists are valid.
        "RUN apt-get -qq -o Acquire::Check-Valid-Until=false update"
        " && apt-get -qq install -y --no-install-recommends awscli",
        "USER 10001:10001",
    )
    command = ("docker", "build", "--quiet", "--tag", image("dev-aws2"), "-")
    subprocess.run(command, input="\n".join(steps), text=True, check=True, timeout=900)
    assert "aws-cli/2." in docker("run", "--rm", image("dev-aws2"), "/usr/bin/aws", "--version")
    names = ("upload", "invalidate", "configuration", "traps", "publish", "situations")
    files = " ".join(f"tests/aws/{name}.bats" for name in names)
    script = f"TEST_AWS_CLI=/usr/bin/aws bats --filter-tags '!system-python,!pinned-cli' {files}"
    output = in_the_image(script, "dev-aws2", limit=4000)
    assert re.search(r"^1\.\.\d\d", output, re.MULTILINE)
