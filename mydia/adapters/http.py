"""The HTTP client of the process, with limits on time and size, guarded addresses, and errors by four causes.

A URL that an administrator configured can be anywhere, except on addresses that are never a service (cloud metadata,
multicast). A URL from a response (a redirect, a download link, a picture) must be public, or on the configured host. The
check uses the resolved address of the connection, so DNS rebinding cannot bypass it.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import socket
import ssl
import threading
from collections.abc import Collection, Iterable, Mapping
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpcore2
import httpx2
import msgspec

from mydia import __version__, clock, writing
from mydia.adapters.errors import AdapterError, Limited, Nonsense, Refused, ServerError, Unreachable
from mydia.errors import Misconfigured

USER_AGENT = f"Mydia/{__version__}"
MAX_BYTES = 16 * 1024**2
"""The default size limit of a response; the largest .torrent files seen are close to 10 MB."""
_MOST_JSON_CONTAINERS = 500_000
"""Objects and arrays of a response; ten thousand torrents have ten thousand. 12 MB of empty ones take 330 MiB."""
MAX_REDIRECTS = 5
_CHUNK_BYTES = 64 * 1024
_CONNECT_TIMEOUT_S = 5.0
_LONGEST_WAIT_S = 24 * 3600.0

_NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "169.254.0.0/16",  # link-local, where clouds keep their metadata service (169.254.169.254)
        "100.100.100.200/32",  # the metadata service of Alibaba Cloud
        "192.0.0.192/32",  # the metadata service of Oracle Cloud
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fe80::/10",
        "fd00:ec2::254/128",  # the metadata service of Amazon over IPv6
        "ff00::/8",
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # carries an IPv4 address in its last 32 bits (RFC 6052 §2.1)

_KEY_IN_TEXT = re.compile(
    r"(?i)\b((?:[a-z]+_)?(?:api_?key|passkey|token|auth|pass(?:word)?|rsskey|torrent_pass|r|sid)=)[^&\s\"'<>]+"
)


class _Dropped(Unreachable):
    """The connection was closed before the first byte of a response."""


class _AddressRefused(httpcore2.ConnectError):
    """Raised instead of connecting; the message says why."""


class Response(msgspec.Struct, frozen=True):
    """A complete response."""

    status: int
    headers: Mapping[str, str]
    """Header names are in lower case."""
    content: bytes
    url: str
    """The URL after redirects. It may contain a key, so only show `show_address(url)`."""
    magnet: str | None = None
    """The magnet link, if a redirect led to one."""

    @property
    def content_type(self) -> str:
        """Return the media type without parameters, in lower case; empty if missing."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """Return the body decoded as UTF-8, with replacement characters for invalid bytes."""
        return self.content.decode("utf-8", "replace")

    def json(self, service: str) -> Any:
        """Return the body as JSON. Raises: Nonsense."""
        if self.content.count(b"{") + self.content.count(b"[") > _MOST_JSON_CONTAINERS:
            raise Nonsense(
                service, f"returned more than {_MOST_JSON_CONTAINERS:,} JSON objects and arrays, which is too many"
            )
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            what = "a web page instead of JSON" if looks_like_html(self) else "invalid JSON"
            raise Nonsense(service, f"returned {what}; check the address") from error


class Http:
    """One client per process, safe to share between threads."""

    def __init__(self, *, verify: bool = True, ca_file: str | None = None) -> None:
        """Make a client.

        Args:
            ca_file: PEM file with certificates of authorities to trust besides the usual ones.

        Raises:
            Misconfigured: The file cannot be read or has no certificate.
        """
        if ca_file is not None:
            _check_authorities(ca_file)
        self._ca_file = ca_file
        # httpx2 logs every URL with its query at INFO, and queries contain keys.
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        logging.getLogger("httpcore2").setLevel(logging.WARNING)
        self._verify = verify
        self._lock = threading.Lock()
        # Created on first use, because loading the CA certificates takes 20 ms each.
        self._clients: dict[tuple[bool, bool], httpx2.Client] = {}

    def close(self) -> None:
        """Close all connections; the next request opens new ones."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def request(
        self,
        service: str,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int | float | None] | None = None,
        headers: Mapping[str, str] | None = None,
        json_body: object = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        auth: tuple[str, str] | None = None,
        timeout_s: float = 15.0,
        max_bytes: int = MAX_BYTES,
        expected: Collection[int] = (),
        home: str | None = None,
        trusted_hosts: Collection[str] = (),
        verify: bool = True,
    ) -> Response:
        """Send a request and read the response, following redirects of GET and HEAD.

        Args:
            service: The service's name, with which error messages begin.
            expected: Error statuses that are returned to the caller instead of raised.
            home: Set it if `url` came from a response: the configured URL of the service that sent it. Such a `url` must
                have the same host and port, be on a trusted host, or be public. None means that an administrator configured
                `url`.
            trusted_hosts: Hosts in a private network, with or without a port, to which links and redirects may lead.
            timeout_s: Timeout of each step. The whole exchange including redirects may take four times as long, no matter how
                slowly the response arrives.
            verify: False accepts any certificate; only for configured services.

        Raises:
            Unreachable: No connection, no answer in time, 5xx.
            Refused: 4xx, a forbidden address, or a redirect that may not be followed.
            Limited: 429, or 503 with Retry-After.
            Nonsense: Larger than `max_bytes`, or not HTTP.
        """
        writing.assert_outside_allowed()
        body = None if json_body is None else json.dumps(json_body).encode()
        own = _own_places(home or url, trusted_hosts)
        deadline = _Deadline(4 * timeout_s)
        sent_headers = {"User-Agent": USER_AGENT, **({"Content-Type": "application/json"} if body else {})}
        if method not in {"GET", "HEAD"}:
            # A request that changes state is never repeated, so it must not reuse a connection that may be stale.
            sent_headers["Connection"] = "close"
        sent_headers |= headers or {}
        check_scheme(service, url)
        # Merge the parameters here, because httpx2 would replace those of the URL.
        url = str(httpx2.URL(url).copy_merge_params({k: v for k, v in (params or {}).items() if v is not None}))
        given_url = url
        for _ in range(MAX_REDIRECTS + 1):
            check_scheme(service, url)
            client = self._client_for(url, own, verify=verify)
            request = client.build_request(
                method,
                url,
                headers=sent_headers,
                content=body if body is not None else content,
                data=form,
                timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_TIMEOUT_S)),
            )
            try:
                status, answered, received = _exchange(service, client, request, auth, deadline, max_bytes)
            except _Dropped:
                # The server closed a kept-alive connection at that moment, which is not a failure of the service.
                if method not in {"GET", "HEAD"}:
                    raise
                status, answered, received = _exchange(service, client, request, auth, deadline, max_bytes)
            location = answered.get("location")
            if status not in {301, 302, 303, 307, 308} or not location or status in expected:
                response = Response(status, answered, received, url)
                if status >= 400 and status not in expected:
                    raise fault(service, response)
                return response
            if location.startswith("magnet:"):
                return Response(status, answered, b"", url, magnet=location)
            target = urljoin(url, location)
            if method not in {"GET", "HEAD"}:
                raise Refused(service, f"redirects to {show_address(target)}; configure that address instead")
            if _origin(target) != _origin(given_url):
                auth = None
                sent_headers = {"User-Agent": USER_AGENT}
            url = target
        raise Refused(service, f"redirects more than {MAX_REDIRECTS} times; check the address")

    def get(self, service: str, url: str, **options: Any) -> Response:
        """Send a GET; options as for `request`."""
        return self.request(service, "GET", url, **options)

    def _client_for(self, url: str, own: Collection[str], *, verify: bool) -> httpx2.Client:
        public_only = _host(url) not in own and _place(url) not in own
        key = (public_only, self._verify and (verify or public_only))
        with self._lock:
            if key not in self._clients:
                self._clients[key] = _client(
                    _GuardedNetwork(public_only=public_only), verify=key[1], ca_file=self._ca_file
                )
            return self._clients[key]


