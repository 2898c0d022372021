"""The state of the metadata source, recorded by every bulk operation so that all pages and processes see it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from sqlalchemy.orm import Session

from mydia.adapters.errors import AdapterError
from mydia.adapters.outside import Outside
from mydia.contexts import settings
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import MydiaError
from mydia.events import MetadataRetryRequested, emit

_FAMILY = "metadata"
_RECORD_OK_EVERY = timedelta(minutes=5)
"""Minimum interval between records while the source keeps answering."""


class SourceState(msgspec.Struct, frozen=True, kw_only=True):
    """State of the metadata source."""

    name: str
    """The provider's name, such as `embedded relay` or `public relay`."""
    answers: bool | None
    """None before the first query."""
    since_at: datetime | None = None
    """When the current state began."""
    last_ok_at: datetime | None = None
    error: str | None = None
    """The last error in a few words; None while the source answers."""


def source_state(session: Session, outside: Outside, caller: Caller) -> SourceState | None:
    """Return the state of the source in use; None if no source is configured."""
    caller.require(Permission.BROWSE)
    provider = outside.metadata()
    if not provider.available:
        return None
    row = settings.services.status_of(session, _FAMILY, provider.name)
    if row is None:
        return SourceState(name=provider.name, answers=None)
    return SourceState(
        name=provider.name,
        answers=row.state == "ok",
        since_at=row.since_at,
        last_ok_at=row.last_ok_at,
        error=row.last_error,
    )


def record_answer(
    database: Database, outside: Outside, caller: Caller, now: datetime, error: MydiaError | None
) -> None:
    """Record the outcome of a query. Call it outside any unit of work.

    Emits: ServiceStateChanged, when the source starts or stops answering.
    """
    name = outside.metadata().name
    with database.reads() as session:
        row = settings.services.status_of(session, _FAMILY, name)
        known_ok = row is not None and row.state == "ok"
        recent = row is not None and row.last_ok_at is not None and now - row.last_ok_at < _RECORD_OK_EVERY
    if error is None:
        if known_ok and recent:
            return
        with database.writes() as session:
            settings.services.record_ok(session, now, _FAMILY, name)
    elif isinstance(error, AdapterError):
        with database.writes() as session:
            settings.services.record_failure(session, caller, now, _FAMILY, name, error)


def check_source(database: Database, outside: Outside, caller: Caller, now: datetime) -> SourceState | None:
    """Check whether the source answers, record the outcome and return the state; None if no source is configured."""
    caller.require(Permission.MANAGE_MEDIA)
    provider = outside.metadata()
    if not provider.available:
        return None
    trouble: AdapterError | None = None
    try:
        provider.check()
    except AdapterError as error:
        trouble = error
    record_answer(database, outside, caller, now, trouble)
    with database.reads() as session:
        return source_state(session, outside, caller)


def request_retry(session: Session, caller: Caller) -> None:
    """Check the source now, and match the waiting files if it answers. Emits: MetadataRetryRequested."""
    caller.require(Permission.MANAGE_MEDIA)
    emit(session, caller, MetadataRetryRequested())
