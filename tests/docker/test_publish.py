"""make publish RUNNER=docker, and docker compose up: order of steps, exit codes, failures, recovery."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from site_paths import MARK
from standins import bucket_site
from standins.aws import Aws, Call
from standins.libcal_faults import Fault
from standins.libcal_server import LibCal
from standins.serving import serve
from support.docker_project import ROOT, SERVICES, TAG, Project, docker, image, run, wait_for
from support.tls_relay import network
from support.tls_server import make_certificate
from support.wide import wide

CLOSED = "http://127.0.0.1:9"  # the discard port, where no server listens

# Failures: the step that fails, its exit code, and the settings that cause it.
FAILURES = [
    wide("fetch", 78, {"LIBCAL_CLIENT_SECRET": "wrong"}, id="wrong-libcal-secret"),
    wide("fetch", 75, {"LIBCAL_URL": CLOSED}, id="libcal-down"),
    pytest.param("generate", 65, {"MIN_EVENTS": "100000"}, id="too-few-events"),
    wide("upload", 78, {"S3_BUCKET": "no-such-bucket"}, id="no-such-bucket"),
    pytest.param("upload", 75, {"AWS_ENDPOINT_URL_S3": CLOSED}, id="s3-down"),
    pytest.param("invalidate", 78, {"CLOUDFRONT_DISTRIBUTION_ID": "ENOSUCH"}, id="no-such-distribution"),
]
ORDER = ["fetch", "generate", "upload", "invalidate"]


def writes(aws: Aws, service: str) -> list[Call]:
    """Return the calls that changed data."""
    return [
        call for call in aws.calls if call.service == service and call.method in ("PUT", "POST", "DELETE")
    ]


def test_a_run_publishes_the_site_and_logs_one_run_id_in_every_line(project: Project, aws: Aws) -> None:
    done = run("make", "publish", "RUNNER=docker", env={**project.env, "RUN_ID": "run-of-the-test"})
    assert done.code == 0, done.log
    assert done.last("run ended")["outcome"] == "ok"
    assert {line["run"] for line in done.lines} == {"run-of-the-test"}
    assert [step for step in done.steps() if step in ORDER] == ORDER
    site = project.volume("cd /data/site && find . -type f").split()
    assert {path.removeprefix("./") for path in site} == set(aws.objects()) - {MARK}
    assert aws.invalidations() == [["/*"]]
    ended, uploaded = done.last("run ended"), done.last("uploaded")
    for number in ("changed", "uploaded", "deleted", "bytes", "events"):
        assert ended[number] == uploaded[number], number
    assert int(ended["uploaded"]) == len(aws.objects()) - 2  # the mark and status.json
    assert (ended["calendars_failed"], ended["age_minutes"]) == ("0", "0")
    assert ended["paths"] == done.last("invalidated")["paths"]
    assert ended["events"] == done.last("events fetched")["events"]
    assert project.containers() == []
    for service in SERVICES:
        expected = docker("image", "inspect", "--format", "{{slice .Id 7 19}}", image(service))
        assert re.search(rf"image={image(service)} id={expected} version=\S+ revision=\S+$", done.log, re.M)
    objects, files = aws.objects(), sorted(project.state.rglob("*"))
    checked = run("bin/check", env=project.env)
    assert checked.code == 0, checked.log
    calendars = [line for line in checked.lines if line["msg"] == "calendar in LibCal"]
    assert sum("events" in line for line in calendars) == int(ended["calendars"])
    assert {"S3 allows to list, upload and delete", "CloudFront allows to invalidate"} <= {
        line["msg"] for line in checked.lines
    }
    plan = run("make", "plan", "RUNNER=docker", env=project.env)
    assert plan.code == 0, plan.log
    with serve(bucket_site.app(aws)) as address:
        verified = run("make", "verify", "RUNNER=docker", env={**project.env, "SITE_URL": address})
    assert (verified.code, verified.last("live site matches the last build")["wrong"]) == (0, "0"), (
        verified.log
    )
    assert (aws.objects(), sorted(project.state.rglob("*"))) == (objects, files)
    assert project.containers() == []
    wrong = run("bin/check", env={**project.env, "LIBCAL_CALENDARS": "999"})
    assert wrong.code == 78, wrong.log
    assert wrong.last("LIBCAL_CALENDARS has 999, which LibCal does not list")["rc"] == "78"


def test_an_unchanged_run_uploads_only_status_json_and_starts_no_invalidator(
    project: Project, aws: Aws, libcal: LibCal
) -> None:
    assert project.publish().code == 0
    aws.calls.clear()
    done = project.publish()
    assert done.code == 0, done.log
    assert [(call.method, call.path.rpartition("/")[2]) for call in writes(aws, "s3")] == [
        ("PUT", "status.json")
    ]
    assert not writes(aws, "cloudfront")
    assert float(done.last("run ended")["invalidate_s"]) < 0.3
    libcal.faults.append(Fault(kind="status", path="/", status=503))
    done = project.publish()
    assert done.code == 0, done.log
    ended = done.last("run ended")
    assert (ended["outcome"], ended["calendars_failed"]) == ("stale", ended["calendars"])


def test_an_exported_state_continues_in_empty_volumes(project: Project, aws: Aws, tmp_path: Path) -> None:
    assert project.publish().code == 0
    for action in ("export", "import"):
        moved = run(
            "bin/state", action, str(tmp_path / "state.tar.gz"), env={**project.env, "RUNNER": "docker"}
        )
        assert moved.code == 0, moved.log
        if action == "export":
            project.volume("rm -rf /data/* /state/* /pending/*")
    aws.calls.clear()
    done = project.publish()
    assert done.code == 0, done.log
    assert len(writes(aws, "s3")) == 1  # status.json: it knows all objects, and the history of each event
    assert not writes(aws, "cloudfront")


@pytest.mark.parametrize(("step", "code", "settings"), FAILURES)
def test_a_failing_step_ends_the_run_with_its_exit_code(
    project: Project, aws: Aws, step: str, code: int, settings: dict[str, str]
) -> None:
    done = project.publish(**settings)
    last = done.lines[-1]
    assert done.code == code, done.log
    assert (last["msg"], last["failed_step"], last["rc"]) == ("publish failed", step, str(code))
    assert [each for each in done.steps() if each in ORDER] == ORDER[: ORDER.index(step) + 1]
    assert bool(writes(aws, "s3")) == (step == "invalidate")
    assert not aws.invalidations()
    assert project.containers() == []


@pytest.mark.parametrize(("step", "code", "settings"), FAILURES)
def test_a_failing_step_ends_docker_compose_up(
    project: Project, aws: Aws, step: str, code: int, settings: dict[str, str]
) -> None:
    done = project.compose("--profile", "publish", "up", **settings)
    assert done.code == 1, done.log
    service = {"fetch": "generator", "generate": "generator", "upload": "uploader"}.get(step, "invalidator")
    assert f'service "{service}" didn\'t complete successfully: exit {code}' in done.log
    assert bool(writes(aws, "s3")) == (step == "invalidate")
    assert not aws.invalidations()


def test_a_logo_on_the_host_is_published(project: Project, aws: Aws, tmp_path: Path) -> None:
    logo = tmp_path / "our logo.svg"
    logo.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 30 10"><path d="M0 0h30v10z"/></svg>'
    )
    done = project.publish(LOGO=str(logo))
    assert done.code == 0, done.log
    published = [key for key in aws.objects() if key.startswith("static/logo.")]
    assert [aws.read(key)[0] for key in published] == [logo.read_bytes()]  # type: ignore[index]
    missing = project.publish(LOGO=str(tmp_path / "none.svg"))
    assert missing.code == 78
    reason = f"LOGO names a file that uid {os.geteuid()} cannot read: No such file or directory"
    assert missing.last(f"environment: {reason}")["key"] == "LOGO"


def test_an_outage_of_libcal_does_not_hold_back_a_pending_invalidation(
    project: Project, aws: Aws, libcal: LibCal
) -> None:
    assert project.publish(CLOUDFRONT_DISTRIBUTION_ID="ENOSUCH").code == 78
    libcal.faults.append(Fault(kind="status", path="/", status=503))
    later = datetime.now(UTC) + timedelta(minutes=10)
    done = project.publish(STALE_AFTER_MINUTES="5", EVENTS_NOW=later.isoformat())
    assert done.code == 75, done.log
    assert done.lines[-1]["failed_step"] == "fetch"
    assert [step for step in done.steps() if step in ORDER][:2] == ["invalidate", "fetch"]
    assert aws.invalidations() == [["/*"]]


def test_the_next_run_removes_the_container_of_a_killed_bin_publish(project: Project, libcal: LibCal) -> None:
    libcal.faults.append(Fault(kind="delay", seconds=30))
    first = project.start()
    wait_for(lambda: libcal.log)
    os.kill(first.pid, signal.SIGKILL)
    first.wait(10)
    assert len(project.containers("status=running")) == 1
    libcal.faults.clear()
    done = project.publish()
    assert done.code == 0, done.log
    assert done.last("removed containers of a killed run")["containers"] == "1"
    assert project.containers() == []


def test_a_stopped_run_leaves_neither_container_nor_secrets(project: Project, libcal: LibCal) -> None:
    libcal.faults.append(Fault(kind="delay", seconds=30))
    process = project.start()
    wait_for(lambda: libcal.log)
    assert (project.state / "secrets" / "libcal_client_secret").exists()
    os.kill(process.pid, signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    assert "interrupted" in output
    assert project.containers() == []
    assert not (project.state / "secrets").exists()


def test_a_killed_container_fails_its_step_and_the_next_run_recovers(
    project: Project, libcal: LibCal
) -> None:
    libcal.faults.append(Fault(kind="delay", seconds=30))
    process = project.start()
    wait_for(lambda: libcal.log)
    docker("kill", *project.containers())
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    assert "container killed, perhaps out of memory" in output
    assert 'msg="publish failed" failed_step=fetch rc=1' in output
    libcal.faults.clear()
    assert project.publish().code == 0


def test_a_step_out_of_memory_is_named(project: Project, tmp_path: Path) -> None:
    override = tmp_path / "small.yaml"
    override.write_text("services: {generator: {mem_limit: 12m, memswap_limit: 12m}}\n")
    done = project.publish(COMPOSE_FILE=f"{project.env['COMPOSE_FILE']}:{override}")
    assert done.code == 1, done.log
    assert done.last("container killed, perhaps out of memory")["status"] == "137"
    assert done.lines[-1]["failed_step"] == "fetch"


@pytest.mark.parametrize("second", ["docker", ""])
def test_a_second_run_exits_with_75_and_does_not_disturb_the_first(
    project: Project, libcal: LibCal, second: str
) -> None:
    libcal.faults.append(Fault(kind="delay", seconds=4, times=1))
    first = project.start()
    wait_for(lambda: libcal.log)
    refused = project.publish(RUNNER=second)
    output, _ = first.communicate(timeout=120)
    assert refused.code == 75, refused.log
    assert "another publish is running" in refused.log
    assert f"pid={first.pid}" in refused.log
    assert first.returncode == 0, output


def test_a_second_run_with_another_build_dir_on_the_same_volume_is_refused(
    project: Project, libcal: LibCal, tmp_path: Path
) -> None:
    libcal.faults.append(Fault(kind="delay", seconds=4, times=1))
    first = project.start()
    wait_for(lambda: libcal.log)
    elsewhere = {"BUILD_DIR": str(tmp_path / "elsewhere"), "SECRETS_DIR": str(tmp_path / "elsewhere-secrets")}
    refused = project.publish(**elsewhere)
    output, _ = first.communicate(timeout=120)
    assert refused.code == 75, refused.log
    line = refused.last("another publish is running on the same volume")
    assert line["holder"] == str(tmp_path / "state" / "docker")
    assert first.returncode == 0, output


def test_another_library_with_the_same_project_name_is_refused(
    project: Project, aws: Aws, tmp_path: Path
) -> None:
    assert project.publish().code == 0
    aws.calls.clear()
    other = {"BUILD_DIR": str(tmp_path / "other"), "SECRETS_DIR": str(tmp_path / "other-secrets")}
    refused = project.publish(**other)
    assert refused.code == 78, refused.log
    assert "the volume belongs to another checkout or library: set COMPOSE_PROJECT_NAME" in refused.log
    assert f"owner={project.env['BUILD_DIR']}" in refused.log
    assert run("bin/secrets", env={**project.env, **other}).code == 0
    up = project.compose("--profile", "publish", "up", **other)
    assert up.code == 1
    assert "the volume belongs to another checkout" in up.log
    assert not aws.calls
    assert project.publish().code == 0
    assert len(writes(aws, "s3")) == 1  # status.json
    assert not writes(aws, "cloudfront")


def test_an_upgrade_from_the_single_volume_of_earlier_versions_keeps_the_state(
    project: Project, aws: Aws
) -> None:
    assert project.publish().code == 0
    # As an earlier version left it: everything in one volume, and no mark in the bucket.
    project.volume(
        "cd /data && sed '/events-display$/d' /state/published.manifest >published.manifest && rm owner"
        ' && echo "$(printf %064d 1)  event/999.html" >>published.manifest'
        " && echo event/999.html >pending-paths && cp /pending/invalidations . && chown 10001:10001 *"
        " && rm -rf /state/* /pending/*"
    )
    (project.state / "state" / "docker" / "imported").unlink()
    aws._client("s3").delete_object(Bucket=aws.bucket, Key=".events-display")
    aws.calls.clear()
    done = project.publish()
    assert done.code == 0, done.log
    assert done.last("took over the publish state of an earlier version")["files"] == "3"
    ended = done.last("run ended")
    assert int(ended["uploaded"]) > 50  # every file, once
    assert project.volume("grep -c removed /state/published.manifest").strip() == "1"  # event/999.html, later
    aws.calls.clear()
    assert project.publish().code == 0
    assert len(writes(aws, "s3")) == 1
    assert "took over" not in project.publish().log


def test_a_profile_of_this_machine_is_the_login_of_a_step_without_a_key_pair(
    project: Project, aws: Aws, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[profile library]\nregion = eu-west-1\n")
    (tmp_path / "credentials").write_text(
        "[library]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = of-the-profile\n"
    )
    profile = {
        "AWS_PROFILE": "library",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "UPLOAD_AWS_ACCESS_KEY_ID": "",
        "UPLOAD_AWS_SECRET_ACCESS_KEY": "",
    }
    done = project.publish(**profile)
    assert done.code == 0, done.log
    assert aws.objects()
    found = project.step("invalidator", "sh", "-c", "env; cat /run/secrets/*", **profile).log
    assert "AWS_PROFILE" not in found
    assert "of-the-profile" not in found


def test_proxy_and_ca_bundles_reach_the_containers(project: Project, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("planted bundle\n")
    settings = {
        "HTTPS_PROXY": "http://proxy.example.org:3128",
        "NO_PROXY": "127.0.0.1",
        "AWS_CA_BUNDLE": str(bundle),
        "REQUESTS_CA_BUNDLE": str(bundle),
    }
    project.env |= settings
    show = 'echo "$HTTPS_PROXY $NO_PROXY $(cat "$REQUESTS_CA_BUNDLE" ${AWS_CA_BUNDLE:+"$AWS_CA_BUNDLE"})"'
    for service in SERVICES:
        expected = "http://proxy.example.org:3128 127.0.0.1 planted bundle"
        assert expected in project.step(service, "sh", "-c", show).log, service
    del project.env["AWS_CA_BUNDLE"], project.env["REQUESTS_CA_BUNDLE"]
    # An empty variable would make the AWS CLI fail.
    assert "BUNDLE" not in project.step("uploader", "env").log


AWS_NAMES = ("*.s3.us-east-1.amazonaws.com", "*.s3.amazonaws.com", "cloudfront.amazonaws.com")


@pytest.mark.wide
def test_a_run_gets_out_through_a_proxy_with_a_ca_of_its_own(
    project: Project, aws: Aws, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path, "cert", *AWS_NAMES)
    address = urlsplit(aws.url)
    with network((address.hostname or "", address.port or 0), certificate) as outside:
        done = project.publish(
            AWS_ENDPOINT_URL="",
            AWS_DEFAULT_REGION="us-east-1",
            HTTPS_PROXY=outside.proxy,
            AWS_CA_BUNDLE=str(certificate),
        )
    assert done.code == 0, done.log
    assert aws.objects()
    assert aws.invalidations() == [["/*"]]
    assert len(set(outside.hosts)) == 2, outside.hosts  # the bucket's and CloudFront's


@pytest.mark.wide
@pytest.mark.parametrize("login", ["web identity", "role of a profile"])
def test_a_role_is_the_login_of_both_steps(project: Project, aws: Aws, tmp_path: Path, login: str) -> None:
    role = "arn:aws:iam::123456789012:role/publisher"  # moto's own account has the distribution
    pairs = [
        f"{step}_AWS_{key}"
        for step in ("UPLOAD", "INVALIDATE")
        for key in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
    ]
    settings = dict.fromkeys(pairs, "")
    if login == "web identity":
        (tmp_path / "token").write_text("token\n")
        settings |= {"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token")}
    else:
        (tmp_path / "config").write_text(f"[profile lib]\nrole_arn = {role}\nsource_profile = base\n")
        (tmp_path / "credentials").write_text("[base]\naws_access_key_id = x\naws_secret_access_key = y\n")
        settings |= {
            "AWS_PROFILE": "lib",
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        }
    done = project.publish(**settings)
    assert done.code == 0, done.log
    assert aws.objects()
    assert aws.invalidations() == [["/*"]]


@pytest.mark.wide
def test_invalidate_command_runs_in_its_container(project: Project, aws: Aws, tmp_path: Path) -> None:
    command = tmp_path / "refresh"
    command.write_text('#!/usr/bin/env bash\nread -r path\necho "refreshed $path" >/pending/refreshed\n')
    settings = {
        "INVALIDATE": "command",
        "INVALIDATE_COMMAND": str(command),
        "CLOUDFRONT_DISTRIBUTION_ID": "",
    }
    done = project.publish(**settings)
    assert done.code == 0, done.log
    assert done.last("invalidated")["with"] == "command"
    assert project.volume("cat /pending/refreshed").strip() == "refreshed /*"
    assert aws.invalidations() == []


def test_docker_compose_up_during_a_run_corrupts_no_file(project: Project, aws: Aws, tmp_path: Path) -> None:
    first = project.start()
    beside = project.compose("--profile", "publish", "up", SECRETS_DIR=str(tmp_path / "beside"))
    output, _ = first.communicate(timeout=120)
    # The second one to take the lock exits with 75, "try later".
    assert (first.returncode, beside.code) in [(0, 0), (0, 1), (75, 0)], output + beside.log
    assert "Traceback" not in output + beside.log
    assert project.publish().code == 0
    site = project.volume("cd /data/site && sha256sum index.html").split()[0]
    found = aws.read("index.html")
    assert found is not None
    from files import sha256

    assert sha256(found[0]) == site


def test_a_missing_engine_is_reported_in_one_line(project: Project) -> None:
    done = project.publish(DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert done.code == 1
    assert [line["msg"] for line in done.lines if line["level"] == "error"] == [
        "Docker is not reachable",
        "publish failed",
    ]


def test_a_missing_image_is_named_and_not_pulled(project: Project) -> None:
    done = project.publish(IMAGE_TAG="no-such-tag")
    assert done.code == 1
    line = done.last("image missing: run make image")
    assert line["image"] == "events-display/generator:no-such-tag"
    assert [each["level"] for each in done.lines] == ["error", "error"]


def test_a_volume_of_another_owner_exits_with_78(project: Project, aws: Aws) -> None:
    assert project.publish().code == 0
    project.volume("chown root:root /data")
    aws.calls.clear()
    done = project.publish()
    assert done.code == 78, done.log
    assert done.lines[-1]["failed_step"] == "fetch"
    assert "uid 10001" in done.log
    assert "owner=0" in done.log
    assert not aws.calls


def test_an_unknown_runner_is_reported_as_a_wrong_setting(project: Project) -> None:
    done = project.publish(RUNNER="podman")
    assert done.code == 78
    assert "RUNNER" in [line.get("key") for line in done.lines]


def test_the_documented_docker_compose_commands_work(project: Project, tmp_path: Path) -> None:
    tree = tmp_path / "checkout"
    files = subprocess.run(
        ("git", "ls-files", "--cached", "--others", "--exclude-standard"),
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.split()
    for name in files:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes((ROOT / name).read_bytes())
        (tree / name).chmod((ROOT / name).stat().st_mode)
    settings = {
        key: project.env[key] for key in project.env if key.startswith(("LIBCAL", "UPLOAD", "INVALID"))
    }
    settings |= {
        key: project.env[key] for key in ("S3_BUCKET", "CLOUDFRONT_DISTRIBUTION_ID", "AWS_ENDPOINT_URL")
    }
    # Settings that only this test needs: its own project, and this machine's loopback.
    settings |= {"COMPOSE_PROJECT_NAME": project.name, "IMAGE_TAG": TAG}
    settings["COMPOSE_FILE"] = "docker/compose.yaml:tests/docker/host-network.yaml"
    filled = "".join(f"{key}={value}\n" for key, value in settings.items())
    env = {key: value for key, value in project.env.items() if key in ("PATH", "HOME", "DOCKER_HOST")}

    assert run("cp", ".env.example", ".env", cwd=tree).code == 0
    example = (tree / ".env").read_text()
    assert "\nCOMPOSE_FILE=docker/compose.yaml\n" in example
    kept = [line for line in example.splitlines() if line.partition("=")[0] not in settings]
    (tree / ".env").write_text("\n".join(kept) + "\n" + filled)
    built = run("docker", "compose", "build", cwd=tree, env=env, timeout=600)
    assert built.code == 0, built.log
    up = run("docker", "compose", "up", cwd=tree, env=env)
    assert up.code == 0, up.log
    assert "msg=invalidated" in up.log
    for name in settings:
        if name.endswith(("SECRET", "ACCESS_KEY")):
            assert settings[name] not in run("docker", "compose", "config", cwd=tree, env=env).log
