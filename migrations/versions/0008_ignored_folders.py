"""library: folders whose files are ignored"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ignored_folders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("library_path_id", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_ignored_folders_created_by_users"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["library_path_id"],
            ["library_paths.id"],
            name=op.f("fk_ignored_folders_library_path_id_library_paths"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ignored_folders")),
        sa.UniqueConstraint("library_path_id", "folder", name=op.f("uq_ignored_folders_library_path_id_folder")),
    )
    op.create_index(op.f("ix_ignored_folders_created_by"), "ignored_folders", ["created_by"])


def downgrade() -> None:
    op.drop_index(op.f("ix_ignored_folders_created_by"), table_name="ignored_folders")
    op.drop_table("ignored_folders")
