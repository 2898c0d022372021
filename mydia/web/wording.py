"""Say in plain words what is wrong with a value that was sent; msgspec's messages name its own types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import inspect

from mydia.web.patterns import SENTENCES

_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
    "date": "a date",
    "datetime": "a time",
}
_UNITS = {"str": ("character", "characters"), "array": ("entry", "entries"), "object": ("entry", "entries")}
_BODY = "body"
"""The name of the body as a whole, if no field can be named."""


def _kinds(text: str) -> str:
    names = [_KINDS.get(name.strip(), "something else") for name in text.split("|")]
    return " or ".join(dict.fromkeys(names))


def _amount(kind: str, amount: str) -> str:
    one, many = _UNITS.get(kind, _UNITS["array"])
    return f"{amount} {one if amount == '1' else many}"


_BOUNDS = {">=": "{} or more", "<=": "{} or less", ">": "more than {}", "<": "less than {}"}
_SENTENCES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"Expected `(\w+)` of length (>=|<=) (\d+)"),
        lambda m: f"Must have at {'least' if m[2] == '>=' else 'most'} {_amount(m[1], m[3])}.",
    ),
    (
        re.compile(r"Expected `\w+` (>=|<=|>|<) (-?[\d.]+)"),
        lambda m: f"Must be {_BOUNDS[m[1]].format(m[2].removesuffix('.0'))}.",
    ),
    (re.compile(r"Expected `\w+` matching regex '(.+)'"), lambda m: _required(m[1])),
    (re.compile(r"Expected `(.+?)`, got `(.+?)`"), lambda m: f"Must be {_kinds(m[1])}, not {_kinds(m[2])}."),
    (re.compile(r"Invalid enum value '?(.*?)'?$"), lambda m: f"“{m[1]}” is not an allowed value."),
    (
        re.compile(r"Object contains unknown field `(.+)`"),
        lambda _: "There is no such field, or it cannot be changed here.",
    ),
    (
        re.compile(
            r"(Required: .+|Text must not contain .+|Given more than once.+|Unknown field .+|Must have 1 to .+)"
        ),
        lambda m: m[1],
    ),
    (re.compile(r"Expected `datetime` with a timezone component"), lambda _: "Add Z or an offset such as +01:00."),
    (re.compile(r"Invalid RFC3339 encoded datetime"), lambda _: "Must be a time such as 2026-11-21T15:36:00Z."),
    (re.compile(r"Invalid RFC3339 encoded date"), lambda _: "Must be a date such as 2026-11-21."),
)


def _required(pattern: str) -> str:
    """Say what a pattern requires; msgspec's messages have it as it is written in Python."""
    return next((said for known, said in SENTENCES.items() if repr(known)[1:-1] == pattern), f"Must match {pattern}")


_MISSING = re.compile(r"Object missing required field `(.+?)`")
_NO_PARAMETER = re.compile(r"Missing required \w+ parameter '(.+?)'")


def sentence(message: str, allowed: Iterable[str] = ()) -> str:
    """Return one of msgspec's messages in plain words.

    Args:
        allowed: The values of the enumeration; see `allowed_at`.

    >>> sentence("Expected `str | null`, got `int`"), sentence("Expected `int` >= 1")
    ('Must be text or null, not a whole number.', 'Must be 1 or more.')
    >>> sentence("Invalid enum value 'film'", ["movie", "tv_show"])
    '“film” is not an allowed value. Use movie or tv_show.'
    """
    said = next((say(found) for pattern, say in _SENTENCES if (found := pattern.match(message))), None)
    if said is None:
        return "This value cannot be used."
    return f"{said} {use_one_of(allowed)}".strip() if _NOT_ALLOWED.match(message) else said


def use_one_of(allowed: Iterable[str]) -> str:
    """Name the values that may be used; empty if there are none.

    >>> use_one_of(["a", "b", "c"])
    'Use a, b or c.'
    """
    *first, last = [*allowed] or [""]
    return f"Use {', '.join(first)} or {last}." if first else f"Use {last}." if last else ""


def allowed_at(kind: Any, place: str) -> tuple[str, ...]:
    """Return the values that an enumeration or literal at a place of a type allows; empty if there is none.

    Args:
        place: As in msgspec's messages, without `$`: `files[0].mode`, `tags[...]`, or empty for the type itself.
    """
    found = [inspect.type_info(kind)]
    for step in _STEP.findall(place):
        found = [inner for outer in found for inner in _inside(outer, step)]
    return tuple(dict.fromkeys(value for one in found for value in allowed_of(one)))


def allowed_of(type_: inspect.Type) -> tuple[str, ...]:
    """Return the values that an enumeration or literal allows; empty for other types."""
    return tuple(str(value) for leaf in _plain(type_) for value in _values(leaf))


_NOT_ALLOWED = re.compile("Invalid enum value")
_STEP = re.compile(r"\[[^\]]*\]|[^.\[]+")


def _plain(type_: inspect.Type) -> Iterator[inspect.Type]:
    """Yield a type without annotations, each member of a union by itself."""
    match type_:
        case inspect.Metadata():
            yield from _plain(type_.type)
        case inspect.UnionType():
            for one in type_.types:
                yield from _plain(one)
        case _:
            yield type_


def _inside(type_: inspect.Type, step: str) -> Iterator[inspect.Type]:
    for one in _plain(type_):
        match one:
            case inspect.StructType():
                yield from (field.type for field in one.fields if field.encode_name == step)
            case inspect.DictType() if step.startswith("["):
                yield one.value_type
            case inspect.CollectionType() if step.startswith("["):
                yield one.item_type
            case inspect.TupleType() if step.startswith("["):
                yield from one.item_types


def _values(type_: inspect.Type) -> Iterable[object]:
    match type_:
        case inspect.EnumType():
            return [member.value for member in type_.cls]
        case inspect.LiteralType():
            return type_.values
    return ()


def by_field(detail: str, extra: Any, names: Mapping[str, str], kinds: Mapping[str, Any]) -> dict[str, str]:
    """Return Litestar's validation errors as field -> sentence.

    Args:
        detail: Litestar's own sentence, which names a missing parameter.
        extra: Litestar's list of messages.
        names: A handler's parameter -> its name in the address.
        kinds: A handler's parameter -> its type. An entry of `extra` may name the allowed values itself.
    """
    if found := _NO_PARAMETER.search(detail):
        return {found[1]: "This field is required."}
    told = extra if isinstance(extra, list) else ()
    return dict(_field(one, names, kinds) for one in told if isinstance(one, dict))


def _field(told: Mapping[str, Any], names: Mapping[str, str], kinds: Mapping[str, Any]) -> tuple[str, str]:
    key, message = str(told.get("key", "")), str(told.get("message", ""))
    allowed = told.get("allowed", ())
    if _NOT_ALLOWED.match(message) and key in kinds and not allowed:
        allowed = allowed_at(kinds[key], "") or allowed_at(kinds[key], "[...]")
    key = "" if key == "data" else names.get(key, key)
    if found := _MISSING.match(message):
        return ".".join(part for part in (key, found[1]) if part), "This field is required."
    if message == "'data'":
        # A KeyError's text: a body is needed, but nothing was sent.
        return _BODY, "Send a JSON body."
    return key or _BODY, sentence(message, allowed)


def summary(fields: Iterable[str]) -> str:
    """Return a sentence that names the wrong fields.

    >>> summary(["limit", "sort"])
    'These values cannot be used: limit, sort.'
    """
    named = list(fields)
    return f"{'This value' if len(named) == 1 else 'These values'} cannot be used: {', '.join(named)}."
