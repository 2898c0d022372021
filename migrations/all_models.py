"""Imports every table, so that `Base.metadata` is whole; for migrations and tests only."""

from mydia.contexts.downloads import models as downloads
from mydia.contexts.library import models as library
from mydia.contexts.media import models as media
from mydia.contexts.metadata import models as metadata
from mydia.contexts.requests import models as requests
from mydia.contexts.settings import models as settings
from mydia.contexts.users import models as users
from mydia.events import log

__all__ = ["downloads", "library", "log", "media", "metadata", "requests", "settings", "users"]


def has_model(name: str | None, type_: str, _parents: object) -> bool:
    """Tell Alembic which tables to compare: all but the full-text index with its parts, which the database keeps itself."""
    return type_ != "table" or not str(name).startswith("title_words")
