"""Compare the live site with the last build.

Reads   $GENERATED_DIR, default $BUILD_DIR: site.manifest and site/; the state of the upload
        $SITE_URL over the network: status.json, the home page, and a sample of the other files,
        half of it the files that changed last, half random
Writes  no file

Compares content with site.manifest and headers with scripts/publishing/headers.py. Prints a line for
each file that differs: the difference, a tab, the address. The log reports by how many minutes the
live events are older than the built ones, the age of CloudFront's oldest copy, and the number of files
not yet uploaded or invalidated, which explains a difference.

Exit codes: 0 no difference · 1 a file differs · 2 wrong usage · 75 the live site cannot be reached ·
78 SITE_URL is not set, or there is no build
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

import network
import program
from exit_codes import FAILED, OK, UNAVAILABLE
from files import read_manifest, sha256
from log import Log
from publishing.headers import Headers, headers_for
from publishing.state import Pending, Published
from settings import PublishSettings, SettingError, read_environment
from site_paths import HOME, MARK, STATUS

TIMEOUT = 15  # seconds for each file
MOST_BYTES = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer of the live site; `headers` has lower-case names."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Unreachable(Exception):
    """The live site did not answer."""


def get(url: str) -> Answer:
    """Fetch `url` uncompressed, through CloudFront's cache; raise Unreachable if no answer comes."""
    request = urllib.request.Request(url, headers={"User-Agent": "events-display verify"})  # noqa: S310
    try:
        # The settings check the address.
        with urllib.request.urlopen(request, timeout=TIMEOUT, context=network.tls()) as response:  # noqa: S310
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(status=response.status, body=response.read(MOST_BYTES), headers=headers)
    except urllib.error.HTTPError as error:
        with error:  # an HTTPError is also the response
            return Answer(status=error.code, body=b"", headers={})
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"{url}: {getattr(error, 'reason', error)}") from error


def difference(answer: Answer, digest: str, wanted: Headers) -> str:
    """Return how `answer` differs from the built file: `status 404`; an empty string if it does not."""
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
    """The last build: digests by path, newest files first, and the time at which its events were fetched.

    `not_uploaded` and `not_invalidated` count the files that S3 and CloudFront do not have yet.
    """

    digests: Mapping[str, str]
    fetched: datetime
    not_uploaded: int
    not_invalidated: int

    @classmethod
    def load(cls, settings: PublishSettings) -> Self:
        """Read the last build; raise OSError or ValueError if there is none."""
        folder = settings.generated_dir
        published = Published.load(settings.build_dir / "published.manifest")
        in_s3 = {
            path: entry.digest
            for path, entry in (published.entries if published else {}).items()
            if not entry.removed_at and path != MARK
        }
        digests = read_manifest(folder / "site.manifest")
        if not digests:
            raise ValueError(f"there is no site.manifest in {folder}")
        return cls(
            digests=dict(sorted(digests.items(), key=lambda item: _changed(folder / "site" / item[0]))),
            fetched=fetched_of((folder / "site" / STATUS).read_bytes()),
            not_uploaded=sum(in_s3.get(path) != digest for path, digest in digests.items()),
            not_invalidated=len(Pending.load(settings.pending_dir / "pending-paths").paths),
        )

    def sample(self, size: int) -> list[str]:
        """Return the home page and `size` other paths (0: all), half of them the newest, half random."""
        others = [path for path in self.digests if path != HOME]
        if size:
            newest, rest = others[: size // 2], others[size // 2 :]
            others = newest + random.sample(rest, min(size - len(newest), len(rest)))
        return [HOME, *others]


def _changed(path: Path) -> float:
    """Return a number that sorts the newest files first, and files missing on this machine last."""
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0


def fetched_of(status: bytes) -> datetime:
    """Return the time of the fetch from a status.json; raise ValueError if it holds none."""
    try:
        return datetime.fromisoformat(json.loads(status)["fetched"])
    except (KeyError, TypeError) as error:
        raise ValueError("status.json holds no time of the fetch") from error


def verify(settings: PublishSettings, log: Log, sample: int) -> int:
    """Compare the home page and `sample` other files (0: all) with the build; return the exit code."""
    if not settings.site_url:
        raise SettingError("SITE_URL", "is not set; bin/verify needs the address of the live site")
    try:
        built = Built.load(settings)
    except (OSError, ValueError, KeyError) as error:
        raise SettingError("BUILD_DIR", f"holds no complete build; run make generate: {error}") from error
    paths = built.sample(sample)
    with ThreadPoolExecutor(8) as pool:
        status = pool.submit(get, f"{settings.site_url}/{STATUS}")
        answers = list(pool.map(lambda path: get(f"{settings.site_url}/{quote(path)}"), paths))
    behind = round((built.fetched - fetched_of(status.result().body)).total_seconds() / 60)
    wrong = 0
    for path, answer in zip(paths, answers, strict=True):
        wanted = headers_for(path, invalidated=settings.invalidate != "none")
        found = difference(answer, built.digests.get(path, ""), wanted)
        if found:
            wrong += 1
            sys.stdout.write(f"{found}\t{settings.site_url}/{path}\n")
    fields = {
        "files": len(paths),
        "of": len(built.digests),
        "wrong": wrong,
        "behind_minutes": behind,
        "oldest_age": max(int(answer.headers.get("age", "0")) for answer in answers),
        "not_uploaded": built.not_uploaded,
        "pending": built.not_invalidated,
    }
    if wrong:
        log.error("live site differs from the last build", **fields, rc=FAILED)
        return FAILED
    log.info("live site matches the last build", **fields, rc=OK)
    return OK


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; return the exit code."""
    parser = program.options(__doc__)
    parser.add_argument(
        "--sample", type=int, default=10, help="number of files besides the home page (default 10; 0: all)"
    )
    arguments = parser.parse_args(argv)
    log = Log("verify")

    def work() -> int:
        # It asks no AWS service, so a wrong configuration of the AWS CLI does not matter.
        env = {key: value for key, value in read_environment(log=log).items() if not key.startswith("AWS_")}
        return verify(PublishSettings.from_env(env), log, arguments.sample)

    return program.run(
        log,
        work,
        {
            Unreachable: ("cannot reach the live site", UNAVAILABLE),
            ValueError: ("live status.json is not from events-display", FAILED),
        },
    )


if __name__ == "__main__":
    sys.exit(main())
