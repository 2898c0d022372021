"""Steps interrupted by a crash are completed, whether or not they had already happened on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from mydia import clock
from mydia.config import Config
from mydia.contexts import library, media
from mydia.contexts.library import journal
from mydia.contexts.library.models import JournalEntry, MediaFile, RecycledFile
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.errors import Conflict
from tests import builders
from tests.fakes.outside import fake_outside


@pytest.mark.parametrize("performed", [False, True])
@pytest.mark.parametrize("operation", ["rename", "recycle", "delete"])
def test_an_open_step_is_completed(
    operation: str, performed: bool, database: Database, config: Config, films: LibraryPath
) -> None:
    files = fake_outside().files
    source = builders.on_disk(films.path, "A/a.mkv", 200_000)
    target = Path(films.path) / (".mydia-recycle/b/A/a.mkv" if operation == "recycle" else "A/b.mkv")
    with database.writes() as session:
        item = builders.film(session, library_path_id=films.id)
        row = builders.media_file(session, films, "A/a.mkv", item=item)
    step = journal.Step(
        operation=operation,
        source=source,
        target=None if operation == "delete" else target,
        fingerprint=journal.fingerprint(files, source),
        file_id=row.id,
        media_item_id=item.id,
        size_bytes=1,
    )
    with database.writes() as session:
        (step_id,) = journal.write_steps(session, clock.now(), SYSTEM, "b", journal.Cause.REMOVE, [step])
    if performed:
        with database.reads() as session:
            entry = session.get(JournalEntry, step_id)
            assert entry is not None
        journal.perform(files, entry)
    mended = library.journal.recover_journal(database, fake_outside(), clock.now())
    assert (mended.completed, mended.taken_back, mended.failed) == (1, 0, ())
    assert not source.exists()
    with database.reads() as session:
        rows = [one.relative_path for one in session.scalars(select(MediaFile))]
        bin_ = [one.present_path for one in session.scalars(select(RecycledFile))]
        files_count = media.get_item(session, SYSTEM, item.id).files_count
    assert rows == (["A/b.mkv"] if operation == "rename" else [])
    assert bin_ == ([str(target)] if operation == "recycle" else [])
    assert files_count == 0 or operation == "rename"
    again = library.journal.recover_journal(database, fake_outside(), clock.now())
    assert (again.completed, again.failed) == (0, ())


def test_a_step_whose_target_exists_meanwhile_fails_with_a_message(
    database: Database, config: Config, films: LibraryPath
) -> None:
    files = fake_outside().files
    source = builders.on_disk(films.path, "a.mkv")
    stranger = builders.on_disk(films.path, "b.mkv", fill=b"other")
    step = journal.Step(
        operation="rename", source=source, target=stranger, fingerprint=journal.fingerprint(files, source)
    )
    with database.writes() as session:
        journal.write_steps(session, clock.now(), SYSTEM, "b", journal.Cause.RENAME, [step])
    mended = library.journal.recover_journal(database, fake_outside(), clock.now())
    assert "already exists" in mended.failed[0]
    assert source.exists()
    assert stranger.read_bytes()[:5] == b"other"


def test_a_replacement_file_is_never_deleted(database: Database, config: Config, films: LibraryPath) -> None:
    files = fake_outside().files
    source = builders.on_disk(films.path, "a.mkv", fill=b"old")
    step = journal.Step(operation="delete", source=source, fingerprint=journal.fingerprint(files, source))
    with database.writes() as session:
        journal.write_steps(session, clock.now(), SYSTEM, "b", journal.Cause.REMOVE, [step])
    source.unlink()
    builders.on_disk(films.path, "a.mkv", 5000, fill=b"new")
    library.journal.recover_journal(database, fake_outside(), clock.now())
    assert source.read_bytes()[:3] == b"new"


def test_a_file_that_exists_only_in_the_library_is_not_rolled_back(
    database: Database, config: Config, films: LibraryPath, tmp_path: Path
) -> None:
    source = builders.on_disk(tmp_path / "downloads", "Detour.1945.1080p.BluRay.mkv")
    with database.writes() as session:
        item = builders.film(session, "Detour", 1945, library_path_id=films.id)
    with database.reads() as session:
        plan = library.plan_import(
            session,
            SYSTEM,
            clock.now(),
            library.ImportRequest(item_id=item.id, sources=(library.SourceFile(path=source),)),
        )
    placed = library.place(database, fake_outside(), SYSTEM, clock.now(), plan)
    source.unlink()
    with pytest.raises(Conflict, match="only exists in the library"):
        library.journal.undo_batch(database, fake_outside(), SYSTEM, clock.now(), placed.batch_id)
    with database.reads() as session:
        assert len(library.files.files_of_item(session, SYSTEM, item.id)) == 1


def test_an_import_is_rolled_back_completely(
    database: Database, config: Config, films: LibraryPath, tmp_path: Path
) -> None:
    source = builders.on_disk(tmp_path / "downloads", "Detour.1945.1080p.BluRay.mkv")
    with database.writes() as session:
        item = builders.film(session, "Detour", 1945, library_path_id=films.id)
    with database.reads() as session:
        plan = library.plan_import(
            session,
            SYSTEM,
            clock.now(),
            library.ImportRequest(item_id=item.id, sources=(library.SourceFile(path=source),)),
        )
    placed = library.place(database, fake_outside(), SYSTEM, clock.now(), plan)
    assert library.journal.undo_batch(database, fake_outside(), SYSTEM, clock.now(), placed.batch_id) == []
    assert source.exists()
    assert [path for path in Path(films.path).rglob("*") if path.is_file()] == []
    with database.reads() as session:
        assert library.files.files_of_item(session, SYSTEM, item.id) == []
        assert media.get_item(session, SYSTEM, item.id).files_count == 0
