"""A hostile generator: it writes links, FIFOs, huge files and wrong modes wherever it can.

Uploader and invalidator publish no file but those of a complete site, put no secret into the bucket or a
volume, and end with 65 and one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from standins.aws import Aws
from standins.libcal_server import LibCal
from support.docker_project import SECRETS, Project, docker, image, new_project, small_library
from support.wide import wide

SITE = "cd /data/site &&"
# Each as a shell command in the generator's container, with its rights.
REFUSED = {
    "the-site-is-a-link": "mv /data/site /data/s && ln -s /run/secrets /data/site",
    "a-page-is-a-link": f"{SITE} ln -sf /run/secrets/upload_credentials index.html",
    "a-page-is-a-link-with-its-digest": f"{SITE} mv index.html /data/i && ln -s /data/i index.html",
    "a-folder-is-a-link": f"{SITE} rm -r event && ln -s /run/secrets event",
    "an-extra-link": f"{SITE} ln -s /run/secrets/upload_credentials extra.html",
    "a-page-is-a-fifo": f"{SITE} rm index.html && mkfifo index.html",
    "a-page-is-huge": f"{SITE} truncate -s 20G index.html",
    "a-page-is-missing": f"{SITE} rm index.html",
    "the-manifest-is-a-link": "ln -sf /run/secrets/upload_credentials /data/site.manifest",
    "the-manifest-is-a-fifo": "rm /data/site.manifest && mkfifo /data/site.manifest",
    "the-manifest-is-huge": "truncate -s 20G /data/site.manifest",
    "the-manifest-is-not-text": "head -c 100000 /dev/urandom >/data/site.manifest",
    "the-manifest-names-a-file-elsewhere":
        "echo \"$(printf %064d 0)  ../../run/secrets/upload_credentials\" >>/data/site.manifest",
    "status.json-is-a-link": f"{SITE} ln -sf /run/secrets/upload_credentials status.json",
    "status.json-is-huge": f"{SITE} truncate -s 20G status.json",
    "status.json-is-deep": f"{SITE} head -c 900000 /dev/zero | tr '\\0' '[' >status.json",
    "status.json-is-a-fifo": f"{SITE} rm status.json && mkfifo status.json",
    "no-one-may-read-a-page": "chmod 0 /data/site/index.html",
    "no-one-may-read-a-folder": "chmod 0 /data/site/event",
    "no-one-may-read-the-site": "chmod 0 /data/site",
    "no-one-may-read-the-manifest": "chmod 0 /data/site.manifest",
    "no-one-may-read-the-volume": "chmod 0 /data",
}  # fmt: skip
ALWAYS = ("a-page-is-a-link", "a-folder-is-a-link", "the-manifest-is-a-fifo", "a-page-is-huge")
# The files that versions up to 0.1.0 kept in the generator's volume.
OLD_STATE = """cd /data && mkdir -p run/stage && rm -rf run/stage && ln -s /run/secrets run/stage
for name in pending-paths published.manifest invalidations state.lock run/aws.out run/upload.plan; do
  ln -sf /run/secrets/upload_credentials $name
done"""


@pytest.fixture(scope="module")
def libcal() -> Iterator[LibCal]:
    with small_library() as server:
        yield server


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with Aws() as server:
        yield server


@pytest.fixture(scope="module")
def first_run(libcal: LibCal, aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that has published once, with a copy of its volumes."""
    with new_project(libcal, aws, tmp_path_factory.mktemp("hostile")) as project:
        done = project.publish()
        assert done.code == 0, done.log
        project.volume("mkdir /state/copy && cp -a /data /state/published.manifest /state/copy")
        yield project


@pytest.fixture
def published(first_run: Project, aws: Aws) -> Project:
    """The project as after its first run."""
    first_run.volume(
        "chmod 755 /data && rm -rf /data/* && cp -a /state/copy/data/. /data"
        " && cp -a /state/copy/published.manifest /state && rm -f /pending/pending-paths && touch /pending/pending-paths"
        " && chown 10002:10002 /pending/pending-paths"
    )
    aws.calls.clear()
    return first_run


