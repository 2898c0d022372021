"""PURE. Formats in the JSON shape of Sonarr, Radarr and the TRaSH guides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mydia.contexts.settings.formats.apps import IMPLEMENTATIONS, KINDS, LACKING, NUMBERS, App
from mydia.contexts.settings.formats.values import RANGES, Condition, Kind
from mydia.errors import Invalid


def read_conditions(app: App, specifications: object) -> tuple[Condition, ...]:
    """Return the conditions of a format.

    Args:
        specifications: As in the file; `fields` is an object, or a list of names and values as in the v3 API.

    Raises:
        Invalid: The shape, a condition type or a value is unknown.
    """
    if not isinstance(specifications, list):
        raise Invalid("A custom format needs a list of specifications.")
    return tuple(_read(app, specification) for specification in specifications)


def _read(app: App, found: object) -> Condition:
    if not isinstance(found, Mapping):
        raise Invalid("A specification is an object.")
    name, implementation = str(found.get("name") or ""), str(found.get("implementation") or "")
    kind = KINDS.get(implementation)
    if kind is None:
        raise Invalid(f"{name}: the condition type {implementation or '(none)'} is unknown.")
    fields = _fields(found.get("fields"))
    if kind in RANGES:
        low, high = fields.get("min"), fields.get("max")
        if not isinstance(low, int | float) or not isinstance(high, int | float):
            raise Invalid(f"{name}: a range needs min and max.")
        value = ""
    else:
        low = high = None
        value = _value(app, kind, name, fields.get("value"))
    return Condition(
        kind=kind,
        name=name,
        value=value,
        negate=bool(found.get("negate", False)),
        required=bool(found.get("required", False)),
        excepted=bool(fields.get("exceptLanguage", False)),
        minimum=low,
        maximum=high,
    )


def _fields(found: object) -> Mapping[str, Any]:
    if isinstance(found, Mapping):
        return found
    if isinstance(found, list):
        return {str(one.get("name")): one.get("value") for one in found if isinstance(one, Mapping)}
    raise Invalid("A specification needs fields.")


def _value(app: App, kind: Kind, name: str, found: object) -> str:
    table = NUMBERS.get((app, kind))
    if table is None:
        if kind is Kind.RESOLUTION and isinstance(found, int):
            return str(found)
        if isinstance(found, str) and found:
            return found
        raise Invalid(f"{name}: the value is missing.")
    if not isinstance(found, int) or found not in table:
        raise Invalid(f"{name}: {app.capitalize()} has no {kind.replace('_', ' ')} {found}.")
    return table[found]


def write_conditions(app: App, conditions: tuple[Condition, ...], original: object = None) -> list[dict[str, Any]]:
    """Return conditions in the shape of an application.

    Args:
        original: The specifications they were imported from. Those that still mean the same are returned as they were,
            in their order.

    Raises:
        Invalid: The application has no such condition type or value.
    """
    if isinstance(original, list):
        known = read_conditions(app, original)
        if {one.meaning for one in known} == {one.meaning for one in conditions}:
            return [{**was, **_written(app, condition, was)} for was, condition in zip(original, known, strict=True)]
    return [_written(app, condition, {}) for condition in conditions]


def _written(app: App, condition: Condition, was: Mapping[str, Any]) -> dict[str, Any]:
    if condition.kind in LACKING[app]:
        raise Invalid(f"{app.capitalize()} has no conditions of the type {condition.kind.replace('_', ' ')}.")
    fields: dict[str, Any] = {}
    if condition.kind in RANGES:
        fields |= {"min": condition.minimum, "max": condition.maximum}
    else:
        fields["value"] = _number(app, condition)
    if condition.excepted or "exceptLanguage" in _fields(was.get("fields", {})):
        fields["exceptLanguage"] = condition.excepted
    return {
        "name": condition.name,
        "implementation": IMPLEMENTATIONS[condition.kind],
        "negate": condition.negate,
        "required": condition.required,
        "fields": fields,
    }


def _number(app: App, condition: Condition) -> str | int:
    table = NUMBERS.get((app, condition.kind))
    if table is None:
        return int(condition.value) if condition.kind is Kind.RESOLUTION else condition.value
    number = next((number for number, value in table.items() if value == condition.value), None)
    if number is None:
        raise Invalid(f"{condition.name}: {app.capitalize()} has no such {condition.kind.replace('_', ' ')}.")
    return number
