"""downloads: which process imports a download; causes and states of searches are checked"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_CAUSES = "cause IN ('automatic', 'manual', 'rss', 'upgrade', 'backlog', 'added')"


def upgrade() -> None:
    with op.batch_alter_table("downloads") as batch:
        batch.add_column(sa.Column("import_owner", sa.Text(), nullable=True))
        batch.create_check_constraint(op.f("ck_downloads_cause"), _CAUSES)
    with op.batch_alter_table("searches") as batch:
        batch.create_check_constraint(op.f("ck_searches_state"), "state IN ('running', 'done')")


def downgrade() -> None:
    with op.batch_alter_table("searches") as batch:
        batch.drop_constraint(op.f("ck_searches_state"), type_="check")
    with op.batch_alter_table("downloads") as batch:
        batch.drop_constraint(op.f("ck_downloads_cause"), type_="check")
        batch.drop_column("import_owner")
