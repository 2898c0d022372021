"""What the end of a subtitle file's name says: language, tags and a title (`Film.title.en.forced.srt`)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mydia.parsing.patterns import LANGUAGE_CODES, LANGUAGES

_TAGS = frozenset(
    {"forced", "foreign", "default", "cc", "sdh", "full", "hi", "commentary", "signs", "songs", "lyrics", "psdh", "dub"}
)
_NAMES = {
    phrase: term.value for term in LANGUAGES for phrase in term.phrases if " " not in phrase and "+" not in term.value
}
_REGION = re.compile(r"([a-z]{2,3})[-_]([a-z0-9]{2,4})\Z")
_REGIONS = {"pt-br": "pt-BR", "es-419": "es-419", "es-mx": "es-419", "es-la": "es-419", "nl-be": "nl-BE"}
_COUNTER = re.compile(r"[ ]-[ ]\d{1,2}\Z")


@dataclass(frozen=True, slots=True)
class SubtitleEnding:
    """The three things; tags in alphabetical order."""

    language: str | None = None
    tags: tuple[str, ...] = ()
    title: str | None = None
    length: int = 0
    """How many characters of the name it takes, from the end."""


def _language(word: str) -> str | None:
    low = word.lower()
    if low in _REGIONS:
        return _REGIONS[low]
    region = _REGION.match(low)
    if region is not None:
        return LANGUAGE_CODES.get(region.group(1))
    return LANGUAGE_CODES.get(low) or _NAMES.get(low)


def is_language(word: str) -> bool:
    """Whether a word is a language's name or code and nothing else."""
    return _language(word.strip()) is not None


def read_subtitle_ending(stem: str) -> SubtitleEnding:
    """Read the dotted parts from the end while they are tags, one language or one title beside them."""
    if is_language(stem):
        return SubtitleEnding(_language(stem.strip()))
    parts = stem.split(".")
    language: str | None = None
    tags: list[str] = []
    title: str | None = None
    index = len(parts) - 1
    while index > 0:
        part = parts[index].strip()
        low = part.lower()
        if low in _TAGS:
            tags.append(low)
        elif language is None and (code := _language(part)) is not None:
            language = code
        elif title is None and part and not part.isdecimal() and _may_be_title(parts, index, language, tags):
            title = _COUNTER.sub("", part)
        else:
            break
        index -= 1
    if language is None:
        loose = _read_loose_ending(stem)
        if loose is not None:
            return loose
    if language is None and title is not None:
        title = None
    taken = sum(len(part) + 1 for part in parts[index + 1 :]) if language or tags else 0
    return SubtitleEnding(language, tuple(sorted(set(tags))), title, taken)


_LOOSE = re.compile(r"[-_. ]([^\W_]+)\Z")


def _read_loose_ending(stem: str) -> SubtitleEnding | None:
    """Read `Film-eng-forced` and `Film_en`: any separator, but nothing besides tags and a short code."""
    tags: list[str] = []
    rest = stem
    while (found := _LOOSE.search(rest)) is not None:
        word = found.group(1).lower()
        rest = rest[: found.start()]
        if word in _TAGS:
            tags.append(word)
            continue
        code = _REGIONS.get(word) or LANGUAGE_CODES.get(word) or _NAMES.get(word)
        if code is None or not rest:
            return None
        while (found := _LOOSE.search(rest)) is not None and found.group(1).lower() in _TAGS:
            tags.append(found.group(1).lower())
            rest = rest[: found.start()]
        return SubtitleEnding(code, tuple(sorted(set(tags))), None, len(stem) - len(rest))
    return None


def _may_be_title(parts: list[str], index: int, language: str | None, tags: list[str]) -> bool:
    """Whether the part stands beside the language rather than in the release's own name."""
    if any(bracket in parts[index] for bracket in "[]()"):
        return False
    before = parts[index - 1].strip()
    if language is not None:
        return before.endswith(("]", ")")) or before.lower() in _TAGS or _closes_name(parts[:index])
    return before.lower() in _TAGS or _language(before) is not None


def _closes_name(parts: list[str]) -> bool:
    return ".".join(parts).rstrip().endswith(("]", ")"))
