"""Numbers with words: `Season 1 Episode 5`, `Temporada 1 [Cap.101]`, `5of9`, `Part 2`."""

from __future__ import annotations

import re

from mydia.parsing.numbering.scene import Numbering, Scene, write_out
from mydia.parsing.numbering.standard import OF_TOTAL, follow_episodes
from mydia.parsing.numerals import NUMBER_WORD, read_number
from mydia.parsing.seasons import SEASON_WORD

_SEASON_WORD = rf"(?:{SEASON_WORD}|temp|se)"

_EPISODE_WORD = (
    r"(?:episodes?|épisodes?|episodio|episódio|episodul|epizoda|eps?|e|folgen?|cap[ií]tulo|cap|afl(?:evering)?|odcinek|серии|серия|серії"
    r"|эпизод|jakso|avsnitt|afsnit)"
)

_SEASON_WORDS = re.compile(
    _SEASON_WORD + rf"[ .:_-]{{0,3}}(\d{{1,4}}|(?:{NUMBER_WORD})(?![a-z]))(?:of\d+)?(?![a-z0-9])"
)

_SEASON_BEHIND_NUMBER = re.compile(
    r"(?<![0-9a-z])(\d{1,2})(?:ª|º|a|\.|-?й|-?я)?[ ._]?(?:сезон|temporada|sezon|staffel|stagione|saison|évad)(?![a-zа-я])"
)

_EPISODE_BEHIND = re.compile(r"[ .:_,/()\[\]-]{0,4}" + _EPISODE_WORD + r"[ .:_]{0,2}(\d{1,5})(?![0-9])")

_NUMBERED_BEHIND = re.compile(
    r"[ .,_-]{1,3}(\d{1,4})(?:-(\d{1,4}))?(?:ª|º|\.|-?[йяі])?[ ._]?(?:серия|серии|серія|серії|эпизод|b[oö]l[uü]m|blm|odcinek|odc|folge|episodio|episódio)(?![a-zа-я])"
)

_SERIES_EPISODE = re.compile(r"(?:series|book|volume)[ ._](\d{1,2})[ ._-]{1,3}(?:episode|ep)[ ._]?(\d{1,4})(?!\d)")

_LATER_EPISODE = re.compile(r"[ ._\[(-](?:episode|episodio|episódio|épisode|folge)[ ._]?(\d{1,4})(?![0-9])")

_CAP = re.compile(r"cap\.?[ ]?(\d{1,2})(\d{2})(?:[_-](?:(\d{1,2})(\d{2})))?(?!\d)")


def find_season_words(scene: Scene) -> re.Match[str] | None:
    """Find `Season 4` or `1ª Temporada`; the word may not be the end of another (`Rose 4`)."""
    low = scene.low
    for found in _SEASON_WORDS.finditer(low, scene.begin):
        if found.start() == 0 or not low[found.start() - 1].isalnum():
            return found
    return _SEASON_BEHIND_NUMBER.search(low, scene.begin)


def season_and_episode_words(scene: Scene) -> Numbering | None:
    """`Season 1 Episode 5`, `Stagione 1 e01-29`, `Se.1 afl.2-3-4`, `Temporada 1 [Cap.101]`, `2 сезон 5 серия`."""
    low = scene.low
    found = _SEASON_BEHIND_NUMBER.search(low, scene.begin)
    numbered = _NUMBERED_BEHIND.match(low, found.end()) if found is not None else None
    if found is not None and numbered is not None:
        first = int(numbered.group(1))
        return Numbering(
            found.start(), numbered.end(), "season and episode words behind their numbers", 0.9, (int(found.group(1)),),
            write_out(first, int(numbered.group(2) or first)),
            spans={"season": (found.span(),), "episodes": (numbered.span(1),)},
        )  # fmt: skip
    found = find_season_words(scene)
    if found is None:
        british = _SERIES_EPISODE.search(low, scene.begin)
        if british is None:
            return None
        last, end = follow_episodes(low, british.end(), int(british.group(2)))
        return Numbering(
            british.start(), end, "series and episode words", 0.9, (int(british.group(1)),), write_out(int(british.group(2)), last),
            spans={"season": (british.span(1),), "episodes": ((british.start(2), end),)},
        )  # fmt: skip
    chapter = _CAP.search(low, found.end())
    episode = _EPISODE_BEHIND.match(low, found.end())
    if episode is not None and not (chapter is not None and int(chapter.group(1)) == read_number(found.group(1))):
        first = int(episode.group(1))
        last, end = follow_episodes(low, episode.end(), first)
        total = OF_TOTAL.match(low, end)
        full = total is not None and first == 1 < last == int(total.group(1))
        return Numbering(
            found.start(), total.end() if total else end, "season and episode words", 0.95, (read_number(found.group(1)),),
            () if full else write_out(first, last), full_season=full,
            spans={"season": (found.span(),), "episodes": ((episode.start(1), end),)},
        )  # fmt: skip
    if chapter is not None:
        return _read_chapter(chapter, found.start())
    later = _LATER_EPISODE.search(low, found.end())
    if later is None:
        return None
    first = int(later.group(1))
    return Numbering(
        found.start(), found.end(), "season word and a later episode word", 0.8, (read_number(found.group(1)),), (first,),
        spans={"season": (found.span(),), "episodes": (later.span(1),)},
    )  # fmt: skip


def _read_chapter(chapter: re.Match[str], start: int) -> Numbering:
    first = int(chapter.group(2))
    last = int(chapter.group(4) or first)
    return Numbering(
        start, chapter.end(), "Spanish chapter", 0.95, (int(chapter.group(1)),), write_out(first, last),
        spans={"season": (chapter.span(1),), "episodes": (chapter.span(2),)},
    )  # fmt: skip


def spanish_chapter(scene: Scene) -> Numbering | None:
    """`Title [HDTV 720p][Cap.206]`: season 2, chapter 6."""
    if "cap" not in scene.low:
        return None
    chapter = _CAP.search(scene.low, scene.begin)
    if chapter is None or chapter.start() == 0 or scene.low[chapter.start() - 1] not in "[( .":
        return None
    return _read_chapter(chapter, min(chapter.start() - 1, scene.first_solid))


_OF = re.compile(r"(?<![0-9a-z])(\d{1,3})(?:-(\d{1,3}))?[ ._]?(?:of|из|iz|von|de)[ ._]?(\d{1,3})(?![0-9a-z])")

_PART = re.compile(rf"(?<![a-z0-9])(?:part|pt|teil)[ ._-]{{0,2}}(\d{{1,2}}|{NUMBER_WORD})(?:-(\d{{1,2}}))?(?![a-z0-9])")


def mini_series(scene: Scene) -> Numbering | None:
    """`Title.5of9`, `Title.Part.2`: a series of one season."""
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
    if scene.hint != "tv":
        return None
    found = _PART.search(low, scene.begin)
    if found is None or found.start() <= scene.begin or low[found.start() - 1] == "(":
        return None
    return Numbering(
        found.start(),
        found.end(),
        "part",
        0.6,
        (1,),
        write_out(read_number(found.group(1)), int(found.group(2) or read_number(found.group(1)))),
        spans={"episodes": (found.span(),)},
    )
