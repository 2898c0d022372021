"""Settings: general values, each with its source."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from litestar import Response, get, post
from msgspec import Struct

from mydia import clock
from mydia.config import KEYS, Key, Sourced
from mydia.contexts import settings
from mydia.contexts.users import Caller
from mydia.errors import Invalid
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.pages.settings.labels import ELSEWHERE, LABELS, TITLES
from mydia.web.render import Toast, redirect


class GeneralFields(Struct, kw_only=True):
    """The general settings, by key."""

    values: dict[str, str] = {}


class SettingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One value on the general page."""

    key: Key
    label: str
    value: str
    on: bool
    source: str
    locked: bool


class GeneralView(msgspec.Struct, frozen=True, kw_only=True):
    """The general page."""

    frame: SettingsFrame
    groups: tuple[tuple[str, tuple[SettingRow, ...]], ...]
    fixed: tuple[SettingRow, ...]
    """Settings that are read only at start."""
    file: str
    unknown: tuple[str, ...]
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


@get("/settings/general", sync_to_thread=True, include_in_schema=False)
def general(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show every setting with its source."""
    return show(request, "general.html", _general(deps, caller, {}, {}))


@post("/settings/general", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_general(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[GeneralFields]) -> Response[str]:
    """Store the settings that were changed."""
    values = form.read().values
    try:
        with deps.database.writes() as session:
            found = settings.all_sourced(session, caller)
            changes = {
                key.name: values[key.name]
                for key in KEYS
                if key.editable
                and key.name in values
                and found[key.name].layer != "environment"
                and values[key.name] != _written(found[key.name])
            }
            settings.change_values(session, caller, clock.now(), changes)
    except Invalid as error:
        return show(request, "general.html", _general(deps, caller, values, errors_of(error)), status=422)
    said = "1 setting" if len(changes) == 1 else f"{len(changes)} settings"
    return redirect(
        request, "/settings/general", toast=Toast("Saved", f"{said} changed." if changes else "Nothing changed.")
    )


def _general(deps: WebDeps, caller: Caller, values: Mapping[str, str], errors: Mapping[str, str]) -> GeneralView:
    around = frame(caller, "general")
    with deps.database.reads() as session:
        found = settings.all_sourced(session, caller)
    groups: dict[str, list[SettingRow]] = {}
    for key in KEYS:
        if key.editable and key.name not in ELSEWHERE:
            groups.setdefault(key.name.partition(".")[0], []).append(_setting(key, found[key.name], values))
    order = [part for part in TITLES if part in groups]
    return GeneralView(
        frame=around,
        groups=tuple((TITLES[part], tuple(groups[part])) for part in order),
        fixed=tuple(_setting(key, found[key.name], {}) for key in KEYS if not key.editable),
        file=str(deps.config.file or ""),
        unknown=deps.config.unknown_keys,
        errors=errors,
    )


def _setting(key: Key, found: Sourced, values: Mapping[str, str]) -> SettingRow:
    text = values.get(key.name, _written(found))
    if key.secret:
        text = "set" if found.value else "not set"
    on = text == "true"
    return SettingRow(
        key=key,
        label=LABELS.get(key.name, key.name),
        value=text,
        on=on,
        source=found.source,
        locked=found.layer == "environment",
    )


def _written(found: Sourced) -> str:
    if found.value is None:
        return ""
    if isinstance(found.value, bool):
        return str(found.value).lower()
    return ", ".join(found.value) if isinstance(found.value, tuple) else str(found.value)


ROUTES = (general, save_general)
