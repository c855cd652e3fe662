"""docker/kubernetes: the objects of each library's overlay, without a cluster."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml  # type: ignore[import-untyped]

import check
from schedule import DEFAULT, EXAMPLE, Schedule
from settings import VERSION, LibCalSettings, PublishSettings, Settings
from support.kubernetes_files import OVERLAYS, ROOT, SECRETS, Built, copy, kustomize, write_secrets

RUNS = ("events-display", "events-display-closing")
ORDER = ["import", "drain", "generate", "upload", "invalidate"]
OWN_SECRETS = {"drain": "invalidate", "generate": "libcal", "upload": "upload", "invalidate": "invalidate"}
USERS = {
    "import": (10002, 10002),
    "drain": (10003, 10002),
    "generate": (10001, 10001),
    "upload": (10002, 10002),
    "invalidate": (10003, 10002),
}
# The volumes that a container mounts; True: read-only.
VOLUMES = {
    "import": {"state": True, "published": False, "pending": False},
    "drain": {"pending": False},
    "generate": {"state": False},
    "upload": {"state": True, "published": False, "pending": False},
    "invalidate": {"pending": False},
}
QUARTER_OF_AN_HOUR = 15 * 60


@pytest.mark.parametrize("version", ["1.29", "1.37"])  # ReadWriteOncePod came with 1.29
def test_every_object_is_valid_in_old_and_new_clusters(built: Built, version: str) -> None:
    assert len(built.objects) >= 11
    for each in built.objects:
        kubernetes_validate.validate(each, version, strict=True)


def test_the_schemas_find_a_misspelled_field(built: Built) -> None:
    cron = built.get("CronJob", "events-display")
    slip = cron | {"spec": cron["spec"] | {"timezone": "America/New_York"}}
    with pytest.raises(kubernetes_validate.ValidationError, match="timezone"):
        kubernetes_validate.validate(slip, "1.37", strict=True)


def cron_runs(line: str, day: date) -> list[datetime]:
    """Return the times of one day at which a cron line is due; its fields may be `*`, `n`, `a-b` or `*/n`."""

    def due(words: str, value: int) -> bool:
        if found := re.fullmatch(r"\*(?:/(\d+))?", words):
            return value % int(found[1] or 1) == 0
        first, _, last = words.partition("-")
        return int(first) <= value <= int(last or first)

    minutes, hours, days, months, weekdays = line.split()
    assert (days, months) == ("*", "*")
    moments = (datetime.combine(day, time()) + timedelta(minutes=count) for count in range(24 * 60))
    return [
        moment
        for moment in moments
        if due(minutes, moment.minute)
        and due(hours, moment.hour)
        and due(weekdays, (moment.weekday() + 1) % 7)
    ]


def test_the_two_schedules_are_the_37_runs_without_duplicates(built: Built) -> None:
    lines = [built.get("CronJob", name)["spec"]["schedule"] for name in RUNS]
    for day in (date(2026, 3, 2) + timedelta(days=count) for count in range(14)):
        found = sorted(moment for line in lines for moment in cron_runs(line, day))
        assert found == list(Schedule.parse(DEFAULT).runs(day)), day


def test_another_schedule_gives_more_cronjobs_with_the_same_job(tmp_path: Path) -> None:
    overlay = copy(tmp_path) / "overlays" / "strandby"
    settings = overlay / "kustomization.yaml"
    settings.write_text(
        settings.read_text().replace("      - LOCALE", f"      - SCHEDULE={EXAMPLE}\n      - LOCALE")
    )
    subprocess.run((sys.executable, ROOT / "scripts/print_schedule.py", "kubernetes", overlay), check=True)
    write_secrets(overlay)
    built = Built(tuple(yaml.safe_load_all(kustomize(overlay).stdout)))
    jobs = [each for each in built.objects if each["kind"] == "CronJob"]
    assert sorted(job["spec"]["schedule"] for job in jobs) == sorted(Schedule.parse(EXAMPLE).cron())
    for job in jobs:
        kubernetes_validate.validate(job, "1.37", strict=True)
        assert job["metadata"]["namespace"] == "events-strandby"
        assert job["spec"]["timeZone"] == "Europe/Copenhagen"
        assert job["spec"]["jobTemplate"]["spec"] == jobs[0]["spec"]["jobTemplate"]["spec"]


def test_the_schedule_uses_the_time_zone_of_the_library(overlays: dict[str, Built]) -> None:
    zones = {}
    for name, built in overlays.items():
        zones[name] = built.get("ConfigMap", "settings")["data"]["TIMEZONE"]
        assert {built.get("CronJob", run)["spec"]["timeZone"] for run in RUNS} == {zones[name]}
    assert len(set(zones.values())) > 1


def test_a_run_ends_before_the_next_is_due(built: Built) -> None:
    for name in RUNS:
        spec = built.get("CronJob", name)["spec"]
        job = spec["jobTemplate"]["spec"]
        grace = job["template"]["spec"]["terminationGracePeriodSeconds"]
        assert spec["startingDeadlineSeconds"] + job["activeDeadlineSeconds"] + grace < QUARTER_OF_AN_HOUR
        assert spec["concurrencyPolicy"] == "Forbid"
        # The next run is the retry.
        assert job["backoffLimit"] == 0
        assert job["template"]["spec"]["restartPolicy"] == "Never"


def test_only_one_pod_at_a_time_has_the_volume(built: Built) -> None:
    claims = [each for each in built.objects if each["kind"] == "PersistentVolumeClaim"]
    assert {each["metadata"]["name"] for each in claims} == {"state", "published", "pending"}
    assert all(each["spec"]["accessModes"] == ["ReadWriteOncePod"] for each in claims)


def test_the_last_run_of_the_day_has_the_same_job(built: Built) -> None:
    one, last = (built.get("CronJob", name)["spec"]["jobTemplate"] for name in RUNS)
    assert one == last


def test_the_steps_are_in_order_and_use_the_images_of_this_version(built: Built) -> None:
    containers = built.containers()
    assert list(containers) == ORDER
    images = {
        "import": "uploader",
        "drain": "invalidator",
        "generate": "generator",
        "upload": "uploader",
        "invalidate": "invalidator",
    }
    for name, container in containers.items():
        assert container["image"] == f"registry.example.org/events-display/{images[name]}:{VERSION}"


def test_a_pod_has_no_rights_and_each_container_only_its_own_secret_and_tmp(built: Built) -> None:
    spec = built.template()["spec"]
    assert spec["automountServiceAccountToken"] is False
    pod = spec["securityContext"]
    assert (pod["runAsNonRoot"], pod["fsGroup"]) == (True, 10001)
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    volumes = {each["name"]: each for each in spec["volumes"]}
    folders: dict[str, set[str]] = {}
    for name, container in built.containers().items():
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert set(container["resources"]["limits"]) == {"cpu", "memory", "ephemeral-storage"}
        assert (context["runAsUser"], context["runAsGroup"]) == USERS[name]
        mounts = {each["mountPath"]: each for each in container["volumeMounts"]}
        claims = {
            each["name"]: each for each in mounts.values() if "persistentVolumeClaim" in volumes[each["name"]]
        }
        assert {key: each.get("readOnly", False) for key, each in claims.items()} == VOLUMES[name]
        if name == "import":
            assert set(mounts) == {"/data", "/state", "/pending", "/tmp"}
            continue
        secrets = [each for each in mounts.values() if "secret" in volumes[each["name"]]]
        assert [each["name"] for each in secrets] == [OWN_SECRETS[name]]
        assert all(each["readOnly"] for each in secrets)
        logo = {"/run/logo"} if name == "generate" else set()
        folders_of_claims = {each["mountPath"] for each in claims.values()}
        assert set(mounts) == folders_of_claims | {"/tmp", f"/run/secrets/{OWN_SECRETS[name]}"} | logo
        folders.setdefault(OWN_SECRETS[name], set()).add(mounts["/tmp"]["name"])
    assert sorted(map(len, folders.values())) == [1, 1, 1]
    assert len(set.union(*folders.values())) == 3
    for each in volumes.values():
        if "secret" in each:
            assert each["secret"]["defaultMode"] == 0o440


def environment(built: Built, *names: str) -> dict[str, str]:
    """Return the settings of the containers with these names; secrets as their content, not as files."""
    values: dict[str, str] = dict(built.get("ConfigMap", "settings")["data"])
    spec = built.template()["spec"]
    volumes = {each["name"]: each for each in spec["volumes"]}
    for name in names:
        container = built.containers()[name]
        files: dict[str, str] = {}
        for mount in container["volumeMounts"]:
            if secret := volumes[mount["name"]].get("secret"):
                data = built.get("Secret", secret["secretName"])["data"]
                files |= {f"{mount['mountPath']}/{key}": base64.b64decode(data[key]).decode() for key in data}
        for each in container["env"]:
            if each["name"].endswith("_FILE"):
                values[each["name"].removesuffix("_FILE")] = files[each["value"]].rstrip("\n")
    return values


def test_the_programs_get_all_settings_that_they_need_and_no_unknown_one(built: Built) -> None:
    env = environment(built, "generate")
    settings = Settings.from_env(env)
    assert LibCalSettings.from_env(env).client_secret == SECRETS["LIBCAL_CLIENT_SECRET"]
    assert PublishSettings.from_env(env).bucket
    # Quotes as in .env would show on the page.
    assert not re.search(r"['\"]", settings.site_name)
    assert settings.site_url
    assert all(check.is_known(name) for name in built.get("ConfigMap", "settings")["data"])


def test_the_logo_is_optional_and_at_the_path_of_the_settings(overlays: dict[str, Built]) -> None:
    for name, built in overlays.items():
        volumes = {each["name"]: each for each in built.template()["spec"]["volumes"]}
        mounts = {each["name"]: each["mountPath"] for each in built.containers()["generate"]["volumeMounts"]}
        assert volumes["logo"]["configMap"] == {"name": "logo", "optional": True}
        files = [
            f"{mounts['logo']}/{key}"
            for each in built.objects
            if (each["kind"], each["metadata"]["name"]) == ("ConfigMap", "logo")
            for key in each["data"]
        ]
        assert files == ([Settings.from_env(environment(built)).logo] if name == "strandby" else [])


@pytest.mark.parametrize(
    ("name", "role"), [("drain", "INVALIDATE"), ("upload", "UPLOAD"), ("invalidate", "INVALIDATE")]
)
def test_the_aws_cli_finds_its_own_key_pair(built: Built, name: str, role: str) -> None:
    credentials = environment(built, name)["AWS_SHARED_CREDENTIALS"]
    assert credentials.splitlines() == [
        "[default]",
        f"aws_access_key_id = {SECRETS[f'{role}_AWS_ACCESS_KEY_ID']}",
        f"aws_secret_access_key = {SECRETS[f'{role}_AWS_SECRET_ACCESS_KEY']}",
    ]


def test_only_secret_objects_hold_secrets(built: Built) -> None:
    for each in built.objects:
        hidden = [value for value in SECRETS.values() if value in str(each)]
        assert not hidden, each["kind"]
    assert sum(each["kind"] == "Secret" for each in built.objects) == 3


def test_libraries_share_no_object_and_no_bucket(overlays: dict[str, Built]) -> None:
    assert len(overlays) > 1
    seen: set[tuple[Any, ...]] = set()
    for built in overlays.values():
        spaces = {each["metadata"].get("namespace") for each in built.objects if each["kind"] != "Namespace"}
        (namespace,) = (each for each in built.objects if each["kind"] == "Namespace")
        assert spaces == {namespace["metadata"]["name"]}
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        keys = {
            (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
            for each in built.objects
        }
        assert not seen & keys
        seen |= keys
    buckets = [built.get("ConfigMap", "settings")["data"]["S3_BUCKET"] for built in overlays.values()]
    assert len(set(buckets)) == len(buckets)


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_without_its_secrets_is_refused_by_name(tmp_path: Path, name: str) -> None:
    done = kustomize(copy(tmp_path) / "overlays" / name)
    assert done.returncode != 0
    assert "secrets/libcal_client_id" in done.stderr


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_secrets_are_never_committed(name: str) -> None:
    secret = f"docker/kubernetes/overlays/{name}/secrets/upload_credentials"
    ignored = subprocess.run(
        ("git", "check-ignore", "--quiet", secret), cwd=ROOT, env={"PATH": os.environ["PATH"]}
    )
    assert ignored.returncode == 0
