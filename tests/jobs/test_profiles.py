"""A changed quality profile is applied, and unchanged rows are not written."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from mydia import clock
from mydia.config import Config, load
from mydia.contexts import library, media, settings
from mydia.contexts.media import Episode, MediaItem
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.jobs import profiles as jobs
from mydia.jobs.broker import Deps
from mydia.taskboard import TaskBoard
from tests import builders
from tests.fakes.outside import fake_outside


@pytest.fixture
def config(database: Database, tmp_path: Path) -> Config:
    """The default configuration."""
    made = load({"DATA_DIR": str(tmp_path / "data")})
    settings.bind(database, made)
    return made


def test_a_recount_corrects_wrong_counts_and_writes_nothing_else(
    database: Database, config: Config, tmp_path: Path
) -> None:
    with database.writes() as session:
        films = builders.library_path(session, tmp_path / "films", "movies")
        series = builders.library_path(session, tmp_path / "series", "series")
        film = builders.film(session, "Detour", 1945, library_path_id=films.id)
        right = builders.film(session, "Sintel", 2010, tmdb_id=45745, library_path_id=films.id)
        show = builders.show(session, "Les Vampires", 1915, library_path_id=series.id)
        builders.media_file(session, films, "Detour.mkv", item=film)
        builders.media_file(session, films, "Sintel.mkv", item=right)
        builders.media_file(session, series, "Les Vampires S01E01.mkv", item=show)
        for item in (film, right, show):
            library.holdings.refresh_holdings(session, clock.now(), item.id)
    with database.writes() as session:
        before = media.get_item(session, SYSTEM, right.id).updated_at
        session.execute(update(MediaItem).where(MediaItem.id == film.id).values(files_count=7, upgradable=True))
        session.execute(update(Episode).where(Episode.media_item_id == show.id).values(held=True))
    deps = Deps(
        database=database,
        outside=fake_outside(),
        config=config,
        enqueue=lambda *_a, **_k: "run",
        board=TaskBoard(tmp_path / "jobs.db"),
    )
    assert jobs.recount(deps) == "2 of 3 titles changed"
    with database.reads() as session:
        mended = media.get_item(session, SYSTEM, film.id)
        assert (mended.files_count, mended.upgradable) == (1, False)
        assert media.get_item(session, SYSTEM, right.id).updated_at == before
    assert jobs.recount(deps) == "0 of 3 titles changed"
