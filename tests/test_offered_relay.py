"""The relay at /relay is always the embedded one, also after its keys changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mydia import clock, config
from mydia.config import Config
from mydia.contexts import settings
from mydia.contexts.metadata import OfferedRelay
from mydia.contexts.users import Caller
from mydia.relay import CrashReport
from mydia.startup import Parts, open_parts, prepare


@pytest.fixture
def loaded(tmp_path: Path) -> Config:
    return config.load({"DATA_DIR": str(tmp_path), "PUBLIC_RELAY_ENABLED": "false", "RELAY_ENABLED": "true"})


@pytest.fixture
def parts(loaded: Config) -> Iterator[Parts]:
    prepare(loaded)
    made = open_parts(loaded)
    yield made
    made.outside.http.close()
    made.close()


def test_without_keys_it_accepts_crash_reports_and_reports_the_missing_keys(loaded: Config, parts: Parts) -> None:
    offered = OfferedRelay(loaded, parts.metadata)
    relay = offered.current()
    answer = relay.get("/tmdb/movies/19")
    assert answer.status == 503
    assert "no key for TMDB" in answer.json()["message"]
    assert relay.crashes is not None
    assert relay.crashes.record(CrashReport(kind="KeyError", message="'title'", frames=())) == 1
    offered.close()


def test_it_follows_a_change_of_keys(
    loaded: Config, parts: Parts, admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = OfferedRelay(loaded, parts.metadata)
    assert "tmdb" not in offered.current().upstreams
    with parts.database.writes() as session:
        changes = {"metadata.tmdb_api_key": "0123456789abcdef0123456789abcdef"}
        settings.change_values(session, admin, clock.now(), changes)
    later_s = clock.monotonic_s() + 5
    monkeypatch.setattr(clock, "monotonic_s", lambda: later_s)
    assert "tmdb" in offered.current().upstreams
    offered.close()
