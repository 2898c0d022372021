"""Sign-in by what a provider asserts: an OIDC provider, or the headers of a trusted proxy."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.users import invitations
from mydia.contexts.users.accounts import close_all_sessions, find_user, get_own, load_user
from mydia.contexts.users.models import Credential, Identity, SpentToken, User
from mydia.contexts.users.permissions import NOBODY, SYSTEM, Caller, Role
from mydia.contexts.users.sign_in import record_failure
from mydia.db import Database
from mydia.errors import Conflict, Forbidden, NotFound

logger = logging.getLogger(__name__)

_NOT_IN_USERNAMES = re.compile(r"[^\w.@+-]+")
_LONGEST_BASE = 58
"""Characters of a user name that leave room for a number such as -1234."""
_KEPT_CLAIMS_CHARACTERS = 200


class Asserted(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says about a person, after every check."""

    issuer: str
    subject: str
    """With the issuer, the key of the identity. It never changes."""
    username: str | None = None
    display_name: str | None = None
    email: str | None = None
    """None if the provider has not verified it."""
    groups: tuple[str, ...] | None = None
    """None: the provider did not send the claim, so nothing is known about the role."""


class AccountRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's people become here."""

    provider: str
    """Its name, for messages."""
    allow_sign_up: bool = True
    """Whether unknown people get an account."""
    role_groups: Mapping[Role, frozenset[str]]
    """Role -> names of groups. The role with the most permissions wins."""
    default_role: Role | None = Role.GUEST
    """The role of people in none of the groups. None: they may not sign in."""


class Admission(StrEnum):
    """Why a person was not admitted."""

    DISABLED = "disabled"
    UNKNOWN_PERSON = "unknown_person"
    NO_GROUP = "no_group"
    NO_ADMIN = "no_admin"


_SENTENCES = {
    Admission.DISABLED: "This account is disabled. Ask an administrator to enable it.",
    Admission.UNKNOWN_PERSON: "There is no Mydia account for you yet. Ask an administrator to add one.",
    Admission.NO_GROUP: "None of your groups may use Mydia. Ask an administrator of {provider} for access.",
    Admission.NO_ADMIN: (
        "Mydia has no administrator yet. Open the setup page from the local network, or with the setup token from the log."
    ),
}


class NotAdmitted(Forbidden):
    """The provider knows the person, but they may not use this installation."""

    def __init__(self, code: Admission, provider: str, user_id: str | None = None) -> None:
        super().__init__(_SENTENCES[code].format(provider=provider))
        self.code = code
        self.user_id = user_id


def role_of(groups: Collection[str], rules: AccountRules) -> Role | None:
    """Return the role that a person's groups give them, or None if none of the groups is mapped.

    Names are compared without case and without the slash that Keycloak puts before group names.

    >>> rules = AccountRules(provider="x", role_groups={Role.ADMIN: frozenset({"Admins"})})
    >>> role_of(["/admins", "staff"], rules)
    <Role.ADMIN: 'admin'>
    """
    folded = {_folded(group) for group in groups}
    return next((role for role in Role if folded & {_folded(one) for one in rules.role_groups.get(role, ())}), None)


def _folded(group: str) -> str:
    return group.strip().removeprefix("/").casefold()


def admit(
    database: Database,
    now: datetime,
    asserted: Asserted,
    rules: AccountRules,
    address: str,
    *,
    may_found: bool,
    agent: str = "",
) -> User:
    """Return the account of an identity, adding it if the rules allow. Never links to an account that exists.

    Args:
        may_found: Whether the person may become the first administrator.

    Raises:
        NotAdmitted: The account is disabled, or the rules allow no account.
    Emits:
        UserAdded, UserChanged, SignInFailed.
    """
    try:
        with database.writes() as session:
            return _admit(session, now, asserted, rules, may_found=may_found)
    except NotAdmitted as refused:
        name = asserted.username or asserted.subject
        record_failure(database, now, NOBODY, name, address, refused.code.value, user_id=refused.user_id, agent=agent)
        raise


def _admit(session: Session, now: datetime, asserted: Asserted, rules: AccountRules, *, may_found: bool) -> User:
    identity = _find(session, asserted)
    founds = may_found and not _has_admin(session)
    if identity is None:
        user = _new_account(session, now, asserted, rules, founds=founds)
        identity = _add_identity(session, now, user, asserted)
    else:
        user = load_user(session, identity.user_id)
        if user.disabled_at is not None:
            raise NotAdmitted(Admission.DISABLED, rules.provider, user.id)
        if not user.role_pinned:
            _follow_groups(session, now, user, asserted, rules, founds=founds)
    identity.claims = _kept(asserted)
    return user


