"""Read one name: the parsing steps in order."""

from __future__ import annotations

import re
from types import MappingProxyType

from mydia.parsing import refusals
from mydia.parsing.borders import CHECKSUM, YEAR, Borders, before_web, find_borders
from mydia.parsing.editions import find_named_editions, find_short_editions, read_edition
from mydia.parsing.grading import read_quality, read_revision
from mydia.parsing.groups import read_group
from mydia.parsing.languages import find_language_codes, read_languages
from mydia.parsing.numbering import Numbering, Scene, find_numbering
from mydia.parsing.opening import BRACKET_IN_FRONT, Opened, open_name
from mydia.parsing.release import Confidence, ParsedRelease, Span
from mydia.parsing.seasons import SeasonMarker, find_season_marker, read_season_folder
from mydia.parsing.tokens import Mark, Words, cut, drop_team_names, find_marks
from mydia.parsing.wording import read_episode_title, read_part, read_titles

MAX_LENGTH = 1_024
"""Maximum number of characters read. File names have at most 255 bytes; longer text adds nothing."""

_IMPLIED_BY_CALLER = {"tv": "episode", "movie": "movie"}


def parse_release(name: str, hint: str | None = None) -> ParsedRelease | None:
    """Read a release or file name.

    Args:
        name: Any text, but not a path (see `parse_path`).
        hint: The known type: `tv`, `movie`, `subtitle` or None.

    Returns:
        None if the name does not identify a title of that type.
    """
    release, refusal = read(name, hint)
    return None if refusal else release


def read(name: str, hint: str | None = None) -> tuple[ParsedRelease, str | None]:
    """Read a name; also return the reason for a refusal, or None. Quality is read in any case."""
    opened = open_name(name[:MAX_LENGTH])
    words = cut(opened.text, opened.low)
    marks = drop_team_names(words, find_marks(words))
    if short := find_short_editions(words, marks):
        marks = sorted([*marks, *short])
    if named := find_named_editions(words, marks):
        marks = sorted([*marks, *named])
    if not any(m.solid for m in marks):
        # `The Web` ends a title and `WEB` a release; without a solid word only capitals or a bracket decide.
        marks = [m for m in marks if m.kind != "source" or _is_written_as_source(words, m)]
    first_solid = _skip_words_in_front(opened, words, marks)
    scene = Scene(
        text=opened.text, low=opened.low, words=words, marks=tuple(marks), begin=opened.begin, first_solid=first_solid, subgroup=opened.front_group is not None,
        hint="tv" if hint == "subtitle" else hint, has_year=YEAR.search(opened.low, opened.begin) is not None,
    )  # fmt: skip
    numbering = find_numbering(scene)
    if numbering is not None and short:
        # `The Bridge (2011) (SE) S03E01`: next to the numbers of a series it is the country.
        marks = [mark for mark in marks if mark not in short]
    borders = find_borders(opened, words, marks, numbering, first_solid, hint)
    if borders.year is None and opened.front_year is not None:
        borders.year, borders.year_span = opened.front_year
    return _assemble(
        opened, words, _Facts(words, _select(opened, words, marks, numbering, borders)), numbering, borders, hint
    )


def _is_written_as_source(words: Words, mark: Mark) -> bool:
    start, end = words.starts[mark.first], words.ends[mark.last - 1]
    return words.text[start:end].isupper() or words.gap(mark.first)[-1:] in {"[", "("} or words.text.islower()


def _skip_words_in_front(opened: Opened, words: Words, marks: list[Mark]) -> int:
    """Start the title after solid words at the front (`BD25.Title.1994`); return the start of the next one."""
    first = words.index_at(opened.begin)
    solids = [m for m in marks if m.solid and m.first >= first]
    if opened.skipped_from is None:
        opened.skipped_from = opened.begin
    while solids and solids[0].first == first and solids[0].last < len(words.words):
        first = solids.pop(0).last
        opened.begin = words.starts[first]
    stop = words.starts[solids[0].first] if solids else len(opened.text)
    checksum = CHECKSUM.search(opened.text, opened.begin + 1)
    opened.checksum = checksum
    return min(stop, checksum.start()) if checksum is not None else stop


