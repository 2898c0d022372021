"""Settings: the import of TRaSH guides, with a preview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import settings
from mydia.contexts.library import naming
from mydia.contexts.users import Caller
from mydia.errors import Conflict, Invalid
from mydia.units import MIB, plural
from mydia.web import uploads
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.render import Toast, redirect

_UPLOAD_BYTES = 100 * MIB
"""The archive of TRaSH-Guides has about 40 MiB, most of it pictures."""
_NAMES = {settings.formats.App.RADARR: "Movies (Radarr)", settings.formats.App.SONARR: "Shows (Sonarr)"}
PartKind = settings.guides.PartKind


class AddressFields(Struct, kw_only=True):
    """The address of a guide."""

    url: str = ""


class ChoiceFields(Struct, kw_only=True):
    """What to import."""

    profiles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    all_formats: bool = False
    replace: bool = False
    movie_folder: str = ""
    movie_file: str = ""
    series_folder: str = ""
    season_folder: str = ""
    episode_file: str = ""
    daily_file: str = ""
    anime_file: str = ""

    def choice(self) -> settings.guides.Choice:
        """Return it as a value."""
        naming_columns = ("movie_folder", "movie_file", "series_folder", "season_folder", "episode_file", "daily_file")
        columns = (*naming_columns, "anime_file")
        return settings.guides.Choice(
            profiles=frozenset(self.profiles),
            groups=frozenset(self.groups),
            sizes=frozenset(self.sizes),
            all_formats=self.all_formats,
            replace=self.replace,
            naming={column: variant for column in columns if (variant := getattr(self, column))},
        )


class StartView(msgspec.Struct, frozen=True, kw_only=True):
    """The first step: where the guide is."""

    frame: SettingsFrame
    url: str
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """Something to choose."""

    id: str
    name: str
    hint: str = ""
    on: bool = False


class AppChoices(msgspec.Struct, frozen=True, kw_only=True):
    """What the guide of one application offers."""

    app: str
    label: str
    profiles: tuple[Option, ...]
    groups: tuple[Option, ...]
    sizes: tuple[Option, ...]
    naming: tuple[tuple[str, str, tuple[tuple[str, str], ...], str], ...]
    """(column, label, options, chosen)."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the preview."""

    name: str
    what: str
    action: str
    lines: tuple[settings.guides.Line, ...]


class ChooseView(msgspec.Struct, frozen=True, kw_only=True):
    """The second step: what to import, with what that changes."""

    frame: SettingsFrame
    id: str
    source: str
    apps: tuple[AppChoices, ...]
    formats: int
    problems: tuple[tuple[str, str], ...]
    all_formats: bool
    replace: bool
    plan: settings.guides.Plan | None
    steps: tuple[Step, ...]
    summary: str
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


@get("/settings/formats/import", sync_to_thread=True, include_in_schema=False)
def import_page(request: WebRequest, caller: CallerDep) -> Response[str]:
    """Ask for a guide."""
    return show(request, "guide_start.html", _start(caller, settings.guides.DEFAULT_URL))


def _start(caller: Caller, url: str, errors: Mapping[str, str] | None = None) -> StartView:
    return StartView(frame=frame(caller, "formats", "Import a guide"), url=url, errors=errors or {})


async def receive_files(request: WebRequest, caller: CallerDep) -> list[tuple[str, bytes]]:
    """Receive the files of the form before the handler runs."""
    settings.guides.allow(caller)
    return await uploads.read_file_fields(request, most_bytes=_UPLOAD_BYTES)


@post(
    "/settings/formats/import",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"csrf": False},
    request_max_body_size=_UPLOAD_BYTES + MIB,
    dependencies={"files": Provide(receive_files)},
)
def upload_guide(
    request: WebRequest, deps: DepsDep, caller: CallerDep, files: NamedDependency[list[tuple[str, bytes]]]
) -> Response[str]:
    """Read an archive or a folder and go on to the choice."""
    try:
        archive = next((content for name, content in files if name.lower().endswith(".zip")), None)
        bundle = settings.guides.read_zip(archive) if archive is not None else settings.guides.read_files(files)
    except Invalid as error:
        view = _start(caller, settings.guides.DEFAULT_URL, errors_of(error))
        return show(request, "guide_start.html", view, status=422)
    source = files[0][0].partition("/")[0] if files else "files"
    return _keep(request, deps, caller, bundle, source)


@post("/settings/formats/import/address", sync_to_thread=True, status_code=200, include_in_schema=False)
def fetch_guide(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[AddressFields]) -> Response[str]:
    """Download a guide and go on to the choice."""
    url = form.draft().url
    try:
        bundle = settings.guides.fetch(deps.outside, caller, url)
    except Invalid as error:
        return show(request, "guide_start.html", _start(caller, url, errors_of(error)), status=422)
    return _keep(request, deps, caller, bundle, url)


def _keep(
    request: WebRequest, deps: WebDeps, caller: Caller, bundle: settings.guides.Bundle, source: str
) -> Response[str]:
    with deps.database.writes() as session:
        import_id = settings.guides.keep(session, caller, clock.now(), bundle, source)
    return redirect(request, f"/settings/formats/import/{import_id}")


@get("/settings/formats/import/{import_id:str}", sync_to_thread=True, include_in_schema=False)
def choose_page(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, import_id: FromPath[str]
) -> Response[str]:
    """Offer what the guide has."""
    with database.reads() as session:
        source, bundle = settings.guides.kept(session, caller, import_id)
    defaults = tuple(part.id for part in bundle.of(PartKind.GROUP) if settings.guides.is_default(part))
    view = _choose(caller, import_id, source, bundle, ChoiceFields(groups=defaults))
    return show(request, "guide_choose.html", view)