def act(project: Project, command: str) -> None:
    """Run a shell command in the generator's container."""
    done = project.step("generator", "sh", "-euc", command)
    assert done.code == 0, done.log


def leaks(project: Project, aws: Aws) -> list[str]:
    """Return the places in the bucket and in the volumes where a secret is."""
    contents = {key: (aws.read(key) or [b""])[0] for key in aws.objects()}
    found = [key for key in contents for secret in SECRETS.values() if secret.encode() in contents[key]]
    needles = " ".join(f"-e '{secret}'" for secret in SECRETS.values())
    # Only regular files: a link to /run/secrets leads nowhere outside of the containers.
    search = f"find /data /state /pending -type f -size -100M -exec grep -lF {needles} {{}} + || true"
    return found + project.volume(search).split()


@pytest.mark.parametrize(
    "name", [name if name in ALWAYS else wide(name, id=name) for name in REFUSED]
)  # fmt: skip
def test_a_site_that_is_no_complete_site_is_refused_with_65_and_one_line(
    published: Project, aws: Aws, name: str
) -> None:
    act(published, REFUSED[name])
    done = published.step("uploader", "upload")
    assert done.code == 65, done.log
    errors = [line for line in done.lines if line["level"] == "error"]
    assert [(line["step"], line["rc"]) for line in errors] == [("upload", "65")], done.log
    assert not [call for call in aws.calls if call.method in ("PUT", "POST", "DELETE")]
    assert not leaks(published, aws)


def test_the_publish_state_is_out_of_the_generators_reach(published: Project, aws: Aws) -> None:
    act(published, OLD_STATE)
    act(published, f"{SITE} date >robots.txt && sed -i '/robots.txt/d' ../site.manifest")
    act(published, f"{SITE} sha256sum robots.txt >>../site.manifest")
    for service, step in (("uploader", "upload"), ("invalidator", "invalidate")):
        done = published.step(service, step)
        assert done.code == 0, done.log
    written = {call.path.rpartition("/")[2] for call in aws.calls if call.method == "PUT"}
    assert written == {"robots.txt", "status.json"}
    assert aws.invalidations()[-1] == ["/robots.txt"]
    assert not leaks(published, aws)


def test_a_run_with_a_hostile_generator_image_publishes_no_secret(
    published: Project, aws: Aws, tmp_path: Path
) -> None:
    hostile = tmp_path / "image"
    hostile.mkdir()
    (hostile / "generate").write_text(f"#!/bin/sh\n{OLD_STATE}\n{REFUSED['a-folder-is-a-link']}\n")
    (hostile / "fetch").write_text("#!/bin/sh\ntrue\n")
    # It also claims that no path is pending, and reports without end.
    (hostile / "report").write_text('#!/bin/sh\n"$@" >&2\ntar -c -C / etc/passwd data/site.manifest\n')
    for name in ("fetch", "generate", "report"):
        (hostile / name).chmod(0o755)
    (hostile / "Dockerfile").write_text(f"FROM {image('generator')}\nCOPY fetch generate report /app/bin/\n")
    tag = f"events-display/hostile:{published.name}"
    docker("build", "--quiet", "--tag", tag, str(hostile))
    override = tmp_path / "hostile.yaml"
    override.write_text(f"services: {{generator: {{image: '{tag}'}}}}\n")
    try:
        done = published.publish(COMPOSE_FILE=f"{published.env['COMPOSE_FILE']}:{override}")
    finally:
        docker("rmi", tag)
    assert done.code == 65, done.log
    assert (done.lines[-1]["failed_step"], done.lines[-1]["rc"]) == ("upload", "65")
    assert not [call for call in aws.calls if call.method in ("PUT", "POST", "DELETE")]
    assert not leaks(published, aws)
    assert all(secret not in done.log for secret in SECRETS.values())
