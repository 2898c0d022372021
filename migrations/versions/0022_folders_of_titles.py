"""media: an index finds the title that has a folder"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_media_items_folder ON media_items (library_path_id, lower(folder))")
    op.drop_index("ix_media_items_library_path_id", "media_items")


def downgrade() -> None:
    op.create_index("ix_media_items_library_path_id", "media_items", ["library_path_id"])
    op.drop_index("ix_media_items_folder", "media_items")
