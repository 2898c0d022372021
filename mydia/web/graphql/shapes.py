"""GraphQL types made from the structs of the REST API, so that both describe the same things under the same names.

A value of such a type is the struct itself: fields are read from it without a conversion.
"""

from __future__ import annotations

import ast
import enum
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any, NewType

import msgspec
import strawberry
from msgspec import NODEFAULT, UNSET
from msgspec import inspect as types
from strawberry.scalars import JSON

BigInt = NewType("BigInt", int)
"""A whole number beyond 32 bits, such as a size in bytes. JSON and JavaScript keep it exactly up to 2^53."""

SCALARS: dict[Any, Any] = {
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number of up to 53 bits, such as a size in bytes.",
        serialize=int,
        parse_value=int,
    )
}

_LARGE = re.compile(r"bytes|_bps$")
_INT_MAX = 2**31 - 1


class Shapes:
    """Makes and keeps the types of one schema.

    Args:
        names: Names of types whose struct is called differently.
        input_names: The same for input types.
        same: Structs that have the type of another one.
        more: Returns what makes the fields that a struct's type has in addition, or in place of those of the struct.
    """

    def __init__(
        self,
        names: Mapping[type, str],
        input_names: Mapping[type, str],
        same: Mapping[type, type],
        more: Callable[[type], Callable[[Shapes], Mapping[str, Any]]],
    ) -> None:
        self._names = names
        self._input_names = input_names
        self._same = same
        self._more = more
        self._outputs: dict[Any, Any] = {}
        self._inputs: dict[Any, Any] = {}
        self._enums: dict[tuple[str, ...], Any] = {}
        self._taken: dict[str, Any] = {}

    def output(self, kind: Any, place: str = "") -> Any:
        """Return the annotation for values of a type that the API returns."""
        return self._annotation(types.type_info(kind), place, given=False)

    def input(self, kind: Any, place: str = "") -> Any:
        """Return the annotation for values of a type that the API takes."""
        return self._annotation(types.type_info(kind), place, given=True)

    def _annotation(self, told: types.Type, place: str, *, given: bool) -> Any:
        match told:
            case types.Metadata():
                return self._annotation(told.type, place, given=given)
            case types.UnionType():
                return self._union(told, place, given=given)
            case types.StructType():
                return self._input(told) if given else self._output(told)
            case types.ListType() | types.CollectionType():
                return list[self._annotation(told.item_type, place.removesuffix("s"), given=given)]  # type: ignore[misc]
            case types.EnumType():
                return self._enum(told.cls.__name__, [one.value for one in told.cls], inspect.getdoc(told.cls))
            case types.LiteralType() if all(isinstance(one, str) for one in told.values):
                return self._enum(_ENUMS.get(place) or _title(place), list(told.values), None)
            case types.StrType():
                return strawberry.ID if _is_id(place) else str
            case types.IntType():
                if _last(place) == "id":
                    return strawberry.ID
                return BigInt if _LARGE.search(_last(place)) or (told.le or 0) > _INT_MAX else int
            case types.FloatType():
                return float
            case types.BoolType():
                return bool
            case types.DateTimeType() | types.DateType():
                return datetime if isinstance(told, types.DateTimeType) else date
        return JSON | None if isinstance(told, types.AnyType) else JSON

    def _union(self, told: types.UnionType, place: str, *, given: bool) -> Any:
        real = [one for one in told.types if not isinstance(one, types.NoneType) and not _is_unset(one)]
        if len(real) != len(told.types):
            inner = self._annotation(types.UnionType(tuple(real)), place, given=given) if len(real) > 1 else None
            return (inner or self._annotation(real[0], place, given=given)) | None
        # A list may also be written as a text in the API; GraphQL takes the list.
        found: Any = next((one for one in real if isinstance(one, types.ListType)), None)
        return JSON if found is None else self._annotation(found, place, given=given)

    def _output(self, told: types.StructType) -> Any:
        kind = told.cls
        if kind in self._same:
            return self.output(self._same[kind])
        if kind not in self._outputs:
            name = self._claim(self._names.get(kind) or kind.__name__.removesuffix("Shape"), kind)
            made = self._outputs[kind] = type(name, (), {"__module__": __name__})
            self._fill(made, kind, name, told)
            strawberry.type(made, name=name, description=inspect.getdoc(kind))
        return self._outputs[kind]

    def fields(self, told: types.StructType, name: str) -> Iterator[tuple[str, Any, str | None]]:
        """Yield name, annotation and description of a struct's fields."""
        said = descriptions(told.cls)
        for field in told.fields:
            annotation = self._annotation(field.type, f"{name}.{field.name}", given=False)
            yield field.name, annotation, said.get(field.name)

    def _fill(self, made: Any, kind: type, name: str, told: types.StructType) -> None:
        made.__annotations__ = {}
        for field, annotation, said in self.fields(told, name):
            made.__annotations__[field] = annotation
            setattr(made, field, strawberry.field(description=said))
        for field, resolved in self._more(kind)(self).items():
            made.__annotations__.pop(field, None)
            setattr(made, field, resolved)

    def _input(self, told: types.StructType) -> Any:
        kind = told.cls
        if kind not in self._inputs:
            name = self._input_names.get(kind) or f"{self._names.get(kind) or kind.__name__.removesuffix('Shape')}Input"
            name = self._claim(name, kind)
            made: Any = type(name, (), {"__module__": __name__, "__annotations__": {}})
            self._inputs[kind] = made
            made.__sent_as__ = {field.name: field.encode_name for field in told.fields}
            said = descriptions(kind)
            for field in told.fields:
                annotation = self._annotation(field.type, f"{name.removesuffix('Input')}.{field.name}", given=True)
                if not field.required:
                    annotation = annotation | None
                options: dict[str, Any] = {} if field.required else {"default": UNSET_INPUT}
                if field.name != field.encode_name:
                    options["name"] = camel(field.encode_name)
                made.__annotations__[field.name] = annotation
                setattr(made, field.name, strawberry.field(description=_described(said, field), **options))
            strawberry.input(made, name=name, description=inspect.getdoc(kind))
        return self._inputs[kind]

    def _enum(self, name: str, values: list[Any], said: str | None) -> Any:
        key = tuple(map(str, values))
        if key not in self._enums:
            if self._taken.setdefault(name, key) is not key:
                msg = f"two types are called {name}"
                raise TypeError(msg)
            made = enum.Enum(name, {member(one): str(one) for one in key})  # type: ignore[misc]  # names are computed
            self._enums[key] = strawberry.enum(made, name=name, description=said)
        return self._enums[key]

    def _claim(self, name: str, kind: type) -> str:
        """Return the name, or if another struct has it, the name behind that of the struct's module."""
        if self._taken.setdefault(name, kind) is not kind:
            name = f"{kind.__module__.rpartition('.')[2].capitalize()}{name}"
        if self._taken.setdefault(name, kind) is not kind:
            msg = f"two types are called {name}: {self._taken[name]} and {kind}"
            raise TypeError(msg)
        return name


