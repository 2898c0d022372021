"""Settings: custom formats, their editor, and the page to try release names."""

from __future__ import annotations

from collections.abc import Mapping
from copy import replace
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import settings
from mydia.contexts.users import Caller
from mydia.errors import Conflict, Invalid
from mydia.parsing import Modifier
from mydia.units import plural
from mydia.vocabulary import MediaType, find_member
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.fields import whole_number
from mydia.web.forms import Form
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.render import Toast, fragment, redirect

Condition = settings.formats.Condition
Kind = settings.formats.Kind

KINDS: Mapping[Kind, str] = {
    Kind.TITLE: "Release title",
    Kind.GROUP: "Release group",
    Kind.EDITION: "Edition",
    Kind.LANGUAGE: "Language",
    Kind.SOURCE: "Source",
    Kind.RESOLUTION: "Resolution",
    Kind.MODIFIER: "Quality modifier",
    Kind.RELEASE_TYPE: "Release type",
    Kind.FLAG: "Indexer flag",
    Kind.SIZE: "Size",
    Kind.YEAR: "Year",
}
_SOURCES = {
    "unknown": "Unknown", "workprint": "Workprint", "cam": "Cam", "telesync": "Telesync", "telecine": "Telecine",
    "tv": "TV", "tv_encode": "TV, not raw", "tv_raw": "TV, raw", "dvd": "DVD", "webrip": "WEBRip", "webdl": "WEB-DL",
    "bluray": "Blu-ray", "bluray_encode": "Blu-ray, not remux", "bluray_remux": "Blu-ray remux",
}  # fmt: skip
_OPTIONS: Mapping[Kind, tuple[tuple[str, str], ...]] = {
    Kind.LANGUAGE: tuple(
        (code, settings.formats.language_name(code))
        for code in (
            *settings.formats.LANGUAGES[:2],
            *sorted(settings.formats.LANGUAGES[2:], key=settings.formats.language_name),
        )
    ),
    Kind.SOURCE: tuple(_SOURCES.items()),
    Kind.RESOLUTION: (
        *((lines, f"{lines}p") for lines in ("2160", "1080", "720", "576", "540", "480", "360")),
        ("0", "Unknown"),
    ),
    Kind.MODIFIER: tuple((str(one), one.replace("_", " ").capitalize()) for one in Modifier),
    Kind.RELEASE_TYPE: tuple((str(one), one.replace("_", " ").capitalize()) for one in settings.formats.ReleaseType),
    Kind.FLAG: tuple((flag, flag.replace("_", " ").capitalize()) for flag in settings.formats.FLAGS),
}
"""Values to choose from, for the kinds that have a table."""


class ConditionRow(Struct, kw_only=True):
    """One condition in the form."""

    condition: str = ""
    """Its name."""
    kind: str = ""
    value: str = ""
    minimum: float | None = None
    maximum: float | None = None
    negate: bool = False
    required: bool = False
    excepted: bool = False


class FormatFields(Struct, kw_only=True):
    """The form of a custom format."""

    format_id: str = ""
    name: str = ""
    include_in_rename: bool = False
    conditions: tuple[ConditionRow, ...] = ()
    step: str | None = None
    """A step in the editor, such as `add` or `remove:2`, instead of saving."""


class FormatCard(msgspec.Struct, frozen=True, kw_only=True):
    """One format in the list."""

    id: str
    name: str
    conditions: str
    origin: str
    changed: bool
    stopped: str | None
    used: str


class FormatsView(msgspec.Struct, frozen=True, kw_only=True):
    """The list of formats."""

    frame: SettingsFrame
    cards: tuple[FormatCard, ...]
    total: int
    q: str


class FormatView(msgspec.Struct, frozen=True, kw_only=True):
    """The editor of one format."""

    frame: SettingsFrame
    id: str
    name: str
    include_in_rename: bool
    conditions: tuple[Condition, ...]
    stored: settings.formats.StoredFormat | None
    origin: str
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)
    kinds: tuple[tuple[str, str], ...] = tuple((str(kind), label) for kind, label in KINDS.items())
    options: Mapping[Kind, tuple[tuple[str, str], ...]] = msgspec.field(default_factory=lambda: _OPTIONS)


