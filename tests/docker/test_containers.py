"""Each container's rights, files and secrets; places where no secret may appear."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from standins.libcal_faults import Fault
from standins.libcal_server import CLIENT_SECRET, LibCal
from support.docker_project import ROOT, SECRETS, SERVICES, Project, docker, image, inspect, run, wait_for

# Of this machine: the name of its build folder, and files that are no secrets.
SHARED = {"owner", "requests_ca_bundle"}
AWS = SHARED | {
    "aws_ca_bundle", "aws_config_file", "aws_shared_credentials_file", "aws_web_identity_token_file"
}  # fmt: skip
OWN = {
    "generator": SHARED | {"branches", "libcal_client_id", "libcal_client_secret", "logo"},
    "uploader": AWS | {"upload_credentials"},
    "invalidator": AWS | {"invalidate_command", "invalidate_credentials"},
}
USERS = {
    "generator": "uid=10001 gid=10001",
    "uploader": "uid=10002 gid=10002",
    "invalidator": "uid=10003 gid=10002",
}
WRITABLE = {"generator": {"/data"}, "uploader": {"/state", "/pending"}, "invalidator": {"/pending"}}
PLANTED = {
    "generator": [CLIENT_SECRET],
    "uploader": [SECRETS["UPLOAD_AWS_ACCESS_KEY_ID"], SECRETS["UPLOAD_AWS_SECRET_ACCESS_KEY"]],
    "invalidator": [SECRETS["INVALIDATE_AWS_ACCESS_KEY_ID"], SECRETS["INVALIDATE_AWS_SECRET_ACCESS_KEY"]],
}
ALL_PLANTED = [secret for secrets in PLANTED.values() for secret in secrets]

# Prints KEY=VALUE lines; tries to write to each folder.
PROBE = r"""
echo uid=$(id -u) gid=$(id -g) groups=$(id -G)
grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status | sed 's/:[[:space:]]*/=/'
for place in / /app /app/bin /venv /usr/local /run /run/secrets /var/tmp /home /root /dev/shm /data /state /pending /tmp; do
  if (: >"$place/probe") 2>/dev/null; then echo "writable=$place"; rm -f "$place/probe"; fi
done
for file in /run/secrets/*; do echo "secret=${file##*/}"; done
echo "init=$(tr '\0' ' ' </proc/1/cmdline)"
"""
# Searches all readable files and the environment for the strings on stdin.
REACH = r"""
cat >/tmp/needles
grep -rlsF --exclude-dir=proc --exclude-dir=sys --exclude=needles -f /tmp/needles / || true
tr '\0' '\n' </proc/self/environ | grep -qF -f /tmp/needles && echo environment
true
"""


def facts(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if separator:
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_has_no_capabilities_and_can_write_only_its_volumes_and_tmp(
    project: Project, service: str
) -> None:
    done = project.step(service, "sh", "-c", PROBE)
    assert done.code == 0, done.log
    found = facts(done.log)
    group = USERS[service].rpartition("=")[2]
    assert found["uid"] == [f"{USERS[service].removeprefix('uid=')} groups={group}"]
    for mask in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(found[mask][0], 16) == 0, mask
    assert found["NoNewPrivs"] == ["1"]
    assert found["Seccomp"] == ["2"]
    assert set(found["writable"]) - {"/dev/shm"} == WRITABLE[service] | {"/tmp"}
    assert set(found["secret"]) == OWN[service]
    assert "init" in found["init"][0]


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_can_read_only_its_own_secrets(project: Project, service: str) -> None:
    assert run("bin/secrets", env=project.env).code == 0

    def places(needles: list[str]) -> str:
        command = ("docker", "compose", "--env-file", "/dev/null", "--progress", "quiet", "run", "--rm", "-T")
        done = subprocess.run(
            (*command, "--no-deps", "--pull", "never", service, "sh", "-c", REACH),
            input="\n".join(needles) + "\n",
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=project.env,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    # Prove that the search works: it finds the container's own secrets in /run/secrets.
    own = places(PLANTED[service])
    assert own.split(), service
    assert all(place.startswith("/run/secrets/") for place in own.split()), own
    others = [secret for secret in ALL_PLANTED if secret not in PLANTED[service]]
    assert places(others) == ""


@pytest.mark.parametrize("service", SERVICES)
def test_docker_inspect_shows_the_limits_and_no_secret(
    project: Project, libcal: LibCal, service: str
) -> None:
    libcal.faults.append(Fault(kind="delay", seconds=20))
    if service == "generator":
        project.start()
        wait_for(lambda: libcal.log)
        container = project.containers("status=running")[0]
    else:
        assert run("bin/secrets", env=project.env).code == 0
        project.compose(
            "--env-file", "/dev/null", "run", "-d", "--no-deps", "--pull", "never", service, "sleep", "20"
        )
        container = project.containers("status=running")[0]
    text = json.dumps(inspect(container))
    for secret in ALL_PLANTED:
        assert secret not in text
    limits = inspect(container)["HostConfig"]
    assert isinstance(limits, dict)
    assert limits["ReadonlyRootfs"] is True
    assert limits["CapDrop"] == ["ALL"]
    assert not limits["CapAdd"]
    assert limits["SecurityOpt"] == ["no-new-privileges:true"]
    assert limits["Memory"] == limits["MemorySwap"] == 512 * 1024 * 1024
    assert 0 < limits["PidsLimit"] <= 64
    assert limits["RestartPolicy"]["Name"] in ("", "no")
    assert limits["Init"] is True
    assert not limits["Privileged"]
    assert limits["PortBindings"] == {}


def test_no_secret_is_in_config_history_logs_or_ended_containers(project: Project) -> None:
    done = project.publish()
    assert done.code == 0, done.log
    up = project.compose("--profile", "publish", "up")
    assert up.code == 0, up.log
    ended = project.containers("status=exited")
    assert len(ended) == len(SERVICES) + 2  # the import, and the one that waits for the invalidator
    shown = [done.log, up.log]
    shown += [json.dumps(inspect(container)) for container in ended]
    shown += ["".join(run("docker", "logs", container).log for container in ended)]
    shown += [docker("image", "history", "--no-trunc", image(service)) for service in SERVICES]
    shown += [docker("image", "inspect", image(service)) for service in SERVICES]
    shown += [project.compose("--profile", "*", "config").log]
    shown += [project.compose("--profile", "*", "config", "--format", "json", "--no-interpolate").log]
    shown += [
        project.volume("cat /data/*.json /data/site/*.json /data/*.manifest /state/*.manifest /pending/*")
    ]
    for secret in ALL_PLANTED:
        assert not [text for text in shown if secret in text]
    assert all(shown)


def test_only_the_owner_can_open_the_secrets_folder_and_it_is_deleted_after_the_run(project: Project) -> None:
    assert run("bin/secrets", env=project.env).code == 0
    folder = Path(project.env["SECRETS_DIR"])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(list(folder.iterdir())) > 10
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}
    assert project.publish().code == 0
    assert not folder.exists()


def test_an_image_has_only_the_files_of_its_step() -> None:
    def holds(service: str, *paths: str) -> list[str]:
        looked = docker(
            "run",
            "--rm",
            "--network=none",
            "--entrypoint=",
            image(service),
            "sh",
            "-c",
            f"ls -d {' '.join(paths)} 2>&1; true",
        )
        return [line for line in looked.splitlines() if not line.startswith("ls: ")]

    aws, fetch, templates = "/venv/bin/aws", "/app/bin/fetch", "/app/templates"
    libcal = "/app/scripts/fetching /app/scripts/rendering /venv/lib/python3*/site-packages/requests"
    assert holds("generator", aws, fetch, templates) == [fetch, templates]
    for service, program in (("uploader", "/app/bin/upload"), ("invalidator", "/app/bin/invalidate")):
        assert holds(service, aws, fetch, templates, libcal) == [aws]
        assert holds(service, "/app/bin/upload", "/app/bin/invalidate") == [program]
    for service in SERVICES:
        everywhere = (
            "/venv/bin/pip* /venv/lib/python3*/site-packages/pip /app/.env /app/.git /app/tests /app/build"
        )
        assert holds(service, everywhere) == []


def test_the_generator_image_has_the_date_formats_of_every_language_in_messages() -> None:
    languages = [path.stem for path in (ROOT / "templates" / "messages").glob("??.json")]
    places = ["en_US", "en_GB", "en_CA", "es_ES", "es_US", "es_MX", "da_DK"]
    program = """import datetime, sys, babel.dates
