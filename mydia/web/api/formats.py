"""`/api/v1/custom-formats` and `/api/v1/guide-imports`."""

from __future__ import annotations

import json
from typing import Annotated, Any

from litestar import delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, UnsetType

from mydia import clock
from mydia.contexts import settings
from mydia.contexts.library import naming
from mydia.vocabulary import MediaType
from mydia.web.api.schemas import AtLeastOne, Name, Struct, contradictions, given
from mydia.web.deps import CallerDep, DatabaseDep, OutsideDep

App = settings.formats.App
Kind = settings.formats.Kind
Action = settings.guides.Action
PartKind = settings.guides.PartKind
Text = Annotated[str, Meta(min_length=1, max_length=1000)]


class ConditionShape(Struct):
    """One condition of a custom format."""

    kind: Kind
    name: Name
    value: Annotated[str, Meta(max_length=10_000)] = ""
    """A regular expression, a language code or a value of the kind; empty for `size` and `year`."""
    negate: bool = False
    required: bool = False
    excepted: bool = False
    """For languages: whether any other language is meant."""
    minimum: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    maximum: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    """`size` is in GB (1024³)."""

    def condition(self) -> settings.formats.Condition:
        """Return it as a value."""
        return settings.formats.Condition(
            kind=self.kind,
            name=self.name,
            value=self.value,
            negate=self.negate,
            required=self.required,
            excepted=self.excepted,
            minimum=self.minimum,
            maximum=self.maximum,
        )


class FormatShape(Struct):
    """A custom format."""

    id: str
    name: str
    include_in_rename: bool
    conditions: list[ConditionShape]
    apps: list[App]
    """Guides it was imported from."""
    changed: bool
    """Whether a person changed it since its import."""
    stopped: str | None
    """A pattern that is no longer run because it takes too long."""
    profiles: dict[str, int]
    """Name of a profile -> its score, if that is not 0."""


class NewFormat(Struct):
    """A custom format to add."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    conditions: Annotated[list[ConditionShape], Meta(min_length=1, max_length=500)]
    include_in_rename: bool = False


class FormatChange(Struct):
    """Changes to a custom format. Fields that are left out stay unchanged."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    conditions: Annotated[list[ConditionShape], Meta(min_length=1, max_length=500)] | UnsetType = UNSET
    include_in_rename: bool | UnsetType = UNSET


class NamesToTry(Struct):
    """Release names to try."""

    names: Annotated[list[Text], Meta(min_length=1, max_length=100)]
    type: MediaType = MediaType.MOVIE
    original_language: Annotated[str, Meta(min_length=2, max_length=10)] | None = None


class MatchShape(Struct):
    """A custom format that matches a name, and the conditions that are met."""

    id: str
    name: str
    conditions: list[str]


class VerdictShape(Struct):
    """What a profile makes of a name."""

    profile_id: str
    profile: str
    score: int
    accepted: bool
    reasons: list[str]


class TriedShape(Struct):
    """The result for one name."""

    name: str
    quality: str | None
    release_group: str | None
    languages: list[str]
    formats: list[MatchShape]
    verdicts: list[VerdictShape]


class NewImport(AtLeastOne):
    """A guide to read: an address, or its files."""

    groups = (("url",), ("files",))

    url: Annotated[str, Meta(min_length=8, max_length=2000)] | None = None
    """A zip archive or JSON file at a public address."""
    files: dict[str, Any] | None = None
    """Path, such as `docs/json/radarr/cf/amzn.json`, -> its JSON."""
    app: App | None = None
    """The application of files whose path names none."""


class PartShape(Struct):
    """A part of a guide that can be chosen."""

    id: str
    app: App
    kind: PartKind
    name: str


class ImportShape(Struct):
    """A guide that was read."""

    id: str
    source: str
    parts: list[PartShape]
    problems: dict[str, str]
    """Path -> why the file can't be used."""


class ChoiceShape(Struct):
    """What to import. What was imported before is updated as well."""

    profiles: list[str] = []
    """Ids of parts."""
    groups: list[str] | None = None
    """Groups of optional formats; null for those that the guide marks as default."""
    all_formats: bool = False
    sizes: list[str] = []
    naming: dict[str, str] = {}
    """Naming template, such as `movie_file`, -> variant."""
    replace: bool = False
    """Whether to replace what people changed."""

    def choice(self) -> settings.guides.Choice:
        """Return it as a value."""
        return settings.guides.Choice(
            profiles=frozenset(self.profiles),
            groups=None if self.groups is None else frozenset(self.groups),
            all_formats=self.all_formats,
            sizes=frozenset(self.sizes),
            naming=self.naming,
            replace=self.replace,
        )


