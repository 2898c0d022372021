"""`/api/v1/config`, `/api/v1/quality-profiles` and the folders of the library."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import get, put
from litestar.params import FromPath, JSONBody

from mydia import clock
from mydia.config import BY_NAME, Config
from mydia.contexts import settings
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.secret import Sealer
from mydia.web.api.schemas import ProfileShape, SettingShape, Struct, profile


class FolderShape(Struct):
    """A folder of the library."""

    id: str
    path: str
    name: str
    type: str
    monitored: bool
    managed: bool
    last_scan_at: datetime | None
    last_scan_state: str | None
    last_scan_reason: str | None


@get("/config", sync_to_thread=True, summary="List settings with their sources")
def list_config(database: Database, config: Config, caller: Caller) -> list[SettingShape]:
    """Return every setting, its value and where it comes from. Secrets are never told."""
    return _settings(database, config, caller)


@put("/config", sync_to_thread=True, summary="Change settings")
def change_config(
    database: Database, config: Config, sealer: Sealer, caller: Caller, data: JSONBody[dict[str, Any]]
) -> list[SettingShape]:
    """Change settings by key; null goes back to the file's or the default value. One wrong value changes nothing."""
    with database.writes() as session:
        settings.change_values(session, caller, clock.now(), config, data, sealer=sealer)
    return _settings(database, config, caller)


def _settings(database: Database, config: Config, caller: Caller) -> list[SettingShape]:
    caller.require(Permission.MANAGE_SETTINGS)
    with database.reads() as session:
        found = settings.all_sourced(session, config)
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


@get("/quality-profiles", sync_to_thread=True, summary="List quality profiles")
def list_profiles(database: Database, caller: Caller) -> list[ProfileShape]:
    """Return all quality profiles."""
    caller.require(Permission.BROWSE)
    with database.reads() as session:
        return [profile(value) for value in settings.list_profiles(session)]


@get("/quality-profiles/{profile_id:str}", sync_to_thread=True, summary="Get a quality profile")
def get_profile(database: Database, caller: Caller, profile_id: FromPath[str]) -> ProfileShape:
    """Return one quality profile."""
    caller.require(Permission.BROWSE)
    with database.reads() as session:
        return profile(settings.get_profile(session, profile_id))


@get("/library/paths", sync_to_thread=True, summary="List the library's folders")
def list_folders(database: Database, caller: Caller) -> list[FolderShape]:
    """Return the folders of the library and how their last scan ended."""
    caller.require(Permission.VIEW_ACTIVITY)
    with database.reads() as session:
        return [
            FolderShape(
                id=row.id,
                path=row.path,
                name=row.name,
                type=row.type,
                monitored=row.monitored,
                managed=row.managed,
                last_scan_at=row.last_scan_at,
                last_scan_state=row.last_scan_state,
                last_scan_reason=row.last_scan_reason,
            )
            for row in settings.list_library_paths(session)
        ]


ROUTES = (list_config, change_config, list_profiles, get_profile, list_folders)
