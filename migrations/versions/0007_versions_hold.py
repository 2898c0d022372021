"""media: what each version holds, and the state of a film's version"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_STATES = (
    "state IN ('available', 'upgradable', 'downloading', 'blocked', 'partial', 'missing', 'upcoming', 'unmonitored')"
)
_ACTIVITIES = "activity IN ('downloading', 'blocked')"
# The first version of a title has the files that name no version.
_FIRST = """(
    SELECT versions.id FROM versions WHERE versions.media_item_id = {item}
    ORDER BY versions.position, versions.id LIMIT 1
)"""


def upgrade() -> None:
    with op.batch_alter_table("versions") as batch:
        batch.add_column(sa.Column("files_count", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("upgradable", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("activity", sa.Text(), nullable=True))
        batch.add_column(sa.Column("state", sa.Text(), nullable=True))
        batch.create_check_constraint(op.f("ck_versions_activity"), _ACTIVITIES)
        batch.create_check_constraint(op.f("ck_versions_state"), _STATES)
    with op.batch_alter_table("versions") as batch:
        batch.alter_column("files_count", server_default=None, existing_type=sa.Integer(), existing_nullable=False)
        batch.alter_column("upgradable", server_default=None, existing_type=sa.Boolean(), existing_nullable=False)
    op.create_index("ix_versions_state", "versions", ["state", "media_item_id"])
    with op.batch_alter_table("media_items") as batch:
        batch.add_column(sa.Column("lacking", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.create_check_constraint(op.f("ck_media_items_activity"), _ACTIVITIES)
    with op.batch_alter_table("media_items") as batch:
        batch.alter_column("lacking", server_default=None, existing_type=sa.Boolean(), existing_nullable=False)
    for name in ("lacking", "upgradable"):
        op.create_index(f"ix_media_items_{name}", "media_items", ["type", name, "sort_title", "id"])
    op.drop_index("ix_episodes_wanted", table_name="episodes")
    with op.batch_alter_table("episodes") as batch:
        batch.add_column(sa.Column("complete", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("episodes") as batch:
        batch.alter_column("complete", server_default=None, existing_type=sa.Boolean(), existing_nullable=False)
    op.create_index(
        "ix_episodes_wanted",
        "episodes",
        ["air_on", "id"],
        sqlite_where=sa.text("monitored = 1 AND complete = 0"),
        postgresql_where=sa.text("monitored AND NOT complete"),
    )
    op.create_index(
        "ix_episodes_upgradable",
        "episodes",
        ["air_on", "id"],
        sqlite_where=sa.text("monitored = 1 AND upgradable = 1"),
        postgresql_where=sa.text("monitored AND upgradable"),
    )
    op.create_table(
        "held_episodes",
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("episode_id", sa.Text(), nullable=False),
        sa.Column("upgradable", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["episode_id"], ["episodes.id"], name=op.f("fk_held_episodes_episode_id_episodes"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_held_episodes_version_id_versions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("version_id", "episode_id", name=op.f("pk_held_episodes")),
    )
    op.create_index("ix_held_episodes_episode_id", "held_episodes", ["episode_id"])
    # Until now every title had one version, so the title's values are the version's.
    op.execute(
        "INSERT INTO held_episodes (version_id, episode_id, upgradable)"
        f" SELECT {_FIRST.format(item='episodes.media_item_id')}, episodes.id, episodes.upgradable"
        " FROM episodes WHERE episodes.held"
    )
    op.execute("UPDATE episodes SET complete = held")
    op.execute("UPDATE media_items SET lacking = (type = 'movie' AND state = 'missing')")
    for column in ("files_count", "upgradable", "activity"):
        op.execute(
            f"UPDATE versions SET {column} = media_items.{column} FROM media_items"
            f" WHERE media_items.id = versions.media_item_id AND versions.id = {_FIRST.format(item='media_items.id')}"
        )
    op.execute(
        "UPDATE versions SET state = media_items.state FROM media_items"
        " WHERE media_items.id = versions.media_item_id AND media_items.type = 'movie'"
    )


def downgrade() -> None:
    op.drop_table("held_episodes")
    op.drop_index("ix_episodes_wanted", table_name="episodes")
    op.drop_index("ix_episodes_upgradable", table_name="episodes")
    with op.batch_alter_table("episodes") as batch:
        batch.drop_column("complete")
    op.create_index(
        "ix_episodes_wanted",
        "episodes",
        ["air_on", "id"],
        sqlite_where=sa.text("monitored = 1 AND held = 0"),
        postgresql_where=sa.text("monitored AND NOT held"),
    )
    for name in ("lacking", "upgradable"):
        op.drop_index(f"ix_media_items_{name}", table_name="media_items")
    with op.batch_alter_table("media_items") as batch:
        batch.drop_constraint(op.f("ck_media_items_activity"), type_="check")
        batch.drop_column("lacking")
    op.drop_index("ix_versions_state", table_name="versions")
    with op.batch_alter_table("versions") as batch:
        batch.drop_constraint(op.f("ck_versions_activity"), type_="check")
        batch.drop_constraint(op.f("ck_versions_state"), type_="check")
        for name in ("state", "activity", "upgradable", "files_count"):
            batch.drop_column(name)
