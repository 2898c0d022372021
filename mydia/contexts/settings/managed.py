"""Stores the clients, indexers and library folders of the environment and the file at start."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from copy import replace
from datetime import datetime
from types import MappingProxyType
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import events, units
from mydia.adapters import download_clients, indexers
from mydia.adapters.indexers import prowlarr
from mydia.adapters.outside import Outside
from mydia.config import CLIENT_OPTIONS, INDEXER_OPTIONS, Config, ManagedEntry, boolean
from mydia.contexts.settings import clients as client_rows
from mydia.contexts.settings import indexers as indexer_rows
from mydia.contexts.settings import library_paths, providers
from mydia.contexts.settings.current import of, sealer, source_of
from mydia.contexts.settings.layers import all_sourced
from mydia.contexts.settings.models import DownloadClientRow, IndexerRow, LibraryPath, OidcProvider, QualityProfile
from mydia.contexts.users import SYSTEM, Role
from mydia.db import Database
from mydia.errors import Misconfigured, MydiaError
from mydia.secret import Secret
from mydia.vocabulary import MediaType

logger = logging.getLogger(__name__)


def sync_managed(session: Session, now: datetime) -> None:
    """Store the entries of environment and file as managed rows. Idempotent.

    A row of the same name (or path) becomes managed. One that is no longer configured becomes editable, and is disabled.

    Raises:
        Misconfigured: An entry is invalid; the message names the key, its source and the allowed values.

    Emits:
        SettingsChanged, LibraryPathAdded.
    """
    _sync_clients(session, now)
    _sync_indexers(session, now)
    _sync_paths(session, now)
    _sync_providers(session, now)


class _Entry(msgspec.Struct, frozen=True):
    """An entry whose accessors report the key and the source of an invalid value."""

    section: str
    entry: ManagedEntry

    def text(self, field: str, default: str = "") -> str:
        return self.entry.fields.get(field, "").strip() or default

    def needed(self, field: str) -> str:
        text = self.text(field)
        if not text:
            raise Misconfigured(f"{self.section} ({self.entry.source}) has no {field}, which is required.")
        return text

    def flag(self, field: str, default: bool) -> bool:
        text = self.text(field)
        try:
            return boolean(text) if text else default
        except ValueError as error:
            raise self.wrong(field, "true or false") from error

    def number(self, field: str, default: int, low: int, high: int) -> int:
        text = self.text(field)
        try:
            number = int(text) if text else default
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise self.wrong(field, f"a whole number from {low} to {high}")
        return number

    def choice(
        self,
        field: str,
        allowed: tuple[str, ...],
        default: str | None = None,
        *,
        other_names: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        text = self.text(field, default or "").lower()
        text = other_names.get(text, text)
        if text not in allowed:
            raise self.wrong(field, f"one of {', '.join(sorted(allowed))}")
        return text

    def wrong(self, field: str, wanted: str) -> Misconfigured:
        return Misconfigured(
            f"{self.section}.{field} ({self.entry.source}) is {self.text(field)!r}, but must be {wanted}."
        )


def _because(entry: _Entry, error: MydiaError) -> Misconfigured:
    return Misconfigured(f"{entry.section} ({entry.entry.source}): {error.message}")


def _sync_clients(session: Session, now: datetime) -> None:
    kept: set[str] = set()
    for managed in source_of(session).config.download_clients:
        entry = _Entry("download_clients", managed)
        new = _client(entry)
        row = session.scalar(select(DownloadClientRow).where(DownloadClientRow.name == new.name))
        try:
            if row is None:
                row = client_rows.add_client(session, SYSTEM, now, new)
            else:
                if not new.mappings:
                    # Keep a path mapping that was made in the interface, unless the configuration has its own.
                    new = replace(new, mappings=client_rows.mappings_of(session, SYSTEM, row.id))
                row.managed = False
                _drop_secret(row, new.secret)
                client_rows.change_client(session, SYSTEM, now, row.id, new=_without_same_secret(session, row, new))
        except Misconfigured:
            raise
        except MydiaError as error:
            raise _because(entry, error) from error
        row.managed, row.managed_source = True, managed.source
        kept.add(row.id)
    for row in session.scalars(select(DownloadClientRow).where(DownloadClientRow.managed)):
        if row.id not in kept:
            row.managed, row.managed_source, row.enabled = False, None, False
            _record_released(session, now, f"download_client:{row.id}", row.name)
    session.flush()


def _client(entry: _Entry) -> client_rows.NewClient:
    kind = entry.choice("type", tuple(download_clients.KINDS), "qbittorrent")
    options: dict[str, object] = {}
    known = download_clients.KINDS[kind]
    for option in CLIENT_OPTIONS:
        if text := entry.text(option):
            if option not in known.option_keys:
                raise Misconfigured(
                    f"{entry.section}.{option} ({entry.entry.source}): {known.label} has no such option."
                )
            options[option] = text
    if directory := entry.text("download_directory"):
        options["save_path"] = directory
    remote, local = entry.text("remote_path"), entry.text("local_path")
    return client_rows.NewClient(
        name=entry.needed("name"),
        kind=kind,
        url=_client_url(entry),
        username=entry.text("username") or None,
        secret=Secret(entry.text("password") or entry.text("api_key")),
        options=options,
        enabled=entry.flag("enabled", True),
        priority=entry.number("priority", 1, 1, 50),
        mappings=((remote, local),) if remote or local else (),
    )


def _client_url(entry: _Entry) -> str:
    host = entry.needed("host")
    if "://" in host:
        return host
    scheme = "https" if entry.flag("use_ssl", False) else "http"
    port = entry.number("port", 443 if scheme == "https" else 8080, 1, 65535)
    base = entry.text("url_base").strip("/")
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{scheme}://{bracketed}:{port}" + (f"/{base}" if base else "")


def _sync_indexers(session: Session, now: datetime) -> None:
    kept: set[str] = set()
    sources: set[str] = set()
    for managed in source_of(session).config.indexers:
        entry = _Entry("indexers", managed)
        kept |= {_store_indexer(session, now, entry, new) for new in _indexers(entry)}
        if _is_discovered(entry):
            sources.add(managed.source)
    for row in session.scalars(select(IndexerRow).where(IndexerRow.managed)):
        if row.id not in kept and row.managed_source not in sources:
            row.managed, row.managed_source, row.enabled = False, None, False
            _record_released(session, now, f"indexer:{row.id}", row.name)
    session.flush()


def discover_indexers(database: Database, outside: Outside, now: datetime) -> str:
    """Fetch the indexers of each Prowlarr that is configured without `indexer_ids`, and store them.

    Raises:
        AdapterError: A Prowlarr does not answer; indexers found earlier are kept.
    """
    with database.reads() as session:
        entries = [_Entry("indexers", managed) for managed in source_of(session).config.indexers]
    found = 0
    for entry in filter(_is_discovered, entries):
        base = entry.needed("base_url")
        listed = prowlarr.list_indexers(outside.http, base, Secret(entry.text("api_key")))
        name = entry.text("name") or "Prowlarr"
        with database.writes() as session:
            kept = {
                _store_indexer(
                    session,
                    now,
                    entry,
                    _new_indexer(entry, one.kind, f"{name} ({one.name})", prowlarr.feed_url(base, one.id), one.enabled),
                )
                for one in listed
            }
            for row in session.scalars(select(IndexerRow).where(IndexerRow.managed_source == entry.entry.source)):
                if row.id not in kept:
                    row.managed, row.managed_source, row.enabled = False, None, False
                    _record_released(session, now, f"indexer:{row.id}", row.name)
        found += len(listed)
    return f"{units.plural(found, 'indexer')} found"


def _is_discovered(entry: _Entry) -> bool:
    is_prowlarr = entry.text("type").lower() == "prowlarr" and not entry.text("indexer_ids")
    return is_prowlarr and not entry.flag("together", False)


def _store_indexer(session: Session, now: datetime, entry: _Entry, new: indexer_rows.NewIndexer) -> str:
    row = session.scalar(select(IndexerRow).where(IndexerRow.name == new.name))
    try:
        if row is None:
            row = indexer_rows.add_indexer(session, SYSTEM, now, new)
        else:
            row.managed = False
            _drop_secret(row, new.secret)
            indexer_rows.change_indexer(session, SYSTEM, now, row.id, new=_without_same_secret(session, row, new))
    except Misconfigured:
        raise
    except MydiaError as error:
        raise _because(entry, error) from error
    row.managed, row.managed_source = True, entry.entry.source
    return row.id


# Feed URLs of single indexers in Prowlarr and Jackett. Source: their documentation of Torznab feeds.
_COLLECTIONS = {"prowlarr": "{base}/{id}/api", "jackett": "{base}/api/v2.0/indexers/{id}/results/torznab"}


def _indexers(entry: _Entry) -> Iterator[indexer_rows.NewIndexer]:
    """Yield the feeds of an entry: one for each of the `indexer_ids` of a Prowlarr or Jackett, otherwise one.

    A Prowlarr without `indexer_ids` yields none; `discover_indexers` fetches its indexers.
    """
    kind = entry.choice("type", (*indexers.KINDS, *_COLLECTIONS), "torznab")
    name, base = entry.text("name") or kind.capitalize(), entry.needed("base_url").rstrip("/")
    if kind not in _COLLECTIONS or entry.flag("together", False):
        yield _new_indexer(entry, kind, name, base)
        return
    ids = [part.strip() for part in entry.text("indexer_ids").split(",") if part.strip()]
    if not ids and kind != "prowlarr":
        raise Misconfigured(
            f"indexers.indexer_ids ({entry.entry.source}) is required: the names of the indexers, separated by commas."
        )
    if not ids:
        _new_indexer(entry, "torznab", name, base)
    for one in ids:
        feed_name = name if len(ids) == 1 else f"{name} ({one})"
        yield _new_indexer(entry, "torznab", feed_name, _COLLECTIONS[kind].format(base=base, id=one))


def _new_indexer(entry: _Entry, kind: str, name: str, url: str, enabled: bool = True) -> indexer_rows.NewIndexer:
    return indexer_rows.NewIndexer(
        name=name,
        kind=kind,
        url=url,
        secret=Secret(entry.text("api_key")),
        options=_indexer_options(entry, kind),
        enabled=enabled and entry.flag("enabled", True),
        rss=entry.flag("rss", True),
        automatic_search=entry.flag("automatic_search", True),
        interactive_search=entry.flag("interactive_search", True),
        priority=entry.number("priority", 25, 1, 50),
    )


_FEWEST_MS = 1000


def _indexer_options(entry: _Entry, kind: str) -> Mapping[str, object]:
    needs = {need.key: need for need in indexer_rows.needs_of(kind)}
    options = {key: need.default for key, need in needs.items() if need.default is not None}
    if text := entry.text("categories"):
        try:
            numbers = [int(part) for part in text.split(",") if part.strip()]
        except ValueError as error:
            raise entry.wrong("categories", "whole numbers separated by commas") from error
        # 5000 to 5999 are series; everything else counts as movies. Source: the Newznab category list.
        options["movie_categories"] = [number for number in numbers if number // 1000 != 5]
        options["tv_categories"] = [number for number in numbers if number // 1000 == 5]
    options |= {option: text for option in INDEXER_OPTIONS if option in needs and (text := entry.text(option))}
    if "minimum_seeders" in needs and entry.text("minimum_seeders"):
        options["minimum_seeders"] = entry.number("minimum_seeders", 1, 0, 1000)
    if limit := entry.number("rate_limit", 0, 0, 1000):
        options["rate_limit_per_min"] = limit
    if timeout := entry.number("timeout", 0, 0, 120_000):
        # Values from 1000 are milliseconds, as in earlier versions (30000); smaller ones are seconds.
        options["timeout_s"] = timeout / 1000 if timeout >= _FEWEST_MS else timeout
    return options


def _sync_paths(session: Session, now: datetime) -> None:
    kept: set[str] = set()
    for entry, new in _paths(session):
        try:
            path = library_paths.checked_path(new.path)
            row = session.scalar(select(LibraryPath).where(LibraryPath.path == path))
            if row is None:
                row = library_paths.add_library_path(session, SYSTEM, now, new)
            else:
                row.managed = False
                mine = replace(
                    new,
                    naming_set_id=row.naming_set_id,
                    provider=row.provider,
                    language=row.language,
                    default_profile_id=new.default_profile_id or row.default_profile_id,
                )
                library_paths.change_library_path(session, SYSTEM, now, row.id, mine)
        except Misconfigured:
            raise
        except MydiaError as error:
            raise _because(entry, error) from error
        row.managed, row.managed_source = True, entry.entry.source
        kept.add(row.id)
    for row in session.scalars(select(LibraryPath).where(LibraryPath.managed)):
        if row.id not in kept:
            row.managed, row.managed_source, row.monitored = False, None, False
            _record_released(session, now, f"library_path:{row.id}", row.name)
    session.flush()


def _paths(session: Session) -> Iterator[tuple[_Entry, library_paths.NewLibraryPath]]:
    config = source_of(session).config
    for name, type_, label in (("media.movies_path", "movies", "Movies"), ("media.tv_path", "series", "Shows")):
        if path := config[name]:
            single = ManagedEntry({"path": str(path)}, config.values[name].source)
            yield _Entry(name, single), library_paths.NewLibraryPath(path=str(path), type=type_, name=label)
    for managed in config.library_paths:
        entry = _Entry("library_paths", managed)
        yield (
            entry,
            library_paths.NewLibraryPath(
                path=entry.needed("path"),
                type=entry.choice("type", library_paths.TYPES, "mixed", other_names=_TYPES),
                name=entry.text("name") or None,
                monitored=entry.flag("monitored", True),
                scan_cron=_scan_cron(entry),
                default_profile_id=_profile_id(session, entry),
                import_mode=entry.choice("import_mode", library_paths.IMPORT_MODES, "hardlink"),
            ),
        )


_TYPES = {
    MediaType.MOVIE.value: "movies",
    "films": "movies",
    MediaType.TV_SHOW.value: "series",
    "tv_shows": "series",
    "tv": "series",
}
"""Aliases of the types of library folders."""


def _scan_cron(entry: _Entry) -> str | None:
    """Return the cron expression closest to an interval in seconds; at least 15 minutes."""
    if not entry.text("scan_interval"):
        return None
    minutes = entry.number("scan_interval", 3600, 900, 7 * 86_400) // 60
    if minutes < 60:
        return f"*/{minutes} * * * *"
    return f"0 */{minutes // 60} * * *" if minutes < 24 * 60 else "0 2 * * *"


def _profile_id(session: Session, entry: _Entry) -> str | None:
    wanted = entry.text("quality_profile") or entry.text("quality_profile_id")
    if not wanted:
        return None
    found = session.scalar(
        select(QualityProfile.id).where((QualityProfile.id == wanted) | (QualityProfile.name == wanted))
    )
    if found is None:
        names = ", ".join(session.scalars(select(QualityProfile.name).order_by(QualityProfile.name)))
        raise entry.wrong(
            "quality_profile" if entry.text("quality_profile") else "quality_profile_id", f"one of {names}"
        )
    return found


_ROLE_GROUPS = {role: f"{role}_groups" for role in Role}
_PROVIDER_KEYS = {
    "auth.oidc_enabled": "enabled",
    "auth.oidc_name": "name",
    "auth.oidc_issuer": "issuer",
    "auth.oidc_discovery_document_uri": "discovery_document_uri",
    "auth.oidc_client_id": "client_id",
    "auth.oidc_client_secret": "client_secret",
    "auth.oidc_scopes": "scopes",
    "auth.oidc_redirect_uri": "redirect_uri",
    "auth.oidc_role_claim": "role_claim",
    "auth.oidc_admin_groups": "admin_groups",
    "auth.oidc_user_groups": "user_groups",
    "auth.oidc_readonly_groups": "readonly_groups",
    "auth.oidc_guest_groups": "guest_groups",
    "auth.oidc_default_role": "default_role",
    "auth.oidc_allow_sign_up": "allow_sign_up",
}
"""Setting of the single provider -> field of an entry."""


def _sync_providers(session: Session, now: datetime) -> None:
    """Store the sign-in providers.

    Raises:
        Misconfigured: An entry is invalid, or password sign-in is off and there is no provider.
    """
    kept: set[str] = set()
    for entry in _provider_entries(source_of(session).config):
        new = _provider(entry)
        row = session.scalar(select(OidcProvider).where(OidcProvider.name == new.name))
        try:
            if row is None:
                row = providers.add_provider(session, SYSTEM, now, new)
            else:
                _drop_secret(row, new.secret)
                providers.replace_fields(session, SYSTEM, now, row, _without_same_secret(session, row, new))
        except Misconfigured:
            raise
        except MydiaError as error:
            raise _because(entry, error) from error
        row.managed, row.managed_source = True, entry.entry.source
        kept.add(row.id)
    for row in session.scalars(select(OidcProvider).where(OidcProvider.managed)):
        if row.id not in kept:
            row.managed, row.managed_source, row.enabled = False, None, False
            _record_released(session, now, f"oidc_provider:{row.id}", row.name)
    session.flush()
    auth = of(session).auth
    if not auth.local_enabled and not auth.proxy_enabled and not providers.enabled_providers(session):
        source = all_sourced(session, SYSTEM)["auth.local_enabled"].source
        raise Misconfigured(
            f"auth.local_enabled ({source}) is false and there is no OIDC provider, so nobody could sign in. Configure a "
            "provider (OIDC_ISSUER and OIDC_CLIENT_ID), or set LOCAL_AUTH_ENABLED to true."
        )


def _provider_entries(config: Config) -> Iterator[_Entry]:
    """Yield the provider of `auth.oidc`, then those of the list."""
    address = "auth.oidc_issuer" if config["auth.oidc_issuer"] else "auth.oidc_discovery_document_uri"
    if config[address]:
        fields = {field: _text(config[name]) for name, field in _PROVIDER_KEYS.items() if config[name] is not None}
        yield _Entry("auth.oidc", ManagedEntry(fields, config.values[address].source))
    for managed in config.oidc_providers:
        yield _Entry("oidc_providers", managed)


def _text(value: object) -> str:
    return (
        ",".join(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)
    )


def _provider(entry: _Entry) -> providers.NewProvider:
    issuer, discovery = entry.text("issuer") or None, entry.text("discovery_document_uri") or None
    default = entry.choice("default_role", (*Role, "none"), Role.GUEST)
    return providers.NewProvider(
        name=entry.text("name") or urlsplit(issuer or discovery or "").hostname or "",
        issuer=issuer,
        discovery_url=discovery,
        client_id=entry.needed("client_id"),
        secret=Secret(entry.text("client_secret")),
        scopes=entry.text("scopes", providers.DEFAULT_SCOPES),
        redirect_url=entry.text("redirect_uri") or None,
        role_claim=entry.text("role_claim", providers.DEFAULT_CLAIM),
        role_groups={
            role: tuple(part.strip() for part in entry.text(name).split(",") if part.strip())
            for role, name in _ROLE_GROUPS.items()
        },
        default_role=None if default == "none" else Role(default),
        allow_sign_up=entry.flag("allow_sign_up", True),
        enabled=entry.flag("enabled", True),
    )


def _drop_secret(row: DownloadClientRow | IndexerRow | OidcProvider, wanted: Secret) -> None:
    """Remove a stored secret that the entry no longer has, because an empty one would keep it."""
    if not wanted and row.sealed_secret is not None:
        row.sealed_secret = None


def _without_same_secret[New: (client_rows.NewClient, indexer_rows.NewIndexer, providers.NewProvider)](
    session: Session, row: DownloadClientRow | IndexerRow | OidcProvider, new: New
) -> New:
    """Leave out a secret that is already stored, because encrypting it again would look like a change at every start."""
    try:
        same = bool(new.secret) and sealer(session).open(row.sealed_secret) == new.secret
    except Misconfigured:
        same = False
    return replace(new, secret=Secret("")) if same else new


def _record_released(session: Session, now: datetime, key: str, name: str) -> None:
    logger.warning("entry disabled because it is no longer configured", extra={"key": key, "name_": name})
    changed: dict[str, list[object]] = {"managed": [True, False], "enabled": [True, False]}
    events.emit(
        session, SYSTEM, events.SettingsChanged(key, changed, events.SettingsArea(key.partition(":")[0]), name), at=now
    )
