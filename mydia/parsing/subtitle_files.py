"""Read the end of a subtitle file name: language, tags and title (`Film.title.en.forced.srt`)."""

from __future__ import annotations

import re
from copy import replace

import msgspec

from mydia.parsing.patterns import LANGUAGE_CODES, LANGUAGES, SUBTITLE_PREFIXES

_TAGS = frozenset(
    {"forced", "foreign", "default", "cc", "sdh", "full", "hi", "commentary", "signs", "songs", "lyrics", "psdh", "dub"}
)
_TAG_SPELLINGS = {"subforced": "forced", "forcé": "forced", "forzado": "forced", "forzati": "forced", "closed": "cc"}
_NAMES = {
    phrase: term.value for term in LANGUAGES for phrase in term.phrases if " " not in phrase and "+" not in term.value
} | {"vostfr": "fr", "vost": "fr", "subfrench": "fr"}
_REGION = re.compile(r"([a-z]{2,3})[-_]([a-z0-9]{2,4})\Z")
_REGIONS = {"pt-br": "pt-BR", "es-419": "es-419", "es-mx": "es-419", "es-la": "es-419", "nl-be": "nl-BE"}
_QUALIFIED = {
    ("pt", "brazil"): "pt-BR", ("pt", "brazilian"): "pt-BR", ("pt", "br"): "pt-BR", ("es", "latin"): "es-419",
    ("es", "latino"): "es-419", ("es", "latinoamericano"): "es-419", ("es", "mexico"): "es-419", ("nl", "belgium"): "nl-BE",
}  # fmt: skip
"""A language and the qualifier that changes it: `Spanish (Latin America)`."""
_QUALIFIERS = frozenset({
    "america", "american", "brazil", "brazilian", "br", "latin", "latino", "latinoamericano", "canada", "canadian", "simplified",
    "traditional", "european", "castilian", "spain", "mexico", "parisian", "swiss", "belgium", "hans", "hant", "us", "uk", "gb",
    "bokmal", "bokmål", "nynorsk", "mainland", "taiwan", "hk", "audio", "subtitles", "subtitle", "subs", "sub", "track",
})  # fmt: skip
_COPY_MARK = re.compile(r"[ ]?\(\d{1,2}\)\Z")
_LAST_BRACKET = re.compile(r"[ ._-]*[\[(]([^\[\]()]{2,40})[\])]\Z")
_TOKENS = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_COUNTER = re.compile(r"[ ]-[ ]\d{1,2}\Z")
_COPY = re.compile(r"(?:track[ _]?)?\d{1,2}\Z", re.IGNORECASE)


class SubtitleEnding(msgspec.Struct, frozen=True):
    """Language, tags in alphabetical order, and title."""

    language: str | None = None
    tags: tuple[str, ...] = ()
    title: str | None = None
    length: int = 0
    """Length in characters, from the end of the name."""


def _language(word: str) -> str | None:
    low = word.lower()
    if (known := _REGIONS.get(low.replace("_", "-"))) is not None:
        return known
    region = _REGION.match(low)
    if region is not None and region.group(1) in LANGUAGE_CODES:
        return LANGUAGE_CODES[region.group(1)]
    return LANGUAGE_CODES.get(low) or _NAMES.get(low)


def says_only_language(stem: str) -> bool:
    """Return whether a file name is only a language with tags: `2_English`, `SDH.eng.HI`."""
    return all(_read_part(_without_number(part.strip())) is not None for part in stem.split("."))


class _Part(msgspec.Struct, frozen=True):
    language: str | None = None
    tags: tuple[str, ...] = ()


def _read_part(part: str) -> _Part | None:
    """Read one dotted part that contains only languages, regions and tags: `English - SDH`, `[en]`, `chs&eng`.

    Of two languages the first is used. Returns None for any other part.
    """
    bare = part.strip(" []()")
    if (whole := _language(bare)) is not None and bare.lower() not in _TAGS:
        return _Part(whole)
    tokens = [token.lower() for token in _TOKENS.findall(bare)]
    tags = tuple(_TAG_SPELLINGS.get(token, token) for token in tokens if token in _TAGS or token in _TAG_SPELLINGS)
    rest = [token for token in tokens if token not in _TAGS and token not in _TAG_SPELLINGS]
    if not rest:
        return _Part(tags=tags) if tags else None
    if len(rest) > 1 and not tags and bare.islower() and " " in bare:
        return None  # Words of a title, such as `it is no use`.
    languages = [code for token in rest if token not in _QUALIFIERS and (code := _language(token)) is not None]
    qualifiers = [token for token in rest if token in _QUALIFIERS]
    if len(languages) + len(qualifiers) < len(rest) or not (languages or "latin" in qualifiers):
        return None
    language = languages[0] if languages else "es"
    qualified = (_QUALIFIED[language, word] for word in qualifiers if (language, word) in _QUALIFIED)
    return _Part(next(qualified, language), tags)


