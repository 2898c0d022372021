"""Indexers: their connections and uses."""

from __future__ import annotations

from collections.abc import Mapping
from copy import replace
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import events
from mydia.adapters import indexers
from mydia.adapters.errors import AdapterError
from mydia.adapters.indexers import Capabilities
from mydia.adapters.kinds import Connection, Need
from mydia.adapters.outside import Outside
from mydia.contexts.settings import services
from mydia.contexts.settings.current import sealer
from mydia.contexts.settings.library_paths import refuse_managed
from mydia.contexts.settings.models import IndexerRow, ServiceStatus
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, get
from mydia.errors import Conflict, Invalid
from mydia.secret import Secret

FAMILY = "indexer"
TORRENT_NEEDS = (
    Need("minimum_seeders", "Minimum seeders", "number", help="Leave empty for the general setting."),
    Need(
        "seed_ratio",
        "Seed ratio",
        "number",
        help="Sent to the download client. Leave empty for the client's own setting.",
    ),
    Need("seed_time_min", "Seed time (minutes)", "number", help="Sent to the download client."),
)
"""Options of all torrent indexers."""
SHARED_NEEDS = (
    Need(
        "rate_limit_per_min",
        "Maximum requests per minute",
        "number",
        help="Leave empty for no limit.",
        low=1,
        high=1000,
    ),
    Need("timeout_s", "Timeout (seconds)", "number", help="Leave empty for 15.", low=1, high=120),
)
"""Options of all indexers."""


class NewIndexer(msgspec.Struct, frozen=True, kw_only=True):
    """An indexer as submitted by a form."""

    name: str
    kind: str
    url: str
    secret: Secret = msgspec.field(default_factory=lambda: Secret(""))
    """Empty keeps the stored one."""
    options: Mapping[str, object] = msgspec.field(default_factory=dict)
    """Raw form fields, keyed by the needs of the indexer's kind."""
    enabled: bool = True
    automatic_search: bool = True
    interactive_search: bool = True
    priority: int = 25


class IndexerChoice(msgspec.Struct, frozen=True):
    """An indexer with its connection for an adapter."""

    connection: Connection
    row: IndexerRow
    status: ServiceStatus | None


def needs_of(kind: str) -> tuple[Need, ...]:
    """Return the form fields of a kind, including those shared by all indexers."""
    found = services.checked_kind(indexers.KINDS, kind)
    known = {need.key for need in found.needs}
    shared = (*(TORRENT_NEEDS if found.protocol == "torrent" else ()), *SHARED_NEEDS)
    return (*found.needs, *(need for need in shared if need.key not in known))


def list_indexers(session: Session, caller: Caller) -> list[IndexerRow]:
    """Return all indexers, highest priority first."""
    caller.require(Permission.MANAGE_SETTINGS)
    return _all(session)


def _all(session: Session) -> list[IndexerRow]:
    return list(session.scalars(select(IndexerRow).order_by(IndexerRow.priority, IndexerRow.name)))


def get_indexer(session: Session, caller: Caller, indexer_id: str) -> IndexerRow:
    """Return one indexer."""
    caller.require(Permission.MANAGE_SETTINGS)
    return get(session, IndexerRow, indexer_id, what="This indexer")


def has_interactive(session: Session, caller: Caller) -> bool:
    """Return whether any indexer is used in manual searches."""
    caller.require(Permission.VIEW_ACTIVITY)
    return any(row.enabled and row.interactive_search for row in _all(session))


def indexer_connections(
    session: Session, *, usage: str = "automatic", now: datetime | None = None
) -> list[IndexerChoice]:
    """Return the enabled indexers for a use, highest priority first. For contexts and jobs: keys are open.

    Args:
        usage: `automatic` or `interactive`.
        now: If given, indexers that are paused after failures are left out.
    """
    known = services.statuses(session, SYSTEM, FAMILY)
    return [
        IndexerChoice(_connection(row, sealer(session).open(row.sealed_secret)), row, known.get(row.id))
        for row in _all(session)
        if row.enabled
        and (row.automatic_search if usage == "automatic" else row.interactive_search)
        and (now is None or not services.is_resting(known.get(row.id), now))
    ]


def test_indexer(database: Database, outside: Outside, caller: Caller, now: datetime, indexer_id: str) -> Capabilities:
    """Ask an indexer as it is stored what it can do, and record how it answered.

    Raises:
        AdapterError: It does not work.
    """
    with database.reads() as session:
        row = get_indexer(session, caller, indexer_id)
        connection = _connection(row, sealer(session).open(row.sealed_secret))
    try:
        able = outside.indexer(connection).capabilities()
    except AdapterError as error:
        with database.writes() as session:
            services.record_failure(session, caller, now, FAMILY, indexer_id, error)
        raise
    with database.writes() as session:
        services.record_ok(session, now, FAMILY, indexer_id)
    return able


