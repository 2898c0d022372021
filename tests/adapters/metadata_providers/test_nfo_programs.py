"""NFO files as various programs write them, one test for each program and kind of file."""

from __future__ import annotations

import time

import pytest

from mydia.adapters.metadata_providers import Ids, NfoFacts, read_nfo
from mydia.vocabulary import MediaType

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>\n'

KODI_FILM = (
    _HEAD
    + """<movie>
    <title>Sintel</title><originaltitle>Sintel</originaltitle>
    <ratings><rating name="themoviedb" max="10" default="true"><value>7.3</value><votes>400</votes></rating></ratings>
    <userrating>0</userrating><top250>0</top250><outline></outline><plot>A girl looks for a dragon.</plot><runtime>15</runtime>
    <thumb spoof="" cache="" aspect="poster" preview="">https://image.tmdb.org/t/p/original/4BMG9hk9NvSBeQvC82sVmVRK140.jpg</thumb>
    <mpaa>NR</mpaa><playcount>0</playcount><id>45745</id>
    <uniqueid type="imdb">tt1727587</uniqueid><uniqueid type="tmdb" default="true">45745</uniqueid>
    <genre>Animation</genre><genre>Fantasy</genre><set><name>Blender</name><overview></overview></set>
    <premiered>2010-09-30</premiered><year>2010</year>
    <fileinfo><streamdetails><video><codec>h264</codec><durationinseconds>888</durationinseconds></video></streamdetails></fileinfo>
    <actor><name>Halina Reijn</name><role>Sintel</role><order>0</order></actor>
</movie>"""
)
KODI_SHOW = (
    _HEAD
    + """<tvshow>
    <title>Pioneer One</title><showtitle>Pioneer One</showtitle><season>1</season><episode>6</episode>
    <id>32340</id><uniqueid type="imdb">tt1748166</uniqueid><uniqueid type="tmdb" default="true">32340</uniqueid>
    <episodeguide>{"tmdb": "32340", "imdb": "tt1748166"}</episodeguide>
    <premiered>2010-06-16</premiered><year>2010</year><status>Ended</status>
</tvshow>"""
)
KODI_16_SHOW = (
    _HEAD
    + """<tvshow>
    <title>Pioneer One</title><id>170551</id>
    <episodeguide><url cache="170551-en.xml">http://thetvdb.com/api/1D62F2F90030C444/series/170551/all/en.zip</url></episodeguide>
</tvshow>"""
)
KODI_DOUBLE_EPISODE = (
    _HEAD
    + """<episodedetails><title>Earthfall</title><showtitle>Pioneer One</showtitle><season>1</season><episode>1</episode>
<uniqueid type="tvdb" default="true">2265291</uniqueid><aired>2010-06-16</aired></episodedetails>
<episodedetails><title>The Man from Mars</title><season>1</season><episode>2</episode><aired>2010-12-14</aired></episodedetails>"""
)
JELLYFIN_FILM = """<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<movie>
  <plot>A girl looks for a dragon.</plot><outline /><customrating /><lockdata>false</lockdata><dateadded>2024-05-01 10:00:00</dateadded>
  <title>Sintel</title><originaltitle>Sintel</originaltitle><year>2010</year><imdbid>tt1727587</imdbid><tmdbid>45745</tmdbid>
  <tmdbcolid>999</tmdbcolid><collectionnumber>999</collectionnumber><premiered>2010-09-30</premiered><releasedate>2010-09-30</releasedate>
  <runtime>15</runtime><art><poster>/media/Sintel (2010)/poster.jpg</poster></art>
</movie>"""
JELLYFIN_SHOW = """<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<tvshow>
  <plot>A capsule falls.</plot><lockdata>false</lockdata><title>Pioneer One</title><year>2010</year><imdb_id>tt1748166</imdb_id>
  <tmdbid>32340</tmdbid><tvdbid>170551</tvdbid><tvrageid>25853</tvrageid><episodeguide>{"tvdb":"170551"}</episodeguide><id>170551</id>
  <season>-1</season><episode>-1</episode><status>Ended</status>
</tvshow>"""
JELLYFIN_RANGE = """<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<episodedetails><plot /><title>Earthfall</title><showtitle>Pioneer One</showtitle><episode>1</episode><episodenumberend>3</episodenumberend>
<season>1</season><aired>2010-06-16</aired><tvdbid>2265291</tvdbid></episodedetails>"""
EMBY_SHOW = """<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<tvshow><title>Pioneer One</title><tvdbid>170551</tvdbid><imdb_id>tt1748166</imdb_id>
<uniqueid type="Tvdb">170551</uniqueid><uniqueid type="Imdb">tt1748166</uniqueid><uniqueid type="Tmdb">32340</uniqueid>
<episodeguide><url cache="170551.xml">http://www.thetvdb.com/api/1D62F2F90030C444/series/170551/all/en.zip</url></episodeguide></tvshow>"""
TINY_MEDIA_MANAGER_2 = (
    _HEAD
    + """<movie><title>Sintel</title><originaltitle>Sintel</originaltitle><year>2010</year>
<id>tt1727587</id><imdb>tt1727587</imdb><tmdbId>45745</tmdbId>
<ids><entry><key>imdb</key><value xsi:type="xs:string" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">tt1727587</value></entry>
<entry><key>tmdb</key><value>45745</value></entry></ids></movie>"""
)
TINY_MEDIA_MANAGER_4 = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<!--created on 2024-05-01 10:00:00 - tinyMediaManager 4.3.10.1-->\n'
    """<movie><title>Sintel</title><originaltitle>Sintel</originaltitle><sorttitle/><epbookmark/><year>2010</year>
<ratings><rating default="false" max="10" name="imdb"><value>7.5</value></rating></ratings><userrating>0.0</userrating>
<uniqueid default="false" type="tmdb">45745</uniqueid><uniqueid default="true" type="imdb">tt1727587</uniqueid>
<uniqueid default="false" type="tmdbSet">888</uniqueid><edition>NONE</edition><source>UNKNOWN</source></movie>"""
)
MEDIA_ELCH_FILM = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<!--created by MediaElch 2.8.18-->
<movie><title>Sintel</title><originaltitle>Sintel</originaltitle><year>2010</year><premiered>2010-09-30</premiered>
<id>tt1727587</id><tmdbid>45745</tmdbid><uniqueid default="true" type="imdb">tt1727587</uniqueid><uniqueid type="tmdb">45745</uniqueid></movie>"""
MEDIA_ELCH_SHOW = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<tvshow><title>Pioneer One</title><showtitle>Pioneer One</showtitle><uniqueid default="true" type="tvdb">170551</uniqueid>
<id>170551</id><tvdbid>170551</tvdbid><tmdbid>32340</tmdbid><imdbid>tt1748166</imdbid>
<episodeguide><url post="yes" cache="auth.json">https://api.thetvdb.com/login?{&quot;id&quot;:170551}|Content-Type=application/json</url></episodeguide></tvshow>"""
RADARR_FILM = """<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<movie>
  <title>Sintel</title><originaltitle>Sintel</originaltitle><sorttitle>sintel</sorttitle>
  <ratings><rating name="tmdb" max="10"><value>7.3</value><votes>400</votes></rating></ratings>
  <plot>A girl looks for a dragon.</plot><tmdbid>45745</tmdbid>
  <uniqueid type="tmdb" default="true">45745</uniqueid><uniqueid type="imdb">tt1727587</uniqueid>
  <premiered>2010-09-30</premiered><year>2010</year>
</movie>
https://www.themoviedb.org/movie/45745
https://www.imdb.com/title/tt1727587"""
RADARR_ADDRESSES = "https://www.themoviedb.org/movie/45745\nhttps://www.imdb.com/title/tt1727587"
SONARR_SHOW = """<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<tvshow>
  <title>Pioneer One</title><rating>7.1</rating><plot>A capsule falls.</plot>
  <episodeguide>{"tvmaze":"4077","tvdb":"170551"}</episodeguide>
  <id>170551</id><uniqueid type="tvdb" default="true">170551</uniqueid><uniqueid type="imdb">tt1748166</uniqueid>
  <uniqueid type="tmdb">32340</uniqueid><uniqueid type="tvmaze">4077</uniqueid>
  <premiered>2010-06-16</premiered>
</tvshow>"""
SONARR_ADDRESS = "http://www.thetvdb.com/?tab=series&id=170551&lid=7"
SONARR_EPISODE = """<episodedetails>
  <title>Earthfall</title><season>1</season><episode>1</episode><aired>2010-06-16</aired><plot>It begins.</plot>
  <uniqueid type="tvdb" default="true">2265291</uniqueid><uniqueid type="sonarr">17</uniqueid><thumb>https://x</thumb><watched>false</watched>
</episodedetails>"""

