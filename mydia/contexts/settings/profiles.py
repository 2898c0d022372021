"""Quality profiles: the wanted qualities, their order, and the quality at which upgrading stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import asdict
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mydia import clock, units
from mydia.contexts.settings.formats import (
    LANGUAGES,
    ORIGINAL,
    UNKNOWN,
    Explained,
    FormatSet,
    language_name,
    score_of,
    stored,
    subjects,
)
from mydia.contexts.settings.models import CustomFormat, ProfileFormat, QualityProfile
from mydia.contexts.settings.qualities import QUALITY_NAMES, SizeLimits, check_limits, default_limits, said_limits
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Base, get
from mydia.errors import Conflict, Invalid
from mydia.events import SettingsArea, SettingsChanged, emit
from mydia.parsing import ParsedRelease, Quality, parse_release
from mydia.vocabulary import MediaType

MOST_SCORE = 1_000_000
"""Largest score of a format; the TRaSH guides use up to 35,000."""
_RANKS = {name: place for place, name in enumerate(QUALITY_NAMES)}


class Rung(msgspec.Struct, frozen=True):
    """One rung of a profile: a quality, or a group of qualities that count as equal."""

    name: str
    qualities: tuple[str, ...]
    allowed: bool

    @property
    def is_group(self) -> bool:
        """Whether it is a group of qualities."""
        return self.qualities != (self.name,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A profile, as used by decisions."""

    id: str
    name: str
    rungs: tuple[Rung, ...]
    """Worst first; every quality is in exactly one rung."""
    cutoff: str | None
    """Name of the rung at which upgrading stops; None means the best one allowed."""
    upgrades_allowed: bool = True
    minimum_format_score: int = 0
    cutoff_format_score: int = 0
    minimum_format_increment: int = 1
    language: str | None = None
    """`original`, or language codes separated by commas; None: any language."""
    minimum_size_mb: int | None = None
    maximum_size_mb: int | None = None
    """Size limits for a feature film, or for an episode in proportion to its length."""
    quality_sizes: Mapping[str, SizeLimits] = field(default_factory=dict)
    """Quality -> its limits in this profile, instead of the general ones."""
    scores: Mapping[str, int] = field(default_factory=dict)
    """Custom format id -> score; formats that are not listed score 0."""
    preset: str | None = None
    managed: bool = False
    _places: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = {quality: place for place, rung in enumerate(self.rungs) for quality in rung.qualities}
        object.__setattr__(self, "_places", places)

    def rank(self, quality: Quality) -> int:
        """Return the index of a quality's rung; qualities in a group have the same index. Higher is better."""
        return self._places[quality.name]

    def allows(self, quality: Quality) -> bool:
        """Return whether a release of this quality may be grabbed."""
        return self.rungs[self.rank(quality)].allowed

    def limits(self, quality: str, general: Mapping[str, SizeLimits]) -> SizeLimits:
        """Return the size limits per minute of a quality: those of this profile, or else the general ones."""
        return self.quality_sizes.get(quality) or general.get(quality) or SizeLimits()

    @property
    def languages(self) -> tuple[str, ...]:
        """The wanted languages, `original` among them; empty for any."""
        return tuple(filter(None, (self.language or "").split(",")))

    @property
    def best(self) -> int:
        """Index of the best rung allowed."""
        return max((place for place, rung in enumerate(self.rungs) if rung.allowed), default=0)

    @property
    def goal(self) -> int:
        """Index of the rung at which upgrading stops."""
        if not self.upgrades_allowed:
            return min((place for place, rung in enumerate(self.rungs) if rung.allowed), default=0)
        return next((place for place, rung in enumerate(self.rungs) if rung.name == self.cutoff), self.best)

    def at_cutoff(self, quality: Quality) -> bool:
        """Return whether this quality needs no upgrade."""
        return self.rank(quality) >= self.goal

    @property
    def allowed_names(self) -> tuple[str, ...]:
        """The allowed rungs for display, best first."""
        return tuple(rung.name for rung in reversed(self.rungs) if rung.allowed)

    def items(self) -> list[Any]:
        """Return the rungs in their stored form."""
        return [
            {"group": rung.name, "qualities": list(rung.qualities), "allowed": rung.allowed}
            if rung.is_group
            else {"quality": rung.name, "allowed": rung.allowed}
            for rung in self.rungs
        ]


