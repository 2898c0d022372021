"""The library jobs, called as the worker calls them."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mydia import clock
from mydia.config import Config, load
from mydia.contexts import library, media, settings
from mydia.contexts.library.models import MediaFile
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.events import EventRow
from mydia.jobs import library as jobs
from mydia.jobs.broker import Deps
from mydia.jobs.watching import changed_folders, watch
from mydia.taskboard import TaskBoard, to_ms
from tests import builders
from tests.fakes.outside import FakeMetadataProvider, fake_outside


@pytest.fixture
def config(database: Database, tmp_path: Path) -> Config:
    """The default configuration."""
    made = load({"DATA_DIR": str(tmp_path / "data")})
    settings.bind(database, made)
    return made


class _Queue:
    """Records the started jobs."""

    def __init__(self) -> None:
        self.started: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, job: str, params: Any = None, **_: Any) -> str:
        self.started.append((job, dict(params or {})))
        return "run"


def make_deps(database: Database, config: Config, tmp_path: Path, provider: FakeMetadataProvider) -> Deps:
    board = TaskBoard(tmp_path / "jobs.db")
    return Deps(
        database=database, outside=fake_outside(metadata=provider), config=config, enqueue=_Queue(), board=board
    )  # type: ignore[arg-type]


def test_a_scan_finds_matches_and_analyses_files(database: Database, config: Config, tmp_path: Path) -> None:
    with database.writes() as session:
        path = builders.library_path(session, tmp_path / "films")
    builders.on_disk(path.path, "Detour (1945)/Detour (1945) 1080p WEB-DL.mkv")
    builders.on_disk(path.path, "unknown thing.mkv")
    deps = make_deps(database, config, tmp_path, FakeMetadataProvider([builders.film_details("Detour", 1945)]))
    said = jobs.scan(deps, library_path_id=path.id)
    assert "2 new" in (said or "")
    with database.reads() as session:
        (scan,) = library.scanning.list_scans(session, SYSTEM)
        assert (scan.state, scan.phase) == ("done", "finished")
        assert {name: scan.counts[name] for name in ("matched", "waiting", "analysed")} == {
            "matched": 1,
            "waiting": 1,
            "analysed": 2,
        }
        item = session.scalar(select(media.MediaItem))
        assert item is not None
        (file,) = library.files.files_of_item(session, SYSTEM, item.id)
        assert file.spec.parts == ("1080p", "WEB-DL", "H.264", "AAC 2.0")
        assert session.scalar(select(EventRow.type).where(EventRow.type == "ScanFinished")) == "ScanFinished"


def test_all_libraries_are_started_one_by_one(database: Database, config: Config, tmp_path: Path) -> None:
    with database.writes() as session:
        first = builders.library_path(session, tmp_path / "films")
        builders.library_path(session, tmp_path / "own", scan_cron="0 5 * * *")
    deps = make_deps(database, config, tmp_path, FakeMetadataProvider())
    jobs.scan_all(deps)
    assert deps.enqueue.started == [("library.scan", {"library_path_id": first.id})]  # type: ignore[attr-defined]


def test_a_folder_with_its_own_schedule_is_scanned_at_that_time(
    database: Database, config: Config, tmp_path: Path
) -> None:
    with database.writes() as session:
        path = builders.library_path(session, tmp_path / "own", scan_cron="0 * * * *")
        settings.library_paths.record_scan(session, clock.now(), path.id, state="done", reason=None)
    deps = make_deps(database, config, tmp_path, FakeMetadataProvider())
    jobs.scan_due(deps)
    assert deps.enqueue.started == []  # type: ignore[attr-defined]
    with database.writes() as session:
        settings.library_paths.record_scan(
            session, clock.now() - timedelta(hours=2), path.id, state="done", reason=None
        )
    jobs.scan_due(deps)
    assert [name for name, _ in deps.enqueue.started] == ["library.scan"]  # type: ignore[attr-defined]


def test_changes_are_reported_by_folder() -> None:
    folders = {"/films": "f", "/tv": "t"}
    paths = [
        "/films/A (2001)/A.mkv",
        "/films/A (2001)/A.mkv.part",
        "/films/A (2001)/.mydia-123.part",
        "/films/.mydia-recycle/x/A.mkv",
        "/films/root.mkv",
        "/tv2/Show/x.mkv",
        "/tv/Show/Season 1",
        "/tv/Show/@eaDir/x.mkv",
    ]
    assert changed_folders(paths, folders) == {("f", "A (2001)"), ("f", None), ("t", "Show/Season 1")}


def test_a_new_file_triggers_a_scan_of_its_folder(database: Database, config: Config, tmp_path: Path) -> None:
    with database.writes() as session:
        path = builders.library_path(session, tmp_path / "films")
    stop = threading.Event()
    asked = threading.Event()
    database.after_commit(asked.set)
    watcher = threading.Thread(target=watch, args=(database, config, stop))
    watcher.start()
    try:
        deadline = clock.monotonic_s() + 60
        number = 0
        while not asked.wait(7.0) and clock.monotonic_s() < deadline:
            # The watcher may not have started when the first file was created.
            number += 1
            builders.on_disk(path.path, f"Detour (1945)/{number}.mkv")
    finally:
        stop.set()
        watcher.join(30)
    with database.reads() as session:
        told = session.scalar(select(EventRow.payload).where(EventRow.type == "ScanRequested"))
        assert told["library_path_id"] == path.id
        assert session.scalars(select(MediaFile)).all() == []


def test_expired_files_of_the_recycle_bin_survive_a_clock_that_jumps_ahead(
    database: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduled job deletes nothing if its last run was days ago; started by a user, it deletes."""
    deps = make_deps(database, config, tmp_path, FakeMetadataProvider())
    (root := tmp_path / "films").mkdir()
    file = builders.on_disk(root, "Detour (1945)/Detour (1945).mkv")
    with database.writes() as session:
        path = builders.library_path(session, root)
        item = builders.film(session, "Detour", 1945, library_path_id=path.id)
        file_id = builders.media_file(session, path, "Detour (1945)/Detour (1945).mkv", item=item).id
    library.recycle.remove_file(database, deps.outside, SYSTEM, clock.now(), file_id)
    (kept,) = [one for one in root.rglob("*.mkv") if one != file]

    def ran(ago: timedelta) -> None:
        at = to_ms(clock.now() - ago)
        with deps.board.writes() as connection:
            connection.execute(
                "INSERT INTO runs (id, job, queue, priority, params, state, queued_at, due_at, started_at, finished_at) "
                "VALUES (?, 'library.empty_recycle_bin', 'default', 5, '{}', 'done', ?, ?, ?, ?)",
                (clock.new_id(), at, at, at, at),
            )

    ran(timedelta(days=1))
    assert jobs.empty_recycle_bin(deps, cautious=True) == "0 files deleted"
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=400))
    assert (jobs.empty_recycle_bin(deps, cautious=True) or "").startswith("postponed")
    assert kept.exists()
    # A day later the clock still says so.
    ran(timedelta(days=1))
    assert jobs.empty_recycle_bin(deps, cautious=True) == "1 file deleted"
    assert not kept.exists()


def test_a_user_empties_the_recycle_bin_of_expired_files_whenever_the_job_last_ran(
    database: Database, config: Config, tmp_path: Path
) -> None:
    deps = make_deps(database, config, tmp_path, FakeMetadataProvider())
    assert jobs.empty_recycle_bin(deps) == "0 files deleted"
