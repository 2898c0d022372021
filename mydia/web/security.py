"""What every request passes before its handler, and every answer before it is sent.

`Edge` wraps the whole application, so that even a 404 has the security headers. Cross-site requests are refused by
`refuse_forgery`. `auth.guards` calls it before the handlers, because its refusal is an ordinary error with an ordinary page.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.enums import RequestEncodingType, ScopeType
from litestar.types import Message, Receive, Scope, Send

from mydia import clock, logs
from mydia.addresses import TrustedProxies
from mydia.config import Config
from mydia.errors import Forbidden
from mydia.web.compression import Compressor
from mydia.web.deps import Unreadable, WebRequest
from mydia.web.metrics import Traffic

logger = logging.getLogger(__name__)

BODY_LIMIT_BYTES = 10 * 2**20
"""Larger bodies are refused with 413 unless a handler allows more."""
CSRF_COOKIE = "csrf"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "_csrf"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_TOKEN_BYTES = 32
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
_SLOW_S = 1.0
MAX_ADDRESS_BYTES = 16 * 1024
"""The limit for path and query; a page with hundreds of selected ids needs up to half of it."""
MAX_HEADERS_BYTES = 32 * 1024
_BODY_S = 30.0
"""How long a body may take to arrive completely, in seconds. nginx gives up after 60 s without a byte."""
_SLOW_BODY = "slow_body"
_STALE = "This form is too old, or did not come from this page. Reload the page and send it again."
_HOST = re.compile(rb"[A-Za-z0-9._~:\[\]-]{1,260}")
"""A host name or address with a port (RFC 9110, 7.2), as browsers send it; international names are in punycode."""

# Progress rails and posters have a width or a colour in a style attribute; style sheets and scripts come only from files.
CONTENT_SECURITY_POLICY = "; ".join(  # noqa: FLY002  one directive a line
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000")
_COMPRESSIBLE = (b"text/html", b"application/json", b"application/problem+json", b"text/plain")
_WORTH_COMPRESSING_BYTES = 1024

type _App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Edge:
    """The outermost layer: the client's address, the request's id, headers, compression, counting."""

    def __init__(self, config: Config, traffic: Traffic) -> None:
        self._https = config.https
        self._hosts = frozenset(host.lower() for host in config["server.allowed_hosts"])
        self._proxies = TrustedProxies(config.settings.server.trusted_proxies)
        self._traffic = traffic
        self._compressor = Compressor()

    async def __call__(self, app: _App, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on to the application."""
        if scope["type"] not in {ScopeType.HTTP, ScopeType.WEBSOCKET}:
            await app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        peer = scope.get("client")
        trusted = peer is not None and self._proxies.trusts(peer[0])
        if trusted:
            _believe(scope, headers, self._proxies)
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        identifier = given if trusted and _REQUEST_ID.match(given) else clock.new_id()
        scope.setdefault("state", {})["request_id"] = identifier
        scope["state"]["from_trusted_proxy"] = trusted
        token = logs.correlation_id.set(identifier)
        try:
            if too_long := oversize(scope):
                await _refuse(scope, send, "The request is too long.", too_long)
            elif not _has_valid_host(scope):
                await _refuse(scope, send, "The Host header is not valid.")
            elif self._hosts and _host_of(scope) not in self._hosts:
                await _refuse(scope, send, "Mydia is not served under this host name. Add it to ALLOWED_HOSTS.")
            elif scope["type"] == ScopeType.WEBSOCKET:
                await app(scope, receive, send)
            else:
                await self._pass(app, scope, receive, send, identifier, headers)
        finally:
            logs.correlation_id.reset(token)

    async def _pass(
        self, app: _App, scope: Scope, receive: Receive, send: Send, identifier: str, headers: dict[bytes, bytes]
    ) -> None:
        started_s = clock.monotonic_s()
        status = 500
        outgoing: _Outgoing | _Headless = _Outgoing(
            send, self._compressor, accepts_gzip=b"gzip" in headers.get(b"accept-encoding", b"")
        )
        secure = self._https or scope["scheme"] == "https"

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                extra = [*_HEADERS, *([_HSTS] if secure else []), (b"x-request-id", identifier.encode())]
                message["headers"] = [
                    *message["headers"],
                    *((n, v) for n, v in extra if n not in present),
                    *_fresh_token(scope),
                ]
            await outgoing(message)

        receive = Incoming(receive, scope)
        method = str(scope.get("method"))
        if method == "HEAD" and scope["type"] == ScopeType.HTTP:
            # HEAD answers like GET without the content (RFC 9110, 9.3.2), for every address.
            scope["method"] = "GET"
            outgoing = head = _Headless(send)
            receive = head.receive
        try:
            await app(scope, receive, dressed)
        finally:
            took_s = clock.monotonic_s() - started_s
            route = str(scope.get("path_template") or "none")
            self._traffic.note(method, route, status, took_s)
            if took_s > _SLOW_S and not outgoing.streamed:
                logger.info("slow request", extra={"route": route, "status": status, "took_s": round(took_s, 2)})


