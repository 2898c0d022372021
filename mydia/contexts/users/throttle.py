"""Sign-in throttling. Attempts are counted in the database, so for all processes and across restarts."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mydia import units
from mydia.contexts.users.models import LoginAttempt
from mydia.errors import Forbidden

PER_ADDRESS = 10
"""Failures one address may make in a window."""
PER_USERNAME = 20
"""Failures one name may collect from all addresses; higher, so that a stranger cannot lock a household out at once."""
WINDOW = timedelta(minutes=15)


class TooManyAttempts(Forbidden):
    """Signing in is refused for a while, right password or not."""

    kind = "limited"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Too many attempts. Try again in {units.duration(retry_after_s)}.")
        self.retry_after_s = retry_after_s


def reserve(session: Session, now: datetime, username: str, address: str) -> list[str]:
    """Count an attempt before it is made, so that attempts at the same time count too; returns the ids for `forgive`.

    Raises:
        TooManyAttempts: The address or the name has used up its attempts.
    """
    limits = {f"address:{_network(address)}": PER_ADDRESS, f"username:{username.casefold()[:128]}": PER_USERNAME}
    waits = [_wait_s(session, now, key, limit) for key, limit in limits.items()]
    if any(waits):
        raise TooManyAttempts(max(waits))
    attempts = [LoginAttempt(key=key, at=now) for key in limits]
    session.add_all(attempts)
    session.flush()
    return [attempt.id for attempt in attempts]


def forgive(session: Session, username: str, attempt_ids: list[str]) -> None:
    """Forget a name's failures after it signed in. Its address keeps the failures it made with other names."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.id.in_(attempt_ids)))
    session.execute(delete(LoginAttempt).where(LoginAttempt.key == f"username:{username.casefold()[:128]}"))


def prune(session: Session, now: datetime) -> None:
    """Delete attempts that no longer count."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.at < now - WINDOW))


def _wait_s(session: Session, now: datetime, key: str, limit: int) -> int:
    """Return the seconds until the oldest of the last `limit` attempts no longer counts; 0 when fewer count."""
    oldest = session.scalar(
        select(LoginAttempt.at)
        .where(LoginAttempt.key == key, LoginAttempt.at > now - WINDOW)
        .order_by(LoginAttempt.at.desc())
        .offset(limit - 1)
        .limit(1)
    )
    return 0 if oldest is None else max(1, ceil((oldest + WINDOW - now).total_seconds()))


def _network(address: str) -> str:
    """Return what counts as one address: an IPv6 household has a whole /64 to itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network(f"{parsed}/64", strict=False))
    return str(parsed)
