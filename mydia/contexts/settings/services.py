"""Functions shared by clients and indexers: form validation by their kind's needs, and their state."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import events
from mydia.adapters.errors import AdapterError, Limited, Refused, ServerError, Unreachable
from mydia.adapters.kinds import Kind, Need
from mydia.config import boolean, is_web_address
from mydia.contexts.settings.library_paths import refuse_managed
from mydia.contexts.settings.models import DownloadClientRow, IndexerRow, ServiceStatus
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import get
from mydia.errors import Invalid

logger = logging.getLogger(__name__)

RESTS = tuple(timedelta(minutes=minutes) for minutes in (0, 1, 5, 15, 30, 60, 180, 360, 720, 1440))
"""Level of back-off -> how long an indexer is paused. Source: arr-stack §4.3."""
# After a start of the machine the network may come up later than Mydia. Source: arr-stack §4.3.
GRACE = timedelta(minutes=15)
_REST_IN_GRACE = timedelta(minutes=5)
# A used-up quota is rarely available again within minutes. Source: arr-stack §4.3.
LIMITED_REST = timedelta(hours=1)


def read_options(needs: Sequence[Need], raw: Mapping[str, object]) -> tuple[dict[str, Any], dict[str, str]]:
    """Convert form fields to a connection's options.

    Args:
        raw: Field -> value. A missing field gets the default of its need; an empty one stays empty.

    Returns:
        The options, and field -> message for invalid ones.
    """
    options: dict[str, Any] = {}
    sentences: dict[str, str] = {}
    for need in needs:
        if need.key in ("url", "username", "secret"):
            continue
        given = raw.get(need.key, need.default)
        try:
            read = _read(need, given)
        except ValueError:
            sentences[need.key] = f"{need.label}: “{given}” is not a number."
            continue
        if isinstance(read, float | int) and not isinstance(read, bool) and not need.low <= read <= need.high:
            sentences[need.key] = f"{need.label}: from {need.low:g} to {need.high:,.0f}, or empty."
        elif read in (None, (), []) and need.required:
            sentences[need.key] = f"{need.label} is required."
        elif read is not None:
            options[need.key] = read
    return options, sentences


def _read(need: Need, given: object) -> Any:
    if need.type == "checkbox":
        return given if isinstance(given, bool) else boolean(str(given)) if given not in (None, "") else False
    if given in (None, ""):
        return None
    if need.type == "number":
        number = float(str(given))
        return int(number) if number == int(number) else number
    if need.type in ("list", "numbers"):
        parts = given if isinstance(given, list | tuple) else str(given).replace("\n", ",").split(",")
        texts = [str(part).strip() for part in parts if str(part).strip()]
        return [int(text) for text in texts] if need.type == "numbers" else texts
    return str(given).strip() or None


# Schemes that could be mistaken for hosts: `localhost:8080` is a URL without a scheme, `javascript:1` is not.
_NO_HOSTS = frozenset(
    ("about", "blob", "data", "file", "ftp", "http", "https", "javascript", "magnet", "mailto", "smb", "vbscript", "ws")
)


def checked_url(raw: str) -> str:
    """Return a URL without a trailing slash, adding http:// if it has no scheme.

    Raises:
        Invalid: It is not http or https, has no host, or contains credentials.
    """
    text = raw.strip()
    if "://" not in text and text.partition(":")[0].casefold() not in _NO_HOSTS:
        text = f"http://{text}"
    sentence = ""
    if not is_web_address(text):
        sentence = "Enter an address such as http://192.168.1.10:8080: http or https, and a host."
    elif "@" in urlsplit(text).netloc:
        sentence = "The address must not contain a user name or password; use their own fields."
    if sentence:
        raise Invalid(sentence, fields={"url": sentence})
    return text.rstrip("/")


def checked_kind[K](kinds: Mapping[str, Kind[K]], key: str) -> Kind[K]:
    """Return a kind.

    Raises:
        Invalid: It does not exist.
    """
    kind = kinds.get(key)
    if kind is None:
        sentence = f"Unknown type “{key}”. Choose one of {', '.join(sorted(kinds))}."
        raise Invalid(sentence, fields={"kind": sentence})
    return kind


def switch_service(
    session: Session, caller: Caller, now: datetime, family: str, service_id: str, *, enabled: bool
) -> None:
    """Enable or disable a client or indexer that is not managed by the environment or the file.

    Emits:
        SettingsChanged.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    row: DownloadClientRow | IndexerRow
    if family == "download_client":
        row = get(session, DownloadClientRow, service_id, what="This download client")
    else:
        row = get(session, IndexerRow, service_id, what="This indexer")
    refuse_managed(row.managed, row.name, row.managed_source)
    if row.enabled != enabled:
        row.enabled = enabled
        changed: dict[str, list[object]] = {"enabled": [not enabled, enabled]}
        events.emit(
            session,
            caller,
            events.SettingsChanged(f"{family}:{row.id}", changed, events.SettingsArea(family), row.name),
            at=now,
        )


class Service(msgspec.Struct, frozen=True):
    """A client or indexer by name, without its address and secrets."""

    id: str
    name: str
    enabled: bool
    status: ServiceStatus | None
    """How it has been answering, None before it was first asked."""


def list_services(session: Session, caller: Caller, family: str) -> list[Service]:
    """Return all clients or indexers and how they have been answering, preferred ones first.

    Args:
        family: `download_client` or `indexer`.
    """
    caller.require(Permission.VIEW_ACTIVITY)
    kind = DownloadClientRow if family == "download_client" else IndexerRow
    known = statuses(session, caller, family)
    rows = session.execute(select(kind.id, kind.name, kind.enabled).order_by(kind.priority, kind.name))
    return [Service(row.id, row.name, row.enabled, known.get(row.id)) for row in rows]


