"""The 304 response and the OpenAPI description."""

from __future__ import annotations

import json
import threading
from typing import Any

from litestar import Response, get
from litestar.exceptions import HTTPException

from mydia.web.deps import WebRequest

_PREFIX = "/api/v1"
_ERRORS = {
    "400": "Malformed request; `errors` names the fields.",
    "401": "No valid session or API key.",
    "403": "Permission denied.",
    "404": "It does not exist or was removed.",
    "409": "Conflict with existing data; see `detail`.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "Validation error; `errors` names the fields.",
    "429": "Too many requests; wait for the time in `Retry-After`.",
    "500": "Internal error; search the log for `request_id`.",
    "503": "A service that Mydia needs does not answer; try again after the time in `Retry-After`.",
}
_PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What went wrong and what to do."},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Field name -> message.",
        },
    },
}
_KEYS = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "Session of a signed-in browser; changes also need X-CSRF-Token.",
    },
}


class NotModified(HTTPException):
    """Nothing has changed since the response that the client has."""

    status_code = 304

    def __init__(self, tag: str) -> None:
        super().__init__(headers={"ETag": tag})


def not_modified(_request: WebRequest, error: NotModified) -> Response[None]:
    """Return an empty response with the ETag."""
    return Response(None, status_code=304, headers=dict(error.headers or {}))


class _Described:
    """The OpenAPI description, built on the first request because it takes a quarter of a second and is rarely read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[int, bytes] = {}

    def of(self, app: Any) -> bytes:
        with self._lock:
            if (known := self._made.get(id(app))) is None:
                known = self._made[id(app)] = json.dumps(describe(app.openapi_schema.to_schema())).encode()
            return known


_described = _Described()


def describe(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI description of this API, including authentication and error responses."""
    described = {
        **schema,
        "paths": {path: _path(item) for path, item in schema["paths"].items() if path.startswith(f"{_PREFIX}/")},
        "servers": [{"url": "/"}],
        "security": [{name: []} for name in _KEYS],
    }
    components = dict(schema.get("components") or {})
    components["schemas"] = {**components.get("schemas", {}), "Problem": _PROBLEM}
    components["securitySchemes"] = _KEYS
    components["responses"] = {
        f"Error{status}": {
            "description": sentence,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, sentence in _ERRORS.items()
    }
    described["components"] = components
    return described


def _path(item: dict[str, Any]) -> dict[str, Any]:
    return {method: _operation(told, method) if isinstance(told, dict) else told for method, told in item.items()}


def _operation(operation: dict[str, Any], method: str) -> dict[str, Any]:
    made = {status: told for status, told in operation["responses"].items() if status.startswith(("2", "3"))}
    made |= {status: {"$ref": f"#/components/responses/Error{status}"} for status in _ERRORS}
    if method == "get":
        made["304"] = {"description": "Not modified since the response whose ETag was sent in If-None-Match."}
    return {**operation, "responses": made}


@get("/openapi.json", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def openapi(request: WebRequest) -> Response[bytes]:
    """Return the description of this API (OpenAPI 3.1)."""
    return Response(
        _described.of(request.app), media_type="application/json", headers={"Cache-Control": "private, max-age=3600"}
    )
