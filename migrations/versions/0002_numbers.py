"""integer ids for foreign APIs"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "numbers",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('item', 'episode', 'file')", name=op.f("ck_numbers_kind")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_numbers")),
        sa.UniqueConstraint("kind", "subject_id", name=op.f("uq_numbers_kind_subject_id")),
        sqlite_autoincrement=True,
    )
    op.execute("INSERT INTO numbers (kind, subject_id) SELECT 'item', id FROM media_items ORDER BY id")


def downgrade() -> None:
    op.drop_table("numbers")
