"""Run all AWS CLI commands of bin/upload or bin/invalidate in one process.

Starting `aws` takes half a second. This process starts in the background while the step plans its
work; each command then takes a few hundredths of a second. A command arrives on stdin as
NUL-terminated texts: the number of its arguments, then the arguments. The answer is one line on stdout:

    EXIT CODE <tab> AWS ERROR <tab> FILES <tab> ADVICE <tab> DETAIL

FILES is the number of files that the command reports as uploaded or deleted.

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
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO

import aws_deletes
from aws_config import ConfigError, Endpoint, endpoint, option, profile, secrets
from aws_deletes import Result
from aws_errors import translate
from exit_codes import CONFIG, FAILED, OK
from log import Log, redact, secrets_in
from processes import end_with_parent

# For unattended use, whatever the configuration of the AWS CLI says. Its errors must have the words that
# aws_errors.py knows.
_FIXED = {"AWS_PAGER": "", "AWS_CLI_AUTO_PROMPT": "off", "AWS_CLI_ERROR_FORMAT": "legacy"}
_DEFAULTS = {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "3"}
_CHECKSUMS = ("request_checksum_calculation", "response_checksum_validation")


def environment(server: Endpoint, env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for the AWS CLI; an empty AWS_ variable counts as not set.

    The order of AWS_PROFILE and AWS_DEFAULT_PROFILE differs between versions 1 and 2, that of AWS_REGION
    and AWS_DEFAULT_REGION too; so both versions get one value.
    """
    found = _DEFAULTS | {key: value for key, value in env.items() if value or not key.startswith("AWS_")}
    for key in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        found.pop(key, None)
    if name := profile(env):
        found["AWS_PROFILE"] = name
    region = env.get("AWS_DEFAULT_REGION") or env.get("AWS_REGION") or option("region", env) or "us-east-1"
    found |= {"AWS_DEFAULT_REGION": region, "AWS_REGION": region}
    if not server.is_aws:  # many other stores refuse the checksums that the AWS CLI adds by default
        for name in _CHECKSUMS:
            if not option(name, env):
                found.setdefault(f"AWS_{name.upper()}", "when_required")
    return found | _FIXED


def check_version(server: Endpoint, version: str) -> None:
    """Raise ConfigError if an AWS CLI such as aws-cli/2.9.19 is too old for the endpoint in force.

    Versions before 2.13 and 1.29 read it from no variable and no file. endpoint_options cannot give them
    every address, and then they would change the bucket of that name on AWS.
    """
    found = re.match(r"aws-cli/(\d+)\.(\d+)", version)
    if server.url and found and (int(found[1]), int(found[2])) < ((1, 29) if found[1] == "1" else (2, 13)):
        why = f"AWS_CLI is {found[0]}, which knows no {server.source}: use version 2.13 or later"
        raise ConfigError("AWS_CLI", why)


def endpoint_options(server: Endpoint) -> list[str]:
    """Return the option that makes every version of the AWS CLI use the endpoint.

    An address with a password would be visible to all users of the machine.
    """
    return ["--endpoint-url", server.url] if server.url and "@" not in server.url else []


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
        return partial(_run_program, program)
    from awscli.clidriver import create_clidriver

    driver = create_clidriver()

    def run(arguments: list[str]) -> int:
        try:
            return int(driver.main(arguments))
        except SystemExit as error:  # from argparse, after wrong usage
            return error.code if isinstance(error.code, int) else FAILED

    return run


def _run_program(program: str, arguments: list[str]) -> int:
    try:
        return subprocess.run(  # noqa: S603
            [program, *arguments], check=False, preexec_fn=partial(end_with_parent, os.getpid())
        ).returncode
    except OSError as error:
        sys.stderr.write(f"cannot run {program}: {error.strerror}\n")
        return FAILED


def take_stdin() -> BinaryIO:
    """Return stdin, with the commands; the AWS CLI and its credential_process get an empty one."""
    stream = os.fdopen(os.dup(0), "rb")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return stream


def main(argv: list[str]) -> int:
    """Serve commands until stdin ends: `aws_session.py ROLE OUTPUT-FILE`."""
    end_with_parent(os.getppid())
    stream = take_stdin()
    role, out = argv[0], Path(argv[1])
    step, service = ("upload", "s3") if role == "UPLOAD" else ("invalidate", "cloudfront")
    log = Log(step)
    try:
        server = endpoint(service, os.environ)
        found = environment(server, os.environ)
        check_version(server, found.pop("AWS_CLI_VERSION", ""))
    except ConfigError as error:  # as an answer: the plan of the step may have logged it already
        for _ in commands(stream):
            _send(str(CONFIG), error.key, "0", str(error), "")
        return CONFIG
    os.environ.clear()
    os.environ.update(found)
    if server.url:
        log.warn("sending requests to another server than AWS", key=server.source, endpoint=server.shown)
    options = endpoint_options(server)
    region = found["AWS_DEFAULT_REGION"] if server.is_aws and service == "s3" else ""
    gc.disable()  # collecting garbage took a tenth of the start and found none
    run = command_line()
    gc.enable()
    for arguments in commands(stream):
        _send(*_answer([*arguments, *options], run, role, region, out))
    return OK


def _send(*fields: str) -> None:
    sys.stdout.write("\t".join(field.replace("\t", " ") or "-" for field in fields) + "\n")
    sys.stdout.flush()


def _answer(
    arguments: list[str], run: Callable[[list[str]], int], role: str, region: str, out: Path
) -> list[str]:
    """Run one command; return the fields of the answer."""
    err = out.with_suffix(".err")

    def execute(arguments: list[str]) -> Result:
        with captured(out, err):
            rc = run(arguments)
        output, stderr = (path.read_text(encoding="utf-8", errors="replace") for path in (out, err))
        # AWS repeats a rejected key, and the CLI an address with its password.
        hide = partial(redact, secrets=[*secrets_in(os.environ), *secrets(os.environ)])
        if hide(stderr) != stderr:
            err.write_text(hide(stderr), encoding="utf-8")
        if '"Errors"' in output:
            output = hide(output)
        return Result(rc, output, hide(stderr))

    if arguments[:2] == ["s3api", "delete-objects"]:
        result, files = aws_deletes.delete(execute, arguments)
        out.write_text(result.output, encoding="utf-8")
        err.write_text(result.stderr, encoding="utf-8")
    else:
        result = execute(arguments)
        files = sum(line.startswith("upload: ") for line in result.output.splitlines())
    failure = translate(result.rc, result.stderr, role, region)
    return [str(failure.exit_code), failure.error, str(files), failure.advice, failure.detail]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
