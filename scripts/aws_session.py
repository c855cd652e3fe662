"""Run all AWS CLI commands of bin/upload or bin/invalidate in one process.

Starting `aws` takes half a second. This process starts in the background while the step plans its
work; each command then takes a few hundredths of a second. A command arrives on stdin as
NUL-terminated texts: the number of its arguments, then the arguments. The answer is one line on stdout:

    EXIT CODE <tab> AWS ERROR <tab> FILES UPLOADED <tab> ADVICE <tab> DETAIL

The exit code is one of ours (0, 1, 75, 78), never awscli's 1, 2 or 255, which have other meanings. The
output of the command is in the file given as argument.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from exit_codes import CONFIG, FAILED, OK, UNAVAILABLE
from processes import end_with_parent

_ERROR = re.compile(r"An error occurred \(([A-Za-z0-9.]+)\)|\b(\d{3})\b(?= .*when calling)")
_UNREACHABLE = re.compile(
    r"Could not connect|timeout|timed out|Connection was closed|Connection reset|Connection aborted"
    r"|Failed to connect|Name or service not known|IncompleteRead|Connection broken",
    re.IGNORECASE,
)
_NO_CREDENTIALS = re.compile(
    r"Unable to locate credentials|Partial credentials|config profile .* not be found"
)

_RIGHTS = "AWS denied access: check the {role}_AWS_ key pair and its policy"
_KEYS = "AWS rejected the keys: check {role}_AWS_ACCESS_KEY_ID and {role}_AWS_SECRET_ACCESS_KEY"
_NO_KEYS = "no AWS credentials: set {role}_AWS_ACCESS_KEY_ID and {role}_AWS_SECRET_ACCESS_KEY"
_LATER = "AWS is overloaded or down; the next run continues"
# AWS's errors: our exit code and the advice for the log. {role} is UPLOAD or INVALIDATE.
KNOWN = {
    "AccessDenied": (CONFIG, _RIGHTS),
    "AllAccessDisabled": (CONFIG, _RIGHTS),
    "403": (CONFIG, _RIGHTS),
    "Forbidden": (CONFIG, _RIGHTS),
    "InvalidAccessKeyId": (CONFIG, _KEYS),
    "InvalidClientTokenId": (CONFIG, _KEYS),
    "SignatureDoesNotMatch": (CONFIG, _KEYS),
    "AuthorizationHeaderMalformed": (CONFIG, "wrong region for the bucket: check AWS_DEFAULT_REGION"),
    "ExpiredToken": (CONFIG, _KEYS),
    "InvalidToken": (CONFIG, _KEYS),
    "NoSuchBucket": (CONFIG, "no such bucket: check S3_BUCKET"),
    "PermanentRedirect": (CONFIG, "the bucket is in another region: check AWS_DEFAULT_REGION"),
    "NoSuchDistribution": (CONFIG, "no such distribution: check CLOUDFRONT_DISTRIBUTION_ID"),
    "RequestTimeTooSkewed": (FAILED, "the clock of this machine is over 15 minutes wrong: set it"),
    "TooManyInvalidationsInProgress": (
        UNAVAILABLE,
        "CloudFront has too many invalidations in progress; the next run tries again",
    ),
    "SlowDown": (UNAVAILABLE, _LATER),
    "Throttling": (UNAVAILABLE, _LATER),
    "ThrottlingException": (UNAVAILABLE, _LATER),
    "TooManyRequestsException": (UNAVAILABLE, _LATER),
    "RequestLimitExceeded": (UNAVAILABLE, _LATER),
    "RequestTimeout": (UNAVAILABLE, _LATER),
    "InternalError": (UNAVAILABLE, _LATER),
    "ServiceUnavailable": (UNAVAILABLE, _LATER),
}


def translate(rc: int, stderr: str, role: str) -> tuple[int, str, str, str]:
    """Translate awscli's rc and stderr to our exit code, AWS's error, the advice and the detail."""
    if rc == 0:
        return OK, "", "", ""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("usage:")]
    detail = next((line for line in lines if "An error occurred" in line or "fatal error" in line), "")
    detail = (detail or (lines[-1] if lines else f"aws ended with {rc}"))[:300]
    match = _ERROR.search(stderr)
    aws_error = (match[1] or match[2]) if match else ""
    if aws_error in KNOWN:
        exit_code, advice = KNOWN[aws_error]
        return exit_code, aws_error, advice.format(role=role), detail
    if re.fullmatch(r"5\d\d", aws_error):
        return UNAVAILABLE, aws_error, _LATER, detail
    if _NO_CREDENTIALS.search(stderr):
        return CONFIG, "NoCredentials", _NO_KEYS.format(role=role), detail
    if not aws_error and _UNREACHABLE.search(stderr):
        return UNAVAILABLE, "Unreachable", "cannot reach AWS; the next run continues", detail
    return FAILED, aws_error, "the AWS CLI failed: see the detail", detail


def commands(stream: BinaryIO) -> Iterator[list[str]]:
    """Yield the arguments of each command; drop a command cut short by the death of its sender."""
    texts: list[str] = []
    rest = b""
    while chunk := os.read(stream.fileno(), 65536):
        *whole, rest = (rest + chunk).split(b"\0")
        texts += [os.fsdecode(text) for text in whole]
        while texts and len(texts) > int(texts[0]):
            count = int(texts[0])
            yield texts[1 : count + 1]
            del texts[: count + 1]


@contextlib.contextmanager
def captured(out: Path, err: Path) -> Iterator[None]:
    """Send file descriptors 1 and 2 to files inside the `with` block."""
    saved = os.dup(1), os.dup(2)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        for number, path in ((1, out), (2, err)):
            target = os.open(path, flags, 0o644)
            os.dup2(target, number)
            os.close(target)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, old in zip((1, 2), saved, strict=True):
            os.dup2(old, number)
            os.close(old)


def command_line() -> Callable[[list[str]], int]:
    """Return a function that runs one command with $AWS_CLI, or else with the `aws` in PATH.

    The AWS CLI of our virtual environment runs in this process; another one (version 2, a wrapper) is
    started again for each command.
    """
    program = os.environ.get("AWS_CLI") or shutil.which("aws")
    if program and Path(program).parent.resolve() != Path(sys.executable).parent.resolve():
        return lambda arguments: (
            subprocess.run(  # noqa: S603
                [program, *arguments],
                check=False,
                preexec_fn=partial(end_with_parent, os.getpid()),
            ).returncode
        )
    from awscli.clidriver import create_clidriver

    driver = create_clidriver()

    def run(arguments: list[str]) -> int:
        try:
            return int(driver.main(arguments))
        except SystemExit as error:  # from argparse, after wrong usage
            return error.code if isinstance(error.code, int) else FAILED

    return run


def main(argv: list[str]) -> int:
    """Serve commands until stdin ends: `aws_session.py ROLE OUTPUT-FILE`."""
    end_with_parent(os.getppid())
    role, out = argv[0], Path(argv[1])
    err = out.with_suffix(".err")
    gc.disable()  # collecting garbage took a tenth of the start and found none
    run = command_line()
    gc.enable()
    for arguments in commands(sys.stdin.buffer):
        with captured(out, err):
            rc = run(arguments)
        output = out.read_text(encoding="utf-8", errors="replace")
        stderr = err.read_text(encoding="utf-8", errors="replace")
        if rc == 0 and "delete-objects" in arguments and '"Errors"' in output:
            rc, stderr = FAILED, delete_errors(output)
        exit_code, aws_error, advice, detail = translate(rc, stderr, role)
        uploaded = sum(line.startswith("upload: ") for line in output.splitlines())
        fields = (
            str(exit_code),
            aws_error or "-",
            str(uploaded),
            advice or "-",
            detail.replace("\t", " ") or "-",
        )
        sys.stdout.write("\t".join(fields) + "\n")
        sys.stdout.flush()
    return OK


def delete_errors(output: str) -> str:
    """Return the first error of a DeleteObjects answer as an AWS CLI error: the CLI exits with 0."""
    import json

    first = json.loads(output)["Errors"][0]
    return f"An error occurred ({first.get('Code', '')}) when deleting {first.get('Key', '')}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
