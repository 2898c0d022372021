"""The list of numbering forms, most certain first.

Each form reads one way of writing numbers and returns None otherwise. A form precedes another if a name that fits both
means the first (`Judge 2016.02.25.S20E142` is season 20, not a date). All patterns run on the lower-case text. If a
pattern starts with a letter, its look-behind comes *after* that letter, so that the engine can skip to the letter
instead of trying every position. No pattern has a repeat within a repeat.

1. `S01E02` is unambiguous and comes first. A date in eight digits at the very front is next, because such names have
   no other number. Then come `1x02`, which could be a picture size, and numbers with words.
2. Dates come before all counting forms, since `2018.06.22` contains three numbers.
3. Fansub forms come before packs: `Title S2 - 07` is one episode.
4. Packs come before single episode signs: if `E07` followed `S02`, an earlier form would have matched.
5. The rest are guesses: a lone number before the tail, `103`, six digits, a number in front.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import replace

from mydia.parsing.numbering.compact import dotted, run_together, running_number
from mydia.parsing.numbering.days import daily, day_in_front, day_in_six_digits, stated_day
from mydia.parsing.numbering.fansub import (
    bare_absolute,
    behind_dash,
    episode_sign,
    in_brackets,
    in_round_brackets,
    number_in_front,
    number_then_word,
    range_in_front_of_bracket,
    season_mark_with_absolute,
)
from mydia.parsing.numbering.packs import season_pack
from mydia.parsing.numbering.scene import Numbering, Scene
from mydia.parsing.numbering.specials import numbered_special, special_of_series, unnumbered_special
from mydia.parsing.numbering.standard import season_episode, season_then_number, season_x_episode
from mydia.parsing.numbering.worded import mini_series, season_and_episode_words, spanish_chapter

_MAY_COUNT = re.compile(r"\d|season|saison|part")

_SPECIAL = re.compile(
    r"(?:[ ._-]{0,3}[\[(]|[ ._-]{1,3})(?:ncop|nced|ova|oad|ovd|ona|specials?|sp|menu|pv|cm)\d{0,2}[a-z]?(?:v\d)?(?![a-z0-9])(?![ ._]?[^\W\d_])"
)

Form = Callable[[Scene], Numbering | None]

FORMS: tuple[Form, ...] = (
    season_episode,
    day_in_front,
    season_x_episode,
    season_and_episode_words,
    spanish_chapter,
    number_then_word,
    running_number,
    dotted,
    daily,
    season_mark_with_absolute,
    in_brackets,
    numbered_special,
    behind_dash,
    in_round_brackets,
    range_in_front_of_bracket,
    season_then_number,
    season_pack,
    episode_sign,
    mini_series,
    bare_absolute,
    run_together,
    day_in_six_digits,
    number_in_front,
    special_of_series,
    unnumbered_special,
)

_NUMBERLESS_FORMS: tuple[Form, ...] = (special_of_series, unnumbered_special)

_FILM_FORMS: tuple[Form, ...] = (season_episode,)
"""With the `movie` hint only a form that cannot be part of a film's name is read."""

_FANSUB_FORMS = frozenset(
    {"number in brackets", "absolute behind a dash", "absolute range", "bare absolute", "episode sign"}
)


_COUNTER_IN_FRONT = re.compile(r"(\d{1,3})(?:[ ]?-[ ]?|\.[ ]|[ ]-[ ])(?=[^\W\d_])")


def _behind_counter(scene: Scene, numbering: Numbering) -> int:
    """Return the start of the title after a repeated episode number at the front (`03-Title.5x03`), or 0."""
    found = _COUNTER_IN_FRONT.match(scene.low, scene.begin)
    is_counter = found is not None and found.end() < numbering.start and int(found.group(1)) == numbering.episodes[0]
    return found.end() if found is not None and is_counter else 0


_SIGN_BEFORE = re.compile(r"[ ._(\[-]{1,3}(?:eps?|episodes?|folgen?|episodios?|cap)\.?[ ._-]{0,3}\Z")
_SIGN_REACH = 16


def _with_sign_before(scene: Scene, numbering: Numbering) -> Numbering:
    """Extend the numbering over an episode word before the number: `Title Ep. 05`."""
    found = _SIGN_BEFORE.search(scene.low, max(scene.begin, numbering.start - _SIGN_REACH), numbering.start)
    return replace(numbering, start=found.start()) if found is not None and found.start() > scene.begin else numbering


def _with_day(scene: Scene, numbering: Numbering) -> Numbering:
    stated = stated_day(scene)
    if stated is None:
        return numbering
    return replace(numbering, air_on=stated[0], spans={**numbering.spans, "air_on": (stated[1],)})


def find_numbering(scene: Scene) -> Numbering | None:
    """Return the result of the first form that matches."""
    if scene.hint == "movie":
        forms = _FILM_FORMS
    elif _MAY_COUNT.search(scene.low) is None:
        forms = _NUMBERLESS_FORMS
    else:
        forms = FORMS
    for form in forms:
        numbering = form(scene)
        if numbering is not None:
            if numbering.episodes and not scene.subgroup:
                numbering = replace(numbering, title_from=_behind_counter(scene, numbering))
            if numbering.seasons and numbering.episodes and numbering.air_on is None:
                numbering = _with_day(scene, numbering)
            if numbering.absolute and not numbering.seasons:
                numbering = _with_sign_before(scene, numbering)
            if numbering.form in _FANSUB_FORMS and _SPECIAL.match(scene.low, numbering.end):
                return replace(numbering, is_special=True)
            return numbering
    return None
