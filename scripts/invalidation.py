"""What CloudFront must be told, and what it costs.

    python scripts/invalidation.py show            print the paths and their price
    python scripts/invalidation.py prepare         write $BUILD_DIR/run/invalidation.json
    python scripts/invalidation.py answered FILE   note CloudFront's answer, empty pending-paths

One path a run: the first 1,000 of a month are free for the whole AWS account, then $0.005 each,
and a wildcard counts as one.
"""

from __future__ import annotations

import json
import sys

import program
import settings
from exit_codes import FAILED, OK, USAGE
from files import write_atomic
from log import Log, logfmt
from publishing.cloudfront import FREE_A_MONTH, WARN_FROM, Budget, batch, paths_for
from publishing.state import Pending


def _prepare(chosen: settings.PublishSettings) -> None:
    pending = Pending.load(chosen.build_dir / "pending-paths")
    data = batch(paths_for(pending.paths, chosen), pending, chosen.distribution)
    write_atomic(chosen.build_dir / "run" / "invalidation.json", json.dumps(data).encode())


def _answered(chosen: settings.PublishSettings, answer: str, log: Log) -> None:
    run = chosen.build_dir / "run"
    with open(answer, encoding="utf-8") as file:
        invalidation = json.load(file)["Invalidation"]["Id"]
    sent = json.loads((run / "invalidation.json").read_bytes())
    paths, reference = sent["Paths"]["Items"], sent["CallerReference"]
    budget = Budget(chosen)
    reused = budget.last == reference
    budget.add(len(paths), reference)
    before = len(Pending.load(chosen.build_dir / "pending-paths").paths)
    Pending().save(chosen.build_dir / "pending-paths")
    if budget.count > WARN_FROM:
        log.warn(
            "the month's free invalidation paths run out", paths_this_month=budget.count, free=FREE_A_MONTH
        )
    numbers: dict[str, object] = {
        "paths": len(paths),
        "invalidation": invalidation,
        "reused": int(reused),
        "pending_before": before,
        "pending_after": 0,
        "paths_this_month": budget.count,
    }
    write_atomic(run / "invalidate.stats", "".join(f"{k}={v}\n" for k, v in numbers.items()).encode())
    sys.stdout.write(logfmt(numbers) + "\n")


def _show(chosen: settings.PublishSettings) -> None:
    paths = paths_for(Pending.load(chosen.build_dir / "pending-paths").paths, chosen)
    budget = Budget(chosen)
    sys.stdout.writelines(f"invalidate\t{path}\n" for path in paths)
    sys.stdout.write(
        f"{len(paths)} invalidation path{'' if len(paths) == 1 else 's'}: ${budget.price(len(paths)):.3f};"
        f" {budget.count:,} of {FREE_A_MONTH:,} free paths used this month\n"
    )


def main(argv: list[str]) -> int:
    """Run one of the commands; return the exit code."""
    log = Log("invalidate")

    def work() -> int:
        chosen = settings.PublishSettings.from_env(settings.read_environment())
        match argv:
            case ["show"]:
                _show(chosen)
            case ["prepare"]:
                _prepare(chosen)
            case ["answered", answer]:
                _answered(chosen, answer, log)
            case _:
                sys.stderr.write(__doc__ or "")
                return USAGE
        return OK

    unreadable = ("cannot read the publish state", FAILED)
    return program.run(log, work, {ValueError: unreadable, KeyError: unreadable})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
