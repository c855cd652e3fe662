"""The proxy refuses what CloudFront refuses and moto lets pass: else tests would prove less than they say."""

from __future__ import annotations

from collections.abc import Iterator

import botocore.config  # type: ignore[import-untyped]
import botocore.exceptions  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
import pytest

import fault_proxy
from aws import Aws


@pytest.fixture(scope="module")
def cloudfront() -> Iterator[tuple[object, str]]:
    with Aws() as aws, fault_proxy.serve(aws.url) as (url, _):
        client = botocore.session.Session().create_client(
            "cloudfront",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=botocore.config.Config(proxies={}, retries={"total_max_attempts": 1}),
        )
        yield client, aws.distribution_id


def invalidate(cloudfront: tuple[object, str], reference: str, *paths: str) -> str:
    """Return the invalidation's id, or the error's code."""
    client, distribution = cloudfront
    batch = {"CallerReference": reference, "Paths": {"Quantity": len(paths), "Items": list(paths)}}
    try:
        answer = client.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)  # type: ignore[attr-defined]
    except botocore.exceptions.ClientError as error:
        return str(error.response["Error"]["Code"])
    return str(answer["Invalidation"]["Id"])


@pytest.mark.parametrize("path", ["/", "/*", "/a%20b*", "/event/1.html", "/a&b", "#events"])
def test_what_is_a_path_passes(cloudfront: tuple[object, str], path: str) -> None:
    assert invalidate(cloudfront, f"passes {path}", path) != "InvalidArgument"


@pytest.mark.parametrize(
    "path", ["event/1.html", "/a b", "/café", "/a*b", "/*.html", "#a,b", "/" + "a" * 4000]
)
def test_trap_28_what_is_none_is_refused(cloudfront: tuple[object, str], path: str) -> None:
    assert invalidate(cloudfront, f"refused {path}", path) == "InvalidArgument"


def test_trap_28_a_reference_stands_for_one_batch(cloudfront: tuple[object, str]) -> None:
    first = invalidate(cloudfront, "one", "/a")
    assert invalidate(cloudfront, "one", "/a") == first
    assert invalidate(cloudfront, "one", "/b") == "InvalidationBatchAlreadyExists"
    assert invalidate(cloudfront, "two", "/a") not in (first, "InvalidationBatchAlreadyExists")


def test_trap_28_more_paths_than_cloudfront_takes_are_refused(cloudfront: tuple[object, str]) -> None:
    assert invalidate(cloudfront, "many", *(f"/{number}" for number in range(3001))) == "InvalidArgument"
