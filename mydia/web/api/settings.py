"""`/api/v1/config`, library folders, download clients and indexers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, UnsetType, defstruct
from msgspec.structs import fields

from mydia import clock
from mydia.adapters import download_clients, indexers
from mydia.adapters.kinds import Need
from mydia.config import BY_NAME, Key
from mydia.contexts import notifications, settings
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.errors import Conflict
from mydia.secret import Secret
from mydia.web import patterns
from mydia.web.api.schemas import Name, SettingShape, Struct, WebAddress, contradictions, given
from mydia.web.deps import CallerDep, DatabaseDep, OutsideDep


def _options_of(name: str, needs: Iterable[Iterable[Need]]) -> Any:
    """Return the type of a service's options. Those that another kind has are ignored."""
    known = {need.key: need for needs_of_kind in needs for need in needs_of_kind}
    return defstruct(
        name,
        [
            (key, _type_of(need) | None | UnsetType, UNSET)
            for key, need in known.items()
            if key not in ("url", "username", "secret")
        ],
        bases=(Struct,),
        module=__name__,
        namespace={"__doc__": "Options by name; which of them count depends on the kind."},
    )


def _type_of(need: Need) -> Any:
    if need.type == "number":
        return Annotated[float, Meta(ge=need.low, le=need.high)]
    return _OPTION_TYPES.get(need.type, str)


_OPTION_TYPES: dict[str, Any] = {
    "checkbox": bool,
    "list": list[str] | str,
    "numbers": list[Annotated[int, Meta(ge=0, le=999_999)]] | Annotated[str, Meta(pattern=patterns.NUMBERS)],
}

if TYPE_CHECKING:
    ClientKind = str
    IndexerKind = str
    type ClientOptions = Struct
    type IndexerOptions = Struct
else:
    ClientKind = Literal[tuple(sorted(download_clients.KINDS))]
    IndexerKind = Literal[tuple(sorted(indexers.KINDS))]
    ClientOptions = _options_of("ClientOptions", (kind.needs for kind in download_clients.KINDS.values()))
    IndexerOptions = _options_of("IndexerOptions", map(settings.indexers.needs_of, indexers.KINDS))
FolderPath = Annotated[str, Meta(max_length=4096, pattern=patterns.FOLDER)]


class FolderShape(Struct):
    """A library folder."""

    id: str
    path: str
    name: str
    type: str
    monitored: bool
    default_profile_id: str | None
    import_mode: str
    managed: bool
    """Defined in the environment or the file, so it is read-only here."""
    last_scan_at: datetime | None
    last_scan_state: str | None
    last_scan_reason: str | None


class NewFolder(Struct):
    """A new library folder."""

    path: FolderPath
    type: Literal["movies", "series", "mixed"]
    name: Name | None = None
    monitored: bool = True
    default_profile_id: str | None = None
    provider: Literal["tmdb", "tvdb"] = "tmdb"
    language: Name | None = None
    import_mode: Literal["hardlink", "reflink", "copy", "move"] = "hardlink"


class FolderChange(Struct):
    """Changes to a library folder. Fields that are left out stay unchanged."""

    path: FolderPath | UnsetType = UNSET
    type: Literal["movies", "series", "mixed"] | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    monitored: bool | UnsetType = UNSET
    default_profile_id: str | None | UnsetType = UNSET
    provider: Literal["tmdb", "tvdb"] | UnsetType = UNSET
    language: Name | None | UnsetType = UNSET
    import_mode: Literal["hardlink", "reflink", "copy", "move"] | UnsetType = UNSET


class ClientShape(Struct):
    """A download client, without its password."""

    id: str
    name: str
    kind: str
    url: str
    username: str | None
    options: dict[str, Any]
    enabled: bool
    priority: int
    managed: bool
    state: str | None
    """ok | failing | disabled; null if it has not been checked yet."""
    since_at: datetime | None
    last_error: str | None


class Mapping(Struct):
    """Maps a path in the client to a path on this machine."""

    remote: Name
    local: FolderPath


class ClientToSet(Struct):
    """A download client; an empty `secret` keeps the stored password or key."""

    name: Name
    kind: ClientKind
    url: WebAddress
    username: str | None = None
    secret: str = ""
    options: ClientOptions | UnsetType = UNSET
    enabled: bool = True
    priority: Annotated[int, Meta(ge=1, le=50)] = 1
    mappings: list[Mapping] = []


