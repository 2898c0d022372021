"""The counts that lists show are kept by the database and stay what a count of all titles says."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from mydia import config
from mydia.contexts import library, media, settings
from mydia.contexts.media.models import HeldEpisode, ItemGenre, ListCount, MediaItem
from mydia.contexts.users import SYSTEM
from mydia.db import Database, put_back, take_snapshot, upgrade
from mydia.db.base import Base
from mydia.vocabulary import Activity
from tests import builders
from tests.fakes import postgres
from tests.fakes.postgres import RealPostgres

_GENRES = ("Drama", "drama", "Krimi", "Comédie", "Science Fiction", "It's")
_QUALITIES = ("Bluray-1080p", "WEBDL-720p", "HDTV-720p", "Bluray-2160p", "DVD")
_TITLES = ("Alpha", "Beta", "Émile", "9 to 5", "", "進撃", "Alpine", "'Tis")


class Library:
    """A library that random changes are made to."""

    def __init__(self, database: Database, folder: Path, now: datetime, seed: int) -> None:
        self.database, self.now, self.chance = database, now, random.Random(seed)
        self.removed: list[dict[str, Any]] = []
        self.number = 0
        with database.writes() as session:
            self.paths = [builders.library_path(session, folder / name, "mixed") for name in ("one", "two")]

    def items(self) -> list[str]:
        with self.database.reads() as session:
            return sorted(session.scalars(select(MediaItem.id)))

    def add(self, session: Any, _item: str) -> None:
        self.number += 1
        path = self.chance.choice(self.paths).id
        if self.chance.random() < 0.6:
            title = f"{self.chance.choice(_TITLES)} {self.number}"
            row = builders.film(
                session, title, 1990 + self.number % 9, tmdb_id=self.number, library_path_id=path, now=self.now
            )
        else:
            title, year = f"{self.chance.choice(_TITLES)} {self.number}", self.chance.choice((2010, 2026))
            row = builders.show(
                session, title, year, tmdb_id=self.number, seasons={1: 3, 2: 2}, library_path_id=path, now=self.now
            )
        self.genres(session, row.id)

    def genres(self, session: Any, item: str) -> None:
        row = media.get_item(session, SYSTEM, item)
        row.genres = self.chance.sample(_GENRES, self.chance.randrange(4))
        row.studio = self.chance.choice((None, "UFA", "Prana"))

    def rename(self, session: Any, item: str) -> None:
        media.change_item(session, SYSTEM, self.now, item, {"title": f"{self.chance.choice(_TITLES)} {item[-3:]}"})

    def monitor(self, session: Any, item: str) -> None:
        wanted = self.chance.random() < 0.5
        ids = [ref.id for ref in media.episodes.episodes_of(session, SYSTEM, item)]
        some = self.chance.sample(ids, self.chance.randrange(len(ids) + 1)) if ids else []
        media.monitoring.change_monitoring(session, SYSTEM, self.now, item, wanted, episode_ids=some or None)

    def get_file(self, session: Any, item: str) -> None:
        ids = [ref.id for ref in media.episodes.episodes_of(session, SYSTEM, item)]
        row = media.get_item(session, SYSTEM, item)
        self.number += 1
        builders.media_file(
            session,
            self.chance.choice(self.paths),
            f"{self.number}.mkv",
            item=row,
            episode_ids=tuple(self.chance.sample(ids, self.chance.randrange(1, 3))) if ids else (),
            quality=self.chance.choice(_QUALITIES),
            size_bytes=self.chance.randrange(1, 10**10),
            version_id=self.chance.choice(media.versions.versions_of(session, [item])[item]).id,
        )
        library.holdings.refresh_holdings(session, self.now, item)

    def lose_file(self, session: Any, item: str) -> None:
        files = session.scalars(select(library.MediaFile).where(library.MediaFile.media_item_id == item)).all()
        if files:
            session.delete(self.chance.choice(files))
            library.holdings.refresh_holdings(session, self.now, item)

    def add_version(self, session: Any, item: str) -> None:
        if len(media.versions.versions_of(session, [item])[item]) == 1:
            builders.version(session, item, self.chance.choice(("4K/UHD", "SD")), now=self.now)

    def download(self, session: Any, item: str) -> None:
        activity = self.chance.choice((None, Activity.DOWNLOADING, Activity.BLOCKED))
        media.holdings.record_activity(session, self.now, item, {None: activity})

    def pass_a_day(self, session: Any, _item: str) -> None:
        self.now += timedelta(days=1)
        media.holdings.roll_over(session, self.now, media.holdings.due_to_roll(session, self.now))

    def remove(self, session: Any, item: str) -> None:
        self.removed.append(take_snapshot(session, MediaItem, item))
        media.remove_row(session, SYSTEM, self.now, item, files_deleted=0)

    def undo(self, session: Any, _item: str) -> None:
        if self.removed:
            put_back(session, self.removed.pop())

    def change_all(self, session: Any, _item: str) -> None:
        year = self.chance.randrange(1990, 2000)
        session.execute(update(MediaItem).where(MediaItem.year == year).values(year=MediaItem.year + 1, status="ended"))

    def step(self) -> None:
        """Make one random change."""
        items = self.items()
        steps = [self.add] if len(items) < 4 else [self.add, self.add, self.genres, self.rename, self.monitor]
        if len(items) >= 4:
            steps += [self.get_file, self.get_file, self.lose_file, self.add_version, self.download]
            steps += [self.pass_a_day, self.remove, self.undo, self.change_all]
        with self.database.writes() as session:
            self.chance.choice(steps)(session, self.chance.choice(items) if items else "")


def counted(session: Any) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Count all titles as the table of counts should have them."""
    found: Counter[tuple[str, str, str]] = Counter()
    sizes: Counter[tuple[str, str, str]] = Counter()
    for item in session.scalars(select(MediaItem)):
        values = {
            "all": [""],
            "state": [item.state.value],
            "initial": [item.sort_title[:1]],
            "year": [] if item.year is None else [str(item.year)],
            "monitored": ["1" if item.monitored else "0"],
            "status": [item.status.value],
            "resolution": [] if item.best_resolution is None else [str(item.best_resolution)],
            "quality": [] if item.best_quality is None else [item.best_quality],
            "library_path_id": [] if item.library_path_id is None else [item.library_path_id],
            "studio": [] if item.studio is None else [item.studio],
            "genre": list(set(item.genres)),
        }
        for facet, some in values.items():
            for value in some:
                found[item.type.value, facet, value] += 1
                sizes[item.type.value, facet, value] += item.size_bytes
    return {key: (number, sizes[key]) for key, number in found.items()}


