"""`/api/v1/quality-profiles`, `/api/v1/quality-sizes` and `/api/v1/naming`."""

from __future__ import annotations

from copy import replace
from typing import Annotated, Any, Literal

from litestar import delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, UnsetType, structs
from msgspec.structs import fields

from mydia import clock
from mydia.contexts import downloads, settings
from mydia.contexts.library import naming
from mydia.contexts.settings import ProfileForm, SizeLimits
from mydia.vocabulary import MediaType
from mydia.web.api.schemas import AtLeastOne, Name, ProfileShape, QualityName, Struct, contradictions, given, profile
from mydia.web.deps import CallerDep, DatabaseDep

Megabytes = Annotated[int, Meta(ge=0, le=10_000_000)]
PerMinute = Annotated[float, Meta(ge=0, le=2000)]
Template = Annotated[str, Meta(min_length=1, max_length=500, extra_json_schema={"format": "naming-template"})]


Score = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
Languages = Annotated[str, Meta(min_length=2, max_length=200, extra_json_schema={"format": "language-list"})]


class OwnLimits(Struct):
    """Size limits of a quality in one profile, in MB per minute; null for no limit."""

    quality: QualityName
    minimum: PerMinute = 0
    preferred: PerMinute | None = None
    maximum: Annotated[float, Meta(gt=0, le=2000)] | None = None


class ProfileItem(AtLeastOne, omit_defaults=True):
    """A quality, or a group of qualities that count as equal, and whether it is wanted."""

    groups = (("quality",), ("group", "qualities"))

    allowed: bool
    quality: QualityName | None = None
    group: Name | None = None
    qualities: Annotated[list[QualityName], Meta(min_length=2)] | None = None


class NewProfile(Struct):
    """A quality profile to add."""

    name: Name
    items: Annotated[list[ProfileItem], Meta(min_length=1)]
    """Worst first. Qualities that are not listed are not wanted."""
    cutoff: Name | None = None
    """Quality or group at which upgrading stops; null for the best one wanted."""
    upgrades_allowed: bool = True
    minimum_format_score: Score = 0
    cutoff_format_score: Score = 0
    minimum_format_increment: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    language: Languages | None = None
    """`original`, or language codes separated by commas; null for any."""
    minimum_size_mb: Megabytes | None = None
    maximum_size_mb: Megabytes | None = None
    quality_sizes: list[OwnLimits] = []
    """Limits in MB per minute instead of the general ones."""
    scores: dict[str, Score] = {}
    """Id of a custom format -> its score. Unknown formats are left out."""


class ProfileChange(Struct):
    """Changes to a quality profile. Fields that are left out stay unchanged."""

    name: Name | UnsetType = UNSET
    items: Annotated[list[ProfileItem], Meta(min_length=1)] | UnsetType = UNSET
    cutoff: Name | None | UnsetType = UNSET
    upgrades_allowed: bool | UnsetType = UNSET
    minimum_format_score: Score | UnsetType = UNSET
    cutoff_format_score: Score | UnsetType = UNSET
    minimum_format_increment: Annotated[int, Meta(ge=1, le=1_000_000)] | UnsetType = UNSET
    language: Languages | None | UnsetType = UNSET
    minimum_size_mb: Megabytes | None | UnsetType = UNSET
    maximum_size_mb: Megabytes | None | UnsetType = UNSET
    quality_sizes: list[OwnLimits] | UnsetType = UNSET
    """Replaces all limits of the profile."""
    scores: dict[str, Score] | UnsetType = UNSET
    """Replaces all scores of the profile."""


class SizeShape(Struct):
    """The size limits of one quality, in MB per minute; null for no limit."""

    quality: str
    minimum: float
    preferred: float | None
    maximum: float | None


class SizeChange(Struct):
    """New size limits of one quality, in MB per minute. Fields that are left out stay unchanged."""

    quality: QualityName
    minimum: PerMinute | UnsetType = UNSET
    preferred: PerMinute | None | UnsetType = UNSET
    maximum: Annotated[float, Meta(gt=0, le=2000)] | None | UnsetType = UNSET


class NamingShape(Struct):
    """The templates of folder and file names."""

    rename: bool
    replace_illegal: bool
    multi_episode_style: str
    colon_replacement: str
    movie_folder: str
    movie_file: str
    series_folder: str
    season_folder: str
    specials_folder: str
    episode_file: str
    daily_file: str
    anime_file: str