def _new_account(session: Session, now: datetime, asserted: Asserted, rules: AccountRules, *, founds: bool) -> User:
    mapped = role_of(asserted.groups or (), rules)
    if not founds:
        if not rules.allow_sign_up:
            raise NotAdmitted(Admission.UNKNOWN_PERSON, rules.provider)
        if mapped is None and rules.default_role is None:
            raise NotAdmitted(Admission.NO_GROUP, rules.provider)
        if mapped != Role.ADMIN and not _has_admin(session):
            raise NotAdmitted(Admission.NO_ADMIN, rules.provider)
    role = Role.ADMIN if founds else mapped or rules.default_role
    user = User(
        username=_free_username(session, asserted),
        email=_free_email(session, asserted.email),
        display_name=" ".join((asserted.display_name or "").split())[:80] or None,
        role=str(role),
        # The first administrator keeps the role, whatever groups they are in.
        role_pinned=founds,
        created_at=now,
        preferences={},
    )
    session.add(user)
    session.flush()
    events.emit(session, SYSTEM, events.UserAdded(user.id, user.username, user.role), at=now)
    return user


def _follow_groups(
    session: Session, now: datetime, user: User, asserted: Asserted, rules: AccountRules, *, founds: bool
) -> None:
    """Give an account the role of its groups, unless the provider sent none."""
    if founds:
        wanted, user.role_pinned = Role.ADMIN, True
    elif asserted.groups is None:
        return
    else:
        found = role_of(asserted.groups, rules) or rules.default_role
        if found is None:
            raise NotAdmitted(Admission.NO_GROUP, rules.provider, user.id)
        wanted = found
    if wanted == user.role:
        return
    if user.role == Role.ADMIN and not _has_admin(session, besides=user.id):
        logger.warning("the only administrator keeps the role, although no group gives it", extra={"user_id": user.id})
        return
    changed: dict[str, list[object]] = {"role": [user.role, str(wanted)]}
    user.role = str(wanted)
    close_all_sessions(session, user.id)
    events.emit(session, SYSTEM, events.UserChanged(user.id, user.username, changed), at=now)


def follow_groups(session: Session, caller: Caller, now: datetime, user_id: str) -> None:
    """Let an account's role follow the groups at its provider again, after an administrator chose it.

    The role stays until the next sign-in there.

    Raises:
        Forbidden: The caller does not have all permissions, which the groups can give, or the configuration manages the
            account.
        Conflict: The account is not linked to a provider.
    Emits:
        UserChanged.
    """
    caller.require_all()
    user = load_user(session, user_id)
    if user.managed:
        raise Forbidden(f"{user.username} is managed by ADMIN_USERNAME. Change it there and restart Mydia.")
    if session.scalar(select(Identity.id).where(Identity.user_id == user.id).limit(1)) is None:
        raise Conflict("This account is not linked to a provider, so it has no groups to follow.")
    if not user.role_pinned:
        return
    user.role_pinned = False
    changed: dict[str, list[object]] = {"role is chosen by": ["an administrator", "the provider's groups"]}
    events.emit(session, caller, events.UserChanged(user.id, user.username, changed), at=now)


def take_invitation(
    session: Session, now: datetime, token: str, asserted: Asserted, *, provider: str
) -> tuple[User, invitations.Invitation]:
    """Use an invitation up and return the new account, which is linked to the identity.

    Raises:
        NotInvited: There is no such invitation, or it is not open any more.
        Conflict: The identity has an account. The invitation stays open.
    Emits:
        UserAdded, InvitationUsed.
    """
    if _find(session, asserted) is not None:
        raise Conflict(f"You already have a Mydia account for this sign-in at {provider}. Sign in with it.")
    name = _free_username(session, asserted)
    user, row = invitations.take(
        session, now, token, name, display_name=asserted.display_name, email=_free_email(session, asserted.email)
    )
    _add_identity(session, now, user, asserted)
    return user, row


def link(session: Session, caller: Caller, now: datetime, asserted: Asserted, *, provider: str) -> None:
    """Link an identity to the caller's account.

    Raises:
        Conflict: It is linked to another account.
        Forbidden: The caller is an API key.
    Emits:
        IdentityLinked.
    """
    user = get_own(session, caller)
    present = _find(session, asserted)
    if present is not None:
        if present.user_id != user.id:
            raise Conflict(f"This account at {provider} is already linked to another Mydia account.")
        return
    _add_identity(session, now, user, asserted)
    events.emit(session, caller, events.IdentityLinked(user.id, user.username, provider), at=now)