class ProfileForm(msgspec.Struct, frozen=True, kw_only=True):
    """A profile as submitted by a form."""

    name: str
    items: list[Any]
    """As stored: worst first, {"quality", "allowed"} or {"group", "qualities", "allowed"}."""
    cutoff: str | None = None
    upgrades_allowed: bool = True
    minimum_format_score: int = 0
    cutoff_format_score: int = 0
    minimum_format_increment: int = 1
    language: str | None = None
    minimum_size_mb: int | None = None
    maximum_size_mb: int | None = None
    quality_sizes: Mapping[str, SizeLimits] | None = None
    """None keeps the present ones."""
    scores: Mapping[str, int] | None = None
    """Custom format id -> score; None keeps the present ones."""


def read_rungs(items: list[Any]) -> tuple[Rung, ...]:
    """Convert the stored form to rungs. Qualities that are not listed are added at their usual position, not allowed.

    Raises:
        Invalid: A quality is unknown or listed twice, or a group is empty or shares its name.
    """
    rungs: list[Rung] = []
    seen: set[str] = set()
    for item in items:
        rung = _read_rung(item)
        for quality in rung.qualities:
            if quality not in _RANKS:
                raise Invalid(f"There is no quality named “{quality}”.", fields={"items": f"Unknown: {quality}."})
            if quality in seen:
                raise Invalid(f"{quality} is in the profile twice.", fields={"items": f"Duplicate: {quality}."})
            seen.add(quality)
        if rung.is_group and (rung.name in _RANKS or any(other.name == rung.name for other in rungs)):
            raise Invalid(
                f"The name “{rung.name}” is already used by another group or quality.",
                fields={"items": "Choose another name."},
            )
        rungs.append(rung)
    for quality in QUALITY_NAMES:
        if quality not in seen:
            better = (i for i, rung in enumerate(rungs) if min(_RANKS[q] for q in rung.qualities) > _RANKS[quality])
            rungs.insert(next(better, len(rungs)), Rung(quality, (quality,), allowed=False))
    return tuple(rungs)


def _read_rung(item: object) -> Rung:
    if not isinstance(item, Mapping):
        raise Invalid("Each entry of a profile is a quality or a group.", fields={"items": "Not a quality or group."})
    allowed = bool(item.get("allowed", False))
    if isinstance(name := item.get("quality"), str):
        return Rung(name, (name,), allowed)
    name, members = item.get("group"), item.get("qualities")
    if not isinstance(name, str) or not name.strip():
        raise Invalid("A group needs a name.", fields={"items": "A group needs a name."})
    if not isinstance(members, list) or len(members) < 2 or not all(isinstance(member, str) for member in members):
        raise Invalid(
            f"The group “{name}” needs at least two qualities.", fields={"items": f"{name} needs two qualities."}
        )
    return Rung(name.strip(), tuple(members), allowed)


