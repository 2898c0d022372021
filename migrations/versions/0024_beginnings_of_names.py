"""media: PostgreSQL reads names that begin with a text in the order of an index"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP INDEX ix_titles_beginning")
        op.execute('CREATE INDEX ix_titles_beginning ON titles (normalised COLLATE "C")')


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP INDEX ix_titles_beginning")
        op.execute("CREATE INDEX ix_titles_beginning ON titles (normalised text_pattern_ops)")