def read_subtitle_ending(stem: str) -> SubtitleEnding:
    """Read dotted parts from the end: tags, one language, its copy number and one title."""
    copy = _COPY_MARK.search(stem)
    if copy is not None and copy.start() > 0:
        inner = read_subtitle_ending(stem[: copy.start()])
        return replace(inner, length=inner.length + len(copy.group()) if inner.length else 0)
    bracket = _LAST_BRACKET.search(stem)
    if (
        bracket is not None
        and bracket.start() > 0
        and (inside := _read_part(bracket.group(1))) is not None
        and inside.language
    ):
        return SubtitleEnding(inside.language, tuple(sorted(set(inside.tags))), None, len(stem) - bracket.start())
    parts = stem.split(".")
    language: str | None = None
    tags: list[str] = []
    title: str | None = None
    index = len(parts) - 1
    while index > 0:
        part = parts[index].strip()
        read = _read_part(part)
        if read is not None and (language is None or read.language is None):
            language = read.language or language
            tags += read.tags
        elif _COPY.match(part) and _is_copy(parts, index, language):
            pass
        elif title is None and part and not part.isdecimal() and _may_be_title(parts, index, language, tags):
            title = _COUNTER.sub("", part)
        else:
            break
        index -= 1
    if index == 0 and (whole := _read_part(_without_number(parts[0]))) is not None:
        # Only language and tags: the folder identifies the video.
        return SubtitleEnding(whole.language or language, tuple(sorted({*tags, *whole.tags})))
    if language is None:
        loose = _read_loose_ending(stem)
        if loose is not None:
            return loose
        title = None
    taken = sum(len(part) + 1 for part in parts[index + 1 :]) if language or tags else 0
    return SubtitleEnding(language, tuple(sorted(set(tags))), title, taken)


def _without_number(part: str) -> str:
    """Drop a leading stream number: `2_English`."""
    return re.sub(r"\A\d{1,2}[_ -]+(?=\D)", "", part)


def _is_copy(parts: list[str], index: int, language: str | None) -> bool:
    """Return whether a number is a copy number after a language (`en.2`) or a track before one (`track3.en`)."""
    if language is not None:
        return not parts[index].isdecimal()
    before = _read_part(parts[index - 1])
    return before is not None and before.language is not None


_LOOSE = re.compile(r"[-_. ]([^\W_]+)\Z")


def _read_loose_ending(stem: str) -> SubtitleEnding | None:
    """Read `Film-eng-forced` and `Film_en`: any separator, but only tags and a short code."""
    tags: list[str] = []
    rest = stem
    while (found := _LOOSE.search(rest)) is not None:
        word = found.group(1).lower()
        rest = rest[: found.start()]
        if word in _TAGS:
            tags.append(word)
            continue
        code = _REGIONS.get(word) or LANGUAGE_CODES.get(word) or _NAMES.get(word) or _code_of_subs(word)
        if code is None or not rest:
            return None
        while (found := _LOOSE.search(rest)) is not None and found.group(1).lower() in _TAGS:
            tags.append(found.group(1).lower())
            rest = rest[: found.start()]
        return SubtitleEnding(code, tuple(sorted(set(tags))), None, len(stem) - len(rest))
    return None


def _code_of_subs(word: str) -> str | None:
    """Return the language of `engsub` and `nlsubs`."""
    stem = word.removesuffix("s").removesuffix("sub")
    return SUBTITLE_PREFIXES.get(stem) or None if stem != word else None


def _may_be_title(parts: list[str], index: int, language: str | None, tags: list[str]) -> bool:
    """Return whether the part is a subtitle title rather than part of the release name."""
    if any(bracket in parts[index] for bracket in "[]()"):
        return False
    before = parts[index - 1].strip()
    if language is None:
        return before.lower() in _TAGS or _language(before) is not None
    if before.endswith(("]", ")")) or before.lower() in _TAGS or _closes_name(parts[:index]):
        return True
    # A part with spaces after a dotted name: `Film.2016.x264-GRP.Signs and Songs.en`.
    return (
        " " in parts[index].strip() and len(parts) > _FEWEST_DOTTED and not any(" " in part for part in parts[:index])
    )


_FEWEST_DOTTED = 3


def _closes_name(parts: list[str]) -> bool:
    return ".".join(parts).rstrip().endswith(("]", ")"))
