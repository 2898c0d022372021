"""media: titles found by their names are counted along indexes"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_titles_search_row", "titles")
    op.create_index("ix_titles_search_row", "titles", ["search_row", "media_item_id"])
    op.create_index("ix_media_items_amounts", "media_items", ["id", "type", "size_bytes"])


def downgrade() -> None:
    op.drop_index("ix_media_items_amounts", "media_items")
    op.drop_index("ix_titles_search_row", "titles")
    op.create_index("ix_titles_search_row", "titles", ["search_row"], unique=True)
