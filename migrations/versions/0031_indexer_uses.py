"""settings: levels of back-off, and how often indexers are asked"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("service_status") as batch:
        batch.add_column(sa.Column("level", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("service_status") as batch:
        batch.alter_column("level", server_default=None)
    op.create_table(
        "indexer_uses",
        sa.Column("indexer_id", sa.Text(), nullable=False),
        sa.Column("hour_at", sa.DateTime(), nullable=False),
        sa.Column("queries", sa.Integer(), nullable=False),
        sa.Column("grabs", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["indexer_id"], ["indexers.id"], name=op.f("fk_indexer_uses_indexer_id_indexers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("indexer_id", "hour_at", name=op.f("pk_indexer_uses")),
    )


def downgrade() -> None:
    op.drop_table("indexer_uses")
    with op.batch_alter_table("service_status") as batch:
        batch.drop_column("level")
