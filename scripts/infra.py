"""JSON and .env work of bin/infra: read answers of the AWS CLI, print words, write settings.

Usage: infra.py COMMAND ARGUMENT...     (called by bin/infra)

No command prints a key. Files named in the arguments are answers of the AWS CLI in JSON.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import env_file
import infra_needs
import program
from exit_codes import FAILED, OK, USAGE
from files import write_atomic
from log import Log
from settings import SettingError, read_environment

_PAIR = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_USERS = {"UPLOAD": "UploaderName", "INVALIDATE": "InvalidatorName"}
_WRITTEN = ("S3_BUCKET", "S3_PREFIX", "CLOUDFRONT_DISTRIBUTION_ID", "SITE_URL")


def _read(path: str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def _stack(path: str) -> Mapping[str, Any]:
    text = Path(path).read_text(encoding="utf-8") if Path(path).exists() else ""
    return json.loads(text)["Stacks"][0] if text.strip() else {}


def _outputs(path: str) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in _stack(path).get("Outputs", [])}


def _settings(path: str) -> dict[str, str]:
    """Return the settings of a file; a fault in another line is the business of bin/check."""
    return {each.key: each.value for each in env_file.read(Path(path))[0]}


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def parameters(template: str, stack: str, *given: str) -> int:
    """Print the parameters for CloudFormation: `given` as NAME=VALUE, the others as they were."""
    text = Path(template).read_text(encoding="utf-8")
    section = text.partition("\nParameters:\n")[2].partition("\nConditions:\n")[0]
    names = re.findall(r"^  (\w+):$", section, re.MULTILINE)
    values: dict[str, str] = {}
    for each in given:
        name, sign, value = each.partition("=")
        if name not in names or not sign:
            close = difflib.get_close_matches(name, names, 1)
            hint = f"; did you mean {close[0]}?" if close else f": {', '.join(names)}"
            raise SettingError(name, f"is not a parameter=value of aws/stack.yaml{hint}")
        values[name] = value
    # Written out, since a new stack has no previous values to name.
    old = {each["ParameterKey"]: each["ParameterValue"] for each in _stack(stack).get("Parameters", [])}
    values = {name: value for name, value in old.items() if name in names} | values
    found = [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]
    _say(json.dumps(found))
    return OK


def state(stack: str) -> int:
    """Print the status of the stack."""
    _say(_stack(stack).get("StackStatus", ""))
    return OK


def events(answer: str, seen: str) -> int:
    """Print the stack's events that are not in the file `seen`, oldest first, and add them to it."""
    path = Path(seen)
    old = set(path.read_text().split()) if path.exists() else set()
    for each in reversed(_read(answer)["StackEvents"]):
        if each["EventId"] in old:
            continue
        old.add(each["EventId"])
        reason = each.get("ResourceStatusReason", "")
        record = re.search(
            r"Content of DNS Record is: \{Name: ([^,]+),Type: ([^,]+),Value: ([^}]+)\}", reason
        )
        if record:
            # CloudFormation waits until this record exists: https://docs.aws.amazon.com/acm/ (DNS validation)
            _say("The certificate waits for this DNS record. Create it, unless HostedZoneId is given:")
            reason = " ".join(part.strip() for part in record.groups())
        line = f"{each['ResourceStatus'].lower().replace('_', ' '):20} {each['LogicalResourceId']}"
        _say(f"{line}  {reason}".rstrip())
    path.write_text("\n".join(sorted(old)))
    return OK


def changes(answer: str) -> int:
    """Print a change set in words."""
    found = [each["ResourceChange"] for each in _read(answer).get("Changes", [])]
    words = {"Add": "create", "Modify": "change", "Remove": "delete"}
    for each in found:
        why = ", ".join(
            sorted({detail["Target"].get("Name", "") for detail in each.get("Details", [])} - {""})
        )
        note = {"True": "; AWS creates a new one instead", "Conditional": "; may create a new one instead"}
        _say(
            f"{words.get(each['Action'], each['Action'].lower())}\t{each['LogicalResourceId']} ({each['ResourceType']})"
            + (f": {why}" if why else "")
            + note.get(str(each.get("Replacement")), "")
        )
    _say(
        f"{len(found)} change{'' if len(found) == 1 else 's'}; no resource was changed"
        if found
        else "No changes"
    )
    return OK


