"""downloads: reasons as codes, ownership, observed idle time; one torrent may serve two titles"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("downloads") as table:
        table.add_column(sa.Column("owned", sa.Boolean(), nullable=False, server_default=sa.true()))
        table.add_column(sa.Column("parsed", sa.JSON(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("trouble", sa.JSON(), nullable=True))
        table.add_column(sa.Column("idle_s", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("block_code", sa.Text(), nullable=True))
        table.add_column(sa.Column("interrupted_at", sa.DateTime(), nullable=True))
        table.drop_constraint(op.f("uq_downloads_client_id_client_ref"), type_="unique")
        table.create_index("ix_downloads_client", ["client_id", "client_ref"])
    with op.batch_alter_table("downloads") as table:
        for name in ("owned", "parsed", "idle_s"):
            table.alter_column(name, server_default=None)
    # What a person adopted was not added by Mydia. Only such downloads came from no release.
    op.execute(sa.text("UPDATE downloads SET owned = false WHERE release_guid IS NULL"))
    with op.batch_alter_table("releases") as table:
        table.add_column(sa.Column("minimum_ratio", sa.Float(), nullable=True))
        table.add_column(sa.Column("minimum_seed_time_min", sa.Integer(), nullable=True))
    with op.batch_alter_table("blocklist") as table:
        table.add_column(sa.Column("because", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("blocklist") as table:
        table.alter_column("because", server_default=None)
    with op.batch_alter_table("unknown_downloads") as table:
        table.add_column(sa.Column("wanted_for", sa.Text(), nullable=True))
        table.create_foreign_key(
            op.f("fk_unknown_downloads_wanted_for"),
            "media_items",
            ["wanted_for"],
            ["id"],
            ondelete="SET NULL",
        )
        table.create_index(op.f("ix_unknown_downloads_wanted_for"), ["wanted_for"])


def downgrade() -> None:
    with op.batch_alter_table("unknown_downloads") as table:
        table.drop_index(op.f("ix_unknown_downloads_wanted_for"))
        table.drop_constraint(op.f("fk_unknown_downloads_wanted_for"), type_="foreignkey")
        table.drop_column("wanted_for")
    with op.batch_alter_table("blocklist") as table:
        table.drop_column("because")
    with op.batch_alter_table("releases") as table:
        table.drop_column("minimum_seed_time_min")
        table.drop_column("minimum_ratio")
    with op.batch_alter_table("downloads") as table:
        table.drop_index("ix_downloads_client")
        table.create_unique_constraint(op.f("uq_downloads_client_id_client_ref"), ["client_id", "client_ref"])
        for name in ("interrupted_at", "block_code", "idle_s", "trouble", "parsed", "owned"):
            table.drop_column(name)
