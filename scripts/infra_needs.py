"""The needs of publishing: how the bucket and the distribution must be set up.

One table, NEEDS, for `bin/infra status` and for the test that holds aws/stack.yaml to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

# Both obey the Cache-Control of each file and have no minimum TTL above one second.
CACHE_POLICIES = {
    "658327ea-f89d-4fab-a63d-7439e55c23be": "Managed-CachingOptimized",
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": "Managed-UseOriginCacheControlHeaders",
}
ERROR_SECONDS = 60  # how long CloudFront may remember that a page is missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The configuration of one site, as AWS reports it; an unreadable part is None.

    `distribution` is a DistributionConfig with plain lists, and the distribution's own DomainName.
    """

    bucket: str
    prefix: str
    site_url: str
    distribution: Mapping[str, Any] | None
    public_access_block: Mapping[str, Any] | None
    ownership: str | None
    policy: Mapping[str, Any] | None
    versioning: str | None

    @property
    def origin(self) -> Mapping[str, Any]:
        """The origin of the default behavior."""
        config = self.distribution or {}
        target = (config.get("DefaultCacheBehavior") or {}).get("TargetOriginId")
        return next((each for each in config.get("Origins") or [] if each.get("Id") == target), {})

    @property
    def behavior(self) -> Mapping[str, Any]:
        """The default cache behavior."""
        return (self.distribution or {}).get("DefaultCacheBehavior") or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One need: its name, the part of `Live` that shows it, its test, and how to fix it."""

    name: str
    part: str
    holds: Callable[[Live], bool]
    fix: str


def plain(value: Any) -> Any:
    """Return an API answer with `{"Quantity": 2, "Items": [...]}` as plain lists."""
    if isinstance(value, Mapping):
        if set(value) <= {"Quantity", "Items"} and "Quantity" in value:
            return [plain(each) for each in value.get("Items") or []]
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def _statements(live: Live) -> list[Mapping[str, Any]]:
    found = (live.policy or {}).get("Statement") or []
    return found if isinstance(found, list) else [found]


def _edge_reads(live: Live) -> bool:
    return any(
        each.get("Effect") == "Allow"
        and each.get("Principal") == {"Service": "cloudfront.amazonaws.com"}
        and "s3:GetObject"
        in (each["Action"] if isinstance(each.get("Action"), list) else [each.get("Action")])
        and "AWS:SourceArn" in str(each.get("Condition"))
        for each in _statements(live)
    )


def _tls_only(live: Live) -> bool:
    return any(
        each.get("Effect") == "Deny" and "aws:SecureTransport" in str(each.get("Condition"))
        for each in _statements(live)
    )


def _errors(live: Live) -> bool:
    pages = {
        int(each["ErrorCode"]): each for each in (live.distribution or {}).get("CustomErrorResponses") or []
    }
    return all(
        code in pages
        and pages[code].get("ResponsePagePath") == "/404.html"
        and str(pages[code].get("ResponseCode")) == "404"
        and int(pages[code].get("ErrorCachingMinTTL", 0)) <= ERROR_SECONDS
        for code in (403, 404)
    )


def _address(live: Live) -> bool:
    host = urlsplit(live.site_url).hostname
    names = [*((live.distribution or {}).get("Aliases") or []), (live.distribution or {}).get("DomainName")]
    return not host or host in [str(name).lower() for name in names]


def _path(live: Live) -> bool:
    """Visitors' path + origin path = the key: the prefix is in exactly one of SITE_URL and OriginPath."""
    in_url = urlsplit(live.site_url).path.strip("/")
    in_origin = (live.origin.get("OriginPath") or "").strip("/")
    return "/".join(filter(None, (in_origin, in_url))) == live.prefix


NEEDS = (
    Need(
        name="the distribution is enabled",
        part="distribution",
        holds=lambda live: (live.distribution or {}).get("Enabled") is True,
        fix="enable it",
    ),
    Need(
        name="the default origin is the bucket",
        part="distribution",
        holds=lambda live: str(live.origin.get("DomainName", "")).startswith(f"{live.bucket}.s3"),
        fix="set the origin to the bucket's regional domain name, not its website endpoint",
    ),
    Need(
        name="the origin path fits S3_PREFIX and SITE_URL",
        part="distribution",
        holds=_path,
        fix="set the origin path to /S3_PREFIX, or end SITE_URL in /S3_PREFIX",
    ),
    Need(
        name="origin access control signs the requests",
        part="distribution",
        holds=lambda live: bool(live.origin.get("OriginAccessControlId")),
        fix="create an origin access control and choose it for the origin",
    ),
    Need(
        name="the address / shows index.html",
        part="distribution",
        holds=lambda live: (live.distribution or {}).get("DefaultRootObject") == "index.html",
        fix="set the default root object to index.html, without a slash",
    ),
    Need(
        name="a missing page is 404.html with status 404, cached for a minute at most",
        part="distribution",
        holds=_errors,
        fix="add error responses for 403 and 404: /404.html, 404, minimum TTL 10",
    ),
    Need(
        name="visitors are redirected to https",
        part="distribution",
        holds=lambda live: live.behavior.get("ViewerProtocolPolicy") in ("redirect-to-https", "https-only"),
        fix="set the viewer protocol policy to redirect-to-https",
    ),
    Need(
        name="files are compressed",
        part="distribution",
        holds=lambda live: live.behavior.get("Compress") is True,
        fix="turn on automatic compression",
    ),
    Need(
        name="CloudFront obeys the Cache-Control of each file",
        part="distribution",
        holds=lambda live: live.behavior.get("CachePolicyId") in CACHE_POLICIES,
        fix="choose the cache policy Managed-CachingOptimized",
    ),
    Need(
        name="a response headers policy allows embed.js on other sites",
        part="distribution",
        holds=lambda live: bool(live.behavior.get("ResponseHeadersPolicyId")),
        fix="choose SimpleCORS, or a policy with Access-Control-Allow-Origin",
    ),
    Need(
        name="the distribution answers for SITE_URL",
        part="distribution",
        holds=_address,
        fix="add the host of SITE_URL as an alternate domain name, with its certificate",
    ),
    Need(
        name="the bucket is private",
        part="public_access_block",
        holds=lambda live: (
            len(live.public_access_block or {}) == 4 and all((live.public_access_block or {}).values())
        ),
        fix="block all public access",
    ),
    Need(
        name="the bucket has no ACLs",
        part="ownership",
        holds=lambda live: live.ownership == "BucketOwnerEnforced",
        fix="set the object ownership to bucket owner enforced",
    ),
    Need(
        name="only this distribution may read the bucket",
        part="policy",
        holds=_edge_reads,
        fix="set the bucket policy of aws/policies/bucket.json",
    ),
    Need(
        name="unencrypted requests to the bucket are refused",
        part="policy",
        holds=_tls_only,
        fix="set the bucket policy of aws/policies/bucket.json",
    ),
    Need(
        name="old versions of files are kept",
        part="versioning",
        holds=lambda live: live.versioning == "Enabled",
        fix="enable versioning, with a lifecycle rule that deletes old versions after 30 days",
    ),
)


def results(live: Live) -> Iterator[tuple[Need, bool | None]]:
    """Yield each need and whether it is met; None if its part could not be read."""
    for need in NEEDS:
        yield need, None if getattr(live, need.part) is None else need.holds(live)
