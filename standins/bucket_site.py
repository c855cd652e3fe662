"""Serve the published site directly from the bucket, as an S3 website does, without a cache.

Content types and Cache-Control come from each object; / is index.html, and a missing page is 404.html with
status 404.
"""

from __future__ import annotations

from flask import Flask, Response, request

from standins.aws import Aws


def app(aws: Aws, prefix: str = "") -> Flask:
    """Return an application that serves the bucket's objects below `prefix`."""
    flask = Flask(__name__, static_folder=None)

    @flask.get("/", defaults={"path": "index.html"})
    @flask.get("/<path:path>")
    def page(path: str) -> Response:
        found, status = aws.read(prefix + path), 200
        if found is None:
            found, status = aws.read(f"{prefix}404.html"), 404
        if found is None:
            return Response("Not found\n", 404, content_type="text/plain")
        data, stored = found
        response = Response(data, status, content_type=stored.content_type)
        if stored.cache_control:
            response.headers["Cache-Control"] = stored.cache_control
        response.set_etag(stored.etag)
        response.last_modified = stored.modified
        response.make_conditional(request)
        return response

    return flask
