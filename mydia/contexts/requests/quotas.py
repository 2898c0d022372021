"""Quotas: how many films and seasons a person may request in a period, and whose requests need no approval."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mydia.contexts import settings
from mydia.contexts.requests.models import QuotaKind, Request, RequestAllowance, RequestSeason, RequestState
from mydia.contexts.users import Caller, Permission, User
from mydia.db import get
from mydia.errors import Conflict, Invalid
from mydia.events import SettingsArea, SettingsChanged, emit
from mydia.units import plural
from mydia.vocabulary import MediaType

_MOST = 10_000
_LONGEST_DAYS = 365
_UNITS = {MediaType.MOVIE: "movie", MediaType.TV_SHOW: "season"}


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has requested of a type, and how much they may."""

    type: MediaType
    most: int | None
    """None: no limit."""
    days: int
    used: int

    @property
    def left(self) -> int | None:
        """How many more may be requested now. None: any number."""
        return None if self.most is None else max(0, self.most - self.used)

    @property
    def unit(self) -> str:
        """`movie` or `season`: a series counts by its seasons."""
        return _UNITS[self.type]


class QuotaExceeded(Conflict):
    """The person has requested as much as they may."""

    def __init__(self, quota: Quota, asked: int) -> None:
        left = quota.left or 0
        remaining = f"{left} of {plural(quota.most or 0, quota.unit)} left" if left else "none left"
        super().__init__(
            f"This needs {plural(asked, quota.unit)}, but there is {remaining} for the last {plural(quota.days, 'day')}. "
            "Try again later, or ask someone who approves requests."
        )
        self.quota = quota


def quota_of(session: Session, now: datetime, user_id: str, type: MediaType) -> Quota:
    """Return a person's quota without checking permissions; for use in this package only."""
    own = session.get(RequestAllowance, (user_id, type))
    most, days = limit_of(session, type)
    if own is not None and own.quota == QuotaKind.UNLIMITED:
        most = None
    elif own is not None and own.quota == QuotaKind.LIMITED:
        most, days = own.most, own.days or days
    return Quota(type=type, most=most, days=days, used=_used(session, now - timedelta(days=days), user_id, type))


def limit_of(session: Session, type: MediaType) -> tuple[int | None, int]:
    """Return the household's limit (None: none) and its days."""
    values = settings.of(session).requests
    if type == MediaType.MOVIE:
        return values.movie_limit or None, values.movie_days
    return values.season_limit or None, values.season_days


def quotas(session: Session, caller: Caller, now: datetime, user_id: str | None = None) -> tuple[Quota, ...]:
    """Return the quotas of the caller, or of another person, for films and seasons."""
    caller.require(Permission.REQUEST)
    if user_id is not None and user_id != caller.id:
        caller.require(Permission.MANAGE_REQUESTS)
    person = user_id or caller.id
    return () if person is None else tuple(quota_of(session, now, person, type) for type in MediaType)


def used_by(session: Session, caller: Caller, now: datetime, user_id: str) -> tuple[Quota, ...]:
    """Return a person's quotas with what was used of them, for the settings page."""
    caller.require(Permission.MANAGE_SETTINGS)
    return tuple(quota_of(session, now, user_id, type) for type in MediaType)


def people(session: Session, caller: Caller) -> tuple[tuple[str, str], ...]:
    """Return (id, name) of all accounts by name, for the settings page."""
    caller.require(Permission.MANAGE_SETTINGS)
    rows = session.execute(
        select(User.id, func.coalesce(User.display_name, User.username)).order_by(func.lower(User.username))
    )
    return tuple((id_, name) for id_, name in rows)


def _used(session: Session, since: datetime, user_id: str, type: MediaType) -> int:
    """Count what a person requested; what was declined does not count."""
    query = select(func.count()).where(
        Request.asker_id == user_id,
        Request.type == type,
        Request.created_at > since,
        Request.state != RequestState.DECLINED,
    )
    if type == MediaType.TV_SHOW:
        query = query.join(RequestSeason, RequestSeason.request_id == Request.id).where(
            RequestSeason.state != RequestState.DECLINED
        )
    return session.scalar(query.select_from(Request)) or 0


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What one person may request of a type, as it is set for them."""

    type: MediaType
    quota: QuotaKind = QuotaKind.DEFAULT
    most: int | None = None
    days: int | None = None
    auto_approve: bool | None = None
    """None: as for the role."""


def allowances_of(session: Session, caller: Caller, user_id: str) -> dict[MediaType, Allowance]:
    """Return what is set for a person, by type. Raises NotFound."""
    caller.require(Permission.MANAGE_SETTINGS)
    get(session, User, user_id, what="This account")
    return {type: allowance_of(session, user_id, type) for type in MediaType}


def allowance_of(session: Session, user_id: str | None, type: MediaType) -> Allowance:
    """Return what is set for a person without checking permissions; for use in this package only."""
    row = session.get(RequestAllowance, (user_id, type)) if user_id else None
    if row is None:
        return Allowance(type=type)
    return Allowance(type=type, quota=row.quota, most=row.most, days=row.days, auto_approve=row.auto_approve)


def change_allowance(session: Session, caller: Caller, now: datetime, user_id: str, wanted: Allowance) -> None:
    """Set what a person may request of a type.

    Raises:
        Invalid: An own quota has no number, or one that is out of range.

    Emits: SettingsChanged, when anything differs.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    user = get(session, User, user_id, what="This account")
    limited = wanted.quota == QuotaKind.LIMITED
    if limited and not (wanted.most is not None and 0 <= wanted.most <= _MOST):
        raise Invalid("An own quota needs a number.", fields={"most": f"Enter a number from 0 to {_MOST}."})
    if limited and wanted.days is not None and not 1 <= wanted.days <= _LONGEST_DAYS:
        raise Invalid("The period is out of range.", fields={"days": f"Enter 1 to {_LONGEST_DAYS} days."})
    before = allowance_of(session, user_id, wanted.type)
    row = session.get(RequestAllowance, (user_id, wanted.type))
    if row is None:
        row = RequestAllowance(user_id=user_id, type=wanted.type)
        session.add(row)
    row.quota, row.auto_approve = wanted.quota, wanted.auto_approve
    row.most, row.days = (wanted.most, wanted.days) if limited else (None, None)
    session.flush()
    after = allowance_of(session, user_id, wanted.type)
    names = ("quota", "most", "days", "auto_approve")
    changed: dict[str, list[object]] = {
        name: [getattr(before, name), getattr(after, name)]
        for name in names
        if getattr(before, name) != getattr(after, name)
    }
    if changed:
        key = f"requests of {user.username}: {_UNITS[wanted.type]}s"
        emit(session, caller, SettingsChanged(key, changed, SettingsArea.REQUESTS), at=now)
