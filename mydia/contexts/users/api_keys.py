"""API keys: the text is shown once at creation; later a key is found by its prefix and verified by its hash."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections import OrderedDict
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.users import passwords
from mydia.contexts.users.accounts import caller_of, load_user
from mydia.contexts.users.models import ApiKey, User
from mydia.contexts.users.permissions import Caller, Permission, Role, permissions_of
from mydia.db import get
from mydia.errors import Forbidden, Invalid
from mydia.events import ApiKeyUsed

_OURS = re.compile(r"(mydia_[a-z0-9]{8})_[A-Za-z0-9_-]{43}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_TOUCH_AFTER = timedelta(minutes=5)
_RECORD_AFTER = timedelta(days=1)
_ADDRESSES_AT_MOST = 50
"""How many recent uses are compared with an address."""
_LONGEST = 512


class _Verified:
    """Caches which key matched which hash, so Argon2 runs once per key and process instead of once per request."""

    def __init__(self, limit: int = 256) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, bool] = OrderedDict()

    def verify(self, key_hash: str, text: str) -> bool:
        """Return whether a key matches a hash."""
        digest = hashlib.sha256(f"{key_hash}\0{text}".encode()).digest()
        with self._lock:
            if digest in self._known:
                self._known.move_to_end(digest)
                return self._known[digest]
        fits = passwords.verify_key(key_hash, text)
        with self._lock:
            self._known[digest] = fits
            while len(self._known) > self._limit:
                self._known.popitem(last=False)
        return fits


_verified = _Verified()


class KeyCaller(msgspec.Struct, frozen=True):
    """A valid API key and the caller it stands for."""

    api_key_id: str
    caller: Caller
    needs_touch: bool
    """Its last use was recorded long enough ago to be updated: call `touch_api_key`."""


def list_keys(session: Session, caller: Caller, user_id: str | None = None) -> list[ApiKey]:
    """Return an account's API keys that are not revoked, oldest first.

    Args:
        user_id: None means the caller's own.
    """
    owner_id = user_id or caller.id
    if owner_id is None:
        raise Forbidden("API keys belong to an account. Sign in to list yours.")
    if owner_id != caller.id:
        caller.require(Permission.MANAGE_USERS)
        load_user(session, owner_id)
    return list(
        session.scalars(
            select(ApiKey).where(ApiKey.user_id == owner_id, ApiKey.revoked_at.is_(None)).order_by(ApiKey.id)
        )
    )


def add_api_key(
    session: Session,
    caller: Caller,
    now: datetime,
    name: str,
    *,
    user_id: str | None = None,
    scopes: list[str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Create an API key and return it with its text, which is not stored and cannot be shown again.

    Args:
        user_id: Its owner. None means the caller.
        scopes: The permissions it is limited to. None means all of its owner's.

    Raises:
        Invalid: It would have permissions that the caller does not have, or the name or a scope is not valid.
    Emits:
        ApiKeyAdded.
    """
    owner = _owner(session, caller, user_id)
    cleaned = " ".join(name.split())[:80]
    if not cleaned:
        sentence = "Enter a name for the key."
        raise Invalid(sentence, fields={"name": sentence})
    if scopes is not None and not set(scopes) <= set(Permission):
        raise Invalid(f"Scopes can be: {', '.join(Permission)}.", fields={"scopes": "Unknown permission."})
    # A key without scopes gains permissions when its owner's role is raised, so a key may not create one unless it has all.
    unlimited = set(Permission) if caller.kind == "api_key" else permissions_of(Role(owner.role))
    granted = unlimited if scopes is None else set(scopes)
    if granted - caller.permissions:
        raise Invalid(
            "You cannot create a key that has more permissions than you.",
            fields={"scopes": "Choose only permissions that you have."},
        )
    prefix = "mydia_" + "".join(secrets.choice(_LETTERS) for _ in range(8))
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    row = _insert(session, now, owner, cleaned, text)
    row.scopes, row.expires_at = scopes, expires_at
    events.emit(session, caller, events.ApiKeyAdded(row.id, row.name), at=now)
    return row, text


