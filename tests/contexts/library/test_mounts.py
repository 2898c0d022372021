"""A library folder whose disk is not mounted is never written to."""

from __future__ import annotations

import shutil
from copy import replace
from pathlib import Path

import pytest

from mydia import clock
from mydia.adapters.filesystem import Files, MountState
from mydia.contexts import library, media
from mydia.contexts.library import mounts
from mydia.contexts.library.models import JournalEntry, MediaFile, RecycledFile
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from tests import builders
from tests.fakes.outside import fake_outside

NAME = "Detour (1945)/Detour (1945).mkv"


class Mounted(Files):
    """A fake disk on which some folders are mount points."""

    def __init__(self, root: str, *, mounted: bool = True) -> None:
        super().__init__()
        self._root, self._mounted = Path(root), mounted

    def mount_state(self, path: Path) -> MountState:
        state = super().mount_state(path)
        return replace(state, is_mount=self._mounted) if path == self._root else state


@pytest.fixture
def detour(database: Database, films: LibraryPath) -> media.MediaItem:
    """A film with its file."""
    builders.on_disk(films.path, NAME, 200_000)
    with database.writes() as session:
        item = builders.film(session, "Detour", 1945, tmdb_id=101, library_path_id=films.id, folder="Detour (1945)")
        builders.media_file(session, films, NAME, item=item)
        other = builders.film(session, "Suspense", 1946, tmdb_id=102, library_path_id=films.id)
        builders.media_file(session, films, "Suspense (1946)/Suspense (1946).mkv", item=other)
    return item


def unmount(films: LibraryPath) -> None:
    """Unmount the disk, leaving a mount point in which another program has written a file."""
    shutil.rmtree(films.path)
    (Path(films.path) / "lost+found").mkdir(parents=True)


def test_a_finished_download_is_not_placed_on_the_disk_below(
    database: Database, films: LibraryPath, detour: media.MediaItem, tmp_path: Path
) -> None:
    source = builders.on_disk(tmp_path / "downloads", "Detour.1945.1080p.BluRay-GRP.mkv", 200_000)
    request = library.ImportRequest(item_id=detour.id, sources=(library.SourceFile(path=source),))
    with database.reads() as session:
        plan = library.plan_import(session, SYSTEM, clock.now(), request)
    unmount(films)
    with pytest.raises(mounts.NotMounted) as caught:
        library.place(database, fake_outside(), SYSTEM, clock.now(), plan)
    assert caught.value.absence is mounts.Absence.NO_KNOWN_FILE
    assert [path.name for path in Path(films.path).iterdir()] == ["lost+found"]
    assert source.exists()


def test_a_new_library_that_is_no_longer_a_mount_point_is_refused(
    database: Database, films: LibraryPath, tmp_path: Path
) -> None:
    library.scanning.run_scan(database, replace(fake_outside(), files=Mounted(films.path)), clock.now, films.id)
    with database.writes() as session:
        item = builders.film(session, "Detour", 1945, tmdb_id=103, library_path_id=films.id)
    source = builders.on_disk(tmp_path / "downloads", "Detour.1945.mkv", 200_000)
    request = library.ImportRequest(item_id=item.id, sources=(library.SourceFile(path=source),))
    with database.reads() as session:
        plan = library.plan_import(session, SYSTEM, clock.now(), request)
    gone = replace(fake_outside(), files=Mounted(films.path, mounted=False))
    with pytest.raises(mounts.NotMounted) as caught:
        library.place(database, gone, SYSTEM, clock.now(), plan)
    assert caught.value.absence is mounts.Absence.NOT_MOUNTED
    scan_id = library.scanning.run_scan(database, gone, clock.now, films.id)
    with database.reads() as session:
        assert library.scanning.get_scan(session, SYSTEM, scan_id).reason_code == "not_mounted"
    # A user confirms that the folder has moved to another disk.
    scan_id = library.scanning.run_scan(database, gone, clock.now, films.id, accept_missing=True)
    library.place(database, gone, SYSTEM, clock.now(), plan)
    with database.reads() as session:
        assert library.scanning.get_scan(session, SYSTEM, scan_id).state == "running"


@pytest.mark.parametrize("act", ["remove", "rename", "restore", "empty the bin"])
def test_nothing_is_deleted_renamed_or_restored_while_the_disk_is_unmounted(
    act: str, database: Database, films: LibraryPath, detour: media.MediaItem
) -> None:
    builders.on_disk(films.path, "Suspense (1946)/Suspense (1946).mkv", 200_000)
    with database.reads() as session:
        (file,) = library.files.files_of_item(session, SYSTEM, detour.id)
    if act in ("restore", "empty the bin"):
        library.recycle.remove_file(database, fake_outside(), SYSTEM, clock.now(), file.id)
    away = Path(films.path).with_name("away")
    Path(films.path).rename(away)
    (Path(films.path) / "lost+found").mkdir(parents=True)
    with database.writes() as session:
        builders.film(session, "Third", 1947, tmdb_id=104, library_path_id=films.id)
        other = builders.film(session, "Fourth", 1948, tmdb_id=105, library_path_id=films.id)
        builders.media_file(session, films, "Fourth (1948)/Fourth (1948).mkv", item=other)
    outside, now = fake_outside(), clock.now()
    if act == "remove":
        with pytest.raises(mounts.NotMounted):
            library.recycle.remove_item(database, outside, SYSTEM, now, detour.id, files="recycle")
    elif act == "rename":
        with pytest.raises(mounts.NotMounted):
            library.renaming.rename(database, outside, SYSTEM, now, [detour.id])
    else:
        with database.reads() as session:
            (recycled,) = session.query(RecycledFile).all()
        if act == "restore":
            with pytest.raises(mounts.NotMounted):
                library.recycle.restore_file(database, outside, SYSTEM, now, recycled.id)
        else:
            assert library.recycle.empty_recycle_bin(database, outside, now, recycled_ids=[recycled.id]) == 0
        with database.reads() as session:
            assert session.get(RecycledFile, recycled.id) is not None
    shutil.rmtree(films.path)
    away.rename(films.path)
    with database.reads() as session:
        assert session.get(media.MediaItem, detour.id) is not None
        assert session.query(JournalEntry).where(JournalEntry.state == "failed").count() == 0


def test_an_interrupted_rename_waits_until_the_disk_is_back(
    database: Database, films: LibraryPath, detour: media.MediaItem
) -> None:
    files = fake_outside().files
    builders.on_disk(films.path, "Suspense (1946)/Suspense (1946).mkv", 200_000)
    source, target = Path(films.path) / NAME, Path(films.path) / "Detour (1945)/renamed.mkv"
    proof = library.journal.fingerprint(files, source)
    with database.writes() as session:
        (row,) = session.query(MediaFile).where(MediaFile.media_item_id == detour.id)
        step = library.journal.Step(
            operation="rename", source=source, target=target, fingerprint=proof,
            file_id=row.id,
        )  # fmt: skip
        library.journal.write_steps(session, clock.now(), SYSTEM, "b", library.journal.Cause.RENAME, [step])
    away = Path(films.path).with_name("away")
    Path(films.path).rename(away)
    Path(films.path).mkdir()
    assert library.journal.recover_journal(database, fake_outside(), clock.now()).postponed == 1
    Path(films.path).rmdir()
    away.rename(films.path)
    assert library.journal.recover_journal(database, fake_outside(), clock.now()).completed == 1
    assert target.exists()
