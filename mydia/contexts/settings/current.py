"""The current settings, typed: environment over database over file over default."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.config import KEYS, Config, Key, Settings, Value, build, check
from mydia.contexts.settings.models import Setting
from mydia.db import VERSION, Database
from mydia.errors import Misconfigured
from mydia.secret import SealedSecret, Sealer, Secret

DATABASE = "settings"
"""Source of values that an administrator saved."""
_SOURCE = "settings"
_READ = "settings_read"
_CHANGED = "settings_changed"


class Known(msgspec.Struct, frozen=True):
    """Something compiled from rows, and the state of the database that it was compiled from."""

    version: int | None
    """`Database.version()`; None for a session that has changed the rows."""
    key: object
    """Differs when the rows differ."""
    compiled: Any


class Source:
    """The layers of one process: values of the environment and the file, and the overlay of stored values."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._known: tuple[int, Settings] | None = None
        self.formats: Known | None = None
        """The compiled custom formats; only `formats.stored` uses it."""
        self.words: Known | None = None
        """The compiled terms of release profiles; only `rules.words` uses it."""

    @cached_property
    def sealer(self) -> Sealer:
        """Encrypts and decrypts stored secrets."""
        return Sealer(self.config.secret_key())

    def read(self, session: Session) -> Settings:
        """Return the settings, cached until the next commit."""
        info = session.info
        if (read := info.get(_READ)) is not None:
            return read  # type: ignore[no-any-return]  # only this module writes it
        version = None if info.get(_CHANGED) else info.get(VERSION)
        if version is not None and self._known is not None and self._known[0] == version:
            return self._known[1]
        found = build(self._values(session.scalars(select(Setting))))
        if version is not None:
            self._known = (version, found)
        info[_READ] = found
        return found

    def _values(self, stored: Iterable[Setting]) -> dict[str, object]:
        rows = {row.key: row for row in stored}
        return {key.name: self._value(key, rows.get(key.name)) for key in KEYS}

    def _value(self, key: Key, row: Setting | None) -> Value | Secret:
        if row is not None and overrides(self.config, key):
            if key.secret:
                return SealedSecret(str(row.value["sealed"]), self.sealer)
            return stored_value(self.config, key, row)
        return self.config.secret(key.name) if key.secret else self.config.values[key.name].value


def bind(database: Database, config: Config) -> None:
    """Enable `of` for this database. A composition root calls it once, before any unit of work."""
    database.info[_SOURCE] = Source(config)


def of(place: Session | Database) -> Settings:
    """Return the current settings.

    Args:
        place: A session, or the database if no session is open.
    """
    if isinstance(place, Session):
        return source_of(place).read(place)
    with place.reads() as session:
        return source_of(session).read(session)


def public_address(session: Session) -> str | None:
    """Return the address that people open, without a trailing slash. None if it is not configured.

    Messages contain only this address: the one in a request is what its sender claims.
    """
    config = source_of(session).config
    known = config["server.url"] or config.values["server.url_host"].layer != "default"
    return config.external_url if known else None


def sealer(session: Session) -> Sealer:
    """Return the sealer for stored secrets."""
    return source_of(session).sealer


def source_of(session: Session) -> Source:
    """Return the layers that the process was composed with.

    Raises:
        LookupError: `bind` was not called for this session's database.
    """
    found: Source | None = session.info.get(_SOURCE)
    if found is None:
        msg = "the database has no settings: call settings.bind(database, config) where the process is composed"
        raise LookupError(msg)
    return found


def forget(session: Session) -> None:
    """Drop the cached settings of this session, because it has changed some."""
    session.info.pop(_READ, None)
    session.info[_CHANGED] = True


def overrides(config: Config, key: Key) -> bool:
    """Return whether a stored value of this key takes effect."""
    return key.editable and config.values[key.name].layer != "environment"


def stored_value(config: Config, key: Key, row: Setting) -> Value:
    """Return a stored value; a value that is no longer allowed is ignored."""
    try:
        return check(key, row.value.get("value"), DATABASE)
    except Misconfigured:
        return config.values[key.name].value