class FilterFields(Struct, kw_only=True):
    """The filter of the list."""

    q: str = ""


class TestFields(Struct, kw_only=True):
    """Release names to try."""

    names: str = ""
    type: MediaType = MediaType.MOVIE
    language: str = "en"


class TestView(msgspec.Struct, frozen=True, kw_only=True):
    """The page to try release names."""

    frame: SettingsFrame
    names: str
    type: MediaType
    language: str
    languages: tuple[tuple[str, str], ...]
    tried: tuple[settings.profiles.TriedName, ...]
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


_APPS = {settings.formats.App.RADARR: "Radarr", settings.formats.App.SONARR: "Sonarr"}


def _origin(stored: settings.formats.StoredFormat) -> str:
    return f"TRaSH guide for {' and '.join(_APPS[app] for app in stored.apps)}" if stored.apps else ""


@get("/settings/formats", sync_to_thread=True, include_in_schema=False)
def formats(request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[FilterFields]) -> Response[str]:
    """List the custom formats."""
    q = form.draft().q
    with database.reads() as session:
        found = settings.formats.list_editable(session, caller)
    cards = tuple(
        FormatCard(
            id=one.format.id,
            name=one.format.name,
            conditions=plural(len(one.format.conditions), "condition"),
            origin=_origin(one),
            changed=one.changed,
            stopped=one.stopped,
            used=plural(len(one.profiles), "profile") if one.profiles else "",
        )
        for one in found
        if q.casefold() in one.format.name.casefold()
    )
    view = FormatsView(frame=frame(caller, "formats"), cards=cards, total=len(found), q=q)
    return show(request, "formats.html", view)


@get("/settings/formats/new", sync_to_thread=True, include_in_schema=False)
def new_format(request: WebRequest, caller: CallerDep) -> Response[str]:
    """Show the editor with one empty condition."""
    conditions = (Condition(kind=Kind.TITLE, name=""),)
    view = FormatView(
        frame=frame(caller, "formats", "New custom format"),
        id="",
        name="",
        include_in_rename=False,
        conditions=conditions,
        stored=None,
        origin="",
    )
    return show(request, "format.html", view)


@get("/settings/formats/{format_id:str}", sync_to_thread=True, include_in_schema=False)
def format_page(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, format_id: FromPath[str]
) -> Response[str]:
    """Show the editor."""
    with database.reads() as session:
        stored = settings.formats.get_editable(session, caller, format_id)
    return show(request, "format.html", _view(caller, stored))


def _view(caller: Caller, stored: settings.formats.StoredFormat) -> FormatView:
    format = stored.format
    return FormatView(
        frame=frame(caller, "formats", format.name),
        id=format.id,
        name=format.name,
        include_in_rename=format.include_in_rename,
        conditions=format.conditions,
        stored=stored,
        origin=_origin(stored),
    )


