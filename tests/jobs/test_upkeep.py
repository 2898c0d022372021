"""The maintenance jobs for Mydia's own files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from copy import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mydia import clock, config, events
from mydia.contexts import settings
from mydia.contexts.users import SYSTEM
from mydia.db import Database, maintenance
from mydia.errors import MydiaError
from mydia.jobs import upkeep
from mydia.jobs.broker import REGISTRY, Deps
from mydia.taskboard import TaskBoard
from tests.jobs.conftest import NOBODY, MakeBench, a_job


@pytest.fixture
def deps(database: Database, board: TaskBoard, tmp_path: Path) -> Iterator[Deps]:
    loaded = config.load({"DATA_DIR": str(tmp_path), "BACKUPS_KEEP": "2"})
    settings.bind(database, loaded)
    return Deps(database=database, outside=NOBODY, config=loaded, enqueue=NOBODY, board=board)


def test_every_upkeep_job_is_registered() -> None:
    named = {name for name in REGISTRY if name.startswith("upkeep.")}
    assert named == {
        "upkeep.analyze",
        "upkeep.back_up",
        "upkeep.check_integrity",
        "upkeep.checkpoint",
        "upkeep.prune_events",
        "upkeep.prune_runs",
        "upkeep.vacuum",
    }


def test_upkeep_runs_on_a_new_installation(deps: Deps) -> None:
    said = {name: job(deps) for name, job in REGISTRY.items() if name.startswith("upkeep.")}
    assert said["upkeep.check_integrity"] == "no damage found"
    assert said["upkeep.prune_runs"] == "0 runs"
    assert str(said["upkeep.back_up"]).startswith("mydia-")
    assert len(maintenance.list_backups(deps.config.backups_directory)) == 1


def test_backups_can_be_disabled(database: Database, board: TaskBoard, tmp_path: Path) -> None:
    loaded = config.load({"DATA_DIR": str(tmp_path), "SKIP_BACKUPS": "true"})
    assert (
        upkeep.back_up(Deps(database=database, outside=NOBODY, config=loaded, enqueue=NOBODY, board=board))
        == "disabled"
    )
    assert not loaded.backups_directory.exists()


def test_old_activity_is_deleted_but_audit_and_unfinished_events_stay(deps: Deps) -> None:
    long_ago = clock.now() - timedelta(days=200)
    with deps.database.writes() as session:
        events.emit(session, SYSTEM, events.ScanFinished(**_fields(events.ScanFinished)), at=long_ago)
        events.emit(session, SYSTEM, events.SettingsChanged("audit", {}), at=long_ago)
        session.execute(events.EventRow.__table__.update().values(dispatched_at=long_ago))  # type: ignore[attr-defined]
        events.emit(session, SYSTEM, events.ScanFinished(**_fields(events.ScanFinished)), at=long_ago)
        events.emit(session, SYSTEM, events.ScanFinished(**_fields(events.ScanFinished)))
    assert upkeep.prune_events(deps) == "1 events"
    with deps.database.reads() as session:
        assert [row.type for row in events.feed(session)] == ["ScanFinished", "ScanFinished", "SettingsChanged"]


@pytest.mark.parametrize(
    ("activity_days", "audit_days", "oldest"),
    [(90, 730, "729"), (90, 30, "89"), (365, 180, "199")],
)
def test_the_audit_is_kept_as_long_as_its_own_setting_says_and_never_shorter_than_other_events(
    deps: Deps, activity_days: int, audit_days: int, oldest: str
) -> None:
    days = (0, 89, 199, 729, 731)
    with deps.database.writes() as session:
        changes = {"events.retention_days": activity_days, "events.audit_retention_days": audit_days}
        settings.change_values(session, SYSTEM, clock.now(), changes)
        session.execute(events.EventRow.__table__.delete())  # type: ignore[attr-defined]
        for ago in days:
            at = clock.now() - timedelta(days=ago)
            events.emit(session, SYSTEM, events.SettingsChanged(str(ago), {}), at=at)
        session.execute(events.EventRow.__table__.update().values(dispatched_at=clock.now()))  # type: ignore[attr-defined]
    upkeep.prune_events(deps)
    with deps.database.reads() as session:
        kept = [row.payload["key"] for row in events.feed(session)]
    assert kept[0] == oldest


def _fields(kind: type) -> dict[str, object]:

    return dict.fromkeys(kind.__struct_fields__, "x")


def test_a_damaged_database_is_an_error_that_says_what_to_do(deps: Deps) -> None:
    path = deps.database.path
    assert path is not None
    with deps.database.writes() as session:
        for n in range(3000):
            events.emit(session, SYSTEM, events.SettingsChanged(f"{n} {'x' * 300}", {}))
    maintenance.checkpoint(path)
    deps.database.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 65536)
    with pytest.raises(MydiaError, match="restore"):
        upkeep.check_integrity(deps)


def test_compaction_is_postponed_while_other_jobs_run(deps: Deps, bench: MakeBench) -> None:
    began, may_end = threading.Event(), threading.Event()

    def scan(_deps: Deps) -> None:
        began.set()
        may_end.wait(20)

    one = bench(a_job("library.scan", scan)).start()
    asked: list[tuple[str, float]] = []

    def enqueue(job: str, _params: object = None, *, delay_s: float = 0.0, **_: object) -> str:
        asked.append((job, delay_s))
        return "later"

    watching = replace(deps, board=one.board, enqueue=enqueue)  # type: ignore[arg-type]  # it only notes
    run_id = one.enqueue("library.scan")
    assert began.wait(20)
    assert upkeep.vacuum(watching, when_idle=True) == "postponed: other jobs are running"
    assert asked == [("upkeep.vacuum", 1800.0)]
    assert "postponed" not in str(upkeep.vacuum(watching)), "started by a user, it waits for nothing"
    may_end.set()
    one.ended(run_id)
    assert "postponed" not in str(upkeep.vacuum(watching, when_idle=True))
