"""Regular expressions in the .NET dialect: what is translated, what is refused, and that hostile ones stop."""

import time

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from mydia.contexts.settings.formats import dialect, patterns
from mydia.errors import Invalid

NAMES = (
    "The.Example.2019.2160p.UHD.BluRay.REMUX.DV.HDR10.TrueHD.7.1.Atmos-GROUP",
    "Series.Title.S01E02.German.DL.1080p.WEB-DL.DDP5.1.H.264-NTb",
    "[Group] Anime Show - 03v2 (BD 1080p FLAC) [Dual-Audio][ABCDEF12].mkv",
    "aaaa-bbbb_cc dd",
    "x",
    "",
)


def found(pattern, text):
    return 0 in patterns.PatternSet([pattern]).hits(text).found


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"\bamzn\b", "Show.AMZN.WEB-DL", True),
        (r"(?-i)amzn", "Show.AMZN.WEB-DL", False),
        (r"(?-i:AMZN).web", "Show.AMZN.WEB-DL", True),
        (r"(?<service>NF|AMZN)[ .]WEB", "Show.AMZN.WEB-DL", True),
        (r"(?'service'NF|AMZN)[ .]WEB", "Show.NF.WEB-DL", True),
        (r"([ ._-])NF\1WEB", "Show.NF.WEB", True),
        (r"([ ._-])NF\1WEB", "Show.NF WEB", False),
        (r"(?<gap>[ ._-])NF\k<gap>WEB", "Show.NF.WEB", True),
        (r"(?<!HD[ ._-]?)DTS\b", "Film.DTS.x264", True),
        (r"(?<!HD[ ._-]?)DTS\b", "Film.HD-DTS.x264", False),
        (r"(?<=\b[12]\d{3}\b.*)Extras", "Film.2019.1080p.Extras", True),
        (r"(?<=\b[12]\d{3}\b.*)Extras", "Extras.Of.2019", False),
        (r"(?>a+)b", "xaaab", True),
        (r"(?>a+)ab", "xaaab", False),
        (r"[a-z-[aeiou]]{3}", "strong", True),
        (r"^[a-z-[aeiou]]+$", "strong", False),
        (r"[]x]1", "]1", True),
        (r"[^]x]1", "x1", False),
        (r"[[(]dual[])]", "Film [Dual]", True),
        (r"\u0041\x42", "ab", True),
        (r"x{,2}", "x{,2}", True),
        (r"x{,2}", "xx", False),
        (r"(?x) a b # spaces don't count", "ab", True),
        (r"(?#a comment)ab", "AB", True),
        (r"(?n)(ab)", "ab", True),
        (r"(a)?b(?(1)c|d)", "abc", True),
        (r"(a)?b(?(1)c|d)", "bd", True),
        (r"(a)?b(?(1)c|d)\z", "abd", True),
        (r"^(a)?b(?(1)c|d)\z", "abd", False),
        (r"\A\d+\Z", "123", True),
        (r"a{1,1500}b", "aaab", True),
        (r"\bE\b", "Pokémon", False),
        (r"\bmon\b", "Pokémon", False),
        (r"Pok\wmon", "Pokémon", True),
        (r"\bHEVC\b", "动漫HEVC", False),
        (r"\bHEVC\b", "动漫.HEVC.x", True),
        (r"[^a-z]HEVC", "动漫HEVC", True),
        (r"\p{Lu}\p{Nd}", "Ä1", True),
        (r"привет", "ПРИВЕТ мир", True),
        (r"a|", "zzz", True),
    ],
)
def test_a_pattern_means_what_it_means_in_dotnet(pattern, text, expected):
    assert found(patterns.check(pattern), text) is expected


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "a)", "[a", "*a", "a**", "a++", "a{2}{3}", "\\", r"\q", "(?<a-b>x)", "(?<a", "(?&x)", "(?P=x)",
     "a{3,1}", r"\x1", r"[z-a]", r"\k<missing>(?!x)", "(?(?=x)a|b)", "(" * 200 + ")" * 200],
)  # fmt: skip
def test_what_is_not_a_pattern_is_refused_with_a_sentence(pattern):
    with pytest.raises(Invalid) as refused:
        patterns.check(pattern)
    assert refused.value.fields["value"]