def _select(
    opened: Opened, words: Words, marks: list[Mark], numbering: Numbering | None, borders: Borders
) -> list[Mark]:
    """Keep the marks that count: those in the tail, solid ones after the title, and solid ones before it."""
    starts, title_end, tail_word = words.starts, borders.title_end, borders.tail_word
    title_word, begin_word = words.index_at(title_end), words.index_at(opened.begin)
    numbers_word = words.index_at(numbering.start) if numbering is not None and numbering.start > title_end else 0
    early = any(m.solid and title_word <= m.first < numbers_word for m in marks)
    kept = [
        m
        for m in marks
        if m.first >= tail_word
        or (
            m.first >= title_word
            and (
                m.solid
                or m.kind in {"edition", "revision"}
                or (m.kind == "language" and (numbering is None or m.last <= numbers_word))
                or (m.kind == "resolution" and numbering is None)
                or (early and m.first < numbers_word)
            )
        )
        or (m.solid and m.last <= begin_word and starts[m.first] >= (opened.skipped_from or 0))
    ]
    kept += find_language_codes(words, tail_word, kept, title_word)
    kept.sort()
    return kept


class _Facts:
    """The marks of a name, grouped by kind."""

    __slots__ = ("_by_kind", "marks", "words")

    def __init__(self, words: Words, marks: list[Mark]) -> None:
        self.words = words
        self.marks = marks
        self._by_kind: dict[str, list[Mark]] = {}
        for mark in marks:
            self._by_kind.setdefault(mark.kind, []).append(mark)

    def all(self, kind: str) -> list[Mark]:
        return self._by_kind.get(kind, [])

    def first(self, kind: str) -> str | None:
        found = self._by_kind.get(kind)
        return found[0].value if found else None

    def values(self, kind: str) -> tuple[str, ...]:
        found = self._by_kind.get(kind)
        return tuple(dict.fromkeys(mark.value for mark in found)) if found else ()

    def add_spans(self, spans: dict[str, tuple[Span, ...]]) -> None:
        starts, ends = self.words.starts, self.words.ends
        for kind, field in _FIELDS_OF_MARKS:
            found = self._by_kind.get(kind)
            if found:
                places = [(starts[m.first], ends[m.last - 1]) for m in found]
                spans[field] = tuple(sorted({*spans[field], *places})) if field in spans else tuple(places)


_FIELDS_OF_MARKS = (
    ("source", "quality"), ("resolution", "quality"), ("revision", "quality"), ("video_codec", "video_codec"),
    ("audio_codec", "audio_codecs"), ("audio_channels", "audio_channels"), ("hdr", "hdr"), ("bit_depth", "bit_depth"),
    ("streaming_service", "streaming_service"), ("container", "container"),
)  # fmt: skip
_DOUBTFUL = 0.5
_MARKED_ELSEWHERE = 0.75
"""Confidence of a season marker found in another title of the name: `名字 第三季 / Title - 05`."""
_NO_NUMBERING = Numbering(0, 0, "none", 0.0)


