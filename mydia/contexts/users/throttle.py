"""Sign-in throttling. Attempts are counted in the database, so for all processes and across restarts."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mydia import units
from mydia.contexts.users.models import LoginAttempt, User, UserSession
from mydia.errors import Forbidden

PER_PAIR = 10
"""Failures that one address may make for one user name in a window."""
PER_ADDRESS = 50
"""Failures that one address may make in a window, for all user names. A household shares one address behind its router."""
PER_USERNAME = 20
"""Failures for one user name in a window after which only addresses with a session of that account may still try."""
WINDOW = timedelta(minutes=15)


class TooManyAttempts(Forbidden):
    """Sign-in is refused for a while, even with the right password."""

    kind = "limited"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Too many attempts. Try again in {units.duration(retry_after_s)}.")
        self.retry_after_s = retry_after_s


def reserve(session: Session, now: datetime, username: str, address: str) -> list[str]:
    """Count an attempt before it is made, so concurrent attempts count too. Returns the ids for `forgive`.

    Failures of strangers never lock out an account's own devices: an address with a session of the account is exempt from
    the limit of its user name.

    Raises:
        TooManyAttempts: The address has used up its attempts, for this user name or in all, or the user name has.
    """
    network, name = _network(address), username.strip().casefold()[:128]
    limits = {f"pair:{network} {name}": PER_PAIR, f"address:{network}": PER_ADDRESS}
    if not _is_known(session, now, name, address):
        limits[f"username:{name}"] = PER_USERNAME
    waits = [_wait_s(session, now, key, limit) for key, limit in limits.items()]
    if any(waits):
        raise TooManyAttempts(max(waits))
    attempts = [LoginAttempt(key=key, at=now) for key in limits]
    session.add_all(attempts)
    session.flush()
    return [attempt.id for attempt in attempts]


def forgive(session: Session, username: str, address: str, attempt_ids: list[str]) -> None:
    """Forget the failures of a user name from an address after it signed in there. Failures for other names still count."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.id.in_(attempt_ids)))
    pair = f"pair:{_network(address)} {username.strip().casefold()[:128]}"
    session.execute(delete(LoginAttempt).where(LoginAttempt.key == pair))


def _is_known(session: Session, now: datetime, username: str, address: str) -> bool:
    """Return whether an account has an open session from this address."""
    query = (
        select(UserSession.id)
        .join(User, User.id == UserSession.user_id)
        .where(User.username == username, UserSession.address == address[:64], UserSession.expires_at > now)
        .limit(1)
    )
    return bool(address) and session.scalar(query) is not None


def prune(session: Session, now: datetime) -> None:
    """Delete attempts that are older than the window."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.at < now - WINDOW))


def _wait_s(session: Session, now: datetime, key: str, limit: int) -> int:
    """Return the seconds until the oldest of the last `limit` attempts leaves the window; 0 if there are fewer."""
    oldest = session.scalar(
        select(LoginAttempt.at)
        .where(LoginAttempt.key == key, LoginAttempt.at > now - WINDOW)
        .order_by(LoginAttempt.at.desc())
        .offset(limit - 1)
        .limit(1)
    )
    return 0 if oldest is None else max(1, ceil((oldest + WINDOW - now).total_seconds()))


def _network(address: str) -> str:
    """Return what is counted as one address: an IPv6 household has a whole /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network(f"{parsed}/64", strict=False))
    return str(parsed)
