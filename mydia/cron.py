"""The cron grammar: five fields, or a nickname such as @daily. Used to check settings and to read schedules."""

from __future__ import annotations

import re

_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * sun",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# (name of the field, minimum, maximum, names of its values starting with the minimum)
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day_of_week", 0, 7, _WEEKDAYS),
)
_PART = re.compile(r"(?:\*|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>[0-9]{1,3}))?")


def read(line: str) -> dict[str, str]:
    """Parse a cron expression and return its fields with APScheduler's names and syntax.

    Weekdays are converted to names, because cron counts them from Sunday (0 and 7) and APScheduler from Monday.

    >>> read("0 2 * * 1-5")["day_of_week"], read("15 */6 * * fri-mon")["day_of_week"], read("@daily")["hour"]
    ('mon,tue,wed,thu,fri', 'sun,mon,fri,sat', '0')

    Raises:
        ValueError: The expression is invalid.
    """
    text = line.strip().lower()
    columns = _NICKNAMES.get(text, text).split()
    if len(columns) != len(_FIELDS):
        raise ValueError(line)
    return {
        name: "*" if column == "?" else _checked(column, name, low, high, names)
        for column, (name, low, high, names) in zip(columns, _FIELDS, strict=True)
    }


def is_cron(text: str) -> bool:
    """Return whether a string is a cron expression."""
    try:
        read(text)
    except ValueError:
        return False
    return True


def _checked(column: str, name: str, low: int, high: int, names: tuple[str, ...]) -> str:
    spans = [_span(part, low, high, names) for part in column.split(",")]
    if name != "day_of_week":
        if any(first > last for first, last, _ in spans):
            raise ValueError(column)
        return column
    if column == "*":
        return column
    chosen: set[int] = set()
    for first, last, step in spans:
        # `5-7` and `fri-mon` wrap around the end of the week.
        chosen |= {day % 7 for day in range(first, last + 7 * (last < first) + 1, step)}
    return ",".join(_WEEKDAYS[day] for day in sorted(chosen))


def _span(part: str, low: int, high: int, names: tuple[str, ...]) -> tuple[int, int, int]:
    """Return (first, last, step) of one part between commas."""
    match = _PART.fullmatch(part)
    if match is None or match["step"] == "0":
        raise ValueError(part)
    step = int(match["step"] or 1)
    if match["low"] is None:
        return low, 6 if names is _WEEKDAYS else high, step
    first = _number(match["low"], low, high, names)
    if match["high"] is not None:
        return first, _number(match["high"], low, high, names), step
    return first, (6 if names is _WEEKDAYS else high) if match["step"] else first, step


def _number(text: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text[:3] in names and (text in names or names is _WEEKDAYS):
        return names.index(text[:3]) + low
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ValueError(text)
    return int(text)
