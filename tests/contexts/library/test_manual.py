"""Manual import: files are listed with proposals, a user corrects them, and they are imported as chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from mydia import clock
from mydia.contexts import library, media
from mydia.contexts.library.models import InboxEntry, MediaFile
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM, Caller, Role, permissions_of
from mydia.db import Database
from mydia.errors import Forbidden, Invalid
from mydia.parsing import Quality, Source
from tests import builders
from tests.fakes.outside import FakeMetadataProvider, fake_outside


@pytest.fixture
def pioneer(database: Database, series: LibraryPath) -> str:
    """A series of two seasons."""
    with database.writes() as session:
        return builders.show(session, seasons={1: 2, 2: 1}, library_path_id=series.id).id


def episode(database: Database, item_id: str, season: int, number: int) -> str:
    with database.reads() as session:
        return media.episodes.episodes_by_number(session, SYSTEM, item_id)[season, number].id


def test_a_folder_is_listed_with_what_each_file_probably_is(
    database: Database, pioneer: str, series: LibraryPath, tmp_path: Path
) -> None:
    folder = tmp_path / "Pioneer.One.S01.720p.WEB-DL-GRP"
    for name in ("Pioneer.One.S01E01.720p.WEB-DL-GRP.mkv", "mystery.mkv", "Sample/sample.mkv", "readme.txt"):
        builders.on_disk(folder, name)
    found = library.manual.manual_files(database, fake_outside(), SYSTEM, folder=str(folder), item_id=pioneer)
    by_name = {file.name.rpartition("/")[2]: file for file in found.files}
    assert set(by_name) == {"Pioneer.One.S01E01.720p.WEB-DL-GRP.mkv", "mystery.mkv", "sample.mkv"}
    sure = by_name["Pioneer.One.S01E01.720p.WEB-DL-GRP.mkv"]
    assert (sure.episode_ids, sure.quality.name, sure.release_group) == (
        (episode(database, pioneer, 1, 1),), "WEBDL-720p", "GRP",
    )  # fmt: skip
    assert (by_name["mystery.mkv"].doubt, by_name["mystery.mkv"].episode_ids) == ("no_number", ())
    assert by_name["sample.mkv"].left_out == "It is in a folder for samples."
    with database.reads() as session:
        codes = [one.code for one in library.manual.manual_episodes(session, SYSTEM, pioneer)]
    assert codes == ["S01E01", "S01E02", "S02E01"]


def test_files_are_imported_with_the_chosen_episode_quality_and_language(
    database: Database, pioneer: str, series: LibraryPath, tmp_path: Path
) -> None:
    paths = [builders.on_disk(tmp_path / "in", name) for name in ("one.mkv", "two.mkv")]
    choices = [
        library.manual.ManualChoice(
            media_item_id=pioneer, path=str(path), episode_ids=(episode(database, pioneer, 1, number),),
            quality=Quality(Source.BLURAY, 1080), languages=("de",), release_group="GRP",
        )
        for number, path in enumerate(paths, 1)
    ]  # fmt: skip
    done = library.manual.manual_import(database, fake_outside(), SYSTEM, clock.now(), choices)
    assert (len(done.file_ids), done.failures) == (2, ())
    with database.reads() as session:
        files = library.files.files_of_item(session, SYSTEM, pioneer)
    assert [(f.quality.name, f.languages, f.release_group, len(f.episode_ids)) for f in files] == [
        ("Bluray-1080p", ("de",), "GRP", 1)
    ] * 2
    assert library.journal.undo_batch(database, fake_outside(), SYSTEM, clock.now(), done.batch_ids[0]) == []


def test_one_title_that_fails_does_not_stop_the_others(
    database: Database, pioneer: str, films: LibraryPath, tmp_path: Path
) -> None:
    with database.writes() as session:
        film = builders.film(session, "Detour", 1945, library_path_id=films.id)
    first, second = (builders.on_disk(tmp_path / "in", name) for name in ("a.mkv", "b.mkv"))
    done = library.manual.manual_import(
        database, fake_outside(), SYSTEM, clock.now(),
        [
            library.manual.ManualChoice(media_item_id=pioneer, path=str(first)),
            library.manual.ManualChoice(media_item_id=film.id, path=str(second)),
        ],
    )  # fmt: skip
    assert len(done.file_ids) == 1
    assert done.failures == (("a.mkv", "Choose the episodes of a.mkv."),)


class TestReviewEntry:
    """Files waiting for review."""

    @pytest.fixture
    def entry(self, database: Database, series: LibraryPath) -> InboxEntry:
        """A series whose files have no episode numbers."""
        for name in ("Les Vampires/The Red Cryptogram.mkv", "Les Vampires/The Spectre.mkv"):
            builders.on_disk(series.path, name)
        outside = fake_outside(metadata=FakeMetadataProvider([builders.show_details("Les Vampires", 1915)]))
        library.scanning.run_scan(database, outside, clock.now, series.id)
        library.match_new_files(database, outside, clock.now, series.id)
        with database.reads() as session:
            (entry,) = session.query(InboxEntry).all()
        return entry

    def test_confirming_without_episodes_adds_no_empty_series(
        self, database: Database, entry: InboxEntry, admin: Caller
    ) -> None:
        outside = fake_outside(metadata=FakeMetadataProvider([builders.show_details("Les Vampires", 1915)]))
        with database.reads() as session:
            before = session.query(media.MediaItem).count()
        with pytest.raises(Invalid) as caught:
            library.inbox.decide(database, outside, admin, clock.now(), entry.id, candidate=0)
        assert "episode_map" in caught.value.fields
        with database.reads() as session:
            assert session.query(media.MediaItem).count() == before
            assert session.get(InboxEntry, entry.id).state != "done"

    def test_the_files_get_the_chosen_episodes(
        self, database: Database, entry: InboxEntry, pioneer: str, admin: Caller
    ) -> None:
        listed = library.manual.manual_files(database, fake_outside(), admin, inbox_id=entry.id).files
        assert {file.doubt for file in listed} <= {"no_number", None}
        choices = [
            library.manual.ManualChoice(
                media_item_id=pioneer, file_id=file.file_id, episode_ids=(episode(database, pioneer, 1, number),)
            )
            for number, file in enumerate(listed, 1)
        ]
        done = library.manual.manual_import(database, fake_outside(), admin, clock.now(), choices)
        assert done.failures == ()
        with database.reads() as session:
            assert session.get(InboxEntry, entry.id).state == "done"
            assert {row.media_item_id for row in session.query(MediaFile)} == {pioneer}


class Killed(BaseException):
    """The process ends here."""


def choice_of(database: Database, item_id: str, number: int, path: Path) -> library.manual.ManualChoice:
    return library.manual.ManualChoice(
        media_item_id=item_id, path=str(path), episode_ids=(episode(database, item_id, 1, number),)
    )


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_an_import_that_was_killed_and_starts_again_imports_no_file_twice(
    database: Database, pioneer: str, series: LibraryPath, tmp_path: Path, mode: str
) -> None:
    paths = [builders.on_disk(tmp_path / "in", f"{name}.mkv") for name in ("one", "two")]
    choices = [choice_of(database, pioneer, number, path) for number, path in enumerate(paths, 1)]
    outside = fake_outside()

    def kill_after_the_first(done: int, _of: int) -> None:
        if done == 1:
            raise Killed

    with pytest.raises(Killed):
        library.manual.manual_import(
            database, outside, SYSTEM, clock.now(), choices, mode=mode, run_id="r", on_progress=kill_after_the_first
        )
    library.journal.recover_journal(database, outside, clock.now())
    done = library.manual.manual_import(database, outside, SYSTEM, clock.now(), choices, mode=mode, run_id="r")
    assert (len(done.file_ids), done.failures) == (2, ())
    with database.reads() as session:
        assert session.query(MediaFile).count() == 2
        assert session.query(library.RecycledFile).count() == 0
        (past,) = {one.media_item_id for one in library.manual.past_imports(session, SYSTEM)}
    assert past == pioneer


def test_a_file_that_is_gone_does_not_stop_the_others_and_they_are_reported(
    database: Database, pioneer: str, series: LibraryPath, tmp_path: Path
) -> None:
    there = builders.on_disk(tmp_path / "in", "two.mkv")
    choices = [
        choice_of(database, pioneer, 1, tmp_path / "in" / "gone.mkv"),
        choice_of(database, pioneer, 2, there),
    ]
    done = library.manual.manual_import(database, fake_outside(), SYSTEM, clock.now(), choices)
    assert len(done.file_ids) == 1
    ((name, sentence),) = done.failures
    assert name == "gone.mkv"
    assert "does not exist" in sentence


def test_a_file_cannot_be_chosen_for_two_episodes_in_two_lines(
    database: Database, pioneer: str, series: LibraryPath, tmp_path: Path
) -> None:
    path = builders.on_disk(tmp_path / "in", "one.mkv")
    choices = [choice_of(database, pioneer, number, path) for number in (1, 2)]
    for act in (
        lambda: library.manual.import_params(SYSTEM, choices),
        lambda: library.manual.manual_import(database, fake_outside(), SYSTEM, clock.now(), choices),
    ):
        with pytest.raises(Invalid, match=r"one\.mkv is chosen twice"):
            act()


def test_facts_of_several_files_are_corrected_together(database: Database, films: LibraryPath) -> None:
    with database.writes() as session:
        item = builders.film(session, "Detour", 1945, library_path_id=films.id)
        ids = [builders.media_file(session, films, f"{name}.mkv", item=item).id for name in ("a", "b")]
    with database.writes() as session:
        changed = library.manual.change_files(
            session, SYSTEM, clock.now(), ids, quality=Quality(Source.DVD, 480), languages=["fr"], release_group=""
        )
    assert changed == 2
    with database.reads() as session:
        files = library.files.files_of_item(session, SYSTEM, item.id)
    assert {(file.quality.name, file.languages, file.release_group) for file in files} == {("DVD", ("fr",), None)}


def test_only_administrators_import_from_outside_the_library(
    database: Database, films: LibraryPath, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    user = Caller(kind="user", id=None, name="Kim", permissions=permissions_of(Role.USER), role=Role.USER)
    library.manual.manual_files(database, fake_outside(), user, folder=films.path)
    with pytest.raises(Forbidden):
        library.manual.manual_files(database, fake_outside(), user, folder=str(tmp_path / "elsewhere"))
    with pytest.raises(Invalid):
        library.manual.manual_files(database, fake_outside(), SYSTEM, folder="relative/folder")
