"""Dry runs of changed profiles: a person starts one from the editor, the worker runs it, and the page shows the result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import batched
from typing import Any

import msgspec
from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from mydia import clock
from mydia.contexts import settings
from mydia.contexts.downloads.whatif.compare import Outcome, Sides, compare_profiles
from mydia.contexts.downloads.whatif.reading import AT_ONCE, read_versions, versions_using
from mydia.contexts.settings import Profile, ProfileForm
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import NOT_IN_SNAPSHOTS, Base, Database, EnumText, HasId, Instant, get, one_of
from mydia.events import ProfileTrialRequested, emit
from mydia.vocabulary import MediaType

_KEPT = timedelta(days=1)
_LOST = timedelta(minutes=10)


class TrialState(StrEnum):
    """How far a dry run is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class TrialRow(HasId, Base):
    """A dry run of a changed profile."""

    __tablename__ = "profile_trials"
    __table_args__ = (one_of("state", TrialState), {"info": NOT_IN_SNAPSHOTS})

    profile_id: Mapped[str] = mapped_column(ForeignKey("quality_profiles.id", ondelete="CASCADE"), index=True)
    form: Mapped[dict[str, Any]]
    """The changed profile, as `ProfileForm`."""
    state: Mapped[TrialState] = mapped_column(EnumText(TrialState), default=TrialState.RUNNING)
    requested_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    done: Mapped[int] = mapped_column(default=0)
    """Titles compared so far."""
    total: Mapped[int] = mapped_column(default=0)
    outcome: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """`Outcome`."""
    started_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A dry run, for pages and the API."""

    id: str
    profile_id: str
    profile: str
    """Its name in the form."""
    state: TrialState
    done: int
    total: int
    outcome: Outcome | None


def open_trial(session: Session, caller: Caller, now: datetime, profile_id: str, form: ProfileForm) -> str:
    """Start a dry run of a changed profile and return its id.

    Raises:
        Invalid: The changed profile could not be saved either.

    Emits: ProfileTrialRequested.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    settings.profiles.with_form(settings.profiles.get_profile(session, caller, profile_id), form)
    row = TrialRow(
        profile_id=profile_id,
        form=msgspec.to_builtins(form),
        requested_by=caller.id,
        started_at=now,
        total=len(versions_using(session, profile_id)),
    )
    session.add(row)
    session.flush()
    emit(session, caller, ProfileTrialRequested(row.id, profile_id), at=now)
    return row.id


def get_trial(session: Session, caller: Caller, trial_id: str) -> Trial:
    """Return a dry run with its result so far. Raises: NotFound."""
    caller.require(Permission.MANAGE_SETTINGS)
    return _value(get(session, TrialRow, trial_id, what="This dry run"))


def find_trial(session: Session, trial_id: str) -> TrialRow | None:
    """Return the row of a dry run, or None if it was deleted."""
    return session.get(TrialRow, trial_id)


def _value(row: TrialRow) -> Trial:
    return Trial(
        id=row.id,
        profile_id=row.profile_id,
        profile=str(row.form["name"]),
        state=row.state,
        done=row.done,
        total=row.total,
        outcome=msgspec.convert(row.outcome, Outcome) if row.outcome else None,
    )


def run_trial(
    database: Database,
    trial_id: str,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Outcome | None:
    """Compare the changed profile with the stored one and store the result. None if it was cancelled or deleted."""
    with database.reads() as session:
        row = find_trial(session, trial_id)
        if row is None:
            return None
        sides = _sides(session, row)
        versions = versions_using(session, row.profile_id)
    outcome = Outcome()
    done = 0
    for part in batched(versions, AT_ONCE, strict=False):
        if cancelled():
            _store(database, trial_id, TrialState.FAILED, done, len(versions), None)
            return None
        with database.reads() as session:
            outcome = compare_profiles(sides, read_versions(session, sides.profiles, part), outcome)
        done += len(part)
        _store(database, trial_id, TrialState.RUNNING, done, len(versions), None)
        if on_progress is not None:
            on_progress(done, len(versions))
    _store(database, trial_id, TrialState.DONE, done, len(versions), outcome)
    return outcome


def _sides(session: Session, row: TrialRow) -> Sides:
    present: Profile = settings.profiles.get_profile(session, SYSTEM, row.profile_id)
    return Sides(
        profiles=(present, settings.profiles.with_form(present, msgspec.convert(row.form, ProfileForm))),
        limits={type: settings.qualities.size_limits(session, SYSTEM, type) for type in MediaType},
        propers=settings.upgrades.Propers(settings.of(session).downloads.propers),
    )


def _store(
    database: Database, trial_id: str, state: TrialState, done: int, total: int, outcome: Outcome | None
) -> None:
    with database.writes() as session:
        row = find_trial(session, trial_id)
        if row is None:
            return
        row.state, row.done, row.total = state, done, total
        if state is not TrialState.RUNNING:
            row.finished_at = clock.now()
        if outcome is not None:
            row.outcome = msgspec.to_builtins(outcome)


def end_lost(session: Session, now: datetime) -> int:
    """End dry runs that no worker finished, and return their number."""
    query = select(TrialRow).where(TrialRow.state == TrialState.RUNNING, TrialRow.started_at < now - _LOST)
    rows = session.scalars(query).all()
    for row in rows:
        row.state, row.finished_at = TrialState.FAILED, now
    return len(rows)


def prune_trials(session: Session, now: datetime) -> None:
    """Delete dry runs of earlier days."""
    session.execute(delete(TrialRow).where(TrialRow.started_at < now - _KEPT))
