"""users: passkeys are found by their id"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("credentials") as table:
        table.add_column(sa.Column("lookup", sa.Text(), nullable=True))
        table.create_unique_constraint(op.f("uq_credentials_lookup"), ["lookup"])


def downgrade() -> None:
    with op.batch_alter_table("credentials") as table:
        table.drop_constraint(op.f("uq_credentials_lookup"), type_="unique")
        table.drop_column("lookup")
