"""Season folders and season markers."""

import unicodedata

import pytest

from mydia.parsing import is_season_folder, parse_path, season_of_folder
from mydia.parsing.seasons import read_season_folder


@pytest.mark.parametrize(
    ("folder", "season"),
    [
        ("Season 02", 2),
        ("season2", 2),
        ("Season.02.1080p", 2),
        ("Season One", 1),
        ("Season II", 2),
        ("Season 2 (2012)", 2),
        ("Season 2 - The Return", 2),
        ("Season 2012", 2012),
        ("2nd Season", 2),
        ("Second Season", 2),
        ("Series 3", 3),
        ("S02", 2),
        ("s2", 2),
        ("S02 1080p WEB", 2),
        ("1. Staffel", 1),
        ("Staffel 1", 1),
        ("Zweite Staffel", 2),
        ("2a Stagione", 2),
        ("2ª Temporada", 2),
        ("Temporada 2 [HDTV 720p]", 2),
        ("Deuxième saison", 2),
        ("2ème saison", 2),
        ("Saison 2", 2),
        ("Kausi 2", 2),
        ("2. kausi", 2),
        ("Säsong 2", 2),
        ("Sæson 2", 2),
        ("Sesong 2", 2),
        ("Seizoen 04", 4),
        ("Sezon 2", 2),
        ("2. évad", 2),
        ("Řada 3", 3),
        ("Сезон 2", 2),
        ("1-й сезон", 1),
        ("Первый сезон", 1),
        ("עונה 2", 2),
        ("第2季", 2),
        ("第二季", 2),
        ("第十二季", 12),
        ("シーズン2", 2),
        ("第2シーズン", 2),
        ("第2期", 2),
        ("시즌 2", 2),
        ("2", 2),
        ("02", 2),
        ("Volume 2", 2),
        ("Book Two", 2),
        ("Specials", 0),
        ("Season 0", 0),
        ("S00", 0),
        ("Sonderfolgen", 0),
        ("特別編", 0),
    ],
)
def test_a_folder_named_after_its_season(folder, season):
    assert (season_of_folder(folder), is_season_folder(folder)) == (season, True)


@pytest.mark.parametrize("folder", ["Säsong 2", "シーズン2", "Deuxième saison", "시즌 2"])
def test_decomposed_accents_are_read(folder):
    assert season_of_folder(unicodedata.normalize("NFD", folder)) == 2


@pytest.mark.parametrize(
    "folder",
    [
        "Seasoned",
        "Season of the Witch (2011)",
        "The Four Seasons",
        "Series 7 The Contenders (2001)",
        "S2 Games",
        "Series",
        "300",
        "2012",
        "Movies",
        "S01E02",
    ],
)
def test_a_folder_that_holds_no_season(folder):
    assert (season_of_folder(folder), is_season_folder(folder)) == (None, False)


@pytest.mark.parametrize("folder", ["Copper Lane Season 2", "Copper.Lane.2a.Stagione", "Copper Lane 第2季"])
def test_a_folder_with_title_and_season_is_not_named_after_the_season_alone(folder):
    assert (season_of_folder(folder), is_season_folder(folder)) == (2, False)


def test_a_folder_with_several_seasons_has_no_single_season():
    read = read_season_folder("Seasons 1-3")
    assert read is not None
    assert read.seasons == (1, 2, 3)
    assert season_of_folder("Seasons 1-3") is None


@pytest.mark.parametrize("season", ["1. Staffel", "Säsong 1", "1", "第1季", "First Season"])
def test_an_episode_takes_its_season_from_the_folder(season):
    release = parse_path(f"Copper Lane/{season}/05 - The Well.mkv")
    assert release is not None
    assert (release.title, release.season, release.episodes) == ("Copper Lane", 1, (5,))


def test_specials_take_season_0_from_their_folder():
    release = parse_path("Copper Lane/Specials/05 - The Well.mkv")
    assert release is not None
    assert (release.title, release.season, release.episodes) == ("Copper Lane", 0, (5,))


def test_a_top_folder_of_digits_is_a_title():
    release = parse_path("24/24 - 1x05.mkv", hint="tv")
    assert release is not None
    assert (release.title, release.season, release.episodes) == ("24", 1, (5,))


@pytest.mark.parametrize(
    ("name", "title", "season", "number", "sure"),
    [
        ("[Grp] Copper Lane S2 - 04 (1080p) [AAAA1111].mkv", "Copper Lane", 2, 4, True),
        ("[Grp] Copper Lane 3rd Season - 20 [1080p]", "Copper Lane", 3, 20, True),
        ("[Grp] Copper Lane Second Season - 11 [720p]", "Copper Lane", 2, 11, True),
        ("[Grp] Copper Lane Season 2 - 04", "Copper Lane", 2, 4, True),
        ("[Grp] Copper Lane 2nd Season Part 2 - 05 [1080p]", "Copper Lane", 2, 5, True),
        ("Copper Lane S2 - 05 [480].mkv", "Copper Lane", 2, 5, True),
        ("[Grp] Copper Lane 2 - 05 [720p]", "Copper Lane", 2, 5, False),
        ("[Grp] Copper Lane IV - 03 [720p]", "Copper Lane", 4, 3, False),
        ("Copper Lane/Copper Lane S3/[Grp] Copper Lane - 05.mkv", None, 3, 5, True),
        ("Copper Lane/Season 2/[Grp] Copper Lane - 25.mkv", None, 2, 25, True),
    ],
)
def test_a_season_marker_next_to_an_absolute_number_is_reported(name, title, season, number, sure):
    release = parse_path(name, hint="tv")
    assert release is not None
    assert (release.marked_season, release.absolute_episodes, release.unmarked_title) == (season, (number,), title)
    assert (release.confidence.season > 0.5) is sure


@pytest.mark.parametrize(
    "name", ["[Grp] Area 88 - 05 [720p]", "[Grp] Zom 100 - 05 [720p]", "[Grp] Copper Lane - 05 [720p]"]
)
def test_a_number_too_high_for_a_season_is_part_of_the_title(name):
    release = parse_path(name, hint="tv")
    assert release is not None
    assert (release.marked_season, release.absolute_episodes) == (None, (5,))
