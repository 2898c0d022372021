"""settings: delay and release profiles; downloads: why a release waits"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def _profiles(*, new: bool) -> None:
    # Nothing has ever written to these two tables.
    op.drop_table("delay_profiles")
    op.drop_table("release_profiles")
    op.create_table(
        "delay_profiles",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enable_torrent", sa.Boolean(), nullable=False),
        sa.Column("enable_usenet", sa.Boolean(), nullable=False),
        sa.Column("preferred_protocol", sa.Text(), nullable=new),
        sa.Column("torrent_delay_min", sa.Integer(), nullable=False),
        sa.Column("usenet_delay_min", sa.Integer(), nullable=False),
        sa.Column("bypass_if_highest_quality", sa.Boolean(), nullable=False),
        sa.Column("bypass_above_score", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "preferred_protocol IN ('torrent', 'usenet')", name=op.f("ck_delay_profiles_preferred_protocol")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delay_profiles")),
    )
    added = [
        sa.Column("preferred", sa.JSON(), nullable=False),
        sa.Column("air_date_grace_days", sa.Integer(), nullable=True),
    ]
    op.create_table(
        "release_profiles",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("required", sa.JSON(), nullable=False),
        sa.Column("ignored", sa.JSON(), nullable=False),
        *(added if new else ()),
        sa.Column("indexer_id", sa.Text(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["indexer_id"], ["indexers.id"], name=op.f("fk_release_profiles_indexer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_profiles")),
    )
    op.create_index("ix_release_profiles_indexer_id", "release_profiles", ["indexer_id"])


def upgrade() -> None:
    _profiles(new=True)
    op.add_column("pending_releases", sa.Column("because", sa.JSON(), nullable=False, server_default="{}"))
    op.drop_index("ix_pending_releases_release_id", "pending_releases")
    op.create_index("ix_pending_releases_release_id", "pending_releases", ["release_id"], unique=True)


def downgrade() -> None:
    _profiles(new=False)
    op.drop_index("ix_pending_releases_release_id", "pending_releases")
    op.create_index("ix_pending_releases_release_id", "pending_releases", ["release_id"])
    op.drop_column("pending_releases", "because")
