"""Read untrusted JSON. A value of the wrong type counts as absent, so that one invalid field does not lose a title."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any

_MAX_TEXT = 100_000
"""Maximum number of characters; the longest overviews have a few thousand."""
_MAX_NAME = 1_000
"""The longest title of a movie has 239 characters, the longest of an episode about as many."""
_MAX_SEASON = 9_999
"""Some shows number their seasons by years."""
_MAX_EPISODE = 99_999
_MAX_ROWS = 10_000
"""Episodes of a season: daily soaps reach some thousands."""
_YEARS = range(1870, 2201)
_MAX_WHOLE = 2**31 - 1
"""The largest number of an integer column in PostgreSQL; catalogue ids have up to eight digits."""


def text(value: Any) -> str | None:
    """Return non-empty text, without NUL and lone surrogates, which a database cannot store."""
    if not isinstance(value, str):
        return None
    kept = value[:_MAX_TEXT].strip()
    if "\x00" in kept or not kept.isascii():
        kept = kept.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8").strip()
    return kept or None


def name(value: Any) -> str | None:
    """Return the name of a title or episode: a text that shows something, of a length that a name can have."""
    found = text(value)
    if found is None or len(found) > _MAX_NAME or not any(unicodedata.category(sign)[0] not in "CZ" for sign in found):
        return None
    return found


def whole(value: Any) -> int | None:
    """Return a whole number, which may be a string."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) <= 10 else None
    return value if isinstance(value, int) and abs(value) <= _MAX_WHOLE else None


def number(value: Any) -> float | None:
    """Return a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def day(value: Any) -> date | None:
    """Return the day of an ISO date or instant."""
    if not isinstance(value, str) or len(value) < 10:
        return None
    try:
        found = date.fromisoformat(value[:10])
    except ValueError:
        return None
    # Databases write 0001-01-01 and 9999-12-31 for unknown.
    return found if found.year in _YEARS else None


def rows(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list."""
    return [entry for entry in value[:_MAX_ROWS] if isinstance(entry, dict)] if isinstance(value, list) else []


def part(value: Any, *names: str) -> Any:
    """Return a nested value by names; None if a step is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def year(value: Any) -> int | None:
    """Return the year of a date, or a plain year."""
    found = day(value)
    if found:
        return found.year
    alone = whole(value)
    return alone if alone in _YEARS else None


def season(value: Any) -> int | None:
    """Return the number of a season; 0 for specials."""
    found = whole(value)
    return found if found is not None and 0 <= found <= _MAX_SEASON else None


def episode(value: Any) -> int | None:
    """Return the number of an episode."""
    found = whole(value)
    return found if found is not None and 0 <= found <= _MAX_EPISODE else None


def positive(value: Any) -> int | None:
    """Return a whole number above zero; catalogues use 0 for unknown."""
    found = whole(value)
    return found if found and found > 0 else None


_IMDB_ID = re.compile(r"tt\d{6,10}")


def imdb_id(value: Any) -> str | None:
    """Return an IMDb id of a title."""
    found = text(value)
    return found if found and _IMDB_ID.fullmatch(found) else None


def without_year(title: str, year: int | None) -> str:
    """Return a title without its year at the end, which TheTVDB adds to series of the same name.

    >>> without_year("Castle (2009)", 2009), without_year("Blade Runner (2049)", 2017)
    ('Castle', 'Blade Runner (2049)')
    """
    ending = f" ({year})"
    return title.removesuffix(ending).strip() or title