@post("/settings/formats/import/{import_id:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def preview_guide(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, import_id: FromPath[str], form: FormOf[ChoiceFields]
) -> Response[str]:
    """Show what the import would change."""
    fields = form.draft()
    with database.reads() as session:
        source, bundle = settings.guides.kept(session, caller, import_id)
        plan = settings.guides.preview(session, caller, import_id, fields.choice())
    return show(request, "guide_choose.html", _choose(caller, import_id, source, bundle, fields, plan=plan))


@post("/settings/formats/import/{import_id:str}/apply", sync_to_thread=True, status_code=200, include_in_schema=False)
def apply_guide(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, import_id: FromPath[str], form: FormOf[ChoiceFields]
) -> Response[str]:
    """Import what was chosen."""
    fields = form.draft()
    try:
        with database.writes() as session:
            plan = settings.guides.apply(
                session, caller, clock.now(), import_id, fields.choice(), judge=naming.check_template
            )
    except (Invalid, Conflict) as error:
        with database.reads() as session:
            source, bundle = settings.guides.kept(session, caller, import_id)
        view = _choose(caller, import_id, source, bundle, fields, errors=errors_of(error))
        return show(request, "guide_choose.html", view, status=422)
    return redirect(request, "/settings/formats", toast=Toast("Guide imported", _summary(plan)))


def _choose(
    caller: Caller,
    import_id: str,
    source: str,
    bundle: settings.guides.Bundle,
    fields: ChoiceFields,
    *,
    plan: settings.guides.Plan | None = None,
    errors: Mapping[str, str] | None = None,
) -> ChooseView:
    return ChooseView(
        frame=frame(caller, "formats", "Import a guide"),
        id=import_id,
        source=source,
        apps=tuple(
            _app_choices(bundle, app, fields)
            for app in settings.formats.App
            if any(part.app is app for part in bundle.parts)
        ),
        formats=len(bundle.of(PartKind.FORMAT)),
        problems=bundle.problems,
        all_formats=fields.all_formats,
        replace=fields.replace,
        plan=plan,
        steps=() if plan is None else _steps(plan),
        summary="" if plan is None else _summary(plan),
        errors=errors or {},
    )


def _app_choices(bundle: settings.guides.Bundle, app: settings.formats.App, fields: ChoiceFields) -> AppChoices:
    naming_part = next(iter(bundle.of(PartKind.NAMING, app)), None)
    offered = settings.guides.variants(naming_part) if naming_part is not None else {}
    return AppChoices(
        app=str(app),
        label=_NAMES[app],
        profiles=tuple(
            Option(
                id=part.id,
                name=part.name,
                hint=f"upgrade until {part.original.get('cutoff')}",
                on=part.id in fields.profiles,
            )
            for part in bundle.of(PartKind.PROFILE, app)
        ),
        groups=tuple(
            Option(
                id=part.id,
                name=part.name,
                hint=plural(len(part.original["custom_formats"]), "format"),
                on=part.id in fields.groups,
            )
            for part in bundle.of(PartKind.GROUP, app)
        ),
        sizes=tuple(
            Option(id=part.id, name=part.name, on=part.id in fields.sizes) for part in bundle.of(PartKind.SIZE, app)
        ),
        naming=tuple(
            (
                column,
                column.replace("_", " ").capitalize(),
                (("", "Keep the present one"), *((variant, variant) for variant in found)),
                str(getattr(fields, column)),
            )
            for column, found in offered.items()
        ),
    )


def _steps(plan: settings.guides.Plan) -> tuple[Step, ...]:
    formats: dict[str, Step] = {}
    for step in plan.formats:
        if step.action is not settings.guides.Action.SAME:
            formats.setdefault(
                step.format.id,
                Step(name=step.format.name, what="Custom format", action=str(step.action), lines=step.lines),
            )
    others: Sequence[Step] = [
        *(
            Step(name=str(one.values["name"]), what="Profile", action=str(one.action), lines=one.lines)
            for one in plan.profiles
        ),
        *(
            Step(name=one.part.name, what="Quality sizes", action=str(one.action), lines=one.lines)
            for one in plan.sizes
        ),
        *(Step(name="Naming", what="Templates", action=str(one.action), lines=one.lines) for one in plan.naming),
    ]
    return (*(one for one in others if one.action != "same"), *formats.values())


def _summary(plan: settings.guides.Plan) -> str:
    counts = plan.counts
    words = (("new", "new"), ("updated", "updated"), ("kept", "kept as you changed them"), ("same", "unchanged"))
    said = [f"{counts[action]:,} {word}" for name, word in words if counts[action := settings.guides.Action(name)]]
    return ", ".join(said) or "Nothing is chosen. Choose what to import below."


@get("/settings/formats/export", sync_to_thread=True, include_in_schema=False)
def export_all(database: DatabaseDep, caller: CallerDep) -> Response[bytes]:
    """Download all formats and guides as an archive in the folders of TRaSH-Guides."""
    settings.guides.allow(caller)
    with database.reads() as session:
        content = settings.guides.export_all(session, caller)
    headers = {"content-disposition": 'attachment; filename="mydia-formats.zip"'}
    return Response(content, media_type="application/zip", headers=headers)


ROUTES: tuple[Any, ...] = (
    import_page,
    upload_guide,
    fetch_guide,
    choose_page,
    preview_guide,
    apply_guide,
    export_all,
)
