"""The source of each value, and changes to stored values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import events
from mydia.config import BY_NAME, KEYS, Config, Key, Sourced, Value, check, wanted
from mydia.contexts.settings import providers
from mydia.contexts.settings.current import DATABASE, Source, forget, of, overrides, source_of, stored_value
from mydia.contexts.settings.models import Setting
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid, Misconfigured

LOCKED_OUT = (
    "Nobody could sign in without a password: first link an administrator's account to an enabled provider, on the page "
    "of that account."
)

_MAIL = "mail."


def sourced(session: Session, caller: Caller, name: str) -> Sourced:
    """Return a value with its source. For a secret, the value is True or False: whether it is set."""
    caller.require(Permission.MANAGE_SETTINGS)
    return _sourced(source_of(session).config, BY_NAME[name], session.get(Setting, name))


def all_sourced(session: Session, caller: Caller) -> dict[str, Sourced]:
    """Return every value with its source, secrets as in `sourced`; one query."""
    caller.require(Permission.MANAGE_SETTINGS)
    config = source_of(session).config
    stored = {row.key: row for row in session.scalars(select(Setting))}
    return {key.name: _sourced(config, key, stored.get(key.name)) for key in KEYS}


def change_values(session: Session, caller: Caller, now: datetime, changes: Mapping[str, object]) -> None:
    """Store edited values: all of them, or none if one is invalid.

    Args:
        changes: Name -> raw value. None or an empty string removes the stored value, also of a secret, so that the file
            or the default applies again.

    Raises:
        Invalid: Some values are not allowed; `fields` has a message for each.

    Emits:
        SettingsChanged, which names secrets without their values.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    if any(name.startswith(_MAIL) for name in changes):
        # Links that open accounts are sent through this server.
        caller.require_all()
    source = source_of(session)
    checked, sentences = _checked(source.config, changes)
    if sentences:
        raise Invalid("Some settings are invalid. " + " ".join(sentences.values()), fields=sentences)
    changed: dict[str, list[object]] = {}
    for name, new_value in checked.items():
        old = sourced(session, caller, name)
        row = session.get(Setting, name)
        if new_value is None:
            if row is not None:
                session.delete(row)
        else:
            if row is None:
                row = Setting(key=name, value={}, updated_at=now)
                session.add(row)
            row.value = _packed(source, BY_NAME[name], new_value)
            row.updated_at, row.updated_by = now, caller.id
        session.flush()
        new = sourced(session, caller, name)
        if BY_NAME[name].secret:
            changed[name] = ["…", "changed" if new_value is not None else "removed"]
        elif old.value != new.value:
            changed[name] = [_plain(old.value), _plain(new.value)]
    forget(session)
    if "auth.local_enabled" in changed and not of(session).auth.local_enabled and not providers.has_way_in(session):
        raise Invalid(LOCKED_OUT, fields={"auth.local_enabled": LOCKED_OUT})
    if changed:
        events.emit(session, caller, events.SettingsChanged("values", changed, events.SettingsArea.VALUES), at=now)


def _sourced(config: Config, key: Key, row: Setting | None) -> Sourced:
    given = config.values[key.name]
    if row is not None and overrides(config, key):
        return Sourced(True if key.secret else stored_value(config, key, row), "database", DATABASE)
    return Sourced(given.value is not None, given.layer, given.source) if key.secret else given


def _checked(config: Config, changes: Mapping[str, object]) -> tuple[dict[str, Value], dict[str, str]]:
    checked: dict[str, Value] = {}
    sentences: dict[str, str] = {}
    for name, raw in changes.items():
        key = BY_NAME.get(name)
        if key is None:
            sentences[name] = f"There is no setting named {name}."
        elif not key.editable:
            sentences[name] = f"{name} is only read at start. Set {key.env} or add it to config.yml, then restart."
        elif config.values[name].layer == "environment":
            sentences[name] = f"{name} is set by the {config.values[name].source} and cannot be changed here."
        else:
            try:
                checked[name] = None if raw in (None, "") else check(key, raw, DATABASE)
            except Misconfigured:
                shown = "This value" if key.secret else f"“{raw}”"
                sentences[name] = f"{shown} is not valid. It must be {wanted(key)}."
    return checked, sentences


def _packed(source: Source, key: Key, new_value: Value) -> dict[str, object]:
    if key.secret:
        return {"sealed": source.sealer.seal(str(new_value))}
    return {"value": _plain(new_value)}


def _plain(found: Value) -> object:
    return list(found) if isinstance(found, tuple) else found
