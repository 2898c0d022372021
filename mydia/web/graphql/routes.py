"""`/graphql`: operations by POST, subscriptions over server-sent events or a WebSocket, and the explorer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from litestar import Response, WebSocket, get, post, websocket
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.response import Stream
from litestar.serialization import encode_json

from mydia.contexts import settings
from mydia.contexts.users import Caller
from mydia.errors import MydiaError, NotFound
from mydia.web.deps import CallerDep, DepsDep, NotSignedIn, Unreadable, WebDeps, WebRequest
from mydia.web.errors import request_id
from mydia.web.graphql.incoming import Operation, PersistedQueries, UnknownQuery, read_operation
from mydia.web.graphql.view import ExplorerView
from mydia.web.live import Live, validity
from mydia.web.render import page
from mydia.web.security import own_origin

if TYPE_CHECKING:
    from mydia.web.graphql.engine import Engine, Prepared
    from mydia.web.graphql.streams import Result

_RESULT = "application/graphql-response+json"
_EVENTS = "text/event-stream"
_PROTOCOL = "graphql-transport-ws"
_LONGEST_BODY = 1_000_000
_HEARTBEAT_S = 15.0
MOST_STREAMS = 30
"""Open streams and WebSockets of one person."""
_FORBIDDEN, _NOT_ACCEPTABLE, _TOO_MANY = 4403, 4406, 4429


class TooManyStreams(MydiaError):
    """A person has too many open streams."""

    kind = "limited"


class _Streams:
    """Counts the open streams of each person."""

    def __init__(self) -> None:
        self._open: dict[str | None, int] = {}

    def enter(self, who: str | None) -> None:
        """Count one more. Raises: TooManyStreams."""
        if self._open.get(who, 0) >= MOST_STREAMS:
            raise TooManyStreams(f"You have {MOST_STREAMS} open subscriptions. Close one first.")
        self._open[who] = self._open.get(who, 0) + 1

    def leave(self, who: str | None) -> None:
        """Count one less."""
        self._open[who] -= 1
        if not self._open[who]:
            del self._open[who]


_streams = _Streams()
_persisted = PersistedQueries()


def _engine() -> Engine:
    from mydia.web.graphql.engine import engine

    return engine()


@post("/graphql", status_code=200, include_in_schema=False, request_max_body_size=_LONGEST_BODY)
async def graphql(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[bytes] | Stream:
    """Execute one operation, sent as JSON."""
    sent = await request.json()
    if _EVENTS in request.headers.get("accept", ""):
        return await _stream(sent, deps, caller, request)
    return await sync_to_thread(_answer, sent, deps, caller, request)


@get("/graphql", include_in_schema=False)
async def explore(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str] | Stream:
    """Show the explorer, or with `Accept: text/event-stream` stream the subscription in the address."""
    if _EVENTS not in request.headers.get("accept", ""):
        return await sync_to_thread(_page, request, deps)
    told = dict(request.query_params)
    try:
        sent = {**told, "variables": json.loads(told.get("variables") or "null"), "extensions": None}
    except ValueError as error:
        raise Unreadable("variables must be a JSON object.") from error
    return await _stream(sent, deps, caller, request)


def _page(request: WebRequest, deps: WebDeps) -> Response[str]:
    if not settings.of(deps.database).graphql.explorer:
        raise NotFound("The explorer is disabled. Send GraphQL operations by POST.")
    return page(request, "graphql/page.html", ExplorerView(), active="graphql")


def _operation(sent: Any, deps: WebDeps) -> Operation:
    chosen = settings.of(deps.database).graphql
    return read_operation(sent, _persisted if chosen.persisted_queries else None)


def _answer(sent: Any, deps: WebDeps, caller: Caller, request: WebRequest) -> Response[bytes]:
    """Execute a query or mutation. The first call imports the schema, so it must not run on the event loop."""
    try:
        operation = _operation(sent, deps)
    except UnknownQuery as error:
        return _response(request, 400, _unknown(error))
    engine = _engine()
    from mydia.web.graphql.answers import answer
    from mydia.web.graphql.context import Context

    context = Context(deps=deps, caller=caller, request=request)
    introspection = settings.of(deps.database).graphql.introspection
    status, said = answer(engine, operation, context, request_id(request), introspection=introspection)
    return _response(request, status, said)


def _unknown(error: UnknownQuery) -> dict[str, Any]:
    """Return what clients with persisted queries expect: one of the errors of an ordinary answer."""
    return {"errors": [{"message": error.message, "extensions": {"code": error.kind.upper()}}]}


def _response(request: WebRequest, status: int, said: Any) -> Response[bytes]:
    # Clients that do not know the newer media type expect status 200 with errors.
    modern = _RESULT in request.headers.get("accept", "")
    return Response(
        encode_json(said),
        status_code=status if modern else 200,
        media_type=_RESULT if modern else "application/json",
        headers={"Cache-Control": "no-store"},
    )


async def _stream(sent: Any, deps: WebDeps, caller: Caller, request: WebRequest) -> Stream:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    try:
        operation = await sync_to_thread(_operation, sent, deps)
    except UnknownQuery as error:
        return Stream(_single(encode_json(_unknown(error))), media_type=_EVENTS, headers=headers)
    engine = await sync_to_thread(_engine)
    from graphql import GraphQLError, OperationType

    from mydia.web.graphql.answers import refuse
    from mydia.web.graphql.streams import errors_of

    introspection = (await sync_to_thread(settings.of, deps.database)).graphql.introspection
    try:
        prepared = await sync_to_thread(engine.prepare, operation, introspection=introspection)
        refuse(prepared, OperationType.MUTATION)
    except GraphQLError as error:
        errors = errors_of(error, request_id(request))
        return Stream(_single(encode_json({"errors": errors})), media_type=_EVENTS, headers=headers)
    if prepared.kind is OperationType.QUERY:
        told = await sync_to_thread(_answer, sent, deps, caller, request)
        return Stream(_single(told.content), media_type=_EVENTS, headers=headers)
    _streams.enter(caller.id)
    return Stream(_events(engine, prepared, operation, deps, caller, request), media_type=_EVENTS, headers=headers)


async def _single(said: bytes) -> AsyncIterator[str]:
    yield f"event: next\ndata: {said.decode()}\n\n"
    yield "event: complete\ndata:\n\n"


async def _events(
    engine: Engine, prepared: Prepared, operation: Operation, deps: WebDeps, caller: Caller, request: WebRequest
) -> AsyncIterator[str]:
    """Write results in the distinct connections mode of the protocol graphql-sse."""
    from mydia.web.graphql.context import Context
    from mydia.web.graphql.streams import NotStarted, keep_alive, results

    live: Live = request.app.state.live
    listener = live.join(caller, frozenset(), "", validity(request, caller))

    def context() -> Context:
        return Context(
            deps=deps,
            caller=caller,
            request=request,
            listener=listener,
            resume_after=request.headers.get("last-event-id") or None,
        )

    try:
        yield "retry: 1000\n:\n\n"
        stream = results(engine, prepared, operation, context, request_id(request))
        async with aclosing(stream):
            async for one in keep_alive(stream, _HEARTBEAT_S):
                yield _written(one)
    except NotStarted as error:
        yield f"event: next\ndata: {encode_json({'errors': error.errors}).decode()}\n\n"
    finally:
        live.leave(listener)
        _streams.leave(caller.id)
    # Without `complete` the client connects again, and is refused if it lost access.
    if not listener.closed:
        yield "event: complete\ndata:\n\n"


def _written(one: Result | None) -> str:
    if one is None:
        return ":\n\n"
    number = "" if one.id is None else f"id: {one.id}\n"
    return f"event: next\n{number}data: {encode_json(one.payload).decode()}\n\n"


@websocket("/graphql")
async def connect(socket: WebSocket[Any, Any, Any]) -> None:
    """Serve operations over a WebSocket, for callers with a session cookie, a key in a header or in connection_init."""
    if not _is_own(socket):
        await socket.close(_FORBIDDEN, "This page belongs to another site.")
        return
    if _PROTOCOL not in socket.scope["subprotocols"]:
        await socket.accept()
        await socket.close(_NOT_ACCEPTABLE, "Subprotocol not acceptable")
        return
    await socket.accept(subprotocols=_PROTOCOL)
    engine = await sync_to_thread(_engine)
    from mydia.web.graphql.sockets import SocketHandler

    deps: WebDeps = socket.app.state.deps
    entered: list[str | None] = []

    def sign_in(payload: dict[str, Any]) -> tuple[Caller, Callable[[], bool]]:
        connection = _with_key(socket, payload)
        caller = deps.authenticate(connection, deps)
        if caller is None:
            raise NotSignedIn("Sign in, or send an API key in connection_init.")
        _streams.enter(caller.id)
        entered.append(caller.id)
        return caller, validity(connection, caller)

    handler = SocketHandler(
        engine,
        socket,
        deps,
        socket.app.state.live,
        sign_in,
        introspection=(await sync_to_thread(settings.of, deps.database)).graphql.introspection,
        request_id=str(socket.scope["state"].get("request_id", "")),
    )
    try:
        await handler.handle()
    finally:
        for who in entered:
            _streams.leave(who)


def _is_own(socket: WebSocket[Any, Any, Any]) -> bool:
    """Return whether a WebSocket comes from our own pages or from a program that is no browser."""
    origin = socket.headers.get("origin")
    return origin is None or origin == own_origin(socket).replace("ws", "http", 1)


_KEY_NAMES = ("x-api-key", "apikey", "api_key", "authorization")


def _with_key(socket: WebSocket[Any, Any, Any], payload: dict[str, Any]) -> Any:
    """Return the connection with the key of connection_init as a header, because browsers cannot set headers."""
    given = {name.lower(): value for name, value in payload.items() if isinstance(value, str)}
    found = next(((name, given[name]) for name in _KEY_NAMES if given.get(name)), None)
    state = {name: value for name, value in socket.scope["state"].items() if not name.startswith("_ls_")}
    headers = list(socket.scope["headers"])
    if found is not None:
        name = b"authorization" if found[0] == "authorization" else b"x-api-key"
        headers = [one for one in headers if one[0] not in (b"authorization", b"x-api-key")]
        headers.append((name, found[1].encode("latin-1", "replace")))
    return ASGIConnection({**socket.scope, "headers": headers, "state": state})


ROUTES: tuple[Any, ...] = (graphql, explore, connect)
