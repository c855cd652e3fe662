"""aws/stack.yaml grants the policies of aws/policies, meets every need of publishing, and no more."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import env_file
import infra_needs
from infra_needs import NEEDS, Live
from rendering import screen
from settings import ROOT
from support.cloudformation_template import Template

STACK = ROOT / "aws" / "stack.yaml"
POLICIES = ROOT / "aws" / "policies"


def policy(name: str, **names: str) -> Any:
    """Return a policy of aws/policies with its placeholders replaced."""
    text = (POLICIES / f"{name}.json").read_text()
    for placeholder, value in names.items():
        text = text.replace(placeholder, value)
    return json.loads(text)


def live(template: Template) -> Live:
    """Return the configuration that the stack makes, as AWS would report it."""
    made = template.resources()
    config = made["Distribution"]["DistributionConfig"]
    origins = [
        {**each, "DomainName": each["DomainName"].replace("Bucket.RegionalDomainName", "b.s3.amazonaws.com")}
        for each in config["Origins"]
    ]
    env = dict(value.split("=", 1) for name, value in template.outputs().items() if name.startswith("Env"))
    return Live(
        bucket="b",
        prefix=env["S3_PREFIX"],
        site_url=env["SITE_URL"],
        distribution={**config, "Origins": origins, "DomainName": "Distribution.DomainName"},
        public_access_block=made["Bucket"]["PublicAccessBlockConfiguration"],
        ownership=made["Bucket"]["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
        policy=made["BucketPolicy"]["PolicyDocument"],
        versioning=made["Bucket"]["VersioningConfiguration"]["Status"],
    )


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Prefix": "events/main"},
        {"DomainName": "events.example.org", "HostedZoneId": "Z1"},
        {"DomainName": "events.example.org", "CertificateArn": "arn:aws:acm:us-east-1:1:certificate/x"},
        {"Access": "role", "WebACLArn": "arn:aws:wafv2:us-east-1:1:global/webacl/x"},
    ],
)
def test_the_stack_meets_every_need_of_publishing(given: dict[str, str]) -> None:
    unmet = [need.name for need, met in infra_needs.results(live(Template(STACK, **given))) if not met]
    assert unmet == []


# One change for each need, which breaks it and no other.
BROKEN: dict[str, dict[str, Any]] = {
    "the distribution is enabled": {"Enabled": False},
    "the address / shows index.html": {"DefaultRootObject": "/index.html"},
    "a missing page is 404.html with status 404, cached for a minute at most": {"CustomErrorResponses": []},
    "the distribution answers for SITE_URL": {"DomainName": "other.cloudfront.net"},
}
BROKEN_ORIGIN: dict[str, dict[str, Any]] = {
    "the default origin is the bucket": {"DomainName": "b2.s3.amazonaws.com"},
    "the origin path fits S3_PREFIX and SITE_URL": {"OriginPath": "/other"},
    "origin access control signs the requests": {"OriginAccessControlId": ""},
}
BROKEN_BEHAVIOR: dict[str, dict[str, Any]] = {
    "visitors are redirected to https": {"ViewerProtocolPolicy": "allow-all"},
    "files are compressed": {"Compress": False},
    "CloudFront obeys the Cache-Control of each file": {
        "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    },
    "a response headers policy allows embed.js on other sites": {"ResponseHeadersPolicyId": ""},
}
BROKEN_BUCKET: dict[str, dict[str, Any]] = {
    "the bucket is private": {"public_access_block": {"BlockPublicAcls": True}},
    "the bucket has no ACLs": {"ownership": "ObjectWriter"},
    "old versions of files are kept": {"versioning": ""},
}


def broken(name: str) -> Live:
    """Return the stack's configuration with the need `name` not met."""
    good = live(Template(STACK))
    config = dict(good.distribution or {})
    if name in BROKEN:
        return replace(good, distribution={**config, **BROKEN[name]})
    if name in BROKEN_ORIGIN:
        return replace(
            good, distribution={**config, "Origins": [{**config["Origins"][0], **BROKEN_ORIGIN[name]}]}
        )
    if name in BROKEN_BEHAVIOR:
        behavior = {**config["DefaultCacheBehavior"], **BROKEN_BEHAVIOR[name]}
        return replace(good, distribution={**config, "DefaultCacheBehavior": behavior})
    if name in BROKEN_BUCKET:
        return replace(good, **BROKEN_BUCKET[name])
    reads, tls = (good.policy or {})["Statement"]
    kept = tls if name == "only this distribution may read the bucket" else reads
    return replace(good, policy={"Statement": [kept]})


@pytest.mark.parametrize("name", [need.name for need in NEEDS])
def test_a_need_that_is_not_met_is_found_and_no_other(name: str) -> None:
    assert [need.name for need, met in infra_needs.results(broken(name)) if not met] == [name]


def test_a_part_that_cannot_be_read_is_unknown_not_met() -> None:
    unread = replace(live(Template(STACK)), policy=None)
    assert [met for need, met in infra_needs.results(unread) if need.part == "policy"] == [None, None]


def test_answers_of_the_api_become_plain_lists() -> None:
    answer = {"Aliases": {"Quantity": 1, "Items": ["a"]}, "Origins": {"Quantity": 0}, "Comment": "x"}
    assert infra_needs.plain(answer) == {"Aliases": ["a"], "Origins": [], "Comment": "x"}


def test_the_policies_to_paste_are_those_of_the_stack() -> None:
    made = Template(STACK).resources()
    names = {"BUCKET": "Bucket", "DISTRIBUTION": "Distribution"}
    assert made["UploadPolicy"]["PolicyDocument"] == policy("uploader", **names)
    assert made["InvalidatePolicy"]["PolicyDocument"] == policy("invalidator", **names)
    assert made["BucketPolicy"]["PolicyDocument"] == policy("bucket", **names)
    prefixed = Template(STACK, Prefix="events").resources()["UploadPolicy"]["PolicyDocument"]
    assert prefixed == policy("uploader-prefix", PREFIX="events", **names)


