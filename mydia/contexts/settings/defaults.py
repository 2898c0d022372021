"""What is there before anybody has set anything."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts.settings.models import NamingSet, SetupProgress
from mydia.contexts.settings.profiles import ensure_default_profiles
from mydia.contexts.settings.qualities import ensure_default_qualities


def ensure_defaults(session: Session, now: datetime) -> None:
    """Make the first naming set, the preset profiles and the size limits where they are missing."""
    if session.scalar(select(NamingSet.id).limit(1)) is None:
        session.add(
            NamingSet(
                name="Default",
                movie_folder="{title} ({year})",
                movie_file="{title} ({year}){ - edition}{ [quality]}",
                series_folder="{title} ({year})",
                season_folder="Season {season:2}",
                specials_folder="Specials",
                episode_file="{title} ({year}) - S{season:2}E{episode:2}{ - episode_title}{ [quality]}",
                daily_file="{title} ({year}) - {air_date}{ - episode_title}{ [quality]}",
                anime_file="{title} ({year}) - S{season:2}E{episode:2}{ - absolute:3}{ - episode_title}{ [quality]}",
                updated_at=now,
            )
        )
    if session.get(SetupProgress, 1) is None:
        session.add(SetupProgress(id=1, steps={}))
    session.flush()
    ensure_default_qualities(session)
    ensure_default_profiles(session, now)
