"""Prepare the request of bin/invalidate, and record CloudFront's answer.

    python scripts/invalidation.py show          print the paths to invalidate and their price
    python scripts/invalidation.py prepare       write $BUILD_DIR/run/invalidation.json and .paths
    python scripts/invalidation.py record [FILE] record CloudFront's answer and empty pending-paths

publishing/cloudfront.py holds the rules for paths and prices.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import program
from exit_codes import FAILED, OK, USAGE
from files import write_atomic
from log import Log, logfmt
from publishing.cloudfront import FREE_A_MONTH, WARN_FROM, Budget, batch, paths_for
from publishing.state import Pending
from settings import PublishSettings, read_environment


def _prepare(settings: PublishSettings) -> None:
    pending = Pending.load(settings.pending_dir / "pending-paths")
    paths = paths_for(pending.paths, settings)
    data = batch(paths, pending, settings.distribution)
    run = settings.build_dir / "run"
    write_atomic(run / "invalidation.json", json.dumps(data).encode())
    write_atomic(run / "invalidation.paths", "".join(f"{path}\n" for path in paths).encode())


def _record(settings: PublishSettings, answer: str, log: Log) -> None:
    """Record an invalidation; `answer` is the file of CloudFront's answer, empty for another cache."""
    run = settings.build_dir / "run"
    invalidation = ""
    if answer:
        try:
            invalidation = json.loads(Path(answer).read_bytes())["Invalidation"]["Id"]
        except (ValueError, TypeError, KeyError) as error:
            raise program.AnswerError("create-invalidation") from error
    request = json.loads((run / "invalidation.json").read_bytes())
    paths, reference = request["Paths"]["Items"], request["CallerReference"]
    budget = Budget(settings)
    reused = budget.last_reference == reference
    budget.add(len(paths), reference)
    before = len(Pending.load(settings.pending_dir / "pending-paths").paths)
    Pending().save(settings.pending_dir / "pending-paths")
    if budget.count > WARN_FROM:
        log.warn(
            "free invalidation paths of this month are running out",
            paths_this_month=budget.count,
            free=FREE_A_MONTH,
        )
    numbers: dict[str, object] = {
        "paths": len(paths),
        **(
            {"invalidation": invalidation, "reused": int(reused)} if answer else {"with": settings.invalidate}
        ),
        "pending_before": before,
        "pending_after": 0,
        **({"paths_this_month": budget.count} if answer else {}),
    }
    write_atomic(run / "invalidate.stats", "".join(f"{k}={v}\n" for k, v in numbers.items()).encode())
    sys.stdout.write(logfmt(numbers) + "\n")


def _show(settings: PublishSettings) -> None:
    paths = paths_for(Pending.load(settings.pending_dir / "pending-paths").paths, settings)
    budget = Budget(settings)
    sys.stdout.writelines(f"invalidate\t{path}\n" for path in paths)
    sys.stdout.write(
        f"{len(paths)} invalidation path{'' if len(paths) == 1 else 's'}: ${budget.price(len(paths)):.3f}"
        f"{budget.used}\n"
    )


def main(argv: list[str]) -> int:
    """Run one of the commands; return the exit code."""
    log = Log("invalidate")

    def work() -> int:
        settings = PublishSettings.from_env(read_environment(log=log))
        match argv:
            case ["show"]:
                _show(settings)
            case ["prepare"]:
                _prepare(settings)
            case ["record", *answer]:
                _record(settings, "".join(answer), log)
            case _:
                sys.stderr.write(__doc__ or "")
                return USAGE
        return OK

    unreadable = ("cannot read or write the publish state", FAILED)
    return program.run(log, work, {ValueError: unreadable, KeyError: unreadable})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
