"""media: an index for each order of the lists, counts of titles kept by triggers, genres as rows"""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

LISTED = (
    "state",
    "year",
    "monitored",
    "status",
    "best_resolution",
    "best_quality",
    "library_path_id",
    "studio",
    "size_bytes",
)
KEYS = {
    "title": "sort_title",
    "added": "added_at",
    "year": "coalesce(year, 0)",
    "size": "size_bytes",
    "rating": "coalesce(rating, 0.0)",
    "runtime": "coalesce(runtime_min, 0)",
}
OLD_INDEXES = {
    "ix_media_items_type_sort": ["type", "sort_title", "id"],
    "ix_media_items_type_state_sort": ["type", "state", "sort_title", "id"],
    "ix_media_items_type_added": ["type", "added_at", "id"],
    "ix_media_items_type_year": ["type", "year", "id"],
    "ix_media_items_type_studio": ["type", "studio"],
    "ix_media_items_type_best_quality": ["type", "best_quality"],
}


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        # It was created with 32 bits, too few for a movie of more than 2 GB.
        op.alter_column("media_items", "size_bytes", type_=sa.BigInteger())
    for name in ("missing_count", "upgradable_count"):
        op.add_column("media_items", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    for name in OLD_INDEXES:
        op.drop_index(name, "media_items")
    for name, key in KEYS.items():
        kept = [column for column in LISTED if column != key]
        op.create_index(
            f"ix_media_items_by_{name}", "media_items", ["type", sa.text(key) if "(" in key else key, "id", *kept]
        )
    op.create_index("ix_media_items_added", "media_items", ["added_at", "id", "state"])
    _create_tables()
    _count_wanted()
    _fill(dialect)
    for statement in _sqlite() if dialect == "sqlite" else _postgresql():
        op.execute(statement)


def _create_tables() -> None:
    op.create_table(
        "item_genres",
        sa.Column("media_item_id", sa.Text(), nullable=False),
        sa.Column("genre", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("monitored", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("best_resolution", sa.Integer(), nullable=True),
        sa.Column("best_quality", sa.Text(), nullable=True),
        sa.Column("library_path_id", sa.Text(), nullable=True),
        sa.Column("studio", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["media_item_id"],
            ["media_items.id"],
            name=op.f("fk_item_genres_media_item_id_media_items"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("media_item_id", "genre", name=op.f("pk_item_genres")),
    )
    op.create_table(
        "list_counts",
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("facet", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("titles", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("upgradable", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("type", "facet", "value", name=op.f("pk_list_counts")),
    )


def _count_wanted() -> None:
    """Count what is missing and upgradable of each title, as `media.holdings.refresh_state` does from now on."""
    films = (
        "UPDATE media_items SET {column} = (SELECT count(*) FROM versions WHERE versions.media_item_id = media_items.id "
        "AND versions.state = '{state}') WHERE type = 'movie'"
    )
    for column, state in (("missing_count", "missing"), ("upgradable_count", "upgradable")):
        op.execute(films.format(column=column, state=state))
    wanted = (
        "FROM episodes JOIN versions ON versions.media_item_id = episodes.media_item_id {held} "
        "WHERE episodes.media_item_id = media_items.id AND episodes.monitored AND versions.monitored "
        "AND episodes.air_on <= current_date {state}"
    )
    pair = "held_episodes ON held_episodes.version_id = versions.id AND held_episodes.episode_id = episodes.id"
    missing = wanted.format(held=f"LEFT JOIN {pair}", state="AND held_episodes.version_id IS NULL")
    upgradable = wanted.format(held=f"JOIN {pair}", state="AND held_episodes.upgradable")
    for column, rows in (("missing_count", missing), ("upgradable_count", upgradable)):
        op.execute(f"UPDATE media_items SET {column} = (SELECT count(*) {rows}) WHERE type = 'tv_show' AND monitored")


def _fill(dialect: str) -> None:
    genres = _EACH_GENRE[dialect].format(row="media_items")
    op.execute(
        f"INSERT INTO item_genres (media_item_id, genre, type, {', '.join(LISTED)}) "
        "SELECT DISTINCT media_items.id, lower(CAST(each_genre.value AS TEXT)), media_items.type, "
        f"{', '.join(f'media_items.{name}' for name in LISTED)} FROM media_items, {genres} WHERE each_genre.value IS NOT NULL"
    )
    op.create_index("ix_item_genres_listed", "item_genres", ["type", "genre", "media_item_id", *LISTED])
    numbers = "count(*), sum(size_bytes), sum(missing_count), sum(upgradable_count)"
    into = "INSERT INTO list_counts (type, facet, value, titles, size_bytes, missing, upgradable)"
    for facet, sql in FACETS.items():
        value = sql.format(row="media_items")
        op.execute(
            f"{into} SELECT type, '{facet}', {value} AS counted, {numbers} FROM media_items "
            f"WHERE {value} IS NOT NULL GROUP BY type, counted"
        )
    op.execute(
        f"{into} SELECT type, '{GENRE}', genre, {numbers} FROM "
        "(SELECT DISTINCT media_items.id, media_items.type, CAST(each_genre.value AS TEXT) AS genre, size_bytes, missing_count, "
        "upgradable_count "
        f"FROM media_items, {genres} WHERE each_genre.value IS NOT NULL) AS each_title GROUP BY type, genre"
    )


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    for name in TRIGGERS:
        op.execute(f"DROP TRIGGER {name}" + (" ON media_items" if dialect == "postgresql" else ""))
        if dialect == "postgresql":
            op.execute(f"DROP FUNCTION {name}()")
    op.drop_table("list_counts")
    op.drop_table("item_genres")
    op.drop_index("ix_media_items_added", "media_items")
    for name in KEYS:
        op.drop_index(f"ix_media_items_by_{name}", "media_items")
    for name, columns in OLD_INDEXES.items():
        op.create_index(name, "media_items", columns)
    for name in ("missing_count", "upgradable_count"):
        op.drop_column("media_items", name)


TRIGGERS = ("list_counts_insert", "list_counts_delete", "list_counts_update", "item_genres_copy", "item_genres_update")

FACETS = {
    "all": "''",
    "state": "{row}.state",
    "initial": "substr({row}.sort_title, 1, 1)",
    "year": "CAST({row}.year AS TEXT)",
    "monitored": "CASE WHEN {row}.monitored THEN '1' ELSE '0' END",
    "status": "{row}.status",
    "resolution": "CAST({row}.best_resolution AS TEXT)",
    "quality": "{row}.best_quality",
    "library_path_id": "{row}.library_path_id",
    "studio": "{row}.studio",
}
GENRE = "genre"
_WATCHED = (*(name for name in LISTED), "type", "sort_title", "genres", "missing_count", "upgradable_count")
_EACH_GENRE = {
    "sqlite": "json_each({row}.genres) AS each_genre",
    "postgresql": "json_array_elements_text({row}.genres) AS each_genre(value)",
}


def _signed(dialect: str, row: str, sign: int) -> str:
    """Return a select of what one version of a row adds to the counts, or takes from them."""
    source = _EACH_GENRE[dialect].format(row=row)
    values = [f"SELECT '{facet}' AS facet, {sql.format(row=row)} AS value" for facet, sql in FACETS.items()]
    values.append(f"SELECT DISTINCT '{GENRE}', CAST(each_genre.value AS TEXT) FROM {source}")
    numbers = (f"{row}.size_bytes", f"{row}.missing_count", f"{row}.upgradable_count")
    signed = ", ".join(f"{sign} * {number} AS {name}" for number, name in zip(numbers, ("b", "m", "u"), strict=True))
    return f"SELECT {row}.type AS type, facet, value, {sign} AS t, {signed} FROM ({' UNION ALL '.join(values)}) AS f"


def _count(dialect: str, *parts: str) -> str:
    """Return the statement that adds up the changes of one row and applies those that are left."""
    changes = " UNION ALL ".join(parts)
    sums = "sum(t), sum(b), sum(m), sum(u)"
    return (
        f"INSERT INTO list_counts (type, facet, value, titles, size_bytes, missing, upgradable) "
        f"SELECT type, facet, value, {sums} FROM ({changes}) AS changes WHERE value IS NOT NULL "
        "GROUP BY type, facet, value HAVING sum(t) <> 0 OR sum(b) <> 0 OR sum(m) <> 0 OR sum(u) <> 0 "
        "ON CONFLICT (type, facet, value) DO UPDATE SET titles = list_counts.titles + excluded.titles, "
        "size_bytes = list_counts.size_bytes + excluded.size_bytes, missing = list_counts.missing + excluded.missing, "
        "upgradable = list_counts.upgradable + excluded.upgradable"
    )


def _add_genres(dialect: str, row: str) -> str:
    source = _EACH_GENRE[dialect].format(row=row)
    columns = ", ".join(LISTED)
    copied = ", ".join(f"{row}.{name}" for name in LISTED)
    return (
        f"INSERT INTO item_genres (media_item_id, genre, type, {columns}) "
        f"SELECT DISTINCT {row}.id, lower(CAST(each_genre.value AS TEXT)), {row}.type, {copied} "
        f"FROM {source} WHERE each_genre.value IS NOT NULL"
    )


_COPY = f"UPDATE item_genres SET {', '.join(f'{name} = new.{name}' for name in ('type', *LISTED))} WHERE media_item_id = new.id"
_DROP_GENRES = "DELETE FROM item_genres WHERE media_item_id = old.id"
_TABLE_IS = "ON media_items FOR EACH ROW"


def _differs(names: Iterable[str]) -> str:
    """Return the condition of a trigger after updates; text is compared, because PostgreSQL cannot compare JSON."""
    return " OR ".join(f"CAST(old.{name} AS TEXT) IS DISTINCT FROM CAST(new.{name} AS TEXT)" for name in names)


def _sqlite() -> tuple[str, ...]:
    old, new = _signed("sqlite", "old", -1), _signed("sqlite", "new", 1)
    return (
        (
            f"CREATE TRIGGER list_counts_insert AFTER INSERT {_TABLE_IS} BEGIN "
            f"{_count('sqlite', new)}; {_add_genres('sqlite', 'new')}; END"
        ),
        f"CREATE TRIGGER list_counts_delete AFTER DELETE {_TABLE_IS} BEGIN {_count('sqlite', old)}; {_DROP_GENRES}; END",
        (
            f"CREATE TRIGGER list_counts_update AFTER UPDATE OF {', '.join(_WATCHED)} {_TABLE_IS} "
            f"WHEN {_differs(_WATCHED)} BEGIN {_count('sqlite', old, new)}; END"
        ),
        (
            f"CREATE TRIGGER item_genres_copy AFTER UPDATE OF {', '.join(('type', *LISTED))} {_TABLE_IS} "
            f"WHEN {_differs(('type', *LISTED))} BEGIN {_COPY}; END"
        ),
        (
            f"CREATE TRIGGER item_genres_update AFTER UPDATE OF genres {_TABLE_IS} "
            f"WHEN {_differs(('genres',))} BEGIN {_DROP_GENRES}; {_add_genres('sqlite', 'new')}; END"
        ),
    )


def _postgresql() -> tuple[str, ...]:
    old, new = _signed("postgresql", "old", -1), _signed("postgresql", "new", 1)
    bodies = {
        "list_counts_insert": ("AFTER INSERT", "", f"{_count('postgresql', new)}; {_add_genres('postgresql', 'new')};"),
        "list_counts_delete": ("AFTER DELETE", "", f"{_count('postgresql', old)}; {_DROP_GENRES};"),
        "list_counts_update": (
            f"AFTER UPDATE OF {', '.join(_WATCHED)}",
            f"WHEN ({_differs(_WATCHED)})",
            f"{_count('postgresql', old, new)};",
        ),
        "item_genres_copy": (
            f"AFTER UPDATE OF {', '.join(('type', *LISTED))}",
            f"WHEN ({_differs(('type', *LISTED))})",
            f"{_COPY};",
        ),
        "item_genres_update": (
            "AFTER UPDATE OF genres",
            f"WHEN ({_differs(('genres',))})",
            f"{_DROP_GENRES}; {_add_genres('postgresql', 'new')};",
        ),
    }
    found: list[str] = []
    for name, (moment, condition, body) in bodies.items():
        found.append(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"'BEGIN {body.replace(chr(39), 2 * chr(39))} RETURN NULL; END'"
        )
        found.append(f"CREATE TRIGGER {name} {moment} {_TABLE_IS} {condition} EXECUTE FUNCTION {name}()")
    return tuple(found)
