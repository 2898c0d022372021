"""Rate limits and retries for TMDB and TheTVDB."""

from __future__ import annotations

import threading

import pytest

from mydia.relay import Relay
from mydia.secret import Secret
from tests.fakes.tmdb import Tmdb
from tests.fakes.tvdb import Tvdb
from tests.relay.conftest import MakeRelay
from tests.relay.handclock import HandClock


def test_retry_after_is_respected(relay: Relay, tmdb: Tmdb, times: HandClock) -> None:
    tmdb.fail("limited", times=1, retry_after_s=4)
    assert relay.get("/tmdb/movies/19").status == 200
    assert tmdb.total == 2
    assert sum(times.waited_s) >= 4


def test_a_long_wait_is_passed_on_and_applies_to_all_requests(relay: Relay, tmdb: Tmdb, times: HandClock) -> None:
    tmdb.fail("limited", times=1, retry_after_s=120)
    first = relay.get("/tmdb/movies/19")
    second = relay.get("/tmdb/movies/653")
    assert (first.status, second.status) == (429, 429)
    assert second.retry_after_s is not None
    assert second.retry_after_s > 100
    assert tmdb.total == 1
    times.pass_(seconds=121)
    assert relay.get("/tmdb/movies/19").status == 200


def test_a_transient_error_is_retried(relay: Relay, tmdb: Tmdb) -> None:
    tmdb.fail("error", times=2)
    assert relay.get("/tmdb/movies/19").status == 200
    assert tmdb.total == 3


def test_the_circuit_opens_for_a_failing_upstream_and_is_tested_again(
    relay: Relay, tmdb: Tmdb, times: HandClock
) -> None:
    tmdb.fail("error")
    for number in (19, 653):
        relay.get(f"/tmdb/movies/{number}")
    asked = tmdb.total
    answer = relay.get("/tmdb/movies/234")
    assert (answer.status, answer.json()["error"]) == (503, "Upstream unavailable")
    assert answer.retry_after_s is not None
    assert tmdb.total == asked
    assert relay.health()["upstreams"]["tmdb"] == "down"
    times.pass_(seconds=16)
    relay.get("/tmdb/movies/234")
    assert tmdb.total == asked + 1
    assert relay.get("/tmdb/movies/234").status == 503
    tmdb.heal()
    times.pass_(seconds=31)
    assert relay.get("/tmdb/movies/234").status == 200
    assert relay.health()["upstreams"]["tmdb"] == "ok"


def test_only_one_request_tests_whether_it_recovered(relay: Relay, tmdb: Tmdb, times: HandClock) -> None:
    from tests.relay.polling import until

    tmdb.fail("error")
    for number in (19, 653):
        relay.get(f"/tmdb/movies/{number}")
    tmdb.heal()
    asked = tmdb.total
    times.pass_(seconds=16)
    with tmdb.hold():
        looking = threading.Thread(target=relay.get, args=("/tmdb/movies/19",))
        looking.start()
        until(lambda: tmdb.total == asked + 1)
        assert relay.get("/tmdb/movies/653").status == 503
    looking.join()
    assert relay.get("/tmdb/movies/653").status == 200


def test_requests_are_spread_over_time(make_relay: MakeRelay, tmdb: Tmdb, times: HandClock) -> None:
    relay = make_relay(tmdb_per_s=2.0)
    started_s = times.now_s()
    for film in tmdb.films[:10]:
        assert relay.get(f"/tmdb/movies/{film.id}").status == 200
    assert times.now_s() - started_s == pytest.approx(4.0)


def test_one_login_serves_all_requests(relay: Relay, tvdb: Tvdb) -> None:
    with tvdb.hold():
        threads = [threading.Thread(target=relay.get, args=(f"/tvdb/series/{show.tvdb_id}",)) for show in tvdb.series]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    assert tvdb.logins == 1
    assert relay.stats()["cache"]["misses"] == len(tvdb.series)


def test_a_token_is_renewed_an_hour_before_it_ends(relay: Relay, tvdb: Tvdb, times: HandClock) -> None:
    tvdb.now_s = times.now_s
    tvdb.token_life_s = 10 * 3600
    relay.get("/tvdb/series/410101")
    times.pass_(hours=8)
    relay.get("/tvdb/series/410102")
    assert tvdb.logins == 1
    times.pass_(hours=1, minutes=5)
    relay.get("/tvdb/series/410103")
    assert tvdb.logins == 2


def test_a_token_that_is_no_longer_accepted_is_replaced_once(relay: Relay, tvdb: Tvdb) -> None:
    relay.get("/tvdb/series/410101")
    tvdb.end_sessions()
    assert relay.get("/tvdb/series/410102").status == 200
    assert tvdb.logins == 2
    tvdb.fail("bad_key", "/series/")
    before = tvdb.total
    assert relay.get("/tvdb/series/410103").status == 401
    assert tvdb.total - before == 3  # refused, login, refused again


def test_a_wrong_key_is_reported_and_not_retried_with_every_request(
    make_relay: MakeRelay, tvdb: Tvdb, times: HandClock
) -> None:
    relay = make_relay(tvdb_api_key=Secret("wrong"))
    answer = relay.get("/tvdb/series/410101")
    assert (answer.status, answer.json()["error"]) == (401, "Authentication failed")
    relay.get("/tvdb/series/410102")
    assert tvdb.logins == 1
    times.pass_(minutes=6)
    relay.get("/tvdb/series/410102")
    assert tvdb.logins == 2


def test_a_login_that_fails_once_is_retried(relay: Relay, tvdb: Tvdb) -> None:
    tvdb.fail("error", "/login", times=1)
    assert relay.get("/tvdb/series/410101").status == 200
