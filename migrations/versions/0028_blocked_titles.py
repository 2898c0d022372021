"""requests: titles that cannot be requested"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blocked_titles",
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("tmdb_id", sa.BigInteger(), nullable=True),
        sa.Column("tvdb_id", sa.BigInteger(), nullable=True),
        sa.Column("imdb_id", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("poster_path", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("blocked_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.CheckConstraint("type IN ('movie', 'tv_show')", name=op.f("ck_blocked_titles_type")),
        sa.ForeignKeyConstraint(
            ["blocked_by"], ["users.id"], name=op.f("fk_blocked_titles_blocked_by_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocked_titles")),
        sa.UniqueConstraint("type", "tmdb_id", name=op.f("uq_blocked_titles_type_tmdb_id")),
    )
    op.create_index("ix_blocked_titles_created", "blocked_titles", ["created_at", "id"])
    op.create_index(op.f("ix_blocked_titles_blocked_by"), "blocked_titles", ["blocked_by"])


def downgrade() -> None:
    op.drop_table("blocked_titles")
