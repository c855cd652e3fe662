"""Ask the public site whether visitors get what was built here, and how far behind the edge is.

Reads  $BUILD_DIR: site.manifest and site/, or docker/ after a run in Docker; over the network $SITE_URL
Writes nothing

Fetches status.json, the home page and a sample of the other files, half of it those that changed last
and half by chance, and compares their bytes with the manifest, their headers with publishing/headers.py.
On stdout comes a line for each file that differs: what is wrong, a tab, its address. The log says by
how many minutes the events shown are older than those built, how long the edge has had its oldest
copy, and what there still is to upload or to tell CloudFront, which explains a difference.

Exit codes: 0 the same · 1 something differs · 2 wrong usage · 75 the site cannot be reached ·
78 SITE_URL is missing, or nothing was built here
"""

from __future__ import annotations

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
from pathlib import Path
from typing import Self
from urllib.parse import quote

import program
from exit_codes import FAILED, OK, UNAVAILABLE
from files import read_manifest, sha256
from log import Log
from publishing.headers import Headers, headers_for
from publishing.state import Pending, Published
from settings import PublishSettings, SettingError, read_environment
from site_paths import HOME, STATUS

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What visitors should get: digests by path, newest files first, and when its events were fetched.

    `waiting` counts the files that are not in S3 yet, `pending` the paths of which CloudFront has not heard.
    """

    digests: Mapping[str, str]
    fetched: datetime
    waiting: int
    pending: int

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read it from $BUILD_DIR. Raises OSError or ValueError if nothing was built there."""
        if not (folder / "site.manifest").exists() and (folder / "docker").is_dir():
            folder /= "docker"  # the site itself is in the containers' volume
        published = Published.load(folder / "published.manifest")
        held = {
            path: entry.digest
            for path, entry in (published.entries if published else {}).items()
            if not entry.removed_at
        }
        digests = read_manifest(folder / "site.manifest") or held
        if not digests:
            raise ValueError(f"there is no site.manifest in {folder}")
        return cls(
            digests=dict(sorted(digests.items(), key=lambda item: _changed(folder / "site" / item[0]))),
            fetched=_fetched(folder),
            waiting=sum(held.get(path) != digest for path, digest in digests.items()),
            pending=len(Pending.load(folder / "pending-paths").paths),
        )

    def sample(self, size: int) -> list[str]:
        """Return the home page and `size` other paths (0: all), half of them the newest, half drawn."""
        others = [path for path in self.digests if path != HOME]
        if size:
            newest, rest = others[: size // 2], others[size // 2 :]
            others = newest + random.sample(rest, min(size - len(newest), len(rest)))
        return [HOME, *others]


def _changed(path: Path) -> float:
    """Return how long ago the file changed, to sort by; files that are not here come last."""
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0


def _fetched(folder: Path) -> datetime:
    status = folder / "site" / STATUS
    if status.exists():
        return fetched_of(status.read_bytes())
    calendars = json.loads((folder / "events.json").read_bytes())["calendars"]
    return min(datetime.fromisoformat(each["fetched"]) for each in calendars if each["fetched"])


def fetched_of(status: bytes) -> datetime:
    """Return when the events were fetched, as a status.json says; ValueError if it does not."""
    try:
        return datetime.fromisoformat(json.loads(status)["fetched"])
    except (KeyError, TypeError) as error:
        raise ValueError("status.json does not say when the events were fetched") from error


def verify(chosen: PublishSettings, log: Log, sample: int) -> int:
    """Compare `sample` files (0: all) with the public site; return the exit code."""
    if not chosen.site_url:
        raise SettingError("SITE_URL", "is not set, so there is no public site to ask")
    try:
        built = Built.load(chosen.build_dir)
    except (OSError, ValueError, KeyError) as error:
        raise SettingError("BUILD_DIR", f"no site was built here: {error}") from error
    paths = built.sample(sample)
    with ThreadPoolExecutor(8) as pool:
        status = pool.submit(get, f"{chosen.site_url}/{STATUS}")
        answers = list(pool.map(lambda path: get(f"{chosen.site_url}/{quote(path)}"), paths))
    behind = round((built.fetched - fetched_of(status.result().body)).total_seconds() / 60)
    wrong = 0
    for path, answer in zip(paths, answers, strict=True):
        found = difference(answer, built.digests.get(path, ""), headers_for(path))
        if found:
            wrong += 1
            sys.stdout.write(f"{found}\t{chosen.site_url}/{path}\n")
    fields = {
        "files": len(paths),
        "of": len(built.digests),
        "wrong": wrong,
        "behind_minutes": behind,
        "oldest_age": max((int(answer.headers.get("age", "0")) for answer in answers), default=0),
        "not_uploaded": built.waiting,
        "pending": built.pending,
    }
    if wrong:
        log.error("visitors do not get what was built", **fields, rc=FAILED)
        return FAILED
    log.info("visitors get what was built", **fields, rc=OK)
    return OK


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; return the exit code."""
    parser = program.options(__doc__)
    parser.add_argument(
        "--sample", type=int, default=10, help="how many files beside the home page (default 10); 0: all"
    )
    chosen = parser.parse_args(argv)
    log = Log("verify")
    return program.run(
        log,
        lambda: verify(PublishSettings.from_env(read_environment()), log, chosen.sample),
        {
            Unreachable: ("the public site cannot be reached", UNAVAILABLE),
            ValueError: ("the public status.json is not from this program", FAILED),
        },
    )


if __name__ == "__main__":
    sys.exit(main())
