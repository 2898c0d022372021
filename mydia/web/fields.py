"""Read numbers in addresses."""

from __future__ import annotations

_DIGITS_AT_MOST = 18
"""What fits SQLite's integers; Python refuses to read more than 4300 digits."""


def whole_number(text: str | None) -> int | None:
    """Return a number from zero up, or None for anything else.

    >>> whole_number(" 12 "), whole_number("-1"), whole_number("²"), whole_number("9" * 30)
    (12, None, None, None)
    """
    cleaned = (text or "").strip()
    if not (cleaned.isascii() and cleaned.isdigit() and len(cleaned) <= _DIGITS_AT_MOST):
        return None
    return int(cleaned)
