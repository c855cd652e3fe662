from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aws_session import captured, command_line, commands, delete_errors, translate

# Messages of awscli 1.46, seen against moto and after its own retries.
PUT = "upload failed: a/b.html to s3://b/a/b.html An error occurred ({}) when calling the PutObject operation: x"
LIST = "fatal error: An error occurred ({}) when calling the ListObjectsV2 operation: x"
CALL = "\naws: [ERROR]: An error occurred ({}) when calling the CreateInvalidation operation: x"


@pytest.mark.parametrize(
    ("rc", "stderr", "exit_code", "aws_error"),
    [
        (0, "", 0, ""),
        (1, PUT.format("AccessDenied"), 78, "AccessDenied"),
        (1, LIST.format("NoSuchBucket"), 78, "NoSuchBucket"),
        (1, LIST.format("InvalidAccessKeyId"), 78, "InvalidAccessKeyId"),
        (1, PUT.format("SignatureDoesNotMatch"), 78, "SignatureDoesNotMatch"),
        (1, PUT.format("ExpiredToken"), 78, "ExpiredToken"),
        (255, CALL.format("NoSuchDistribution"), 78, "NoSuchDistribution"),
        (255, "Unable to locate credentials. You can configure", 78, "NoCredentials"),
        (255, "The config profile (x) could not be found", 78, "NoCredentials"),
        (1, PUT.format("SlowDown") + " (reached max retries: 2)", 75, "SlowDown"),
        (1, PUT.format("503"), 75, "503"),
        (255, CALL.format("Throttling"), 75, "Throttling"),
        (255, CALL.format("TooManyInvalidationsInProgress"), 75, "TooManyInvalidationsInProgress"),
        (1, 'fatal error: Could not connect to the endpoint URL: "http://127.0.0.1:9/b"', 75, "Unreachable"),
        (1, "upload failed: a to s3://b/a Connection was closed before we received", 75, "Unreachable"),
        (1, 'fatal error: Read timeout on endpoint URL: "http://h/b"', 75, "Unreachable"),
        (1, PUT.format("RequestTimeTooSkewed"), 1, "RequestTimeTooSkewed"),
        (2, "warning: Skipping file x. File does not exist.", 1, ""),
        (255, "aws: error: argument command: Invalid choice", 1, ""),
        (130, "", 1, ""),
        (1, PUT.format("SomethingNew"), 1, "SomethingNew"),
    ],
)
def test_trap_13_an_error_of_the_aws_cli_becomes_our_exit_code_and_a_cause(
    rc: int, stderr: str, exit_code: int, aws_error: str
) -> None:
    result = translate(rc, stderr, "UPLOAD")
    assert result[:2] == (exit_code, aws_error)
    assert exit_code in (0, 1, 75, 78)
    assert "{" not in result[2]


def test_the_advice_names_the_key_pair_of_the_step() -> None:
    assert "INVALIDATE_AWS_" in translate(255, CALL.format("AccessDenied"), "INVALIDATE")[2]


def test_a_delete_that_s3_refused_is_found_in_an_answer_with_status_200() -> None:
    answer = '{"Errors": [{"Key": "a", "Code": "AccessDenied", "Message": "x"}]}'
    assert translate(1, delete_errors(answer), "UPLOAD")[:2] == (78, "AccessDenied")


@pytest.mark.parametrize("cut", [0, 3])
def test_commands_keep_their_empty_arguments_and_an_incomplete_command_is_dropped(cut: int) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"3\0s3\0\0a b\n\0002\0x\0y\0"[: -cut or None])
    os.close(writing)
    with open(reading, "rb", closefd=True) as stream:
        assert list(commands(stream)) == [["s3", "", "a b\n"], ["x", "y"]][: 1 if cut else 2]


def test_output_goes_to_two_files_and_the_descriptors_are_restored(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with captured(tmp_path / "out", tmp_path / "err"):
        os.write(1, b"data")
        os.write(2, b"trouble")
    os.write(1, b"after")
    assert (tmp_path / "out").read_text() == "data"
    assert (tmp_path / "err").read_text() == "trouble"
    assert capfd.readouterr().out == "after"


def test_the_pinned_cli_runs_in_this_process_even_if_path_reaches_it_by_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(Path(sys.executable).parents[1])
    monkeypatch.setenv("PATH", str(tmp_path / "link" / "bin"))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a process of its own"))
    assert command_line()(["s3", "sync"]) == 2
