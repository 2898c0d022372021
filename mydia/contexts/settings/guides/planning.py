"""What an import of a guide does: formats, profiles, sizes and names, compared with what is stored and what people changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Any

import msgspec
from msgspec.structs import asdict
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts.settings import naming_rules, profiles, qualities
from mydia.contexts.settings.formats import App, Format, language_code, language_name, read_conditions, stored
from mydia.contexts.settings.guides.bundle import Bundle, Part, PartKind, conflicting, quality_named, variants
from mydia.contexts.settings.models import CustomFormat, GuideOriginal
from mydia.contexts.settings.profiles import Profile
from mydia.contexts.settings.qualities import SizeLimits
from mydia.contexts.users import SYSTEM

_SUFFIX = {App.RADARR: "movies", App.SONARR: "series"}


class Action(StrEnum):
    """What an import does with a part."""

    NEW = "new"
    UPDATED = "updated"
    SAME = "same"
    KEPT = "kept"
    """A person changed it, so it stays as it is."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants from a guide. Everything that was imported before is updated as well."""

    profiles: frozenset[str] = frozenset()
    """Ids of parts."""
    groups: frozenset[str] | None = None
    """Groups of optional formats for these profiles; None: those that the guide marks as default."""
    all_formats: bool = False
    """Also formats that none of the profiles needs."""
    sizes: frozenset[str] = frozenset()
    naming: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Column of the naming templates -> variant."""
    replace: bool = False
    """Replace what people changed."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One difference."""

    label: str
    old: str
    new: str
    kept: bool = False
    """A person changed it, so the new value is not taken."""


class FormatStep(msgspec.Struct, frozen=True, kw_only=True):
    """A format to create, update or leave."""

    part: Part
    action: Action
    format: Format
    """As it is afterwards; its id is new for a new one."""
    joined: str | None = None
    """Name of the equal format of the other application that it is the same as."""
    lines: tuple[Line, ...] = ()


class ProfileStep(msgspec.Struct, frozen=True, kw_only=True):
    """A profile to create or update."""

    part: Part
    action: Action
    profile_id: str | None
    values: Mapping[str, Any]
    """As `_made` returns them, with what people changed."""
    made: Mapping[str, Any]
    """What the guide says."""
    lines: tuple[Line, ...] = ()


class SizeStep(msgspec.Struct, frozen=True, kw_only=True):
    """Size limits to set."""

    part: Part
    action: Action
    limits: Mapping[str, SizeLimits]
    lines: tuple[Line, ...] = ()