def _checked(form: ProfileForm) -> tuple[Rung, ...]:
    """Validate a form and return its rungs. Raises: Invalid, with the field."""
    if not form.name.strip():
        raise Invalid("A profile needs a name.", fields={"name": "Enter a name."})
    rungs = read_rungs(form.items)
    allowed = [rung.name for rung in rungs if rung.allowed]
    if not allowed:
        raise Invalid(
            "Allow at least one quality, otherwise nothing is ever grabbed.", fields={"items": "Allow at least one."}
        )
    if form.cutoff is not None and form.cutoff not in allowed:
        raise Invalid(
            f"Upgrades cannot stop at “{form.cutoff}”, which is not allowed here. Choose one of {', '.join(allowed)}.",
            fields={"cutoff": "Choose an allowed quality."},
        )
    low, high = form.minimum_size_mb, form.maximum_size_mb
    if (low is not None and low < 0) or (high is not None and high <= 0):
        raise Invalid("Sizes in megabytes must be above 0.", fields={"maximum_size_mb": "Must be above 0."})
    if low is not None and high is not None and high <= low:
        raise Invalid(
            f"The maximum size must be above the minimum ({low} MB).",
            fields={"maximum_size_mb": f"Must be above {low}."},
        )
    unknown = [code for code in (form.language or "").split(",") if code and code not in LANGUAGES]
    if unknown:
        raise Invalid(f"“{unknown[0]}” is not a language.", fields={"language": "Choose a language."})
    for quality, limits in (form.quality_sizes or {}).items():
        if quality not in _RANKS:
            raise Invalid(f"There is no quality named “{quality}”.", fields={"quality_sizes": f"Unknown: {quality}."})
        check_limits(quality, limits)
    if any(abs(score) > MOST_SCORE for score in (form.scores or {}).values()):
        raise Invalid(
            f"A score is between -{MOST_SCORE:,} and {MOST_SCORE:,}.", fields={"scores": f"Up to {MOST_SCORE:,}."}
        )
    if form.minimum_format_increment < 1:
        raise Invalid(
            "The minimum score increment must be at least 1.", fields={"minimum_format_increment": "Enter 1 or more."}
        )
    return rungs


def _value(row: QualityProfile, scores: Mapping[str, int]) -> Profile:
    return Profile(
        id=row.id,
        name=row.name,
        rungs=read_rungs(row.items),
        cutoff=row.cutoff,
        upgrades_allowed=row.upgrades_allowed,
        minimum_format_score=row.minimum_format_score,
        cutoff_format_score=row.cutoff_format_score,
        minimum_format_increment=row.minimum_format_increment,
        language=row.language,
        minimum_size_mb=row.minimum_size_mb,
        maximum_size_mb=row.maximum_size_mb,
        quality_sizes={quality: SizeLimits(**limits) for quality, limits in row.quality_sizes.items()},
        scores=scores,
        preset=row.preset,
        managed=row.managed,
    )


def get_profile(session: Session, caller: Caller, profile_id: str) -> Profile:
    """Return a profile. Raises: NotFound."""
    caller.require(Permission.BROWSE)
    row = get(session, QualityProfile, profile_id, what="This quality profile")
    return _value(row, stored.scores_by_profile(session, [row.id]).get(row.id, {}))


def find_profile(session: Session, name: str) -> Profile | None:
    """Return the profile with this name, ignoring case, or None."""
    # Compared here, because SQLite's lower() knows ASCII only.
    wanted = name.strip().casefold()
    row = next((row for row in session.scalars(select(QualityProfile)) if row.name.casefold() == wanted), None)
    return None if row is None else _value(row, stored.scores_by_profile(session, [row.id]).get(row.id, {}))


def list_profiles(session: Session, caller: Caller) -> list[Profile]:
    """Return all profiles, sorted by name."""
    caller.require(Permission.BROWSE)
    scores = stored.scores_by_profile(session)
    rows = session.scalars(select(QualityProfile).order_by(QualityProfile.name))
    return [_value(row, scores.get(row.id, {})) for row in rows]


def default_profile_id(session: Session, caller: Caller) -> str:
    """Return the profile for titles without a choice: HD-1080p if it exists, otherwise the first one."""
    caller.require(Permission.BROWSE)
    wanted = select(QualityProfile.id).order_by(QualityProfile.preset != DEFAULT_PRESET, QualityProfile.name).limit(1)
    if (found := session.scalar(wanted)) is not None:
        return found
    ensure_default_profiles(session, clock.now())
    return default_profile_id(session, caller)


