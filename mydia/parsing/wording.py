"""Read title, alternative titles and episode title as readable text."""

from __future__ import annotations

import re

from mydia.parsing.borders import Borders
from mydia.parsing.numbering import Numbering
from mydia.parsing.numerals import NUMBER_WORD, read_number
from mydia.parsing.opening import Opened
from mydia.parsing.release import Span

_VERSION_TAIL = re.compile(r"[ ._]v\d\Z", re.IGNORECASE)

_NO_TITLE = re.compile(r"(?:19|20)\d\d|.*新番.*|国漫|國漫|\d{1,3}月.*")

_CLOSING_BRACKET = re.compile(r"[ ._]\(([^()]+)\)\Z")

_EDGES = " ._-([{"

_LATIN = re.compile(r"[A-Za-z]{2,}")

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

_AKA_IN_FRONT = re.compile(r"(?:a\.?k\.?a\.?|aka|or)[ ._]+", re.IGNORECASE)
_AKA = re.compile(r"[ ._](?:a\.?k\.?a\.?)[ ._]", re.IGNORECASE)

_SPACES = re.compile(r"\s+")

_INITIALS = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){2,}(?:[^\W\d_](?![^\W_]))?")

_TITLES_WITH_DOT = re.compile(r"(?<![^\W_])(dr|mr|mrs|ms|st|jr|vs)\.(?=[ ._])", re.IGNORECASE)


def _clean(piece: str) -> str:
    """Replace separators with spaces, keeping the dots of initials."""
    if "." in piece:
        piece = _INITIALS.sub(lambda m: m.group().replace(".", "\x00") + " ", piece)
        if ". " in piece or ".." in piece or "._" in piece:
            piece = _TITLES_WITH_DOT.sub(lambda m: m.group(1) + "\x00", piece)
        piece = piece.replace(".", " ").replace("\x00", ".")
    title = _SPACES.sub(" ", piece.replace("_", " ")).strip(' -~|,:/[+*#"“”„«»‹›').rstrip(" -[(")
    return title.lstrip("( ") if ")" not in title else title


def read_titles(
    opened: Opened, numbering: Numbering | None, borders: Borders, hint: str | None
) -> tuple[list[str], Span]:
    """Return the title followed by its alternatives, and their span; the list is empty if there is no title.

    Each step shortens the candidate for the title and may collect alternatives.
    """
    start, end = _title_borders(opened, numbering, borders)
    piece, others = opened.text[start:end], list[str]()
    if numbering is not None:
        piece = _take_second(piece, others, opened.text, numbering)
    piece = _take_from_brackets(piece, others)
    piece = _take_latin_side(piece, others)
    piece = _take_before_aka(piece, others)
    piece = _take_latin_words(piece, others)
    if hint != "tv":
        piece = _drop_closing_bracket(piece, others)
    if numbering is not None:
        if numbering.episodes or numbering.absolute:
            piece = _EPISODE_WORD.sub("", piece.rstrip(" ._-"))
        piece = _drop_own_season(piece, numbering)
    remark = _REMARK.search(piece) if "(" in piece else None
    if remark is not None and remark.start() > 0:
        piece = piece[: remark.start()]
    if hint is None and not _names_whole_film(opened, numbering, borders):
        piece = _take_before_dash(piece, others)
    title = _clean(_place_article(piece))
    if start and start == opened.begin and title and (dots := _LEADING_DOTS.match(opened.text)) is not None:
        title = f"{dots.group()}{title}" if dots.end() == start else title
    if numbering is not None and numbering.title_suffix:
        title = f"{title} {numbering.title_suffix}"
    if opened.collection is not None:
        others.append(opened.collection)
    cleaned = [t for t in dict.fromkeys(_clean(other) for other in others) if t and t != title]
    return ([title, *cleaned] if title or cleaned else []), (start, start + len(opened.text[start:end].rstrip(_EDGES)))


_OWN_SEASON = re.compile(r"[ ._-]+(?:series|season|saison|staffel)[ ._]?(\d{1,2})(?:[ ._]-[ ._].*)?\Z", re.IGNORECASE)


def _drop_own_season(piece: str, numbering: Numbering) -> str:
    """Drop a season that the numbers repeat: `Title Series 1 - Name 1x06`."""
    found = _OWN_SEASON.search(piece) if numbering.episodes else None
    repeats = found is not None and found.start() > 0 and int(found.group(1)) in numbering.seasons
    return piece[: found.start()] if found is not None and repeats else piece


def _title_borders(opened: Opened, numbering: Numbering | None, borders: Borders) -> tuple[int, int]:
    if numbering is None or not numbering.title_follows:
        if numbering is None and borders.year_span is not None and opened.low[borders.year_span[0] - 1] in "([":
            counter = _LIST_NUMBER.match(opened.low, opened.begin)
            if counter is not None and counter.end() < borders.title_end:
                return counter.end(), borders.title_end
        begin = max(opened.begin, numbering.title_from if numbering is not None else 0)
        return begin, max(borders.title_end, begin)
    start = numbering.end
    tail = borders.tail if borders.tail > start else len(opened.text)
    dash = opened.text.find(" - ", start)
    return start, dash if start < dash <= tail else tail


