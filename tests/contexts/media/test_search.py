"""Searching the library while typing."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from mydia.contexts import media
from mydia.contexts.metadata import OtherTitle
from mydia.db import Base, Database, put_back, take_snapshot, upgrade
from tests.contexts.media.conftest import film


@pytest.fixture
def search(stocked, admin):
    def found(typed, limit=8):
        with stocked.reads() as session:
            return [card.title for card in media.lists.search_library(session, admin, typed, limit=limit)]

    return found


@pytest.fixture
def filtered(stocked, admin):
    def found(typed):
        with stocked.reads() as session:
            cards, _ = media.lists.list_items(session, admin, media.lists.ItemQuery(text=typed))
            return [card.title for card in cards]

    return found


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("pass", "The Passion of Joan of Arc"),
        ("joan pas", "The Passion of Joan of Arc"),
        ("the passion of j", "The Passion of Joan of Arc"),
        ("amelie", "Amélie"),
        ("fabuleux", "Amélie"),
        ("СТАЛ", "Сталкер"),
        ("千と", "千と千尋の神隠し"),
        ("神隠", "千と千尋の神隠し"),
        ("rocky i", None),
        ("rocky 2", "Rocky II"),
        ("wall-e", "WALL·E"),
        ("assion", None),
        ("joan stalker", None),
        ("!", None),
        ('"', None),
        ("* OR NEAR(passion joan)", None),
        ("passion -joan", "The Passion of Joan of Arc"),
        ("' & joan | x", None),
    ],
)
def test_typed_text_matches_prefixes_of_words(add, search, filtered, typed, title):
    add(film("The Passion of Joan of Arc", 1928, 780))
    add(film("Amélie", 2001, 194, titles=(OtherTitle("Le Fabuleux Destin d'Amélie Poulain", "original"),)))
    add(film("Сталкер", 1979, 1398))
    add(film("千と千尋の神隠し", 2001, 129))
    add(film("Rocky II", 1979, 1367))
    add(film("WALL·E", 2008, 10681))
    assert search(typed) == filtered(typed) == ([title] if title else [])


def test_names_starting_with_the_text_rank_before_those_containing_it(add, search):
    for number, title in enumerate(("Morning Star", "Stardust", "Lone Star", "Star Wars")):
        add(film(title, 1990 + number, 100 + number))
    assert search("star") == ["Star Wars", "Stardust", "Lone Star", "Morning Star"]
    assert search("star", limit=2) == ["Star Wars", "Stardust"]


def test_a_title_with_several_matching_names_is_found_once(add, search):
    add(film("Star Wars", 1977, 11, titles=(OtherTitle("Star Wars: A New Hope", "alternative"),)))
    assert search("star") == ["Star Wars"]


def test_the_index_follows_changes_removals_and_a_vacuum(add, stocked, admin, now, search):
    gone = add(film("Metropolis", 1927, 19))
    kept = add(film("Nosferatu", 1922, 653))
    with stocked.writes() as session:
        session.add(
            media.Title(
                media_item_id=kept,
                title="Eine Symphonie des Grauens",
                normalised="eine symphonie des grauens",
                kind="user",
            )
        )
        media.remove_row(session, admin, now, gone, files_deleted=0)
    with stocked.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("VACUUM")
    add(film("Faust", 1926, 10728))
    assert [search("metropolis"), search("symph"), search("faust")] == [[], ["Nosferatu"], ["Faust"]]
    with stocked.writes() as session:
        # FTS5 compares its index with the table and raises if they differ.
        session.execute(text("INSERT INTO title_words(title_words, rank) VALUES ('integrity-check', 1)"))


def test_a_restored_title_is_found_along_with_one_added_meanwhile(add, stocked, admin, now, search):
    gone = add(film("Metropolis", 1927, 19))
    with stocked.writes() as session:
        snapshot = take_snapshot(session, media.MediaItem, gone)
        media.remove_row(session, admin, now, gone, files_deleted=0)
    add(film("Faust", 1926, 10728))
    with stocked.writes() as session:
        put_back(session, snapshot)
    assert [search("metropolis"), search("faust")] == [["Metropolis"], ["Faust"]]


def test_a_migrated_database_has_the_same_index_as_a_new_one(tmp_path):
    def index_of(database):
        with database.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name LIKE 'title_words%'")
            return sorted(str(row[0]) for row in rows)

    migrated, new = Database(f"sqlite:///{tmp_path / 'm.db'}"), Database(f"sqlite:///{tmp_path / 'n.db'}")
    upgrade(migrated.engine)
    Base.metadata.create_all(new.engine)
    assert index_of(migrated) == index_of(new) != []
