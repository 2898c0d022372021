"""downloads: how far the feed of each indexer was read; settings: indexers whose feed is read"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_REASONS = ("feed_short", "limit", "failed")


def upgrade() -> None:
    with op.batch_alter_table("indexers") as batch:
        batch.add_column(sa.Column("rss", sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table("indexers") as batch:
        batch.alter_column("rss", server_default=None)
    op.create_table(
        "feed_states",
        sa.Column("indexer_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("published_at", sa.DateTime(), nullable=True),
        sa.Column("read_at", sa.DateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("gap_from", sa.DateTime(), nullable=True),
        sa.Column("gap_to", sa.DateTime(), nullable=True),
        sa.Column("gap_reason", sa.Text(), nullable=True),
        sa.Column("gap_found_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint(
            "gap_reason IN ({})".format(", ".join(f"'{one}'" for one in _REASONS)),
            name=op.f("ck_feed_states_gap_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["indexer_id"], ["indexers.id"], name=op.f("fk_feed_states_indexer_id_indexers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("indexer_id", name=op.f("pk_feed_states")),
    )


def downgrade() -> None:
    op.drop_table("feed_states")
    with op.batch_alter_table("indexers") as batch:
        batch.drop_column("rss")
