"""Reading one name: the steps in their order, each knowing one thing.

1. `_open` takes off what is around the name: extension, site, tracker tag, leading `[Group]`.
2. `tokens.find_marks` finds the words of the tables.
3. `numbering.find_numbering` finds season, episode or day; where it stands, a title must end.
4. `_bound` finds the year and where the tail of technical words begins; between them lies the title.
5. Each field is read from the tail alone, so that words of a title are never taken for facts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any

from mydia.parsing import paths, refusals
from mydia.parsing.editions import read_edition
from mydia.parsing.grading import corpus_source, read_quality, read_revision
from mydia.parsing.groups import read_group, strip_reposters, strip_tracker
from mydia.parsing.languages import Languages, find_language_codes, read_languages
from mydia.parsing.numbering import NUMBER_WORD, Numbering, Scene, find_numbering, read_number
from mydia.parsing.patterns import EXTENSIONS, LANGUAGE_CODES, OTHER_EXTENSIONS, SIGNING_GROUPS, SUBTITLE_EXTENSIONS
from mydia.parsing.release import Confidence, ParsedRelease, Span
from mydia.parsing.subtitle_files import SubtitleEnding, read_subtitle_ending
from mydia.parsing.titles import similarity
from mydia.parsing.tokens import Mark, Words, cut, find_marks, lower, prepare

MAX_LENGTH = 1_024
"""Characters that are read. File systems stop at 255 bytes; what comes later says nothing new."""

_EXTENSION = re.compile(r"\.([A-Za-z0-9]{2,7})\Z")
_SOURCE_ENDINGS = frozenset({"ts", "iso"})
"""In capitals at the end of a name these are a source (`Movie.2016.TS`) and not a kind of file."""
_REVERSED = re.compile(r"(?:\A|[-._ ])(?:p027|p0801|p0612|\d{2,3}e[-._ ]?\d{2}s)(?:[-._ ]|\Z)")
_SITE = r"(?:www\.)?[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?(?:\.[a-z0-9-]{2,63}){0,2}\.(?:[a-z]{2,6}|xn--[a-z0-9-]{4,})"
_SITE_IN_FRONT = re.compile(rf"\s*(?:[\[(]\s*({_SITE})\s*[\])][ -]*|({_SITE})(?:[ ]-+[ ]*|--+[ ]*|-[ ]+))")
_SITE_WITHIN = re.compile(r"(?<![a-z0-9])(?:www\.[a-z0-9-]+\.[a-z]{2,6}|[a-z0-9-]+\.(?:com|net|org|to))(?![a-z0-9])")
_SITE_BEHIND = re.compile(rf"[ ._-]*\[\s*({_SITE})\s*\]\Z")
_SITE_ENDINGS = frozenset(
    "com org net info biz xyz club site online top pro live mobi name cloud space website tech store app dev wiki link"
    " movie media stream download torrent show video film cafe world zone one fun win vip bid party".split()
)
_BRACKET_IN_FRONT = re.compile(r"[ ]?\[([^\[\]]{1,80})\][ ._-]*")
_DAY_IN_FRONT = re.compile(r"\d{6}[ _](?=[^\d])")
_BRACKET = re.compile(r"[\[(][^\[\]()]{2,60}[\])]")
_DOTTED_DAY = re.compile(r"(\d\d)\.(\d\d)\.(\d\d)\.(?=[^\W\d])")
_HASH = re.compile(r"[\[(]([0-9A-Fa-f]{8,9})[\])]")
_YEAR = re.compile(r"(?<![a-z0-9])((?:18[89]|19\d|20\d)\d)(?![a-z0-9])|(?<=[a-z])(20\d\d)(?=[.]\d{3,4}p)")
_IDS = re.compile(r"(?<![a-z0-9])(?:(?:imdb(?:id)?[-=: ]?)?(tt\d{7,9})|(tmdb|tvdb)(?:id)?[-=: ]?(\d{1,8}))(?![a-z0-9])")
_ID_TAG = re.compile(
    r"[ ._]?[\[({]?\b(?:(?:imdb(?:id)?[-=: ]?)?tt\d{7,9}|(?:tmdb|tvdb)(?:id)?[-=: ]?\d{1,8})\b[\])}]?", re.IGNORECASE
)
_KNOWN_SIGNERS = frozenset(g.lower() for g in SIGNING_GROUPS)
_VERSION_TAIL = re.compile(r"[ ._]v\d\Z", re.IGNORECASE)
_NO_TITLE = re.compile(r"(?:19|20)\d\d|.*新番.*|国漫|國漫|\d{1,3}月.*")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_AKA = re.compile(r"[ ._](?:a\.?k\.?a\.?)[ ._]", re.IGNORECASE)
_SLASH = re.compile(r"[ ]/[ ]")
_SPACES = re.compile(r"\s+")
_INITIALS = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){2,}(?:[^\W\d_](?![^\W_]))?")
_TITLES_WITH_DOT = re.compile(r"(?<![^\W_])(dr|mr|mrs|ms|st|jr|vs)\.(?=[ ._])", re.IGNORECASE)
_WALKS_BACK = frozenset({"edition", "language", "revision", "hdr", "source", "resolution", "audio_codec", "video_codec", "audio_channels", "subs", "hardcoded", "bit_depth", "container"})
_WALKING_MISC = frozenset({"standard", "internal", "complete", "docu", "widescreen", "hybrid", "audio", "3d", "hd", "limited"})
_DEEPEST = 6
"""Folders further up are shelves."""
_IMPLIED_BY_CALLER = {"tv": "episode", "movie": "movie"}


@dataclass(slots=True)
class Opened:
    """A name without what is around it."""

    name: str
    text: str
    low: str
    extension: str | None
    begin: int
    raw: str
    """The characters as they were given, at the same places as `text`."""
    website: str | None
    website_span: Span | None
    front_group: str | None
    front_span: Span | None
    bare_group_allowed: bool
    subtitle: SubtitleEnding
    ids: dict[str, str]
    front_day: date | None = None
    skipped_from: int = 0
    """Where words of the tail begin that stand before the title (`BD25.Title.1994`)."""


@dataclass(slots=True)
class Bounds:
    """Where the parts of a name lie, in characters; `tail` in words too."""

    title_end: int
    tail: int
    tail_word: int
    year: int | None
    year_span: Span | None
    bounded: bool
    """Whether something solid ends the title, and not merely the end of the name."""


def parse_release(name: str, hint: str | None = None) -> ParsedRelease | None:
    """Read a release or file name.

    Args:
        name: Any text; the last part of a path, never the whole (see `parse_path`).
        hint: What the caller knows already: `tv`, `movie`, `subtitle` or None.
    Returns:
        None when the name says nothing that identifies a work of that kind.
    """
    release, refusal = read(name, hint)
    return None if refusal else release


def read(name: str, hint: str | None = None) -> tuple[ParsedRelease, str | None]:
    """Read a name and say why it must not be used, if it must not; quality is read even then."""
    opened = _open(name[:MAX_LENGTH])
    words = cut(opened.text, opened.low)
    marks = find_marks(words)
    if not any(m.solid for m in marks):
        # `The Web` ends a title and `WEB` a release: without any solid word only capitals or a bracket tell.
        marks = [m for m in marks if m.kind != "source" or _is_written_as_source(words, m)]
    begin_word = words.index_at(opened.begin)
    opened.skipped_from = opened.begin
    solids = [m for m in marks if m.solid and m.first >= begin_word]
    while solids and solids[0].first == begin_word and solids[0].last < len(words.words):
        begin_word = solids.pop(0).last
        opened.begin = words.starts[begin_word]
    first_solid = words.starts[solids[0].first] if solids else len(opened.text)
    checksum = _HASH.search(opened.text, opened.begin + 1)
    if checksum is not None:
        first_solid = min(first_solid, checksum.start())
    scene = Scene(
        opened.text, opened.low, words, tuple(marks), opened.begin, first_solid, opened.front_group is not None,
        "tv" if hint == "subtitle" else hint, _YEAR.search(opened.low, opened.begin) is not None,
    )  # fmt: skip
    numbering = find_numbering(scene)
    bounds = _bound(opened, words, marks, numbering, first_solid, hint)
    return _assemble(opened, words, marks, numbering, bounds, hint)


def _is_written_as_source(words: Words, mark: Mark) -> bool:
    start, end = words.starts[mark.first], words.ends[mark.last - 1]
    return words.text[start:end].isupper() or words.gap(mark.first)[-1:] in {"[", "("} or words.text.islower()


def _open(name: str) -> Opened:
    text = prepare(name)
    low = lower(text)
    ids: dict[str, str] = {}
    if "tt" in low or "tmdb" in low or "tvdb" in low:
        ids = _read_ids(low)
        # Blank them, so that their digits are never taken for a number of the work.
        text = _ID_TAG.sub(lambda found: " " * len(found.group()), text)
        low = lower(text)
    if _REVERSED.search(low):
        found = _EXTENSION.search(text)
        stem, ending = (text[: found.start()], found.group()) if found and found.group(1).lower() in EXTENSIONS else (text, "")
        text = stem[::-1] + ending
        name_read = name[: len(stem)][::-1] + name[len(stem) :]
        low = lower(text)
    else:
        name_read = name
    extension = None
    found = _EXTENSION.search(text)
    if found is not None:
        ending = found.group(1).lower()
        means_source = ending in _SOURCE_ENDINGS and found.group(1).isupper()
        if (ending in EXTENSIONS or ending in OTHER_EXTENSIONS) and not means_source:
            extension = ending
            text = text[: found.start()]
    text = text.rstrip()
    ending = SubtitleEnding()
    if extension in SUBTITLE_EXTENSIONS:
        ending = read_subtitle_ending(text)
        text = text[: len(text) - ending.length]
    website: str | None = None
    website_span: Span | None = None
    bare = True
    behind = _SITE_BEHIND.search(lower(text))
    if behind is not None and behind.start() > 0 and _is_site(behind.group(1)):
        website, website_span = text[behind.start(1) : behind.end(1)], behind.span(1)
        text, bare = text[: behind.start()], False
    text = strip_tracker(text)
    low = lower(text)
    raw = name_read[: len(text)]
    begin = 0
    front_group: str | None = None
    front_span: Span | None = None
    for _ in range(4):
        site = _SITE_IN_FRONT.match(low, begin)
        if site is not None and site.end() < len(text):
            part = 1 if site.group(1) else 2
            website, website_span = text[site.start(part) : site.end(part)], site.span(part)
            begin = site.end()
            continue
        bracket = _BRACKET_IN_FRONT.match(low, begin)
        if bracket is None or bracket.end() >= len(text):
            break
        within = _SITE_WITHIN.search(bracket.group(1))
        if within is not None:
            website = text[bracket.start(1) + within.start() : bracket.start(1) + within.end()]
            website_span = (bracket.start(1) + within.start(), bracket.start(1) + within.end())
            begin = bracket.end()
            continue
        if front_group is not None or not _may_be_group(bracket.group(1)):
            break
        front_group, front_span = raw[bracket.start(1) : bracket.end(1)].strip(), bracket.span(1)
        begin = bracket.end()
    dotted = _DOTTED_DAY.match(low, begin)
    if dotted is not None:
        begin = dotted.end()
    day = _DAY_IN_FRONT.match(low, begin)
    if day is not None and begin == 0:
        begin = day.end()
    while begin < len(text) and text[begin] in " ._-":
        begin += 1
    return Opened(
        name, text, low, extension, begin, raw, website, website_span, front_group, front_span, bare, ending, ids,
        front_day=_read_short_day(dotted) if dotted is not None else None,
    )  # fmt: skip


def _read_short_day(dotted: re.Match[str]) -> date | None:
    """Read `09.03.08` as people outside America write a day."""
    try:
        return date(2000 + int(dotted.group(3)), int(dotted.group(2)), int(dotted.group(1)))
    except ValueError:
        return None


_FRONT_IS_NO_GROUP = re.compile(r"\d{1,4}\Z|s\d|.*(?:\d{3,4}p|x26[45]|h26[45]|hevc|\d+x\d+)|[0-9a-f]{8}\Z|(?:19|20)\d\d")


def _is_site(written: str) -> bool:
    """Whether it is an address and neither a group (`YTS.MX`) nor words of the tail (`Vhs.Rip.Vff`)."""
    if written in _KNOWN_SIGNERS:
        return False
    ending = written.rpartition(".")[2]
    return written.startswith("www.") or len(ending) == 2 or ending.startswith("xn--") or ending in _SITE_ENDINGS


def _may_be_group(inside: str) -> bool:
    return _FRONT_IS_NO_GROUP.match(inside) is None


def _bound(
    opened: Opened, words: Words, marks: list[Mark], numbering: Numbering | None, first_solid: int, hint: str | None
) -> Bounds:
    """Find the year and the borders of title and tail."""
    low, length = opened.low, len(opened.text)
    years = [(int(y.group(1) or y.group(2)), y.start(), y.end()) for y in _YEAR.finditer(low, opened.begin)]
    if numbering is not None:
        return _bound_numbered(opened, words, marks, numbering, years, first_solid)
    inside = [y for y in years if opened.begin < y[1] < first_solid]
    bracketed = [y for y in inside if low[y[1] - 1] in "(["]
    chosen = bracketed[-1] if bracketed else inside[-1] if inside else None
    remark = _find_remark(opened, words, marks, chosen[1] if chosen else first_solid)
    if chosen is not None:
        end = _walk_back(words, marks, chosen[1], opened.begin, frozenset({"edition", "misc"}))
        end, tail = min(end, remark), min(chosen[2], remark)
        return Bounds(end, tail, words.index_at(tail), chosen[0], (chosen[1], chosen[2]), True)
    later = next((y for y in years if y[1] > first_solid), None)
    if first_solid < length:
        start = _walk_back(words, marks, first_solid, opened.begin, None)
    else:
        start = _walk_back(words, marks, _before_group(opened), opened.begin, None)
    year = (later[0], (later[1], later[2])) if later else (None, None)
    return Bounds(start, start, words.index_at(start), year[0], year[1], first_solid < length)


def _find_remark(opened: Opened, words: Words, marks: list[Mark], stop: int, begin: int | None = None) -> int:
    """Find a bracket before the place that holds words of the tables and nothing else; the title ends there."""
    for found in _BRACKET.finditer(opened.low, opened.begin + 1 if begin is None else begin, stop):
        first, last = words.index_at(found.start()), words.index_at(found.end())
        inside = {i for m in marks for i in range(m.first, m.last) if first <= i < last}
        if first < last and len(inside) == last - first:
            return found.start()
    return stop


def _before_group(opened: Opened) -> int:
    """Return where a name without any solid word ends, its `-GROUP` left out."""
    checksum = _HASH.search(opened.text, opened.begin + 1)
    if checksum is not None:
        return checksum.start()
    text = strip_reposters(opened.text.rstrip(" ._-])"))
    hyphen = text.rfind("-")
    if hyphen > opened.begin and text[hyphen + 1 :].isalnum() and text[hyphen - 1] not in " ":
        return hyphen
    return len(opened.text)


def _bound_numbered(
    opened: Opened, words: Words, marks: list[Mark], numbering: Numbering, years: list[tuple[int, int, int]], first_solid: int
) -> Bounds:
    low = opened.low
    title_end = min(numbering.start, first_solid) if first_solid > opened.begin else numbering.start
    if first_solid < numbering.start and first_solid > opened.begin:
        title_end = _walk_back(words, marks, title_end, opened.begin, None)
    if numbering.form == "abbreviated name":
        title_end = numbering.start
    elif numbering.air_on is None:
        title_end = _drop_day(low, opened.begin, title_end)
    year: int | None = None
    span: Span | None = None
    before = [y for y in years if opened.begin < y[1] < title_end]
    if before and not opened.text[before[-1][2] : title_end].strip(" ._-()[]/"):
        year, start, end = before[-1]
        if len(before) > 1 and start - before[-2][2] == 1 and low[start - 1] == "-":
            # `Series (2013-2020)`: the years it ran; the first is the one people know it by.
            year, start, end = before[-2]
        span, title_end = (start, end), start
    solid = next((m for m in marks if m.solid and words.starts[m.first] >= numbering.end), None)
    stop = words.starts[solid.first] if solid is not None else _before_group(opened)
    if stop <= numbering.end:
        stop = len(opened.text)
    tail = _walk_back(words, marks, stop, numbering.end, None, may_reach=True)
    if numbering.full_season or (not numbering.episodes and not numbering.air_on and numbering.seasons):
        tail = min(tail, numbering.end)
    tail = min(tail, _find_remark(opened, words, marks, tail, numbering.end))
    if year is None:
        for value, start, end in years:
            if start < numbering.end:
                continue
            if low[start - 1] in "([" or start >= tail or end + 1 >= tail:
                year, span = value, (start, end)
                tail = min(tail, start)
                break
    title_end = _walk_back(words, marks, title_end, opened.begin, frozenset({"complete", "misc"}))
    return Bounds(title_end, tail, words.index_at(tail), year, span, True)


_DAY_TAIL = re.compile(r"[ ._-](?:19|20)\d\d[ ._-]\d\d[ ._-]\d\d[ ._-]*\Z")


def _drop_day(low: str, begin: int, end: int) -> int:
    """Leave a day out of the title that stands before the numbers: `Judge 2016 02 25 S20E142`."""
    found = _DAY_TAIL.search(low, begin, end)
    return found.start() if found is not None else end


def _walk_back(
    words: Words, marks: list[Mark], stop: int, begin: int, kinds: frozenset[str] | None, *, may_reach: bool = False
) -> int:
    """Move a border back over marks that stand in an unbroken row before it, but never over a whole title."""
    border = words.index_at(stop)
    floor = words.index_at(begin) - may_reach
    by_end = {m.last: m for m in marks}
    while True:
        mark = by_end.get(border)
        if mark is None and kinds is None and border - 1 > floor and _is_common_code(words, border - 1, by_end, marks):
            border -= 1
            stop = words.starts[border]
            continue
        if mark is None or mark.first <= floor:
            break
        if kinds is None:
            walks = mark.kind in _WALKS_BACK or (mark.kind == "misc" and mark.value in _WALKING_MISC) or (
                mark.kind == "streaming_service" and (mark.solid or _before_web(words, mark, marks))
            )
        else:
            walks = mark.kind in kinds and (mark.kind != "misc" or mark.value in {"3d", "complete", "hybrid"}) or (
                "complete" in kinds and mark.kind == "misc" and mark.value in {"complete", "season"} and _is_complete(words, mark, by_end)
            )
        if not walks:
            break
        border = mark.first
        stop = words.starts[border]
    return stop


_COMMON_PAIRS = frozenset("fr de es nl pl cz ru hu pt dk kr jp".split())
_COMMON_CODES = frozenset("eng ita fre fra ger spa rus jpn jap kor hin por pol ukr cze hun swe nor esp".split())


def _is_common_code(words: Words, index: int, by_end: dict[int, Mark], marks: list[Mark]) -> bool:
    """Whether the word is a language's three letters written as a code, right before words of the tail."""
    written, word = words.text[words.starts[index] : words.ends[index]], words.words[index]
    if len(written) == 2:
        if word not in _COMMON_PAIRS or not written.isupper() or words.text.isupper():
            return False
        return index + 1 in {m.first for m in marks} or (index + 1 == len(words.words) and words.gap(index) == ".")
    if not (written.isupper() or written.istitle()):
        return False
    return word in _COMMON_CODES or (len(word) == 3 and word in LANGUAGE_CODES and words.words[index + 1] in LANGUAGE_CODES)


