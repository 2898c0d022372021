"""Reading what a form or an address says."""

from __future__ import annotations

from mydia.errors import Invalid

_DIGITS_AT_MOST = 18
"""What fits SQLite's integers; Python itself refuses to read more than 4300 digits."""


def whole_number(text: str | None) -> int | None:
    """Return a number from zero up, or None for anything else.

    >>> whole_number(" 12 "), whole_number("-1"), whole_number("²"), whole_number("9" * 30)
    (12, None, None, None)
    """
    cleaned = (text or "").strip()
    if not (cleaned.isascii() and cleaned.isdigit() and len(cleaned) <= _DIGITS_AT_MOST):
        return None
    return int(cleaned)


def season_of(text: str | None) -> int | None:
    """Return the season a form names, None when it names none.

    Raises:
        Invalid: It is no number; passed over, it would mean the whole series.
    """
    if not text:
        return None
    number = whole_number(text)
    if number is None:
        raise Invalid("There is no such season.", fields={"season": "Write the number of a season."})
    return number
