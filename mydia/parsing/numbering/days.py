"""Air dates: `2018.06.22`, `23rd Feb 2024`, `20161024`."""

from __future__ import annotations

import re
from copy import replace
from datetime import date, timedelta

from mydia.parsing.numbering.scene import Numbering, Scene, today

FIRST_TV_YEAR = 1970
"""Sonarr accepts no earlier air date; older dates in names are misread numbers."""

_YEAR_MONTH_DAY = re.compile(r"(?<![0-9])((?:19|20)\d\d)([ ._-]{1,2})(\d{1,2})[ ._-]{1,2}(\d{1,2})(?![0-9])")

_DAY_MONTH_YEAR = re.compile(r"(?<![0-9])(\d{1,2})([ ._/-])(\d{1,2})\2((?:19|20)\d\d)(?![0-9])")

_EIGHT_DIGITS = re.compile(r"(?<![0-9a-z])((?:19|20)\d\d)(0\d|1[0-2])([0-3]\d)(?![0-9a-z])")

_MONTHS = {
    m: n for n, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}

_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"

_NAMED_MONTH = re.compile(
    rf"(?<![0-9])(\d{{1,2}})(?:st|nd|rd|th)?[ ._-]{{1,2}}{_MONTH}[ ._,-]{{1,2}}((?:19|20)\d\d)(?![0-9])"
)

_MONTH_NAMED = re.compile(
    rf"(?<![a-z]){_MONTH}[ ._-]{{1,2}}(\d{{1,2}})(?:st|nd|rd|th)?[ ._,-]{{1,2}}((?:19|20)\d\d)(?![0-9])"
)

_NUMBER_BEFORE = re.compile(r"[ ._-]{1,3}(?:episode|ep?|#)[ ._]?(\d{1,5})[ ._(\[-]{1,3}\Z")
_NUMBER_BEHIND = re.compile(r"[ ._)\]-]{1,3}(?:episode|ep?|#)[ ._]?(\d{1,5})(?![0-9a-z])")
"""Episode number next to an air date, as long-running shows have it: `Ep1699 20220828`."""
_NUMBER_REACH = 20
_PART_BEHIND = re.compile(r"[ ._-]{1,3}part[ ._-]?(\d{1,2})(?![0-9])")


def _read_date(scene: Scene) -> tuple[int, int, int, int, int, bool] | None:
    """Return start, end, year, month, day and whether day and month are ambiguous."""
    low, begin = scene.low, scene.begin
    found = _YEAR_MONTH_DAY.search(low, begin)
    if found:
        year, month, day = int(found.group(1)), int(found.group(3)), int(found.group(4))
        if month > 12 >= day:
            month, day = day, month
        if (month <= 12 and day <= 31) or (month <= 31 and day <= 31 and len(found.group(2)) == 1):
            return found.start(), found.end(), year, month, day, False
    found = _DAY_MONTH_YEAR.search(low, begin)
    if found:
        day, month, year = int(found.group(1)), int(found.group(3)), int(found.group(4))
        ambiguous = day <= 12 and month <= 12 and day != month
        if month > 12 >= day:
            month, day = day, month
        if month <= 12 and day <= 31:
            return found.start(), found.end(), year, month, day, ambiguous
    found = _EIGHT_DIGITS.search(low, begin)
    if found:
        return found.start(), found.end(), int(found.group(1)), int(found.group(2)), int(found.group(3)), False
    if any(month in low for month in _MONTHS):
        found = _NAMED_MONTH.search(low, begin)
        if found:
            return found.start(), found.end(), int(found.group(3)), _MONTHS[found.group(2)], int(found.group(1)), False
        found = _MONTH_NAMED.search(low, begin)
        if found:
            return found.start(), found.end(), int(found.group(3)), _MONTHS[found.group(1)], int(found.group(2)), False
    return None


_OLD_YEAR = re.compile(r"\((19[3-6]\d)\)")

