"""Paths: files together with their folders."""

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
def test_the_folder_fills_what_the_file_name_lacks(path, title, season, episodes):
    release = parse_path(path, hint="tv")
    assert release is not None
    assert (release.title, release.season, release.episodes) == (title, season, episodes)


def test_a_film_with_an_obscure_file_name_is_read_from_its_folder():
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


def test_a_name_that_contains_slashes_is_not_split_into_folders():
    from mydia.parsing import parse

    assert parse("Copper Lane (2016/S01/WEB-DL/1080p/AC3 5.1/DUAL/SUB)", "tv")["season"] == 1


@pytest.mark.parametrize(
    ("path", "title", "year"),
    [
        ("Airport 1975 (1974)/Airport 1975.mkv", "Airport 1975", 1974),
        ("Orchard 2049 (2017)/Orchard.2049.1080p.BluRay.mkv", "Orchard 2049", 2017),
        ("2012 (2009)/2012.mkv", "2012", 2009),
        ("Orchard (2009) (2009)/Orchard (2009) (2009).mkv", "Orchard", 2009),
        (".45 (2006)/.45 (2006).mkv", ".45", 2006),
        ("...And Orchard for All (1979).mkv", "...And Orchard for All", 1979),
        ("X-Harbour.mkv", "X-Harbour", None),
        ("Orchard-Lane/Orchard-Lane.mkv", "Orchard-Lane", None),
        ("The.Amazing.Copper-Lane.mkv", "The Amazing Copper-Lane", None),
        ("Orchard-22.mkv", "Orchard-22", None),
        ("Orchard Collection/Orchard_Pie_2__dvdrip_xvid.avi", "Orchard Pie 2", None),
        ("Orchard.2.SE.1991.1080p.BluRay.mkv", "Orchard 2", 1991),
    ],
)
@pytest.mark.parametrize("hint", ["movie", None])
def test_the_whole_title_of_a_film_is_read(path, title, year, hint):
    release = parse_path(path, hint=hint)
    assert release is not None
    assert (release.title, release.year) == (title, year)


@pytest.mark.parametrize(
    ("path", "title", "quality"),
    [
        ("Orchard (2011)/BDMV/STREAM/00000.m2ts", "Orchard", "BR-DISK"),
        ("Orchard (2011)/VIDEO_TS/VTS_01_1.VOB", "Orchard", "DVD-R"),
        ("Orchard (2011)/Disc 1/VIDEO_TS/VIDEO_TS.IFO", "Orchard", "DVD-R"),
        ("Orchard (2011) [1080p BluRay Remux]/BDMV/STREAM/00000.m2ts", "Orchard", "Remux-1080p"),
    ],
)
def test_the_files_of_a_disc_are_read_from_the_folder_above(path, title, quality):
    release = parse_path(path, hint="movie")
    assert release is not None
    assert (release.title, release.year, release.quality.name) == (title, 2011, quality)


def test_a_disc_of_a_season_is_that_season():
    release = parse_path("Copper Lane/Season 2/Disc 1/BDMV/STREAM/00001.m2ts", hint="tv")
    assert release is not None
    assert (release.title, release.season, release.full_season) == ("Copper Lane", 2, True)


@pytest.mark.parametrize(
    ("path", "extra"),
    [
        ("Comedy/Extras/Season 1/Extras - S01E02.mkv", None),
        ("Extras/Extras - S01E02.mkv", None),
        ("Orchard (2011)/Extras/Making of.mkv", "featurette"),
    ],
)
def test_a_title_may_have_the_name_of_an_extras_folder(path, extra):
    release = parse_path(path)
    assert release is not None
    assert release.extra == extra


@pytest.mark.parametrize(
    "path",
    [
        "Wrong Words [tmdbid=949]/file one.mkv",
        "Wrong Words (1995) {tmdb-949}/x.mkv",
        "Lane [tmdbid-949]/Odd.S02/E01.mp4",
    ],
)
def test_the_id_in_a_title_folder_counts_whatever_the_file_is_called(path):
    release = parse_path(path)
    assert release is not None
    assert release.tmdb_id == 949


