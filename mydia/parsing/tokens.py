"""Split a name into words and find the phrases of the tables."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from mydia.parsing.patterns import ANNIVERSARY, SUBTITLE_PREFIXES, TEAM_WORDS, TERMS

# One character for one, so that positions in the prepared text are positions in the name.
_SAME_LENGTH = str.maketrans(
    {
        "【": "[", "】": "]", "［": "[", "］": "]", "（": "(", "）": ")", "「": "[", "」": "]", "『": "[", "』": "]",
        "{": "(", "}": ")", "＆": "&", "–": "-", "—": "-", "－": "-", "‐": "-", "‑": "-", "−": "-", "’": "'", "‘": "'",
        "`": "'", "´": "'", "\u00a0": " ", "\u3000": " ", "\t": " ", "\n": " ", "\r": " ", "\u200b": " ", "\ufeff": " ",
        "★": " ", "☆": " ", "\ufffd": " ",
    }
)  # fmt: skip
_WORD = re.compile(r"(?:dd|hdr10|hdr|disney|paramount|appletv)\+|[^\W_]+(?:'[^\W_]+)*")
_GAPS = frozenset({"", " ", ".", "-", "_", ". ", " - ", "'", "+", "..", "  ", ".-", "/"})


def prepare(name: str) -> str:
    """Return the name with plain brackets, dashes and spaces, at the same length."""
    return name.translate(_SAME_LENGTH)


def lower(text: str) -> str:
    """Return the text in lower case at the same length; a few letters (`İ`) would grow and are kept."""
    small = text.lower()
    if "×" in small:
        small = small.replace("×", "x")
    return small if len(small) == len(text) else "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


class Mark(NamedTuple):
    """A phrase found in a name: the words from `first` up to, but not including, `last`."""

    first: int
    last: int
    kind: str
    value: str
    solid: bool


class Words(msgspec.Struct, frozen=True):
    """The words of a name and their positions."""

    text: str
    low: str
    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def gap(self, index: int) -> str:
        """Return the text between the word and the one before it."""
        return self.low[self.ends[index - 1] if index else 0 : self.starts[index]]

    def index_at(self, position: int) -> int:
        """Return the first word that starts at or after the position."""
        lo, hi = 0, len(self.starts)
        while lo < hi:
            mid = (lo + hi) // 2
            if self.starts[mid] < position:
                lo = mid + 1
            else:
                hi = mid
        return lo


def cut(text: str, low: str) -> Words:
    """Split a prepared text into words."""
    spans = [found.span() for found in _WORD.finditer(low)]
    if not spans:
        return Words(text, low, (), (), ())
    starts, ends = zip(*spans, strict=True)
    words = tuple([low[start:end] for start, end in spans])
    if "'" in low:
        words = tuple(word.replace("'", "") for word in words)
    return Words(text, low, words, starts, ends)


def _index_terms() -> dict[str, tuple[tuple[tuple[str, ...], str, str, bool], ...]]:
    """Map each first word to the phrases that start with it, longest first."""
    phrases: dict[tuple[str, ...], tuple[str, str, bool]] = {}
    for term in TERMS:
        for phrase in term.phrases:
            phrases.setdefault(tuple(phrase.lower().split(" ")), (term.kind, term.value, term.solid))
    index: dict[str, list[tuple[tuple[str, ...], str, str, bool]]] = {}
    for words, (kind, value, solid) in phrases.items():
        index.setdefault(words[0], []).append((words, kind, value, solid))
    return {first: tuple(sorted(rows, key=lambda row: -len(row[0]))) for first, rows in index.items()}


_TERMS = _index_terms()
_ONE_WORD = {first: row for first, rows in _TERMS.items() for row in rows if len(row[0]) == 1}
_LINES = re.compile(r"(?:m|hd|web|bd|bluray|dvd|4kto|hdtv|fhd)?(\d{3,4})[pi](?:(\d{2,3})?(?:fps)?|x|hd|10|hi)\Z")
_FRAME = re.compile(r"(\d{3,4})[x*](\d{3,4})(?:[pi]\d{0,2})?\Z")
_FRAME_RATE = re.compile(r"\d{2,3}fps\Z")
_BARE_LINES = frozenset({"480", "720", "1080", "2160"})
_KNOWN_LINES = frozenset(
    {"240", "360", "368", "400", "480", "540", "576", "720", "900", "960", "1080", "1440", "2160", "4320"}
)
_GLUED_KINDS = frozenset({"source", "video_codec", "audio_codec", "hdr", "bit_depth", "resolution", "revision"})
_GLUED_TOO = ("internal", "dl", "hybrid", "x265", "custom", "multi", "dubbed", "proper")
_NEVER_GLUED = frozenset(
    {
        "tv",
        "ts",
        "tc",
        "wp",
        "scr",
        "cam",
        "r3",
        "r5",
        "r6",
        "opus",
        "real",
        "max",
        "pq",
        "2k",
        "8k",
        "dolby",
        "screener",
    }
)
"""Words too short or too common to be searched for inside another word."""


def _pieces() -> str:
    words = {
        phrase
        for term in TERMS
        if term.kind in _GLUED_KINDS
        for phrase in term.phrases
        if " " not in phrase and phrase.isascii() and phrase not in _NEVER_GLUED
    }
    return "|".join(sorted(map(re.escape, {*words, *_GLUED_TOO}), key=len, reverse=True))


# Words written together: `hdtvx264`, `Bluray1080p`, `WEB-DLx264`, `DDP5`, `4KUHDBluRay`. The pattern never backtracks into
# a matched piece, so each word takes one pass.
_PIECE = rf"(?>\d{{3,4}}[pi]|{_pieces()})"
_COMPOUND = re.compile(rf"{_PIECE}(?:(?>{_PIECE}|\d(?:\d)?(?=\Z)|[57]1(?=\Z)|lol\Z))++\Z")
_PIECES = re.compile(_PIECE)
_COUNTED_DISC = re.compile(
    r"(?:\d{1,2}x?)?(dvd[59r]|dvdr?|bd(?:25|50|66|100)|uhd(?:50|66|100)|bluray|cd)(?:x\d{1,2})?\Z"
)
"""Number and kind of discs: `2xDVD9`, `2DVD5`, `BD50x2`."""
_AUDIO_NUMBER = re.compile(
    r"(ddpa|ddp|ddplus|dd\+?|aac|eac3|ac3|dts|truehd|flac|opus|mp2|mpa|pcm|lpcm|atmos|hdma|ma|hd)(\d)([0-9])?\Z"
)
_AUDIO_OF = {
    "ddpa": "eac3",
    "ddp": "eac3",
    "ddplus": "eac3",
    "dd": "ac3",
    "dd+": "eac3",
    "mpa": "mp2",
    "lpcm": "pcm",
    "hdma": "dts-hd",
}
_CHANNEL_NUMBERS = frozenset({"1.0", "2.0", "2.1", "3.1", "4.0", "5.0", "5.1", "6.0", "6.1", "7.1", "8.0", "9.1"})
_COUNTED = {"6.0": "5.1", "8.0": "7.1"}
"""A count of six channels means 5.1."""
_LANGUAGE_TIMES = re.compile(r"\d?x?([a-zа-яіїєґ]{2,4})\Z")
_ANNIVERSARY = re.compile(ANNIVERSARY)


def find_marks(words: Words) -> list[Mark]:
    """Find the phrases of the tables from left to right, the longest at each position."""
    marks: list[Mark] = []
    tokens, low = words.words, words.low
    count, index = len(tokens), 0
    while index < count:
        word = tokens[index]
        rows = _TERMS.get(word)
        if rows is not None:
            found = _match_phrase(words, rows, index)
            if found is not None:
                marks.append(found)
                index = found.last
                continue
        if word.endswith(("subs", "sub", "subbed")) and word[: word.rindex("sub")] in SUBTITLE_PREFIXES:
            marks.append(Mark(index, index + 1, "subs", "subs", False))
        elif len(word) > 6 or not word.isalpha():
            index = _read_compound(words, index, word, marks)
            continue
        index += 1
    if "anniversary" in low:
        for found_text in _ANNIVERSARY.finditer(low):
            first = words.index_at(found_text.start())
            marks.append(Mark(first, words.index_at(found_text.end()), "edition", "Anniversary", False))
        marks.sort()
    return marks


def drop_team_names(words: Words, marks: list[Mark]) -> list[Mark]:
    """Drop languages that are part of a group name (`x264-FRENCH-TEAM`, `[Italian Crew]`, `by.German.Team`)."""
    return [
        m
        for m in marks
        if m.kind != "language"
        or words.words[m.last : m.last + 1] == ()
        or words.words[m.last] not in TEAM_WORDS
        or words.gap(m.last) not in {"-", " ", ".", "_"}
        or not (words.gap(m.first)[-1:] in {"-", "[", "(", "@"} or words.words[m.first - 1 : m.first] == ("by",))
    ]


def is_known(word: str) -> bool:
    """Return whether a word is in the tables or starts one of their phrases."""
    return word in _TERMS


def _match_phrase(words: Words, rows: tuple[tuple[tuple[str, ...], str, str, bool], ...], index: int) -> Mark | None:
    tokens, starts, ends, low = words.words, words.starts, words.ends, words.low
    for phrase, kind, value, solid in rows:
        length = len(phrase)
        if length == 1:
            return Mark(index, index + 1, kind, value, solid)
        if tokens[index : index + length] == phrase and all(
            low[ends[place - 1] : starts[place]] in _GAPS for place in range(index + 1, index + length)
        ):
            return Mark(index, index + length, kind, value, solid)
    return None


def _read_compound(words: Words, index: int, word: str, marks: list[Mark]) -> int:
    """Read a word that contains a number or several phrases; return the next index."""
    after = index + 1
    if word.isdecimal():
        return _read_digits(words, index, word, marks)
    if ("p" in word or "i" in word) and _read_lines(index, word, marks):
        return after
    if "x" in word and (frame := _FRAME.match(word)) is not None:
        lines = _lines_of_frame(int(frame.group(1)), int(frame.group(2)))
        marks.append(Mark(index, after, "resolution", lines, True))
        return after
    if word[-1].isdecimal() and word[0].isalpha() and (audio := _AUDIO_NUMBER.match(word)) is not None:
        return _read_audio_number(words, index, audio, marks)
    disc = _COUNTED_DISC.match(word)
    if disc is not None and disc.group(1) in _ONE_WORD:
        _append_piece(index, disc.group(1), marks)
        return after
    if len(word) >= _SHORTEST_COMPOUND and _COMPOUND.match(word):
        for piece in _PIECES.findall(word):
            _append_piece(index, piece, marks)
    return after


_SHORTEST_COMPOUND = 5


def _read_digits(words: Words, index: int, word: str, marks: list[Mark]) -> int:
    """Read bare digits: `[720 …`, the `1280` of `1280*720`, the `5` of `5.1`."""
    after = index + 1
    if len(word) == 1:
        return _read_channels(words, index, marks)
    beside_source = bool(marks) and marks[-1].last == index and marks[-1].kind == "source" and marks[-1].solid
    if word in _BARE_LINES and (words.gap(index)[-1:] in {"[", "("} or beside_source or _leads_to_source(words, index)):
        marks.append(Mark(index, after, "resolution", word, False))
    elif after < len(words.words) and words.gap(after) in {"*", "×", " × ", " * "} and words.words[after].isdecimal():
        lines = _lines_of_frame(int(word), int(words.words[after]))
        marks.append(Mark(index, after + 1, "resolution", lines, True))
        return after + 1
    elif _is_spaced_frame(words, index):
        lines = _lines_of_frame(int(word), int(words.words[after + 1]))
        marks.append(Mark(index, after + 2, "resolution", lines, True))
        return after + 2
    return after


def _leads_to_source(words: Words, index: int) -> bool:
    """Return whether a solid source follows, as in `1080 BluRay`."""
    row = _ONE_WORD.get(words.words[index + 1]) if index + 1 < len(words.words) else None
    return row is not None and row[1] == "source" and row[3]


_LINES_OF_WIDTH = ((7_000, "4320"), (3_200, "2160"), (1_800, "1080"), (1_200, "720"), (940, "540"))


def _lines_of_frame(width: int, height: int) -> str:
    """Return the resolution of a picture size; the width decides for a cropped one (`1920x800`)."""
    if str(height) in _KNOWN_LINES:
        return str(height)
    by_width = next((lines for least, lines in _LINES_OF_WIDTH if width >= least), None)
    return by_width or ("576" if height > _MOST_OF_480 else "480")


_MOST_OF_480 = 500
_LEAST_LINES, _MOST_LINES = 200, 4_400


def _is_spaced_frame(words: Words, index: int) -> bool:
    """Return whether the word is the width in `1920 x 1080`: two numbers of a plausible size and ratio with an `x` between."""
    if words.words[index + 1 : index + 2] != ("x",) or len(words.words) <= index + 2:
        return False
    width, height = words.words[index], words.words[index + 2]
    if not height.isdecimal() or not (len(width) in {3, 4} and len(height) in {3, 4}):
        return False
    return _LEAST_LINES <= int(height) <= _MOST_LINES and int(height) < int(width) <= 3 * int(height)


def _read_lines(index: int, word: str, marks: list[Mark]) -> bool:
    """Read `1080p`, `1080p60`, `bluray1080p`, `4kto1080p` and the frame rate `48fps`."""
    after = index + 1
    found = _LINES.match(word)
    if found is not None and found.group(1) in _KNOWN_LINES:
        marks.append(Mark(index, after, "resolution", found.group(1), True))
        for prefix in ("bluray", "bd", "hdtv", "web", "dvd"):
            if word.startswith(prefix):
                _append_piece(index, prefix, marks)
        if word[0] == "m":
            _append_piece(index, "microhd", marks)
        if word.endswith("10"):
            marks.append(Mark(index, after, "bit_depth", "10", True))
        return True
    if word.endswith("fps") and _FRAME_RATE.match(word):
        marks.append(Mark(index, after, "misc", "hd", True))
        return True
    return False


def _append_piece(index: int, piece: str, marks: list[Mark]) -> None:
    row = _ONE_WORD.get(piece)
    if row is not None:
        marks.append(Mark(index, index + 1, row[1], row[2], True))
    elif piece[-1] in "pi" and piece[:-1] in _KNOWN_LINES:
        marks.append(Mark(index, index + 1, "resolution", piece[:-1], True))


def _read_audio_number(words: Words, index: int, audio: re.Match[str], marks: list[Mark]) -> int:
    """Read `DDP5.1`, `DD51`, `AAC2.0`, `MA5.1`: a codec with its channels."""
    codec, main, low = audio.groups()
    value = _AUDIO_OF.get(codec, codec)
    after = index + 1
    if (
        low is None
        and after < len(words.words)
        and words.words[after] in {"0", "1", "2"}
        and words.gap(after) in {".", " ", "_"}
    ):
        low, after = words.words[after], after + 1
    channels = f"{main}.{low}" if low is not None else None
    if channels not in _CHANNEL_NUMBERS:
        channels = None
        after = index + 1
    channels = _COUNTED.get(channels or "", channels)
    if codec in {"ma", "hd"}:
        if marks and marks[-1].kind == "audio_codec" and marks[-1].last == index:
            previous = marks.pop()
            marks.append(
                Mark(
                    previous.first, after, "audio_codec", "dts-hd" if previous.value == "dts" else previous.value, True
                )
            )
            if channels:
                marks.append(Mark(index, after, "audio_channels", channels, True))
        return after
    if value in {"ac3", "aac", "eac3", "flac", "opus", "mp2", "pcm", "truehd", "dts", "dts-hd", "atmos"}:
        marks.append(Mark(index, after, "audio_codec", value, True))
        if channels:
            marks.append(Mark(index, after, "audio_channels", channels, True))
    return after


def _read_channels(words: Words, index: int, marks: list[Mark]) -> int:
    """Read `5.1` or `5 1` after an audio or other technical word."""
    tokens = words.words
    after = index + 1
    if after >= len(tokens) or tokens[after] not in {"0", "1"} or words.gap(after) not in {".", " ", "_"}:
        return after
    channels = f"{tokens[index]}.{tokens[after]}"
    if channels not in _CHANNEL_NUMBERS:
        return after
    beside = (
        bool(marks)
        and marks[-1].last == index
        and marks[-1].kind
        in {
            "audio_codec",
            "hdr",
            "resolution",
            "video_codec",
            "source",
            "language",
            "misc",
            "bit_depth",
            "streaming_service",
        }
    )
    if not beside:
        return after
    marks.append(Mark(index, after + 1, "audio_channels", _COUNTED.get(channels, channels), False))
    return after + 1
