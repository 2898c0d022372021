"""Read the edition of a film, as written and as normalised values."""

from __future__ import annotations

from mydia.parsing.numbering.scene import is_year
from mydia.parsing.patterns import SHORT_EDITIONS
from mydia.parsing.tokens import Mark, Words

_LONGEST_SHORT = 3
_SPELT_OUT = {"dc": "Director's Cut", "directorscut": "Directors Cut", "fanedit": "Fan Edit", "openmatte": "Open Matte"}


def find_short_editions(words: Words, taken: list[Mark]) -> list[Mark]:
    """Find `SE`, `CE` and `UE` next to the year (`Title.SE.1991`, `Title.1986.CE.1080p`); elsewhere they are words or language codes."""
    if words.text.isupper():
        return []
    marked = {index for mark in taken for index in range(mark.first, mark.last)}
    found: list[Mark] = []
    for index, word in enumerate(words.words):
        value = SHORT_EDITIONS.get(word) if len(word) <= _LONGEST_SHORT and index and index not in marked else None
        if value is None or not words.text[words.starts[index] : words.ends[index]].isupper():
            continue
        if any(is_year(beside) for beside in (*words.words[index - 1 : index], *words.words[index + 1 : index + 2])):
            found.append(Mark(index, index + 1, "edition", value, solid=False))
    return found


def find_named_editions(words: Words, taken: list[Mark]) -> list[Mark]:
    """Find editions with a name of their own (`Title.2017.Noir.Edition.1080p`): one word between the year and `Edition` or `Cut`.

    Other known words may stand before it (`2017.Remastered.Noir.Edition`).
    """
    marked = {index for mark in taken for index in range(mark.first, mark.last)}
    found: list[Mark] = []
    # In `2012.Paper.Cut.2015` the first year belongs to the title.
    begin = max((index for index, word in enumerate(words.words) if is_year(word)), default=0)
    for index in range(begin + 2, len(words.words)):
        if words.words[index] not in _NAMED or {index - 1, index} & marked:
            continue
        name = words.text[words.starts[index - 1] : words.ends[index - 1]]
        before = words.words[index - 2]
        if name.isalpha() and name[0].isupper() and (index - 2 in marked or is_year(before)):
            found.append(Mark(index - 1, index + 1, "edition", name.capitalize(), solid=False))
    return found


_NAMED = frozenset({"edition", "cut"})


def read_edition(words: Words, found: list[Mark]) -> tuple[str | None, tuple[str, ...], tuple[tuple[int, int], ...]]:
    """Return the edition as written, its normalised values and their spans.

    Adjacent parts form one edition (`Extended Directors Cut Fan Edit`).
    """
    strong = [m for m in found if m.value != "Limited" or m.last - m.first > 1]
    if not strong:
        return None, tuple(dict.fromkeys(m.value for m in found)), ()
    pieces: list[str] = []
    spans: list[tuple[int, int]] = []
    for mark in strong:
        start, end = words.starts[mark.first], words.ends[mark.last - 1]
        pieces.append(_SPELT_OUT.get(words.words[mark.first], "") if mark.last - mark.first == 1 else "")
        pieces[-1] = pieces[-1] or (
            " ".join(words.text[words.starts[i] : words.ends[i]] for i in range(mark.first, mark.last))
        )
        spans.append((start, end))
    written = " ".join(dict.fromkeys(pieces)).removesuffix(" Collection")
    return written, tuple(dict.fromkeys(m.value for m in found)), tuple(spans)
