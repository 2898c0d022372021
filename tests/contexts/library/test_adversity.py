"""Disks that are full, missing, read-only or separate, files that change, and a process killed during a copy."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from mydia import clock
from mydia.adapters.errors import Refused, Unreachable
from mydia.adapters.filesystem import Files, MountState, NoSpace
from mydia.config import Config
from mydia.contexts import library, media
from mydia.contexts.library.models import JournalEntry, MediaFile, Scan
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.events import EventRow
from tests import builders
from tests.fakes.outside import fake_outside

RELEASE = "Detour.1945.1080p.BluRay.x264-GRP"
MEMORY = Path("/dev/shm")
NOBODY = 65534
MIB = 1024**2

elsewhere_only = pytest.mark.skipif(
    not MEMORY.is_dir() or MEMORY.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev,
    reason="there is no second file system",
)


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder on a different file system."""
    folder = Path(tempfile.mkdtemp(dir=MEMORY))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def detour(database: Database, films: LibraryPath) -> media.MediaItem:
    """A film that is wanted."""
    with database.writes() as session:
        return builders.film(session, "Detour", 1945, tmdb_id=20367, library_path_id=films.id)


def import_file(database: Database, config: Config, item: media.MediaItem, source: Path, mode: str) -> library.Placed:
    request = library.ImportRequest(
        item_id=item.id, sources=(library.SourceFile(path=source),), download_id="d1", mode=mode
    )
    with database.reads() as session:
        plan = library.plan_import(session, SYSTEM, clock.now(), request)
    return library.place(database, fake_outside(), SYSTEM, clock.now(), plan)


def told_methods(database: Database) -> list[str]:
    with database.reads() as session:
        told = session.scalars(select(EventRow.payload).where(EventRow.type == "FileImported"))
        return [payload["method"] for payload in told]


def tree(root: Path | str) -> list[str]:
    return sorted(path.name for path in Path(root).rglob("*") if path.is_file())


# Disks that have changed


def scan(database: Database, config: Config, path: LibraryPath, files: Files | None = None) -> Scan:
    outside = fake_outside() if files is None else replace(fake_outside(), files=files)
    scan_id = library.scanning.run_scan(database, outside, clock.now, path.id)
    with database.reads() as session:
        row = library.scanning.get_scan(session, SYSTEM, scan_id)
    if row.state == "running":
        library.scanning.finish_scan(database, SYSTEM, clock.now(), scan_id, {})
    with database.reads() as session:
        return library.scanning.get_scan(session, SYSTEM, scan_id)


@elsewhere_only
def test_an_unmounted_disk_is_detected_although_its_folder_is_not_empty(
    database: Database, config: Config, tmp_path: Path, elsewhere: Path
) -> None:
    mount_point = tmp_path / "disk"
    mount_point.symlink_to(elsewhere)
    with database.writes() as session:
        path = builders.library_path(session, mount_point)
    for number in range(3):
        builders.on_disk(mount_point, f"Film {number}.mkv")
    assert scan(database, config, path).counts["new"] == 3
    # The content below the mount point becomes visible when the disk is unmounted.
    mount_point.unlink()
    builders.on_disk(mount_point, "Written while it was not mounted.mkv")
    refused = scan(database, config, path)
    assert refused.state == "refused"
    assert "is on another disk than at the last scan, and 3 of 3 files are missing" in (refused.reason or "")
    with database.reads() as session:
        rows = session.scalars(select(MediaFile)).all()
        assert len(rows) == 3
        assert all(row.missing_since is None for row in rows)


class _AsNobody(Files):
    """A disk without any permissions; simulated, because root ignores file modes."""

    def mount_state(self, path: Path) -> MountState:
        with _nobody():
            return super().mount_state(path)


@contextmanager
def _nobody() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("locked", ["the folder", "the one above it"])
def test_an_unreadable_library_folder_changes_nothing_and_names_the_missing_permission(
    locked: str, database: Database, config: Config
) -> None:
    above = Path(tempfile.mkdtemp())
    above.chmod(0o755)
    root = above / "films"
    try:
        builders.on_disk(root, "Detour.mkv")
        with database.writes() as session:
            path = builders.library_path(session, root)
        scan(database, config, path)
        closed = root if locked == "the folder" else above
        closed.chmod(0o000)
        refused = scan(database, config, path, _AsNobody())
        closed.chmod(0o755)
    finally:
        shutil.rmtree(above)
    assert refused.state == "refused"
    assert refused.reason == (
        f"{root} cannot be read. Give Mydia's user access to it, then scan again. Nothing was changed."
    )
    with database.reads() as session:
        assert [row.missing_since for row in session.scalars(select(MediaFile))] == [None]


# Placing files


@elsewhere_only
def test_files_are_copied_between_disks_and_the_history_says_so(
    database: Database, config: Config, detour: media.MediaItem, elsewhere: Path
) -> None:
    source = builders.on_disk(elsewhere, f"{RELEASE}.mkv", 200_000)
    placed = import_file(database, config, detour, source, "hardlink")
    assert placed.method == "copy"
    assert any("are not possible" in note for note in placed.notes)
    assert told_methods(database) == ["copy"]
    assert source.exists()


