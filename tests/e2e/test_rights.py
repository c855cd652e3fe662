"""Each key may do its step and no more: the real AWS CLI against moto with authorization on.

moto does not enforce two things, which tests/unit/test_stack.py checks in the text of the policies: the
condition on s3:prefix, and all rights on CloudFront (moto denies every call, to an administrator too,
moto#9581). It also checks DeleteObjects against the bucket instead of its keys, so the row for deleting uses
DeleteObject, which needs the same right.

Every forbidden command is also run by an administrator, who must not be denied: so a row cannot pass because
its command is wrong.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from settings import ROOT
from standins.aws import Aws

Run = Callable[[str, str], str]
DENIED = ("AccessDenied", "Forbidden", "403", "not authorized", "An error occurred ()")

UPLOADER_MAY = (
    "s3 sync {site} s3://larkfield-events/events/ --no-progress",
    "s3 cp {site}/index.html s3://larkfield-events/events/status.json --no-progress",
    "s3api list-objects-v2 --bucket larkfield-events --prefix events/",
    "s3api delete-object --bucket larkfield-events --key events/old.html",
)
NO_ONE_MAY = (
    "s3api get-object --bucket larkfield-events --key events/kept.html {scratch}/got",
    "s3 cp s3://larkfield-events/events/kept.html {scratch}/got",
    "s3api put-object --bucket larkfield-events --key other/index.html",
    "s3api put-object --bucket larkfield-events --key index.html",
    "s3api put-object --bucket larkfield-events --key events-2/index.html",
    "s3api put-object --bucket other-bucket --key events/index.html",
    "s3api delete-object --bucket larkfield-events --key other/kept.html",
    "s3api delete-object --bucket other-bucket --key events/kept.html",
    "s3api list-objects-v2 --bucket other-bucket",
    "s3api create-bucket --bucket another-bucket",
    "s3api delete-bucket --bucket empty-bucket",
    "s3api list-buckets",
    "s3api get-bucket-policy --bucket other-bucket",
    "s3api put-bucket-acl --bucket larkfield-events --acl public-read",
    "s3api put-bucket-versioning --bucket larkfield-events --versioning-configuration Status=Suspended",
    "s3api put-object-acl --bucket larkfield-events --key events/kept.html --acl public-read",
    "iam list-users",
    "iam create-user --user-name intruder",
    "iam create-access-key --user-name uploader",
    "iam list-access-keys --user-name uploader",
    "iam attach-user-policy --user-name uploader --policy-arn arn:aws:iam::aws:policy/AdministratorAccess",
)
INVALIDATOR_MAY_NOT = (
    *NO_ONE_MAY,
    "s3api list-objects-v2 --bucket larkfield-events --prefix events/",
    "s3api put-object --bucket larkfield-events --key events/index.html",
    "s3api delete-object --bucket larkfield-events --key events/old.html",
)


class Cli:
    """The AWS CLI as one user, in one process for all commands (scripts/aws_session.py)."""

    def __init__(self, pair: tuple[str, str], env: dict[str, str], out: Path) -> None:
        keys = dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), pair, strict=True))
        self._process = subprocess.Popen(
            [sys.executable, ROOT / "scripts" / "aws_session.py", "UPLOAD", out],
            env={"PATH": os.environ["PATH"], "HOME": str(out.parent), **env, **keys, "AWS_MAX_ATTEMPTS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, command: str) -> str:
        """Run one command; return its errors, empty if it succeeded."""
        words = command.split()
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("".join(f"{word}\0" for word in [str(len(words)), *words]).encode())
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the AWS CLI died"
        rc, *answer = line.decode().rstrip("\n").split("\t")
        return "" if rc == "0" else " ".join(answer)

    def stop(self) -> None:
        """End the process."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """A stand-in for AWS."""
    with Aws() as aws:
        yield aws


@pytest.fixture(scope="module")
def keys(aws: Aws) -> Iterator[dict[str, tuple[str, str]]]:
    """Make buckets, objects and users; turn authorization on for this module; yield each user's key pair."""
    s3, iam = aws._client("s3"), aws._client("iam")
    for name in ("other-bucket", "empty-bucket"):
        s3.create_bucket(Bucket=name)
    s3.put_bucket_policy(Bucket="other-bucket", Policy='{"Version": "2012-10-17", "Statement": []}')
    policies = {
        "uploader": (ROOT / "aws/policies/uploader-prefix.json").read_text().replace("PREFIX", "events"),
        "invalidator": (ROOT / "aws/policies/invalidator.json").read_text(),
        "administrator": '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}',
    }
    found = {}
    for name, text in policies.items():
        document = text.replace("BUCKET", aws.bucket).replace("ACCOUNT", "123456789012")
        document = document.replace("DISTRIBUTION", aws.distribution_id)
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=document)
        pair = iam.create_access_key(UserName=name)["AccessKey"]
        found[name] = (pair["AccessKeyId"], pair["SecretAccessKey"])
    _allow_without_rights(aws, "0")
    yield found
    # moto keeps this for the whole process, and other tests have a server in it too.
    _allow_without_rights(aws, "inf")


def _allow_without_rights(aws: Aws, requests_from_now: str) -> None:
    url = f"{aws.url}/moto-api/reset-auth"
    headers = {"Content-Type": "text/plain"}
    requests.post(url, data=requests_from_now, headers=headers, timeout=10).raise_for_status()


@pytest.fixture(scope="module")
def users(
    aws: Aws, keys: dict[str, tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Cli]]:
    """The AWS CLI as each user."""
    folder = tmp_path_factory.mktemp("cli")
    found = {name: Cli(pair, aws.env, folder / name) for name, pair in keys.items()}
    yield found
    for each in found.values():
        each.stop()


@pytest.fixture
def run(aws: Aws, users: dict[str, Cli], tmp_path: Path) -> Run:
    """Return a function that runs a command as a user and returns its errors."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("<p>Storytime")

    def run(user: str, command: str) -> str:
        names = {"site": site, "scratch": tmp_path, "distribution": aws.distribution_id}
        return users[user].run(command.format(**names))

    for bucket, key in (
        (aws.bucket, "events/kept.html"),
        (aws.bucket, "other/kept.html"),
        ("other-bucket", "events/kept.html"),
    ):
        assert run("administrator", f"s3api put-object --bucket {bucket} --key {key}") == ""
    return run


@pytest.mark.parametrize("command", UPLOADER_MAY)
def test_the_uploader_may_publish(run: Run, command: str) -> None:
    assert run("uploader", command) == ""


@pytest.mark.parametrize(
    ("user", "command"),
    [
        *(("uploader", command) for command in NO_ONE_MAY),
        *(("invalidator", command) for command in INVALIDATOR_MAY_NOT),
    ],
)
def test_no_key_may_do_more_than_its_step(run: Run, user: str, command: str) -> None:
    errors = run(user, command)
    assert any(word in errors for word in DENIED), errors or "allowed"
    allowed = run("administrator", command)
    assert not any(word in allowed for word in DENIED), allowed


def test_each_key_has_a_row_for_at_least_twenty_forbidden_actions() -> None:
    assert min(len(set(NO_ONE_MAY)), len(set(INVALIDATOR_MAY_NOT))) >= 20