def edit_env(path: Path, values: Mapping[str, str], example: Path | None = None) -> None:
    """Set `values` in a settings file, each in its own line or commented-out line; mode 0600."""
    source = path if path.exists() else example
    lines = source.read_text(encoding="utf-8").split("\n") if source else [""]
    for key, value in values.items():
        line = f"{key}={value}"
        if not re.fullmatch(r"[A-Za-z0-9_./:@%+=,-]*", value):
            line = f"{key}='{value}'"
        places = [n for n, old in enumerate(lines) if old.startswith(f"{key}=")]
        places += [n for n, old in enumerate(lines) if old.startswith(f"#{key}=")]
        if places:
            lines[places[0]] = line
        else:
            lines[-1:] = [line, *lines[-1:]]
    write_atomic(path.resolve(), "\n".join(lines).encode(), mode=0o600)


def env(stack: str, path: str, example: str) -> int:
    """Write the outputs named Env... to the settings file."""
    lines = [value for name, value in sorted(_outputs(stack).items()) if name.startswith("Env")]
    values = dict(line.split("=", 1) for line in lines)
    edit_env(Path(path), {key: value for key, value in values.items() if value}, Path(example))
    old = _settings(path)
    if old.get("S3_PREFIX") and not values.get("S3_PREFIX", "x"):
        edit_env(Path(path), {"S3_PREFIX": ""})
    _say(f"Wrote to {path}: {', '.join(key for key, value in values.items() if value)}")
    return OK


def user(stack: str, role: str) -> int:
    """Print the name of the role's IAM user; print no line if the stack has none."""
    name = _outputs(stack).get(_USERS[role])
    _say(*([name] if name else []))
    return OK


def has_keys(path: str, role: str) -> int:
    """Return 0 if the settings file has a key pair of the role."""
    values = _settings(path)
    return OK if all(values.get(f"{role}_{name}") for name in _PAIR) else FAILED


def keys(answer: str, path: str, role: str) -> int:
    """Write a new key pair to the settings file, and print only the names."""
    pair = _read(answer)["AccessKey"]
    names = [f"{role}_{name}" for name in _PAIR]
    edit_env(Path(path), dict(zip(names, (pair["AccessKeyId"], pair["SecretAccessKey"]), strict=True)))
    _say(f"Wrote to {path}: {', '.join(names)}")
    return OK


def next_steps(stack: str) -> int:
    """Print the steps that are left."""
    outputs = _outputs(stack)
    record = outputs.get("DnsRecord", "-")
    zone = {
        each["ParameterKey"]: each.get("ParameterValue", "") for each in _stack(stack).get("Parameters", [])
    }
    if record != "-" and not zone.get("HostedZoneId"):
        _say(f"Create this DNS record where your domain is hosted: {record}")
    if "InstanceProfile" in outputs:
        _say(f"Attach this instance profile to your server: {outputs['InstanceProfile']}")
    _say("Next: make check, then make publish")
    return OK


def bucket(resources: str) -> int:
    """Print the name of the stack's own bucket; print no line if it adopted one."""
    found = _read(resources)["StackResources"]
    names = [each["PhysicalResourceId"] for each in found if each.get("ResourceType") == "AWS::S3::Bucket"]
    _say(*names)
    return OK


def batch(listing: str) -> int:
    """Print a delete-objects request for all listed versions; print no line if there are none."""
    text = Path(listing).read_text(encoding="utf-8").strip()
    found = json.loads(text) if text else {}
    versions = [*(found.get("Versions") or []), *(found.get("DeleteMarkers") or [])]
    objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions][:1000]
    _say(*([json.dumps({"Objects": objects, "Quiet": True})] if objects else []))
    return OK


