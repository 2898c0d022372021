"""full-text search over the names of titles"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SQLITE = (
    (
        "CREATE VIRTUAL TABLE title_words USING fts5("
        "normalised, content='titles', content_rowid='search_row', tokenize='unicode61 remove_diacritics 0', prefix='1 2 3')"
    ),
    (
        "UPDATE titles SET search_row = numbered.number FROM "
        "(SELECT id, row_number() OVER (ORDER BY id) AS number FROM titles) AS numbered WHERE numbered.id = titles.id"
    ),
    "INSERT INTO title_words(title_words) VALUES ('rebuild')",
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
_POSTGRESQL = (
    "CREATE INDEX ix_titles_words ON titles USING gin (to_tsvector('simple', normalised))",
    "CREATE INDEX ix_titles_beginning ON titles (normalised text_pattern_ops)",
)


def upgrade() -> None:
    op.add_column("titles", sa.Column("search_row", sa.Integer(), nullable=True))
    op.create_index("ix_titles_search_row", "titles", ["search_row"], unique=True)
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER title_words_{name}")
        op.execute("DROP TABLE title_words")
    else:
        op.execute("DROP INDEX ix_titles_words")
        op.execute("DROP INDEX ix_titles_beginning")
    op.drop_index("ix_titles_search_row", "titles")
    op.drop_column("titles", "search_row")
