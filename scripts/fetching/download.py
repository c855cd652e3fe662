"""Download files from public addresses, never from inside the network (SSRF protection).

Addresses come from LibCal's events, so anyone with a staff account can choose them. The host name is
resolved once, all its IP addresses must be public, and the connection goes to a checked IP address, which
defeats DNS rebinding. Every redirect is checked the same way.

With HTTPS_PROXY the proxy resolves the name and decides which hosts it reaches: it is the library's own
control of outgoing traffic. A name that this machine can resolve is still refused if one of its addresses
is not public.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit

import certifi
import urllib3
from requests.utils import get_auth_from_url, get_environ_proxies, select_proxy

import network
from fetching.deadline import Deadline
from fetching.http_errors import cause_of
from fetching.links import Origin, is_public_address, web_address

REDIRECTS = 3
CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0


class NotFetched(Exception):
    """The file cannot be downloaded; `cause` is one word for the log."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A downloaded file and its HTTP validators; `data` is None when the file has not changed (304)."""

    data: bytes | None
    etag: str = ""
    last_modified: str = ""


def resolve(host: str, port: int) -> list[str]:
    """Return the IP addresses of `host`; raises OSError (socket.gaierror) if there are none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _ca_bundle() -> str:
    return network.ca_bundle() or certifi.where()


def _proxy(address: str) -> str:
    """Return the proxy for `address`, as requests finds it, or an empty string."""
    return select_proxy(address, get_environ_proxies(address)) or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloader:
    """Downloads files of at most `limit` bytes over HTTPS, or HTTP from a LibCal stand-in (`origin`)."""

    origin: Origin
    user_agent: str
    limit: int
    resolve: Callable[[str, int], list[str]] = resolve
    is_public: Callable[[str], bool] = is_public_address
    ca_bundle: str = field(default_factory=_ca_bundle)
    proxy: Callable[[str], str] = _proxy

    def get(self, address: str, deadline: Deadline, *, etag: str = "", last_modified: str = "") -> Fetched:
        """Return the file at `address`, with `data` None if it still matches these validators.

        Raises NotFetched. A server that sends byte by byte can delay the return beyond the deadline.
        """
        headers = {"User-Agent": self.user_agent, "Accept": "image/*", "Accept-Encoding": "identity"}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        for _ in range(REDIRECTS + 1):
            checked = web_address(address, self.origin)
            if not checked:
                raise NotFetched("address_refused")
            answer = self._request(checked, headers, deadline)
            if isinstance(answer, Fetched):
                return answer
            address = urljoin(checked, answer)
        raise NotFetched("redirects")

    def _request(self, address: str, headers: Mapping[str, str], deadline: Deadline) -> Fetched | str:
        """Send one request; return the file, or the address that it redirects to."""
        parts = urlsplit(address)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        target = parts.path or "/"
        if parts.query:
            target += f"?{parts.query}"
        proxy = "" if self.origin.is_own_stand_in(parts) else self.proxy(address)
        addresses = self._addresses(parts, port, proxy)
        for number, found in enumerate(addresses, 1):
            if deadline.expired:
                raise NotFetched("deadline")
            with self._pool(parts.scheme, found, port, host, proxy, deadline) as pool:
                try:
                    response = pool.urlopen(
                        "GET",
                        target,
                        headers={**headers, "Host": parts.netloc},
                        redirect=False,
                        retries=False,
                        assert_same_host=False,
                        preload_content=False,
                    )
                except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                    if number < len(addresses):
                        continue
                    raise NotFetched(cause_of(error)) from None
                with response:
                    return self._answer(response, deadline)
        raise NotFetched("connection")

    def _addresses(self, parts: SplitResult, port: int, proxy: str) -> list[str]:
        """Return the checked IP addresses of a host; with a proxy its name, which the proxy resolves."""
        host = parts.hostname or ""
        try:
            addresses = self.resolve(host, port)
        except OSError:
            if proxy:  # often only the proxy can resolve public names
                return [host]
            raise NotFetched("dns") from None
        if not addresses or not (self.origin.is_own_stand_in(parts) or self._all_public(addresses)):
            raise NotFetched("address_refused")
        return [host] if proxy else addresses

    def _all_public(self, addresses: list[str]) -> bool:
        try:
            return all(self.is_public(found) for found in addresses)
        except ValueError:
            return False

    def _pool(
        self, scheme: str, found: str, port: int, host: str, proxy: str, deadline: Deadline
    ) -> urllib3.HTTPConnectionPool:
        remaining = deadline.remaining()
        timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, remaining), read=min(READ_SECONDS, remaining))
        if scheme == "http":
            return urllib3.HTTPConnectionPool(found, port, timeout=timeout, maxsize=1)
        if proxy:
            login = ":".join(get_auth_from_url(proxy))
            manager = urllib3.ProxyManager(
                proxy,
                proxy_headers=urllib3.make_headers(proxy_basic_auth=login) if login != ":" else None,
                timeout=timeout,
                ca_certs=self.ca_bundle,
                cert_reqs="CERT_REQUIRED",
            )
            return manager.connection_from_host(host, port, scheme)
        return urllib3.HTTPSConnectionPool(
            found,
            port,
            timeout=timeout,
            maxsize=1,
            ca_certs=self.ca_bundle,
            cert_reqs="CERT_REQUIRED",
            server_hostname=host,
            assert_hostname=host,
        )

    def _answer(self, response: urllib3.BaseHTTPResponse, deadline: Deadline) -> Fetched | str:
        validators = {
            "etag": response.headers.get("ETag", "")[:200],
            "last_modified": response.headers.get("Last-Modified", "")[:100],
        }
        if response.status == 304:
            return Fetched(data=None, **validators)
        if response.status in (301, 302, 303, 307, 308):
            return response.headers.get("Location", "")
        if response.status != 200:
            raise NotFetched(f"http_{response.status}")
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and int(length[:12]) > self.limit:
            raise NotFetched("too_large")
        return Fetched(data=self._body(response, deadline), **validators)

    def _body(self, response: urllib3.BaseHTTPResponse, deadline: Deadline) -> bytes:
        body = bytearray()
        try:
            while piece := response.read1(65_536, decode_content=False):
                body += piece
                if len(body) > self.limit:
                    raise NotFetched("too_large")
                if deadline.expired:
                    raise NotFetched("deadline")
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise NotFetched(cause_of(error)) from None
        return bytes(body)