_SINTEL = Ids(45745, None, "tt1727587")
_PIONEER = Ids(32340, 170551, "tt1748166")


def _read(text: str) -> NfoFacts:
    facts = read_nfo(text.encode())
    assert facts is not None
    return facts


@pytest.mark.parametrize(
    "text",
    [
        KODI_FILM,
        JELLYFIN_FILM,
        TINY_MEDIA_MANAGER_2,
        TINY_MEDIA_MANAGER_4,
        MEDIA_ELCH_FILM,
        RADARR_FILM,
    ],
    ids=["kodi", "jellyfin", "tmm-2", "tmm-4", "mediaelch", "radarr"],
)
def test_a_films_file_gives_its_title_year_and_ids(text: str) -> None:
    facts = _read(text)
    assert (facts.kind, facts.title, facts.year, facts.ids) == (MediaType.MOVIE, "Sintel", 2010, _SINTEL)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (KODI_SHOW, Ids(32340, None, "tt1748166")),
        (KODI_16_SHOW, Ids(None, 170551, None)),
        (JELLYFIN_SHOW, _PIONEER),
        (EMBY_SHOW, _PIONEER),
        (MEDIA_ELCH_SHOW, _PIONEER),
        (SONARR_SHOW, _PIONEER),
    ],
    ids=["kodi", "kodi-16", "jellyfin", "emby", "mediaelch", "sonarr"],
)
def test_a_series_file_gives_its_title_and_ids(text: str, ids: Ids) -> None:
    facts = _read(text)
    assert (facts.kind, facts.title, facts.ids) == (MediaType.TV_SHOW, "Pioneer One", ids)


