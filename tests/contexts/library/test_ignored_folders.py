"""A folder without titles is ignored permanently."""

from __future__ import annotations

from pathlib import Path

import pytest

from mydia import clock
from mydia.contexts import library
from mydia.contexts.library.models import InboxEntry, MediaFile
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.errors import Conflict, Invalid
from mydia.events import feed
from tests import builders
from tests.fakes.outside import FakeMetadataProvider, fake_outside


def scan(database: Database, path: LibraryPath) -> None:
    outside = fake_outside(metadata=FakeMetadataProvider())
    library.scanning.run_scan(database, outside, clock.now, path.id)
    library.match_new_files(database, outside, clock.now, path.id)


def states(database: Database) -> dict[str, str]:
    with database.reads() as session:
        return {row.relative_path.rpartition("/")[2]: row.match_state for row in session.query(MediaFile)}


@pytest.fixture
def junk(database: Database, films: LibraryPath) -> list[InboxEntry]:
    """Three waiting clips in a folder and its subfolder, and one waiting file elsewhere."""
    for name in ("clips/zzqq one.mkv", "clips/zzqq two.mkv", "clips/old/zzqq three.mkv", "Clips/zzqq four.mkv"):
        builders.on_disk(Path(films.path), name)
    scan(database, films)
    with database.reads() as session:
        return list(library.inbox.list_inbox(session, SYSTEM).entries)


def test_a_folder_is_ignored_recursively_in_later_scans(
    database: Database, films: LibraryPath, junk: list[InboxEntry]
) -> None:
    assert len(junk) == 4
    with database.writes() as session:
        made = library.ignored_folders.ignore_folder(session, SYSTEM, clock.now(), films.id, "clips")
    assert (made.path, made.files) == (f"{films.path}/clips", 3)
    builders.on_disk(Path(films.path), "clips/zzqq five.mkv")
    scan(database, films)
    assert states(database) == {
        "zzqq one.mkv": "ignored",
        "zzqq two.mkv": "ignored",
        "zzqq three.mkv": "ignored",
        "zzqq four.mkv": "waiting",
        "zzqq five.mkv": "ignored",
    }
    with database.reads() as session:
        waiting = library.inbox.list_inbox(session, SYSTEM).entries
        assert [entry.folder for entry in waiting] == ["Clips"]
        assert library.ignored_folders.list_ignored_folders(session, SYSTEM)[0].files == 4


def test_files_wait_again_when_their_folder_is_no_longer_ignored(
    database: Database, films: LibraryPath, junk: list[InboxEntry]
) -> None:
    by_hand = next(entry for entry in junk if entry.title == "zzqq three")
    with database.writes() as session:
        library.inbox.ignore(session, SYSTEM, clock.now(), [by_hand.id])
        made = library.ignored_folders.ignore_folder(session, SYSTEM, clock.now(), films.id, "clips")
    with database.writes() as session:
        library.ignored_folders.stop_ignoring(session, SYSTEM, clock.now(), made.id)
    with database.reads() as session:
        assert library.ignored_folders.list_ignored_folders(session, SYSTEM) == []
        assert [event.payload["subfolder"] for event in feed(session, types=["ScanRequested"])] == ["clips"]
    scan(database, films)
    # A file that was ignored separately stays ignored.
    assert states(database) == {
        "zzqq one.mkv": "waiting",
        "zzqq two.mkv": "waiting",
        "zzqq three.mkv": "ignored",
        "zzqq four.mkv": "waiting",
    }


def test_a_title_keeps_its_files_in_an_ignored_folder(database: Database, films: LibraryPath) -> None:
    with database.writes() as session:
        item = builders.film(session, library_path_id=films.id)
        builders.media_file(session, films, "clips/film.mkv", item=item)
        library.ignored_folders.ignore_folder(session, SYSTEM, clock.now(), films.id, "clips")
    assert states(database) == {"film.mkv": "matched"}


def test_the_parent_folders_of_an_entry_are_offered_closest_first(database: Database, junk: list[InboxEntry]) -> None:
    deep = next(entry for entry in junk if entry.title == "zzqq three")
    with database.reads() as session:
        assert library.ignored_folders.folders_above(session, SYSTEM, deep.id) == [("clips/old", 1), ("clips", 3)]


@pytest.mark.parametrize("folder", ["", "/", "../elsewhere"])
def test_only_a_folder_inside_the_library_folder_can_be_ignored(
    database: Database, films: LibraryPath, folder: str
) -> None:
    with database.writes() as session, pytest.raises(Invalid, match="inside the library folder"):
        library.ignored_folders.ignore_folder(session, SYSTEM, clock.now(), films.id, folder)


def test_a_folder_below_an_ignored_one_is_already_ignored(database: Database, films: LibraryPath) -> None:
    with database.writes() as session:
        library.ignored_folders.ignore_folder(session, SYSTEM, clock.now(), films.id, "clips")
        with pytest.raises(Conflict, match="clips is ignored already"):
            library.ignored_folders.ignore_folder(session, SYSTEM, clock.now(), films.id, "clips/old")


def test_several_entries_become_one_title(database: Database, films: LibraryPath, junk: list[InboxEntry]) -> None:
    with database.writes() as session:
        item = builders.film(session, library_path_id=films.id)
    ids = [entry.id for entry in junk]
    made = library.inbox.decide_many(
        database, fake_outside(metadata=FakeMetadataProvider()), SYSTEM, clock.now(), ids, media_item_id=item.id
    )
    assert (made.decided, made.failures) == (4, ())
    assert set(states(database).values()) == {"matched"}
