"""No page and no list of the API reads or sorts a whole table of titles, episodes or files.

SQLite is asked for the plan of each statement that a page issues. The test database has no statistics (`ANALYZE`), so SQLite
plans as if every table were large.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from mydia.contexts import media
from mydia.db import Database, maintenance
from tests import builders
from tests.web.pages.conftest import Browser, Server

_LARGE = ("media_items", "episodes", "media_files", "titles", "held_episodes", "file_episodes", "item_genres")
_FILM, _SHOW = "Metropolis", "The Cartographers"

PAGES = (
    *("/", "/movies", "/shows", "/calendar", "/calendar?view=agenda", "/calendar?type=movie", "/wanted", "/activity"),
    *("/wanted?kind=episodes", "/wanted/upgrades", "/wanted/upgrades?kind=episodes", "/activity/history", "/imports"),
    *("/activity?state=needs-you", "/activity/blocklist", "/imports?bucket=ready", "/imports?bucket=ignored"),
    *("/recycle-bin", "/settings/folders", "/settings/profiles", "/settings/general", "/settings/clients", "/account"),
    *("/settings/indexers", "/settings/metadata", "/settings/naming", "/settings/sizes", "/settings/users", "/system"),
    *("/system/tasks", "/system/backups", "/add", "/palette?q=metro", "/palette?q=", "/movies/studios", "/shows/studios"),
    *("/movies/grid?chunk=1", "/movies/rows", "/movies/columns", "/movies/filters"),
    *(f"/movies?sort={sort}&dir={way}" for sort in ("title", "added", "year", "rating", "size", "runtime") for way in ("asc", "desc")),
    *(f"/movies?view=table&sort={sort}" for sort in ("added", "rating")),
    *("/movies?state=missing", "/movies?genre=Drama", "/movies?genre=Drama&year_from=1920", "/movies?q=metro"),
    *("/movies?monitored=true&sort=rating", "/movies?status=released&year_to=1930", "/movies?resolution=1080&sort=size"),
    *("/movies?quality=Bluray-1080p&state=available", "/movies?size_from=1&sort=size", "/movies?year_from=1920&sort=year"),
    *("/movies?studio=ufa&sort=year", "/movies?profile_id=PROFILE", "/movies?library_path_id=PATH&sort=added"),
    *("/movies/FILM", "/movies/FILM?tab=files", "/movies/FILM?tab=history", "/movies/FILM?tab=details"),
    *("/shows/SHOW", "/shows/SHOW?tab=files", "/shows/SHOW?open=none", "/shows/SHOW/season/1", "/items/FILM/card"),
    *("/items/SHOW/history", "/items/FILM/edit", "/items/FILM/remove", "/items/SHOW/rename", "/items/SHOW/files"),
)  # fmt: skip
LISTS = (
    *("media?type=movie", "media", "media?sort=rating&descending=true", "media?type=tv_show&state=missing", "media/FILM"),
    *("media?genre=Drama", "media?q=metro", "media/SHOW/episodes", "media/SHOW/episodes?season=1", "media/FILM/files"),
    *("wanted", "wanted?upgrades=true", "wanted?type=tv_show", "wanted?type=tv_show&upgrades=true", "calendar"),
    *("calendar?type=movie", "calendar?monitored_only=true", "files", "files?match_state=new", "files?missing=true"),
    *("system/status", "history", "history?media_id=FILM", "inbox", "downloads", "blocklist", "library/scans", "tags"),
    *("library/scan-status", "library/paths", "quality-profiles", "recycle-bin", "removed-titles", "title-edits", "tasks"),
    *("saved-filters", "ignored-folders", "unknown-downloads", "media/FILM/releases", "media/FILM/searches"),
)  # fmt: skip

HARMLESS = {
    "ix_media_items_newest": "a partial index of what has files, in the order of the list, with a LIMIT",
    "ix_media_items_tvdb": "a partial index of which one row is asked for",
    "ix_media_items_refresh_error": "a partial index of titles whose refresh failed",
    "ix_media_files_new": "a partial index of files that wait for being matched",
    "ix_media_files_missing": "a partial index of missing files, with a LIMIT",
    "ix_media_files_failed": "a partial index of files that could not be analysed, with a LIMIT",
    "ix_media_files_left_out": "a partial index of extras and samples, with a LIMIT",
    "sqlite_autoindex_media_files_1": "the list of all files by id, with a LIMIT",
}
"""Index that may be walked along -> why that is not a problem."""


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Collect what is executed."""
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if not many and statement.lstrip().startswith(("SELECT", "WITH")):
            found.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def scans(database: Database, asked: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Return (step, statement) where a whole large table or index is read."""
    found: list[tuple[str, str]] = []
    connection = database.engine.raw_connection()
    try:
        for statement, parameters in dict(asked).items():
            names = {alias: table for table in _LARGE for alias in (table, *_aliases(statement, table))}
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall():
                scanned = re.match(r"SCAN (\w+)", step)
                if scanned and scanned[1] in names and not any(name in step.split() for name in HARMLESS):
                    found.append((step, " ".join(statement.split())))
    finally:
        connection.close()
    return found


_WIDE = {"type", "state", "kind", "match_state", "monitored", "held", "complete", "lacking", "upgradable", "<expr>"}
"""Columns of which one value leaves a large part of a table."""


def sorts(database: Database, asked: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Return (step, statement) where a large table is sorted or grouped in memory without a narrow condition.

    SQLite names such a sort `USE TEMP B-TREE`. It takes rows from the tables at the same place of the plan; the first one of these
    decides how many there are.
    """
    found: list[tuple[str, str]] = []
    connection = database.engine.raw_connection()
    try:
        for statement, parameters in dict(asked).items():
            names = {alias for table in _LARGE for alias in (table, *_aliases(statement, table))}
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            for _, parent, _, step in plan:
                # A sort by the last term only has the rows in memory that agree in the others.
                if not step.startswith("USE TEMP B-TREE") or "LAST TERM" in step:
                    continue
                tables = [other for _, of, _, other in plan if of == parent and other.startswith(("SEARCH", "SCAN"))]
                if tables and _is_wide(tables[0], names):
                    found.append((f"{step}: {tables[0]}", " ".join(statement.split())))
    finally:
        connection.close()
    return found


def _is_wide(step: str, names: set[str]) -> bool:
    """Return whether a step of a plan may yield a large part of a large table."""
    if step.split()[1] not in names or any(name in step.split() for name in HARMLESS):
        return False
    conditions = re.search(r"\((.*)\)", step)
    if conditions is None:
        return True
    said = conditions[1].split(" AND ")
    equal = {one.removesuffix("=?") for one in said if one.endswith("=?")}
    ranges = [re.split("[<>]", one)[0] for one in said if not one.endswith("=?")]
    return equal <= _WIDE and all(ranges.count(column) < 2 for column in ranges)


def _aliases(statement: str, table: str) -> list[str]:
    return re.findall(rf"\b{table} AS (\w+)", statement)


def _filled(server: Server, path: str) -> str:
    folder, profile = _one(server, "library_paths"), _one(server, "quality_profiles")
    filled = path.replace("FILM", server.ids[_FILM]).replace("SHOW", server.ids[_SHOW])
    return filled.replace("PATH", folder).replace("PROFILE", profile)


def _one(server: Server, table: str) -> str:
    with server.deps.database.engine.connect() as connection:
        found = str(connection.exec_driver_sql(f"SELECT id FROM {table}").scalar())
        connection.rollback()
    return found


@pytest.mark.parametrize("path", [*PAGES, *(f"/api/v1/{path}" for path in LISTS)])
def test_nothing_reads_or_sorts_a_whole_table(still: Server, reader: Browser, path: str) -> None:
    with statements(still.deps.database) as asked:
        headers = {"accept": "application/json"} if path.startswith("/api") else {"accept": "text/html"}
        if path == "/movies/rows":
            headers["hx-request"] = "true"
        assert reader.get(_filled(still, path), headers=headers).status_code == 200
    assert scans(still.deps.database, asked) == []
    assert sorts(still.deps.database, asked) == []


MOST_STATEMENTS = {
    "/": 40,
    "/movies": 20,
    "/movies?view=table": 21,
    "/shows": 20,
    "/movies/FILM": 44,
    "/shows/SHOW": 46,
    "/shows/SHOW/season/1": 17,
    "/wanted": 21,
    "/wanted/upgrades?kind=episodes": 27,
    "/calendar": 23,
    "/activity": 22,
    "/imports": 29,
    "/api/v1/media?type=movie": 10,
    "/api/v1/media/SHOW/episodes": 11,
    "/api/v1/files": 11,
}
"""Page -> the statements it may take, whatever the number of titles, with nothing remembered."""


@pytest.mark.parametrize("path", MOST_STATEMENTS)
def test_pages_take_few_statements(still: Server, reader: Browser, path: str) -> None:
    headers = {"accept": "application/json"} if path.startswith("/api") else {"accept": "text/html"}
    reader.get(_filled(still, path), headers=headers)
    with still.deps.database.writes() as session:
        session.execute(text("UPDATE media_items SET updated_at = updated_at"))
    with statements(still.deps.database) as asked:
        assert reader.get(_filled(still, path), headers=headers).status_code == 200
    assert len(asked) <= MOST_STATEMENTS[path], "\n".join(statement for statement, _ in asked)


def test_a_text_that_many_names_have_is_counted_along_indexes_and_listed_in_order(database: Database) -> None:
    with database.writes() as session:
        for number in range(200):
            builders.film(session, f"Metropolis {number}", 1927, tmdb_id=None)
    # As the daily maintenance does. Without statistics SQLite reads the rows themselves.
    maintenance.analyze(database)
    shape, words = ("type", "words"), {"type": "movie", "words": '"metro"*', "limit": 120, "skipped": 0}
    counted = _plan(database, media.lists._amount_select(shape, "words", alone=False), words)
    assert "SEARCH media_items USING COVERING INDEX ix_media_items_amounts (id=?)" in counted
    assert "SEARCH titles USING COVERING INDEX ix_titles_search_row (search_row=?)" in counted
    listed = _plan(database, media.lists._places_select(shape, None, "title", False, False), words)
    assert "SEARCH media_items USING COVERING INDEX ix_media_items_by_title (type=?)" in listed
    assert any(re.match(r"SEARCH titles .*\(media_item_id=\?", step) for step in listed), listed


def _plan(database: Database, query: Any, values: dict[str, Any]) -> list[str]:
    with statements(database) as asked, database.reads() as session:
        session.connection().execute(query, values).all()
        ((statement, parameters),) = asked
        return [row[3] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