class Incoming:
    """Receives a body within a time limit, so that a stalled sender does not keep a connection open."""

    def __init__(self, receive: Receive, scope: Scope) -> None:
        self._receive = receive
        self._has_body = any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in scope["headers"]
        )
        self._ends_s = clock.monotonic_s() + _BODY_S
        self._state = scope.setdefault("state", {})
        self._complete = False

    async def __call__(self) -> Any:
        """Return the next message.

        Raises:
            Unreadable: The body is broken (400) or did not arrive in time (408).
        """
        if self._complete:
            return await self._receive()
        if self._state.get(_SLOW_BODY):
            self._ends_s = clock.monotonic_s() + _BODY_S
        try:
            async with asyncio.timeout(max(0.0, self._ends_s - clock.monotonic_s())):
                message = await self._receive()
        except TimeoutError as error:
            raise Unreadable("The body did not arrive in time.", status_code=408) from error
        except (OSError, RuntimeError, ValueError) as error:
            # A chunk with an invalid length, or a connection that ended within the body.
            raise Unreadable("The body cannot be read: its transfer encoding is broken.") from error
        if message["type"] == "http.disconnect" and self._has_body:
            # What granian reports for a broken chunk too; Litestar would answer 500 and log an error of ours.
            raise Unreadable("The body ended early, or its transfer encoding is broken.")
        self._complete = message["type"] != "http.request" or not message.get("more_body")
        return message


class _Outgoing:
    """Compresses answers that are sent in one piece; streams pass unchanged."""

    def __init__(self, send: Send, compressor: Compressor, *, accepts_gzip: bool) -> None:
        self._send = send
        self._compressor = compressor
        self._accepts = accepts_gzip
        self._start: Any = None
        self.streamed = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        if start is None or message["type"] != "http.response.body":
            if start is not None:
                await self._send(start)
            await self._send(message)
            return
        body: bytes = message.get("body", b"")
        self.streamed = bool(message.get("more_body"))
        if self._accepts and not self.streamed and len(body) >= _WORTH_COMPRESSING_BYTES and _is_compressible(start):
            # Answers with an ETag are remembered, so the same bytes will be sent again.
            repeated = any(name.lower() == b"etag" for name, _ in start["headers"])
            body = self._compressor.gzip(body, repeated=repeated)
            kept = [(n, v) for n, v in start["headers"] if n.lower() != b"content-length"]
            start["headers"] = [
                *kept,
                (b"content-encoding", b"gzip"),
                (b"content-length", str(len(body)).encode()),
                (b"vary", b"Accept-Encoding"),
            ]
            message = {"type": "http.response.body", "body": body, "more_body": False}
        await self._send(start)
        await self._send(message)


