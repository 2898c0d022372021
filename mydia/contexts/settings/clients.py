"""Download clients: their connections, and the mapping of their paths to local ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import replace
from datetime import datetime

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mydia import events
from mydia.adapters import download_clients
from mydia.adapters.download_clients import ClientReport
from mydia.adapters.errors import AdapterError
from mydia.adapters.kinds import Connection
from mydia.adapters.outside import Outside
from mydia.contexts.settings import services
from mydia.contexts.settings.current import sealer
from mydia.contexts.settings.library_paths import refuse_managed
from mydia.contexts.settings.models import DownloadClientRow, RemotePathMapping, ServiceStatus
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, get
from mydia.errors import Conflict, Invalid
from mydia.secret import Secret

FAMILY = "download_client"
type Mapped = tuple[str, str]
"""(remote, local)"""


class NewClient(msgspec.Struct, frozen=True, kw_only=True):
    """A download client as submitted by a form."""

    name: str
    kind: str
    url: str
    username: str | None = None
    secret: Secret = msgspec.field(default_factory=lambda: Secret(""))
    """Empty keeps the stored one."""
    options: Mapping[str, object] = msgspec.field(default_factory=dict)
    """Raw form fields, keyed by the needs of the client's kind."""
    enabled: bool = True
    priority: int = 1
    mappings: tuple[Mapped, ...] = ()


class ClientChoice(msgspec.Struct, frozen=True):
    """A client with its connection for an adapter."""

    connection: Connection
    row: DownloadClientRow
    mappings: tuple[Mapped, ...]
    status: ServiceStatus | None


def list_clients(session: Session, caller: Caller) -> list[DownloadClientRow]:
    """Return all clients, highest priority first."""
    caller.require(Permission.MANAGE_SETTINGS)
    return _all(session)


def _all(session: Session) -> list[DownloadClientRow]:
    return list(session.scalars(select(DownloadClientRow).order_by(DownloadClientRow.priority, DownloadClientRow.name)))


def get_client(session: Session, caller: Caller, client_id: str) -> DownloadClientRow:
    """Return one client."""
    caller.require(Permission.MANAGE_SETTINGS)
    return get(session, DownloadClientRow, client_id, what="This download client")


def client_connections(session: Session, *, enabled_only: bool = True) -> list[ClientChoice]:
    """Return the clients with what adapters need, preferred ones first. For contexts and jobs: secrets are open."""
    known = services.statuses(session, SYSTEM, FAMILY)
    mapped = _all_mappings(session)
    return [
        ClientChoice(
            replace(
                _connection(row, sealer(session).open(row.sealed_secret)),
                rejected_until=status.disabled_until if (status := known.get(row.id)) else None,
                accepted_at=status.last_ok_at if status is not None and status.state == "ok" else None,
            ),
            row,
            mapped.get(row.id, ()),
            status,
        )
        for row in _all(session)
        if row.enabled or not enabled_only
    ]


def test_client(database: Database, outside: Outside, caller: Caller, now: datetime, client_id: str) -> ClientReport:
    """Sign in to a client as it is stored, and record how it answered.

    Raises:
        AdapterError: It does not work.
    """
    with database.reads() as session:
        row = get_client(session, caller, client_id)
        connection = _connection(row, sealer(session).open(row.sealed_secret))
    try:
        report = outside.download_client(connection).test()
    except AdapterError as error:
        with database.writes() as session:
            services.record_failure(session, caller, now, FAMILY, client_id, error)
        raise
    with database.writes() as session:
        services.record_ok(session, now, FAMILY, client_id, version=report.version)
    return report


