"""Fields a file gets from its folder: ids, extras, packs, subtitles."""

from mydia.parsing import parse_path


def test_episodes_get_the_id_from_the_series_folder():
    release = parse_path("/tv/Copper Lane (2008) [tvdbid-81189]/Season 01/S01E01.mkv", "/tv", "tv")
    assert release is not None
    assert (release.title, release.year, release.tvdb_id) == ("Copper Lane", 2008, 81189)
    assert release.confidence.year > 0


def test_a_bare_number_in_a_pack_is_an_episode_of_that_season():
    release = parse_path("/downloads/Copper.Lane.S02.1080p.WEB-DL-GRP/03.mkv", hint="tv")
    assert release is not None
    assert (release.title, release.seasons, release.episodes, release.full_season) == ("Copper Lane", (2,), (3,), False)
    assert release.quality.name == "WEBDL-1080p"


def test_an_extra_gets_the_title_of_its_film_and_a_kind():
    trailer = parse_path("/films/Orchard (2010)/Trailers/Teaser.mkv", "/films", "movie")
    sample = parse_path("/downloads/Orchard.2019.1080p.WEB-DL-GRP/Sample/orchard-sample.mkv", hint="movie")
    assert trailer is not None
    assert sample is not None
    assert (trailer.title, trailer.year, trailer.extra) == ("Orchard", 2010, "trailer")
    assert (sample.title, sample.year, sample.extra) == ("Orchard", 2019, "sample")


def test_a_subtitle_named_after_its_language_gets_the_title_of_its_film():
    release = parse_path("/downloads/Orchard.2019.1080p.WEB-DL-GRP/Subs/English.srt", hint="subtitle")
    assert release is not None
    assert (release.title, release.year, release.subtitle_language) == ("Orchard", 2019, "en")
