"""requests: seasons, followers, rules and quotas; problems with titles; files that are marked as faulty"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_STATES = ("pending", "approved", "downloading", "partial", "available", "declined", "failed")
_TYPES = "type IN ('movie', 'tv_show')"


def _one_of(table: str, column: str, members: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{member}'" for member in members)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}"))


def _key(table: str, column: str, target: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def upgrade() -> None:
    # Nothing has ever written to these two tables.
    op.drop_table("request_followers")
    op.drop_table("requests")
    op.create_table(
        "requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("asker_id", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("tmdb_id", sa.BigInteger(), nullable=True),
        sa.Column("tvdb_id", sa.BigInteger(), nullable=True),
        sa.Column("imdb_id", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("poster_path", sa.Text(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("media_item_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("because", sa.JSON(), nullable=True),
        sa.Column("explanation", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("fulfilled_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(_TYPES, name=op.f("ck_requests_type")),
        _one_of("requests", "state", _STATES),
        _key("requests", "asker_id", "users", "SET NULL"),
        _key("requests", "decided_by", "users", "SET NULL"),
        _key("requests", "media_item_id", "media_items", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
    )
    op.create_index("ix_requests_state", "requests", ["state", "created_at"])
    op.create_index("ix_requests_created", "requests", ["created_at", "id"])
    op.create_index("ix_requests_asker", "requests", ["asker_id", "created_at"])
    op.create_index("ix_requests_tmdb", "requests", ["type", "tmdb_id"])
    op.create_index("ix_requests_media_item_id", "requests", ["media_item_id"])
    op.create_index("ix_requests_decided_by", "requests", ["decided_by"])
    op.create_table(
        "request_seasons",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("episodes_held", sa.Integer(), nullable=False),
        sa.Column("episodes_total", sa.Integer(), nullable=False),
        _one_of("request_seasons", "state", _STATES),
        _key("request_seasons", "request_id", "requests", "CASCADE"),
        sa.PrimaryKeyConstraint("request_id", "number", name=op.f("pk_request_seasons")),
    )
    op.create_table(
        "request_followers",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        _key("request_followers", "request_id", "requests", "CASCADE"),
        _key("request_followers", "user_id", "users", "CASCADE"),
        sa.PrimaryKeyConstraint("request_id", "user_id", name=op.f("pk_request_followers")),
    )
    op.create_index("ix_request_followers_user_id", "request_followers", ["user_id"])
    op.create_table(
        "request_rules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("user_ids", sa.JSON(), nullable=False),
        sa.Column("genres", sa.JSON(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("keywords", sa.JSON(), nullable=False),
        sa.Column("profile_id", sa.Text(), nullable=True),
        sa.Column("library_path_id", sa.Text(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("approves", sa.Boolean(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(_TYPES, name=op.f("ck_request_rules_type")),
        _key("request_rules", "profile_id", "quality_profiles", "SET NULL"),
        _key("request_rules", "library_path_id", "library_paths", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_rules")),
    )
    op.create_index("ix_request_rules_profile_id", "request_rules", ["profile_id"])
    op.create_index("ix_request_rules_library_path_id", "request_rules", ["library_path_id"])
    op.create_table(
        "request_allowances",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("quota", sa.Text(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("auto_approve", sa.Boolean(), nullable=True),
        sa.CheckConstraint(_TYPES, name=op.f("ck_request_allowances_type")),
        _one_of("request_allowances", "quota", ("default", "limited", "unlimited")),
        _key("request_allowances", "user_id", "users", "CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "type", name=op.f("pk_request_allowances")),
    )
    op.create_table(
        "problems",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("media_item_id", sa.Text(), nullable=False),
        sa.Column("reporter_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("season_number", sa.Integer(), nullable=True),
        sa.Column("episode_number", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("replacing_since", sa.DateTime(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        _one_of("problems", "kind", ("video", "audio", "subtitles", "other")),
        _one_of("problems", "state", ("open", "resolved")),
        _key("problems", "media_item_id", "media_items", "CASCADE"),
        _key("problems", "reporter_id", "users", "SET NULL"),
        _key("problems", "resolved_by", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problems")),
    )
    op.create_index("ix_problems_state", "problems", ["state", "created_at"])
    for column in ("media_item_id", "reporter_id", "resolved_by"):
        op.create_index(f"ix_problems_{column}", "problems", [column])
    op.create_table(
        "problem_comments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("problem_id", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        _key("problem_comments", "problem_id", "problems", "CASCADE"),
        _key("problem_comments", "author_id", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problem_comments")),
    )
    for column in ("problem_id", "author_id"):
        op.create_index(f"ix_problem_comments_{column}", "problem_comments", [column])
    op.add_column("media_files", sa.Column("faulty_since", sa.DateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("media_files") as batch:
        batch.drop_column("faulty_since")
    for table in (
        "problem_comments",
        "problems",
        "request_allowances",
        "request_rules",
        "request_followers",
        "request_seasons",
        "requests",
    ):
        op.drop_table(table)
    op.create_table(
        "requests",
        sa.Column("asker_id", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("tmdb_id", sa.BigInteger(), nullable=True),
        sa.Column("tvdb_id", sa.BigInteger(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("seasons", sa.JSON(), nullable=True),
        sa.Column("media_item_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        _one_of("requests", "state", ("pending", "approved", "declined", "available", "failed")),
        sa.CheckConstraint(_TYPES, name=op.f("ck_requests_type")),
        _key("requests", "asker_id", "users", "SET NULL"),
        _key("requests", "decided_by", "users", "SET NULL"),
        _key("requests", "media_item_id", "media_items", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
    )
    op.create_index("ix_requests_state", "requests", ["state", "created_at"])
    for column in ("asker_id", "decided_by", "media_item_id"):
        op.create_index(f"ix_requests_{column}", "requests", [column])
    op.create_table(
        "request_followers",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        _key("request_followers", "request_id", "requests", "CASCADE"),
        _key("request_followers", "user_id", "users", "CASCADE"),
        sa.PrimaryKeyConstraint("request_id", "user_id", name=op.f("pk_request_followers")),
    )
    op.create_index("ix_request_followers_user_id", "request_followers", ["user_id"])
