"""The 304 response."""

from __future__ import annotations

from litestar import Response
from litestar.exceptions import HTTPException

from mydia.web.deps import WebRequest


class NotModified(HTTPException):
    """Nothing has changed since the response that the client has."""

    status_code = 304

    def __init__(self, tag: str) -> None:
        super().__init__(headers={"ETag": tag})


def not_modified(_request: WebRequest, error: NotModified) -> Response[None]:
    """Return an empty response with the ETag."""
    return Response(None, status_code=304, headers=dict(error.headers or {}))
