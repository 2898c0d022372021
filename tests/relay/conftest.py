from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mydia.adapters.http import Http
from mydia.relay import Relay, RelayConfig, Times
from mydia.secret import Secret
from tests.fakes import tmdb as tmdb_stand_in
from tests.fakes import tvdb as tvdb_stand_in
from tests.fakes.tmdb import Tmdb
from tests.fakes.tvdb import Tvdb
from tests.relay.handclock import HandClock

type MakeRelay = Callable[..., Relay]


@pytest.fixture
def tmdb() -> Iterator[Tmdb]:
    with Tmdb() as server:
        yield server


@pytest.fixture
def tvdb() -> Iterator[Tvdb]:
    with Tvdb() as server:
        yield server


@pytest.fixture
def times() -> HandClock:
    return HandClock()


@pytest.fixture
def http() -> Iterator[Http]:
    client = Http()
    yield client
    client.close()


@pytest.fixture
def config(tmdb: Tmdb, tvdb: Tvdb, tmp_path: Path) -> RelayConfig:
    return RelayConfig(
        tmdb_api_key=Secret(tmdb_stand_in.KEY),
        tvdb_api_key=Secret(tvdb_stand_in.KEY),
        tmdb_url=tmdb.api_url,
        tmdb_image_url=tmdb.image_url,
        tvdb_url=tvdb.api_url,
        cache_path=tmp_path / "cache.db",
        crashes_path=tmp_path / "relay.db",
        tmdb_per_s=10_000,
        tvdb_per_s=10_000,
    )


@pytest.fixture
def make_relay(config: RelayConfig, http: Http, times: HandClock) -> Iterator[MakeRelay]:
    """Creates relays with the manual clock; configuration fields are keyword arguments."""
    from copy import replace

    made: list[Relay] = []

    def make(*, times: Times = times, **changes: object) -> Relay:
        relay = Relay(replace(config, **changes), http=http, times=times)  # type: ignore[arg-type]
        made.append(relay)
        return relay

    yield make
    for relay in made:
        relay.close()


@pytest.fixture
def relay(make_relay: MakeRelay) -> Relay:
    return make_relay()
