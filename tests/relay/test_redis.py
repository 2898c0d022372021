"""A real Redis that is killed and restarted."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mydia.relay import Relay
from mydia.secret import Secret
from tests.fakes.tmdb import Tmdb
from tests.relay.conftest import MakeRelay
from tests.relay.polling import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed"),
]


class Server:
    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://mydia:s%40crt@127.0.0.1:{self.port}/3"
        self._folder = folder
        (folder / "users.acl").write_text("user default off\nuser mydia on >s@crt ~* &* +@all\n")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", "",
             "--appendonly", "yes", "--aclfile", str(self._folder / "users.acl"), "--logfile", str(self._folder / "log")]
        )  # fmt: skip
        until(self._listens)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.kill()


def test_two_relays_share_a_cache(redis: Server, make_relay: MakeRelay, tmdb: Tmdb) -> None:
    one, two = make_relay(redis_url=Secret(redis.url)), make_relay(redis_url=Secret(redis.url))
    before = one.get("/tmdb/movies/19")
    after = two.get("/tmdb/movies/19")
    assert (after.cache, after.body, after.etag) == ("HIT", before.body, before.etag)
    assert tmdb.total == 1
    assert one.stats()["cache"]["adapter"] == "redis"
    assert one.stats()["cache"]["shared_size"] == 1


def test_user_password_and_database_of_the_address_are_used(redis: Server, make_relay: MakeRelay) -> None:
    import redis as client

    make_relay(redis_url=Secret(redis.url)).get("/tmdb/movies/19")
    third = client.Redis(port=redis.port, db=3, username="mydia", password="s@crt")
    assert third.dbsize() == 1
    assert client.Redis(port=redis.port, db=0, username="mydia", password="s@crt").dbsize() == 0
    wrong = make_relay(redis_url=Secret(redis.url.replace("s%40crt", "wrong")))
    assert wrong.get("/tmdb/movies/653").status == 200
    assert wrong.health()["cache"] != "ok"


def test_only_one_lease_at_a_time_and_only_its_owner_releases_it(redis: Server, make_relay: MakeRelay) -> None:
    store = make_relay(redis_url=Secret(redis.url)).cache.store
    assert store is not None
    assert store.lease("k", "a", 30)
    assert not store.lease("k", "b", 30)
    store.release("k", "b")
    assert store.leased("k")
    store.release("k", "a")
    assert store.lease("k", "b", 30)


def test_clearing_deletes_only_our_keys(redis: Server, make_relay: MakeRelay) -> None:
    import redis as client

    other = client.Redis(port=redis.port, db=3, username="mydia", password="s@crt")
    other.set("theirs", "1")
    relay = make_relay(redis_url=Secret(redis.url))
    relay.get("/tmdb/movies/19")
    relay.forget()
    assert other.keys("*") == [b"theirs"]


def test_redis_killed_and_restarted_under_load_fails_no_request(
    redis: Server, make_relay: MakeRelay, tmdb: Tmdb
) -> None:
    # Little memory, so that most look-ups go to Redis or to the upstream.
    relay = make_relay(redis_url=Secret(redis.url), max_entries=4)
    numbers = [film.id for film in tmdb.films]
    failures: list[int] = []
    rounds = [0, 0, 0]
    stop = threading.Event()

    def load(worker: int) -> None:
        while not stop.is_set():
            for number in numbers[worker::3]:
                answer = relay.get(f"/tmdb/movies/{number}")
                if answer.status != 200:
                    failures.append(answer.status)
            rounds[worker] += 1

    def pass_rounds(relay: Relay, count: int) -> None:
        reached = [done + count for done in rounds]
        until(lambda: all(done >= goal for done, goal in zip(rounds, reached, strict=True)), within_s=60)

    threads = [threading.Thread(target=load, args=(worker,)) for worker in range(3)]
    for thread in threads:
        thread.start()
    try:
        pass_rounds(relay, 2)
        redis.kill()
        until(lambda: relay.health()["cache"] != "ok")
        pass_rounds(relay, 2)
        redis.start()
        until(lambda: relay.health()["cache"] == "ok", within_s=30)
        tmdb.forget()
        pass_rounds(relay, 4)
        assert tmdb.total <= len(numbers)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []


def test_a_password_without_a_user_name_is_accepted(redis: Server, make_relay: MakeRelay, tmdb: Tmdb) -> None:
    import redis as client

    admin = client.Redis(port=redis.port, username="mydia", password="s@crt")
    admin.acl_setuser("default", enabled=True, passwords=["+w0rd"], keys=["*"], channels=["*"], commands=["+@all"])
    relay = make_relay(redis_url=Secret(f"redis://w0rd@127.0.0.1:{redis.port}/3"))
    relay.get("/tmdb/movies/19")
    assert relay.health()["cache"] == "ok"
    assert relay.stats()["cache"]["shared_size"] == 1


def test_a_password_that_is_wrong_is_logged_when_the_relay_starts(
    redis: Server, make_relay: MakeRelay, caplog: pytest.LogCaptureFixture
) -> None:
    relay = make_relay(redis_url=Secret(f"redis://mydia:wrong@127.0.0.1:{redis.port}/3"))
    assert "Redis cannot be used" in caplog.text
    assert relay.health()["cache"] != "ok"
    assert "wrong@" not in caplog.text
