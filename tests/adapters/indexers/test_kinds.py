"""Prowlarr's own API, Jackett, and plain RSS feeds, against stand-ins that answer as the real ones do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mydia.adapters.errors import Nonsense, Refused
from mydia.adapters.http import Http
from mydia.adapters.indexers import KINDS, Indexer, Known, Query, mark_of
from mydia.adapters.kinds import Connection, Secret
from tests.fakes.stand_in import Answer, Asked, StandIn
from tests.fakes.torznab import KEY, Offer, Torznab

FILE = b"d4:infod6:lengthi1e4:name1:x12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaaee"
HASH = "ab" * 20


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    made = Http()
    yield made
    made.close()


def connect(kind: str, url: str, http: Http, **options: object) -> Indexer:
    return KINDS[kind].make(
        Connection(id=kind, name=kind.title(), kind=kind, url=url, secret=Secret(KEY), options=options), http
    )


class Prowlarr(StandIn):
    """Prowlarr 1: JSON, null properties left out, lists as repeated parameters, a proxy for downloads."""

    releases: list[dict[str, Any]]

    def answer(self, asked: Asked) -> Answer:
        if asked.headers.get("x-api-key") != KEY and "/download" not in asked.path:
            return Answer(401, b"")
        if asked.path == "/api/v1/indexer":
            return Answer.of(
                [
                    {
                        "id": 1,
                        "name": "Open films",
                        "enable": True,
                        "protocol": "torrent",
                        "capabilities": {
                            "searchParams": ["q"],
                            "tvSearchParams": ["q", "season", "ep", "tvdbId"],
                            "movieSearchParams": ["q", "imdbId"],
                            "categories": [{"id": 2000, "name": "Movies", "subCategories": []}],
                        },
                    },
                    {"id": 2, "name": "Posts", "enable": True, "protocol": "usenet", "capabilities": {}},
                    {"id": 3, "name": "Off", "enable": False, "protocol": "torrent"},
                ]
            )
        if asked.path == "/api/v1/indexerstatus":
            return Answer.of([{"id": 9, "indexerId": 2, "disabledTill": "2026-11-21T15:00:00Z"}])
        if asked.path == "/api/v1/search":
            query = parse_qs(urlsplit(asked.target).query)
            if any("," in value for value in query.get("categories", ())):
                return Answer.of([{"propertyName": "categories", "errorMessage": "The value is not valid"}], 400)
            wanted = query.get("query", [""])[0]
            found = [one for one in self.releases if wanted in one["says"]]
            return Answer.of([{key: value for key, value in one.items() if key != "says"} for one in found])
        return Answer(200, FILE, content_type="application/x-bittorrent")


@pytest.fixture
def prowlarr() -> Iterator[Prowlarr]:
    with Prowlarr() as running:
        torrent = {
            "guid": "https://films.test/1",
            "indexerId": 1,
            "indexer": "Open films",
            "title": "Detour.1945.1080p.BluRay.x264-NOIR",
            "size": 4_000_000_000,
            "publishDate": "2026-11-21T12:00:00Z",
            "downloadUrl": f"{running.url}/1/download?apikey={KEY}&link=abc&file=x",
            "magnetUrl": f"{running.url}/1/download?apikey={KEY}&link=magnet",
            "infoHash": HASH.upper(),
            "infoUrl": "https://films.test/1",
            "indexerFlags": ["freeleech"],
            "categories": [{"id": 2000, "name": "Movies", "subCategories": []}],
            "seeders": 9,
            "leechers": 2,
            "imdbId": 37638,
            "tmdbId": 20367,
            "tvdbId": 0,
            "protocol": "torrent",
            "says": ["", "{tmdbid:20367}{imdbid:tt0037638}", "Detour 1945"],
        }
        post = {
            "guid": "https://posts.test/2",
            "indexerId": 2,
            "title": "Detour.1945.720p.WEB.h264-NOIR",
            "size": 0,
            "publishDate": "not a date",
            "downloadUrl": f"{running.url}/2/download?apikey={KEY}&link=def&file=y",
            "protocol": "usenet",
            "says": ["", "Detour 1945"],
        }
        running.releases = [post, torrent]
        yield running


def test_prowlarr_is_searched_by_id_then_by_title(prowlarr: Prowlarr, http: Http) -> None:
    indexer = connect("prowlarr", prowlarr.url, http, movie_categories=[2000, 2040])

    (found,) = indexer.search(Query(type="movie", text="Detour", year=1945, tmdb_id=20367, imdb_id="tt0037638"))
    by_title = indexer.search(Query(type="movie", text="Detour", year=1945, tmdb_id=1))

    assert (found.protocol, found.info_hash, found.flags, found.peers) == ("torrent", HASH, ("freeleech",), 11)
    assert (found.imdb_id, found.tmdb_id, found.tvdb_id) == ("tt0037638", 20367, None)
    assert [release.protocol for release in by_title] == ["torrent", "usenet"]
    assert by_title[1].size_bytes is None
    sent = parse_qs(urlsplit(next(a.target for a in prowlarr.asked if a.path.endswith("/search"))).query)
    assert sent["categories"] == ["2000", "2040"]


def test_a_season_and_episode_are_written_into_the_query(prowlarr: Prowlarr, http: Http) -> None:
    connect("prowlarr", prowlarr.url, http).search(Query(type="tv", text="Silo", season=1, episode=2, tvdb_id=403245))

    sent = [parse_qs(urlsplit(asked.target).query)["query"][0] for asked in prowlarr.asked]
    assert sent == ["{tvdbid:403245}{season:01}{episode:02}", "Silo{season:01}{episode:02}"]


def test_prowlarrs_indexers_are_listed_with_their_states(prowlarr: Prowlarr, http: Http) -> None:
    able = connect("prowlarr", prowlarr.url, http).capabilities()

    assert [(part.name, part.protocol, part.enabled) for part in able.parts] == [
        ("Open films", "torrent", True),
        ("Posts", "usenet", True),
        ("Off", "torrent", False),
    ]
    assert able.parts[1].disabled_until == datetime(2026, 11, 21, 15, tzinfo=UTC)
    assert "tvdbid" in able.tv_search


def test_prowlarrs_newest_releases_are_read_and_fetched(prowlarr: Prowlarr, http: Http) -> None:
    indexer = connect("prowlarr", prowlarr.url, http)
    first = indexer.catch_up(Known(), limit=100)

    assert [release.title[:15] for release in first.releases] == ["Detour.1945.108", "Detour.1945.720"]
    assert indexer.catch_up(Known(marks=frozenset(map(mark_of, first.releases)))).reached
    assert indexer.fetch(first.releases[0].download_url or "").content == FILE


def test_a_wrong_key_and_another_program_are_told_apart(prowlarr: Prowlarr, http: Http) -> None:
    wrong = Connection(id="w", name="Prowlarr", kind="prowlarr", url=prowlarr.url, secret=Secret("no"))
    with pytest.raises(Refused):
        KINDS["prowlarr"].make(wrong, http).capabilities()
    with Torznab() as other, pytest.raises((Nonsense, Refused)):
        connect("prowlarr", other.url, http).capabilities()


@pytest.mark.parametrize(("chosen", "path"), [(None, "all"), ("open-films", "open-films")])
@pytest.mark.parametrize("suffix", ["", "/", "/api/v2.0/indexers/other/results/torznab/"])
def test_jackett_is_asked_for_one_indexer_or_all(chosen: str | None, path: str, suffix: str, http: Http) -> None:
    with Torznab() as server:
        server.offers = [Offer("Detour.1945.1080p.BluRay.x264-NOIR", content=FILE)]
        options = {"indexer": chosen} if chosen else {}
        found = connect("jackett", f"{server.url}{suffix}", http, **options).search(
            Query(type="movie", text="Detour", year=1945)
        )

        assert len(found) == 1
        assert server.asked[0].path == f"/api/v2.0/indexers/{path}/results/torznab/api"


NYAA = f"""<rss xmlns:nyaa="https://nyaa.test/xmlns/nyaa" version="2.0"><channel><title>Nyaa - Home</title>
<item><title>[Group] Show - 05 (1080p) [ABCD1234].mkv</title><link>https://nyaa.test/download/1.torrent</link>
<guid isPermaLink="true">https://nyaa.test/view/1</guid><pubDate>Sat, 21 Nov 2026 11:00:00 -0000</pubDate>
<nyaa:seeders>25</nyaa:seeders><nyaa:leechers>5</nyaa:leechers><nyaa:infoHash>{HASH}</nyaa:infoHash>
<nyaa:size>1.4 GiB</nyaa:size><description><![CDATA[<a href="x">#1</a> | 1.4 GiB | Anime]]></description></item>
</channel></rss>"""
EZRSS = f"""<rss version="2.0"><channel><title>ez</title>
<item><title><![CDATA[Show S01E05 720p HDTV x264-GRP]]></title><link>https://ez.test/show</link>
<pubDate>Sat, 21 Nov 2026 11:00:00 +0000</pubDate>
<torrent xmlns="http://xmlns.ezrss.it/0.1/"><contentLength>734003200</contentLength>
<infoHash>{HASH.upper()}</infoHash><magnetURI><![CDATA[magnet:?xt=urn:btih:{HASH}&dn=Show]]></magnetURI></torrent></item>
</channel></rss>"""
IN_WORDS = """<rss version="2.0"><channel><title>words</title>
<item><title>Film.2020.1080p.WEB.h264-GRP</title><link>/download.php?id=7&amp;passkey=secret</link>
<description>Category: Movies Size: 1,5 GB Added: today</description></item>
<item><title>Film.2020.1080p.WEB.h264-GRP</title><link>/download.php?id=7&amp;passkey=secret</link></item>
<item><title>No link</title></item></channel></rss>"""


class Feed(StandIn):
    """A plain feed."""

    body = ""

    def answer(self, asked: Asked) -> Answer:
        return Answer(200, self.body.encode(), content_type="application/xml")


@pytest.fixture
def feed() -> Iterator[Feed]:
    with Feed() as running:
        yield running


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        (NYAA, (round(1.4 * 1024**3), HASH, 25, 30, True, False)),
        (EZRSS, (734003200, HASH, None, None, True, True)),
        (IN_WORDS, (round(1.5 * 1024**3), None, None, None, True, False)),
    ],
    ids=["nyaa", "ezrss", "in words"],
)
def test_a_plain_feed_is_read_with_facts_wherever_they_are(
    body: str, facts: tuple[object, ...], feed: Feed, http: Http
) -> None:
    feed.body = body

    (found,) = connect("rss", f"{feed.url}/rss?passkey=secret", http).recent()

    assert (
        found.size_bytes,
        found.info_hash,
        found.seeders,
        found.peers,
        found.download_url is not None,
        found.magnet is not None,
    ) == facts


def test_a_relative_link_of_a_feed_leads_to_its_host(feed: Feed, http: Http) -> None:
    feed.body = IN_WORDS

    (found,) = connect("rss", f"{feed.url}/rss", http).recent()

    assert found.download_url == f"{feed.url}/download.php?id=7&passkey=secret"


def test_a_feed_is_followed_and_has_no_search(feed: Feed, http: Http) -> None:
    feed.body = NYAA
    indexer = connect("rss", f"{feed.url}/rss", http)
    first = indexer.catch_up(Known())

    assert indexer.catch_up(Known(marks=frozenset(map(mark_of, first.releases)))).reached
    assert indexer.search(Query(type="movie", text="Show")) == []
    assert indexer.capabilities().title == "Nyaa - Home"
    feed.body = "<!DOCTYPE html><html><body>Log in</body></html>"
    with pytest.raises(Nonsense):
        indexer.recent()