def _assemble(
    opened: Opened, words: Words, facts: _Facts, numbering: Numbering | None, borders: Borders, hint: str | None
) -> tuple[ParsedRelease, str | None]:
    """Read every field and build the result."""
    marks = facts.marks
    titles, title_span = read_titles(opened, numbering, borders, hint)
    episode_title, episode_title_span = read_episode_title(opened, numbering, borders)
    part, episode_title = read_part(numbering, episode_title)
    revision = read_revision(opened.text, opened.low, marks, borders.title_end)
    is_film = (numbering is None and hint != "tv") or hint == "movie"
    quality, quality_sure = read_quality(words, marks, opened.extension, revision, is_film=is_film)
    languages = read_languages(words, marks, borders.tail_word)
    edition, editions, edition_spans = read_edition(words, facts.all("edition"))
    group, group_span = _read_group(opened, words, marks, borders, numbering, hint)
    ending, ids, checksum = opened.subtitle, opened.ids, opened.checksum
    numbers = numbering or _NO_NUMBERING
    marker = _find_marker(numbers, titles)
    kind = _type_of(numbering, facts, borders, quality_sure, titles, hint)

    spans: dict[str, tuple[Span, ...]] = dict(numbers.spans)
    for field, span in (
        ("title", title_span if titles and titles[0] else None),
        ("year", borders.year_span),
        ("release_group", group_span),
        ("hash", checksum.span(1) if checksum else None),
        ("website", opened.website_span),
        ("episode_title", episode_title_span),
    ):
        if span is not None:
            spans[field] = (span,)
    spans |= {
        field: several
        for field, several in (
            ("edition", edition_spans),
            ("languages", languages.audio_spans),
            ("subtitle_languages", languages.subtitle_spans),
        )
        if several
    }
    facts.add_spans(spans)

    audio = facts.values("audio_codec")
    bit_depth = facts.first("bit_depth")
    release = ParsedRelease(
        name=opened.name,
        type=kind,
        title=titles[0] if titles else "",
        alternative_titles=_other_titles(titles, marker),
        year=borders.year,
        season=numbers.seasons[0] if numbers.seasons else None,
        seasons=numbers.seasons,
        episodes=numbers.episodes,
        absolute_episodes=numbers.absolute,
        special_absolute_episodes=numbers.fractional,
        air_on=numbers.air_on or opened.front_day,
        marked_season=marker.season if marker else None,
        unmarked_title=marker.title if marker else None,
        part=part if part is not None or marker is None else marker.part,
        full_season=numbers.full_season,
        is_multi_season=numbers.is_multi_season,
        is_season_extra=numbers.is_season_extra,
        is_special=numbers.is_special,
        is_split_episode=numbers.is_split,
        episode_title=episode_title,
        quality=quality,
        release_group=group,
        hash=checksum.group(1) if checksum else None,
        languages=languages.audio or ((ending.language,) if ending.language and hint in _IMPLIED_BY_CALLER else ()),
        subtitle_languages=languages.subtitles or ((ending.language,) if ending.language else ()),
        subtitle_language=ending.language,
        subtitle_tags=ending.tags,
        subtitle_title=ending.title,
        hardcoded_subs=languages.hardcoded,
        edition=edition,
        editions=editions,
        imdb_id=ids.get("imdb"),
        tmdb_id=int(ids["tmdb"]) if "tmdb" in ids else None,
        tvdb_id=int(ids["tvdb"]) if "tvdb" in ids else None,
        video_codec=facts.first("video_codec") or (opened.extension if opened.extension in {"xvid", "divx"} else None),
        bit_depth=int(bit_depth) if bit_depth else None,
        audio_codecs=audio,
        audio_channels=facts.first("audio_channels"),
        object_audio="atmos" if "atmos" in audio else "dts-x" if "dts-x" in audio else None,
        container=opened.extension or facts.first("container"),
        streaming_service=_read_service(words, facts),
        website=opened.website,
        hdr=tuple(value for value in facts.values("hdr") if value != "sdr"),
        is_3d="3d" in facts.values("misc"),
        extra=opened.extra or facts.first("extra_kind"),
        confidence=_judge(numbering, borders, titles, quality_sure, kind, hint, marker),
        spans=MappingProxyType(spans),
    )
    is_batch = opened.front_group is not None and bool(titles) and any(mark.solid for mark in marks)
    return release, _refuse(opened, release, numbering, hint, is_empty=not marks, is_batch=is_batch)


def _find_marker(numbers: Numbering, titles: list[str]) -> SeasonMarker | None:
    """Find the season next to an absolute number, in the title or as separate words (`Title Season 3 - 11`)."""
    if not titles or not (numbers.absolute or numbers.fractional) or numbers.episodes:
        return None
    if len(numbers.seasons) == 1:
        return SeasonMarker(titles[0], numbers.seasons[0], numbers.confidence)
    marker = find_season_marker(titles[0])
    if marker is not None:
        return marker
    season = next((season for title in titles[1:] if (season := _season_of_title(title)) is not None), None)
    return SeasonMarker(titles[0], season, _MARKED_ELSEWHERE) if season is not None else None


def _season_of_title(title: str) -> int | None:
    """Return the season that another title ends in (`名字 第三季`) or consists of (`第2季`)."""
    marker = find_season_marker(title)
    if marker is not None and marker.confidence > _DOUBTFUL:
        return marker.season
    folder = read_season_folder(title)
    return folder.seasons[0] if folder is not None and not folder.is_bare and len(folder.seasons) == 1 else None


def _other_titles(titles: list[str], marker: SeasonMarker | None) -> tuple[str, ...]:
    """Return the alternative titles, including the title without its marker if the marker is certain."""
    others = titles[1:]
    if marker is not None and marker.confidence > _DOUBTFUL and marker.title not in titles:
        others = [marker.title, *others]
    return tuple(others)


def _read_service(words: Words, facts: _Facts) -> str | None:
    """Return the streaming service; an ambiguous abbreviation counts only before a web source or after the resolution."""
    for mark in facts.all("streaming_service"):
        if mark.solid or before_web(words, mark, facts.marks):
            return mark.value
        if any(m.last == mark.first for m in facts.all("resolution")):
            return mark.value
    return None