def test_no_policy_grants_more_than_its_step_needs() -> None:
    allowed: dict[str, set[str]] = {}
    for path in POLICIES.glob("*.json"):
        for each in json.loads(path.read_text())["Statement"]:
            if each["Effect"] == "Allow":
                actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
                assert not any("*" in action for action in actions)
                assert each["Resource"] != "*"
                allowed.setdefault(path.stem, set()).update(actions)
    write = {"s3:PutObject", "s3:DeleteObject", "s3:ListBucket"}
    assert allowed == {
        "uploader": write,
        "uploader-prefix": write,
        "invalidator": {"cloudfront:CreateInvalidation"},
        "bucket": {"s3:GetObject"},
    }


def test_the_invalidator_may_invalidate_one_distribution_only() -> None:
    # moto denies a correct policy with a distribution's ARN, so the text is checked instead.
    statement = policy("invalidator", ACCOUNT="123456789012", DISTRIBUTION="E1")["Statement"]
    assert len(statement) == 1
    assert statement[0]["Resource"] == "arn:aws:cloudfront::123456789012:distribution/E1"


def test_a_prefix_limits_the_listing_to_its_folder() -> None:
    # moto ignores conditions on s3:prefix, so the text is checked instead.
    listing = policy("uploader-prefix", PREFIX="events")["Statement"][1]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "events/*"}}


def test_an_adopted_site_gets_policies_and_users_only() -> None:
    adopted = Template(STACK, ExistingBucket="my-bucket", ExistingDistribution="E1")
    assert sorted(adopted.resources()) == ["InvalidatePolicy", "Invalidator", "UploadPolicy", "Uploader"]
    document = adopted.resources()["UploadPolicy"]["PolicyDocument"]
    assert document == policy("uploader", BUCKET="my-bucket")
    assert adopted.outputs()["EnvDistribution"] == "CLOUDFRONT_DISTRIBUTION_ID=E1"


def test_a_role_replaces_the_users() -> None:
    made = Template(STACK, Access="role").resources()
    assert {"Publisher", "PublisherProfile"} <= set(made)
    assert not {"Uploader", "Invalidator"} & set(made)
    assert not {"Uploader", "Publisher"} & set(Template(STACK, Access="policies").resources())


def test_only_a_domain_without_certificate_requests_one_and_only_a_zone_gets_records() -> None:
    domain = {"DomainName": "events.example.org"}
    assert not {"Certificate", "DnsA"} & set(Template(STACK).resources())
    assert "Certificate" in Template(STACK, **domain).resources()
    assert "DnsA" not in Template(STACK, **domain).resources()
    assert {"Certificate", "DnsA", "DnsAAAA"} <= set(Template(STACK, HostedZoneId="Z1", **domain).resources())
    assert "Certificate" not in Template(STACK, CertificateArn="arn:x", **domain).resources()


def test_the_outputs_are_lines_of_env() -> None:
    lines = [value for name, value in Template(STACK).outputs().items() if name.startswith("Env")]
    assert {each.key for each in env_file.parse("\n".join(lines).encode())[0]} == {
        "S3_BUCKET", "S3_PREFIX", "CLOUDFRONT_DISTRIBUTION_ID", "AWS_DEFAULT_REGION", "SITE_URL",
    }  # fmt: skip


def sources(text: str) -> dict[str, set[str]]:
    """Return the sources of each directive of a Content-Security-Policy."""
    found = [part.split() for part in text.split(";") if part.strip()]
    return {words[0]: set(words[1:]) for words in found}


def page_policies() -> list[dict[str, set[str]]]:
    """Return the policies in the <meta> of the pages and of the screen."""
    base = (ROOT / "templates" / "_base.html").read_text()
    meta = re.findall(r'Content-Security-Policy" content="([^"]+)"', base)
    code = "".join(
        re.findall(r'^ +f?"(default-src .*|connect-src .*)"$', Path(screen.__file__).read_text(), re.M)
    )
    assert len(meta) == 1
    own = [
        found
        for path in (ROOT / "templates").glob("*.html")
        for found in re.findall(r"\{% block policy %\}(.*?)\{% endblock %\}", path.read_text())
    ]
    assert len(own) > 2
    pages = [meta[0].replace("{% block policy %}{% endblock %}", each) for each in own]
    assert "worker-src" in code
    hashed = re.sub(r"\{csp_hash\(\w+\)\}", "'unsafe-inline'", code)
    return [*map(sources, pages), sources(hashed)]


def test_the_policy_in_the_header_allows_every_source_that_a_page_allows() -> None:
    headers = Template(STACK).resources()["PageHeaders"]["ResponseHeadersPolicyConfig"]
    text = headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    header = sources(text)
    assert header["frame-ancestors"] == {"'self'"}
    for page in page_policies():
        for directive, allowed in page.items():
            # The style of an attribute falls back to style-src.
            limits = header.get(directive, header[directive.removesuffix("-attr")])
            assert allowed - {"'none'"} <= limits, directive


def test_only_the_embed_may_be_framed_by_any_site() -> None:
    made = Template(STACK).resources()
    behaviors = made["Distribution"]["DistributionConfig"]["CacheBehaviors"]
    assert [(each["PathPattern"], each["ResponseHeadersPolicyId"]) for each in behaviors] == [
        ("/embed.html", "EmbedHeaders")
    ]
    security = made["EmbedHeaders"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert "ContentSecurityPolicy" not in security
    assert "FrameOptions" not in security
