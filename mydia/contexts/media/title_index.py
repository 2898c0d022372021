"""The full-text index over the names of titles: FTS5 on SQLite, a GIN index on PostgreSQL. The database keeps it current.

SQLite's index has rows numbered by `titles.search_row`, not by the hidden row number, which VACUUM may change.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from sqlalchemy import DDL, Boolean, ColumnElement, Integer, Text, bindparam, event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

from mydia.contexts.media.models import Title
from mydia.parsing import normalise_title

SQLITE_INDEX = (
    (
        "CREATE VIRTUAL TABLE title_words USING fts5("
        "normalised, content='titles', content_rowid='search_row', tokenize='unicode61 remove_diacritics 0', prefix='1 2 3')"
    ),
    (
        "CREATE TRIGGER title_words_insert AFTER INSERT ON titles BEGIN "
        "UPDATE titles SET search_row = (SELECT coalesce(max(search_row), 0) + 1 FROM titles) WHERE id = new.id; "
        "INSERT INTO title_words(rowid, normalised) SELECT search_row, normalised FROM titles WHERE id = new.id; END"
    ),
    (
        "CREATE TRIGGER title_words_update AFTER UPDATE OF normalised ON titles BEGIN "
        "INSERT INTO title_words(title_words, rowid, normalised) VALUES ('delete', old.search_row, old.normalised); "
        "INSERT INTO title_words(rowid, normalised) VALUES (new.search_row, new.normalised); END"
    ),
    (
        "CREATE TRIGGER title_words_delete AFTER DELETE ON titles BEGIN "
        "INSERT INTO title_words(title_words, rowid, normalised) VALUES ('delete', old.search_row, old.normalised); END"
    ),
)
POSTGRESQL_INDEX = (
    "CREATE INDEX ix_titles_words ON titles USING gin (to_tsvector('simple', normalised))",
    'CREATE INDEX ix_titles_beginning ON titles (normalised COLLATE "C")',
)

for _statement in SQLITE_INDEX:
    event.listen(Title.__table__, "after_create", DDL(_statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
for _statement in POSTGRESQL_INDEX:
    event.listen(Title.__table__, "after_create", DDL(_statement).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]

_WORD = re.compile(r"[^\W_]+")
_LAST = "\U0010ffff"
"""Sorts after every character, so that `begins <= name < begins + _LAST` finds what begins so with an ordinary index."""


class HasWords(ColumnElement[bool]):
    """True for names that have words beginning with each word of the bound parameter `words`."""

    inherit_cache = True
    type = Boolean()
    sql: ClassVar[dict[str, str]] = {
        "sqlite": "titles.search_row IN (SELECT rowid FROM title_words WHERE title_words MATCH {0})",
        "postgresql": "to_tsvector('simple', titles.normalised) @@ to_tsquery('simple', {0})",
    }
    parameters: ClassVar[tuple[str, ...]] = ("words",)

    def self_group(self, against: Any = None) -> HasWords:
        """Return the condition itself: as `(…) = 1`, which SQLAlchemy makes of it otherwise, it would use no index."""
        return self


class OfTitleHasWords(HasWords):
    """`HasWords` for the few names of one title: SQLite must not look up each name that has the words."""

    inherit_cache = True
    sql: ClassVar[dict[str, str]] = {**HasWords.sql, "sqlite": f"+{HasWords.sql['sqlite']}"}


class Begins(HasWords):
    """True for names that begin with the bound parameter `begins`; `begins_end` bounds the range."""

    inherit_cache = True
    sql: ClassVar[dict[str, str]] = {
        "sqlite": "(titles.normalised >= {0} AND titles.normalised < {1})",
        "postgresql": '(titles.normalised COLLATE "C" >= {0} AND titles.normalised COLLATE "C" < {1})',
    }
    parameters: ClassVar[tuple[str, ...]] = ("begins", "begins_end")


class NameOrder(ColumnElement[str]):
    """The order of names in the index that `Begins` uses; PostgreSQL would sort all names that begin so in any other order."""

    inherit_cache = True
    type = Text()
    sql: ClassVar[dict[str, str]] = {
        "sqlite": "titles.normalised",
        "postgresql": 'titles.normalised COLLATE "C"',
    }


@compiles(NameOrder)
def _compile_order(element: NameOrder, compiler: SQLCompiler, **_options: Any) -> str:
    return element.sql[compiler.dialect.name]


class RowsWithWords(ColumnElement[int]):
    """The number of names with words beginning with each word of the bound parameter `words`.

    Args:
        most: Where counting stops.
    """

    inherit_cache = False
    type = Integer()

    def __init__(self, most: int) -> None:
        self.most = most


@compiles(RowsWithWords)
def _compile_rows(element: RowsWithWords, compiler: SQLCompiler, **options: Any) -> str:
    words = compiler.process(bindparam("words", type_=Text()), **options)
    rows = {
        "sqlite": f"SELECT 1 FROM title_words WHERE title_words MATCH {words}",
        "postgresql": f"SELECT 1 FROM titles WHERE to_tsvector('simple', normalised) @@ to_tsquery('simple', {words})",
    }
    return f"(SELECT count(*) FROM ({rows[compiler.dialect.name]} LIMIT {element.most}) AS found)"


@compiles(HasWords)
def _compile(element: HasWords, compiler: SQLCompiler, **options: Any) -> str:
    bound = [compiler.process(bindparam(name, type_=Text()), **options) for name in element.parameters]
    return element.sql[compiler.dialect.name].format(*bound)


def typed(text: str, session: Session) -> dict[str, str]:
    """Return the parameters of both conditions for what somebody has typed so far.

    Every word is a prefix and all must occur. A text without words, such as `!`, finds nothing.
    """
    normalised = normalise_title(text)
    words = _WORD.findall(normalised) or _WORD.findall(text.lower()) or [_LAST]
    if session.get_bind().dialect.name == "postgresql":
        query = " & ".join(f"'{word}':*" for word in words)
    else:
        query = " ".join(f'"{word}"*' for word in words)
    begins = normalised or _LAST
    return {"words": query, "begins": begins, "begins_end": begins + _LAST}
