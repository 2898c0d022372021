"""Links with which somebody who forgot the password sets a new one.

A link from an administrator is not stored: it carries a mark that only this server can make, and the mark includes the present
password. So it works once, until another password is set, and at most for a day. A link by mail is random and its hash is
stored; it works once, for an hour, and only the last one that was sent.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.users import passwords, throttle
from mydia.contexts.users.accounts import (
    MORE_THAN_YOU,
    caller_of,
    close_all_sessions,
    drop_resets,
    find_user,
    load_user,
)
from mydia.contexts.users.models import PasswordReset, User
from mydia.contexts.users.permissions import NOBODY, Caller, Permission, Role, permissions_of
from mydia.errors import Forbidden, Invalid
from mydia.secret import Secret

LASTS = timedelta(hours=24)
MAILED_LASTS = timedelta(hours=1)
_SPENT = "This link was used already or is too old. Ask for a new one."


class DueMail(msgspec.Struct, frozen=True, kw_only=True):
    """A link to send."""

    email: str
    name: str
    token: str


def new_reset_token(session: Session, key: bytes, caller: Caller, now: datetime, user_id: str) -> str:
    """Return the token of a link for an account.

    Args:
        key: The secret key of the server.

    Raises:
        Forbidden: The configuration sets the password, or the account has permissions that the caller does not have.
    Emits:
        UserChanged.
    """
    caller.require(Permission.MANAGE_USERS)
    user = load_user(session, user_id)
    caller.require_at_least(permissions_of(Role(user.role)), MORE_THAN_YOU)
    if user.managed:
        raise Forbidden(f"{user.username} is managed by ADMIN_USERNAME. Change the password there and restart Mydia.")
    changed: dict[str, list[object]] = {"password": ["…", "link to set a new one"]}
    events.emit(session, caller, events.UserChanged(user.id, user.username, changed), at=now)
    text = f"{user.id}.{int((now + LASTS).timestamp())}"
    return f"{text}.{_mark(key, text, user)}"


def find_user_of_token(session: Session, key: bytes, now: datetime, token: str) -> User:
    """Return the account of a link.

    Raises:
        Invalid: The link was used, is too old, or was not made here; or the account is disabled.
    """
    if "." not in token:
        return _user_of_mailed_token(session, now, token)
    text, _, mark = token.rpartition(".")
    user_id, _, until = text.partition(".")
    user = session.get(User, user_id)
    fresh = until.isascii() and until.isdigit() and len(until) < 20 and now.timestamp() < int(until)
    if user is None or user.managed or user.disabled_at is not None or not fresh:
        raise Invalid(_SPENT)
    if not hmac.compare_digest(mark.encode(), _mark(key, text, user).encode()):
        raise Invalid(_SPENT)
    return user


def set_password_by_token(session: Session, key: bytes, now: datetime, token: str, new: Secret) -> User:
    """Set a new password and end all sessions of the account.

    Raises:
        Invalid: The link cannot be used, or the password is not valid.
    Emits:
        UserChanged.
    """
    user = find_user_of_token(session, key, now, token)
    passwords.check_password(new.reveal(), username=user.username)
    user.password_hash = passwords.hash_password(new.reveal())
    close_all_sessions(session, user.id)
    drop_resets(session, user.id)
    changed: dict[str, list[object]] = {"password": ["…", "changed by a link"]}
    events.emit(session, caller_of(user), events.UserChanged(user.id, user.username, changed), at=now)
    return user


def request_by_mail(session: Session, now: datetime, name: str, address: str) -> None:
    """Note that somebody forgot the password, and let the link be mailed to the account's address.

    Nothing tells the visitor whether there is such an account. Accounts without a password or an e-mail address, disabled ones
    and the one that the configuration manages get no message.

    Args:
        name: The user name or the e-mail address.
        address: Where the request comes from.

    Raises:
        TooManyAttempts: The address has sent too many requests.
    Emits:
        PasswordResetRequested.
    """
    user = find_user(session, name) or session.scalar(select(User).where(User.email == name.strip().casefold()))
    allowed = throttle.reserve_reset(session, now, user.username if user else name, address)
    if user is None or not allowed or not _may_reset(user):
        return
    drop_resets(session, user.id)
    row = PasswordReset(user_id=user.id, requested_at=now, expires_at=now + MAILED_LASTS)
    session.add(row)
    session.flush()
    events.emit(session, NOBODY, events.PasswordResetRequested(row.id, user.id, user.username, address), at=now)


def due_mails(session: Session, now: datetime) -> list[str]:
    """Return the requests whose link was not mailed yet, and delete nothing."""
    query = select(PasswordReset.id).where(PasswordReset.mailed_at.is_(None), PasswordReset.expires_at > now)
    return list(session.scalars(query))


def new_mailed_token(session: Session, now: datetime, reset_id: str) -> DueMail | None:
    """Make the link of a request. A link that was made before stops working.

    Returns:
        None if the request was used, replaced or mailed, or is too old.
    """
    session.execute(delete(PasswordReset).where(PasswordReset.expires_at <= now))
    row = session.get(PasswordReset, reset_id)
    if row is None or row.mailed_at is not None:
        return None
    user = load_user(session, row.user_id)
    if user.email is None or not _may_reset(user):
        return None
    token = secrets.token_urlsafe(32)
    row.token_hash = _hash(token)
    return DueMail(email=user.email, name=user.display_name or user.username, token=token)


def mark_mailed(session: Session, now: datetime, reset_id: str) -> None:
    """Note that the link of a request was sent."""
    row = session.get(PasswordReset, reset_id)
    if row is not None:
        row.mailed_at = now


def drop_mailed(session: Session, reset_id: str) -> None:
    """Forget a request whose link cannot be sent."""
    session.execute(delete(PasswordReset).where(PasswordReset.id == reset_id))


def _may_reset(user: User) -> bool:
    return not user.managed and user.disabled_at is None and bool(user.password_hash and user.email)


def _user_of_mailed_token(session: Session, now: datetime, token: str) -> User:
    found = session.execute(
        select(PasswordReset, User)
        .join(User, User.id == PasswordReset.user_id)
        .where(PasswordReset.token_hash == _hash(token), PasswordReset.expires_at > now)
    ).first()
    if found is None or not _may_reset(found[1]):
        raise Invalid(_SPENT)
    user: User = found[1]
    return user


def _hash(token: str) -> str:
    # The token is long and random, so a plain hash is enough.
    return hashlib.sha256(token.encode()).hexdigest()


def _mark(key: bytes, text: str, user: User) -> str:
    return hmac.new(key, f"reset {text} {user.password_hash}".encode(), hashlib.sha256).hexdigest()
