"""What the library holds of a version and what is being downloaded for it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import Session

from mydia.contexts import library, media, settings
from mydia.contexts.downloads.decisions import Held
from mydia.contexts.downloads.models import Download
from mydia.contexts.users import SYSTEM


def held_files(session: Session, item_id: str, version_id: str) -> tuple[Held, ...]:
    """Return the files of a version that a release is compared with. Faulty ones are left out: anything may replace them."""
    return tuple(
        Held(
            quality=file.quality,
            episode_ids=frozenset(file.episode_ids),
            format_score=file.format_score,
            release_group=file.release_group,
            added_at=file.added_at,
        )
        for file in library.holdings.held_qualities(session, item_id)
        if file.version_id == version_id and not file.faulty
    )


def held_by_episode(session: Session, item_id: str, version_id: str) -> dict[str, bool]:
    """Return episode with a file -> whether it can still be upgraded."""
    version = session.get(media.Version, version_id)
    if version is None:
        return {}
    profile = settings.profiles.get_profile(session, SYSTEM, version.profile_id)
    return {
        id: settings.upgrades.upgradable(profile, file.quality, score=file.format_score)
        for file in held_files(session, item_id, version_id)
        for id in file.episode_ids
    }


def of_version(session: Session, item_id: str, version_id: str | None) -> ColumnElement[bool]:
    """Return the condition for a title's downloads for a version. Those without a version are for the default one."""
    default_id = media.versions.default_version(session, item_id).id
    mine = Download.version_id == (version_id or default_id)
    of_title = Download.media_item_id == item_id
    return of_title & (or_(mine, Download.version_id.is_(None)) if version_id in (default_id, None) else mine)
