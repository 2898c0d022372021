"""Add, find, change and remove accounts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.users import passwords
from mydia.contexts.users.models import PasswordReset, User, UserSession
from mydia.contexts.users.permissions import NO_KEYS, SYSTEM, Caller, Permission, Role, permissions_of
from mydia.db import get
from mydia.errors import Conflict, Forbidden, Invalid
from mydia.secret import Secret

_USERNAME = re.compile(r"[\w.@+-]{1,64}")
_EMAIL = re.compile(r"[^@\s\x00-\x20\x7f-\xa0,;:<>()\[\]\\\"]+@[^@\s\x00-\x20\x7f-\xa0,;:<>()\[\]\\\"]+")
"""Without the characters that separate addresses in a message."""
_ONLY_ADMIN = "This is the only administrator. Make another account an administrator first."
MORE_THAN_YOU = (
    "You cannot manage an account that has more permissions than you, or give an account more than you have."
)


class _Unchanged:
    """Type of UNCHANGED: marks an argument that was not given where None is a value."""


UNCHANGED: Final = _Unchanged()


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """An account to add. Without a password it has no local login."""

    username: str
    role: Role
    password: Secret | None = None
    email: str | None = None
    display_name: str | None = None


def has_users(session: Session) -> bool:
    """Return whether any account exists. None does before setup."""
    return session.scalar(select(User.id).limit(1)) is not None


def get_user(session: Session, caller: Caller, user_id: str) -> User:
    """Return one account."""
    caller.require(Permission.MANAGE_USERS)
    return load_user(session, user_id)


def get_own(session: Session, caller: Caller) -> User:
    """Return the account of the signed-in person.

    Raises:
        Forbidden: The caller is an API key. A key cannot see or change its owner's account.
    """
    if caller.id is None or caller.kind != "user":
        raise Forbidden(NO_KEYS)
    return load_user(session, caller.id)


def load_user(session: Session, user_id: str) -> User:
    """Return one account without checking permissions; for use in this package only."""
    return get(session, User, user_id, what="This account")


def find_user(session: Session, username: str) -> User | None:
    """Return the account with this user name, ignoring case, without checking permissions; for use in this package only."""
    return session.scalar(select(User).where(User.username == username.strip().casefold()))


def caller_of(user: User, *, kind: str = "user", name: str | None = None, scopes: list[str] | None = None) -> Caller:
    """Return the caller that stands for an account."""
    role = Role(user.role)
    shown = name or user.display_name or user.username
    return Caller(kind=kind, id=user.id, name=shown, permissions=permissions_of(role, scopes=scopes), role=role)


def add_user(session: Session, caller: Caller, now: datetime, new: NewUser) -> User:
    """Add an account.

    Raises:
        Invalid: The user name, e-mail address or password is not valid.
        Conflict: The user name or e-mail address is taken.
        Forbidden: The role has permissions that the caller does not have.
    Emits:
        UserAdded.
    """
    caller.require(Permission.MANAGE_USERS)
    caller.require_at_least(permissions_of(new.role), MORE_THAN_YOU)
    return insert_user(session, caller, now, new)


def add_first_admin(session: Session, now: datetime, new: NewUser) -> User:
    """Add the first administrator of a new installation.

    Raises:
        Conflict: An account exists already, so setup is over.
    """
    if has_users(session):
        raise Conflict("Mydia has been set up already. Sign in instead.")
    user = insert_user(session, SYSTEM, now, new)
    if user.role != Role.ADMIN:
        raise Invalid("The first account must be an administrator.")
    return user


def change_user(
    session: Session,
    caller: Caller,
    user_id: str,
    *,
    now: datetime,
    role: Role | None = None,
    email: str | _Unchanged | None = UNCHANGED,
    display_name: str | _Unchanged | None = UNCHANGED,
    disabled: bool | None = None,
    password: Secret | None = None,
) -> User:
    """Change an account. None leaves a value unchanged.

    Disabling the account, changing its role or its password ends its sessions.

    Raises:
        Conflict: It is the last administrator, or the e-mail address is taken.
        Forbidden: The account is managed by the configuration, or it has (or would get) permissions that the caller does
            not have.
    Emits:
        UserChanged.
    """
    caller.require(Permission.MANAGE_USERS)
    user = load_user(session, user_id)
    caller.require_at_least(permissions_of(Role(user.role)) | permissions_of(role or Role(user.role)), MORE_THAN_YOU)
    if user.managed and (role is not None or disabled is not None or password is not None):
        raise Forbidden(f"{user.username} is managed by ADMIN_USERNAME. Change it there and restart Mydia.")
    changed: dict[str, list[object]] = {}
    loses_admin = user.role == Role.ADMIN and user.disabled_at is None and (disabled or role not in (None, Role.ADMIN))
    if loses_admin and _other_admins(session, user.id) == 0:
        raise Conflict(_ONLY_ADMIN)
    if role is not None and role != user.role:
        changed["role"] = [user.role, str(role)]
        user.role, user.role_pinned = str(role), True
    if not isinstance(email, _Unchanged) and (checked := _email(session, email, user.id)) != user.email:
        changed["email"] = [user.email, checked]
        user.email = checked
    if not isinstance(display_name, _Unchanged) and (cleaned := _display_name(display_name)) != user.display_name:
        changed["display_name"] = [user.display_name, cleaned]
        user.display_name = cleaned
    if disabled is not None and disabled != (user.disabled_at is not None):
        changed["disabled"] = [not disabled, disabled]
        user.disabled_at = now if disabled else None
    if password is not None:
        passwords.check_password(password.reveal(), username=user.username)
        user.password_hash = passwords.hash_password(password.reveal())
        changed["password"] = ["…", "changed"]
    if changed.keys() & {"role", "disabled", "password"}:
        close_all_sessions(session, user.id)
    if changed.keys() & {"email", "disabled", "password"}:
        drop_resets(session, user.id)
    if changed:
        events.emit(session, caller, events.UserChanged(user.id, user.username, changed), at=now)
    return user


def remove_user(session: Session, caller: Caller, now: datetime, user_id: str) -> None:
    """Remove an account with its sessions and API keys.

    Raises:
        Conflict: It is the last administrator, or the caller's own account.
        Forbidden: The account is managed by the configuration, or has permissions that the caller does not have.
    Emits:
        UserRemoved.
    """
    caller.require(Permission.MANAGE_USERS)
    user = load_user(session, user_id)
    caller.require_at_least(permissions_of(Role(user.role)), MORE_THAN_YOU)
    if user.managed:
        raise Forbidden(f"{user.username} is managed by ADMIN_USERNAME. Remove that setting first.")
    if caller.id == user.id:
        raise Conflict("You cannot remove the account you are signed in with.")
    if user.role == Role.ADMIN and user.disabled_at is None and _other_admins(session, user.id) == 0:
        raise Conflict(_ONLY_ADMIN)
    session.delete(user)
    events.emit(session, caller, events.UserRemoved(user.id, user.username), at=now)


def change_own_password(
    session: Session,
    caller: Caller,
    now: datetime,
    new: Secret,
    confirmed: passwords.Confirmed,
    *,
    keep_session_id: str | None = None,
) -> None:
    """Change the caller's password and end all their other sessions.

    Raises:
        Invalid: The new password is not valid.
        Forbidden: The account is managed by the configuration, or the caller is an API key.
    """
    user = get_own(session, caller)
    if user.managed:
        raise Forbidden("This account's password is set by ADMIN_PASSWORD. Change it there and restart Mydia.")
    passwords.require_confirmed(user.id, confirmed)
    passwords.check_password(new.reveal(), username=user.username, field="new")
    user.password_hash = passwords.hash_password(new.reveal())
    close_all_sessions(session, user.id, but=keep_session_id)
    drop_resets(session, user.id)
    events.emit(session, caller, events.UserChanged(user.id, user.username, {"password": ["…", "changed"]}), at=now)


def change_own_profile(
    session: Session, caller: Caller, now: datetime, *, display_name: str | None, email: str | None
) -> None:
    """Change the caller's own display name and e-mail address."""
    user = get_own(session, caller)
    before: dict[str, object] = {"display_name": user.display_name, "email": user.email}
    user.display_name, user.email = _display_name(display_name), _email(session, email, user.id)
    after: dict[str, object] = {"display_name": user.display_name, "email": user.email}
    changed = {name: [before[name], after[name]] for name in before if before[name] != after[name]}
    if changed:
        events.emit(session, caller, events.UserChanged(user.id, user.username, changed), at=now)
    if "email" in changed:
        drop_resets(session, user.id)