def all_pages(read: Any) -> list[Any]:
    """Return the rows of all pages of a list."""
    rows, cursor = [], None
    while True:
        page, cursor = read(cursor)
        rows += page
        if cursor is None:
            return rows


def compare(made: Library) -> None:
    """Compare what the database keeps with what the titles say."""
    with made.database.reads() as session:
        kept = {
            (row.type.value, row.facet, row.value): (row.titles, row.size_bytes)
            for row in session.scalars(select(ListCount).where(ListCount.titles != 0))
        }
        assert kept == counted(session)
        copies = {
            (row.media_item_id, row.genre): tuple(getattr(row, name) for name in ("type", *media.models.LISTED))
            for row in session.scalars(select(ItemGenre))
        }
        assert copies == {
            (item.id, genre): tuple(getattr(item, name) for name in ("type", *media.models.LISTED))
            for item in session.scalars(select(MediaItem))
            for genre in {"".join(c.lower() if c.isascii() else c for c in one) for one in item.genres}
        }
        wanted = {
            f"{word}_{kind}": len(all_pages(read))
            for word, upgrades in (("missing", False), ("upgradable", True))
            for kind, read in (
                ("movies", lambda c, u=upgrades: media.wanted.wanted_movies(session, SYSTEM, upgrades=u, cursor=c)),
                (
                    "episodes",
                    lambda c, u=upgrades: media.wanted.wanted_episodes(session, SYSTEM, made.now, upgrades=u, cursor=c),
                ),
            )
        }
        assert media.wanted.wanted_counts(session, SYSTEM) == wanted
        assert set(library.holdings.outdated_holdings(session, made.items())) <= set(library.holdings.suspects(session))
        for asked in questions(made):
            outline = media.lists.outline(session, SYSTEM, asked)
            cards = all_pages(
                lambda cursor, asked=asked: media.lists.list_items(session, SYSTEM, asked, cursor=cursor, limit=7)
            )
            assert (outline.total, outline.size_bytes) == (len(cards), sum(card.size_bytes for card in cards)), asked
            assert {card.id for card in cards} == set(media.lists.ids_of(session, SYSTEM, asked)), asked