def _is_complete(words: Words, mark: Mark, by_end: dict[int, Mark]) -> bool:
    """Whether it is `Complete` or the `Series` of `Complete Series`."""
    previous = by_end.get(mark.first)
    return mark.value == "complete" or (previous is not None and previous.value == "complete")


def _before_web(words: Words, mark: Mark, marks: list[Mark]) -> bool:
    return any(m.first == mark.last and m.kind == "source" and m.value in {"webdl", "webrip"} for m in marks)


def _assemble(
    opened: Opened, words: Words, marks: list[Mark], numbering: Numbering | None, bounds: Bounds, hint: str | None
) -> tuple[ParsedRelease, str | None]:
    text, low = opened.text, opened.low
    is_film = numbering is None and hint != "tv" or hint == "movie"
    early = numbering is not None and numbering.start > bounds.title_end and any(
        m.solid and bounds.title_end <= words.starts[m.first] < numbering.start for m in marks
    )
    tail_marks = [
        m
        for m in marks
        if m.first >= bounds.tail_word
        or (
            words.starts[m.first] >= bounds.title_end
            and (m.solid or (early and numbering is not None and words.starts[m.first] < numbering.start))
        )
    ]
    front = [m for m in marks if m.solid and m.last <= words.index_at(opened.begin) and words.starts[m.first] >= opened.skipped_from]
    tail_marks = front + tail_marks
    behind_title = [m for m in marks if words.starts[m.first] >= bounds.title_end]
    late_editions = [m for m in behind_title if m.kind in {"edition", "revision"} and m not in tail_marks]
    marks_read = sorted([*tail_marks, *late_editions], key=lambda m: (m.first, m.last))
    marks_read += find_language_codes(words, bounds.tail_word, marks_read, words.index_at(bounds.title_end))
    marks_read.sort(key=lambda m: (m.first, m.last))

    titles, title_span = _read_titles(opened, words, numbering, bounds, hint)
    revision = read_revision(text, low, marks_read, bounds.title_end)
    quality, quality_sure = read_quality(words, marks_read, opened.extension, revision, is_film=is_film)
    languages = read_languages(words, marks_read, bounds.tail_word)
    edition, editions, edition_spans = read_edition(words, marks_read)
    group, group_span = _read_group(opened, words, marks_read, bounds, numbering, hint)
    checksum = _HASH.search(text)
    ids = opened.ids
    ending = opened.subtitle
    episode_title, episode_title_span = _read_episode_title(opened, words, numbering, bounds)
    part, episode_title = _read_part(numbering, episode_title)

    spans: dict[str, tuple[Span, ...]] = {}
    if titles and titles[0]:
        spans["title"] = (title_span,)
    if bounds.year_span:
        spans["year"] = (bounds.year_span,)
    if numbering is not None:
        spans.update(numbering.spans)
    if group_span:
        spans["release_group"] = (group_span,)
    if checksum:
        spans["hash"] = (checksum.span(1),)
    if edition_spans:
        spans["edition"] = edition_spans
    if languages.audio_spans:
        spans["languages"] = languages.audio_spans
    if languages.subtitle_spans:
        spans["subtitle_languages"] = languages.subtitle_spans
    if opened.website_span:
        spans["website"] = (opened.website_span,)
    if episode_title_span:
        spans["episode_title"] = (episode_title_span,)
    for mark in marks_read:
        name = _SPAN_NAMES.get(mark.kind)
        if name is not None:
            spans[name] = (*spans.get(name, ()), (words.starts[mark.first], words.ends[mark.last - 1]))

    kind = "episode" if numbering is not None and not numbering.refusal else _type_without_numbers(hint, bounds, quality_sure, titles, marks_read)
    release = ParsedRelease(
        name=opened.name,
        type=kind,
        title=titles[0] if titles else "",
        alternative_titles=tuple(titles[1:]),
        year=bounds.year,
        season=numbering.seasons[0] if numbering and numbering.seasons else None,
        seasons=numbering.seasons if numbering else (),
        episodes=numbering.episodes if numbering else (),
        absolute_episodes=numbering.absolute if numbering else (),
        special_absolute_episodes=numbering.fractional if numbering else (),
        air_on=numbering.air_on if numbering else opened.front_day,
        part=part,
        full_season=numbering.full_season if numbering else False,
        is_multi_season=numbering.is_multi_season if numbering else False,
        is_season_extra=numbering.is_season_extra if numbering else False,
        is_special=numbering.is_special if numbering else False,
        is_split_episode=numbering.is_split if numbering else False,
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
        video_codec=_first(marks_read, "video_codec") or (opened.extension if opened.extension in {"xvid", "divx"} else None),
        bit_depth=int(depth) if (depth := _first(marks_read, "bit_depth")) else None,
        audio_codecs=tuple(dict.fromkeys(m.value for m in marks_read if m.kind == "audio_codec")),
        audio_channels=_first(marks_read, "audio_channels"),
        object_audio=next((m.value for m in marks_read if m.kind == "audio_codec" and m.value in {"atmos", "dts-x"}), None),
        container=opened.extension if opened.extension else _first(marks_read, "container"),
        streaming_service=_read_service(words, marks_read),
        website=opened.website,
        hdr=tuple(dict.fromkeys(m.value for m in marks_read if m.kind == "hdr" and m.value != "sdr")),
        is_3d=any(m.kind == "misc" and m.value == "3d" for m in marks_read),
        extra=_first(marks_read, "extra_kind"),
        confidence=_judge(numbering, bounds, titles, quality_sure, kind, hint),
        spans=MappingProxyType(spans),
    )
    return release, _refuse(opened, release, numbering, bounds, marks_read, hint)


