"""The contract of indexers: one suite for Torznab, Newznab and the fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import replace
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from mydia import writing
from mydia.adapters.errors import AdapterError, Limited, Nonsense, Refused, Unreachable
from mydia.adapters.http import Http
from mydia.adapters.indexers import (
    KINDS,
    Fetched,
    Indexer,
    IndexerRelease,
    Known,
    Protocols,
    Query,
    ask_all,
    mark_of,
)
from mydia.adapters.kinds import Connection, Secret
from tests.fakes.outside import FakeIndexer
from tests.fakes.torznab import KEY, SPOILED, Offer, Torznab

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FILE = b"d4:infod6:lengthi1e4:name1:x12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaaee"
NZB = (
    b'<?xml version="1.0"?><nzb xmlns="http://www.newzbin.com/DTD/2003/nzb"><file subject="x"><segments>'
    b'<segment bytes="1" number="1">a@b</segment></segments></file></nzb>'
)
MAGNET = "magnet:?xt=urn:btih:" + "ab" * 20
TV = (5000, 5040)

DETOUR = Offer(
    "Detour.1945.1080p.BluRay.x264-NOIR", content=FILE, tmdb_id=20367, imdb_id="tt0037638", published_at=NOON
)
DETOUR_720 = Offer("Detour.1945.720p.WEB.h264-NOIR", content=FILE, published_at=NOON - timedelta(days=1))
PIONEER = Offer("Pioneer.One.S01E02.720p.WEB.x264-VODO", content=FILE, categories=TV, tvdb_id=170551)
PIONEER_PACK = Offer(
    "Pioneer.One.S01.1080p.WEB.x264-VODO", content=FILE, categories=TV, published_at=NOON - timedelta(days=3)
)
DAILY = Offer("The.Evening.Show.2026.11.20.720p.WEB.h264-NEWS", content=FILE, categories=TV)
OFFERS = (DETOUR, DETOUR_720, PIONEER, PIONEER_PACK, DAILY)


@dataclass
class World:
    """One indexer with the offers above."""

    indexer: Indexer
    go_away: Callable[[], None]
    protocol: Protocols


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    made = Http()
    yield made
    made.close()


def connection_to(server: Torznab, kind: str = "torznab", **options: object) -> Connection:
    return Connection(id="indexer", name="Noir", kind=kind, url=server.api_url, secret=Secret(KEY), options=options)


@pytest.fixture(params=["fake", "torznab", "newznab"])
def world(request: pytest.FixtureRequest, http: Http) -> Iterator[World]:
    if request.param == "fake":
        fake = FakeIndexer([_release(offer) for offer in OFFERS])
        fake.content = {f"http://indexer.test/{offer.title}": Fetched(FILE, None) for offer in OFFERS}
        yield World(fake, fake.go_away, Protocols.TORRENT)
        return
    with Torznab(dialect=request.param) as server:
        content = NZB if request.param == "newznab" else FILE
        server.offers = [replace(offer, content=content) for offer in OFFERS]
        indexer = KINDS[request.param].make(connection_to(server, request.param), http)
        usenet = request.param == "newznab"
        yield World(indexer, lambda: void(server.fail("error")), Protocols.USENET if usenet else Protocols.TORRENT)


def void(_value: object) -> None:
    """Drop a value."""


def _release(offer: Offer) -> IndexerRelease:
    return IndexerRelease(
        guid=offer.title,
        title=offer.title,
        protocol=Protocols.TORRENT,
        download_url=f"http://indexer.test/{offer.title}",
        size_bytes=offer.size_bytes,
        published_at=offer.published_at,
        categories=offer.categories,
        tmdb_id=offer.tmdb_id,
        tvdb_id=offer.tvdb_id,
    )


def titles(releases: list[IndexerRelease]) -> list[str]:
    return [release.title for release in releases]


def test_capabilities_are_returned(world: World) -> None:
    capabilities = world.indexer.capabilities()

    assert "q" in capabilities.search
    assert {"season", "ep"} <= set(capabilities.tv_search)
    assert "tmdbid" in capabilities.movie_search
    assert (2000, "Movies") in capabilities.categories


def test_a_film_is_found_by_its_number(world: World) -> None:
    found = world.indexer.search(Query(type="movie", text="Another title", year=1945, tmdb_id=20367))

    assert titles(found) == [DETOUR.title]
    assert found[0].tmdb_id == 20367
    assert found[0].protocol is world.protocol


def test_a_film_without_an_id_at_the_indexer_is_found_by_title_and_year(world: World) -> None:
    found = world.indexer.search(Query(type="movie", text="Detour", year=1945, tmdb_id=999_999))

    assert set(titles(found)) == {DETOUR.title, DETOUR_720.title}


def test_an_episode_is_found_by_number_of_season_and_episode(world: World) -> None:
    found = world.indexer.search(Query(type="tv", text="Pioneer One", season=1, episode=2, tvdb_id=170551))

    assert PIONEER.title in titles(found)


def test_a_season_is_found_without_an_episode(world: World) -> None:
    found = world.indexer.search(Query(type="tv", text="Pioneer One", season=1))

    assert PIONEER_PACK.title in titles(found)


def test_another_season_is_not_found(world: World) -> None:
    assert world.indexer.search(Query(type="tv", text="Pioneer One", season=2, episode=2)) == []


def test_a_daily_show_is_found_by_its_date(world: World) -> None:
    found = world.indexer.search(Query(type="tv", text="The Evening Show", air_on=date(2026, 11, 20)))

    assert titles(found) == [DAILY.title]


def test_free_text_is_found_in_any_category(world: World) -> None:
    assert titles(world.indexer.search(Query(type="any", text="Evening Show"))) == [DAILY.title]


def test_nothing_found_is_an_empty_list(world: World) -> None:
    assert world.indexer.search(Query(type="movie", text="No Such Film", year=1999)) == []


def test_the_newest_come_first(world: World) -> None:
    found = world.indexer.recent()

    dated = [release.published_at for release in found if release.published_at]
    assert dated == sorted(dated, reverse=True)
    assert len(found) == len(OFFERS)


def test_the_limit_is_respected(world: World) -> None:
    assert len(world.indexer.recent(limit=2)) == 2
    assert len(world.indexer.search(Query(type="movie", text="Detour", limit=1))) == 1


def test_a_release_can_be_fetched(world: World) -> None:
    [found] = world.indexer.search(Query(type="any", text="Evening Show"))
    assert found.download_url is not None

    fetched = world.indexer.fetch(found.download_url)

    assert fetched.magnet is None
    assert fetched.content in {FILE, NZB}


def test_a_magnet_needs_no_fetching(world: World) -> None:
    assert world.indexer.fetch(MAGNET) == Fetched(None, MAGNET)


def test_a_failing_indexer_raises_and_never_returns_an_empty_list(world: World) -> None:
    world.go_away()

    with pytest.raises(Unreachable):
        world.indexer.search(Query(type="movie", text="Detour"))
    with pytest.raises(Unreachable):
        world.indexer.recent()


def test_a_feed_is_read_back_to_what_is_known(world: World) -> None:
    first = world.indexer.catch_up(Known(), limit=100)
    known = Known(marks=frozenset(map(mark_of, first.releases)))

    assert {release.title for release in first.releases} == {offer.title for offer in OFFERS}
    assert (first.reached, first.ended) == (False, True)
    assert world.indexer.catch_up(known).reached


def test_no_indexer_is_asked_while_the_database_is_written(world: World) -> None:
    writing.begin()
    try:
        with pytest.raises(RuntimeError, match="inside writes"):
            world.indexer.recent()
        with pytest.raises(RuntimeError, match="inside writes"):
            ask_all([world.indexer], lambda indexer: indexer.recent())
    finally:
        writing.end()


# Specific to the protocol


@pytest.fixture
def server() -> Iterator[Torznab]:
    with Torznab() as running:
        running.offers = [*OFFERS]
        yield running


@pytest.fixture
def indexer(server: Torznab, http: Http) -> Indexer:
    return KINDS["torznab"].make(connection_to(server), http)


def test_every_fact_of_a_release_is_read(server: Torznab, indexer: Indexer) -> None:
    server.offers = [
        replace(
            DETOUR,
            magnet=MAGNET,
            info_hash="AB" * 20,
            size_bytes=4_000_000_000,
            seeders=7,
            leechers=3,
            grabs=12,
            attributes={"downloadvolumefactor": "0.5", "uploadvolumefactor": "2", "tag": "internal"},
        )
    ]

    [found] = indexer.recent()

    assert found.title == DETOUR.title
    assert found.magnet == MAGNET
    assert found.info_hash == "ab" * 20
    assert found.size_bytes == 4_000_000_000
    assert (found.seeders, found.peers, found.grabs) == (7, 10, 12)
    assert found.published_at == NOON
    assert found.imdb_id == "tt0037638"
    assert set(found.flags) == {"halfleech", "double_upload", "internal"}
    assert found.categories == (2000, 2040)
    assert found.page_url == f"{server.url}/details/0"
    assert found.download_url is not None


def test_a_release_with_only_a_magnet_is_accepted(server: Torznab, indexer: Indexer) -> None:
    server.offers = [replace(DETOUR, content=None, magnet=MAGNET)]

    [found] = indexer.recent()

    assert found.download_url is None
    assert found.magnet == MAGNET
    assert found.info_hash == "ab" * 20


def test_a_download_that_redirects_to_a_magnet_gives_the_magnet(server: Torznab, indexer: Indexer) -> None:
    server.offers = [replace(DETOUR, content=None, magnet=MAGNET, redirect_to_magnet=True)]
    [found] = indexer.recent()
    assert found.download_url is not None

    assert indexer.fetch(found.download_url) == Fetched(None, MAGNET)


def test_only_supported_search_parameters_are_used(http: Http) -> None:
    with Torznab(tv_parameters="q,season,ep", movie_parameters="q") as server:
        indexer = KINDS["torznab"].make(connection_to(server), http)
        indexer.search(Query(type="movie", text="Detour", year=1945, tmdb_id=20367, imdb_id="tt0037638"))
        indexer.search(Query(type="tv", text="Pioneer One", season=0, episode=2, tvdb_id=170551))

    assert [dict(q) | {"apikey": ""} for q in server.searches] == [
        _query(t="search", q="Detour 1945", cat="2000"),
        _query(t="tvsearch", q="Pioneer One", season="00", ep="2", cat="5000"),
        _query(t="search", q="Pioneer One S00E02", cat="5000"),
    ]


def _query(**parameters: str) -> dict[str, str]:
    return {**parameters, "limit": "100", "offset": "0", "extended": "1", "apikey": ""}


def test_an_indexer_without_structured_search_gets_free_text(http: Http) -> None:
    with Torznab(tv_parameters="", movie_parameters="") as server:
        server.offers = [PIONEER]
        indexer = KINDS["torznab"].make(connection_to(server), http)

        found = indexer.search(Query(type="tv", text="Pioneer One", season=1, episode=2, tvdb_id=170551))

    assert titles(found) == [PIONEER.title]
    assert [query["t"] for query in server.searches] == ["search"]


def test_an_announced_but_refused_mode_falls_back_to_free_text(server: Torznab, indexer: Indexer) -> None:
    indexer.capabilities()
    indexer.search(Query(type="movie", text="Detour", year=1945, tmdb_id=20367))
    server.modes["movie-search"] = ""

    assert set(titles(indexer.search(Query(type="movie", text="Detour", year=1945, tmdb_id=20367)))) == {
        DETOUR.title,
        DETOUR_720.title,
    }


def test_capabilities_are_requested_once(server: Torznab, indexer: Indexer) -> None:
    for _ in range(3):
        indexer.search(Query(type="movie", text="Detour", year=1945))

    assert len([asked for asked in server.asked if asked.query.get("t") == "caps"]) == 1


def test_titles_lose_punctuation_unless_the_indexer_wants_them_raw(http: Http) -> None:
    asked = []
    for raw in (False, True):
        with Torznab(raw_search=raw) as server:
            KINDS["torznab"].make(connection_to(server), http).search(
                Query(type="movie", text="Häxan: It's Über & Out", year=1922)
            )
            asked.append(server.searches[0]["q"])

    assert asked == ["Haxan Its Uber and Out 1922", "Häxan: It's Über & Out 1922"]


def test_categories_and_more_parameters_come_from_the_settings(server: Torznab, http: Http) -> None:
    indexer = KINDS["torznab"].make(
        connection_to(server, movie_categories=[2040, 2045], extra_parameters="&maxage=30"), http
    )

    indexer.search(Query(type="movie", text="Detour"))

    assert server.searches[-1]["cat"] == "2040,2045"
    assert server.searches[-1]["maxage"] == "30"


def test_the_api_path_is_added_where_it_is_missing(server: Torznab, http: Http) -> None:
    bare = replace(connection_to(server), url=f"{server.url}/1/")

    assert KINDS["torznab"].make(bare, http).capabilities().title == "Public domain indexer"


@pytest.mark.parametrize("status", [200, 401])
def test_a_wrong_key_is_refused_and_never_shown(status: int, http: Http) -> None:
    with Torznab(error_status=status) as server:
        wrong = replace(connection_to(server), secret=Secret("a-wrong-key"))
        with pytest.raises(Refused, match="API key") as raised:
            KINDS["torznab"].make(wrong, http).search(Query(type="movie", text="Detour"))

    assert "a-wrong-key" not in str(raised.value)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("limited", Limited),
        ("maintenance", Limited),
        ("bad_key", Refused),
        ("error", Unreachable),
        ("hangup", Unreachable),
        ("html", Unreachable),
    ],
)
def test_every_failure_has_one_of_the_four_causes(
    fault: str, cause: type[AdapterError], server: Torznab, indexer: Indexer
) -> None:
    server.fail(fault, retry_after_s=30)

    with pytest.raises(cause) as raised:
        indexer.recent()

    assert isinstance(raised.value, cause)
    assert raised.value.code == cause.code
    assert KEY not in str(raised.value)
    if cause is Limited:
        assert raised.value.retry_after_s == 30


@pytest.mark.parametrize("spoiled", ["web_page", "empty", "other_document", "huge", "entities"])
def test_a_response_that_violates_the_protocol_is_rejected(spoiled: str, server: Torznab, indexer: Indexer) -> None:
    indexer.recent()
    server.spoil = SPOILED[spoiled]

    with pytest.raises(Nonsense):
        indexer.recent()


def test_a_truncated_response_yields_the_items_before_the_cut(server: Torznab, indexer: Indexer) -> None:
    whole = indexer.recent()
    server.spoil = SPOILED["cut_short"]

    found = indexer.recent()

    assert 0 < len(found) < len(whole)


def test_invalid_numbers_are_ignored(server: Torznab, indexer: Indexer) -> None:
    indexer.recent()
    server.spoil = SPOILED["wrong_types"]

    found = indexer.recent()

    assert len(found) == len(OFFERS)
    assert {release.seeders for release in found} == {None}


def test_forbidden_control_characters_do_not_break_a_feed(server: Torznab, indexer: Indexer) -> None:
    indexer.recent()
    server.spoil = SPOILED["control_characters"]

    assert DETOUR.title in titles(indexer.recent())


def test_a_rate_limit_stated_in_the_text_is_recognised(server: Torznab, indexer: Indexer) -> None:
    indexer.recent()
    server.spoil = SPOILED["limit_in_words"]

    with pytest.raises(Limited):
        indexer.recent()


def test_a_slow_indexer_times_out_as_unreachable(server: Torznab, http: Http) -> None:
    indexer = KINDS["torznab"].make(replace(connection_to(server), timeout_s=0.2), http)
    with server.hold(), pytest.raises(Unreachable, match="in time"):
        indexer.recent()


def test_a_web_page_instead_of_a_torrent_is_rejected(server: Torznab, indexer: Indexer) -> None:
    server.offers = [replace(DETOUR, content=b"<html>Please sign in</html>")]
    [found] = indexer.recent()
    assert found.download_url is not None

    with pytest.raises(Nonsense):
        indexer.fetch(found.download_url)


def test_a_release_that_is_gone_is_refused(server: Torznab, indexer: Indexer) -> None:
    with pytest.raises(Refused, match="no longer"):
        indexer.fetch(f"{server.url}/download/99/x.torrent?apikey={KEY}")


def test_a_download_link_into_the_private_network_is_refused(indexer: Indexer) -> None:
    with pytest.raises(Refused, match="private network"):
        indexer.fetch("http://10.0.0.1/download/1.torrent")


def test_one_failing_indexer_does_not_end_the_search(server: Torznab, indexer: Indexer) -> None:
    broken = FakeIndexer(title="Broken")
    broken.go_away()

    good, bad = ask_all([indexer, broken], lambda one: one.search(Query(type="movie", text="Detour", year=1945)))

    assert {release.title for release in good.result or ()} == {DETOUR.title, DETOUR_720.title}
    assert good.failure is None
    assert bad.connection.name == "Broken"
    assert isinstance(bad.failure, Unreachable)


def test_the_search_does_not_wait_for_a_slow_indexer(server: Torznab, indexer: Indexer) -> None:
    with server.hold():
        [late] = ask_all([indexer], lambda one: one.recent(), deadline_s=0.2)

    assert isinstance(late.failure, Unreachable)


def _feed(count: int, *, newest: datetime = NOON) -> list[Offer]:
    """Return releases, one a minute, the newest first."""
    return [
        Offer(f"Film.{number}.2020.1080p.WEB.x264-GRP", content=FILE, published_at=newest - timedelta(minutes=number))
        for number in range(count)
    ]


def test_pages_are_read_until_the_known_releases_come(server: Torznab, indexer: Indexer) -> None:
    server.limit_max = 10
    server.offers = _feed(95)
    before = NOON - timedelta(minutes=34)

    newest = indexer.catch_up(Known(published_at=before))

    assert newest.reached
    assert not newest.ended
    assert len(newest.releases) == 40, "the page on which the known ones begin is the last"
    assert len(server.searches) == 4


def test_a_release_that_the_tracker_pins_to_the_top_does_not_end_the_reading(server: Torznab, indexer: Indexer) -> None:
    server.limit_max = 10
    server.offers = _feed(30)
    server.offers.append(replace(server.offers[29], title="Pinned.2019.1080p.WEB.x264-GRP", published_at=NOON))
    known = Known(
        marks=frozenset(mark_of(release) for release in indexer.catch_up(Known(), limit=100).releases),
        published_at=NOON,
    )
    server.offers[30] = replace(server.offers[30], published_at=NOON + timedelta(hours=1))
    fresh = _feed(15, newest=NOON + timedelta(minutes=16))
    server.offers += [replace(offer, title=f"New.{offer.title}") for offer in fresh]

    newest = indexer.catch_up(known)

    assert newest.reached
    assert sum(release.title.startswith("New.") for release in newest.releases) == 15


def test_a_feed_that_does_not_go_back_far_enough_says_so(server: Torznab, indexer: Indexer) -> None:
    server.limit_max = 10
    server.offers = _feed(25)

    newest = indexer.catch_up(Known(marks=frozenset({"of another week"}), published_at=NOON - timedelta(days=7)))
    short = indexer.catch_up(Known(published_at=NOON - timedelta(days=7)), limit=20)

    assert (newest.reached, newest.ended, len(newest.releases)) == (False, True, 25)
    assert (short.reached, short.ended, len(short.releases)) == (False, False, 20)


def test_a_server_that_ignores_the_offset_ends_the_reading(server: Torznab, indexer: Indexer) -> None:
    server.limit_max = 10
    server.offers = _feed(10)
    server.spoil = lambda answer: replace(answer, body=answer.body.replace(b'total="10"', b'total="500"'))

    newest = indexer.catch_up(Known(published_at=NOON - timedelta(days=1)))

    assert (newest.ended, len(newest.releases)) == (True, 10)


def test_a_later_page_that_fails_keeps_the_earlier_ones(server: Torznab, indexer: Indexer) -> None:
    server.limit_max = 10
    server.offers = _feed(95)
    indexer.capabilities()
    bodies = iter(range(100))
    server.spoil = lambda answer: (
        replace(answer, body=b"<html><body>Just a moment</body></html>", content_type="text/html")
        if b"<rss" in answer.body and next(bodies) >= 2
        else answer
    )

    newest = indexer.catch_up(Known(published_at=NOON - timedelta(days=1)))

    assert len(newest.releases) == 20
    assert isinstance(newest.failure, Nonsense)
    assert not newest.reached


def test_an_indexer_without_a_general_search_has_a_feed_for_each_kind_of_title(http: Http) -> None:
    with Torznab(search_parameters="") as server:
        server.offers = list(OFFERS)
        indexer = KINDS["torznab"].make(connection_to(server), http)

        newest = indexer.catch_up(Known())

        assert {release.title for release in newest.releases} == {offer.title for offer in OFFERS}
        assert {search["t"] for search in server.searches} == {"tvsearch", "movie"}


def test_an_indexer_is_queried_within_its_configured_limit(http: Http) -> None:
    with Torznab() as server:
        server.offers = list(OFFERS)
        told = replace(connection_to(server, rate_limit_per_min=3), id="slow indexer", timeout_s=1.0)
        indexer = KINDS["torznab"].make(told, http)
        # One request for the capabilities, and one for each search.
        for _ in range(2):
            assert indexer.search(Query(type="movie", text="Detour", year=1945))
        asked = len(server.searches)
        with pytest.raises(Limited, match="limited to 3 requests per minute") as limited:
            indexer.search(Query(type="movie", text="Detour", year=1945))
        assert limited.value.retry_after_s is not None
        assert 1 < limited.value.retry_after_s <= 60
        assert len(server.searches) == asked