class LineShape(Struct):
    """One difference."""

    label: str
    old: str
    new: str
    kept: bool
    """Whether a person changed it, so that the new value is not taken."""


class StepShape(Struct):
    """What an import does with one part."""

    kind: PartKind
    app: App
    name: str
    action: Action
    lines: list[LineShape]


class PlanShape(Struct):
    """What an import does."""

    steps: list[StepShape]
    gone: list[str]
    """Imported formats and profiles that the guide no longer has; they stay."""
    clashes: dict[str, list[str]]
    """Profile -> formats of which it should have only one."""


def _shape(one: settings.formats.StoredFormat) -> FormatShape:
    return FormatShape(
        id=one.format.id,
        name=one.format.name,
        include_in_rename=one.format.include_in_rename,
        conditions=[ConditionShape(**condition.to_json()) for condition in one.format.conditions],
        apps=list(one.apps),
        changed=one.changed,
        stopped=one.stopped,
        profiles=dict(one.profiles),
    )


@get("/custom-formats", sync_to_thread=True, summary="List custom formats")
def list_formats(database: DatabaseDep, caller: CallerDep) -> list[FormatShape]:
    """Return all custom formats, sorted by name."""
    with database.reads() as session:
        return list(map(_shape, settings.formats.list_formats(session, caller)))


@post("/custom-formats", sync_to_thread=True, summary="Add a custom format")
def add_format(database: DatabaseDep, caller: CallerDep, data: JSONBody[NewFormat]) -> FormatShape:
    """Add a custom format. 409 if the name is taken or a pattern is not valid."""
    form = settings.formats.FormatForm(
        name=data.name,
        conditions=tuple(one.condition() for one in data.conditions),
        include_in_rename=data.include_in_rename,
    )
    with contradictions(), database.writes() as session:
        return _shape(settings.formats.save_format(session, caller, clock.now(), form))


@get("/custom-formats/export", sync_to_thread=True, summary="Export custom formats and guides")
def export_formats(database: DatabaseDep, caller: CallerDep) -> dict[str, Any]:
    """Return all custom formats and imported parts of guides as path -> JSON, as in the repository of TRaSH-Guides."""
    with database.reads() as session:
        return dict(settings.guides.export_files(session, caller))


@post("/custom-formats/test", sync_to_thread=True, status_code=200, summary="Try release names")
def try_names(database: DatabaseDep, caller: CallerDep, data: JSONBody[NamesToTry]) -> list[TriedShape]:
    """Return which custom formats match release names, and what every quality profile makes of them."""
    with database.reads() as session:
        found = settings.profiles.try_names(
            session, caller, data.names, media_type=data.type, original_language=data.original_language
        )
    return [
        TriedShape(
            name=one.name,
            quality=one.parsed.quality.name if one.parsed else None,
            release_group=one.parsed.release_group if one.parsed else None,
            languages=list(one.languages),
            formats=[
                MatchShape(
                    id=match.format.id,
                    name=match.format.name,
                    conditions=[condition.name for condition in match.because],
                )
                for match in one.formats
            ],
            verdicts=[
                VerdictShape(
                    profile_id=verdict.profile.id,
                    profile=verdict.profile.name,
                    score=verdict.score,
                    accepted=verdict.accepted,
                    reasons=[sentence for _, sentence in verdict.lines],
                )
                for verdict in one.verdicts
            ],
        )
        for one in found
    ]


@get("/custom-formats/{format_id:str}", sync_to_thread=True, summary="Get a custom format")
def get_format(database: DatabaseDep, caller: CallerDep, format_id: FromPath[str]) -> FormatShape:
    """Return one custom format."""
    with database.reads() as session:
        return _shape(settings.formats.get_format(session, caller, format_id))


@put("/custom-formats/{format_id:str}", sync_to_thread=True, summary="Change a custom format")
def change_format(
    database: DatabaseDep, caller: CallerDep, format_id: FromPath[str], data: JSONBody[FormatChange]
) -> FormatShape:
    """Change a custom format. 409 if the name is taken or a pattern is not valid."""
    changes = given(data)
    if data.conditions is not UNSET:
        changes["conditions"] = tuple(one.condition() for one in data.conditions)
    with contradictions(), database.writes() as session:
        old = settings.formats.get_editable(session, caller, format_id).format
        form = settings.formats.FormatForm(
            **{
                "name": old.name,
                "conditions": old.conditions,
                "include_in_rename": old.include_in_rename,
                **changes,
            }
        )
        return _shape(settings.formats.save_format(session, caller, clock.now(), form, format_id=format_id))


