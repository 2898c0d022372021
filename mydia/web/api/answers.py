"""Answers that are no shape: nothing new, and the description of all others."""

from __future__ import annotations

import json
import threading
from typing import Any

from litestar import Response, get
from litestar.exceptions import HTTPException

from mydia.web.deps import WebRequest

_PREFIX = "/api/v1"
_ERRORS = {
    "400": "The question cannot be read; `errors` names the fields.",
    "401": "There is no valid session or key.",
    "403": "The caller may not do this.",
    "404": "It does not exist or was removed.",
    "409": "It collides with what is there already; `detail` says how.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "A value cannot be used; `errors` names the fields.",
    "429": "Too many questions; `Retry-After` says how long to wait.",
    "500": "Something went wrong; `request_id` leads to it in the log.",
    "503": "Something that Mydia needs does not answer; `Retry-After` says when to try again.",
}
_PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence for people that says what to do."},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Field -> sentence."},
    },
}
_KEYS = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "A signed-in browser; changes carry X-CSRF-Token too.",
    },
}


class NotModified(HTTPException):
    """Nothing changed since the answer that the asker has."""

    status_code = 304

    def __init__(self, tag: str) -> None:
        super().__init__(headers={"ETag": tag})


def not_modified(_request: WebRequest, error: NotModified) -> Response[None]:
    """Answer with nothing but the tag."""
    return Response(None, status_code=304, headers=dict(error.headers or {}))


class _Described:
    """The description, made when it is first asked for: it costs a quarter of a second and is seldom read."""

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
    """Return the OpenAPI description of this API alone, with how to sign in and what every error looks like."""
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
        made["304"] = {"description": "Nothing changed since the answer that If-None-Match names."}
    return {**operation, "responses": made}


@get("/openapi.json", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def openapi(request: WebRequest) -> Response[bytes]:
    """Describe this API as OpenAPI 3.1."""
    return Response(
        _described.of(request.app), media_type="application/json", headers={"Cache-Control": "private, max-age=3600"}
    )