_SPAN_NAMES = {
    "source": "quality", "resolution": "quality", "revision": "quality", "video_codec": "video_codec",
    "audio_codec": "audio_codecs", "audio_channels": "audio_channels", "hdr": "hdr", "bit_depth": "bit_depth",
    "streaming_service": "streaming_service", "container": "container",
}  # fmt: skip


def _first(marks: list[Mark], kind: str) -> str | None:
    return next((m.value for m in marks if m.kind == kind), None)


def _read_service(words: Words, marks: list[Mark]) -> str | None:
    """Take a loose abbreviation for a service only beside a web source or a solid word."""
    for mark in marks:
        if mark.kind != "streaming_service":
            continue
        if mark.solid or _before_web(words, mark, marks) or any(m.last == mark.first and m.kind == "resolution" for m in marks):
            return mark.value
    return None


def _clean(piece: str) -> str:
    """Turn the separators of a name into the spaces of a title, keeping the dots of initials."""
    kept = _INITIALS.sub(lambda m: m.group().replace(".", "\x00") + " ", piece)
    kept = _TITLES_WITH_DOT.sub(lambda m: m.group(1) + "\x00", kept)
    plain = kept.replace(".", " ").replace("_", " ").replace("\x00", ".")
    title = _SPACES.sub(" ", plain).strip(" -~|,:/[+*#").rstrip(" -[(")
    return title.lstrip("( ") if ")" not in title else title