def _take_second(piece: str, others: list[str], text: str, numbering: Numbering) -> str:
    """Return `Name` for `Назва (S2E1) / Name (S2E1) (2023)`."""
    if " / " not in text[numbering.start :]:
        return piece
    found = _SECOND_TITLE.match(text, numbering.end)
    if found is None:
        return piece
    others.append(piece)
    return found.group(1)


def _take_from_brackets(piece: str, others: list[str]) -> str:
    """Return the Latin title of `[名字][Title][2019]`, otherwise the first."""
    if "][" not in piece and not piece.startswith("["):
        return piece
    parts = [part for part in re.split(r"[\[\]]+", piece) if part.strip(" ._-")]
    parts = [part for part in parts if not _NO_TITLE.fullmatch(part.strip())] or parts
    if not parts:
        return piece
    latin = [p for p in parts if _LATIN.search(p) and ("/" in p or "_" in p or not _CJK.search(p))]
    chosen = (latin or parts)[0]
    others += [part for part in parts if part is not chosen]
    return chosen


def _take_latin_side(piece: str, others: list[str]) -> str:
    """Return `Title` for `名字 / Title`; of two Latin sides the last."""
    if " / " not in piece:
        return piece
    sides = piece.split(" / ")
    chosen = ([side for side in sides if _LATIN.search(side)] or sides)[-1]
    others += [side for side in sides if side is not chosen]
    return chosen


def _take_before_aka(piece: str, others: list[str]) -> str:
    first, *rest = _AKA.split(piece)
    others += rest
    return first if rest else piece


def _take_latin_words(piece: str, others: list[str]) -> str:
    """Return the Latin part of `名字.The.Title`, `名字_Title`, `ドクターホワイト Dr.White` and `Title 名字 第二季`."""
    if piece.isascii() or not _CJK.search(piece) or not _LATIN.search(piece):
        return piece
    for separator in ("/", "_"):
        parts = [part for part in piece.split(separator) if part.strip()]
        latin = [p for p in parts if _LATIN.search(p) and (separator == "/" or not _CJK.search(p))]
        if len(parts) > 1 and latin:
            others += [part for part in parts if part not in latin]
            return _take_latin_words(latin[0], others)
    blocks = _script_blocks(piece)
    latin_blocks = [block for block in blocks if block[0]]
    if len(latin_blocks) != 1:
        return piece
    start, end = _widen(piece, blocks, latin_blocks[0])
    latin_title = _strip_half_bracket(piece[start:end])
    natives = [_strip_half_bracket(side).strip("·・ ") for side in (piece[:start], piece[end:]) if _CJK.search(side)]
    if start and piece[start - 1].isalpha():
        # Without a separator both may be one title: `巴哈姆特之怒Anime`.
        others += [latin_title, *natives]
        return piece
    others += natives
    return latin_title


def _strip_half_bracket(side: str) -> str:
    """Drop an unbalanced bracket (`Title)` of `名字(Title)`) and the pair around `(名字)`."""
    bare = side.strip(" ._-")
    if bare.startswith("(") and bare.endswith(")"):
        return bare[1:-1]
    return bare.strip("()") if bare.count("(") != bare.count(")") else side


def _script_blocks(piece: str) -> list[tuple[bool, int, int]]:
    """Return the runs of Latin (True) and East Asian letters; a single Latin letter belongs to the run around it."""
    blocks: list[tuple[bool, int, int]] = []
    for found in _LETTERS_OF_A_SCRIPT.finditer(piece):
        is_latin = found.group(1) is not None
        if is_latin and found.end() - found.start() < 2:
            continue
        if blocks and blocks[-1][0] == is_latin:
            blocks[-1] = (is_latin, blocks[-1][1], found.end())
        else:
            blocks.append((is_latin, *found.span()))
    return blocks


def _widen(piece: str, blocks: list[tuple[bool, int, int]], latin: tuple[bool, int, int]) -> tuple[int, int]:
    """Return start and end of the Latin title with its digits and signs, starting at the separator after the native letters."""
    index = blocks.index(latin)
    begin = blocks[index - 1][2] if index else 0
    stop = blocks[index + 1][1] if index + 1 < len(blocks) else len(piece)
    before = _SEPARATOR.search(piece, begin, latin[1]) if index else None
    start = before.end() if before is not None else latin[1] if index else 0
    end = latin[2] + len(piece[latin[2] : stop].rstrip("第(（[")) if stop < len(piece) else stop
    return start, end


_LETTERS_OF_A_SCRIPT = re.compile(r"([A-Za-z\u00c0-\u024f]+)|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af々〆]+")
_SEPARATOR = re.compile(r"[ ._·・/|\]\[)(：:]")


