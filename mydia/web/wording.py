"""Say in plain words what is wrong with a value that was sent; msgspec's messages name its own types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

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
    (re.compile(r"Invalid enum value '?(.*?)'?$"), lambda m: f"“{m[1]}” is not one of the allowed values."),
    (
        re.compile(r"Object contains unknown field `(.+)`"),
        lambda _: "There is no such field, or it cannot be changed here.",
    ),
    (re.compile(r"(Required: .+|Text must not contain .+|Given more than once.+)"), lambda m: m[1]),
    (re.compile(r"Expected `datetime` with a timezone component"), lambda _: "Add Z or an offset such as +01:00."),
    (re.compile(r"Invalid RFC3339 encoded datetime"), lambda _: "Must be a time such as 2026-11-21T15:36:00Z."),
    (re.compile(r"Invalid RFC3339 encoded date"), lambda _: "Must be a date such as 2026-11-21."),
)


def _required(pattern: str) -> str:
    """Say what a pattern requires; msgspec's messages have it as it is written in Python."""
    return next((said for known, said in SENTENCES.items() if repr(known)[1:-1] == pattern), f"Must match {pattern}")


_MISSING = re.compile(r"Object missing required field `(.+?)`")
_NO_PARAMETER = re.compile(r"Missing required \w+ parameter '(.+?)'")


def sentence(message: str) -> str:
    """Return one of msgspec's messages in plain words.

    >>> sentence("Expected `str | null`, got `int`"), sentence("Expected `int` >= 1")
    ('Must be text or null, not a whole number.', 'Must be 1 or more.')
    """
    for pattern, say in _SENTENCES:
        if found := pattern.match(message):
            return say(found)
    return "This value cannot be used."


def by_field(detail: str, extra: Any, names: Mapping[str, str]) -> dict[str, str]:
    """Return Litestar's validation errors as field -> sentence.

    Args:
        detail: Litestar's own sentence, which names a missing parameter.
        extra: Litestar's list of messages.
        names: A handler's parameter -> its name in the address.
    """
    if found := _NO_PARAMETER.search(detail):
        return {found[1]: "This field is required."}
    told = extra if isinstance(extra, list) else ()
    return dict(_field(one, names) for one in told if isinstance(one, dict))


def _field(told: Mapping[str, Any], names: Mapping[str, str]) -> tuple[str, str]:
    key, message = str(told.get("key", "")), str(told.get("message", ""))
    key = "" if key == "data" else names.get(key, key)
    if found := _MISSING.match(message):
        return ".".join(part for part in (key, found[1]) if part), "This field is required."
    if message == "'data'":
        # A KeyError's text: a body is needed, but nothing was sent.
        return _BODY, "Send a JSON body."
    return key or _BODY, sentence(message)


def summary(fields: Iterable[str]) -> str:
    """Return a sentence that names the wrong fields.

    >>> summary(["limit", "sort"])
    'These values cannot be used: limit, sort.'
    """
    named = list(fields)
    return f"{'This value' if len(named) == 1 else 'These values'} cannot be used: {', '.join(named)}."