def _read_titles(
    opened: Opened, words: Words, numbering: Numbering | None, bounds: Bounds, hint: str | None
) -> tuple[list[str], Span]:
    """Return the title and its alternatives."""
    start, end = opened.begin, max(bounds.title_end, opened.begin)
    suffix = ""
    text = opened.text
    if numbering is not None and numbering.title_suffix == ">":
        start = numbering.end
        tail = bounds.tail if bounds.tail > start else len(text)
        dash = text.find(" - ", start)
        end = dash if start < dash <= tail else tail
    elif numbering is not None:
        suffix = numbering.title_suffix
    piece = text[start:end]
    alternatives: list[str] = []
    if numbering is not None:
        second = _second_title(text, numbering)
        if second is not None:
            alternatives = [piece]
            piece = second
    if "][" in piece or piece.startswith("["):
        parts = [p for p in re.split(r"[\[\]]+", piece) if p.strip(" ._-")]
        parts = [p for p in parts if not _NO_TITLE.fullmatch(p.strip())] or parts
        latin = [p for p in parts if _LATIN.search(p) and not (_CJK.search(p) and not re.search(r"[/_]", p))]
        if parts:
            piece = (latin or parts)[0]
            alternatives += [p for p in parts if p is not piece]
    for splitter in (_SLASH, _AKA):
        pieces = splitter.split(piece)
        if len(pieces) > 1:
            if splitter is _SLASH:
                latin_last = [p for p in pieces if _LATIN.search(p)] or pieces
                chosen = latin_last[-1]
                alternatives += [p for p in pieces if p is not chosen]
                piece = chosen
            else:
                piece = pieces[0]
                alternatives += pieces[1:]
    if _CJK.search(piece) and _LATIN.search(piece):
        for cut_at in ("/", "_", "."):
            parts = [p for p in piece.split(cut_at) if p.strip()]
            latin = [p for p in parts if _LATIN.search(p) and (cut_at == "/" or not _CJK.search(p))]
            if len(parts) > 1 and latin:
                joined = cut_at.join(latin) if cut_at == "." else latin[0]
                alternatives += [p for p in parts if p not in latin]
                piece = joined
                break
        else:
            last = [found.end() for found in _CJK.finditer(piece)][-1]
            if piece[last : last + 1] == " " and len(_LATIN.findall(piece[last:])) > 0:
                alternatives.append(piece[:last])
                piece = piece[last:]
    if hint != "tv":
        piece = _VERSION_TAIL.sub("", piece.rstrip())
        piece = piece.rstrip(" ._-([")
        for left, right in ("()", "[]"):
            if piece.count(left) > piece.count(right):
                piece = piece[: piece.rfind(left)].rstrip(" ._-") or piece
        closing = re.search(r"[ ._]\(([^()]+)\)[ ._]*\Z", piece)
        if closing is not None and closing.start() > 0:
            alternatives.append(closing.group(1))
            piece = piece[: closing.start()]
    if numbering is not None:
        piece = _EPISODE_WORD.sub("", piece.rstrip(" ._-"))
    remark = _REMARK.search(piece)
    if remark is not None and remark.start() > 0:
        piece = piece[: remark.start()]
    if hint is None:
        first = _DASHED.split(piece, maxsplit=1)
        if len(first) > 1 and first[0].strip(" ._-") and first[1].strip(" ._-"):
            alternatives += [piece, first[1]]
            piece = first[0]
    title = _clean(_place_article(piece))
    if suffix and suffix != ">":
        title = f"{title} {suffix}"
    cleaned = [t for t in dict.fromkeys(_clean(a) for a in alternatives) if t and t != title]
    return ([title, *cleaned] if title or cleaned else []), (start, max(end, start))


