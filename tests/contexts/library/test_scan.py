"""A scan detects new, changed, moved and missing files, and refuses a missing disk."""

from __future__ import annotations

import os
import shutil
from copy import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from mydia import clock
from mydia.adapters.filesystem import Files, WalkProblem
from mydia.adapters.outside import Outside
from mydia.config import Config
from mydia.contexts import library
from mydia.contexts.library.models import JournalEntry, MediaFile, Scan, Sidecar
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.errors import Forbidden
from mydia.events import EventRow
from tests import builders
from tests.fakes.outside import fake_outside


def scan(
    database: Database, config: Config, path: LibraryPath, *, outside: Outside | None = None, **choices: object
) -> Scan:
    scan_id = library.scanning.run_scan(database, outside or fake_outside(), clock.now, path.id, **choices)  # type: ignore[arg-type]
    with database.writes() as session:
        row = library.scanning.get_scan(session, SYSTEM, scan_id)
    if row.state == "running":
        library.scanning.finish_scan(database, SYSTEM, clock.now(), scan_id, {})
    with database.reads() as session:
        return library.scanning.get_scan(session, SYSTEM, scan_id)


def rows(database: Database) -> dict[str, MediaFile]:
    with database.reads() as session:
        return {row.relative_path: row for row in session.scalars(select(MediaFile))}


def test_new_videos_are_stored_with_their_kind(database: Database, config: Config, films: LibraryPath) -> None:
    for name in (
        "Detour (1945)/Detour (1945).mkv",
        "Detour (1945)/Featurettes/Restoring.mkv",
        "Detour (1945)/detour-sample.mkv",
        "Detour (1945)/Detour (1945)-trailer.mp4",
        "Detour (1945)/Detour (1945).en.forced.srt",
        "Detour (1945)/movie.nfo",
        "Detour (1945)/readme.txt",
        "@eaDir/Detour.mkv",
        ".mydia-recycle/Old.mkv",
        "lost+found/x.mkv",
        "private/.nomedia",
        "private/inner/Home.mkv",
    ):
        builders.on_disk(films.path, name)
    done = scan(database, config, films)
    assert {path: row.kind for path, row in rows(database).items()} == {
        "Detour (1945)/Detour (1945).mkv": "video",
        "Detour (1945)/Featurettes/Restoring.mkv": "extra",
        "Detour (1945)/detour-sample.mkv": "sample",
        "Detour (1945)/Detour (1945)-trailer.mp4": "extra",
    }
    assert done.counts["new"] == 4
    with database.reads() as session:
        beside = {row.relative_path.rpartition("/")[2]: row for row in session.scalars(select(Sidecar))}
    subtitle = beside["Detour (1945).en.forced.srt"]
    assert (subtitle.kind, subtitle.language, subtitle.flags) == ("subtitle", "en", ["forced"])
    assert subtitle.file_id == rows(database)["Detour (1945)/Detour (1945).mkv"].id
    assert beside["movie.nfo"].kind == "nfo"


def test_a_second_scan_writes_nothing_about_files(database: Database, config: Config, films: LibraryPath) -> None:
    for number in range(20):
        builders.on_disk(films.path, f"Film {number} (2001)/Film {number} (2001).mkv")
    scan(database, config, films)
    before = {path: row.verified_at for path, row in rows(database).items()}
    done = scan(database, config, films)
    assert {path: row.verified_at for path, row in rows(database).items()} == before
    assert {name: done.counts[name] for name in ("seen", "new", "changed", "moved", "missing")} == {
        "seen": 20,
        "new": 0,
        "changed": 0,
        "moved": 0,
        "missing": 0,
    }


