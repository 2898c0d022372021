"""Operations over a WebSocket, with the protocol graphql-transport-ws."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from graphql import GraphQLError, OperationType
from litestar import WebSocket
from litestar.concurrency import sync_to_thread
from litestar.exceptions import HTTPException, WebSocketDisconnect
from litestar.serialization import encode_json
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    Operation as Running,
)
from strawberry.types.unset import UNSET

from mydia.contexts.users import Caller
from mydia.errors import MydiaError
from mydia.web.deps import WebDeps
from mydia.web.graphql.answers import refuse, said
from mydia.web.graphql.context import Context
from mydia.web.graphql.engine import Engine
from mydia.web.graphql.errors import Refused, explain
from mydia.web.graphql.incoming import LONGEST_DOCUMENT, Operation, read_operation
from mydia.web.graphql.streams import NotStarted, errors_of, results
from mydia.web.live import Listener, Live

MOST_OPERATIONS = 20
"""Of one connection at the same time."""
_INIT_S = 10
"""How long a client may take to send connection_init."""
_LONGEST_MESSAGE = 4 * LONGEST_DOCUMENT
_CHECK_S = 30.0
_FORBIDDEN, _GOING_AWAY = 4403, 1001


class _Wire:
    """The connection, as Strawberry's handler uses it."""

    def __init__(self, socket: WebSocket[Any, Any, Any]) -> None:
        self._socket = socket
        self._ended = asyncio.Event()
        self._closing: tuple[int, str] | None = None

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object]:
        """Yield messages until either side ends the connection."""
        with suppress(WebSocketDisconnect):
            while (text := await self._receive()) is not None:
                if not text or len(text) > _LONGEST_MESSAGE:
                    raise NonTextMessageReceived
                try:
                    yield json.loads(text)
                except (ValueError, RecursionError) as error:
                    raise NonJsonMessageReceived from error

    async def _receive(self) -> str | None:
        """Return the next text, or None after `close`."""
        receiving = asyncio.ensure_future(self._socket.receive_text())
        ending = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({receiving, ending}, return_when=asyncio.FIRST_COMPLETED)
            return receiving.result() if receiving.done() else None
        finally:
            for task in (receiving, ending):
                task.cancel()

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send a message."""
        try:
            await self._socket.send_data(encode_json(message).decode(), mode="text")
        except (WebSocketDisconnect, RuntimeError) as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Have the connection closed. `finish` does it, because granian sends no close frame while a message is awaited."""
        self._closing = self._closing or (code, reason)
        self._ended.set()

    async def finish(self) -> None:
        """Close the connection, if `close` was called."""
        if self._closing is not None:
            with suppress(WebSocketDisconnect, RuntimeError):
                await self._socket.close(code=self._closing[0], reason=self._closing[1])


@dataclass(slots=True)
class _Known:
    """The caller, once connection_init was accepted."""

    caller: Caller
    listener: Listener


