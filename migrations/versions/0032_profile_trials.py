"""downloads: dry runs of quality profiles"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "profile_trials",
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("form", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name=op.f("ck_profile_trials_state")),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["quality_profiles.id"], name=op.f("fk_profile_trials_profile_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["users.id"], name=op.f("fk_profile_trials_requested_by_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_trials")),
    )
    op.create_index("ix_profile_trials_profile_id", "profile_trials", ["profile_id"])
    op.create_index("ix_profile_trials_requested_by", "profile_trials", ["requested_by"])


def downgrade() -> None:
    op.drop_table("profile_trials")
