"""Folders that hold one season."""

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
def test_accents_may_be_stored_as_characters_of_their_own(folder):
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


def test_a_folder_with_several_seasons_holds_no_single_one():
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


def test_digits_at_the_top_of_a_library_are_a_title():
    release = parse_path("24/24 - 1x05.mkv", hint="tv")
    assert release is not None
    assert (release.title, release.season, release.episodes) == ("24", 1, (5,))