def test_a_changed_file_is_analysed_again(database: Database, config: Config, films: LibraryPath) -> None:
    builders.on_disk(films.path, "Sintel.mkv")
    scan(database, config, films)
    library.analyse_files(database, fake_outside(), clock.now)
    assert rows(database)["Sintel.mkv"].analysed_at is not None
    builders.on_disk(films.path, "Sintel.mkv", 9000)
    assert scan(database, config, films).counts["changed"] == 1
    row = rows(database)["Sintel.mkv"]
    assert (row.size_bytes, row.analysed_at) == (9000, None)


def test_a_renamed_file_keeps_its_row(database: Database, config: Config, films: LibraryPath) -> None:
    old = builders.on_disk(films.path, "sintel.mkv")
    scan(database, config, films)
    file_id = rows(database)["sintel.mkv"].id
    (Path(films.path) / "Sintel (2010)").mkdir()
    old.rename(Path(films.path) / "Sintel (2010)/Sintel (2010).mkv")
    done = scan(database, config, films)
    assert {path: row.id for path, row in rows(database).items()} == {"Sintel (2010)/Sintel (2010).mkv": file_id}
    assert (done.counts["moved"], done.counts["new"], done.counts["missing"]) == (1, 0, 0)


def test_a_file_moved_by_copying_is_recognised_by_its_hash(
    database: Database, config: Config, films: LibraryPath
) -> None:
    old = builders.on_disk(films.path, "sintel.mkv", 300_000)
    builders.on_disk(films.path, "other.mkv", 200_000)
    scan(database, config, films)
    library.analyse_files(database, fake_outside(), clock.now)
    file_id = rows(database)["sintel.mkv"].id
    shutil.copyfile(old, Path(films.path) / "Sintel (2010).mkv")
    old.unlink()
    scan(database, config, films)
    assert rows(database)["Sintel (2010).mkv"].id == file_id
    assert "sintel.mkv" not in rows(database)


def test_a_missing_file_is_marked_until_it_reappears(database: Database, config: Config, films: LibraryPath) -> None:
    for number in range(12):
        builders.on_disk(films.path, f"Film {number}.mkv")
    scan(database, config, films)
    (Path(films.path) / "Film 3.mkv").unlink()
    assert scan(database, config, films).counts["missing"] == 1
    assert rows(database)["Film 3.mkv"].missing_since is not None
    with database.reads() as session:
        assert session.scalar(select(EventRow.payload).where(EventRow.type == "FilesMissing"))["files"] == 1
    builders.on_disk(films.path, "Film 3.mkv")
    scan(database, config, films)
    assert rows(database)["Film 3.mkv"].missing_since is None
    assert len(rows(database)) == 12


@pytest.mark.parametrize("harm", ["remove", "empty", "mass"])
def test_a_missing_disk_changes_nothing(harm: str, database: Database, config: Config, films: LibraryPath) -> None:
    for number in range(10):
        builders.on_disk(films.path, f"Film {number}.mkv")
    scan(database, config, films)
    root = Path(films.path)
    if harm == "remove":
        shutil.rmtree(root)
    else:
        for number in range(10 if harm == "empty" else 5):
            (root / f"Film {number}.mkv").unlink()
    if harm == "mass":
        builders.on_disk(films.path, "Brand new.mkv")
    done = scan(database, config, films)
    assert done.state == "refused"
    assert "Nothing was changed" in (done.reason or "")
    assert len(rows(database)) == 10
    assert all(row.missing_since is None for row in rows(database).values())
    with database.reads() as session:
        told = session.get(LibraryPath, films.id)
        assert told is not None
        assert (told.last_scan_state, told.last_scan_reason) == ("refused", done.reason)


def test_a_user_can_confirm_that_files_are_gone(database: Database, config: Config, films: LibraryPath) -> None:
    for number in range(10):
        builders.on_disk(films.path, f"Film {number}.mkv")
    scan(database, config, films)
    for number in range(8):
        (Path(films.path) / f"Film {number}.mkv").unlink()
    assert scan(database, config, films).state == "refused"
    assert scan(database, config, films, accept_missing=True).counts["missing"] == 8