def save_profile(
    session: Session, caller: Caller, now: datetime, form: ProfileForm, *, profile_id: str | None = None
) -> Profile:
    """Add a profile, or change the one with this id.

    Raises:
        Invalid: Validation failed; `fields` has the messages.
        Conflict: Another profile has the name, or this one comes from the configuration.

    Emits: SettingsChanged, if anything changed.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    rungs = _checked(form)
    name = form.name.strip()
    taken = find_profile(session, name)
    if taken is not None and taken.id != profile_id:
        raise Conflict(f"A profile named “{taken.name}” already exists.", fields={"name": "Choose another name."})
    if profile_id is None:
        row = QualityProfile(created_at=now)
        session.add(row)
        old: dict[str, Any] = {}
    else:
        row = get(session, QualityProfile, profile_id, what="This quality profile")
        if row.managed:
            raise Conflict(f"“{row.name}” is set by the configuration. Change it there, or duplicate it.")
        old = _shown(session, row)
    row.name, row.cutoff, row.upgrades_allowed = name, form.cutoff, form.upgrades_allowed
    row.minimum_format_score, row.cutoff_format_score = form.minimum_format_score, form.cutoff_format_score
    row.minimum_format_increment, row.language = form.minimum_format_increment, form.language
    row.minimum_size_mb, row.maximum_size_mb = form.minimum_size_mb, form.maximum_size_mb
    row.items = Profile(id="", name=name, rungs=rungs, cutoff=form.cutoff).items()
    if form.quality_sizes is not None:
        row.quality_sizes = {quality: asdict(limits) for quality, limits in form.quality_sizes.items()}
    row.updated_at = now if profile_id is None else row.updated_at
    session.flush()
    if form.scores is not None:
        _store_scores(session, row.id, form.scores)
    new = _shown(session, row)
    if changed := {key: [old.get(key), value] for key, value in new.items() if old.get(key) != value}:
        row.updated_at = now
        session.flush()
        emit(session, caller, SettingsChanged(f"quality profile {name}", changed, SettingsArea.QUALITY_PROFILE), at=now)
    return _value(row, stored.scores_by_profile(session, [row.id]).get(row.id, {}))


def with_form(profile: Profile, form: ProfileForm) -> Profile:
    """Return a profile as it would be after saving a form. Nothing is stored. Raises: Invalid, as `save_profile`."""
    rungs = _checked(form)
    sizes, scores = form.quality_sizes, form.scores
    return Profile(
        id=profile.id,
        name=form.name.strip(),
        rungs=rungs,
        cutoff=form.cutoff,
        upgrades_allowed=form.upgrades_allowed,
        minimum_format_score=form.minimum_format_score,
        cutoff_format_score=form.cutoff_format_score,
        minimum_format_increment=form.minimum_format_increment,
        language=form.language,
        minimum_size_mb=form.minimum_size_mb,
        maximum_size_mb=form.maximum_size_mb,
        quality_sizes=profile.quality_sizes if sizes is None else sizes,
        scores=profile.scores if scores is None else {id: score for id, score in scores.items() if score},
        preset=profile.preset,
        managed=profile.managed,
    )


def _store_scores(session: Session, profile_id: str, scores: Mapping[str, int]) -> None:
    """Set the scores of a profile; formats that do not exist are left out."""
    present = {
        row.format_id: row
        for row in session.scalars(select(ProfileFormat).where(ProfileFormat.profile_id == profile_id))
    }
    wanted = {format_id: score for format_id, score in scores.items() if score}
    known = set(session.scalars(select(CustomFormat.id).where(CustomFormat.id.in_(wanted)))) if wanted else set()
    for format_id in known:
        if (row := present.get(format_id)) is None:
            session.add(ProfileFormat(profile_id=profile_id, format_id=format_id, score=wanted[format_id]))
        elif row.score != wanted[format_id]:
            row.score = wanted[format_id]
    for format_id, row in present.items():
        if format_id not in known:
            session.delete(row)
    session.flush()


def duplicate_profile(session: Session, caller: Caller, now: datetime, profile_id: str) -> Profile:
    """Add an editable copy with “(copy)” in its name."""
    caller.require(Permission.MANAGE_SETTINGS)
    profile = get_profile(session, caller, profile_id)
    names = {other.name for other in list_profiles(session, caller)}
    name = next(
        name
        for number in range(1, len(names) + 2)
        if (name := f"{profile.name} (copy{'' if number == 1 else f' {number}'})") not in names
    )
    form = ProfileForm(
        name=name,
        items=profile.items(),
        cutoff=profile.cutoff,
        upgrades_allowed=profile.upgrades_allowed,
        minimum_format_score=profile.minimum_format_score,
        cutoff_format_score=profile.cutoff_format_score,
        minimum_format_increment=profile.minimum_format_increment,
        language=profile.language,
        minimum_size_mb=profile.minimum_size_mb,
        maximum_size_mb=profile.maximum_size_mb,
        quality_sizes=profile.quality_sizes,
        scores=profile.scores,
    )
    return save_profile(session, caller, now, form)


# Table -> words for the rows that refer to profiles. Higher contexts are known here only by their tables.
_USERS = {
    "versions": ("title", "titles"),
    "library_paths": ("library folder", "library folders"),
    "person_defaults": ("person's choice", "people's choices"),
    "request_rules": ("request rule", "request rules"),
}


def delete_profile(session: Session, caller: Caller, now: datetime, profile_id: str) -> None:
    """Delete a profile that nothing uses.

    Raises:
        Conflict: It is in use (the message says by what), comes from the configuration, or is the last one.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    row = get(session, QualityProfile, profile_id, what="This quality profile")
    if row.managed:
        raise Conflict(f"“{row.name}” is set by the configuration. Remove it there.")
    if users := profile_users(session, caller, profile_id):
        raise Conflict(f"“{row.name}” is in use by {_listed(users)}. Give them another profile first.")
    if session.scalar(select(func.count()).select_from(QualityProfile)) == 1:
        raise Conflict(f"“{row.name}” is the only profile. Add another one first.")
    emit(
        session,
        caller,
        SettingsChanged(f"quality profile {row.name}", {"name": [row.name, None]}, SettingsArea.QUALITY_PROFILE),
        at=now,
    )
    session.delete(row)
    session.flush()


