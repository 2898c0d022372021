"""The OpenAPI description. It states exactly what the handlers accept, so that generated clients and tests can rely on it.

Litestar's description of a handler loses the limits inside unions and lists, so request bodies and parameters are
described by msgspec, which also reads them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import KwargDefinition
from litestar.routes import HTTPRoute
from litestar.types import Empty
from litestar.typing import FieldDefinition

from mydia.web.api import conventions
from mydia.web.api.schemas import AtLeastOne
from mydia.web.deps import WebRequest

_PREFIX = "/api/v1"
_ERRORS = {
    "400": "Malformed request; `errors` names the fields.",
    "401": "No valid session or API key.",
    "403": "Permission denied.",
    "404": "It does not exist or was removed.",
    "409": "Conflict with existing data; see `detail`.",
    "412": "It has changed since the response whose ETag was sent in If-Match.",
    "413": "The body is too large.",
    "414": "The address is too long.",
    "415": "The body is not JSON.",
    "422": "Validation error; `errors` names the fields.",
    "431": "The headers are too long.",
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


class _Described:
    """The OpenAPI description, built on the first request because it takes a quarter of a second and is rarely read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[int, bytes] = {}

    def of(self, app: Any) -> bytes:
        with self._lock:
            if (known := self._made.get(id(app))) is None:
                known = self._made[id(app)] = json.dumps(describe(app)).encode()
            return known


_described = _Described()


def describe(app: Any) -> dict[str, Any]:
    """Return the OpenAPI description of this API, including authentication and error responses."""
    app.prepare()
    schema = app.openapi_schema.to_schema()
    handlers = dict(_handlers(app))
    bodies = _Bodies(handlers.values())
    described = {
        **schema,
        "paths": {
            path: {
                method: _operation(
                    told, method, handlers[path, method], bodies, conventions.resource_of(app, path, method.upper())
                )
                for method, told in item.items()
            }
            for path, item in schema["paths"].items()
            if path.startswith(f"{_PREFIX}/")
        },
        "servers": [{"url": "/"}],
        "security": [{name: []} for name in _KEYS],
    }
    components = dict(schema.get("components") or {})
    components["schemas"] = {**components.get("schemas", {}), **bodies.components, "Problem": _PROBLEM}
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


def _handlers(app: Any) -> Iterator[tuple[tuple[str, str], HTTPRouteHandler]]:
    """Yield the handlers of this API by path and method, as the description spells them."""
    for route in app.routes:
        if isinstance(route, HTTPRoute) and route.path_format.startswith(f"{_PREFIX}/"):
            for handler in route.route_handlers:
                for method in handler.http_methods:
                    yield (route.path_format, method.lower()), handler


