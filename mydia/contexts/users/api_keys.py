"""Keys for other software: made once, shown once, found by prefix and verified."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.users import passwords
from mydia.contexts.users.accounts import caller_of, get_user
from mydia.contexts.users.models import ApiKey, User
from mydia.contexts.users.permissions import Caller, Permission, Role, permissions_of
from mydia.db import get
from mydia.errors import Forbidden, Invalid

_OURS = re.compile(r"(mydia_[a-z0-9]{8})_[A-Za-z0-9_-]{43}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_TOUCH_AFTER = timedelta(minutes=5)
_LONGEST = 512


class _Verified:
    """Remembers which texts fitted which hashes, so that Argon2 is paid once a key and process, not once a request."""

    def __init__(self, limit: int = 256) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, bool] = OrderedDict()

    def verify(self, key_hash: str, text: str) -> bool:
        """Say whether a text fits a hash."""
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


@dataclass(frozen=True, slots=True)
class KeyCaller:
    """A key that was recognised, and whom it speaks for."""

    api_key_id: str
    caller: Caller
    needs_touch: bool
    """Its last use is long enough ago to be written: call `touch_api_key`."""


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
    """Make a key and return it with its text, which is not stored and cannot be shown again.

    Args:
        user_id: Whose key it is; None means the caller's own.
        scopes: Permissions it is narrowed to; None for all of its owner's.
    Emits:
        ApiKeyAdded.
    """
    if caller.kind == "api_key" and set(Permission if scopes is None else scopes) - caller.permissions:
        # Whatever page or path it comes by: else a key that was narrowed could widen itself.
        raise Invalid(
            "A key can make only keys that may no more than itself.",
            fields={"scopes": "Name what it may, and no more."},
        )
    owner = _owner(session, caller, user_id)
    cleaned = " ".join(name.split())[:80]
    if not cleaned:
        sentence = "Say what the key is for."
        raise Invalid(sentence, fields={"name": sentence})
    if scopes is not None and not set(scopes) <= set(Permission):
        raise Invalid(f"A key can be narrowed to: {', '.join(Permission)}.", fields={"scopes": "Unknown permission."})
    prefix = "mydia_" + "".join(secrets.choice(_LETTERS) for _ in range(8))
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    row = _insert(session, now, owner, cleaned, text)
    row.scopes, row.expires_at = scopes, expires_at
    events.emit(session, caller, events.ApiKeyAdded(row.id, row.name), at=now)
    return row, text


def caller_for_key(session: Session, now: datetime, text: str) -> KeyCaller | None:
    """Return whom a key speaks for; None when it is unknown, revoked, expired, or its owner is disabled."""
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


def touch_api_key(session: Session, now: datetime, api_key_id: str) -> None:
    """Note that a key was used."""
    session.execute(update(ApiKey).where(ApiKey.id == api_key_id).values(last_used_at=now))


def revoke_api_key(session: Session, caller: Caller, now: datetime, api_key_id: str) -> None:
    """Make a key useless at once.

    Raises:
        Forbidden: It is somebody else's, kept by the environment, or mightier than the key that asks.
    Emits:
        ApiKeyRevoked.
    """
    row = get(session, ApiKey, api_key_id, what="This key")
    if row.user_id != caller.id:
        caller.require(Permission.MANAGE_USERS)
    if caller.kind == "api_key":
        owner = get_user(session, row.user_id)
        if permissions_of(Role(owner.role), scopes=row.scopes) - caller.permissions:
            raise Forbidden("A key can revoke only keys that may no more than itself.")
    if row.managed:
        raise Forbidden("This key is kept by ADMIN_API_KEY. Take it away there and restart.")
    if row.revoked_at is None:
        row.revoked_at = now
        events.emit(session, caller, events.ApiKeyRevoked(row.id, row.name), at=now)


def ensure_managed_key(session: Session, caller: Caller, now: datetime, owner: User | None, text: str | None) -> None:
    """Keep exactly the key that the environment names, or none."""
    kept = False
    for row in session.scalars(select(ApiKey).where(ApiKey.managed, ApiKey.revoked_at.is_(None))):
        if text and owner and row.user_id == owner.id and _verified.verify(row.key_hash, text):
            kept = True
        else:
            row.revoked_at = now
            # The prefix must be free again, should the same key come back later.
            row.prefix = f"{row.prefix}#{row.id}"
            events.emit(session, caller, events.ApiKeyRevoked(row.id, row.name), at=now)
    if text and owner and not kept:
        row = _insert(session, now, owner, "ADMIN_API_KEY", text)
        row.managed = True
        events.emit(session, caller, events.ApiKeyAdded(row.id, row.name), at=now)


def prefix_of(text: str) -> str:
    """Return what a key is found by: the front of ours, a short fingerprint of one that was chosen elsewhere."""
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
        raise Forbidden("A key belongs to a person. Sign in first.")
    return get_user(session, wanted)
