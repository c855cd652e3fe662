"""Options and error handling for every main(): a user's mistake gives one log line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from exit_codes import CONFIG, FAILED, REFUSED
from settings import SettingError

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from log import Log


class Refused(Exception):
    """A guard refuses to continue (exit code 65); `fields` go into the log line."""

    def __init__(self, why: str, **fields: object) -> None:
        super().__init__(why)
        self.fields = fields


class AnswerError(Exception):
    """The AWS CLI printed something else than the answer to its command."""


_TOO_MANY = "cannot start another process: too many are running (pids limit, ulimit -u)"


def options(manual: str | None) -> ArgumentParser:
    """Return an option parser whose --help shows `manual`, the docstring of the program."""
    from argparse import ArgumentParser, RawDescriptionHelpFormatter

    return ArgumentParser(description=manual, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False)


def run(
    log: Log, work: Callable[[], int], failures: Mapping[type[Exception], tuple[str, int]] | None = None
) -> int:
    """Return the exit code of `work`; log the errors that a user can cause, and let bugs raise.

    `failures` adds a message and an exit code for errors that only this program has.
    """
    try:
        rc = work()
        _flush()
        return rc
    except SettingError as error:
        return _fail(log, CONFIG, str(error), key=error.key)
    except Refused as error:
        return _fail(log, REFUSED, f"guard: {error}", **error.fields)
    except AnswerError as error:
        return _fail(log, FAILED, f"cannot read the AWS CLI's answer to {error}: check AWS_CLI")
    except ModuleNotFoundError as error:
        return _fail(log, CONFIG, 'a Python package is missing: run "make setup" first', package=error.name)
    except OSError as error:
        if error.errno == errno.ELOOP:  # from files.read_regular
            return _fail(log, REFUSED, "guard: link in place of a file", path=error.filename or "")
        if error.errno == errno.EAGAIN:
            return _fail(log, FAILED, _TOO_MANY, errno=error.errno)
        return _fail(
            log, FAILED, error.strerror or str(error), errno=error.errno or 0, path=error.filename or ""
        )
    except MemoryError:
        return _fail(log, FAILED, "out of memory")
    except Exception as error:
        if type(error) is RuntimeError and "start new thread" in str(error):
            return _fail(log, FAILED, _TOO_MANY)
        for kind, (message, rc) in (failures or {}).items():
            if isinstance(error, kind):
                return _fail(log, rc, message, cause=str(error))
        raise


def _flush() -> None:
    """Write the rest of the output; a full disk that Python notices after main() gives exit code 120."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more
        raise OSError(error.errno, error.strerror, "standard output") from error


def _fail(log: Log, rc: int, message: str, **fields: object) -> int:
    log.error(message, **fields, rc=rc)
    return rc
