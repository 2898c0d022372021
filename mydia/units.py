"""Sizes, durations, speeds and counts as text."""

from __future__ import annotations

KIB = 1024
MIB = 1024**2
GIB = 1024**3

_STEPS = ((1024**4, "TB"), (GIB, "GB"), (MIB, "MB"), (KIB, "kB"))


def size(size_bytes: int | None) -> str:
    """Return a size in binary steps with the unit letters that download clients use.

    >>> size(19_756_849_562)
    '18.4 GB'
    >>> size(None)
    'unknown size'
    """
    if size_bytes is None:
        return "unknown size"
    for step, unit in _STEPS:
        if size_bytes >= step:
            value = size_bytes / step
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
    return f"{size_bytes} B"


def plural(number: int, one: str, many: str = "") -> str:
    """Return a count with its noun.

    >>> plural(1, "movie"), plural(1204, "movie"), plural(2, "entry", "entries")
    ('1 movie', '1,204 movies', '2 entries')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def speed(bytes_per_s: int | None) -> str:
    """Return a speed such as `'42.6 MB/s'`; an empty string for none."""
    return f"{size(bytes_per_s)}/s" if bytes_per_s else ""


def duration(seconds: float | None) -> str:
    """Return a duration with its two largest units.

    >>> duration(4320)
    '1 h 12 min'
    >>> duration(42)
    '42 s'
    """
    if seconds is None:
        return ""
    s = int(seconds)
    parts = [(s // 86400, "d"), (s % 86400 // 3600, "h"), (s % 3600 // 60, "min"), (s % 60, "s")]
    said = [f"{n} {unit}" for n, unit in parts if n]
    return " ".join(said[:2]) or "0 s"


def left(seconds: float | None) -> str:
    """Return the remaining time, rounded down to minutes.

    >>> left(372), left(20), left(4000)
    ('6 min', 'under 1 min', '1 h 6 min')
    """
    if seconds is None:
        return ""
    return "under 1 min" if seconds < 60 else duration(int(seconds) // 60 * 60)
