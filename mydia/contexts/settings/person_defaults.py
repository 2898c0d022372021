"""The library folder, quality profile and monitoring of one person's titles: those they request, and those they add."""

from __future__ import annotations

from copy import replace

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts import users
from mydia.contexts.settings.library_paths import check_type, get_library_path, suits
from mydia.contexts.settings.models import LibraryPath, PersonDefault
from mydia.contexts.settings.profiles import get_profile
from mydia.contexts.users import Caller, Permission, User
from mydia.db import get
from mydia.vocabulary import MediaType

__all__ = ["Defaults", "change_defaults", "change_own", "defaults_of", "of_person", "own"]


class Defaults(msgspec.Struct, frozen=True):
    """A person's defaults for titles of a type. None: the household's."""

    library_path_id: str | None = None
    profile_id: str | None = None
    monitor: str | None = None
    """A `media.MonitorPattern`, for titles that the person adds."""


def of_person(session: Session, user_id: str | None, type: MediaType) -> Defaults:
    """Return a person's defaults; nothing is set for a caller without an account. A folder that no longer takes the type is left out."""
    row = session.get(PersonDefault, (user_id, type)) if user_id else None
    if row is None:
        return Defaults()
    path = session.get(LibraryPath, row.library_path_id) if row.library_path_id else None
    found = _defaults(row)
    return found if path is None or suits(path, type) else replace(found, library_path_id=None)


def defaults_of(session: Session, caller: Caller, user_id: str) -> dict[MediaType, Defaults]:
    """Return a person's defaults by type."""
    caller.require(Permission.MANAGE_SETTINGS)
    rows = session.scalars(select(PersonDefault).where(PersonDefault.user_id == user_id))
    found = {row.media_type: _defaults(row) for row in rows}
    return {type: found.get(type, Defaults()) for type in MediaType}


def own(session: Session, caller: Caller) -> dict[MediaType, Defaults]:
    """Return the caller's own defaults by type."""
    return {type: of_person(session, caller.id, type) for type in MediaType}


def change_own(session: Session, caller: Caller, type: MediaType, wanted: Defaults) -> None:
    """Set the caller's own defaults, for those who add titles.

    Raises:
        NotFound: There is no such profile or library folder.
        Invalid: The folder is for another type of title.
        Forbidden: The caller is an API key.
    """
    caller.require(Permission.MANAGE_MEDIA)
    _change(session, caller, users.get_own(session, caller).id, type, wanted)


def change_defaults(session: Session, caller: Caller, user_id: str, type: MediaType, wanted: Defaults) -> None:
    """Set a person's folder and profile. How their titles are monitored stays as they chose.

    Raises:
        NotFound: There is no such account, profile or library folder.
        Invalid: The folder is for another type of title.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    get(session, User, user_id, what="This account")
    _change(session, caller, user_id, type, replace(wanted, monitor=of_person(session, user_id, type).monitor))


def _change(session: Session, caller: Caller, user_id: str, type: MediaType, wanted: Defaults) -> None:
    if wanted.profile_id is not None:
        get_profile(session, caller, wanted.profile_id)
    if wanted.library_path_id is not None:
        check_type(get_library_path(session, caller, wanted.library_path_id), type)
    row = session.get(PersonDefault, (user_id, type))
    if row is None:
        row = PersonDefault(user_id=user_id, media_type=type, options={})
        session.add(row)
    row.library_path_id, row.profile_id = wanted.library_path_id, wanted.profile_id
    row.options = {"monitor": wanted.monitor} if wanted.monitor else {}
    session.flush()


def _defaults(row: PersonDefault) -> Defaults:
    return Defaults(row.library_path_id, row.profile_id, row.options.get("monitor"))
