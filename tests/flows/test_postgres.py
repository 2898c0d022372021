"""The main workflow on PostgreSQL, configured only with DATABASE_URL."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from mydia.adapters import pg_dump
from mydia.adapters.programs import Programs
from mydia.db import Database, upgrade
from mydia.errors import Unavailable
from tests.demo import API_KEY, Demo
from tests.fakes import postgres, qbittorrent, videos
from tests.fakes.postgres import RealPostgres
from tests.fakes.qbittorrent import wait_until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(postgres.PROGRAM is None, reason=postgres.MISSING),
    pytest.mark.xdist_group("postgres"),
    pytest.mark.timeout(400),
]

FILM = 20367
"""Detour at TMDB."""
PAGES = (
    *(
        "/",
        "/movies",
        "/movies?view=table&genre=Drama",
        "/shows",
        "/calendar",
        "/wanted",
        "/activity",
        "/activity/history",
    ),
    *("/activity/blocklist", "/imports", "/system", "/system/tasks", "/system/backups", "/settings/folders"),
    *("/api/v1/media?type=movie", "/api/v1/files", "/api/v1/history", "/api/v1/wanted", "/api/v1/tasks"),
)


@pytest.fixture(scope="module")
def server() -> Iterator[RealPostgres]:
    with RealPostgres() as running:
        yield running


@pytest.mark.skipif(qbittorrent.PROGRAM is None, reason=qbittorrent.MISSING)
@pytest.mark.skipif(videos.FFMPEG is None, reason=videos.MISSING)
def test_the_main_workflow_runs_on_postgresql(server: RealPostgres, tmp_path: Path) -> None:
    with Demo(tmp_path, more={"DATABASE_URL": server.url}) as demo:

        def ask(path: str, data: dict[str, Any] | None = None) -> Any:
            body = None if data is None else json.dumps(data).encode()
            headers = {"X-API-Key": API_KEY, "Content-Type": "application/json", "Accept": "*/*"}
            with urllib.request.urlopen(urllib.request.Request(demo.url + path, body, headers), timeout=60) as answer:
                said = answer.read()
            return json.loads(said) if path.startswith("/api/") else said

        demo.start()
        ask("/api/v1/library/scan", {})
        wait_until(
            lambda: len(ask("/api/v1/media?type=movie")["items"]) > 2 and ask("/api/v1/media?type=tv_show")["items"],
            "the library is scanned",
            within_s=90,
        )
        ask("/api/v1/media", {"type": "movie", "tmdb_id": FILM, "search_now": True})
        wait_until(
            lambda: ask("/api/v1/downloads?state=imported")["items"],
            "the film is imported",
            within_s=120,
        )
        assert list(demo.movies.glob("Detour (1945)*/*.mkv"))
        for path in PAGES:
            assert ask(path), path
        assert not (tmp_path / "data" / "mydia.db").exists()


def test_one_writes_at_a_time_and_waiting_too_long_raises(server: RealPostgres) -> None:
    url = server.url.replace("postgresql:", "postgresql+psycopg:")
    one, other = Database(url), Database(url, patience_s=0.3)
    try:
        upgrade(one.engine)
        with one.writes() as session:
            session.execute(text("CREATE TABLE counters (number INTEGER)"))
            session.execute(text("INSERT INTO counters VALUES (0)"))

        def count(database: Database) -> None:
            for _ in range(50):
                with database.writes() as session:
                    number = session.scalar(text("SELECT number FROM counters"))
                    session.execute(text("UPDATE counters SET number = :next"), {"next": number + 1})

        patient = Database(url)
        threads = [threading.Thread(target=count, args=(database,)) for database in (one, patient, one, patient)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        patient.close()
        with one.reads() as session:
            assert session.scalar(text("SELECT number FROM counters")) == 200, "no change is lost"
        with one.writes() as session:
            session.execute(text("UPDATE counters SET number = 0"))
            with other.reads() as reading:
                assert reading.scalar(text("SELECT number FROM counters")) == 200, "reading waits for nobody"
            refused: list[Unavailable] = []

            def try_to_write() -> None:
                try:
                    with other.writes() as late:
                        late.execute(text("UPDATE counters SET number = 1"))
                except Unavailable as error:
                    refused.append(error)

            thread = threading.Thread(target=try_to_write)
            thread.start()
            thread.join()
            assert [error.message for error in refused] == [
                "The database is busy, so this was not saved. Try again in a moment."
            ]
    finally:
        one.close()
        other.close()


def test_a_commit_changes_the_version_in_every_process(server: RealPostgres) -> None:
    url = server.url.replace("postgresql:", "postgresql+psycopg:")
    one, other = Database(url), Database(url)
    try:
        first, seen = one.version(), other.version()
        assert first is not None
        assert one.version() == first, "nothing was committed"
        with one.writes() as session:
            session.execute(text("CREATE TABLE noticed (x INTEGER)"))
        assert one.version() != first, "one's own commit counts at once"
        wait_until(lambda: other.version() != seen, "the other process notices it", within_s=10)
        with one.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
            )
        seen = other.version()
        wait_until(lambda: other.version() not in (seen, None), "it listens again", within_s=20)
    finally:
        one.close()
        other.close()


def test_the_database_is_dumped_checked_and_can_be_restored(server: RealPostgres, tmp_path: Path) -> None:
    url = server.url.replace("postgresql:", "postgresql+psycopg:")
    database = Database(url)
    try:
        with database.writes() as session:
            session.execute(text("CREATE TABLE precious (word TEXT)"))
            session.execute(text("INSERT INTO precious VALUES ('kept')"))
        part = tmp_path / "mydia.dump"
        pg_dump.dump(Programs(), url, part)
        with database.writes() as session:
            session.execute(text("DROP TABLE precious"))
        restored = Programs().run("pg_restore", [f"--dbname={server.url}", "--table=precious", str(part)], timeout_s=60)
        assert restored.code == 0, restored.errors
        with database.reads() as session:
            assert session.scalar(text("SELECT word FROM precious")) == "kept"
        with pytest.raises(Unavailable, match="could not be backed up"):
            pg_dump.dump(Programs(), url.replace("/mydia", "/nonesuch"), part)
    finally:
        database.close()
