"""Sign-in throttling. Attempts are counted in the database, so for all processes and across restarts."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mydia import units
from mydia.addresses import household
from mydia.contexts.users.models import LoginAttempt, User, UserSession
from mydia.errors import Forbidden

PER_PAIR = 10
"""Failures for one account from one address. Others at that address, and the account elsewhere, can still sign in."""
PER_ADDRESS = 100
"""Failures from one address with all accounts together. Accounts that are signed in at the address are not affected."""
RESETS_PER_ADDRESS = 10
"""Requests for a link to set a new password from one address."""
RESETS_PER_ACCOUNT = 3
"""Such requests for one account. More would fill its mailbox."""
PER_USERNAME = 200
"""Failures for one account from all addresses together. Addresses where the account is signed in are not affected."""
CODES_PER_ACCOUNT = 20
"""Wrong second factors of one account from all addresses together. Three codes of an app are right at a time, so guessing at this rate
succeeds once in 170 days, and only for people who know the password."""
RECORDED_PER_ADDRESS = 100
"""Failed sign-ins from one address that are recorded in the audit. Some kinds are not limited, because they cannot be guessed."""
WINDOW = timedelta(minutes=15)


class TooManyAttempts(Forbidden):
    """Signing in is refused for a while, even with the right password."""

    kind = "limited"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Too many attempts. Try again in {units.duration(retry_after_s)}.")
        self.retry_after_s = retry_after_s


def reserve(
    session: Session, now: datetime, username: str, address: str, *, per_username: int = PER_USERNAME
) -> list[str]:
    """Count an attempt before it is made, so that concurrent attempts count too; returns the ids for `forgive`.

    Args:
        per_username: Failures of the account from all addresses together.

    Raises:
        TooManyAttempts: The account has used up its attempts from this address, or the address or the account in all.
    """
    prune(session, now)
    name, place = _name(username), household(address)
    limits = {f"pair:{place} {name}": PER_PAIR, f"address:{place}": PER_ADDRESS, f"username:{name}": per_username}
    waits = {key: _wait_s(session, now, key, limit) for key, limit in limits.items()}
    shared = (f"address:{place}", f"username:{name}")
    if any(waits[key] for key in shared) and _is_signed_in_at(session, username, place):
        waits |= dict.fromkeys(shared, 0)
    if any(waits.values()):
        raise TooManyAttempts(max(waits.values()))
    attempts = [LoginAttempt(key=key, at=now) for key in limits]
    session.add_all(attempts)
    session.flush()
    return [attempt.id for attempt in attempts]


def reserve_reset(session: Session, now: datetime, username: str, address: str) -> bool:
    """Count a request for a link to set a new password, and return whether the account may get one.

    Raises:
        TooManyAttempts: The address has used up its requests. This is the same for all accounts.
    """
    prune(session, now)
    place, name = f"reset-address:{household(address)}", f"reset:{_name(username)}"
    if wait_s := _wait_s(session, now, place, RESETS_PER_ADDRESS):
        raise TooManyAttempts(wait_s)
    allowed = not _wait_s(session, now, name, RESETS_PER_ACCOUNT)
    session.add_all(LoginAttempt(key=key, at=now) for key in (place, name))
    session.flush()
    return allowed


def reserve_record(session: Session, now: datetime, address: str) -> bool:
    """Count a failed sign-in that is about to be recorded, and return whether it may be."""
    key = f"recorded:{household(address)}"
    if _wait_s(session, now, key, RECORDED_PER_ADDRESS):
        return False
    session.add(LoginAttempt(key=key, at=now))
    session.flush()
    return True


def forgive(session: Session, username: str, address: str, attempt_ids: list[str]) -> None:
    """Forget an account's failures from an address after it signed in there, and the successful attempt itself."""
    pair = f"pair:{household(address)} {_name(username)}"
    session.execute(delete(LoginAttempt).where(LoginAttempt.id.in_(attempt_ids)))
    session.execute(delete(LoginAttempt).where(LoginAttempt.key == pair))


def prune(session: Session, now: datetime) -> None:
    """Delete attempts that no longer count."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.at < now - WINDOW))


def _name(username: str) -> str:
    return username.strip().casefold()[:128]


def _is_signed_in_at(session: Session, username: str, place: str) -> bool:
    used = select(UserSession.address).join(User).where(User.username == _name(username))
    return any(address and household(address) == place for address in session.scalars(used))


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
