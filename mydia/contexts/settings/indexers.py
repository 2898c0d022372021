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
from mydia.contexts.settings import indexer_use, services
from mydia.contexts.settings.current import sealer
from mydia.contexts.settings.library_paths import refuse_managed
from mydia.contexts.settings.models import IndexerRow, ServiceStatus
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, get
from mydia.errors import Conflict, Invalid
from mydia.secret import Secret

FAMILY = "indexer"
record_use = indexer_use.record_use
TORRENT_NEEDS = (
    Need("minimum_seeders", "Minimum seeders", "number", help="Leave empty for the general setting."),
    Need(
        "seed_ratio",
        "Seed ratio",
        "number",
        help="Sent to the download client. Leave empty for the client's own setting.",
    ),
    Need("seed_time_min", "Seed time (minutes)", "number", help="Sent to the download client."),
    Need(
        "required_flags",
        "Required flags",
        "list",
        help="Only takes releases marked with one of these, such as freeleech or internal. Leave empty for all.",
    ),
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
    Need("queries_per_hour", "Queries per hour", "number", help="Leave empty for no limit.", low=1, high=100_000),
    Need("queries_per_day", "Queries per day", "number", help="Leave empty for no limit.", low=1, high=1_000_000),
    Need("grabs_per_day", "Downloads per day", "number", help="Leave empty for no limit.", low=1, high=100_000),
    Need("timeout_s", "Timeout (seconds)", "number", help="Leave empty for 15.", low=1, high=120),
    Need("tags", "Tags", "list", help="Only used for titles with one of these tags. Leave empty for all titles."),
    Need(
        "season_pack_after_days",
        "Only season packs after (days)",
        "number",
        help="When a season has been over for longer, a search for several of its episodes only takes season packs.",
        low=1,
        high=3_650,
    ),
)
"""Options of all indexers."""


DEFAULT_PRIORITY = 25
_SWITCHES = {"automatic": "automatic_search", "interactive": "interactive_search", "rss": "rss"}
_SWITCHES_OF_USE = {**_SWITCHES, "backlog": "automatic_search"}
"""Use of an indexer -> the column that allows it."""


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
    rss: bool = True
    priority: int = DEFAULT_PRIORITY


class IndexerChoice(msgspec.Struct, frozen=True):
    """An indexer with its connection for an adapter."""

    connection: Connection
    row: IndexerRow
    status: ServiceStatus | None
    use: indexer_use.Use = indexer_use.NONE
    """How much of its limits is used up."""


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


class FeedSwitch(msgspec.Struct, frozen=True):
    """Whether the feed of an indexer is read."""

    id: str
    name: str
    on: bool


def feed_switches(session: Session, caller: Caller) -> list[FeedSwitch]:
    """Return all indexers, highest priority first, and whether their feeds are read."""
    caller.require(Permission.VIEW_ACTIVITY)
    return [FeedSwitch(row.id, row.name, row.enabled and row.rss) for row in _all(session)]


def indexer_connections(
    session: Session,
    *,
    usage: str = "automatic",
    now: datetime | None = None,
    used_at: datetime | None = None,
) -> list[IndexerChoice]:
    """Return the enabled indexers for a use, highest priority first. For contexts and jobs: keys are open.

    Args:
        usage: `automatic`, `backlog` (automatic searches that can wait), `interactive`, `rss`, or `any` for all.
        now: If given, indexers that are paused after failures or have no queries left are left out.
        used_at: Fills `use` without leaving any out.
    """
    known = services.statuses(session, SYSTEM, FAMILY)
    used = indexer_use.uses(session, at) if (at := now or used_at) is not None else {}
    return [
        IndexerChoice(
            _connection(row, sealer(session).open(row.sealed_secret)),
            row,
            known.get(row.id),
            used.get(row.id, indexer_use.NONE),
        )
        for row in _all(session)
        if row.enabled
        and (usage == "any" or getattr(row, _SWITCHES_OF_USE[usage]))
        and (
            now is None
            or not (
                services.is_resting(known.get(row.id), now)
                or used.get(row.id, indexer_use.NONE).full_until(row.options, backlog=usage == "backlog")
            )
        )
    ]


def any_available(session: Session, caller: Caller, now: datetime) -> bool:
    """Return whether an automatic search has an indexer: one that is not paused and has queries left."""
    caller.require(Permission.VIEW_ACTIVITY)
    return bool(indexer_connections(session, usage="backlog", now=now))


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
        present = session.get(IndexerRow, indexer_id)
        if present is not None:
            present.capabilities = msgspec.to_builtins(able)
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
    changed: dict[str, list[object]] = {"name": [None, row.name], "url": [None, public_url(row.url)]}
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
        if "url" in changed:
            changed["url"] = [public_url(str(url)) for url in changed["url"]]
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


def public_url(url: str) -> str:
    """Return an address without its parameters, in which trackers put the key of a feed."""
    return url.partition("?")[0]


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
    row.automatic_search, row.interactive_search, row.rss = new.automatic_search, new.interactive_search, new.rss
    if new.kind in indexers.WITHOUT_SEARCH:
        row.automatic_search = row.interactive_search = False
    if new.secret:
        row.sealed_secret = sealer(session).seal(new.secret.reveal())
        return new.secret
    row.sealed_secret = present.sealed_secret if present else None
    return sealer(session).open(row.sealed_secret)


def _columns(row: IndexerRow) -> dict[str, object]:
    columns = ("name", "kind", "url", "enabled", *_SWITCHES.values(), "priority", "options")
    return {column: getattr(row, column) for column in columns}