UNSET_INPUT = strawberry.UNSET


def to_plain(value: Any) -> Any:
    """Return an input as plain values with the names of its struct, without what was left out."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, list):
        return [to_plain(one) for one in value]
    if hasattr(type(value), "__strawberry_definition__"):
        named = ((sent_as, getattr(value, name)) for name, sent_as in type(value).__sent_as__.items())
        return {name: to_plain(one) for name, one in named if one is not strawberry.UNSET}
    return value


def camel(name: str) -> str:
    """Return a name as GraphQL spells it.

    >>> camel("media.auto_search_on_add")
    'mediaAutoSearchOnAdd'
    """
    first, *rest = re.split(r"[._]+", name)
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def member(value: str) -> str:
    """Return the name of an enumeration's value.

    >>> member("WEBDL-1080p"), member("4k")
    ('WEBDL_1080P', '_4K')
    """
    name = re.sub(r"\W+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", value)).upper()
    return f"_{name}" if name[:1].isdigit() else name


def _title(place: str) -> str:
    """Return the name of an enumeration from the place where it is used: `ScanRequest.import_mode` -> `ImportMode`."""
    owner, _, name = place.rpartition(".")
    plain = camel(name)
    return f"{owner if name in _COMMON else ''}{plain[:1].upper()}{plain[1:]}"


_COMMON = frozenset(
    {
        "type",
        "state",
        "mode",
        "role",
        "kind",
        "sort",
        "of",
        "level",
        "files",
        "name",
        "decision",
        "provider",
        "process",
        "items",
        "confirm",
    }
)
"""Names of fields that mean something else in each type."""


_ENUMS = {"DownloadHistory.state": "DownloadState", "History.type": "EventType"}
"""Place -> name of its enumeration."""


def _last(place: str) -> str:
    return place.rpartition(".")[2]


def _is_id(place: str) -> bool:
    return re.fullmatch(r"(?:\w+_)?ids?", _last(place)) is not None and _last(place) != "imdb_id"


def _is_unset(told: types.Type) -> bool:
    return isinstance(told, types.CustomType) and told.cls is msgspec.UnsetType


def _described(said: Mapping[str, str], field: types.Field) -> str | None:
    default = field.default
    text = said.get(field.name)
    if default in (NODEFAULT, UNSET, None) or isinstance(default, (list, dict)):
        return text
    word = member(str(default)) if isinstance(default, str) else str(default).lower()
    if word == "":
        return text
    return f"{text or ''}{' ' if text else ''}Default: {word}."


@cache
def descriptions(kind: type) -> dict[str, str]:
    """Return the strings under the fields of a class, those of its bases included."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        found |= _documented(base.__module__).get(base.__name__, {})
    return found


@cache
def _documented(module: str) -> dict[str, dict[str, str]]:
    loaded = sys.modules.get(module)
    path = getattr(loaded, "__file__", None)
    if loaded is None or path is None or not module.startswith("mydia."):
        return {}
    return {
        node.name: dict(_under_fields(node))
        for node in ast.parse(inspect.getsource(loaded)).body
        if isinstance(node, ast.ClassDef)
    }


def _under_fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            yield field.target.id, inspect.cleandoc(str(text.value.value))
