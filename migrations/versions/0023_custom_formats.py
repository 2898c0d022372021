"""settings: custom formats with the guides they come from; matched formats of releases, downloads and files"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_KINDS = (
    "custom_format",
    "format_group",
    "quality_profile",
    "profile_groups",
    "quality_size",
    "naming",
    "conflicts",
)


def _formats(*columns: sa.Column) -> None:
    # Nothing has ever written to these two tables.
    op.drop_table("profile_formats")
    op.drop_table("custom_formats")
    op.create_table(
        "custom_formats",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("specs", sa.JSON(), nullable=False),
        sa.Column("include_in_rename", sa.Boolean(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_formats")),
        sa.UniqueConstraint("name", name=op.f("uq_custom_formats_name")),
    )
    op.create_table(
        "profile_formats",
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("format_id", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["format_id"],
            ["custom_formats.id"],
            name=op.f("fk_profile_formats_format_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"],
            ["quality_profiles.id"],
            name=op.f("fk_profile_formats_profile_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("profile_id", "format_id", name=op.f("pk_profile_formats")),
    )
    op.create_index("ix_profile_formats_format_id", "profile_formats", ["format_id"])


def upgrade() -> None:
    _formats(
        sa.Column("changed", sa.Boolean(), nullable=False),
        sa.Column("stopped", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
    )
    listed = ", ".join(f"'{kind}'" for kind in _KINDS)
    op.create_table(
        "guide_originals",
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=True),
        sa.Column("original", sa.JSON(), nullable=False),
        sa.Column("format_id", sa.Text(), nullable=True),
        sa.Column("profile_id", sa.Text(), nullable=True),
        sa.Column("applied", sa.JSON(), nullable=False),
        sa.Column("imported_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("app IN ('radarr', 'sonarr')", name=op.f("ck_guide_originals_app")),
        sa.CheckConstraint(f"kind IN ({listed})", name=op.f("ck_guide_originals_kind")),
        sa.ForeignKeyConstraint(
            ["format_id"], ["custom_formats.id"], name=op.f("fk_guide_originals_format_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["quality_profiles.id"], name=op.f("fk_guide_originals_profile_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("app", "kind", "key", name=op.f("pk_guide_originals")),
    )
    op.create_index("ix_guide_originals_format_id", "guide_originals", ["format_id"])
    op.create_index("ix_guide_originals_profile_id", "guide_originals", ["profile_id"])
    op.create_table(
        "guide_imports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guide_imports")),
    )
    for table, column, empty in _ADDED:
        # The default stays, because removing it would copy the whole table in SQLite.
        op.add_column(table, sa.Column(column, sa.JSON(), nullable=False, server_default=empty))


_ADDED = (
    ("quality_profiles", "quality_sizes", "{}"),
    ("releases", "formats", "[]"),
    ("downloads", "formats", "[]"),
    ("downloads", "flags", "[]"),
    ("media_files", "indexer_flags", "[]"),
)


def downgrade() -> None:
    for table, column, _ in reversed(_ADDED):
        op.drop_column(table, column)
    op.drop_table("guide_imports")
    op.drop_table("guide_originals")
    _formats(
        sa.Column("trash_id", sa.Text(), nullable=True),
        sa.UniqueConstraint("trash_id", name=op.f("uq_custom_formats_trash_id")),
    )