def forget(path: str) -> int:
    """Empty the settings of a destroyed stack."""
    names = [*_WRITTEN, *(f"{role}_{name}" for role in _USERS for name in _PAIR)]
    values = _settings(path) if Path(path).exists() else {}
    if set(names) & set(values):
        edit_env(Path(path), {name: "" for name in names if name in values})
    return OK


def _ask(*command: str) -> Any:
    """Return an answer of the AWS CLI; None if AWS refused it, and an empty mapping if it has none."""
    done = subprocess.run(  # noqa: S603
        [os.environ.get("AWS_CLI") or "aws", *command, "--output", "json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "AWS_PAGER": ""},
    )
    if done.returncode:
        missing = re.search(r"\((NoSuch(?!Bucket\))\w+|OwnershipControlsNotFoundError)\)", done.stderr)
        return {} if missing else None
    return json.loads(done.stdout or "{}")


def read_live(env: Mapping[str, str]) -> infra_needs.Live:
    """Return the configuration of the bucket and the distribution of the settings in `env`."""
    name = env["S3_BUCKET"]
    distribution = None
    if env.get("CLOUDFRONT_DISTRIBUTION_ID"):
        answer = _ask("cloudfront", "get-distribution", "--id", env["CLOUDFRONT_DISTRIBUTION_ID"])
        if answer:
            found = answer["Distribution"]
            distribution = {
                **infra_needs.plain(found["DistributionConfig"]),
                "DomainName": found["DomainName"],
            }
    block = _ask("s3api", "get-public-access-block", "--bucket", name)
    ownership = _ask("s3api", "get-bucket-ownership-controls", "--bucket", name)
    policy = _ask("s3api", "get-bucket-policy", "--bucket", name)
    versioning = _ask("s3api", "get-bucket-versioning", "--bucket", name)
    rules = (ownership or {}).get("OwnershipControls", {}).get("Rules", [{}])
    return infra_needs.Live(
        bucket=name,
        prefix=env.get("S3_PREFIX", "").strip("/"),
        site_url=env.get("SITE_URL", "").rstrip("/"),
        distribution=distribution,
        public_access_block=block if block is None else block.get("PublicAccessBlockConfiguration", {}),
        ownership=None if ownership is None else rules[0].get("ObjectOwnership", ""),
        policy=policy if policy is None else json.loads(policy.get("Policy", "{}")),
        versioning=None if versioning is None else versioning.get("Status", ""),
    )


def status() -> int:
    """Print each need of publishing and whether the live configuration meets it."""
    missing = unread = 0
    for need, met in infra_needs.results(read_live(read_environment())):
        if met:
            _say(f"ok\t{need.name}")
        elif met is None:
            unread += 1
            _say(f"unknown\t{need.name}: cannot be read; check your credentials and the names in .env")
        else:
            missing += 1
            _say(f"differs\t{need.name}: {need.fix}")
    _say(f"{len(infra_needs.NEEDS)} needs: {missing} not met, {unread} unknown")
    return FAILED if missing or unread else OK


COMMANDS: dict[str, Callable[..., int]] = {
    "parameters": parameters, "state": state, "events": events, "changes": changes, "env": env,
    "user": user, "has-keys": has_keys, "keys": keys, "next": next_steps, "bucket": bucket,
    "batch": batch, "forget": forget, "status": status,
}  # fmt: skip


def main(argv: list[str]) -> int:
    """Run one of the commands; return the exit code."""
    if not argv or argv[0] not in COMMANDS:
        sys.stderr.write(__doc__ or "")
        return USAGE
    unreadable = ("the AWS CLI gave an unexpected answer", FAILED)
    return program.run(
        Log("infra"),
        lambda: COMMANDS[argv[0]](*argv[1:]),
        {json.JSONDecodeError: unreadable, KeyError: unreadable},
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
