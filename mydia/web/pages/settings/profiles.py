"""Settings: the list of quality profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from mydia import clock
from mydia.contexts import settings
from mydia.web.deps import CallerDep, DepsDep, WebRequest
from mydia.web.pages.settings.frame import SettingsFrame, frame, show
from mydia.web.render import Toast, redirect


class ProfileCard(msgspec.Struct, frozen=True, kw_only=True):
    """One profile in the list."""

    id: str
    name: str
    wanted: tuple[str, ...]
    goal: str | None
    """None if the profile does not upgrade."""
    used: str
    removable: bool
    managed: bool


class ProfilesView(msgspec.Struct, frozen=True):
    """The list of profiles."""

    frame: SettingsFrame
    cards: tuple[ProfileCard, ...]


@get("/settings/profiles", sync_to_thread=True, include_in_schema=False)
def profiles(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """List the quality profiles."""
    around = frame(caller, "profiles")
    with deps.database.reads() as session:
        found = settings.profiles.list_profiles(session, caller)
        by_profile = settings.profiles.users_by_profile(session, caller)
    used = {profile.id: by_profile.get(profile.id, {}) for profile in found}
    cards = tuple(
        ProfileCard(
            id=profile.id,
            name=profile.name,
            wanted=profile.allowed_names,
            goal=profile.rungs[profile.goal].name if profile.upgrades_allowed else None,
            used=usage(used[profile.id]),
            removable=not used[profile.id] and not profile.managed and len(found) > 1,
            managed=profile.managed,
        )
        for profile in found
    )
    return show(request, "profiles.html", ProfilesView(around, cards))


@post("/settings/profiles/{profile_id:str}/duplicate", sync_to_thread=True, status_code=200, include_in_schema=False)
def duplicate_profile(
    request: WebRequest, deps: DepsDep, caller: CallerDep, profile_id: FromPath[str]
) -> Response[str]:
    """Copy a profile and open the copy."""
    with deps.database.writes() as session:
        copy = settings.profiles.duplicate_profile(session, caller, clock.now(), profile_id)
    return redirect(request, f"/settings/profiles/{copy.id}", toast=Toast(f"{copy.name} created"))


@post("/settings/profiles/{profile_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_profile(request: WebRequest, deps: DepsDep, caller: CallerDep, profile_id: FromPath[str]) -> Response[str]:
    """Delete a profile that nothing uses."""
    with deps.database.writes() as session:
        settings.profiles.delete_profile(session, caller, clock.now(), profile_id)
    return redirect(request, "/settings/profiles", toast=Toast("Profile removed"))


def usage(used: Mapping[str, int]) -> str:
    """Return how many titles and folders use a profile, in words."""
    words = {"versions": ("title", "titles"), "library_paths": ("folder", "folders")}
    said = [f"{count:,} {words[table][count != 1]}" for table, count in used.items() if table in words]
    return " · ".join(said)


ROUTES: tuple[Any, ...] = (profiles, duplicate_profile, remove_profile)