class _Locked(Files):
    """A disk with one unreadable folder; simulated, because tests may run as root, which ignores file modes."""

    def walk(self, root, *, on_problem=None, enter=None):
        on_problem(WalkProblem("Locked", "Mydia may not read it"))
        yield from super().walk(root, on_problem=on_problem, enter=lambda path: path != "Locked" and enter(path))


def test_files_in_an_unreadable_folder_are_not_missing(database: Database, config: Config, films: LibraryPath) -> None:
    builders.on_disk(films.path, "Locked/Film.mkv")
    builders.on_disk(films.path, "Open.mkv")
    scan(database, config, films)
    done = scan(database, config, films, outside=replace(fake_outside(), files=_Locked()))
    assert done.counts["unreadable"] == 1
    assert "Locked" in done.problems[0]
    assert rows(database)["Locked/Film.mkv"].missing_since is None


def test_link_loops_and_odd_names_do_not_break_a_scan(database: Database, config: Config, films: LibraryPath) -> None:
    builders.on_disk(films.path, "Film/Film.mkv")
    (Path(films.path) / "Film/again").symlink_to(Path(films.path))
    odd = os.fsencode(films.path) + b"/caf\xe9 (1999).mkv"
    with open(odd, "wb") as file:
        file.write(b"x" * 10)
    scan(database, config, films)
    found = rows(database)
    assert len(found) == 2
    (text,) = [path for path in found if path.startswith("caf")]
    text.encode("utf-8")
    assert scan(database, config, films).counts["new"] == 0


def test_one_folder_can_be_scanned_alone(database: Database, config: Config, films: LibraryPath) -> None:
    builders.on_disk(films.path, "A/A.mkv")
    builders.on_disk(films.path, "B/B.mkv")
    scan(database, config, films, subfolder="A")
    assert set(rows(database)) == {"A/A.mkv"}
    scan(database, config, films)
    (Path(films.path) / "C").mkdir()
    (Path(films.path) / "B/B.mkv").rename(Path(films.path) / "C/B.mkv")
    file_id = rows(database)["B/B.mkv"].id
    scan(database, config, films, subfolder="C")
    assert rows(database)["C/B.mkv"].id == file_id


def test_a_file_that_an_import_is_placing_is_left_to_the_import(
    database: Database, config: Config, films: LibraryPath
) -> None:
    builders.on_disk(films.path, "New/New.mkv")
    with database.writes() as session:
        session.add(
            JournalEntry(
                batch_id="b", step=0, operation="link", target=f"{films.path}/New/New.mkv", cause="import x", actor="x",
                at=clock.now(),
            )
        )  # fmt: skip
    scan(database, config, films)
    assert rows(database) == {}


def test_a_cancelled_scan_keeps_its_results_and_the_next_one_continues(
    database: Database, config: Config, films: LibraryPath
) -> None:
    for number in range(4):
        builders.on_disk(films.path, f"Folder {number}/Film {number}.mkv")

    class Stop:
        asked = 0

        def progress(self, done: int, total: int | None = None, note: str | None = None) -> None: ...

        def cancelled(self) -> bool:
            self.asked += 1
            return self.asked > 2

    assert scan(database, config, films, run=Stop()).state == "cancelled"
    assert scan(database, config, films).state == "done"
    assert len(rows(database)) == 4


def test_a_killed_scan_is_continued_under_its_own_row(database: Database, config: Config, films: LibraryPath) -> None:
    builders.on_disk(films.path, "Film.mkv")
    first = library.scanning.run_scan(database, fake_outside(), clock.now, films.id)
    again = library.scanning.run_scan(database, fake_outside(), clock.now, films.id)
    assert first == again


def test_requesting_a_scan_requires_manage_media(database: Database, films: LibraryPath, guest: object) -> None:
    with database.writes() as session, pytest.raises(Forbidden):
        library.scanning.request_scan(session, guest, films.id)  # type: ignore[arg-type]
