from __future__ import annotations

import json
from pathlib import Path

import pytest

from aws_deletes import Result, delete

KEYS = ["event/1.html", "event/2.html"]


class _Store:
    """Answers the AWS CLI's commands: `batch` to delete-objects, and an error for the keys in `denied`."""

    def __init__(self, batch: Result, denied: tuple[str, ...] = ()) -> None:
        self._batch, self._denied = batch, denied
        self.commands: list[list[str]] = []

    def __call__(self, arguments: list[str]) -> Result:
        self.commands.append(arguments)
        if arguments[1] == "delete-objects":
            return self._batch
        key = arguments[arguments.index("--key") + 1]
        if key in self._denied:
            return Result(254, "", "An error occurred (AccessDenied) when calling the DeleteObject operation")
        return Result(0, "", "")


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    (tmp_path / "delete.json").write_text(json.dumps({"Objects": [{"Key": key} for key in KEYS]}))
    return [
        "s3api",
        "delete-objects",
        "--bucket",
        "b",
        "--delete",
        f"file://{tmp_path}/delete.json",
        "--x",
        "1",
    ]


def _answer(deleted: list[str], failed: list[str]) -> Result:
    answer = {
        "Deleted": [{"Key": key} for key in deleted],
        "Errors": [{"Key": key, "Code": "AccessDenied", "Message": "Access Denied"} for key in failed],
    }
    return Result(0, json.dumps(answer), "")


def test_all_keys_in_the_answer_are_deleted(arguments: list[str]) -> None:
    result, files = delete(_Store(_answer(KEYS, [])), arguments)
    assert (result.rc, files) == (0, 2)


@pytest.mark.parametrize(
    ("answer", "files", "error"),
    [
        (_answer(KEYS[:1], KEYS[1:]), 1, "(AccessDenied) when deleting event/2.html"),
        (_answer([], ["event/x.html"]), 0, "(AccessDenied)"),
        (Result(0, "", ""), 0, "reports only 0 of 2"),
        (Result(0, "None", ""), 0, "reports only 0 of 2"),
    ],
)
def test_only_the_keys_that_the_answer_lists_as_deleted_count(
    arguments: list[str], answer: Result, files: int, error: str
) -> None:
    result, count = delete(_Store(answer), arguments)
    assert (result.rc, count) == (1, files)
    assert error in result.stderr


@pytest.mark.parametrize(
    "error",
    [
        "An error occurred (MissingContentMD5) when calling the DeleteObjects operation: Missing header",
        "An error occurred (InvalidRequest) when calling the DeleteObjects operation: Content-MD5",
        "An error occurred (NotImplemented) when calling the DeleteObjects operation: x",
    ],
)
def test_where_a_store_refuses_the_batch_each_object_is_deleted_alone(
    arguments: list[str], error: str
) -> None:
    store = _Store(Result(254, "", error))
    result, files = delete(store, arguments)
    assert (result.rc, files) == (0, 2)
    assert json.loads(result.output) == {"Deleted": [{"Key": key} for key in KEYS]}
    assert store.commands[1] == [
        "s3api", "delete-object", "--bucket", "b", "--key", "event/1.html", "--x", "1",
    ]  # fmt: skip


def test_single_deletes_stop_at_the_first_error(arguments: list[str]) -> None:
    store = _Store(Result(254, "", "An error occurred (MissingContentMD5)"), denied=("event/2.html",))
    result, files = delete(store, arguments)
    assert (result.rc, files) == (254, 1)
    assert "AccessDenied" in result.stderr


def test_a_refused_right_is_not_tried_again_for_each_object(arguments: list[str]) -> None:
    store = _Store(
        Result(254, "", "An error occurred (AccessDenied) when calling the DeleteObjects operation")
    )
    result, files = delete(store, arguments)
    assert (result.rc, files, len(store.commands)) == (254, 0, 1)
