"""The versions of a title. A title has at least one; its first one is the default."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import exists, select, true
from sqlalchemy.orm import Session

from mydia.contexts import settings
from mydia.contexts.media.models import Version
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.errors import Invalid, NotFound

DEFAULT_NAME = "Default"
"""Name of the version that every title is added with."""
_IN_ORDER = (Version.position, Version.id)


def default_version(session: Session, item_id: str) -> Version:
    """Return the first version of a title. Raises: NotFound, when the title was removed."""
    version = session.scalars(select(Version).where(Version.media_item_id == item_id).order_by(*_IN_ORDER)).first()
    if version is None:
        raise NotFound("This title is no longer in the library.")
    return version


def versions_of(session: Session, item_ids: Iterable[str]) -> dict[str, list[Version]]:
    """Return the versions of several titles, the default version first, in one read."""
    wanted = list(item_ids)
    found: dict[str, list[Version]] = {item_id: [] for item_id in wanted}
    for row in session.scalars(select(Version).where(Version.media_item_id.in_(wanted)).order_by(*_IN_ORDER)):
        found[row.media_item_id].append(row)
    return found


def get_version(session: Session, item_id: str, version_id: str | None) -> Version:
    """Return a version of a title; without an id the default version.

    Raises:
        Invalid: The version is gone or belongs to another title.
        NotFound: The title was removed.
    """
    if version_id is None:
        return default_version(session, item_id)
    row = session.get(Version, version_id)
    if row is None or row.media_item_id != item_id:
        raise _foreign()
    return row


def chosen(versions: Sequence[Version], version_id: str | None) -> Version:
    """Return that of a title's versions with this id; without an id the default one. Raises: as `get_version`."""
    if not versions:
        raise NotFound("This title is no longer in the library.")
    found = next((one for one in versions if version_id in (None, one.id)), None)
    if found is None:
        raise _foreign()
    return found


def _foreign() -> Invalid:
    return Invalid("This version belongs to another title.", fields={"version_id": "Choose a version of this title."})


def version_in(session: Session, item_id: str, library_path_id: str) -> Version:
    """Return the version of a title that a file found in a library folder belongs to. Raises: NotFound, when it was removed."""
    return version_for(versions_of(session, [item_id])[item_id], library_path_id)


def version_for(versions: Sequence[Version], library_path_id: str) -> Version:
    """Return that of a title's versions that a file found in a library folder belongs to.

    That is the version with this folder of its own; else the default version.

    Raises:
        NotFound: There are none, because the title was removed.
    """
    if not versions:
        raise NotFound("This title is no longer in the library.")
    own = (version for version in versions if version.library_path_id == library_path_id)
    return next(own, versions[0])


def ensure_version(session: Session, item_id: str) -> None:
    """Give a title a version with the default profile if it has none: its profile was deleted meanwhile."""
    if session.scalars(select(Version.id).where(Version.media_item_id == item_id)).first() is None:
        session.add(
            Version(
                media_item_id=item_id,
                name=DEFAULT_NAME,
                profile_id=settings.profiles.default_profile_id(session, SYSTEM),
            )
        )
        session.flush()


def profiles_in_use(session: Session, caller: Caller) -> set[str]:
    """Return the ids of the quality profiles that monitored versions have."""
    caller.require(Permission.BROWSE)
    used = exists().where(Version.profile_id == settings.QualityProfile.id, Version.monitored == true())
    return set(session.scalars(select(settings.QualityProfile.id).where(used)))