def _drop_closing_bracket(piece: str, others: list[str]) -> str:
    """Move `Other` of `Title (Other)` to the alternatives, and drop a bracket cut in two by the border."""
    piece = _VERSION_TAIL.sub("", piece.rstrip(" ._-([")).rstrip(" ._-([")
    for left, right in ("()", "[]"):
        if piece.count(left) > piece.count(right):
            piece = piece[: piece.rfind(left)].rstrip(" ._-") or piece
    closing = _CLOSING_BRACKET.search(piece) if piece.endswith(")") else None
    if closing is None or closing.start() == 0 or _COUNTRY.fullmatch(closing.group(1)) is not None:
        return piece
    others.append(_AKA_IN_FRONT.sub("", closing.group(1)))
    return piece[: closing.start()]


_COUNTRY = re.compile(r"[A-Z]{2}|USA")
"""A country in brackets is part of a title in catalogues: `Being Human (US)`."""


def _names_whole_film(opened: Opened, numbering: Numbering | None, borders: Borders) -> bool:
    """Return whether a year ends the title: in brackets as in libraries (`Title - Subtitle (2019)`), or in a dotted film name."""
    if borders.year_span is None:
        return False
    start, end = borders.year_span
    if numbering is None and " " not in opened.text[opened.begin : end] and start >= borders.title_end:
        return True
    return opened.low[start - 1 : start] == "(" and opened.low[end : end + 1] == ")" and start >= borders.title_end


def _take_before_dash(piece: str, others: list[str]) -> str:
    """Return the part before ` - `; the whole becomes the first alternative."""
    first, *rest = _DASHED.split(piece, maxsplit=1)
    if not rest or not first.strip(" ._-") or not rest[0].strip(" ._-"):
        return piece
    others[:0] = [piece, rest[0]]
    return first


_LIST_NUMBER = re.compile(r"(?:\d{1,3}\.[ ]|0\d{1,2}[ ]-[ ]|\d{1,3}[ ]-[ ])(?=[^\W\d_])")
"""Position of a film in a list: `01. Title (2019)`."""
_LEADING_DOTS = re.compile(r"\.(?=\d)|\.{3}")
"""Dots at the start of a title: `.45`, `...And Justice for All`."""
_SECOND_TITLE = re.compile(r"[)\]]?\s*/\s+([^/\[\]]+?)\s*[\[(](?:s\d|season|сезон)", re.IGNORECASE)

_ARTICLE_LAST = re.compile(r"(.+),[ ._]+(the|a|an|der|die|das|le|la|les|el|los)[ ._-]*\Z", re.IGNORECASE)


def _place_article(piece: str) -> str:
    """Turn `Simpsons, The` into `The Simpsons`."""
    found = _ARTICLE_LAST.match(piece) if "," in piece else None
    return f"{found.group(2)} {found.group(1)}" if found is not None else piece


_DASHED = re.compile(r"[ ._]-[ ._]|--")
"""Without a hint the title is the part before it, since most such names are `Series - Episode` or `Artist - Work`."""

_EPISODE_WORD = re.compile(r"[ ._(\[-]+(?:eps?|episodes?|batch)\Z", re.IGNORECASE)

_REMARK = re.compile(
    r"[ ._]\((?:mini-?series?|miniserie|tv[ ._-]?series|series?|tv|anime|serie|s[ée]rie|cartoon|documentary)\)[ ._(]*\Z",
    re.IGNORECASE,
)


def read_episode_title(opened: Opened, numbering: Numbering | None, borders: Borders) -> tuple[str | None, Span | None]:
    """Return the text between the numbers and the tail, and its span."""
    if numbering is None or numbering.full_season or borders.tail <= numbering.end:
        return None, None
    piece = opened.text[numbering.end : borders.tail].lstrip(" ._-])")
    if not piece.startswith("("):
        piece = re.split(r"[\[\]]", piece, maxsplit=1)[0]
    if piece.count("(") >= piece.count(")") or not piece.rstrip(" ._-").endswith(")"):
        piece = piece.rstrip(" ._-")
        piece = piece if piece.count("(") == piece.count(")") else piece.rstrip("( ._-[")
    if numbering.title_follows and " - " in piece:
        piece = piece.partition(" - ")[2]
    translated = _TRANSLATED.search(piece)
    if translated is not None:
        piece = piece[: translated.start()]
    title = _clean(piece.strip(" ._-]"))
    return (title, (numbering.end, borders.tail)) if title else (None, None)


_TRANSLATED = re.compile(r"(?<=[\w%!?])[ ]\([ ]?\w[^()]*[ ][^()]*[ ][^()]*\)\Z")
"""Three or more words in brackets after a title are its translation."""

_PART_OF_TITLE = re.compile(rf"[ (-]+(?:part|pt|teil)[ .]?(\d{{1,2}}|{NUMBER_WORD})\)?\Z", re.IGNORECASE)


def read_part(numbering: Numbering | None, episode_title: str | None) -> tuple[int | None, str | None]:
    """Return the part number and the episode title without it: `The Siege (Part III)`."""
    if numbering is None or numbering.part is not None or episode_title is None:
        return numbering.part if numbering else None, episode_title
    found = _PART_OF_TITLE.search(episode_title)
    if found is None:
        return None, episode_title
    return read_number(found.group(1).lower()), episode_title[: found.start()].rstrip()