class NamingStep(msgspec.Struct, frozen=True, kw_only=True):
    """Naming templates to set."""

    part: Part
    action: Action
    templates: Mapping[str, str]
    """Column -> template to store."""
    applied: Mapping[str, Sequence[str]]
    """Column -> (variant, template of the guide)."""
    lines: tuple[Line, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an import does."""

    formats: tuple[FormatStep, ...]
    profiles: tuple[ProfileStep, ...]
    sizes: tuple[SizeStep, ...]
    naming: tuple[NamingStep, ...]
    others: tuple[Part, ...]
    """Groups and conflicts, which are only kept."""
    gone: tuple[str, ...]
    """Names of imported formats and profiles that the guide no longer has; they stay."""
    clashes: tuple[tuple[str, tuple[str, ...]], ...]
    """(profile, formats of which it should have only one)."""

    @property
    def counts(self) -> Mapping[Action, int]:
        """How many formats and profiles each action concerns."""
        actions = [step.action for steps in (self.formats, self.profiles, self.sizes, self.naming) for step in steps]
        return {action: actions.count(action) for action in Action}


class _Stored:
    """The originals of the last import, by application, kind and key."""

    def __init__(self, session: Session) -> None:
        self._rows = {(row.app, row.kind, row.key): row for row in session.scalars(select(GuideOriginal))}

    def of(self, part: Part) -> GuideOriginal | None:
        return self._rows.get((part.app, part.kind, part.key))

    def all(self, kind: PartKind) -> list[GuideOriginal]:
        return [row for row in self._rows.values() if row.kind == kind]


def plan(session: Session, bundle: Bundle, choice: Choice) -> Plan:
    """Compare a guide with what is stored. Nothing is written; the ids of new formats are final."""
    known = _Stored(session)
    wanted = [
        part
        for part in bundle.of(PartKind.PROFILE)
        if part.id in choice.profiles or ((row := known.of(part)) is not None and row.profile_id is not None)
    ]
    groups = {part.id: _groups_of(bundle, part, choice, known.of(part)) for part in wanted}
    needed = {key for part in wanted for key in _keys_of(part, groups[part.id], bundle)}
    formats = _plan_formats(session, bundle, choice, known, needed)
    ids = {(step.part.app, step.part.key): step.format.id for step in formats}
    names = {step.format.id: step.format.name for step in formats}
    steps = _plan_profiles(session, choice, known, wanted, groups, bundle, ids, names)
    return Plan(
        formats=tuple(formats),
        profiles=tuple(steps),
        sizes=tuple(_plan_sizes(session, bundle, choice, known)),
        naming=tuple(_plan_naming(session, bundle, choice, known)),
        others=tuple(
            part for part in bundle.parts if part.kind in (PartKind.GROUP, PartKind.PROFILE_GROUPS, PartKind.CONFLICTS)
        ),
        gone=_gone(bundle, known),
        clashes=_clashes(bundle, steps, ids, names),
    )


def _gone(bundle: Bundle, known: _Stored) -> tuple[str, ...]:
    present = {(part.app, part.kind, part.key) for part in bundle.parts}
    shown = {(part.app, part.kind) for part in bundle.parts}
    return tuple(
        sorted(
            row.given_name or row.name
            for kind in (PartKind.FORMAT, PartKind.PROFILE)
            for row in known.all(kind)
            if (row.format_id or row.profile_id)
            and (row.app, row.kind) in shown
            and (row.app, row.kind, row.key) not in present
        )
    )


def groups_for(bundle: Bundle, profile: Part) -> tuple[Part, ...]:
    """Return the groups of optional formats that a guide offers for a profile."""
    return tuple(
        part
        for part in bundle.of(PartKind.GROUP, profile.app)
        if profile.key in (_mapping(_mapping(part.original.get("quality_profiles")).get("include")).values())
    )


def is_default(group: Part) -> bool:
    """Return whether a guide selects a group unless a person decides otherwise."""
    return str(group.original.get("default", "")).lower() == "true"


def _groups_of(bundle: Bundle, profile: Part, choice: Choice, row: GuideOriginal | None) -> tuple[Part, ...]:
    offered = groups_for(bundle, profile)
    if profile.id not in choice.profiles and row is not None:
        before = set(map(str, row.applied.get("groups", ())))
        return tuple(group for group in offered if group.key in before)
    if choice.groups is None:
        return tuple(group for group in offered if is_default(group))
    return tuple(group for group in offered if group.id in choice.groups)


def _keys_of(profile: Part, groups: Sequence[Part], bundle: Bundle) -> dict[tuple[App, str], None]:
    """Return the formats of a profile as (application, trash_id): its own, and those of the groups."""
    found = dict.fromkeys((profile.app, str(key)) for key in _mapping(profile.original.get("formatItems")).values())
    sets = [keys for app, keys in conflicting(bundle.parts) if app is profile.app]
    for group in groups:
        members = [one for one in group.original["custom_formats"] if isinstance(one, Mapping)]
        marked = [one for one in members if _is_set(one.get("required")) or _is_set(one.get("default"))]
        for one in marked or members:
            key = str(one.get("trash_id"))
            # Of formats that exclude each other, the first one that a profile has is taken.
            if not any(key in keys and any((profile.app, other) in found for other in keys - {key}) for keys in sets):
                found[profile.app, key] = None
    return found


def _is_set(value: object) -> bool:
    return value is True or value == "true"


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _plan_formats(
    session: Session, bundle: Bundle, choice: Choice, known: _Stored, needed: Collection[tuple[App, str]]
) -> list[FormatStep]:
    rows = {row.id: row for row in session.scalars(select(CustomFormat))}
    present = {id: stored.value_of(row) for id, row in rows.items()}
    names = {format.name.casefold(): id for id, format in present.items()}
    by_meaning: dict[tuple[str, object, bool], str] = {
        (format.name.casefold(), format.meaning, format.include_in_rename): id for id, format in present.items()
    }
    targets = {part.id: _read_format(part) for part in bundle.of(PartKind.FORMAT)}
    steps: list[FormatStep] = []
    for part in bundle.of(PartKind.FORMAT):
        row = known.of(part)
        held = present.get(row.format_id) if row is not None and row.format_id else None
        if held is None and not choice.all_formats and (part.app, part.key) not in needed:
            continue
        new = targets[part.id]
        if held is not None and row is not None:
            step = _update(
                part, row, held, new, rows[held.id], choice, _sharers(known, row, bundle, targets), names.keys()
            )
            if step is not None:
                steps.append(step)
                continue
        key = (part.name.strip().casefold(), new.meaning, new.include_in_rename)
        if (same := by_meaning.get(key)) is not None:
            steps.append(FormatStep(part=part, action=Action.NEW, format=present[same], joined=present[same].name))
            continue
        name = _free_name(part, names)
        format = Format(
            id=clock.new_id(), name=name, conditions=new.conditions, include_in_rename=new.include_in_rename
        )
        names[name.casefold()] = format.id
        by_meaning[key] = format.id
        present[format.id] = format
        steps.append(FormatStep(part=part, action=Action.NEW, format=format))
    return steps


def _read_format(part: Part) -> Format:
    return Format(
        id="",
        name=part.name.strip(),
        conditions=read_conditions(part.app, part.original["specifications"]),
        include_in_rename=bool(part.original.get("includeCustomFormatWhenRenaming", False)),
    )


def _sharers(known: _Stored, row: GuideOriginal, bundle: Bundle, targets: Mapping[str, Format]) -> list[object]:
    """Return what the same format means to the other application that it was imported from."""
    found: list[object] = []
    for other in known.all(PartKind.FORMAT):
        if other.format_id == row.format_id and other is not row:
            id = f"{other.app}:{other.kind}:{other.key}"
            found.append(
                targets[id].meaning
                if id in targets
                else frozenset(c.meaning for c in read_conditions(App(other.app), other.original["specifications"]))
            )
    return found


def _update(
    part: Part,
    row: GuideOriginal,
    held: Format,
    new: Format,
    stored_row: CustomFormat,
    choice: Choice,
    shared: Sequence[object],
    names: AbstractSet[str],
) -> FormatStep | None:
    """Return what becomes of a format that was imported before; None if it must become one of its own."""
    lines = _format_lines(held, new, part, row)
    if stored_row.changed and not choice.replace:
        return FormatStep(
            part=part, action=Action.KEPT, format=held, lines=lines if part.original != row.original else ()
        )
    renamed = part.name != row.name and held.name == (row.given_name or row.name)
    restored = stored_row.changed and choice.replace
    name = _free_name(part, names - {held.name.casefold()}) if renamed or restored else held.name
    same = (held.meaning, held.include_in_rename, held.name) == (new.meaning, new.include_in_rename, name)
    if same:
        action = Action.UPDATED if part.original != row.original else Action.SAME
        return FormatStep(part=part, action=action, format=held, lines=lines)
    if any(meaning != new.meaning for meaning in shared):
        return None
    format = Format(id=held.id, name=name, conditions=new.conditions, include_in_rename=new.include_in_rename)
    return FormatStep(part=part, action=Action.UPDATED, format=format, lines=lines)


def _format_lines(held: Format, new: Format, part: Part, row: GuideOriginal) -> tuple[Line, ...]:
    old_by, new_by = ({condition.meaning: condition for condition in one.conditions} for one in (held, new))
    lines = [
        *(Line(label="condition removed", old=old_by[one].name, new="") for one in old_by.keys() - new_by.keys()),
        *(Line(label="condition added", old="", new=new_by[one].name) for one in new_by.keys() - old_by.keys()),
    ]
    scores_before, scores = (_mapping(one.get("trash_scores")) for one in (row.original, part.original))
    lines += [
        Line(label=f"score ({name})", old=str(scores_before.get(name, 0)), new=str(scores.get(name, 0)))
        for name in dict.fromkeys((*scores_before, *scores))
        if scores_before.get(name, 0) != scores.get(name, 0)
    ]
    return tuple(sorted(lines, key=lambda line: (line.label, line.old, line.new)))


def _free_name(part: Part, taken: Collection[str]) -> str:
    name = part.name.strip()
    candidates: Iterable[str] = (
        name,
        f"{name} ({_SUFFIX[part.app]})",
        *(f"{name} ({_SUFFIX[part.app]} {number})" for number in range(2, 100)),
    )
    return next(one for one in candidates if one.casefold() not in taken)


FIELDS: Mapping[str, str] = {
    "items": "qualities",
    "cutoff": "upgrade until",
    "upgrades_allowed": "upgrades",
    "minimum_format_score": "minimum score",
    "cutoff_format_score": "upgrade until score",
    "minimum_format_increment": "smallest score step",
    "language": "language",
}
"""Fields of a profile that a guide sets -> what they are called."""


def _plan_profiles(
    session: Session,
    choice: Choice,
    known: _Stored,
    wanted: Sequence[Part],
    groups: Mapping[str, Sequence[Part]],
    bundle: Bundle,
    ids: Mapping[tuple[App, str], str],
    names: Mapping[str, str],
) -> list[ProfileStep]:
    present = {profile.id: profile for profile in profiles.list_profiles(session, SYSTEM)}
    taken = {profile.name.casefold() for profile in present.values()}
    scores_of = {
        (part.app, part.key): _mapping(part.original.get("trash_scores")) for part in bundle.of(PartKind.FORMAT)
    }
    all_names = dict(names) | {row.id: row.name for row in session.scalars(select(CustomFormat)) if row.id not in names}
    steps: list[ProfileStep] = []
    for part in wanted:
        made = _made(part, _keys_of(part, groups[part.id], bundle), scores_of, ids)
        made["groups"] = [group.key for group in groups[part.id]]
        row = known.of(part)
        profile = present.get(row.profile_id) if row is not None and row.profile_id else None
        if profile is None or row is None:
            name = _free_name(part, taken)
            taken.add(name.casefold())
            steps.append(
                ProfileStep(
                    part=part,
                    action=Action.NEW,
                    profile_id=None,
                    values={**made, "name": name},
                    made={**made, "name": name},
                )
            )
            continue
        steps.append(_merged(part, row, profile, made, all_names, replace=choice.replace))
    return steps


def _made(
    part: Part,
    keys: Iterable[tuple[App, str]],
    scores_of: Mapping[tuple[App, str], Mapping[str, Any]],
    ids: Mapping[tuple[App, str], str],
) -> dict[str, Any]:
    """Return a profile as its guide describes it, in our terms."""
    found = part.original
    set_name = str(found.get("trash_score_set") or "default")
    scores = {
        ids[key]: int(scores_of[key].get(set_name, scores_of[key].get("default", 0)))
        for key in keys
        if key in ids and key in scores_of
    }
    code = language_code(str(found["language"])) if found.get("language") is not None else None
    return {
        "items": [rung for item in reversed(found["items"]) for rung in [_item(item)]],
        "cutoff": _rung_name(found, str(found.get("cutoff"))),
        "upgrades_allowed": bool(found.get("upgradeAllowed", True)),
        "minimum_format_score": int(found.get("minFormatScore", 0)),
        "cutoff_format_score": int(found.get("cutoffFormatScore", 0)),
        "minimum_format_increment": max(1, int(found.get("minUpgradeFormatScore", 1))),
        "language": None if code in (None, "any", "unknown") else code,
        "scores": {id: score for id, score in scores.items() if score},
    }


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a quality or group of a guide in the stored form; guides list the best first."""
    members = [quality_named(str(one)) for one in item.get("items") or ()]
    allowed = bool(item.get("allowed", False))
    if len(members) > 1:
        return {"group": str(item["name"]), "qualities": members, "allowed": allowed}
    return {"quality": members[0] if members else quality_named(str(item["name"])), "allowed": allowed}


def _rung_name(found: Mapping[str, Any], name: str) -> str:
    groups = {str(item["name"]) for item in found["items"] if len(item.get("items") or ()) > 1}
    return name if name in groups else quality_named(name)


def current_values(profile: Profile) -> dict[str, Any]:
    """Return the values of a stored profile that guides set."""
    return {
        "items": profile.items(),
        "cutoff": profile.cutoff,
        "upgrades_allowed": profile.upgrades_allowed,
        "minimum_format_score": profile.minimum_format_score,
        "cutoff_format_score": profile.cutoff_format_score,
        "minimum_format_increment": profile.minimum_format_increment,
        "language": profile.language,
        "scores": dict(profile.scores),
    }


def _merged(
    part: Part,
    row: GuideOriginal,
    profile: Profile,
    made: dict[str, Any],
    names: Mapping[str, str],
    *,
    replace: bool,
) -> ProfileStep:
    """Merge three states: what the last import made, what the profile is now, and what the guide says now."""
    now, before = current_values(profile), row.applied
    values: dict[str, Any] = {"name": profile.name}
    lines: list[Line] = []
    made = {**made, "name": row.given_name or row.name}
    for key, label in FIELDS.items():
        wanted = _whole(made[key]) if key == "items" else made[key]
        base = _whole(before.get("items", [])) if key == "items" else before.get(key)
        mine = now[key] != base and not replace
        values[key] = now[key] if mine else wanted
        if now[key] != wanted:
            lines.append(Line(label=label, old=_said(key, now[key]), new=_said(key, wanted), kept=mine))
    applied = _mapping(before.get("scores"))
    scores: dict[str, int] = {}
    for id in sorted({*now["scores"], *made["scores"]}, key=lambda id: names.get(id, "").casefold()):
        have, said, guide = now["scores"].get(id, 0), applied.get(id, 0), made["scores"].get(id, 0)
        mine = have != said and not replace
        scores[id] = have if mine else guide
        if have != guide:
            label = f"score of {names.get(id, 'a removed format')}"
            lines.append(Line(label=label, old=str(have), new=str(guide), kept=mine))
    values["scores"] = {id: score for id, score in scores.items() if score}
    values["groups"] = made["groups"]
    changes = any(not line.kept for line in lines)
    action = Action.UPDATED if changes else Action.KEPT if lines else Action.SAME
    return ProfileStep(part=part, action=action, profile_id=profile.id, values=values, made=made, lines=tuple(lines))


def _whole(items: list[Any]) -> list[Any]:
    """Return items with the qualities that they lack, as a stored profile has them."""
    return Profile(id="", name="", rungs=profiles.read_rungs(items), cutoff=None).items()


def _said(key: str, value: Any) -> str:
    if key == "items":
        return ", ".join(item.get("group") or item["quality"] for item in reversed(value) if item["allowed"])
    if key == "language":
        return ", ".join(map(language_name, value.split(","))) if value else "Any"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _plan_sizes(session: Session, bundle: Bundle, choice: Choice, known: _Stored) -> list[SizeStep]:
    steps: list[SizeStep] = []
    for part in bundle.of(PartKind.SIZE):
        row = known.of(part)
        if part.id not in choice.sizes and not (row is not None and row.applied):
            continue
        now = qualities.size_limits(session, SYSTEM, part.app.media_type)
        limits: dict[str, SizeLimits] = {}
        lines: list[Line] = []
        for quality, wanted in sizes_of(part).items():
            applied = _mapping(row.applied.get(quality)) if row is not None and part.id not in choice.sizes else {}
            mine = bool(applied) and SizeLimits(**applied) != now[quality] and not choice.replace
            if not mine:
                limits[quality] = wanted
            if now[quality] != wanted:
                lines.append(
                    Line(
                        label=quality,
                        old=qualities.said_limits(now[quality]),
                        new=qualities.said_limits(wanted),
                        kept=mine,
                    )
                )
        changes = any(not line.kept for line in lines)
        action = Action.UPDATED if changes else Action.KEPT if lines else Action.SAME
        steps.append(SizeStep(part=part, action=action, limits=limits, lines=tuple(lines)))
    return steps


def sizes_of(part: Part) -> dict[str, SizeLimits]:
    """Return the limits of a quality-size file."""
    return {
        quality_named(str(row["quality"])): SizeLimits(
            float(row["min"]),
            None if row.get("preferred") is None else float(row["preferred"]),
            None if row.get("max") is None else float(row["max"]),
        )
        for row in part.original["qualities"]
    }


def applied_sizes(part: Part) -> dict[str, Any]:
    """Return the limits of a quality-size file in the stored form."""
    return {quality: asdict(limits) for quality, limits in sizes_of(part).items()}


def _plan_naming(session: Session, bundle: Bundle, choice: Choice, known: _Stored) -> list[NamingStep]:
    steps: list[NamingStep] = []
    now = naming_rules.get_naming_set(session, SYSTEM)
    for part in bundle.of(PartKind.NAMING):
        row = known.of(part)
        before: dict[str, Any] = dict(row.applied) if row is not None else {}
        offered = variants(part)
        templates: dict[str, str] = {}
        applied: dict[str, Sequence[str]] = {}
        lines: list[Line] = []
        for column, found in offered.items():
            old: Sequence[str] = before.get(column) or ()
            variant = choice.naming.get(column) or (old[0] if old else None)
            if variant is None or variant not in found:
                continue
            present, wanted = str(getattr(now, column)), found[variant]
            mine = column not in choice.naming and bool(old) and present != old[1] and not choice.replace
            applied[column] = [variant, wanted]
            if not mine:
                templates[column] = wanted
            if present != wanted:
                lines.append(Line(label=column.replace("_", " "), old=present, new=wanted, kept=mine))
        if applied:
            changes = any(not line.kept for line in lines)
            action = Action.UPDATED if changes else Action.KEPT if lines else Action.SAME
            steps.append(NamingStep(part=part, action=action, templates=templates, applied=applied, lines=tuple(lines)))
    return steps


def _clashes(
    bundle: Bundle, steps: Sequence[ProfileStep], ids: Mapping[tuple[App, str], str], names: Mapping[str, str]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: list[tuple[str, tuple[str, ...]]] = []
    for app, keys in conflicting(bundle.parts):
        formats = {ids[app, key] for key in keys if (app, key) in ids}
        for step in steps:
            both = sorted(names[id] for id in formats if step.values["scores"].get(id))
            if step.part.app is app and len(both) > 1:
                found.append((str(step.values["name"]), tuple(both)))
    return tuple(found)
