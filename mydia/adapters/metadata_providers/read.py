"""Reading foreign JSON: what has the wrong type is absent, so that one odd field does not spoil a title."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any


def text(value: Any) -> str | None:
    """Return a text that says something."""
    return value.strip() or None if isinstance(value, str) else None


def whole(value: Any) -> int | None:
    """Return a whole number, also one written as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def number(value: Any) -> float | None:
    """Return a number."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def day(value: Any) -> date | None:
    """Return the day of an ISO date or instant."""
    if not isinstance(value, str) or len(value) < 10:
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def rows(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def part(value: Any, *names: str) -> Any:
    """Walk into objects by name; None when a step is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def year(value: Any) -> int | None:
    """Return the year of a date, or a year written alone."""
    found = day(value)
    if found:
        return found.year
    alone = whole(value)
    return alone if alone and 1870 <= alone <= 2200 else None


def positive(value: Any) -> int | None:
    """Return a whole number above zero; catalogues write 0 for unknown."""
    found = whole(value)
    return found if found and found > 0 else None