class NamingChange(Struct):
    """Changes to the templates. Fields that are left out stay unchanged."""

    rename: bool | UnsetType = UNSET
    replace_illegal: bool | UnsetType = UNSET
    multi_episode_style: Literal["extend", "duplicate", "repeat", "scene", "range", "prefixed_range"] | UnsetType = (
        UNSET
    )
    colon_replacement: Literal["delete", "dash", "space_dash", "space_dash_space", "smart"] | UnsetType = UNSET
    movie_folder: Template | UnsetType = UNSET
    movie_file: Template | UnsetType = UNSET
    series_folder: Template | UnsetType = UNSET
    season_folder: Template | UnsetType = UNSET
    specials_folder: Template | UnsetType = UNSET
    episode_file: Template | UnsetType = UNSET
    daily_file: Template | UnsetType = UNSET
    anime_file: Template | UnsetType = UNSET


class NamingExample(Struct):
    """The names that the templates produce for an example."""

    label: str
    path: str


def _items(items: list[ProfileItem]) -> list[dict[str, Any]]:
    return [{name: value for name, value in structs.asdict(item).items() if value is not None} for item in items]


def _limits(sizes: list[OwnLimits]) -> dict[str, SizeLimits]:
    return {one.quality: SizeLimits(one.minimum, one.preferred, one.maximum) for one in sizes}


def _changed(old: settings.Profile, changes: dict[str, Any]) -> ProfileForm:
    kept = {field.name: getattr(old, field.name) for field in fields(ProfileForm) if field.name != "items"}
    return ProfileForm(**{**kept, "items": old.items(), **changes})


@get("/quality-profiles", sync_to_thread=True, summary="List quality profiles")
def list_profiles(database: DatabaseDep, caller: CallerDep) -> list[ProfileShape]:
    """Return all quality profiles."""
    with database.reads() as session:
        return [profile(value) for value in settings.profiles.list_profiles(session, caller)]


@post("/quality-profiles", sync_to_thread=True, summary="Add a quality profile")
def add_profile(database: DatabaseDep, caller: CallerDep, data: JSONBody[NewProfile]) -> ProfileShape:
    """Add a quality profile. 409 if the name is taken or the values contradict each other."""
    form = ProfileForm(
        name=data.name,
        items=_items(data.items),
        cutoff=data.cutoff,
        upgrades_allowed=data.upgrades_allowed,
        minimum_format_score=data.minimum_format_score,
        cutoff_format_score=data.cutoff_format_score,
        minimum_format_increment=data.minimum_format_increment,
        language=data.language,
        minimum_size_mb=data.minimum_size_mb,
        maximum_size_mb=data.maximum_size_mb,
        quality_sizes=_limits(data.quality_sizes),
        scores=data.scores,
    )
    with contradictions(), database.writes() as session:
        return profile(settings.profiles.save_profile(session, caller, clock.now(), form))


@get("/quality-profiles/{profile_id:str}", sync_to_thread=True, summary="Get a quality profile")
def get_profile(database: DatabaseDep, caller: CallerDep, profile_id: FromPath[str]) -> ProfileShape:
    """Return one quality profile."""
    with database.reads() as session:
        return profile(settings.profiles.get_profile(session, caller, profile_id))


@put("/quality-profiles/{profile_id:str}", sync_to_thread=True, summary="Change a quality profile")
def change_profile(
    database: DatabaseDep, caller: CallerDep, profile_id: FromPath[str], data: JSONBody[ProfileChange]
) -> ProfileShape:
    """Change a quality profile. 409 if the name is taken or the values contradict each other."""
    with contradictions(), database.writes() as session:
        form = _changed(settings.profiles.get_profile(session, caller, profile_id), _changes(data))
        return profile(settings.profiles.save_profile(session, caller, clock.now(), form, profile_id=profile_id))


def _changes(data: ProfileChange) -> dict[str, Any]:
    """Return the fields that were sent, as `ProfileForm` has them."""
    changes = given(data)
    if data.items is not UNSET:
        changes["items"] = _items(data.items)
    if data.quality_sizes is not UNSET:
        changes["quality_sizes"] = _limits(data.quality_sizes)
    return changes


