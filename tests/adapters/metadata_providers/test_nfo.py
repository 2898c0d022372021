from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.adapters.metadata_providers import Ids, read_nfo

FILM = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<movie>
  <title>Häxan</title><originaltitle>Häxan</originaltitle><year>1922</year><plot>Witches.</plot><runtime>105</runtime>
  <uniqueid type="tmdb" default="true">57283</uniqueid><uniqueid type="imdb">tt0013257</uniqueid>
  <genre>Horror</genre><genre>History</genre><premiered>1922-09-18</premiered>
</movie>
"""


def test_a_film_nfo_gives_ids_and_titles() -> None:
    facts = read_nfo(FILM.encode())
    assert facts is not None
    assert (facts.kind, facts.title, facts.year, facts.runtime_min) == ("movie", "Häxan", 1922, 105)
    assert facts.ids == Ids(57283, None, "tt0013257")
    assert facts.genres == ("Horror", "History")


def test_a_series_nfo_of_an_older_kodi() -> None:
    facts = read_nfo(b"<tvshow><title>Pioneer One</title><id>172381</id><imdb_id>tt1548743</imdb_id></tvshow>")
    assert facts is not None
    assert facts.ids == Ids(None, 172381, "tt1548743")
    film = read_nfo(b"<movie><id>tt0017136</id></movie>")
    assert film is not None
    assert film.ids.imdb_id == "tt0017136"


def test_an_episode_nfo_gives_its_numbers() -> None:
    facts = read_nfo(
        b"<episodedetails><title>Slack Water</title><showtitle>Harbour Lights</showtitle><season>1</season><episode>1</episode><aired>2024-10-03</aired></episodedetails>"
    )
    assert facts is not None
    assert (facts.kind, facts.series_title, facts.season_number, facts.episode_number) == (
        "episode",
        "Harbour Lights",
        1,
        1,
    )
    assert facts.air_on is not None


def test_a_double_episode_holds_two_documents() -> None:
    one = "<episodedetails><title>A</title><season>1</season><episode>{}</episode></episodedetails>"
    facts = read_nfo((one.format(3) + "\n" + one.format(4)).encode())
    assert facts is not None
    assert facts.episodes == ((1, 3), (1, 4))


@pytest.mark.parametrize(
    ("text", "kind", "ids"),
    [
        ("https://www.themoviedb.org/movie/19-metropolis", "movie", Ids(tmdb_id=19)),
        ("https://www.themoviedb.org/tv/653?language=de", "tv_show", Ids(tmdb_id=653)),
        ("see http://www.imdb.com/title/tt0017136/ for more", None, Ids(imdb_id="tt0017136")),
        ("https://www.thetvdb.com/series/410101", "tv_show", Ids(tvdb_id=410101)),
        ("http://thetvdb.com/?tab=series&id=71471&lid=7", "tv_show", Ids(tvdb_id=71471)),
        ("https://thetvdb.com/dereferrer/series/172381", "tv_show", Ids(tvdb_id=172381)),
    ],
)
def test_an_address_alone_is_enough(text: str, kind: str | None, ids: Ids) -> None:
    facts = read_nfo(text.encode())
    assert facts is not None
    assert (facts.kind, facts.ids) == (kind, ids)


def test_an_address_after_the_xml_gives_the_id_that_the_xml_lacks() -> None:
    facts = read_nfo(b"<movie><title>Metropolis</title></movie>\nhttps://www.themoviedb.org/movie/19")
    assert facts is not None
    assert (facts.title, facts.ids.tmdb_id) == ("Metropolis", 19)


def test_truncated_or_malformed_xml_is_read_as_far_as_possible() -> None:
    facts = read_nfo(b"<movie><title>Sintel & friends</title><uniqueid type='tmdb'>45745</uniqueid><plot>and th")
    assert facts is not None
    assert facts.ids.tmdb_id == 45745


def test_entities_are_not_followed(tmp_path: object) -> None:
    evil = b'<?xml version="1.0"?><!DOCTYPE movie [<!ENTITY x SYSTEM "file:///etc/hostname"><!ENTITY y "yyyyyyyy">]><movie><title>&x;&y;</title><year>1922</year></movie>'
    facts = read_nfo(evil)
    assert facts is None or not facts.title


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   ",
        b"\xff\xfe\x00",
        b"RELEASE GROUP PRESENTS",
        b"<movie/>",
        b"<movie>",
        b"<html><title>x</title></html>",
        b"x" * 2_000_000,
    ],
)
def test_an_nfo_without_facts_returns_nothing(content: bytes) -> None:
    assert read_nfo(content) is None


@given(
    st.binary(max_size=400)
    | st.text(max_size=200).map(lambda text: f"<movie><title>{text}</title><id>{text}</id></movie>".encode())
)
def test_garbage_never_raises(content: bytes) -> None:
    read_nfo(content)