def trial_connection(session: Session, caller: Caller, new: NewClient, *, client_id: str | None = None) -> Connection:
    """Return the connection of a submitted form, to test it before saving.

    Args:
        client_id: The client being changed; its stored secret is used if the form's is empty.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    row = DownloadClientRow(id=client_id or "trial")
    stored = _fill(session, row, new, present=get_client(session, caller, client_id) if client_id else None)
    # Adapters are cached by connection id, and a test must not replace the one in use.
    return _connection(row, stored, identifier=f"trial:{row.id}")


def add_client(session: Session, caller: Caller, now: datetime, new: NewClient) -> DownloadClientRow:
    """Add a download client.

    Emits:
        SettingsChanged.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    row = DownloadClientRow(created_at=now, managed=False, tags=[])
    _fill(session, row, new, present=None)
    session.add(row)
    session.flush()
    set_mappings(session, row.id, new.mappings)
    changed: dict[str, list[object]] = {"name": [None, row.name], "url": [None, row.url]}
    events.emit(
        session,
        caller,
        events.SettingsChanged(f"download_client:{row.id}", changed, events.SettingsArea.DOWNLOAD_CLIENT, row.name),
        at=now,
    )
    return row


def change_client(
    session: Session, caller: Caller, now: datetime, client_id: str, *, new: NewClient
) -> DownloadClientRow:
    """Change a client; an empty password keeps the stored one.

    Emits:
        SettingsChanged.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    row = get_client(session, caller, client_id)
    refuse_managed(row.managed, row.name, row.managed_source)
    before = _columns(session, row)
    _fill(session, row, new, present=row)
    set_mappings(session, row.id, new.mappings)
    after = _columns(session, row)
    changed = {key: [before[key], after[key]] for key in before if before[key] != after[key]}
    if new.secret:
        changed["secret"] = ["…", "changed"]
    if changed.keys() & {"url", "username", "secret", "kind", "options"}:
        services.forget_status(session, FAMILY, row.id)
    if changed:
        events.emit(
            session,
            caller,
            events.SettingsChanged(f"download_client:{row.id}", changed, events.SettingsArea.DOWNLOAD_CLIENT, row.name),
            at=now,
        )
    return row


def remove_client(session: Session, caller: Caller, now: datetime, client_id: str) -> None:
    """Remove a client. Its downloads continue in the client and stay in the history.

    Emits:
        SettingsChanged.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    row = get_client(session, caller, client_id)
    refuse_managed(row.managed, row.name, row.managed_source)
    services.forget_status(session, FAMILY, row.id)
    session.delete(row)
    changed: dict[str, list[object]] = {"name": [row.name, None]}
    events.emit(
        session,
        caller,
        events.SettingsChanged(f"download_client:{row.id}", changed, events.SettingsArea.DOWNLOAD_CLIENT, row.name),
        at=now,
    )


def mappings_of(session: Session, caller: Caller, client_id: str) -> tuple[Mapped, ...]:
    """Return a client's path mappings, longest remote path first."""
    caller.require(Permission.MANAGE_SETTINGS)
    return _all_mappings(session).get(client_id, ())


def map_remote_path(mappings: Sequence[Mapped], remote: str) -> str:
    r"""Return the local path of a path that a client reports. The longest mapping wins; without one it is unchanged.

    >>> map_remote_path([("/downloads", "/mnt/dl"), ("C:\\Done", "/mnt/win")], "/downloads/Detour/a.mkv")
    '/mnt/dl/Detour/a.mkv'
    >>> map_remote_path([("/downloads", "/mnt/dl"), ("C:\\Done", "/mnt/win")], "c:\\done\\Detour")
    '/mnt/win/Detour'
    >>> map_remote_path([("/downloads", "/mnt/dl")], "/downloads2/Detour")
    '/downloads2/Detour'
    """
    for remote_root, local_root in sorted(mappings, key=lambda pair: len(pair[0]), reverse=True):
        rest = _below(remote_root, remote)
        if rest is not None:
            return f"{local_root.rstrip('/')}/{rest}".rstrip("/") or "/"
    return remote


_WINDOWS = re.compile(r"^(?:[A-Za-z]:[\\/]|\\\\)")


