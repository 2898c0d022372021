"""Sign-in with a password, and the sessions it opens."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.users import passwords, throttle
from mydia.contexts.users.accounts import caller_of, find_user, get_own
from mydia.contexts.users.models import User, UserSession
from mydia.contexts.users.permissions import NOBODY, Caller
from mydia.db import Database
from mydia.errors import Invalid
from mydia.secret import Secret

# The last use of a session is written at most this often, so a page with forty posters does not cause forty writes.
TOUCH_AFTER = timedelta(minutes=5)
WAITING_LASTS = timedelta(minutes=10)
"""How long a session waits for the second factor."""
_AGENT_CHARACTERS = 300
_WRONG = "Wrong username or password."
_NOT_CURRENT = "This is not your current password."


class FoundSession(msgspec.Struct, frozen=True, kw_only=True):
    """A valid session and the caller it stands for."""

    id: str
    caller: Caller
    preferences: dict[str, object]
    avatar_url: str | None
    needs_touch: bool
    """Its last use was recorded long enough ago to be updated: call `touch_session`."""
    provider_id: str | None = None
    """The provider that the browser was signed in by."""


def authenticate(
    database: Database, now: datetime, username: str, password: Secret, address: str, *, agent: str = ""
) -> User:
    """Return the account for a user name and password.

    Counts the attempt first, verifies the password outside any transaction, then records the outcome. An unknown user name
    takes as long as a wrong password and gives the same answer.

    Raises:
        Invalid: The user name or password is wrong, or the account is disabled.
        TooManyAttempts: The address or user name has to wait, even with the right password.
    Emits:
        SignInFailed.
    """
    with database.writes() as session:
        attempt = throttle.reserve(session, now, username, address)
    with database.reads() as session:
        user = find_user(session, username)
    fits = passwords.verify_password(user.password_hash if user else None, password.reveal())
    if user is None or not fits or user.disabled_at is not None:
        reason = "disabled" if user and fits else "wrong password" if user else "unknown name"
        user_id = user.id if user else None
        record_failure(database, now, NOBODY, username, address, reason, user_id=user_id, agent=agent)
        raise Invalid(
            "This account is disabled. Ask an administrator to enable it." if reason == "disabled" else _WRONG
        )
    with database.writes() as session:
        throttle.forgive(session, username, address, attempt)
        if user.password_hash and passwords.needs_rehash(user.password_hash) and not user.managed:
            rehashed = passwords.hash_password(password.reveal())
            session.execute(update(User).where(User.id == user.id).values(password_hash=rehashed))
    return user


def confirm(database: Database, now: datetime, caller: Caller, current: Secret, address: str) -> passwords.Confirmed:
    """Check the caller's password before a change for which an unlocked browser must not be enough.

    Wrong passwords are counted in a unit of work of their own, because the change and its unit of work are given up.

    Returns:
        Proof for the change; an account without a password gets it without a check.

    Raises:
        Invalid: The password is wrong.
        TooManyAttempts: Too many were wrong.
        Forbidden: The caller is an API key.
    """
    with database.reads() as session:
        user = get_own(session, caller)
    if user.password_hash is None:
        return passwords.Confirmed(user.id)
    place = f"own/{user.username}"  # no user name has a slash
    with database.writes() as session:
        attempt = throttle.reserve(session, now, place, address)
    if not passwords.verify_password(user.password_hash, current.reveal()):
        raise Invalid(_NOT_CURRENT, fields={"current": _NOT_CURRENT})
    with database.writes() as session:
        throttle.forgive(session, place, address, attempt)
    return passwords.Confirmed(user.id)


def record_failure(
    database: Database,
    now: datetime,
    caller: Caller,
    username: str,
    address: str,
    reason: str,
    *,
    user_id: str | None = None,
    agent: str = "",
) -> None:
    """Record that somebody could not sign in. An address that fails all the time is recorded only so often.

    Args:
        username: As entered; the provider's name if it did not say who it was.
    Emits:
        SignInFailed.
    """
    with database.writes() as session:
        throttle.prune(session, now)
        if not throttle.reserve_record(session, now, address):
            return
        failed = events.SignInFailed(
            user_id=user_id,
            username=username[:64],
            address=address,
            reason=reason,
            agent=agent[:_AGENT_CHARACTERS],
        )
        events.emit(session, caller, failed, at=now)


class SignedInBy(msgspec.Struct, frozen=True, kw_only=True):
    """How a browser was signed in."""

    method: str = "password"
    """`password`, `passkey`, `oidc` or `proxy`."""
    provider_id: str | None = None
    sealed_id_token: str | None = None


PASSWORD = SignedInBy()


def open_session(
    session: Session,
    now: datetime,
    user: User,
    *,
    days: int,
    address: str,
    agent: str,
    by: SignedInBy = PASSWORD,
) -> tuple[UserSession, str]:
    """Open a session and return it with its token, which only the browser keeps.

    Args:
        days: The session expires after this many days without use.
    Emits:
        SignedIn.
    """
    token = secrets.token_urlsafe(32)
    row = UserSession(
        user_id=user.id,
        token_hash=_hash(token),
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(days=days),
        address=address[:64] or None,
        agent=agent[:_AGENT_CHARACTERS] or None,
        provider_id=by.provider_id,
        sealed_id_token=by.sealed_id_token,
    )
    session.add(row)
    session.execute(update(User).where(User.id == user.id).values(last_login_at=now))
    session.execute(delete(UserSession).where(UserSession.expires_at < now))
    signed_in = events.SignedIn(
        user_id=user.id,
        username=user.username,
        method=by.method,
        address=address,
        agent=agent[:_AGENT_CHARACTERS],
    )
    events.emit(session, caller_of(user), signed_in, at=now)
    return row, token


def open_waiting(session: Session, now: datetime, user: User, *, address: str, agent: str) -> str:
    """Open a session that waits for the second factor, and return its token."""
    token = secrets.token_urlsafe(32)
    row = UserSession(
        user_id=user.id,
        token_hash=_hash(token),
        created_at=now,
        last_seen_at=now,
        expires_at=now + WAITING_LASTS,
        address=address[:64] or None,
        agent=agent[:_AGENT_CHARACTERS] or None,
        awaits_code=True,
    )
    session.add(row)
    return token


def find_waiting(session: Session, now: datetime, token: str) -> str | None:
    """Return the account whose second factor a session waits for."""
    return session.scalar(
        select(UserSession.user_id)
        .join(User, User.id == UserSession.user_id)
        .where(
            UserSession.token_hash == _hash(token),
            UserSession.expires_at > now,
            UserSession.awaits_code,
            User.disabled_at.is_(None),
        )
    )


def find_session(session: Session, now: datetime, token: str) -> FoundSession | None:
    """Return the session of a token. None when it is unknown or expired, or its account is disabled."""
    found = session.execute(
        select(UserSession.id, UserSession.last_seen_at, UserSession.provider_id, User)
        .join(User, User.id == UserSession.user_id)
        .where(
            UserSession.token_hash == _hash(token),
            UserSession.expires_at > now,
            UserSession.awaits_code.is_(False),
            User.disabled_at.is_(None),
        )
    ).first()
    if found is None:
        return None
    identifier, seen_at, provider_id, user = found
    return FoundSession(
        id=identifier,
        caller=caller_of(user),
        preferences=user.preferences,
        avatar_url=user.avatar_url,
        needs_touch=now - seen_at > TOUCH_AFTER,
        provider_id=provider_id,
    )


def touch_session(session: Session, now: datetime, session_id: str) -> None:
    """Record that a session was used, and extend it by its full lifetime."""
    row = session.get(UserSession, session_id)
    if row is not None:
        row.last_seen_at, row.expires_at = now, now + (row.expires_at - row.last_seen_at)


def close_session(session: Session, token: str) -> UserSession | None:
    """Sign a browser out and return its session. An unknown token is ignored."""
    row = session.scalar(select(UserSession).where(UserSession.token_hash == _hash(token)))
    if row is not None:
        session.delete(row)
    return row


def sign_out(session: Session, now: datetime, token: str) -> UserSession | None:
    """Sign a browser out because a person asked for it, and return its session. An unknown token is ignored.

    Emits:
        SessionsEnded.
    """
    row = close_session(session, token)
    user = None if row is None else session.get(User, row.user_id)
    if user is not None:
        events.emit(session, caller_of(user), events.SessionsEnded(user.id, user.username, 1), at=now)
    return row


def _hash(token: str) -> str:
    # The token is long and random, so a plain hash is enough: a stolen database reveals no token.
    return hashlib.sha256(token.encode()).hexdigest()