def trial_indexer(session: Session, caller: Caller, new: NewIndexer, *, indexer_id: str | None = None) -> Connection:
    """Return the connection of a submitted form, to test it before saving.

    Args:
        indexer_id: The indexer being changed; its stored key is used if the form's is empty.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    row = IndexerRow(id=indexer_id or "trial")
    stored = _fill(session, row, new, present=get_indexer(session, caller, indexer_id) if indexer_id else None)
    return _connection(row, stored, identifier=f"trial:{row.id}")


def add_indexer(session: Session, caller: Caller, now: datetime, new: NewIndexer) -> IndexerRow:
    """Add an indexer.

    Emits:
        SettingsChanged.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    row = IndexerRow(created_at=now, managed=False, tags=[])
    _fill(session, row, new, present=None)
    session.add(row)
    session.flush()
    changed: dict[str, list[object]] = {"name": [None, row.name], "url": [None, row.url]}
    events.emit(
        session,
        caller,
        events.SettingsChanged(f"indexer:{row.id}", changed, events.SettingsArea.INDEXER, row.name),
        at=now,
    )
    return row


def change_indexer(session: Session, caller: Caller, now: datetime, indexer_id: str, *, new: NewIndexer) -> IndexerRow:
    """Change an indexer; an empty key keeps the stored one.

    Emits:
        SettingsChanged.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    row = get_indexer(session, caller, indexer_id)
    refuse_managed(row.managed, row.name, row.managed_source)
    before = _columns(row)
    _fill(session, row, new, present=row)
    after = _columns(row)
    changed = {key: [before[key], after[key]] for key in before if before[key] != after[key]}
    if new.secret:
        changed["secret"] = ["…", "changed"]
    if changed.keys() & {"url", "secret", "kind", "options"}:
        services.forget_status(session, FAMILY, row.id)
        row.capabilities = None
    if changed:
        events.emit(
            session,
            caller,
            events.SettingsChanged(f"indexer:{row.id}", changed, events.SettingsArea.INDEXER, row.name),
            at=now,
        )
    return row


def remove_indexer(session: Session, caller: Caller, now: datetime, indexer_id: str) -> None:
    """Remove an indexer.

    Emits:
        SettingsChanged.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    row = get_indexer(session, caller, indexer_id)
    refuse_managed(row.managed, row.name, row.managed_source)
    services.forget_status(session, FAMILY, row.id)
    session.delete(row)
    changed: dict[str, list[object]] = {"name": [row.name, None]}
    events.emit(
        session,
        caller,
        events.SettingsChanged(f"indexer:{row.id}", changed, events.SettingsArea.INDEXER, row.name),
        at=now,
    )


def _connection(row: IndexerRow, secret: Secret, *, identifier: str | None = None) -> Connection:
    options = dict(row.options)
    made = Connection(
        id=identifier or row.id,
        name=row.name,
        kind=row.kind,
        url=row.url,
        username=None,
        secret=secret,
        options=options,
    )
    timeout_s = options.get("timeout_s")
    return replace(made, timeout_s=float(timeout_s)) if isinstance(timeout_s, int | float) else made


def _fill(session: Session, row: IndexerRow, new: NewIndexer, *, present: IndexerRow | None) -> Secret:
    """Fill a row from a validated form and return the secret."""
    needs = needs_of(new.kind)
    name = " ".join(new.name.split())[:80]
    if not name:
        raise Invalid("Enter a name.", fields={"name": "Enter a name."})
    other = session.scalar(select(IndexerRow).where(IndexerRow.name == name))
    if other is not None and other.id != row.id:
        sentence = f"An indexer named {name} already exists."
        raise Conflict(sentence, fields={"name": sentence})
    if not 1 <= new.priority <= 50:
        raise Invalid("The priority must be from 1 (highest) to 50.", fields={"priority": "From 1 (highest) to 50."})
    options, sentences = services.read_options(needs, new.options)
    if sentences:
        raise Invalid(" ".join(sentences.values()), fields=sentences)
    row.name, row.kind, row.url = name, new.kind, services.checked_url(new.url)
    row.enabled, row.priority, row.options = new.enabled, new.priority, options
    row.automatic_search, row.interactive_search = new.automatic_search, new.interactive_search
    if new.secret:
        row.sealed_secret = sealer(session).seal(new.secret.reveal())
        return new.secret
    row.sealed_secret = present.sealed_secret if present else None
    return sealer(session).open(row.sealed_secret)


def _columns(row: IndexerRow) -> dict[str, object]:
    columns = ("name", "kind", "url", "enabled", "automatic_search", "interactive_search", "priority", "options")
    return {column: getattr(row, column) for column in columns}
