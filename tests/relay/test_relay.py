"""The guarantees of the cache, tested with stand-ins that are real servers."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from mydia.relay import Relay, RelayAnswer
from mydia.relay.times import REAL_TIMES
from mydia.secret import Secret
from tests.fakes.tmdb import Tmdb
from tests.fakes.tvdb import Tvdb
from tests.relay.conftest import MakeRelay
from tests.relay.handclock import HandClock
from tests.relay.polling import until

FILM = "/tmdb/movies/19"
SEARCH = "/tmdb/movies/search"


def test_a_response_is_fetched_once_and_then_served_from_memory(relay: Relay, tmdb: Tmdb, times: HandClock) -> None:
    first = relay.get(FILM)
    times.pass_(minutes=5)
    second = relay.get(FILM, {"language": "en-US", "api_key": "theirs"})
    assert (first.cache, second.cache) == ("MISS", "HIT")
    assert first.body == second.body
    assert first.json()["title"] == "Metropolis"
    assert (second.age_s, second.etag) == (300, first.etag)
    assert tmdb.total == 1


def test_keys_are_not_passed_on_in_either_direction(relay: Relay, tmdb: Tmdb) -> None:
    answer = relay.get(SEARCH, {"query": "sintel", "api_key": "theirs", "session_id": "s"})
    assert tmdb.asked[0].query["api_key"] == tmdb.key
    assert "session_id" not in tmdb.asked[0].query
    assert tmdb.key.encode() not in answer.body


def test_a_token_is_sent_in_the_header_and_not_in_the_url(make_relay: MakeRelay, tmdb: Tmdb) -> None:
    tmdb.key = "eyJhbGciOi.JIUzI1NiJ9.long-read-access-token"
    relay = make_relay(tmdb_api_key=Secret(tmdb.key))
    assert relay.get(FILM).status == 200
    assert "api_key" not in tmdb.asked[0].query


def test_a_restart_keeps_the_cache(make_relay: MakeRelay, tmdb: Tmdb) -> None:
    before = make_relay().get(FILM)
    after = make_relay().get(FILM)
    assert (after.cache, after.body, after.etag) == ("HIT", before.body, before.etag)
    assert tmdb.total == 1


def test_a_damaged_cache_file_is_recreated(make_relay: MakeRelay, tmp_path: Path, tmdb: Tmdb) -> None:
    (tmp_path / "cache.db").write_bytes(b"this is no database" * 500)
    relay = make_relay()
    assert relay.get(FILM).cache == "MISS"
    assert make_relay().get(FILM).cache == "HIT"
    assert relay.health()["cache"] == "ok"


def test_a_read_only_store_only_disables_the_store(make_relay: MakeRelay, tmp_path: Path) -> None:
    relay = make_relay()
    assert relay.cache.store is not None
    relay.cache.store.close()
    for ending in ("", "-wal", "-shm"):
        (tmp_path / f"cache.db{ending}").unlink(missing_ok=True)
    (tmp_path / "cache.db").mkdir()
    assert relay.get(FILM).status == 200
    assert relay.get(FILM).cache == "HIT"
    assert relay.health()["cache"] != "ok"


def test_a_stale_response_is_served_at_once_and_refreshed_in_the_background(
    relay: Relay, tmdb: Tmdb, times: HandClock
) -> None:
    relay.get("/tmdb/movies/trending")
    times.pass_(hours=2)
    assert relay.get("/tmdb/movies/trending").cache == "STALE"
    until(lambda: tmdb.total == 2)
    until(lambda: relay.get("/tmdb/movies/trending").cache == "HIT")
    assert tmdb.total == 2


def test_many_requests_for_a_stale_response_cause_one_refresh(relay: Relay, tmdb: Tmdb, times: HandClock) -> None:
    relay.get("/tmdb/movies/trending")
    times.pass_(hours=2)
    with tmdb.hold():
        assert {relay.get("/tmdb/movies/trending").cache for _ in range(50)} == {"STALE"}
    until(lambda: relay.get("/tmdb/movies/trending").cache == "HIT")
    assert tmdb.total == 2


def test_a_very_old_response_is_fetched_again(relay: Relay, tmdb: Tmdb, times: HandClock) -> None:
    relay.get("/tmdb/movies/trending")
    times.pass_(days=2)
    assert relay.get("/tmdb/movies/trending").cache == "MISS"


@pytest.mark.parametrize("fault", ["error", "hangup", "broken_json", "wrong_types", "html", "limited", "maintenance"])
def test_a_cached_response_is_served_while_the_upstream_fails(
    relay: Relay, tmdb: Tmdb, times: HandClock, fault: str
) -> None:
    known = relay.get("/tmdb/movies/trending")
    times.pass_(days=3)
    tmdb.fail(fault, retry_after_s=60)
    answer = relay.get("/tmdb/movies/trending")
    assert (answer.status, answer.cache, answer.body) == (200, "STALE", known.body)
    times.pass_(hours=1)
    tmdb.heal()
    assert relay.get("/tmdb/movies/trending").cache == "MISS"


def test_a_response_older_than_a_week_is_not_served(relay: Relay, tmdb: Tmdb, times: HandClock) -> None:
    relay.get("/tmdb/movies/trending")
    times.pass_(days=8)
    tmdb.fail("error")
    assert relay.get("/tmdb/movies/trending").status == 500


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("error", 500),
        ("hangup", 502),
        ("broken_json", 502),
        ("wrong_types", 502),
        ("html", 502),
        ("limited", 429),
        ("bad_key", 401),
    ],
)
def test_without_a_cached_response_the_failure_is_reported_without_internals(
    relay: Relay, tmdb: Tmdb, fault: str, status: int
) -> None:
    tmdb.fail(fault)
    answer = relay.get(FILM)
    assert answer.status == status
    assert answer.cache is None
    assert b"Traceback" not in answer.body
    assert b"127.0.0.1" not in answer.body
    assert isinstance(answer.json(), dict)
    tmdb.heal()
    relay.upstreams["tmdb"].care._note_success()
    assert relay.get(FILM).status == 200


def test_not_found_is_cached_for_ten_minutes(relay: Relay, tmdb: Tmdb, times: HandClock) -> None:
    first = relay.get("/tmdb/movies/4000000")
    second = relay.get("/tmdb/movies/4000000")
    assert (first.status, first.json()["status_code"]) == (404, 34)
    assert (second.status, second.cache) == (404, "HIT")
    times.pass_(days=9)
    relay.get("/tmdb/movies/4000000")
    assert tmdb.total == 2


def test_a_refused_key_is_not_cached(relay: Relay, tmdb: Tmdb) -> None:
    tmdb.fail("bad_key", times=1)
    assert relay.get(FILM).status == 401
    assert relay.get(FILM).status == 200


def test_an_airing_season_is_refreshed_after_six_hours(relay: Relay, tmdb: Tmdb, times: HandClock) -> None:
    running, ended = "/tmdb/tv/shows/210101/3", "/tmdb/tv/shows/653/1"
    assert relay.get(running).fresh_s == 6 * 3600
    assert relay.get(ended).fresh_s == 14 * 86_400
    times.pass_(hours=7)
    assert relay.get(running).cache == "STALE"
    assert relay.get(ended).cache == "HIT"


def test_a_request_may_bypass_the_cache(relay: Relay, tmdb: Tmdb) -> None:
    relay.get(FILM)
    assert relay.get(FILM, revalidate=True).cache == "MISS"
    assert tmdb.total == 2


def test_a_missing_key_is_reported(make_relay: MakeRelay, tmdb: Tmdb) -> None:
    relay = make_relay(tvdb_api_key=Secret(""))
    answer = relay.get("/tvdb/series/410101")
    assert (answer.status, answer.json()["error"]) == (503, "Service not configured")


def test_five_hundred_callers_cause_one_call(relay: Relay, tmdb: Tmdb) -> None:
    answers: list[RelayAnswer] = []
    with tmdb.hold():
        threads = [threading.Thread(target=lambda: answers.append(relay.get(FILM))) for _ in range(500)]
        for thread in threads:
            thread.start()
        until(lambda: relay.counters.joined == 499)
    for thread in threads:
        thread.join()
    assert tmdb.total == 1
    assert len(answers) == 500
    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}


def test_five_hundred_callers_on_an_event_loop_cause_one_call(relay: Relay, tmdb: Tmdb) -> None:
    async def ask() -> list[RelayAnswer]:
        with tmdb.hold():
            tasks = [asyncio.create_task(relay.get_async(FILM)) for _ in range(500)]
            await asyncio.sleep(0)
            tasks[0].cancel()
            await asyncio.to_thread(until, lambda: relay.counters.joined == 499)
        return [
            answer for answer in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(answer, RelayAnswer)
        ]

    answers = asyncio.run(ask())
    assert tmdb.total == 1
    assert len(answers) == 499
    assert {answer.status for answer in answers} == {200}


def test_a_failure_is_shared_as_well(relay: Relay, tmdb: Tmdb) -> None:
    tmdb.fail("bad_key", times=1)
    answers: list[RelayAnswer] = []
    with tmdb.hold():
        threads = [threading.Thread(target=lambda: answers.append(relay.get(FILM))) for _ in range(20)]
        for thread in threads:
            thread.start()
        until(lambda: relay.counters.joined == 19)
    for thread in threads:
        thread.join()
    assert tmdb.total == 1
    assert {answer.status for answer in answers} == {401}


def test_two_processes_that_share_a_store_ask_once(make_relay: MakeRelay, tmdb: Tmdb) -> None:
    # Two relays share only the file, like two processes.
    one = make_relay()
    two = make_relay(max_wait_s=10_000_000, times=REAL_TIMES)
    answers: list[RelayAnswer] = []
    with tmdb.hold():
        threads = [threading.Thread(target=lambda relay=relay: answers.append(relay.get(FILM))) for relay in (one, two)]
        threads[0].start()
        until(lambda: tmdb.total == 1)
        threads[1].start()
        until(lambda: bool(two._asker._flights))
    for thread in threads:
        thread.join()
    assert tmdb.total == 1
    assert [answer.status for answer in answers] == [200, 200]


def test_a_lease_of_a_dead_process_expires(make_relay: MakeRelay, tmdb: Tmdb) -> None:
    relay = make_relay()
    assert relay.cache.store is not None
    assert relay.cache.store.lease("tmdb:/movie/19", "dead", 5)
    assert not relay.cache.store.lease("tmdb:/movie/19", "other", 5)
    assert relay.get(FILM).status == 200
    assert tmdb.total == 1


def test_cache_misses_are_rate_limited_per_address_and_hits_are_not(
    make_relay: MakeRelay, tmdb: Tmdb, times: HandClock
) -> None:
    relay = make_relay(misses_per_min=3)
    for number in (19, 653, 234):
        assert relay.get(f"/tmdb/movies/{number}", client="203.0.113.7").status == 200
    refused = relay.get("/tmdb/movies/992", client="203.0.113.7")
    assert (refused.status, refused.json()["error"]) == (429, "Too many requests")
    assert refused.retry_after_s == 60
    assert relay.get(FILM, client="203.0.113.7").cache == "HIT"
    assert relay.get("/tmdb/movies/992", client="203.0.113.8").status == 200
    assert relay.get("/tmdb/movies/961").status == 200
    times.pass_(minutes=2)
    assert relay.get("/tmdb/movies/4808", client="203.0.113.7").status == 200


def test_the_store_evicts_by_age_and_size(make_relay: MakeRelay, times: HandClock) -> None:
    relay = make_relay(max_store_bytes=6000)
    assert relay.cache.store is not None
    for number in (19, 653, 234, 992, 961, 4808, 3085, 10331):
        relay.get(f"/tmdb/movies/{number}", {"append_to_response": "recommendations,credits"})
        times.pass_(seconds=1)
    before = relay.cache.store.count()
    relay.cache.store.sweep()
    after = relay.cache.store.count()
    assert before == 8
    assert after is not None
    assert 0 < after < 8
    assert relay.cache.store.get("tmdb:/movie/10331?append_to_response=credits,recommendations") is not None
    times.pass_(days=40)
    relay.cache.store.sweep()
    assert relay.cache.store.count() == 0


def test_tvdb_without_its_envelope_is_another_entry(relay: Relay, tvdb: Tvdb) -> None:
    wrapped = relay.get("/tvdb/series/410101/extended")
    bare = relay.get("/tvdb/tv/shows/410101")
    assert wrapped.json()["data"] == bare.json()
    assert relay.get("/tvdb/tv/search", {"query": "cartographers"}).json()[0]["tvdb_id"] == "410101"
    assert isinstance(relay.get("/tvdb/movies/trending").json(), list)


def test_episodes_are_paged_as_in_tvdb(relay: Relay, tvdb: Tvdb) -> None:
    assert relay.get("/tvdb/series/410101/episodes", {"page": "1"}).status == 200
    asked = next(a for a in tvdb.asked if "episodes" in a.path)
    assert (asked.path, asked.query) == ("/v4/series/410101/episodes/default", {"page": "1"})


def test_stats_and_metrics_count_requests(relay: Relay) -> None:
    relay.get(FILM)
    relay.get(FILM)
    stats = relay.stats()
    assert stats["cache"]["hits"] == 1
    assert stats["cache"]["misses"] == 1
    assert stats["cache"]["hit_rate_pct"] == 50.0
    assert stats["upstreams"]["tmdb"]["calls"] == 1
    from prometheus_client.parser import text_string_to_metric_families

    names = {family.name for family in text_string_to_metric_families(relay.metrics()[0].decode())}
    assert {"mydia_relay_answers", "mydia_relay_memory_entries", "mydia_relay_upstream_calls"} <= names


def test_pictures_are_proxied(relay: Relay) -> None:
    path = relay.get(FILM).json()["poster_path"]
    picture = relay.image("tmdb", path, "w342")
    assert picture.content_type == "image/jpeg"
    assert picture.body[:2] == b"\xff\xd8"


@pytest.mark.parametrize(
    ("path", "size"),
    [("/../../3/account", "w342"), ("/x.jpg", "w342/../.."), ("/a/b.jpg", "original"), ("/x.jpg", "huge")],
)
def test_a_picture_path_cannot_leave_the_image_host(relay: Relay, tmdb: Tmdb, path: str, size: str) -> None:
    from mydia.relay.upstreams import UpstreamFailed

    with pytest.raises(UpstreamFailed):
        relay.image("tmdb", path, size)
    assert tmdb.total == 0
