"""The values of `mydia.config.KEYS`: environment over database over file over default, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import events
from mydia.config import BY_NAME, KEYS, Config, Key, Sourced, Value, check, wanted
from mydia.contexts.settings.models import Setting
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid, Misconfigured
from mydia.secret import Sealer, Secret

DATABASE = "settings"
"""What is told as the source of a value that an administrator has set here."""


def value(session: Session, config: Config, name: str) -> Value:
    """Return the value that counts now; for secrets use `secret_value`."""
    if BY_NAME[name].secret:
        msg = f"{name} is a secret; secret_value() opens it"
        raise ValueError(msg)
    return sourced(session, config, name).value


def secret_value(session: Session, config: Config, sealer: Sealer, name: str) -> Secret:
    """Return a secret that counts now, empty when not set."""
    given = config.values[name]
    if given.layer != "environment" and (stored := _stored(session, name)) is not None:
        return sealer.open(str(stored.value["sealed"]))
    return config.secret(name)


def sourced(session: Session, config: Config, name: str) -> Sourced:
    """Return a value with its source. Of a secret only whether it is set is told (True or False)."""
    key, given = BY_NAME[name], config.values[name]
    if given.layer != "environment" and key.editable and (stored := _stored(session, name)) is not None:
        return Sourced(True if key.secret else _read(key, stored), "database", DATABASE)
    return Sourced(given.value is not None, given.layer, given.source) if key.secret else given


def all_sourced(session: Session, config: Config) -> dict[str, Sourced]:
    """Return every value with its source, secrets as in `sourced`; one query."""
    stored = {row.key: row for row in session.scalars(select(Setting))}
    found: dict[str, Sourced] = {}
    for key in KEYS:
        given = config.values[key.name]
        row = stored.get(key.name)
        if row is not None and key.editable and given.layer != "environment":
            found[key.name] = Sourced(True if key.secret else _read(key, row), "database", DATABASE)
        else:
            found[key.name] = Sourced(given.value is not None, given.layer, given.source) if key.secret else given
    return found


def change_values(
    session: Session,
    caller: Caller,
    now: datetime,
    config: Config,
    changes: Mapping[str, object],
    *,
    sealer: Sealer | None = None,
) -> None:
    """Store values that people edit; all of them or none.

    Args:
        changes: Name -> raw value. None or an empty text goes back to the file or the default; an empty secret too.
        sealer: Needed when a secret is among them.

    Raises:
        Invalid: Some cannot be used; the sentences stand under their names.

    Emits:
        SettingsChanged, in which secrets are named and never told.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    checked, sentences = _checked(config, changes)
    if sentences:
        raise Invalid("Some settings cannot be used as they are. " + " ".join(sentences.values()), fields=sentences)
    told: dict[str, list[object]] = {}
    for name, new_value in checked.items():
        old = sourced(session, config, name)
        row = _stored(session, name)
        if new_value is None:
            if row is not None:
                session.delete(row)
        else:
            if row is None:
                row = Setting(key=name, value={}, updated_at=now)
                session.add(row)
            row.value = _packed(BY_NAME[name], new_value, sealer)
            row.updated_at, row.updated_by = now, caller.id
        session.flush()
        new = sourced(session, config, name)
        if BY_NAME[name].secret:
            told[name] = ["…", "changed" if new_value is not None else "taken away"]
        elif old.value != new.value:
            told[name] = [_plain(old.value), _plain(new.value)]
    if told:
        events.emit(session, caller, events.SettingsChanged("values", told), at=now)


def _checked(config: Config, changes: Mapping[str, object]) -> tuple[dict[str, Value], dict[str, str]]:
    checked: dict[str, Value] = {}
    sentences: dict[str, str] = {}
    for name, raw in changes.items():
        key = BY_NAME.get(name)
        if key is None:
            sentences[name] = f"There is no setting called {name}."
        elif not key.editable:
            sentences[name] = f"{name} is read at start only. Set {key.env}, or write it in config.yml, and restart."
        elif config.values[name].layer == "environment":
            sentences[name] = f"{name} is set by the {config.values[name].source} and cannot be changed here."
        else:
            try:
                checked[name] = None if raw in (None, "") else check(key, raw, DATABASE)
            except Misconfigured:
                shown = "This" if key.secret else f"“{raw}”"
                sentences[name] = f"{shown} cannot be used. It must be {wanted(key)}."
    return checked, sentences


def _packed(key: Key, new_value: Value, sealer: Sealer | None) -> dict[str, object]:
    if not key.secret:
        return {"value": _plain(new_value)}
    if sealer is None:
        msg = f"{key.name} is a secret; change_values() needs the sealer"
        raise ValueError(msg)
    return {"sealed": sealer.seal(str(new_value))}


def _plain(found: Value) -> object:
    return list(found) if isinstance(found, tuple) else found


def _stored(session: Session, name: str) -> Setting | None:
    return session.get(Setting, name)


def _read(key: Key, row: Setting) -> Value:
    # What an older version stored may no longer be allowed; then it counts as not stored.
    try:
        return check(key, row.value.get("value"), DATABASE)
    except Misconfigured:
        return key.default
