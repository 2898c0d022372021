"""The forms people write numbers in, surest first.

Each form knows one way of writing and gives up when it does not see it. The order is an argument: a form stands
before another when a name that fits both means the first (`Judge 2016.02.25.S20E142` is season 20, not a day).
All patterns run on the lower-case text; where one begins with a letter the look-behind stands *after* that letter,
because the engine then skips to it instead of trying every place. No pattern has a repeat inside a repeat.

1. `S01E02` means nothing else, so it comes first; a day in eight digits at the very front is next, because people
   who begin with the day do not number; then `1x02`, which could be a size, and numbers with words.
2. Days come before everything that counts, since `2018.06.22` holds three numbers.
3. The ways of fansub groups come before packs: `Title S2 - 07` is one episode and `S2` part of the name.
4. Packs come before single signs: behind `S02` an `E07` was not found by then.
5. What is left guesses: a lone number before the tail, `103`, six digits, a number in front.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from mydia.parsing.numbering.compact import dotted, run_together, running_number
from mydia.parsing.numbering.days import daily, day_in_front, day_in_six_digits
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
from mydia.parsing.numbering.specials import numbered_special, unnumbered_special
from mydia.parsing.numbering.standard import season_episode, season_then_number, season_x_episode
from mydia.parsing.numbering.worded import mini_series, season_and_episode_words, spanish_chapter

_MAY_COUNT = re.compile(r"\d|season|saison|part")

_SPECIAL = re.compile(
    r"(?<![a-z0-9])(?:ncop|nced|ova|oad|ovd|ona|specials?|sp|menu|pv|cm)\d{0,2}[a-z]?(?:v\d)?(?![a-z0-9])"
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
    unnumbered_special,
)

_NUMBERLESS_FORMS: tuple[Form, ...] = (unnumbered_special,)

_FILM_FORMS: tuple[Form, ...] = (season_episode,)
"""A caller who asks for a film is told only what cannot be a film."""

_FANSUB_FORMS = frozenset(
    {"number in brackets", "absolute behind a dash", "absolute range", "bare absolute", "episode sign"}
)


_COUNTER_IN_FRONT = re.compile(r"(\d{1,3})(?:[ ]?-[ ]?|\.[ ]|[ ]-[ ])(?=[^\W\d_])")


def _behind_counter(scene: Scene, numbering: Numbering) -> int:
    """Return where the title begins behind the episode's number that lists put in front: `03-Title.5x03`; else 0."""
    found = _COUNTER_IN_FRONT.match(scene.low, scene.begin)
    is_counter = found is not None and found.end() < numbering.start and int(found.group(1)) == numbering.episodes[0]
    return found.end() if found is not None and is_counter else 0


_SIGN_BEFORE = re.compile(r"[ ._(\[-]{1,3}(?:eps?|episodes?|folgen?|episodios?|cap)\.?[ ._-]{0,3}\Z")
_SIGN_REACH = 16


def _with_sign_before(scene: Scene, numbering: Numbering) -> Numbering:
    """Take the word in front of a number into it: `Title Ep. 05`."""
    found = _SIGN_BEFORE.search(scene.low, max(scene.begin, numbering.start - _SIGN_REACH), numbering.start)
    return replace(numbering, start=found.start()) if found is not None and found.start() > scene.begin else numbering


def find_numbering(scene: Scene) -> Numbering | None:
    """Try the forms in order and return what the first that fits has read."""
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
            if numbering.absolute and not numbering.seasons:
                numbering = _with_sign_before(scene, numbering)
            if numbering.form in _FANSUB_FORMS and _SPECIAL.search(scene.low, numbering.end):
                return replace(numbering, is_special=True)
            return numbering
    return None
