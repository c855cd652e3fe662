#!/usr/bin/env python3
"""Ask the public site whether visitors get what was built here, and how far behind the edge is.

Reads  $BUILD_DIR/site.manifest, $BUILD_DIR/site/status.json, and over the network $SITE_URL
Writes nothing

Fetches status.json, the home page and a sample of the other files, and compares their bytes with
the manifest, their headers with scripts/headers.py. On stdout comes a line for each
file that differs: what is wrong, a tab, its address.

Exit codes: 0 the same · 1 something differs · 2 wrong usage · 75 the site cannot be reached ·
78 SITE_URL is missing, or nothing was built here
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from exit_codes import CONFIG, FAILED, OK, UNAVAILABLE
from files import read_manifest, sha256
from guards import STATUS
from headers import Headers, headers_for
from log import Log
from settings import PublishSettings, SettingError, environment

TIMEOUT = 15  # seconds for each file
MOST_BYTES = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the public site said to one request; `headers` has lower-case names."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Unreachable(Exception):
    """The site gave no answer at all."""


def get(url: str) -> Answer:
    """Fetch `url` uncompressed, as it is cached; raise Unreachable if there is no answer."""
    request = urllib.request.Request(url, headers={"User-Agent": "events-display verify"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310 - settings check it
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(status=response.status, body=response.read(MOST_BYTES), headers=headers)
    except urllib.error.HTTPError as error:
        with error:  # it holds the answer
            return Answer(status=error.code, body=b"", headers={})
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"{url}: {getattr(error, 'reason', error)}") from error


def difference(answer: Answer, digest: str, wanted: Headers) -> str:
    """Say how `answer` differs from the file that was built; an empty string if it does not."""
    if answer.status != 200:
        return f"status {answer.status}"
    if sha256(answer.body) != digest:
        return "other content"
    for name, value in (("content-type", wanted.content_type), ("cache-control", wanted.cache_control)):
        if answer.headers.get(name, "") != value:
            return f"{name}: {answer.headers.get(name, 'none')}"
    return ""


def minutes_behind(built: bytes, shown: bytes) -> int:
    """Return by how many minutes the events of `shown` are older than those of `built` (two status.json).

    Raises ValueError if one of them does not say when its events were fetched.
    """
    moments = []
    for data in (built, shown):
        try:
            moments.append(datetime.fromisoformat(json.loads(data)["fetched"]))
        except (KeyError, TypeError) as error:
            raise ValueError("status.json does not say when the events were fetched") from error
    return round((moments[0] - moments[1]).total_seconds() / 60)


def verify(chosen: PublishSettings, log: Log, sample: int) -> int:
    """Compare `sample` files (0: all) with the public site; return the exit code."""
    if not chosen.site_url:
        raise SettingError("SITE_URL", "is not set, so there is no public site to ask")
    try:
        manifest = read_manifest(chosen.build_dir / "site.manifest")
        built = (chosen.build_dir / "site" / STATUS).read_bytes()
    except (OSError, ValueError) as error:
        raise SettingError("BUILD_DIR", f"no site was built here: {error}") from error
    others = sorted(manifest.keys() - {"index.html"})
    if sample:
        others = random.sample(others, min(sample, len(others)))
    paths = ["index.html", *others]
    with ThreadPoolExecutor(8) as pool:
        status = pool.submit(get, f"{chosen.site_url}/{STATUS}")
        answers = list(pool.map(lambda path: get(f"{chosen.site_url}/{quote(path)}"), paths))
    behind = minutes_behind(built, status.result().body)
    wrong = 0
    for path, answer in zip(paths, answers, strict=True):
        found = difference(answer, manifest[path], headers_for(path, chosen.cache_tag))
        if found:
            wrong += 1
            sys.stdout.write(f"{found}\t{chosen.site_url}/{path}\n")
    age = max((int(answer.headers.get("age", "0")) for answer in answers), default=0)
    fields = {"files": len(paths), "of": len(manifest), "wrong": wrong, "behind_minutes": behind}
    if wrong:
        log.error("visitors do not get what was built", **fields, oldest_age=age, rc=FAILED)
        return FAILED
    log.info("visitors get what was built", **fields, oldest_age=age, rc=OK)
    return OK


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--sample", type=int, default=10, help="how many files beside the home page; 0: all")
    options = parser.parse_args(argv)
    log = Log("verify")
    try:
        return verify(PublishSettings.from_env(environment()), log, options.sample)
    except SettingError as error:
        log.error(error.why, key=error.key, rc=CONFIG)
        return CONFIG
    except Unreachable as error:
        log.error("the public site cannot be reached", cause=str(error), rc=UNAVAILABLE)
        return UNAVAILABLE
    except ValueError as error:
        log.error("the public status.json is not ours", cause=str(error), rc=FAILED)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
