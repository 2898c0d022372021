"""GraphQL fields made from the handlers of the REST API.

A handler's signature says what a field takes and returns. The field calls the same function with the same caller, after the
same early refusal and the same checks of its values, so both interfaces allow, refuse and do the same.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin

import msgspec
import strawberry
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.types import Empty
from litestar.typing import FieldDefinition
from strawberry.types import Info

from mydia.errors import Invalid
from mydia.web import bodies, wording
from mydia.web.api.description import limited
from mydia.web.api.schemas import Page
from mydia.web.auth import guards
from mydia.web.graphql.context import Context
from mydia.web.graphql.paging import Connections, read_page
from mydia.web.graphql.shapes import UNSET_INPUT, Shapes, camel, to_plain

_PREFIX = "/api/v1"

type Read = Callable[[Context, Mapping[str, Any]], Any]

_PROVIDED: Mapping[str, Callable[[Context], Any]] = {
    "caller": lambda context: context.caller,
    "config": lambda context: context.deps.config,
    "database": lambda context: context.deps.database,
    "deps": lambda context: context.deps,
    "outside": lambda context: context.deps.outside,
    "request": lambda context: context.request,
    "taskboard": lambda context: context.deps.taskboard,
}
"""Parameters of handlers that are not arguments of the field."""

DIRECT = "direct"
"""Attribute of a resolver with the function that graphql-core may call in its place: (value, info, arguments as they are named)."""

_RENAMED = {"wanted_state": "state", "group": "state"}
"""Parameter of a handler -> name of the argument, where Python could not use the name."""


_OWNERS = frozenset({"media_id", "user_id"})
"""Ids that keep their name where they are the only one; any other is called `id`."""


class Fields:
    """Makes fields of one schema."""

    def __init__(self, shapes: Shapes, connections: Connections) -> None:
        self._shapes = shapes
        self._connections = connections

    def make(self, name: str, handler: HTTPRouteHandler, *, read: Read | None = None) -> Any:
        """Return the field of a handler.

        Args:
            name: Name of the field in Python's spelling; enumerations of its arguments are named after it.
            read: Called in place of the handler's function, for a handler that returns an encoded response.
        """
        call = Call(handler, {}, read=read)
        returned = handler.parsed_fn_signature.return_type.annotation
        if get_origin(returned) is Response:
            (returned,) = get_args(returned)
        paged = get_origin(returned) is Page
        arguments = [one for one in self.arguments(name, call) if not (paged and one.name in ("cursor", "limit"))]
        if paged:
            kind = self._connections.of(self._shapes.output(get_args(returned)[0]))
            arguments += self._connections.arguments()

            def resolve(info: Info[Any, Any], first: int = 50, after: str | None = None, **given: Any) -> Any:
                return read_page(
                    lambda cursor, limit: call(info.context, {**given, "cursor": cursor, "limit": limit}), first, after
                )

        else:
            kind = bool if returned in (None, type(None)) else self._shapes.output(returned, f"{camel(name)}.{name}")

            def resolve(info: Info[Any, Any], **given: Any) -> Any:  # type: ignore[misc]  # the signature is replaced below
                found = call(info.context, given)
                return True if kind is bool and found is None else found

        return field_of(resolve, arguments, kind, description=inspect.getdoc(handler.fn))

    def arguments(self, name: str, call: Call) -> list[inspect.Parameter]:
        """Return the arguments of a handler's field."""
        return [self._argument(name, call, parameter) for parameter in call.parameters]

    def _argument(self, name: str, call: Call, parameter: str) -> inspect.Parameter:
        field = call.fields[parameter]
        spelled = call.argument(parameter)
        place = f"{camel(name)[:1].upper()}{camel(name)[1:]}.{spelled}"
        if parameter == "data":
            annotation = self._shapes.input(field.annotation, place)
        else:
            annotation = self._shapes.input(limited(field), place)
        default: Any = inspect.Parameter.empty
        if field.has_default or field.is_optional:
            annotation, default = annotation | None, UNSET_INPUT
        return inspect.Parameter(spelled, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


class Call:
    """Calls the function of a handler with the arguments of a field."""

    def __init__(self, handler: HTTPRouteHandler, renamed: Mapping[str, str], *, read: Read | None = None) -> None:
        self._call = handler.fn
        self._read = read
        self.fields: Mapping[str, FieldDefinition] = handler.parsed_fn_signature.parameters
        self.parameters = [name for name in self.fields if name not in _PROVIDED]
        self._spelled = {**_RENAMED, **renamed}
        self._provided = [name for name in self.fields if name in _PROVIDED]
        self._address = address_of(handler)
        places = [name for name in self.parameters if f"{{{name}:" in min(handler.paths)]
        if len(places) == 1 and places[0] not in _OWNERS and places[0].endswith("_id"):
            self._spelled.setdefault(places[0], "id")
        self._changing = handler.http_methods != {"GET"}

    def argument(self, parameter: str) -> str:
        """Return the name of the argument for a parameter."""
        return "input" if parameter == "data" else self._spelled.get(parameter, parameter)

    def __call__(self, context: Context, given: Mapping[str, Any]) -> Any:
        """Refuse early, check the arguments and call the handler's function."""
        guards.refuse(context.caller, self._address, changing=self._changing)
        arguments = {name: _PROVIDED[name](context) for name in self._provided}
        for parameter in self.parameters:
            value = given.get(self.argument(parameter), UNSET_INPUT)
            field = self.fields[parameter]
            if value is UNSET_INPUT or (value is None and not (parameter == "data" and field.is_optional)):
                if not field.has_default and field.default is Empty and value is UNSET_INPUT and not field.is_optional:
                    raise Invalid(f"{camel(self.argument(parameter))} is required.")
                arguments[parameter] = field.default if field.has_default else None
                continue
            arguments[parameter] = self._checked(parameter, field, to_plain(value))
        if self._read is not None:
            return self._read(context, arguments)
        answer = self._call(**arguments)
        # A response has headers that only REST can send, such as an ETag.
        return answer.content if isinstance(answer, Response) else answer

    def _checked(self, parameter: str, field: FieldDefinition, value: Any) -> Any:
        if parameter == "data":
            return bodies.read(field.annotation, value)
        if isinstance(value, str) and "\0" in value:
            raise Invalid("Text must not contain the character NUL.")
        spelled = camel(self.argument(parameter))
        try:
            # Some ids and cursors are numbers in the API; all of them are texts here.
            return msgspec.convert(value, limited(field), strict=not isinstance(value, str))
        except msgspec.ValidationError as error:
            sentence = wording.sentence(str(error), wording.allowed_at(field.annotation, ""))
            raise Invalid(sentence, fields={spelled: sentence}) from error


def address_of(handler: HTTPRouteHandler) -> str:
    """Return a handler's address as `guards.DOORS` spells it."""
    return _PREFIX + re.sub(r":\w+}", "}", min(handler.paths))


def field_of(
    resolve: Callable[..., Any],
    arguments: list[inspect.Parameter],
    kind: Any,
    *,
    description: str | None,
    has_root: bool = False,
) -> Any:
    """Return a field for a function whose arguments and result are described apart from it.

    Args:
        has_root: Whether the function takes the parent's value first.
    """
    provided = {**({"root": Any} if has_root else {}), "info": Info}
    positional = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=one)
        for name, one in provided.items()
    ]
    resolve.__signature__ = inspect.Signature([*positional, *arguments], return_annotation=kind)  # type: ignore[attr-defined]
    resolve.__annotations__ = {**provided, **{one.name: one.annotation for one in arguments}, "return": kind}
    return strawberry.field(resolver=resolve, description=description)