class ClientChange(Struct):
    """Changes to a download client. Fields that are left out stay unchanged."""

    name: Name | UnsetType = UNSET
    kind: ClientKind | UnsetType = UNSET
    url: WebAddress | UnsetType = UNSET
    username: str | None | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    options: ClientOptions | UnsetType = UNSET
    """Options that are left out stay unchanged."""
    enabled: bool | UnsetType = UNSET
    priority: Annotated[int, Meta(ge=1, le=50)] | UnsetType = UNSET
    mappings: list[Mapping] | UnsetType = UNSET


class IndexerShape(Struct):
    """An indexer, without its key."""

    id: str
    name: str
    kind: str
    url: str
    options: dict[str, Any]
    enabled: bool
    automatic_search: bool
    interactive_search: bool
    rss: bool
    """Whether its newest releases are read regularly."""
    priority: int
    managed: bool
    capabilities: dict[str, Any] | None
    """What it can do, as of its last test: the parameters of each search, page size, categories, and the indexers behind it."""
    state: str | None
    since_at: datetime | None
    disabled_until: datetime | None
    last_error: str | None


class IndexerToSet(Struct):
    """An indexer; an empty `secret` keeps the stored key."""

    name: Name
    kind: IndexerKind
    url: WebAddress
    secret: str = ""
    options: IndexerOptions | UnsetType = UNSET
    enabled: bool = True
    automatic_search: bool = True
    interactive_search: bool = True
    rss: bool = True
    priority: Annotated[int, Meta(ge=1, le=50)] = 25


class IndexerChange(Struct):
    """Changes to an indexer. Fields that are left out stay unchanged."""

    name: Name | UnsetType = UNSET
    kind: IndexerKind | UnsetType = UNSET
    url: WebAddress | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    options: IndexerOptions | UnsetType = UNSET
    """Options that are left out stay unchanged."""
    enabled: bool | UnsetType = UNSET
    automatic_search: bool | UnsetType = UNSET
    interactive_search: bool | UnsetType = UNSET
    rss: bool | UnsetType = UNSET
    priority: Annotated[int, Meta(ge=1, le=50)] | UnsetType = UNSET


class Tried(Struct):
    """The result of a connection test."""

    version: str
    notes: list[str]


class MailTest(Struct):
    """Where a test message goes."""

    to: Annotated[str, Meta(max_length=254, pattern=patterns.ONE_EMAIL)]


_PATTERNS = {
    "email": patterns.SENDER,
    "host": patterns.HOST,
    "language": patterns.LANGUAGE,
    "region": patterns.REGION,
    "url": patterns.WEB_ADDRESS,
    "url_or_off": patterns.WEB_ADDRESS_OR_OFF,
}
"""Shape of a setting -> pattern. Other shapes are described by their names, as a `format`."""


def _kind_of(key: Key) -> Any:
    """Return the type of a setting's value, as the API takes it."""
    if key.allowed:
        return Literal[key.allowed]
    if key.kind in (int, float):
        return Annotated[key.kind, Meta(ge=key.low, le=key.high)]
    if key.kind is tuple:
        return list[str]
    if key.kind is bool:
        return bool
    if key.shape in _PATTERNS:
        return Annotated[str, Meta(pattern=_PATTERNS[key.shape])]
    return Annotated[str, Meta(extra_json_schema={"format": key.shape})] if key.shape else str


if TYPE_CHECKING:
    ConfigChange = Struct
else:
    _EDITABLE = [key for key in BY_NAME.values() if key.editable]
    ConfigChange = defstruct(
        "ConfigChange",
        [(key.name.replace(".", "__"), _kind_of(key) | None | UnsetType, UNSET) for key in _EDITABLE],
        bases=(Struct,),
        module=__name__,
        rename={key.name.replace(".", "__"): key.name for key in _EDITABLE},
        forbid_unknown_fields=True,
    )
    ConfigChange.__doc__ = "Settings by key; null resets one to the value of the file or the default."


@get("/config", sync_to_thread=True, summary="List settings with their sources")
def list_config(database: DatabaseDep, caller: CallerDep) -> list[SettingShape]:
    """Return all settings with their values and sources. Secrets are not included."""
    return _settings(database, caller)


@put("/config", sync_to_thread=True, summary="Change settings")
def change_config(database: DatabaseDep, caller: CallerDep, data: JSONBody[ConfigChange]) -> list[SettingShape]:
    """Change settings by key. Null resets one to the value of the file or the default. If one value is invalid, nothing changes."""
    with database.writes() as session:
        changes = {name.replace("__", "."): value for name, value in given(data).items()}
        settings.change_values(session, caller, clock.now(), changes)
    return _settings(database, caller)