def status_of(session: Session, family: str, service_id: str) -> ServiceStatus | None:
    """Return the state of a service; None before its first check."""
    return session.get(ServiceStatus, (family, service_id))


def statuses(session: Session, caller: Caller, family: str) -> dict[str, ServiceStatus]:
    """Return the states of all services of a family."""
    caller.require(Permission.VIEW_ACTIVITY)
    return {row.service_id: row for row in session.scalars(select(ServiceStatus).where(ServiceStatus.family == family))}


def record_ok(session: Session, now: datetime, family: str, service_id: str, *, version: str | None = None) -> None:
    """Record that a service answered.

    Emits:
        ServiceStateChanged, if it did not answer before.
    """
    row = status_of(session, family, service_id)
    recovered = row is not None and row.state != "ok"
    if row is None:
        row = ServiceStatus(family=family, service_id=service_id, state="ok", failures=0, level=0, since_at=now)
        session.add(row)
    elif recovered:
        row.state, row.since_at = "ok", now
    row.failures, row.disabled_until, row.last_error, row.last_error_code = 0, None, None, None
    row.level = max(row.level - 1, 0)
    row.last_ok_at = now
    row.version = version or row.version
    if recovered:
        logger.info("service answers again", extra={"family": family, "service": _name(session, family, service_id)})
        event = events.ServiceStateChanged(
            service_id=service_id, family=family, name=_name(session, family, service_id), state="ok", reason=None
        )
        events.emit(session, SYSTEM, event, at=now)


def record_failure(
    session: Session, caller: Caller, now: datetime, family: str, service_id: str, error: AdapterError
) -> None:
    """Record that a service failed. An indexer is paused, longer with each failure: see `RESTS`.

    An answer lowers the level by one. A missing connection does not raise it, and nothing does shortly after the start.

    Clients and the metadata source are not paused, because downloads continue and the source is only queried when needed. But
    credentials that a client rejected are stored as such until it may be asked again, so that a restart does not send them
    again and get the address banned. `since_at` is when they stopped answering.

    Emits:
        ServiceStateChanged, if it answered before.
    """
    row = status_of(session, family, service_id)
    if row is None:
        row = ServiceStatus(family=family, service_id=service_id, state="ok", failures=0, level=0, since_at=now)
        session.add(row)
    first = row.state == "ok"
    row.failures += 1
    if first:
        row.since_at = now
    rest: timedelta | None = None
    if family == "indexer":
        row.level, rest = back_off(row.level, error, in_grace=_in_grace(now))
    row.state = "failing" if rest is None else "disabled"
    if rest is None and isinstance(error, Refused) and error.retry_after_s is not None:
        # Rejected credentials; see `Connection.rejected_until`.
        rest = timedelta(seconds=error.retry_after_s)
    row.disabled_until = None if rest is None else now + rest
    row.last_error, row.last_error_code = error.cause[:500], error.code
    if first:
        name = _name(session, family, service_id) or error.service
        logger.warning("service does not answer", extra={"family": family, "service": name, "error": error.cause[:500]})
        event = events.ServiceStateChanged(
            service_id=service_id, family=family, name=name, state=row.state, reason=error.cause[:500]
        )
        events.emit(session, caller, event, at=now)


def forget_status(session: Session, family: str, service_id: str) -> None:
    """Delete the state of a service after its connection was changed or removed."""
    row = status_of(session, family, service_id)
    if row is not None:
        session.delete(row)


def is_resting(status: ServiceStatus | None, now: datetime) -> bool:
    """Return whether automatic work must skip a service for now."""
    return status is not None and status.disabled_until is not None and status.disabled_until > now


def back_off(level: int, error: AdapterError, *, in_grace: bool) -> tuple[int, timedelta]:
    """PURE. Return the new level of back-off after a failure, and how long the indexer is paused.

    Args:
        level: The present one; 0 if it answered last.
        in_grace: Mydia started less than `GRACE` ago.
    """
    escalates = level > 0 and not in_grace and (isinstance(error, ServerError) or not isinstance(error, Unreachable))
    level = min(max(level, 1) + escalates, len(RESTS) - 1)
    wanted = timedelta(seconds=error.retry_after_s) if error.retry_after_s is not None else None
    if wanted is None and isinstance(error, Limited):
        wanted = LIMITED_REST
    if wanted is None:
        return level, min(RESTS[level], _REST_IN_GRACE) if in_grace else RESTS[level]
    covering = next((number for number, rest in enumerate(RESTS) if rest >= wanted), len(RESTS) - 1)
    return max(level, covering), max(wanted, RESTS[level])


_started: list[datetime] = []
"""When the worker started; empty in other processes."""


def note_start(now: datetime) -> None:
    """Record that the worker of this process starts now."""
    _started[:] = [now]


def _in_grace(now: datetime) -> bool:
    return any(timedelta() <= now - started < GRACE for started in _started)


def _name(session: Session, family: str, service_id: str) -> str:
    row: DownloadClientRow | IndexerRow | None = None
    if family == "download_client":
        row = session.get(DownloadClientRow, service_id)
    elif family == "indexer":
        row = session.get(IndexerRow, service_id)
    return row.name if row else ""


def record_paused(session: Session, caller: Caller, now: datetime, *, paused: bool) -> None:
    """Record that somebody paused or resumed all jobs; the task board does it.

    Emits:
        JobsPaused.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    events.emit(session, caller, events.JobsPaused(paused), at=now)