def profile_users(session: Session, caller: Caller, profile_id: str) -> dict[str, int]:
    """Return what refers to a profile: table -> number of rows."""
    return users_by_profile(session, caller).get(profile_id, {})


def users_by_profile(session: Session, caller: Caller) -> dict[str, dict[str, int]]:
    """Return the same for all profiles that are in use; one query per foreign key to the table of profiles."""
    caller.require(Permission.MANAGE_SETTINGS)
    found: dict[str, dict[str, int]] = {}
    for table in Base.metadata.tables.values():
        if table.name in ("profile_formats", "guide_originals", "profile_trials"):
            continue
        for key in table.foreign_keys:
            if key.column.table.name != "quality_profiles":
                continue
            for profile_id, count in session.execute(
                select(key.parent, func.count()).where(key.parent.is_not(None)).group_by(key.parent)
            ):
                counts = found.setdefault(profile_id, {})
                counts[table.name] = counts.get(table.name, 0) + count
    return found


def _listed(users: Mapping[str, int]) -> str:
    words = [
        f"{count} {_USERS.get(table, (table, table))[count != 1]}"
        for table, count in sorted(users.items(), reverse=True)
    ]
    return " and ".join(words)


def _shown(session: Session, row: QualityProfile) -> dict[str, Any]:
    scores = session.execute(
        select(CustomFormat.name, ProfileFormat.score)
        .join(ProfileFormat, ProfileFormat.format_id == CustomFormat.id)
        .where(ProfileFormat.profile_id == row.id)
        .order_by(CustomFormat.name)
    )
    return {
        "name": row.name,
        "qualities": [item.get("group") or item.get("quality") for item in row.items if item.get("allowed")],
        "order": [item.get("group") or item.get("quality") for item in row.items],
        "cutoff": row.cutoff,
        "upgrades": row.upgrades_allowed,
        "minimum score": row.minimum_format_score,
        "target score": row.cutoff_format_score,
        "minimum size (MB)": row.minimum_size_mb,
        "maximum size (MB)": row.maximum_size_mb,
        "language": row.language,
        "score increment": row.minimum_format_increment,
        "quality sizes": [
            f"{quality} {said_limits(SizeLimits(**limits))}" for quality, limits in row.quality_sizes.items()
        ],
        "scores": [f"{name} {score}" for name, score in scores],
    }


