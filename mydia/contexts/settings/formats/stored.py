"""Custom formats in the database: list, save and delete them, and the compiled set that searches use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mydia.contexts.settings.current import Known, source_of
from mydia.contexts.settings.formats.apps import App
from mydia.contexts.settings.formats.matching import FormatSet
from mydia.contexts.settings.formats.patterns import check as check_pattern
from mydia.contexts.settings.formats.shape import read_conditions, write_conditions
from mydia.contexts.settings.formats.values import (
    MOST_CONDITIONS,
    PATTERNS,
    Condition,
    Format,
    checked,
)
from mydia.contexts.settings.models import CustomFormat, GuideOriginal, ProfileFormat, QualityProfile
from mydia.contexts.users import Caller, Permission
from mydia.db import VERSION, get
from mydia.errors import Conflict, Invalid
from mydia.events import SettingsArea, SettingsChanged, emit

_LONGEST_NAME = 100
_READ = "formats_read"
_CHANGED = "formats_changed"


class StoredFormat(msgspec.Struct, frozen=True, kw_only=True):
    """A format with where it came from and where it is used."""

    format: Format
    apps: tuple[App, ...] = ()
    """Guides it was imported from."""
    changed: bool = False
    """Whether a person changed it since its import."""
    stopped: str | None = None
    """A pattern that is no longer run because it takes too long."""
    profiles: tuple[tuple[str, int], ...] = ()
    """(profile's name, score), only scores other than 0."""


class FormatForm(msgspec.Struct, frozen=True, kw_only=True):
    """A format as submitted by a form."""

    name: str
    conditions: tuple[Condition, ...]
    include_in_rename: bool = False


_STATE = select(func.count(), func.max(CustomFormat.updated_at)).select_from(CustomFormat)
"""Changes whenever a format does."""


def current(session: Session) -> FormatSet:
    """Return the formats of the database, compiled; the same object until one of them changes.

    They are looked up once after each commit, by this or another process.
    """
    source, info = source_of(session), session.info
    read: FormatSet | None = info.get(_READ)
    if read is not None:
        return read
    version = None if info.get(_CHANGED) else info.get(VERSION)
    known = source.formats
    if known is None or version is None or known.version != version:
        key = tuple(session.execute(_STATE).one())
        compiled = known.compiled if known is not None and known.key == key else None
        if compiled is None:
            compiled = FormatSet(map(value_of, session.scalars(select(CustomFormat))))
        known = Known(version, key, compiled)
        if version is not None:
            source.formats = known
    found: FormatSet = known.compiled
    info[_READ] = found
    return found


def forget(session: Session) -> None:
    """Look the formats up again, because this session has changed some."""
    session.info.pop(_READ, None)
    session.info[_CHANGED] = True


def value_of(row: CustomFormat) -> Format:
    """Return a row as a value."""
    return Format(
        id=row.id,
        name=row.name,
        conditions=tuple(map(Condition.from_json, row.specs)),
        include_in_rename=row.include_in_rename,
    )


def list_formats(session: Session, caller: Caller) -> list[StoredFormat]:
    """Return all formats, sorted by name."""
    caller.require(Permission.BROWSE)
    rows = sorted(session.scalars(select(CustomFormat)), key=lambda row: (row.name.casefold(), row.id))
    return _stored(session, rows)


def list_editable(session: Session, caller: Caller) -> list[StoredFormat]:
    """Return all formats, for the settings page."""
    caller.require(Permission.MANAGE_SETTINGS)
    return list_formats(session, caller)


def get_editable(session: Session, caller: Caller, format_id: str) -> StoredFormat:
    """Return a format, for its editor. Raises: NotFound."""
    caller.require(Permission.MANAGE_SETTINGS)
    return get_format(session, caller, format_id)


def get_format(session: Session, caller: Caller, format_id: str) -> StoredFormat:
    """Return a format. Raises: NotFound."""
    caller.require(Permission.BROWSE)
    return _stored(session, [get(session, CustomFormat, format_id, what="This custom format")])[0]


def _stored(session: Session, rows: Sequence[CustomFormat]) -> list[StoredFormat]:
    ids = [row.id for row in rows]
    one = ids[0] if len(ids) == 1 else None
    apps: dict[str, list[App]] = {}
    origins = select(GuideOriginal.format_id, GuideOriginal.app).where(GuideOriginal.format_id.is_not(None))
    scores = (
        select(ProfileFormat.format_id, QualityProfile.name, ProfileFormat.score)
        .join(QualityProfile, QualityProfile.id == ProfileFormat.profile_id)
        .where(ProfileFormat.score != 0)
        .order_by(QualityProfile.name)
    )
    if one is not None:
        origins, scores = origins.where(GuideOriginal.format_id == one), scores.where(ProfileFormat.format_id == one)
    for format_id, app in session.execute(origins.order_by(GuideOriginal.app)):
        apps.setdefault(str(format_id), []).append(App(app))
    profiles: dict[str, list[tuple[str, int]]] = {}
    for format_id, name, score in session.execute(scores):
        profiles.setdefault(format_id, []).append((name, score))
    return [
        StoredFormat(
            format=value_of(row),
            apps=tuple(dict.fromkeys(apps.get(row.id, ()))),
            changed=row.changed,
            stopped=row.stopped,
            profiles=tuple(profiles.get(row.id, ())),
        )
        for row in rows
    ]


def save_format(
    session: Session, caller: Caller, now: datetime, form: FormatForm, *, format_id: str | None = None
) -> StoredFormat:
    """Add a format, or change the one with this id.

    Raises:
        Invalid: A condition or pattern is not valid; `fields` has the messages, `conditions.3.value` for the fourth one.
        Conflict: Another format has the name.

    Emits: SettingsChanged, if anything changed.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    name = " ".join(form.name.split())
    conditions = check_form(form)
    taken = find_format(session, name)
    if taken is not None and taken.id != format_id:
        raise Conflict(f"A custom format named “{taken.name}” already exists.", fields={"name": "Choose another name."})
    if format_id is None:
        row = CustomFormat(name=name, specs=[], include_in_rename=False, updated_at=now)
        session.add(row)
        old: dict[str, Any] = {}
    else:
        row = get(session, CustomFormat, format_id, what="This custom format")
        old = _shown(row)
    row.name, row.include_in_rename = name, form.include_in_rename
    row.specs = [condition.to_json() for condition in conditions]
    session.flush()
    new = _shown(row)
    if changed := {key: [old.get(key), value] for key, value in new.items() if old.get(key) != value}:
        row.stopped, row.updated_at = None, now
        row.changed = differs(session, row)
        session.flush()
        forget(session)
        emit(session, caller, SettingsChanged(f"custom format {name}", changed, SettingsArea.CUSTOM_FORMAT), at=now)
    return _stored(session, [row])[0]


def check_form(form: FormatForm) -> tuple[Condition, ...]:
    """Return the checked conditions of a form. Raises: Invalid, with the fields."""
    name = form.name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise Invalid(
            f"A custom format needs a name of up to {_LONGEST_NAME} characters.", fields={"name": "Enter a name."}
        )
    if not form.conditions:
        raise Invalid(
            "Add at least one condition; without one the format would match everything.",
            fields={"conditions": "Add at least one."},
        )
    if len(form.conditions) > MOST_CONDITIONS:
        raise Invalid(f"A custom format has at most {MOST_CONDITIONS} conditions.", fields={"conditions": "Too many."})
    fields: dict[str, str] = {}
    messages: list[str] = []
    for place, condition in enumerate(form.conditions):
        try:
            checked(condition)
            if condition.kind in PATTERNS:
                check_pattern(condition.value)
        except Invalid as error:
            messages.append(error.message)
            fields |= {f"conditions.{place}.{field}": message for field, message in error.fields.items()}
    if messages:
        raise Invalid(" ".join(messages), fields=fields)
    return form.conditions


def duplicate_format(session: Session, caller: Caller, now: datetime, format_id: str) -> StoredFormat:
    """Add a copy with “(copy)” in its name, without its scores."""
    caller.require(Permission.MANAGE_SETTINGS)
    format = get_format(session, caller, format_id).format
    names = set(session.scalars(select(CustomFormat.name)))
    name = next(
        name
        for number in range(1, len(names) + 2)
        if (name := f"{format.name} (copy{'' if number == 1 else f' {number}'})") not in names
    )
    form = FormatForm(name=name, conditions=format.conditions, include_in_rename=format.include_in_rename)
    return save_format(session, caller, now, form)


def delete_format(session: Session, caller: Caller, now: datetime, format_id: str) -> None:
    """Delete a format and its scores. Emits: SettingsChanged, with the profiles that used it."""
    caller.require(Permission.MANAGE_SETTINGS)
    row = get(session, CustomFormat, format_id, what="This custom format")
    stored = _stored(session, [row])[0]
    changed: dict[str, list[object]] = {"name": [row.name, None]}
    if stored.profiles:
        changed["scores"] = [dict(stored.profiles), None]
    emit(session, caller, SettingsChanged(f"custom format {row.name}", changed, SettingsArea.CUSTOM_FORMAT), at=now)
    session.delete(row)
    session.flush()
    forget(session)


def find_format(session: Session, name: str) -> CustomFormat | None:
    """Return the format with this name, ignoring case, or None."""
    # Compared here, because SQLite's lower() knows ASCII only.
    wanted = name.casefold()
    found = session.execute(select(CustomFormat.id, CustomFormat.name))
    known = next((id for id, other in found if other.casefold() == wanted), None)
    return None if known is None else session.get(CustomFormat, known)


def record_stopped(session: Session, formats: FormatSet) -> int:
    """Store which formats have a pattern that is no longer run, so that pages show it. Returns how many were added."""
    troubled = formats.troubled
    if not troubled:
        return 0
    rows = session.scalars(select(CustomFormat).where(CustomFormat.id.in_(troubled), CustomFormat.stopped.is_(None)))
    added = 0
    for row in rows:
        row.stopped = troubled[row.id]
        added += 1
    return added


def origins_of(session: Session, format_id: str) -> list[GuideOriginal]:
    """Return what a format was imported from, at most one for each application."""
    return list(
        session.scalars(select(GuideOriginal).where(GuideOriginal.format_id == format_id).order_by(GuideOriginal.app))
    )


def differs(session: Session, row: CustomFormat) -> bool:
    """Return whether a format differs from what it was imported from."""
    return any(differs_from(value_of(row), origin) for origin in origins_of(session, row.id))


def differs_from(format: Format, origin: GuideOriginal) -> bool:
    """Return whether a format no longer means what its original means."""
    original = origin.original
    conditions = read_conditions(App(origin.app), original.get("specifications"))
    return (
        frozenset(condition.meaning for condition in conditions) != format.meaning
        or bool(original.get("includeCustomFormatWhenRenaming", False)) != format.include_in_rename
        or format.name != (origin.given_name or origin.name)
    )


def export_format(session: Session, caller: Caller, format_id: str, app: App | None = None) -> dict[str, Any]:
    """Return a format in the shape of the TRaSH guides; an imported one keeps its id, scores and description.

    Args:
        app: The application whose numbers to use; None for the one it came from, or else the first that can express it.

    Raises:
        Invalid: The application has no such condition.
    """
    caller.require(Permission.BROWSE)
    format = value_of(get(session, CustomFormat, format_id, what="This custom format"))
    origins = {App(origin.app): origin for origin in origins_of(session, format_id)}
    if app is None:
        app = next(iter(origins), None) or _able(format)
    return exported(format, origins.get(app), app)


def exported(format: Format, origin: GuideOriginal | None, app: App) -> dict[str, Any]:
    """Return a format in the shape of the TRaSH guides."""
    original: Mapping[str, Any] = origin.original if origin is not None else {}
    name = format.name
    if origin is not None and format.name == origin.given_name:
        name = origin.name
    written = {
        "name": name,
        "includeCustomFormatWhenRenaming": format.include_in_rename,
        "specifications": write_conditions(app, format.conditions, original.get("specifications")),
    }
    return {**original, **written}


def _able(format: Format) -> App:
    for app in App:
        try:
            write_conditions(app, format.conditions)
        except Invalid:
            continue
        return app
    raise Invalid(f"Neither Radarr nor Sonarr has all conditions of “{format.name}”.")


def scores_by_profile(session: Session, profile_ids: Iterable[str] | None = None) -> dict[str, dict[str, int]]:
    """Return profile id -> format id -> score, only scores other than 0. Without formats nothing is read."""
    if not current(session).formats:
        return {}
    query = select(ProfileFormat.profile_id, ProfileFormat.format_id, ProfileFormat.score).where(
        ProfileFormat.score != 0
    )
    if profile_ids is not None:
        query = query.where(ProfileFormat.profile_id.in_(list(profile_ids)))
    found: dict[str, dict[str, int]] = {}
    for profile_id, format_id, score in session.execute(query):
        found.setdefault(profile_id, {})[format_id] = score
    return found


def _shown(row: CustomFormat) -> dict[str, Any]:
    return {
        "name": row.name,
        "conditions": [_said(condition) for condition in row.specs],
        "in file names": row.include_in_rename,
    }


def _said(stored: Mapping[str, Any]) -> str:
    marks = ("not " if stored.get("negate") else "") + ("required " if stored.get("required") else "")
    span = f"{stored.get('minimum')} to {stored.get('maximum')}" if "minimum" in stored else stored.get("value", "")
    return f"{stored['name']}: {marks}{str(stored['kind']).replace('_', ' ')} {span}"
