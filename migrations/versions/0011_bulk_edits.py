"""bulk edits: one change to many titles as a job, with undo"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "title_edits",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("titles", sa.Integer(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'stopped', 'undoing', 'undone')", name=op.f("ck_title_edits_state")
        ),
        sa.CheckConstraint("media_type IN ('movie', 'tv_show')", name=op.f("ck_title_edits_media_type")),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["users.id"], name=op.f("fk_title_edits_requested_by_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_title_edits")),
    )
    op.create_index(op.f("ix_title_edits_requested_by"), "title_edits", ["requested_by"])
    op.create_table(
        "title_edit_lines",
        sa.Column("edit_id", sa.Text(), nullable=False),
        sa.Column("media_item_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("batches", sa.JSON(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'changed', 'done', 'failed', 'undone', 'kept')",
            name=op.f("ck_title_edit_lines_state"),
        ),
        sa.ForeignKeyConstraint(
            ["edit_id"], ["title_edits.id"], name=op.f("fk_title_edit_lines_edit_id_title_edits"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["media_item_id"],
            ["media_items.id"],
            name=op.f("fk_title_edit_lines_media_item_id_media_items"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("edit_id", "media_item_id", name=op.f("pk_title_edit_lines")),
    )
    op.create_index("ix_title_edit_lines_state", "title_edit_lines", ["edit_id", "state", "position"])
    op.create_index(op.f("ix_title_edit_lines_media_item_id"), "title_edit_lines", ["media_item_id"])


def downgrade() -> None:
    op.drop_table("title_edit_lines")
    op.drop_table("title_edits")
