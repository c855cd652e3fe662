"""Run the whole pipeline on this machine, without any account (`make demo`).

Usage: python -m standins.demo [--port N] [--once] [--events FILE [--fold DAYS]] [--timezone ZONE]
                               [--locale LOCALE]

Starts a stand-in for LibCal with sample events (or with the events of FILE, moved into the future) and a
moto server for S3 and CloudFront, runs the real `make publish` with them, and serves the result until
Ctrl-C. With --once, exits after the publish with its exit code. Writes only to build/demo.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

from settings import ROOT
from standins import cloudfront, sample
from standins.aws import Aws
from standins.libcal_server import LibCal, content_options, from_options
from standins.serving import serve, stop_signal

BUILD = ROOT / "build" / "demo"
# Only these variables are passed on: the demo must not use the user's settings or AWS account.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TERM", "NO_COLOR", "TMPDIR", "TZ", "VENV", "PYTHON")
STOP_SECONDS = 15


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit code of the publish."""
    parser = argparse.ArgumentParser(
        description="Run the whole pipeline on this machine", parents=[content_options()], allow_abbrev=False
    )
    parser.add_argument("--port", type=int, default=0, help="where to serve the site; default: any free port")
    parser.add_argument("--once", action="store_true", help="exit after the publish")
    locale = os.environ.get("LOCALE") or "en_US"
    parser.add_argument("--locale", default=locale, help="language of the pages; default: $LOCALE")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _demo(options)
    except KeyboardInterrupt:
        _say("", "Demo interrupted; all its servers are stopped.")
        return 130
    except OSError as error:
        print(
            f"demo: {error.filename}: {error.strerror}" if error.filename else f"demo: {error}",
            file=sys.stderr,
        )
        return 1
    except ValueError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


def _demo(options: argparse.Namespace) -> int:
    with contextlib.ExitStack() as stack:
        libcal = stack.enter_context(from_options(options))
        aws = stack.enter_context(Aws())
        site = stack.enter_context(serve(cloudfront.app(cloudfront.of(aws)), options.port))
        _say(
            "",
            "The whole pipeline, on this machine only:",
            f"  LibCal       {libcal.url}  stand-in with {len(libcal.events)} events",
            f"  S3           {aws.url}  moto, bucket {aws.bucket}",
            f"  CloudFront   {aws.url}  moto, distribution {aws.distribution_id}",
            "",
            "$ make publish",
        )
        exit_code = _publish(libcal, aws, site, options)
        if exit_code:
            _say(
                "",
                f"`make publish` failed with exit code {exit_code}. The last log line names the failed step.",
            )
            return exit_code
        _report(aws)
        if not options.once:
            # Before printing the address: the user may press Ctrl-C as soon as it appears.
            stop = stop_signal()
            _say(
                "Open the site, which is served as by CloudFront. Press Ctrl-C to stop.",
                f"  Events       {site}/",
                f"  Lobby screen {site}/screen.html",
                "",
            )
            stop.wait()
            _say("", "Demo stopped.")
        return 0


def _publish(libcal: LibCal, aws: Aws, site: str, options: argparse.Namespace) -> int:
    """Run `make publish` which logs to the stderr of this process."""
    shutil.rmtree(BUILD, ignore_errors=True)
    env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    env |= libcal.settings | aws.env
    env |= {"BUILD_DIR": str(BUILD), "ENV_FILE": os.devnull, "SITE_URL": site, "LOCALE": options.locale}
    # For events of a file, show as many days as possible.
    env |= (
        {"DAYS_AHEAD": str(options.fold or 365)}
        if options.events
        else {
            **sample.SETTINGS,
            "BRANCHES": str(sample.BRANCHES),
        }
    )
    with _stopped_at_end(
        subprocess.Popen(
            ["make", "--no-print-directory", "-C", str(ROOT), "publish"],
            env=env,
            start_new_session=True,
        )
    ) as publish:
        return publish.wait()


@contextlib.contextmanager
def _stopped_at_end(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Stop `process`, which leads its own process group, and all processes in the group."""
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _report(aws: Aws) -> None:
    objects = aws.objects()
    size = sum(each.size for each in objects.values()) / 1000
    puts = sum(call.service == "s3" and call.method == "PUT" for call in aws.calls)
    paths = [path for batch in aws.invalidations() for path in batch]
    _say(
        "",
        f"Published: {len(objects)} files, {size:,.0f} kB, with {puts} PUT requests.",
        f"Invalidated in CloudFront: {', '.join(paths) or 'no paths'}.",
        f"Generated files: {os.path.relpath(BUILD)}/site.",
        "",
    )


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