def fault(service: str, response: Response) -> AdapterError:
    """Translate an error status to one of the four causes."""
    status = response.status
    retry_after_s = read_retry_after(response.headers.get("retry-after"))
    if status == 429 or (status == 503 and retry_after_s is not None):
        when = f"; retry after {retry_after_s:.0f} seconds" if retry_after_s else ""
        return Limited(service, f"rate limit reached (HTTP {status}){when}", retry_after_s=retry_after_s)
    if status in {401, 403}:
        return Refused(service, f"rejected the credentials (HTTP {status}); check user name, password or key")
    if status == 407:
        return Refused(service, "a proxy in between requires credentials")
    if status == 404:
        return Refused(service, "nothing found at this address (HTTP 404); check the address")
    if status == 408 or status >= 500:
        return ServerError(service, f"server error (HTTP {status}); try again later", retry_after_s=retry_after_s)
    return Refused(service, f"refused the request (HTTP {status})")


def read_retry_after(text: str | None) -> float | None:
    """Parse `Retry-After`, given in seconds or as a date (RFC 9110 §10.2.3); None if absent or invalid.

    At most a day: a job or an indexer must not wait for years because a service has a wrong clock.

    >>> read_retry_after("120"), read_retry_after("999999999")
    (120.0, 86400.0)
    """
    if not text:
        return None
    text = text.strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return min(float(text), _LONGEST_WAIT_S)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if at.tzinfo is None:
        return None
    return min(max(0.0, (at - clock.now()).total_seconds()), _LONGEST_WAIT_S)


