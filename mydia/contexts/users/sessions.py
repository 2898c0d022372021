"""The signed-in browsers of an account: list them and sign them out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.users.accounts import MORE_THAN_YOU, get_own, load_user
from mydia.contexts.users.models import User, UserSession
from mydia.contexts.users.permissions import Caller, Permission, Role, permissions_of
from mydia.errors import NotFound

__all__ = ["UserSession", "end_sessions", "list_sessions", "revoke_session"]


def list_sessions(session: Session, caller: Caller, now: datetime, user_id: str | None = None) -> list[UserSession]:
    """Return the sessions of an account, most recently used first.

    Args:
        user_id: None means the caller's own.
    """
    owner = _seen(session, caller, user_id)
    return list(
        session.scalars(
            select(UserSession)
            .where(UserSession.user_id == owner.id, UserSession.expires_at > now, UserSession.awaits_code.is_(False))
            .order_by(UserSession.last_seen_at.desc())
        )
    )


def revoke_session(
    session: Session, caller: Caller, now: datetime, session_id: str, *, user_id: str | None = None
) -> None:
    """End one session of an account. Its live streams end within seconds.

    Args:
        user_id: None means the caller's own.

    Raises:
        NotFound: The account has no such session.
        Forbidden: The account has permissions that the caller does not have.
    Emits:
        SessionsEnded.
    """
    owner = _changed(session, caller, user_id)
    row = session.get(UserSession, session_id)
    if row is None or row.user_id != owner.id:
        raise NotFound("This session has already ended.")
    session.delete(row)
    events.emit(session, caller, events.SessionsEnded(owner.id, owner.username, 1), at=now)


def end_sessions(session: Session, caller: Caller, now: datetime, *, user_id: str | None = None) -> int:
    """Sign an account out everywhere and return the number of sessions that ended. API keys keep working.

    Args:
        user_id: None means the caller's own, including the present session.

    Raises:
        Forbidden: The account has permissions that the caller does not have.
    Emits:
        SessionsEnded.
    """
    owner = _changed(session, caller, user_id)
    ended = len(list_sessions(session, caller, now, user_id))
    session.execute(delete(UserSession).where(UserSession.user_id == owner.id))
    if ended:
        events.emit(session, caller, events.SessionsEnded(owner.id, owner.username, ended), at=now)
    return ended


def _seen(session: Session, caller: Caller, user_id: str | None) -> User:
    if user_id is None:
        return get_own(session, caller)
    caller.require(Permission.MANAGE_USERS)
    return load_user(session, user_id)


def _changed(session: Session, caller: Caller, user_id: str | None) -> User:
    owner = _seen(session, caller, user_id)
    if user_id is not None:
        caller.require_at_least(permissions_of(Role(owner.role)), MORE_THAN_YOU)
    return owner
