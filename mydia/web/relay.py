"""The relay over HTTP: mounted at `/relay` by the web application, or on its own as `mydia relay`.

Answers in memory are sent from the event loop; everything else runs in a thread.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import json
import logging
import signal
from collections.abc import Callable, Mapping
from copy import replace
from functools import lru_cache
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Litestar, MediaType, Response, Router, asgi, get, post
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler, LifeSpanReceive, LifeSpanScope, Receive, Scope, Send

from mydia import __version__, clock, logs
from mydia.addresses import household
from mydia.contexts.users import Permission
from mydia.errors import Misconfigured, MydiaError, NotFound
from mydia.limits import RateLimiter
from mydia.relay import MAX_REPORT_BYTES, CrashReport, Relay, RelayAnswer, RelayConfig, ReportRefused
from mydia.web.assets import Assets
from mydia.web.deps import WebRequest, require_caller
from mydia.web.looks import Looks
from mydia.web.markup import Layout
from mydia.web.render import TEMPLATES, ago
from mydia.web.security import CONTENT_SECURITY_POLICY, CSRF_FIELD, Incoming, csrf_token, oversize

logger = logging.getLogger(__name__)

type Admit = Callable[[WebRequest], None]
"""Raises an error unless the request may see the crash reports."""

_STALE_HINT = ", stale-while-revalidate=86400, stale-if-error=604800"
_OWN = ("/", "/client-config", "/configuration", "/health", "/metrics", "/stats")
_PAGE = 50
_CONNECTIONS = 4096
_ASKED_KEPT = 2048
_ASKED_MAX_BYTES = 512
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


class RelayFace:
    """Serves the relay's data as a plain ASGI application.

    Args:
        relay: Returns the relay in use.
        prefix: The path under which the relay is mounted, `/relay` or empty.
    """

    def __init__(self, relay: Callable[[], Relay], prefix: str = "") -> None:
        self._relay = relay
        self._prefix = prefix.encode()
        self._remembered = lru_cache(maxsize=_ASKED_KEPT)(_asked)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method = scope["method"]  # type: ignore[typeddict-item]  # mounted for HTTP only
        if method not in ("GET", "HEAD"):
            await _send(
                send,
                RelayAnswer(405, b"Method not allowed", "text/plain; charset=utf-8"),
                extra=((b"allow", b"GET, HEAD"),),
            )
            return
        raw = scope.get("raw_path") or scope["path"].encode()
        path, params = self._asked(raw.partition(b"?")[0].removeprefix(self._prefix), scope["query_string"])
        answer = self._own(path)
        if answer is None:
            answer = self._relay().peek(path, params)
        if answer is None:
            answer = await self._relay().get_async(path, params, client=self._client(scope))
        if logger.isEnabledFor(logging.DEBUG):
            fields = {"path": path, "status": answer.status, "cache": answer.cache, "bytes": len(answer.body)}
            logger.debug("request answered", extra=fields)
        if answer.etag is not None and answer.status == 200 and _matches(scope, answer.etag):
            await _send(
                send,
                replace(answer, status=304, body=b""),
            )
            return
        await _send(send, answer, with_body=method == "GET")

    def _asked(self, raw_path: bytes, query: bytes) -> tuple[str, Mapping[str, str]]:
        # Longer addresses are not cached: together they would take hundreds of megabytes.
        short = len(raw_path) + len(query) <= _ASKED_MAX_BYTES
        return self._remembered(raw_path, query) if short else _asked(raw_path, query)

    def _own(self, path: str) -> RelayAnswer | None:
        match path:
            case "" | "/":
                return _json({"message": "Hello World"})
            case "/health":
                return _json(self._relay().health())
            case "/stats":
                return _json(self._relay().stats())
            case "/client-config":
                return _json({"p2p": {"relays": []}})
            case "/metrics":
                return RelayAnswer(200, *self._relay().metrics())
            case _:
                return None

    def _client(self, scope: Scope) -> str:
        forwarded = next((v.decode("latin-1") for n, v in scope["headers"] if n == b"x-forwarded-for"), None)
        peer = scope.get("client")
        return household(self._relay().proxies.client(peer[0] if peer else "unknown", forwarded))


def _asked(raw_path: bytes, query: bytes) -> tuple[str, Mapping[str, str]]:
    path = unquote(raw_path.decode("latin-1"), errors="replace")
    try:
        # If a parameter is repeated, the last one wins, as at TMDB.
        params = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=64))
    except ValueError:
        params = {}
    return path, params


def _json(value: object, status: int = 200) -> RelayAnswer:
    return RelayAnswer(status, json.dumps(value).encode())


def _matches(scope: Scope, etag: str) -> bool:
    wanted = next((v.decode("latin-1") for n, v in scope["headers"] if n == b"if-none-match"), "")
    return wanted == "*" or any(part.strip().removeprefix("W/") == etag for part in wanted.split(","))


async def _send(
    send: Send, answer: RelayAnswer, *, with_body: bool = True, extra: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", b"%d" % len(answer.body)),
        (b"x-content-type-options", b"nosniff"),
        *extra,
    ]
    if answer.cache is None:
        headers.append((b"cache-control", b"private, no-store"))
    else:
        control = (
            f"public, max-age={answer.fresh_s}{_STALE_HINT}"
            if answer.status < 300 or answer.status == 304
            else f"public, max-age={answer.fresh_s}"
        )
        headers += [
            (b"cache-control", control.encode()),
            (b"age", b"%d" % answer.age_s),
            (b"x-relay-cache", answer.cache.encode()),
        ]
        if answer.etag is not None:
            headers.append((b"etag", answer.etag.encode()))
    if answer.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % answer.retry_after_s))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if with_body else b"", "more_body": False})


# Handlers


def relay_router(relay: Callable[[], Relay], *, path: str = "/relay") -> Router:
    """Return what the web application mounts: the relay, and the crash reports for administrators."""
    return Router(path, route_handlers=_handlers(relay, path, _admit_admin, csrf_token), include_in_schema=False)


class _Alone(Litestar):
    """An application that refuses requests that are too long, and bodies that arrive too slowly."""

    async def __call__(self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Any) -> None:
        """Answer one request, or handle the application's start and shutdown."""
        if scope["type"] == ScopeType.HTTP:
            if status := oversize(cast("Scope", scope)):
                await _send(send, RelayAnswer(status, b"Too long", "text/plain; charset=utf-8"))
                return
            receive = Incoming(cast("Receive", receive), cast("Scope", scope))
        await super().__call__(scope, receive, send)


