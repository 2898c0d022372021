"""settings: presets stop upgrading at their best usual quality, not at their worst"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

CUTOFFS = {
    "HD-720p": ("HDTV-720p", "Bluray-720p"),
    "HD-1080p": ("HDTV-1080p", "Bluray-1080p"),
    "Full HD": ("WEB 1080p", "Bluray-1080p"),
    "4K/UHD": ("WEB 2160p", "Bluray-2160p"),
}
"""Preset -> old and new cutoff."""


def upgrade() -> None:
    for preset, (old, new) in CUTOFFS.items():
        _replace(preset, old, new)


def downgrade() -> None:
    for preset, (old, new) in CUTOFFS.items():
        _replace(preset, new, old)


def _replace(preset: str, present: str, wanted: str) -> None:
    """Change the cutoff of a preset as it was made. Where upgrades are on, a person has chosen it."""
    profiles = sa.table(
        "quality_profiles", sa.column("preset"), sa.column("cutoff"), sa.column("upgrades_allowed", sa.Boolean())
    )
    op.execute(
        profiles.update()
        .where(profiles.c.preset == preset, profiles.c.cutoff == present, profiles.c.upgrades_allowed == sa.false())
        .values(cutoff=wanted)
    )