_TIME_BEHIND = re.compile(r"[ ._-]\d\d[ ._-]\d\d[ ._-]\d\d(?![0-9])")


def _is_old_series(scene: Scene, start: int, end: int, year: int) -> bool:
    """Return whether a date before the limit is valid: the series is as old, or a time of day follows."""
    own = _OLD_YEAR.search(scene.low, scene.begin, start)
    return (own is not None and abs(int(own.group(1)) - year) <= 30) or _TIME_BEHIND.match(scene.low, end) is not None


def daily(scene: Scene) -> Numbering | None:
    """Read `Show.2018.06.22.Guest`, `Show 23rd Feb 2024`, `20161024 - Title`; an impossible date is refused."""
    if scene.hint == "movie":
        return None
    read = _read_date(scene)
    if read is None:
        return None
    start, end, year, month, day, ambiguous = read
    refused = Numbering(start, end, "day", 0.0, refusal="impossible air date")
    try:
        air_on = date(year, month, day)
    except ValueError:
        return refused if scene.hint == "tv" else None
    if air_on > today() + timedelta(days=1) or (year < FIRST_TV_YEAR and not _is_old_series(scene, start, end, year)):
        return refused if scene.hint == "tv" else None
    if ambiguous and scene.hint == "tv":
        return replace(refused, refusal="ambiguous day and month")
    part = _PART_BEHIND.match(scene.low, end)
    spans: dict[str, tuple[tuple[int, int], ...]] = {"air_on": ((start, end),)}
    number = _NUMBER_BEFORE.search(scene.low, max(scene.begin, start - _NUMBER_REACH), start)
    beside = number if number is not None and number.start() > scene.begin else _NUMBER_BEHIND.match(scene.low, end)
    absolute: tuple[int, ...] = ()
    if beside is not None:
        absolute = (int(beside.group(1)),)
        spans["absolute_episodes"] = (beside.span(1),)
        start, end = min(start, beside.start()), max(end, beside.end())
    return Numbering(
        start, part.end() if part else end, "day", 0.6 if ambiguous else 0.95, absolute=absolute, air_on=air_on,
        part=int(part.group(1)) if part else None, spans=spans,
    )  # fmt: skip


def day_in_front(scene: Scene) -> Numbering | None:
    """Read `20161024- Title.21x41`: a date in eight digits at the start, whatever follows."""
    found = _EIGHT_DIGITS.match(scene.low, scene.begin)
    return daily(scene) if found is not None else None


_STATED_DAY = re.compile(r"(?<![0-9])((?:19|20)\d\d)([ ._-])(\d\d)\2(\d\d)(?![0-9])")


def stated_day(scene: Scene) -> tuple[date, tuple[int, int]] | None:
    """Return the air date next to season and episode, with its span: `Title - S01E01 - [2011-09-19]`."""
    found = _STATED_DAY.search(scene.low, scene.begin)
    if found is None:
        return None
    try:
        day = date(int(found.group(1)), int(found.group(3)), int(found.group(4)))
    except ValueError:
        return None
    return (day, found.span()) if day.year >= FIRST_TV_YEAR and day <= today() else None


_SIX_DIGITS = re.compile(r"(?<=[ ._-])(\d\d)(0[1-9]|1[0-2])([0-3]\d)(?=[ ._\[(]|\Z)")


def day_in_six_digits(scene: Scene) -> Numbering | None:
    """Read `Show.140722.720p`: a recording date, year first."""
    if scene.hint != "tv":
        return None
    found = _SIX_DIGITS.search(scene.low, scene.begin + 1)
    if found is None:
        return None
    try:
        air_on = date(2000 + int(found.group(1)), int(found.group(2)), int(found.group(3)))
    except ValueError:
        return None
    if air_on > today():
        return None
    return Numbering(
        found.start(), found.end(), "day in six digits", 0.5, air_on=air_on, spans={"air_on": (found.span(),)}
    )
