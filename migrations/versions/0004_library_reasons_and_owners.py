"""library: reasons as codes, causes with references, owners of running operations, and what a library folder looks like"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "library_identities",
        sa.Column("library_path_id", sa.Text(), nullable=False),
        sa.Column("is_mount", sa.Boolean(), nullable=False),
        sa.Column("device", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["library_path_id"],
            ["library_paths.id"],
            name=op.f("fk_library_identities_library_path_id_library_paths"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("library_path_id", name=op.f("pk_library_identities")),
    )
    op.add_column("media_files", sa.Column("left_out", sa.Text(), nullable=True))
    for table in ("scans", "inbox"):
        op.add_column(table, sa.Column("reason_code", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("reason_facts", sa.JSON(), nullable=False, server_default="{}"))
        with op.batch_alter_table(table) as batch:
            batch.alter_column("reason_facts", server_default=None, existing_type=sa.JSON(), existing_nullable=False)
    op.add_column("journal", sa.Column("cause_ref", sa.Text(), nullable=True))
    op.add_column("journal", sa.Column("content", sa.Text(), nullable=True))
    op.add_column("journal", sa.Column("owner", sa.Text(), nullable=True))
    op.add_column("journal", sa.Column("seen_at", sa.DateTime(), nullable=True))
    op.add_column("recycle_bin", sa.Column("batch_id", sa.Text(), nullable=True))
    # `import <download id>` becomes the cause `import` and the reference; `import by hand` has no reference.
    journal = sa.table("journal", sa.column("id"), sa.column("cause"), sa.column("cause_ref"))
    recycled = sa.table("recycle_bin", sa.column("id"), sa.column("reason"))
    bind = op.get_bind()
    for row in bind.execute(sa.select(journal.c.id, journal.c.cause).where(journal.c.cause.like("% %"))).all():
        cause, _, ref = row.cause.partition(" ")
        bind.execute(
            journal.update()
            .where(journal.c.id == row.id)
            .values(cause=cause, cause_ref=None if ref == "by hand" else ref)
        )
    for row in bind.execute(sa.select(recycled.c.id, recycled.c.reason).where(recycled.c.reason.like("% %"))).all():
        bind.execute(recycled.update().where(recycled.c.id == row.id).values(reason=row.reason.partition(" ")[0]))


def downgrade() -> None:
    journal = sa.table("journal", sa.column("id"), sa.column("cause"), sa.column("cause_ref"))
    bind = op.get_bind()
    for row in bind.execute(sa.select(journal).where(journal.c.cause_ref.is_not(None))).all():
        bind.execute(journal.update().where(journal.c.id == row.id).values(cause=f"{row.cause} {row.cause_ref}"))
    with op.batch_alter_table("recycle_bin") as batch:
        batch.drop_column("batch_id")
    with op.batch_alter_table("journal") as batch:
        for name in ("seen_at", "owner", "content", "cause_ref"):
            batch.drop_column(name)
    for table in ("inbox", "scans"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("reason_facts")
            batch.drop_column("reason_code")
    with op.batch_alter_table("media_files") as batch:
        batch.drop_column("left_out")
    op.drop_table("library_identities")