def questions(made: Library) -> Iterator[media.lists.ItemQuery]:
    """Return lists with one filter, with several, and in several orders."""
    path = made.paths[0].id
    parts: tuple[dict[str, Any], ...] = (
        {},
        {"state": "missing"},
        {"year_from": 1993, "year_to": 1996, "sort": "year"},
        {"genre": "Drama", "year_from": 1992},
        {"genre": "drama", "monitored": True, "text": "alp"},
        {"monitored": False, "sort": "rating", "descending": True},
        {"studio": "pra", "library_path_id": path},
        {"quality": "Bluray-1080p", "resolution": 1080, "sort": "size", "descending": True},
        {"size_from": 10**9, "sort": "size"},
        {"status": "ended", "sort": "added"},
        {"text": "beta"},
        {"text": "進"},
    )
    for type_ in ("movie", "tv_show", None):
        for part in parts:
            yield media.lists.ItemQuery(type=type_, **part)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_counts_stay_right_through_random_changes(database: Database, tmp_path: Path, now: datetime, seed: int):
    made = Library(database, tmp_path, now, seed)
    for number in range(120):
        made.step()
        if number % 12 == 11:
            compare(made)


def test_a_question_with_few_matches_finds_the_same_as_one_with_many(
    database: Database, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
):
    made = Library(database, tmp_path, now, 3)
    for _ in range(60):
        made.step()
    monkeypatch.setattr(media.lists, "_FEW", 0)
    compare(made)


@pytest.mark.parametrize("seed", [5, 6])
def test_every_wrong_count_is_found_and_corrected(database: Database, tmp_path: Path, now: datetime, seed: int):
    made = Library(database, tmp_path, now, seed)
    for _ in range(70):
        made.step()
    items = made.items()
    wrong: tuple[Any, ...] = (
        update(MediaItem).values(files_count=MediaItem.files_count + 1),
        update(MediaItem).values(size_bytes=7),
        update(MediaItem).values(best_resolution=1),
        update(MediaItem).values(best_quality="Unknown"),
        update(MediaItem).values(upgradable=~MediaItem.upgradable),
        update(media.Version).values(files_count=9),
        update(media.Version).values(upgradable=~media.Version.upgradable),
        update(media.Episode).values(held=~media.Episode.held),
        update(media.Episode).values(complete=~media.Episode.complete),
        update(media.Episode).values(upgradable=~media.Episode.upgradable),
        update(HeldEpisode).values(upgradable=~HeldEpisode.upgradable),
        delete(HeldEpisode),
        update(library.MediaFile).values(size_bytes=library.MediaFile.size_bytes + 1),
        update(library.MediaFile).values(match_state="new"),
        update(library.MediaFile).values(quality=builders.Quality.from_name("HDTV-720p").to_json()),
        update(library.MediaFile).values(format_score=-5),
        update(library.MediaFile).values(faulty_since=now),
    )
    for statement in wrong:
        with database.writes() as session:
            session.execute(statement.where(_some(statement.table, made.chance)))
        with database.reads() as session:
            outdated = library.holdings.outdated_holdings(session, items)
            assert set(outdated) <= set(library.holdings.suspects(session)), str(statement)
        with database.writes() as session:
            library.holdings.refresh_many(session, now, outdated)
        with database.reads() as session:
            assert library.holdings.outdated_holdings(session, items) == [], str(statement)


def _some(table: Any, chance: random.Random) -> Any:
    """Return a condition that about half of the rows meet."""
    return func.substr(table.primary_key.columns[0], -1).in_(chance.sample("0123456789abcdef", 8))


@pytest.mark.real
@pytest.mark.skipif(postgres.PROGRAM is None, reason=postgres.MISSING)
@pytest.mark.xdist_group("postgres")
def test_postgresql_keeps_the_same_counts(tmp_path: Path, now: datetime):
    with RealPostgres() as server:
        database = Database(server.url.replace("postgresql:", "postgresql+psycopg:"))
        upgrade(database.engine)
        settings.bind(database, config.load({"DATA_DIR": str(tmp_path)}))
        made = Library(database, tmp_path, now, 4)
        for number in range(60):
            made.step()
            if number % 20 == 19:
                compare(made)
        with database.engine.connect() as connection:
            present = set(connection.exec_driver_sql("SELECT indexname FROM pg_indexes").scalars())
            connection.rollback()
        wanted = {index.name for table in Base.metadata.tables.values() for index in table.indexes}
        assert wanted - present == set()
        database.close()


def test_a_migrated_database_has_the_same_triggers_and_indexes_as_a_new_one(tmp_path: Path):
    def made_of(database: Database) -> dict[str, str]:
        with database.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'index') AND sql IS NOT NULL"
            ).all()
        return {str(name): " ".join(str(sql).replace('"', "").split()) for name, sql in rows}

    migrated, new = Database(f"sqlite:///{tmp_path / 'm.db'}"), Database(f"sqlite:///{tmp_path / 'n.db'}")
    upgrade(migrated.engine)
    Base.metadata.create_all(new.engine)
    assert made_of(migrated) == made_of(new)