_SECOND_TITLE = re.compile(r"[)\]]?\s*/\s+([^/\[\]]+?)\s*[\[(](?:s\d|season|сезон)", re.IGNORECASE)


_ARTICLE_LAST = re.compile(r"(.+),[ ._]+(the|a|an|der|die|das|le|la|les|el|los)[ ._-]*\Z", re.IGNORECASE)


def _place_article(piece: str) -> str:
    """Bring `Simpsons, The` into reading order."""
    found = _ARTICLE_LAST.match(piece) if "," in piece else None
    return f"{found.group(2)} {found.group(1)}" if found is not None else piece


_DASHED = re.compile(r"[ ._]-[ ._]|--")
"""What a caller who knows nothing gets as the title is the part before it; the whole is the first alternative."""
_EPISODE_WORD = re.compile(r"[ ._-]+(?:ep|eps|episode)\Z", re.IGNORECASE)
_REMARK = re.compile(
    r"[ ._]\((?:mini-?series?|miniserie|tv[ ._-]?series|series?|tv|anime|serie|s[ée]rie|cartoon|documentary)\)[ ._(]*\Z", re.IGNORECASE
)


def _second_title(text: str, numbering: Numbering) -> str | None:
    """Return the second title of `Назва (S2E1) / Name (S2E1) (2023)`."""
    if " / " not in text[numbering.start :]:
        return None
    found = _SECOND_TITLE.match(text, numbering.end)
    return found.group(1) if found is not None else None


