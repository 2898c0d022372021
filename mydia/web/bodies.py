"""Read requests of the API strictly: what its description forbids is refused, and nothing is converted or dropped silently."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ValidationException

from mydia.web import wording

_NAMED = re.compile(r"(?:Required: |Object contains unknown field `)([\w.]+)")
"""Messages about a whole object that name the field."""
_PLACE = re.compile(r" - at `(?:key in )?\$\.?(.*)`$")


def read(kind: Any, sent: object) -> Any:
    """Convert parsed JSON to a handler's type.

    Litestar's own conversion is lenient, as addresses need it: it takes the text "5" for a number and a number for a time.

    Raises:
        ValidationException: A value does not match the type, or a text contains NUL, which PostgreSQL cannot store.
    """
    try:
        body = msgspec.convert(sent, kind)
    except msgspec.ValidationError:
        try:
            # JSON does not distinguish 1.0 from 1, msgspec does.
            body = msgspec.convert(_with_whole_numbers(sent), kind)
        except msgspec.ValidationError as error:
            raise _refused(str(error), kind) from error
    for place, text in _texts(body, ""):
        if "\0" in text:
            raise _refused(f"Text must not contain the character NUL. - at `$.{place}`", kind)
    return body


async def refuse_repeats(request: Request[Any, Any, Any]) -> None:
    """Refuse an address that names a parameter twice, unless it is a list: Litestar would use the last value.

    Raises:
        ValidationException: A parameter is given more than once.
    """
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name in seen and not _is_list(request, name):
            raise ValidationException("", extra=[{"key": name, "message": "Given more than once; it takes one value."}])
        seen.add(name)


def _is_list(request: Request[Any, Any, Any], name: str) -> bool:
    """Return whether a parameter is a list or unknown; unknown ones are ignored."""
    fields = request.route_handler.parsed_fn_signature.parameters
    for key, field in fields.items():
        if (getattr(field.kwarg_definition, "name", None) or key) == name:
            return field.is_non_string_sequence or any(inner.is_non_string_sequence for inner in field.inner_types)
    return True


def _refused(message: str, kind: Any) -> ValidationException:
    found = _PLACE.search(message)
    place = found[1] if found else ""
    allowed = wording.allowed_at(kind, place) if message.startswith("Invalid enum value") else ()
    if (named := _NAMED.match(message)) is not None:
        place = f"{place}.{named[1]}" if place else named[1]
    extra = {"key": place or "data", "message": _PLACE.sub("", message), "allowed": allowed}
    return ValidationException("The body cannot be used.", extra=[extra])


def _with_whole_numbers(value: object) -> object:
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _with_whole_numbers(inner) for key, inner in value.items()}
        case list():
            return [_with_whole_numbers(inner) for inner in value]
    return value


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Yield each text of a body with its place, such as `files[0].path`."""
    match value:
        case str():
            yield place, value
        case msgspec.Struct():
            for name in value.__struct_fields__:
                yield from _texts(getattr(value, name), f"{place}.{name}" if place else name)
        case Mapping():
            for key, inner in value.items():
                below = f"{place}.{key}" if place else str(key)
                yield below, str(key)
                yield from _texts(inner, below)
        case list() | tuple():
            for number, inner in enumerate(value):
                yield from _texts(inner, f"{place}[{number}]")