@post("/mail/test", sync_to_thread=True, status_code=204, summary="Send a test message")
def test_mail(database: DatabaseDep, outside: OutsideDep, caller: CallerDep, data: JSONBody[MailTest]) -> None:
    """Send a test message through the configured mail server. 409 if mail is not set up, 503 if the message was not sent."""
    with database.reads() as session:
        server = notifications.mail.server_of(session)
    notifications.mail.send_test(outside, caller, server, data.to)


def _settings(database: Database, caller: Caller) -> list[SettingShape]:
    with database.reads() as session:
        found = settings.all_sourced(session, caller)
    return [
        SettingShape(
            key=name,
            value=(bool(told.value) if BY_NAME[name].secret else told.value),
            layer=told.layer,
            source=told.source,
            editable=BY_NAME[name].editable and told.layer != "environment",
            description=BY_NAME[name].doc,
            secret=BY_NAME[name].secret,
        )
        for name, told in found.items()
    ]


def _folder(row: settings.LibraryPath) -> FolderShape:
    return FolderShape(
        id=row.id,
        path=row.path,
        name=row.name,
        type=row.type,
        monitored=row.monitored,
        default_profile_id=row.default_profile_id,
        import_mode=row.import_mode,
        managed=row.managed,
        last_scan_at=row.last_scan_at,
        last_scan_state=row.last_scan_state,
        last_scan_reason=row.last_scan_reason,
    )


def _new_folder(data: NewFolder) -> settings.NewLibraryPath:
    return settings.NewLibraryPath(
        path=data.path,
        type=data.type,
        name=data.name,
        monitored=data.monitored,
        default_profile_id=data.default_profile_id,
        provider=data.provider,
        language=data.language,
        import_mode=data.import_mode,
    )


@get("/library/paths", sync_to_thread=True, summary="List library folders")
def list_folders(database: DatabaseDep, caller: CallerDep) -> list[FolderShape]:
    """Return the library folders with the result of their last scan."""
    with database.reads() as session:
        return [_folder(row) for row in settings.library_paths.list_library_paths(session, caller)]


@get("/library/paths/{path_id:str}", sync_to_thread=True, summary="Get a library folder")
def get_folder(database: DatabaseDep, caller: CallerDep, path_id: FromPath[str]) -> FolderShape:
    """Return a library folder with the result of its last scan."""
    with database.reads() as session:
        return _folder(settings.library_paths.get_library_path(session, caller, path_id))


@post("/library/paths", sync_to_thread=True, summary="Add a library folder")
def add_folder(database: DatabaseDep, outside: OutsideDep, caller: CallerDep, data: JSONBody[NewFolder]) -> FolderShape:
    """Add a library folder. 409 if it does not exist, overlaps another library folder or belongs to the system."""
    with database.reads() as session:
        others = settings.library_paths.list_library_paths(session, caller)
    look = settings.library_paths.look_at_folder(outside, caller, data.path, others)
    if look.problem:
        raise Conflict(look.problem, fields={"path": look.problem})
    with contradictions(), database.writes() as session:
        return _folder(settings.library_paths.add_library_path(session, caller, clock.now(), _new_folder(data)))


@put("/library/paths/{path_id:str}", sync_to_thread=True, summary="Change a library folder")
def change_folder(
    database: DatabaseDep, caller: CallerDep, path_id: FromPath[str], data: JSONBody[FolderChange]
) -> FolderShape:
    """Change a library folder's settings, or its path after you moved its files. 409 as for a new folder."""
    with contradictions(), database.writes() as session:
        row = settings.library_paths.get_library_path(session, caller, path_id)
        now = {field.name: getattr(row, field.name) for field in fields(settings.NewLibraryPath)}
        new = settings.NewLibraryPath(**now | given(data))
        return _folder(settings.library_paths.change_library_path(session, caller, clock.now(), path_id, new))


@delete("/library/paths/{path_id:str}", sync_to_thread=True, status_code=204, summary="Remove a library folder")
def remove_folder(database: DatabaseDep, caller: CallerDep, path_id: FromPath[str]) -> None:
    """Remove a folder from the library. Nothing on disk changes."""
    with database.writes() as session:
        settings.library_paths.remove_library_path(session, caller, clock.now(), path_id)


