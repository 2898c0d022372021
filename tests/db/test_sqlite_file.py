"""Small SQLite files: shared between threads and processes, and replaced when they are damaged."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mydia.db import SqliteFile
from mydia.errors import Unavailable

STEPS = ("CREATE TABLE IF NOT EXISTS words (word TEXT)",)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "words.db"


@pytest.fixture
def file(path: Path) -> Iterator[SqliteFile]:
    made = SqliteFile(path, STEPS)
    yield made
    made.close()


def write(file: SqliteFile, word: str) -> None:
    with file.writes() as connection:
        connection.execute("INSERT INTO words VALUES (?)", (word,))


def words(file: SqliteFile) -> list[str]:
    return [row[0] for row in file.rows("SELECT word FROM words ORDER BY rowid")]


def damage(path: Path, *, header: bool) -> None:
    """Overwrite the first bytes, or everything after the header page."""
    size = path.stat().st_size
    with path.open("r+b") as raw:
        raw.seek(0 if header else 100)
        raw.write(b"\x5a" * (100 if header else size - 100))
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)


def test_a_failed_change_leaves_nothing(file: SqliteFile) -> None:
    def fail() -> None:
        with file.writes() as connection:
            connection.execute("INSERT INTO words VALUES ('lost')")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert words(file) == []


def test_threads_and_processes_see_each_others_changes(file: SqliteFile, path: Path) -> None:
    other = SqliteFile(path, STEPS, parallel=True)
    before = file.version()
    threads = [threading.Thread(target=write, args=(other, str(number))) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(words(file)) == sorted(map(str, range(8)))
    assert file.version() != before
    other.close()


def test_new_migrations_are_applied_once_and_keep_existing_rows(file: SqliteFile, path: Path) -> None:
    write(file, "kept")
    newer = [SqliteFile(path, (*STEPS, "ALTER TABLE words ADD COLUMN language TEXT")) for _ in range(2)]
    for one in newer:
        assert one.rows("SELECT word, language FROM words") == [("kept", None)]
        one.close()


@pytest.mark.parametrize("header", [True, False])
def test_a_file_damaged_while_closed_is_replaced_and_kept_under_another_name(
    path: Path, *, header: bool, caplog: pytest.LogCaptureFixture
) -> None:
    first = SqliteFile(path, STEPS)
    write(first, "old")
    first.close()
    damage(path, header=header)
    with caplog.at_level(logging.WARNING):
        again = SqliteFile(path, STEPS)
        try:
            found = words(again)
        except Unavailable:
            found = words(again)
    assert found == []
    write(again, "new")
    assert words(again) == ["new"]
    assert len(list(path.parent.glob("words.db.damaged-*"))) == 1
    assert "damaged file replaced" in caplog.text
    again.close()


def test_an_empty_file_or_text_in_its_place_is_replaced(path: Path) -> None:
    path.parent.mkdir()
    for content in (b"", b"this is no database\n" * 400):
        path.write_bytes(content)
        file = SqliteFile(path, STEPS)
        assert words(file) == []
        file.close()


def test_a_file_damaged_while_open_is_replaced_for_every_handle(file: SqliteFile, path: Path) -> None:
    other = SqliteFile(path, STEPS)
    for number in range(200):
        write(file, "word" * 50 + str(number))
    file.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    assert len(words(other)) == 200
    other.close()
    with path.open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\x5a" * (path.stat().st_size - 4096))
    with pytest.raises(Unavailable, match="was damaged and has been replaced"):
        words(other)
    assert words(other) == []
    write(other, "new")
    assert words(file) == ["new"], "the first handle has moved to the new file"
    other.close()


def test_a_damaged_cache_is_deleted(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database\n" * 400)
    file = SqliteFile(path, STEPS, keep_damaged=False)
    assert words(file) == []
    assert not list(path.parent.glob("*damaged*"))
    file.close()


def test_many_handles_that_find_the_damage_at_once_create_one_new_file(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database\n" * 400)
    handles = [SqliteFile(path, STEPS) for _ in range(6)]
    begin = threading.Barrier(6)

    def use(file: SqliteFile, number: int) -> None:
        begin.wait()
        try:
            write(file, str(number))
        except Unavailable:
            write(file, str(number))

    threads = [threading.Thread(target=use, args=(file, number)) for number, file in enumerate(handles)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(words(handles[0])) == list("012345")
    assert len(list(path.parent.glob("words.db.damaged-*"))) == 1
    for file in handles:
        file.close()