def show_address(url: str) -> str:
    """Return a URL for display: scheme, host, port and path, without user, password and query.

    >>> show_address("http://me:secret@box:9696/1/api?apikey=k")
    'http://box:9696/1/api'
    """
    try:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an invalid address"
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))


def without_keys(text: str, *secrets: str) -> str:
    """Remove keys from a service's text before it is shown or logged.

    >>> without_keys("see http://x/api?t=get&apikey=abc")
    'see http://x/api?t=get&apikey=…'
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    return _KEY_IN_TEXT.sub(r"\1…", text)


def looks_like_html(response: Response) -> bool:
    """Return whether a response is a web page, by its type or its first bytes."""
    if response.content_type in {"text/html", "application/xhtml+xml"}:
        return True
    return response.content[:512].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def check_scheme(service: str, url: str) -> None:
    """Raise Refused unless the URL is http or https with a host."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        httpx2.URL(url)
    except (ValueError, httpx2.InvalidURL):
        usable = False
    if not usable:
        raise Refused(service, "the address must start with http:// or https:// and contain a host")


def is_allowed_address(address: str, *, public_only: bool) -> bool:
    """Return whether an IP address may be connected to.

    >>> is_allowed_address("169.254.169.254", public_only=False)
    False
    >>> is_allowed_address("192.168.1.20", public_only=False), is_allowed_address("192.168.1.20", public_only=True)
    (True, False)
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            return is_allowed_address(str(inner), public_only=public_only)
    if any(ip in network for network in _NEVER if network.version == ip.version):
        return False
    return ip.is_global or not public_only


class _Deadline:
    """The deadline of an exchange."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends_at_s = clock.monotonic_s() + seconds

    @property
    def left_s(self) -> float:
        """Seconds left; negative once it has passed."""
        return self._ends_at_s - clock.monotonic_s()


_deadline: ContextVar[_Deadline | None] = ContextVar("_deadline", default=None)
"""The deadline of this thread's exchange."""