@pytest.mark.parametrize(
    ("path", "title", "season", "episodes", "absolute"),
    [
        ("24/Season 2/24 - 05.mkv", "24", 2, (5,), ()),
        ("Area 88/Season 1/05.mkv", "Area 88", 1, (5,), ()),
        ("Copper Lane/Season 2/E05 E06.mkv", "Copper Lane", 2, (5, 6), ()),
        ("Copper Lane/Season 2/205.mkv", "Copper Lane", 2, (5,), (205,)),
        ("Copper Lane/Season 2/Copper.Lane.205.The.Well.avi", "Copper Lane", 2, (5,), (205,)),
        ("Copper Lane/Season 2/Copper Lane 152.mkv", "Copper Lane", 2, (152,), (152,)),
        ("Copper Lane/Season 2/copper.lane.152.720p.mkv", "Copper Lane", 2, (152,), (152,)),
        ("Copper Lane/Season 1/Copper Lane 100 - The Well.mkv", "Copper Lane", 1, (100,), (100,)),
        ("Copper Lane/Season 2/07 (1080p x265).mkv", "Copper Lane", 2, (7,), ()),
        ("Copper Lane/Season 2/07.1080p.WEB.mkv", "Copper Lane", 2, (7,), ()),
        ("24/Season 1/24 (2001) 05.mkv", "24", 1, (5,), (5,)),
        ("Copper Lane/Season 1/Copper Lane - 115-116.mkv", "Copper Lane", 1, (15, 16), (115, 116)),
        ("Copper Lane/Season 2/2-13 The Well.mkv", "Copper Lane", 2, (13,), ()),
        ("Copper Lane/Season 2/2-03.mkv", "Copper Lane", 2, (3,), ()),
        ("Copper Lane/Season 2/02-03 The Well.mkv", "Copper Lane", 2, (2, 3), ()),
        ("Copper Lane/Season 10/10.02 The Well.mkv", "Copper Lane", 10, (2,), ()),
        ("Copper Lane/Season 2/(10) The Well.mkv", "Copper Lane", 2, (10,), ()),
        ("Copper Lane/Season 2/[11] The Well.mkv", "Copper Lane", 2, (11,), ()),
        ("시그널/시즌 1/03화.mkv", "시그널", 1, (3,), ()),
        ("Copper Lane S01E01-E05 720p-GRP/03.mkv", "Copper Lane", 1, (3,), ()),
        ("[Grp] Copper Lane [01-12] [1080p]/05.mkv", "Copper Lane", None, (), (5,)),
        ("Copper.Lane.S01E02.720p.HDTV.x264-GRP/grp-cl.s01e02.mkv", "Copper Lane", 1, (2,), ()),
    ],
)
def test_the_number_of_a_file_in_a_folder_of_episodes(path, title, season, episodes, absolute):
    release = parse_path(path, hint="tv")
    assert release is not None
    assert (release.title, release.season) == (title, season)
    assert (release.episodes, release.absolute_episodes) == (episodes, absolute)


def test_the_year_of_a_season_folder_is_not_that_of_the_series():
    release = parse_path("Copper Lane/Season 7 (2000)/Copper Lane 7x03 The Well.mkv", hint="tv")
    assert release is not None
    assert (release.title, release.year, release.season, release.episodes) == ("Copper Lane", None, 7, (3,))


@pytest.mark.parametrize(
    ("path", "quality", "languages"),
    [
        ("Copper Lane/Season 1 (720p BluRay)/Copper.Lane.S01E02.mkv", "Bluray-720p", ()),
        ("Copper Lane/Season 1 [1080p]/01 - Name.mkv", "HDTV-1080p", ()),
        ("Copper Lane/Season 2 French/Copper.Lane.S02E02.avi", "SDTV", ("fr",)),
    ],
)
def test_a_season_folder_adds_quality_and_language(path, quality, languages):
    release = parse_path(path)
    assert release is not None
    assert (release.quality.name, release.languages) == (quality, languages)


def test_an_obscure_file_in_the_folder_of_one_fansub_release_keeps_its_number():
    release = parse_path("[Grp] Copper Lane - 05 [1080p][AAAA1111]/0b1f8e6a5d5c4b3a2f1e.mkv", hint="tv")
    assert release is not None
    assert (release.title, release.absolute_episodes) == ("Copper Lane", (5,))
