"""Formats and profiles in the JSON of the guides they came from, with what people changed."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts.settings import profiles
from mydia.contexts.settings.formats import LANGUAGE_NAMES, App, stored
from mydia.contexts.settings.guides.bundle import FOLDERS, PartKind, quality_named
from mydia.contexts.settings.models import CustomFormat, GuideOriginal
from mydia.contexts.settings.profiles import Profile, Rung
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid
from mydia.parsing import QUALITIES

_APP_NAMES = {
    App.RADARR: {row.name: row.radarr_name for row in QUALITIES},
    App.SONARR: {row.name: row.sonarr_name for row in QUALITIES},
}


def export_profile(session: Session, caller: Caller, profile_id: str, app: App | None = None) -> dict[str, Any]:
    """Return a profile in the shape of the TRaSH guides, its formats by their ids.

    Args:
        app: None for the application it came from, or else Radarr.
    """
    caller.require(Permission.BROWSE)
    profile = profiles.get_profile(session, caller, profile_id)
    rows = session.scalars(
        select(GuideOriginal).where(GuideOriginal.profile_id == profile_id, GuideOriginal.kind == PartKind.PROFILE)
    )
    origins = {App(row.app): row for row in rows}
    app = app or next(iter(origins), App.RADARR)
    return _profile(profile, origins.get(app), app, _keys(session, app))


def _keys(session: Session, app: App) -> dict[str, tuple[str, str]]:
    """Return format id -> (name, trash_id) for an application; formats of people keep their own id."""
    found = {row.id: (row.name, row.id) for row in session.scalars(select(CustomFormat))}
    for row in session.scalars(
        select(GuideOriginal).where(GuideOriginal.app == app, GuideOriginal.kind == PartKind.FORMAT)
    ):
        if row.format_id:
            found[row.format_id] = (row.name, row.key)
    return found


def _profile(
    profile: Profile, origin: GuideOriginal | None, app: App, keys: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    original: dict[str, Any] = dict(origin.original) if origin is not None else {"trash_id": profile.id}
    listed: Mapping[str, str] = original.get("formatItems", {})
    known = set(listed.values())
    linked = {key for _, key in keys.values()}
    formats = {name: key for name, key in listed.items() if key in linked}
    formats |= {keys[id][0]: keys[id][1] for id in profile.scores if id in keys and keys[id][1] not in known}
    name = profile.name
    if origin is not None and profile.name == origin.given_name:
        name = origin.name
    written: dict[str, Any] = {
        "name": name,
        "upgradeAllowed": profile.upgrades_allowed,
        "cutoff": _name(profile.cutoff or profile.rungs[profile.best].name, app),
        "minFormatScore": profile.minimum_format_score,
        "cutoffFormatScore": profile.cutoff_format_score,
        "minUpgradeFormatScore": profile.minimum_format_increment,
        "items": _items(profile, app, original.get("items")),
        "formatItems": formats,
    }
    if app is App.RADARR:
        written["language"] = LANGUAGE_NAMES[profile.languages[0]] if profile.languages else "Any"
    return {**original, **written}


def _items(profile: Profile, app: App, original: list[Any] | None) -> list[dict[str, Any]]:
    """Return the qualities that the application has, best first; of the others of an imported profile only the allowed ones."""
    listed = None if original is None else {one for item in original for one in item.get("items") or (item["name"],)}
    items = [item for rung in reversed(profile.rungs) if (item := _item(rung, app)) is not None]
    return [
        item for item in items if listed is None or item["allowed"] or listed & {item["name"], *item.get("items", ())}
    ]


def _item(rung: Rung, app: App) -> dict[str, Any] | None:
    names = [name for one in rung.qualities if (name := _APP_NAMES[app][one]) is not None]
    if not names:
        return None
    if len(names) == 1:
        return {"name": names[0], "allowed": rung.allowed}
    return {"name": rung.name, "allowed": rung.allowed, "items": names}


def _name(rung: str, app: App) -> str:
    try:
        return _APP_NAMES[app][quality_named(rung)] or rung
    except Invalid:
        return rung


def export_all(session: Session, caller: Caller) -> bytes:
    """Return a zip archive of what `export_files` returns."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(export_files(session, caller).items()):
            archive.writestr(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return packed.getvalue()


def export_files(session: Session, caller: Caller) -> dict[str, Any]:
    """Return path -> JSON of all formats and imported parts, in the folders of TRaSH-Guides.

    A format that no application can express is left out.
    """
    caller.require(Permission.BROWSE)
    files: dict[str, Any] = {}
    rows = {row.id: row for row in session.scalars(select(CustomFormat))}
    keys = {app: _keys(session, app) for app in App}
    exported: set[str] = set()
    for origin in session.scalars(select(GuideOriginal).order_by(GuideOriginal.app, GuideOriginal.key)):
        app, kind = App(origin.app), PartKind(origin.kind)
        shape: Any = origin.original.get("list", origin.original)
        if kind is PartKind.FORMAT:
            if origin.format_id is None:
                continue
            exported.add(origin.format_id)
            shape = stored.exported(stored.value_of(rows[origin.format_id]), origin, app)
        elif kind is PartKind.PROFILE:
            if origin.profile_id is None:
                continue
            shape = _profile(profiles.get_profile(session, caller, origin.profile_id), origin, app, keys[app])
        files[_path(app, kind, origin.name, origin.key)] = shape
    for id, row in rows.items():
        if id not in exported:
            format = stored.value_of(row)
            for app in App:
                try:
                    shape = {"trash_id": id, **stored.exported(format, None, app)}
                except Invalid:
                    continue
                files[_path(app, PartKind.FORMAT, row.name, id)] = shape
    return files


def _path(app: App, kind: PartKind, name: str, key: str) -> str:
    if kind is PartKind.CONFLICTS:
        return f"docs/json/{app}/conflicts.json"
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "part"
    return f"docs/json/{app}/{FOLDERS[kind]}/{plain}-{key[:8]}.json"