class _Stream(httpcore2.NetworkStream):
    """A connection on which every operation ends at the deadline.

    httpx2's timeouts apply to a single read. A service that sends a byte every few seconds never exceeds them, even in
    the headers and the TLS handshake.
    """

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _within(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _within(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _within(timeout, httpcore2.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _within(timeout: float | None, passed: type[Exception]) -> float | None:
    """Return a timeout that ends no later than the deadline."""
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    left_s = deadline.left_s
    if left_s <= 0:
        raise passed("the deadline has passed")
    return left_s if timeout is None else min(timeout, left_s)


class _GuardedNetwork(httpcore2.SyncBackend):
    """Resolves names and connects only to permitted addresses."""

    def __init__(self, *, public_only: bool) -> None:
        super().__init__()
        self._public_only = public_only

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"the name {host} is not known") from error
        addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
        allowed = [a for a in addresses if is_allowed_address(a, public_only=self._public_only)]
        if not allowed:
            raise _AddressRefused(
                "is in a private network, where only configured services are allowed"
                if all(is_allowed_address(a, public_only=False) for a in addresses)
                else "cannot be the address of a service"
            )
        for address in allowed[:-1]:
            try:
                stream = super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
            return _Stream(stream)
        return _Stream(super().connect_tcp(allowed[-1], port, timeout, local_address, socket_options))


class _GuardedTransport(httpx2.HTTPTransport):
    """An HTTP transport on a guarded network."""

    def __init__(self, network: httpcore2.NetworkBackend, *, verify: bool, ca_file: str | None) -> None:
        context = httpx2.create_ssl_context(verify=verify)
        if ca_file is not None:
            context.load_verify_locations(cafile=ca_file)
        super().__init__(verify=context)
        self._pool.close()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=context,
            max_connections=64,
            max_keepalive_connections=16,
            keepalive_expiry=20.0,
            network_backend=network,
        )


def _check_authorities(ca_file: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=ca_file)
    except ssl.SSLError as error:
        raise Misconfigured(f"CA_FILE: {ca_file} has no certificate in PEM format.") from error
    except OSError as error:
        raise Misconfigured(f"CA_FILE: {ca_file} cannot be read: {error.strerror}.") from error


def _client(network: httpcore2.NetworkBackend, *, verify: bool, ca_file: str | None) -> httpx2.Client:
    # A cookie jar that stores nothing, because a service must not receive cookies of another service or account.
    jar = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx2.Client(
        transport=_GuardedTransport(network, verify=verify, ca_file=ca_file),
        cookies=jar,
        follow_redirects=False,
        trust_env=False,
    )


def _exchange(
    service: str,
    client: httpx2.Client,
    request: httpx2.Request,
    auth: tuple[str, str] | None,
    deadline: _Deadline,
    max_bytes: int,
) -> tuple[int, dict[str, str], bytes]:
    """Send one request and read the whole response."""
    shown = show_address(str(request.url.copy_with(path="/"))).rstrip("/")
    received = bytearray()
    token = _deadline.set(deadline)
    try:
        answer = client.send(request, auth=auth, stream=True)
        try:
            for chunk in answer.iter_bytes(_CHUNK_BYTES):
                received += chunk
                if len(received) > max_bytes:
                    raise Nonsense(service, f"returned more than {max_bytes // 1024**2} MB, which is too large")
        finally:
            answer.close()
    except httpx2.TimeoutException as error:
        if deadline.left_s <= 0:
            raise Unreachable(service, f"{shown} took more than {deadline.seconds:.0f} seconds to answer") from error
        raise Unreachable(service, f"{shown} did not answer in time") from error
    except httpx2.ConnectError as error:
        raise _cannot_connect(service, shown, error) from error
    except (httpx2.RemoteProtocolError, httpx2.DecodingError) as error:
        if "disconnected" in str(error).lower():
            raise _Dropped(service, f"{shown} closed the connection without a response") from error
        if "peer closed" in str(error).lower():
            raise Unreachable(service, f"{shown} closed the connection during its response") from error
        raise Nonsense(service, f"{shown} did not return valid HTTP; check address and port") from error
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        raise Unreachable(service, f"the connection to {shown} was lost") from error
    finally:
        _deadline.reset(token)
    return answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, bytes(received)


def _cannot_connect(service: str, shown: str, error: httpx2.ConnectError) -> AdapterError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _AddressRefused):
            return Refused(service, f"{shown} {cause}")
        text = str(cause).lower()
        if "certificate" in text:
            return Unreachable(
                service,
                f"the certificate of {shown} is not trusted; use a valid one, name its authority in CA_FILE, or turn off the certificate check",
            )
        if "wrong_version_number" in text or "wrong version number" in text or "record layer" in text:
            return Unreachable(service, f"{shown} does not support HTTPS; try http://")
        if "not known" in text:
            return Unreachable(service, f"the host of {shown} cannot be found; is this server online?")
        cause = cause.__cause__ or cause.__context__
    return Unreachable(service, f"no answer from {shown}; is it running, and is the port right?")


def _own_places(url: str, trusted: Collection[str]) -> frozenset[str]:
    """Return the hosts and `host:port` pairs that may be in a private network.

    A redirect to another port of the configured host would let an indexer reach other services on that machine. Ports 80
    and 443 count as the same, because servers redirect to HTTPS, and servers behind a proxy create links with http.
    """
    place = _place(url)
    own = {place, *(host.lower() for host in trusted)}
    if place.endswith((":80", ":443")):
        own |= {f"{_host(url)}:80", f"{_host(url)}:443"}
    return frozenset(own)


def _place(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return ""
    return f"{(parts.hostname or '').lower()}:{port}"


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc.lower()
