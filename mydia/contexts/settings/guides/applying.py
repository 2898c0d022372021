"""Imports guides: keeps what was uploaded until it is confirmed, and writes what the plan says."""

from __future__ import annotations

from collections.abc import Mapping
from copy import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mydia.adapters.errors import AdapterError
from mydia.adapters.outside import Outside
from mydia.contexts.settings import naming_rules, profiles, qualities
from mydia.contexts.settings.formats import read_conditions, stored
from mydia.contexts.settings.guides.bundle import Bundle, Part, PartKind, read_files, read_zip
from mydia.contexts.settings.guides.planning import (
    FIELDS,
    Action,
    Choice,
    FormatStep,
    Plan,
    ProfileStep,
    applied_sizes,
    current_values,
    plan,
)
from mydia.contexts.settings.models import CustomFormat, GuideImport, GuideOriginal
from mydia.contexts.users import Caller, Permission
from mydia.db import get
from mydia.errors import Invalid
from mydia.events import SettingsArea, SettingsChanged, emit

DEFAULT_URL = "https://github.com/TRaSH-Guides/Guides/archive/refs/heads/master.zip"
"""The archive of TRaSH-Guides, about 40 MiB with its pictures."""
_DOWNLOAD_BYTES = 200 << 20
_DOWNLOAD_TIMEOUT_S = 60.0
_KEPT = timedelta(days=1)
"""How long an upload waits for its confirmation."""


def allow(caller: Caller) -> None:
    """Raise Forbidden unless the caller may import guides."""
    caller.require(Permission.MANAGE_SETTINGS)


def fetch(outside: Outside, caller: Caller, url: str) -> Bundle:
    """Download a guide: a zip archive or a single JSON file.

    Only public addresses are allowed, also after redirects.

    Raises:
        Invalid: The address does not answer with a guide; the message says why.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    try:
        # With `home`, every other host must be public.
        answer = outside.http.get(
            "The guide", url, home=DEFAULT_URL, max_bytes=_DOWNLOAD_BYTES, timeout_s=_DOWNLOAD_TIMEOUT_S
        )
    except AdapterError as error:
        raise Invalid(f"{error}.", fields={"url": f"{error}."}) from error
    path = urlsplit(url).path
    if path.lower().endswith(".json"):
        return read_files([(path, answer.content)])
    return read_zip(answer.content)


def keep(session: Session, caller: Caller, now: datetime, bundle: Bundle, source: str) -> str:
    """Store what was read until a person confirms it, and return its id. Older uploads are deleted."""
    caller.require(Permission.MANAGE_SETTINGS)
    session.execute(delete(GuideImport).where(GuideImport.created_at < now - _KEPT))
    row = GuideImport(
        source=source,
        parts=[part.to_json() for part in bundle.parts],
        problems=[list(problem) for problem in bundle.problems],
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row.id


def kept(session: Session, caller: Caller, import_id: str) -> tuple[str, Bundle]:
    """Return where an upload came from, and what was read. Raises: NotFound."""
    caller.require(Permission.MANAGE_SETTINGS)
    row = get(session, GuideImport, import_id, what="This upload")
    return row.source, Bundle(
        tuple(map(Part.from_json, row.parts)), tuple((str(path), str(said)) for path, said in row.problems)
    )


def preview(session: Session, caller: Caller, import_id: str, choice: Choice) -> Plan:
    """Return what an import would do. Nothing is changed."""
    _, bundle = kept(session, caller, import_id)
    return plan(session, bundle, choice)


def apply(
    session: Session,
    caller: Caller,
    now: datetime,
    import_id: str,
    choice: Choice,
    *,
    judge: naming_rules.Judge,
) -> Plan:
    """Import a guide, all of it or nothing.

    Args:
        judge: Checks naming templates; `library.naming.check_template`.

    Raises:
        NotFound: The upload has expired.
        Conflict: A profile to update comes from the configuration.
        Invalid: A naming template is not supported.

    Emits: SettingsChanged, one for all formats and one for each profile.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    source, bundle = kept(session, caller, import_id)
    steps = plan(session, bundle, choice)
    for step in steps.formats:
        _apply_format(session, now, step)
    session.flush()
    stored.forget(session)
    for profile in steps.profiles:
        _apply_profile(session, caller, now, profile)
    for size in steps.sizes:
        for quality, limits in size.limits.items():
            qualities.change_size_limits(session, caller, size.part.app.media_type, quality, limits)
        _original(session, now, size.part).applied = applied_sizes(size.part)
    for naming in steps.naming:
        if naming.templates:
            row = naming_rules.get_naming_set(session, caller)
            naming_rules.change_naming_set(session, caller, now, row.id, naming.templates, judge=judge)
        _original(session, now, naming.part).applied = {key: list(found) for key, found in naming.applied.items()}
    for part in steps.others:
        _original(session, now, part)
    changed = _summary(steps)
    if changed:
        emit(session, caller, SettingsChanged(f"guide {source}", changed, SettingsArea.CUSTOM_FORMAT), at=now)
    session.delete(get(session, GuideImport, import_id, what="This upload"))
    session.flush()
    return steps