DEFAULT_PRESET = "HD-1080p"

# Groups such as "WEB 1080p": a download and a rip of the same stream count as equal. Source: arr-stack §2.2.
_GROUPS: Mapping[str, tuple[str, ...]] = {
    f"WEB {lines}": (f"WEBRip-{lines}", f"WEBDL-{lines}") for lines in ("480p", "720p", "1080p", "2160p")
}
_SD = ("SDTV", "DVD", "WEB 480p", "Bluray-480p", "Bluray-576p")
_720P = ("HDTV-720p", "WEB 720p", "Bluray-720p")
_1080P = ("HDTV-1080p", "WEB 1080p", "Bluray-1080p")
_2160P = ("HDTV-2160p", "WEB 2160p", "Bluray-2160p", "Remux-2160p")


class _Preset(msgspec.Struct, frozen=True):
    name: str
    allowed: tuple[str, ...]
    cutoff: str
    upgrades: bool
    minimum_size_mb: int | None = None
    maximum_size_mb: int | None = None


# Names, resolutions, sizes and upgrades: reference/mydia-original.md §7.3. The cutoff takes effect when a person turns
# upgrades on; it is then the best quality of usual size, not the worst one that is allowed.
PRESETS: tuple[_Preset, ...] = (
    _Preset("Any", (*_SD, *_720P, *_1080P, "Remux-1080p", *_2160P), "HDTV-2160p", upgrades=True),
    _Preset("SD", _SD, "Bluray-576p", True, None, 2048),
    _Preset("HD-720p", _720P, "Bluray-720p", False, 1024, 5120),
    _Preset("HD-1080p", _1080P, "Bluray-1080p", False, 2048, 15360),
    _Preset("Full HD", ("WEB 1080p", "Bluray-1080p", "Remux-1080p"), "Bluray-1080p", False, 4096, 20480),
    _Preset("Remux-1080p", ("Remux-1080p",), "Remux-1080p", False, 20480, 40960),
    _Preset("4K/UHD", ("WEB 2160p", "Bluray-2160p", "Remux-2160p"), "Bluray-2160p", False, 15360, 81920),
    _Preset("Remux-2160p", ("Remux-2160p",), "Remux-2160p", False, 40960, 102400),
)


def ensure_default_profiles(session: Session, now: datetime) -> None:
    """Create the presets in a database without profiles. Deleted presets do not come back."""
    if session.scalar(select(QualityProfile.id).limit(1)) is not None:
        return
    for preset in PRESETS:
        session.add(
            QualityProfile(
                name=preset.name,
                items=Profile(
                    id="", name=preset.name, rungs=_preset_rungs(preset.allowed), cutoff=preset.cutoff
                ).items(),
                cutoff=preset.cutoff,
                upgrades_allowed=preset.upgrades,
                minimum_size_mb=preset.minimum_size_mb,
                maximum_size_mb=preset.maximum_size_mb,
                preset=preset.name,
                created_at=now,
                updated_at=now,
            )
        )
    session.flush()
    emit(
        session,
        SYSTEM,
        SettingsChanged(
            "quality profiles", {"presets": [None, [p.name for p in PRESETS]]}, SettingsArea.QUALITY_PROFILE
        ),
        at=now,
    )


def preset_profile(name: str) -> Profile:
    """Return a preset as a value, without a database, for trying names and for tests."""
    preset = next(preset for preset in PRESETS if preset.name == name)
    return Profile(
        id="",
        name=name,
        rungs=_preset_rungs(preset.allowed),
        cutoff=preset.cutoff,
        upgrades_allowed=preset.upgrades,
        minimum_size_mb=preset.minimum_size_mb,
        maximum_size_mb=preset.maximum_size_mb,
        preset=name,
    )


