"""Invitations: links with which somebody without an account makes one, once.

Only a hash of the link is stored. An invitation counts only while the person who made it could still give its role.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

import msgspec
from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.users.accounts import MORE_THAN_YOU, NewUser, caller_of, checked_email, insert_user
from mydia.contexts.users.models import Invitation, MailState, User
from mydia.contexts.users.permissions import NO_KEYS, Caller, Permission, Role, permissions_of
from mydia.db import get
from mydia.errors import Conflict, Forbidden, Invalid
from mydia.secret import Secret

__all__ = [
    "LONGEST_DAYS",
    "DueInvitation",
    "Invitation",
    "InvitationState",
    "MailState",
    "NewInvitation",
    "NotInvited",
    "add_invitation",
    "due_mails",
    "find_open",
    "get_invitation",
    "list_invitations",
    "new_link",
    "new_mailed_link",
    "record_mail",
    "revoke_invitation",
    "state_of",
    "take",
]

LONGEST_DAYS = 90


class InvitationState(StrEnum):
    """What became of an invitation."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    REVOKED = "revoked"


_SENTENCES = {
    InvitationState.USED: "This invitation was used already. Sign in, or ask for a new one.",
    InvitationState.EXPIRED: "This invitation has expired. Ask for a new one.",
    InvitationState.REVOKED: "This invitation was withdrawn. Ask for a new one.",
    None: "This invitation is not valid. Check that the link is complete, or ask for a new one.",
}


class NotInvited(Invalid):
    """A link that opens no account. `state` is None if there is no such invitation."""

    def __init__(self, state: InvitationState | None) -> None:
        super().__init__(_SENTENCES[state])
        self.state = state


class NewInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation to make."""

    role: Role
    email: str | None = None
    """The address of the invited person, which the account gets."""
    note: str = ""
    """Whom it is for; shown to administrators."""
    days: int = 7
    by_mail: bool = False
    """Send the link to the address."""
    starts_with: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """What the account starts with, as JSON; read and written by the context `requests`."""


class DueInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """A link to send."""

    email: str
    token: str
    inviter: str
    expires_at: datetime


def state_of(row: Invitation, now: datetime) -> InvitationState:
    """Return what became of an invitation."""
    if row.used_at is not None:
        return InvitationState.USED
    if row.revoked_at is not None:
        return InvitationState.REVOKED
    return InvitationState.EXPIRED if row.expires_at <= now else InvitationState.OPEN


def add_invitation(session: Session, caller: Caller, now: datetime, new: NewInvitation) -> tuple[Invitation, str]:
    """Add an invitation and return it with its token, which is not stored and cannot be shown again.

    Raises:
        Invalid: The address is missing or not valid, or the number of days is out of range.
        Forbidden: The role has permissions that the caller does not have.
    Emits:
        InvitationAdded; InvitationMailRequested if the link is to be mailed.
    """
    caller.require(Permission.MANAGE_USERS)
    caller.require_at_least(permissions_of(new.role), MORE_THAN_YOU)
    if caller.id is None:
        raise Forbidden(NO_KEYS)
    if not 1 <= new.days <= LONGEST_DAYS:
        sentence = f"Enter 1 to {LONGEST_DAYS} days."
        raise Invalid(sentence, fields={"days": sentence})
    email = checked_email(new.email)
    if new.by_mail and email is None:
        sentence = "Enter the address that gets the link."
        raise Invalid(sentence, fields={"email": sentence})
    _refuse_known_address(session, email)
    token = secrets.token_urlsafe(32)
    row = Invitation(
        token_hash=_hash(token),
        role=str(new.role),
        email=email,
        note=" ".join(new.note.split())[:80],
        starts_with=dict(new.starts_with),
        created_by=caller.id,
        created_at=now,
        expires_at=now + timedelta(days=new.days),
        mail_state=MailState.DUE if new.by_mail else MailState.NONE,
    )
    session.add(row)
    session.flush()
    events.emit(session, caller, events.InvitationAdded(row.id, row.role, email), at=now)
    if new.by_mail:
        events.emit(session, caller, events.InvitationMailRequested(row.id), at=now)
    return row, token


def list_invitations(session: Session, caller: Caller) -> list[Invitation]:
    """Return all invitations, newest first."""
    caller.require(Permission.MANAGE_USERS)
    return list(session.scalars(select(Invitation).order_by(Invitation.id.desc())))


def get_invitation(session: Session, caller: Caller, invitation_id: str) -> Invitation:
    """Return one invitation."""
    caller.require(Permission.MANAGE_USERS)
    return get(session, Invitation, invitation_id, what="This invitation")


def new_link(session: Session, caller: Caller, now: datetime, invitation_id: str) -> str:
    """Return the token of a new link. The link that was made before stops working.

    Raises:
        Conflict: The invitation is not open.
        Forbidden: Its role has permissions that the caller does not have.
    Emits:
        InvitationRenewed.
    """
    row = _open(session, caller, now, invitation_id)
    token = secrets.token_urlsafe(32)
    row.token_hash, row.mail_state = _hash(token), MailState.NONE
    events.emit(session, caller, events.InvitationRenewed(row.id, row.role, row.email), at=now)
    return token


def revoke_invitation(session: Session, caller: Caller, now: datetime, invitation_id: str) -> None:
    """Withdraw an open invitation.

    Raises:
        Conflict: The invitation is not open.
    Emits:
        InvitationRevoked.
    """
    row = _open(session, caller, now, invitation_id)
    row.revoked_at = now
    events.emit(session, caller, events.InvitationRevoked(row.id, row.role, row.email), at=now)


def find_open(session: Session, now: datetime, token: str) -> tuple[Invitation, str]:
    """Return the invitation of a link and the name of the person who made it.

    Raises:
        NotInvited: There is no such invitation, or it is not open any more.
    """
    found = session.execute(
        select(Invitation, User)
        .join(User, User.id == Invitation.created_by)
        .where(Invitation.token_hash == _hash(token))
    ).first()
    if found is None:
        raise NotInvited(None)
    row, inviter = found
    state = state_of(row, now)
    if state != InvitationState.OPEN:
        raise NotInvited(state)
    could = caller_of(inviter).permissions
    if inviter.disabled_at is not None or not could >= permissions_of(Role(row.role)) | {Permission.MANAGE_USERS}:
        raise NotInvited(InvitationState.REVOKED)
    return row, inviter.display_name or inviter.username


def take(
    session: Session,
    now: datetime,
    token: str,
    username: str,
    *,
    display_name: str | None = None,
    password: Secret | None = None,
    email: str | None = None,
) -> tuple[User, Invitation]:
    """Use an invitation up and return the new account.

    Args:
        email: The address that a provider has verified; the invitation's own address comes first.

    Raises:
        NotInvited: There is no such invitation, or it is not open any more.
        Invalid, Conflict: As for `add_user`. The invitation stays open if the unit of work is rolled back.
    Emits:
        UserAdded, InvitationUsed.
    """
    row, _ = find_open(session, now, token)
    address = row.email or email
    taken = address is not None and session.scalar(select(User.id).where(User.email == address)) is not None
    new = NewUser(
        username=username,
        role=Role(row.role),
        password=password,
        email=None if taken else address,
        display_name=display_name,
    )
    inviter = caller_of(session.get_one(User, row.created_by))
    user = insert_user(session, inviter, now, new)
    used = update(Invitation).where(Invitation.id == row.id, Invitation.used_at.is_(None))
    done = cast("CursorResult[Any]", session.execute(used.values(used_at=now, used_by=user.id)))
    if done.rowcount != 1:
        raise NotInvited(InvitationState.USED)
    events.emit(session, caller_of(user), events.InvitationUsed(row.id, user.id, user.username), at=now)
    return user, row


def due_mails(session: Session, now: datetime) -> list[str]:
    """Return the open invitations whose link was not mailed yet."""
    query = select(Invitation.id).where(
        Invitation.mail_state == MailState.DUE,
        Invitation.used_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > now,
    )
    return list(session.scalars(query))


def new_mailed_link(session: Session, now: datetime, invitation_id: str) -> DueInvitation | None:
    """Make the link to mail. The link that was made before stops working.

    Returns:
        None if the invitation is not open, or its link is not to be mailed.
    """
    row = session.get(Invitation, invitation_id)
    if (
        row is None
        or row.mail_state != MailState.DUE
        or row.email is None
        or state_of(row, now) != InvitationState.OPEN
    ):
        return None
    inviter = session.get_one(User, row.created_by)
    token = secrets.token_urlsafe(32)
    row.token_hash = _hash(token)
    return DueInvitation(
        email=row.email, token=token, inviter=inviter.display_name or inviter.username, expires_at=row.expires_at
    )


def record_mail(session: Session, invitation_id: str, state: MailState) -> None:
    """Note whether the link was sent."""
    row = session.get(Invitation, invitation_id)
    if row is not None and row.mail_state == MailState.DUE:
        row.mail_state = state


def _open(session: Session, caller: Caller, now: datetime, invitation_id: str) -> Invitation:
    row = get_invitation(session, caller, invitation_id)
    caller.require_at_least(permissions_of(Role(row.role)), MORE_THAN_YOU)
    if state_of(row, now) != InvitationState.OPEN:
        raise Conflict("This invitation is not open any more.")
    return row


def _refuse_known_address(session: Session, email: str | None) -> None:
    if email is not None and session.scalar(select(User.id).where(User.email == email)) is not None:
        sentence = "An account with this e-mail address already exists."
        raise Conflict(sentence, fields={"email": sentence})


def _hash(token: str) -> str:
    # The token is long and random, so a plain hash is enough.
    return hashlib.sha256(token.encode()).hexdigest()
