"""Answers that depend on an ETag: 304 if nothing has changed, 412 if something has."""

from __future__ import annotations

import hashlib

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException

from mydia.errors import MydiaError
from mydia.web.deps import WebRequest


class NotModified(HTTPException):
    """Nothing has changed since the response that the client has."""

    status_code = 304

    def __init__(self, tag: str) -> None:
        super().__init__(headers={"ETag": tag})


class Changed(MydiaError):
    """Somebody changed it since the response whose ETag was sent in If-Match."""

    kind = "changed"

    def __init__(self, sentence: str = "It has changed since you read it. Read it again, then decide.") -> None:
        super().__init__(sentence)


def tag_of(body: object) -> str:
    """Return the ETag of a response."""
    return f'"{hashlib.sha256(msgspec.json.encode(body)).hexdigest()[:32]}"'


def require_match(request: WebRequest, tag: str) -> None:
    """Refuse a change if the request has an If-Match that does not name the present state.

    Raises:
        Changed: It names another one.
    """
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return
    # Strong comparison (RFC 9110 §13.1.1): a weak tag never matches.
    if tag not in [one.strip() for one in given.split(",")]:
        raise Changed


def not_modified(_request: WebRequest, error: NotModified) -> Response[None]:
    """Return an empty response with the ETag."""
    return Response(None, status_code=304, headers=dict(error.headers or {}))