def _preset_rungs(allowed: tuple[str, ...]) -> tuple[Rung, ...]:
    grouped = {member: name for name, members in _GROUPS.items() for member in members}
    names = list(dict.fromkeys(grouped.get(quality, quality) for quality in QUALITY_NAMES))
    return tuple(Rung(name, _GROUPS.get(name, (name,)), name in allowed) for name in names)


# Shorter films are not feature films, and a profile's limits then apply in proportion. Source: the Academy's rule.
_FEATURE_MIN = 40
# The assumed length of a feature film, for an episode's share and for films of unknown length. Source: arr-stack §1.2, row 1.
ASSUMED_FILM_MIN = 110


def size_bounds(
    profile: Profile, limits: SizeLimits, media_type: MediaType, runtime_min: int
) -> tuple[tuple[int, str], tuple[int | None, str]]:
    """Return the minimum and maximum size in bytes for a running time, each with the origin of the limit.

    Both the profile's limits and the quality's limits per minute apply; the stricter one is returned.
    """
    minutes = max(runtime_min, 1)
    whole = media_type == MediaType.MOVIE and minutes >= _FEATURE_MIN
    share = 1.0 if whole else minutes / ASSUMED_FILM_MIN
    per_minute = f"{minutes} min"
    lows = [(int(limits.minimum * minutes * units.MIB), f"{limits.minimum:g} MB per minute for {per_minute}")]
    highs: list[tuple[int, str]] = []
    if limits.maximum is not None:
        highs.append((int(limits.maximum * minutes * units.MIB), f"{limits.maximum:g} MB per minute for {per_minute}"))
    owner = profile.name if whole else f"{profile.name}, for {per_minute}"
    if profile.minimum_size_mb:
        lows.append((int(profile.minimum_size_mb * share * units.MIB), owner))
    if profile.maximum_size_mb:
        highs.append((int(profile.maximum_size_mb * share * units.MIB), owner))
    low = max(lows, key=lambda bound: bound[0])
    return low, min(highs, key=lambda bound: bound[0]) if highs else (None, "")


class Tried(msgspec.Struct, frozen=True):
    """The verdict of a profile on a release name, for the live tester."""

    parsed: ParsedRelease | None
    quality: Quality
    accepted: bool
    lines: tuple[tuple[bool, str], ...]
    """(passed, message) in the order of the rules."""


def try_release(
    profile: Profile,
    name: str,
    *,
    media_type: MediaType = MediaType.MOVIE,
    runtime_min: int | None = None,
    size_bytes: int | None = None,
    limits: Mapping[str, SizeLimits] | None = None,
) -> Tried:
    """Check a release name, and its size if given, against a profile."""
    parsed = parse_release(name, "movie" if media_type == MediaType.MOVIE else "tv")
    if parsed is None:
        return Tried(None, Quality(), accepted=False, lines=((False, "The release name can't be parsed."),))
    quality = parsed.quality
    allowed = profile.allows(quality)
    lines = [
        (allowed, f"{profile.name} {'allows' if allowed else 'does not allow'} {quality.name}."),
    ]
    if allowed:
        reached = profile.at_cutoff(quality)
        goal = profile.rungs[profile.goal].name
        if profile.upgrades_allowed:
            lines.append((True, f"Upgrades stop here ({goal})." if reached else f"Upgraded until {goal}."))
        else:
            lines.append((True, "Not upgraded: this profile does not allow upgrades."))
    if size_bytes is not None:
        lines.append(_size_line(profile, quality, media_type, runtime_min or ASSUMED_FILM_MIN, size_bytes, limits))
    return Tried(parsed, quality, all(fine for fine, _ in lines), tuple(lines))