def unlink(
    session: Session, caller: Caller, now: datetime, identity_id: str, *, provider: str, has_password_sign_in: bool
) -> None:
    """Remove an identity from the caller's account.

    Args:
        has_password_sign_in: Whether people can sign in with a password here.

    Raises:
        NotFound: The caller has no such identity.
        Conflict: Without it the caller could not sign in any more.
    Emits:
        IdentityUnlinked.
    """
    user = get_own(session, caller)
    identity = session.get(Identity, identity_id)
    if identity is None or identity.user_id != user.id:
        raise NotFound("This link was removed already.")
    others = session.scalar(select(func.count()).where(Identity.user_id == user.id, Identity.id != identity_id))
    has_passkey = session.scalar(
        select(func.count()).where(Credential.user_id == user.id, Credential.lookup.is_not(None))
    )
    if not others and not (has_password_sign_in and (user.password_hash or has_passkey)):
        raise Conflict("This is your only way to sign in. Ask an administrator to set a password first.")
    session.delete(identity)
    events.emit(session, caller, events.IdentityUnlinked(user.id, user.username, provider), at=now)


def list_identities(session: Session, caller: Caller) -> list[Identity]:
    """Return the caller's own identities, oldest first."""
    user = get_own(session, caller)
    return list(session.scalars(select(Identity).where(Identity.user_id == user.id).order_by(Identity.id)))


def has_linked_admin(session: Session, issuers: Collection[str]) -> bool:
    """Return whether an enabled administrator can sign in at one of these issuers. For contexts.

    Args:
        issuers: Without a slash at the end.
    """
    query = select(Identity.issuer).join(User).where(User.role == Role.ADMIN, User.disabled_at.is_(None))
    return any(issuer.rstrip("/") in issuers for issuer in session.scalars(query))


def spend(session: Session, now: datetime, token: str, *, keep: timedelta) -> None:
    """Use up a token.

    Args:
        keep: How long the token would still be valid.

    Raises:
        Conflict: It was used before.
    """
    session.execute(delete(SpentToken).where(SpentToken.expires_at < now))
    digest = hashlib.sha256(token.encode()).hexdigest()
    if session.get(SpentToken, digest) is not None:
        raise Conflict("This sign-in was completed already. Start again.")
    session.add(SpentToken(digest=digest, expires_at=now + keep))


def _find(session: Session, asserted: Asserted) -> Identity | None:
    return session.scalar(
        select(Identity).where(Identity.issuer == asserted.issuer, Identity.subject == asserted.subject)
    )


def _add_identity(session: Session, now: datetime, user: User, asserted: Asserted) -> Identity:
    identity = Identity(
        user_id=user.id, issuer=asserted.issuer, subject=asserted.subject, claims=_kept(asserted), created_at=now
    )
    session.add(identity)
    return identity


def _kept(asserted: Asserted) -> dict[str, object]:
    """Return what is shown on the account page."""
    found = {"username": asserted.username, "email": asserted.email, "name": asserted.display_name}
    return {name: text[:_KEPT_CLAIMS_CHARACTERS] for name, text in found.items() if text}


def _has_admin(session: Session, *, besides: str | None = None) -> bool:
    query = select(User.id).where(User.role == Role.ADMIN, User.disabled_at.is_(None))
    return session.scalar((query if besides is None else query.where(User.id != besides)).limit(1)) is not None


def _free_username(session: Session, asserted: Asserted) -> str:
    """Return a user name that no account has: the provider's, with a number if it is taken."""
    given = asserted.username or (asserted.email or "").partition("@")[0] or asserted.display_name or ""
    base = _NOT_IN_USERNAMES.sub("-", given.strip().casefold())[:_LONGEST_BASE].strip("-") or "person"
    name, number = base, 1
    while find_user(session, name) is not None:
        number += 1
        name = f"{base}-{number}"
    return name


def _free_email(session: Session, email: str | None) -> str | None:
    """Return an address that no account has. An address never links two accounts, so a taken one is left out."""
    folded = (email or "").strip().casefold()
    if not folded or len(folded) > 254 or session.scalar(select(User.id).where(User.email == folded)) is not None:
        return None
    return folded