def _client(row: settings.DownloadClientRow, known: settings.ServiceStatus | None) -> ClientShape:
    return ClientShape(
        id=row.id,
        name=row.name,
        kind=row.kind,
        url=row.url,
        username=row.username,
        options=dict(row.options),
        enabled=row.enabled,
        priority=row.priority,
        managed=row.managed,
        state=known.state if known else None,
        since_at=known.since_at if known else None,
        last_error=known.last_error if known else None,
    )


def _new_client(data: ClientToSet) -> settings.NewClient:
    return settings.NewClient(
        name=data.name,
        kind=data.kind,
        url=data.url,
        username=data.username,
        secret=Secret(data.secret),
        options={} if data.options is UNSET else given(data.options),
        enabled=data.enabled,
        priority=data.priority,
        mappings=tuple((one.remote, one.local) for one in data.mappings),
    )


def _stored(row: settings.DownloadClientRow | settings.IndexerRow, changes: dict[str, Any]) -> dict[str, Any]:
    """Merge the changed secret and options of a service with the stored ones."""
    if "secret" in changes:
        changes["secret"] = Secret(changes["secret"])
    if "options" in changes:
        changes["options"] = {**row.options, **given(changes["options"])}
    return {
        "name": row.name,
        "kind": row.kind,
        "url": row.url,
        "options": dict(row.options),
        "enabled": row.enabled,
        "priority": row.priority,
    }


@get("/download-clients", sync_to_thread=True, summary="List download clients")
def list_clients(database: DatabaseDep, caller: CallerDep) -> list[ClientShape]:
    """Return the download clients with their current state."""
    with database.reads() as session:
        known = settings.services.statuses(session, caller, "download_client")
        return [_client(row, known.get(row.id)) for row in settings.clients.list_clients(session, caller)]


@get("/download-clients/{client_id:str}", sync_to_thread=True, summary="Get a download client")
def get_client(database: DatabaseDep, caller: CallerDep, client_id: FromPath[str]) -> ClientShape:
    """Return a download client with its current state."""
    with database.reads() as session:
        row = settings.clients.get_client(session, caller, client_id)
        return _client(row, settings.services.statuses(session, caller, "download_client").get(client_id))


@post("/download-clients", sync_to_thread=True, summary="Add a download client")
def add_client(database: DatabaseDep, caller: CallerDep, data: JSONBody[ClientToSet]) -> ClientShape:
    """Add a download client. Use the test route to check the connection."""
    with database.writes() as session:
        return _client(settings.clients.add_client(session, caller, clock.now(), _new_client(data)), None)


@put("/download-clients/{client_id:str}", sync_to_thread=True, summary="Change a download client")
def change_client(
    database: DatabaseDep, caller: CallerDep, client_id: FromPath[str], data: JSONBody[ClientChange]
) -> ClientShape:
    """Change a download client. Fields and options that are left out stay unchanged."""
    changes = given(data)
    if data.mappings is not UNSET:
        changes["mappings"] = tuple((one.remote, one.local) for one in data.mappings)
    with database.writes() as session:
        old = settings.clients.get_client(session, caller, client_id)
        now = _stored(old, changes) | {
            "username": old.username,
            "mappings": settings.clients.mappings_of(session, caller, client_id),
        }
        new = settings.NewClient(**now | changes)
        row = settings.clients.change_client(session, caller, clock.now(), client_id, new=new)
        return _client(row, settings.services.statuses(session, caller, "download_client").get(client_id))


@delete("/download-clients/{client_id:str}", sync_to_thread=True, status_code=204, summary="Remove a download client")
def remove_client(database: DatabaseDep, caller: CallerDep, client_id: FromPath[str]) -> None:
    """Remove a download client. Its downloads continue in the client and stay in the history."""
    with database.writes() as session:
        settings.clients.remove_client(session, caller, clock.now(), client_id)


@post("/download-clients/{client_id:str}/test", sync_to_thread=True, status_code=200, summary="Test a download client")
def test_client(database: DatabaseDep, outside: OutsideDep, caller: CallerDep, client_id: FromPath[str]) -> Tried:
    """Test the connection to a download client. 503 with the reason if it fails."""
    report = settings.clients.test_client(database, outside, caller, clock.now(), client_id)
    return Tried(version=report.version, notes=list(report.notes))


