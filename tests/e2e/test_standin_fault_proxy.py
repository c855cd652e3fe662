"""The proxy refuses requests that AWS refuses but moto accepts."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import botocore.config  # type: ignore[import-untyped]
import botocore.exceptions  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
import pytest

from standins import fault_proxy
from standins.aws import Aws


@pytest.fixture(scope="module")
def proxy() -> Iterator[tuple[Aws, str, fault_proxy.State]]:
    with Aws() as aws, fault_proxy.serve(aws.url) as (url, state):
        yield aws, url, state


@pytest.fixture(scope="module")
def cloudfront(proxy: tuple[Aws, str, fault_proxy.State]) -> tuple[object, str]:
    aws, url, _ = proxy
    client = botocore.session.Session().create_client(
        "cloudfront",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=botocore.config.Config(proxies={}, retries={"total_max_attempts": 1}),
    )
    return client, aws.distribution_id


def invalidate(cloudfront: tuple[object, str], reference: str, *paths: str) -> str:
    """Return the id of the invalidation, or the error code."""
    client, distribution = cloudfront
    batch = {"CallerReference": reference, "Paths": {"Quantity": len(paths), "Items": list(paths)}}
    try:
        answer = client.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)  # type: ignore[attr-defined]
    except botocore.exceptions.ClientError as error:
        return str(error.response["Error"]["Code"])
    return str(answer["Invalidation"]["Id"])


@pytest.mark.parametrize("path", ["/", "/*", "/a%20b*", "/event/1.html", "/a&b"])
def test_a_valid_path_is_accepted(cloudfront: tuple[object, str], path: str) -> None:
    assert invalidate(cloudfront, f"passes {path}", path) != "InvalidArgument"


@pytest.mark.parametrize(
    "path", ["event/1.html", "/a b", "/café", "/a*b", "/*.html", "#events", "/" + "a" * 4000]
)
def test_trap_28_an_invalid_path_is_refused(cloudfront: tuple[object, str], path: str) -> None:
    assert invalidate(cloudfront, f"refused {path}", path) == "InvalidArgument"


def test_trap_28_a_caller_reference_belongs_to_one_batch(cloudfront: tuple[object, str]) -> None:
    first = invalidate(cloudfront, "one", "/a")
    assert invalidate(cloudfront, "one", "/a") == first
    assert invalidate(cloudfront, "one", "/b") == "InvalidationBatchAlreadyExists"
    assert invalidate(cloudfront, "two", "/a") not in (first, "InvalidationBatchAlreadyExists")


def test_trap_28_too_many_paths_are_refused(cloudfront: tuple[object, str]) -> None:
    assert invalidate(cloudfront, "many", *(f"/{number}" for number in range(3001))) == "InvalidArgument"


@pytest.mark.parametrize("kind", ["Content-Length: 10", "Transfer-Encoding: chunked"])
def test_trap_28_an_incomplete_upload_is_discarded(
    proxy: tuple[Aws, str, fault_proxy.State], kind: str
) -> None:
    aws, url, state = proxy
    there = urlsplit(url)
    with socket.create_connection((there.hostname or "", there.port or 0), timeout=10) as client:
        client.sendall(f"PUT /{aws.bucket}/page.html HTTP/1.1\r\nHost: s3\r\n{kind}\r\n\r\n".encode())
        client.sendall(b"5\r\nhalf" if "chunked" in kind else b"half")
        client.shutdown(socket.SHUT_WR)
        answer = client.recv(1024)
    assert answer == b""
    assert not [request for request in state.log if request.key == "page.html"]
    assert "page.html" not in aws.objects()