@post("/settings/formats/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_format(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[FormatFields]) -> Response[str]:
    """Store a new format."""
    return _save(request, deps, caller, form, "")


@post("/settings/formats/{format_id:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_format(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[FormatFields], format_id: FromPath[str]
) -> Response[str]:
    """Store a changed format."""
    return _save(request, deps, caller, form, format_id)


def _save(
    request: WebRequest, deps: WebDeps, caller: Caller, form: Form[FormatFields], format_id: str
) -> Response[str]:
    draft = form.draft()
    if draft.step is not None:
        return show(request, "format.html", _draft_view(deps, caller, draft, format_id))
    try:
        with deps.database.writes() as session:
            wanted = settings.formats.FormatForm(
                name=draft.name,
                conditions=_conditions(draft.conditions),
                include_in_rename=draft.include_in_rename,
            )
            saved = settings.formats.save_format(session, caller, clock.now(), wanted, format_id=format_id or None)
    except (Invalid, Conflict) as error:
        view = replace(_draft_view(deps, caller, draft, format_id), errors=errors_of(error))
        return show(request, "format.html", view, status=422)
    return redirect(request, "/settings/formats", toast=Toast(f"{saved.format.name} saved"))


@post("/settings/formats/step", sync_to_thread=True, status_code=200, include_in_schema=False)
def step_format(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[FormatFields]) -> Response[str]:
    """Add or remove a condition, or change its type; nothing is stored."""
    draft = form.draft()
    return fragment(request, "settings/_conditions.html", _draft_view(deps, caller, draft, draft.format_id))


def _draft_view(deps: WebDeps, caller: Caller, draft: FormatFields, format_id: str) -> FormatView:
    conditions = list(_conditions(draft.conditions))
    verb, _, place = (draft.step or "").partition(":")
    at = whole_number(place)
    if verb == "add":
        conditions.append(Condition(kind=Kind.TITLE, name=""))
    elif verb == "remove" and at is not None and at < len(conditions):
        del conditions[at]
    stored = None
    if format_id:
        with deps.database.reads() as session:
            stored = settings.formats.get_editable(session, caller, format_id)
    return FormatView(
        frame=frame(caller, "formats", draft.name or "New custom format"),
        id=format_id,
        name=draft.name,
        include_in_rename=draft.include_in_rename,
        conditions=tuple(conditions),
        stored=stored,
        origin=_origin(stored) if stored else "",
    )


def _conditions(rows: tuple[ConditionRow, ...]) -> tuple[Condition, ...]:
    """Return the conditions of a form; a value that does not belong to its type is dropped."""
    found: list[Condition] = []
    for row in rows:
        kind = find_member(Kind, row.kind) or Kind.TITLE
        options = _OPTIONS.get(kind)
        value = row.value
        if options is not None and value not in {one for one, _ in options}:
            value = options[0][0]
        ranged = kind in (Kind.SIZE, Kind.YEAR)
        found.append(
            Condition(
                kind=kind,
                name=row.condition or KINDS[kind],
                value="" if ranged else value,
                negate=row.negate,
                required=row.required,
                excepted=row.excepted and kind is Kind.LANGUAGE,
                minimum=row.minimum if ranged else None,
                maximum=row.maximum if ranged else None,
            )
        )
    return tuple(found)


@post("/settings/formats/{format_id:str}/duplicate", sync_to_thread=True, status_code=200, include_in_schema=False)
def duplicate_format(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, format_id: FromPath[str]
) -> Response[str]:
    """Copy a format and open the copy."""
    with database.writes() as session:
        copy = settings.formats.duplicate_format(session, caller, clock.now(), format_id)
    return redirect(request, f"/settings/formats/{copy.format.id}", toast=Toast(f"{copy.format.name} created"))


@post("/settings/formats/{format_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_format(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, format_id: FromPath[str]
) -> Response[str]:
    """Delete a format with its scores."""
    with database.writes() as session:
        settings.formats.delete_format(session, caller, clock.now(), format_id)
    return redirect(request, "/settings/formats", toast=Toast("Custom format removed"))


@get("/settings/formats/test", sync_to_thread=True, include_in_schema=False)
def test_page(request: WebRequest, caller: CallerDep) -> Response[str]:
    """Show the page to try release names."""
    return show(request, "format_test.html", _test_view(caller, TestFields()))


@post("/settings/formats/test", sync_to_thread=True, status_code=200, include_in_schema=False)
def test_names(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[TestFields]
) -> Response[str]:
    """Show which formats match, by which conditions, and what every profile makes of each name."""
    draft = form.draft()
    try:
        with database.reads() as session:
            tried = settings.profiles.try_names(
                session,
                caller,
                draft.names.splitlines(),
                media_type=draft.type,
                original_language=draft.language or None,
            )
    except Invalid as error:
        view = replace(_test_view(caller, draft), errors=errors_of(error))
        return show(request, "format_test.html", view, status=422)
    return show(request, "format_test.html", replace(_test_view(caller, draft), tried=tuple(tried)))


def _test_view(caller: Caller, draft: TestFields) -> TestView:
    return TestView(
        frame=frame(caller, "formats", "Test release names"),
        names=draft.names,
        type=draft.type,
        language=draft.language,
        languages=(("", "Unknown"), *(one for one in _OPTIONS[Kind.LANGUAGE] if one[0] not in ("original", "unknown"))),
        tried=(),
    )


ROUTES: tuple[Any, ...] = (
    formats,
    new_format,
    test_page,
    test_names,
    step_format,
    format_page,
    add_format,
    change_format,
    duplicate_format,
    remove_format,
)