class _Bodies:
    """The schemas of request bodies."""

    def __init__(self, handlers: Any) -> None:
        kinds = [one.parsed_data_field.annotation for one in handlers if one.parsed_data_field is not None]
        schemas, self.components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
        self._by_kind = dict(zip(map(str, kinds), map(_exact, schemas), strict=True))
        self.components = {name: _exact(schema) for name, schema in self.components.items()}
        for kind in AtLeastOne.__subclasses__():
            if kind.__name__ in self.components:
                self.components[kind.__name__]["anyOf"] = _groups(kind, self.components[kind.__name__]["properties"])

    def of(self, kind: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._by_kind[str(kind)]
        return found


def _operation(
    operation: dict[str, Any], method: str, handler: HTTPRouteHandler, bodies: _Bodies, resource: str | None
) -> dict[str, Any]:
    made = {status: told for status, told in operation["responses"].items() if status.startswith(("2", "3"))}
    made |= {status: {"$ref": f"#/components/responses/Error{status}"} for status in _ERRORS}
    if method == "get":
        made["304"] = {"description": "Not modified since the response whose ETag was sent in If-None-Match."}
        made = {
            status: {**told, "headers": {**told.get("headers", {}), **_shared_headers(handler)}}
            if status == "200"
            else told
            for status, told in made.items()
        }
    described = {**operation, "responses": made}
    parameters = [_parameter(told, handler) for told in operation.get("parameters", ())]
    if parameters := [*parameters, *_shared_parameters(method, operation, handler, resource)]:
        described["parameters"] = parameters
    if handler.parsed_data_field is not None:
        content = {"application/json": {"schema": bodies.of(handler.parsed_data_field.annotation)}}
        described["requestBody"] = {**operation["requestBody"], "content": content}
    return described


def _shared_parameters(
    method: str, operation: dict[str, Any], handler: HTTPRouteHandler, resource: str | None
) -> Iterator[dict[str, Any]]:
    """Yield the parameters that `conventions` reads."""
    if method == "get":
        if (listing := conventions.listing_of(handler)) is not None and "200" in operation["responses"]:
            yield {
                "name": "fields",
                "in": "query",
                "style": "form",
                "explode": False,
                "description": "Return only these fields, even where others are described as required.",
                "schema": {"type": "array", "minItems": 1, "items": {"type": "string", "enum": list(listing.names)}},
            }
        yield _header("If-None-Match", "An earlier `ETag`; 304 if nothing has changed.")
    if method != "get" and resource is not None:
        yield _header("If-Match", f"The `ETag` of `GET {resource}`; 412 instead of a change if it is another by now.")
    if method == "post" and "application/octet-stream" not in operation.get("requestBody", {}).get("content", ()):
        sentence = "A text of your choice for this request. Sent again within 24 hours, it gets the first answer."
        yield _header("Idempotency-Key", sentence, pattern=conventions.KEY_PATTERN)


def _header(name: str, description: str, **limits: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string", **limits}}


def _shared_headers(handler: HTTPRouteHandler) -> dict[str, Any]:
    """Return the response headers that `conventions` adds to what is read."""
    listing = conventions.listing_of(handler)
    told = {"ETag": "The state of the response, for `If-None-Match`, and for `If-Match` in a change."}
    if listing is not None and listing.is_page:
        told["Link"] = "The addresses of the first and the next page (RFC 8288)."
    return {name: {"description": sentence, "schema": {"type": "string"}} for name, sentence in told.items()}


def _parameter(told: dict[str, Any], handler: HTTPRouteHandler) -> dict[str, Any]:
    fields = handler.parsed_fn_signature.parameters
    field = next(
        field for key, field in fields.items() if (getattr(field.kwarg_definition, "name", None) or key) == told["name"]
    )
    schema = _exact(msgspec.json.schema(limited(field)))
    # Enumerations are the only types that msgspec describes apart.
    if "$ref" in schema:
        (schema,) = schema["$defs"].values()
    if field.has_default and field.default is not None:
        schema["default"] = field.default
    return {**told, "schema": schema}


def _groups(kind: type[AtLeastOne], properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Describe which fields must be given together."""
    return [
        {"required": list(group), "properties": {name: _given(properties[name]) for name in group}}
        for group in kind.groups
    ]


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """Describe a value that is neither null nor empty."""
    found: dict[str, Any] = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
    found = {key: value for key, value in found.items() if key != "default"}
    match found.get("type"):
        case "string" if "enum" not in found:
            return {"minLength": 1, **found}
        case "array":
            return {"minItems": 1, **found}
        case "boolean" if schema.get("default") is False:
            return {"const": True}
    return found


_LIMITS = ("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length")


def limited(field: FieldDefinition) -> Any:
    """Return a parameter's type with its limits and without None, which an address cannot spell."""
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)] if field.is_optional else []
    kind = kinds[0] if len(kinds) == 1 else field.annotation
    given = field.kwarg_definition
    if not isinstance(given, KwargDefinition):
        return kind
    limits = {name: value for name in _LIMITS if (value := getattr(given, name)) not in (None, Empty)}
    if isinstance(given.max_items, int):
        limits["max_length"] = given.max_items
    return Annotated[kind, msgspec.Meta(**limits)] if limits else kind


_NO_NUL = r"^[^\x00]*$"


def _exact(schema: Any) -> Any:
    """Add to a schema of msgspec what the web application checks everywhere: texts and keys have no NUL."""
    if isinstance(schema, list):
        return [_exact(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {key: value if key in ("enum", "default", "required") else _exact(value) for key, value in schema.items()}
    if made.get("type") == "string" and not made.keys() & {"enum", "pattern", "format"}:
        made["pattern"] = _NO_NUL
    if "enum" in made and all(isinstance(one, str) for one in made["enum"]):
        made["type"] = "string"
    if made.get("type") == "object" and isinstance(made.get("additionalProperties"), Mapping):
        made["propertyNames"] = {"pattern": _NO_NUL}
    return made


@get("/openapi.json", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def openapi(request: WebRequest) -> Response[bytes]:
    """Return the description of this API (OpenAPI 3.1)."""
    return Response(
        _described.of(request.app), media_type="application/json", headers={"Cache-Control": "private, max-age=3600"}
    )
