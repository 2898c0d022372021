"""Files with the folders they lie in."""

import pytest

from mydia.parsing import parse_path


@pytest.mark.parametrize(
    ("path", "title", "season", "episodes"),
    [
        ("/media/tv/Copper Lane (2003)/Season 2/S02E21.avi", "Copper Lane", 2, (21,)),
        ("/media/tv/Copper Lane/Season 1/02 The Father (1080p HD).m4v", "Copper Lane", 1, (2,)),
        ("/media/tv/Copper Lane/Season 02/E05-06 - Title.mkv", "Copper Lane", 2, (5, 6)),
        ("/media/tv/Copper Lane/Specials/S00E16 - Extra.avi", "Copper Lane", 0, (16,)),
        ("D:\\tv\\Copper Lane\\Season 2\\Copper Lane - S02E03 - Title.mkv", "Copper Lane", 2, (3,)),
        (
            "/d/Copper.Lane.S02E18.720p.BluRay.x264-GRP/45a55debe3856da318cc35882ad07e43cd32fd15.mkv",
            "Copper Lane",
            2,
            (18,),
        ),
        (
            "/d/Copper.Lane.S01E16.720p.HDTV/XRmZciqkBopq4851Ddbipe/Vh1FvU3bJXw6zs8EEUX4bMo5vbbMdHghHxirc.mkv",
            "Copper Lane",
            1,
            (16,),
        ),
        ("/d/Copper Lane - 10x11 - Title [SDTV]/1011 - Title.avi", "Copper Lane", 10, (11,)),
        ("/d/Copper.Lane.S01E01.720p.HDTV/cl101.avi", "Copper Lane", 1, (1,)),
    ],
)
def test_the_folder_tells_what_the_file_does_not(path, title, season, episodes):
    release = parse_path(path, hint="tv")
    assert release is not None
    assert (release.title, release.season, release.episodes) == (title, season, episodes)


def test_a_film_takes_everything_from_its_folder_when_its_file_is_obscure():
    release = parse_path("/films/Orchard.2018.DVDRip.XviD-RADARR/AHFMZXGHEWD660.mkv", hint="movie")
    assert release is not None
    assert (release.title, release.year, release.quality.name, release.release_group) == (
        "Orchard",
        2018,
        "DVD",
        "RADARR",
    )


def test_a_film_fills_year_and_id_from_its_folder():
    release = parse_path("/films/Orchard (2010) {tmdb-12345}/Orchard - 1080p.mkv", hint="movie")
    assert release is not None
    assert (release.title, release.year, release.tmdb_id, release.quality.resolution) == ("Orchard", 2010, 12345, 1080)


def test_nothing_above_the_library_root_is_a_title():
    assert (
        parse_path(
            "/srv/Great Films 1999/08bbc153931ce3ca5fcafe1b92d3297285feb061.mkv", "/srv/Great Films 1999", "movie"
        )
        is None
    )


def test_a_season_folder_without_a_number_in_the_file_is_refused_for_television():
    assert parse_path("Specials/Copper Lane - Title (part).mkv", hint="tv") is None


def test_a_name_with_slashes_in_it_is_not_taken_apart():
    from mydia.parsing import parse

    assert parse("Copper Lane (2016/S01/WEB-DL/1080p/AC3 5.1/DUAL/SUB)", "tv")["season"] == 1