def caller_for_key(session: Session, now: datetime, text: str) -> KeyCaller | None:
    """Return the caller of a key. None when it is unknown, revoked or expired, or its owner is disabled."""
    if not text or len(text) > _LONGEST:
        return None
    found = session.execute(
        select(ApiKey, User)
        .join(User, User.id == ApiKey.user_id)
        .where(ApiKey.prefix == prefix_of(text), ApiKey.revoked_at.is_(None), User.disabled_at.is_(None))
    ).first()
    if found is None:
        return None
    row, user = found
    if (row.expires_at is not None and row.expires_at <= now) or not _verified.verify(row.key_hash, text):
        return None
    caller = caller_of(user, kind="api_key", name=row.name, scopes=row.scopes)
    return KeyCaller(row.id, caller, row.last_used_at is None or now - row.last_used_at > _TOUCH_AFTER)


def touch_api_key(session: Session, now: datetime, found: KeyCaller, address: str, agent: str) -> None:
    """Record that a key was used; the audit names each address once a day.

    Emits:
        ApiKeyUsed.
    """
    session.execute(update(ApiKey).where(ApiKey.id == found.api_key_id).values(last_used_at=now))
    used = ApiKeyUsed(found.api_key_id, found.caller.name, address[:64], agent[:300])
    known = events.feed(
        session, types=[ApiKeyUsed.__name__], resource=("api_key", found.api_key_id), limit=_ADDRESSES_AT_MOST
    )
    if not any(told.payload["address"] == used.address and now - told.at < _RECORD_AFTER for told in known):
        events.emit(session, found.caller, used, at=now)


def revoke_api_key(session: Session, caller: Caller, now: datetime, api_key_id: str) -> None:
    """Revoke a key with immediate effect.

    Raises:
        Forbidden: It belongs to another account, is managed by the configuration, or has permissions that the caller does
            not have.
    Emits:
        ApiKeyRevoked.
    """
    row = get(session, ApiKey, api_key_id, what="This API key")
    if row.user_id != caller.id:
        caller.require(Permission.MANAGE_USERS)
    owner = load_user(session, row.user_id)
    granted = permissions_of(Role(owner.role), scopes=row.scopes)
    caller.require_at_least(granted, "You cannot revoke a key that has more permissions than you.")
    if row.managed:
        raise Forbidden("This key is managed by ADMIN_API_KEY. Remove that setting and restart Mydia.")
    if row.revoked_at is None:
        row.revoked_at = now
        events.emit(session, caller, events.ApiKeyRevoked(row.id, row.name), at=now)


def ensure_managed_key(session: Session, caller: Caller, now: datetime, owner: User | None, text: str | None) -> None:
    """Make sure that exactly the key that the configuration names is valid, or none."""
    kept = False
    for row in session.scalars(select(ApiKey).where(ApiKey.managed, ApiKey.revoked_at.is_(None))):
        if text and owner and row.user_id == owner.id and _verified.verify(row.key_hash, text):
            kept = True
        else:
            row.revoked_at = now
            # Free the prefix, so the same key can be configured again later.
            row.prefix = f"{row.prefix}#{row.id}"
            events.emit(session, caller, events.ApiKeyRevoked(row.id, row.name), at=now)
    if text and owner and not kept:
        row = _insert(session, now, owner, "ADMIN_API_KEY", text)
        row.managed = True
        events.emit(session, caller, events.ApiKeyAdded(row.id, row.name), at=now)


def prefix_of(text: str) -> str:
    """Return the lookup value of a key: the prefix of a generated key, or a short fingerprint of a user-chosen one."""
    if match := _OURS.fullmatch(text):
        return match[1]
    return "key_" + hashlib.sha256(text.encode()).hexdigest()[:12]


def _insert(session: Session, now: datetime, owner: User, name: str, text: str) -> ApiKey:
    row = ApiKey(user_id=owner.id, name=name, prefix=prefix_of(text), key_hash=passwords.hash_key(text), created_at=now)
    session.add(row)
    session.flush()
    return row


def _owner(session: Session, caller: Caller, user_id: str | None) -> User:
    if user_id is not None and user_id != caller.id:
        caller.require(Permission.MANAGE_USERS)
    if (wanted := user_id or caller.id) is None:
        raise Forbidden("An API key belongs to an account. Sign in first.")
    return load_user(session, wanted)