class _Headless:
    """Sends the headers of an answer and drops its content; for a stream, the client counts as gone."""

    streamed = False

    def __init__(self, send: Send) -> None:
        self._send = send
        self._asked = False
        self._answered = asyncio.Event()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._send(message)
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            self._answered.set()

    async def receive(self) -> Any:
        """Replace the connection: HEAD has no body, and its sender disconnects after the answer."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._answered.wait()
        return {"type": "http.disconnect"}


def _fresh_token(scope: Scope) -> list[tuple[bytes, bytes]]:
    fresh = scope["state"].get("csrf_fresh")
    if fresh is None:
        return []
    secure = "; Secure" if scope["scheme"] == "https" else ""
    return [(b"set-cookie", f"{CSRF_COOKIE}={fresh}; Path=/; HttpOnly; SameSite=Lax{secure}".encode())]


def _is_compressible(start: Any) -> bool:
    headers = dict(start["headers"])
    kind: bytes = headers.get(b"content-type", b"")
    return b"content-encoding" not in headers and kind.startswith(_COMPRESSIBLE)


async def refuse_forgery(request: WebRequest) -> None:
    """Refuse a change that another site makes a browser send.

    The browser's headers (Sec-Fetch-Site, Origin) are enough to refuse a request; a token that only our pages know is
    required in addition. Requests with an API key pass, because browsers do not send them. Handlers can be marked with
    `opt={"csrf": False}`.

    Raises:
        Forbidden: The request comes from another or an unknown site.
    """
    if request.method in _SAFE or key_of(request) or not request.route_handler.opt.get("csrf", True):
        return
    _refuse_other_sites(request)
    given = request.headers.get(CSRF_HEADER) or await _field(request)
    if not _matches(given, request.cookies.get(CSRF_COOKIE, "")):
        raise Forbidden(_STALE)


def refuse_foreign_form(request: WebRequest, token: str) -> None:
    """Refuse a form that did not come from one of our pages, for a handler that reads its form itself. Raises: Forbidden."""
    _refuse_other_sites(request)
    if not _matches(token, request.cookies.get(CSRF_COOKIE, "")):
        raise Forbidden(_STALE)


def allow_slow_body(request: WebRequest) -> None:
    """Let an upload take as long as it needs while it arrives; a pause of `_BODY_S` still ends it."""
    request.scope["state"][_SLOW_BODY] = True


def csrf_token(request: WebRequest) -> str:
    """Return the token for a page's forms and headers, and set its counterpart as a cookie.

    It looks different on every page, so that compression reveals nothing about it (BREACH attack).
    """
    state = request.scope["state"]
    base = state.get("csrf_fresh") or request.cookies.get(CSRF_COOKIE, "")
    if len(_unpacked(base)) != _TOKEN_BYTES:
        base = state["csrf_fresh"] = _packed(secrets.token_bytes(_TOKEN_BYTES))
    pad = secrets.token_bytes(_TOKEN_BYTES)
    return _packed(pad + _xor(pad, _unpacked(base)))


def _matches(given: str | None, cookie: str) -> bool:
    token, base = _unpacked(given or ""), _unpacked(cookie)
    if len(token) != 2 * _TOKEN_BYTES or len(base) != _TOKEN_BYTES:
        return False
    return secrets.compare_digest(_xor(token[:_TOKEN_BYTES], token[_TOKEN_BYTES:]), base)


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unpacked(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


def key_of(request: WebRequest) -> str | None:
    """Return the API key of a request, without checking it."""
    if given := request.headers.get("x-api-key", "").strip():
        return given
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _refuse_other_sites(request: WebRequest) -> None:
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = site not in {"same-origin", "none"} if site else origin is not None and origin != own_origin(request)
    if foreign:
        raise Forbidden(
            "This request came from another site, so nothing was changed. Behind a proxy, set EXTERNAL_URL and TRUSTED_PROXIES."
        )


def own_origin(request: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return scheme and host as the browser knows them."""
    configured: Config = request.app.state.deps.config
    if urlsplit(configured.external_url).netloc == request.headers.get("host"):
        return configured.external_url
    return f"{request.scope['scheme']}://{request.headers.get('host', '')}"


async def _field(request: WebRequest) -> str | None:
    kind, _ = request.content_type
    if kind not in {RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART}:
        return None
    value = (await request.form()).get(CSRF_FIELD)
    return value if isinstance(value, str) else None


def _believe(scope: Scope, headers: dict[bytes, bytes], proxies: TrustedProxies) -> None:
    """Use the client address, scheme and host from the headers of a trusted proxy."""
    forwarded_for = headers.get(b"x-forwarded-for", b"").decode("latin-1")
    if forwarded_for and scope["client"] is not None:
        scope["client"] = (proxies.client(scope["client"][0], forwarded_for), 0)
    proto = headers.get(b"x-forwarded-proto", b"").decode("latin-1").split(",")[-1].strip()
    if proto in {"http", "https"}:
        scope["scheme"] = proto if scope["type"] == ScopeType.HTTP else proto.replace("http", "ws")
    if host := headers.get(b"x-forwarded-host", b"").split(b",")[-1].strip():
        scope["headers"] = [(n, host if n == b"host" else v) for n, v in scope["headers"]]


def _host_of(scope: Scope) -> str:
    host = next((v for n, v in scope["headers"] if n == b"host"), b"").decode("latin-1")
    return (urlsplit(f"//{host}").hostname or "").lower()


def _has_valid_host(scope: Scope) -> bool:
    """Return whether the Host header can be part of an address; a request without the header is fine."""
    return all(_HOST.fullmatch(value) for name, value in scope["headers"] if name == b"host")


def oversize(scope: Scope) -> int | None:
    """Return 414 or 431 for a request whose address or headers are too long.

    The framework caches thousands of addresses, queries and cookies; without a limit, anyone could fill hundreds of
    megabytes.
    """
    if len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"]) > MAX_ADDRESS_BYTES:
        return 414
    return 431 if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADERS_BYTES else None


async def _refuse(scope: Scope, send: Send, sentence: str, status: int = 400) -> None:
    """Answer in plain text, or as the API answers every error."""
    body, kind = f"{sentence}\n".encode(), b"text/plain; charset=utf-8"
    if scope["path"].startswith("/api/"):
        problem = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": sentence,
            "instance": scope["path"],
            "request_id": logs.correlation_id.get(),
        }
        body, kind = json.dumps(problem).encode(), b"application/problem+json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
