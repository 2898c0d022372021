"""The administrator that the configuration provides (ADMIN_USERNAME and related settings)."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy.orm import Session

from mydia import events
from mydia.config import Config
from mydia.contexts.users import accounts, passwords
from mydia.contexts.users.api_keys import ensure_managed_key
from mydia.contexts.users.models import User
from mydia.contexts.users.permissions import SYSTEM, Role
from mydia.errors import Misconfigured

logger = logging.getLogger(__name__)


def ensure_admin(session: Session, config: Config, now: datetime) -> User | None:
    """Add or update the administrator ADMIN_USERNAME and the key ADMIN_API_KEY. Idempotent.

    Returns:
        The administrator, or None when the configuration names none.

    Raises:
        Misconfigured: A key is configured without an administrator to own it.
    """
    name, key = config["auth.admin_username"], config["auth.admin_api_key"]
    user = _ensure_user(session, config, now, str(name)) if name else None
    for left in accounts.ensure_unmanaged(session, but=user.id if user else None):
        logger.warning("account is no longer managed by ADMIN_USERNAME and stays as it is", extra={"username": left})
    if key and user is None:
        source = config.values["auth.admin_api_key"].source
        raise Misconfigured(f"auth.admin_api_key ({source}) needs an owner. Set ADMIN_USERNAME too.")
    ensure_managed_key(session, SYSTEM, now, user, str(key) if key else None)
    return user


def _ensure_user(session: Session, config: Config, now: datetime, name: str) -> User:
    username = accounts.checked_username(name)
    user = accounts.find_user(session, username)
    if user is None:
        user = User(username=username, role=str(Role.ADMIN), managed=True, created_at=now, preferences={})
        if username != name.strip():
            user.display_name = name.strip()
        session.add(user)
        session.flush()
        events.emit(session, SYSTEM, events.UserAdded(user.id, user.username, user.role), at=now)
    changed: dict[str, list[object]] = {}
    if user.role != Role.ADMIN:
        changed["role"] = [user.role, str(Role.ADMIN)]
    if user.disabled_at is not None:
        changed["disabled"] = [True, False]
    user.role, user.disabled_at, user.managed = str(Role.ADMIN), None, True
    if config["auth.admin_email"]:
        user.email = str(config["auth.admin_email"]).strip().casefold()
    if wanted := _wanted_hash(config, user.password_hash):
        if user.password_hash is not None:
            changed["password"] = ["…", "changed"]
            accounts.close_all_sessions(session, user.id)
        user.password_hash = wanted
    if changed:
        events.emit(session, SYSTEM, events.UserChanged(user.id, user.username, changed), at=now)
    return user


def _wanted_hash(config: Config, present: str | None) -> str | None:
    """Return the hash to store, or None to keep the current one."""
    if given := config["auth.admin_password_hash"]:
        return None if given == present else str(given)
    password = config["auth.admin_password"]
    if not password or (present and passwords.verify_password(present, str(password))):
        return None
    return passwords.hash_password(str(password))
