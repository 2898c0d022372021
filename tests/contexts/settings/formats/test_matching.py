"""Which formats match: the rule for conditions, every condition type, and formats of the TRaSH guides on real names."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mydia import units
from mydia.contexts.settings.formats import (
    Condition,
    Format,
    FormatSet,
    Kind,
    ReleaseType,
    Subject,
    read_conditions,
    score_of,
    subjects,
    write_conditions,
)
from mydia.contexts.settings.formats.apps import App
from mydia.contexts.settings.formats.values import FormatSource
from mydia.errors import Invalid
from mydia.parsing import Modifier, Quality, Source, parse_release
from mydia.vocabulary import MediaType
from tests.contexts.settings.formats.guides import SAMPLE, WHOLE, files, read, subject
from tests.contexts.settings.formats.hand_checked import HAND_CHECKED


def one(*conditions, name="Example"):
    return Format(id=name, name=name, conditions=conditions)


def matches(subject, *conditions):
    return bool(FormatSet([one(*conditions)]).matching(subject))


def title(value, **options):
    return Condition(kind=Kind.TITLE, name=value, value=value, **options)


def group(value, **options):
    return Condition(kind=Kind.GROUP, name=value, value=value, **options)


RELEASE = Subject(titles=("Film.2019.AMZN.DV.1080p",), group="NTb")


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        # One type, nothing required: one is enough.
        ((title("AMZN"), title("NF")), True),
        ((title("HULU"), title("NF")), False),
        # Required: all of these, and a met one among all.
        ((title("AMZN", required=True), title("NF")), True),
        ((title("AMZN"), title("NF", required=True)), False),
        ((title("AMZN", required=True), title("DV", required=True)), True),
        ((title("AMZN", required=True), title("HDR", required=True)), False),
        # Negated.
        ((title("NF", negate=True),), True),
        ((title("AMZN", negate=True),), False),
        ((title("AMZN", negate=True), title("NF", negate=True)), True),
        ((title("AMZN", required=True), title("NF", negate=True, required=True)), True),
        ((title("AMZN", required=True), title("DV", negate=True, required=True)), False),
        # Several types: each of them must be met.
        ((title("AMZN"), group("NTb")), True),
        ((title("AMZN"), group("FLUX")), False),
        ((title("AMZN"), group("FLUX", negate=True)), True),
        ((title("NF"), group("NTb", required=True)), False),
        # Release name without a group: a pattern is not found, a negated one is met.
        ((Condition(kind=Kind.EDITION, name="x", value="IMAX"),), False),
        ((Condition(kind=Kind.EDITION, name="x", value="IMAX", negate=True),), True),
    ],
)
def test_required_and_negated_conditions(conditions, expected):
    assert matches(RELEASE, *conditions) is expected
    assert matches(RELEASE, *reversed(conditions)) is expected


BLURAY = Quality(Source.BLURAY, 1080)
REMUX = Quality(Source.BLURAY, 2160, Modifier.REMUX)
GERMAN = Subject(languages=frozenset({"de", "en"}), original_language="en")


@pytest.mark.parametrize(
    ("known", "kind", "options", "expected"),
    [
        (GERMAN, Kind.LANGUAGE, {"value": "de"}, True),
        (GERMAN, Kind.LANGUAGE, {"value": "fr"}, False),
        (GERMAN, Kind.LANGUAGE, {"value": "original"}, True),
        (GERMAN, Kind.LANGUAGE, {"value": "fr", "negate": True}, True),
        (GERMAN, Kind.LANGUAGE, {"value": "de", "excepted": True}, True),
        (Subject(languages=frozenset({"de"})), Kind.LANGUAGE, {"value": "de", "excepted": True}, False),
        (Subject(languages=frozenset({"de"})), Kind.LANGUAGE, {"value": "de", "excepted": True, "negate": True}, True),
        (Subject(languages=frozenset({"de"}), original_language="en"), Kind.LANGUAGE, {"value": "original"}, False),
        (Subject(languages=None), Kind.LANGUAGE, {"value": "de"}, False),
        (Subject(languages=None), Kind.LANGUAGE, {"value": "de", "negate": True}, False),
        (Subject(quality=BLURAY), Kind.SOURCE, {"value": "bluray"}, True),
        (Subject(quality=REMUX), Kind.SOURCE, {"value": "bluray"}, True),
        (Subject(quality=BLURAY), Kind.SOURCE, {"value": "bluray_encode"}, True),
        (Subject(quality=REMUX), Kind.SOURCE, {"value": "bluray_encode"}, False),
        (Subject(quality=REMUX), Kind.SOURCE, {"value": "bluray_remux"}, True),
        (Subject(quality=BLURAY), Kind.SOURCE, {"value": "bluray_remux"}, False),
        (Subject(quality=Quality(Source.TV, 1080, Modifier.RAWHD)), Kind.SOURCE, {"value": "tv_raw"}, True),
        (Subject(quality=Quality(Source.TV, 1080)), Kind.SOURCE, {"value": "tv_encode"}, True),
        (Subject(quality=Quality(Source.WEBDL, 1080)), Kind.SOURCE, {"value": "webrip"}, False),
        (Subject(quality=REMUX), Kind.RESOLUTION, {"value": "2160"}, True),
        (Subject(quality=REMUX), Kind.RESOLUTION, {"value": "1080", "negate": True}, True),
        (Subject(), Kind.RESOLUTION, {"value": "0"}, True),
        (Subject(quality=REMUX), Kind.MODIFIER, {"value": "remux"}, True),
        (Subject(quality=BLURAY), Kind.MODIFIER, {"value": "remux"}, False),
        (Subject(release_type=ReleaseType.SEASON), Kind.RELEASE_TYPE, {"value": "season_pack"}, True),
        (Subject(release_type=None), Kind.RELEASE_TYPE, {"value": "single_episode"}, False),
        (Subject(flags=frozenset({"freeleech"})), Kind.FLAG, {"value": "freeleech"}, True),
        (Subject(flags=frozenset({"freeleech"})), Kind.FLAG, {"value": "internal"}, False),
        (Subject(edition="Extended Directors Cut"), Kind.EDITION, {"value": "extended"}, True),
        (Subject(group="FraMeSToR"), Kind.GROUP, {"value": "^(framestor)$"}, True),
        (Subject(size_bytes=5 * units.GIB), Kind.SIZE, {"minimum": 1, "maximum": 5}, True),
        (Subject(size_bytes=units.GIB), Kind.SIZE, {"minimum": 1, "maximum": 5}, False),
        (Subject(size_bytes=5 * units.GIB + 1), Kind.SIZE, {"minimum": 1, "maximum": 5}, False),
        (Subject(), Kind.SIZE, {"minimum": 0, "maximum": 5}, False),
        (Subject(year=1999), Kind.YEAR, {"minimum": 1990, "maximum": 1999}, True),
        (Subject(year=2000), Kind.YEAR, {"minimum": 1990, "maximum": 1999}, False),
        (Subject(), Kind.YEAR, {"minimum": 1, "maximum": 1999}, False),
        (Subject(titles=("a", "second name")), Kind.TITLE, {"value": "second"}, True),
    ],
)
def test_each_type_of_condition(known, kind, options, expected):
    assert matches(known, Condition(kind=kind, name="x", **options)) is expected


@pytest.fixture(scope="module")
def sample():
    return {app: FormatSet(read(found, app) for found in files(SAMPLE, app)) for app in App}


@pytest.mark.parametrize(
    ("app", "name", "matching", "others"), HAND_CHECKED, ids=[line[1][:40] for line in HAND_CHECKED]
)
def test_formats_of_the_guides_on_real_names(sample, app, name, matching, others):
    found = {format.name for format in sample[App(app)].matching(subject(app, name))}
    assert set(matching.split("|")) <= found
    assert not set(others.split("|")) & found


def test_at_least_sixty_formats_are_checked():
    assert len({(line[0], name) for line in HAND_CHECKED for name in line[2].split("|")}) >= 60


@pytest.mark.parametrize(
    ("app", "name", "known", "matching", "others"),
    [
        ("radarr", "Film.2019.1080p.BluRay.x264-GRP", {"original_language": "en"}, "", "Wrong Language|Language: Not English"),
        ("radarr", "Film.2019.1080p.BluRay.x264-GRP", {"original_language": "fi"}, "Language: Not English", "Wrong Language"),
        ("radarr", "Film.2019.German.1080p.BluRay.x264-GRP", {"original_language": "fi"}, "Wrong Language", ""),
        ("radarr", "Film.2019.German.DL.1080p.BluRay.x264-GRP", {"original_language": "fi"}, "", "Wrong Language"),
        ("radarr", "Film.2019.MULTi.TRUEFRENCH.ENGLISH.1080p.BluRay.x264-GRP", {"original_language": "en"},
         "MULTi|Language: Original + French", "Wrong Language"),
        ("radarr", "Film.2019.1080p.BluRay.x264-GRP", {"flags": ["freeleech", "internal"]}, "FreeLeech|P2P Internal", ""),
        ("sonarr", "Show.S01E01.1080p.WEB-DL.H.264-GRP", {"flags": ["internal"]}, "P2P Internal", "FreeLeech"),
        # Sonarr's flag 8 is “internal”, Radarr's flag 8 is “golden”.
        ("radarr", "Film.2019.1080p.BluRay.x264-GRP", {"flags": ["golden"]}, "", "P2P Internal"),
    ],
)  # fmt: skip
def test_languages_and_flags(sample, app, name, known, matching, others):
    found = {format.name for format in sample[App(app)].matching(subject(app, name, **known))}
    assert set(filter(None, matching.split("|"))) <= found
    assert not set(filter(None, others.split("|"))) & found


def test_words_of_a_movie_title_do_not_count_and_those_of_a_series_do():
    story = FormatSet([one(title(r"\bstory\b"))])
    assert not story.matching(subject("radarr", "The.Long.Story.2019.1080p.WEB-DL.x264-GRP"))
    assert story.matching(subject("radarr", "The.Film.2019.Story.1080p.BluRay.Remux-GRP"))
    assert story.matching(subject("sonarr", "The.Long.Story.S01E01.1080p.WEB-DL.x264-GRP"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Show.S01E02.1080p.WEB-DL-GRP", ReleaseType.SINGLE),
        ("Show.S01E02E03.1080p.WEB-DL-GRP", ReleaseType.MULTI),
        ("Show.S01.1080p.WEB-DL-GRP", ReleaseType.SEASON),
        ("[Group] Show - 03 [1080p]", ReleaseType.SINGLE),
        ("Show.2019.03.04.1080p.WEB-GRP", ReleaseType.SINGLE),
    ],
)
def test_the_release_type_of_a_name(name, expected):
    assert subject("sonarr", name).release_type is expected


@pytest.mark.parametrize(
    ("name", "hdr", "expected"),
    [
        ("Film.2019.2160p.WEB-DL.DV.HDR.H.265-GRP", ("hdr10",), "Film.2019.2160p.WEB-DL.HDR10.H.265-GRP"),
        ("Film.2019.2160p.WEB-DL.H.265-GRP", ("dv", "hdr10"), "Film.2019.2160p.WEB-DL.DV.HDR10.H.265-GRP"),
        ("Film 2019 2160p WEB-DL HDR H 265-GRP", (), "Film 2019 2160p WEB-DL H 265-GRP"),
        ("Film.2019.2160p.WEB-DL.H.265-GRP", (), "Film.2019.2160p.WEB-DL.H.265-GRP"),
    ],
)
def test_the_real_dynamic_range_replaces_that_of_the_name(name, hdr, expected):
    assert subjects.with_real_hdr(name, parse_release(name, "movie"), hdr) == expected


def test_the_score_is_the_sum_of_the_matching_formats():
    matched = FormatSet(
        [one(title("AMZN"), name="a"), one(title("DV"), name="b"), one(title("NF"), name="c")]
    ).matching(RELEASE)
    assert [format.name for format in matched] == ["a", "b"]
    assert score_of(matched, {"a": 100, "b": -30, "c": 1000}) == 70
    assert score_of(matched, {}) == 0


def test_every_condition_is_explained():
    explained = FormatSet([one(title("AMZN", required=True), title("NF", negate=True), group("FLUX"))]).explain(
        RELEASE
    )[0]
    assert not explained.matches
    assert [(result.condition.name, result.met) for result in explained.results] == [
        ("AMZN", True),
        ("NF", True),
        ("FLUX", False),
    ]


def test_a_format_whose_pattern_runs_out_of_time_does_not_match_and_is_reported():
    hostile = one(title(r"^(?:\w|[a-z])+(?=#)", negate=True), name="hostile")
    good = one(title("good"), name="good")
    formats = FormatSet([hostile, good])
    started = time.monotonic()
    for number in range(200):
        assert [format.name for format in formats.matching(Subject(titles=(f"good{number}{'a' * 60}!",)))] == ["good"]
    assert time.monotonic() - started < 5
    assert list(formats.troubled) == ["hostile"]
    explained = next(one for one in formats.explain(Subject(titles=("a" * 60 + "!",))) if one.format is hostile)
    assert explained.results[0].timed_out and not explained.matches


_CONDITIONS = st.lists(
    st.builds(
        lambda kind, value, negate, required: (
            title(value, negate=negate, required=required) if kind else group(value, negate=negate, required=required)
        ),
        st.booleans(),
        st.sampled_from(["a", "b", "(?!a)c", "^b", "a$"]),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


def plain(format, subject):
    """The rule as it is written in the reference, without indexes."""
    import regex

    for kind in {condition.kind for condition in format.conditions}:
        texts = subject.titles if kind is Kind.TITLE else (subject.group,) if subject.group else ()
        met = [
            (any(regex.search(c.value, text, regex.I) for text in texts) != c.negate, c.required)
            for c in format.conditions
            if c.kind is kind
        ]
        if not all(found for found, required in met if required) or not any(found for found, _ in met):
            return False
    return True


@settings(max_examples=200, deadline=None)
@given(
    st.lists(_CONDITIONS, min_size=1, max_size=4), st.text("abc", max_size=4), st.text("abc", max_size=3), st.randoms()
)
def test_the_result_follows_the_rule_and_no_order_changes_it(lists, name, team, random):
    formats = [one(*conditions, name=f"f{place}") for place, conditions in enumerate(lists)]
    known = Subject(titles=(name,), group=team or None)
    found = [format.name for format in FormatSet(formats).matching(known)]
    assert found == [format.name for format in formats if plain(format, known)]
    mixed = [one(*random.sample(format.conditions, len(format.conditions)), name=format.name) for format in formats]
    random.shuffle(mixed)
    again = FormatSet(mixed)
    assert [format.name for format in again.matching(known)] == found
    assert [explained.format.name for explained in again.explain(known) if explained.matches] == found


@pytest.mark.parametrize("app", App)
def test_every_format_of_the_sample_is_written_as_it_was_read(app):
    found = files(SAMPLE, app)
    assert len(found) > 15
    for format in found:
        assert write_conditions(app, read(format, app).conditions, format["specifications"]) == format["specifications"]


@pytest.mark.skipif(not WHOLE.is_dir(), reason="the guide data is missing: set MYDIA_CORPORA to the folder that has it")
@pytest.mark.parametrize(("app", "count"), [("radarr", 242), ("sonarr", 236)])
def test_every_format_of_the_guides_is_written_as_it_was_read(app, count):
    found = files(WHOLE, app)
    assert len(found) == count
    for format in found:
        conditions = read(format, app).conditions
        assert write_conditions(App(app), conditions, format["specifications"]) == format["specifications"]
        without_defaults = [
            {
                **one,
                "fields": {
                    key: value for key, value in one["fields"].items() if (key, value) != ("exceptLanguage", False)
                },
            }
            for one in format["specifications"]
        ]
        assert write_conditions(App(app), conditions) == without_defaults
        assert tuple(Condition.from_json(json.loads(json.dumps(c.to_json()))) for c in conditions) == conditions


def test_a_condition_is_stored_with_its_zeros():
    size = Condition(kind=Kind.SIZE, name="Small", minimum=0.0, maximum=5.0)
    assert Condition.from_json(size.to_json()) == size


def test_a_format_of_one_application_is_not_written_for_another_that_cannot_say_it():
    year = Condition(kind=Kind.YEAR, name="90s", minimum=1990, maximum=1999)
    assert write_conditions(App.RADARR, (year,))[0]["fields"] == {"min": 1990, "max": 1999}
    with pytest.raises(Invalid, match="Sonarr has no conditions of the type year"):
        write_conditions(App.SONARR, (year,))
    remux = Condition(kind=Kind.SOURCE, name="Remux", value=FormatSource.BLURAY_REMUX)
    assert write_conditions(App.SONARR, (remux,))[0]["fields"] == {"value": 7}
    with pytest.raises(Invalid, match="Radarr has no such source"):
        write_conditions(App.RADARR, (remux,))


@pytest.mark.parametrize(
    "specification",
    [
        "text",
        {"name": "x", "implementation": "OtherSpecification", "fields": {"value": 1}},
        {"name": "x", "implementation": "SourceSpecification", "fields": {"value": 99}},
        {"name": "x", "implementation": "SourceSpecification"},
        {"name": "x", "implementation": "ReleaseTitleSpecification", "fields": {}},
        {"name": "x", "implementation": "SizeSpecification", "fields": {"min": 1}},
    ],
)
def test_what_cannot_be_read_is_refused(specification):
    with pytest.raises(Invalid):
        read_conditions(App.RADARR, [specification])


def test_the_list_of_fields_of_the_api_is_read_too():
    read_list = read_conditions(
        App.SONARR,
        [
            {
                "name": "x",
                "implementation": "LanguageSpecification",
                "fields": [{"name": "value", "value": 26}, {"name": "exceptLanguage", "value": True}],
            }
        ],
    )
    assert (read_list[0].value, read_list[0].excepted) == ("ar", True)
    assert App.SONARR.media_type == MediaType.TV_SHOW
