"""Tables of accounts, credentials, sessions and API keys."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mydia.contexts.users.permissions import Role
from mydia.db import Base, HasId, Instant, one_of


class User(HasId, Base):
    """An account. `username` and `email` are case-folded; `password_hash` is None when it has no local login."""

    __tablename__ = "users"
    __table_args__ = (one_of("role", Role),)

    username: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str | None] = mapped_column(unique=True)
    display_name: Mapped[str | None]
    avatar_url: Mapped[str | None]
    """Where the picture is; None without one."""
    role: Mapped[str]
    password_hash: Mapped[str | None]
    disabled_at: Mapped[datetime | None] = mapped_column(Instant)
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """theme (mydia-dark | mydia-light | system), density, dates, hours, time_zone, views."""
    managed: Mapped[bool] = mapped_column(default=False)
    role_pinned: Mapped[bool] = mapped_column(default=True)
    """Whether a person chose the role. Otherwise it follows the groups at the provider."""
    last_login_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)


class Identity(HasId, Base):
    """An account's identity at an OIDC provider. Issuer and subject never change; names and addresses do."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str]
    subject: Mapped[str]
    claims: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(Instant)


class Credential(HasId, Base):
    """A second factor, sealed."""

    __tablename__ = "credentials"
    __table_args__ = (one_of("kind", "totp", "webauthn", "recovery"),)

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    name: Mapped[str]
    lookup: Mapped[str | None] = mapped_column(unique=True)
    """The id of a passkey, which the browser sends."""
    sealed: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)


class UserSession(HasId, Base):
    """A signed-in browser. Only a hash of its token is stored."""

    __tablename__ = "sessions"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_seen_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)
    address: Mapped[str | None]
    agent: Mapped[str | None]
    awaits_code: Mapped[bool] = mapped_column(default=False)
    """Whether the second factor is still missing. Until then the session opens nothing but the page that asks for it."""
    provider_id: Mapped[str | None]
    """The OIDC provider that the browser signed in with; a row of `settings.models.OidcProvider`."""
    sealed_id_token: Mapped[str | None]
    """Its ID token, which the provider wants to see when the browser signs out."""


class ApiKey(HasId, Base):
    """A key for other software, found by its prefix and verified against an Argon2 hash."""

    __tablename__ = "api_keys"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    key_hash: Mapped[str]
    scopes: Mapped[list[Any] | None]
    """The permissions it is limited to; None for all of its owner's."""
    managed: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)


class LoginAttempt(HasId, Base):
    """A failed sign-in, stored so throttling works across processes and restarts; pruned after the window."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index("ix_login_attempts_key_at", "key", "at"),)

    key: Mapped[str] = mapped_column(Text)
    """`pair:…`, `address:…` or `username:…`; for forgotten passwords `reset-address:…` or `reset:…`; `recorded:…`."""
    at: Mapped[datetime] = mapped_column(Instant)


class PasswordReset(HasId, Base):
    """A request of somebody who forgot the password. The link goes to the account's own e-mail address."""

    __tablename__ = "password_resets"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    """None until the message is written."""
    requested_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    mailed_at: Mapped[datetime | None] = mapped_column(Instant)


class MailState(StrEnum):
    """Whether the link of an invitation is mailed."""

    NONE = "none"
    DUE = "due"
    SENT = "sent"
    FAILED = "failed"


class Invitation(HasId, Base):
    """A link with which somebody makes an account, once."""

    __tablename__ = "invitations"
    __table_args__ = (one_of("role", Role), one_of("mail_state", MailState))

    token_hash: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    email: Mapped[str | None]
    note: Mapped[str]
    """Whom it is for."""
    starts_with: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Type -> quota, folder and profile; see `contexts.requests.invited`."""
    created_by: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    used_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    mail_state: Mapped[str] = mapped_column(default=MailState.NONE)


class Avatar(Base):
    """The picture of a person: a square WebP, encoded by us."""

    __tablename__ = "avatars"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    content: Mapped[bytes]
    updated_at: Mapped[datetime] = mapped_column(Instant)


class SpentToken(Base):
    """A token that works only once and was used; kept until it would have expired."""

    __tablename__ = "spent_tokens"

    digest: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


class KeptAnswer(HasId, Base):
    """The answer to a request with an `Idempotency-Key`, or that the request is still running."""

    __tablename__ = "kept_answers"

    key_hash: Mapped[str] = mapped_column(unique=True)
    """Of the key and the credential that sent it."""
    request_hash: Mapped[str]
    process: Mapped[str]
    """Id of the process that runs the request."""
    started_at: Mapped[datetime] = mapped_column(Instant, index=True)
    status: Mapped[int | None]
    """None while the request runs."""
    headers: Mapped[list[Any]] = mapped_column(default=list)
    sealed_body: Mapped[str | None]