def _read_group(
    opened: Opened, words: Words, marks: list[Mark], borders: Borders, numbering: Numbering | None, hint: str | None
) -> tuple[str | None, Span | None]:
    front = opened.front_group
    if front is not None and any(letter.isascii() for letter in front if letter.isalnum()):
        return front, opened.front_span
    numbers_end = numbering.end if numbering else 0
    found = read_group(
        words,
        opened.text,
        max(borders.tail, numbers_end),
        numbers_end,
        marks,
        bare_allowed=not opened.has_site_behind and hint is None,
    )
    if found is None and borders.year_span is not None:
        # Some fansub names have the group directly after the year: `Name 2017 [RH] [Blu-ray][MKV]`.
        behind = borders.year_span[1] + (opened.low[borders.year_span[1] : borders.year_span[1] + 2] == ").") * 2
        bracket = BRACKET_IN_FRONT.match(opened.low, behind)
        if (
            bracket is not None
            and bracket.group(1).isalnum()
            and not any(words.starts[m.first] == bracket.start(1) for m in marks)
        ):
            found = opened.raw[bracket.start(1) : bracket.end(1)], bracket.span(1)
    if front is not None and (found is None or opened.text[found[1][0] - 1] != "-"):
        # `[桜都字幕组] Name - 05`, but in `[寄生虫].Parasite.2019.x264-CMCT` the bracket has the native title.
        return front, opened.front_span
    return found or opened.prefix or (None, None)


def _type_of(
    numbering: Numbering | None,
    facts: _Facts,
    borders: Borders,
    quality_sure: float,
    titles: list[str],
    hint: str | None,
) -> str | None:
    """Return `episode`, `movie` or None; a single word alone is neither."""
    if numbering is not None and not numbering.refusal:
        return "episode"
    if hint in _IMPLIED_BY_CALLER:
        return _IMPLIED_BY_CALLER[hint]
    if not titles:
        return None
    proven = borders.year is not None or quality_sure > 0 or facts.marks
    return "movie" if proven or " " in titles[0] else None


def _judge(
    numbering: Numbering | None,
    borders: Borders,
    titles: list[str],
    quality_sure: float,
    kind: str | None,
    hint: str | None,
    marker: SeasonMarker | None,
) -> Confidence:
    title = 0.0
    if titles and titles[0]:
        title = 0.95 if borders.bounded else 0.5
        if len(titles[0]) < 3:
            title -= 0.1
    numbers = numbering.confidence if numbering else 0.0
    year = 0.0 if borders.year is None else 0.95 if numbering is None else 0.85
    sure = numbers if numbering else 0.9 if borders.year else 0.6 if quality_sure else 0.3
    return Confidence(
        type=max(sure, 0.9 if hint in _IMPLIED_BY_CALLER and kind == _IMPLIED_BY_CALLER[hint] else 0.0)
        if kind
        else 0.0,
        title=round(title, 2),
        year=year,
        season=numbers if numbering and numbering.seasons else marker.confidence if marker else 0.0,
        episodes=numbers
        if numbering and (numbering.episodes or numbering.absolute or numbering.air_on or numbering.fractional)
        else 0.0,
        quality=quality_sure,
    )


_NO_TITLES = frozenset(
    {"hd", "sd", "uhd", "4k", "fhd", "bluray", "dvd", "hdtv", "web-dl", "movies", "tv shows", "tv series"}
)
_GENERIC = frozenset({"video", "movie", "film", "untitled", "output"})
"""Names that programs give to files, if nothing else is in the name."""
_CERTAIN = 0.95
"""From this confidence of the numbering on, letters without spaces are a title, not random (`HouseOfTheDragonS01E01`)."""
_NUMBERS_FOR_A_TITLE = re.compile(r"\d{6,}|\d\d \d\d \d\d|[pP]\d{3,4}(?: .*)?")
"""Part numbers of a post: `123456`, `12.34.56`, `p0801`."""


def _refuse(
    opened: Opened,
    release: ParsedRelease,
    numbering: Numbering | None,
    hint: str | None,
    *,
    is_empty: bool,
    is_batch: bool,
) -> str | None:
    """Return why the name is refused, or None.

    Args:
        is_batch: Whether a fansub group released a whole series, which often carries no number: `[Group] Title [BDRip 1080p]`.
    """
    certain = numbering is not None and numbering.confidence >= _CERTAIN
    before = opened.text[: numbering.start].strip(" ._-[(") if numbering is not None and certain else ""
    meaningless = refusals.why_meaningless(before or opened.text)
    if meaningless is not None:
        return meaningless
    if numbering is not None and numbering.refusal:
        return numbering.refusal
    if hint == "tv" and numbering is None and not is_batch:
        return "no season, episode or date"
    if numbering is None and not release.title and (release.year is None or not is_empty):
        return "no title"
    if numbering is None and release.year is None:
        title = release.title.lower()
        if title in _NO_TITLES or (is_empty and title in _GENERIC):
            return "no title"
    if numbering is None and _NUMBERS_FOR_A_TITLE.fullmatch(release.title):
        return "numbers instead of a title"
    return None