def relay_app(relay: Relay) -> Litestar:
    """Make the application of a stand-alone relay."""
    config = relay.config
    admit = _basic_auth(relay, config.dashboard_username, config.dashboard_password.reveal())

    def failed(request: WebRequest, error: Exception) -> Response[Any]:
        return _failed(relay, request, error)

    return _Alone(
        [*_handlers(lambda: relay, "", admit, lambda _: ""), _static(Assets())],
        exception_handlers={HTTPException: failed, MydiaError: failed, Exception: failed},
        request_max_body_size=MAX_REPORT_BYTES,
        on_shutdown=[relay.close],
        openapi_config=None,
        logging_config=None,
        pdb_on_exception=False,
        debug=False,
    )


def _handlers(
    relay: Callable[[], Relay], prefix: str, admit: Admit, token: Callable[[WebRequest], str]
) -> list[ControllerRouterHandler]:
    face = RelayFace(relay, prefix)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await face(scope, receive, send)

    public = {"public": True, "csrf": False}
    return [
        asgi(["/tmdb", "/tvdb"], is_mount=True, copy_scope=True, opt=public)(serve),
        asgi(list(_OWN), copy_scope=True, opt=public)(serve),
        _intake(relay, public),
        *_dashboard(relay, prefix, admit, token),
    ]


def _intake(relay: Callable[[], Relay], opt: Mapping[str, Any]) -> ControllerRouterHandler:
    limiter = RateLimiter(relay().config.reports_per_min, 60, monotonic_s=relay().times.monotonic_s)

    @post("/crashes/report", opt=dict(opt), include_in_schema=False, request_max_body_size=MAX_REPORT_BYTES)
    async def report(request: WebRequest) -> Response[dict[str, Any]]:
        """Receive a crash report."""
        crashes = relay().crashes
        if crashes is None:
            return Response(
                {"error": "Service not configured", "message": "This relay does not accept crash reports."},
                status_code=503,
            )
        peer = request.client.host if request.client else "unknown"
        if limiter.admit(household(relay().proxies.client(peer, request.headers.get("x-forwarded-for")))) is not None:
            told = {"error": "Too many requests", "message": "Rate limit exceeded. Please try again later."}
            return Response(told, status_code=429, headers={"Retry-After": "60"})
        try:
            body = json.loads(await request.body())
        except (ValueError, RecursionError):
            told = {"error": "Invalid JSON", "message": "Request body must be valid JSON"}
            return Response(told, status_code=400)
        try:
            crash = CrashReport.read(body)
        except ReportRefused as refused:
            return Response({"error": "Validation failed", "errors": refused.errors}, status_code=400)
        await asyncio.to_thread(crashes.record, crash)
        return Response({"status": "created", "message": "Crash report received"}, status_code=201)

    return report


