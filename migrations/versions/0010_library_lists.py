"""library lists: studio and best quality of titles, saved filters, chosen columns"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("media_items", sa.Column("studio", sa.Text(), nullable=True))
    op.add_column("media_items", sa.Column("best_quality", sa.Text(), nullable=True))
    op.create_index("ix_media_items_type_studio", "media_items", ["type", "studio"])
    op.create_index("ix_media_items_type_best_quality", "media_items", ["type", "best_quality"])
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("media_type IN ('movie', 'tv_show')", name=op.f("ck_saved_filters_media_type")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_saved_filters_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filters")),
        sa.UniqueConstraint("user_id", "media_type", "name", name=op.f("uq_saved_filters_user_id_media_type_name")),
    )
    op.create_table(
        "list_columns",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.CheckConstraint("media_type IN ('movie', 'tv_show')", name=op.f("ck_list_columns_media_type")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_list_columns_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "media_type", name=op.f("pk_list_columns")),
    )
    items = sa.table("media_items", sa.column("id"), sa.column("metadata_json", sa.JSON()), sa.column("studio"))
    bind = op.get_bind()
    for row in bind.execute(sa.select(items.c.id, items.c.metadata_json)).all():
        if studio := _studio(row.metadata_json):
            bind.execute(items.update().where(items.c.id == row.id).values(studio=studio))
    # The best quality of titles is filled by the job that compares titles with their profiles; every worker starts with it.


def _studio(told: Any) -> str | None:
    told = json.loads(told) if isinstance(told, str) else told
    names = told.get("networks") if isinstance(told, dict) else None
    return str(names[0]) if names else None


def downgrade() -> None:
    op.drop_table("list_columns")
    op.drop_table("saved_filters")
    op.drop_index("ix_media_items_type_best_quality", table_name="media_items")
    op.drop_index("ix_media_items_type_studio", table_name="media_items")
    with op.batch_alter_table("media_items") as batch:
        batch.drop_column("best_quality")
        batch.drop_column("studio")
