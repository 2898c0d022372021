"""What is wrong with a value that was sent, in words for people; the reader of JSON speaks of its own types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_KINDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
    "date": "a day",
    "datetime": "a moment",
}
_UNITS = {"str": ("character", "characters"), "array": ("entry", "entries"), "object": ("entry", "entries")}
_BODY = "body"
"""What the whole of a body is called, where no field of it can be named."""


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
        lambda m: f"Give at {'least' if m[2] == '>=' else 'most'} {_amount(m[1], m[3])}.",
    ),
    (
        re.compile(r"Expected `\w+` (>=|<=|>|<) (-?[\d.]+)"),
        lambda m: f"Give {_BOUNDS[m[1]].format(m[2].removesuffix('.0'))}.",
    ),
    (re.compile(r"Expected `\w+` matching regex '(.+)'"), lambda m: f"This is not in the expected form: {m[1]}"),
    (re.compile(r"Expected `(.+?)`, got `(.+?)`"), lambda m: f"Give {_kinds(m[1])}, not {_kinds(m[2])}."),
    (re.compile(r"Invalid enum value '?(.*?)'?$"), lambda m: f"“{m[1]}” is not one of the values that are possible."),
    (re.compile(r"Invalid RFC3339 encoded datetime"), lambda _: "Write a moment like 2026-11-21T15:36:00Z."),
    (re.compile(r"Invalid RFC3339 encoded date"), lambda _: "Write a day like 2026-11-21."),
)
_MISSING = re.compile(r"Object missing required field `(.+?)`")
_NO_PARAMETER = re.compile(r"Missing required \w+ parameter '(.+?)'")


def sentence(message: str) -> str:
    """Say one thing that msgspec objects to.

    >>> sentence("Expected `str | null`, got `int`"), sentence("Expected `int` >= 1")
    ('Give a text or null, not a whole number.', 'Give 1 or more.')
    """
    for pattern, say in _SENTENCES:
        if found := pattern.match(message):
            return say(found)
    return "This cannot be used."


def by_field(detail: str, extra: Any, names: Mapping[str, str]) -> dict[str, str]:
    """Return what Litestar reports about wrong input as field -> sentence.

    Args:
        detail: Its own sentence, which names a parameter that is missing altogether.
        extra: Its list of messages.
        names: Handler's parameter -> what it is called in an address.
    """
    if found := _NO_PARAMETER.search(detail):
        return {found[1]: "This is missing."}
    told = extra if isinstance(extra, list) else ()
    return dict(_field(one, names) for one in told if isinstance(one, dict))


def _field(told: Mapping[str, Any], names: Mapping[str, str]) -> tuple[str, str]:
    key, message = str(told.get("key", "")), str(told.get("message", ""))
    key = "" if key == "data" else names.get(key, key)
    if found := _MISSING.match(message):
        return ".".join(part for part in (key, found[1]) if part), "This is missing."
    if message == "'data'":
        # A KeyError's text: nothing was sent where a body is needed.
        return _BODY, "Send a JSON body."
    return key or _BODY, sentence(message)


def summary(fields: Iterable[str]) -> str:
    """Say which fields to look at.

    >>> summary(["limit", "sort"])
    'These values cannot be used: limit, sort.'
    """
    named = list(fields)
    return f"{'This value' if len(named) == 1 else 'These values'} cannot be used: {', '.join(named)}."
