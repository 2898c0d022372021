"""events: the audit is read through an index and kept longer"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_AUDIT = (
    "UserAdded",
    "UserChanged",
    "UserRemoved",
    "SignedIn",
    "SignInFailed",
    "SessionsEnded",
    "IdentityLinked",
    "IdentityUnlinked",
    "ApiKeyAdded",
    "ApiKeyRevoked",
    "SettingsChanged",
    "LibraryPathAdded",
    "MediaRemoved",
    "MediaRestored",
    "FileRemoved",
    "ReleaseGrabbed",
    "DownloadRemoved",
    "RequestApproved",
    "RequestDeclined",
)


def upgrade() -> None:
    op.add_column("events", sa.Column("audit", sa.Boolean(), nullable=False, server_default=sa.false()))
    events = sa.table("events", sa.column("type", sa.Text()), sa.column("audit", sa.Boolean()))
    op.execute(events.update().where(events.c.type.in_(_AUDIT)).values(audit=True))
    op.create_index(
        "ix_events_audit",
        "events",
        ["id"],
        sqlite_where=sa.text("audit = 1"),
        postgresql_where=sa.text("audit"),
    )


def downgrade() -> None:
    op.drop_index("ix_events_audit", "events")
    op.drop_column("events", "audit")
