"""What the library holds of a version, for decisions and imports."""

from __future__ import annotations

from sqlalchemy.orm import Session

from mydia.contexts import library, media, settings
from mydia.contexts.downloads.decisions import Held


def held_files(session: Session, item_id: str, version_id: str) -> tuple[Held, ...]:
    """Return the files of a version; a file without a version belongs to the default one."""
    default_id = media.default_version(session, item_id).id
    return tuple(
        Held(file.quality, frozenset(file.episode_ids), file.format_score, file.release_group)
        for file in library.holdings.held_qualities(session, item_id)
        if (file.version_id or default_id) == version_id
    )


def held_by_episode(session: Session, item_id: str, version_id: str) -> dict[str, bool]:
    """Return held episode -> whether it can still be upgraded."""
    version = session.get(media.Version, version_id)
    if version is None:
        return {}
    profile = settings.profiles.get_profile(session, version.profile_id)
    return {
        id: settings.upgrades.upgradable(profile, file.quality, score=file.format_score)
        for file in held_files(session, item_id, version_id)
        for id in file.episode_ids
    }