def _dashboard(
    relay: Callable[[], Relay], prefix: str, admit: Admit, token: Callable[[WebRequest], str]
) -> list[ControllerRouterHandler]:
    pages = _Pages(prefix)

    def shown(request: WebRequest, template: str, **context: Any) -> Response[str]:
        return Response(
            pages.render(template, csrf=token(request), **context), media_type=MediaType.HTML, headers=dict(_HEADERS)
        )

    def kept() -> Any:
        # Looked up for each request, because the embedded relay is replaced when its keys change.
        crashes = relay().crashes
        if crashes is None:
            raise NotFound("This relay does not accept crash reports.")
        return crashes

    @get("/errors", sync_to_thread=True, include_in_schema=False)
    def errors(
        request: WebRequest, status: FromQuery[str] = "open", q: FromQuery[str] = "", page: FromQuery[int] = 1
    ) -> Response[str]:
        """List the groups of crashes."""
        admit(request)
        page = max(1, min(page, 10_000))
        wanted = {"resolved": "resolved", "all": None, "muted": None}.get(status, "open")
        groups, total = kept().groups(status=wanted, text=q[:200], muted=status == "muted", page=page, size=_PAGE)
        return shown(
            request, "relay/errors.html", groups=groups, total=total, status=status, q=q[:200], page=page, pages=max(1, -(-total // _PAGE))
        )  # fmt: skip

    @get("/errors/{number:int}", sync_to_thread=True, include_in_schema=False)
    def error(request: WebRequest, number: FromPath[int]) -> Response[str]:
        """Show one group with its newest reports."""
        admit(request)
        return shown(request, "relay/error.html", group=kept().group(number), occurrences=kept().occurrences(number))

    @post("/errors/{number:int}/{action:str}", sync_to_thread=True, include_in_schema=False, status_code=303)
    def act(request: WebRequest, number: FromPath[int], action: FromPath[str]) -> Redirect:
        """Resolve, reopen, mute or show a group."""
        admit(request)
        _refuse_other_sites(request)
        match action:
            case "resolve" | "reopen":
                kept().resolve(number, resolved=action == "resolve")
            case "mute" | "show":
                kept().mute(number, muted=action == "mute")
            case _:
                raise NotFound("There is no such action.")
        return Redirect(f"{prefix}/errors/{number}", status_code=303)

    return [errors, error, act]


class _Pages:
    """The relay's own pages, which must work without the rest of Mydia."""

    def __init__(self, prefix: str) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=[Layout],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "ago": lambda at: ago(at, clock.now(), Looks(zone=ZoneInfo("UTC"))),
            "moment": lambda at: at.strftime("%-d %b %Y, %H:%M UTC"),
            "bars": _bars,
        }
        self._environment.globals |= {
            "asset": Assets().href,
            "base": prefix,
            "csrf_field": CSRF_FIELD,
            "version": __version__,
        }

    def render(self, template: str, **context: Any) -> str:
        """Return a page's text."""
        return self._environment.get_template(template).render(context)


def _bars(counts: tuple[int, ...], height: int = 24) -> list[tuple[int, int]]:
    """Return (top, height) of each bar of a trend, in pixels. A day with any report is at least two pixels high."""
    most = max(counts, default=0) or 1
    heights = [max(2, round(height * count / most)) if count else 0 for count in counts]
    return [(height - h, h) for h in heights]


# Who may look


def _admit_admin(request: WebRequest) -> None:
    require_caller(request).require(Permission.MANAGE_SETTINGS)


def _basic_auth(relay: Relay, username: str, password: str) -> Admit:
    wrong = RateLimiter(10, 60, monotonic_s=relay.times.monotonic_s)

    def admit(request: WebRequest) -> None:
        if not username or not password:
            raise HTTPException("Set DASHBOARD_USERNAME and DASHBOARD_PASSWORD to see the errors.", status_code=403)
        given = _credentials(request.headers.get("authorization", ""))
        expected = f"{username}:{password}".encode()
        if given is not None and hmac.compare_digest(given, expected):
            return
        peer = request.client.host if request.client else "unknown"
        client = household(relay.proxies.client(peer, request.headers.get("x-forwarded-for")))
        if given is not None and (wait_s := wrong.admit(client)) is not None:
            headers = {"Retry-After": str(max(1, round(wait_s)))}
            raise HTTPException("Too many attempts. Wait a minute.", status_code=429, headers=headers)
        headers = {"WWW-Authenticate": 'Basic realm="metadata-relay", charset="UTF-8"'}
        raise HTTPException("Sign in to see the errors.", status_code=401, headers=headers)

    return admit


def _credentials(header: str) -> bytes | None:
    kind, _, packed = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(packed.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _refuse_other_sites(request: WebRequest) -> None:
    """Refuse forms from other sites: browsers send basic credentials with those too."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = (
        site not in ("same-origin", "none")
        if site
        else bool(origin) and urlsplit(origin or "").netloc != request.headers.get("host")
    )
    if foreign:
        raise HTTPException("The request came from another site and was refused.", status_code=403)


def _static(assets: Assets) -> ControllerRouterHandler:
    @get("/static/{name:path}", sync_to_thread=False, include_in_schema=False)
    def static(name: FromPath[str]) -> Response[bytes]:
        """Send a static file of the pages."""
        asset, exact = assets.find(name.lstrip("/"))
        control = "public, max-age=31536000, immutable" if exact else "public, max-age=3600"
        return Response(asset.body, media_type=asset.media_type, headers={"Cache-Control": control})

    return static


def _failed(relay: Relay, request: WebRequest, error: Exception) -> Response[Any]:
    if isinstance(error, NotFound):
        return Response(error.message, status_code=404, media_type=MediaType.TEXT)
    if isinstance(error, HTTPException) and error.status_code < 500:
        text = "Not found" if error.status_code == 404 else error.detail
        if error.status_code == 413 or request.url.path.startswith("/crashes"):
            return Response(
                {"error": "Bad request", "message": text}, status_code=error.status_code, headers=error.headers
            )
        return Response(text, status_code=error.status_code, media_type=MediaType.TEXT, headers=error.headers)
    logger.error("request failed", exc_info=error, extra={"method": request.method, "path": request.url.path})
    if relay.crashes is not None:
        relay.crashes.record_own(error)
    told = {"error": "Internal server error", "message": "The relay failed. The error was recorded."}
    return Response(told, status_code=500)


# Alone


def settings_of(environ: Mapping[str, str]) -> tuple[str, int, str, str]:
    """Return (host, port, log level, log format) of a stand-alone relay.

    Raises:
        Misconfigured: A variable has an invalid value; the message names it and what is allowed.
    """
    host, port = environ.get("HOST") or "0.0.0.0", environ.get("PORT") or "4001"  # noqa: S104  # a server listens
    if not port.isdigit() or not 1 <= int(port) <= 65535:
        raise Misconfigured(f"PORT is {port!r}, but must be a number from 1 to 65535.")
    level, form = (environ.get("LOG_LEVEL") or "info").lower(), (environ.get("LOG_FORMAT") or "text").lower()
    if level not in logs.LEVELS:
        raise Misconfigured(f"LOG_LEVEL is {level!r}, but must be one of {', '.join(logs.LEVELS)}.")
    if form not in ("text", "json"):
        raise Misconfigured(f"LOG_FORMAT is {form!r}, but must be text or json.")
    return host, int(port), level, form


def serve_relay(environ: Mapping[str, str]) -> int:
    """Run a stand-alone relay until SIGINT or SIGTERM, configured by environment variables only; return the exit code.

    Raises:
        Misconfigured: Something required is missing or wrong.
    """
    host, port, level, form = settings_of(environ)
    config = RelayConfig.from_environ(environ)
    if not config.available:
        raise Misconfigured("The relay has no API key. Set TMDB_API_KEY, TVDB_API_KEY or both.")
    logs.configure(level, form, None, "relay")
    import uvloop

    uvloop.run(_serve(config, host, port))
    return 0


async def _serve(config: RelayConfig, host: str, port: int) -> None:
    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    relay = Relay(config)
    server = Server(
        relay_app(relay),
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
        # Many clients may wait for one upstream server; granian accepts at most this many connections at a time.
        backlog=_CONNECTIONS,
        backpressure=_CONNECTIONS,
    )  # fmt: skip
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    task = loop.create_task(server.serve())
    logger.info(
        "relay started",
        extra={
            "address": f"http://{host}:{port}",
            "upstreams": sorted(relay.upstreams),
            "store": relay.cache.store.kind if relay.cache.store else "memory",
            "store_state": relay.cache.state,
        },
    )
    waiting = loop.create_task(stopping.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    server.stop()  # type: ignore[no-untyped-call]
    await task
    waiting.cancel()
