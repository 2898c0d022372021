"""The rows a new installation starts with."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts.settings.models import NamingSet, SetupProgress
from mydia.contexts.settings.naming_rules import FIRST_TEMPLATES
from mydia.contexts.settings.profiles import ensure_default_profiles
from mydia.contexts.settings.qualities import ensure_default_qualities


def ensure_defaults(session: Session, now: datetime) -> None:
    """Create the default naming set, the preset profiles and the size limits where they are missing."""
    if session.scalar(select(NamingSet.id).limit(1)) is None:
        session.add(NamingSet(name="Default", **FIRST_TEMPLATES, updated_at=now))
    if session.get(SetupProgress, 1) is None:
        session.add(SetupProgress(id=1, steps={}))
    session.flush()
    ensure_default_qualities(session)
    ensure_default_profiles(session, now)
