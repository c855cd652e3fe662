"""The whole pipeline on this machine, without any account: what `make demo` shows.

Usage: python -m standins.demo [--port N] [--once] [--events FILE [--fold DAYS]] [--timezone ZONE]
                                     [--locale LOCALE]

Starts a LibCal stand-in with sample events (or with FILE's, moved to lie ahead) and a moto server for S3 and
CloudFront, runs the real `make publish` against them, and serves the result from the bucket until
Ctrl-C. --once ends after the publish, with its exit code. Writes nothing outside build/demo.
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
from standins.readable_log import readable
from standins.serving import asked_to_end, serve

BUILD = ROOT / "build" / "demo"
# The user's own settings and AWS account must not come near the demo, so only these are passed on.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TERM", "TMPDIR", "VENV", "PYTHON")
SECONDS_TO_END = 15


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit code of the publish."""
    parser = argparse.ArgumentParser(
        description="The whole pipeline on this machine", parents=[content_options()], allow_abbrev=False
    )
    parser.add_argument("--port", type=int, default=0, help="where to serve the site; default: any free port")
    parser.add_argument("--once", action="store_true", help="end after the publish")
    locale = os.environ.get("LOCALE") or "en_US"
    parser.add_argument("--locale", default=locale, help="language of the pages; default: $LOCALE")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _demo(options)
    except KeyboardInterrupt:
        _say("", "Stopped before the end; nothing is left running.")
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
            "events-display, the whole way, on this machine only:",
            f"  LibCal       {libcal.url}  a stand-in with {len(libcal.events)} events",
            f"  S3           {aws.url}  moto, bucket {aws.bucket}",
            f"  CloudFront   {aws.url}  moto, distribution {aws.distribution_id}",
            "",
            "$ make publish",
        )
        code = _publish(libcal, aws, site, options)
        if code:
            _say("", f"The publish failed (make's exit code {code}); its last line says where and why.")
            return code
        _report(aws)
        if not options.once:
            # Before the address is shown: who has seen it may press Ctrl-C at once.
            asked = asked_to_end()
            _say(
                "Served from the edge (it caches as CloudFront does) until you press Ctrl-C:",
                f"  Events       {site}/",
                f"  Lobby screen {site}/screen.html",
                "",
            )
            asked.wait()
            _say("", "Stopped; nothing is left running.")
        return 0


def _publish(libcal: LibCal, aws: Aws, site: str, options: argparse.Namespace) -> int:
    """Run `make publish` and show its log as it comes."""
    shutil.rmtree(BUILD, ignore_errors=True)
    env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    env |= libcal.settings | aws.env
    env |= {"BUILD_DIR": str(BUILD), "ENV_FILE": os.devnull, "SITE_URL": site, "LOCALE": options.locale}
    # Of a file, as much as can be shown at all.
    env |= {"DAYS_AHEAD": str(options.fold or 365)} if options.events else sample.SETTINGS
    with _ended(
        subprocess.Popen(
            ["make", "--no-print-directory", "-C", str(ROOT), "publish"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    ) as publish:
        assert publish.stdout
        for line in publish.stdout:
            _say(readable(line.rstrip("\n")))
        return publish.wait()


@contextlib.contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Leave nothing of `process` and what it started: it leads a group of its own."""
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(SECONDS_TO_END)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _report(aws: Aws) -> None:
    objects = aws.objects()
    size = sum(each.size for each in objects.values()) / 1000
    puts = sum(call.service == "s3" and call.method == "PUT" for call in aws.calls)
    paths = [path for batch in aws.invalidations() for path in batch]
    _say(
        "",
        f"In the bucket now: {len(objects)} files, {size:,.0f} kB, by {puts} PUTs.",
        f"CloudFront was asked to refresh: {', '.join(paths) or 'nothing'}.",
        f"What was uploaded is in {os.path.relpath(BUILD)}/site.",
        "",
    )


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
