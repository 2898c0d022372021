"""Names follow the templates, are valid on every file system, and never escape the folder."""

from __future__ import annotations

from copy import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.contexts.library.naming import (
    DEFAULTS,
    NamingFacts,
    NamingRules,
    check_template,
    episode_path,
    item_folder,
    movie_path,
    preview,
)
from mydia.errors import Invalid
from mydia.vocabulary import MediaType

FILM = NamingFacts(
    title="Night of the Living Dead", extension=".mkv", year=1968, tmdb_id=10331, imdb_id="tt0063350", quality="Bluray-1080p",
    release_group="GRP", release_name="Night.1968-GRP", video_codec="h264", audio_codec="eac3", audio_channels="5.1",
)  # fmt: skip
EPISODE = NamingFacts(
    title="Pioneer One", extension=".mkv", year=2010, quality="WEBDL-720p", season=1, episodes=(1,), episode_titles=("Earthfall",),
    air_on=date(2010, 6, 16), absolute=(1,),
)  # fmt: skip
BARE = NamingRules(movie_folder="x", series_folder="x", season_folder="")


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{title} ({year})", "Night of the Living Dead (1968)"),
        ("{title}{ - [edition]}{ [quality]}", "Night of the Living Dead [Bluray-1080p]"),
        ("{Movie Title} ({Release Year}) {Quality Full}", "Night of the Living Dead (1968) Bluray-1080p"),
        (
            "{Movie.Title}.{Release.Year}.{Quality.Title}{-Release Group}",
            "Night.of.the.Living.Dead.1968.Bluray-1080p-GRP",
        ),
        ("{MOVIE TITLE}", "NIGHT OF THE LIVING DEAD"),
        ("{movie title}", "night of the living dead"),
        ("{Movie CleanTitle} {imdb-{ImdbId}} {edition-{Edition Tags}}", "Night of the Living Dead {imdb-tt0063350}"),
        ("{title} {{{tmdb_id}}}", "Night of the Living Dead {10331}"),
        (
            "{[MediaInfo VideoCodec]} {title} {MediaInfo AudioCodec}{ MediaInfo AudioChannels}",
            "[x264] Night of the Living Dead EAC3 5.1",
        ),
        ("{title:12}", "Night of"),
        ("{Movie TitleFirstCharacter} {title}", "N Night of the Living Dead"),
        ("{Original Title}", "Night.1968-GRP"),
        ("{title} {original_title}", "Night of the Living Dead"),
    ],
)
def test_our_tokens_and_those_of_other_programs(template: str, name: str) -> None:
    check_template("movie_file", template)
    assert movie_path(replace(BARE, movie_file=template), FILM) == f"x/{name}.mkv"


@pytest.mark.parametrize(
    ("style", "numbers"),
    [
        ("extend", "S01E01-02-03"),
        ("duplicate", "S01E01.S01E02.S01E03"),
        ("repeat", "S01E01E02E03"),
        ("scene", "S01E01-E02-E03"),
        ("range", "S01E01-03"),
        ("prefixed_range", "S01E01-E03"),
    ],
)
def test_several_episodes_in_one_file(style: str, numbers: str) -> None:
    rules = replace(BARE, episode_file="{title} S{season:00}E{episode:00}", multi_episode_style=style)
    facts = replace(EPISODE, episodes=(1, 2, 3))
    assert episode_path(rules, facts) == f"x/Pioneer One {numbers}.mkv"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Law & Order: The Movie", "Law & Order - The Movie"),
        ("Fahrenheit 9:11", "Fahrenheit 9-11"),
        ('What? <Why> *Now* "So" | /\\', "What! Why -Now- So ++"),
        ("...And Justice for All", "And Justice for All"),
        ("Trailing dots...", "Trailing dots"),
        ("CON", "CON_"),
        ("Amélie", "Amélie"),
        ("Ame\u0301lie", "Amélie"),
        ("../../etc/passwd", "+..+etc+passwd"),
        ("Tab\there\u202e", "Tabhere"),
    ],
)
def test_characters_that_file_systems_forbid_are_replaced(title: str, name: str) -> None:
    assert movie_path(replace(BARE, movie_file="{title}"), replace(FILM, title=title)) == f"x/{name}.mkv"


@pytest.mark.parametrize(
    ("colons", "name"), [("delete", "A B"), ("dash", "A- B"), ("space_dash", "A - B"), ("smart", "A - B")]
)
def test_colons_are_replaced_as_chosen(colons: str, name: str) -> None:
    rules = replace(BARE, movie_file="{title}", colon_replacement=colons)
    assert movie_path(rules, replace(FILM, title="A: B")) == f"x/{name}.mkv"


@pytest.mark.parametrize(
    ("titles", "name"),
    [
        (("Finale (1)", "Finale (2)"), "Finale"),
        (("The Return Part 1", "The Return Part 2"), "The Return"),
        (("Day 4,571", "The Hangar", "Day 4,572"), "Day 4,571 + The Hangar + Day 4,572"),
        (("Apollo 13", "Home"), "Apollo 13 + Home"),
    ],
)
def test_an_id_shared_by_several_titles_is_left_out(titles: tuple[str, ...], name: str) -> None:
    facts = NamingFacts(
        title="Show", extension=".mkv", season=1, episodes=tuple(range(1, len(titles) + 1)), episode_titles=titles
    )
    assert name in episode_path(NamingRules(), facts)