@pytest.mark.parametrize("pattern", [r"^(?:\w|[a-z])+$(?<!x)", r"^(?:(a|aa)+)+$(?<!x)", r"(?!b)(?:.*a){12}c"])
def test_a_pattern_that_backtracks_without_end_cannot_be_saved(pattern):
    started = time.monotonic()
    with pytest.raises(Invalid, match="takes too long"):
        patterns.check(pattern)
    assert time.monotonic() - started < 5


def test_a_hostile_pattern_costs_a_moment_and_is_then_left_out():
    hostile = r"^(?:\w|[a-z])+(?=#)"
    searched = patterns.PatternSet([hostile, "good"])
    started = time.monotonic()
    results = [searched.hits(f"good{number}{'a' * 60}!") for number in range(500)]
    assert time.monotonic() - started < 5
    assert all(1 in hits.found and 0 in hits.unknown for hits in results)
    assert searched.too_slow == {0}


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(x{1,900}){1,900}", r"(.*a){25}", r"(\w+\s?)*!$"])
def test_linear_patterns_stay_fast_whatever_the_name(pattern):
    searched = patterns.PatternSet([pattern])
    started = time.monotonic()
    for number in range(20):
        searched.hits(f"{'a' * 900}{number}")
    assert time.monotonic() - started < 5


def test_patterns_that_cannot_be_read_do_not_stop_the_others():
    searched = patterns.PatternSet(["(", r"\bgood\b"])
    assert searched.hits("a good name").found == {1}
    assert list(searched.broken) == [0]


def test_the_prefilter_is_the_longest_part_that_must_be_there():
    assert dialect.translate(r"^(?=.*\bBiTOR\b)(?=.*2160p)").prefilter == r".*\bBiTOR\b"
    assert dialect.translate(r"(?<!HD)DTS").prefilter == "DTS"
    assert dialect.translate(r"(?!x)").prefilter is None


_ATOMS = st.sampled_from(
    ["a", "b", "1", ".", r"\d", r"\w", r"\b", "[ab]", "[^a]", "-", " ", "(?=a)", "(?!b)", "(?<=a)", "(?<!1)", "^", "$"]
)


@st.composite
def _patterns(draw, depth=2):
    items = []
    for _ in range(draw(st.integers(1, 4))):
        atom = draw(_ATOMS)
        if depth and draw(st.integers(0, 3)) == 0:
            opening = draw(st.sampled_from(["(", "(?:", "(?=", "(?!", "(?<=", "(?<!"]))
            atom = opening + draw(_patterns(depth - 1)) + ")"
            if opening in ("(", "(?:"):
                atom += draw(st.sampled_from(["", "?", "*", "+", "{1,2}"]))
        elif atom not in ("^", "$", r"\b") and not atom.startswith("(?"):
            atom += draw(st.sampled_from(["", "", "?", "*", "+", "{2}", "*?"]))
        items.append(atom)
    text = "".join(items)
    return text if not depth or draw(st.booleans()) else text + "|" + draw(_ATOMS)


@settings(max_examples=400, deadline=None)
@given(_patterns(), st.text("ab1- ", max_size=12))
def test_both_engines_and_the_prefilter_agree_with_plain_backtracking(pattern, text):
    expected = regex.search(pattern, text, regex.IGNORECASE | regex.VERSION1) is not None
    assert found(pattern, text) is expected


@settings(max_examples=300, deadline=None)
@given(st.text("ab(|)[]?*+{}\\^$.<>=!-:1k", max_size=14))
def test_any_text_is_a_pattern_or_is_refused(text):
    try:
        patterns.check(text)
    except Invalid:
        pass
    else:
        for name in NAMES:
            patterns.PatternSet([text]).hits(name)
