"""Accounts: adding, changing and removing people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.users import passwords
from mydia.contexts.users.models import ApiKey, User, UserSession
from mydia.contexts.users.permissions import SYSTEM, Caller, Permission, Role, permissions_of
from mydia.db import get
from mydia.errors import Conflict, Forbidden, Invalid
from mydia.secret import Secret

_USERNAME = re.compile(r"[\w.@+-]{1,64}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_ONLY_ADMIN = "This is the only administrator. Make somebody else an administrator first."


class _Unchanged:
    """Stands for an argument that was not given, where None means something."""


UNCHANGED: Final = _Unchanged()


@dataclass(frozen=True, slots=True)
class NewUser:
    """A person to be. Without a password there is no local login."""

    username: str
    role: Role
    password: Secret | None = None
    email: str | None = None
    display_name: str | None = None


def has_users(session: Session) -> bool:
    """Say whether anybody has an account; nobody has before setup."""
    return session.scalar(select(User.id).limit(1)) is not None


def list_users(session: Session) -> list[User]:
    """Return all accounts by name; a household's list needs no pages."""
    return list(session.scalars(select(User).order_by(User.username)))


def get_user(session: Session, user_id: str) -> User:
    """Return one account."""
    return get(session, User, user_id, what="This account")


def find_user(session: Session, username: str) -> User | None:
    """Return the account with this name, in any case of letters."""
    return session.scalar(select(User).where(User.username == username.strip().casefold()))


def caller_of(user: User, *, kind: str = "user", name: str | None = None, scopes: list[str] | None = None) -> Caller:
    """Return who an account is when it asks for something."""
    role = Role(user.role)
    shown = name or user.display_name or user.username
    return Caller(kind, user.id, shown, permissions_of(role, scopes=scopes), role)


def add_user(session: Session, caller: Caller, now: datetime, new: NewUser) -> User:
    """Make an account.

    Raises:
        Invalid: The name, e-mail or password cannot be used.
        Conflict: The name or e-mail is taken.
    Emits:
        UserAdded.
    """
    caller.require(Permission.MANAGE_USERS)
    return _insert(session, caller, now, new)


def add_first_admin(session: Session, now: datetime, new: NewUser) -> User:
    """Make the administrator of a fresh installation.

    Raises:
        Conflict: Somebody has an account already, so setup is over.
    """
    if has_users(session):
        raise Conflict("Mydia has been set up already. Sign in instead.")
    user = _insert(session, SYSTEM, now, new)
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
    """Change an account; None leaves a thing as it is.

    Disabling, demoting and a new password end the person's sessions.

    Raises:
        Conflict: The last administrator would lose the role, or the e-mail is taken.
        Forbidden: The account is kept by the environment or the file.
    Emits:
        UserChanged.
    """
    caller.require(Permission.MANAGE_USERS)
    user = get_user(session, user_id)
    if user.managed and (role is not None or disabled is not None or password is not None):
        raise Forbidden(f"{user.username} is kept by ADMIN_USERNAME and its siblings. Change it there and restart.")
    changed: dict[str, list[object]] = {}
    loses_admin = user.role == Role.ADMIN and user.disabled_at is None and (disabled or role not in (None, Role.ADMIN))
    if loses_admin and _other_admins(session, user.id) == 0:
        raise Conflict(_ONLY_ADMIN)
    if role is not None and role != user.role:
        changed["role"] = [user.role, str(role)]
        user.role = str(role)
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
    if changed:
        events.emit(session, caller, events.UserChanged(user.id, user.username, changed), at=now)
    return user


def remove_user(session: Session, caller: Caller, now: datetime, user_id: str) -> None:
    """Remove an account with its sessions and keys.

    Raises:
        Conflict: It is the last administrator's, or the caller's own.
        Forbidden: The account is kept by the environment or the file.
    Emits:
        UserRemoved.
    """
    caller.require(Permission.MANAGE_USERS)
    user = get_user(session, user_id)
    if user.managed:
        raise Forbidden(f"{user.username} is kept by ADMIN_USERNAME and its siblings. Take them away first.")
    if caller.id == user.id:
        raise Conflict("You cannot remove the account you are signed in with.")
    if user.role == Role.ADMIN and user.disabled_at is None and _other_admins(session, user.id) == 0:
        raise Conflict(_ONLY_ADMIN)
    session.delete(user)
    events.emit(session, caller, events.UserRemoved(user.id, user.username), at=now)