def change_preferences(session: Session, caller: Caller, preferences: Mapping[str, Any]) -> None:
    """Store the caller's preferences. Preferences that are not given stay unchanged."""
    user = get_own(session, caller)
    user.preferences = {**user.preferences, **preferences}


def close_all_sessions(session: Session, user_id: str, *, but: str | None = None) -> None:
    """End all sessions of an account, except one if given."""
    query = UserSession.__table__.delete().where(UserSession.user_id == user_id)  # type: ignore[attr-defined]
    session.execute(query if but is None else query.where(UserSession.id != but))


def drop_resets(session: Session, user_id: str) -> None:
    """Make the links useless that were mailed to somebody who forgot the password."""
    session.execute(delete(PasswordReset).where(PasswordReset.user_id == user_id))


def ensure_unmanaged(session: Session, *, but: str | None) -> list[str]:
    """Stop managing accounts that the configuration no longer names, and return their user names."""
    names = list(
        session.scalars(select(User.username).where(User.managed, User.id != but if but else User.id.is_not(None)))
    )
    if names:
        session.execute(update(User).where(User.username.in_(names)).values(managed=False))
    return names


def insert_user(session: Session, caller: Caller, now: datetime, new: NewUser) -> User:
    """Add an account without checking permissions; for use in this package only. Raises and emits as `add_user`."""
    username = checked_username(new.username)
    if new.password is not None:
        passwords.check_password(new.password.reveal(), username=username)
    if find_user(session, username) is not None:
        sentence = f"The user name {username} is already taken."
        raise Conflict(sentence, fields={"username": sentence})
    user = User(
        username=username,
        email=_email(session, new.email, None),
        display_name=_display_name(new.display_name),
        role=str(new.role),
        password_hash=passwords.hash_password(new.password.reveal()) if new.password else None,
        created_at=now,
        preferences={},
    )
    session.add(user)
    session.flush()
    events.emit(session, caller, events.UserAdded(user.id, user.username, user.role), at=now)
    return user


