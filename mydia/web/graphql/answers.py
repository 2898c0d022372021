"""Answers to queries and mutations."""

from __future__ import annotations

from typing import Any

from graphql import ExecutionResult, GraphQLError, OperationType

from mydia.web.graphql.context import Context
from mydia.web.graphql.engine import Engine, Prepared, Rejected
from mydia.web.graphql.errors import Refused, formatted
from mydia.web.graphql.incoming import Operation

_NO_SUBSCRIPTION = "Subscribe over a WebSocket, or with Accept: text/event-stream."
_NO_MUTATION = "Send mutations by POST, without Accept: text/event-stream."


def refuse(prepared: Prepared, *kinds: OperationType) -> None:
    """Refuse operations that a request of this kind cannot carry.

    Raises:
        Refused: The operation is of one of these kinds.
    """
    if prepared.kind in kinds:
        sentence = _NO_SUBSCRIPTION if prepared.kind is OperationType.SUBSCRIPTION else _NO_MUTATION
        raise Refused(sentence, "BAD_REQUEST")


def answer(
    engine: Engine, operation: Operation, context: Context, request_id: str, *, introspection: bool
) -> tuple[int, dict[str, Any]]:
    """Execute a query or a mutation and return the status and the body of the answer."""
    try:
        prepared = engine.prepare(operation, introspection=introspection)
        refuse(prepared, OperationType.SUBSCRIPTION)
    except Rejected as error:
        return 400, {"errors": formatted(error.errors, request_id)}
    except GraphQLError as error:
        return 400, {"errors": formatted([error], request_id)}
    return 200, said(engine.execute(prepared, operation, context), context, request_id)


def said(result: ExecutionResult, context: Context, request_id: str) -> dict[str, Any]:
    """Return a result as it is sent."""
    made: dict[str, Any] = {"data": result.data}
    if result.errors:
        made["errors"] = formatted(result.errors, request_id)
    if context.notices:
        made["extensions"] = {"notices": context.notices}
    return made
