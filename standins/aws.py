"""Stand-in for S3 and CloudFront: a moto server with one bucket and one distribution, on loopback only.

Usage: python -m standins.aws [--bucket NAME] [--port N] [--cloudformation]

Prints the environment variables for the AWS CLI and events-display as KEY=value lines, then an empty line,
and serves until SIGTERM or SIGINT. Keeps everything in memory.

Differences between moto and AWS: moto does not check CallerReference, completes an invalidation immediately
(with status "COMPLETED", not "Completed"), never throttles, and has no edge and no cache.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import botocore.config  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
import requests
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app

from standins.serving import QuietHandler, serve, wait_for_signal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REGION = "us-east-1"
BUCKET = "larkfield-events"
_INSPECTOR = "standin-inspector"  # the stand-in's own requests, which `calls` leaves out
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]*)/[^/]*/[^/]*/(?P<service>[^/]*)/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """One object in the bucket."""

    size: int
    content_type: str
    cache_control: str
    modified: datetime
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that reached AWS: `service` is s3 or cloudfront, `size` the bytes of its body."""

    service: str
    method: str
    path: str
    query: str
    size: int


def _object(answer: dict[str, Any]) -> Object:
    return Object(
        size=answer["ContentLength"],
        content_type=answer["ContentType"],
        cache_control=answer.get("CacheControl", ""),
        modified=answer["LastModified"],
        etag=answer["ETag"].strip('"'),
    )


def _session() -> Any:
    """Return a session that ignores the user's own AWS profile and configuration."""
    unset = (None, None, None, None)
    no_file = (None, None, os.devnull, None)
    return botocore.session.Session(
        {"profile": unset, "config_file": no_file, "credentials_file": no_file}, include_builtin_handlers=True
    )


class _Handler(QuietHandler, MotoRequestHandler):
    """Moto's request handler, without its log line for each request."""


class Aws:
    """The stand-in; serves while its `with` block runs. One per process, because moto's state is global."""

    def __init__(self, bucket: str = BUCKET, port: int = 0) -> None:
        self.bucket, self.port = bucket, port
        self.url = self.distribution_id = ""
        self.calls: list[Call] = []
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._stack = contextlib.ExitStack()
        self.url = self._stack.enter_context(serve(self._app(), self.port, handler=_Handler))
        try:
            self._reset()
            self._create()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that point the AWS CLI at it and hide the user's AWS configuration."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "standin",
            "AWS_SECRET_ACCESS_KEY": "standin-secret",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "S3_BUCKET": self.bucket,
            "CLOUDFRONT_DISTRIBUTION_ID": self.distribution_id,
        }

    def objects(self) -> dict[str, Object]:
        """Return all objects in the bucket, by key."""
        client = self._client("s3")
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return {key: _object(client.head_object(Bucket=self.bucket, Key=key)) for key in keys}

    def digests(self) -> dict[str, str]:
        """Return the MD5 digests of all objects, by key; takes one request per thousand objects."""
        pages = self._client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {item["Key"]: item["ETag"].strip('"') for page in pages for item in page.get("Contents", [])}

    def read(self, key: str) -> tuple[bytes, Object] | None:
        """Return the bytes and the properties of one object, or None if it does not exist."""
        client = self._client("s3")
        try:
            answer = client.get_object(Bucket=self.bucket, Key=key)
        except client.exceptions.NoSuchKey:
            return None
        return answer["Body"].read(), _object(answer)

    def put(self, key: str, body: bytes) -> None:
        """Put an object, as another program does."""
        self._client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)

    def delete(self, key: str) -> None:
        """Delete an object, as another program does."""
        self._client("s3").delete_object(Bucket=self.bucket, Key=key)

    def invalidations(self) -> list[list[str]]:
        """Return the paths of every invalidation so far, oldest first."""
        client = self._client("cloudfront")
        pages = client.get_paginator("list_invalidations").paginate(DistributionId=self.distribution_id)
        listed = [item for page in pages for item in page["InvalidationList"].get("Items", [])]
        listed.sort(key=lambda item: item["CreateTime"])
        found = (
            client.get_invalidation(DistributionId=self.distribution_id, Id=item["Id"]) for item in listed
        )
        return [item["Invalidation"]["InvalidationBatch"]["Paths"]["Items"] for item in found]

    def _app(self) -> WSGIApplication:
        moto = DomainDispatcherApplication(create_backend_app)

        def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            self._note(environ)
            answer: Iterable[bytes] = moto(environ, start_response)
            return answer

        return app

    def _note(self, environ: WSGIEnvironment) -> None:
        signed = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        if signed and signed["key"] != _INSPECTOR:
            call = Call(
                service=signed["service"],
                method=environ["REQUEST_METHOD"],
                path=environ["PATH_INFO"],
                query=environ["QUERY_STRING"],
                size=int(environ.get("CONTENT_LENGTH") or 0),
            )
            self.calls.append(call)

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = _session().create_client(
                service,
                endpoint_url=self.url,
                region_name=REGION,
                aws_access_key_id=_INSPECTOR,
                aws_secret_access_key=_INSPECTOR,
                config=botocore.config.Config(proxies={}),
            )
        return self._clients[service]

    def _reset(self) -> None:
        """Delete the state of an earlier stand-in in this process."""
        with requests.Session() as session:
            session.trust_env = False  # no proxy
            session.post(f"{self.url}/moto-api/reset", timeout=10).raise_for_status()

    def _create(self) -> None:
        self._client("s3").create_bucket(Bucket=self.bucket)
        origin = {
            "Id": "bucket",
            "DomainName": f"{self.bucket}.s3.amazonaws.com",
            "S3OriginConfig": {"OriginAccessIdentity": ""},
        }
        created = self._client("cloudfront").create_distribution(
            DistributionConfig={
                "CallerReference": "standin",
                "Comment": "",
                "Enabled": True,
                "Origins": {"Quantity": 1, "Items": [origin]},
                "DefaultCacheBehavior": {
                    "TargetOriginId": "bucket",
                    "ViewerProtocolPolicy": "redirect-to-https",
                },
            }
        )
        self.distribution_id = created["Distribution"]["Id"]


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="S3 and CloudFront by moto, on loopback", allow_abbrev=False)
    parser.add_argument("--bucket", default=BUCKET)
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--cloudformation", action="store_true", help="for aws/stack.yaml; starts slowly")
    options = parser.parse_args(argv)
    if options.cloudformation:
        from standins import cloudformation

        cloudformation.register()
    with Aws(options.bucket, options.port) as aws:
        print(*(f"{key}={value}" for key, value in aws.env.items()), "", sep="\n", flush=True)
        wait_for_signal()
    return 0


if __name__ == "__main__":
    sys.exit(main())
