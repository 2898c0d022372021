"""A title's files move with it to another library folder, and a removed file is no longer wanted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mydia import clock
from mydia.adapters.outside import Outside
from mydia.contexts import library, media, settings
from mydia.contexts.library.models import JournalEntry, MediaFile, Sidecar
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from tests import builders
from tests.fakes.outside import FakeMetadataProvider, fake_outside

NAME = "Detour (1945)/Detour (1945).mkv"


@pytest.fixture
def other(database: Database, tmp_path: Path) -> LibraryPath:
    """Another library folder for films."""
    with database.writes() as session:
        return builders.library_path(session, tmp_path / "archive", "movies")


@pytest.fixture
def detour(database: Database, films: LibraryPath) -> str:
    """A film with its file and a subtitle beside it."""
    builders.on_disk(films.path, NAME, 200_000, fill=b"film")
    builders.on_disk(films.path, "Detour (1945)/Detour (1945).en.srt", 100)
    with database.writes() as session:
        item = builders.film(session, "Detour", 1945, library_path_id=films.id, folder="Detour (1945)")
        file = builders.media_file(session, films, NAME, item=item)
        session.add(
            Sidecar(
                library_path_id=films.id, file_id=file.id, relative_path="Detour (1945)/Detour (1945).en.srt",
                kind="subtitle", flags=[],
            )
        )  # fmt: skip
    return item.id


def choose(database: Database, item_id: str, path: LibraryPath) -> None:
    with database.writes() as session:
        media.change_item(session, SYSTEM, clock.now(), item_id, {"library_path_id": path.id})


def test_files_move_with_their_title_and_back(
    database: Database, detour: str, films: LibraryPath, other: LibraryPath
) -> None:
    preview = library.moving.move_preview(database, fake_outside(), SYSTEM, [detour], other.id)
    assert [line.new for line in preview.lines] == [
        f"{other.path}/{NAME}", f"{other.path}/Detour (1945)/Detour (1945).en.srt",
    ]  # fmt: skip
    assert preview.fits
    assert (Path(films.path) / NAME).exists()
    choose(database, detour, other)
    moved = library.moving.move_files(database, fake_outside(), SYSTEM, clock.now(), detour)
    assert (moved.files, moved.failures) == (2, ())
    assert (Path(other.path) / NAME).read_bytes()[:4] == b"film"
    assert not (Path(films.path) / "Detour (1945)").exists()
    with database.reads() as session:
        assert {row.library_path_id for row in session.query(MediaFile)} == {other.id}
        assert {row.library_path_id for row in session.query(Sidecar)} == {other.id}
        assert {row.cause for row in session.query(JournalEntry)} == {"move"}
    assert library.moving.undo_move(database, fake_outside(), SYSTEM, clock.now(), moved.batch_id or "") == []
    assert (Path(films.path) / NAME).exists()
    with database.reads() as session:
        assert media.get_item(session, SYSTEM, detour).library_path_id == films.id


def test_an_existing_file_at_the_target_is_kept(
    database: Database, detour: str, films: LibraryPath, other: LibraryPath
) -> None:
    builders.on_disk(other.path, NAME, 100, fill=b"else")
    preview = library.moving.move_preview(database, fake_outside(), SYSTEM, [detour], other.id)
    assert preview.lines[0].objection == f"{other.path}/{NAME} already exists."
    choose(database, detour, other)
    moved = library.moving.move_files(database, fake_outside(), SYSTEM, clock.now(), detour)
    assert len(moved.failures) == 1
    assert (Path(other.path) / NAME).read_bytes()[:4] == b"else"
    assert (Path(films.path) / NAME).exists()


@pytest.mark.parametrize(("choice", "monitored"), [(None, False), ("unmonitor", False), ("search", True)])
def test_a_removed_file_is_wanted_again_only_on_request(
    choice: str | None, monitored: bool, database: Database, detour: str
) -> None:
    with database.reads() as session:
        (file,) = library.files.files_of_item(session, SYSTEM, detour)
    removed = library.recycle.remove_file(database, fake_outside(), SYSTEM, clock.now(), file.id, afterwards=choice)
    assert removed.unmonitored == (not monitored)
    with database.reads() as session:
        assert media.get_item(session, SYSTEM, detour).monitored is monitored


def test_the_setting_is_the_default(database: Database, detour: str) -> None:
    with database.writes() as session:
        settings.change_values(session, SYSTEM, clock.now(), {"library.after_file_removal": "search"})
        (file,) = library.files.files_of_item(session, SYSTEM, detour)
    library.recycle.remove_file(database, fake_outside(), SYSTEM, clock.now(), file.id)
    with database.reads() as session:
        assert media.get_item(session, SYSTEM, detour).monitored


def test_removing_the_last_file_of_an_episode_counts(database: Database, series: LibraryPath) -> None:
    with database.writes() as session:
        item = builders.show(session, library_path_id=series.id, seasons={1: 2})
        first = media.episodes.episodes_by_number(session, SYSTEM, item.id)[1, 1].id
        ids = []
        for name in ("a.mkv", "b.mkv"):
            ids.append(builders.media_file(session, series, name, item=item, episode_ids=(first,)).id)
    for name in ("a.mkv", "b.mkv"):
        builders.on_disk(series.path, name)
    for file_id, monitored in zip(ids, (True, False), strict=True):
        library.recycle.remove_file(database, fake_outside(), SYSTEM, clock.now(), file_id)
        with database.reads() as session:
            assert media.episodes.episodes_by_number(session, SYSTEM, item.id)[1, 1].monitored is monitored


def test_the_recycle_bin_lists_what_is_in_it_and_says_where_it_came_from_on_disk(
    database: Database, detour: str, films: LibraryPath
) -> None:
    with database.reads() as session:
        (file,) = library.files.files_of_item(session, SYSTEM, detour)
    removed = library.recycle.remove_file(database, fake_outside(), SYSTEM, clock.now(), file.id)
    with database.reads() as session:
        listed = library.recycle.list_recycled(session, SYSTEM).files
        totals = library.recycle.recycled_totals(session, SYSTEM)
    assert {(one.media_title, one.cause, one.batch_id) for one in listed} == {("Detour", "remove", removed.batch_id)}
    assert (totals.files, totals.keep_days) == (2, 30)
    (manifest,) = (Path(films.path) / ".mydia-recycle").rglob("restore.json")
    assert f"{films.path}/{NAME}" in manifest.read_text()
    assert library.journal.undo_batch(database, fake_outside(), SYSTEM, clock.now(), removed.batch_id or "") == []
    assert (Path(films.path) / NAME).exists()
    assert not manifest.exists()


def test_a_name_keeps_its_source_when_the_file_is_analysed_before_it_is_matched(
    database: Database, films: LibraryPath
) -> None:
    builders.on_disk(films.path, "Detour.1945.WEB-DL.mkv", 200_000)
    outside = fake_outside(metadata=FakeMetadataProvider([builders.film_details("Detour", 1945, tmdb_id=20367)]))
    library.scanning.run_scan(database, outside, clock.now, films.id)
    library.analyse_files(database, outside, clock.now, films.id)
    library.match_new_files(database, outside, clock.now, films.id)
    with database.reads() as session:
        (row,) = session.query(MediaFile)
    assert row.quality_name == "WEBDL-1080p"


def test_analysis_that_began_before_matching_keeps_what_matching_stored(database: Database, films: LibraryPath) -> None:
    builders.on_disk(films.path, "Detour.1945.WEB-DL.mkv", 200_000)
    provider = FakeMetadataProvider([builders.film_details("Detour", 1945, tmdb_id=20367)])
    outside = fake_outside(metadata=provider)
    library.scanning.run_scan(database, outside, clock.now, films.id)
    probe = outside.probe.probe

    def matched_meanwhile(path: Path) -> object:
        library.match_new_files(database, outside, clock.now, films.id)
        return probe(path)

    outside.probe.probe = matched_meanwhile  # type: ignore[method-assign, assignment]
    library.analyse_files(database, outside, clock.now, films.id)
    with database.reads() as session:
        (row,) = session.query(MediaFile)
    assert (row.match_state, row.quality_name) == ("matched", "WEBDL-1080p")


class Killed(BaseException):
    """The process ends here."""


@contextlib.contextmanager
def killed_after(operations: int) -> Iterator[Outside]:
    """Disks on which the process is killed after some moves."""
    outside = fake_outside()
    done = 0
    move = outside.files.move

    def killed(source: Path, target: Path, **options: Any) -> None:
        nonlocal done
        if done == operations:
            raise Killed
        done += 1
        move(source, target, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outside.files, "move", killed)
        patch.setattr(outside.files, "rename", killed)
        yield outside


@pytest.mark.parametrize("after", range(4))
def test_a_move_that_is_killed_between_two_files_takes_the_rest_along_later(
    database: Database, detour: str, films: LibraryPath, other: LibraryPath, after: int
) -> None:
    choose(database, detour, other)
    with killed_after(after) as outside, contextlib.suppress(Killed):
        library.moving.move_files(database, outside, SYSTEM, clock.now(), detour)
    library.journal.recover_journal(database, fake_outside(), clock.now())
    library.moving.move_files(database, fake_outside(), SYSTEM, clock.now(), detour)
    assert [str(p.relative_to(films.path)) for p in Path(films.path).rglob("*") if p.is_file()] == []
    assert sorted(p.name for p in Path(other.path).rglob("*") if p.is_file()) == [
        "Detour (1945).en.srt", "Detour (1945).mkv",
    ]  # fmt: skip
    with database.reads() as session:
        assert {row.library_path_id for row in session.scalars(select(MediaFile))} == {other.id}
        assert {row.library_path_id for row in session.scalars(select(Sidecar))} == {other.id}


def test_a_subtitle_stays_with_its_video_if_the_name_is_taken(
    database: Database, detour: str, films: LibraryPath, other: LibraryPath
) -> None:
    builders.on_disk(other.path, NAME, 100, fill=b"another")
    choose(database, detour, other)
    moved = library.moving.move_files(database, fake_outside(), SYSTEM, clock.now(), detour)
    assert len(moved.failures) == 1
    assert {p.name for p in Path(films.path).rglob("*") if p.is_file()} == {
        "Detour (1945).en.srt", "Detour (1945).mkv",
    }  # fmt: skip


@pytest.mark.parametrize("after", range(3))
def test_an_undo_that_is_killed_between_two_files_is_finished_later(
    database: Database, detour: str, films: LibraryPath, other: LibraryPath, after: int
) -> None:
    choose(database, detour, other)
    moved = library.moving.move_files(database, fake_outside(), SYSTEM, clock.now(), detour)
    assert moved.batch_id
    with killed_after(after) as outside, contextlib.suppress(Killed):
        library.moving.undo_move(database, outside, SYSTEM, clock.now(), moved.batch_id)
    library.journal.recover_journal(database, fake_outside(), clock.now())
    assert library.moving.undo_move(database, fake_outside(), SYSTEM, clock.now(), moved.batch_id) == []
    assert {p.name for p in Path(films.path).rglob("*") if p.is_file()} == {
        "Detour (1945).en.srt", "Detour (1945).mkv",
    }  # fmt: skip
    assert list(Path(other.path).iterdir()) == []
    with database.reads() as session:
        assert media.get_item(session, SYSTEM, detour).library_path_id == films.id