def _read_group(
    opened: Opened, words: Words, marks: list[Mark], bounds: Bounds, numbering: Numbering | None, hint: str | None
) -> tuple[str | None, Span | None]:
    if opened.front_group is not None:
        return opened.front_group, opened.front_span
    found = read_group(words, opened.text, max(bounds.tail, numbering.end if numbering else 0), marks, bare_allowed=opened.bare_group_allowed and hint is None)
    if found is None and bounds.year_span is not None:
        # Fansub  habit puts the group right behind the year: `Name 2017 [RH] [Blu-ray][MKV]`.
        behind = bounds.year_span[1] + (opened.low[bounds.year_span[1] : bounds.year_span[1] + 2] == ").") * 2
        bracket = _BRACKET_IN_FRONT.match(opened.low, behind)
        if bracket is not None and bracket.group(1).isalnum() and not any(words.starts[m.first] == bracket.start(1) for m in marks):
            found = opened.raw[bracket.start(1) : bracket.end(1)], bracket.span(1)
    return found if found is not None else (None, None)


def _read_ids(low: str) -> dict[str, str]:
    ids: dict[str, str] = {}
    for found in _IDS.finditer(low):
        if found.group(1):
            ids.setdefault("imdb", found.group(1))
        else:
            ids.setdefault(found.group(2), found.group(3))
    return ids


