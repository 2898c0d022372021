"""Numbers with words: `Season 1 Episode 5`, `2. Staffel 5. Folge`, `第2季第5集`, `Temporada 1 [Cap.101]`, `5of9`, `Part 2`."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from mydia.parsing.numbering.links import follow, write_out
from mydia.parsing.numbering.scene import Numbering, Scene, is_year
from mydia.parsing.numbering.standard import OF_TOTAL
from mydia.parsing.numerals import HAN_NUMBER, NUMBER_WORD, ORDINAL_WORD, read_number
from mydia.parsing.seasons import EPISODE_WORD, ORDINAL_ENDING, SEASON_STEMS, SEASON_WORD

_NO_LETTER = r"(?![^\W\d_])"
_WORD_THEN_NUMBER = re.compile(
    rf"(?<![^\W\d_])(?:{SEASON_WORD}|(?:temp|se)(?=[ .:_-]{{0,3}}\d{{1,2}}(?!\d)))[ .:_-]{{0,3}}"
    rf"(?P<number>\d{{1,4}}(?![0-9])(?!(?!ep?\d|ep?i|fol|cap|of\d)[^\W_])|(?:{NUMBER_WORD}){_NO_LETTER})(?:of\d+)?"
)
_NUMBER_THEN_WORD = re.compile(
    rf"(?<![^\W_])(?:(?P<from>\d{{1,2}})-)?(?P<number>\d{{1,2}}){ORDINAL_ENDING}[ ._-]?(?:{SEASON_WORD}){_NO_LETTER}"
)
_ORDINAL_THEN_WORD = re.compile(rf"(?<![^\W_])(?P<number>{ORDINAL_WORD})[ ._-](?:{SEASON_WORD}){_NO_LETTER}")
_EASTERN = re.compile(
    rf"第 ?(?:(?P<from>{HAN_NUMBER})-)?(?P<number>{HAN_NUMBER}) ?(?:季|期|シーズン)|(?:シーズン|시즌) ?(?P<behind>\d{{1,2}})"
    r"|(?<!\d)(?P<before>\d{1,2}) ?시즌"
)
_PLURAL = re.compile(r"seasons|saisons|temporadas|stagioni|staffeln")
_EPISODE_BEHIND = re.compile(
    rf"[ .:_,/()\[\]-]{{0,4}}(?:{EPISODE_WORD}|e|c(?=\d))[ .:_#]{{0,2}}(?P<number>\d{{1,5}}(?![0-9])(?![pi](?![a-z]))|(?:{NUMBER_WORD}){_NO_LETTER})"
)
_NUMBERED_BEHIND = re.compile(
    rf"[ .,:_\[()\]-]{{0,4}}(?:第 ?)?(?P<number>\d{{1,4}})(?:[-~](?P<last>\d{{1,4}}))?"
    rf"(?:{ORDINAL_ENDING}[ ._]?{EPISODE_WORD}{_NO_LETTER}|of\d{{1,3}}(?![^\W_])|\.?[ ]?[話话集回화회])"
)
_SERIES_EPISODE = re.compile(
    rf"(?:series|book|volume)[ ._](?P<season>\d{{1,2}})[ ._,-]{{1,3}}"
    rf"(?:(?:{EPISODE_WORD}|chapter)[ ._]?(?P<episode>\d{{1,4}})(?!\d)|(?P<of>\d{{1,3}})[ ._]?of[ ._]?\d{{1,3}}(?![^\W_]))"
)
_LATER_EPISODE = re.compile(r"[ ._\[(-](?:episode|episodio|episódio|épisode|folge)[ ._]?(\d{1,4})(?![0-9])")
_CAP = re.compile(r"cap\.?[ ]?(\d{1,2})(\d{2})(?:[_-](?:(\d{1,2})(\d{2})))?(?!\d)")


class SeasonPhrase(msgspec.Struct, frozen=True, kw_only=True):
    """A season in words, with its position."""

    start: int
    end: int
    seasons: tuple[int, ...]
    is_spelt: bool = False
    """Whether the number is a word, as in `Season One`."""
    is_eastern: bool = False


def find_season_words(scene: Scene) -> SeasonPhrase | None:
    """Find `Season 4`, `1ª Temporada`, `Second Season`, `第2季`, but no word that ends another (`Rose 4`).

    Between two numbers the word takes the second (`Area 88 Staffel 2`), unless that is the episode (`2. Staffel 5. Folge`).
    """
    low, begin = scene.low, scene.begin
    if not _may_name_season(scene):
        eastern = None if low.isascii() else _EASTERN.search(low, begin)
        return _find_british(scene) if eastern is None else _from_ordinal(eastern, is_eastern=True)
    behind = _WORD_THEN_NUMBER.search(low, begin)
    if behind is not None and is_year(behind["number"]) and (scene.hint != "tv" or _PLURAL.match(low, behind.start())):
        behind = None  # `Four Seasons 1971`
    before = _NUMBER_THEN_WORD.search(low, begin)
    if behind is not None and before is not None and before.end() > behind.start():
        own = _NUMBERED_BEHIND.match(low, before.end())
        if own is not None and _EPISODE_BEHIND.match(low, behind.end()) is None:
            behind = None
    if behind is not None:
        return SeasonPhrase(
            start=behind.start(),
            end=behind.end(),
            seasons=(read_number(behind["number"]),),
            is_spelt=not behind["number"].isdecimal(),
        )
    eastern = None if low.isascii() else _EASTERN.search(low, begin)
    ordinal = before or _ORDINAL_THEN_WORD.search(low, begin) or eastern
    if ordinal is None:
        return _find_british(scene)
    return _from_ordinal(ordinal, is_eastern=ordinal is eastern)


_ABBREVIATED_SEASON = re.compile(r"(?:temp|se)(?:\d|\Z)")


def _may_name_season(scene: Scene) -> bool:
    """Return whether any word begins like one for "season"; the patterns are slow on every other name."""
    return any(_may_be_season_word(word) for word in scene.words.words)


@lru_cache(maxsize=4096)
def _may_be_season_word(word: str) -> bool:
    return (word.startswith(SEASON_STEMS) and word != "series") or _ABBREVIATED_SEASON.match(word) is not None


def _from_ordinal(ordinal: re.Match[str], *, is_eastern: bool) -> SeasonPhrase:
    parts = ordinal.groupdict()
    number = read_number(parts["number"] or parts.get("behind") or parts.get("before") or "")
    first = read_number(parts.get("from") or str(number))
    return SeasonPhrase(
        start=ordinal.start(),
        end=ordinal.end(),
        seasons=write_out(first, number) if first < number else (number,),
        is_eastern=is_eastern,
    )


_SPANISH = re.compile(r"t(?<![^\W_]t)(\d{1,2})(?=[ ._-]{1,3}(?:cap|completa|complete|temporada)|c\d)")
_SERIES = re.compile(r"series(?<![^\W_]series)(?<!miniseries)[ ._](\d{1,2})(?![^\W_])")
_CLOSES_SERIES = re.compile(r"[ ._]*(?:\Z|[\[(-]|complete(?![a-z]))")


def _find_british(scene: Scene) -> SeasonPhrase | None:
    """Find the Spanish `T2 - Capitulo 5`, or `Series 5` before a technical word, a bracket or the end, but not `Series 7 The Contenders`."""
    if scene.hint == "movie":
        return None
    spanish = _SPANISH.search(scene.low, scene.begin + 1)
    if spanish is not None:
        return SeasonPhrase(start=spanish.start(), end=spanish.end(), seasons=(int(spanish.group(1)),))
    found = _SERIES.search(scene.low, scene.begin)
    if found is None or found.start() <= scene.begin:
        return None
    reaches_facts = not scene.low[found.end() : scene.first_solid].strip(" ._-[(") and scene.first_solid >= found.end()
    if not (reaches_facts or _CLOSES_SERIES.match(scene.low, found.end())):
        return None
    return SeasonPhrase(start=found.start(), end=found.end(), seasons=(int(found.group(1)),))


def season_and_episode_words(scene: Scene) -> Numbering | None:
    """Read `Season 1 Episode 5`, `Stagione 1 e01-29`, `Se.1 afl.2-3-4`, `Temporada 1 [Cap.101]`, `2 сезон 5 серия`, `第2季第5集`."""
    low = scene.low
    found = find_season_words(scene)
    if found is None:
        return _british(scene)
    if len(found.seasons) > 1:
        return None
    numbered = _NUMBERED_BEHIND.match(low, found.end)
    episode = _EPISODE_BEHIND.match(low, found.end)
    chapter = _CAP.search(low, found.end)
    if numbered is not None and episode is None:
        first = int(numbered["number"])
        return Numbering(
            found.start, numbered.end(), "season and episode words", 0.9, found.seasons,
            write_out(first, int(numbered["last"] or first)),
            spans={"season": ((found.start, found.end),), "episodes": (numbered.span("number"),)},
        )  # fmt: skip
    if episode is not None and not (chapter is not None and int(chapter.group(1)) == found.seasons[0]):
        first = read_number(episode["number"])
        episodes, end = follow(low, episode.end(), first)
        total = OF_TOTAL.match(low, end)
        full = total is not None and first == 1 < episodes[-1] == int(total.group(1))
        return Numbering(
            found.start, total.end() if total else end, "season and episode words", 0.95, found.seasons,
            () if full else episodes, full_season=full,
            spans={"season": ((found.start, found.end),), "episodes": ((episode.start("number"), end),)},
        )  # fmt: skip
    if chapter is not None:
        return _read_chapter(chapter, found.start)
    later = _LATER_EPISODE.search(low, found.end)
    if later is None:
        return None
    return Numbering(
        found.start, found.end, "season word and a later episode word", 0.8, found.seasons, (int(later.group(1)),),
        spans={"season": ((found.start, found.end),), "episodes": (later.span(1),)},
    )  # fmt: skip


def _british(scene: Scene) -> Numbering | None:
    """Read `Series 2 Episode 5` and `Series 2 5of6`, the British forms."""
    found = _SERIES_EPISODE.search(scene.low, scene.begin)
    if found is None:
        return None
    episode = "episode" if found["episode"] else "of"
    episodes, end = follow(scene.low, found.end(), int(found[episode]))
    return Numbering(
        found.start(), end, "series and episode words", 0.9, (int(found["season"]),), episodes,
        spans={"season": (found.span("season"),), "episodes": ((found.start(episode), end),)},
    )  # fmt: skip


def _read_chapter(chapter: re.Match[str], start: int) -> Numbering:
    first = int(chapter.group(2))
    last = int(chapter.group(4) or first)
    return Numbering(
        start, chapter.end(), "Spanish chapter", 0.95, (int(chapter.group(1)),), write_out(first, last),
        spans={"season": (chapter.span(1),), "episodes": (chapter.span(2),)},
    )  # fmt: skip


def spanish_chapter(scene: Scene) -> Numbering | None:
    """Read `Title [HDTV 720p][Cap.206]`: season 2, chapter 6."""
    if "cap" not in scene.low:
        return None
    chapter = _CAP.search(scene.low, scene.begin)
    if chapter is None or chapter.start() == 0 or scene.low[chapter.start() - 1] not in "[( .":
        return None
    return _read_chapter(chapter, min(chapter.start() - 1, scene.first_solid))


_OF = re.compile(
    r"(?<!cd )(?<!disc )(?<!disk )(?<!dvd )(?<!cd\.)(?<!disc\.)(?:(?<![a-z0-9])(?:part|pt|teil|ep|episode)[ ._]?)?(?<![0-9a-z])(\d{1,3})(?:-(\d{1,3}))?[ ._]?(?:of|из|iz|von|de)[ ._]?(\d{1,3})(?![0-9a-z])"
)

_PART = re.compile(rf"(?<![a-z0-9])(?:part|pt|teil)[ ._-]{{0,2}}(\d{{1,2}}|{NUMBER_WORD})(?:-(\d{{1,2}}))?(?![a-z0-9])")


def mini_series(scene: Scene) -> Numbering | None:
    """Read `Title.5of9`, `Title.Part.2`: a mini-series, which has one season."""
    if scene.hint == "movie":
        return None
    low = scene.low
    found = _OF.search(low, scene.begin)
    if found is not None and found.start() > scene.begin and 0 < int(found.group(1)) <= int(found.group(3)):
        first = int(found.group(1))
        episodes = write_out(first, int(found.group(2) or first))
        full = first == 1 and bool(found.group(2)) and episodes[-1] == int(found.group(3))
        return Numbering(
            found.start(), found.end(), "n of m", 0.7, (1,), () if full else episodes, full_season=full,
            spans={"episodes": (found.span(),)},
        )  # fmt: skip
    found = _PART.search(low, scene.begin)
    if found is not None and scene.hint != "tv" and not found.group(1).startswith("0"):
        return None  # `Part 2` of a film is never padded.
    if found is None or found.start() <= scene.begin or low[found.start() - 1] == "(":
        return None
    first = read_number(found.group(1))
    return Numbering(
        found.start(),
        found.end(),
        "part",
        0.6,
        (1,),
        write_out(first, int(found.group(2) or first)),
        spans={"episodes": (found.span(),)},
    )
