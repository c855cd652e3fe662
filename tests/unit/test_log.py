from __future__ import annotations

import io
import json

import pytest

from log import Log, logfmt, new_run_id


def written(msg: str, *, hidden: tuple[str, ...] = (), **fields: object) -> str:
    stream = io.StringIO()
    log = Log("fetch", run="r1", stream=stream)
    log.hide(*hidden)
    log.info(msg, **fields)
    return stream.getvalue()


def test_a_line_names_level_step_run_and_message_first() -> None:
    assert written("done", files=3) == "level=info step=fetch run=r1 msg=done files=3\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("two words", '"two words"'),
        ("", '""'),
        ('say "hi"', '"say \\"hi\\""'),
        ("a\nb", '"a\\nb"'),
        ("a=b", '"a=b"'),
        ("x\x1b[31m", '"x\\u001b[31m"'),
        (True, "true"),
        (1.5, "1.50"),
        ("/tmp/x.json", "/tmp/x.json"),
    ],
)
def test_a_value_never_breaks_the_line(value: object, shown: str) -> None:
    assert logfmt({"key": value}) == f"key={shown}"


def test_a_secret_is_replaced_wherever_it_appears() -> None:
    secret = 'p"ss word'
    line = written(f"refused {secret}", hidden=(secret,), url=f"https://x/?s={secret}")
    assert secret not in line
    assert json.dumps(secret)[1:-1] not in line
    assert line.count("[redacted]") == 2


def test_a_lone_surrogate_does_not_stop_the_log() -> None:
    assert "msg=" in written("bad \ud800 text")


def test_run_ids_sort_by_time_and_differ() -> None:
    first, second = new_run_id(), new_run_id()
    assert first[:14] <= second[:14]
    assert first != second