for name in sys.argv[1:]:
    print(babel.dates.format_date(datetime.date(2026, 3, 3), "full", name))
"""
    command = ("docker", "run", "--rm", "--network=none", "--entrypoint=", image("generator"), "python", "-c")
    done = run(*command, program, *languages, *places)
    assert done.code == 0, done.log
    assert "Tuesday, March 3, 2026" in done.log
    assert "tirsdag den 3. marts 2026" in done.log
    assert run(*command, program, "fi_FI").code == 1


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_has_labels_user_and_entrypoint(service: str) -> None:
    config = json.loads(docker("image", "inspect", image(service)))[0]["Config"]
    labels = config["Labels"]
    for name in ("title", "description", "version", "revision", "licenses"):
        assert labels[f"org.opencontainers.image.{name}"]
    version = next(
        line for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("version")
    )
    assert labels["org.opencontainers.image.version"] == version.split('"')[1]
    assert config["User"] == USERS[service].replace("uid=", "").replace(" gid=", ":")
    assert config["Entrypoint"] == ["enter"]
    assert config["Healthcheck"] == {"Test": ["NONE"]}


def test_a_step_can_be_run_by_hand_in_its_container(project: Project) -> None:
    done = project.step("generator", "fetch")
    assert done.code == 0, done.log
    assert done.steps() == ["fetch"]
    refused = project.step("uploader", "upload", "--no-such-option")
    assert refused.code == 2
    assert "Usage: bin/upload" in refused.log


def test_a_secret_in_an_invalid_env_file_is_not_printed(project: Project, tmp_path: Path) -> None:
    bad = tmp_path / "env"
    bad.write_text("LIBCAL_CLIENT_SECRET=planted secret value\n")
    env = {key: value for key, value in project.env.items() if key != "LIBCAL_CLIENT_SECRET"}
    for command in (
        ("bin/secrets",),
        ("bin/publish",),
        ("bin/check",),
        ("bin/secrets", "compose", "up", "secrets"),
    ):
        done = run(*command, env={**env, "ENV_FILE": str(bad)})
        assert done.code == 78, done.log
        assert "planted" not in done.log
        assert "LIBCAL_CLIENT_SECRET" in done.log
    assert os.listdir(tmp_path) == ["env"] or not (tmp_path / "secrets").exists()
