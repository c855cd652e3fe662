"""Measure an unchanged run on this machine and in containers (RUNNER=docker), step by step.

Needs a Docker engine and the images (make image). The stand-ins serve LibCal and AWS on loopback.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import notify
from bench.measure import Table, median
from standins.aws import Aws
from support.docker_project import HERE, ROOT, SECRETS, small_library

_STEPS = ("fetch", "generate", "upload", "invalidate")
_RUN = (
    "docker",
    "compose",
    "--env-file",
    "/dev/null",
    "--progress",
    "quiet",
    "run",
    "--rm",
    "-T",
    "--no-deps",
)


def bench(rounds: int = 7) -> Table:
    """Measure both in turn, in wall-clock seconds, except the first run, which uploads every file."""
    with tempfile.TemporaryDirectory() as folder, small_library() as libcal, Aws() as aws:
        common = {
            **{key: os.environ[key] for key in ("PATH", "HOME", "DOCKER_HOST") if key in os.environ},
            **libcal.settings,
            **SECRETS,
            "S3_BUCKET": aws.bucket,
            "CLOUDFRONT_DISTRIBUTION_ID": aws.distribution_id,
            "AWS_ENDPOINT_URL": aws.url,
            "ENV_FILE": os.devnull,
            "IMAGE_TAG": os.environ.get("IMAGE_TAG", "latest"),
            "SECRETS_DIR": f"{folder}/secrets",
            "COMPOSE_PROJECT_NAME": f"events-display-bench-{uuid.uuid4().hex[:8]}",
            "COMPOSE_FILE": f"{ROOT}/docker/compose.yaml:{HERE}/host-network.yaml",
        }
        # Each gets its own prefix, or one would delete the files of the other.
        bare = {**common, "BUILD_DIR": f"{folder}/bare", "S3_PREFIX": "bare"}
        docker = {**common, "BUILD_DIR": f"{folder}/docker", "S3_PREFIX": "docker", "RUNNER": "docker"}
        try:
            _seconds(("bin/secrets", "write"), common)
            found = _measured(bare, docker, rounds)
        finally:
            command = ("docker", "compose", "--profile", "publish", "down", "--volumes", "--timeout", "2")
            subprocess.run(command, cwd=ROOT, env=docker, capture_output=True, timeout=120)
    rows = [(name, *(f"{median(each):.2f}" if each else "" for each in both)) for name, both in found.items()]
    whole, contained = found["whole run"]
    note = f"Docker adds {median(contained) - median(whole):.2f} s; medians of {rounds} rounds in turn."
    return Table("docker: a run without changes", ("seconds", "bare", "docker"), rows, (note,))


def _measured(
    bare: Mapping[str, str], docker: Mapping[str, str], rounds: int
) -> dict[str, tuple[list[float], list[float]]]:
    found: dict[str, tuple[list[float], list[float]]] = {
        name: ([], []) for name in (*_STEPS, "outside the steps", "whole run")
    }
    pieces = {
        "one docker command (docker version)": ("docker", "version"),
        "one docker compose command (config)": (*_RUN[:4], "config", "--quiet"),
        "one container (docker run)": (
            "docker",
            "run",
            "--rm",
            f"events-display/generator:{docker['IMAGE_TAG']}",
            "true",
        ),
        "one container with Compose": (*_RUN, "generator", "true"),
        "one container with Compose, running Python": (*_RUN, "generator", "python", "-c", "import requests"),
    }
    found |= {f"alone: {name}": ([], []) for name in pieces}
    for round_ in range(rounds + 1):
        for column, env in enumerate((bare, docker)):
            seconds, summary = _publish(env)
            if not round_:
                continue
            steps = [float(summary.get(f"{step}_s", 0)) for step in _STEPS]
            for name, value in zip(found, (*steps, seconds - sum(steps), seconds), strict=False):
                found[name][column].append(value)
        if not round_:
            continue
        _seconds(("bin/secrets", "write"), docker)
        for name, command in pieces.items():
            found[f"alone: {name}"][1].append(_seconds(command, docker))
    return found


def _publish(env: Mapping[str, str]) -> tuple[float, dict[str, str]]:
    """Run `make publish`; return its wall-clock seconds and the fields of its summary line."""
    began = time.perf_counter()
    done = subprocess.run(
        ("make", "--no-print-directory", "publish", f"RUNNER={env.get('RUNNER', '')}"),
        cwd=ROOT,
        env=dict(env),
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(done.stderr)
    return seconds, notify.fields(
        next(line for line in done.stderr.splitlines() if 'msg="run ended"' in line)
    )


def _seconds(command: tuple[str, ...], env: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=Path(ROOT), env=dict(env), check=True, capture_output=True, timeout=300)
    return time.perf_counter() - began