def _size_line(
    profile: Profile,
    quality: Quality,
    media_type: MediaType,
    runtime_min: int,
    size_bytes: int,
    limits: Mapping[str, SizeLimits] | None,
) -> tuple[bool, str]:
    own = profile.quality_sizes.get(quality.name) or (limits or {}).get(quality.name)
    own = own or default_limits(media_type, quality.name)
    (low, low_owner), (high, high_owner) = size_bounds(profile, own, media_type, runtime_min)
    said = units.size(size_bytes)
    if size_bytes < low:
        return False, f"{said} is below the minimum size of {units.size(low)} ({low_owner})."
    if high is not None and size_bytes > high:
        return False, f"{said} is above the maximum size of {units.size(high)} ({high_owner})."
    return True, f"{said} is within the size limits."


MOST_NAMES = 100
"""Release names that can be tried at once."""


class NameVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a profile makes of a release name."""

    profile: Profile
    score: int
    accepted: bool
    lines: tuple[tuple[bool, str], ...]
    """(passed, message) in the order of the rules."""


class TriedName(msgspec.Struct, frozen=True, kw_only=True):
    """A release name with the custom formats that match, and the verdict of every profile."""

    name: str
    parsed: ParsedRelease | None
    languages: tuple[str, ...]
    formats: tuple[Explained, ...]
    verdicts: tuple[NameVerdict, ...]


def try_names(
    session: Session,
    caller: Caller,
    names: Sequence[str],
    *,
    media_type: MediaType,
    original_language: str | None = None,
) -> list[TriedName]:
    """Return which custom formats match release names, by which conditions, and what every profile makes of them.

    Raises:
        Invalid: More than 100 names.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    wanted = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if len(wanted) > MOST_NAMES:
        raise Invalid(f"Try at most {MOST_NAMES} names at once.", fields={"names": f"At most {MOST_NAMES}."})
    formats = stored.current(session)
    found = list_profiles(session, caller)
    return [_tried_name(name[:_LONGEST_NAME], formats, found, media_type, original_language) for name in wanted]


_LONGEST_NAME = 1_000


def _tried_name(
    name: str, formats: FormatSet, found: Sequence[Profile], media_type: MediaType, original_language: str | None
) -> TriedName:
    parsed = parse_release(name, "movie" if media_type == MediaType.MOVIE else "tv")
    subject = subjects.of_release(name, parsed, media_type, original_language=original_language)
    explained = tuple(one for one in formats.explain(subject) if one.matches)
    languages = subject.languages or frozenset()
    return TriedName(
        name=name,
        parsed=parsed,
        languages=tuple(sorted(languages)),
        formats=explained,
        verdicts=tuple(_name_verdict(profile, parsed, explained, languages, original_language) for profile in found),
    )


def _name_verdict(
    profile: Profile,
    parsed: ParsedRelease | None,
    explained: Sequence[Explained],
    languages: frozenset[str],
    original_language: str | None,
) -> NameVerdict:
    score = score_of((one.format for one in explained), profile.scores)
    if parsed is None:
        lines: list[tuple[bool, str]] = [(False, "The release name can't be parsed.")]
        return NameVerdict(profile=profile, score=score, accepted=False, lines=tuple(lines))
    allowed = profile.allows(parsed.quality)
    lines = [(allowed, f"{parsed.quality.name} is {'allowed' if allowed else 'not allowed'}.")]
    if score < profile.minimum_format_score:
        lines.append((False, f"The score {score} is below the minimum of {profile.minimum_format_score}."))
    if missing := missing_languages(profile, languages, original_language):
        lines.append((False, f"It must be in {' or '.join(sorted(map(language_name, missing)))}."))
    return NameVerdict(profile=profile, score=score, accepted=all(fine for fine, _ in lines), lines=tuple(lines))


def missing_languages(profile: Profile, languages: frozenset[str], original_language: str | None) -> tuple[str, ...]:
    """Return the languages of which a profile requires one and a release has none; empty if it may be accepted.

    Releases whose language can't be known are accepted, and so is every release if only the original language is wanted and
    that is unknown.
    """
    if not profile.languages or UNKNOWN in languages:
        return ()
    accepted = {original_language or code if code == ORIGINAL else code for code in profile.languages}
    if accepted & languages or accepted == {ORIGINAL}:
        return ()
    return tuple(sorted(accepted))