def _indexer(row: settings.IndexerRow, known: settings.ServiceStatus | None) -> IndexerShape:
    return IndexerShape(
        id=row.id,
        name=row.name,
        kind=row.kind,
        url=row.url,
        options=dict(row.options),
        enabled=row.enabled,
        automatic_search=row.automatic_search,
        interactive_search=row.interactive_search,
        rss=row.rss,
        capabilities=row.capabilities,
        priority=row.priority,
        managed=row.managed,
        state=known.state if known else None,
        since_at=known.since_at if known else None,
        disabled_until=known.disabled_until if known else None,
        last_error=known.last_error if known else None,
    )


def _new_indexer(data: IndexerToSet) -> settings.NewIndexer:
    return settings.NewIndexer(
        name=data.name,
        kind=data.kind,
        url=data.url,
        secret=Secret(data.secret),
        options={} if data.options is UNSET else given(data.options),
        enabled=data.enabled,
        automatic_search=data.automatic_search,
        interactive_search=data.interactive_search,
        rss=data.rss,
        priority=data.priority,
    )


@get("/indexers", sync_to_thread=True, summary="List indexers")
def list_indexers(database: DatabaseDep, caller: CallerDep) -> list[IndexerShape]:
    """Return the indexers with their current state."""
    with database.reads() as session:
        known = settings.services.statuses(session, caller, "indexer")
        return [_indexer(row, known.get(row.id)) for row in settings.indexers.list_indexers(session, caller)]


@get("/indexers/{indexer_id:str}", sync_to_thread=True, summary="Get an indexer")
def get_indexer(database: DatabaseDep, caller: CallerDep, indexer_id: FromPath[str]) -> IndexerShape:
    """Return an indexer with its current state."""
    with database.reads() as session:
        row = settings.indexers.get_indexer(session, caller, indexer_id)
        return _indexer(row, settings.services.statuses(session, caller, "indexer").get(indexer_id))


@post("/indexers", sync_to_thread=True, summary="Add an indexer")
def add_indexer(database: DatabaseDep, caller: CallerDep, data: JSONBody[IndexerToSet]) -> IndexerShape:
    """Add an indexer. Use the test route to check the connection."""
    with database.writes() as session:
        return _indexer(settings.indexers.add_indexer(session, caller, clock.now(), _new_indexer(data)), None)


@put("/indexers/{indexer_id:str}", sync_to_thread=True, summary="Change an indexer")
def change_indexer(
    database: DatabaseDep, caller: CallerDep, indexer_id: FromPath[str], data: JSONBody[IndexerChange]
) -> IndexerShape:
    """Change an indexer. Fields and options that are left out stay unchanged."""
    changes = given(data)
    with database.writes() as session:
        old = settings.indexers.get_indexer(session, caller, indexer_id)
        now = _stored(old, changes) | {
            "automatic_search": old.automatic_search,
            "interactive_search": old.interactive_search,
            "rss": old.rss,
        }
        new = settings.NewIndexer(**now | changes)
        row = settings.indexers.change_indexer(session, caller, clock.now(), indexer_id, new=new)
        return _indexer(row, settings.services.statuses(session, caller, "indexer").get(indexer_id))


@delete("/indexers/{indexer_id:str}", sync_to_thread=True, status_code=204, summary="Remove an indexer")
def remove_indexer(database: DatabaseDep, caller: CallerDep, indexer_id: FromPath[str]) -> None:
    """Remove an indexer. Releases found on it stay in the history."""
    with database.writes() as session:
        settings.indexers.remove_indexer(session, caller, clock.now(), indexer_id)


@post("/indexers/{indexer_id:str}/test", sync_to_thread=True, status_code=200, summary="Test an indexer")
def test_indexer(database: DatabaseDep, outside: OutsideDep, caller: CallerDep, indexer_id: FromPath[str]) -> Tried:
    """Query an indexer's capabilities. 503 with the reason if it does not answer."""
    able = settings.indexers.test_indexer(database, outside, caller, clock.now(), indexer_id)
    return Tried(version=able.title or "", notes=[name for _, name in able.categories])


ROUTES: tuple[Any, ...] = (
    list_config,
    change_config,
    test_mail,
    list_folders,
    get_folder,
    add_folder,
    change_folder,
    remove_folder,
    list_clients,
    get_client,
    add_client,
    change_client,
    remove_client,
    test_client,
    list_indexers,
    get_indexer,
    add_indexer,
    change_indexer,
    remove_indexer,
    test_indexer,
)
