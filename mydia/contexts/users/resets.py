"""Links with which somebody who forgot the password sets a new one.

Nothing is stored: a link carries a mark that only this server can make, and the mark includes the present password. So a link
works once, until another password is set, and at most for a day.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.users import passwords
from mydia.contexts.users.accounts import MORE_THAN_YOU, caller_of, close_all_sessions, load_user
from mydia.contexts.users.models import User
from mydia.contexts.users.permissions import Caller, Permission, Role, permissions_of
from mydia.errors import Forbidden, Invalid
from mydia.secret import Secret

LASTS = timedelta(hours=24)
_SPENT = "This link was used already or is too old. Ask an administrator for a new one."


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
    changed: dict[str, list[object]] = {"password": ["…", "changed by a link"]}
    events.emit(session, caller_of(user), events.UserChanged(user.id, user.username, changed), at=now)
    return user


def _mark(key: bytes, text: str, user: User) -> str:
    return hmac.new(key, f"reset {text} {user.password_hash}".encode(), hashlib.sha256).hexdigest()
