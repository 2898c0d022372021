"""Detect meaningless names: checksums, random letters, obfuscated posts."""

from __future__ import annotations

import re

_HEX = re.compile(r"[0-9a-f]{24,}\Z")
_HEX_TAIL = re.compile(r"(?:\A|[ ._-])[0-9a-f]{12,}\Z")
_SHORT_HEX = re.compile(r"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{12,23}\Z")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LETTERS = re.compile(r"[A-Za-z0-9]{16,}\Z")
_TWO_LONG = re.compile(r"[A-Za-z0-9]{10,40}[ ._-][A-Za-z0-9]{10,40}\Z")
_BACKUP = re.compile(r"backup_\d{5,}s\d{2}-\d{2}\Z")
_GENERIC = frozenset({"video", "movie", "film", "untitled", "output"})
_NUMBERS_ONLY = re.compile(r"[\d ._-]+\Z")
_UPPER_AND_DIGITS = re.compile(r"(?=.*\d)[A-Z0-9]{11,}\Z")
_LOWER_WITH_NUMBERS = re.compile(r"[a-z]+\d{1,4}[a-z]+\d*[a-z0-9]*\Z")
_RUNS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_SHORTEST_WORD = 4
_SPEAKABLE = re.compile(r"(?=.*[aeiouyAEIOUY])(?!.*[bcdfghjklmnpqrstvwxzBCDFGHJKLMNPQRSTVWXZ]{5})[A-Za-z]+\Z")
_WORDS_OF_A_NAME = 0.6
"""Minimum share of pronounceable words for letters without a space to be a name (`TheLongWinter2005`)."""
_WORDS_AROUND_NUMBERS = 0.75
_SHORTEST_POST = 24
_POSTED = re.compile(r"[A-Z]{11}\d{3}|[a-z]{12}\d{3}|\d{6}_\d{2}|b00bs|abc[-_. ]xyz.*")
"""Patterns of obfuscated posts in Sonarr and Radarr."""
_PASSWORDED = re.compile(r"(?<![a-z])(?:password(?:ed)?|pass[ ._-]?protected|yenc)(?![a-z])")
_UNPACKING = re.compile(r"_unpack(?:ed|ing)?[ ._-]+", re.IGNORECASE)
"""Prefix that download clients give unfinished folders."""
_SYSTEM_FILE = re.compile(r"\.ds_store|thumbs\.db|desktop(?:\.ini)?\Z|\._", re.IGNORECASE)
_UNSPEAKABLE = re.compile(r"[bcdfghjklmnpqrstvwxz]{7}")
"""More consonants in a row than any word has."""
_SHOUTED = re.compile(r"[A-Z0-9]{12,15}\Z")
_NUMBERED_POST = re.compile(r"p\d{3,4}(?:\.|\Z)")


def _looks_random(word: str) -> bool:
    """Return whether letters and digits alternate far more often than in real words."""
    runs = _RUNS.findall(word)
    spoken = sum(len(run) for run in runs if len(run) >= _SHORTEST_WORD and _SPEAKABLE.match(run)) / len(word)
    inner_numbers = sum(run.isdigit() for run in runs[1:-1])
    if inner_numbers and len(word) >= _SHORTEST_POST:
        # A single-case word with a number in the middle: `thelongwinter1618finale`.
        return spoken < _WORDS_AROUND_NUMBERS or word.islower() or word.isupper()
    if _UNSPEAKABLE.search(word.lower()):
        return True
    if inner_numbers > 1:
        return spoken < _WORDS_AROUND_NUMBERS
    if spoken >= _WORDS_OF_A_NAME:
        return False
    return any(run.isdigit() for run in runs) or len(runs) * 4 >= len(word)


def why_meaningless(stem: str) -> str | None:
    """Return why a name without its extension is meaningless, or None.

    >>> why_meaningless("08bbc153931ce3ca5fcafe1b92d3297285feb061")
    'a checksum'
    """
    if _SYSTEM_FILE.match(stem.strip()):
        return "a system file"
    name = _UNPACKING.sub("", stem.strip(" []()"))
    if not name:
        return "empty name"
    low = name.lower()
    if len(name) >= 12 and " " not in name:
        if _HEX.match(low) or _UUID.search(low) or _SHORT_HEX.match(low):
            return "a checksum"
        if _HEX_TAIL.search(low) and len(low) <= 40 and any(c.isdigit() for c in low[-12:]) and low.count(".") <= 3:
            return "a checksum"
    if _SHOUTED.match(name) and len(re.findall(r"(?<=[A-Z])\d+(?=[A-Z])", name)) > 1 and _looks_random(name):
        return "random letters"
    if _LETTERS.match(name) and _looks_random(name):
        return "random letters"
    if _TWO_LONG.match(name) and all(_looks_random(part) for part in re.split(r"[ ._-]", name)):
        return "random letters"
    if _POSTED.fullmatch(name):
        return "an obfuscated post"
    if _BACKUP.match(low):
        return "a numbered backup"
    if ("pass" in low or "yenc" in low) and _PASSWORDED.search(low):
        return "a password-protected or encoded post"
    return None


def is_obscure(stem: str) -> bool:
    """Return whether a file name is less informative than its folder, including short random words and bare numbers."""
    name = stem.strip()
    if why_meaningless(name) is not None or len(name) <= 3 or name.lower() in _GENERIC:
        return True
    if _NUMBERS_ONLY.match(name):
        return True
    if " " in name or "." in name or len([piece for piece in re.split("[_-]+", name) if piece]) > 2:
        return False
    return bool(_UPPER_AND_DIGITS.match(name)) or (len(name) >= 12 and _looks_random(name))
