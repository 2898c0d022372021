"""library: the index of match states has only files that are not matched"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_media_files_match_state", "media_files")
    where = sa.text("match_state <> 'matched'")
    op.create_index(
        "ix_media_files_unmatched", "media_files", ["match_state", "id"], sqlite_where=where, postgresql_where=where
    )


def downgrade() -> None:
    op.drop_index("ix_media_files_unmatched", "media_files")
    op.create_index("ix_media_files_match_state", "media_files", ["match_state", "id"])
