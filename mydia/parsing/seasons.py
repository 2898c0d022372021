"""Words for seasons and episodes in many languages, season folders, and season markers in titles."""

from __future__ import annotations

import re

import msgspec

from mydia.parsing.numerals import HAN_NUMBER, NUMBER_WORD, ORDINAL_WORD, fold, read_number

_WORDS = (
    "season|seasons|saison|saisons|staffel|staffeln|stagione|stagioni|temporada|temporadas|tempada|seizoen|seizoenen"
    "|säsong|säsonger|sæson|saeson|sesong|kausi|tuotantokausi|sezon|sezona|sezonul|sezóna|série|séria|řada|évad"
    "|сезон|сезони|сезоны|σεζόν|κύκλος|עונה|الموسم|موسم|mùa|musim|hooaeg|denboraldia|þáttaröð|सीज़न|ซีซั่น|ซีซัน"
)
SEASON_STEMS = tuple(sorted({form for word in _WORDS.split("|") for form in (word, fold(word))}))
"""The same words as a tuple, to look for quickly before a pattern runs."""
SEASON_WORD = "|".join(
    sorted({form for word in _WORDS.split("|") for form in (word, fold(word))}, key=len, reverse=True)
)
"""Pattern of one word for "season", with and without accents, in lower case.

The British `series` is not included because it also means the whole show.
"""
EPISODE_WORD = (
    r"(?:episodes?|épisodes?|episodios?|episódios?|episodi|episodul|epizoda|epizod|epizód|ep[sz]?|folgen?|cap[ií]tulos?|cap|kapitel"
    r"|afl(?:evering(?:en)?)?|odcinek|odcinki|odc|серии|серия|серія|серії|серий|эпизоды?|jakso|jaksot|avsnitt|afsnitt?|díl|rész|r[eé]sz|del"
    r"|b[oö]l[uü]m|blm|bölüm)"
)
"""Pattern of one word for "episode"."""
ORDINAL_ENDING = r"(?:st|nd|rd|th|[eèé]me|[eè]re|re|er|e|a|o|ª|º|°|\.|-?[йяиа]|-?ий|-?ой|ος|η)?"
"""Pattern of what may follow the digits of an ordinal: `2nd`, `2ème`, `2a`, `2.`, `2-й`."""

_SEP = r"[ ._:-]{0,3}"
_TITLE = r"(?:(?P<title>.*\w[^\w]*)(?<![^\W_]))?"
_MORE = r"(?:[ ._]{0,2}(?:-|~|&|\+|,|to|bis|and|und|et|y|e|a)[ ._]{0,2}(?:s)?(?P<last>\d{1,4})(?![^\W_]))?"
_MARKED = re.compile(
    r"s[ ._]?(?P<first>\d{1,4})(?:[ ._]?-[ ._]?s?(?P<last>\d{1,4}))?(?P<rest>(?![^\W_]).*)\Z", re.DOTALL
)
_WORDED = re.compile(
    rf"{_TITLE}(?P<word>{SEASON_WORD}|series){_SEP}(?P<first>\d{{1,4}}|(?:{NUMBER_WORD}))(?![^\W_]){_MORE}(?P<rest>.*)\Z",
    re.DOTALL,
)
_ORDINAL = re.compile(
    rf"{_TITLE}(?P<first>\d{{1,2}}(?={ORDINAL_ENDING}[ ._-]?[^\W\d_])|{ORDINAL_WORD}){ORDINAL_ENDING}[ ._-]{{0,2}}"
    rf"(?P<word>{SEASON_WORD}|series)(?![^\W_])(?P<rest>.*)\Z",
    re.DOTALL,
)
_EASTERN = re.compile(
    rf"(?P<title>.*?)(?:第 ?(?P<han>{HAN_NUMBER}) ?(?:季|期|部|シース[゛ ]?ン)|シースン ?(?P<kana>{HAN_NUMBER})"
    rf"|{fold('시즌')} ?(?P<hangul>\d{{1,2}})|(?P<counted>\d{{1,2}}) ?(?:{fold('시즌')}|{fold('기')}))(?P<rest>.*)\Z",
    re.DOTALL,
)
_SPECIAL_WORDS = (
    "special|specials|season 0|season 00|season specials|special episodes|specials season|sonderfolgen|specialepisoden"
    "|staffel 0|speciali|episodi speciali|especial|especiales|especiais|episodios especiales|spéciaux|épisodes spéciaux"
    "|hors série|hors-série|specialafsnit|specialavsnitt|erikoisjaksot|odcinki specjalne|speciály|спешл|спешлы"
    "|спецвыпуски|спеціальні випуски|特別編|特別篇|特别篇|特別番組|番外|番外編|番外篇|sp|스페셜"
)
_SPECIALS = frozenset(map(fold, _SPECIAL_WORDS.split("|")))
_BARE = re.compile(
    rf"(?:(?:volume|vol|book|livre|buch|libro|cour|tome|chapter)[ ._]{{0,2}})?(\d{{1,2}}|(?<=[ ._])(?:{NUMBER_WORD}))\Z"
)
_CLOSED = re.compile(
    r"[ ._]*(?:\Z|[\[(\-]|(?:19|20)\d\d(?!\d)|\d{3,4}[pi](?![^\W_])|(?:complete|web|hdtv|bluray|dvd|uhd))"
)
"""What may follow a short marker that could also start a title: nothing, a bracket, a dash or quality words."""
_LONGEST = 255