def _read_episode_title(
    opened: Opened, words: Words, numbering: Numbering | None, bounds: Bounds
) -> tuple[str | None, Span | None]:
    if numbering is None or numbering.full_season or bounds.tail <= numbering.end:
        return None, None
    piece = opened.text[numbering.end : bounds.tail].lstrip(" ._-])")
    if not piece.startswith("("):
        piece = re.split(r"[\[\]]", piece, maxsplit=1)[0]
    if piece.count("(") >= piece.count(")") or not piece.rstrip(" ._-").endswith(")"):
        piece = piece.rstrip(" ._-")
        piece = piece if piece.count("(") == piece.count(")") else piece.rstrip("( ._-[")
    if numbering.title_suffix == ">" and " - " in piece:
        piece = piece.partition(" - ")[2]
    translated = _TRANSLATED.search(piece)
    if translated is not None:
        piece = piece[: translated.start()]
    title = _clean(piece.strip(" ._-]"))
    return (title, (numbering.end, bounds.tail)) if title else (None, None)


_TRANSLATED = re.compile(r"(?<=[\w%!?])[ ]\([ ]?\w[^()]*[ ][^()]*[ ][^()]*\)\Z")
"""A title of three words or more in brackets behind another says the same in a second language."""
_PART_OF_TITLE = re.compile(rf"[ (-]+(?:part|pt|teil)[ .]?(\d{{1,2}}|{NUMBER_WORD})\)?\Z", re.IGNORECASE)


def _read_part(numbering: Numbering | None, episode_title: str | None) -> tuple[int | None, str | None]:
    """Return the part and the episode's title without it: `The Siege (Part III)`."""
    if numbering is None or numbering.part is not None or episode_title is None:
        return numbering.part if numbering else None, episode_title
    found = _PART_OF_TITLE.search(episode_title)
    if found is None:
        return None, episode_title
    return read_number(found.group(1).lower()), episode_title[: found.start()].rstrip()


def _type_without_numbers(
    hint: str | None, bounds: Bounds, quality_sure: float, titles: list[str], marks: list[Mark]
) -> str | None:
    if hint in _IMPLIED_BY_CALLER:
        return _IMPLIED_BY_CALLER[hint]
    if titles and (bounds.year is not None or quality_sure > 0 or marks):
        return "movie"
    return "movie" if titles and " " in titles[0] else None


def _judge(
    numbering: Numbering | None, bounds: Bounds, titles: list[str], quality_sure: float, kind: str | None, hint: str | None
) -> Confidence:
    title = 0.0
    if titles and titles[0]:
        title = 0.95 if bounds.bounded else 0.5
        if len(titles[0]) < 3:
            title -= 0.1
    numbers = numbering.confidence if numbering else 0.0
    year = 0.0 if bounds.year is None else 0.95 if numbering is None else 0.85
    sure = numbers if numbering else 0.9 if bounds.year else 0.6 if quality_sure else 0.3
    return Confidence(
        type=max(sure, 0.9 if hint in _IMPLIED_BY_CALLER and kind == _IMPLIED_BY_CALLER[hint] else 0.0) if kind else 0.0,
        title=round(title, 2),
        year=year,
        season=numbers if numbering and numbering.seasons else 0.0,
        episodes=numbers if numbering and (numbering.episodes or numbering.absolute or numbering.air_on or numbering.fractional) else 0.0,
        quality=quality_sure,
    )


def _refuse(
    opened: Opened, release: ParsedRelease, numbering: Numbering | None, bounds: Bounds, marks: list[Mark], hint: str | None
) -> str | None:
    """Say why the name must not be used."""
    meaningless = refusals.why_meaningless(opened.text)
    if meaningless is not None:
        return meaningless
    if numbering is not None and numbering.refusal:
        return numbering.refusal
    if hint == "tv" and numbering is None:
        return "no season, episode or day"
    if not release.title and numbering is None and not _says_anything(release, marks):
        return "no title"
    return None


def _says_anything(release: ParsedRelease, marks: list[Mark]) -> bool:
    return bool(marks) or release.year is not None


def parse_path(path: str, library_root: str | None = None, hint: str | None = None) -> ParsedRelease | None:
    """Read a file together with its folders.

    A folder helps where the file says little (`123.mkv`), gives the season (`Season 2/01. Title.mkv`) and the title
    (`Series (2003)/Season 2/S02E21.mkv`); spans are those of the part that was read.

    Args:
        path: With slashes of either kind.
        library_root: The folder that names no work; without it, common shelf names are recognised.
        hint: As of `parse_release`.
    Returns:
        None when neither the file nor a folder says what it is.
    """
    release, refusal = read_path(path, library_root, hint)
    return None if refusal else release


