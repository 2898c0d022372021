"""The people of the household as administrators see them: each account with its ways to sign in."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mydia.contexts.users.accounts import load_user
from mydia.contexts.users.models import Credential, Identity, User, UserSession
from mydia.contexts.users.permissions import Caller, Permission


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """An account and how its owner signs in."""

    user: User
    has_password: bool
    issuers: tuple[str, ...]
    """The OIDC providers and the proxy that it is linked to, sorted."""
    has_passkey: bool
    has_app: bool
    """An authenticator app as second factor."""
    session_count: int
    """Signed-in browsers."""


def list_people(session: Session, caller: Caller, now: datetime) -> list[Person]:
    """Return all accounts by name. A household has few, so the list is not paged."""
    caller.require(Permission.MANAGE_USERS)
    return _people(session, now, list(session.scalars(select(User).order_by(User.username))))


def get_person(session: Session, caller: Caller, now: datetime, user_id: str) -> Person:
    """Return one account."""
    caller.require(Permission.MANAGE_USERS)
    return _people(session, now, [load_user(session, user_id)])[0]


def _people(session: Session, now: datetime, found: list[User]) -> list[Person]:
    issuers: defaultdict[str, set[str]] = defaultdict(set)
    for user_id, issuer in session.execute(select(Identity.user_id, Identity.issuer)):
        issuers[user_id].add(issuer)
    credentials = {(user_id, kind) for user_id, kind in session.execute(select(Credential.user_id, Credential.kind))}
    counted = (
        select(UserSession.user_id, func.count())
        .where(UserSession.expires_at > now, UserSession.awaits_code.is_(False))
        .group_by(UserSession.user_id)
    )
    sessions: dict[str, int] = dict(session.execute(counted).all())
    return [
        Person(
            user=user,
            has_password=user.password_hash is not None,
            issuers=tuple(sorted(issuers[user.id])),
            has_passkey=(user.id, "webauthn") in credentials,
            has_app=(user.id, "totp") in credentials,
            session_count=sessions.get(user.id, 0),
        )
        for user in found
    ]