def test_no_edition_is_read_where_tinymediamanager_writes_none() -> None:
    assert _read(TINY_MEDIA_MANAGER_4).edition is None


def test_the_id_that_kodi_repeats_is_not_taken_for_thetvdbs() -> None:
    assert _read(KODI_SHOW).ids.tvdb_id is None


@pytest.mark.parametrize(
    ("text", "episodes"),
    [
        (KODI_DOUBLE_EPISODE, ((1, 1), (1, 2))),
        (JELLYFIN_RANGE, ((1, 1), (1, 2), (1, 3))),
        (SONARR_EPISODE, ((1, 1),)),
        (f"<kodimultiepisode>{KODI_DOUBLE_EPISODE.removeprefix(_HEAD)}</kodimultiepisode>", ((1, 1), (1, 2))),
    ],
    ids=["kodi-double", "jellyfin-range", "sonarr", "wrapped"],
)
def test_an_episodes_file_gives_its_numbers(text: str, episodes: tuple[tuple[int, int], ...]) -> None:
    facts = _read(text)
    assert (facts.kind, facts.title, facts.episodes) == ("episode", "Earthfall", episodes)


@pytest.mark.parametrize(
    ("text", "kind", "ids"),
    [
        (RADARR_ADDRESSES, MediaType.MOVIE, _SINTEL),
        (SONARR_ADDRESS, MediaType.TV_SHOW, Ids(tvdb_id=170551)),
        (SONARR_ADDRESS.replace("&", "&amp;"), MediaType.TV_SHOW, Ids(tvdb_id=170551)),
        ("https://thetvdb.com/?tab=episode&seriesid=170551&seasonid=322471&id=2265291", MediaType.TV_SHOW, Ids(tvdb_id=170551)),
        ("https://thetvdb.com/?tab=episode&id=2265291&seriesid=170551", MediaType.TV_SHOW, Ids(tvdb_id=170551)),
        ("https://thetvdb.com/index.php?tab=series&id=170551", MediaType.TV_SHOW, Ids(tvdb_id=170551)),
        ("https://www.thetvdb.com/dereferrer/movie/3312", MediaType.MOVIE, Ids(tvdb_id=3312)),
        ("https://www.themoviedb.org/tv/32340-pioneer-one/season/1/episode/2", MediaType.TV_SHOW, Ids(tmdb_id=32340)),
        ("WWW.IMDB.COM/Title/tt1727587/?ref_=nv_sr_1", None, Ids(imdb_id="tt1727587")),
        ("https://m.imdb.com/de/title/tt12345678/", None, Ids(imdb_id="tt12345678")),
    ],
)  # fmt: skip
def test_addresses_alone_give_ids(text: str, kind: MediaType | None, ids: Ids) -> None:
    facts = _read(text)
    assert (facts.kind, facts.ids) == (kind, ids)


