"""Invitations with what the new account starts with: quotas of requests, folders and quality profiles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import asdict
from sqlalchemy.orm import Session

from mydia.contexts import settings, users
from mydia.contexts.requests import quotas
from mydia.contexts.requests.models import QuotaKind
from mydia.contexts.requests.quotas import Allowance
from mydia.contexts.users import SYSTEM, Asserted, Caller, Permission, User
from mydia.errors import Invalid, NotFound
from mydia.secret import Secret
from mydia.vocabulary import MediaType

_MOST = 10_000


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What a new account starts with for titles of a type."""

    type: MediaType
    most: int | None = None
    """Its own limit of requests. None: the household's."""
    library_path_id: str | None = None
    profile_id: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs from the defaults."""
        return self.most is None and self.library_path_id is None and self.profile_id is None


def invite(
    session: Session, caller: Caller, now: datetime, new: users.invitations.NewInvitation, starts: Sequence[Start] = ()
) -> tuple[users.invitations.Invitation, str]:
    """Add an invitation and return it with its token, which cannot be shown again.

    Args:
        starts: What the account starts with. Folders and profiles need the permission to change settings too.

    Raises:
        Invalid: A limit is out of range, or a folder does not take the type; and as for `users.invitations.add_invitation`.
        NotFound: There is no such folder or profile.
    """
    caller.require(Permission.MANAGE_USERS)
    chosen = [one for one in starts if not one.is_empty]
    for one in chosen:
        _check(session, caller, one)
    starts_with = {str(one.type): _stored(one) for one in chosen}
    return users.invitations.add_invitation(session, caller, now, _with(new, starts_with))


def accept(
    session: Session,
    now: datetime,
    token: str,
    username: str,
    *,
    display_name: str | None = None,
    password: Secret | None = None,
) -> User:
    """Make the account of an invited person.

    Raises:
        NotInvited: There is no such invitation, or it is not open any more.
        Invalid, Conflict: The user name or the password cannot be used. The invitation stays open.
    """
    user, row = users.invitations.take(session, now, token, username, display_name=display_name, password=password)
    _apply(session, now, user, row)
    return user


def accept_asserted(session: Session, now: datetime, token: str, asserted: Asserted, *, provider: str) -> User:
    """Make the account of an invited person who signs in at a provider.

    Raises:
        NotInvited: There is no such invitation, or it is not open any more.
        Conflict: The person has an account already. The invitation stays open.
    """
    user, row = users.identities.take_invitation(session, now, token, asserted, provider=provider)
    _apply(session, now, user, row)
    return user


def starts_of(row: users.invitations.Invitation) -> tuple[Start, ...]:
    """Return what the account of an invitation starts with."""
    return tuple(
        Start(type=type, **row.starts_with[type]) for type in MediaType if isinstance(row.starts_with.get(type), dict)
    )


def _with(new: users.invitations.NewInvitation, starts_with: dict[str, Any]) -> users.invitations.NewInvitation:
    return users.invitations.NewInvitation(
        role=new.role, email=new.email, note=new.note, days=new.days, by_mail=new.by_mail, starts_with=starts_with
    )


def _stored(one: Start) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if name != "type"}


def _check(session: Session, caller: Caller, one: Start) -> None:
    if one.library_path_id is not None or one.profile_id is not None:
        caller.require(Permission.MANAGE_SETTINGS)
    if one.most is not None and not 0 <= one.most <= _MOST:
        sentence = f"Enter a number from 0 to {_MOST}."
        raise Invalid(sentence, fields={f"{one.type}_most": sentence})
    if one.profile_id is not None:
        settings.profiles.get_profile(session, caller, one.profile_id)
    if one.library_path_id is not None:
        settings.library_paths.check_type(
            settings.library_paths.get_library_path(session, caller, one.library_path_id), one.type
        )


def _apply(session: Session, now: datetime, user: User, row: users.invitations.Invitation) -> None:
    for one in starts_of(row):
        if one.most is not None:
            limit = Allowance(type=one.type, quota=QuotaKind.LIMITED, most=one.most)
            quotas.change_allowance(session, SYSTEM, now, user.id, limit)
        defaults = settings.person_defaults.Defaults(one.library_path_id, one.profile_id)
        try:
            settings.person_defaults.change_defaults(session, SYSTEM, user.id, one.type, defaults)
        except (NotFound, Invalid):
            # The folder or the profile was removed since, or the folder is for another type now: the household's apply.
            continue