class SeasonFolder(msgspec.Struct, frozen=True):
    """A parsed season folder."""

    seasons: tuple[int, ...]
    """The season; 0 for specials, several for a range."""
    has_title: bool = False
    """Whether the title comes first, as in `Copper Lane Season 2`."""
    is_bare: bool = False
    """Whether the name is only digits or `Volume 2`: a season below a show's folder, but possibly a title elsewhere."""


def read_season_folder(folder: str) -> SeasonFolder | None:
    """Read a season folder: `Season 02`, `2. Staffel`, `Season One`, `第2季`, `S02`, `2`, `Specials`.

    >>> read_season_folder("Copper Lane 2a Stagione")
    SeasonFolder(seasons=(2,), has_title=True, is_bare=False)
    """
    name = fold(folder[:_LONGEST]).strip(" ._-[]()")
    if " ".join(re.split(r"[ ._]+", name)) in _SPECIALS:
        return SeasonFolder((0,))
    if (bare := _BARE.match(name)) is not None:
        return SeasonFolder((read_number(bare.group(1)),), is_bare=True)
    for pattern in (_MARKED, _WORDED, _ORDINAL, _EASTERN):
        found = pattern.match(name)
        if found is not None and (folder_read := _read(found.groupdict())) is not None:
            return folder_read
    return None


def _read(parts: dict[str, str | None]) -> SeasonFolder | None:
    if parts.get("word") in {None, "series"} and "han" not in parts and not _CLOSED.match(parts["rest"] or ""):
        return None
    written = next(parts[key] for key in ("first", "han", "kana", "hangul", "counted") if parts.get(key))
    first = read_number(written or "")
    last = int(parts.get("last") or first)
    seasons = tuple(range(first, last + 1)) if first < last < first + 100 else (first,)
    return SeasonFolder(seasons, has_title=bool((parts.get("title") or "").strip(" ._-[]()")))


class SeasonMarker(msgspec.Struct, frozen=True):
    """A season named at the end of a title, as fansub groups write it."""

    title: str
    """The title before the marker."""
    season: int
    confidence: float
    part: int | None = None


_SURE, _DOUBTFUL = 0.85, 0.4
_PART = r"(?:[ .,:-]{1,3}(?:part|cour|pt) ?(?P<part>\d{1,2}|iv|v?i{1,3}))?"
_MARKERS = tuple(
    (re.compile(rf"(?P<title>.*\w[!?.)]*)[ .:,(-]{{1,4}}{marker}{_PART}[ )]*\Z", re.DOTALL | re.IGNORECASE), confidence)
    for marker, confidence in (
        (r"s ?(?P<season>\d{1,2})", _SURE),
        (rf"(?:{SEASON_WORD})[ .]?(?P<season>\d{{1,2}}|(?:{NUMBER_WORD}))", _SURE),
        (rf"(?P<season>\d{{1,2}}(?={ORDINAL_ENDING} )|{ORDINAL_WORD}){ORDINAL_ENDING} (?:{SEASON_WORD})", _SURE),
        (rf"第(?P<season>{HAN_NUMBER})(?:季|期|シーズン)", _SURE),
        (r"(?P<season>\d{1,2}(?=st|nd|rd|th))(?:st|nd|rd|th)", _DOUBTFUL),
        (r"(?P<season>[2-9]|1\d|i[ivx]|iii|v|vi{1,3})", _DOUBTFUL),
    )
)


def find_season_marker(title: str) -> SeasonMarker | None:
    """Find the season at the end of a title: `Title S2`, `Title 3rd Season`, `Title Season 2 Part 2`, `Title 2`, `Title IV`.

    A bare number gets a lower confidence because it may be part of the title (`Persona 5`).

    >>> find_season_marker("Kingdom 3rd Season")
    SeasonMarker(title='Kingdom', season=3, confidence=0.85, part=None)
    """
    for pattern, confidence in _MARKERS:
        found = pattern.match(title[:_LONGEST])
        if found is not None:
            part = found.group("part")
            return SeasonMarker(
                found.group("title").rstrip(" -:,(["),
                read_number(found.group("season").lower()),
                confidence,
                read_number(part.lower()) if part else None,
            )
    return None


def season_of_folder(folder: str) -> int | None:
    """Return the number of a folder that holds one season; 0 for specials, None for any other folder.

    >>> season_of_folder("Säsong 2"), season_of_folder("Specials"), season_of_folder("Season 1-3")
    (2, 0, None)
    """
    found = read_season_folder(folder)
    return found.seasons[0] if found is not None and len(found.seasons) == 1 else None


def is_season_folder(folder: str) -> bool:
    """Return whether a folder is named after its season alone, so that the title is in the folder above.

    >>> is_season_folder("1. Staffel"), is_season_folder("Copper Lane Season 2"), is_season_folder("Seasoned")
    (True, False, False)
    """
    found = read_season_folder(folder)
    return found is not None and not found.has_title