def test_a_year_in_the_title_is_not_repeated() -> None:
    from mydia.contexts.library.naming_facts import naming_facts
    from mydia.contexts.media import MediaItem

    castle = MediaItem(type="tv_show", title="Castle (2009)", year=2009, series_type="standard", metadata_json={})
    facts = naming_facts(castle, (), {}, ".mkv")
    assert item_folder(NamingRules(), facts, MediaType.TV_SHOW) == "Castle (2009)"


def test_specials_daily_and_anime_have_templates_of_their_own() -> None:
    rules = NamingRules()
    assert "/Specials/" in episode_path(rules, replace(EPISODE, season=0))
    assert " - 2010-06-16 - " in episode_path(rules, replace(EPISODE, series_type="daily"))
    assert "S01E01 - 001 - " in episode_path(rules, replace(EPISODE, series_type="anime"))
    assert "S01E01 - Earthfall" in episode_path(rules, replace(EPISODE, series_type="anime", absolute=()))


def test_without_renaming_the_release_keeps_its_name() -> None:
    assert movie_path(NamingRules(rename=False), FILM) == "Night of the Living Dead (1968)/Night.1968-GRP.mkv"


def test_a_long_episode_title_is_shortened_first() -> None:
    path = episode_path(NamingRules(), replace(EPISODE, episode_titles=("Ü" * 300,)))
    name = path.rpartition("/")[2]
    assert len(name.encode()) <= 255
    assert name.startswith("Pioneer One (2010) - S01E01 - ÜÜÜ")
    assert name.endswith("... [WEBDL-720p].mkv")


def test_two_versions_of_a_title_have_different_names() -> None:
    assert movie_path(NamingRules(), replace(FILM, version_suffix="4K")) != movie_path(NamingRules(), FILM)


@pytest.mark.parametrize(
    ("field", "template"),
    [
        ("movie_file", "{year}"),
        ("movie_file", "{title} {nonsense}"),
        ("movie_file", "{title"),
        ("episode_file", "{title}"),
        ("season_folder", "Season"),
        ("movie_folder", ""),
    ],
)
def test_invalid_templates_are_refused_with_a_message(field: str, template: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_template(field, template)
    assert refused.value.fields[field].endswith(".")


def test_the_defaults_pass_their_own_check_and_the_preview_shows_them() -> None:
    for field, template in DEFAULTS.items():
        check_template(field, template)
    assert [example.label for example in preview(NamingRules())][:3] == [
        "A movie",
        "An episode",
        "Two episodes in one file",
    ]


ANY_TEXT = st.text(max_size=400)
ANY_FACTS = st.builds(
    NamingFacts,
    title=ANY_TEXT,
    extension=st.sampled_from([".mkv", ".MP4", ".ts", "./../x"]),
    year=st.none() | st.integers(1, 9999),
    quality=st.none() | ANY_TEXT,
    edition=st.none() | ANY_TEXT,
    release_group=st.none() | ANY_TEXT,
    release_name=st.none() | ANY_TEXT,
    season=st.none() | st.integers(0, 3000),
    episodes=st.lists(st.integers(0, 99999), max_size=5).map(tuple),
    episode_titles=st.lists(ANY_TEXT, max_size=3).map(tuple),
    series_type=st.sampled_from(["standard", "daily", "anime"]),
    version_suffix=st.none() | ANY_TEXT,
)
ANY_RULES = st.builds(
    NamingRules,
    rename=st.booleans(),
    movie_folder=st.sampled_from(["{title} ({year})", "{Movie Title}/{Release Year}", "../{title}", "{release_group}"])
    | ANY_TEXT,
    movie_file=st.sampled_from(["{title}", "{Movie Title} {edition-{Edition Tags}}", "../../{title}", "a/{title}/b"])
    | ANY_TEXT,
    episode_file=st.sampled_from([DEFAULTS["episode_file"], "{title} {season}x{episode:00}"]) | ANY_TEXT,
    colon_replacement=st.sampled_from(["delete", "dash", "smart"]),
    multi_episode_style=st.sampled_from(["extend", "duplicate", "repeat", "scene", "range", "prefixed_range"]),
    replace_illegal=st.booleans(),
)


@given(rules=ANY_RULES, facts=ANY_FACTS)
def test_no_name_escapes_the_folder_or_breaks_a_file_system(rules: NamingRules, facts: NamingFacts) -> None:
    for path in (movie_path(rules, facts), episode_path(rules, facts), item_folder(rules, facts, "movie")):
        assert path
        assert not path.startswith("/")
        for part in path.split("/"):
            assert part not in ("", ".", "..")
            assert not part.startswith(".")
            assert not set(part) & set('\\<>:"|?*\0\n')
            assert len(part.encode()) <= 255
            assert not part.endswith((" ", "."))


@given(rules=ANY_RULES, facts=ANY_FACTS)
def test_naming_is_deterministic(rules: NamingRules, facts: NamingFacts) -> None:
    assert movie_path(rules, facts) == movie_path(rules, facts)