def change_own_password(
    session: Session, caller: Caller, now: datetime, current: Secret, new: Secret, *, keep_session_id: str | None = None
) -> None:
    """Change the caller's password; all their other sessions end.

    Raises:
        Invalid: The current password is wrong, or the new one cannot be used.
        Forbidden: The account is kept by the environment or the file, or the caller is no person.
    """
    user = _own(session, caller)
    if user.managed:
        raise Forbidden("This account's password is set by ADMIN_PASSWORD. Change it there and restart.")
    if user.password_hash is not None and not passwords.verify_password(user.password_hash, current.reveal()):
        sentence = "This is not your current password."
        raise Invalid(sentence, fields={"current": sentence})
    passwords.check_password(new.reveal(), username=user.username, field="new")
    user.password_hash = passwords.hash_password(new.reveal())
    close_all_sessions(session, user.id, but=keep_session_id)
    events.emit(session, caller, events.UserChanged(user.id, user.username, {"password": ["…", "changed"]}), at=now)


def change_own_profile(
    session: Session, caller: Caller, now: datetime, *, display_name: str | None, email: str | None
) -> None:
    """Change the caller's own name and e-mail."""
    user = _own(session, caller)
    before: dict[str, object] = {"display_name": user.display_name, "email": user.email}
    user.display_name, user.email = _display_name(display_name), _email(session, email, user.id)
    after: dict[str, object] = {"display_name": user.display_name, "email": user.email}
    changed = {name: [before[name], after[name]] for name in before if before[name] != after[name]}
    if changed:
        events.emit(session, caller, events.UserChanged(user.id, user.username, changed), at=now)


def change_preferences(session: Session, caller: Caller, preferences: Mapping[str, Any]) -> None:
    """Keep the caller's choices of looks; what is not named stays."""
    user = _own(session, caller)
    user.preferences = {**user.preferences, **preferences}


def close_all_sessions(session: Session, user_id: str, *, but: str | None = None) -> None:
    """Sign a person out everywhere, but for one session where given."""
    query = UserSession.__table__.delete().where(UserSession.user_id == user_id)  # type: ignore[attr-defined]
    session.execute(query if but is None else query.where(UserSession.id != but))


def ensure_unmanaged(session: Session, *, but: str | None) -> list[str]:
    """Let go of accounts that the environment no longer names; returns their names."""
    names = list(
        session.scalars(select(User.username).where(User.managed, User.id != but if but else User.id.is_not(None)))
    )
    if names:
        session.execute(update(User).where(User.username.in_(names)).values(managed=False))
    return names


def keys_of(session: Session, user_id: str) -> list[ApiKey]:
    """Return a person's keys that are not revoked, oldest first."""
    return list(
        session.scalars(
            select(ApiKey).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None)).order_by(ApiKey.id)
        )
    )


def _own(session: Session, caller: Caller) -> User:
    if caller.id is None or caller.kind != "user":
        raise Forbidden("Only a person who is signed in has an account to change; a key has none.")
    return get_user(session, caller.id)


def _insert(session: Session, caller: Caller, now: datetime, new: NewUser) -> User:
    username = checked_username(new.username)
    if new.password is not None:
        passwords.check_password(new.password.reveal(), username=username)
    if find_user(session, username) is not None:
        sentence = f"There is an account called {username} already."
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
    """Return a name as it is stored.

    Raises:
        Invalid: It is empty, too long or holds blanks and the like.
    """
    folded = username.strip().casefold()
    if not _USERNAME.fullmatch(folded):
        sentence = (
            "Choose a user name of letters, digits and . _ - @ +, without blanks, at most 64."
            if folded
            else "Enter a user name."
        )
        raise Invalid(sentence, fields={"username": sentence})
    return folded


def _display_name(name: str | None) -> str | None:
    cleaned = " ".join((name or "").split())[:80]
    return cleaned or None


def _email(session: Session, email: str | None, user_id: str | None) -> str | None:
    folded = (email or "").strip().casefold()
    if not folded:
        return None
    if not _EMAIL.fullmatch(folded) or len(folded) > 254:
        sentence = "This is not an e-mail address. It looks like name@example.org."
        raise Invalid(sentence, fields={"email": sentence})
    holder = session.scalar(select(User.id).where(User.email == folded))
    if holder not in (None, user_id):
        sentence = "Another account has this e-mail address."
        raise Conflict(sentence, fields={"email": sentence})
    return folded


def _other_admins(session: Session, user_id: str) -> int:
    """Count administrators who could act instead of this one."""
    query = select(func.count()).where(User.role == Role.ADMIN, User.disabled_at.is_(None), User.id != user_id)
    return session.scalar(query) or 0
