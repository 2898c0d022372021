"""Alembic's environment: the connection is handed over by `mydia.db.migrate`, or made from MYDIA_MIGRATION_URL by hand."""

import sys
from pathlib import Path

from alembic import context

sys.path.insert(0, str(Path(__file__).resolve().parent))

from all_models import has_model  # its import registers the tables

from mydia.db.base import Base, EnumText, Instant


def render_item(kind: str, item: object, _autogen: object) -> str | bool:
    """Write our own column types as what they are in the database."""
    if kind != "type":
        return False
    return "sa.DateTime()" if isinstance(item, Instant) else "sa.Text()" if isinstance(item, EnumText) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
    include_name=has_model,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
