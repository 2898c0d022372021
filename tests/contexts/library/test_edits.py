"""Many titles are changed at once by a job, and it can be undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from mydia import clock
from mydia.contexts import library, media, settings
from mydia.contexts.library import edits
from mydia.contexts.library.edits import EditState, LineState, TitleChanges
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database
from mydia.errors import Conflict, Forbidden, Invalid, NotFound
from mydia.runs import Unwatched
from mydia.vocabulary import MediaType
from tests import builders
from tests.fakes.outside import fake_outside

TITLES = {"Detour": 1945, "Charade": 1963, "Nosferatu": 1922}


@pytest.fixture
def archive(database: Database, tmp_path: Path) -> LibraryPath:
    """Another library folder for films."""
    with database.writes() as session:
        return builders.library_path(session, tmp_path / "archive", "movies", name="Archive")


@pytest.fixture
def ids(database: Database, films: LibraryPath) -> list[str]:
    """Three films with a file each."""
    found = []
    with database.writes() as session:
        for number, (title, year) in enumerate(TITLES.items()):
            folder = f"{title} ({year})"
            builders.on_disk(films.path, f"{folder}/{title}.{year}.mkv", 200_000, fill=title.encode())
            item = builders.film(session, title, year, tmdb_id=100 + number, library_path_id=films.id, folder=folder)
            builders.media_file(session, films, f"{folder}/{title}.{year}.mkv", item=item)
            found.append(item.id)
    return found


def request(database: Database, ids: list[str], **changes: object) -> str:
    with database.writes() as session:
        return edits.request_edit(
            session,
            SYSTEM,
            clock.now(),
            MediaType.MOVIE,
            ids,
            TitleChanges(**changes),  # type: ignore[arg-type]
        ).id


def work(database: Database, edit_id: str, run: Unwatched | None = None) -> str:
    return edits.carry_on(database, fake_outside(), clock.now, edit_id, run or Unwatched())


def undo(database: Database, edit_id: str) -> None:
    with database.writes() as session:
        edits.request_undo(session, SYSTEM, edit_id)
    work(database, edit_id)


def values(database: Database, item_id: str) -> tuple[str, bool, str, tuple[str, ...], str | None]:
    with database.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        tags = media.tags.tags_of(session, SYSTEM, [item_id])[item_id]
        return item.versions[0].profile_id, item.monitored, item.minimum_availability, tags, item.library_path_id


def states(database: Database, edit_id: str) -> list[LineState]:
    with database.reads() as session:
        return [line.state for line, _ in edits.lines_of(session, SYSTEM, edit_id)]


def test_values_of_many_titles_change_and_come_back(database: Database, ids: list[str]) -> None:
    before = [values(database, id_) for id_ in ids]
    with database.writes() as session:
        profile = next(one.id for one in settings.profiles.list_profiles(session, SYSTEM) if one.id != before[0][0])
        media.tags.change_tags(session, SYSTEM, clock.now(), ids[0], add=["Old"])
    edit_id = request(
        database, ids, profile_id=profile, monitored=False, minimum_availability=media.Availability.ANNOUNCED,
        add_tags=("Kids", "old"),
    )  # fmt: skip
    assert work(database, edit_id) == "3 titles changed"
    assert [values(database, id_)[:3] for id_ in ids] == [(profile, False, "announced")] * 3
    assert values(database, ids[0])[3] == values(database, ids[1])[3] == ("Kids", "Old")
    undo(database, edit_id)
    assert [values(database, id_)[:3] for id_ in ids] == [old[:3] for old in before]
    assert [values(database, id_)[3] for id_ in ids] == [("Old",), (), ()], "a tag that was there before stays"
    assert states(database, edit_id) == [LineState.UNDONE] * 3


def test_files_move_and_are_renamed_and_come_back(
    database: Database, ids: list[str], films: LibraryPath, archive: LibraryPath
) -> None:
    edit_id = request(database, ids, library_path_id=archive.id, move_files=True, rename=True)
    work(database, edit_id)
    assert states(database, edit_id) == [LineState.DONE] * 3
    moved = sorted(path.name for path in Path(archive.path).rglob("*.mkv"))
    assert len(moved) == 3
    assert "Detour.1945.mkv" not in moved
    assert not list(Path(films.path).rglob("*.mkv"))
    undo(database, edit_id)
    assert sorted(path.name for path in Path(films.path).rglob("*.mkv")) == [
        "Charade.1963.mkv", "Detour.1945.mkv", "Nosferatu.1922.mkv",
    ]  # fmt: skip
    assert not list(Path(archive.path).rglob("*.mkv"))
    assert values(database, ids[0])[4] == films.id


def test_the_library_folder_changes_without_the_files_if_so_chosen(
    database: Database, ids: list[str], films: LibraryPath, archive: LibraryPath
) -> None:
    edit_id = request(database, ids[:1], library_path_id=archive.id)
    work(database, edit_id)
    assert values(database, ids[0])[4] == archive.id
    assert (Path(films.path) / "Detour (1945)/Detour.1945.mkv").exists()


def test_a_title_whose_file_is_in_the_way_fails_alone(
    database: Database, ids: list[str], films: LibraryPath, archive: LibraryPath
) -> None:
    builders.on_disk(archive.path, "Charade (1963)/Charade.1963.mkv", 100, fill=b"else")
    edit_id = request(database, ids, library_path_id=archive.id, move_files=True)
    work(database, edit_id)
    assert states(database, edit_id) == [LineState.DONE, LineState.FAILED, LineState.DONE]
    with database.reads() as session:
        problem = edits.lines_of(session, SYSTEM, edit_id)[1][0].problem
    assert problem
    assert "Charade.1963.mkv" in problem
    assert (Path(films.path) / "Charade (1963)/Charade.1963.mkv").exists()


def test_the_preview_counts_what_would_change(
    database: Database, ids: list[str], films: LibraryPath, archive: LibraryPath
) -> None:
    builders.on_disk(archive.path, "Charade (1963)/Charade.1963.mkv", 100, fill=b"else")
    with database.writes() as session:
        media.monitoring.change_monitoring(session, SYSTEM, clock.now(), ids[0], False)
        media.tags.change_tags(session, SYSTEM, clock.now(), ids[0], add=["Kids"])
    changes = TitleChanges(
        monitored=False, add_tags=("kids",), library_path_id=archive.id, move_files=True, rename=True
    )
    told = edits.preview(database, fake_outside(), SYSTEM, MediaType.MOVIE, [*ids, "gone"], changes)
    assert told.titles == 3
    assert {field.name: field.titles for field in told.fields} == {"monitored": 2, "library_path_id": 3, "add_tags": 2}
    assert told.move
    assert (told.move.files, told.move.fits) == (3, True)
    assert [line.objection is None for line in told.move.lines] == [False, True, True]
    assert len(told.renames) == told.renames_of == 3
    assert values(database, ids[1])[1] is True


def test_what_was_changed_since_is_not_undone(database: Database, ids: list[str]) -> None:
    edit_id = request(database, ids, minimum_availability=media.Availability.ANNOUNCED)
    work(database, edit_id)
    with database.writes() as session:
        media.change_item(session, SYSTEM, clock.now(), ids[0], {"minimum_availability": "in_cinemas"})
    undo(database, edit_id)
    assert [values(database, id_)[2] for id_ in ids] == ["in_cinemas", "released", "released"]


class StopsAfter(Unwatched):
    """A run that is cancelled after some titles."""

    def __init__(self, titles: int) -> None:
        self.left = titles

    def cancelled(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_an_interrupted_edit_continues_and_a_stopped_one_does_not(database: Database, ids: list[str]) -> None:
    edit_id = request(database, ids, monitored=False)
    work(database, edit_id, StopsAfter(1))
    assert states(database, edit_id) == [LineState.DONE, LineState.WAITING, LineState.WAITING]
    work(database, edit_id, StopsAfter(1))
    with database.writes() as session:
        assert edits.progress_of(session, SYSTEM, edit_id).open == 1
        edits.stop(session, SYSTEM, clock.now(), edit_id)
    assert work(database, edit_id) == "nothing to do"
    undo(database, edit_id)
    assert states(database, edit_id) == [LineState.UNDONE, LineState.UNDONE, LineState.WAITING]
    assert [values(database, id_)[1] for id_ in ids] == [True] * 3


def test_only_a_finished_edit_is_undone_and_only_once(database: Database, ids: list[str]) -> None:
    edit_id = request(database, ids, monitored=False)
    with database.writes() as session, pytest.raises(Conflict):
        edits.request_undo(session, SYSTEM, edit_id)
    work(database, edit_id)
    undo(database, edit_id)
    with database.writes() as session:
        with pytest.raises(Conflict):
            edits.request_undo(session, SYSTEM, edit_id)
        assert edits.get_edit(session, SYSTEM, edit_id).state == EditState.UNDONE


def test_nothing_chosen_or_a_value_that_does_not_suit_is_refused(
    database: Database, ids: list[str], tmp_path: Path
) -> None:
    with database.writes() as session:
        shows = builders.library_path(session, tmp_path / "shows", "series").id
    for chosen, changes, error in (
        ([], TitleChanges(monitored=True), Invalid),
        (ids, TitleChanges(), Invalid),
        (ids, TitleChanges(series_type=media.SeriesType.ANIME), Invalid),
        (ids, TitleChanges(library_path_id=shows), Invalid),
        (ids, TitleChanges(profile_id="none"), NotFound),
        (ids, TitleChanges(add_tags=("x" * 50,)), Invalid),
    ):
        with database.writes() as session, pytest.raises(error):
            edits.request_edit(session, SYSTEM, clock.now(), MediaType.MOVIE, chosen, changes)


def test_a_guest_edits_nothing(database: Database, ids: list[str], guest: Caller) -> None:
    changes = TitleChanges(monitored=False)
    with pytest.raises(Forbidden):
        edits.preview(database, fake_outside(), guest, MediaType.MOVIE, ids, changes)
    with database.writes() as session, pytest.raises(Forbidden):
        edits.request_edit(session, guest, clock.now(), MediaType.MOVIE, ids, changes)


def test_an_edit_whose_job_was_lost_is_found_and_an_old_one_is_deleted(database: Database, ids: list[str]) -> None:
    from datetime import timedelta

    edit_id = request(database, ids, monitored=False)
    with database.writes() as session:
        assert edits.find_unfinished(session, clock.now()) == []
        assert edits.find_unfinished(session, clock.now() + timedelta(minutes=6)) == [edit_id]
        edits.get_edit(session, SYSTEM, edit_id).state = EditState.RUNNING  # its worker was killed, and its job gave up
    with database.reads() as session:
        assert edits.find_unfinished(session, clock.now() + timedelta(minutes=6)) == [edit_id]
    work(database, edit_id)
    with database.writes() as session:
        edits.prune_edits(session, clock.now() + timedelta(days=31))
        assert edits.list_edits(session, SYSTEM) == []
    assert library.edits is edits
