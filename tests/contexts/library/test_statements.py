"""Matching and importing take few statements for each file, and groups that belong together are still recognised together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from mydia import clock
from mydia.config import Config
from mydia.contexts import library, media
from mydia.contexts.library.models import InboxEntry, MediaFile
from mydia.contexts.library.recognise import matcher
from mydia.contexts.metadata import Details
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.vocabulary import MediaType
from tests import builders
from tests.counting import statements
from tests.fakes.outside import FakeMetadataProvider, fake_outside

_MOST_FOR_A_FILE = 8
"""Issue 9, item 5."""


def scanned(database: Database, path: LibraryPath, provider: FakeMetadataProvider) -> library.MatchReport:
    outside = fake_outside(metadata=provider)
    library.scanning.run_scan(database, outside, clock.now, path.id)
    return library.match_new_files(database, outside, clock.now, path.id)


def counted_match(
    database: Database, path: LibraryPath, provider: FakeMetadataProvider
) -> tuple[library.MatchReport, int]:
    outside = fake_outside(metadata=provider)
    library.scanning.run_scan(database, outside, clock.now, path.id)
    with statements(database) as asked:
        report = library.match_new_files(database, outside, clock.now, path.id)
    return report, len(asked)


def film_names(number: int) -> list[str]:
    return [f"Lost Film {chr(97 + at % 26) * 3}{at:03} ({1920 + at % 90})" for at in range(number)]


def test_new_films_of_the_catalogue_take_few_statements(database: Database, config: Config, films: LibraryPath) -> None:
    names = film_names(50)
    for name in names:
        builders.on_disk(films.path, f"{name}/{name} 1080p.mkv")
    known = [
        builders.film_details(name[:-7], int(name[-5:-1]), tmdb_id=1000 + at, poster_path=f"/{at}.jpg")
        for at, name in enumerate(names)
    ]
    report, number = counted_match(database, films, FakeMetadataProvider(known))
    assert (report.matched, report.titles_added) == (50, 50)
    assert number / 50 <= _MOST_FOR_A_FILE / 4


def test_films_for_the_review_take_few_statements(database: Database, config: Config, films: LibraryPath) -> None:
    for name in film_names(50):
        builders.on_disk(films.path, f"{name}/{name} 1080p.mkv")
    report, number = counted_match(database, films, FakeMetadataProvider())
    assert (report.matched, report.waiting) == (0, 50)
    assert number / 50 <= _MOST_FOR_A_FILE / 4
    with database.reads() as session:
        entries = session.scalars(select(InboxEntry)).all()
    assert [entry.files_count for entry in entries] == [1] * 50
    assert all(entry.size_bytes > 0 for entry in entries)


def test_shows_without_a_catalogue_take_few_statements(database: Database, config: Config, series: LibraryPath) -> None:
    for show in ("Quiet Valley", "Night Harbour", "Gold Clock"):
        for episode in range(1, 21):
            builders.on_disk(series.path, f"{show}/Season 1/{show} S01E{episode:02}.mkv")
    report, number = counted_match(database, series, FakeMetadataProvider(available=False))
    assert (report.matched, report.titles_added) == (60, 3)
    assert number / 60 <= _MOST_FOR_A_FILE / 2


def test_new_episodes_of_known_shows_take_few_statements(
    database: Database, config: Config, series: LibraryPath
) -> None:
    shows = [f"Valley {chr(97 + at) * 3}" for at in range(20)]
    provider = FakeMetadataProvider(available=False)
    for show in shows:
        builders.on_disk(series.path, f"{show}/Season 1/{show} S01E01.mkv")
    assert scanned(database, series, provider).titles_added == 20
    for show in shows:
        builders.on_disk(series.path, f"{show}/Season 1/{show} S01E02.mkv")
    report, number = counted_match(database, series, provider)
    assert (report.matched, report.titles_added) == (20, 0)
    assert number / 20 <= _MOST_FOR_A_FILE


def test_two_folders_of_one_film_become_one_title(database: Database, config: Config, films: LibraryPath) -> None:
    """Without a source, only the name shows that they are the same film."""
    builders.on_disk(films.path, "Detour (1945)/Detour (1945) 1080p.mkv")
    builders.on_disk(films.path, "Detour (1945) 4K/Detour (1945) 2160p.mkv")
    builders.on_disk(films.path, "Metropolis (1927)/Metropolis (1927).mkv")
    report = scanned(database, films, FakeMetadataProvider(available=False))
    assert (report.matched, report.titles_added) == (3, 2)
    with database.reads() as session:
        titles = {item.title: item.files_count for item in session.scalars(select(media.MediaItem))}
    assert titles == {"Detour": 2, "Metropolis": 1}


def test_two_names_with_one_catalogue_id_become_one_title(
    database: Database, config: Config, films: LibraryPath
) -> None:
    builders.on_disk(films.path, "Detour {tmdb-20367}/first.mkv")
    builders.on_disk(films.path, "Umleitung {tmdb-20367}/second.mkv")
    provider = FakeMetadataProvider([builders.film_details("Detour", 1945, tmdb_id=20367)])
    report = scanned(database, films, provider)
    assert (report.matched, report.waiting) == (2, 0)
    with database.reads() as session:
        (item,) = session.scalars(select(media.MediaItem)).all()
    assert (item.title, item.files_count) == ("Detour", 2)


class _Killed(Exception):
    """Stands for a kill of the process."""


def test_a_killed_run_keeps_what_it_has_written_and_the_next_one_does_the_rest(
    database: Database, config: Config, films: LibraryPath
) -> None:
    names = film_names(matcher._GROUPS_AT_ONCE + 10)
    for name in names:
        builders.on_disk(films.path, f"{name}/{name}.mkv")
    outside = fake_outside(metadata=FakeMetadataProvider(available=False))
    library.scanning.run_scan(database, outside, clock.now, films.id)
    with pytest.raises(_Killed), _killed_at(database, "UPDATE media_files", time=2):
        library.match_new_files(database, outside, clock.now, films.id)
    with database.reads() as session:
        matched = session.scalars(select(MediaFile.id).where(MediaFile.match_state == "matched")).all()
        titles = session.scalars(select(media.MediaItem.id)).all()
    assert len(matched) == len(titles) == matcher._GROUPS_AT_ONCE
    again = library.match_new_files(database, outside, clock.now, films.id)
    assert (again.matched, again.titles_added) == (10, 10)
    assert library.match_new_files(database, outside, clock.now, films.id).matched == 0


def test_a_title_that_is_removed_meanwhile_leaves_its_files_new(
    database: Database, config: Config, films: LibraryPath
) -> None:
    known = [builders.film_details("Detour", 1945, tmdb_id=1), builders.film_details("Metropolis", 1927, tmdb_id=2)]
    builders.on_disk(films.path, "Detour (1945)/Detour (1945).mkv")
    scanned(database, films, FakeMetadataProvider(known))
    builders.on_disk(films.path, "Detour (1945)/Detour (1945) 2160p.mkv")
    builders.on_disk(films.path, "Metropolis (1927)/Metropolis (1927).mkv")
    report = scanned(database, films, _RemovesDetour(known, database))
    assert (report.matched, report.postponed) == (1, 1)
    with database.reads() as session:
        (item,) = session.scalars(select(media.MediaItem)).all()
        waiting = session.scalars(select(MediaFile.relative_path).where(MediaFile.match_state == "new")).all()
    assert item.title == "Metropolis"
    assert "Detour (1945)/Detour (1945) 2160p.mkv" in waiting


class _RemovesDetour(FakeMetadataProvider):
    """A source that is slow enough for a person to remove a title while it is asked for another one."""

    def __init__(self, known: Sequence[Details], database: Database) -> None:
        super().__init__(known)
        self._database = database

    def search(self, *asked: Any, **more: Any) -> Any:
        with self._database.writes() as session:
            for item in media.find_by_title(session, MediaType.MOVIE, "Detour"):
                media.remove_row(session, SYSTEM, clock.now(), item.id, files_deleted=0)
        return super().search(*asked, **more)


@contextmanager
def _killed_at(database: Database, beginning: str, *, time: int) -> Iterator[None]:
    seen = 0

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        nonlocal seen
        seen += statement.startswith(beginning)
        if seen == time:
            raise _Killed

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def test_an_import_by_hard_link_takes_few_statements(
    database: Database, config: Config, films: LibraryPath, tmp_path: Path
) -> None:
    source = tmp_path / "downloads" / "Detour.1945.1080p.mkv"
    source.parent.mkdir()
    source.write_bytes(b"x" * 200_000)
    now = clock.now()
    with database.writes() as session:
        item_id = builders.film(session, "Detour", 1945, library_path_id=films.id).id
    request = library.ImportRequest(item_id=item_id, sources=(library.SourceFile(path=source),))
    outside = fake_outside(metadata=FakeMetadataProvider())
    with statements(database) as asked:
        with database.reads() as session:
            plan = library.plan_import(session, SYSTEM, now, request)
        placed = library.place(database, outside, SYSTEM, now, plan)
    assert placed.method == "hardlink"
    # One of them asks whether custom formats have changed.
    assert len([one for one in asked if one != "BEGIN"]) <= 28


def test_titles_of_one_name_get_different_folders(database: Database, config: Config, films: LibraryPath) -> None:
    with database.writes() as session:
        for folder in ("Detour (1945)", "ÉTÉ (1968)"):
            builders.film(session, folder, 1900, tmdb_id=None, library_path_id=films.id, folder=folder)
        other = builders.film(session, "Other", 1900, tmdb_id=None).id
    with database.reads() as session:
        taken = [
            folder
            for folder in ("DETOUR (1945)", "Detour (1946)", "été (1968)", "ÉTÉ (1968)", "Ete (1968)")
            if media.catalogue.is_folder_taken(session, films.id, folder, except_for=other)
        ]
    assert taken == ["DETOUR (1945)", "été (1968)", "ÉTÉ (1968)"]