def _below(root: str, path: str) -> str | None:
    if _WINDOWS.match(root):
        root, path = root.replace("\\", "/").rstrip("/"), path.replace("\\", "/")
        inside = path.casefold() == root.casefold() or path.casefold().startswith(root.casefold() + "/")
    else:
        root = root.rstrip("/")
        inside = path == root or path.startswith(root + "/")
    return path[len(root) :].strip("/") if inside else None


def set_mappings(session: Session, client_id: str, mappings: Sequence[Mapped]) -> None:
    """Replace a client's path mappings; empty pairs are left out.

    Raises:
        Invalid: One side is missing, or the local path is not absolute.
    """
    wanted: dict[str, str] = {}
    for remote, local in mappings:
        remote_path, local_path = remote.strip(), local.strip()
        if not remote_path and not local_path:
            continue
        sentence = ""
        if not remote_path or not local_path:
            sentence = "A path mapping needs both paths: as the client sees it, and as Mydia sees it."
        elif not local_path.startswith("/"):
            sentence = "The path as Mydia sees it must start with /."
        if sentence:
            raise Invalid(sentence, fields={"mappings": sentence})
        wanted[remote_path.rstrip("/\\") or remote_path] = local_path.rstrip("/") or "/"
    session.execute(delete(RemotePathMapping).where(RemotePathMapping.client_id == client_id))
    session.add_all(
        RemotePathMapping(client_id=client_id, remote_path=remote, local_path=local) for remote, local in wanted.items()
    )
    session.flush()


def _all_mappings(session: Session) -> dict[str, tuple[Mapped, ...]]:
    found: dict[str, list[Mapped]] = {}
    for row in session.scalars(select(RemotePathMapping)):
        found.setdefault(row.client_id, []).append((row.remote_path, row.local_path))
    return {client: tuple(sorted(pairs, key=lambda pair: -len(pair[0]))) for client, pairs in found.items()}


def _connection(row: DownloadClientRow, secret: Secret, *, identifier: str | None = None) -> Connection:
    return Connection(
        id=identifier or row.id,
        name=row.name,
        kind=row.kind,
        url=row.url,
        username=row.username,
        secret=secret,
        options=dict(row.options),
    )


def _fill(session: Session, row: DownloadClientRow, new: NewClient, *, present: DownloadClientRow | None) -> Secret:
    """Fill a row from a validated form and return the secret."""
    kind = services.checked_kind(download_clients.KINDS, new.kind)
    name = " ".join(new.name.split())[:80]
    if not name:
        raise Invalid("Enter a name.", fields={"name": "Enter a name."})
    other = session.scalar(select(DownloadClientRow).where(DownloadClientRow.name == name))
    if other is not None and other.id != row.id:
        sentence = f"A download client named {name} already exists."
        raise Conflict(sentence, fields={"name": sentence})
    if not 1 <= new.priority <= 50:
        raise Invalid("The priority must be from 1 (highest) to 50.", fields={"priority": "From 1 (highest) to 50."})
    options, sentences = services.read_options(kind.needs, new.options)
    if sentences:
        raise Invalid(" ".join(sentences.values()), fields=sentences)
    row.name, row.kind, row.url = name, new.kind, services.checked_url(new.url)
    row.username = (new.username or "").strip() or None
    row.enabled, row.priority, row.options = new.enabled, new.priority, options
    if new.secret:
        row.sealed_secret = sealer(session).seal(new.secret.reveal())
        return new.secret
    row.sealed_secret = present.sealed_secret if present else None
    return sealer(session).open(row.sealed_secret)


def _columns(session: Session, row: DownloadClientRow) -> dict[str, object]:
    columns = ("name", "kind", "url", "username", "enabled", "priority", "options")
    return {column: getattr(row, column) for column in columns} | {
        "mappings": [list(pair) for pair in _all_mappings(session).get(row.id, ())]
    }