def _summary(steps: Plan) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for action, label in ((Action.NEW, "formats added"), (Action.UPDATED, "formats updated")):
        if names := sorted({step.format.name for step in steps.formats if step.action is action}):
            found[label] = [None, names]
    return found


def _original(session: Session, now: datetime, part: Part) -> GuideOriginal:
    """Store a part as it is now in the guide, and return its row."""
    row = session.get(GuideOriginal, (str(part.app), str(part.kind), part.key))
    if row is None:
        row = GuideOriginal(app=str(part.app), kind=str(part.kind), key=part.key, applied={})
        session.add(row)
    row.name, row.original, row.imported_at = part.name, dict(part.original), now
    return row


def _apply_format(session: Session, now: datetime, step: FormatStep) -> None:
    format = step.format
    row = session.get(CustomFormat, format.id)
    if row is None:
        row = CustomFormat(id=format.id, name=format.name, specs=[], updated_at=now)
        session.add(row)
    if step.action in (Action.NEW, Action.UPDATED) and step.joined is None:
        specs = [condition.to_json() for condition in format.conditions]
        if (row.name, row.specs, row.include_in_rename) != (format.name, specs, format.include_in_rename):
            row.name, row.specs, row.include_in_rename = format.name, specs, format.include_in_rename
            row.stopped, row.updated_at = None, now
        row.changed = False
    session.flush()
    origin = _original(session, now, step.part)
    origin.format_id = format.id
    if step.action is not Action.KEPT:
        origin.given_name = format.name if format.name != step.part.name else None
    else:
        conditions = read_conditions(step.part.app, step.part.original["specifications"])
        row.changed = frozenset(one.meaning for one in conditions) != format.meaning or row.changed


def _apply_profile(session: Session, caller: Caller, now: datetime, step: ProfileStep) -> None:
    values: Mapping[str, Any] = step.values
    profile_id = step.profile_id
    if step.action is not Action.SAME and step.action is not Action.KEPT:
        form = profiles.ProfileForm(
            name=values["name"],
            items=values["items"],
            cutoff=values["cutoff"],
            upgrades_allowed=values["upgrades_allowed"],
            minimum_format_score=values["minimum_format_score"],
            cutoff_format_score=values["cutoff_format_score"],
            minimum_format_increment=values["minimum_format_increment"],
            language=values["language"],
            scores=values["scores"],
        )
        if profile_id is not None:
            present = profiles.get_profile(session, caller, profile_id)
            form = replace(form, minimum_size_mb=present.minimum_size_mb, maximum_size_mb=present.maximum_size_mb)
        profile_id = profiles.save_profile(session, caller, now, form, profile_id=profile_id).id
    origin = _original(session, now, step.part)
    origin.profile_id = profile_id
    if step.action is Action.NEW:
        origin.given_name = values["name"] if values["name"] != step.part.name else None
    origin.applied = {**step.made, "scores": dict(step.made["scores"])}


def changed_fields(session: Session, caller: Caller, profile_id: str) -> tuple[str, ...]:
    """Return which values of an imported profile a person changed, as labels; empty for others."""
    row = session.scalar(
        select(GuideOriginal).where(GuideOriginal.profile_id == profile_id, GuideOriginal.kind == PartKind.PROFILE)
    )
    if row is None:
        return ()
    profile = profiles.get_profile(session, caller, profile_id)
    now = current_values(profile)
    base = {
        **row.applied,
        "items": profiles.Profile(
            id="", name="", rungs=profiles.read_rungs(row.applied.get("items", [])), cutoff=None
        ).items(),
    }
    fields = [label for key, label in FIELDS.items() if now[key] != base.get(key)]
    if now["scores"] != row.applied.get("scores", {}):
        fields.append("scores")
    return tuple(fields)