@post("/quality-profiles/{profile_id:str}/duplicate", sync_to_thread=True, summary="Copy a quality profile")
def duplicate_profile(database: DatabaseDep, caller: CallerDep, profile_id: FromPath[str]) -> ProfileShape:
    """Add a copy of a quality profile under another name."""
    with database.writes() as session:
        return profile(settings.profiles.duplicate_profile(session, caller, clock.now(), profile_id))


@get("/quality-profiles/{profile_id:str}/export", sync_to_thread=True, summary="Export a quality profile")
def export_profile(
    database: DatabaseDep,
    caller: CallerDep,
    profile_id: FromPath[str],
    app: FromQuery[settings.formats.App | None] = None,
) -> dict[str, Any]:
    """Return a quality profile in the JSON of the TRaSH guides."""
    with database.reads() as session:
        return settings.guides.export_profile(session, caller, profile_id, app)


@delete("/quality-profiles/{profile_id:str}", sync_to_thread=True, status_code=204, summary="Remove a quality profile")
def remove_profile(database: DatabaseDep, caller: CallerDep, profile_id: FromPath[str]) -> None:
    """Remove a quality profile. 409 while a title or folder uses it."""
    with database.writes() as session:
        settings.profiles.delete_profile(session, caller, clock.now(), profile_id)


class TrialLine(Struct):
    """A release that only one of the two profiles would grab."""

    media_id: str
    media_title: str
    release: str
    quality: str
    size_bytes: int | None
    replaces: str
    """Quality of the file that it replaces; empty if nothing is replaced."""
    replaces_bytes: int
    rule: str
    """The rule of the changed profile that rejects it; empty otherwise."""


class BeforeAfter(Struct):
    """A count for the present and the changed profile."""

    before: int
    after: int


class TrialShape(Struct):
    """What a changed quality profile would do, by the library and the last search of each title."""

    id: str
    profile_id: str
    state: Literal["running", "done", "failed"]
    done: int
    """Titles compared so far."""
    total: int
    files: int
    searched: int
    """Titles with a stored search."""
    releases: int
    upgradable: BeforeAfter
    """Files below the cutoff."""
    not_allowed: BeforeAfter
    """Files whose quality the profile does not allow."""
    accepted: BeforeAfter
    """Releases that pass all rules."""
    grabbed: BeforeAfter
    """Releases that would be grabbed."""
    added_bytes: int
    """How much larger the library would become than with the present profile; may be negative."""
    refused: dict[str, int]
    """Rule -> releases that it newly rejects."""
    grabs: list[TrialLine]
    """Releases that only the changed profile would grab; at most 200."""
    misses: list[TrialLine]
    """Releases that only the present profile would grab; at most 200."""


def _line(line: downloads.whatif.Line) -> TrialLine:
    return TrialLine(
        media_id=line.item_id,
        media_title=line.title,
        release=line.release,
        quality=line.quality,
        size_bytes=line.size_bytes,
        replaces=line.replaces,
        replaces_bytes=line.replaces_bytes,
        rule=line.rule,
    )


def _trial(trial: downloads.whatif.Trial) -> TrialShape:
    outcome = trial.outcome or downloads.whatif.Outcome()

    def pair(values: tuple[int, int]) -> BeforeAfter:
        return BeforeAfter(before=values[0], after=values[1])

    return TrialShape(
        id=trial.id,
        profile_id=trial.profile_id,
        state=trial.state.value,
        done=trial.done,
        total=trial.total,
        files=outcome.files,
        searched=outcome.searched,
        releases=outcome.releases,
        upgradable=pair(outcome.upgradable),
        not_allowed=pair(outcome.not_allowed),
        accepted=pair(outcome.accepted),
        grabbed=pair(outcome.taken),
        added_bytes=outcome.added_bytes,
        refused=outcome.refused,
        grabs=list(map(_line, outcome.grabs)),
        misses=list(map(_line, outcome.misses)),
    )


