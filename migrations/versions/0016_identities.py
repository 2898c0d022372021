"""users: sign-in at OIDC providers"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "oidc_providers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("discovery_url", sa.Text(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.Text(), nullable=True),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("redirect_url", sa.Text(), nullable=True),
        sa.Column("role_claim", sa.Text(), nullable=False),
        sa.Column("role_groups", sa.JSON(), nullable=False),
        sa.Column("default_role", sa.Text(), nullable=True),
        sa.Column("allow_sign_up", sa.Boolean(), nullable=False),
        sa.Column("managed", sa.Boolean(), nullable=False),
        sa.Column("managed_source", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "default_role IN ('admin', 'user', 'readonly', 'guest')", name=op.f("ck_oidc_providers_default_role")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oidc_providers")),
        sa.UniqueConstraint("key", name=op.f("uq_oidc_providers_key")),
        sa.UniqueConstraint("name", name=op.f("uq_oidc_providers_name")),
    )
    op.create_table(
        "spent_tokens",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_tokens")),
    )
    op.create_index(op.f("ix_spent_tokens_expires_at"), "spent_tokens", ["expires_at"])
    # Every present role was chosen by a person, so no provider changes it.
    op.add_column("users", sa.Column("role_pinned", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("sessions", sa.Column("provider_id", sa.Text(), nullable=True))
    op.add_column("sessions", sa.Column("sealed_id_token", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("sessions", "sealed_id_token")
    op.drop_column("sessions", "provider_id")
    op.drop_column("users", "role_pinned")
    op.drop_table("spent_tokens")
    op.drop_table("oidc_providers")