def checked_username(username: str) -> str:
    """Return a user name in the form that is stored.

    Raises:
        Invalid: It is empty, too long or has characters that are not allowed.
    """
    folded = username.strip().casefold()
    if not _USERNAME.fullmatch(folded):
        sentence = (
            "Use letters, digits and . _ - @ + only, without spaces, at most 64 characters."
            if folded
            else "Enter a user name."
        )
        raise Invalid(sentence, fields={"username": sentence})
    return folded


def _display_name(name: str | None) -> str | None:
    cleaned = " ".join((name or "").split())[:80]
    return cleaned or None


def checked_email(email: str | None, *, field: str = "email") -> str | None:
    """Return an e-mail address in the form that is stored, or None if it is empty.

    Raises:
        Invalid: It is not an address.
    """
    folded = (email or "").strip().casefold()
    if not folded:
        return None
    if not _EMAIL.fullmatch(folded) or len(folded) > 254:
        sentence = "Enter an e-mail address such as name@example.org."
        raise Invalid(sentence, fields={field: sentence})
    return folded


def _email(session: Session, email: str | None, user_id: str | None) -> str | None:
    folded = checked_email(email)
    if folded is None:
        return None
    holder = session.scalar(select(User.id).where(User.email == folded))
    if holder not in (None, user_id):
        sentence = "Another account uses this e-mail address."
        raise Conflict(sentence, fields={"email": sentence})
    return folded


def _other_admins(session: Session, user_id: str) -> int:
    """Count the other enabled administrators."""
    query = select(func.count()).where(User.role == Role.ADMIN, User.disabled_at.is_(None), User.id != user_id)
    return session.scalar(query) or 0