@post("/custom-formats/{format_id:str}/duplicate", sync_to_thread=True, summary="Copy a custom format")
def duplicate_format(database: DatabaseDep, caller: CallerDep, format_id: FromPath[str]) -> FormatShape:
    """Add a copy of a custom format under another name."""
    with database.writes() as session:
        return _shape(settings.formats.duplicate_format(session, caller, clock.now(), format_id))


@get("/custom-formats/{format_id:str}/export", sync_to_thread=True, summary="Export a custom format")
def export_format(
    database: DatabaseDep, caller: CallerDep, format_id: FromPath[str], app: FromQuery[App | None] = None
) -> dict[str, Any]:
    """Return a custom format in the JSON of Radarr, Sonarr and the TRaSH guides. 409 if the application can't express it."""
    with contradictions(), database.reads() as session:
        return settings.formats.export_format(session, caller, format_id, app)


@delete("/custom-formats/{format_id:str}", sync_to_thread=True, status_code=204, summary="Remove a custom format")
def remove_format(database: DatabaseDep, caller: CallerDep, format_id: FromPath[str]) -> None:
    """Remove a custom format and its scores."""
    with database.writes() as session:
        settings.formats.delete_format(session, caller, clock.now(), format_id)


@post("/guide-imports", sync_to_thread=True, summary="Read a guide")
def read_guide(database: DatabaseDep, outside: OutsideDep, caller: CallerDep, data: JSONBody[NewImport]) -> ImportShape:
    """Read a guide in the JSON of TRaSH-Guides. Nothing is imported yet. 409 if it can't be read."""
    with contradictions():
        if data.url is not None:
            source, bundle = data.url, settings.guides.fetch(outside, caller, data.url)
        else:
            settings.guides.allow(caller)
            encoded = ((path, json.dumps(content).encode()) for path, content in (data.files or {}).items())
            source, bundle = "files", settings.guides.read_files(encoded, data.app)
        with database.writes() as session:
            import_id = settings.guides.keep(session, caller, clock.now(), bundle, source)
    return ImportShape(
        id=import_id,
        source=source,
        parts=[PartShape(id=one.id, app=one.app, kind=one.kind, name=one.name) for one in bundle.parts],
        problems=dict(bundle.problems),
    )


@post(
    "/guide-imports/{import_id:str}/preview",
    sync_to_thread=True,
    status_code=200,
    summary="Preview the import of a guide",
)
def preview_guide(
    database: DatabaseDep, caller: CallerDep, import_id: FromPath[str], data: JSONBody[ChoiceShape]
) -> PlanShape:
    """Return what an import would do. Nothing is changed."""
    with database.reads() as session:
        return _plan(settings.guides.preview(session, caller, import_id, data.choice()))


@post("/guide-imports/{import_id:str}/apply", sync_to_thread=True, status_code=200, summary="Import a guide")
def apply_guide(
    database: DatabaseDep, caller: CallerDep, import_id: FromPath[str], data: JSONBody[ChoiceShape]
) -> PlanShape:
    """Import a guide, all of it or nothing."""
    with contradictions(), database.writes() as session:
        return _plan(
            settings.guides.apply(session, caller, clock.now(), import_id, data.choice(), judge=naming.check_template)
        )


def _plan(plan: settings.guides.Plan) -> PlanShape:
    named = [
        *((step.part, step.format.name, step.action, step.lines) for step in plan.formats),
        *((step.part, str(step.values["name"]), step.action, step.lines) for step in plan.profiles),
        *((step.part, step.part.name, step.action, step.lines) for step in plan.sizes),
        *((step.part, step.part.name, step.action, step.lines) for step in plan.naming),
    ]
    return PlanShape(
        steps=[
            StepShape(kind=part.kind, app=part.app, name=name, action=action, lines=list(map(_line, lines)))
            for part, name, action, lines in named
        ],
        gone=list(plan.gone),
        clashes={profile: list(formats) for profile, formats in plan.clashes},
    )


def _line(line: settings.guides.Line) -> LineShape:
    return LineShape(label=line.label, old=line.old, new=line.new, kept=line.kept)


ROUTES: tuple[Any, ...] = (
    list_formats,
    add_format,
    export_formats,
    try_names,
    get_format,
    change_format,
    duplicate_format,
    export_format,
    remove_format,
    read_guide,
    preview_guide,
    apply_guide,
)
