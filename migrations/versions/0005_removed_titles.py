"""library: removed titles, kept for as long as their removal can be undone"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "removed_titles",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("removal_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=True),
        sa.Column("snapshot", sa.JSON(), nullable=False),
        sa.Column("removed_by", sa.Text(), nullable=True),
        sa.Column("removed_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("files IN ('keep', 'recycle', 'delete')", name=op.f("ck_removed_titles_files")),
        sa.CheckConstraint("type IN ('movie', 'tv_show')", name=op.f("ck_removed_titles_type")),
        sa.ForeignKeyConstraint(
            ["removed_by"], ["users.id"], name=op.f("fk_removed_titles_removed_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removed_titles")),
    )
    for column in ("expires_at", "removal_id", "removed_by"):
        op.create_index(op.f(f"ix_removed_titles_{column}"), "removed_titles", [column])


def downgrade() -> None:
    op.drop_table("removed_titles")
