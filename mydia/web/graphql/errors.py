"""Errors as GraphQL reports them: `extensions.code` by kind, and `extensions.fields` for wrong values."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from graphql import GraphQLError
from litestar.exceptions import HTTPException, ValidationException

from mydia.errors import Invalid, MydiaError, Unavailable
from mydia.web import wording
from mydia.web.deps import Unreadable
from mydia.web.graphql.shapes import camel

logger = logging.getLogger(__name__)

INTERNAL = "Something went wrong. The error is in the log under the request's number."


class Refused(GraphQLError):
    """A document that is not executed: it is too large, too costly, or asks for what is disabled."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, extensions={"code": code})


def formatted(errors: Iterable[GraphQLError], request_id: str) -> list[dict[str, Any]]:
    """Return errors as they are sent."""
    return [_one(error, request_id) for error in errors]


def _one(error: GraphQLError, request_id: str) -> dict[str, Any]:
    told: dict[str, Any] = dict(error.formatted)
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if cause is None or isinstance(cause, GraphQLError):
        code = "GRAPHQL_VALIDATION_FAILED" if error.path is None else "INVALID"
        told["extensions"] = {"code": code, **(error.extensions or {})}
        return told
    message, extensions = explain(cause)
    if extensions["code"] == "INTERNAL":
        extensions["requestId"] = request_id
    told["message"], told["extensions"] = message, extensions
    return told


def _spelled(fields: Mapping[str, str]) -> dict[str, str]:
    """Return messages by the names that GraphQL has for the fields: `files[0].mediaId`."""
    return {".".join(camel(part) for part in name.split(".")): said for name, said in fields.items()}


def explain(cause: BaseException) -> tuple[str, dict[str, Any]]:
    """Return the sentence and the extensions of an error that a resolver raised."""
    match cause:
        case MydiaError():
            extensions: dict[str, Any] = {"code": cause.kind.upper()}
            if cause.fields:
                extensions["fields"] = _spelled(cause.fields)
            if isinstance(cause, Unavailable) and cause.retry_after_s is not None:
                extensions["retryAfterS"] = cause.retry_after_s
            return cause.message, extensions
        case ValidationException():
            fields = _spelled(wording.by_field(cause.detail, cause.extra, {}, {}))
            return wording.summary(fields), {"code": Invalid.kind.upper(), "fields": fields}
        case Unreadable():
            return cause.detail, {"code": Invalid.kind.upper()}
        case HTTPException() if cause.status_code < 500:
            return cause.detail, {"code": Invalid.kind.upper()}
    logger.error("graphql field failed", exc_info=cause)
    return INTERNAL, {"code": "INTERNAL"}
