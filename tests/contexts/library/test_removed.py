"""Removing a title can be undone: details, monitoring, tags and files are restored."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mydia import clock
from mydia.config import Config
from mydia.contexts import library, media
from mydia.contexts.library.models import InboxEntry, RemovedTitle
from mydia.contexts.media.models import ItemTag
from mydia.contexts.settings import LibraryPath
from mydia.contexts.settings.models import Tag
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.errors import NotFound
from mydia.events import feed
from tests import builders
from tests.fakes.outside import fake_outside

NAMES = ("Pioneer One/Season 1/Pioneer One S01E01.mkv", "Pioneer One/Season 1/Pioneer One S01E02-E03.mkv")


@pytest.fixture
def show_id(database: Database, config: Config, series: LibraryPath) -> str:
    """A series with two seasons, three episodes on disk, one not monitored, and a tag."""
    for name in NAMES:
        builders.on_disk(series.path, name)
    with database.writes() as session:
        item = builders.show(session, seasons={1: 4, 2: 2}, library_path_id=series.id)
        first, second, third, fourth = media.episodes.episodes_of(session, SYSTEM, item.id, season_number=1)
        builders.media_file(session, series, NAMES[0], item=item, episode_ids=(first.id,))
        builders.media_file(session, series, NAMES[1], item=item, episode_ids=(second.id, third.id))
        library.holdings.refresh_holdings(session, clock.now(), item.id)
        media.monitoring.change_monitoring(session, SYSTEM, clock.now(), item.id, False, episode_ids=[fourth.id])
        session.add(Tag(id="tag", name="watch together"))
        session.flush()
        session.add(ItemTag(media_item_id=item.id, tag_id="tag"))
        return item.id


def picture(database: Database, item_id: str) -> dict[str, object]:
    """The visible state of a series: its episodes with monitoring and holdings, and its files with their episodes."""
    with database.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        codes = {one.id: one for one in media.episodes.episodes_of(session, SYSTEM, item_id)}
        return {
            "facts": (item.title, item.year, item.tmdb_id, item.monitored, item.folder, item.state, item.episodes_held),
            "seasons": [(one.number, one.monitored) for one in media.seasons_of(session, SYSTEM, item_id)],
            "episodes": {one.code: (one.title, one.air_on, one.monitored, one.held) for one in codes.values()},
            "names": sorted(one.title for one in media.titles_of(session, SYSTEM, item_id)),
            "tags": session.scalars(select(ItemTag.tag_id).where(ItemTag.media_item_id == item_id)).all(),
            "profile": item.versions[0].profile_id,
            "files": {
                one.relative_path: ([codes[id_].code for id_ in one.episode_ids], one.quality.name, one.match_state)
                for one in library.files.files_of_item(session, SYSTEM, item_id)
            },
        }


@pytest.mark.parametrize("files", ["keep", "recycle"])
def test_a_removed_series_is_restored_unchanged(
    database: Database, show_id: str, series: LibraryPath, files: str
) -> None:
    before = picture(database, show_id)
    outside = fake_outside()
    removed = library.recycle.remove_item(database, outside, SYSTEM, clock.now(), show_id, files=files)
    assert (Path(series.path) / NAMES[0]).exists() == (files == "keep")
    with pytest.raises(NotFound):
        picture(database, show_id)

    made = library.removed.undo_removal(database, outside, SYSTEM, clock.now(), removed.removal_id or "")
    assert made.problems == ()
    assert picture(database, show_id) == before
    assert all((Path(series.path) / name).exists() for name in NAMES)
    with database.reads() as session:
        assert next(told.type for told in feed(session, resource=("media_item", show_id))) == "MediaRestored"
        assert session.scalar(select(func.count()).select_from(InboxEntry)) == 0
        assert library.removed.removed_titles(session, SYSTEM) == []


def test_a_title_whose_files_were_deleted_is_restored_without_them(database: Database, show_id: str) -> None:
    outside = fake_outside()
    library.recycle.remove_item(database, outside, SYSTEM, clock.now(), show_id, files="delete")
    made = library.removed.restore_titles(database, outside, SYSTEM, clock.now(), [show_id])
    assert (made.item_ids, made.problems) == ((show_id,), ())
    now = picture(database, show_id)
    assert now["files"] == {}
    assert not any(held for *_, held in now["episodes"].values())  # type: ignore[attr-defined]


def test_a_file_that_was_matched_elsewhere_meanwhile_stays_there(
    database: Database, show_id: str, series: LibraryPath
) -> None:
    outside = fake_outside()
    library.recycle.remove_item(database, outside, SYSTEM, clock.now(), show_id, files="keep")
    with database.writes() as session:
        other = builders.show(session, "The Pioneers", 2011, tmdb_id=7, library_path_id=series.id)
        (episode, *_) = media.episodes.episodes_of(session, SYSTEM, other.id)
        file_id = session.scalars(select(library.MediaFile.id).where(library.MediaFile.relative_path == NAMES[0])).one()
        library.manual.attach(session, SYSTEM, clock.now(), file_id, other.id, [episode.id])
    library.removed.restore_titles(database, outside, SYSTEM, clock.now(), [show_id])
    assert list(picture(database, other.id)["files"]) == [NAMES[0]]  # type: ignore[call-overload]
    assert picture(database, other.id)["files"][NAMES[0]][0] == ["S01E01"]  # type: ignore[index]
    assert list(picture(database, show_id)["files"]) == [NAMES[1]]  # type: ignore[call-overload]


def test_a_title_that_was_added_again_is_not_duplicated(database: Database, show_id: str, series: LibraryPath) -> None:
    outside = fake_outside()
    library.recycle.remove_item(database, outside, SYSTEM, clock.now(), show_id, files="keep")
    with database.writes() as session:
        builders.show(session, library_path_id=series.id)
    made = library.removed.restore_titles(database, outside, SYSTEM, clock.now(), [show_id])
    assert made.item_ids == ()
    assert made.problems == ("Pioneer One (2010) is already in the library.",)
    with database.reads() as session:
        assert [one.id for one in library.removed.removed_titles(session, SYSTEM)] == [show_id]


def test_the_title_is_restored_even_if_a_file_cannot_be(database: Database, show_id: str, series: LibraryPath) -> None:
    outside = fake_outside()
    library.recycle.remove_item(database, outside, SYSTEM, clock.now(), show_id, files="recycle")
    builders.on_disk(series.path, NAMES[0], fill=b"another file")
    made = library.removed.restore_titles(database, outside, SYSTEM, clock.now(), [show_id])
    assert made.item_ids == (show_id,)
    assert "taken by another file" in made.problems[0]
    with database.reads() as session:
        assert library.recycle.recycled_totals(session, SYSTEM).files == 2


def test_several_titles_are_restored_together_until_they_expire(
    database: Database, config: Config, films: LibraryPath
) -> None:
    outside, now = fake_outside(), clock.now()
    with database.writes() as session:
        ids = [
            builders.film(session, f"Film {number}", 1950, tmdb_id=number, library_path_id=films.id).id
            for number in (1, 2, 3)
        ]
    removal_id = clock.new_id()
    for item_id in ids:
        library.recycle.remove_item(database, outside, SYSTEM, now, item_id, removal_id=removal_id)
    made = library.removed.undo_removal(database, outside, SYSTEM, now, removal_id)
    assert sorted(made.item_ids) == sorted(ids)
    library.recycle.remove_item(database, outside, SYSTEM, now, ids[0])
    with database.writes() as session:
        assert library.removed.prune_removed(session, now + timedelta(days=29)) == 0
        assert library.removed.prune_removed(session, now + timedelta(days=31)) == 1
        assert session.scalar(select(func.count()).select_from(RemovedTitle)) == 0
    with pytest.raises(NotFound, match="can't be restored"):
        library.removed.restore_titles(database, outside, SYSTEM, now, [ids[0]])