@post("/quality-profiles/{profile_id:str}/trials", sync_to_thread=True, summary="Try a changed quality profile")
def try_profile(
    database: DatabaseDep, caller: CallerDep, profile_id: FromPath[str], data: JSONBody[ProfileChange]
) -> TrialShape:
    """Start a dry run of changes to a profile; the profile stays as it is. 409 if the changes could not be saved."""
    with contradictions(), database.writes() as session:
        form = _changed(settings.profiles.get_profile(session, caller, profile_id), _changes(data))
        trial_id = downloads.whatif.open_trial(session, caller, clock.now(), profile_id, form)
        return _trial(downloads.whatif.get_trial(session, caller, trial_id))


@get("/profile-trials/{trial_id:str}", sync_to_thread=True, summary="Get a dry run of a quality profile")
def get_trial(database: DatabaseDep, caller: CallerDep, trial_id: FromPath[str]) -> TrialShape:
    """Return a dry run; its numbers are zero until it is done. Dry runs are deleted after a day."""
    with database.reads() as session:
        return _trial(downloads.whatif.get_trial(session, caller, trial_id))


@get("/quality-sizes", sync_to_thread=True, summary="List the size limits of qualities")
def list_sizes(
    database: DatabaseDep, caller: CallerDep, type: FromQuery[MediaType] = MediaType.MOVIE
) -> list[SizeShape]:
    """Return the size limits of each quality in MB per minute, worst quality first."""
    with database.reads() as session:
        return _sizes(settings.qualities.size_limits(session, caller, type))


@put("/quality-sizes", sync_to_thread=True, summary="Change size limits of qualities")
def change_sizes(
    database: DatabaseDep,
    caller: CallerDep,
    data: JSONBody[list[SizeChange]],
    type: FromQuery[MediaType] = MediaType.MOVIE,
) -> list[SizeShape]:
    """Change size limits. 409, and nothing is changed, if a minimum would not be below its maximum."""
    with contradictions(), database.writes() as session:
        now = settings.qualities.size_limits(session, caller, type)
        for change in data:
            old = now.get(change.quality) or SizeLimits(0, None, None)
            changes = {name: value for name, value in given(change).items() if name != "quality"}
            new = replace(old, **changes)
            settings.qualities.change_size_limits(session, caller, type, change.quality, new)
        return _sizes(settings.qualities.size_limits(session, caller, type))


def _sizes(limits: dict[str, SizeLimits]) -> list[SizeShape]:
    return [
        SizeShape(quality=quality, minimum=limit.minimum, preferred=limit.preferred, maximum=limit.maximum)
        for quality, limit in limits.items()
    ]


@get("/naming", sync_to_thread=True, summary="Get the naming templates")
def get_naming(database: DatabaseDep, caller: CallerDep) -> NamingShape:
    """Return the templates of folder and file names."""
    with database.reads() as session:
        return _naming(settings.naming_rules.get_naming_set(session, caller))


@put("/naming", sync_to_thread=True, summary="Change the naming templates")
def change_naming(database: DatabaseDep, caller: CallerDep, data: JSONBody[NamingChange]) -> NamingShape:
    """Change templates. New files get the new names; existing files keep theirs until they are renamed."""
    with database.writes() as session:
        row = settings.naming_rules.get_naming_set(session, caller)
        settings.naming_rules.change_naming_set(
            session, caller, clock.now(), row.id, given(data), judge=naming.check_template
        )
        return _naming(row)


@post("/naming/preview", sync_to_thread=True, status_code=200, summary="Preview naming templates")
def preview_naming(database: DatabaseDep, caller: CallerDep, data: JSONBody[NamingChange]) -> list[NamingExample]:
    """Return the names that templates would produce for a few examples. Nothing is changed."""
    with database.reads() as session:
        values = structs.asdict(_naming(settings.naming_rules.get_naming_set(session, caller))) | given(data)
    for template in settings.naming_rules.TEMPLATES:
        naming.check_template(template, str(values[template]))
    return [NamingExample(label=one.label, path=one.path) for one in naming.preview(naming.NamingRules(**values))]


def _naming(row: settings.NamingSet) -> NamingShape:
    return NamingShape(**{name: getattr(row, name) for name in NamingShape.__struct_fields__})


ROUTES: tuple[Any, ...] = (
    list_profiles,
    add_profile,
    get_profile,
    change_profile,
    duplicate_profile,
    export_profile,
    remove_profile,
    try_profile,
    get_trial,
    list_sizes,
    change_sizes,
    get_naming,
    change_naming,
    preview_naming,
)