@pytest.mark.parametrize(
    "text", ["https://thetvdb.com/series/pioneer-one", "https://thetvdb.com/?tab=episode&id=2265291"]
)
def test_an_address_without_the_series_number_gives_none(text: str) -> None:
    assert read_nfo(text.encode()) is None


@pytest.mark.parametrize(
    "content",
    [
        "<movie><title>Häxan</title></movie>".encode("utf-8-sig"),
        '<?xml version="1.0" encoding="utf-16"?><movie><title>Häxan</title></movie>'.encode("utf-16"),
        '<?xml version="1.0" encoding="ISO-8859-1"?><movie><title>Häxan</title></movie>'.encode("latin-1"),
        "<movie><title>Häxan</title></movie>".encode("cp1252"),
        '<?xml version="1.0" encoding="windows-1252"?>\r\n<movie>\r\n<title>Häxan</title></movie>'.encode("cp1252"),
        '<?xml version="1.0" encoding="no-such-encoding"?><movie><title>Häxan</title></movie>'.encode(),
    ],
    ids=["utf-8-mark", "utf-16", "latin-1", "cp1252-undeclared", "cp1252", "unknown"],
)
def test_titles_are_read_in_any_encoding(content: bytes) -> None:
    facts = read_nfo(content)
    assert facts is not None and facts.title == "Häxan"


@pytest.mark.parametrize(
    "fragment",
    [b"thetvdb.com/", b"http://thetvdb.com/?tab=", b"<movie>", b"<episodedetails></episodedetails>", b"<?xml ", b"imdb.com/title/tt", b"<a>"],
)  # fmt: skip
def test_a_hostile_file_of_the_largest_size_is_read_quickly(fragment: bytes) -> None:
    content = (fragment * (1024 * 1024 // len(fragment)))[: 1024 * 1024]
    began_s = time.process_time()
    read_nfo(content)
    assert time.process_time() - began_s < 2


@pytest.mark.parametrize("number", ["9" * 5000, "-1", "0", "1e9", "²", "19; DROP"])
def test_an_id_that_is_no_number_is_ignored(number: str) -> None:
    facts = read_nfo(f"<movie><title>Sintel</title><uniqueid type='tmdb'>{number}</uniqueid></movie>".encode())
    assert facts is not None and facts.ids == Ids()
