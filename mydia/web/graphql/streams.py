"""Results of subscriptions: each event is executed in a thread, and the stream ends when its caller loses access."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Any, cast

import msgspec
from graphql import ExecutionResult, GraphQLError, create_source_event_stream
from litestar.concurrency import sync_to_thread

from mydia.web.graphql.answers import said
from mydia.web.graphql.context import Context
from mydia.web.graphql.engine import Engine, Prepared, Rejected
from mydia.web.graphql.errors import formatted
from mydia.web.graphql.incoming import Operation


class Result(msgspec.Struct, frozen=True):
    """One result of a subscription."""

    payload: Mapping[str, Any]
    id: str | None
    """From which a later stream resumes after this result; None if it cannot."""


class NotStarted(Exception):
    """A subscription that could not start; holds the errors as they are sent."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("the subscription could not start")
        self.errors = errors


async def results(
    engine: Engine, prepared: Prepared, operation: Operation, context: Callable[[], Context], request_id: str
) -> AsyncGenerator[Result]:
    """Yield the results of a subscription.

    Args:
        context: Returns a new context; every event gets its own, so that loaders read what is true by then.

    Raises:
        NotStarted: The caller may not subscribe, or an argument is wrong.
    """
    source = await _source(engine, prepared, operation, context(), request_id)
    async with aclosing(source):
        try:
            async for event in source:
                at = context()
                result = await sync_to_thread(engine.execute, prepared, operation, at, event)
                number = getattr(event, "id", None)
                yield Result(said(result, at, request_id), str(number) if isinstance(number, int) else None)
        except Exception as error:  # noqa: BLE001  reported to the subscriber like the error of any field
            failed = GraphQLError(str(error), original_error=error)
            yield Result({"data": None, "errors": formatted([failed], request_id)}, None)


async def _source(
    engine: Engine, prepared: Prepared, operation: Operation, context: Context, request_id: str
) -> AsyncGenerator[Any]:
    found = await create_source_event_stream(
        engine.schema,
        prepared.document,
        context_value=context,
        variable_values=dict(operation.variables),
        operation_name=operation.name,
    )
    if isinstance(found, ExecutionResult):
        raise NotStarted(formatted(found.errors or [], request_id))
    return cast("AsyncGenerator[Any]", found)


def errors_of(error: GraphQLError, request_id: str) -> list[dict[str, Any]]:
    """Return the errors of a document as they are sent."""
    return formatted(error.errors if isinstance(error, Rejected) else [error], request_id)


async def keep_alive(stream: AsyncIterator[Result], every_s: float) -> AsyncIterator[Result | None]:
    """Yield the results of a stream, and None after each silence of this length."""
    waiting: asyncio.Task[Result] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(stream))
            done, _ = await asyncio.wait({waiting}, timeout=every_s)
            if not done:
                yield None
                continue
            finished, waiting = waiting, None
            try:
                yield finished.result()
            except StopAsyncIteration:
                return
    finally:
        if waiting is not None:
            waiting.cancel()