def read_path(path: str, library_root: str | None, hint: str | None) -> tuple[ParsedRelease, str | None]:
    """Read a path and say why the result must not be used, if it must not."""
    parts = paths.split_path(path, library_root)[-_DEEPEST:]
    if not parts:
        return read(path, hint)
    file, refusal = read(parts[-1], hint)
    found = _EXTENSION.search(parts[-1])
    known = found is not None and (found.group(1).lower() in EXTENSIONS or found.group(1).lower() in OTHER_EXTENSIONS)
    stem = parts[-1][: found.start()] if known and found is not None else parts[-1]
    folders = [folder for folder in reversed(parts[:-1]) if not paths.is_furniture(folder)]
    if not folders:
        return file, refusal
    return _read_with_folders(file, refusal, stem, folders, path, hint)


def _read_with_folders(
    file: ParsedRelease, refusal: str | None, stem: str, folders: list[str], path: str, hint: str | None
) -> tuple[ParsedRelease, str | None]:
    read_folders = [read(folder, hint)[0] for folder in folders]
    nearest = read_folders[0]
    strong = paths.is_strong(file) and refusal is None
    season = paths.season_of_folder(folders[0])
    if season is not None and not strong and (hint != "movie"):
        series = read_folders[1] if len(folders) > 1 else nearest if nearest.title else None
        inside = paths.in_season_folder(file, season, stem, series)
        missing = "a season's folder, but no number" if hint == "tv" and not inside.episodes else None
        return replace(paths.with_folder_facts(inside, nearest), name=path), missing
    if not strong:
        for folder, name in zip(read_folders, folders, strict=True):
            if refusals.why_meaningless(name) is None and paths.is_strong(folder):
                return _from_folder(folder, file, path), None
        if paths.says_little(stem) or refusal is not None or _is_poorer(file, nearest):
            for folder, name in zip(read_folders, folders, strict=True):
                if not paths.says_little(name) and folder.title and (hint != "tv" or folder.seasons or folder.air_on):
                    return _from_folder(folder, file, path), None
    merged = paths.with_folder_facts(file, nearest) if _same_work(file, nearest) else file
    if not merged.title or (season is not None and strong and len(folders) > 1 and not file.title):
        title = next((f for f, n in zip(read_folders, folders, strict=True) if f.title and paths.season_of_folder(n) is None), None)
        if title is not None:
            merged = replace(merged, title=title.title, year=merged.year or title.year)
    return replace(merged, name=path), refusal


def _from_folder(folder: ParsedRelease, file: ParsedRelease, path: str) -> ParsedRelease:
    return replace(folder, name=path, container=file.container)


def _is_poorer(file: ParsedRelease, folder: ParsedRelease) -> bool:
    """Whether a file has no year, numbers or quality words although its folder has."""
    return (
        file.year is None
        and file.confidence.quality <= 0.5
        and not file.confidence.episodes
        and (folder.confidence.quality > 0.5 or folder.year is not None)
        and similarity(file.title, folder.title) < 0.7
    )


def _same_work(file: ParsedRelease, folder: ParsedRelease) -> bool:
    return not file.title or similarity(file.title, folder.title) >= 0.7


def parse(name: str, hint: str | None = None) -> dict[str, Any] | None:
    """Return the plain dictionary form of a name or path, or None where nothing was read."""
    release, refusal = read_path(name, None, hint) if paths.is_path(name) else read(name, hint)
    return as_dict(release, refused=refusal is not None)


def as_dict(release: ParsedRelease, *, refused: bool) -> dict[str, Any] | None:
    """Return the dictionary form; of a refused name only what is not identity, and `parsed: False`."""
    quality = release.quality
    plain: dict[str, Any] = {
        "quality_source": corpus_source(quality),
        "resolution": quality.resolution,
        "revision_version": quality.revision.version,
        "revision_real": quality.revision.real,
        "is_repack": quality.revision.is_repack,
        "languages": list(release.languages),
        "subtitle_languages": list(release.subtitle_languages),
        "subtitle_language": release.subtitle_language,
        "subtitle_tags": list(release.subtitle_tags),
        "subtitle_title": release.subtitle_title,
        "hardcoded_subs": release.hardcoded_subs,
        "release_group": release.release_group,
        "hash": release.hash,
        "edition": release.edition or (", ".join(release.editions) or None),
        "imdb_id": release.imdb_id,
        "tmdb_id": release.tmdb_id,
        "tvdb_id": release.tvdb_id,
        "video_codec": release.video_codec,
        "audio_codec": list(release.audio_codecs),
        "audio_channels": release.audio_channels,
        "container": release.container,
        "streaming_service": release.streaming_service,
        "website": release.website,
        "hdr": list(release.hdr),
    }
    if refused:
        return {**plain, "parsed": False}
    return {
        **plain,
        "type": release.type,
        "title": release.title,
        "alternative_titles": list(release.alternative_titles),
        "year": release.year,
        "season": list(release.seasons) if len(release.seasons) > 1 else release.season,
        "episodes": list(release.episodes),
        "absolute_episodes": list(release.absolute_episodes),
        "special_absolute_episodes": list(release.special_absolute_episodes),
        "air_date": release.air_on.isoformat() if release.air_on else None,
        "part": release.part,
        "full_season": release.full_season,
        "is_multi_season": release.is_multi_season,
        "is_season_extra": release.is_season_extra,
        "is_special": release.is_special,
        "is_split_episode": release.is_split_episode,
        "episode_title": release.episode_title,
    }


_ = Languages