@pytest.mark.parametrize("code", [errno.EPERM, errno.EMLINK, errno.ENOTSUP])
def test_a_file_system_that_refuses_a_link_gets_a_copy_and_the_history_says_so(
    code: int,
    database: Database,
    config: Config,
    films: LibraryPath,
    detour: media.MediaItem,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    source = builders.on_disk(tmp_path / "downloads", f"{RELEASE}.mkv", 200_000)
    monkeypatch.setattr(os, "link", refuse)
    placed = import_file(database, config, detour, source, "hardlink")
    assert (placed.method, told_methods(database)) == ("copy", ["copy"])
    assert any("hard link" in note for note in placed.notes)
    (target,) = Path(films.path).rglob("*.mkv")
    assert target.read_bytes() == source.read_bytes()
    assert not target.samefile(source)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, if this process may mount one."""
    point = tmp_path / "small"
    point.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(point)]
    if shutil.which("mount") is None or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this process may not mount a small disk")
    yield point
    subprocess.run(["umount", "--lazy", str(point)], check=True)


def test_a_disk_that_fills_up_during_a_copy_rolls_back(
    database: Database, config: Config, tmp_path: Path, small_disk: Path
) -> None:
    with database.writes() as session:
        path = builders.library_path(session, small_disk)
        item = builders.film(session, "Detour", 1945, library_path_id=path.id)
    source = builders.on_disk(tmp_path / "downloads", f"{RELEASE}.mkv", 2 * MIB)
    with pytest.raises(NoSpace, match="no space left"):
        import_file(database, config, item, source, "copy")
    assert tree(small_disk) == []
    assert source.stat().st_size == 2 * MIB
    with database.reads() as session:
        assert session.scalars(select(MediaFile)).all() == []
        assert {row.state for row in session.scalars(select(JournalEntry))} <= {"undone"}


def test_a_file_too_large_for_its_file_system_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    source = builders.on_disk(tmp_path, "large.mkv", 2 * MIB)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
    try:
        with pytest.raises(Refused, match="larger than its file system allows"):
            Files().copy(source, tmp_path / "target" / "large.mkv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert tree(tmp_path / "target") == []


@pytest.mark.parametrize("size", [20 * MIB, 9 * MIB])
def test_a_file_that_changes_while_it_is_copied_is_not_complete(size: int, tmp_path: Path) -> None:
    source = builders.on_disk(tmp_path, "still-written.mkv", 9 * MIB)
    changed: list[int] = []

    def change(done: int) -> None:
        if not changed:
            changed.append(done)
            with source.open("r+b") as file:
                file.write(b"other content")
                file.truncate(size)
            os.utime(source, ns=(1, 1))

    with pytest.raises(Unreachable, match="changed while it was copied; try again"):
        Files().copy(source, tmp_path / "target" / "film.mkv", on_progress=change)
    assert changed
    assert tree(tmp_path / "target") == []


_DYING = """
import os, signal, sys
from copy import replace
from pathlib import Path
from mydia import clock
from mydia.adapters.filesystem import Files
from mydia.config import load
from mydia.contexts import library, settings
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from tests.fakes.outside import fake_outside

class Cut(Files):
    def copy(self, source, target, *, verify=False, on_progress=None):
        super().copy(source, target, verify=verify, on_progress=lambda done: os.kill(os.getpid(), signal.SIGKILL))

url, data, item, source, mode = sys.argv[1:]
database = Database(url)
config = load({"DATA_DIR": data})
settings.bind(database, config)
request = library.ImportRequest(item_id=item, sources=(library.SourceFile(path=Path(source)),), download_id="d1", mode=mode)
with database.reads() as session:
    plan = library.plan_import(session, SYSTEM, clock.now(), request)
library.place(database, replace(fake_outside(), files=Cut()), SYSTEM, clock.now(), plan)
"""


@pytest.mark.parametrize(
    "mode", ["copy", pytest.param("move", marks=elsewhere_only), pytest.param("hardlink", marks=elsewhere_only)]
)
def test_a_killed_copy_leaves_no_partial_file_and_is_repeated(
    mode: str,
    database: Database,
    config: Config,
    films: LibraryPath,
    detour: media.MediaItem,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    downloads = tmp_path / "downloads" if mode == "copy" else request.getfixturevalue("elsewhere")
    source = builders.on_disk(downloads, f"{RELEASE}.mkv", 9 * MIB)
    here = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", _DYING, database.url, str(config.data_dir), detour.id, str(source), mode],
        check=False, capture_output=True, text=True, cwd=here, env={**os.environ, "PYTHONPATH": str(here)},
    )  # fmt: skip
    assert done.returncode == -9, done.stderr
    (half,) = tree(films.path)
    assert half.endswith(".part")
    library.journal.recover_journal(database, fake_outside(), clock.now())
    assert tree(films.path) == []
    assert source.stat().st_size == 9 * MIB
    placed = import_file(database, config, detour, source, mode)
    (whole,) = Path(films.path).rglob("*.mkv")
    assert whole.stat().st_size == 9 * MIB
    assert len(placed.file_ids) == len(told_methods(database)) == 1
    assert source.exists() == (mode != "move")
