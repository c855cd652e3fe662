"""Delete objects with the AWS CLI, one by one where a store refuses a batch.

DeleteObjects answers with status 200, and the AWS CLI with exit code 0, even if no object was deleted:
only the keys that the answer lists under `Deleted` are. Some stores, such as older ones that require the
header Content-MD5, refuse the batch, which the AWS CLI sends with other checksums.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_BATCH_REFUSED = re.compile(
    r"Content-?MD5|An error occurred \((InvalidRequest|InvalidDigest|BadDigest|MalformedXML"
    r"|NotImplemented|MethodNotAllowed|405|501)\)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one command of the AWS CLI: its exit code, stdout and stderr."""

    rc: int
    output: str
    stderr: str


Execute = Callable[[list[str]], Result]


def delete(execute: Execute, arguments: list[str]) -> tuple[Result, int]:
    """Run `s3api delete-objects`; return the result and the number of deleted objects.

    The result is a failure if one of the objects was not deleted.
    """
    result = execute(arguments)
    keys = _keys(arguments)
    if result.rc and _BATCH_REFUSED.search(result.stderr):
        result = _one_by_one(execute, arguments, keys)
    answer = _parse(result.output)
    deleted = {item.get("Key") for item in answer.get("Deleted", [])}
    count = sum(key in deleted for key in keys)
    if result.rc == 0 and count < len(keys):
        failed = next((item for item in answer.get("Errors", [])), {})
        code, key = failed.get("Code", ""), failed.get("Key", "")
        cause = f"An error occurred ({code}) when deleting {key}: {failed.get('Message', '')}\n"
        if not failed:
            cause = f"S3 reports only {count} of {len(keys)} files as deleted\n"
        return Result(1, result.output, cause), count
    return result, count


def _one_by_one(execute: Execute, arguments: list[str], keys: list[str]) -> Result:
    """Delete each object with a command of its own, up to the first error; return one answer for all."""
    deleted = []
    at = arguments.index("--delete")
    for key in keys:
        result = execute(["s3api", "delete-object", *arguments[2:at], "--key", key, *arguments[at + 2 :]])
        if result.rc:
            break
        deleted.append({"Key": key})
    return Result(result.rc, json.dumps({"Deleted": deleted}), result.stderr)


def _keys(arguments: list[str]) -> list[str]:
    """Return the keys in the file that follows --delete."""
    path = Path(arguments[arguments.index("--delete") + 1].removeprefix("file://"))
    return [item["Key"] for item in json.loads(path.read_bytes())["Objects"]]


def _parse(output: str) -> dict[str, list[dict[str, str]]]:
    try:
        answer = json.loads(output)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
