"""The TLS settings of notify and verify; proxies come from the environment (HTTPS_PROXY, NO_PROXY)."""

from __future__ import annotations

import os
import ssl


def ca_bundle() -> str:
    """Return the file of trusted certificates that the settings name, or an empty string.

    The same variables as in requests.
    """
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or ""


def tls() -> ssl.SSLContext:
    """Return a TLS context that trusts these certificates. Raises OSError if they cannot be read."""
    return ssl.create_default_context(cafile=ca_bundle() or None)
