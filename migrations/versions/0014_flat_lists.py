"""indexes for the calendar, the lists of files, and checks that read whole tables"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

LISTED = (
    "state",
    "year",
    "monitored",
    "status",
    "best_resolution",
    "best_quality",
    "library_path_id",
    "studio",
    "size_bytes",
)
OLD = {
    "ix_media_items_added": ("media_items", ["added_at", "id", "state"]),
    "ix_media_items_cinema_on": ("media_items", ["cinema_on"]),
    "ix_media_items_digital_on": ("media_items", ["digital_on"]),
    "ix_media_items_physical_on": ("media_items", ["physical_on"]),
    "ix_item_genres_listed": ("item_genres", ["type", "genre", "media_item_id", *LISTED]),
    "ix_episodes_air": ("episodes", ["air_on", "media_item_id"]),
    "ix_versions_profile_id": ("versions", ["profile_id"]),
}
NEW = {
    "ix_media_items_cinema": ("media_items", ["cinema_on", "id", "type"]),
    "ix_media_items_digital": ("media_items", ["digital_on", "id", "type"]),
    "ix_media_items_physical": ("media_items", ["physical_on", "id", "type"]),
    "ix_item_genres_listed": ("item_genres", ["genre", "type", "media_item_id", *LISTED]),
    "ix_episodes_air": ("episodes", ["air_on", "media_item_id", "id"]),
    "ix_versions_profile": ("versions", ["profile_id", "monitored", "media_item_id"]),
    "ix_media_files_path": ("media_files", ["library_path_id", "id"]),
    "ix_media_files_match_state": ("media_files", ["match_state", "id"]),
}
PARTIAL = {
    "ix_media_items_newest": ("media_items", ["added_at", "id"], "state IN ('available', 'upgradable')"),
    "ix_media_items_tvdb": ("media_items", ["id"], "provider = 'tvdb'"),
    "ix_media_items_refresh_error": ("media_items", ["next_refresh_at"], "refresh_error IS NOT NULL"),
    "ix_media_files_new": (
        "media_files",
        ["library_path_id"],
        "match_state = 'new' AND kind = 'video' AND missing_since IS NULL",
    ),
    "ix_media_files_missing": ("media_files", ["id"], "missing_since IS NOT NULL"),
    "ix_media_files_failed": ("media_files", ["id"], "analysis_error IS NOT NULL"),
    "ix_media_files_left_out": ("media_files", ["id"], "kind <> 'video'"),
}


def upgrade() -> None:
    for name, (table, _) in OLD.items():
        op.drop_index(name, table)
    for name, (table, columns) in NEW.items():
        op.create_index(name, table, columns)
    for name, (table, columns, condition) in PARTIAL.items():
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, (table, *_) in (NEW | PARTIAL).items():
        op.drop_index(name, table)
    for name, (table, columns) in OLD.items():
        op.create_index(name, table, columns)
