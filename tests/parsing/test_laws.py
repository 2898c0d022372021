"""Properties that hold for any text."""

import importlib
import pkgutil
import re
import time
from re import _constants as sre
from re import _parser as sre_parser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import mydia.parsing
from mydia.parsing import ParsedRelease, Quality, parse, parse_path, parse_release
from mydia.parsing.patterns import TERMS

HINTS = st.sampled_from([None, "tv", "movie", "subtitle"])
WORDS = [phrase for term in TERMS for phrase in term.phrases] + [
    "S01E02", "1x02", "S01", "E05", "2019", "2019-05-06", "-", " - ", "[", "]", "(", ")", "{", "}", "/", "\\", "101",
    "01v2", "第12話", "Title", "İ", "ß", "：", "-GRP", ".mkv", ".srt", "part", "1 of 5", "Season 1", "tmdb-12", "-postbot", "Season Two", "S2 - 05", "第2季", "2. Staffel", "×", "to", "&", "+", "~", "VIDEO_TS", "BDMV/", "十", "2xDVD9", "SE", "T02",
    "#5", "English - SDH", "(2)", "1920 x 1080", "Series 5", "2019 - ", "01. ", "[eng]", "-TEAM", "Cap.101", "ENG", "Tam", "Hin", "FR", "Fr", "2xUkr", "[123]-[", "[01/38]", '"', "yEnc", "[#a.b.teevee]-",
]  # fmt: skip
NAMES = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(WORDS), max_size=30).map("".join),
    st.lists(st.sampled_from(WORDS), max_size=30).map(".".join),
    st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join),
)
REPEATED = [
    "a", "1", "-", ".", " ", "[", "(", "S01", "S01E01", "E01", "1x01", "01-", "-01", "1-1-", "2012.", "1080p.", "[a]", "[01]",
    "Season 1 ", "1 of ", "www.a.", "a.a.", "ENG.", "Sub.", "DTS-HD.", "2019-01-01 ", "名", "a/b ", " / ", "aka ", "part 1 ",
    "tt1234567 ", "directors cut ", "v2 ", "-postbot", "[rartv]", "e1e2", "1~2 ", "((", "web-", "dd5.1 ", "eng+", "İ", "s1-", "season 1-", "1, ", "s01.", "第1季", "2. staffel ", "first ", "x264-", "french-team", "dd", "dts", "bd",
    "1920 x ", "t1 ", "(2009) ", "en.", "[eng]", "2xdvd9", "第", "5 & ", "e1 to ", "series 1 ", "(01-02)", "ª", "名a", "sub ita ", "2019 - ", "01. ",
    "[12]-[", '"a b" ', "[1/2]", "[#a", "eng.rus.",
]  # fmt: skip


@given(NAMES, HINTS)
@example("", None)
@example("\x00", "tv")
@example("²", "tv")
@example("S²E³", "tv")
@example("٣x٤", None)
@settings(max_examples=400, deadline=None)
def test_no_text_makes_the_parser_raise(name, hint):
    assert isinstance(parse_release(name, hint), ParsedRelease | None)
    assert isinstance(parse(name, hint), dict | None)
    assert isinstance(parse_path(name, hint=hint), ParsedRelease | None)


@given(NAMES, HINTS)
@settings(max_examples=200, deadline=None)
def test_every_span_lies_within_the_name(name, hint):
    release = parse_release(name, hint)
    if release is not None:
        for spans in release.spans.values():
            assert all(0 <= start <= end <= len(name) for start, end in spans)


@given(NAMES, HINTS)
@settings(max_examples=200, deadline=None)
def test_confidence_is_between_0_and_1_and_0_for_missing_fields(name, hint):
    release = parse_release(name, hint)
    if release is not None:
        sure = release.confidence
        assert all(
            0 <= value <= 1 for value in (sure.type, sure.title, sure.year, sure.season, sure.episodes, sure.quality)
        )
        assert bool(sure.year) == (release.year is not None)
        assert bool(sure.title) == bool(release.title)


@given(NAMES, HINTS)
@settings(max_examples=100, deadline=None)
def test_parsing_is_deterministic(name, hint):
    assert parse(name, hint) == parse(name, hint)


@given(NAMES)
@settings(max_examples=100, deadline=None)
def test_a_quality_survives_a_round_trip_through_json(name):
    release = parse_release(name)
    if release is not None:
        assert Quality.from_json(release.quality.to_json()) == release.quality


def _cpu_s(name: str, hint: str | None) -> float:
    best = float("inf")
    for _ in range(4):
        begin = time.thread_time()
        parse(name, hint)
        best = min(best, time.thread_time() - begin)
    return best


@pytest.mark.parametrize("piece", REPEATED)
def test_parsing_time_is_linear_in_the_length(piece):
    short, long = (piece * 1024)[:256], (piece * 1024)[:1024]
    parse(long, "tv")
    # Ratios of CPU time, with room for a busy machine: linear is 4, quadratic 16.
    assert min(_cpu_s(long, "tv") / _cpu_s(short, "tv") for _ in range(3)) < 10


@pytest.mark.parametrize("piece", REPEATED)
def test_text_beyond_the_longest_file_name_is_ignored(piece):
    assert parse((piece * 4096)[:4096], "tv") == parse((piece * 4096)[:1024], "tv")


def _patterns():
    for module in pkgutil.walk_packages(mydia.parsing.__path__, "mydia.parsing."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern):
                yield f"{module.name}:{name}", value


def _has_repeat_in_repeat(tree, inside=False) -> bool:
    for operation, argument in tree:
        repeats = operation in {sre.MAX_REPEAT, sre.MIN_REPEAT} and argument[1] is sre.MAXREPEAT
        if repeats and inside:
            return True
        for child in _children(operation, argument):
            if _has_repeat_in_repeat(child, inside or repeats):
                return True
    return False


def _children(operation, argument):
    if operation in {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}:
        return [argument[2]]
    if operation is sre.SUBPATTERN:
        return [argument[3]]
    if operation is sre.BRANCH:
        return argument[1]
    if operation in {sre.ASSERT, sre.ASSERT_NOT}:
        return [argument[1]]
    return []


# Each repeat here begins with a letter that the inner repeat cannot match, so there is only one way to match.
UNAMBIGUOUS = {"mydia.parsing.tokens:_WORD", "mydia.parsing.groups:_BEHIND_HYPHEN"}


def test_no_pattern_has_an_unbounded_repeat_within_a_repeat():
    found = {
        name
        for name, pattern in _patterns()
        if _has_repeat_in_repeat(sre_parser.parse(pattern.pattern, pattern.flags & re.IGNORECASE))
    }
    assert found <= UNAMBIGUOUS