class SocketHandler(BaseGraphQLTransportWSHandler[Any, Any]):
    """Serves one connection.

    Args:
        sign_in: Returns the caller of a payload of connection_init and a listener that closes when it loses access.
    """

    def __init__(
        self,
        engine: Engine,
        socket: WebSocket[Any, Any, Any],
        deps: WebDeps,
        live: Live,
        sign_in: Any,
        *,
        introspection: bool,
        request_id: str,
    ) -> None:
        self._wire = _Wire(socket)
        super().__init__(
            view=self,  # type: ignore[arg-type]  # only on_ws_connect is used
            websocket=self._wire,  # type: ignore[arg-type]  # has the same methods
            context={},
            root_value=None,
            schema=None,  # type: ignore[arg-type]  # run_operation uses the engine
            connection_init_wait_timeout=timedelta(seconds=_INIT_S),
            max_subscriptions_per_connection=MOST_OPERATIONS,
        )
        self._engine = engine
        self._socket = socket
        self._deps = deps
        self._live = live
        self._sign_in = sign_in
        self._introspection = introspection
        self._request_id = request_id
        self._known: _Known | None = None
        self._watching: asyncio.Task[None] | None = None

    async def handle(self) -> None:
        """Serve the connection until either side ends it."""
        await super().handle()
        await self._wire.finish()

    async def on_ws_connect(self, context: dict[str, Any]) -> Any:
        """Find out who connects. Raises: ConnectionRejectionError."""
        try:
            caller, is_valid = await sync_to_thread(self._sign_in, context.get("connection_params") or {})
        except (MydiaError, HTTPException) as error:
            raise ConnectionRejectionError from error
        self._known = _Known(caller, self._live.join(caller, frozenset(), "", is_valid))
        self._watching = asyncio.create_task(self._watch(self._known.listener))
        return UNSET

    async def handle_message(self, message: Any) -> None:
        """Handle one message; one of the wrong shape closes the connection."""
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            await self.handle_invalid_message("A message is an object with a type.")
        elif message["type"] in ("subscribe", "complete") and not isinstance(message.get("id"), str):
            await self.handle_invalid_message("The id of an operation is a text.")
        elif message["type"] == "subscribe" and not isinstance(message.get("payload"), dict):
            await self.handle_invalid_message("The payload of subscribe is an object.")
        else:
            await super().handle_message(message)  # type: ignore[arg-type]  # its shape was checked

    async def run_operation(self, operation: Running[Any, Any]) -> None:
        """Execute one operation and send its results."""
        try:
            await self._run(operation)
        except (NotStarted, GraphQLError) as error:
            errors = error.errors if isinstance(error, NotStarted) else errors_of(error, self._request_id)
            await self._send(operation, {"id": operation.id, "type": "error", "payload": errors})
        except (MydiaError, HTTPException) as error:
            message, extensions = explain(error)
            told = [{"message": message, "extensions": extensions}]
            await self._send(operation, {"id": operation.id, "type": "error", "payload": told})
        except WebSocketDisconnected:
            return
        else:
            # A client takes `complete` as the end; an interrupted one must connect again.
            if self._known is not None and not self._known.listener.closed:
                await self._send(operation, {"id": operation.id, "type": "complete"})

    async def _run(self, running: Running[Any, Any]) -> None:
        known = self._known
        if known is None or not await sync_to_thread(known.listener.is_valid):
            raise Refused("Your session or API key is no longer valid.", "NOT_SIGNED_IN")
        operation = read_operation(
            {"query": running.query, "variables": running.variables, "operationName": running.operation_name}
        )
        prepared = await sync_to_thread(self._engine.prepare, operation, introspection=self._introspection)
        refuse(prepared, OperationType.MUTATION)
        if prepared.kind is OperationType.QUERY:
            context = self._context(known, operation)
            result = await sync_to_thread(self._engine.execute, prepared, operation, context)
            payload: Any = said(result, context, self._request_id)
            await self._send(running, {"id": running.id, "type": "next", "payload": payload})
            return
        stream = results(self._engine, prepared, operation, lambda: self._context(known, operation), self._request_id)
        async with aclosing(stream):
            async for one in stream:
                await self._send(running, {"id": running.id, "type": "next", "payload": one.payload})

    def _context(self, known: _Known, _operation: Operation) -> Context:
        return Context(deps=self._deps, caller=known.caller, request=self._socket, listener=known.listener)

    async def _send(self, running: Running[Any, Any], message: Any) -> None:
        with suppress(WebSocketDisconnected):
            await running.send_operation_message(message)

    async def _watch(self, listener: Listener) -> None:
        """Close the connection when its caller loses access or Mydia stops."""
        while not listener.closed:
            await listener.wait(_CHECK_S)
            if not listener.closed and not await sync_to_thread(listener.is_valid):
                break
        lost = not await sync_to_thread(listener.is_valid)
        await self.websocket.close(_FORBIDDEN if lost else _GOING_AWAY, "Signed out." if lost else "Mydia stops.")

    async def shutdown(self) -> None:
        """End what runs for the connection."""
        if self._watching is not None:
            self._watching.cancel()
        if self._known is not None:
            self._live.leave(self._known.listener)
        await super().shutdown()
